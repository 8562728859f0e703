"""Linear algebra: products of vectors, matrices and stacks of matrices.

The rules for products are adjoints again: for y = a @ b they are g @ bᵀ and aᵀ @ g, summed over the axes
along which a stack of matrices was broadcast.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinygrad_lite.ops.elementwise import multiply
from tinygrad_lite.ops.shaping import transpose
from tinygrad_lite.primitive import primitive
from tinygrad_lite.tape import sum_to_shape
from tinygrad_lite.tensor import Array, Tensor, to_tensor


def _t(x: Any) -> Any:
    """`x` with its last two axes swapped."""
    return x.T if x.ndim == 2 else np.swapaxes(x, -1, -2)


@primitive
def matmul(x1: Any, x2: Any) -> Array:
    """The matrix product `x1 @ x2`, as `numpy.matmul`.

    Parameters
    ----------
    x1 : Tensor or array-like, shape (..., n, k) or (k,)
    x2 : Tensor or array-like, shape (..., k, m) or (k,)
        Leading axes broadcast; a vector counts as a row on the left, as a column on the right.

    Returns
    -------
    Tensor, shape (..., n, m)
        Without the axis of a vector.

    Raises
    ------
    ValueError
        The inner lengths differ, or an argument is 0-d.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.matmul(tgl.constant([[1.0, 2.0]]), tgl.constant([[3.0], [4.0]])).numpy()
    array([[11.]], dtype=float32)
    """
    return np.matmul(x1, x2)


def _matmul_left_vjp(g: Any, y: Any, a: Any, b: Any) -> Any:
    if a.ndim == 2 and b.ndim == 2:
        return g @ b.T
    if b.ndim == 1:  # (..., n, k) @ (k,): an outer product
        return sum_to_shape(g[..., None] * b, a.shape)
    if a.ndim == 1:  # (k,) @ (..., k, m)
        return sum_to_shape((b @ g[..., None])[..., 0], a.shape)
    return sum_to_shape(g @ _t(b), a.shape)


def _matmul_right_vjp(g: Any, y: Any, a: Any, b: Any) -> Any:
    if a.ndim == 2 and b.ndim == 2:
        return a.T @ g
    if a.ndim == 1 and b.ndim == 1:
        return g * a
    if a.ndim == 1:  # (k,) @ (..., k, m): an outer product
        return sum_to_shape(a[:, None] * g[..., None, :], b.shape)
    if b.ndim == 1:  # (..., n, k) @ (k,)
        return sum_to_shape((_t(a) @ g[..., None])[..., 0], b.shape)
    return sum_to_shape(_t(a) @ g, b.shape)


matmul.defvjp(_matmul_left_vjp, _matmul_right_vjp)


def tensordot(a: Any, b: Any, axes: Any = 2) -> Tensor:
    """The sum of products over the given axes of `a` and `b`.

    Parameters
    ----------
    a, b : Tensor or array-like
    axes : int, or pair of ints or of sequences of ints
        N sums over the last N axes of `a` and the first N of `b`; a pair names the axes of each.

    Returns
    -------
    Tensor
        Its axes are those of `a` that are left, then those of `b`.

    Raises
    ------
    ValueError
        The lengths of the axes differ.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.tensordot(tgl.ones((2, 3, 4)), tgl.ones((3, 4, 5))).shape
    (2, 5)
    """
    a, b = to_tensor(a), to_tensor(b)
    if isinstance(axes, int):
        axes = (range(a.ndim - axes, a.ndim), range(axes))
    of_a, of_b = ([n] if isinstance(n, int) else list(n) for n in axes)
    of_a, of_b = [n % a.ndim for n in of_a], [n % b.ndim for n in of_b]
    if [a.shape[n] for n in of_a] != [b.shape[n] for n in of_b]:
        raise ValueError(
            f"tensordot expected the summed axes to be equally long. Received: a.shape={a.shape} over axes "
            f"{of_a}, b.shape={b.shape} over axes {of_b}."
        )
    left_a = [n for n in range(a.ndim) if n not in of_a]
    left_b = [n for n in range(b.ndim) if n not in of_b]
    summed = math.prod(a.shape[n] for n in of_a)
    rows, columns = [a.shape[n] for n in left_a], [b.shape[n] for n in left_b]
    matrix_a = transpose(a, axes=(*left_a, *of_a)).reshape((math.prod(rows), summed))
    matrix_b = transpose(b, axes=(*of_b, *left_b)).reshape((summed, math.prod(columns)))
    return matmul(matrix_a, matrix_b).reshape((*rows, *columns))


def dot(a: Any, b: Any) -> Tensor:
    """The product sum over the last axis of `a` and the second-last (of a vector: the only) of `b`.

    Parameters
    ----------
    a, b : Tensor or array-like
        Of any rank. A 0-d argument multiplies.

    Returns
    -------
    Tensor
        Of shape `a.shape[:-1] + b.shape` without the second-last axis of `b`.

    Raises
    ------
    ValueError
        The lengths of the two axes differ.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.dot(tgl.constant([1.0, 2.0]), tgl.constant([3.0, 4.0])).item()
    11.0
    """
    a, b = to_tensor(a), to_tensor(b)
    if not a.ndim or not b.ndim:
        return multiply(a, b)
    if a.shape[-1] != b.shape[-2 if b.ndim > 1 else -1]:
        raise ValueError(
            "dot expected the last axis of a to be as long as the second-last of b (the only one of a vector). "
            f"Received: a.shape={a.shape}, b.shape={b.shape}. Transpose one of them?"
        )
    if a.ndim <= 2 and b.ndim <= 2:
        return matmul(a, b)
    return tensordot(a, b, axes=(-1, -2 if b.ndim > 1 else -1))
