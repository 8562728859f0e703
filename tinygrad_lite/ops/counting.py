"""Counting and finding: how many elements, where they are, and whether all or any are true. None has a gradient."""

from __future__ import annotations

import numpy as np

from tinygrad_lite.core.calling import refuse_out
from tinygrad_lite.core.primitive import nondifferentiable
from tinygrad_lite.core.tensor import Tensor, TensorLike
from tinygrad_lite.ops.choosing import where as where_
from tinygrad_lite.utils.types import Array, Axis


@nondifferentiable
def argmax(a: Array, *, axis: int | None = None, out: None = None, keepdims: bool = False) -> Array:
    """The index of the largest element along `axis`, the first where several tie; without a gradient.

    Parameters
    ----------
    a : Tensor or array-like
    axis : int or None
        None searches the flattened array.
    out : None
    keepdims : bool

    Returns
    -------
    Tensor of integers

    Raises
    ------
    ValueError
        There is no element.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.argmax([[1.0, 5.0], [3.0, 4.0]], axis=1).numpy()
    array([1, 1])
    """
    refuse_out("argmax", out)
    return np.argmax(a, axis=axis, keepdims=keepdims)


@nondifferentiable
def argmin(a: Array, *, axis: int | None = None, out: None = None, keepdims: bool = False) -> Array:
    """The index of the smallest element along `axis`, the first where several tie; without a gradient.

    Parameters
    ----------
    a : Tensor or array-like
    axis : int or None
        None searches the flattened array.
    out : None
    keepdims : bool

    Returns
    -------
    Tensor of integers

    Raises
    ------
    ValueError
        There is no element.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.argmin([3.0, 1.0, 2.0]).item()
    1
    """
    refuse_out("argmin", out)
    return np.argmin(a, axis=axis, keepdims=keepdims)


@nondifferentiable
def count_nonzero(a: Array, *, axis: Axis = None, keepdims: bool = False) -> Array:
    """How many elements over `axis` are not zero; without a gradient.

    Parameters
    ----------
    a : Tensor or array-like
    axis : int, tuple of int, or None
    keepdims : bool

    Returns
    -------
    Tensor of integers

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.count_nonzero([[1.0, 0.0], [3.0, 4.0]], axis=0).tolist()
    [2, 1]
    """
    return np.asarray(np.count_nonzero(a, axis=axis, keepdims=keepdims))


@nondifferentiable
def _all(a: Array, *, axis: Axis = None, keepdims: bool = False) -> Array:
    return np.all(a, axis=axis, keepdims=keepdims)


def all(
    a: TensorLike, axis: Axis = None, out: None = None, keepdims: bool = False, *, where: TensorLike = True
) -> Tensor:
    """Whether all elements over `axis` are true; without a gradient.

    Parameters
    ----------
    a : Tensor or array-like
    axis : int, tuple of int, or None
    out : None
    keepdims : bool
    where : Tensor or array-like of booleans
        Which elements count; broadcasts with `a`.

    Returns
    -------
    Tensor of booleans

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> bool(tgl.all([True, False]))
    False
    """
    refuse_out("all", out)
    return _all(a if where is True else where_(where, a, True), axis=axis, keepdims=keepdims)


@nondifferentiable
def _any(a: Array, *, axis: Axis = None, keepdims: bool = False) -> Array:
    return np.any(a, axis=axis, keepdims=keepdims)


def any(
    a: TensorLike, axis: Axis = None, out: None = None, keepdims: bool = False, *, where: TensorLike = True
) -> Tensor:
    """Whether any element over `axis` is true; without a gradient.

    Parameters
    ----------
    a : Tensor or array-like
    axis : int, tuple of int, or None
    out : None
    keepdims : bool
    where : Tensor or array-like of booleans
        Which elements count; broadcasts with `a`.

    Returns
    -------
    Tensor of booleans

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> bool(tgl.any([True, False]))
    True
    """
    refuse_out("any", out)
    return _any(a if where is True else where_(where, a, False), axis=axis, keepdims=keepdims)


@nondifferentiable
def nonzero(a: Array) -> tuple[Array, ...]:
    """The indices of the elements that are not zero, for each axis; without a gradient.

    Parameters
    ----------
    a : Tensor or array-like, with at least one axis

    Returns
    -------
    tuple of Tensors of integers, one for each axis

    Raises
    ------
    ValueError
        `a` is 0-d.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> [n.tolist() for n in tgl.nonzero([[0.0, 5.0], [6.0, 0.0]])]
    [[0, 1], [1, 0]]
    """
    return np.nonzero(a)


@nondifferentiable
def argwhere(a: Array) -> Array:
    """The indices of the elements that are not zero, one in each row; without a gradient.

    Parameters
    ----------
    a : Tensor or array-like

    Returns
    -------
    Tensor of integers, shape (number of them, a.ndim)

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.argwhere([0.0, 5.0, 6.0]).tolist()
    [[1], [2]]
    """
    return np.argwhere(a)


@nondifferentiable
def flatnonzero(a: Array) -> Array:
    """The indices of the elements that are not zero in the flattened array; without a gradient.

    Parameters
    ----------
    a : Tensor or array-like

    Returns
    -------
    Tensor of integers, 1-D

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.flatnonzero([[0.0, 5.0], [6.0, 0.0]]).numpy()
    array([1, 2])
    """
    return np.flatnonzero(a)
