"""`tf.math`: elementwise functions and reductions, by TensorFlow's names. Most of them are names of `tf` too."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tinygrad_lite import ops
from tinygrad_lite.compat.names import axes, names_of, tensor, translated
from tinygrad_lite.core.tensor import Tensor, TensorLike, to_tensor
from tinygrad_lite.utils.types import DTypeLike

__all__ = ["argmax", "argmin", "cumprod", "cumsum"]


def argmax(
    input: TensorLike, axis: int | None = None, output_type: DTypeLike | None = np.int64, name: str | None = None
) -> Tensor:
    """The index of the largest element along `axis`: along the first one by default, as in TensorFlow.

    Examples
    --------
    >>> argmax([[1.0, 5.0], [2.0, 3.0]]).numpy()
    array([1, 0])
    """
    return ops.cast(ops.argmax(tensor(input), axis=0 if axis is None else axes(axis)), output_type)


def argmin(
    input: TensorLike, axis: int | None = None, output_type: DTypeLike | None = np.int64, name: str | None = None
) -> Tensor:
    """The index of the smallest element along `axis`: along the first one by default, as in TensorFlow.

    Examples
    --------
    >>> argmin([[1.0, 5.0], [2.0, 3.0]]).numpy()
    array([0, 1])
    """
    return ops.cast(ops.argmin(tensor(input), axis=0 if axis is None else axes(axis)), output_type)


def _divide(x: TensorLike, y: TensorLike) -> Tensor:
    """The quotient; of short integers in float32, where NumPy's is in float16 or float64."""
    kinds = [value.dtype for value in (x, y) if isinstance(value, Tensor)]
    if kinds and all(kind.kind in "iu" and kind.itemsize <= 2 for kind in kinds):
        x = ops.cast(x, np.float32)
    return ops.divide(x, y)


def _of_own_dtype(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """A sum or product of integers that stays in their dtype, where NumPy's is in int64."""

    def reduction(x: TensorLike, **options: Any) -> Tensor:
        x = to_tensor(x)
        return function(x, dtype=x.dtype if x.dtype.kind in "iu" else None, **options)

    reduction.__name__, reduction.__doc__ = function.__name__, function.__doc__
    return reduction


_UNARY: dict[str, Any] = {
    name: getattr(ops, name)
    for name in (
        "abs", "acos", "acosh", "asin", "asinh", "atan", "atanh", "ceil", "cos", "cosh", "erf", "erfc", "exp", "expm1",
        "floor", "log", "log1p", "log_sigmoid", "logical_not", "negative", "reciprocal", "rint", "round", "sigmoid",
        "sign", "sin", "sinh", "sqrt", "square", "tan", "tanh",
    )
} | {"is_finite": ops.isfinite, "is_inf": ops.isinf, "is_nan": ops.isnan}  # fmt: skip

_BINARY: dict[str, Any] = {
    name: getattr(ops, name)
    for name in (
        "add", "equal", "greater", "greater_equal", "less", "less_equal", "logical_and",
        "logical_or", "maximum", "minimum", "mod", "multiply", "not_equal", "pow", "subtract",
    )
} | {"divide": _divide, "floordiv": ops.floor_divide, "truediv": _divide}  # fmt: skip

_REDUCTIONS: dict[str, Any] = {
    "reduce_all": ops.all,
    "reduce_any": ops.any,
    "reduce_logsumexp": ops.logsumexp,
    "reduce_max": ops.max,
    "reduce_mean": ops.mean,
    "reduce_min": ops.min,
    "reduce_prod": _of_own_dtype(ops.prod),
    "reduce_std": ops.std,
    "reduce_sum": _of_own_dtype(ops.sum),
    "reduce_variance": ops.var,
}


def _add_n(inputs: Sequence[Tensor]) -> Tensor:
    return sum(inputs[1:], start=ops.positive(inputs[0]))


def _scan(
    function: Callable[..., Tensor], neutral: float, x: TensorLike, axis: int, exclusive: bool, reverse: bool
) -> Tensor:
    x, axis = to_tensor(tensor(x)), axes(axis)
    x = ops.flip(x, axis=axis) if reverse else x
    if exclusive:  # the element itself is left out: begin with the neutral one, and leave out the last
        rest = (slice(None),) * (axis % x.ndim)
        start = ops.full_like(x[(*rest, slice(0, 1))], neutral)
        x = ops.concatenate([start, x[(*rest, slice(0, -1))]], axis=axis) if x.shape[axis] else x
    y = ops.cast(function(x, axis=axis), x.dtype)
    return ops.flip(y, axis=axis) if reverse else y


def cumsum(
    x: TensorLike, axis: int = 0, exclusive: bool = False, reverse: bool = False, name: str | None = None
) -> Tensor:
    """Sums of all elements up to each one along `axis`; with `exclusive` without itself, with `reverse` from the end.

    Examples
    --------
    >>> cumsum([1.0, 2.0, 3.0], exclusive=True).tolist(), cumsum([1.0, 2.0, 3.0], reverse=True).tolist()
    ([0.0, 1.0, 3.0], [6.0, 5.0, 3.0])
    """
    return _scan(ops.cumsum, 0, x, axis, exclusive, reverse)


def cumprod(
    x: TensorLike, axis: int = 0, exclusive: bool = False, reverse: bool = False, name: str | None = None
) -> Tensor:
    """Products of all elements up to each one along `axis`: see `cumsum`.

    Examples
    --------
    >>> cumprod([2.0, 3.0, 4.0], exclusive=True).tolist()
    [1.0, 2.0, 6.0]
    """
    return _scan(ops.cumprod, 1, x, axis, exclusive, reverse)


_NAMES: dict[str, Any] = (
    {name: translated(f"tf.math.{name}", ours, "*x") for name, ours in _UNARY.items()}
    | {name: translated(f"tf.math.{name}", ours, "*x *y") for name, ours in _BINARY.items()}
    | {
        name: translated(f"tf.math.{name}", ours, "*input_tensor axis=None keepdims=False")
        for name, ours in _REDUCTIONS.items()
    }
    | {
        "add_n": translated("tf.math.add_n", _add_n, "inputs"),
        "atan2": translated("tf.math.atan2", ops.atan2, "*y *x"),
        "softplus": translated("tf.math.softplus", ops.softplus, "*features"),
    }
)

ALSO_IN_TF = set(_NAMES) - {
    "erf", "erfc", "is_finite", "is_inf", "is_nan", "log", "log1p", "log_sigmoid", "mod", "reciprocal",
    "reduce_std", "reduce_variance", "softplus",
}  # fmt: skip

__getattr__, __dir__ = names_of(__name__, _NAMES)
