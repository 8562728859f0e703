"""Shape: the numbers stay what they are and go elsewhere, repeat, or come together.

Every such operation is linear, so its gradient is its adjoint: what was moved goes back, what was repeated
is added up, what was joined is cut apart. What selects among the numbers is in `indexing`.
"""

from __future__ import annotations

import itertools
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygrad_lite.core.primitive import primitive, refuse_out
from tinygrad_lite.core.tape import sum_to_shape
from tinygrad_lite.core.tensor import Tensor, adapted, to_tensor, to_tensors
from tinygrad_lite.utils.types import Array


def as_shape(shape: Any) -> tuple[int, ...]:
    """A shape as NumPy takes it: a number or a sequence of numbers, Tensors too."""
    if isinstance(shape, (Tensor, np.ndarray)):
        shape = shape.tolist()
    return tuple(operator.index(n) for n in shape) if isinstance(shape, Sequence) else (operator.index(shape),)


def as_axis(axis: Any, ndim: int) -> int:
    """`axis` counted from the first, or NumPy's AxisError."""
    axis = operator.index(axis)
    if not -ndim <= axis < ndim:
        raise np.exceptions.AxisError(axis, ndim)
    return axis % ndim


def _as_order(order: str) -> bool:
    """Whether `order` is Fortran's: the first axis changes fastest."""
    if order not in ("C", "F"):
        raise ValueError(
            f"Expected order 'C' (the last axis changes fastest) or 'F' (the first does). Received: order={order!r}."
        )
    return order == "F"


# Another shape ------------------------------------------------------------------------------------------------


@primitive
def _reshape(a: Any, *, shape: tuple[int, ...]) -> Array:
    return np.reshape(a, shape)


_reshape.may_alias = True  # a view where the strides allow it, else a copy
_reshape.defvjp(lambda g, y, a, shape: np.reshape(g, a.shape))


def reshape(a: Any, shape: Any, order: str = "C", *, copy: bool | None = None) -> Tensor:
    """The elements of `a` in the same order, in an array of another shape.

    Parameters
    ----------
    a : Tensor or array-like
    shape : int or tuple of int
        One of them may be -1: it is worked out from the others.
    order : "C" or "F"
        Which axis changes fastest when elements are counted: the last or the first.
    copy : bool, optional
        Is there for NumPy's sake, without effect: tensors never change.

    Returns
    -------
    Tensor, shape `shape`

    Raises
    ------
    ValueError
        `shape` does not hold as many elements as `a`.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.reshape([1.0, 2.0, 3.0, 4.0], (2, -1)).shape
    (2, 2)
    """
    shape = as_shape(shape)
    if _as_order(order):
        return transpose(_reshape(transpose(a), shape=shape[::-1]))
    return _reshape(a, shape=shape)


def ravel(a: Any, order: str = "C") -> Tensor:
    """The elements of `a` in one axis.

    Parameters
    ----------
    a : Tensor or array-like
    order : "C" or "F"
        Which axis changes fastest: the last or the first.

    Returns
    -------
    Tensor, shape (a.size,)

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.ravel([[1.0, 2.0], [3.0, 4.0]], order="F").numpy()
    array([1., 3., 2., 4.], dtype=float32)
    """
    return reshape(a, -1, order)


def copy(a: Any, order: str = "K", subok: bool = False) -> Tensor:
    """`a` as a new Tensor, to which the gradient flows through.

    Parameters
    ----------
    a : Tensor or array-like
    order, subok
        Are there for NumPy's sake, without effect.

    Returns
    -------
    Tensor, of the shape of `a`

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.copy([1.0, 2.0]).numpy()
    array([1., 2.], dtype=float32)
    """
    a = to_tensor(a)
    return _reshape(a, shape=a.shape)


@primitive
def expand_dims(a: Any, *, axis: Any) -> Array:
    """`a` with new axes of length one.

    Parameters
    ----------
    a : Tensor or array-like
    axis : int or tuple of int
        Where the new axes stand in the result.

    Returns
    -------
    Tensor

    Raises
    ------
    AxisError
        The result has no such axis.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.expand_dims(tgl.zeros((2, 3)), axis=(0, -1)).shape
    (1, 2, 3, 1)
    """
    return np.expand_dims(a, axis)


expand_dims.defvjp(lambda g, y, a, axis: np.reshape(g, a.shape))


@primitive
def squeeze(a: Any, *, axis: Any = None) -> Array:
    """`a` without axes of length one.

    Parameters
    ----------
    a : Tensor or array-like
    axis : int, tuple of int, or None
        Which of them go; None for all.

    Returns
    -------
    Tensor

    Raises
    ------
    ValueError
        An axis to be removed is longer than one.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.squeeze(tgl.zeros((1, 3, 1)), axis=0).shape
    (3, 1)
    """
    return np.squeeze(a, axis)


