"""Gradients of gradients inside of a tgl.function: for every primitive, and for matrices of every kind.

What a rule asks of its values (is this gradient zero?) cannot be asked while another tape records inside of a trace.
"""

import functools
import warnings

import numpy as np
import pytest
from primitive_cases import CASES, OTHERS

import tinygrad_lite as tgl
from tinygrad_lite import linalg, ops
from tinygrad_lite.compiler.traced import TracingError
from tinygrad_lite.core.primitive import REGISTRY
from tinygrad_lite.core.structure import flatten, map_structure
from tinygrad_lite.testing import check_primitive, primitives

NEEDS_VALUES = {"_getitem", "_unique", "argwhere", "compress", "flatnonzero", "getitem", "nonzero", "unique"}


def is_floating(x):
    return isinstance(x, (np.ndarray, np.generic)) and x.dtype.kind == "f"


def nested(f, order):
    """The gradient of the gradient ... of what `f` makes of a list of tensors."""
    if order == 0:
        return lambda tensors: [y for y in flatten(f(tensors)) if y.dtype.kind == "f"]
    inner = nested(f, order - 1)

    def derivative(tensors):
        with tgl.GradientTape() as tape:
            tape.watch(tensors)
            results = [tgl.square(y) + y for y in inner(tensors) if y is not None]
        return tape.gradient(results, tensors) if results and tensors else []

    return derivative


def compare(f, arrays, order, others=(), needs_values=False):
    """Raise unless the compiled derivatives are those of the eager ones, wherever it was traced."""
    derivative = nested(f, order)

    def function(*arrays):
        return derivative([x if isinstance(x, tgl.Tensor) else tgl.constant(x) for x in arrays])

    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        compiled = tgl.function(function)
        try:
            wanted = function(*arrays)
        except (np.linalg.LinAlgError, NotImplementedError) as error:
            with pytest.raises(type(error)):
                compiled(*arrays)
            return
        for x in (*others, arrays):
            try:
                compiled(*x)
            except TracingError:
                assert needs_values
                return
            except (ValueError, np.linalg.LinAlgError):  # no matrix of the right kind
                assert x is not arrays
        found = compiled(*arrays)
    assert len(found) == len(wanted)
    for one, other in zip(wanted, found):
        assert (one is None) == (other is None)
        if one is not None:
            assert (one.shape, one.dtype) == (other.shape, other.dtype)
            finite = np.where(np.isfinite(one), one, 0)
            scale = np.max(np.abs(finite), initial=0)
            rtol = 1e-10 if one.dtype == np.float64 else 1e-4
            np.testing.assert_allclose(one, other, rtol=rtol, atol=rtol * scale)


@pytest.mark.parametrize(
    "name", [name for name in (*CASES, *OTHERS) if not (name in CASES and REGISTRY[name].is_random)]
)
def test_second_order_of(name, monkeypatch):
    def run(battery, arguments, metadata):
        def f(tensors):
            rest = iter(tensors)
            return battery.f(*map_structure(lambda x: next(rest) if is_floating(x) else x, arguments), **metadata)

        arrays = [np.array(x) for x in flatten(arguments) if is_floating(x)]
        reversed_ones = [np.ascontiguousarray(x.reshape(-1)[::-1].reshape(x.shape)) for x in arrays]
        compare(f, arrays, 2, [reversed_ones], battery.name in NEEDS_VALUES)

    monkeypatch.setattr(primitives.Battery, "run", run)
    monkeypatch.setattr(primitives.Battery, "judge_kinks", lambda self: None)
    for keywords in CASES.get(name) or OTHERS[name]:
        operation = REGISTRY[name] if name in CASES else getattr(ops, name)
        check_primitive(operation, **{**keywords, "max_examples": 1})


