"""Random calls against NumPy, a few of each function; `python tests/calls.py` makes more of them."""

import importlib.util
import inspect
import warnings
from pathlib import Path

import numpy as np
import pytest

import tinygrad_lite as tgl
from tinygrad_lite.core.primitive import Primitive

SPEC = importlib.util.spec_from_file_location("calls", Path(__file__).parents[1] / "calls.py")
calls = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(calls)


def test_a_few_random_calls_of_every_function():
    count, differences = calls.compare(calls=20)
    assert count > 4000
    assert not differences, "\n".join(differences)


def test_a_few_of_them_compiled():
    count, differences = calls.compare(calls=3, compiled=True)
    assert count > 600
    assert not differences, "\n".join(differences)


def test_another_bit_is_noticed(monkeypatch):
    state = []

    def other_at_the_second_call(x, **options):
        state.append(0)
        return tgl.sum(x, **options) * (1.0 if len(state) % 2 else 1.0000001)

    monkeypatch.setattr(calls, "callables", lambda: {"sum": (other_at_the_second_call, np.sum)})
    assert calls.compare(calls=20, compiled=True)[1]


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("sum", lambda x, **options: np.sum(x, **options) * 1.001),
        ("sum", lambda x, **options: np.sum(x, **options).astype("f2")),
        ("sum", lambda x, **options: np.sum(x, **options)[None]),
        ("sum", lambda x, **options: np.sum(x)),
        ("sqrt", np.abs),
        ("linalg.trace", lambda x, **options: tgl.trace(x, **options)),  # along the first two axes
    ],
)
def test_the_comparison_is_not_blind(monkeypatch, name, wrong):
    theirs = calls.callables()[name][1]
    monkeypatch.setattr(calls, "callables", lambda: {name: (wrong, theirs)})
    assert calls.compare(calls=20)[1]


def test_warnings_are_compared():
    def quiet(x):
        with np.errstate(all="ignore"):
            return np.sqrt(x)

    def loud(x):
        warnings.warn("anything", UserWarning, stacklevel=1)
        return np.sqrt(x)

    for mine in (quiet, loud):
        ways = (calls.run(f, [np.array([-1.0, 2.0])], {}) for f in (mine, np.sqrt))
        assert "warns" in calls.difference(*ways)


def test_a_function_without_a_drawing_is_noticed(monkeypatch):
    monkeypatch.setattr(calls, "SPECIAL", {})
    assert any("no drawing for it" in line for line in calls.compare(["sum"])[1])


# What was found by it -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["trace", "diagonal", "cross", "outer", "vecdot"])
def test_functions_of_linalg_mean_the_last_axes_and_vectors_alone(name):
    x = np.arange(18.0).reshape(2, 3, 3)
    ours, numpys = getattr(tgl.linalg, name), getattr(np.linalg, name)
    args = {"cross": (x, x[::-1]), "outer": (x[0, 0], x[1, 1]), "vecdot": (x, x[::-1])}.get(name, (x,))
    expected = numpys(*args)
    for f, kind in ((ours, tgl.constant), (ours, np.array), (numpys, tgl.constant)):
        np.testing.assert_allclose(f(*map(kind, args)).numpy(), expected)
    too_many = {"cross": (x[..., :2], x[..., :2]), "outer": (x, x), "vecdot": (x, x, None)}.get(name, (x, 0, 1))
    for f in (ours, numpys):
        with pytest.raises((ValueError, TypeError)):
            f(*too_many)


