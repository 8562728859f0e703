"""Reductions that skip nan: sums, products, means, variances, the largest and the smallest.

A nan that is skipped gets the gradient 0.
"""

from __future__ import annotations

import math
import warnings

import numpy as np

from tinygrad_lite.core.calling import refuse_out, validate
from tinygrad_lite.core.tensor import Tensor, TensorLike, to_tensor
from tinygrad_lite.ops.choosing import where as where_
from tinygrad_lite.ops.comparisons import isnan, logical_and, logical_not
from tinygrad_lite.ops.counting import all as all_
from tinygrad_lite.ops.reductions import max as max_
from tinygrad_lite.ops.reductions import mean, prod
from tinygrad_lite.ops.reductions import min as min_
from tinygrad_lite.ops.reductions import sum as sum_
from tinygrad_lite.ops.statistics import _chosen_var, _freedom, _root, std, var
from tinygrad_lite.utils.types import Array, Axis, DTypeLike


def _numbers(a: Tensor, where: TensorLike) -> TensorLike:
    """Which elements are selected and not nan. Integers are never nan: of them, `where` itself."""
    if a.dtype.kind != "f":
        return where
    chosen: Tensor = logical_not(isnan(a))
    return chosen if where is True else logical_and(chosen, where)


def _refuse_integers(name: str, a: Tensor, dtype: DTypeLike | None) -> None:
    """Raise, as NumPy does, if a mean of floats is asked for in integers."""
    if dtype is not None and a.dtype.kind == "f" and np.dtype(dtype).kind != "f":
        raise TypeError(
            f"{name} expected a dtype of floats for floats. Received: dtype={np.dtype(dtype)}, a.dtype={a.dtype}. "
            "Convert the result with tgl.cast."
        )


def nansum(
    a: TensorLike,
    axis: Axis = None,
    dtype: DTypeLike | None = None,
    out: None = None,
    keepdims: bool = False,
    initial: TensorLike = 0,
    where: TensorLike = True,
) -> Tensor:
    """The sum over `axis` of the elements that are not nan; the others get the gradient 0.

    Parameters
    ----------
    a : Tensor or array-like
    axis, dtype, out, keepdims, initial, where
        As for `sum`.

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
    >>> tgl.nansum([1.0, float("nan"), 3.0]).item()
    4.0
    """
    refuse_out("nansum", out)
    a = to_tensor(a)
    return sum_(a, axis, dtype, keepdims=keepdims, initial=initial, where=_numbers(a, where))


def nanprod(
    a: TensorLike,
    axis: Axis = None,
    dtype: DTypeLike | None = None,
    out: None = None,
    keepdims: bool = False,
    initial: TensorLike = 1,
    where: TensorLike = True,
) -> Tensor:
    """The product over `axis` of the elements that are not nan; the others get the gradient 0.

    Parameters
    ----------
    a : Tensor or array-like
    axis, dtype, out, keepdims, initial, where
        As for `prod`.

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
    >>> tgl.nanprod([2.0, float("nan"), 3.0]).item()
    6.0
    """
    refuse_out("nanprod", out)
    a = to_tensor(a)
    return prod(a, axis, dtype, keepdims=keepdims, initial=initial, where=_numbers(a, where))


def nanmean(
    a: TensorLike,
    axis: Axis = None,
    dtype: DTypeLike | None = None,
    out: None = None,
    keepdims: bool = False,
    *,
    where: TensorLike = True,
) -> Tensor:
    """The mean over `axis` of the elements that are not nan; nan where there is none.

    Parameters
    ----------
    a : Tensor or array-like
    axis, dtype, out, keepdims, where
        As for `mean`.

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
    >>> tgl.nanmean([1.0, float("nan"), 3.0]).item()
    2.0
    """
    refuse_out("nanmean", out)
    a = to_tensor(a)
    _refuse_integers("nanmean", a, dtype)
    return mean(a, axis, dtype, keepdims=keepdims, where=_numbers(a, where))


