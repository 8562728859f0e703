"""Indexing: reading, replacing and adding at an index.

One pair of primitives does nearly all of it: `x[index]` and its adjoint, which adds up at the places that an index
selects. An index is split in two: a template of slices, integers, ... and None, which is metadata, and the arrays in
it, which are arguments like any other. Taking, sorting, splitting and padding only compute an index.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

from tinygrad_lite.core.backward import sum_to_shape
from tinygrad_lite.core.primitive import nondifferentiable, primitive
from tinygrad_lite.core.tensor import Tensor, TensorLike, as_array, float_dtype, holds_tensors, stacked, to_tensor
from tinygrad_lite.ops.half import rounding_once
from tinygrad_lite.utils.types import Array, Index, Value

# Indexing -----------------------------------------------------------------------------------------------------

# An index is split in two: a template of slices, integers, ... and None, which is metadata, and the arrays in
# it, which are arguments like any other; `_HOLE` in the template marks where they belong.

_HOLE = "array"
Template: TypeAlias = Any  # an index, or a tuple of parts of one, with `_HOLE` where an array stood


def _filled(template: Template, arrays: Sequence[Array]) -> Index:
    """The index that NumPy takes: `arrays` put back into the holes of `template`."""
    if template is _HOLE:
        return arrays[0]
    if not isinstance(template, tuple):
        return template
    rest = iter(arrays)
    return tuple(next(rest) if part is _HOLE else part for part in template)


def _received(x: Array, *arrays: Array, template: Template, **_: Any) -> str:
    """For errors: the shape, and the index as it is written."""

    def shown(part: Index) -> str:
        if isinstance(part, slice):
            bounds = ["" if n is None else str(n) for n in (part.start, part.stop, part.step)]
            return ":".join(bounds[: 2 if part.step is None else 3])
        if isinstance(part, (np.ndarray, np.generic)):
            return str(part.tolist()) if part.size <= 4 else f"<{part.dtype} array of shape {part.shape}>"
        return "..." if part is Ellipsis else repr(part)

    index = _filled(template, arrays)
    parts = index if isinstance(index, tuple) else (index,)
    return f"x.shape={np.shape(x)}, index=[{', '.join(shown(part) for part in parts)}]"


@primitive
def _getitem(x: Array, *arrays: Array, template: Template) -> Array:
    return x[_filled(template, arrays)]


@primitive
@rounding_once
def _scatter(g: Array, *arrays: Array, template: Template, shape: tuple[int, ...]) -> Array:
    """Zeros of `shape`, with `g` added where the index points: the adjoint of `x[index]`."""
    out = np.zeros(shape, g.dtype)
    _add_at(out, _filled(template, arrays), g, arrays)
    return out


def _add_at(out: Array, index: Index, values: Array, arrays: Sequence[Any]) -> None:
    if any(x.dtype.kind != "b" for x in arrays):  # an array of integers may select an element twice
        # NumPy's `add.at` reads beyond the end of some values that it broadcasts itself.
        np.add.at(out, index, np.broadcast_to(values, out[index].shape))
    else:
        out[index] += values


def _getitem_vjp(position: int, g: Value, y: Value, x: Value, *arrays: Value, template: Template) -> Value:
    return None if position else _scatter.inline(g, *arrays, template=template, shape=x.shape)


def _scatter_vjp(
    position: int, g: Value, y: Value, x: Value, *arrays: Value, template: Template, shape: Value
) -> Value:
    return None if position else _getitem.inline(g, *arrays, template=template)


_getitem.describe = _received
_getitem.defvjp_each(_getitem_vjp)
_scatter.defvjp_each(_scatter_vjp)


def _split_index(index: Index) -> tuple[Template, list[Tensor | Array]]:
    """The template of an index and the arrays in it; lists become arrays, Tensors in slices numbers."""
    arrays: list[Tensor | Array] = []

    def template(part: Index) -> Template:
        if isinstance(part, slice):
            return slice(*(n.__index__() if isinstance(n, Tensor) else n for n in (part.start, part.stop, part.step)))
        if isinstance(part, (list, tuple, range)):
            part = np.array(part)
            part = part if part.size else part.astype(np.intp)  # NumPy makes an empty list an array of floats
        if isinstance(part, (Tensor, np.ndarray)):
            arrays.append(part)
            return _HOLE
        return part

    made = tuple(template(part) for part in index) if isinstance(index, tuple) else template(index)
    return made, arrays


def getitem(x: TensorLike, index: Index) -> Tensor:
    """`x[index]`, with everything that NumPy's indexing allows.

    Parameters
    ----------
    x : Tensor or array-like
    index : int, slice, ..., None, array or Tensor of integers or booleans, or a tuple of these
        The bounds of slices may be Tensors too.

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


