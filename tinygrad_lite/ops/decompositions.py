"""Decompositions: Cholesky's, QR, eigenvalues of symmetric matrices, singular values; in stacks, as NumPy does them.

Each rule reads: transform `g` into the basis that the decomposition found, weigh every pair of basis vectors, and
transform back. The weights of eigenvectors and singular vectors are 1 / (the difference of two values), so where
two values coincide the vectors are not determined and their gradient is nan, unless what was computed from
them does not depend on the choice; that of the values themselves is right always.

Sources: I. Murray, "Differentiation of the Cholesky decomposition" (2016); S. F. Walter and L. Lehmann, "Algorithmic
differentiation of linear algebra functions" (2010), for QR; M. B. Giles, "Collected matrix derivative results" (2008),
for eigenvalues; C. Ionescu, O. Vantzos and C. Sminchisescu, "Training deep networks with structured layers by matrix
backpropagation" (2015), and J. Townsend, "Differentiating the singular value decomposition" (2016), for the SVD.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, overload

import numpy as np
from numpy.linalg import LinAlgError

from tinygrad_lite.core.calling import validate
from tinygrad_lite.core.primitive import primitive
from tinygrad_lite.core.tensor import Tensor, TensorLike, to_tensor
from tinygrad_lite.ops.diagonals import tril
from tinygrad_lite.ops.joining import concatenate
from tinygrad_lite.ops.products import matmul, t
from tinygrad_lite.utils.types import Array, Value


class QRResult(NamedTuple):
    """An orthonormal and an upper triangular factor."""

    Q: Tensor
    R: Tensor


class EighResult(NamedTuple):
    """Eigenvalues in ascending order, and eigenvectors as columns."""

    eigenvalues: Tensor
    eigenvectors: Tensor


class SVDResult(NamedTuple):
    """Left singular vectors as columns, singular values in descending order, right singular vectors as rows."""

    U: Tensor
    S: Tensor
    Vh: Tensor


def require_matrices(name: str, a: Tensor | Array) -> None:
    """Raise unless `a` has two axes or more."""
    if a.ndim < 2:
        raise LinAlgError(f"{name} expected a matrix or a stack of them. Received: a.shape={a.shape}.")


def require_square(name: str, a: Tensor | Array) -> None:
    """Raise unless the last two axes of `a` are equally long."""
    if a.ndim < 2 or a.shape[-1] != a.shape[-2]:
        raise LinAlgError(f"{name} expected square matrices, in the last two axes. Received: a.shape={a.shape}.")


def _over_gaps(x: Value, gaps: Value) -> Value:
    """x / gaps off the diagonal, 0 on it; what is zero stays zero, also where two values coincide."""
    return np.where(np.eye(x.shape[-1], dtype=bool) | ((x == 0) & (gaps == 0)), 0, x / gaps)


def _as_diagonal(x: Value) -> Value:
    """The matrices with the last axis of `x` on their diagonals."""
    return x[..., None, :] * np.eye(x.shape[-1], dtype=x.dtype)


# Symmetric matrices -------------------------------------------------------------------------------------------


# NumPy reads the lower triangle of what should be symmetric. So the gradient is in that triangle, too: what a small
# change of an element there does, to it and to its mirror image.


def mirrored(a: TensorLike) -> Tensor:
    """The symmetric matrix of which `a` has the lower triangle."""
    return tril(a) + t(tril(a, k=-1))


def _in_lower(s: Value) -> Value:
    """The gradient of the lower triangle, given that of the whole symmetric matrix: the adjoint of `mirrored`."""
    return np.tril(s) + np.tril(t(s), -1)


@primitive(domain="symmetric positive definite matrices; for others it raises.")
def _cholesky(a: Array) -> Array:
    try:
        return np.linalg.cholesky(a)
    except LinAlgError as error:
        raise LinAlgError(
            f"{error}: there are eigenvalues of 0 or below; adding a little to the diagonal helps"
        ) from None


def _cholesky_vjp(g: Value, y: Value, a: Value) -> Value:
    """L⁻ᵀ·Φ(Lᵀ·g)·L⁻¹, brought into the lower triangle, where Φ takes the lower triangle and half of the diagonal."""
    n = y.shape[-1]
    phi = (t(y) @ g) * (np.tri(n, dtype=y.dtype) - np.eye(n, dtype=y.dtype) / 2)
    return _in_lower(np.linalg.solve(t(y), t(np.linalg.solve(t(y), phi))))


_cholesky.defvjp(_cholesky_vjp)


def cholesky(a: TensorLike, /, *, upper: bool = False) -> Tensor:
    """The lower triangular L with A = L·Lᵀ, of a symmetric and positive definite A.

    Only the lower triangle of `a` is read, and only there it has a gradient. The rule is from Murray (2016), eq. 9.

    Parameters
    ----------
    a : Tensor or array-like, shape (..., n, n)
    upper : bool
        Read the upper triangle, and answer Lᵀ.

    Returns
    -------
    Tensor, shape (..., n, n)

    Raises
    ------
    numpy.linalg.LinAlgError
        A matrix is not positive definite, or not square.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.linalg.cholesky([[4.0, 2.0], [2.0, 10.0]]).tolist()
    [[2.0, 0.0], [1.0, 3.0]]
    """
    a = to_tensor(a)
    require_square("cholesky", a)
    return t(_cholesky(t(a))) if upper else _cholesky(a)


@primitive(domain="symmetric matrices.", kinks="where eigenvalues coincide the gradient of eigenvectors is nan.")
def _eigh(a: Array, *, uplo: Literal["L", "U"] = "L") -> tuple[Array, ...]:
    return tuple(np.linalg.eigh(a, uplo))


def _eigh_vjp(g: Value, y: Value, a: Value, uplo: str) -> Value:
    """V·(diag(g of λ) + F∘(Vᵀ·g of V))·Vᵀ, where F[i, j] = 1 / (λⱼ - λᵢ)."""
    (g_values, g_vectors), (values, v) = g, y
    gaps = values[..., None, :] - values[..., :, None]
    s = v @ (_as_diagonal(g_values) + _over_gaps(t(v) @ g_vectors, gaps)) @ t(v)
    return _in_lower(s) if uplo == "L" else t(_in_lower(t(s)))


_eigh.defvjp(_eigh_vjp)


def eigh(a: TensorLike, UPLO: str = "L") -> EighResult:
    """Eigenvalues and eigenvectors of a symmetric matrix: A = V·diag(λ)·Vᵀ.

    Only one triangle of `a` is read, and only there it has a gradient. The rule is from Giles (2008), section 3.1.
    An eigenvector may as well point the other way, and where eigenvalues coincide be any in a plane: the gradient
    of what depends on that choice means little, and is nan where they do.

    Parameters
    ----------
    a : Tensor or array-like, shape (..., n, n)
    UPLO : "L" or "U"
        Which triangle is read: the lower or the upper.

    Returns
    -------
    EighResult
        A pair `(eigenvalues, eigenvectors)`, shapes (..., n) and (..., n, n).

    Raises
    ------
    numpy.linalg.LinAlgError
        A matrix is not square.
    ValueError
        Another `UPLO`.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.linalg.eigh([[2.0, 0.0], [0.0, 1.0]]).eigenvalues.tolist()
    [1.0, 2.0]
    """
    a = to_tensor(a)
    require_square("eigh", a)
    if UPLO.upper() not in ("L", "U"):
        raise ValueError(f"eigh expected UPLO 'L' or 'U'. Received: UPLO={UPLO!r}.")
    return EighResult(*_eigh(a, uplo=UPLO.upper()))


def eigvalsh(a: TensorLike, UPLO: str = "L") -> Tensor:
    """The eigenvalues of a symmetric matrix, in ascending order.

    Their gradient is right where they coincide, too.

    Parameters
    ----------
    a : Tensor or array-like, shape (..., n, n)
    UPLO : "L" or "U"
        Which triangle is read: the lower or the upper.

    Returns
    -------
    Tensor, shape (..., n)

    Raises
    ------
    numpy.linalg.LinAlgError
        A matrix is not square.
    ValueError
        Another `UPLO`.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.linalg.eigvalsh([[2.0, 0.0], [0.0, 1.0]]).tolist()
    [1.0, 2.0]
    """
    return eigh(a, UPLO).eigenvalues


# QR -----------------------------------------------------------------------------------------------------------


@primitive(domain="everywhere; on the way back, first columns that do not depend on each other: else it raises.")
def _qr(a: Array, *, mode: str) -> tuple[Array, ...]:
    return tuple(np.linalg.qr(a, mode))  # type: ignore[call-overload]


def _qr_vjp(g: Value, y: Value, a: Value, mode: str) -> Value:
    """(g of Q + Q·M)·R⁻ᵀ, where M is symmetric, with the lower triangle of R·(g of R)ᵀ - (g of Q)ᵀ·Q."""
    (g_q, g_r), (q, r) = g, y
    if q.shape[-1] > r.shape[-1]:
        raise NotImplementedError(
            "linalg.qr with mode='complete' has no gradient for matrices with more rows than columns: the columns of Q "
            f"beyond the first {r.shape[-1]} can be any. Received: a.shape={a.shape}. Use mode='reduced'."
        )
    m = r @ t(g_r) - t(g_q) @ q
    return t(np.linalg.solve(r, t(g_q + q @ (np.tril(m) + t(np.tril(m, -1))))))


_qr.defvjp(_qr_vjp)


@overload
def qr(a: TensorLike, mode: Literal["reduced", "complete"] = "reduced") -> QRResult: ...


@overload
def qr(a: TensorLike, mode: Literal["r"]) -> Tensor: ...


def qr(a: TensorLike, mode: str = "reduced") -> QRResult | Tensor:
    """The factors of A = Q·R: Q with orthonormal columns, R upper triangular.

    The rule is from Walter and Lehmann (2010). It needs the first columns of `a`, as many as there are rows, to be
    linearly independent. The columns of Q and rows of R to their right have no rule of their own: they are products.

    Parameters
    ----------
    a : Tensor or array-like, shape (..., m, n)
    mode : "reduced", "complete" or "r"
        Q of shape (..., m, min(m, n)), or (..., m, m), which has no gradient where m > n; or R alone.

    Returns
    -------
    QRResult, or Tensor
        A pair `(Q, R)`, or R for mode "r".

    Raises
    ------
    numpy.linalg.LinAlgError
        `a` has fewer than two axes; on the way back, that its first columns depend on each other.
    ValueError
        Another mode.
    NotImplementedError
        On the way back: mode "complete", and m > n.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> q, r = tgl.linalg.qr([[3.0, 1.0], [4.0, 2.0]])
    >>> (q @ r).numpy().round(4).tolist()
    [[3.0, 1.0], [4.0, 2.0]]
    """
    a = to_tensor(a)
    require_matrices("qr", a)
    if mode not in ("reduced", "complete", "r"):
        raise ValueError(
            f"qr expected mode 'reduced', 'complete' or 'r'. Received: mode={mode!r}. For NumPy's other modes, without "
            "a gradient, use np.linalg.qr(a.numpy(), mode)."
        )
    rows, columns = a.shape[-2:]
    q, r = _qr(a[..., :rows], mode="complete" if mode == "complete" else "reduced")
    if columns > rows:
        r = concatenate([r, matmul(t(q), a[..., rows:])], axis=-1)
    return r if mode == "r" else QRResult(q, r)


# Singular values ----------------------------------------------------------------------------------------------


def require_finite(name: str, a: Array) -> None:
    """Raise if nan or inf are among the numbers: with them LAPACK's SVD fails, or never ends."""
    if not np.all(np.isfinite(a)):
        count = np.count_nonzero(~np.isfinite(a))
        raise LinAlgError(f"{name} expected finite numbers. Received: {count} that are nan or infinite.")


