"""Reductions: many numbers in, fewer out, along one axis, several, or all.

The gradient of a reduction spreads `g` back over the axes that were reduced. `expand_reduced` puts those axes back
with length one, so that broadcasting does the spreading. What `where=` leaves out counts as the neutral
element: 0 in a sum, 1 in a product.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinygrad_lite.core.calling import refuse_out
from tinygrad_lite.core.primitive import primitive
from tinygrad_lite.core.tensor import HALF, Tensor, TensorLike, to_tensor
from tinygrad_lite.ops.arithmetic import add, divide, multiply, subtract
from tinygrad_lite.ops.axes import count_reduced, expand_reduced, reduced_axes, spread
from tinygrad_lite.ops.casting import cast
from tinygrad_lite.ops.choosing import maximum, minimum
from tinygrad_lite.ops.choosing import where as where_
from tinygrad_lite.ops.half import rounding_once, wide
from tinygrad_lite.ops.shaping import reshape
from tinygrad_lite.utils.types import Array, Axis, DTypeLike, Value

_add: Any = np.add  # whose type stubs do not know of None as an axis


# Sums and products --------------------------------------------------------------------------------------------


@primitive
def _sum(a: Array, *, axis: Axis = None, dtype: DTypeLike | None = None, keepdims: bool = False) -> Array:
    if getattr(a, "dtype", None) is HALF if dtype is None else dtype == HALF:
        return _add.reduce(a, axis=axis, dtype=np.float32, keepdims=keepdims).astype(HALF)
    return _add.reduce(a, axis=axis, dtype=dtype, keepdims=keepdims)  # as np.sum, which takes twice as long to call


_sum.defvjp(lambda g, y, a, axis, dtype, keepdims: spread(expand_reduced(g, a, axis, keepdims), a.shape))


def _sum_lowering(a: Tensor, axis: Axis, dtype: DTypeLike | None, keepdims: bool) -> Tensor | None:
    """The sum over axes of length one is a reshape."""
    reduced = reduced_axes(a, axis)
    if dtype is not None or a.dtype.kind != "f" or not reduced or count_reduced(a, axis) != 1:
        return None
    kept = [length for n, length in enumerate(a.shape) if n not in reduced]
    return reshape(a, a.shape if keepdims else tuple(kept))


_sum.lowering = _sum_lowering


def sum(
    a: TensorLike,
    axis: Axis = None,
    dtype: DTypeLike | None = None,
    out: None = None,
    keepdims: bool = False,
    initial: TensorLike = 0,
    where: TensorLike = True,
) -> Tensor:
    """The sum of the elements over `axis`: Σ a.

    Parameters
    ----------
    a : Tensor or array-like
    axis : int, tuple of int, or None
        None sums over all axes.
    dtype : dtype, optional
        Of the result.
    out : None
    keepdims : bool
        Keep the reduced axes, with length one.
    initial : Tensor or number
        Is added to the sum.
    where : Tensor or array-like of booleans
        Which elements count; broadcasts with `a`.

    Returns
    -------
    Tensor

    Raises
    ------
    AxisError
        There is no such axis.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.sum([[1.0, 2.0], [3.0, 4.0]], axis=0).numpy()
    array([4., 6.], dtype=float32)
    """
    if out is not None:
        refuse_out("sum", out)
    if where is not True:
        a = where_(where, a, 0)
    y: Tensor = _sum(a, axis=axis, dtype=dtype, keepdims=keepdims)
    return y if type(initial) is int and not initial else add(y, _of_dtype(initial, y.dtype))


def _of_dtype(initial: TensorLike | None, dtype: np.dtype[Any]) -> Any:
    """`initial` in the dtype of the result, which it does not change."""
    return cast(initial, dtype) if isinstance(initial, Tensor) else np.array(initial, dtype)


@primitive
@rounding_once
def _prod(a: Array, *, axis: Axis = None, dtype: DTypeLike | None = None, keepdims: bool = False) -> Array:
    return np.prod(a, axis=axis, dtype=dtype, keepdims=keepdims)


def _prod_vjp(g: Value, y: Value, a: Value, axis: Axis, dtype: DTypeLike | None, keepdims: bool) -> Value:
    """Each element's derivative is the product of the others, which is right for any number of zeros."""
    g, a = wide(g), wide(a)
    reduced = sorted(reduced_axes(a, axis))
    order = [n for n in range(a.ndim) if n not in reduced] + reduced
    apart = np.transpose(a, order)
    lines = np.reshape(apart, (*apart.shape[: a.ndim - len(reduced)], count_reduced(a, axis)))
    others = np.transpose(np.reshape(products_of_others(lines), apart.shape), np.argsort(order).tolist())
    return expand_reduced(g, a, axis, keepdims) * others


def products_of_others(x: Value) -> Value:
    """For each element, the product of the others along the last axis: of those before times of those behind."""
    return products_before(x) * np.flip(products_before(np.flip(x, -1)), -1)


def products_before(x: Value) -> Value:
    """For each element, the product of those before it along the last axis; 1 for the first."""
    return np.concatenate([np.ones_like(x[..., :1]), np.cumprod(x[..., :-1], axis=-1)], axis=-1)


