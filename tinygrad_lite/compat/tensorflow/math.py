"""`tf.math`: elementwise functions and reductions, by TensorFlow's names. Most of them are names of `tf` too."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_lite import ops
from tinygrad_lite.compat.names import names_of, tensor, translated
from tinygrad_lite.tensor import Tensor

__all__ = ["argmax", "argmin"]


def argmax(input: Any, axis: int | None = None, output_type: Any = np.int64, name: Any = None) -> Tensor:
    """The index of the largest element along `axis`: along the first one by default, as in TensorFlow.

    Examples
    --------
    >>> argmax([[1.0, 5.0], [2.0, 3.0]]).numpy()
    array([1, 0])
    """
    return ops.cast(ops.argmax(tensor(input), axis=0 if axis is None else axis), output_type)


def argmin(input: Any, axis: int | None = None, output_type: Any = np.int64, name: Any = None) -> Tensor:
    """The index of the smallest element along `axis`: along the first one by default, as in TensorFlow.

    Examples
    --------
    >>> argmin([[1.0, 5.0], [2.0, 3.0]]).numpy()
    array([0, 1])
    """
    return ops.cast(ops.argmin(tensor(input), axis=0 if axis is None else axis), output_type)


_UNARY: dict[str, Any] = {
    name: getattr(ops, name)
    for name in (
        "abs", "acos", "acosh", "asin", "asinh", "atan", "atanh", "ceil", "cos", "cosh", "erf", "erfc", "exp", "expm1",
        "floor", "log", "log1p", "log_sigmoid", "logical_not", "negative", "reciprocal", "rint", "round", "sigmoid",
        "sign", "sin", "sinh", "softplus", "sqrt", "square", "tan", "tanh",
    )
} | {"is_finite": ops.isfinite, "is_inf": ops.isinf, "is_nan": ops.isnan}  # fmt: skip

_BINARY: dict[str, Any] = {
    name: getattr(ops, name)
    for name in (
        "add", "atan2", "divide", "equal", "greater", "greater_equal", "less", "less_equal", "logical_and",
        "logical_or", "maximum", "minimum", "mod", "multiply", "not_equal", "pow", "subtract",
    )
} | {"floordiv": ops.floor_divide, "truediv": ops.divide}  # fmt: skip

_REDUCTIONS: dict[str, Any] = {
    "reduce_all": ops.all,
    "reduce_any": ops.any,
    "reduce_logsumexp": ops.logsumexp,
    "reduce_max": ops.max,
    "reduce_mean": ops.mean,
    "reduce_min": ops.min,
    "reduce_prod": ops.prod,
    "reduce_std": ops.std,
    "reduce_sum": ops.sum,
    "reduce_variance": ops.var,
}


def _add_n(inputs: Any) -> Any:
    return sum(inputs[1:], start=ops.positive(inputs[0]))


def _cumsum(x: Any, axis: int = 0) -> Any:
    return ops.cumsum(x, axis=axis)


_NAMES: dict[str, Any] = (
    {name: translated(name, ours, "*x") for name, ours in _UNARY.items()}
    | {name: translated(name, ours, "*x *y") for name, ours in _BINARY.items()}
    | {name: translated(name, ours, "*input_tensor axis keepdims") for name, ours in _REDUCTIONS.items()}
    | {"add_n": translated("add_n", _add_n, "inputs"), "cumsum": translated("cumsum", _cumsum, "*x axis")}
)

ALSO_IN_TF = set(_NAMES) - {
    "erf", "erfc", "is_finite", "is_inf", "is_nan", "log", "log1p", "log_sigmoid", "mod", "reciprocal",
    "reduce_std", "reduce_variance", "softplus",
}  # fmt: skip

__getattr__, __dir__ = names_of(__name__, _NAMES)
