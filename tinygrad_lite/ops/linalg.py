"""Linear algebra under NumPy's names: `tgl.linalg.inv` as `np.linalg.inv`, for Tensors, with gradients."""

from tinygrad_lite.ops.decompositions import cholesky, eigh, eigvalsh, qr, svd, svdvals
from tinygrad_lite.ops.diagonals import diagonal, trace
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
from tinygrad_lite.ops.products import cross, matmul, multi_dot, outer, tensordot, vecdot
from tinygrad_lite.ops.shaping import matrix_transpose

__all__ = [
    "cholesky", "cond", "cross", "det", "diagonal", "eigh", "eigvalsh", "inv", "lstsq", "matmul", "matrix_norm",
    "matrix_power", "matrix_rank", "matrix_transpose", "multi_dot", "norm", "outer", "pinv", "qr", "slogdet",
    "solve", "svd", "svdvals", "tensordot", "tensorinv", "tensorsolve", "trace", "vecdot", "vector_norm",
]  # fmt: skip
