"""Norms of vectors and of matrices.

At zero a norm has a kink; its gradient there is 0, the least of all subgradients.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.linalg import LinAlgError

from tinygrad_lite.core.primitive import primitive
from tinygrad_lite.core.tape import stop_gradient
from tinygrad_lite.core.tensor import Tensor, TensorLike, to_tensor
from tinygrad_lite.ops.arithmetic import absolute, divide, multiply
from tinygrad_lite.ops.axes import as_axis, expand_reduced, ndim
from tinygrad_lite.ops.casting import cast
from tinygrad_lite.ops.choosing import where
from tinygrad_lite.ops.counting import count_nonzero
from tinygrad_lite.ops.decompositions import require_matrices, svdvals
from tinygrad_lite.ops.half import rounding_once, wide
from tinygrad_lite.ops.inverses import inv
from tinygrad_lite.ops.rearranging import moveaxis
from tinygrad_lite.ops.reductions import max as max_
from tinygrad_lite.ops.reductions import min as min_
from tinygrad_lite.ops.reductions import sum as sum_
from tinygrad_lite.ops.shaping import expand_dims, reshape
from tinygrad_lite.utils.types import Array, Axis, Value


@primitive(kinks="at 0 the derivative is 0.")
@rounding_once
def _vector_norm(x: Array, *, ord: float = 2, axis: Axis = None, keepdims: bool = False) -> Array:
    """The length of a vector: (Σ |x|^ord)^(1/ord)."""
    if ord == 2:
        return np.sqrt(np.sum(np.square(x), axis=axis, keepdims=keepdims))
    total: Any = np.sum(np.absolute(x) ** ord, axis=axis, keepdims=keepdims)
    return total ** (1 / ord)


def _vector_norm_vjp(g: Value, y: Value, x: Value, ord: float, axis: Axis, keepdims: bool) -> Value:
    g, y, x = wide(g), wide(y), wide(x)
    g, y = expand_reduced(g, x, axis, keepdims), expand_reduced(y, x, axis, keepdims)
    is_zero = y == 0
    y = np.where(is_zero, 1, y)
    if ord == 2:
        return g * np.where(is_zero, 0, x / y)
    return g * np.sign(x) * (np.where(x == 0, 1, np.absolute(x)) / y) ** (ord - 1)


_vector_norm.defvjp(_vector_norm_vjp)


def _of_vectors(x: Tensor, ord: float | str | None, axis: Axis, keepdims: bool) -> Tensor:
    if isinstance(ord, str):
        raise ValueError(
            f"norm expected a number as the order of a vector's norm. Received: ord={ord!r}, which is one of matrices."
        )
    for n in axis if isinstance(axis, tuple) else () if axis is None else (axis,):
        as_axis(n, x.ndim)  # checked here, because the sum of a 0-d array accepts the axis 0
    ord = 2 if ord is None else ord
    if ord == np.inf:
        return max_(absolute(x), axis, keepdims=keepdims)
    if ord == -np.inf:
        return min_(absolute(x), axis, keepdims=keepdims)
    if ord == 0:
        return cast(count_nonzero(x, axis=axis, keepdims=keepdims), x.dtype)
    return _vector_norm(x, ord=ord, axis=axis, keepdims=keepdims)


_OF_SINGULAR_VALUES: dict[Any, Callable[..., Tensor]] = {"nuc": sum_, 2: max_, -2: min_}
_OF_LINES: dict[Any, tuple[Callable[..., Tensor], int]] = {
    1: (max_, -2),
    -1: (min_, -2),
    np.inf: (max_, -1),
    -np.inf: (min_, -1),
}  # and the axis that is summed


def _with_kink_at_zero(s: Tensor) -> Tensor:
    """The singular values of each matrix, without a gradient if all are 0, where it has no direction."""
    return where(max_(s, -1, keepdims=True) > 0, s, stop_gradient(s))


def _of_matrices(x: Tensor, ord: float | str | None, axes: tuple[int, int], keepdims: bool) -> Tensor:
    first, second = (as_axis(n, x.ndim) for n in axes)
    if first == second:
        raise ValueError(f"norm expected two different axes. Received: axis={axes}.")
    moved = moveaxis(x, (first, second), (-2, -1))
    if ord in (None, "fro", "f"):
        y: Tensor = _vector_norm(moved, ord=2, axis=(-2, -1))
    elif ord in _OF_SINGULAR_VALUES:
        s = svdvals(moved)
        of_none = not s.shape[-1] and ord != -2
        y = sum_(s, -1) if of_none else _OF_SINGULAR_VALUES[ord](_with_kink_at_zero(s), -1)
    elif ord in _OF_LINES:
        extremum, summed = _OF_LINES[ord]
        y = extremum(sum_(absolute(moved), summed), -1)
    else:
        raise ValueError(
            f"norm expected one of 'fro', 'nuc', 1, -1, 2, -2, inf, -inf as the order of a matrix norm. Received: "
            f"ord={ord!r}."
        )
    return expand_dims(y, axis=tuple(sorted((first, second)))) if keepdims else y


def _floating(x: TensorLike) -> Tensor:
    x = to_tensor(x)
    return x if x.dtype.kind == "f" else cast(x, np.float64)


def norm(x: TensorLike, ord: float | str | None = None, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The length of vectors, or the size of matrices.

    Kinks: at zero the gradient is 0; of several elements or lines that are the largest or the smallest, each gets
    an equal share.

    Parameters
    ----------
    x : Tensor or array-like
    ord : number, "fro" or "nuc", optional
        Of vectors: 2 by default, for (Σ |x|^ord)^(1/ord); inf and -inf for the largest and the smallest |x|; 0 for
        how many are not zero, without a gradient. Of matrices: "fro" by default, the root of the sum of squares;
        "nuc", 2, -2 for the sum, the largest, the smallest of the singular values; 1, -1 for the largest, the
        smallest sum of a column's absolute values, inf, -inf for that of a row's.
    axis : int, pair of int, or None
        One for vectors, two for matrices. None takes a 1-D `x` for a vector, a 2-D one for a matrix, and without
        `ord` any other for one long vector.
    keepdims : bool
        Keep the reduced axes, with length one.

    Returns
    -------
    Tensor

    Raises
    ------
    ValueError
        An order that there is not, or `x` is neither a vector nor a matrix.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.linalg.norm([3.0, 4.0]).item(), tgl.linalg.norm([[1.0, -2.0], [3.0, 4.0]], 1).item()
    (5.0, 6.0)
    """
    x = _floating(x)
    if axis is None:
        if ord is None:
            return _vector_norm(x, ord=2, keepdims=keepdims)
        if x.ndim not in (1, 2):
            raise ValueError(
                f"norm expected a vector or a matrix. Received: x.shape={x.shape}, ord={ord!r}, axis=None. "
                "Name one axis for vectors, two for matrices."
            )
        axis = tuple(range(x.ndim))
    axes = axis if isinstance(axis, tuple) else (axis,)
    if len(axes) == 1:
        return _of_vectors(x, ord, axes[0], keepdims)
    if len(axes) == 2:
        return _of_matrices(x, ord, axes, keepdims)
    raise ValueError(f"norm expected one axis for vectors, or two for matrices. Received: axis={axis}.")


