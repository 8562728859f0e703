"""The error for a function of NumPy's without a mirror suggests code: whatever it suggests can be run."""

import inspect
import re
import textwrap
import warnings

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view
from numpy.testing import overrides

import tinygrad_lite as tgl
from tinygrad_lite.ops import operators

VECTOR, MATRIX = np.array([3.0, 1.0, 2.0]), np.array([[2.0, 1.0], [1.0, 3.0]])
GIVEN = [(VECTOR,), (MATRIX,), (VECTOR, VECTOR), (MATRIX, MATRIX), (VECTOR, 2), (VECTOR, 0.5), (VECTOR,) * 3]
SKIPPED = {"empty", "save", "savetxt", "savez", "savez_compressed", "require"}  # they answer anything, or write files


def refusal(f, args, kwargs=None):
    """What is said to a recorded tensor; None if it is answered."""
    with tgl.GradientTape() as tape:
        given = [tgl.constant(x) if isinstance(x, np.ndarray) else x for x in args]
        tape.watch([x for x in given if isinstance(x, tgl.Tensor)])
        try:
            f(*given, **(kwargs or {}))
        except TypeError as error:
            return str(error)
    return None


def run(message, args, kwargs=None):
    """The primitive that a message suggests, called with the same."""
    code = textwrap.dedent(message[message.index("    @tgl.") :])
    names = {"np": np, "tgl": tgl, "__name__": "suggested"}
    exec(code, names)
    name, parameters = re.search(r"def (\w+)\((.*)\):", code).groups()
    metadata = [word.strip() for word in parameters.partition("*, ")[2].split(",") if word.strip()]
    if not metadata:
        return names[name](*args)
    arrays = [x for x in args if isinstance(x, np.ndarray)]
    given = dict(zip(metadata, [x for x in args if not isinstance(x, np.ndarray)])) | (kwargs or {})
    assert set(given) == set(metadata)
    return names[name](*arrays, **given)


def parts(answer):
    return [np.asarray(x) for x in (answer if isinstance(answer, (tuple, list)) else [answer])]


def functions():
    every = overrides.get_overridable_numpy_array_functions() | overrides.get_overridable_numpy_ufuncs()
    found = [f for f in every if f not in operators._COUNTERPARTS and f.__name__ not in SKIPPED]
    return sorted(found, key=lambda f: (str(getattr(f, "__module__", "")), f.__name__))


def test_every_suggestion_runs_and_answers_what_numpy_answers():
    count = 0
    for f in functions():
        for args in GIVEN:
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")
                try:
                    expected = f(*(np.array(x) if isinstance(x, np.ndarray) else x for x in args))
                except Exception:  # not made for these arguments
                    continue
                message = refusal(f, args)
                if message is None or "    @tgl." not in message:
                    break
                answer = parts(run(message, args))
                expected = parts(expected)
                if expected[0].dtype.kind == "c":
                    expected = [np.real(expected[0]), np.imag(expected[0])]
                for one, other in zip(answer, expected, strict=True):
                    np.testing.assert_allclose(one, other)
                count += 1
                break
    assert count > 60


@pytest.mark.parametrize(
    ("f", "args", "kwargs", "said"),
    [
        (np.fft.fft, (VECTOR,), {}, r"numpy\.fft\.fft has.*y = np\.fft\.fft\(x\).*return np\.real\(y\), np\.imag\(y\)"),
        (np.fft.rfft, (VECTOR,), {"n": 4}, r"def rfft\(x, \*, n\):\s+y = np\.fft\.rfft\(x, n=n\)"),
        (np.percentile, (VECTOR, 30), {}, r"def percentile\(x, \*, q\):\s+return np\.percentile\(x, q=q\)"),
        (
            sliding_window_view,
            (VECTOR, 2),
            {},
            r"np\.lib\.stride_tricks\.sliding_window_view\(x, window_shape=",
        ),
        (np.median, (MATRIX,), {"axis": 0}, r"median\.defvjp\(lambda g, y, x, axis: \.\.\.\)"),
        (np.linalg.eigvals, (MATRIX,), {}, r"np\.linalg\.eigvals\(x\)"),
        (np.nextafter, (VECTOR, VECTOR), {}, r"@tgl\.elementwise\s+def nextafter\(x1, x2\)"),
        (np.digitize, (VECTOR, VECTOR[[1, 2, 0]]), {}, r"@tgl\.nondifferentiable\s+def digitize\(x1, x2\)"),
    ],
    ids=lambda x: getattr(x, "__name__", None),
)
def test_a_suggestion(f, args, kwargs, said):
    message = refusal(f, args, kwargs)
    assert re.search(said, message, re.DOTALL), message
    run(message, args, kwargs)


def test_where_no_primitive_can_do_it_none_is_suggested(tmp_path):
    v = tgl.constant(VECTOR)
    for f in (lambda: np.block([[v, v]]), lambda: np.copyto(v, 1.0), lambda: np.save(tmp_path / "x.npy", v)):
        with tgl.GradientTape() as tape:
            tape.watch(v)
            with pytest.raises(TypeError) as caught:
                f()
        assert "@tgl" not in str(caught.value)
        assert ".numpy()" in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_functions_that_look_at_dtypes_answer():
    for f in (np.common_type, np.min_scalar_type, np.result_type):
        assert refusal(f, (VECTOR,)) is None
    assert inspect.isclass(np.common_type(tgl.constant(VECTOR)))
