"""Selection: some of the numbers, in an order of one's own, and the same numbers put elsewhere.

One pair of primitives does nearly all of it: `x[index]`, and its adjoint, which adds up at the places that an
index points at. Sorting, taking, splitting and padding only work out the index.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygrad_lite.ops.elementwise import where
from tinygrad_lite.ops.reductions import refuse_out
from tinygrad_lite.ops.reductions import sum as sum_
from tinygrad_lite.ops.shaping import as_axis, as_shape, broadcast_arrays, broadcast_to, ravel, reshape, stack
from tinygrad_lite.primitive import nondifferentiable, primitive
from tinygrad_lite.tape import sum_to_shape
from tinygrad_lite.tensor import Array, Tensor, as_array, to_tensor

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


@primitive
def _getitem(x: Any, *arrays: Any, template: Any) -> Array:
    return x[_filled(template, arrays)]


@primitive
def _scatter(g: Any, *arrays: Any, template: Any, shape: tuple[int, ...]) -> Array:
    """Zeros of `shape`, with `g` added where the index points: the adjoint of `x[index]`."""
    out = np.zeros(shape, g.dtype)
    _add_at(out, _filled(template, arrays), g, arrays)
    return out


def _add_at(out: Array, index: Any, values: Any, arrays: Sequence[Any]) -> None:
    if any(x.dtype.kind != "b" for x in arrays):  # an array of integers may select an element twice
        np.add.at(out, index, values)
    else:
        out[index] += values


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


_index_set.defvjp_each(_index_set_vjp)


@primitive
def _index_add(x: Any, value: Any, *arrays: Any, template: Any) -> Array:
    out = np.array(x)
    _add_at(out, _filled(template, arrays), value, arrays)
    return out


def _index_add_vjp(position: int, g: Any, y: Any, x: Any, value: Any, *arrays: Any, template: Any) -> Any:
    if position == 0:
        return g
    return _to_value(_getitem.inline(g, *arrays, template=template), value) if position == 1 else None


_index_add.defvjp_each(_index_add_vjp)


def _storable(x: Tensor, value: Any, name: str) -> Any:
    """`value`, if the dtype of `x` can hold it."""
    array = as_array(value, like=x.dtype)
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
    x = to_tensor(x)
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
    x = to_tensor(x)
    template, arrays = _split_index(key)
    return _index_add(x, _storable(x, value, "index_add"), *arrays, template=template)


# Taking -------------------------------------------------------------------------------------------------------


def _along(axis: int, part: Any) -> tuple[Any, ...]:
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
        Is there for NumPy's sake: a Tensor never changes.
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
    return getitem(a, _along(axis, indices))


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
        Is there for NumPy's sake: a Tensor never changes.

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
        Is there for NumPy's sake: a Tensor never changes.
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
    answer = default
    for condition, choice in zip(reversed(conditions), reversed(list(choicelist))):
        answer = where(condition, choice, answer)
    return answer


# Sorting ------------------------------------------------------------------------------------------------------


@nondifferentiable
def argsort(a: Any, *, axis: int | None = -1, kind: Any = None, order: None = None, stable: Any = None) -> Array:
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


def sort(a: Any, axis: int | None = -1, kind: Any = None, order: None = None, *, stable: Any = None) -> Tensor:
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
def argpartition(a: Any, *, kth: Any, axis: int | None = -1, kind: Any = "introselect", order: None = None) -> Array:
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


def partition(a: Any, kth: Any, axis: int | None = -1, kind: Any = "introselect", order: None = None) -> Tensor:
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
def _searchsorted(a: Any, v: Any, *, side: Any = "left") -> Array:
    return np.searchsorted(a, v, side)


def searchsorted(a: Any, v: Any, side: str = "left", sorter: Any = None) -> Tensor:
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
def nonzero(a: Any) -> tuple[Array, ...]:
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
def argwhere(a: Any) -> Array:
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
def flatnonzero(a: Any) -> Array:
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


@nondifferentiable
def _unique(ar: Any, *, equal_nan: bool) -> tuple[Array, ...]:
    return tuple(np.unique(np.ravel(ar), True, True, True, equal_nan=equal_nan)[1:])


def unique(
    ar: Any,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    *,
    equal_nan: bool = True,
) -> Any:
    """The different elements of the flattened array in ascending order; the first of equal ones gets the gradient.

    Parameters
    ----------
    ar : Tensor or array-like
    return_index, return_inverse, return_counts : bool
        Return also the index of the first of each, which of the results each element is, how many of each.
    equal_nan : bool
        Count all nan as one.

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
    index, inverse, counts = _unique(ar, equal_nan=equal_nan)
    extra = [(return_index, index), (return_inverse, reshape(inverse, ar.shape)), (return_counts, counts)]
    answers = (take(ar, index), *(answer for wanted, answer in extra if wanted))
    return answers if len(answers) > 1 else answers[0]


