"""Not a number stays one: a gradient never hides a nan behind zeros, and no statistic of nothing is a number."""

import numpy as np
import pytest

import tinygrad_lite as tgl

NAN = float("nan")


def gradient(f, *values):
    variables = [tgl.Variable(value) for value in values]
    with tgl.GradientTape() as tape:
        y = f(*variables)
    return [g.numpy() for g in tape.gradient(y, variables)]


EXTREMA = {
    "max": tgl.max,
    "min": tgl.min,
    "amax": tgl.amax,
    "amin": tgl.amin,
    "ptp": tgl.ptp,
    "numpy": np.max,
    "reduce": np.maximum.reduce,
    "norm of inf": lambda x: tgl.linalg.norm(x, np.inf),
    "norm of -inf": lambda x: tgl.linalg.norm(x, -np.inf),
    "matrix norm": lambda x: tgl.linalg.norm(x[None], 1),
    "nanmax of nothing else": lambda x: tgl.nanmax(x + NAN),
    "nanmin of nothing else": lambda x: tgl.nanmin(x + NAN),
}


@pytest.mark.parametrize("name", EXTREMA)
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.filterwarnings("ignore:All-NaN")
def test_the_gradient_of_an_extremum_of_nan_is_nan(name, dtype):
    (g,) = gradient(EXTREMA[name], np.array([1.0, NAN, 2.0], dtype))
    assert g.dtype == dtype
    assert np.isnan(g).all()


def test_only_where_an_extremum_is_nan():
    x = np.array([[1.0, NAN], [3.0, 2.0]])
    (g,) = gradient(lambda x: tgl.max(x, axis=1), x)
    np.testing.assert_array_equal(g, [[NAN, NAN], [1.0, 0.0]])
    (g,) = gradient(lambda x: tgl.max(x, axis=1)[1], x)  # what is not asked for is zero, as everywhere
    np.testing.assert_array_equal(g, [[0.0, 0.0], [1.0, 0.0]])
    (g,) = gradient(lambda x: tgl.max(x, axis=1, initial=9.0)[1], x)  # the result is neither element
    np.testing.assert_array_equal(g, [[0.0, 0.0], [0.0, 0.0]])
    (g,) = gradient(tgl.nanmax, x)
    np.testing.assert_array_equal(g, [[0.0, 0.0], [1.0, 0.0]])


def test_nan_in_the_second_derivative_of_an_extremum():
    v = tgl.Variable([1.0, NAN])
    with tgl.GradientTape() as outer:
        with tgl.GradientTape() as inner:
            y = tgl.max(v * v)
        g = inner.gradient(y, v)
    assert np.isnan(g.numpy()).all()
    assert np.isnan(outer.gradient(g, v).numpy()).all()


A, B = np.array([NAN, 1.0, NAN, 2.0]), np.array([1.0, NAN, NAN, 1.0])


@pytest.mark.parametrize("f", [tgl.maximum, tgl.minimum, np.maximum, np.minimum])
def test_a_choice_with_nan_hands_the_gradient_to_both(f):
    first, second = gradient(f, A, B)
    assert first.tolist()[:3] == second.tolist()[:3] == [1.0, 1.0, 1.0]
    assert first[3] + second[3] == 1.0


@pytest.mark.parametrize("f", [tgl.fmax, tgl.fmin])
def test_a_choice_that_passes_over_nan_has_no_gradient_for_it(f):
    first, second = gradient(f, A, B)
    assert first.tolist()[:3] == [0.0, 1.0, 1.0]
    assert second.tolist()[:3] == [1.0, 0.0, 1.0]


def test_a_tie_still_gives_the_gradient_to_the_first():
    for f in (tgl.maximum, tgl.minimum, tgl.fmax, tgl.fmin):
        assert [g.item() for g in gradient(f, 1.0, 1.0)] == [1.0, 0.0]


def test_clipping_nan_does_not_hide_it():
    for low, high in ((0.0, 1.0), (None, 1.0), (0.0, None)):
        assert gradient(lambda x, low=low, high=high: tgl.clip(x, low, high), [NAN, 0.5])[0].tolist() == [1.0, 1.0]
    x, low, high = gradient(tgl.clip, [0.5, 0.5, -1.0, 2.0], [NAN, 0.0, 0.0, 0.0], [1.0, NAN, 1.0, 1.0])
    assert (low[0], high[1]) == (1.0, 1.0)
    assert (x[2], low[2], high[2]) == (0.0, 1.0, 0.0)
    assert (x[3], low[3], high[3]) == (0.0, 0.0, 1.0)


@pytest.mark.parametrize(
    "name", ["relu", "leaky_relu", "elu", "selu", "gelu", "silu", "softplus", "softsign", "mish", "sigmoid",
             "hard_sigmoid", "log_sigmoid", "tanh", "softmax", "log_softmax", "abs", "sort"]
)  # fmt: skip
def test_no_activation_hides_nan(name):
    y = getattr(tgl, name)(tgl.constant([NAN, 1.0]))
    assert np.isnan(y.numpy()).any()
    (g,) = gradient(lambda x: tgl.sum(getattr(tgl, name)(x) * np.float32([1.0, 2.0])), [NAN, 1.0])
    assert g[0] != 0


# Statistics of nothing ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("ddof", [2, 3, 2.5])
@pytest.mark.parametrize("name", ["nanvar", "nanstd"])
def test_a_nanvariance_without_freedom_is_nan_with_a_warning(name, ddof):
    x = np.array([[1.0, NAN, 3.0], [1.0, 2.0, 6.0]])
    with pytest.warns(RuntimeWarning, match="Degrees of freedom"):
        expected = getattr(np, name)(x, axis=1, ddof=ddof)
    for f in (getattr(tgl, name), tgl.function(getattr(tgl, name))):
        with pytest.warns(RuntimeWarning, match="Degrees of freedom"):
            answer = f(tgl.constant(x), axis=1, ddof=ddof)
        np.testing.assert_allclose(answer.numpy(), expected)
        assert np.isnan(answer.numpy()[0])
    with pytest.warns(RuntimeWarning, match="Degrees of freedom"):
        (g,) = gradient(lambda x: getattr(tgl, name)(x, axis=1, ddof=ddof)[0], x)
    assert np.isnan(g[0, [0, 2]]).all()


@pytest.mark.parametrize("name", ["var", "std", "mean", "nanvar", "nanstd", "nanmean"])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_statistic_of_nothing_is_nan(name):
    for x, where in ((np.ones(3), False), (np.ones(0), True)):
        assert np.isnan(getattr(tgl, name)(x, where=where).numpy())


@pytest.mark.parametrize("name", ["nanmax", "nanmin"])
def test_an_extremum_of_nothing_but_nan_is_nan_with_a_warning(name):
    x = np.array([[NAN, NAN], [1.0, NAN]])
    f = getattr(tgl, name)
    for ours in (f, tgl.function(f)):
        with pytest.warns(RuntimeWarning, match="All-NaN"):
            answer = ours(tgl.constant(x), axis=1)
        np.testing.assert_array_equal(answer.numpy(), [NAN, 1.0])
    assert f(x, axis=1, initial=0.5).tolist()[0] == 0.5