def nanvar(
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
    """The variance over `axis` of the elements that are not nan; nan where `ddof` of them or fewer are.

    Parameters
    ----------
    a : Tensor or array-like
    axis, dtype, out, ddof, keepdims, where, mean, correction
        As for `var`.

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
    >>> tgl.nanvar([1.0, float("nan"), 3.0]).item()
    1.0
    """
    refuse_out("nanvar", out)
    a = to_tensor(a)
    _refuse_integers("nanvar", a, dtype)
    if a.dtype.kind != "f":
        return var(a, axis, dtype, out, ddof, keepdims, where=where, mean=mean, correction=correction)
    ddof = _freedom("nanvar", ddof, correction)
    return _chosen_var(a, axis, dtype, ddof, keepdims, _numbers(a, where), mean, passes_nan=True)


def nanstd(
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
    """The standard deviation over `axis` of the elements that are not nan; nan where `ddof` of them or fewer are.

    Parameters
    ----------
    a : Tensor or array-like
    axis, dtype, out, ddof, keepdims, where, mean, correction
        As for `std`.

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
    >>> tgl.nanstd([1.0, float("nan"), 3.0]).item()
    1.0
    """
    refuse_out("nanstd", out)
    a = to_tensor(a)
    _refuse_integers("nanstd", a, dtype)
    if a.dtype.kind != "f":
        return std(a, axis, dtype, out, ddof, keepdims, where=where, mean=mean, correction=correction)
    return _root(nanvar(a, axis, dtype, out, ddof, keepdims, where=where, mean=mean, correction=correction))


def _without_nan(a: Tensor, axis: Axis, initial: TensorLike | None, replacement: float) -> Tensor:
    """`a` with `replacement` instead of nan, except where all elements are nan and there is no `initial`.

    Integers stay as they are.
    """
    if a.dtype.kind != "f":
        return a
    is_nan = isnan(a)
    if initial is None and a.size:
        nothing_else = all_(is_nan, axis, keepdims=True)
        validate(_warn_of_nothing, nothing_else)
        is_nan = logical_and(is_nan, logical_not(nothing_else))
    return where_(is_nan, replacement, a)


def _warn_of_nothing(nothing_else: Array) -> None:
    if np.any(nothing_else):
        warnings.warn("All-NaN slice encountered: the result is nan.", RuntimeWarning, stacklevel=2)


def nanmax(
    a: TensorLike,
    axis: Axis = None,
    out: None = None,
    keepdims: bool = False,
    initial: TensorLike | None = None,
    where: TensorLike = True,
) -> Tensor:
    """The largest over `axis` of the elements that are not nan; nan, or `initial`, where there is none.

    Parameters
    ----------
    a : Tensor or array-like
    axis, out, keepdims, initial, where
        As for `max`.

    Returns
    -------
    Tensor

    Raises
    ------
    ValueError
        An axis has no elements, and there is no `initial`.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.nanmax([1.0, float("nan"), 3.0]).item()
    3.0
    """
    return max_(_without_nan(to_tensor(a), axis, initial, -math.inf), axis, out, keepdims, initial, where)


def nanmin(
    a: TensorLike,
    axis: Axis = None,
    out: None = None,
    keepdims: bool = False,
    initial: TensorLike | None = None,
    where: TensorLike = True,
) -> Tensor:
    """The smallest over `axis` of the elements that are not nan; nan, or `initial`, where there is none.

    Parameters
    ----------
    a : Tensor or array-like
    axis, out, keepdims, initial, where
        As for `min`.

    Returns
    -------
    Tensor

    Raises
    ------
    ValueError
        An axis has no elements, and there is no `initial`.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.nanmin([1.0, float("nan"), 3.0]).item()
    1.0
    """
    return min_(_without_nan(to_tensor(a), axis, initial, math.inf), axis, out, keepdims, initial, where)