# Splitting ----------------------------------------------------------------------------------------------------


def array_split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Tensor]:
    """`ary` cut along `axis`, into parts as equal as can be or at given places.

    Parameters
    ----------
    ary : Tensor or array-like
    indices_or_sections : int or sequence of int
        The number of parts, or the indices at which a new part begins.
    axis : int

    Returns
    -------
    list of Tensors

    Raises
    ------
    ValueError
        The number of parts is not positive.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> [part.tolist() for part in tgl.array_split([1.0, 2.0, 3.0], 2)]
    [[1.0, 2.0], [3.0]]
    """
    ary = to_tensor(ary)
    axis = as_axis(axis, ary.ndim)
    length = ary.shape[axis]
    if np.ndim(indices_or_sections):
        bounds = [0, *as_shape(indices_or_sections), length]
    else:
        (sections,) = as_shape(indices_or_sections)
        if sections <= 0:
            raise ValueError(f"Expected a positive number of parts. Received: indices_or_sections={sections}.")
        short, longer = divmod(length, sections)
        bounds = list(itertools.accumulate([0] + [short + 1] * longer + [short] * (sections - longer)))
    return [getitem(ary, _along(axis, slice(*pair))) for pair in itertools.pairwise(bounds)]


def split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Tensor]:
    """`ary` cut along `axis`, into equal parts or at given places.

    Parameters
    ----------
    ary : Tensor or array-like
    indices_or_sections : int or sequence of int
        The number of parts, or the indices at which a new part begins.
    axis : int

    Returns
    -------
    list of Tensors

    Raises
    ------
    ValueError
        The axis cannot be cut into so many equal parts.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> [part.tolist() for part in tgl.split([1.0, 2.0, 3.0, 4.0], 2)]
    [[1.0, 2.0], [3.0, 4.0]]
    """
    ary = to_tensor(ary)
    length = ary.shape[as_axis(axis, ary.ndim)]
    if not np.ndim(indices_or_sections):
        (sections,) = as_shape(indices_or_sections)
        if sections <= 0 or length % sections:
            raise ValueError(
                f"split expected a number of parts that divides the axis evenly. Received: {sections} parts of "
                f"ary.shape={ary.shape} along axis={axis}. Use array_split for unequal parts."
            )
    return array_split(ary, indices_or_sections, axis)


def _split_along(name: str, axis: int, ary: Any, indices_or_sections: Any) -> list[Tensor]:
    ary = to_tensor(ary)
    if ary.ndim <= axis:
        raise ValueError(f"{name} expected at least {axis + 1} axes. Received: ary.shape={ary.shape}.")
    return split(ary, indices_or_sections, axis)


def hsplit(ary: Any, indices_or_sections: Any) -> list[Tensor]:
    """`ary` cut into parts that lie side by side: along the second axis, a vector along its only one.

    Parameters
    ----------
    ary : Tensor or array-like, with at least one axis
    indices_or_sections : int or sequence of int

    Returns
    -------
    list of Tensors

    Raises
    ------
    ValueError
        `ary` has too few axes, or cannot be cut into so many equal parts.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> [part.shape for part in tgl.hsplit(tgl.zeros((3, 4)), 2)]
    [(3, 2), (3, 2)]
    """
    ary = to_tensor(ary)
    return _split_along("hsplit", 1 if ary.ndim > 1 else 0, ary, indices_or_sections)


