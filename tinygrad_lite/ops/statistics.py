"""Statistics: variance, standard deviation and weighted means.

With n elements x, their mean m and `ddof` d, the variance Σ(x - m)² / (n - d) has the derivative 2·(x - m) / (n - d).
The part of it that goes through m is zero, because deviations from a mean sum to zero.
"""

from __future__ import annotations

import math
import warnings
from typing import Literal, overload

import numpy as np

from tinygrad_lite.core.calling import refuse_out, validate
from tinygrad_lite.core.primitive import primitive
from tinygrad_lite.core.tensor import HALF, Tensor, TensorLike, float_dtype, to_tensor
from tinygrad_lite.ops.arithmetic import multiply, sqrt, square, subtract
from tinygrad_lite.ops.axes import as_axis, count_reduced, expand_reduced, reduced_axes
from tinygrad_lite.ops.broadcasting import broadcast_to
from tinygrad_lite.ops.casting import cast
from tinygrad_lite.ops.choosing import maximum
from tinygrad_lite.ops.choosing import where as where_
from tinygrad_lite.ops.half import rounding_once, wide
from tinygrad_lite.ops.rearranging import transpose
from tinygrad_lite.ops.reductions import counted, mean
from tinygrad_lite.ops.reductions import sum as sum_
from tinygrad_lite.ops.shaping import reshape
from tinygrad_lite.utils.types import Array, Axis, DTypeLike, Value

# Variance -----------------------------------------------------------------------------------------------------


@primitive
@rounding_once
def _var(
    a: Array, *, axis: Axis = None, dtype: DTypeLike | None = None, ddof: float = 0, keepdims: bool = False
) -> Array:
    return np.var(a, axis=axis, dtype=dtype, ddof=ddof, keepdims=keepdims)


@primitive
@rounding_once
def _std(
    a: Array, *, axis: Axis = None, dtype: DTypeLike | None = None, ddof: float = 0, keepdims: bool = False
) -> Array:
    return np.std(a, axis=axis, dtype=dtype, ddof=ddof, keepdims=keepdims)


def _scaled_deviations(a: Value, axis: Axis, ddof: float) -> Value:
    """(x - m) / (n - ddof)."""
    freedom = count_reduced(a, axis) - ddof
    share = 1 / freedom if freedom > 0 else math.nan  # a large count is infinite in float16, its reciprocal is not
    return (a - np.mean(a, axis=axis, keepdims=True)) * share


def _var_vjp(g: Value, y: Value, a: Value, axis: Axis, dtype: DTypeLike | None, ddof: float, keepdims: bool) -> Value:
    g, a = wide(g), wide(a)
    return 2 * expand_reduced(g, a, axis, keepdims) * _scaled_deviations(a, axis, ddof)


def _std_vjp(g: Value, y: Value, a: Value, axis: Axis, dtype: DTypeLike | None, ddof: float, keepdims: bool) -> Value:
    g, a = wide(g), wide(a)
    slope = g / np.where(y == 0, 1, y)  # where all elements are equal their deviations are 0, and so is the gradient
    return expand_reduced(slope, a, axis, keepdims) * _scaled_deviations(a, axis, ddof)


_var.defvjp(_var_vjp)
_std.defvjp(_std_vjp)


def _chosen_var(
    a: TensorLike,
    axis: Axis,
    dtype: DTypeLike | None,
    ddof: float,
    keepdims: bool,
    where: TensorLike,
    mean_: TensorLike | None,
    passes_nan: bool = False,
) -> Tensor:
    """The variance of the elements that `where` selects, about a mean that may be given.

    Where `ddof` is not below their number, NumPy's `var` divides by 0, and its `nanvar` returns nan.
    """
    a = to_tensor(a)
    if dtype is None and a.dtype == HALF:
        dtype, a = HALF, cast(a, np.float32)
    if dtype is not None and dtype == HALF:  # computed in float32
        return cast(_chosen_var(a, axis, np.float32, ddof, keepdims, where, mean_, passes_nan), HALF)
    if mean_ is None:
        mean_ = mean(a, axis, dtype, keepdims=True, where=where)
    deviations = where_(where, subtract(a, mean_), 0)
    total = sum_(square(deviations), axis, dtype, keepdims=keepdims)
    freedom = subtract(counted(a, where, axis, keepdims, total.dtype), ddof)
    if passes_nan:
        validate(_warn_of_freedom, freedom)
        freedom = where_(freedom <= 0, math.nan, freedom)
    y = total / maximum(freedom, 0)
    return y if dtype is None else cast(y, dtype)


