"""Shape and selection: the numbers stay what they are and go elsewhere.

Every such operation is linear, so its gradient is its adjoint: what was moved goes back, what was repeated
is added up, what was left out gets zero.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygrad_lite.primitive import primitive
from tinygrad_lite.tape import sum_to_shape
from tinygrad_lite.tensor import Array, Tensor


def _shape(shape: Any) -> tuple[int, ...]:
    """A shape as NumPy takes it: a number or a sequence of numbers, Tensors too."""
    if isinstance(shape, (Tensor, np.ndarray)):
        shape = shape.tolist()
    return tuple(operator.index(n) for n in shape) if isinstance(shape, Sequence) else (operator.index(shape),)


@primitive
def _reshape(x: Any, *, shape: tuple[int, ...]) -> Array:
    return np.reshape(x, shape)


_reshape.defvjp(lambda g, y, x, shape: np.reshape(g, x.shape))


def reshape(x: Any, shape: Any) -> Tensor:
    """The elements of `x` in the same order, in an array of another shape.

    Parameters
    ----------
    x : Tensor or array-like
    shape : int or tuple of int
        One of them may be -1: it is worked out from the others.

    Returns
    -------
    Tensor

    Raises
    ------
    ValueError
        `shape` does not hold as many elements as `x`.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.reshape([1.0, 2.0, 3.0, 4.0], (2, -1)).shape
    (2, 2)
    """
    return _reshape(x, shape=_shape(shape))


@primitive
def transpose(x: Any, *, axes: Any = None) -> Array:
    """`x` with its axes permuted; reversed where `axes` is None.

    Parameters
    ----------
    x : Tensor or array-like
    axes : tuple of int, optional
        Axis `n` of the result is axis `axes[n]` of `x`.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.transpose(tgl.constant([[1.0, 2.0, 3.0]])).shape
    (3, 1)
    """
    return np.transpose(x, axes)


def _transpose_vjp(g: Any, y: Any, x: Any, axes: Any) -> Any:
    return np.transpose(g, None if axes is None else tuple(np.argsort([a % x.ndim for a in axes]).tolist()))


transpose.defvjp(_transpose_vjp)


@primitive
def broadcast_to(x: Any, *, shape: Any) -> Array:
    """`x` repeated along new and length-one axes to the shape `shape`.

    Parameters
    ----------
    x : Tensor or array-like
    shape : tuple of int

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.broadcast_to([1.0, 2.0], (3, 2)).shape
    (3, 2)
    """
    return np.broadcast_to(x, shape)


broadcast_to.defvjp(lambda g, y, x, shape: sum_to_shape(g, x.shape))

# Selecting ----------------------------------------------------------------------------------------------------


# An index is split in two: a template of slices, integers, ... and None, which is metadata, and the arrays in
# it, which are arguments like any other; `_HOLE` in the template marks where they belong.

_HOLE = "array"


def _filled(template: Any, arrays: Sequence[Any]) -> Any:
    """The index that NumPy takes: `arrays` put back into the holes of `template`."""
    if template is _HOLE:
        return arrays[0]
    if not isinstance(template, tuple):
        return template
    rest = iter(arrays)
    return tuple(next(rest) if part is _HOLE else part for part in template)


@primitive
def _getitem(x: Any, *arrays: Any, template: Any) -> Array:
    return x[_filled(template, arrays)]


@primitive
def _scatter(g: Any, *arrays: Any, template: Any, shape: tuple[int, ...]) -> Array:
    """Zeros of `shape`, with `g` added where the index points: the adjoint of `x[index]`."""
    out = np.zeros(shape, g.dtype)
    index = _filled(template, arrays)
    if any(x.dtype.kind != "b" for x in arrays):  # an array of integers may select an element twice
        np.add.at(out, index, g)
    else:
        out[index] = g
    return out


def _getitem_vjp(position: int, g: Any, y: Any, x: Any, *arrays: Any, template: Any) -> Any:
    return None if position else _scatter.inline(g, *arrays, template=template, shape=x.shape)


def _scatter_vjp(position: int, g: Any, y: Any, x: Any, *arrays: Any, template: Any, shape: Any) -> Any:
    return None if position else _getitem.inline(g, *arrays, template=template)


_getitem.defvjp_each(_getitem_vjp)
_scatter.defvjp_each(_scatter_vjp)


def _split_index(index: Any) -> tuple[Any, list[Any]]:
    """The template of an index and the arrays in it; lists become arrays, Tensors in slices numbers."""
    arrays: list[Any] = []

    def template(part: Any) -> Any:
        if isinstance(part, slice):
            return slice(*(n.__index__() if isinstance(n, Tensor) else n for n in (part.start, part.stop, part.step)))
        if isinstance(part, list):
            part = np.array(part, dtype=None if part else np.intp)
        if isinstance(part, (Tensor, np.ndarray)):
            arrays.append(part)
            return _HOLE
        return part

    made = tuple(template(part) for part in index) if isinstance(index, tuple) else template(index)
    return made, arrays


def getitem(x: Any, index: Any) -> Tensor:
    """`x[index]`, with everything that NumPy's indexing allows.

    Parameters
    ----------
    x : Tensor or array-like
    index : int, slice, ..., None, array or Tensor of integers or booleans, or a tuple of these

    Returns
    -------
    Tensor

    Raises
    ------
    IndexError
        An index is out of range, or there are more indices than axes.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> x = tgl.constant([[1.0, 2.0], [3.0, 4.0]])
    >>> x[x > 1.5].numpy()
    array([2., 3., 4.], dtype=float32)
    """
    template, arrays = _split_index(index)
    return _getitem(x, *arrays, template=template)


# Joining ------------------------------------------------------------------------------------------------------


@primitive
def _concatenate(*arrays: Any, axis: int | None = 0) -> Array:
    return np.concatenate(arrays, axis=axis)


def _concatenate_vjp(position: int, g: Any, y: Any, *arrays: Any, axis: int | None) -> Any:
    if axis is None:
        sizes = [np.size(x) for x in arrays[: position + 1]]
        return g[sum(sizes[:-1]) : sum(sizes)].reshape(arrays[position].shape)
    lengths = [x.shape[axis] for x in arrays[: position + 1]]
    part = slice(sum(lengths[:-1]), sum(lengths))
    return g[(slice(None),) * (axis % g.ndim) + (part,)]


_concatenate.defvjp_each(_concatenate_vjp)


def _sequence(arrays: Any, name: str) -> list[Any]:
    if isinstance(arrays, (Tensor, np.ndarray, list, tuple)):
        return list(arrays)
    raise TypeError(
        f"{name} expected a list or tuple of tensors. Received: {arrays!r}. Write {name}([a, b]) with brackets."
    )


def concatenate(arrays: Sequence[Any], axis: int | None = 0) -> Tensor:
    """Join arrays along an axis that they have.

    Parameters
    ----------
    arrays : sequence of Tensors or array-likes
        Of the same shape, but for `axis`.
    axis : int or None
        None flattens them first.

    Returns
    -------
    Tensor

    Raises
    ------
    ValueError
        The shapes do not fit, or there is nothing to join.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.concatenate([tgl.constant([1.0]), tgl.constant([2.0, 3.0])]).numpy()
    array([1., 2., 3.], dtype=float32)
    """
    return _concatenate(*_sequence(arrays, "concatenate"), axis=axis)


@primitive
def _stack(*arrays: Any, axis: int = 0) -> Array:
    return np.stack(arrays, axis=axis)


_stack.defvjp_each(lambda position, g, y, *arrays, axis: g[(slice(None),) * (axis % g.ndim) + (position,)])


def stack(arrays: Sequence[Any], axis: int = 0) -> Tensor:
    """Join arrays of one shape along a new axis.

    Parameters
    ----------
    arrays : sequence of Tensors or array-likes
        All of the same shape.
    axis : int
        Where the new axis goes.

    Returns
    -------
    Tensor

    Raises
    ------
    ValueError
        The shapes differ, or there is nothing to join.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.stack([tgl.constant(1.0), tgl.constant(2.0)]).numpy()
    array([1., 2.], dtype=float32)
    """
    return _stack(*_sequence(arrays, "stack"), axis=axis)
