"""Linear algebra under NumPy's names: `tgl.linalg.inv` as `np.linalg.inv`, for Tensors, with gradients.

As in NumPy, some functions do less here than without `linalg`: they work on the matrices in the last two axes, or on
vectors alone.
"""

from __future__ import annotations

from tinygrad_lite import ops
from tinygrad_lite.core.tensor import Tensor, TensorLike, to_tensors
from tinygrad_lite.ops.decompositions import cholesky, eigh, eigvalsh, qr, svd, svdvals
from tinygrad_lite.ops.inverses import (
    det,
    inv,
    lstsq,
    matrix_power,
    pinv,
    slogdet,
    solve,
    tensorinv,
    tensorsolve,
)
from tinygrad_lite.ops.norms import cond, matrix_norm, matrix_rank, norm, vector_norm
from tinygrad_lite.ops.products import matmul, multi_dot, tensordot
from tinygrad_lite.ops.rearranging import matrix_transpose
from tinygrad_lite.utils.types import DTypeLike

__all__ = [
    "cholesky", "cond", "cross", "det", "diagonal", "eigh", "eigvalsh", "inv", "lstsq", "matmul", "matrix_norm",
    "matrix_power", "matrix_rank", "matrix_transpose", "multi_dot", "norm", "outer", "pinv", "qr", "slogdet",
    "solve", "svd", "svdvals", "tensordot", "tensorinv", "tensorsolve", "trace", "vecdot", "vector_norm",
]  # fmt: skip


def diagonal(x: TensorLike, /, *, offset: int = 0) -> Tensor:
    """The diagonals of the matrices in the last two axes: x[..., i, i + offset].

    Parameters
    ----------
    x : Tensor or array-like, shape (..., m, n)
    offset : int
        Of the diagonal: to the right where positive, below where negative.

    Returns
    -------
    Tensor, shape (..., length of the diagonal)

    Raises
    ------
    AxisError
        `x` has fewer than two axes.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.linalg.diagonal(tgl.reshape(tgl.arange(8), (2, 2, 2))).tolist()
    [[0, 3], [4, 7]]
    """
    return ops.diagonal(x, offset=offset, axis1=-2, axis2=-1)


def trace(x: TensorLike, /, *, offset: int = 0, dtype: DTypeLike | None = None) -> Tensor:
    """The sums of the diagonals of the matrices in the last two axes: Σᵢ x[..., i, i + offset].

    Parameters
    ----------
    x : Tensor or array-like, shape (..., m, n)
    offset : int
        Of the diagonal: to the right where positive, below where negative.
    dtype : dtype, optional
        Of the result.

    Returns
    -------
    Tensor, shape (...)

    Raises
    ------
    AxisError
        `x` has fewer than two axes.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.linalg.trace(tgl.reshape(tgl.arange(8), (2, 2, 2))).tolist()
    [3, 11]
    """
    return ops.trace(x, offset, -2, -1, dtype)


def outer(x1: TensorLike, x2: TensorLike, /) -> Tensor:
    """Every element of one vector times every element of the other: x1ᵢ·x2ⱼ.

    Parameters
    ----------
    x1, x2 : Tensor or array-like, 1-D

    Returns
    -------
    Tensor, shape (x1.size, x2.size)

    Raises
    ------
    ValueError
        An argument is not 1-D; `tgl.outer` flattens it.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.linalg.outer([1.0, 2.0], [3.0, 4.0]).tolist()
    [[3.0, 4.0], [6.0, 8.0]]
    """
    x1, x2 = to_tensors(x1, x2)
    if x1.ndim != 1 or x2.ndim != 1:
        raise ValueError(
            f"outer expected two vectors. Received: x1.shape={x1.shape}, x2.shape={x2.shape}. "
            "tgl.outer flattens others."
        )
    return ops.outer(x1, x2)


def cross(x1: TensorLike, x2: TensorLike, /, *, axis: int = -1) -> Tensor:
    """The cross product of vectors with three components: x1ᵢ₊₁·x2ᵢ₊₂ - x1ᵢ₊₂·x2ᵢ₊₁, counted around.

    Parameters
    ----------
    x1, x2 : Tensor or array-like
        Three components along `axis`; the other axes broadcast.
    axis : int

    Returns
    -------
    Tensor

    Raises
    ------
    ValueError
        There are not three components; `tgl.cross` also takes two.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.linalg.cross([1.0, 0.0, 0.0], [0.0, 1.0, 0.0]).numpy()
    array([0., 0., 1.], dtype=float32)
    """
    x1, x2 = to_tensors(x1, x2)
    lengths = [x.shape[ops.axes.as_axis(axis, x.ndim)] for x in (x1, x2)]
    if lengths != [3, 3]:
        raise ValueError(
            f"cross expected vectors of 3 components along axis={axis}. Received: {lengths[0]} and {lengths[1]} "
            f"components, x1.shape={x1.shape}, x2.shape={x2.shape}. tgl.cross also takes vectors of 2."
        )
    return ops.cross(x1, x2, axis=axis)


def vecdot(x1: TensorLike, x2: TensorLike, /, *, axis: int = -1) -> Tensor:
    """The dot product of the vectors along `axis`: Σₖ x1ₖ·x2ₖ.

    Parameters
    ----------
    x1, x2 : Tensor or array-like
        Broadcast together.
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
    >>> tgl.linalg.vecdot([[1.0, 2.0], [3.0, 4.0]], [1.0, 1.0]).numpy()
    array([3., 7.], dtype=float32)
    """
    return ops.vecdot(x1, x2, axis=axis)
