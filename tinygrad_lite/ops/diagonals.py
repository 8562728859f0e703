"""Diagonals and triangles of matrices. Reading a diagonal and writing one are adjoint to each other."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_lite.core.backward import sum_to_shape
from tinygrad_lite.core.calling import refuse_out
from tinygrad_lite.core.primitive import primitive
from tinygrad_lite.core.tensor import Tensor, TensorLike, to_tensor
from tinygrad_lite.ops.reductions import sum as sum_
from tinygrad_lite.ops.shaping import ravel
from tinygrad_lite.utils.types import Array, DTypeLike


def _diagonal_index(shape: tuple[int, ...], offset: int) -> tuple[Any, ...]:
    """The index of a diagonal of the last two axes."""
    rows, columns = shape[-2:]
    along = np.arange(max(0, min(rows, columns - offset) if offset >= 0 else min(rows + offset, columns)))
    return (..., along + max(0, -offset), along + max(0, offset))


@primitive
def diagonal(a: Array, *, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Array:
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
def _from_diagonal(g: Array, *, offset: int, axis1: int, axis2: int, shape: tuple[int, ...]) -> Array:
    """Zeros of `shape`, with `g` on the diagonal: the adjoint of `diagonal`."""
    out = np.zeros(shape, g.dtype)
    matrices = np.moveaxis(out, (axis1, axis2), (-2, -1))
    matrices[_diagonal_index(matrices.shape, offset)] = g
    return out


diagonal.defvjp(lambda g, y, a, **metadata: _from_diagonal.inline(g, **metadata, shape=a.shape))
_from_diagonal.defvjp(lambda g, y, x, shape, **metadata: np.diagonal(g, **metadata))


def diag(v: TensorLike, k: int = 0) -> Tensor:
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


def diagflat(v: TensorLike, k: int = 0) -> Tensor:
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


def trace(
    a: TensorLike, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: DTypeLike | None = None, out: None = None
) -> Tensor:
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
def tril(m: Array, *, k: int = 0) -> Array:
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


# NumPy repeats a vector to a square matrix first, which the sum undoes
tril.defvjp(lambda g, y, m, k: sum_to_shape(np.tril(g, k), m.shape))


@primitive
def triu(m: Array, *, k: int = 0) -> Array:
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
