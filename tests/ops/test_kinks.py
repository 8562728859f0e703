"""Where there is no derivative: what stands for it, by value. And the law that no gradient in is no gradient out."""

import numpy as np
import pytest

import tinygrad_lite as tgl
from tinygrad_lite.core.primitive import REGISTRY

INF, NAN = np.inf, np.nan


def gradients(f, *arguments, weights=None):
    """The gradients of all arguments that are floating, of the sum of the results."""
    tensors = [tgl.constant(x, dtype="float64") if isinstance(x, (float, list)) else x for x in arguments]
    with np.errstate(all="ignore"), tgl.GradientTape() as tape:  # infinities are what some of these are about
        tape.watch([x for x in tensors if isinstance(x, tgl.Tensor)])
        y = f(*tensors)
    found = tape.gradient(y, [x for x in tensors if isinstance(x, tgl.Tensor)], output_gradients=weights)
    return [None if d is None else d.tolist() for d in found]


# For a primitive with kinks: arguments at one, and the gradient of each.
KINKS = {
    "remainder": [([6.0], [3.0], [1.0], [-2.0]), ([-6.0], [3.0], [1.0], [2.0])],
    "fmod": [([6.0], [3.0], [1.0], [-2.0]), ([-6.0], [3.0], [1.0], [2.0])],
    "power": [
        ([0.0], [2.0], [0.0], [0.0]),
        ([0.0], [1.0], [1.0], [0.0]),
        ([0.0], [0.5], [INF], [0.0]),
        ([0.0], [0.0], [0.0], [0.0]),
        ([-2.0], [2.0], [-4.0], [NAN]),
    ],
    "float_power": [([0.0], [2.0], [0.0], [0.0]), ([0.0], [0.0], [0.0], [0.0])],
    "sqrt": [([0.0], [INF])],
    "cbrt": [([0.0], [INF])],
    "hypot": [([0.0], [0.0], [0.0], [0.0])],
    "arcsin": [([1.0, -1.0], [INF, INF])],
    "arccos": [([1.0, -1.0], [-INF, -INF])],
    "arctan2": [([0.0], [0.0], [NAN], [NAN]), ([0.0], [-2.0], [-0.5], [0.0])],
    "arccosh": [([1.0], [INF])],
    "absolute": [([0.0, -0.0], [0.0, 0.0])],
    "fabs": [([0.0, -0.0], [0.0, 0.0])],
    "copysign": [([0.0], [-1.0], [0.0], None), ([2.0], [-0.0], [-1.0], None)],
    "heaviside": [([0.0, 1.0], [0.5, 0.5], None, [1.0, 0.0])],
    "maximum": [([1.0, 2.0], [1.0, 3.0], [1.0, 0.0], [0.0, 1.0])],
    "minimum": [([1.0, 2.0], [1.0, 3.0], [1.0, 1.0], [0.0, 0.0])],
    "fmax": [([1.0, NAN], [1.0, 3.0], [1.0, 0.0], [0.0, 1.0])],
    "fmin": [([1.0, NAN], [1.0, 3.0], [1.0, 0.0], [0.0, 1.0])],
    "nan_to_num": [([NAN, INF, -INF, 1.0], [0.0, 0.0, 0.0, 1.0])],
    "relu": [([0.0, -0.0], [0.0, 0.0])],
    "leaky_relu": [([0.0], [0.2])],
    "elu": [([0.0], [1.0])],
    "selu": [([0.0], [1.0507009873554805])],
    "hard_sigmoid": [([-3.0, 3.0], [0.0, 0.0])],
    # without words about it, yet with one
    "_clip": [([0.0, 1.0, 2.0], [0.0, 0.0, 0.0], [1.0, 1.0, 1.0], [1.0, 1.0, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 1.0])],
    "log": [([0.0], [INF])],
    "log1p": [([-1.0], [INF])],
    "arctanh": [([1.0, -1.0], [INF, INF])],
    "_max": [([1.0, 3.0, 3.0], [0.0, 0.5, 0.5]), ([[2.0, 2.0], [2.0, 2.0]], [[0.25, 0.25], [0.25, 0.25]])],
    "_min": [([1.0, 1.0, 3.0], [0.5, 0.5, 0.0])],
    "_prod": [
        ([2.0, 0.0, 3.0], [0.0, 6.0, 0.0]),
        ([2.0, 0.0, 0.0], [0.0, 0.0, 0.0]),
    ],
    "_cumprod": [([2.0, 0.0, 0.0, 3.0], [1.0, 2.0, 0.0, 0.0])],
    "_vector_norm": [([0.0, 0.0], [0.0, 0.0])],
    "_pinv": [([[2.0, 0.0], [0.0, 0.0]], [[-0.25, 0.25], [0.25, 0.0]])],
    "_lstsq": [([[2.0, 0.0], [0.0, 0.0]], [[2.0], [3.0]], [[-0.5, 0.5], [0.75, 0.0]], [[0.5], [0.0]])],
    "_eigh": [([[2.0, 0.0], [0.0, 2.0]], [[NAN, 0.0], [NAN, NAN]])],
    "_svd": [([[2.0, 0.0], [0.0, 2.0]], [[1.0, 0.0], [0.0, 1.0]])],
    "_std": [([2.0, 2.0, 2.0], [0.0, 0.0, 0.0])],
}


