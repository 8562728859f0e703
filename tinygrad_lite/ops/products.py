"""Products of vectors, matrices and tensors of any rank.

All of them are made of the matrix product. For y = a @ b its rules are g @ bᵀ and aᵀ @ g, summed over the axes along
which a stack of matrices was broadcast. Einstein sums are in `einstein_sums`, inverses in `inverses`.
"""

from __future__ import annotations

import functools
import itertools
import math
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygrad_lite.core.backward import sum_to_shape
from tinygrad_lite.core.calling import refuse_out
from tinygrad_lite.core.primitive import primitive
from tinygrad_lite.core.tensor import HALF, Tensor, TensorLike, to_tensors
from tinygrad_lite.ops.arithmetic import multiply, subtract
from tinygrad_lite.ops.axes import as_axis
from tinygrad_lite.ops.half import wide
from tinygrad_lite.ops.rearranging import moveaxis, roll, transpose
from tinygrad_lite.ops.reductions import sum as sum_
from tinygrad_lite.ops.shaping import ravel, reshape
from tinygrad_lite.ops.splitting import pad
from tinygrad_lite.utils.types import Array, Value


def t(x: Value) -> Value:
    """`x` with its last two axes exchanged."""
    return x.T if x.ndim == 2 else np.swapaxes(x, -1, -2)


@primitive
def matmul(x1: Array, x2: Array) -> Array:
    """The matrix product: x1 @ x2.

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


def _matmul_left_vjp(g: Value, y: Value, a: Value, b: Value) -> Value:
    if a.ndim == 2 and b.ndim == 2:
        return g @ b.T
    if b.ndim == 1:  # (..., n, k) @ (k,): an outer product
        return sum_to_shape(g[..., None] * b, a.shape)
    if a.ndim == 1:  # (k,) @ (..., k, m)
        return sum_to_shape((b @ g[..., None])[..., 0], a.shape)
    return sum_to_shape(g @ t(b), a.shape)


def transposed_product(a: Value, g: Value) -> Value:
    """`a.T @ g` of matrices."""
    return a.T @ g if a.shape[0] != 1 else _product_of_rows.inline(a, g)


@primitive
def _product_of_rows(a: Array, b: Array) -> Array:
    """The outer product of two rows, (1, n) and (1, m): a.T @ b."""
    # `dot` calls BLAS for it, `@` does not. Of a single number `dot` is a sum, in which 0 · inf would be 0.
    return np.dot(a.T, b) if a.size > 1 < b.size else a.T * b


_product_of_rows.lowering = lambda a, b: None if a.size > 1 < b.size else a.T * b
_product_of_rows.defvjp(lambda g, y, a, b: b @ g.T, lambda g, y, a, b: a @ g)


def _matmul_right_vjp(g: Value, y: Value, a: Value, b: Value) -> Value:
    if a.ndim == 2 and b.ndim == 2:
        return transposed_product(a, g)
    if a.ndim == 1 and b.ndim == 1:
        return g * a
    if a.ndim == 1:  # (k,) @ (..., k, m): an outer product
        return sum_to_shape(a[:, None] * g[..., None, :], b.shape)
    if b.ndim == 1:  # (..., n, k) @ (k,)
        return sum_to_shape((t(a) @ g[..., None])[..., 0], b.shape)
    return sum_to_shape(t(a) @ g, b.shape)


matmul.defvjp(_matmul_left_vjp, _matmul_right_vjp)
matmul.fitting = (
    "a last axis of x1 as long as the last but one of x2 (or as the only one), and leading axes that broadcast",
    "Transpose one with .T, or reshape; for numbers without axes use *.",
)


def tensordot(a: TensorLike, b: TensorLike, axes: int | Sequence[int | Sequence[int]] = 2) -> Tensor:
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
    a, b = to_tensors(a, b)
    pair: Any = axes
    if np.ndim(pair) == 0:
        count = operator.index(pair)
        pair = (range(-count, 0), range(count))
    if len(pair) != 2:
        raise ValueError(f"tensordot expected axes to be a number or a pair. Received: axes={axes!r}. Try axes=1.")
    of_a, of_b = ([n] if np.ndim(n) == 0 else list(n) for n in pair)
    of_a, of_b = [as_axis(n, a.ndim) for n in of_a], [as_axis(n, b.ndim) for n in of_b]
    if [a.shape[n] for n in of_a] != [b.shape[n] for n in of_b]:
        raise ValueError(
            f"tensordot expected the summed axes to be equally long. Received: a.shape={a.shape} over axes "
            f"{of_a}, b.shape={b.shape} over axes {of_b}."
        )
    left_a = [n for n in range(a.ndim) if n not in of_a]
    left_b = [n for n in range(b.ndim) if n not in of_b]
    summed = math.prod(a.shape[n] for n in of_a)
    rows, columns = [a.shape[n] for n in left_a], [b.shape[n] for n in left_b]
    matrix_a = reshape(transpose(a, axes=(*left_a, *of_a)), (math.prod(rows), summed))
    matrix_b = reshape(transpose(b, axes=(*of_b, *left_b)), (summed, math.prod(columns)))
    return reshape(matmul(matrix_a, matrix_b), (*rows, *columns))


def dot(a: TensorLike, b: TensorLike, out: None = None) -> Tensor:
    """The product sum over the last axis of `a` and the second-last (of a vector: the only) of `b`.

    Parameters
    ----------
    a, b : Tensor or array-like
        Of any rank. A 0-d argument multiplies.
    out : None

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
    refuse_out("dot", out)
    a, b = to_tensors(a, b)
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


