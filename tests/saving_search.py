"""Random models, random changes of what they hold, saved and loaded: the same afterwards, or refused.

    python tests/saving_search.py --cases 2000     # exits with 1 if anything is lost in silence

A case makes a model, of layers of the package and of a user's own, with and without `get_config`; changes up to three
of its attributes, trains a little, and saves it. Then one of two things must be true: the loaded model makes the same
predictions, and its next three steps of training have the same losses and weights (or the same error); or the change,
or the saving, raised a ValueError or TypeError that says what was received.
"""

import argparse
import sys
import tempfile
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

import tinygrad_lite as tgl
from tinygrad_lite import nn, optim
from tinygrad_lite.nn.layers.search import parts

X = np.random.default_rng(0).normal(size=(24, 4)).astype("float32")
Y = np.random.default_rng(1).integers(0, 3, 24)

# What users write ---------------------------------------------------------------------------------------------


@nn.register(name="search-scale")
class Scale(nn.Layer):
    """An argument with a default, and no get_config."""

    def __init__(self, factor=2.0):
        super().__init__()
        self.factor = factor

    def call(self, x):
        return x * self.factor


@nn.register(name="search-private")
class Private(nn.Layer):
    """Keeps its argument under another name."""

    def __init__(self, factor=2.0, **kwargs):
        super().__init__(**kwargs)
        self._times = tgl.constant([factor, factor, factor])

    def call(self, x):
        return x * self._times[0]


@nn.register(name="search-closure")
class Closure(nn.Layer):
    """Keeps its argument in a function."""

    def __init__(self, factor=2.0, **kwargs):
        super().__init__(**kwargs)
        self.apply = lambda x: x * factor

    def call(self, x):
        return self.apply(x)


@nn.register(name="search-block")
class Block(nn.Layer):
    """Its argument decides how many weights there are."""

    def __init__(self, units=4, depth=1, **kwargs):
        super().__init__(**kwargs)
        self.blocks = [nn.Dense(units, "tanh") for _ in range(depth)]

    def call(self, x):
        for block in self.blocks:
            x = block(x)
        return x


@nn.register(name="search-told")
class Told(Block):
    """The same with get_config."""

    def __init__(self, units=4, depth=1, **kwargs):
        super().__init__(units, depth, **kwargs)
        self.arguments = {"units": units, "depth": depth}

    def get_config(self):
        return super().get_config() | self.arguments