_prod.defvjp(_prod_vjp)


def prod(
    a: TensorLike,
    axis: Axis = None,
    dtype: DTypeLike | None = None,
    out: None = None,
    keepdims: bool = False,
    initial: TensorLike = 1,
    where: TensorLike = True,
) -> Tensor:
    """The product of the elements over `axis`: Π a. Its derivatives are right for any number of zeros.

    Parameters
    ----------
    a : Tensor or array-like
    axis : int, tuple of int, or None
        None takes the product over all axes.
    dtype : dtype, optional
        Of the result.
    out : None
    keepdims : bool
        Keep the reduced axes, with length one.
    initial : Tensor or number
        The product is multiplied by it.
    where : Tensor or array-like of booleans
        Which elements count; broadcasts with `a`.

    Returns
    -------
    Tensor

    Raises
    ------
    AxisError
        There is no such axis.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> x = tgl.Variable([2.0, 0.0, 3.0])
    >>> with tgl.GradientTape() as tape:
    ...     y = tgl.prod(x)
    >>> tape.gradient(y, x).numpy()
    array([0., 6., 0.], dtype=float32)
    """
    refuse_out("prod", out)
    if where is not True:
        a = where_(where, a, 1)
    y: Tensor = _prod(a, axis=axis, dtype=dtype, keepdims=keepdims)
    return y if type(initial) is int and initial == 1 else multiply(y, _of_dtype(initial, y.dtype))


@primitive
def _mean(a: Array, *, axis: Axis = None, dtype: DTypeLike | None = None, keepdims: bool = False) -> Array:
    count = _exact_count(a, axis, dtype) if type(a) is np.ndarray else 0
    if dtype is not None and dtype == HALF:  # NumPy adds float16 up in float32 only if dtype is not given
        return np.asarray(np.mean(a, axis=axis, dtype=np.float32, keepdims=keepdims)).astype(HALF)
    if not count:
        return np.mean(a, axis=axis, dtype=dtype, keepdims=keepdims)
    total: Array = _add.reduce(a, axis=axis, keepdims=keepdims)  # as np.mean, which takes four times as long to call
    return total / total.dtype.type(count)


def _exact_count(a: Value, axis: Axis, dtype: DTypeLike | None) -> int:
    """The number of elements in each mean, if the mean is a sum divided by it in the dtype of `a`; else 0."""
    count = count_reduced(a, axis) if dtype is None and a.dtype.char in "fd" and a.ndim else 0
    return count if count < 1 << 24 else 0  # float32 represents it exactly


def _mean_lowering(a: Tensor, axis: Axis, dtype: DTypeLike | None, keepdims: bool) -> Tensor | None:
    count = _exact_count(a, axis, dtype)
    total = sum(a, axis=axis, keepdims=keepdims) if count else None
    return total if total is None or count == 1 else divide(total, float(count))


_mean.lowering = _mean_lowering


def _mean_vjp(g: Value, y: Value, a: Value, axis: Axis, dtype: DTypeLike | None, keepdims: bool) -> Value:
    share = 1 / (count_reduced(a, axis) or 1)  # a large count is infinite in float16, its reciprocal is not
    return spread(expand_reduced(g * share, a, axis, keepdims), a.shape)


_mean.defvjp(_mean_vjp)


def mean(
    a: TensorLike,
    axis: Axis = None,
    dtype: DTypeLike | None = None,
    out: None = None,
    keepdims: bool = False,
    *,
    where: TensorLike = True,
) -> Tensor:
    """The arithmetic mean of the elements over `axis`: their sum divided by their number.

    Parameters
    ----------
    a : Tensor or array-like
    axis : int, tuple of int, or None
        None takes the mean over all axes.
    dtype : dtype, optional
        Of the result.
    out : None
    keepdims : bool
        Keep the reduced axes, with length one.
    where : Tensor or array-like of booleans
        Which elements count; broadcasts with `a`.

    Returns
    -------
    Tensor

    Raises
    ------
    AxisError
        There is no such axis.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.mean([[1.0, 2.0], [3.0, 4.0]], axis=1).numpy()
    array([1.5, 3.5], dtype=float32)
    """
    if out is not None:
        refuse_out("mean", out)
    if where is not True:
        a = to_tensor(a)
        half = (a.dtype if dtype is None else dtype) == HALF  # computed in float32
        total = sum(a, axis, np.float32 if half else dtype, keepdims=keepdims, where=where)
        y = total / counted(a, where, axis, keepdims, total.dtype)
        return y if dtype is None and not half else cast(y, HALF if half else dtype)
    return _mean(a, axis=axis, dtype=dtype, keepdims=keepdims)


def counted(a: Tensor, where: TensorLike, axis: Axis, keepdims: bool, dtype: np.dtype[Any]) -> Tensor:
    """How many elements of `a` are selected by `where`, for each element of the result."""
    count = _sum(where_(where, np.ones(a.shape, bool), False), axis=axis, dtype=np.intp, keepdims=keepdims)
    return cast(count, dtype if dtype.kind == "f" else np.float64)