def vdot(a: TensorLike, b: TensorLike) -> Tensor:
    """The dot product of all elements: Σ a·b.

    Parameters
    ----------
    a, b : Tensor or array-like
        Of as many elements; they are flattened.

    Returns
    -------
    Tensor, 0-d

    Raises
    ------
    ValueError
        The numbers of elements differ.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.vdot([[1.0, 2.0], [3.0, 4.0]], [[1.0, 1.0], [1.0, 1.0]]).item()
    10.0
    """
    a, b = to_tensors(a, b)
    return matmul(ravel(a), ravel(b))


def inner(a: TensorLike, b: TensorLike) -> Tensor:
    """The product sum over the last axes of both: Σₖ a[..., k]·b[..., k] for every pair of lines.

    Parameters
    ----------
    a, b : Tensor or array-like
        A 0-d argument multiplies.

    Returns
    -------
    Tensor, shape a.shape[:-1] + b.shape[:-1]

    Raises
    ------
    ValueError
        The last axes differ in length.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.inner([1.0, 2.0], [3.0, 4.0]).item()
    11.0
    """
    a, b = to_tensors(a, b)
    return tensordot(a, b, axes=(-1, -1)) if a.ndim and b.ndim else multiply(a, b)


def outer(a: TensorLike, b: TensorLike, out: None = None) -> Tensor:
    """Every element of one vector times every element of the other: aᵢ·bⱼ.

    Parameters
    ----------
    a, b : Tensor or array-like
        They are flattened.
    out : None

    Returns
    -------
    Tensor, shape (a.size, b.size)

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.outer([1.0, 2.0], [3.0, 4.0]).tolist()
    [[3.0, 4.0], [6.0, 8.0]]
    """
    refuse_out("outer", out)
    a, b = to_tensors(a, b)
    return multiply(reshape(a, (-1, 1)), reshape(b, (1, -1)))


def vecdot(x1: TensorLike, x2: TensorLike, out: None = None, *, axis: int = -1) -> Tensor:
    """The dot product of the vectors along `axis`: Σₖ x1ₖ·x2ₖ.

    Parameters
    ----------
    x1, x2 : Tensor or array-like
        Broadcast together.
    out : None
    axis : int

    Returns
    -------
    Tensor
        Without `axis`.

    Raises
    ------
    ValueError
        The vectors differ in length, or the shapes do not broadcast.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.vecdot([[1.0, 2.0], [3.0, 4.0]], [1.0, 1.0]).numpy()
    array([3., 7.], dtype=float32)
    """
    refuse_out("vecdot", out)
    a, b = (moveaxis(x, axis, -1) for x in to_tensors(x1, x2))
    if a.shape[-1] != b.shape[-1]:
        raise ValueError(
            f"vecdot expected vectors of one length. Received: x1 and x2 with {a.shape[-1]} and {b.shape[-1]} "
            f"elements along axis={axis}."
        )
    dtype = np.result_type(a.dtype, b.dtype)
    products = multiply(wide(a), wide(b)) if dtype == HALF else multiply(a, b)
    return sum_(products, axis=-1, dtype=dtype)


def kron(a: TensorLike, b: TensorLike) -> Tensor:
    """The Kronecker product: blocks of `b`, scaled by the elements of `a`.

    Parameters
    ----------
    a, b : Tensor or array-like
        The one with fewer axes gets new ones in front.

    Returns
    -------
    Tensor
        Of shape `a.shape[n] * b.shape[n]` for every axis `n`.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.kron([1.0, 10.0], [1.0, 2.0]).numpy()
    array([ 1.,  2., 10., 20.], dtype=float32)
    """
    a, b = to_tensors(a, b)
    ndim = max(a.ndim, b.ndim)
    shape_a, shape_b = (1,) * (ndim - a.ndim) + a.shape, (1,) * (ndim - b.ndim) + b.shape
    spread_a = reshape(a, [length for n in shape_a for length in (n, 1)])
    spread_b = reshape(b, [length for n in shape_b for length in (1, n)])
    return reshape(multiply(spread_a, spread_b), [n * m for n, m in zip(shape_a, shape_b)])


