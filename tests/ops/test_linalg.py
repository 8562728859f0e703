"""`tgl.linalg`: NumPy's values and signatures, gradients through whole functions, degenerate points, and errors."""

import inspect
import itertools

import numpy as np
import pytest
from numpy.linalg import LinAlgError

import tinygrad_lite as tgl
from tinygrad_lite import linalg
from tinygrad_lite.core.structure import map_structure
from tinygrad_lite.testing import check_gradients

RNG = np.random.default_rng(7)
SQUARE = RNG.normal(size=(3, 3)) + 2 * np.eye(3)
STACK = RNG.normal(size=(2, 1, 3, 3)) + 2 * np.eye(3)
TALL = RNG.normal(size=(4, 3))
WIDE = RNG.normal(size=(2, 3, 5))
VECTOR = RNG.normal(size=3)
POSITIVE = TALL.T @ TALL + np.eye(3)

FLAT = np.diag([4.0, 1.0, 1e-3])  # of singular values that are told apart by thresholds
LOWER = np.tril(POSITIVE) + np.triu(np.ones(POSITIVE.shape), 1)  # the upper triangle is not to be read
UPPER = np.triu(np.ones((3, 3)), 1)
MANY = np.sin(np.arange(16.0))

# Values -------------------------------------------------------------------------------------------------------

CALLS = {
    "inv": [(SQUARE,), (STACK,)],
    "det": [(SQUARE,), (STACK,)],
    "slogdet": [(SQUARE,), (STACK,)],
    "solve": [(SQUARE, VECTOR), (SQUARE, TALL.T), (STACK[0, 0], WIDE)],
    "pinv": [(SQUARE,), (TALL,), (WIDE,), (FLAT, 0.01), (FLAT, 0.5), (LOWER, 1e-15, True)],
    "cholesky": [(POSITIVE,), (LOWER,)],
    "qr": [(SQUARE,), (TALL,), (WIDE,), (TALL, "r"), (TALL, "complete")],
    "eigh": [(POSITIVE,), (POSITIVE, "U"), (LOWER,)],
    "eigvalsh": [(SQUARE,), (STACK,), (SQUARE, "U")],
    "svd": [
        (SQUARE,),
        (TALL,),
        (TALL, False),
        (WIDE, True, False),
        (LOWER, True, False, True),
    ],
    "matrix_power": [*((SQUARE, n) for n in (-3, -1, 0, 1, 2, 7)), (np.ones((2, 2)), 0)],
    "multi_dot": [([VECTOR, SQUARE, TALL.T, TALL, VECTOR],), ([TALL, SQUARE],)],
    "norm": [(WIDE,), (VECTOR, 3), (VECTOR, 0), (VECTOR, np.inf), (VECTOR, -np.inf), (SQUARE, "nuc"), (WIDE, 1, 0)],
    "cond": [
        *((x,) for x in (TALL, WIDE)),
        *((np.diag([2.0, 0.0]), p) for p in (None, 2, -2)),
        *((SQUARE, p) for p in (None, 1, -1, 2, -2, np.inf, "fro")),
    ],
    "matrix_rank": [
        (SQUARE,),
        (np.outer(VECTOR, VECTOR),),
        (WIDE,),
        (FLAT, 0.01),
        (FLAT, 1.5),
        (LOWER, None, True),
        (UPPER,),
    ],
    "tensorinv": [(RNG.normal(size=(4, 2, 2)), 1), (MANY.reshape(2, 2, 4), 2), (MANY.reshape(2, 2, 4),)],
    "tensorsolve": [
        (RNG.normal(size=(4, 2, 2)), RNG.normal(size=4)),
        (MANY.reshape(2, 4, 2), MANY[:4], (0,)),
    ],
}


def arrays_of(result):
    return [np.asarray(x) for x in (result if isinstance(result, tuple) else (result,))]


def as_tensor(x):
    return (
        [as_tensor(item) for item in x] if isinstance(x, list) else tgl.constant(x) if isinstance(x, np.ndarray) else x
    )


