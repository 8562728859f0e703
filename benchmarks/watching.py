"""The cost of checks: training with `tgl.strict`, and inside of `tgl.detect_anomalies`, against neither.

    python benchmarks/watching.py

Prints the median over the rounds of the time for the same steps, as a ratio to that without. In every round all are
timed in turn, so that a slow moment affects all. If neither is on, a step only tests twice whether `tgl.strict` is.
"""

from __future__ import annotations

import argparse
import statistics
import time
import timeit
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np

import tinygrad_lite as tgl
from tinygrad_lite import nn, optim
from tinygrad_lite.core.strict import is_strict

BATCH, STEPS = 128, 60
RNG = np.random.default_rng(0)
X = RNG.random((BATCH * STEPS, 784), dtype=np.float32)
Y = RNG.integers(0, 10, BATCH * STEPS)
WATCHED: dict[str, Callable[[], AbstractContextManager[Any]]] = {
    "nothing": nullcontext,
    "tgl.strict()": tgl.strict,
    "tgl.detect_anomalies()": tgl.detect_anomalies,
}


def model(units: int) -> nn.Sequential:
    tgl.random.set_seed(0)
    return nn.Sequential([nn.Input((784,)), nn.Dense(units, activation="relu"), nn.Dense(10)])


def fitting(units: int, run_eagerly: bool) -> Callable[[], None]:
    """Epochs of `fit`."""
    made = model(units)
    made.compile(optim.SGD(1e-3), nn.losses.SparseCategoricalCrossentropy(from_logits=True), run_eagerly=run_eagerly)
    made.fit(X, Y, BATCH, epochs=2, verbose=0)
    return lambda: made.fit(X, Y, BATCH, verbose=0)


def looping(units: int) -> Callable[[], None]:
    """As many steps of a loop written by hand."""
    made, optimizer = model(units), optim.SGD(1e-3)
    batches = [(tgl.constant(X[n : n + BATCH]), Y[n : n + BATCH]) for n in range(0, len(X), BATCH)]

    def loop() -> None:
        for x, y in batches:
            with tgl.GradientTape() as tape:
                loss = nn.losses.sparse_categorical_crossentropy(y, made(x), from_logits=True).mean()
            weights = made.trainable_variables
            optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights))

    return loop


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    asked = min(timeit.repeat(is_strict, number=100_000)) * 1e4
    print(f"Asking whether tgl.strict is on: {asked:.0f} ns")
    for units in (512, 32):
        kinds = {
            "fit": fitting(units, False),
            "fit, run_eagerly=True": fitting(units, True),
            "a loop written by hand": looping(units),
        }
        for kind, work in kinds.items():
            times: dict[str, list[float]] = {name: [] for name in WATCHED}
            for _ in range(rounds):
                for name, watched in WATCHED.items():
                    with watched():
                        begin = time.perf_counter()
                        work()
                        times[name].append(time.perf_counter() - begin)
            plain = times["nothing"]
            each = statistics.median(plain) / STEPS * 1000
            ratios = [
                f"{name} {statistics.median(t / p for t, p in zip(times[name], plain)):.2f}"
                for name in WATCHED
                if name != "nothing"
            ]
            print(f"784-{units}-10, batch {BATCH}, {kind}: {each:.2f} ms a step; {', '.join(ratios)}")


if __name__ == "__main__":
    main()
