"""Random models, trained by Keras and here from the same weights on the same batches: histories, weights, predictions.

    pip install keras torch                           # or with another of Keras's backends
    python tests/differential.py models --seconds 60 --seed 0

Each case draws layers, a loss with its options, metrics, an optimizer with all its options, weights of samples or
classes, validation data, and callbacks that act on the learning rate or stop training. It is trained for a few epochs,
compiled and, for every third case, eagerly.
"""

import argparse
import os
import sys
import time
import warnings
from collections import Counter

os.environ.setdefault("KERAS_BACKEND", "torch")  # which compiles nothing: most cases are small
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from tinygrad_lite.compat import keras as ours

ACTIVATIONS = ["relu", "tanh", "sigmoid", "elu", "selu", "gelu", "softplus", "softsign", "silu", "leaky_relu", None]


def shows_another_loss(options):
    """An epoch's loss is that of all its samples here. Keras shows a mean of the batches' sums, of weighted means,
    or of means of the samples whose class counts, each batch by its number of samples."""
    return options["reduction"] in ("sum", "mean_with_sample_weight") or options.get("ignore_class") is not None


def draw(rng):
    """A case as plain data, so that it can be printed and made by both packages."""
    choice = lambda *options: options[int(rng.integers(len(options)))]
    flag = lambda share=0.5: bool(rng.random() < share)
    kind = choice("regression", "binary", "sparse", "categorical")
    outputs = {"regression": int(rng.integers(1, 4)), "binary": int(rng.integers(1, 3))}.get(
        kind, int(rng.integers(2, 5))
    )
    hidden = [(int(rng.integers(1, 6)), choice(*ACTIVATIONS), flag(0.8)) for _ in range(int(rng.integers(0, 3)))]
    logits = flag()
    loss, options, head = {
        "regression": lambda: (choice("MeanSquaredError", "MeanAbsoluteError", "Huber"), {}, None),
        "binary": lambda: ("BinaryCrossentropy", {"from_logits": logits, "label_smoothing": choice(0.0, 0.1)},
                           None if logits else "sigmoid"),
        "sparse": lambda: ("SparseCategoricalCrossentropy",
                           {"from_logits": logits, "ignore_class": choice(None, None, 0)},
                           None if logits else "softmax"),
        "categorical": lambda: ("CategoricalCrossentropy", {"from_logits": logits, "label_smoothing": choice(0.0, 0.1)},
                                None if logits else "softmax"),
    }[kind]()  # fmt: skip
    if loss == "Huber":
        options["delta"] = choice(0.5, 1.0, 2.0)
    options["reduction"] = choice("sum_over_batch_size", "sum_over_batch_size", "sum", "mean_with_sample_weight")
    optimizers = {
        "SGD": lambda: {"momentum": choice(0.0, 0.9), "nesterov": flag()},
        "RMSprop": lambda: {"rho": choice(0.9, 0.5), "momentum": choice(0.0, 0.5), "epsilon": choice(1e-7, 1e-3),
                            "centered": flag()},
        "Adagrad": lambda: {"initial_accumulator_value": choice(0.1, 0.5), "epsilon": choice(1e-7, 1e-3)},
        "Adam": lambda: {"beta_1": choice(0.9, 0.5), "beta_2": choice(0.999, 0.9), "epsilon": choice(1e-7, 1e-3),
                         "amsgrad": flag()},
    }  # fmt: skip
    name = choice(*optimizers)
    settings = {"learning_rate": choice(0.01, 0.05), **optimizers[name]()}
    if settings.get("nesterov") and not settings["momentum"]:
        settings["nesterov"] = False
    if flag(0.3):
        settings["weight_decay"] = choice(0.01, 0.1)
    if flag(0.4):
        settings[choice("clipnorm", "clipvalue", "global_clipnorm")] = choice(0.1, 1.0)
    metrics = {
        "regression": ["mean_squared_error", "mean_absolute_error"], "binary": ["accuracy", "binary_accuracy"],
        "sparse": ["accuracy", "sparse_categorical_accuracy"], "categorical": ["accuracy", "categorical_accuracy"],
    }[kind]  # fmt: skip
    if kind == "binary" and logits:
        metrics = []  # a documented difference: the threshold of logits
    # Under PyTorch, Keras multiplies the weights that its metrics read by the mask of the ignored class, in place.
    weighs = options.get("ignore_class") is None
    shows_the_same_loss = not shows_another_loss(options)
    return {
        "kind": kind, "features": int(rng.integers(1, 5)), "outputs": outputs, "hidden": hidden, "head": head,
        "flatten": flag(0.3), "loss": (loss, options), "optimizer": (name, settings),
        "metrics": [m for m in metrics if flag()], "weighted": [m for m in metrics if flag(0.3) and weighs],
        "samples": int(rng.integers(4, 20)), "batch_size": int(rng.integers(1, 8)), "epochs": int(rng.integers(1, 4)),
        "weights": choice(None, None, "sample", "class" if kind == "sparse" else None),
        "validation": choice(None, "split", "data", "weighted"),
        "callback": choice(None, None, "schedule", *(["plateau", "stop"] if shows_the_same_loss else [])),
    }  # fmt: skip


