"""`keras.metrics`: what is counted beside the loss."""

from tinygrad_lite.compat.names import names_of, public
from tinygrad_lite.nn import losses, metrics

_LOSSES = (
    "binary_crossentropy", "categorical_crossentropy", "mean_absolute_error", "mean_squared_error",
    "sparse_categorical_crossentropy",
)  # fmt: skip

__getattr__, __dir__ = names_of(__name__, public(metrics) | {name: getattr(losses, name) for name in _LOSSES})
