"""The same elements in another order: axes exchanged, elements reversed or moved along an axis.

Each operation is a permutation. Its gradient is the inverse permutation of `g`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tinygrad_lite.core.primitive import primitive
from tinygrad_lite.core.tensor import Tensor, TensorLike, to_tensor
from tinygrad_lite.ops.axes import as_axis
from tinygrad_lite.utils.types import Array, Axis, Value

# Axes in another order ----------------------------------------------------------------------------------------


@primitive
def transpose(a: Array, *, axes: tuple[int, ...] | None = None) -> Array:
    """`a` with its axes permuted; reversed where `axes` is None.

    Parameters
    ----------
    a : Tensor or array-like
    axes : tuple of int, optional
        Axis `n` of the result is axis `axes[n]` of `a`.

    Returns
    -------
    Tensor

    Raises
    ------
    ValueError
        `axes` does not name every axis once.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.transpose(tgl.constant([[1.0, 2.0, 3.0]])).shape
    (3, 1)
    """
    return np.transpose(a, axes)


def _transpose_vjp(g: Value, y: Value, a: Value, axes: tuple[int, ...] | None) -> Value:
    return np.transpose(g, None if axes is None else tuple(np.argsort([n % a.ndim for n in axes]).tolist()))


transpose.defvjp(_transpose_vjp)


@primitive
def swapaxes(a: Array, *, axis1: int, axis2: int) -> Array:
    """`a` with two axes exchanged.

    Parameters
    ----------
    a : Tensor or array-like
    axis1, axis2 : int

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
    >>> tgl.swapaxes(tgl.zeros((2, 3, 4)), 0, -1).shape
    (4, 3, 2)
    """
    return np.swapaxes(a, axis1, axis2)


swapaxes.defvjp(lambda g, y, a, axis1, axis2: np.swapaxes(g, axis1, axis2))


@primitive
def moveaxis(a: Array, *, source: int | Sequence[int], destination: int | Sequence[int]) -> Array:
    """`a` with some axes moved elsewhere; the others keep their order.

    Parameters
    ----------
    a : Tensor or array-like
    source, destination : int or sequence of int
        Axis `source[n]` of `a` becomes axis `destination[n]` of the result.

    Returns
    -------
    Tensor

    Raises
    ------
    ValueError
        `source` and `destination` differ in length, or name an axis twice.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.moveaxis(tgl.zeros((2, 3, 4)), 0, -1).shape
    (3, 4, 2)
    """
    return np.moveaxis(a, source, destination)


moveaxis.defvjp(lambda g, y, a, source, destination: np.moveaxis(g, destination, source))


def rollaxis(a: TensorLike, axis: int, start: int = 0) -> Tensor:
    """`a` with `axis` moved to stand before the axis that is at `start` now. `moveaxis` is easier to read.

    Parameters
    ----------
    a : Tensor or array-like
    axis, start : int

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
    >>> tgl.rollaxis(tgl.zeros((3, 4, 5, 6)), 3, 1).shape
    (3, 6, 4, 5)
    """
    a = to_tensor(a)
    axis = as_axis(axis, a.ndim)
    start = as_axis(start, a.ndim + 1) if start >= 0 else as_axis(start, a.ndim)
    return moveaxis(a, source=axis, destination=start - (axis < start))


@primitive
def matrix_transpose(x: Array) -> Array:
    """`x` with its last two axes exchanged: every matrix of a stack transposed.

    Parameters
    ----------
    x : Tensor or array-like, shape (..., n, m)

    Returns
    -------
    Tensor, shape (..., m, n)

    Raises
    ------
    ValueError
        `x` has fewer than two axes.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.matrix_transpose(tgl.zeros((5, 2, 3))).shape
    (5, 3, 2)
    """
    if np.ndim(x) < 2:
        raise ValueError("a matrix has at least two axes")
    return np.swapaxes(x, -1, -2)


matrix_transpose.defvjp(lambda g, y, x: np.swapaxes(g, -1, -2))


# The elements in another order --------------------------------------------------------------------------------


@primitive
def flip(m: Array, *, axis: Axis = None) -> Array:
    """`m` with the order of elements reversed along the given axes.

    Parameters
    ----------
    m : Tensor or array-like
    axis : int, tuple of int, or None
        None reverses all axes.

    Returns
    -------
    Tensor, of the shape of `m`

    Raises
    ------
    AxisError
        There is no such axis.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.flip([1.0, 2.0, 3.0]).numpy()
    array([3., 2., 1.], dtype=float32)
    """
    return np.flip(m, axis)


flip.defvjp(lambda g, y, m, axis: np.flip(g, axis))


def flipud(m: TensorLike) -> Tensor:
    """`m` reversed along its first axis: upside down.

    Parameters
    ----------
    m : Tensor or array-like, with at least one axis

    Returns
    -------
    Tensor, of the shape of `m`

    Raises
    ------
    AxisError
        `m` is 0-d.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.flipud([[1.0, 2.0], [3.0, 4.0]]).tolist()
    [[3.0, 4.0], [1.0, 2.0]]
    """
    return flip(m, axis=0)


def fliplr(m: TensorLike) -> Tensor:
    """`m` reversed along its second axis: left to right.

    Parameters
    ----------
    m : Tensor or array-like, with at least two axes

    Returns
    -------
    Tensor, of the shape of `m`

    Raises
    ------
    AxisError
        `m` has fewer than two axes.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.fliplr([[1.0, 2.0], [3.0, 4.0]]).tolist()
    [[2.0, 1.0], [4.0, 3.0]]
    """
    return flip(m, axis=1)


@primitive
def roll(a: Array, *, shift: int | Sequence[int], axis: Axis = None) -> Array:
    """`a` with its elements moved on by `shift` places; those beyond the end reappear at the beginning.

    Parameters
    ----------
    a : Tensor or array-like
    shift : int or tuple of int
    axis : int, tuple of int, or None
        One for each shift; None counts through the whole array.

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
    >>> tgl.roll([1.0, 2.0, 3.0], 1).numpy()
    array([3., 1., 2.], dtype=float32)
    """
    return np.roll(a, shift, axis)


roll.defvjp(lambda g, y, a, shift, axis: np.roll(g, np.negative(shift), axis))


@primitive
def rot90(m: Array, *, k: int = 1, axes: tuple[int, int] = (0, 1)) -> Array:
    """`m` rotated by 90 degrees, `k` times, from the first of `axes` towards the second.

    Parameters
    ----------
    m : Tensor or array-like, with at least two axes
    k : int
    axes : pair of int

    Returns
    -------
    Tensor

    Raises
    ------
    ValueError
        `axes` are not two different axes of `m`.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.rot90([[1.0, 2.0], [3.0, 4.0]]).tolist()
    [[2.0, 4.0], [1.0, 3.0]]
    """
    return np.rot90(m, k, axes)


rot90.defvjp(lambda g, y, m, k, axes: np.rot90(g, -k, axes))
