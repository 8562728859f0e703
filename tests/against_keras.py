"""Losses, metrics and weights of random shapes, side by side with Keras.

    pip install keras jax                             # or with another of Keras's backends
    python tests/against_keras.py --cases 2000        # exits with 1 if anything differs

Labels, outputs and weights get random shapes, among them those that differ by an axis of length one at the end. Where
Keras answers, the answer here is the same number, or one of the refusals that docs/from-tensorflow.md names: an
operand would be made larger, or weights along the last axis have no axis of length one in front. Fewer axes of weights
than of losses are those of the samples here; Keras takes them for the last ones, where the lengths happen to be equal.
"""

import argparse
import os
import sys
from collections import Counter
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "jax")

import numpy as np

from tinygrad_lite import nn

LOSSES = ("mean_squared_error", "mean_absolute_error", "huber", "hinge", "binary_crossentropy", "kl_divergence")
METRICS = ("MeanSquaredError", "MeanAbsoluteError", "BinaryAccuracy", "Accuracy")
REDUCTIONS = ("sum_over_batch_size", "sum", "none")


def random_case(rng: np.random.Generator) -> dict[str, Any]:
    """Shapes of labels, outputs and weights."""
    full = tuple(int(n) for n in rng.integers(1, 4, rng.integers(1, 4)))
    y_shape, p_shape = ((*full, 1) if rng.random() < 0.4 else full for _ in range(2))
    kind = rng.choice(["none", "number", "samples", "column", "all", "broadcast", "any"])
    inner = full[:-1] if y_shape == p_shape == full else full
    w_shape = {
        "none": None,
        "number": (),
        "samples": full[:1],
        "column": (full[0], 1),
        "all": inner,
        "broadcast": tuple(int(rng.choice([1, n])) for n in inner),
        "any": tuple(int(n) for n in rng.integers(1, 4, rng.integers(0, 3))),
    }[str(kind)]
    return {"y": y_shape, "p": p_shape, "w": w_shape}


def arrays(case: dict[str, Any], rng: np.random.Generator) -> tuple[Any, Any, Any]:
    y = rng.integers(0, 2, case["y"]).astype("float32")
    p = rng.uniform(0.1, 0.9, case["p"]).astype("float32")
    w = None if case["w"] is None else rng.uniform(0.5, 2, case["w"]).astype("float32")
    return y, p, w


def outcome(call: Any, *arguments: Any) -> Any:
    """What a call answers as an array, or the error."""
    try:
        return np.asarray(call(*arguments))
    except Exception as error:
        return error


def compare(ours: Any, theirs: Any) -> str:
    """What became of one case."""
    if isinstance(theirs, Exception):
        return "both refuse" if isinstance(ours, Exception) else "answered here only"
    if isinstance(ours, ValueError) and ("same shape" in str(ours) or "one weight for each sample" in str(ours)):
        return "refused here only"
    if isinstance(ours, Exception):
        return f"ERROR {type(ours).__name__}: {ours}"
    same = ours.size == theirs.size and np.allclose(ours.ravel(), theirs.ravel(), rtol=1e-4, atol=1e-5)
    return "equal" if same else f"DIFFERS {ours} {theirs}"


def run(cases: int, seed: int) -> Counter[str]:
    import keras
    from keras.src.losses.losses import LossFunctionWrapper

    rng = np.random.default_rng(seed)
    counts: Counter[str] = Counter()
    for _ in range(cases):
        case = random_case(rng)
        y, p, w = arrays(case, rng)
        name, reduction, metric = (str(rng.choice(names)) for names in (LOSSES, REDUCTIONS, METRICS))
        ours = nn.losses.get(name)
        ours.reduction = reduction
        theirs = LossFunctionWrapper(getattr(keras.losses, name), reduction)
        pairs = {
            f"loss {name} {reduction}": (ours, theirs),
            f"metric {metric}": (getattr(nn.metrics, metric)(), getattr(keras.metrics, metric)()),
        }
        for what, (here, there) in pairs.items():
            result = compare(outcome(here, y, p, w), outcome(there, y, p, w))
            kind = result.split(" ")[0] if result.startswith(("ERROR", "DIFFERS")) else result
            if kind == "DIFFERS" and what.startswith("loss") and 0 < len(case["w"] or ()) < inner_axes(case):
                kind = "weights of samples here, of the last axis there"
            counts[kind] += 1
            if kind in ("ERROR", "DIFFERS"):
                print(what, case, result)
            elif result.endswith("here only"):
                counts[f"  {result}: {what.split()[0]} {relation(case)}"] += 1
    return counts


def inner_axes(case: dict[str, Any]) -> int:
    """The number of axes of the losses."""
    return min(len(case["y"]), len(case["p"])) - 1 if min(len(case["y"]), len(case["p"])) > 1 else 1


def relation(case: dict[str, Any]) -> str:
    """How the shapes differ, in short."""
    y, p, w = case["y"], case["p"], case["w"]
    return f"{len(y)} axes, {len(p)} axes, weights {'none' if w is None else len(w)}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--cases", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    counts = run(arguments.cases, arguments.seed)
    for kind, count in sorted(counts.items()):
        print(f"{count:6} {kind}")
    return 1 if counts["DIFFERS"] or counts["ERROR"] else 0


if __name__ == "__main__":
    sys.exit(main())
