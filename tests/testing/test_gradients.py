"""The gradient checker against rules that are wrong, against right ones, and at points without a derivative."""

import functools
import subprocess
import sys
import textwrap

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_lite as tgl
from tinygrad_lite.core.primitive import Primitive
from tinygrad_lite.testing import FIGURES, Figures, GradientError, KinkError, check_gradients
from tinygrad_lite.testing import strategies as arrays

X = np.array([0.5, -1.5, 2.0])
SQUARE = np.array([[1.0, 2.0], [-3.0, 0.5]])


def operation(forward, *rules, **options):
    """A primitive that is not entered into the registry."""
    made = Primitive(forward, name="operation", **options)
    made.defvjp(*rules)
    return made


# Wrong rules --------------------------------------------------------------------------------------------------


def cube(rule):
    return operation(lambda x: x**3, rule)


def matvec(rule_of_matrix, rule_of_vector):
    return operation(lambda a, x: a @ x, rule_of_matrix, rule_of_vector)


def shift(rule_of_vector):
    """A matrix and a vector that is added to each of its rows, without `elementwise` to sum for it."""
    return operation(lambda a, b: a + b, lambda g, y, a, b: g, rule_of_vector)


def only_the_first_element(g, y, x):
    return np.where(np.arange(3) == 0, 3 * g * x**2, 3.001 * g * x**2)


def differently_when_recorded(g, y, x):
    return g * x**2 * (3 if isinstance(g, np.ndarray) else 4)


def written_into_the_input(g, y, x):
    return np.multiply(g, x, out=x)


def written_into_g(g, y, x):
    d = 3 * g * x**2
    g *= 1.5
    return d


def written_into_the_result(g, y, x):
    y *= 3 * g
    return y / x