@pytest.mark.parametrize(("name", "arguments"), [(name, each) for name, calls in CALLS.items() for each in calls])
def test_values_are_numpys_by_either_name(name, arguments):
    theirs = getattr(np.linalg, name)
    expected = arrays_of(theirs(*arguments))
    for function in (getattr(linalg, name), theirs):
        found = function(*map(as_tensor, arguments))
        found = found if isinstance(found, tuple) else (found,)
        assert all(isinstance(x, tgl.Tensor) for x in found)
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_allclose(one.numpy(), other, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", [*CALLS, "lstsq"])
def test_nested_lists_are_as_good_as_tensors(name):
    f = getattr(linalg, name)
    for arguments in CALLS.get(name, [(TALL, TALL), (TALL, TALL[:, 0])]):
        lists = map_structure(lambda x: x.tolist() if isinstance(x, np.ndarray) else x, arguments)
        tensors = map_structure(lambda x: tgl.constant(x.tolist()) if isinstance(x, np.ndarray) else x, arguments)
        for one, other in zip(arrays_of(f(*lists)), arrays_of(f(*tensors)), strict=True):
            assert one.dtype == other.dtype
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("name", ["norm", "inv", "det", "pinv", "svdvals", "cond", "slogdet"])
def test_integers_are_computed_in_floats(name):
    whole = np.array([[2, 1], [1, 3]])
    f = getattr(linalg, name)
    for one, other in zip(arrays_of(f(whole)), arrays_of(f(whole.astype("float64")))):
        assert one.dtype == "float64"
        np.testing.assert_allclose(one, other)


@pytest.mark.parametrize("shape", [(4, 3), (2, 3)])
@pytest.mark.parametrize("of_vector", [True, False])
def test_least_squares(shape, of_vector):
    a = RNG.normal(size=shape)
    b = RNG.normal(size=shape[0]) if of_vector else RNG.normal(size=(shape[0], 2))
    for found, expected in zip(linalg.lstsq(a, b), np.linalg.lstsq(a, b, rcond=None), strict=True):
        np.testing.assert_allclose(found.numpy(), expected, rtol=1e-9, atol=1e-12)
    check_gradients(lambda a, b: linalg.lstsq(a, b).x, a, b)


@pytest.mark.parametrize("rcond", [None, 0.01, 0.5])
def test_least_squares_of_a_rank_that_is_not_full(rcond):
    a, b = np.vstack([FLAT, [[0.0, 0.0, 0.0]]]), MANY[:4]
    for found, expected in zip(linalg.lstsq(a, b, rcond), np.linalg.lstsq(a, b, rcond=rcond), strict=True):
        np.testing.assert_allclose(found.numpy(), expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    ("sides", "products"),
    [((10, 100, 5, 50), [(10, 5), (10, 50)]), ((50, 5, 100, 10), [(5, 10), (50, 10)]), ((2, 3, 9, 3, 2), None)],
)
def test_the_cheapest_order_of_a_chain_of_products(sides, products):
    chain = [tgl.Variable(np.ones(shape)) for shape in itertools.pairwise(sides)]
    with tgl.GradientTape() as tape:
        linalg.multi_dot(chain)
    found = [entry.output.shape for entry in tape.record()]
    assert found == (products or [(3, 3), (3, 2), (2, 2)]) or found == [(3, 3), (2, 3), (2, 2)]


def test_axes_of_tensorsolve_count_from_the_end_too():
    a, b = MANY.reshape(2, 4, 2), MANY[:4]
    np.testing.assert_array_equal(linalg.tensorsolve(a, b, (-3,)).numpy(), linalg.tensorsolve(a, b, (0,)).numpy())


def test_norms_under_their_newer_names():
    for keepdims in (False, True):
        found = linalg.vector_norm(WIDE, axis=-1, keepdims=keepdims)
        np.testing.assert_allclose(found.numpy(), np.linalg.norm(WIDE, axis=-1, keepdims=keepdims))
        found = linalg.matrix_norm(WIDE, keepdims=keepdims)
        np.testing.assert_allclose(found.numpy(), np.linalg.norm(WIDE, "fro", (-2, -1), keepdims=keepdims))
    assert linalg.vector_norm([[3.0, 0.0], [0.0, 4.0]]).item() == 5.0
    assert linalg.vector_norm([3.0, 4.0], ord=1).item() == 7.0
    assert linalg.matrix_norm([[3.0, 1.0], [0.0, 4.0]], ord=1).item() == 5.0


def test_thresholds_under_their_newer_name():
    assert linalg.matrix_rank(FLAT, rtol=0.01).item() == 2
    assert linalg.matrix_rank(np.stack([FLAT, FLAT]), tol=[0.1, 2.0]).tolist() == [2, 1]
    np.testing.assert_array_equal(linalg.pinv(FLAT, rtol=0.5).numpy(), linalg.pinv(FLAT, 0.5).numpy())
    assert linalg.pinv(FLAT, rtol=0.01).numpy()[2, 2] == 0


@pytest.mark.parametrize("ord", [None, "fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf])
def test_matrix_norms(ord):
    for keepdims in (False, True):
        found = linalg.norm(WIDE, ord, axis=(2, 0), keepdims=keepdims)
        np.testing.assert_allclose(found.numpy(), np.linalg.norm(WIDE, ord, axis=(2, 0), keepdims=keepdims), rtol=1e-12)
    check_gradients(lambda x: linalg.norm(x, ord), SQUARE)


OF_OTHER_ROOMS = {"cross", "diagonal", "matmul", "matrix_transpose", "outer", "tensordot", "trace", "vecdot"}


@pytest.mark.parametrize("name", sorted(set(linalg.__all__) - OF_OTHER_ROOMS))
def test_signatures_are_numpys(name):
    """Each parameter of NumPy's is here, and positional ones stand in the same order."""
    theirs = getattr(np.linalg, name, None)
    if theirs is None:
        pytest.skip(f"this NumPy has no linalg.{name}")
    expected = inspect.signature(theirs).parameters.values()
    given = inspect.signature(getattr(linalg, name)).parameters
    assert not [p.name for p in expected if p.name not in given], "missing"
    positional = [p.name for p in expected if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    assert list(given)[: len(positional)] == positional


# Gradients of whole functions ---------------------------------------------------------------------------------

FUNCTIONS = {
    "solve a vector": (linalg.solve, SQUARE, VECTOR),
    "inverse by powers": (lambda x: linalg.matrix_power(x, -2), SQUARE),
    "wide qr": (linalg.qr, WIDE),
    "upper cholesky": (lambda x: linalg.cholesky(x, upper=True), POSITIVE),
    "eigh of the upper triangle": (lambda x: linalg.eigh(x, "U").eigenvectors ** 2, POSITIVE),
    "hermitian pinv": (lambda x: linalg.pinv(x, hermitian=True), POSITIVE),
    "full svd, thin part": (lambda x: linalg.svd(x).Vh ** 2, TALL),
    "log of a determinant": (lambda x: linalg.slogdet(x).logabsdet, STACK),
    "multi_dot": (lambda *x: linalg.multi_dot(x), VECTOR, SQUARE, TALL.T),
    "condition": (lambda x: linalg.cond(x, "fro"), SQUARE),
    "by numpy's names": (lambda x: np.linalg.norm(np.linalg.inv(x) @ x.T), SQUARE),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_gradients(name):
    f, *arguments = FUNCTIONS[name]
    check_gradients(f, *arguments)


def gradient(f, x):
    with tgl.GradientTape() as tape:
        tensor = tgl.constant(x)
        tape.watch(tensor)
        y = f(tensor)
    return tape.gradient(y, tensor).numpy()


def test_determinant_of_singular_matrices():
    """One less in rank leaves the cofactors, two less leave nothing, and second derivatives are right in both cases."""
    singular = np.array([[1.0, 2.0, 3.0], [2.0, 4.0, 6.0], [0.0, 1.0, 1.0]])
    np.testing.assert_allclose(
        gradient(linalg.det, singular), [[-2.0, -2.0, 2.0], [1.0, 1.0, -1.0], [0.0, 0.0, 0.0]], atol=1e-14
    )
    check_gradients(linalg.det, singular)
    assert not gradient(linalg.det, np.zeros((3, 3))).any()
    check_gradients(lambda x: linalg.det(x + 0.0), np.diag([1.0, 2.0, 0.0]))
    check_gradients(linalg.det, SQUARE, order=3, directions=1)


def test_values_that_coincide():
    """Eigenvalues and singular values keep their gradient; what hangs on the choice of vectors is loud."""
    np.testing.assert_allclose(gradient(lambda x: linalg.eigvalsh(x).sum(), 2 * np.eye(3)), np.eye(3))
    np.testing.assert_allclose(gradient(lambda x: linalg.svdvals(x).sum(), 2 * np.eye(3)), np.eye(3), atol=1e-15)
    np.testing.assert_allclose(gradient(lambda x: linalg.norm(x, "nuc"), np.diag([1.0, 0.0])), np.diag([1.0, 1.0]))
    weights = np.arange(9.0).reshape(3, 3)
    assert not np.isfinite(gradient(lambda x: (linalg.eigh(x).eigenvectors * weights).sum(), np.eye(3))).all()


def test_norms_at_zero_have_gradient_zero():
    for ord in (None, 1, 2, 3, 1.5, np.inf):
        assert not gradient(lambda x, ord=ord: linalg.norm(x, ord), np.zeros(3)).any()
    for ord in ("fro", "nuc", 1, 2, -2, np.inf):
        assert not gradient(lambda x, ord=ord: linalg.norm(x, ord), np.zeros((2, 3))).any()
        stack = gradient(lambda x, ord=ord: linalg.norm(x, ord, axis=(-2, -1)), np.stack([np.zeros((2, 2)), np.eye(2)]))
        assert not stack[0].any()
        assert stack[1].any()
    rows = gradient(lambda x: linalg.norm(x, axis=1), np.array([[0.0, 0.0], [3.0, 4.0]]))
    np.testing.assert_allclose(rows, [[0.0, 0.0], [0.6, 0.8]])


# Errors -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda: linalg.inv(TALL), LinAlgError, r"inv expected square matrices.*Received: a\.shape=\(4, 3\)"),
        (lambda: linalg.det(VECTOR), LinAlgError, r"det expected square.*\(3,\)"),
        (lambda: linalg.inv(np.zeros((2, 2))), LinAlgError, r"inv failed: Singular matrix.*pinv.*Received"),
        (lambda: linalg.solve(np.zeros((2, 2)), [1.0, 2.0]), LinAlgError, "solve failed: Singular matrix.*lstsq"),
        (lambda: linalg.solve(SQUARE, TALL), ValueError, r"columns of 3 numbers.*b\.shape=\(4, 3\)"),
        (lambda: linalg.cholesky(-POSITIVE), LinAlgError, "cholesky failed.*not positive definite.*diagonal helps"),
        (lambda: linalg.lstsq(STACK, VECTOR), LinAlgError, r"lstsq expected a matrix.*pinv\(a\) @ b"),
        (lambda: linalg.eigh(SQUARE, "X"), ValueError, "UPLO 'L' or 'U'. Received: UPLO='X'"),
        (lambda: linalg.qr(SQUARE, "raw"), ValueError, r"mode='raw'.*np\.linalg\.qr\(a\.numpy\(\), mode\)"),
        (lambda: linalg.norm(SQUARE, "no"), ValueError, "matrix norm. Received: ord='no'"),
        (lambda: linalg.norm(WIDE, 1), ValueError, r"Received: x\.shape=\(2, 3, 5\).*Name one axis"),
        (lambda: linalg.norm(VECTOR, "fro"), ValueError, "order of a vector's norm"),
        (lambda: linalg.matrix_power(SQUARE, 0.5), TypeError, "integer n. Received: n=0.5"),
        (lambda: linalg.multi_dot([SQUARE]), ValueError, "at least two arrays. Received: 1"),
        (lambda: linalg.multi_dot([SQUARE, TALL]), ValueError, r"as many columns.*\(3, 3\), \(4, 3\)"),
        (lambda: linalg.pinv(SQUARE, 0.1, rtol=0.1), ValueError, "rcond or rtol"),
        (lambda: gradient(lambda x: linalg.svd(x).U, TALL), NotImplementedError, "full_matrices=False"),
        (lambda: gradient(lambda x: linalg.qr(x, "complete").R, TALL), NotImplementedError, "mode='reduced'"),
        (lambda: gradient(lambda x: linalg.slogdet(x)[1], np.ones((2, 2))), LinAlgError, "Singular"),
    ],
)
def test_errors_say_what_is_wrong_and_what_to_do(call, kind, message):
    with pytest.raises(kind, match=message), np.errstate(all="ignore"):
        call()
