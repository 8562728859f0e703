"""`keras.losses`: what training makes small."""

from tinygrad_lite.compat.names import names_of, public
from tinygrad_lite.nn import losses

_SHORT = {
    "mse": "mean_squared_error", "MSE": "mean_squared_error", "mae": "mean_absolute_error",
    "MAE": "mean_absolute_error",
}  # fmt: skip

__getattr__, __dir__ = names_of(
    __name__, public(losses) | {short: getattr(losses, name) for short, name in _SHORT.items()}
)
