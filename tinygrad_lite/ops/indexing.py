"""Selection: some of the numbers, in an order of one's own, and the same numbers put elsewhere.

One pair of primitives does nearly all of it: `x[index]`, and its adjoint, which adds up at the places that an
index points at. Taking, sorting (`sorting`), splitting and padding (`splitting`) only work out the index.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygrad_lite.core.primitive import nondifferentiable, primitive, refuse_out
from tinygrad_lite.core.tape import sum_to_shape
from tinygrad_lite.core.tensor import (
    NUMBERS,
    Tensor,
    as_array,
    float_dtype,
    holds_tensors,
    rounding_once,
    stacked,
    to_tensor,
    to_tensors,
)
from tinygrad_lite.ops.axes import as_axis
from tinygrad_lite.ops.broadcasting import broadcast_arrays
from tinygrad_lite.ops.casting import cast
from tinygrad_lite.ops.choosing import where
from tinygrad_lite.ops.counting import nonzero
from tinygrad_lite.ops.joining import stack
from tinygrad_lite.ops.shaping import ravel, reshape
from tinygrad_lite.utils.types import Array

# Indexing -----------------------------------------------------------------------------------------------------

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


def _received(x: Any, *arrays: Any, template: Any, **_: Any) -> str:
    """For errors: the shape, and the index as it is written."""

    def shown(part: Any) -> str:
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
def _getitem(x: Any, *arrays: Any, template: Any) -> Array:
    return x[_filled(template, arrays)]


@primitive
@rounding_once
def _scatter(g: Any, *arrays: Any, template: Any, shape: tuple[int, ...]) -> Array:
    """Zeros of `shape`, with `g` added where the index points: the adjoint of `x[index]`."""
    out = np.zeros(shape, g.dtype)
    _add_at(out, _filled(template, arrays), g, arrays)
    return out


def _add_at(out: Array, index: Any, values: Any, arrays: Sequence[Any]) -> None:
    if any(x.dtype.kind != "b" for x in arrays):  # an array of integers may select an element twice
        # NumPy's `add.at` reads beyond the end of some values that it broadcasts itself.
        np.add.at(out, index, np.broadcast_to(values, out[index].shape))
    else:
        out[index] += values


def _getitem_vjp(position: int, g: Any, y: Any, x: Any, *arrays: Any, template: Any) -> Any:
    return None if position else _scatter.inline(g, *arrays, template=template, shape=x.shape)


def _scatter_vjp(position: int, g: Any, y: Any, x: Any, *arrays: Any, template: Any, shape: Any) -> Any:
    return None if position else _getitem.inline(g, *arrays, template=template)


_getitem.describe = _received
_getitem.defvjp_each(_getitem_vjp)
_scatter.defvjp_each(_scatter_vjp)


def _split_index(index: Any) -> tuple[Any, list[Any]]:
    """The template of an index and the arrays in it; lists become arrays, Tensors in slices numbers."""
    arrays: list[Any] = []

    def template(part: Any) -> Any:
        if isinstance(part, slice):
            return slice(*(n.__index__() if isinstance(n, Tensor) else n for n in (part.start, part.stop, part.step)))
        if isinstance(part, (list, tuple, range)):
            part = np.array(part)
            part = part if part.size else part.astype(np.intp)  # NumPy reads no numbers as floats
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
def _index_set(x: Any, value: Any, *arrays: Any, template: Any) -> Array:
    out = np.array(x)
    out[_filled(template, arrays)] = value
    return out


def _received_value(x: Any, value: Any, *arrays: Any, template: Any) -> str:
    return f"{_received(x, *arrays, template=template)}, value.shape={np.shape(value)}"


@nondifferentiable
def _stays(*arrays: Any, template: Any, shape: tuple[int, ...]) -> Array:
    """For each place that an index selects, whether what is written there stays, or is written over later."""
    index = _filled(template, arrays)
    written = np.zeros(shape, np.intp)
    order = np.arange(written[index].size).reshape(written[index].shape)
    written[index] = order
    return written[index] == order


def _index_set_vjp(position: int, g: Any, y: Any, x: Any, value: Any, *arrays: Any, template: Any) -> Any:
    if position == 0:
        return _index_set.inline(g, 0, *arrays, template=template)
    if position > 1:
        return None
    stays = _stays.inline(*arrays, template=template, shape=x.shape)
    return _to_value(np.where(stays, _getitem.inline(g, *arrays, template=template), 0), value)


def _to_value(d: Any, value: Any) -> Any:
    """The gradient of a value that was broadcast into an index; it may have extra axes of length one in front."""
    extra = max(0, value.ndim - d.ndim)
    return sum_to_shape(d, value.shape[extra:]).reshape(value.shape)


_index_set.describe = _received_value
_index_set.defvjp_each(_index_set_vjp)


@primitive
@rounding_once
def _index_add(x: Any, value: Any, *arrays: Any, template: Any) -> Array:
    out = np.array(x)
    _add_at(out, _filled(template, arrays), value, arrays)
    return out


def _index_add_vjp(position: int, g: Any, y: Any, x: Any, value: Any, *arrays: Any, template: Any) -> Any:
    if position == 0:
        return g
    return _to_value(_getitem.inline(g, *arrays, template=template), value) if position == 1 else None


_index_add.describe = _received_value
_index_add.defvjp_each(_index_add_vjp)


def _storable(x: Tensor, value: Any, name: str) -> Any:
    """`value`, if the dtype of `x` can hold it."""
    value = stacked(value, x.dtype) if holds_tensors(value) else value
    array = as_array(value, like=x.dtype, looks=True)
    if not np.can_cast(array.dtype, x.dtype, "same_kind"):
        raise TypeError(
            f"{name} expected a value that dtype {x.dtype} can hold. Received: value.dtype={array.dtype}. "
            f"Convert one of them with tgl.cast: x to '{array.dtype}', or value to '{x.dtype}'."
        )
    return value if isinstance(value, (Tensor, np.ndarray)) else array


def index_set(x: Any, key: Any, value: Any) -> Tensor:
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


def index_add(x: Any, key: Any, value: Any) -> Tensor:
    """A copy of `x` in which `value` was added to `x[key]`; elements that `key` names twice get both.

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


