"""`keras.activations`: with Keras's arguments by position too."""

from __future__ import annotations

from typing import Any

from tinygrad_lite import ops
from tinygrad_lite.compat.names import names_of, tensor, translated
from tinygrad_lite.core.tensor import Tensor, TensorLike, to_tensor
from tinygrad_lite.nn.activations import BY_NAME, get, linear

__all__ = ["get", "linear", "relu"]


def relu(x: TensorLike, negative_slope: float = 0.0, max_value: float | None = None, threshold: float = 0.0) -> Tensor:
    """The rectifier: x above `threshold`, else negative_slope · (x - threshold); at most `max_value`.

    Examples
    --------
    >>> relu([-2.0, 3.0, 9.0], negative_slope=0.5, max_value=6.0).tolist()
    [-1.0, 3.0, 6.0]
    """
    x = to_tensor(tensor(x))
    if negative_slope or threshold or max_value is not None:
        x = _floating(x)
    if negative_slope and not threshold and max_value is None:
        return ops.leaky_relu(x, negative_slope=negative_slope)
    y = ops.where(x > threshold, x, 0) if threshold else ops.relu(x)
    if max_value is not None:
        is_relu6 = max_value == 6 and not threshold  # whose gradient at 6 is 0, in Keras too
        y = ops.where(y >= 6, 6, y) if is_relu6 else ops.minimum(y, max_value)
    return y - negative_slope * ops.relu(threshold - x) if negative_slope else y


def _floating(x: TensorLike) -> Tensor:
    """Integers as float32, which Keras computes in."""
    x = to_tensor(tensor(x))
    return x if x.dtype.kind == "f" else ops.cast(x, "float32")


def _activation(name: str) -> Any:
    native = BY_NAME[name]
    options = _OPTIONS.get(name, "~")
    call = translated(f"keras.activations.{name}", lambda x, **given: native(_floating(x), **given), f"*x {options}")
    call.native = native  # type: ignore[attr-defined]
    call.__doc__ = native.__doc__
    return call


relu.native = ops.relu  # type: ignore[attr-defined]

_OPTIONS = {
    "elu": "alpha=1.0 ~",
    "gelu": "approximate=False ~",
    "leaky_relu": "negative_slope=0.2 ~",
    "log_softmax": "axis=-1 ~",
    "softmax": "axis=-1 ~",
}

_NAMES: dict[str, Any] = {name: _activation(name) for name in BY_NAME if name not in __all__}

__getattr__, __dir__ = names_of(__name__, _NAMES)