@primitive
def _index_set(x: Array, value: Array, *arrays: Array, template: Template) -> Array:
    out = np.array(x)
    out[_filled(template, arrays)] = value
    return out


def _received_value(x: Array, value: Array, *arrays: Array, template: Template) -> str:
    return f"{_received(x, *arrays, template=template)}, value.shape={np.shape(value)}"


@nondifferentiable
def _stays(*arrays: Array, template: Template, shape: tuple[int, ...]) -> Array:
    """For each place that an index selects, whether the value written there stays, or is overwritten by a later one."""
    index = _filled(template, arrays)
    written = np.zeros(shape, np.intp)
    order = np.arange(written[index].size).reshape(written[index].shape)
    written[index] = order
    return written[index] == order


def _index_set_vjp(
    position: int, g: Value, y: Value, x: Value, value: Value, *arrays: Value, template: Template
) -> Value:
    if position == 0:
        return _index_set.inline(g, 0, *arrays, template=template)
    if position > 1:
        return None
    stays = _stays.inline(*arrays, template=template, shape=x.shape)
    return _to_value(np.where(stays, _getitem.inline(g, *arrays, template=template), 0), value)


def _to_value(d: Value, value: Value) -> Value:
    """The gradient of a value that was broadcast into an index; it may have extra axes of length one in front."""
    extra = max(0, value.ndim - d.ndim)
    return sum_to_shape(d, value.shape[extra:]).reshape(value.shape)


_index_set.describe = _received_value
_index_set.defvjp_each(_index_set_vjp)


@primitive
@rounding_once
def _index_add(x: Array, value: Array, *arrays: Array, template: Template) -> Array:
    out = np.array(x)
    _add_at(out, _filled(template, arrays), value, arrays)
    return out


def _index_add_vjp(
    position: int, g: Value, y: Value, x: Value, value: Value, *arrays: Value, template: Template
) -> Value:
    if position == 0:
        return g
    return _to_value(_getitem.inline(g, *arrays, template=template), value) if position == 1 else None


_index_add.describe = _received_value
_index_add.defvjp_each(_index_add_vjp)


def _storable(x: Tensor, value: TensorLike, name: str) -> Tensor | Array:
    """`value`, if the dtype of `x` can hold it."""
    value = stacked(value, x.dtype) if holds_tensors(value) else value
    array = as_array(value, like=x.dtype, looks=True)
    if not np.can_cast(array.dtype, x.dtype, "same_kind"):
        raise TypeError(
            f"{name} expected a value that dtype {x.dtype} can hold. Received: value.dtype={array.dtype}. "
            f"Convert one of them with tgl.cast: x to '{array.dtype}', or value to '{x.dtype}'."
        )
    return value if isinstance(value, (Tensor, np.ndarray)) else array


def index_set(x: TensorLike, key: Index, value: TensorLike) -> Tensor:
    """A copy of `x` in which `x[key]` is `value`: what `x[key] = value` does to an array.

    Where an index of integers names an element twice, the last value stays, as in NumPy, and it alone gets
    the gradient.

    Parameters
    ----------
    x : Tensor or array-like
    key : everything that indexing allows
    value : Tensor or array-like
        Broadcasts to the shape of `x[key]`; takes the dtype of `x`.

    Returns
    -------
    Tensor, of the shape and dtype of `x`

    Raises
    ------
    IndexError
        `key` does not fit `x`.
    ValueError
        `value` does not broadcast to `x[key]`.
    TypeError
        The dtype of `x` cannot hold `value`: floats in an array of integers.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.index_set(tgl.zeros(4), slice(1, 3), [5.0, 6.0]).numpy()
    array([0., 5., 6., 0.], dtype=float32)
    """
    x = to_tensor(x, float_dtype(value))
    template, arrays = _split_index(key)
    return _index_set(x, _storable(x, value, "index_set"), *arrays, template=template)


def index_add(x: TensorLike, key: Index, value: TensorLike) -> Tensor:
    """A copy of `x` in which `value` was added to `x[key]`; where `key` names an element twice, both values are added.

    Parameters
    ----------
    x : Tensor or array-like
    key : everything that indexing allows
    value : Tensor or array-like
        Broadcasts to the shape of `x[key]`; takes the dtype of `x`.

    Returns
    -------
    Tensor, of the shape and dtype of `x`

    Raises
    ------
    IndexError
        `key` does not fit `x`.
    ValueError
        `value` does not broadcast to `x[key]`.
    TypeError
        The dtype of `x` cannot hold `value`: floats in an array of integers.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.index_add(tgl.zeros(3), [0, 0, 2], 1.0).numpy()
    array([2., 0., 1.], dtype=float32)
    """
    x = to_tensor(x, float_dtype(value))
    template, arrays = _split_index(key)
    return _index_add(x, _storable(x, value, "index_add"), *arrays, template=template)