# Taking -------------------------------------------------------------------------------------------------------


def along(axis: int, part: Any) -> tuple[Any, ...]:
    """The index that selects `part` of `axis`, and all of the axes before and after it."""
    return (*(slice(None),) * axis, part)


@nondifferentiable
def _in_range(indices: Any, *, length: int, mode: str) -> Array:
    """`indices` as they are, or brought, into the range from 0 to `length` less one."""
    if mode not in ("raise", "wrap", "clip"):
        raise ValueError("mode must be 'raise', 'wrap' or 'clip'")
    if mode == "raise" and np.size(indices) and not (np.min(indices) >= 0 and np.max(indices) < length):
        raise IndexError(f"expected integers from 0 to {length - 1}; mode='clip' or mode='wrap' allows others")
    return np.mod(indices, length) if mode == "wrap" else np.clip(indices, 0, length - 1)


def take(a: Any, indices: Any, axis: int | None = None, out: None = None, mode: str = "raise") -> Tensor:
    """The elements of `a` at `indices` along `axis`.

    Parameters
    ----------
    a : Tensor or array-like
    indices : int, Tensor or array-like of integers
    axis : int or None
        None takes from the flattened array.
    out : None
    mode : "raise", "wrap" or "clip"
        What happens to an index out of range: an error, counted around, or moved to the end.

    Returns
    -------
    Tensor, shape a.shape[:axis] + indices.shape + a.shape[axis + 1:]

    Raises
    ------
    IndexError
        An index is out of range.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.take([[1.0, 2.0], [3.0, 4.0]], [1, 1, 0], axis=1).tolist()
    [[2.0, 2.0, 1.0], [4.0, 4.0, 3.0]]
    """
    refuse_out("take", out)
    a = to_tensor(a)
    if axis is None or not a.ndim:
        a, axis = ravel(a), 0
    axis = as_axis(axis, a.ndim)
    if mode != "raise":
        indices = _in_range(indices, length=a.shape[axis], mode=mode)
    return getitem(a, along(axis, indices))