def data(case, rng):
    n, features, outputs = case["samples"], case["features"], case["outputs"]
    shape = (n, features, 2) if case["flatten"] else (n, features)
    x = rng.normal(size=shape).astype("float32")
    labels = rng.integers(0, outputs, n)
    y = {
        "regression": lambda: rng.normal(size=(n, outputs)).astype("float32"),
        "binary": lambda: rng.integers(0, 2, (n, outputs)).astype("float32"),
        "sparse": lambda: labels,
        "categorical": lambda: np.eye(outputs, dtype="float32")[labels],
    }[case["kind"]]()
    return x, y, rng.uniform(0.2, 2, n).astype("float32")


def trained(keras, case, weights, arrays, eagerly):
    """History, evaluation, weights and predictions."""
    x, y, w = arrays
    layers = [keras.Input(x.shape[1:])] + ([keras.layers.Flatten()] if case["flatten"] else [])
    layers += [keras.layers.Dense(n, activation=a, use_bias=bias) for n, a, bias in case["hidden"]]
    layers += [keras.layers.Dense(case["outputs"], activation=case["head"])]
    model = keras.Sequential(layers)
    if weights is not None:
        model.set_weights(weights)
    loss, options = case["loss"]
    name, settings = case["optimizer"]
    loss = getattr(keras.losses, loss)(**options)
    optimizer = getattr(keras.optimizers, name)(**settings)
    model.compile(
        optimizer, loss, metrics=list(case["metrics"]), weighted_metrics=list(case["weighted"]), run_eagerly=eagerly
    )
    start = [np.array(v) for v in model.get_weights()]
    half = len(x) // 2
    fitting = {"validation_split": 0.3} if case["validation"] == "split" else {}
    if case["validation"] == "data":
        fitting["validation_data"] = (x[half:], y[half:])
    if case["validation"] == "weighted":
        fitting["validation_data"] = (x[half:], y[half:], w[half:])
    if case["weights"] == "sample":
        fitting["sample_weight"] = w
    if case["weights"] == "class":
        fitting["class_weight"] = {c: float(c + 1) for c in range(case["outputs"])}
    callbacks = {
        None: lambda: [],
        "schedule": lambda: [keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.5)],
        "plateau": lambda: [keras.callbacks.ReduceLROnPlateau("loss", 0.5, 0, min_delta=0.5)],
        "stop": lambda: [keras.callbacks.EarlyStopping("loss", 0.05, 0, restore_best_weights=True)],
    }[case["callback"]]()
    history = model.fit(x, y, batch_size=case["batch_size"], epochs=case["epochs"], shuffle=False, verbose=0,
                        callbacks=callbacks, **fitting).history  # fmt: skip
    evaluation = model.evaluate(x, y, batch_size=case["batch_size"], verbose=0, return_dict=True)
    result = {f"history of {key}": np.array(values) for key, values in history.items()}
    result |= {f"evaluated {key}": np.array(value) for key, value in evaluation.items()}
    result |= {f"weight {n}": np.array(v) for n, v in enumerate(model.get_weights())}
    if shows_another_loss(options):
        result = {name: value for name, value in result.items() if not name.endswith("loss")}
    result["predictions"] = np.asarray(model.predict(x, batch_size=case["batch_size"], verbose=0))
    return start, result


def differences(mine, theirs):
    """What differs by more than float32 explains; discontinuous metrics may differ by a sample at a threshold."""
    for name in theirs:
        if name not in mine:
            yield f"{name}: missing, there are {sorted(mine)}"
        elif mine[name].shape != theirs[name].shape:
            yield f"{name}: shape {mine[name].shape} instead of {theirs[name].shape}"
        elif not np.allclose(mine[name], theirs[name], rtol=2e-3, atol=2e-4, equal_nan=True):
            yield f"{name}: {mine[name].tolist()} instead of {theirs[name].tolist()}"
    yield from (f"{name}: only here" for name in mine if name not in theirs)


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(argv)
    import keras as theirs

    warnings.simplefilter("ignore")
    end, seed, counts = time.monotonic() + options.seconds, options.seed, Counter()
    while time.monotonic() < end:
        seed += 1
        rng = np.random.default_rng(seed)
        case = draw(rng)
        arrays = data(case, rng)
        start, other = trained(theirs, case, None, arrays, False)
        if not all(np.isfinite(value).all() for value in other.values()):
            counts["not finite in Keras"] += 1
            continue
        try:
            found = list(differences(trained(ours, case, start, arrays, seed % 3 == 0)[1], other))
        except Exception as error:
            found = [f"{type(error).__name__}: {error}"]
        counts["differ" if found else "agree"] += 1
        if found:
            counts[found[0].split(":")[0]] += 1
            print(f"seed {seed}: {case}\n    " + "\n    ".join(found[:4]), flush=True)
    print(dict(counts))
    return 1 if counts["differ"] else 0


if __name__ == "__main__":
    sys.exit(main())
