"""The checker of doctests accepts other last bits, and nothing else."""

import doctest

import close_doctests
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

ACCEPTED = {
    "the same": ("array([1., 2.])", "array([1., 2.])"),
    "a last bit, and a wider column": (
        "array([[  1.,   2.],\n       [  3., 100.]])",
        "array([[  1.       ,   2.0000002],\n       [  3.       , 100.       ]])",
    ),
    "a last bit of a Tensor": ("Tensor(2.0, shape=(), dtype=float32)", "Tensor(2.0000002, shape=(), dtype=float32)"),
    "a line that is broken elsewhere": ("[0.1 0.2 0.3]", "[0.1\n 0.2 0.30000001]"),
    "a line that is broken in a sentence": ("loss [0.5]", "loss [0.50000003]"),
    "scientific": ("array([1.e-05, 2.e+10])", "array([1.0000001e-05, 2.0000000e+10])"),
    "scientific, because of a zero": ("array([1., 0.])", "array([1.0000000e+00, 1.1920929e-07])"),
    "a negative zero": ("array([-0.,  1.])", "array([0., 1.])"),
    "inf and nan": ("array([ inf, -inf,  nan, 0.5])", "array([       inf,       -inf,        nan, 0.50000006])"),
    "anything for an ellipsis": ("Epoch 1: loss 0.5 (... s)", "Epoch 1: loss 0.50000001 (0.123 s)"),
    "nothing for an ellipsis": ("a 1.5 b...", "a 1.5000001 b"),
    "two ellipses": ("loss 0.5 ... x ... b", "loss 0.5000001 , a 1 x y, b b"),
}
REJECTED = {
    "another number": ("array([1., 2.])", "array([1., 3.])"),
    "another digit": ("0.25", "0.26"),
    "another fourth digit": ("0.1234", "0.1235"),
    "another sign": ("0.25", "-0.25"),
    "another exponent": ("1e-05", "1e-06"),
    "another whole number": ("10000", "10001"),
    "a whole number for a float": ("2.0", "2"),
    "a float for a whole number": ("(2, 3)", "(2.0, 3)"),
    "a number that is not zero": ("0.0", "0.001"),
    "a zero for a number": ("0.001", "0.0"),
    "small numbers are not zero to each other": ("1.2e-07", "9.2e-07"),
    "nan for a number": ("array([1.5])", "array([nan])"),
    "inf for a number": ("1.5", "inf"),
    "minus inf": ("inf", "-inf"),
    "a number more": ("array([1., 2.])", "array([1., 2., 0.])"),
    "a number less": ("array([1., 2.])", "array([1.])"),
    "no number": ("1.5", ""),
    "a number for nothing": ("", "1.5"),
    "one more axis": ("array([1., 2.])", "array([[1., 2.]])"),
    "another shape": ("Tensor(1.5, shape=(1,))", "Tensor(1.5000001, shape=(2,))"),
    "rows elsewhere": ("[[1. 2.] [3.]]", "[[1.] [2. 3.]]"),
    "another dtype": ("array([1.], dtype=float32)", "array([1.])"),
    "another name": ("w: 1.5", "v: 1.5000001"),
    "two words made one": ("(a b, 1.5)", "(ab, 1.5000001)"),
    "white space in a sentence": ("the loss", "theloss"),
    "two lines made one": ("1.5\n2.5", "1.5 2.5"),
    "columns of a table": ("a  1.5", "a 1.5"),
    "a number in a word": ("x1.5", "x1.6"),
    "a version": ("1.5.2", "1.5.3"),
    "what follows an ellipsis": ("a ... 1.5", "a b 1.6"),
    "what comes before an ellipsis": ("a 1.5 ...", "a 1.6 b"),
}


def accepts(want, got, flags=doctest.ELLIPSIS):
    return close_doctests.CloseNumbers().check_output(f"{want}\n" if want else "", f"{got}\n" if got else "", flags)


@pytest.mark.parametrize("what", ACCEPTED)
def test_accepted(what):
    assert accepts(*ACCEPTED[what])


@pytest.mark.parametrize("what", REJECTED)
def test_rejected(what):
    assert not accepts(*REJECTED[what])


def test_dots_are_dots_where_an_example_does_not_ask_for_an_ellipsis():
    assert not accepts("a ... b", "a 1 b", flags=0)


NUMBERS = st.floats(0.0625, 1000.0, width=32)
ARRAYS = hnp.arrays("float32", hnp.array_shapes(max_dims=3, max_side=4), elements=NUMBERS)


@given(ARRAYS, st.floats(-1e-6, 1e-6))
def test_an_array_with_other_last_bits_is_accepted(x, error):
    assert accepts(repr(x), repr((x * (1 + error)).astype("float32")))
    assert accepts(str(x), str((x * (1 + error)).astype("float32")))


@given(ARRAYS, st.data())
def test_an_array_with_one_other_number_is_rejected(x, data):
    place = data.draw(st.integers(0, x.size - 1))
    other = x.copy()
    other.flat[place] *= 1.01
    assert not accepts(repr(x), repr(other))


@given(ARRAYS)
def test_an_array_of_another_shape_is_rejected(x):
    assert not accepts(repr(x), repr(x[None]))
    assert not accepts(repr(x), repr(np.concatenate([x, x])))
    assert not accepts(str(x), str(x[None]))


@pytest.mark.parametrize(("shown", "failures"), [("0.1", 0), ("0.10000001", 0), ("0.11", 1), ("'0.1'", 1)])
def test_examples_are_run_with_it(shown, failures):
    test = doctest.DocTestParser().get_doctest(f">>> 1 / 10\n{shown}\n", {}, "page", None, 0)
    report = []
    result = close_doctests.runner().run(test, out=report.append)
    assert result.failed == failures
    assert bool(report) == bool(failures)  # says what it expected and what it got


@pytest.mark.parametrize(
    ("message", "failures"), [("expected 0.5", 0), ("expected 0.50000001", 0), ("expected 0.6", 1)]
)
def test_messages_of_errors_are_compared_too(message, failures):
    source = (
        f">>> raise ValueError('expected 0.5')\nTraceback (most recent call last):\n    ...\nValueError: {message}\n"
    )
    test = doctest.DocTestParser().get_doctest(source, {}, "page", None, 0)
    assert close_doctests.runner().run(test, out=lambda _: None).failed == failures