squeeze.defvjp(lambda g, y, a, axis: np.reshape(g, a.shape))


def _at_least(arrays: tuple[Any, ...], ndim: int) -> Any:
    answers = tuple(_padded(to_tensor(x), ndim) for x in arrays)
    return answers[0] if len(answers) == 1 else answers


def _padded(x: Tensor, ndim: int) -> Tensor:
    if x.ndim >= ndim:
        return x
    # NumPy puts a vector in the middle of three axes, and a matrix in the first two
    after = 1 if ndim == 3 and x.ndim in (1, 2) else 0
    return reshape(x, (1,) * (ndim - x.ndim - after) + x.shape + (1,) * after)


def atleast_1d(*arys: Any) -> Any:
    """The arguments, with one axis added to those that are 0-d.

    Parameters
    ----------
    *arys : Tensors or array-likes

    Returns
    -------
    Tensor, or a tuple of Tensors where there are several arguments

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.atleast_1d(5.0).shape
    (1,)
    """
    return _at_least(arys, 1)


def atleast_2d(*arys: Any) -> Any:
    """The arguments, with axes added in front where there are fewer than two.

    Parameters
    ----------
    *arys : Tensors or array-likes

    Returns
    -------
    Tensor, or a tuple of Tensors where there are several arguments

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.atleast_2d(tgl.zeros(3)).shape
    (1, 3)
    """
    return _at_least(arys, 2)


def atleast_3d(*arys: Any) -> Any:
    """The arguments, with axes added where there are fewer than three: (n,) to (1, n, 1), (n, m) to (n, m, 1).

    Parameters
    ----------
    *arys : Tensors or array-likes

    Returns
    -------
    Tensor, or a tuple of Tensors where there are several arguments

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> [x.shape for x in tgl.atleast_3d(tgl.zeros(3), tgl.zeros((2, 3)))]
    [(1, 3, 1), (2, 3, 1)]
    """
    return _at_least(arys, 3)


# Axes in another order ----------------------------------------------------------------------------------------


@primitive
def transpose(a: Any, *, axes: Any = None) -> Array:
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


def _transpose_vjp(g: Any, y: Any, a: Any, axes: Any) -> Any:
    return np.transpose(g, None if axes is None else tuple(np.argsort([n % a.ndim for n in axes]).tolist()))


transpose.defvjp(_transpose_vjp)


@primitive
def swapaxes(a: Any, *, axis1: int, axis2: int) -> Array:
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
def moveaxis(a: Any, *, source: Any, destination: Any) -> Array:
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


def rollaxis(a: Any, axis: int, start: int = 0) -> Tensor:
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
def matrix_transpose(x: Any) -> Array:
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
def flip(m: Any, *, axis: Any = None) -> Array:
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


def flipud(m: Any) -> Tensor:
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


