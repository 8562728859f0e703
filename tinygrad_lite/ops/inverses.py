"""Inverses, determinants, and solutions of linear equations, exact or by least squares.

With A⁻¹ for the inverse, d(A⁻¹) = -A⁻¹·dA·A⁻¹ and d(det A) = tr(adj(A)·dA); everything here follows from these.
Every function takes stacks of matrices, in the last two axes, as NumPy does.

The rules are those of M. B. Giles, "Collected matrix derivative results for forward and reverse mode algorithmic
differentiation" (2008); that of the pseudo-inverse is from G. H. Golub and V. Pereyra, "The differentiation of
pseudo-inverses and nonlinear least squares problems whose variables separate" (1973).
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.linalg import LinAlgError

from tinygrad_lite.core.backward import sum_to_shape
from tinygrad_lite.core.primitive import primitive
from tinygrad_lite.core.tensor import Tensor, TensorLike, to_tensor, to_tensors
from tinygrad_lite.ops.arithmetic import square
from tinygrad_lite.ops.broadcasting import broadcast_to
from tinygrad_lite.ops.counting import count_nonzero
from tinygrad_lite.ops.creation import zeros
from tinygrad_lite.ops.decompositions import mirrored, require_finite, require_matrices, require_square, svdvals
from tinygrad_lite.ops.products import matmul, t
from tinygrad_lite.ops.rearranging import transpose
from tinygrad_lite.ops.reductions import products_of_others
from tinygrad_lite.ops.reductions import sum as sum_
from tinygrad_lite.ops.shaping import reshape
from tinygrad_lite.utils.types import Array, Value


class SlogdetResult(NamedTuple):
    """Sign and logarithm of the absolute value of a determinant."""

    sign: Tensor
    logabsdet: Tensor


class LstsqResult(NamedTuple):
    """A solution by least squares, the sums of squares left over, the rank, and the singular values."""

    x: Tensor
    residuals: Tensor
    rank: Tensor
    s: Tensor


# Inverse and solution -----------------------------------------------------------------------------------------


@primitive(domain="matrices that are not singular; for others it raises.")
def inv(a: Array) -> Array:
    """The inverse of a matrix: A⁻¹.

    The rule, dA = -A⁻ᵀ·g·A⁻ᵀ, is from Giles (2008), section 2.2.3. To apply an inverse, `solve` is quicker and
    more exact.

    Parameters
    ----------
    a : Tensor or array-like, shape (..., n, n)

    Returns
    -------
    Tensor, shape (..., n, n)

    Raises
    ------
    numpy.linalg.LinAlgError
        A matrix is singular, or not square.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.linalg.inv([[2.0, 0.0], [0.0, 4.0]]).tolist()
    [[0.5, 0.0], [0.0, 0.25]]
    """
    require_square("inv", a)
    return _unless_singular(np.linalg.inv, a)


def _unless_singular(function: Any, *arrays: TensorLike) -> Array:
    try:
        return function(*arrays)
    except LinAlgError as error:
        raise LinAlgError(f"{error}: it has no inverse; linalg.pinv and linalg.lstsq do without") from None


inv.defvjp(lambda g, y, a: -t(y) @ g @ t(y))


@primitive(domain="a that is not singular; for others it raises.")
def _solve(a: Array, b: Array) -> Array:
    # With as many axes as `a`: otherwise NumPy takes a `b` of one axis for a vector.
    return _unless_singular(np.linalg.solve, a, b[(None,) * (a.ndim - b.ndim)])


_solve.defvjp(
    lambda g, y, a, b: sum_to_shape(-_solve.inline(t(a), g) @ t(y), a.shape),
    lambda g, y, a, b: sum_to_shape(_solve.inline(t(a), g), b.shape),
)


def solve(a: TensorLike, b: TensorLike) -> Tensor:
    """The solution x of the linear equations a @ x = b.

    The rules, with h = A⁻ᵀ·g: db = h, dA = -h·xᵀ, are from Giles (2008), section 2.3.1.

    Parameters
    ----------
    a : Tensor or array-like, shape (..., n, n)
    b : Tensor or array-like, shape (n,) or (..., n, k)
        A vector, or the columns of a matrix. Leading axes broadcast.

    Returns
    -------
    Tensor, shape (..., n) for a vector, else (..., n, k)

    Raises
    ------
    numpy.linalg.LinAlgError
        A matrix is singular, or not square.
    ValueError
        `b` has another number of rows than `a`.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.linalg.solve([[2.0, 0.0], [0.0, 4.0]], [2.0, 8.0]).tolist()
    [1.0, 2.0]
    """
    a, b = to_tensors(a, b)
    require_square("solve", a)
    if not b.ndim or b.shape[-2 if b.ndim > 1 else 0] != a.shape[-1]:
        raise ValueError(
            f"solve expected a vector or columns of {a.shape[-1]} numbers as b. Received: a.shape={a.shape}, "
            f"b.shape={b.shape}. Stacks of vectors need an axis more: b[..., None]."
        )
    return _solve(a, b) if b.ndim > 1 else _solve(a, b[:, None])[..., 0]


# Determinants -------------------------------------------------------------------------------------------------


@primitive
def det(a: Array) -> Array:
    """The determinant of a matrix: det A.

    Its gradient is the matrix of cofactors, which is det(A)·A⁻ᵀ, but is finite for singular matrices, too; so is
    that of second order. Derivatives of third order and above need an inverse.

    Parameters
    ----------
    a : Tensor or array-like, shape (..., n, n)

    Returns
    -------
    Tensor, shape (...)

    Raises
    ------
    numpy.linalg.LinAlgError
        A matrix is not square.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> round(tgl.linalg.det([[1.0, 2.0], [3.0, 4.0]]).item(), 4)
    -2.0
    """
    require_square("det", a)
    return np.linalg.det(a)


def _svd_with_sign(a: Array) -> tuple[Array, Array, Array, Array]:
    """U, s, Vᵀ, and det U · det Vᵀ, which is 1 or -1; the last is nan for a matrix that is not finite."""
    is_finite = np.all(np.isfinite(a), axis=(-2, -1), keepdims=True)
    u, s, vt = np.linalg.svd(np.where(is_finite, a, 0))
    sign = np.sign(np.linalg.det(u) * np.linalg.det(vt))[..., None, None]
    return u, s, vt, np.where(is_finite, sign, np.nan).astype(sign.dtype, copy=False)


@primitive
def _cofactors(a: Array) -> Array:
    """Of the factors of A = U·S·Vᵀ the cofactors are known: cof(A) = det(U)·det(V)·U·cof(S)·Vᵀ."""
    u, s, vt, sign = _svd_with_sign(a)
    return sign * ((u * products_of_others(s)[..., None, :]) @ vt)


def _cofactors_vjp(g: Value, y: Value, a: Value) -> Value:
    if isinstance(a, Tensor):  # recorded: a formula that can be differentiated again, where the matrix has an inverse
        w = t(inv(a))
        return (g * w).sum(axis=(-2, -1), keepdims=True) * y - y @ t(g) @ w
    # For a diagonal S, with the product Q[i, j] of all s but sᵢ and sⱼ: the cofactor [i, i] changes by
    # Σⱼ Q[i, j]·dS[j, j], the cofactor [i, j] by -Q[i, j]·dS[j, i].
    u, s, vt, sign = _svd_with_sign(a)
    diagonal = np.eye(s.shape[-1], dtype=bool)
    q = np.where(diagonal, 0, products_of_others(np.where(diagonal, 1, s[..., None, :])))
    h = t(u) @ g @ t(vt)
    on_diagonal = (q @ np.diagonal(h, axis1=-2, axis2=-1)[..., None]) * diagonal
    return sign * (u @ (on_diagonal - q * t(h)) @ vt)


det.defvjp(lambda g, y, a: g[..., None, None] * _cofactors.inline(a))
_cofactors_vjp.differs_when_recorded = True  # type: ignore[attr-defined]
_cofactors.defvjp(_cofactors_vjp)


@primitive(domain="everywhere; on the way back, not for singular matrices.")
def _slogdet(a: Array) -> tuple[Array, ...]:
    return tuple(np.linalg.slogdet(a))


_slogdet.defvjp(lambda g, y, a: g[1][..., None, None] * t(inv.inline(a)))  # the sign is constant nearly everywhere


def slogdet(a: TensorLike) -> SlogdetResult:
    """Sign and logarithm of a determinant, which neither overflow nor underflow: det A = sign · e^logabsdet.

    The rule of the logarithm, dA = g·A⁻ᵀ, is from Giles (2008), section 2.2.4. The sign has no gradient.

    Parameters
    ----------
    a : Tensor or array-like, shape (..., n, n)

    Returns
    -------
    SlogdetResult
        A pair `(sign, logabsdet)` of Tensors of shape (...); 0 and -inf for singular matrices.

    Raises
    ------
    numpy.linalg.LinAlgError
        A matrix is not square; on the way back, that it is singular.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> sign, logabsdet = tgl.linalg.slogdet([[0.0, 1.0], [1.0, 0.0]])
    >>> sign.item(), logabsdet.item()
    (-1.0, 0.0)
    """
    a = to_tensor(a)
    require_square("slogdet", a)
    return SlogdetResult(*_slogdet(a))


# As well as can be --------------------------------------------------------------------------------------------


@primitive(
    domain="finite numbers; for others it raises.",
    kinks="where the rank changes it jumps; the derivative is that at constant rank.",
)
def _pinv(a: Array, *, rcond: Any = 1e-15) -> Array:
    require_finite("pinv", a)
    return np.linalg.pinv(a, rcond)


def _pinv_vjp(g: Value, y: Value, a: Value, rcond: Value) -> Value:
    """-Pᵀ·g·Pᵀ, and two terms that are zero for an invertible A, where A·P and P·A are the identity."""
    p, pt, gt = y, t(y), t(g)
    h = gt @ p @ pt
    k = pt @ p @ gt
    return -pt @ g @ pt + (h - a @ (p @ h)) + (k - (k @ p) @ a)


_pinv.defvjp(_pinv_vjp)


def pinv(
    a: TensorLike, rcond: TensorLike | None = None, hermitian: bool = False, *, rtol: TensorLike | None = None
) -> Tensor:
    """The pseudo-inverse of Moore and Penrose: A⁺, which gives the solutions of least squares.

    It jumps where the rank changes; the derivative is that at constant rank (Golub and Pereyra, 1973).

    Parameters
    ----------
    a : Tensor or array-like, shape (..., m, n)
    rcond : number, optional
        Singular values below `rcond` times the largest count as zero. Default: 1e-15.
    hermitian : bool
        Take `a` for symmetric: only its lower triangle is read.
    rtol : number, optional
        NumPy 2's name for `rcond`.

    Returns
    -------
    Tensor, shape (..., n, m)

    Raises
    ------
    ValueError
        Both `rcond` and `rtol` are given.
    numpy.linalg.LinAlgError
        `a` has fewer than two axes.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.linalg.pinv([[2.0, 0.0], [0.0, 0.0]]).tolist()
    [[0.5, 0.0], [0.0, 0.0]]
    """
    if rcond is not None and rtol is not None:
        raise ValueError(f"pinv expected rcond or rtol, which mean the same. Received: rcond={rcond}, rtol={rtol}.")
    a = to_tensor(a)
    require_matrices("pinv", a)
    threshold = 1e-15 if rcond is None and rtol is None else rcond if rtol is None else rtol
    return _pinv(mirrored(a) if hermitian else a, rcond=threshold)


@primitive(
    domain="finite a; for others it raises.",
    kinks="where the rank of a changes it jumps; the derivative is that at constant rank.",
)
def _lstsq(a: Array, b: Array, *, rcond: float = 1e-15) -> Array:
    require_finite("lstsq", a)
    return np.linalg.lstsq(a, b, rcond)[0]


def _lstsq_left_vjp(g: Value, y: Value, a: Value, b: Value, rcond: float) -> Value:
    p = _pinv.inline(a, rcond=rcond)
    pt = t(p)
    back = pt @ g
    k = pt @ (y @ t(g))
    return -back @ t(y) + (b - a @ y) @ t(p @ back) + (k - (k @ p) @ a)


_lstsq.defvjp(_lstsq_left_vjp, lambda g, y, a, b, rcond: t(_pinv.inline(a, rcond=rcond)) @ g)


def lstsq(a: TensorLike, b: TensorLike, rcond: float | None = None) -> LstsqResult:
    """The x that minimizes ‖a @ x - b‖; of several, the shortest.

    x = A⁺·b; the derivative is that at constant rank (Golub and Pereyra, 1973).

    Parameters
    ----------
    a : Tensor or array-like, shape (m, n)
    b : Tensor or array-like, shape (m,) or (m, k)
    rcond : number, optional
        Singular values below `rcond` times the largest count as zero. Default: the dtype's precision times the
        larger of m and n.

    Returns
    -------
    LstsqResult
        `(x, residuals, rank, s)`: the solution, shape (n,) or (n, k); for each column the sum of squares that is
        left, or nothing where the rank is less than n or m ≤ n; the rank; the singular values of `a`.

    Raises
    ------
    numpy.linalg.LinAlgError
        `a` is not a matrix, or `b` has another number of rows.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> x, residuals, rank, _ = tgl.linalg.lstsq([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]], [1.0, 3.0, 5.0])
    >>> x.numpy().round(4).tolist(), rank.item()
    ([1.0, 2.0], 2)
    """
    a, b = to_tensors(a, b)
    if a.ndim != 2 or b.ndim not in (1, 2) or a.shape[0] != b.shape[0]:
        raise LinAlgError(
            "lstsq expected a matrix, and a vector or matrix with as many rows. Received: "
            f"a.shape={a.shape}, b.shape={b.shape}. For a stack of matrices use linalg.pinv(a) @ b."
        )
    m, n = a.shape
    eps = np.finfo(a.dtype if a.dtype.kind == "f" else np.float64).eps
    rcond = float(eps * max(m, n)) if rcond is None else rcond
    columns = b if b.ndim == 2 else b[:, None]
    x = _lstsq(a, columns, rcond=rcond)
    s = svdvals(a)
    rank = count_nonzero(s > rcond * s[:1])
    left: Tensor = zeros((0,), x.dtype)
    if m > n and rank.item() == n:
        left = sum_(square(columns - matmul(a, x)), axis=0)
    return LstsqResult(x if b.ndim == 2 else x[:, 0], left, rank, s)


# Powers and tensors -------------------------------------------------------------------------------------------


def matrix_power(a: TensorLike, n: int) -> Tensor:
    """The product of `n` factors `a`: the identity for 0, powers of the inverse for negative `n`.

    Parameters
    ----------
    a : Tensor or array-like, shape (..., m, m)
    n : int

    Returns
    -------
    Tensor, shape (..., m, m)

    Raises
    ------
    numpy.linalg.LinAlgError
        A matrix is not square; `n` is negative and a matrix singular.
    TypeError
        `n` is not an integer.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.linalg.matrix_power([[1.0, 1.0], [0.0, 1.0]], 5).tolist()
    [[1.0, 5.0], [0.0, 1.0]]
    """
    a = to_tensor(a)
    require_square("matrix_power", a)
    try:
        n = operator.index(n)
    except TypeError:
        raise TypeError(f"matrix_power expected an integer n. Received: n={n!r} of type {type(n).__name__}.") from None
    if n == 0:
        return broadcast_to(np.eye(a.shape[-1], dtype=a.dtype), a.shape)
    if n < 0:
        a, n = inv(a), -n
    if n == 1:
        return to_tensor(a)
    half = matrix_power(a, n // 2)
    return matmul(matmul(half, half), a) if n % 2 else matmul(half, half)


def tensorinv(a: TensorLike, ind: int = 2) -> Tensor:
    """The inverse for `tensordot(a, ..., ind)`: that of the matrix in which the first `ind` axes are the rows.

    Parameters
    ----------
    a : Tensor or array-like
        The product of its first `ind` lengths is that of the others.
    ind : int

    Returns
    -------
    Tensor, shape a.shape[ind:] + a.shape[:ind]

    Raises
    ------
    ValueError
        `ind` is not positive.
    numpy.linalg.LinAlgError
        That matrix is singular, or not square.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.linalg.tensorinv(tgl.reshape(tgl.eye(6), (6, 2, 3)), ind=1).shape
    (2, 3, 6)
    """
    if ind <= 0:
        raise ValueError(f"tensorinv expected ind of at least 1. Received: ind={ind}.")
    a = to_tensor(a)
    rows = int(np.prod(a.shape[:ind]))
    return reshape(inv(reshape(a, (rows, a.size // max(rows, 1)))), a.shape[ind:] + a.shape[:ind])


def tensorsolve(a: TensorLike, b: TensorLike, axes: Sequence[int] | None = None) -> Tensor:
    """The solution x of tensordot(a, x, x.ndim) = b.

    Parameters
    ----------
    a : Tensor or array-like, shape b.shape + x.shape
    b : Tensor or array-like
    axes : sequence of int, optional
        Axes of `a` that are moved to the right first.

    Returns
    -------
    Tensor

    Raises
    ------
    numpy.linalg.LinAlgError
        The equations have no unique solution.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.linalg.tensorsolve(tgl.reshape(tgl.eye(6), (2, 3, 6)), tgl.ones((2, 3))).shape
    (6,)
    """
    left, right = to_tensors(a, b)
    if axes is not None:
        moved = [n % left.ndim for n in axes]
        left = transpose(left, axes=[n for n in range(left.ndim) if n not in moved] + moved)
    shape = left.shape[right.ndim :]
    return reshape(solve(reshape(left, (right.size, int(np.prod(shape)))), reshape(right, (-1,))), shape)