def vsplit(ary: Any, indices_or_sections: Any) -> list[Tensor]:
    """`ary` cut into parts that lie one below the other: along the first axis.

    Parameters
    ----------
    ary : Tensor or array-like, with at least two axes
    indices_or_sections : int or sequence of int

    Returns
    -------
    list of Tensors

    Raises
    ------
    ValueError
        `ary` has too few axes, or cannot be cut into so many equal parts.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> [part.shape for part in tgl.vsplit(tgl.zeros((4, 3)), [1])]
    [(1, 3), (3, 3)]
    """
    ary = to_tensor(ary)
    if ary.ndim < 2:
        raise ValueError(f"vsplit expected at least 2 axes. Received: ary.shape={ary.shape}.")
    return split(ary, indices_or_sections, 0)


def dsplit(ary: Any, indices_or_sections: Any) -> list[Tensor]:
    """`ary` cut into parts that lie one behind the other: along the third axis.

    Parameters
    ----------
    ary : Tensor or array-like, with at least three axes
    indices_or_sections : int or sequence of int

    Returns
    -------
    list of Tensors

    Raises
    ------
    ValueError
        `ary` has too few axes, or cannot be cut into so many equal parts.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> [part.shape for part in tgl.dsplit(tgl.zeros((2, 3, 4)), 2)]
    [(2, 3, 2), (2, 3, 2)]
    """
    return _split_along("dsplit", 2, ary, indices_or_sections)


# Repeating and padding ----------------------------------------------------------------------------------------


def repeat(a: Any, repeats: Any, axis: int | None = None) -> Tensor:
    """Each element repeated, one after the other.

    Parameters
    ----------
    a : Tensor or array-like
    repeats : int, or sequence of int
        How often: all of them, or each slice along `axis` by its own number.
    axis : int or None
        None repeats the elements of the flattened array.

    Returns
    -------
    Tensor

    Raises
    ------
    ValueError
        There are more or fewer numbers than slices, or negative ones.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.repeat([1.0, 2.0], [1, 3]).numpy()
    array([1., 2., 2., 2.], dtype=float32)
    """
    a = to_tensor(a)
    if axis is None or not a.ndim:
        a, axis = ravel(a), 0
    axis = as_axis(axis, a.ndim)
    before, length, after = a.shape[:axis], a.shape[axis], a.shape[axis + 1 :]
    counts = as_array(repeats)
    if counts.size == 1 and counts.item() >= 0 and counts.dtype.kind in "iu":  # broadcasting has a cheaper adjoint
        times = int(counts.item())
        spread = broadcast_to(reshape(a, (*before, length, 1, *after)), (*before, length, times, *after))
        return reshape(spread, (*before, length * times, *after))
    return take(a, np.repeat(np.arange(length), counts), axis)


@primitive
def _pad(array: Any, *, pad_width: tuple[tuple[int, int], ...], constant_values: Any) -> Array:
    return np.pad(array, pad_width, constant_values=constant_values)


def _pad_vjp(g: Any, y: Any, array: Any, pad_width: Any, constant_values: Any) -> Any:
    return g[tuple(slice(before, before + n) for (before, _), n in zip(pad_width, array.shape))]


_pad.defvjp(_pad_vjp)

_PAD_MODES = {"edge": (), "reflect": ("reflect_type",), "symmetric": ("reflect_type",), "wrap": ()}