WRONG = {
    "a factor off by 1e-4": (cube(lambda g, y, x: 3.0003 * g * x**2), X),
    "a factor off by 1e-4, 0-d": (cube(lambda g, y, x: 3.0003 * g * x**2), 0.7),
    "a factor off by 1e-4, where no complex step is possible": (
        operation(lambda x: np.absolute(x) ** 3, lambda g, y, x: 3.0003 * g * x * np.absolute(x)),
        X,
    ),
    "a missing term": (operation(lambda x: x * np.sin(x), lambda g, y, x: g * x * np.cos(x)), X),
    "a wrong sign": (operation(np.cos, lambda g, y, x: g * np.sin(x)), X),
    "no chain: g is not used": (cube(lambda g, y, x: 3 * x**2), X),
    "right first, wrong second order": (cube(lambda g, y, x: 3 * g * tgl.stop_gradient(x) ** 2), X),
    "wrong in the second term of the second order": (cube(lambda g, y, x: 3 * tgl.stop_gradient(g) * x**2), X),
    "one element only": (cube(only_the_first_element), X),
    "one argument only": (operation(lambda a, b: a * b, lambda g, y, a, b: g * b, lambda g, y, a, b: g * b), X, X + 5),
    "a transposed Jacobian": (matvec(lambda g, y, a, x: np.outer(g, x), lambda g, y, a, x: a @ g), SQUARE, X[:2]),
    "a transposed outer product": (
        matvec(lambda g, y, a, x: np.outer(x, g), lambda g, y, a, x: a.T @ g),
        SQUARE,
        X[:2],
    ),
    "a sum over the wrong axis": (shift(lambda g, y, a, b: g.sum(axis=1)), SQUARE, X[:2]),
    "a mean instead of a sum": (shift(lambda g, y, a, b: g.mean(axis=0)), SQUARE, X[:2]),
    "one row instead of the sum": (shift(lambda g, y, a, b: g[0]), SQUARE, X[:2]),
    "no gradient": (operation(lambda x: x**2, None), X),
    "other numbers for a tape that records": (cube(differently_when_recorded), X),
    "an alias of the input": (operation(lambda x: x**2 / 2, lambda g, y, x: x), X),
    "an alias of the result": (operation(np.exp, lambda g, y, x: y), X),
    "written into the input": (operation(lambda x: x**2 / 2, written_into_the_input), X),
    "written into g": (cube(written_into_g), X),
    "written into the result": (cube(written_into_the_result), X),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_rules_are_rejected(name):
    f, *inputs = WRONG[name]
    with pytest.raises(GradientError) as caught:
        check_gradients(f, *inputs)
    assert not isinstance(caught.value, KinkError)


@pytest.mark.parametrize("name", [name for name in WRONG if "second" in name])
def test_wrong_second_orders_are_right_in_the_first(name):
    f, *inputs = WRONG[name]
    check_gradients(f, *inputs, order=1)


def test_gradient_without_the_sum_over_broadcast_axes():
    with pytest.raises(ValueError, match="must return the shape of b"):
        check_gradients(shift(lambda g, y, a, b: g), SQUARE, X[:2])


def test_gradient_that_cannot_be_differentiated_again():
    once = cube(lambda g, y, x: np.asarray(3 * g * x**2))
    check_gradients(once, X, order=1)
    with pytest.raises(GradientError, match="cannot be differentiated again"):
        check_gradients(once, X)


@given(st.floats(1e-4, 10), st.sampled_from([1, -1]), arrays.arrays((3,), avoid=[0.0]))
def test_any_wrong_factor_is_rejected_anywhere(off, sign, x):
    wrong = cube(lambda g, y, x: 3 * (1 + sign * off) * g * x**2)
    with pytest.raises(GradientError, match="with respect to x is wrong"):
        check_gradients(wrong, x, order=1, directions=1)


@given(st.integers(1, 4), st.integers(0, 3))
def test_an_error_in_one_element_of_many_is_found(side, place):
    mask = np.arange(side * side).reshape(side, side) == place % (side * side)
    wrong = operation(np.tanh, lambda g, y, x: g * (1 - y * y) * np.where(mask, 1.001, 1))
    with pytest.raises(GradientError):
        check_gradients(wrong, np.full((side, side), 0.3), order=1)


# Right rules --------------------------------------------------------------------------------------------------

RIGHT = {
    "steep": (lambda x: tgl.exp(20 * x), X / 2),
    "rapid": (lambda x: tgl.sin(100 * x), X),
    "large": (lambda x: tgl.square(x), 1e8 * X),
    "small": (lambda x: tgl.sinh(x), 1e-9 * X),
    "tiny values": (lambda x: 1e-200 * tgl.tanh(x), X),
    "huge values": (lambda x: 1e200 * tgl.tanh(x), X),
    "large and small summands": (lambda x: tgl.sum(x * np.array([1e6, 1.0, 1e-6])), X),
    "flat": (lambda x: tgl.sigmoid(x), np.array([-40.0, 40.0])),
    "a derivative that vanishes": (lambda x: x**3, np.zeros(2)),
    "all derivatives of order two vanish": (lambda x: 3 * x, X),
    "not analytic, yet smooth here": (lambda x: abs(x) * x, X),
    "near a kink": (lambda x: tgl.relu(x), np.array([1e-3, -1e-3])),
    "a loss": (lambda w, x: tgl.softmax_cross_entropy_with_logits(np.eye(2), x @ w), SQUARE, SQUARE),
    "several results": (lambda x: (tgl.sin(x), {"c": tgl.cos(x)}), X),
    "a result that does not depend on the input": (lambda x: [tgl.exp(x), tgl.constant(X)], X),
    "empty": (lambda x: tgl.exp(x), np.zeros((0, 3))),
}


@pytest.mark.parametrize("name", RIGHT)
def test_right_rules_are_accepted(name):
    f, *inputs = RIGHT[name]
    errors = check_gradients(f, *inputs)
    assert all(error < 1e-6 for error in errors)


def test_orders_above_two():
    assert len(check_gradients(lambda x: tgl.exp(x) * x, X, order=4)) == 4
    wrong_in_the_third = cube(lambda g, y, x: 3 * g * halved_later(x))
    check_gradients(wrong_in_the_third, X, order=2)
    with pytest.raises(GradientError, match=r"order 3"):
        check_gradients(wrong_in_the_third, X, order=3)


halved_later = operation(lambda x: x**2, lambda g, y, x: 2 * g * tgl.stop_gradient(x))


def test_float32_inside_of_the_function_is_given_its_due():
    check_gradients(lambda x: tgl.tanh(tgl.cast(x, "float32")), X, order=1)
    wrong = cube(lambda g, y, x: 3.3 * g * x**2)
    with pytest.raises(GradientError):
        check_gradients(lambda x: wrong(tgl.cast(x, "float32")), X, order=1)


def test_everything_is_computed_in_float64_whatever_the_input():
    seen = set()

    def f(x):
        seen.add(x.dtype.name)
        return tgl.exp(x)

    check_gradients(f, X.astype(np.float32), order=1)
    check_gradients(f, tgl.constant([1.0, 2.0]), order=1)
    check_gradients(f, [1.0, 2.0], order=1)
    check_gradients(f, 1.0, order=1)
    assert seen - {"complex128"} == {"float64"}  # complex where a complex step is tried


def test_structures_and_what_is_not_floating():
    def f(parts, index, scale):
        return tgl.take(parts["a"] * parts["b"][0] * scale, index)

    check_gradients(f, {"a": X, "b": [X + 1]}, np.array([0, 0, 2]), 3)
    check_gradients(functools.partial(tgl.sum, axis=-1), SQUARE)


def test_lists_of_floats_are_arrays_and_others_stay_what_they_are():
    seen = []

    def f(x, axes, index):
        seen.append((x.shape, axes, index))
        return x[index].sum()

    check_gradients(f, [[1.0, 2], [3, 4]], [0, 1], (0, slice(None)))
    assert all(found == ((2, 2), [0, 1], (0, slice(None))) for found in seen)


def test_rtol_and_atol():
    nearly = cube(lambda g, y, x: 3.0003 * g * x**2)
    check_gradients(nearly, X, order=1, rtol=1e-3)
    check_gradients(nearly, X, order=1, atol=0.1)
    with pytest.raises(GradientError):
        check_gradients(nearly, X, order=1, atol=1e-6)


def test_the_same_seed_checks_the_same_directions():
    assert check_gradients(tgl.tanh, X, seed=3) == check_gradients(tgl.tanh, X, seed=3)
    assert check_gradients(tgl.tanh, X, seed=3) != check_gradients(tgl.tanh, X, seed=4)


def test_variables_inside_of_the_function_are_left_alone():
    v = tgl.Variable(2.0)
    check_gradients(lambda x: x * v, X)
    assert v.item() == 2.0


# No derivative ------------------------------------------------------------------------------------------------

KINKS = {
    "kink: relu": (tgl.relu, np.array([1.0, 0.0]), "a kink"),
    "kink: absolute": (tgl.absolute, 0.0, "a kink"),
    "kink: maximum where it ties": (tgl.maximum, X, X, "a kink"),
    "kink: max where it ties": (tgl.max, np.array([1.0, 2.0, 2.0]), "a kink"),
    "kink: elu": (lambda x: tgl.elu(x, alpha=0.5), np.array([0.0, 1.0]), "a kink"),
    "kink in the second order": (lambda x: abs(x) * x, np.array([0.0, 1.0]), "order 2"),
    "jump": (lambda x: tgl.floor(x) + x, np.array([2.0, 2.5]), "a jump"),
    "jump: remainder": (lambda x: tgl.remainder(x, 1.0), 3.0, "a jump"),
    "steep: cube root": (tgl.cbrt, 0.0, "grows without bound"),
    "steep: arcsin at the end": (tgl.arcsin, 1.0, "edge of the domain"),
    "edge: sqrt": (tgl.sqrt, 0.0, "edge of the domain"),
    "edge: log": (tgl.log, 0.0, "edge of the domain"),
    "nan": (tgl.log, -1.0, "edge of the domain"),
}


@pytest.mark.parametrize("name", KINKS)
def test_points_without_a_derivative_are_named(name):
    f, *inputs, words = KINKS[name]
    with pytest.raises(KinkError) as caught:
        check_gradients(f, *inputs)
    message = str(caught.value)
    assert words in message
    assert "does not exist at the test point" in message
    assert "is wrong" not in message


def test_a_kink_shows_both_slopes():
    with pytest.raises(KinkError) as caught:
        check_gradients(tgl.relu, 0.0)
    (line,) = [line for line in str(caught.value).splitlines() if "left, right slope" in line]
    left, right = (abs(float(text)) for text in line.split("slope")[1].split(","))
    assert min(left, right) == pytest.approx(0, abs=1e-6)
    assert max(left, right) > 0.2  # the random weight times the random direction


def test_a_wrong_rule_beside_a_kink_is_wrong_and_no_kink():
    wrong = operation(lambda x: np.maximum(x, 0), lambda g, y, x: g * (x > 0) * 1.01)
    with pytest.raises(GradientError) as caught:
        check_gradients(wrong, np.array([0.01, -0.01]))
    assert not isinstance(caught.value, KinkError)


# Messages -----------------------------------------------------------------------------------------------------

MODULE = """
import tinygrad_lite as tgl

@tgl.primitive
def wrong_product(left, right):
    return left * right

wrong_product.defvjp(lambda g, y, left, right: g * right, lambda g, y, left, right: 1.5 * g * left)

def wrong_sum(x, *, axis):
    return wrong_product(tgl.stop_gradient(x), x).sum(axis)
"""


@pytest.fixture
def module(tmp_path, monkeypatch):
    """A module with operations that have wrong rules."""
    (tmp_path / "module_of_wrong_rules.py").write_text(MODULE, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "module_of_wrong_rules", raising=False)
    import module_of_wrong_rules

    yield module_of_wrong_rules
    sys.modules.pop("module_of_wrong_rules", None)


def failure(f, *inputs, **options):
    with pytest.raises(GradientError) as caught:
        check_gradients(f, *inputs, **options)
    return str(caught.value)


def script_in(message):
    return textwrap.dedent(message.partition("This reproduces it:")[2])


def test_message_says_function_argument_direction_values_and_ratio(module):
    message = failure(module.wrong_product, np.array([2.0, 3.0]), np.array([-1.0, 0.5]))
    assert message.startswith("The gradient of wrong_product with respect to right is wrong (order 1).")
    numbers = dict(line.strip().split("  ", 1) for line in message.splitlines()[1:6])
    claimed, slope = float(numbers["reverse mode"]), float(numbers["differences"].split("±")[0])
    assert float(numbers["ratio"]) == pytest.approx(1.5, rel=1e-6)
    assert claimed == pytest.approx(1.5 * slope, rel=1e-6)
    direction, weights = (eval(numbers[name]) for name in ("direction", "weights of the results"))
    assert slope == pytest.approx(float((weights * np.array([2.0, 3.0])) @ direction), rel=1e-6)


@pytest.mark.parametrize("order", [1, 2])
def test_script_raises_the_same_error(module, order):
    f = module.wrong_product if order == 1 else tgl.tanh
    if order == 1:
        message = failure(f, X, X + 4)
    else:
        message = failure(functools.partial(module.wrong_sum, axis=-1), SQUARE, rtol=1e-9)
    with pytest.raises(GradientError) as caught:
        exec(script_in(message), {})
    assert str(caught.value) == message


def test_script_runs_in_a_process_of_its_own(module, tmp_path):
    message = failure(functools.partial(module.wrong_sum, axis=(0,)), SQUARE, seed=5, directions=3)
    script = tmp_path / "script.py"
    script.write_text(script_in(message), encoding="utf-8")
    done = subprocess.run([sys.executable, str(script)], capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 1
    assert message.splitlines()[0] in done.stderr


def test_script_of_the_package_s_own_functions():
    message = failure(tgl.relu, np.array([0.0]))
    assert "import tinygrad_lite as tgl" in message
    assert "check_gradients(tgl.relu, np.array([0.0], dtype='float64')" in message


def test_script_of_a_function_without_a_module_says_where_it_is():
    message = failure(lambda x: cube(lambda g, y, x: g)(x), X)
    assert "f = ...  # " in message
    assert "test_gradients.py:" in message


def test_message_for_none():
    assert "None, which counts as 0" in failure(operation(lambda x: x**2, None), X)


def test_large_arrays_are_not_written_out():
    message = failure(cube(lambda g, y, x: g), np.ones((50, 50)))
    assert "<array of shape (50, 50), dtype float64>" in message
    assert len(message) < 2000


# Misuse -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("f", "inputs", "options", "error", "words"),
    [
        (tgl.exp, [X], {"order": 0}, ValueError, "order and directions of at least 1"),
        (tgl.exp, [X], {"directions": 0}, ValueError, "order and directions of at least 1"),
        (tgl.exp, [np.array([1, 2])], {}, TypeError, "a floating input"),
        (tgl.exp, [], {}, TypeError, "no inputs"),
        (lambda x: x.numpy(), [X], {}, TypeError, "to return Tensors"),
        (lambda x: None, [X], {}, TypeError, "to return Tensors"),
        (lambda x: x > 0, [X], {}, TypeError, "to return floating Tensors"),
        (lambda x: x * tgl.random.uniform((3,)), [X], {}, ValueError, "returns the same values every time"),
    ],
)
def test_misuse(f, inputs, options, error, words):
    with pytest.raises(error, match=words):
        check_gradients(f, *inputs, **options)


def test_errors_of_the_function_itself_pass_through():
    def f(x):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        check_gradients(f, X)


# Figures ------------------------------------------------------------------------------------------------------


def test_figures_count_cases_and_keep_the_largest_error():
    before = FIGURES.cases
    errors = check_gradients(tgl.tanh, X)
    assert FIGURES.cases == before + 1
    assert FIGURES.errors[1][0] >= errors[0]
    assert FIGURES.errors[2][0] >= errors[1]


def test_report_of_figures():
    figures = Figures()
    figures.add("first", (1e-9, 1e-8))
    figures.add("second", (1e-7,))
    figures.names |= {"first", "second"}
    assert figures.lines() == [
        "2 cases of 2 operations, in 0.0 s; 0 more were kinks",
        "largest relative error of order 1: 1.0e-07  second",
        "largest relative error of order 2: 1.0e-08  first",
    ]
