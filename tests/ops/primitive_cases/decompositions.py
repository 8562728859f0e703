"""Inverses, determinants, decompositions, norms: of matrices far from singular, without two equal singular values."""

import numpy as np
from hypothesis import strategies as st

from tinygrad_lite.testing import strategies

STACKS = st.sampled_from([(), (2,), (2, 1)])


@st.composite
def _matrices(draw, tall=None, **keywords):
    """One matrix or a stack of them: square, or with more rows than columns (`tall`), or less."""
    side = draw(st.integers(1, 3))
    shape = {None: (side, side), True: (side + draw(st.integers(0, 2)), side), False: (side, side + 1)}[tall]
    return (draw(strategies.well_conditioned_matrices(shape, batch=draw(STACKS), **keywords)),)


@st.composite
def _equations(draw):
    n, k = draw(st.integers(1, 3)), draw(st.integers(0, 2))
    matrix = draw(strategies.well_conditioned_matrices((n, n), batch=draw(STACKS)))
    return matrix, draw(strategies.arrays((*draw(STACKS), n, k)))


@st.composite
def _overdetermined(draw):
    rows, columns = draw(st.sampled_from([(2, 2), (3, 2), (2, 3), (3, 1)]))
    matrix = draw(strategies.well_conditioned_matrices((rows, columns)))
    return matrix, draw(strategies.arrays((rows, 2)))


@st.composite
def _with_singular_ones(draw):
    """Square matrices, some of rank one less or two less, for what is defined for them, too."""
    (matrix,) = draw(_matrices())
    n = matrix.shape[-1]
    for dependent in range(draw(st.integers(0, min(2, n)))):
        matrix = np.array(matrix)
        matrix[..., n - 1 - dependent, :] = 0
    return (matrix,)


ANY_SHAPE = st.one_of(_matrices(), _matrices(tall=True), _matrices(tall=False))


def _cofactors(a):
    """By the definition: the determinants of what is left without row i and column j, with signs."""
    n = a.shape[-1]
    minors = [
        [np.linalg.det(np.delete(np.delete(a, i, -2), j, -1)) * (-1) ** (i + j) for j in range(n)] for i in range(n)
    ]
    return np.moveaxis(np.array(minors, a.dtype), (0, 1), (-2, -1))


CASES = {
    "inv": {"arguments": _matrices(), "reference": np.linalg.inv},
    "_solve": {"arguments": _equations(), "reference": lambda a, b: np.linalg.solve(a, b[(None,) * (a.ndim - b.ndim)])},
    "det": {"arguments": _with_singular_ones(), "reference": np.linalg.det},
    "_cofactors": {"arguments": _matrices(), "reference": _cofactors},
    "_slogdet": {"arguments": _matrices(), "reference": lambda a: tuple(np.linalg.slogdet(a))},
    "_pinv": {"arguments": ANY_SHAPE, "metadata": {"rcond": 1e-10}, "reference": np.linalg.pinv},
    "_lstsq": {
        "arguments": _overdetermined(),
        "metadata": {"rcond": 1e-10},
        "reference": lambda a, b, rcond: np.linalg.lstsq(a, b, rcond)[0],
    },
    "_cholesky": {"arguments": _matrices(positive=True), "reference": np.linalg.cholesky},
    "_eigh": {
        "arguments": _matrices(symmetric=True),
        "metadata": {"uplo": st.sampled_from("LU")},
        "reference": lambda a, uplo: tuple(np.linalg.eigh(a, uplo)),
    },
    "_qr": {
        "arguments": _matrices(tall=True),
        "metadata": {"mode": "reduced"},
        "reference": lambda a, mode: tuple(np.linalg.qr(a, mode)),
    },
    "_svd": {
        "arguments": ANY_SHAPE,
        "metadata": {"full_matrices": False},
        "reference": lambda a, full_matrices: tuple(np.linalg.svd(a, full_matrices)),
    },
    "_vector_norm": {
        "domain": (0.1, 3.0),
        "metadata": {
            "ord": st.sampled_from([2, 2.0, 1, 3, 0.5, -1]),
            "axis": lambda x: strategies.axes(x.ndim),
            "keepdims": st.booleans(),
        },
        "empty": False,
        "reference": lambda x, ord, axis, keepdims: np.sum(np.abs(x) ** ord, axis=axis, keepdims=keepdims) ** (1 / ord),
    },
}