def _warn_of_freedom(freedom: Array) -> None:
    if np.any(freedom <= 0):
        warnings.warn("Degrees of freedom <= 0 for slice: the variance is nan.", RuntimeWarning, stacklevel=2)


def _root(variance: Tensor) -> Tensor:
    """The square root, with the derivative 0 at 0."""
    return where_(variance == 0, 0, sqrt(where_(variance == 0, 1, variance)))


def _freedom(name: str, ddof: float, correction: float | None) -> float:
    if correction is not None and ddof:
        raise ValueError(
            f"{name} expected ddof or correction, which mean the same. Received: ddof={ddof}, correction={correction}."
        )
    return ddof if correction is None else correction


def var(
    a: TensorLike,
    axis: Axis = None,
    dtype: DTypeLike | None = None,
    out: None = None,
    ddof: float = 0,
    keepdims: bool = False,
    *,
    where: TensorLike = True,
    mean: TensorLike | None = None,
    correction: float | None = None,
) -> Tensor:
    """The variance of the elements over `axis`: Σ(a - mean)² / (n - ddof).

    Parameters
    ----------
    a : Tensor or array-like
    axis : int, tuple of int, or None
        None takes the variance of all elements.
    dtype : dtype, optional
        Of the result.
    out : None
    ddof : number
        Is subtracted from the number n of elements, by which the sum is divided.
    keepdims : bool
        Keep the reduced axes, with length one.
    where : Tensor or array-like of booleans
        Which elements count; broadcasts with `a`.
    mean : Tensor or array-like, optional
        The mean, if it is known, computed with keepdims=True.
    correction : number, optional
        Another name for `ddof`.

    Returns
    -------
    Tensor

    Raises
    ------
    AxisError
        There is no such axis.
    ValueError
        Both `ddof` and `correction` are given.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.var([1.0, 2.0, 3.0, 6.0]).item(), tgl.var([1.0, 2.0, 3.0], ddof=1).item()
    (3.5, 1.0)
    """
    refuse_out("var", out)
    ddof = _freedom("var", ddof, correction)
    if where is not True or mean is not None:
        return _chosen_var(a, axis, dtype, ddof, keepdims, where, mean)
    return _var(a, axis=axis, dtype=dtype, ddof=ddof, keepdims=keepdims)


def std(
    a: TensorLike,
    axis: Axis = None,
    dtype: DTypeLike | None = None,
    out: None = None,
    ddof: float = 0,
    keepdims: bool = False,
    *,
    where: TensorLike = True,
    mean: TensorLike | None = None,
    correction: float | None = None,
) -> Tensor:
    """The standard deviation of the elements over `axis`: √(Σ(a - mean)² / (n - ddof)).

    Kinks: where all elements are equal the derivative is 0, as that of a norm at zero.

    Parameters
    ----------
    a : Tensor or array-like
    axis : int, tuple of int, or None
        None takes the standard deviation of all elements.
    dtype : dtype, optional
        Of the result.
    out : None
    ddof : number
        Is subtracted from the number n of elements, by which the sum is divided.
    keepdims : bool
        Keep the reduced axes, with length one.
    where : Tensor or array-like of booleans
        Which elements count; broadcasts with `a`.
    mean : Tensor or array-like, optional
        The mean, if it is known, computed with keepdims=True.
    correction : number, optional
        Another name for `ddof`.

    Returns
    -------
    Tensor

    Raises
    ------
    AxisError
        There is no such axis.
    ValueError
        Both `ddof` and `correction` are given.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.std([1.0, 3.0, 5.0, 7.0], ddof=-1).item()
    2.0
    """
    refuse_out("std", out)
    ddof = _freedom("std", ddof, correction)
    if where is not True or mean is not None:
        variance = _chosen_var(a, axis, dtype, ddof, keepdims, where, mean)
        y = _root(variance)
        return y if dtype is None else cast(y, dtype)
    return _std(a, axis=axis, dtype=dtype, ddof=ddof, keepdims=keepdims)