@primitive(
    domain="finite numbers; for others it raises.",
    kinks="where singular values coincide the gradient of singular vectors is nan.",
)
def _svd(a: Array, *, full_matrices: bool = True) -> tuple[Array, ...]:
    require_finite("svd", a)
    return tuple(np.linalg.svd(a, full_matrices))


def _svd_vjp(g: Value, y: Value, a: Value, full_matrices: bool) -> Value:
    """U·(F∘(Uᵀ·gU - gUᵀ·U)·S + S·F∘(Vᵀ·gV - gVᵀ·V) + diag(gS))·Vᵀ, where F[i, j] = 1 / (sⱼ² - sᵢ²).

    To that comes what leads out of the space of U, (1 - U·Uᵀ)·gU·S⁻¹·Vᵀ, and the like for V.
    """
    (g_u, g_s, g_vt), (u, s, vt) = g, y
    k = s.shape[-1]
    for beyond in (g_u[..., k:], g_vt[..., k:, :]):
        if beyond.size:
            validate(_check_completing, beyond, count=k, shape=a.shape)
    u, g_u, vt, g_vt = u[..., :k], g_u[..., :k], vt[..., :k, :], g_vt[..., :k, :]
    rows, columns = s[..., :, None], s[..., None, :]
    gaps = (columns - rows) * (columns + rows)
    left, right = t(u) @ g_u, vt @ t(g_vt)
    middle = _over_gaps(left - t(left), gaps) * columns + rows * _over_gaps(right - t(right), gaps) + _as_diagonal(g_s)
    d = u @ middle @ vt
    if a.shape[-2] > k:
        d = d + _over_values(g_u - u @ left, columns) @ vt
    if a.shape[-1] > k:
        d = d + u @ _over_values(g_vt - t(right) @ vt, rows)
    return d