def pad(array: Any, pad_width: Any, mode: str = "constant", **kwargs: Any) -> Tensor:
    """`array` with a margin on every side.

    Parameters
    ----------
    array : Tensor or array-like
    pad_width : int, pair of int, sequence of pairs, or dict of them by axis
        How many elements are added before and after: on all axes, or on each.
    mode : "constant", "edge", "reflect", "symmetric" or "wrap"
        What is added: a constant; the element at the edge; the mirror image without and with the edge; the
        elements from the other side.
    constant_values : number, pair, or sequence of pairs
        For "constant"; 0 by default.
    reflect_type : "even"
        For "reflect" and "symmetric".

    Returns
    -------
    Tensor

    Raises
    ------
    ValueError
        Another mode, a negative width, or an axis without elements in other modes than "constant".
    TypeError
        `constant_values` is a Tensor: it would lose its gradient. Join it with tgl.concatenate instead.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.pad([1.0, 2.0, 3.0], (1, 2)).numpy()
    array([0., 1., 2., 3., 0., 0.], dtype=float32)
    >>> tgl.pad([1.0, 2.0, 3.0], 2, mode="reflect").numpy()
    array([3., 2., 1., 2., 3., 2., 1.], dtype=float32)
    """
    array = to_tensor(array)
    widths = _pad_widths(array, pad_width)
    if mode == "constant":
        values = kwargs.pop("constant_values", 0)
        if isinstance(values, Tensor):
            raise TypeError(
                "pad expected constant_values as numbers. Received: a Tensor, whose gradient would be lost. Join "
                "it with tgl.concatenate, or leave the gradient on purpose with .numpy()."
            )
        _no_more(kwargs, mode)
        return _pad(array, pad_width=widths, constant_values=values)
    if mode not in _PAD_MODES or kwargs.get("reflect_type", "even") != "even":
        raise ValueError(
            "pad has a gradient for the modes 'constant', 'edge', 'reflect', 'symmetric' and 'wrap', with "
            f"reflect_type='even'. Received: mode={mode!r}, {kwargs}. Compute the margin and join it with "
            "tgl.concatenate, or use np.pad(array.numpy(), ...) if no gradient is needed."
        )
    _no_more({name: value for name, value in kwargs.items() if name not in _PAD_MODES[mode]}, mode)
    for axis, width in enumerate(widths):
        if any(width):  # which element stands where is the same for all values: pad the indices instead
            array = take(array, np.pad(np.arange(array.shape[axis]), width, mode=mode), axis)  # type: ignore[call-overload]
    return array


def _pad_widths(array: Tensor, pad_width: Any) -> tuple[tuple[int, int], ...]:
    """Every axis' pair of widths."""
    if isinstance(pad_width, dict):
        by_axis = {as_axis(axis, array.ndim): width for axis, width in pad_width.items()}
        pad_width = [by_axis.get(axis, 0) for axis in range(array.ndim)]
        pad_width = [(width, width) if np.ndim(width) == 0 else width for width in pad_width]
    widths = np.array(pad_width)
    if widths.dtype.kind not in "iu" and widths.size:
        raise TypeError(f"pad expected integers as pad_width. Received: pad_width={pad_width!r}.")
    if widths.size and widths.min() < 0:
        raise ValueError(f"pad expected widths of 0 or more. Received: pad_width={pad_width!r}. Slice to make it less.")
    try:
        pairs = np.broadcast_to(widths, (array.ndim, 2)).tolist()
    except ValueError:
        raise ValueError(
            f"pad expected a width, a (before, after) pair, or a pair for each of {array.ndim} axes. Received: "
            f"pad_width={pad_width!r}, array.shape={array.shape}."
        ) from None
    return tuple((before, after) for before, after in pairs)


def _no_more(kwargs: dict[str, Any], mode: str) -> None:
    if kwargs:
        raise ValueError(f"pad in mode {mode!r} does not take {', '.join(kwargs)}.")


# Diagonals and triangles --------------------------------------------------------------------------------------


def _diagonal_index(shape: tuple[int, ...], offset: int) -> tuple[Any, ...]:
    """The index of a diagonal of the last two axes."""
    rows, columns = shape[-2:]
    along = np.arange(max(0, min(rows, columns - offset) if offset >= 0 else min(rows + offset, columns)))
    return (..., along + max(0, -offset), along + max(0, offset))