# The largest and the smallest ---------------------------------------------------------------------------------


def _extremum_vjp(g: Value, y: Value, a: Value, axis: Axis, keepdims: bool, initial: float | None) -> Value:
    g, y = expand_reduced(g, a, axis, keepdims), expand_reduced(y, a, axis, keepdims)
    ties = a == y
    count = np.sum(ties, axis=axis, dtype=np.float64, keepdims=True)  # float16 cannot count beyond 2048
    # Elements that tie share the gradient equally. None does where `initial` is beyond them, or where one is nan.
    others = np.where((y != y) & (g != 0), math.nan, 0).astype(a.dtype)
    return np.where(ties, (g / count).astype(a.dtype), others)


@primitive
def _max(a: Array, *, axis: Axis = None, keepdims: bool = False, initial: float | None = None) -> Array:
    if initial is None:
        return np.max(a, axis=axis, keepdims=keepdims)
    return np.max(a, axis=axis, keepdims=keepdims, initial=initial)


_max.defvjp(_extremum_vjp)


@primitive
def _min(a: Array, *, axis: Axis = None, keepdims: bool = False, initial: float | None = None) -> Array:
    if initial is None:
        return np.min(a, axis=axis, keepdims=keepdims)
    return np.min(a, axis=axis, keepdims=keepdims, initial=initial)


_min.defvjp(_extremum_vjp)


def _filled(name: str, a: TensorLike, where: TensorLike, initial: TensorLike | None) -> TensorLike:
    """`a`, with `initial` in the place of what `where` leaves out."""
    if where is True:
        return a
    if initial is None:
        raise ValueError(
            f"{name} expected initial= along with where=: it is the result where no element counts. "
            "Received: initial=None."
        )
    a = to_tensor(a)
    return where_(where, a, _of_dtype(initial, a.dtype))


def max(
    a: TensorLike,
    axis: Axis = None,
    out: None = None,
    keepdims: bool = False,
    initial: TensorLike | None = None,
    where: TensorLike = True,
) -> Tensor:
    """The largest element over `axis`, nan if one is.

    Kinks: elements that tie share the gradient equally. Of nan the gradient is nan, for all elements.

    Parameters
    ----------
    a : Tensor or array-like
    axis : int, tuple of int, or None
        None takes the largest of all.
    out : None
    keepdims : bool
        Keep the reduced axes, with length one.
    initial : number, optional
        The least that the result can be; stands for the result where no element counts.
    where : Tensor or array-like of booleans
        Which elements count; broadcasts with `a`. Needs `initial`.

    Returns
    -------
    Tensor

    Raises
    ------
    ValueError
        There is no element, and no `initial`.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.max([[1.0, 5.0], [3.0, 4.0]], axis=0).numpy()
    array([3., 5.], dtype=float32)
    """
    refuse_out("max", out)
    a = _filled("max", a, where, initial)
    if isinstance(initial, Tensor):  # carries a gradient, which metadata cannot
        y = max(a, axis, keepdims=keepdims)
        return maximum(y, _of_dtype(initial, y.dtype))
    return _max(a, axis=axis, keepdims=keepdims, initial=initial)


def min(
    a: TensorLike,
    axis: Axis = None,
    out: None = None,
    keepdims: bool = False,
    initial: TensorLike | None = None,
    where: TensorLike = True,
) -> Tensor:
    """The smallest element over `axis`, nan if one is.

    Kinks: elements that tie share the gradient equally. Of nan the gradient is nan, for all elements.

    Parameters
    ----------
    a : Tensor or array-like
    axis : int, tuple of int, or None
        None takes the smallest of all.
    out : None
    keepdims : bool
        Keep the reduced axes, with length one.
    initial : number, optional
        The most that the result can be; stands for the result where no element counts.
    where : Tensor or array-like of booleans
        Which elements count; broadcasts with `a`. Needs `initial`.

    Returns
    -------
    Tensor

    Raises
    ------
    ValueError
        There is no element, and no `initial`.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.min([[1.0, 5.0], [3.0, 4.0]]).item()
    1.0
    """
    refuse_out("min", out)
    a = _filled("min", a, where, initial)
    if isinstance(initial, Tensor):
        y = min(a, axis, keepdims=keepdims)
        return minimum(y, _of_dtype(initial, y.dtype))
    return _min(a, axis=axis, keepdims=keepdims, initial=initial)


amax, amin = max, min
"""NumPy's second names for `max` and `min`."""


def ptp(a: TensorLike, axis: Axis = None, out: None = None, keepdims: bool = False) -> Tensor:
    """The range of the elements over `axis`, "peak to peak": max a - min a.

    Parameters
    ----------
    a : Tensor or array-like
    axis : int, tuple of int, or None
    out : None
    keepdims : bool

    Returns
    -------
    Tensor

    Raises
    ------
    ValueError
        There is no element.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.ptp([4.0, 1.0, 6.0]).item()
    5.0
    """
    refuse_out("ptp", out)
    return subtract(max(a, axis, keepdims=keepdims), min(a, axis, keepdims=keepdims))
