"""Random models, trained compiled and eagerly: the same histories, weights and predictions, to the last bit.

    python tests/differential.py training --seconds 60 --seed 0

Layers, activations, losses, metrics, optimizers and their settings, weights of samples and classes, validation, sizes
of batches, code of the user's own, and what a callback, an iterable of batches or a schedule changes in the course of
training are drawn from a seed, which is printed where anything differs. Exits with 1 then.
"""

import argparse
import sys
import time
import warnings

import numpy as np

import tinygrad_lite as tgl
from tinygrad_lite import nn, optim

ACTIVATIONS = ["relu", "tanh", "sigmoid", "elu", "selu", "softplus", "linear", "gelu", "silu", "leaky_relu"]
OPTIMIZERS = {
    "SGD": {"momentum": (0.0, 0.5, 0.9), "nesterov": (False, True)},
    "RMSprop": {"rho": (0.5, 0.9), "momentum": (0.0, 0.5), "centered": (False, True)},
    "Adagrad": {"initial_accumulator_value": (0.1, 0.5)},
    "Adam": {"beta_1": (0.5, 0.9), "beta_2": (0.9, 0.999), "amsgrad": (False, True)},
}
KINDS = {  # loss, activation of the last layer, metrics
    "regression": (("mean_squared_error", "mean_absolute_error", "huber"), ("linear", "tanh"), ("mae", "mse")),
    "binary": (("binary_crossentropy",), ("sigmoid",), ("accuracy", "binary_accuracy", "mse")),
    "several": (("binary_crossentropy",), ("sigmoid",), ("binary_accuracy", "mae")),
    "classes": (("sparse_categorical_crossentropy",), ("softmax",), ("accuracy", "sparse_categorical_accuracy")),
    "one-hot": (("categorical_crossentropy",), ("softmax",), ("accuracy", "categorical_accuracy", "mae")),
}


def first_dense(model):
    return next(layer for layer in model.layers if isinstance(layer, nn.Dense))


CHANGES = {  # by a callback, at some epoch or batch
    "nothing": lambda model, box: None,
    "rate": lambda model, box: [setattr(x, "rate", 0.3) for x in model.layers if isinstance(x, nn.Dropout)],
    "activation": lambda model, box: setattr(first_dense(model), "activation", tgl.tanh),
    "frozen": lambda model, box: setattr(first_dense(model), "trainable", False),
    "learning rate": lambda model, box: setattr(model.optimizer, "learning_rate", 0.001),
    "momentum": lambda model, box: [setattr(model.optimizer, name, 0.7) for name in ("momentum", "beta_1")],
    "clipping": lambda model, box: setattr(model.optimizer, "weight_decay", 0.1),
    "loss": lambda model, box: setattr(model.loss, "reduction", "sum"),
    "method": lambda model, box: setattr(model.layers[-1], "call", lambda x, call=model.layers[-1].call: call(x) * 1.0),
    "layer": lambda model, box: model._layers.insert(0, model._layers.pop(0)),
    "amsgrad": lambda model, box: [setattr(model.optimizer, name, True) for name in ("amsgrad", "centered")],
    "bias": lambda model, box: setattr(first_dense(model), "bias", None),
    "eager": lambda model, box: setattr(model, "run_eagerly", True),
    "stream": lambda model, box: [setattr(x, "stream", np.random.default_rng(1)) for x in model.layers],
    "weights": lambda model, box: model.built and model.set_weights([w * 0.5 for w in model.get_weights()]),
    "a number of the user's": lambda model, box: box.update(factor=0.25),
}


class Draw:
    """The description of a model and of its training."""

    def __init__(self, seed):
        rng = np.random.default_rng(seed)
        self.seed = seed

        def one(options):
            return options[rng.integers(len(options))]

        self.count = int(rng.integers(12, 40))
        self.shape = (3,) if rng.random() < 0.7 else (2, 3)
        self.kind = one([*KINDS])
        losses, lasts, metrics = KINDS[self.kind]
        self.loss, self.last, self.metric = one(losses), one(lasts), one(metrics)
        self.units = {"regression": one((1, 2)), "binary": 1, "several": 3, "classes": 4, "one-hot": 4}[self.kind]
        self.hidden = [(int(rng.integers(1, 9)), one(ACTIVATIONS)) for _ in range(rng.integers(1, 4))]
        self.dropout = one((0.0, 0.2, 0.5))
        self.optimizer = one([*OPTIMIZERS])
        self.settings = {name: one(values) for name, values in OPTIMIZERS[self.optimizer].items()}
        self.settings |= one(({}, {}, {"clipnorm": 0.5}, {"clipvalue": 0.1}, {"global_clipnorm": 0.5}))
        self.rate = one((0.01, 0.05))
        self.batch_size, self.epochs = int(rng.integers(3, 14)), int(rng.integers(3, 8))
        self.validation = one(("none", "split", "data", "weighted data"))
        is_labelled = self.kind in ("binary", "classes", "one-hot")
        self.weighting = one(("none", "none", "samples", "classes" if is_labelled else "samples"))
        self.weighted_metric = one((False, True))
        self.change, self.by_batches = one([*CHANGES]), one((False, True))
        self.who = one(("callback", "callback", "batches", "schedule"))
        if self.who == "schedule" and self.change == "learning rate":
            self.change = "rate"  # the rate is the schedule's
        self.at = int(rng.integers(4, 16) if self.by_batches or self.who != "callback" else rng.integers(2, 5))
        self.own = one(("none", "none", "none", "none", "layer", "layer", "loss", "metric", "activation"))
        self.x = rng.normal(size=(self.count, *self.shape)).astype(np.float32)
        label = rng.integers(0, 4, self.count)
        self.y = {
            "regression": rng.normal(size=(self.count, self.units)).astype(np.float32),
            "binary": (label % 2)[:, None].astype(np.float32),
            "several": rng.integers(0, 2, (self.count, 3)).astype(np.float32),
            "classes": label,
            "one-hot": np.eye(4, dtype=np.float32)[label],
        }[self.kind]
        self.weights = rng.uniform(0.1, 2.0, self.count).astype(np.float32)

    def fit_options(self):
        options = {"batch_size": self.batch_size, "epochs": self.epochs, "verbose": 0}
        if self.weighting == "samples":
            options["sample_weight"] = self.weights
        if self.weighting == "classes":
            options["class_weight"] = {0: 0.5, 1: 2.0, 2: 1.0, 3: 3.0}
        if self.validation == "split" and self.count >= 8:
            options["validation_split"] = 0.25
        if self.validation == "data":
            options["validation_data"] = (self.x[:5], self.y[:5])
        if self.validation == "weighted data":
            options["validation_data"] = (self.x[:5], self.y[:5], self.weights[:5])
        return options

    def compile_options(self):
        names = [self.metric]
        return {"metrics": names, "weighted_metrics": names if self.weighted_metric else None}

    def __str__(self):
        arrays = ("x", "y", "weights")
        return ", ".join(f"{name}={value!r}" for name, value in vars(self).items() if name not in arrays)