# Weighted means -----------------------------------------------------------------------------------------------


@overload
def average(
    a: TensorLike,
    axis: Axis = None,
    weights: TensorLike | None = None,
    returned: Literal[False] = False,
    *,
    keepdims: bool = False,
) -> Tensor: ...


@overload
def average(
    a: TensorLike,
    axis: Axis = None,
    weights: TensorLike | None = None,
    *,
    returned: Literal[True],
    keepdims: bool = False,
) -> tuple[Tensor, Tensor]: ...


def average(
    a: TensorLike,
    axis: Axis = None,
    weights: TensorLike | None = None,
    returned: bool = False,
    *,
    keepdims: bool = False,
) -> Tensor | tuple[Tensor, Tensor]:
    """The weighted mean of the elements over `axis`: Σ a·weights / Σ weights.

    Parameters
    ----------
    a : Tensor or array-like
    axis : int, tuple of int, or None
        None takes the mean of all elements.
    weights : Tensor or array-like, optional
        Of the shape of `a`, or of the lengths of `axis`. None weighs all elements alike.
    returned : bool
        Return the sum of the weights, too.
    keepdims : bool
        Keep the reduced axes, with length one.

    Returns
    -------
    Tensor, or a pair of Tensors

    Raises
    ------
    ValueError
        `weights` has another shape.
    ZeroDivisionError
        Weights add up to zero.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.average([1.0, 2.0, 6.0], weights=[1.0, 1.0, 2.0]).item()
    3.75
    """
    a = to_tensor(a, float_dtype(weights))
    if weights is None:
        answer = mean(a, axis, keepdims=keepdims)
        with np.errstate(over="ignore"):  # float16 ends at 65504
            total = to_tensor(np.full(answer.shape, count_reduced(a, axis)).astype(answer.dtype))
    else:
        weights = to_tensor(weights, a.dtype)
        dtype = np.result_type(a.dtype, weights.dtype, *([] if a.dtype.kind == "f" else [np.float64]))
        values, shares = (x if x.dtype == dtype else cast(x, dtype) for x in (a, weights))
        values, shares = wide(values), wide(_spread_weights(shares, values, axis))
        total = sum_(shares, axis, keepdims=keepdims)
        validate(_check_total, total)
        answer = sum_(multiply(values, shares), axis, keepdims=keepdims) / total
        answer = answer if answer.dtype == dtype else cast(answer, dtype)
    return (answer, total if total.dtype == answer.dtype else cast(total, answer.dtype)) if returned else answer


def _check_total(total: Array) -> None:
    if not np.all(total):
        raise ZeroDivisionError("average expected weights that do not add up to zero. Received: a sum of 0.")


def _spread_weights(weights: Tensor, a: Tensor, axis: Axis) -> Tensor:
    """Weights of the axes that are averaged over, in the shape of `a`."""
    if weights.shape == a.shape:
        return weights
    axes = [as_axis(n, a.ndim) for n in (axis if isinstance(axis, tuple) else (axis,))] if axis is not None else []
    if weights.shape != tuple(a.shape[n] for n in axes) or axis is None:
        raise ValueError(
            "average expected weights of the shape of a, or one for each element along axis. Received: "
            f"weights.shape={weights.shape}, a.shape={a.shape}, axis={axis}."
        )
    ordered = transpose(weights, axes=np.argsort(axes).tolist())
    reduced = reduced_axes(a, axis)
    return broadcast_to(reshape(ordered, [n if i in reduced else 1 for i, n in enumerate(a.shape)]), a.shape)
