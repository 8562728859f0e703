"""Digits where the formula as it is written would lose them: against Python's decimal numbers, with fifty digits."""

from decimal import Decimal, localcontext

import numpy as np
import pytest

import tinygrad_lite as tgl

ONE = Decimal(1)
POINTS = [s * x for x in (1e-300, 1e-17, 1e-8, 1e-3, 0.3, 1.0, 3.0, 19.0, 37.0, 150.0, 300.0) for s in (1, -1)]
BELOW_ONE = [x for x in POINTS if abs(x) < 1]


def exp(x):
    return x.exp()


def tanh(x):
    return expm1(2 * x) / (exp(2 * x) + 1)


def expm1(x):
    """eˣ - 1 by its series where x is small, for fifty digits of 1 + 1e-300 are no more than 1."""
    if abs(x) > Decimal("1e-5"):
        return exp(x) - 1
    return x + x * x / 2 + x**3 / 6 + x**4 / 24 + x**5 / 120 + x**6 / 720


def log1p(x):
    if abs(x) > Decimal("1e-5"):
        return (1 + x).ln()
    return x - x * x / 2 + x**3 / 3 - x**4 / 4 + x**5 / 5 - x**6 / 6


def sigmoid(x):
    return 1 / (1 + exp(-x))


# Name: value and derivative, and where.
EXACT = {
    "tanh": (tanh, lambda x: 4 / (exp(x) + exp(-x)) ** 2, POINTS),
    "sigmoid": (sigmoid, lambda x: sigmoid(x) * sigmoid(-x), POINTS),
    "softplus": (lambda x: log1p(exp(x)), sigmoid, POINTS),
    "log_sigmoid": (lambda x: -log1p(exp(-x)), lambda x: sigmoid(-x), POINTS),
    "expm1": (expm1, exp, POINTS),
    "log1p": (log1p, lambda x: 1 / (1 + x), [*BELOW_ONE, 3.0, 300.0, 1e300]),
    "sinh": (lambda x: (expm1(x) - expm1(-x)) / 2, lambda x: (exp(x) + exp(-x)) / 2, POINTS),
    "arctanh": (lambda x: (log1p(x) - log1p(-x)) / 2, lambda x: 1 / ((1 - x) * (1 + x)), [*BELOW_ONE, 1 - 1e-12]),
    "silu": (lambda x: x * sigmoid(x), lambda x: sigmoid(x) * (1 + x * sigmoid(-x)), [x for x in POINTS if x > -3]),
    "logaddexp": (lambda x: log1p(exp(x)), sigmoid, POINTS),
    "logsumexp": (lambda x: log1p(exp(x)), sigmoid, POINTS),
}

CALLS = {
    "logaddexp": lambda x: tgl.logaddexp(x, 0.0),
    "logsumexp": lambda x: tgl.logsumexp(tgl.stack([x, tgl.zeros_like(x)]), axis=0),
}


@pytest.mark.parametrize("name", EXACT)
def test_twelve_digits(name):
    value, derivative, points = EXACT[name]
    x = tgl.constant(np.array(points))
    with tgl.GradientTape() as tape:
        tape.watch(x)
        y = CALLS.get(name, getattr(tgl, name, None))(x)
    d = tape.gradient(y, x)
    with localcontext() as context:
        context.prec = 50
        exact = [[float(f(Decimal(point))) for point in points] for f in (value, derivative)]
    np.testing.assert_allclose(y.numpy(), exact[0], rtol=1e-12)
    np.testing.assert_allclose(d.numpy(), exact[1], rtol=1e-12)


EVERYWHERE = [-1e15, -800.0, -300.0, -90.0, -1.0, 0.0, 1.0, 90.0, 300.0, 800.0, 1e15]


ACTIVATIONS = "tanh sigmoid softplus log_sigmoid softsign relu elu selu silu mish gelu erf erfc hard_sigmoid leaky_relu"


@pytest.mark.parametrize("name", ACTIVATIONS.split())
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_activations_neither_warn_nor_overflow(name, dtype):
    x = tgl.constant(EVERYWHERE, dtype)
    with tgl.GradientTape() as tape:  # warnings are errors in this suite
        tape.watch(x)
        y = getattr(tgl, name)(x)
    assert np.isfinite(y.numpy()).all()
    assert np.isfinite(tape.gradient(y, x).numpy()).all()


@pytest.mark.parametrize("name", ["softmax", "log_softmax", "logsumexp"])
def test_softmax_of_huge_logits(name):
    x = tgl.constant(np.array([[1e4, 0.0, -1e4], [-1e4, -1e4, -1e4], [1e307, 1e307, -1e307]]))
    with tgl.GradientTape() as tape:
        tape.watch(x)
        y = getattr(tgl, name)(x, axis=-1)
    assert np.isfinite(tape.gradient(y, x).numpy()).all()
    assert not np.isnan(y.numpy()).any()