GENERAL = np.array([[2.0, 0.5, -1.0], [0.25, 3.0, 1.0], [1.0, -0.5, 4.0]])
SYMMETRIC = GENERAL @ GENERAL.T
MATRICES = {
    "general": GENERAL,
    "symmetric": SYMMETRIC,
    "singular": np.ones((3, 3)),
    "zero": np.zeros((3, 3)),
    "with nan": np.where(np.eye(3) > 0, np.nan, GENERAL),
    "with inf": np.where(np.eye(3) > 0, np.inf, GENERAL),
    "of nothing": np.zeros((0, 0)),
    "tall": GENERAL[:, :2],
    "wide": GENERAL[:2],
    "in Fortran's order": np.asfortranarray(GENERAL),
    "strided": np.repeat(np.repeat(GENERAL, 2, 0), 2, 1)[::2, ::-2],
    "in a stack": np.stack([GENERAL, SYMMETRIC]),
    "in a stack with a singular one": np.stack([GENERAL, np.ones((3, 3))]),
    "in a stack with nan": np.stack([GENERAL, np.full((3, 3), np.nan)]),
    "in a stack of none": np.zeros((0, 3, 3)),
    "float32": GENERAL.astype(np.float32),
}
DECOMPOSED = {
    "cholesky": linalg.cholesky,
    "cond": linalg.cond,
    "det": linalg.det,
    "eigh": lambda x: linalg.eigh(x).eigenvalues,
    "eigh, vectors": lambda x: tgl.square(linalg.eigh(x).eigenvectors),
    "inv": linalg.inv,
    "matrix_power": lambda x: linalg.matrix_power(x, -2),
    "norm, 2": functools.partial(linalg.norm, ord=2, axis=(-2, -1)),
    "norm, -2": functools.partial(linalg.norm, ord=-2, axis=(-2, -1)),
    "norm, nuc": functools.partial(linalg.norm, ord="nuc", axis=(-2, -1)),
    "pinv": linalg.pinv,
    "qr": lambda x: list(linalg.qr(x)),
    "qr, complete": lambda x: list(linalg.qr(x, "complete")),
    "slogdet": lambda x: linalg.slogdet(x).logabsdet,
    "solve": lambda x: linalg.solve(x, x[..., :1]),
    "svd": lambda x: linalg.svd(x).S,
    "svd, vectors": lambda x: [tgl.square(y) for y in linalg.svd(x, full_matrices=False)],
    "svd, completed": lambda x: [tgl.square(linalg.svd(x).U)],
}


@pytest.mark.parametrize("kind", MATRICES)
@pytest.mark.parametrize("name", DECOMPOSED)
def test_matrices(name, kind):
    f = lambda tensors: DECOMPOSED[name](tensors[0])
    try:
        with np.errstate(all="ignore"):
            DECOMPOSED[name](tgl.constant(MATRICES[kind]))
    except (np.linalg.LinAlgError, ValueError):
        return  # refused, eagerly
    for order in (1, 2, 3):
        compare(f, [MATRICES[kind]], order)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", ["cond", "norm, 2", "norm, nuc", "pinv", "svd"])
def test_singular_values_of_what_is_not_finite_are_refused(name, value):
    with pytest.raises(np.linalg.LinAlgError, match="expected finite numbers"):
        DECOMPOSED[name](np.where(np.eye(3) > 0, value, GENERAL))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_derivatives_of_a_determinant_that_is_not_finite(value):
    stack = tgl.constant(np.stack([GENERAL, np.where(np.eye(3) > 0, value, GENERAL)]))
    with tgl.GradientTape() as outer:
        outer.watch(stack)
        with tgl.GradientTape() as tape, np.errstate(invalid="ignore"):
            tape.watch(stack)
            y = linalg.det(stack)
        slope = tape.gradient(y, stack)
        total = tgl.sum(slope[0])
    np.testing.assert_allclose(slope[0], np.linalg.det(GENERAL) * np.linalg.inv(GENERAL).T, atol=1e-13)
    assert np.isnan(slope[1]).all()
    assert np.isfinite(outer.gradient(total, stack)[0]).all()


def test_a_gradient_of_vectors_that_only_complete_a_basis_is_refused_at_every_call():
    @tgl.function
    def slope(x, weight):
        with tgl.GradientTape() as tape:
            tape.watch(x)
            y = tgl.sum(linalg.svd(x).U[:, 2:] * weight)
        return tape.gradient(y, x)

    x = tgl.constant(GENERAL[:, :2])
    for _ in range(2):
        assert not slope(x, tgl.constant(np.zeros((3, 1)))).numpy().any()
        with pytest.raises(NotImplementedError, match="full_matrices=False"):
            slope(x, tgl.constant(np.ones((3, 1))))


def test_condition_of_what_has_none():
    assert linalg.cond(np.zeros((2, 2))).item() == np.inf
    with pytest.raises(np.linalg.LinAlgError, match="not empty"):
        linalg.cond(np.zeros((0, 2)))
    for ord in ("nuc", 2):
        assert linalg.norm(np.zeros((0, 2)), ord).item() == 0