@primitive
def diagonal(a: Any, *, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Array:
    """The elements a[i, i + offset] of two axes, as the last axis.

    Parameters
    ----------
    a : Tensor or array-like, with at least two axes
    offset : int
        Of the diagonal: to the right where positive, below where negative.
    axis1, axis2 : int
        The axes of the rows and of the columns.

    Returns
    -------
    Tensor
        The other axes, then that of the diagonal.

    Raises
    ------
    ValueError
        `a` has fewer than two axes, or the axes are the same.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.diagonal([[1.0, 2.0], [3.0, 4.0]]).numpy()
    array([1., 4.], dtype=float32)
    """
    return np.diagonal(a, offset, axis1, axis2)


@primitive
def _from_diagonal(g: Any, *, offset: int, axis1: int, axis2: int, shape: tuple[int, ...]) -> Array:
    """Zeros of `shape`, with `g` on the diagonal: the adjoint of `diagonal`."""
    out = np.zeros(shape, g.dtype)
    matrices = np.moveaxis(out, (axis1, axis2), (-2, -1))
    matrices[_diagonal_index(matrices.shape, offset)] = g
    return out


diagonal.defvjp(lambda g, y, a, **metadata: _from_diagonal.inline(g, **metadata, shape=a.shape))
_from_diagonal.defvjp(lambda g, y, x, shape, **metadata: np.diagonal(g, **metadata))


def diag(v: Any, k: int = 0) -> Tensor:
    """The `k`-th diagonal of a matrix, or the matrix with the vector `v` on its `k`-th diagonal.

    Parameters
    ----------
    v : Tensor or array-like, 1-D or 2-D
    k : int
        To the right where positive, below where negative.

    Returns
    -------
    Tensor, 2-D of a vector, 1-D of a matrix

    Raises
    ------
    ValueError
        `v` has neither one nor two axes.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.diag([1.0, 2.0]).tolist()
    [[1.0, 0.0], [0.0, 2.0]]
    >>> tgl.diag([[1.0, 2.0], [3.0, 4.0]]).tolist()
    [1.0, 4.0]
    """
    v = to_tensor(v)
    if v.ndim == 2:
        return diagonal(v, offset=k)
    if v.ndim != 1:
        raise ValueError(
            f"diag expected a vector or a matrix. Received: v.shape={v.shape}. Use diagonal for a stack of matrices."
        )
    n = v.size + abs(k)
    return _from_diagonal(v, offset=k, axis1=0, axis2=1, shape=(n, n))


def diagflat(v: Any, k: int = 0) -> Tensor:
    """The matrix with the elements of `v`, flattened, on its `k`-th diagonal.

    Parameters
    ----------
    v : Tensor or array-like
    k : int

    Returns
    -------
    Tensor, 2-D

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.diagflat([1.0, 2.0], 1).tolist()
    [[0.0, 1.0, 0.0], [0.0, 0.0, 2.0], [0.0, 0.0, 0.0]]
    """
    return diag(ravel(v), k)


def trace(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None, out: None = None) -> Tensor:
    """The sum along a diagonal: Σᵢ a[i, i + offset].

    Parameters
    ----------
    a : Tensor or array-like, with at least two axes
    offset : int
    axis1, axis2 : int
        The axes of the rows and of the columns.
    dtype : dtype, optional
        Of the result.
    out : None
        Is there for NumPy's sake: a Tensor never changes.

    Returns
    -------
    Tensor
        Of the other axes.

    Raises
    ------
    ValueError
        `a` has fewer than two axes, or the axes are the same.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.trace([[1.0, 2.0], [3.0, 4.0]]).item()
    5.0
    """
    refuse_out("trace", out)
    return sum_(diagonal(a, offset=offset, axis1=axis1, axis2=axis2), axis=-1, dtype=dtype)


@primitive
def tril(m: Any, *, k: int = 0) -> Array:
    """`m` with zeros above the `k`-th diagonal of its last two axes.

    Parameters
    ----------
    m : Tensor or array-like, shape (..., rows, columns)
    k : int

    Returns
    -------
    Tensor, of the shape of `m`

    Raises
    ------
    IndexError, TypeError
        `m` is 0-d.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.tril([[1.0, 2.0], [3.0, 4.0]]).tolist()
    [[1.0, 0.0], [3.0, 4.0]]
    """
    return np.tril(m, k)


# NumPy repeats a vector to a square matrix first, hence the sum
tril.defvjp(lambda g, y, m, k: sum_to_shape(np.tril(g, k), m.shape))


@primitive
def triu(m: Any, *, k: int = 0) -> Array:
    """`m` with zeros below the `k`-th diagonal of its last two axes.

    Parameters
    ----------
    m : Tensor or array-like, shape (..., rows, columns)
    k : int

    Returns
    -------
    Tensor, of the shape of `m`

    Raises
    ------
    IndexError, TypeError
        `m` is 0-d.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.triu([[1.0, 2.0], [3.0, 4.0]]).tolist()
    [[1.0, 2.0], [0.0, 4.0]]
    """
    return np.triu(m, k)


triu.defvjp(lambda g, y, m, k: sum_to_shape(np.triu(g, k), m.shape))