def cross(
    a: TensorLike, b: TensorLike, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None
) -> Tensor:
    """The cross product of vectors with three components: aᵢ₊₁·bᵢ₊₂ - aᵢ₊₂·bᵢ₊₁, counted around.

    Parameters
    ----------
    a, b : Tensor or array-like
        Vectors with 3 or 2 components along one axis; the other axes broadcast. The third component of one
        with 2 counts as 0; of two such vectors the third component of the product is returned.
    axisa, axisb, axisc : int
        The axis of the components of `a`, of `b`, of the result.
    axis : int, optional
        Stands for all three.

    Returns
    -------
    Tensor

    Raises
    ------
    ValueError
        The axes have other lengths than 2 or 3.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.cross([1.0, 0.0, 0.0], [0.0, 1.0, 0.0]).numpy()
    array([0., 0., 1.], dtype=float32)
    """
    if axis is not None:
        axisa = axisb = axisc = axis
    a, b = to_tensors(a, b)
    x1: Tensor = moveaxis(a, axisa, -1)
    x2: Tensor = moveaxis(b, axisb, -1)
    if not {x1.shape[-1], x2.shape[-1]} <= {2, 3}:
        raise ValueError(
            "cross expected vectors of 3 components (or 2) along their axes. Received: "
            f"{x1.shape[-1]} components of a, {x2.shape[-1]} of b."
        )
    if x1.shape[-1] == x2.shape[-1] == 2:
        return subtract(multiply(x1[..., 0], x2[..., 1]), multiply(x1[..., 1], x2[..., 0]))
    x1, x2 = (pad(x, [(0, 0)] * (x.ndim - 1) + [(0, 3 - x.shape[-1])]) if x.shape[-1] == 2 else x for x in (x1, x2))
    forth = multiply(roll(x1, shift=-1, axis=-1), roll(x2, shift=-2, axis=-1))
    back = multiply(roll(x1, shift=-2, axis=-1), roll(x2, shift=-1, axis=-1))
    return moveaxis(subtract(forth, back), -1, axisc)


def multi_dot(arrays: Sequence[TensorLike], *, out: None = None) -> Tensor:
    """The product of several matrices, in the order that takes the fewest multiplications.

    Parameters
    ----------
    arrays : sequence of Tensors or array-likes
        Matrices whose shapes fit one after the other; the first may be a vector, as a row, and the last, as a column.
    out : None

    Returns
    -------
    Tensor

    Raises
    ------
    ValueError
        There are fewer than two arrays, or their shapes do not fit.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.linalg.multi_dot([tgl.ones((10, 100)), tgl.ones((100, 5)), tgl.ones((5, 50))]).shape
    (10, 50)
    """
    refuse_out("multi_dot", out)
    chain = to_tensors(*arrays)
    if len(chain) < 2:
        raise ValueError(f"multi_dot expected at least two arrays. Received: {len(chain)}.")
    is_row, is_column = chain[0].ndim == 1, chain[-1].ndim == 1
    chain[0] = chain[0][None, :] if is_row else chain[0]
    chain[-1] = chain[-1][:, None] if is_column else chain[-1]
    shapes = [x.shape for x in chain]
    fits = all(len(shape) == 2 for shape in shapes) and all(a[1] == b[0] for a, b in itertools.pairwise(shapes))
    if not fits:
        raise ValueError(
            "multi_dot expected matrices, each with as many columns as the next one has rows. Received: shapes "
            f"{', '.join(map(str, shapes))}."
        )
    lengths = [shape[0] for shape in shapes] + [shapes[-1][1]]

    @functools.cache
    def cheapest(first: int, last: int) -> tuple[int, int]:
        """How many multiplications the factors from `first` to `last` take, and after which factor to split them."""
        ways = (
            (cheapest(first, n)[0] + cheapest(n + 1, last)[0] + lengths[first] * lengths[n + 1] * lengths[last + 1], n)
            for n in range(first, last)
        )
        return min(ways, default=(0, first))

    def product(first: int, last: int) -> Tensor:
        if first == last:
            return chain[first]
        middle = cheapest(first, last)[1]
        return matmul(product(first, middle), product(middle + 1, last))

    answer = product(0, len(chain) - 1)
    answer = answer[0] if is_row else answer
    return answer[..., 0] if is_column else answer
