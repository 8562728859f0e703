"""Order: sorting and its kin.

Which element goes where is without a gradient; taking the elements from there has one. So sorting is an index.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

import numpy as np

from tinygrad_lite.core.primitive import nondifferentiable
from tinygrad_lite.core.tensor import Tensor, TensorLike, to_tensor
from tinygrad_lite.ops.axes import as_axis
from tinygrad_lite.ops.shaping import ravel
from tinygrad_lite.ops.taking import take, take_along_axis
from tinygrad_lite.utils.types import Array

SortKind: TypeAlias = Literal["quicksort", "mergesort", "heapsort", "stable"]


@nondifferentiable
def argsort(
    a: Array, *, axis: int | None = -1, kind: SortKind | None = None, order: None = None, stable: bool | None = None
) -> Array:
    """The indices that sort `a` along `axis`; without a gradient. Elements that tie keep their order.

    Parameters
    ----------
    a : Tensor or array-like
    axis : int or None
        None sorts the flattened array.
    kind, order, stable
        As in NumPy, but the default is a stable sort.

    Returns
    -------
    Tensor of integers, of the shape of `a`

    Raises
    ------
    AxisError
        There is no such axis.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.argsort([3.0, 1.0, 2.0]).numpy()
    array([1, 2, 0])
    """
    return np.argsort(a, axis=axis, kind=kind or "stable", order=order)


def sort(
    a: TensorLike,
    axis: int | None = -1,
    kind: SortKind | None = None,
    order: None = None,
    *,
    stable: bool | None = None,
) -> Tensor:
    """The elements in ascending order along `axis`. The gradient of each goes to where it came from.

    Parameters
    ----------
    a : Tensor or array-like
    axis : int or None
        None sorts the flattened array.
    kind, order, stable
        As in NumPy, but the default is a stable sort: of elements that tie, the first gets the gradient of
        the first place.

    Returns
    -------
    Tensor, of the shape of `a`

    Raises
    ------
    AxisError
        There is no such axis.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.sort([3.0, 1.0, 2.0]).numpy()
    array([1., 2., 3.], dtype=float32)
    """
    a = ravel(a) if axis is None else to_tensor(a)
    axis = as_axis(-1 if axis is None else axis, a.ndim)
    return take_along_axis(a, argsort(a, axis=axis, kind=kind, order=order, stable=stable), axis)


@nondifferentiable
def argpartition(
    a: Array,
    *,
    kth: int | Sequence[int],
    axis: int | None = -1,
    kind: Literal["introselect"] = "introselect",
    order: None = None,
) -> Array:
    """The indices that `partition` takes; without a gradient.

    Parameters
    ----------
    a : Tensor or array-like
    kth : int or sequence of int
    axis : int or None
        None partitions the flattened array.
    kind, order
        As in NumPy.

    Returns
    -------
    Tensor of integers, of the shape of `a`

    Raises
    ------
    ValueError
        `kth` is out of range.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.argpartition([3.0, 1.0, 2.0], 0)[0].item()
    1
    """
    return np.argpartition(a, kth, axis=axis, kind=kind, order=order)


def partition(
    a: TensorLike,
    kth: int | Sequence[int],
    axis: int | None = -1,
    kind: Literal["introselect"] = "introselect",
    order: None = None,
) -> Tensor:
    """The elements rearranged so that the `kth` stands where sorting would put it, smaller ones before it.

    Parameters
    ----------
    a : Tensor or array-like
    kth : int or sequence of int
    axis : int or None
        None partitions the flattened array.
    kind, order
        As in NumPy.

    Returns
    -------
    Tensor, of the shape of `a`

    Raises
    ------
    ValueError
        `kth` is out of range.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.partition([3.0, 1.0, 2.0], 1)[1].item()
    2.0
    """
    a = ravel(a) if axis is None else to_tensor(a)
    axis = as_axis(-1 if axis is None else axis, a.ndim)
    return take_along_axis(a, argpartition(a, kth=kth, axis=axis, kind=kind, order=order), axis)


@nondifferentiable
def _searchsorted(a: Array, v: Array, *, side: Literal["left", "right"] = "left") -> Array:
    return np.searchsorted(a, v, side)


def searchsorted(a: TensorLike, v: TensorLike, side: str = "left", sorter: TensorLike | None = None) -> Tensor:
    """Where the values `v` would have to be inserted into the sorted `a`; without a gradient.

    Parameters
    ----------
    a : Tensor or array-like, 1-D, in ascending order
    v : Tensor or array-like
    side : "left" or "right"
        Before or after elements that are equal.
    sorter : array-like of integers, optional
        What sorts `a`, if it is not sorted.

    Returns
    -------
    Tensor of integers, of the shape of `v`

    Raises
    ------
    ValueError
        `a` is not 1-D, or another `side`.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.searchsorted([1.0, 2.0, 3.0], [2.0, 9.0]).numpy()
    array([1, 3])
    """
    return _searchsorted(a if sorter is None else take(a, sorter), v, side=side)


@nondifferentiable
def _unique(ar: Array, *, axis: int | None, equal_nan: bool) -> tuple[Array, ...]:
    return tuple(np.unique(ar, True, True, True, axis, equal_nan=equal_nan)[1:])


def unique(
    ar: TensorLike,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: int | None = None,
    *,
    equal_nan: bool = True,
    sorted: bool = True,
) -> Any:
    """The different elements in ascending order; the first of equal ones gets the gradient.

    Parameters
    ----------
    ar : Tensor or array-like
    return_index, return_inverse, return_counts : bool
        Return also the index of the first of each, which of the results each element is, how many of each.
    axis : int or None
        None takes the elements of the flattened array; an axis, the different slices along it.
    equal_nan : bool
        Count all nan as one.
    sorted : bool
        Is there for NumPy's sake, without effect: they are in ascending order anyway.

    Returns
    -------
    Tensor, or a tuple of it and the Tensors of integers that were asked for

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.unique([2.0, 1.0, 2.0]).numpy()
    array([1., 2.], dtype=float32)
    """
    ar = to_tensor(ar)
    index, inverse, counts = _unique(ar, axis=axis, equal_nan=equal_nan)
    extra = [(return_index, index), (return_inverse, inverse), (return_counts, counts)]
    answers = (take(ar, index, axis), *(answer for wanted, answer in extra if wanted))
    return answers if len(answers) > 1 else answers[0]