@nn.register(name="search-free")
class Free(nn.Layer):
    """A Variable that add_weight did not make, and a number that every step of training changes."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.shift = tgl.Variable([0.5], name="shift")
        self.calls = 0

    def call(self, x, training=False):
        if training:
            self.calls += 1
        return x + self.shift * (1.0 + self.calls)


@nn.register(name="search-init")
class Init(nn.initializers.Initializer):
    def __init__(self, size=0.1):
        super().__init__()
        self.size = size

    def draw(self, shape, generator):
        return self.size * generator.normal(size=shape)


@nn.register(name="search-schedule")
class Schedule(optim.schedules.LearningRateSchedule):
    def __init__(self, start=0.1, power=0.9):
        self.start, self._power = start, power
        self.power = power

    def __call__(self, step):
        return self.start * self._power**step


@nn.register(name="search-hidden-schedule")
class HiddenSchedule(optim.schedules.LearningRateSchedule):
    """Whose get_config does not find the argument."""

    def __init__(self, start=0.1):
        self._start = start

    def __call__(self, step):
        return self._start


@nn.register(name="search-loss")
class Loss(nn.losses.Loss):
    def __init__(self, weight=1.0, **kwargs):
        super().__init__(**kwargs)
        self.weight = weight

    def call(self, y_true, y_pred):
        return self.weight * nn.losses.sparse_categorical_crossentropy(y_true, y_pred, from_logits=True)


@nn.register(name="search-optimizer")
class Sign(optim.Optimizer):
    def __init__(self, learning_rate=0.01, scale=1.0, name="sign"):
        super().__init__(learning_rate, name)
        self.scale = scale

    def update(self, w, g, slots, scratch, learning_rate, step):
        np.sign(g, out=scratch)
        scratch *= learning_rate * self.scale
        w -= scratch


@nn.register(name="search-metric")
class Metric(nn.metrics.Metric):
    def __init__(self, times=1.0, name="own"):
        super().__init__(name)
        self.times, self.sum = times, 0.0

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.sum += self.times * float(np.mean(np.asarray(y_pred)))

    def result(self):
        return tgl.constant(self.sum)

    def reset_state(self):
        self.sum = 0.0


@nn.register(name="search-model")
class Own(nn.Model):
    def __init__(self, units=5, rate=0.2, residual=False, **kwargs):
        super().__init__(**kwargs)
        self.inner, self.drop = nn.Dense(units, "relu"), nn.Dropout(rate)
        self.square = nn.Dense(units, "tanh")
        self.head = nn.Dense(3)
        self.residual = residual

    def call(self, x):
        x = self.drop(self.inner(x))
        x = x + self.square(x) if self.residual else self.square(x)
        return self.head(x)


# Random cases -------------------------------------------------------------------------------------------------


def random_layer(rng):
    factor = float(rng.choice([2.0, 3.0, -1.0]))
    return [
        lambda: nn.Dense(4, str(rng.choice(["relu", "tanh", "linear"])), use_bias=bool(rng.integers(2))),
        lambda: nn.Dense(4, kernel_initializer=Init(float(rng.choice([0.1, 0.5])))),
        lambda: nn.Dense(4, dtype=str(rng.choice(["float32", "float64"]))),
        lambda: nn.Dropout(0.3, seed=None if rng.integers(2) else 3),
        lambda: nn.Activation("sigmoid"),
        lambda: Scale(factor),
        lambda: Private(factor),
        lambda: Closure(factor),
        lambda: Block(4, int(rng.integers(1, 3))),
        lambda: Told(4, int(rng.integers(1, 3))),
        lambda: Free(),
        lambda: nn.Sequential([nn.Dense(4), nn.Dropout(0.1)]),
    ][rng.integers(12)]()


def random_optimizer(rng):
    rate = [0.01, optim.schedules.ExponentialDecay(0.1, 5, 0.5), Schedule(0.1, float(rng.choice([0.9, 0.5])))]
    rate = [*rate, HiddenSchedule(float(rng.choice([0.1, 0.2])))][rng.integers(4)]
    return [
        lambda: optim.SGD(rate),
        lambda: optim.SGD(rate, momentum=0.9, nesterov=True),
        lambda: optim.RMSProp(rate, centered=bool(rng.integers(2))),
        lambda: optim.Adagrad(rate),
        lambda: optim.Adam(rate, amsgrad=bool(rng.integers(2)), clipnorm=1.0),
        lambda: Sign(0.01, float(rng.choice([1.0, 2.0]))),
    ][rng.integers(6)]()


def random_model(rng):
    if rng.random() < 0.3:
        return Own(int(rng.choice([5, 6])), float(rng.choice([0.2, 0.5])), bool(rng.integers(2)))
    layers = [random_layer(rng) for _ in range(rng.integers(1, 4))]
    return nn.Sequential([*([nn.Input((4,))] if rng.random() < 0.3 else []), *layers, nn.Dense(3)])


def all_layers(model):
    found = [model]
    for layer in found:
        found.extend(x for x in parts(layer)[1] if x not in found)
    return found


def changes(model, rng):
    """Things that one does to a model later, by name."""
    layers = all_layers(model)
    layer = layers[rng.integers(len(layers))]
    dense = [x for x in layers if isinstance(x, nn.Dense)]
    one = dense[rng.integers(len(dense))] if dense else nn.Dense(1)
    drop = next((x for x in layers if isinstance(x, nn.Dropout)), None)
    optimizer, loss = model.optimizer, model.loss
    number = float(rng.choice([0.0, 0.05, 0.5, 1.0, 2.0]))

    def set_(owner, name, value):
        return lambda: owner is not None and setattr(owner, name, value)

    return {
        "layer.trainable": set_(layer, "trainable", bool(rng.integers(2))),
        "kernel.trainable": lambda: one.built and setattr(one.kernel, "trainable", False),
        "kernel.name": lambda: one.built and setattr(one.kernel, "name", "renamed"),
        "layer.name": set_(layer, "name", str(rng.choice(["mine", "dense", "dense_1"]))),
        "layer.dtype": set_(one, "dtype", "float64"),
        "activation": set_(one, "activation", [None, "relu", "sigmoid"][rng.integers(3)]),
        "use_bias": set_(one, "use_bias", not one.use_bias),
        "units": set_(one, "units", 7),
        "rate": set_(drop, "rate", number),
        "drop.seed": set_(drop, "seed", 5),
        "stream": set_(layer, "stream", np.random.default_rng(7)),
        "other stream": set_(layer, "stream", np.random.Generator(np.random.MT19937(3))),
        "shared stream": set_(layer, "stream", one.stream),
        "factor": set_(next((x for x in layers if isinstance(x, Scale)), None), "factor", number),
        "note": set_(layer, "note", ["text", (1, 2), {"a": np.arange(3)}, tgl.constant([1.0])][rng.integers(4)]),
        "odd note": set_(layer, "note", [object(), {1: 2}, {3, 4}, lambda: 0][rng.integers(4)]),
        "call": set_(one, "call", lambda x: one.activation(x @ one.kernel * 2.0) if one.built else x),
        "learning_rate": set_(optimizer, "learning_rate", number),
        "assigned rate": lambda: hasattr(optimizer.learning_rate, "assign") and optimizer.learning_rate.assign(number),
        "schedule": set_(optimizer, "learning_rate", optim.schedules.CosineDecay(0.1, 20)),
        "unknown rate": set_(optimizer, "learning_rate", lambda step: 0.01),
        "clipnorm": set_(optimizer, "clipnorm", number or None),
        "clipvalue": set_(optimizer, "clipvalue", number or None),
        "weight_decay": set_(optimizer, "weight_decay", number),
        "momentum": set_(optimizer, "momentum", number),
        "beta_1": set_(optimizer, "beta_1", number),
        "amsgrad": set_(optimizer, "amsgrad", True),
        "centered": set_(optimizer, "centered", True),
        "epsilon": set_(optimizer, "epsilon", number),
        "iterations": lambda: optimizer.iterations.assign(100),
        "optimizer.name": set_(optimizer, "name", "other"),
        "optimizer.note": set_(optimizer, "scale", number),
        "reduction": set_(loss, "reduction", str(rng.choice(["sum", "mean"]))),
        "loss.weight": set_(loss, "weight", number),
        "loss.options": lambda: isinstance(getattr(loss, "options", None), dict) and loss.options.update(axis=-1),
        "run_eagerly": set_(model, "run_eagerly", True),
        "head": lambda: swap_head(model),
        "pop": lambda: isinstance(model, nn.Sequential) and len(model.layers) > 1 and model.pop(),
        "add": lambda: isinstance(model, nn.Sequential) and model.add(nn.Dense(3)),
        "residual": lambda: isinstance(model, Own) and setattr(model, "residual", not model.residual),
        "tied": lambda: isinstance(model, Own) and setattr(model, "square", model.inner),
        "initializer": set_(one, "kernel_initializer", ["ones", Init(0.7)][rng.integers(2)]),
    }


def swap_head(model):
    if isinstance(model, Own):
        model.head = nn.Dense(3, name="new_head")
    elif len(model.layers) > 1:
        model.pop()
        model.add(nn.Dense(3, name="new_head"))


def outcome(f):
    try:
        return f()
    except Exception as error:
        return f"{type(error).__name__}"


def future(model):
    return future_of(model, X, Y)


def future_of(model, x, y):
    """What becomes of a model: its predictions, three steps of training, and the weights after them."""
    predictions = outcome(lambda: model.predict(x, verbose=0).tobytes())
    steps = [outcome(lambda: np.ravel(model.train_on_batch(x, y)).tolist()) for _ in range(3)]
    weights = [weight.numpy().tobytes() for layer in all_layers(model) for weight in parts(layer)[0]]
    rate = outcome(lambda: float(model.optimizer.learning_rate))
    return {"predictions": predictions, "steps": repr(steps), "weights": weights, "learning rate": rate}


def run_case(seed: int, folder: Path) -> tuple[str, str]:
    """What became of a case, and what it was."""
    rng = np.random.default_rng(seed)
    tgl.random.set_seed(seed)
    model = random_model(rng)
    loss = [Loss(float(rng.choice([1.0, 2.0]))), nn.losses.SparseCategoricalCrossentropy(from_logits=True)]
    metrics = [Metric(float(rng.choice([1.0, 2.0])))] if rng.random() < 0.3 else ["accuracy"]
    model.compile(random_optimizer(rng), loss[rng.integers(2)], metrics=metrics)
    if rng.random() < 0.8:
        model.fit(X, Y, 12, epochs=2, verbose=0)
    done = []
    for _ in range(rng.integers(0, 4)):
        table = changes(model, rng)
        name = str(rng.choice(list(table)))
        done.append(name)
        try:
            table[name]()
        except (ValueError, TypeError) as error:
            return _refusal(error, "refused when set"), f"seed {seed}: {done}: {error}"
        if rng.random() < 0.3:
            outcome(lambda: model.fit(X, Y, 12, verbose=0))
    what = f"seed {seed}: {[type(layer).__name__ for layer in all_layers(model)]}, {done}"
    path = folder / "model.tgl"
    try:
        model.save(path)
    except (ValueError, TypeError) as error:
        return _refusal(error, "refused when saved"), f"{what}: {error}"
    except Exception as error:
        return "SAVE RAISED", f"{what}: {type(error).__name__}: {error}"
    try:
        loaded = nn.load_model(path)
    except Exception as error:
        return "CANNOT BE LOADED", f"{what}: {error}"
    was, now = future(model), future(loaded)
    lost = [key for key in was if was[key] != now[key]]
    return ("LOST", f"{what}: {lost}") if lost else ("same", what)


def _refusal(error: Exception, kind: str) -> str:
    return kind if "Received" in str(error) else "UNCLEAR"


def run(seeds: Any) -> tuple[Counter[str], list[str]]:
    counts: Counter[str] = Counter()
    wrong = []
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for seed in seeds:
            kind, what = run_case(seed, Path(folder))
            counts[kind] += 1
            if kind.isupper():
                wrong.append(f"{kind}: {what}")
    return counts, wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--cases", type=int, default=500)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    arguments = parser.parse_args()
    counts, wrong = run(range(arguments.first, arguments.first + arguments.cases))
    print("\n".join(wrong))
    for kind, count in sorted(counts.items()):
        print(f"{count:6} {kind}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