@pytest.mark.parametrize("value", [[1.0, 10.0, 100.0], [[1.0], [10.0]], 1.0, [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int64"])
def test_a_value_broadcasts_into_an_index_of_several_axes(value, dtype):
    index, x = np.array([[-3, -1, 3], [-1, -1, 2]]), np.arange(4).astype(dtype)
    expected = x.copy()
    for place, one in zip(index.ravel(), np.broadcast_to(value, index.shape).ravel()):
        expected[place] += np.array(one, dtype)
    np.testing.assert_array_equal(tgl.index_add(x, index, np.array(value, dtype)).numpy(), expected)


def test_random_indices_and_values_that_broadcast():
    rng = np.random.default_rng(0)
    for _ in range(300):
        shape = tuple(int(n) for n in rng.integers(1, 5, rng.integers(1, 4)))
        places = tuple(int(n) for n in rng.integers(1, 4, rng.integers(0, 4)))
        axes = int(rng.integers(1, len(shape) + 1))
        index = tuple(rng.integers(-n, n, places) for n in shape[:axes])
        chosen = np.arange(int(np.prod(shape))).reshape(shape)[index]
        value = rng.integers(1, 9, tuple(1 if rng.random() < 0.3 else n for n in chosen.shape)).astype("float64")
        value = value.reshape(value.shape[rng.integers(0, value.ndim + 1) :]) if value.size == 1 else value
        expected = np.zeros(shape)
        for place, one in zip(chosen.ravel(), np.broadcast_to(value, chosen.shape).ravel()):
            expected.reshape(-1)[place] += one
        np.testing.assert_array_equal(tgl.index_add(np.zeros(shape), index, value).numpy(), expected)


def test_the_remainder_of_nan_is_nan_and_that_of_minus_one_is_minus_zero():
    fraction, _ = tgl.modf([np.nan, -1.0, -np.inf, 2.5])
    np.testing.assert_array_equal(fraction.numpy(), np.float32([np.nan, -0.0, -0.0, 0.5]))
    assert np.signbit(fraction.numpy()).tolist()[1:] == [True, True, False]


def test_unique_slices_along_an_axis():
    x = np.array([[1.0, 2.0], [0.0, 3.0], [1.0, 2.0]])
    v = tgl.Variable(x)
    with tgl.GradientTape() as tape:
        rows, counts = tgl.unique(v, return_counts=True, axis=0)
    np.testing.assert_array_equal(rows.numpy(), np.unique(x, axis=0))
    assert counts.tolist() == [1, 2]
    assert tape.gradient(rows, v).tolist() == [[1.0, 1.0], [1.0, 1.0], [0.0, 0.0]]


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int32", "float16"])
@pytest.mark.parametrize("name", ["sum", "prod", "max", "min", "nansum", "nanmax"])
def test_what_a_reduction_starts_from_does_not_change_its_dtype(name, dtype):
    x = np.array([1, 0, 1]).astype(dtype)
    expected = getattr(np, name)(x, initial=1)
    for initial in (1, tgl.constant(1), tgl.constant(1.0)):
        answer = getattr(tgl, name)(x, initial=initial)
        assert (answer.dtype, answer.item()) == (expected.dtype, expected)


# Signatures ---------------------------------------------------------------------------------------------------

MADE_HERE = {"arange", "eye", "full", "identity", "ones", "zeros"}  # no Tensor leads NumPy's here
LEFT_OUT = {"kwargs", "like"}  # of ufuncs; for arrays of other libraries
OTHER_VERSIONS = {  # parameters that NumPy 2.4 does not have
    "reshape": {"newshape"},  # 2.0's name of shape
    "sort": {"descending"},  # new in 2.5
    "argsort": {"descending"},
}


@pytest.mark.parametrize("name", sorted(set(calls.callables()) - MADE_HERE))
def test_a_signature_is_numpys(name):
    """Every parameter of NumPy's is here, those that go by position in NumPy's order, with NumPy's defaults."""
    ours, theirs = calls.callables()[name]
    if isinstance(theirs, np.ufunc) or name in {"where", "linalg.tensordot"}:  # whose x and y, x1 and x2 have no names
        return
    try:
        numpys = [p for p in inspect.signature(theirs).parameters.values() if p.name not in LEFT_OUT]
    except ValueError:  # written in C, without a signature
        return
    numpys = [p for p in numpys if p.name not in OTHER_VERSIONS.get(name, ())]
    if isinstance(ours, Primitive):
        found = {**dict.fromkeys(ours.arrays, inspect.Parameter.empty), **ours.metadata}
    else:
        found = {p.name: p.default for p in inspect.signature(ours).parameters.values()}
    by_position = [p.name for p in numpys if p.kind in (p.POSITIONAL_OR_KEYWORD, p.POSITIONAL_ONLY)]
    assert [n for n in found if n in {p.name for p in numpys}][: len(by_position)] == by_position
    for p in numpys:
        assert p.name in found
        if p.default is not p.empty and p.default is not np._NoValue and p.default is not None:
            assert found[p.name] == p.default