BOX = {"factor": 1.0}


class Scaled(nn.Layer):
    def call(self, x):
        return x * BOX["factor"]


class Acting:
    """Batches, before each of which `act` is called."""

    def __init__(self, draw, act):
        self.draw, self.act = draw, act

    def __iter__(self):
        for start in range(0, self.draw.count, self.draw.batch_size):
            self.act(start, {})
            part = slice(start, start + self.draw.batch_size)
            yield self.draw.x[part], self.draw.y[part]


def trained(draw, run_eagerly):
    """History, weights and predictions."""
    tgl.random.set_seed(draw.seed)
    box = BOX
    box["factor"] = 1.0
    layers = [nn.Flatten()] if len(draw.shape) > 1 else []
    for units, activation in draw.hidden:
        layers.append(nn.Dense(units, activation=activation))
        layers += [nn.Dropout(draw.dropout)] if draw.dropout else []
    if draw.own == "layer":
        layers.append(Scaled())
    if draw.own == "activation":
        layers.append(nn.Activation(lambda x: tgl.tanh(x * box["factor"])))
    model = nn.Sequential([*layers, nn.Dense(draw.units, activation=draw.last)])
    loss, options = nn.losses.get(draw.loss), draw.compile_options()
    if draw.own == "loss":
        function = loss
        loss = nn.losses.get(lambda y, p: function.call(y, p) * box["factor"])
    if draw.own == "metric":
        options["metrics"] = [*options["metrics"], lambda y, p: tgl.mean(p, axis=-1) * box["factor"]]
    optimizer = getattr(optim, draw.optimizer)(learning_rate=draw.rate, **draw.settings)
    model.compile(optimizer, loss, run_eagerly=run_eagerly, **options)
    moments = {"steps": 0}

    def act(number, logs):
        moments["steps"] += 1
        if moments["steps"] == draw.at:
            CHANGES[draw.change](model, box)

    hook = "on_train_batch_end" if draw.by_batches else "on_epoch_end"
    callbacks = [] if draw.who != "callback" else [nn.callbacks.LambdaCallback(**{hook: act})]
    data = (draw.x, draw.y)
    options = draw.fit_options()
    if draw.who == "batches":
        data = (Acting(draw, act),)
        options = {name: value for name, value in options.items() if name in ("epochs", "verbose", "validation_data")}
    if draw.who == "schedule":
        model.optimizer.learning_rate = lambda step: act(step, {}) or draw.rate
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        history = model.fit(*data, callbacks=callbacks, **options).history
        more = model.evaluate(draw.x, draw.y, verbose=0, batch_size=3)
    return history, more, model.predict(draw.x, batch_size=4, verbose=0), model.get_weights()


def differences(draw):
    """Where compiled and eager training differ, in words; nothing where they do not."""
    eager, compiled = trained(draw, True), trained(draw, False)
    if str(eager[:2]) != str(compiled[:2]):
        return f"{eager[:2]} eagerly, {compiled[:2]} compiled"
    arrays = zip([eager[2], *eager[3]], [compiled[2], *compiled[3]])
    return "" if all(np.array_equal(a, b, equal_nan=True) for a, b in arrays) else "predictions or weights differ"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    seed, failures, end = given.seed, 0, time.monotonic() + given.seconds
    while time.monotonic() < end:
        draw = Draw(seed)
        found = differences(draw)
        if found:
            failures += 1
            print(f"{draw}\n  {found}", flush=True)
        seed += 1
    print(f"training: {seed - given.seed} models from seed {given.seed}, {failures} with a difference")
    return bool(failures)


if __name__ == "__main__":
    sys.exit(main())
