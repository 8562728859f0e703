"""Joining: several arrays become one, along an axis that they have or along a new one.

The gradient of each array is its part of `g`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_lite.core.calling import refuse_out
from tinygrad_lite.core.primitive import primitive
from tinygrad_lite.core.tensor import NUMBERS, Tensor, TensorLike, to_tensors
from tinygrad_lite.ops.shaping import atleast_1d, atleast_2d, atleast_3d, reshape
from tinygrad_lite.utils.types import Array, Casting, DTypeLike, Value


@primitive
def _concatenate(
    *arrays: Array, axis: int | None = 0, dtype: DTypeLike | None = None, casting: Casting = "same_kind"
) -> Array:
    return np.concatenate(arrays, axis=axis, dtype=dtype, casting=casting)


def _concatenate_vjp(position: int, g: Value, y: Value, *arrays: Value, axis: int | None, **_: Any) -> Value:
    lengths = [getattr(x, "size", 1) if axis is None else x.shape[axis] for x in arrays[: position + 1]]
    part = slice(sum(lengths[:-1]), sum(lengths))
    return g[(slice(None),) * (axis % g.ndim if axis else 0) + (part,)].reshape(arrays[position].shape)


_concatenate.defvjp_each(_concatenate_vjp)


def _sequence(arrays: TensorLike, name: str) -> list[Any]:
    """`arrays` as a list, in which Python's numbers have the dtype of the arrays, if there are any."""
    if isinstance(arrays, (Tensor, np.ndarray, list, tuple)):
        values = list(arrays)
        return values if NUMBERS.isdisjoint(map(type, values)) else _adapted(values)
    raise TypeError(
        f"{name} expected a list or tuple of tensors. Received: {arrays!r}. Write {name}([a, b]) with brackets."
    )


def _adapted(values: list[Any]) -> list[Any]:
    dtypes = {x.dtype for x in values if isinstance(x, (Tensor, np.ndarray, np.generic))}
    if not dtypes:
        return values
    return [np.asarray(x, np.result_type(x, *dtypes)) if type(x) in NUMBERS else x for x in values]


def concatenate(
    arrays: TensorLike,
    axis: int | None = 0,
    out: None = None,
    *,
    dtype: DTypeLike | None = None,
    casting: Casting = "same_kind",
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
    if out is not None:
        refuse_out("concatenate", out)
    return _concatenate(*_sequence(arrays, "concatenate"), axis=axis, dtype=dtype, casting=casting)


@primitive
def _stack(*arrays: Array, axis: int = 0, dtype: DTypeLike | None = None, casting: Casting = "same_kind") -> Array:
    return np.stack(arrays, axis=axis, dtype=dtype, casting=casting)


_stack.defvjp_each(lambda position, g, y, *arrays, axis, **_: g[(slice(None),) * (axis % g.ndim) + (position,)])


def stack(
    arrays: TensorLike,
    axis: int = 0,
    out: None = None,
    *,
    dtype: DTypeLike | None = None,
    casting: Casting = "same_kind",
) -> Tensor:
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
    if out is not None:
        refuse_out("stack", out)
    return _stack(*_sequence(arrays, "stack"), axis=axis, dtype=dtype, casting=casting)


def vstack(tup: TensorLike, *, dtype: DTypeLike | None = None, casting: Casting = "same_kind") -> Tensor:
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


def hstack(tup: TensorLike, *, dtype: DTypeLike | None = None, casting: Casting = "same_kind") -> Tensor:
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


def dstack(tup: TensorLike) -> Tensor:
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


def column_stack(tup: TensorLike) -> Tensor:
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


def append(arr: TensorLike, values: TensorLike, axis: int | None = None) -> Tensor:
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