def fliplr(m: Any) -> Tensor:
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
def roll(a: Any, *, shift: Any, axis: Any = None) -> Array:
    """`a` with its elements moved on by `shift` places; those that leave at the end come in at the beginning.

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
def rot90(m: Any, *, k: int = 1, axes: Any = (0, 1)) -> Array:
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


# Repeating ----------------------------------------------------------------------------------------------------


@primitive
def _broadcast_to(array: Any, *, shape: tuple[int, ...]) -> Array:
    return np.broadcast_to(array, shape)


_broadcast_to.defvjp(lambda g, y, array, shape: sum_to_shape(g, array.shape))


def broadcast_to(array: Any, shape: Any, subok: bool = False) -> Tensor:
    """`array` repeated along new and length-one axes to the shape `shape`.

    Parameters
    ----------
    array : Tensor or array-like
    shape : int or tuple of int
    subok : bool
        Is there for NumPy's sake, without effect.

    Returns
    -------
    Tensor, shape `shape`

    Raises
    ------
    ValueError
        `array` does not broadcast to `shape`.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.broadcast_to([1.0, 2.0], (3, 2)).shape
    (3, 2)
    """
    return _broadcast_to(array, shape=as_shape(shape))


def broadcast_arrays(*args: Any, subok: bool = False) -> tuple[Tensor, ...]:
    """The arguments, each repeated to the shape that they broadcast to.

    Parameters
    ----------
    *args : Tensors or array-likes
    subok : bool
        Is there for NumPy's sake, without effect.

    Returns
    -------
    tuple of Tensors

    Raises
    ------
    ValueError
        The shapes do not broadcast together.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> [x.shape for x in tgl.broadcast_arrays(tgl.zeros((2, 1)), tgl.zeros(3))]
    [(2, 3), (2, 3)]
    """
    tensors = to_tensors(*args)
    shape = np.broadcast_shapes(*[x.shape for x in tensors])
    return tuple(broadcast_to(x, shape) for x in tensors)


def tile(A: Any, reps: Any) -> Tensor:
    """`A` laid out `reps` times along each axis.

    Parameters
    ----------
    A : Tensor or array-like
    reps : int or tuple of int
        Counted from the last axis; `A` gets new axes in front if there are more numbers than axes.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.tile([1.0, 2.0], (2, 2)).tolist()
    [[1.0, 2.0, 1.0, 2.0], [1.0, 2.0, 1.0, 2.0]]
    """
    tensor, times = to_tensor(A), as_shape(reps)
    ndim = max(tensor.ndim, len(times))
    shape = (1,) * (ndim - tensor.ndim) + tensor.shape
    times = (1,) * (ndim - len(times)) + times
    apart = tuple(itertools.chain.from_iterable((1, length) for length in shape))
    repeated = tuple(itertools.chain.from_iterable(zip(times, shape)))
    return reshape(broadcast_to(reshape(tensor, apart), repeated), [t * n for t, n in zip(times, shape)])


def meshgrid(*xi: Any, copy: bool = True, sparse: bool = False, indexing: str = "xy") -> tuple[Tensor, ...]:
    """Coordinates of the points of a grid, from coordinates along its axes.

    Parameters
    ----------
    *xi : 1-D Tensors or array-likes
    copy : bool
        Without effect: tensors never change.
    sparse : bool
        Leave the repeating to broadcasting: each result has only one axis longer than one.
    indexing : "xy" or "ij"
        "xy" exchanges the first two axes, as pictures have them; "ij" does not.

    Returns
    -------
    tuple of Tensors

    Raises
    ------
    ValueError
        Another `indexing`.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> x, y = tgl.meshgrid([1.0, 2.0, 3.0], [4.0, 5.0])
    >>> x.tolist(), y.tolist()
    ([[1.0, 2.0, 3.0], [1.0, 2.0, 3.0]], [[4.0, 4.0, 4.0], [5.0, 5.0, 5.0]])
    """
    if indexing not in ("xy", "ij"):
        raise ValueError(f"meshgrid expected indexing 'xy' or 'ij'. Received: indexing={indexing!r}.")
    axes = list(range(len(xi)))
    if indexing == "xy" and len(xi) > 1:
        axes[:2] = [1, 0]
    grid = tuple(reshape(x, [-1 if n == axis else 1 for n in range(len(xi))]) for x, axis in zip(xi, axes))
    return grid if sparse else broadcast_arrays(*grid)


# Joining ------------------------------------------------------------------------------------------------------


@primitive
def _concatenate(*arrays: Any, axis: int | None = 0, dtype: Any = None, casting: Any = "same_kind") -> Array:
    return np.concatenate(arrays, axis=axis, dtype=dtype, casting=casting)


def _concatenate_vjp(position: int, g: Any, y: Any, *arrays: Any, axis: int | None, **_: Any) -> Any:
    lengths = [getattr(x, "size", 1) if axis is None else x.shape[axis] for x in arrays[: position + 1]]
    part = slice(sum(lengths[:-1]), sum(lengths))
    return g[(slice(None),) * (axis % g.ndim if axis else 0) + (part,)].reshape(arrays[position].shape)


_concatenate.defvjp_each(_concatenate_vjp)


def _sequence(arrays: Any, name: str) -> list[Any]:
    if isinstance(arrays, (Tensor, np.ndarray, list, tuple)):
        return adapted(list(arrays))
    raise TypeError(
        f"{name} expected a list or tuple of tensors. Received: {arrays!r}. Write {name}([a, b]) with brackets."
    )


def concatenate(
    arrays: Any, axis: int | None = 0, out: None = None, *, dtype: Any = None, casting: Any = "same_kind"
) -> Tensor:
    """Join arrays along an axis that they have.

    Parameters
    ----------
    arrays : sequence of Tensors or array-likes
        Of the same shape, but for `axis`.
    axis : int or None
        None flattens them first.
    out : None
    dtype : dtype, optional
        Of the result; by default what holds all of them.
    casting : str
        Which conversions to `dtype` are allowed, as in NumPy.

    Returns
    -------
    Tensor

    Raises
    ------
    ValueError
        The shapes do not fit, or there is nothing to join.
    TypeError
        `arrays` is not a sequence.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.concatenate([tgl.constant([1.0]), tgl.constant([2.0, 3.0])]).numpy()
    array([1., 2., 3.], dtype=float32)
    """
    refuse_out("concatenate", out)
    return _concatenate(*_sequence(arrays, "concatenate"), axis=axis, dtype=dtype, casting=casting)


@primitive
def _stack(*arrays: Any, axis: int = 0, dtype: Any = None, casting: Any = "same_kind") -> Array:
    return np.stack(arrays, axis=axis, dtype=dtype, casting=casting)


_stack.defvjp_each(lambda position, g, y, *arrays, axis, **_: g[(slice(None),) * (axis % g.ndim) + (position,)])


def stack(arrays: Any, axis: int = 0, out: None = None, *, dtype: Any = None, casting: Any = "same_kind") -> Tensor:
    """Join arrays of one shape along a new axis.

    Parameters
    ----------
    arrays : sequence of Tensors or array-likes
        All of the same shape.
    axis : int
        Where the new axis goes.
    out : None
    dtype : dtype, optional
        Of the result; by default what holds all of them.
    casting : str
        Which conversions to `dtype` are allowed, as in NumPy.

    Returns
    -------
    Tensor

    Raises
    ------
    ValueError
        The shapes differ, or there is nothing to join.
    TypeError
        `arrays` is not a sequence.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.stack([tgl.constant(1.0), tgl.constant(2.0)]).numpy()
    array([1., 2.], dtype=float32)
    """
    refuse_out("stack", out)
    return _stack(*_sequence(arrays, "stack"), axis=axis, dtype=dtype, casting=casting)


def vstack(tup: Any, *, dtype: Any = None, casting: Any = "same_kind") -> Tensor:
    """Join arrays one below the other: along the first axis, vectors as rows.

    Parameters
    ----------
    tup : sequence of Tensors or array-likes
    dtype, casting
        As for `concatenate`.

    Returns
    -------
    Tensor, with at least two axes

    Raises
    ------
    ValueError
        The shapes do not fit.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.vstack([tgl.zeros(3), tgl.zeros((2, 3))]).shape
    (3, 3)
    """
    return concatenate([atleast_2d(x) for x in to_tensors(*_sequence(tup, "vstack"))], 0, dtype=dtype, casting=casting)


def hstack(tup: Any, *, dtype: Any = None, casting: Any = "same_kind") -> Tensor:
    """Join arrays side by side: along the second axis, vectors along their only one.

    Parameters
    ----------
    tup : sequence of Tensors or array-likes
    dtype, casting
        As for `concatenate`.

    Returns
    -------
    Tensor

    Raises
    ------
    ValueError
        The shapes do not fit.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.hstack([tgl.zeros((2, 1)), tgl.zeros((2, 3))]).shape
    (2, 4)
    """
    tensors = [atleast_1d(x) for x in to_tensors(*_sequence(tup, "hstack"))]
    axis = 0 if tensors and tensors[0].ndim == 1 else 1
    return concatenate(tensors, axis, dtype=dtype, casting=casting)


def dstack(tup: Any) -> Tensor:
    """Join arrays one behind the other: along the third axis.

    Parameters
    ----------
    tup : sequence of Tensors or array-likes

    Returns
    -------
    Tensor, with at least three axes

    Raises
    ------
    ValueError
        The shapes do not fit.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.dstack([tgl.zeros(3), tgl.zeros(3)]).shape
    (1, 3, 2)
    """
    return concatenate([atleast_3d(x) for x in to_tensors(*_sequence(tup, "dstack"))], 2)


def column_stack(tup: Any) -> Tensor:
    """Join vectors as the columns of a matrix; matrices side by side.

    Parameters
    ----------
    tup : sequence of 1-D or 2-D Tensors or array-likes

    Returns
    -------
    Tensor, shape (n, columns)

    Raises
    ------
    ValueError
        The lengths differ.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.column_stack([tgl.zeros(3), tgl.zeros((3, 2))]).shape
    (3, 3)
    """
    tensors = to_tensors(*_sequence(tup, "column_stack"))
    return concatenate([x if x.ndim >= 2 else reshape(x, (-1, 1)) for x in tensors], 1)


def append(arr: Any, values: Any, axis: int | None = None) -> Tensor:
    """`values` joined to the end of `arr`.

    Parameters
    ----------
    arr, values : Tensor or array-like
        Of the same shape, but for `axis`.
    axis : int or None
        None flattens both first.

    Returns
    -------
    Tensor

    Raises
    ------
    ValueError
        The shapes do not fit.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.append([1.0, 2.0], 3.0).numpy()
    array([1., 2., 3.], dtype=float32)
    """
    return concatenate([arr, values], axis)