def take_along_axis(arr: Any, indices: Any, axis: int | None = -1) -> Tensor:
    """For each line of `arr` along `axis`, its elements at the same line of `indices`: what `argsort` answers for.

    Parameters
    ----------
    arr : Tensor or array-like
    indices : Tensor or array-like of integers
        With as many axes as `arr`; axes other than `axis` broadcast.
    axis : int or None
        None takes from the flattened array, with `indices` in one axis.

    Returns
    -------
    Tensor

    Raises
    ------
    ValueError
        `indices` has another number of axes.
    IndexError
        An index is out of range, or is not an integer.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> x = tgl.constant([[3.0, 1.0, 2.0]])
    >>> tgl.take_along_axis(x, tgl.argsort(x), axis=-1).tolist()
    [[1.0, 2.0, 3.0]]
    """
    arr, indices = to_tensor(arr), to_tensor(indices)
    if axis is None:
        arr, axis = ravel(arr), 0
    axis = as_axis(axis, arr.ndim)
    if indices.ndim != arr.ndim:
        raise ValueError(
            f"take_along_axis expected indices with as many axes as arr. Received: indices.shape={indices.shape}, "
            f"arr.shape={arr.shape}. Use take for the same indices in every line."
        )
    key: list[Any] = list(np.ix_(*[np.arange(n) for n in arr.shape]))
    key[axis] = indices
    return getitem(arr, tuple(key))


def compress(condition: Any, a: Any, axis: int | None = None, out: None = None) -> Tensor:
    """The slices of `a` along `axis` for which `condition` is true.

    Parameters
    ----------
    condition : Tensor or array-like of booleans, 1-D
    a : Tensor or array-like
    axis : int or None
        None selects from the flattened array.
    out : None

    Returns
    -------
    Tensor

    Raises
    ------
    IndexError
        A true condition lies beyond the end of the axis.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.compress([False, True], [[1.0, 2.0], [3.0, 4.0]], axis=0).tolist()
    [[3.0, 4.0]]
    """
    refuse_out("compress", out)
    return take(a, nonzero(condition)[0], axis)


def choose(a: Any, choices: Any, out: None = None, mode: str = "raise") -> Tensor:
    """An element of `choices[a]` at each place.

    Parameters
    ----------
    a : Tensor or array-like of integers
    choices : sequence of Tensors or array-likes
        All broadcast with `a`.
    out : None
    mode : "raise", "wrap" or "clip"
        What happens to an index out of range: an error, counted around, or moved to the end.

    Returns
    -------
    Tensor, of the broadcast shape

    Raises
    ------
    IndexError
        `a` names a choice that does not exist.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.choose([0, 1, 0], [[1.0, 2.0, 3.0], [-1.0, -2.0, -3.0]]).numpy()
    array([ 1., -2.,  3.], dtype=float32)
    """
    refuse_out("choose", out)
    index, *options = broadcast_arrays(a, *choices)
    index = _in_range(index, length=len(options), mode=mode)
    return take_along_axis(stack(options), reshape(index, (1, *index.shape)), 0)[0]


def select(condlist: Any, choicelist: Any, default: Any = 0) -> Tensor:
    """At each place, the choice that belongs to the first condition that is true there.

    Parameters
    ----------
    condlist : sequence of Tensors or array-likes of booleans
    choicelist : sequence of Tensors or array-likes
        One for each condition; all broadcast together.
    default : Tensor or array-like
        What stands where no condition is true.

    Returns
    -------
    Tensor, of the broadcast shape

    Raises
    ------
    ValueError
        There are more conditions than choices, or fewer, or none.
    TypeError
        A condition is not boolean.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> x = tgl.constant([-1.0, 0.5, 3.0])
    >>> tgl.select([x < 0, x < 1], [-x, x * x], default=x).numpy()
    array([1.  , 0.25, 3.  ], dtype=float32)
    """
    if len(condlist) != len(choicelist) or not len(condlist):
        raise ValueError(
            "select expected one choice for each condition, and at least one. Received: "
            f"{len(condlist)} conditions, {len(choicelist)} choices."
        )
    conditions = [to_tensor(condition) for condition in condlist]
    for position, condition in enumerate(conditions):
        if condition.dtype.kind != "b":
            raise TypeError(
                f"select expected boolean conditions. Received: condlist[{position}].dtype={condition.dtype}. "
                "Compare it with something, or convert it with tgl.cast(condition, 'bool')."
            )
    choices = [*choicelist, default]
    tensors = to_tensors(*choices)
    # Python's numbers adapt to the arrays; where there is none, they are as in a Tensor.
    kinds = [x if type(x) in NUMBERS else tensor.dtype for x, tensor in zip(choices, tensors)]
    is_given = any(isinstance(kind, np.dtype) for kind in kinds)
    dtype = np.result_type(*kinds) if is_given else as_array(choices).dtype
    tensors = [tensor if tensor.dtype == dtype else cast(tensor, dtype) for tensor in tensors]
    *options, answer = tensors
    for condition, option in zip(reversed(conditions), reversed(options)):
        answer = where(condition, option, answer)
    return answer