def vector_norm(x: TensorLike, /, *, axis: Axis = None, ord: float | str | None = 2, keepdims: bool = False) -> Tensor:
    """The length of vectors: (Σ |x|^ord)^(1/ord).

    Parameters
    ----------
    x : Tensor or array-like
    axis : int, tuple of int, or None
        Of the vectors; several for a vector in several axes, None for all.
    ord : number
        As for `norm`.
    keepdims : bool
        Keep the reduced axes, with length one.

    Returns
    -------
    Tensor

    Raises
    ------
    ValueError
        The order does not exist.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.linalg.vector_norm([[3.0], [4.0]]).item()
    5.0
    """
    return _of_vectors(_floating(x), ord, axis, keepdims)


def matrix_norm(x: TensorLike, /, *, keepdims: bool = False, ord: float | str | None = "fro") -> Tensor:
    """The size of the matrices in the last two axes.

    Parameters
    ----------
    x : Tensor or array-like, shape (..., m, n)
    keepdims : bool
        Keep the reduced axes, with length one.
    ord : number, "fro" or "nuc"
        As for `norm`.

    Returns
    -------
    Tensor, shape (...)

    Raises
    ------
    ValueError
        The order does not exist.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.linalg.matrix_norm([[3.0, 0.0], [0.0, 4.0]], ord="nuc").item()
    7.0
    """
    x = _floating(x)
    require_matrices("matrix_norm", x)
    return _of_matrices(x, ord, (-2, -1), keepdims)


def cond(x: TensorLike, p: float | str | None = None) -> Tensor:
    """The condition number of a matrix: ‖x‖·‖x⁻¹‖, by how much it can magnify relative errors.

    Parameters
    ----------
    x : Tensor or array-like, shape (..., m, n)
    p : number, "fro" or "nuc", optional
        The order of the norm. None and 2 divide the largest singular value by the smallest, also of matrices
        that are not square.

    Returns
    -------
    Tensor, shape (...)

    Raises
    ------
    numpy.linalg.LinAlgError
        `x` has fewer than two axes, is empty, or holds nan or inf; for other orders, a matrix is singular or not
        square.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.linalg.cond([[3.0, 0.0], [0.0, 6.0]]).item()
    2.0
    """
    x = _floating(x)
    require_matrices("cond", x)
    if p in (None, 2, -2):
        s = svdvals(x)
        if not s.shape[-1]:
            raise LinAlgError(f"cond expected matrices that are not empty. Received: x.shape={x.shape}.")
        if p == -2:
            return divide(s[..., -1], s[..., 0])
        with np.errstate(divide="ignore", invalid="ignore"):  # of a singular matrix it is infinite
            return where(s[..., -1] == 0, np.inf, divide(s[..., 0], s[..., -1]))
    return multiply(matrix_norm(x, ord=p), matrix_norm(inv(x), ord=p))


def matrix_rank(
    A: TensorLike, tol: TensorLike | None = None, hermitian: bool = False, *, rtol: TensorLike | None = None
) -> Tensor:
    """How many singular values of a matrix are above a threshold; without a gradient.

    Parameters
    ----------
    A : Tensor or array-like, shape (..., m, n)
        A vector has rank 1, or 0 if it is zero.
    tol : number, optional
        The threshold.
    hermitian : bool
        Accepted for compatibility with NumPy; no effect.
    rtol : number, optional
        The threshold over the largest singular value. Default: the dtype's precision times the larger of m and n.

    Returns
    -------
    Tensor of integers, shape (...)

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.linalg.matrix_rank([[1.0, 2.0], [2.0, 4.0]]).item()
    1
    """
    A = _floating(A)
    if A.ndim < 2:
        return reshape(cast(count_nonzero(A) > 0, np.intp), ())
    s = svdvals(A)
    if tol is None:
        relative = max(A.shape[-2:]) * float(np.finfo(A.dtype).eps) if rtol is None else rtol
        tol = max_(s, -1, keepdims=True) * relative
    elif ndim(tol):
        tol = to_tensor(tol)[..., None]
    return count_nonzero(s > tol, axis=-1)
