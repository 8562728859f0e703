"""Keras's names: `from tinygrad_lite.compat import keras`.

>>> from tinygrad_lite.compat import keras
>>> model = keras.Sequential([keras.layers.Dense(10, activation="softmax", input_shape=(784,))])
>>> model.compile(optimizer=keras.optimizers.RMSprop(learning_rate=1e-3), loss="categorical_crossentropy")
>>> model.count_params()
7850
"""

import random as _random
from typing import Any as _Any

import numpy as _np

from tinygrad_lite import datasets as _datasets
from tinygrad_lite import nn as _nn
from tinygrad_lite import optim as _optim
from tinygrad_lite.compat.keras import activations as activations
from tinygrad_lite.compat.keras import layers as layers
from tinygrad_lite.compat.names import made_of, names_of, public
from tinygrad_lite.nn import Input, Model, Sequential
from tinygrad_lite.random import streams as _streams

__all__ = [
    "Input", "Model", "Sequential", "activations", "callbacks", "datasets", "initializers", "layers", "losses",
    "metrics", "models", "optimizers", "utils",
]  # fmt: skip

_losses = public(_nn.losses)
_SHORT = {"mse": "mean_squared_error", "mae": "mean_absolute_error"}
_METRICS = (
    "binary_crossentropy", "categorical_crossentropy", "mean_absolute_error", "mean_squared_error",
    "sparse_categorical_crossentropy",
)  # fmt: skip

callbacks = made_of(public(_nn.callbacks), __name__, "callbacks")
datasets = made_of({"mnist": _datasets.mnist, "synthetic_digits": _datasets.synthetic_digits}, __name__, "datasets")
initializers = made_of(public(_nn.initializers), __name__, "initializers")
losses = made_of(
    _losses | {key: _losses[name] for short, name in _SHORT.items() for key in (short, short.upper())},
    __name__, "losses",
)  # fmt: skip
metrics = made_of(public(_nn.metrics) | {name: _losses[name] for name in _METRICS}, __name__, "metrics")


def _load_model(filepath: _Any, custom_objects: _Any = None, compile: bool = True, safe_mode: bool = True) -> _Any:
    """A model that `model.save` wrote: see `tinygrad_lite.nn.load_model`. Nothing in a file can run, in any mode."""
    return _nn.load_model(filepath, custom_objects, compile)


models = made_of({"Model": Model, "Sequential": Sequential, "load_model": _load_model}, __name__, "models")


def _set_random_seed(seed: int) -> None:
    """Seed the random numbers of Python, NumPy and this package from `seed`, as Keras does."""
    _random.seed(seed)
    _np.random.seed(seed)  # noqa: NPY002, for those who still draw from it
    _streams.set_seed(seed)


utils = made_of({"set_random_seed": _set_random_seed, "to_categorical": _datasets.to_categorical}, __name__, "utils")
optimizers = made_of(public(_optim), __name__, "optimizers")

_HINTS = {
    "backend": "the functions of tinygrad_lite",
    "ops": "the functions of tinygrad_lite",
    "preprocessing": "NumPy",
    "regularizers": "a term of your own in the loss, tf.reduce_sum(tf.square(w)) for one",
}

__getattr__, __dir__ = names_of(__name__, {}, _HINTS)
