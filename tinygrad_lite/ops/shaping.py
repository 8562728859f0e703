"""Another shape for the same elements in the same order.

Every such operation is linear. Its gradient is its adjoint: `g` in the shape of the argument.
"""

from __future__ import annotations

from typing import Any, overload

import numpy as np

from tinygrad_lite.core.primitive import primitive
from tinygrad_lite.core.tensor import Tensor, TensorLike, to_tensor
from tinygrad_lite.ops.axes import as_shape
from tinygrad_lite.ops.rearranging import transpose
from tinygrad_lite.utils.types import Array, Axis, ShapeLike


def _as_order(order: str) -> bool:
    """Whether `order` is Fortran's: the first axis changes fastest."""
    if order not in ("C", "F"):
        raise ValueError(
            f"Expected order 'C' (the last axis changes fastest) or 'F' (the first does). Received: order={order!r}."
        )
    return order == "F"


@primitive
def _reshape(a: Array, *, shape: tuple[int, ...]) -> Array:
    return np.reshape(a, shape)


_reshape.may_alias = True  # a view where the strides allow it, else a copy
_reshape.defvjp(lambda g, y, a, shape: np.reshape(g, a.shape))


def reshape(a: TensorLike, shape: ShapeLike, order: str = "C", *, copy: bool | None = None) -> Tensor:
    """The elements of `a` in the same order, in an array of another shape.

    Parameters
    ----------
    a : Tensor or array-like
    shape : int or tuple of int
        One of them may be -1: it is computed from the others.
    order : "C" or "F"
        Which axis changes fastest when elements are counted: the last or the first.
    copy : bool, optional
        Accepted for compatibility with NumPy; no effect, because tensors never change.

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


def ravel(a: TensorLike, order: str = "C") -> Tensor:
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


def copy(a: TensorLike, order: str = "K", subok: bool = False) -> Tensor:
    """`a` as a new Tensor, to which the gradient flows through.

    Parameters
    ----------
    a : Tensor or array-like
    order, subok
        Accepted for compatibility with NumPy; no effect.

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
def expand_dims(a: Array, *, axis: int | tuple[int, ...]) -> Array:
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
def squeeze(a: Array, *, axis: Axis = None) -> Array:
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


def _at_least(arrays: tuple[TensorLike, ...], ndim: int) -> Any:
    answers = tuple(_padded(to_tensor(x), ndim) for x in arrays)
    return answers[0] if len(answers) == 1 else answers


def _padded(x: Tensor, ndim: int) -> Tensor:
    if x.ndim >= ndim:
        return x
    # NumPy puts a vector in the middle of three axes, and a matrix in the first two
    after = 1 if ndim == 3 and x.ndim in (1, 2) else 0
    return reshape(x, (1,) * (ndim - x.ndim - after) + x.shape + (1,) * after)


@overload
def atleast_1d(ary: TensorLike, /) -> Tensor: ...


@overload
def atleast_1d(first: TensorLike, second: TensorLike, /, *arys: TensorLike) -> tuple[Tensor, ...]: ...


def atleast_1d(*arys: TensorLike) -> Tensor | tuple[Tensor, ...]:
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


@overload
def atleast_2d(ary: TensorLike, /) -> Tensor: ...


@overload
def atleast_2d(first: TensorLike, second: TensorLike, /, *arys: TensorLike) -> tuple[Tensor, ...]: ...


def atleast_2d(*arys: TensorLike) -> Tensor | tuple[Tensor, ...]:
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


@overload
def atleast_3d(ary: TensorLike, /) -> Tensor: ...


@overload
def atleast_3d(first: TensorLike, second: TensorLike, /, *arys: TensorLike) -> tuple[Tensor, ...]: ...


def atleast_3d(*arys: TensorLike) -> Tensor | tuple[Tensor, ...]:
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
