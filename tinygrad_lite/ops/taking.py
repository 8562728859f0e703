"""Taking: elements selected along an axis, by a condition or by a choice; all of it is indexing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygrad_lite.core.calling import refuse_out
from tinygrad_lite.core.primitive import nondifferentiable
from tinygrad_lite.core.tensor import NUMBERS, Tensor, TensorLike, as_array, to_tensor, to_tensors
from tinygrad_lite.ops.axes import as_axis
from tinygrad_lite.ops.broadcasting import broadcast_arrays
from tinygrad_lite.ops.casting import cast
from tinygrad_lite.ops.choosing import where
from tinygrad_lite.ops.counting import nonzero
from tinygrad_lite.ops.indexing import getitem
from tinygrad_lite.ops.joining import stack
from tinygrad_lite.ops.shaping import ravel, reshape
from tinygrad_lite.utils.types import Array, Index


def along(axis: int, part: Index) -> tuple[Any, ...]:
    """The index that selects `part` of `axis`, and all of the axes before and after it."""
    return (*(slice(None),) * axis, part)


@nondifferentiable
def _in_range(indices: Array, *, length: int, mode: str) -> Array:
    """`indices` in the range from 0 to `length` - 1: checked, wrapped or clipped."""
    if mode not in ("raise", "wrap", "clip"):
        raise ValueError("mode must be 'raise', 'wrap' or 'clip'")
    if mode == "raise" and np.size(indices) and not (np.min(indices) >= 0 and np.max(indices) < length):
        raise IndexError(f"expected integers from 0 to {length - 1}; mode='clip' or mode='wrap' allows others")
    return np.mod(indices, length) if mode == "wrap" else np.clip(indices, 0, length - 1)


def take(a: TensorLike, indices: TensorLike, axis: int | None = None, out: None = None, mode: str = "raise") -> Tensor:
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


def take_along_axis(arr: TensorLike, indices: TensorLike, axis: int | None = -1) -> Tensor:
    """For each line of `arr` along `axis`, the elements at the same line of `indices`, such as `argsort` returns.

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


def compress(condition: TensorLike, a: TensorLike, axis: int | None = None, out: None = None) -> Tensor:
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


def choose(a: TensorLike, choices: Sequence[TensorLike], out: None = None, mode: str = "raise") -> Tensor:
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


def select(condlist: Sequence[TensorLike], choicelist: Sequence[TensorLike], default: TensorLike = 0) -> Tensor:
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
    kinds: list[Any] = [x if type(x) in NUMBERS else tensor.dtype for x, tensor in zip(choices, tensors)]
    is_given = any(isinstance(kind, np.dtype) for kind in kinds)
    dtype = np.result_type(*kinds) if is_given else as_array(choices).dtype
    tensors = [tensor if tensor.dtype == dtype else cast(tensor, dtype) for tensor in tensors]
    *options, answer = tensors
    for condition, option in zip(reversed(conditions), reversed(options)):
        answer = where(condition, option, answer)
    return answer