@pytest.mark.parametrize("name", KINKS)
def test_what_stands_for_the_derivative(name):
    made = REGISTRY[name]
    for line in KINKS[name]:
        arguments, expected = line[: made.arity], line[made.arity :]
        for found, one in zip(gradients(made, *arguments), expected):
            assert (found is None) == (one is None), f"{name}{arguments}: {found}, not {one}"
            if one is not None:
                np.testing.assert_allclose(found, one, rtol=1e-15)


def test_every_primitive_that_speaks_of_kinks_has_a_line():
    speaking = {
        name for name, made in REGISTRY.items() if made.kinks and made.__module__.startswith("tinygrad_lite.")
    }  # fmt: skip
    assert sorted(speaking - set(KINKS)) == []


def test_ties_along_an_axis_share_what_comes_in():
    x = [[1.0, 5.0, 5.0], [2.0, 2.0, 2.0]]
    weights = np.array([6.0, 3.0])
    assert gradients(lambda x: tgl.max(x, axis=1), x, weights=weights) == [[[0.0, 3.0, 3.0], [1.0, 1.0, 1.0]]]


# Nothing flows where nothing came in --------------------------------------------------------------------------

BRANCHES = {
    "sqrt": (lambda x: tgl.where(x >= 0, x, tgl.sqrt(-x)), 1.0, 1.0),
    "log": (lambda x: tgl.where(x > 0, tgl.log(x), x), 0.0, 1.0),
    "quotient": (lambda x: tgl.where(x == 0, 1.0, tgl.sin(x) / x), 0.0, 0.0),
    "power": (lambda x: tgl.where(x > 0, x**0.5, 2 * x), 0.0, 2.0),
    "arccosh": (lambda x: tgl.where(x > 1, tgl.arccosh(x), x), 1.0, 1.0),
    "a weight of zero": (lambda x: 0.0 * tgl.sqrt(x) + 3 * x, 0.0, 3.0),
    "an index": (lambda x: tgl.sqrt(x * np.array([0.0, 4.0]))[1], 1.0, 1.0),
}


@pytest.mark.parametrize("name", BRANCHES)
def test_a_branch_not_taken_is_silent(name):
    f, x, slope = BRANCHES[name]
    assert gradients(f, x) == [slope]


@pytest.mark.parametrize("name", BRANCHES)
def test_a_branch_not_taken_is_silent_while_others_record(name):
    f, at, slope = BRANCHES[name]
    x = tgl.constant(at, dtype="float64")
    with np.errstate(all="ignore"), tgl.GradientTape() as outer:
        outer.watch(x)
        with tgl.GradientTape() as inner:
            inner.watch(x)
            y = f(x)
        first = inner.gradient(y, x)
    assert first.item() == slope
    second = outer.gradient(first, x)
    assert second is None or np.isfinite(second.numpy())


def test_a_branch_that_is_taken_is_not_silenced():
    assert gradients(lambda x: tgl.where(x >= 0, tgl.sqrt(x), x), 0.0) == [INF]
    assert np.isnan(gradients(lambda x: tgl.sqrt(x), -1.0)[0])


@pytest.mark.parametrize("f", [tgl.mean, tgl.var])
def test_more_elements_than_float16_can_count(f):
    x = tgl.Variable(np.tile(np.array([0, 1], np.float16), 50_000))
    with tgl.GradientTape() as tape:
        y = f(x)
    gradient = tape.gradient(y, x).numpy()
    np.testing.assert_allclose(np.abs(gradient.astype(float)), 1e-5, rtol=0.01)  # 1 / n, and ±2 · 0.5 / n


def test_the_gradient_of_relu_passes_a_nan_and_is_zero_where_nothing_comes_in():
    x = tgl.Variable([np.nan, 0.0, -1.0, 2.0, np.nan])
    with tgl.GradientTape() as tape:
        y = tgl.relu(x)
    gradient = tape.gradient(y, x, output_gradients=tgl.constant([3.0, 3.0, 3.0, 3.0, 0.0]))
    np.testing.assert_array_equal(gradient.numpy(), np.float32([3, 0, 0, 3, 0]))