def _check_completing(g: Array, count: int, shape: tuple[int, ...]) -> None:
    """Raise unless the gradient of the singular vectors that only complete a basis is zero."""
    if np.any(g != 0):
        raise NotImplementedError(
            f"linalg.svd with full_matrices=True has no gradient for the singular vectors beyond the first {count}: "
            f"they can be any that complete a basis. Received: a.shape={shape}. Use full_matrices=False."
        )


def _over_values(x: Value, values: Value) -> Value:
    """x / values; what is zero stays zero, also where a value is."""
    return np.where((x == 0) & (values == 0), 0, x / values)


_svd.defvjp(_svd_vjp)


@overload
def svd(
    a: TensorLike, full_matrices: bool = True, compute_uv: Literal[True] = True, hermitian: bool = False
) -> SVDResult: ...


@overload
def svd(
    a: TensorLike, full_matrices: bool = True, *, compute_uv: Literal[False], hermitian: bool = False
) -> Tensor: ...


def svd(
    a: TensorLike, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False
) -> SVDResult | Tensor:
    """The singular value decomposition: A = U·diag(S)·Vh.

    The rule is from Townsend (2016) and Ionescu et al. (2015). Where singular values coincide, or are 0 in a matrix
    that is not square, the gradient of singular vectors is nan; that of singular values is right.

    Parameters
    ----------
    a : Tensor or array-like, shape (..., m, n)
    full_matrices : bool
        Complete U and Vh to square matrices. The vectors that do so have no gradient.
    compute_uv : bool
        False returns S alone.
    hermitian : bool
        Take `a` for symmetric: only its lower triangle is read.

    Returns
    -------
    SVDResult, or Tensor
        `(U, S, Vh)`, with k = min(m, n) of shapes (..., m, k), (..., k), (..., k, n), or with m and n for k in U and
        Vh if `full_matrices`.

    Raises
    ------
    numpy.linalg.LinAlgError
        `a` has fewer than two axes.
    NotImplementedError
        On the way back: a gradient came to vectors that only complete the square matrices.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> u, s, vh = tgl.linalg.svd([[3.0, 0.0], [0.0, 4.0]])
    >>> s.tolist()
    [4.0, 3.0]
    """
    a = to_tensor(a)
    require_matrices("svd", a)
    answer = SVDResult(*_svd(mirrored(a) if hermitian else a, full_matrices=full_matrices and compute_uv))
    return answer if compute_uv else answer.S


def svdvals(x: TensorLike, /) -> Tensor:
    """The singular values of a matrix, in descending order.

    Their gradient is right where they coincide, too.

    Parameters
    ----------
    x : Tensor or array-like, shape (..., m, n)

    Returns
    -------
    Tensor, shape (..., min(m, n))

    Raises
    ------
    numpy.linalg.LinAlgError
        `x` has fewer than two axes.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.linalg.svdvals([[3.0, 0.0], [0.0, 4.0]]).tolist()
    [4.0, 3.0]
    """
    values: Tensor = svd(x, compute_uv=False)
    return values
