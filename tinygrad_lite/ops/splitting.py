"""Parts and margins: arrays cut into several, elements repeated, edges padded; all of it is indexing."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from tinygrad_lite.core.primitive import primitive
from tinygrad_lite.core.tensor import Tensor, TensorLike, as_array, to_tensor
from tinygrad_lite.ops.axes import as_axis, as_shape, ndim
from tinygrad_lite.ops.broadcasting import broadcast_to
from tinygrad_lite.ops.indexing import getitem
from tinygrad_lite.ops.shaping import ravel, reshape
from tinygrad_lite.ops.taking import along, take
from tinygrad_lite.utils.types import Array, ShapeLike, Value

# Splitting ----------------------------------------------------------------------------------------------------


def array_split(ary: TensorLike, indices_or_sections: ShapeLike, axis: int = 0) -> list[Tensor]:
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
    if ndim(indices_or_sections):
        bounds = [0, *as_shape(indices_or_sections), length]
    else:
        (sections,) = as_shape(indices_or_sections)
        if sections <= 0:
            raise ValueError(f"Expected a positive number of parts. Received: indices_or_sections={sections}.")
        short, longer = divmod(length, sections)
        bounds = list(itertools.accumulate([0] + [short + 1] * longer + [short] * (sections - longer)))
    return [getitem(ary, along(axis, slice(*pair))) for pair in itertools.pairwise(bounds)]


def split(ary: TensorLike, indices_or_sections: ShapeLike, axis: int = 0) -> list[Tensor]:
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
    if not ndim(indices_or_sections):
        (sections,) = as_shape(indices_or_sections)
        if sections <= 0 or length % sections:
            raise ValueError(
                f"split expected a number of parts that divides the axis evenly. Received: {sections} parts of "
                f"ary.shape={ary.shape} along axis={axis}. Use array_split for unequal parts."
            )
    return array_split(ary, indices_or_sections, axis)


def _split_along(name: str, axis: int, ary: TensorLike, indices_or_sections: ShapeLike) -> list[Tensor]:
    ary = to_tensor(ary)
    if ary.ndim <= axis:
        raise ValueError(f"{name} expected at least {axis + 1} axes. Received: ary.shape={ary.shape}.")
    return split(ary, indices_or_sections, axis)


def hsplit(ary: TensorLike, indices_or_sections: ShapeLike) -> list[Tensor]:
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


def vsplit(ary: TensorLike, indices_or_sections: ShapeLike) -> list[Tensor]:
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


def dsplit(ary: TensorLike, indices_or_sections: ShapeLike) -> list[Tensor]:
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


def repeat(a: TensorLike, repeats: TensorLike, axis: int | None = None) -> Tensor:
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
def _pad(array: Array, *, pad_width: tuple[tuple[int, int], ...], constant_values: float) -> Array:
    if array.flags.fnc:  # whose result would lie as that of no other array in Fortran's order, in pieces say
        array = np.ascontiguousarray(array)
    return np.pad(array, pad_width, constant_values=constant_values) if pad_width else np.array(array)


def _pad_vjp(g: Value, y: Value, array: Value, pad_width: Value, constant_values: float) -> Value:
    return g[tuple(slice(before, before + n) for (before, _), n in zip(pad_width, array.shape))]


_pad.defvjp(_pad_vjp)

_PAD_MODES = {"edge": (), "reflect": ("reflect_type",), "symmetric": ("reflect_type",), "wrap": ()}


def pad(array: TensorLike, pad_width: TensorLike, mode: str = "constant", **kwargs: Any) -> Tensor:
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
        if any(width):  # the positions do not depend on the values: pad the indices, and take the elements at them
            array = take(array, np.pad(np.arange(array.shape[axis]), width, mode=mode), axis)  # type: ignore[call-overload]
    return array


def _pad_widths(array: Tensor, pad_width: TensorLike) -> tuple[tuple[int, int], ...]:
    """The pair of widths of each axis."""
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
