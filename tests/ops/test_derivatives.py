"""The first three derivatives of smooth functions, over all magnitudes, against decimal arithmetic of many digits.

A derivative that rounds to 0, overflows on the way, or keeps few of its digits far out shows here; finite differences
see only numbers of middling size. The reference is the Taylor series of each function's formula in `decimal`.
"""

import math
from decimal import Decimal, localcontext

import numpy as np
import pytest

import tinygrad_lite as tgl
from tinygrad_lite import linalg, nn

ORDERS = 3
LENGTH = ORDERS + 2  # the last is for the error that rounding x makes


class Series:
    """A Taylor series: c[k] is the k-th derivative over k!."""

    def __init__(self, c):
        self.c = [*c, *[Decimal(0)] * LENGTH][:LENGTH]

    def __add__(self, other):
        return Series(a + b for a, b in zip(self.c, _series(other).c))

    def __neg__(self):
        return Series(-a for a in self.c)

    def __sub__(self, other):
        return self + -_series(other)

    def __mul__(self, other):
        b = _series(other).c
        return Series(sum((self.c[i] * b[k - i] for i in range(k + 1)), Decimal(0)) for k in range(LENGTH))

    def __truediv__(self, other):
        b, c = _series(other).c, []
        for k in range(LENGTH):
            c.append((self.c[k] - sum((c[i] * b[k - i] for i in range(k)), Decimal(0))) / b[0])
        return Series(c)

    def __radd__(self, other):
        return self + other

    __rmul__ = __mul__

    def __rsub__(self, other):
        return _series(other) - self

    def __rtruediv__(self, other):
        return _series(other) / self

    def __abs__(self):
        return self if self.c[0] >= 0 else -self


def _series(x):
    return x if isinstance(x, Series) else Series([Decimal(x)])


def _slope(x):
    return Series(k * c for k, c in enumerate(x.c) if k)


def _integral(slope, start):
    return Series([start, *(c / k for k, c in enumerate(slope.c, 1))])


def exp(x):
    c = [x.c[0].exp()]
    for k in range(1, LENGTH):
        c.append(sum((j * x.c[j] * c[k - j] for j in range(1, k + 1)), Decimal(0)) / k)
    return Series(c)


def log(x):
    return _integral(_slope(x) / x, x.c[0].ln())


def power(x, exponent):
    return exp(log(x) * Decimal(exponent))


def tanh(x):
    return 1 - 2 / (exp(2 * x) + 1)


def sigmoid(x):
    return 1 / (1 + exp(-x))


def softplus(x):
    return log(1 + exp(x))


def erf(x):
    """Its derivatives only: the value is not compared."""
    scale = Decimal("1.12837916709551257389615890312154517168810125865799771368817144342128493688")  # 2/√π
    return _integral(scale * exp(-(x * x)) * _slope(x), Decimal(0))


LN2 = Decimal(2).ln()
EVERYWHERE = [1e-8, 1e-3, 0.03, 0.3, 0.9, 2, 3.3, 6.1, 12.3, 20, 28, 37, 40, 55, 90, 150, 300, 360, 400, 600, 700, 1e4]
BOTH = [*EVERYWHERE, *(-x for x in EVERYWHERE)]


def _sum_of(function):
    """A function of rows of logits, with (x, 0) as its rows."""
    return lambda x: function(tgl.stack([x, tgl.stop_gradient(0 * x)], axis=-1))


SMOOTH = {
    "exp": (tgl.exp, exp),
    "expm1": (tgl.expm1, lambda x: exp(x) - 1),
    "exp2": (tgl.exp2, lambda x: exp(x * LN2)),
    "sinh": (tgl.sinh, lambda x: (exp(x) - exp(-x)) / 2),
    "cosh": (tgl.cosh, lambda x: (exp(x) + exp(-x)) / 2),
    "tanh": (tgl.tanh, tanh),
    "sigmoid": (tgl.sigmoid, sigmoid),
    "softplus": (tgl.softplus, softplus),
    "log_sigmoid": (tgl.log_sigmoid, lambda x: -softplus(-x)),
    "silu": (tgl.silu, lambda x: x * sigmoid(x)),
    "mish": (tgl.mish, lambda x: x * tanh(softplus(x))),
    "softsign": (tgl.softsign, lambda x: x / (1 + abs(x))),
    "elu": (tgl.elu, lambda x: x if x.c[0] > 0 else exp(x) - 1),
    "selu": (
        tgl.selu,
        lambda x: (x if x.c[0] > 0 else Decimal("1.6732632423543772") * (exp(x) - 1)) * Decimal("1.0507009873554805"),
    ),
    "gelu, approximate": (
        lambda x: tgl.gelu(x, approximate=True),
        lambda x: x * sigmoid(2 * Decimal("0.7978845608028654") * (x + Decimal("0.044715") * x * x * x)),
    ),
    "erf": (tgl.erf, erf),
    "erfc": (tgl.erfc, lambda x: -erf(x)),
    "arctan": (tgl.arctan, lambda x: _integral(1 / (1 + x * x), Decimal(0))),
    "arctan2": (lambda x: tgl.arctan2(x, 1.0), lambda x: _integral(1 / (1 + x * x), Decimal(0))),
    "arcsinh": (tgl.arcsinh, lambda x: _integral(power(1 + x * x, -0.5), Decimal(0))),
    "hypot": (lambda x: tgl.hypot(x, 1.0), lambda x: power(1 + x * x, 0.5)),
    "logaddexp, first": (lambda x: tgl.logaddexp(x, 0.0), softplus),
    "logaddexp, second": (lambda x: tgl.logaddexp(0.0, x), softplus),
    "logaddexp2": (lambda x: tgl.logaddexp2(0.0, x), lambda x: softplus(x * LN2) / LN2),
    "sigmoid cross-entropy": (
        lambda x: tgl.nn.sigmoid_cross_entropy_with_logits(tgl.full_like(x, 0.25), x),
        lambda x: softplus(x) - Decimal("0.25") * x,
    ),
    "softmax of the smaller": (_sum_of(lambda z: tgl.softmax(z)[..., 1]), lambda x: sigmoid(-x)),
    "power of a number": (lambda x: 0.1**x, lambda x: exp(x * Decimal.from_float(0.1).ln())),
}
POSITIVE = {
    "log": (tgl.log, log),
    "log1p": (tgl.log1p, lambda x: log(1 + x)),
    "log2": (tgl.log2, lambda x: log(x) / LN2),
    "sqrt": (tgl.sqrt, lambda x: power(x, 0.5)),
    "cbrt": (tgl.cbrt, lambda x: exp(log(x) / 3)),
    "reciprocal": (tgl.reciprocal, lambda x: 1 / x),
    "power": (lambda x: x**2.5, lambda x: power(x, 2.5)),
    "negative power": (lambda x: x**-1.5, lambda x: power(x, -1.5)),
}


def derivative(f, order):
    if order == 0:
        return f

    def slope(x):
        with tgl.GradientTape() as tape:
            tape.watch(x)
            y = derivative(f, order - 1)(x)
        return tape.gradient(y, x)

    return slope


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
@pytest.mark.parametrize("name", [*SMOOTH, *POSITIVE])
def test_derivatives_keep_their_digits(name, compiled):
    function, formula = (SMOOTH | POSITIVE)[name]
    grid = BOTH if name in SMOOTH else EVERYWHERE
    if name.startswith("softmax"):
        grid = [x for x in grid if x > 0]
    if name.startswith("gelu"):  # the exponential of a third power
        grid = [x for x in grid if abs(x) < 1000]
    with localcontext() as context, np.errstate(over="ignore"):
        context.prec, context.Emin, context.Emax = 600, -(10**9), 10**9
        references = [formula(Series([Decimal(x), Decimal(1)])).c for x in grid]
        for order in range(1, ORDERS + 1):
            slope = derivative(function, order)
            answers = (tgl.function(slope) if compiled else slope)(tgl.constant(np.array(grid, np.float64)))
            for x, c, answer in zip(grid, references, answers.tolist()):
                right, next_one = (c[k] * math.factorial(k) for k in (order, order + 1))
                if abs(right) > Decimal("1e300"):
                    continue
                tolerance = abs(right) * Decimal("1e-12") + abs(next_one) * Decimal("3e-16") * max(abs(Decimal(x)), 1)
                assert math.isfinite(answer), f"order {order} at {x}: {answer}, right is {right:.5e}"
                error = abs(Decimal(answer) - right)
                assert error <= tolerance + Decimal("1e-290"), f"order {order} at {x}: {answer}, right is {right:.5e}"


INF = math.inf


def _first_and_second(f, *values):
    xs = [tgl.constant(np.array(x)) for x in values]
    with tgl.GradientTape(persistent=True) as outer:
        outer.watch(xs)
        with tgl.GradientTape() as tape:
            tape.watch(xs)
            y = f(*xs)
        slopes = tape.gradient(y, xs)
        total = sum(tgl.sum(slope) for slope in slopes)
    return y, slopes, outer.gradient(total, xs)


def test_nothing_but_minus_infinity():
    y, slopes, second = _first_and_second(tgl.logaddexp, [-INF, -INF, 0.0, INF], [-INF, 0.0, -INF, 0.0])
    np.testing.assert_array_equal(y, [-INF, 0.0, 0.0, INF])
    np.testing.assert_array_equal(slopes, [[0, 0, 1, 1], [0, 1, 0, 0]])
    np.testing.assert_array_equal(second, np.zeros((2, 4)))
    _, slopes, second = _first_and_second(tgl.logaddexp2, [-INF], [-INF])
    np.testing.assert_array_equal([*slopes, *second], np.zeros((4, 1)))


def test_a_label_of_zero_costs_nothing_also_where_the_cost_is_infinite():
    logits, labels = np.array([[-INF, 0.0, 1.0], [2.0, -INF, -INF]]), np.array([2, 0])
    one_hot = np.eye(3)[labels]
    want = _first_and_second(lambda z: tgl.nn.sparse_softmax_cross_entropy_with_logits(labels, z), logits)
    got = _first_and_second(lambda z: tgl.nn.softmax_cross_entropy_with_logits(one_hot, z), logits)
    for a, b in zip(want, got):
        np.testing.assert_allclose(np.array(a), np.array(b), rtol=1e-14)
        assert np.isfinite(np.array(b)).all()
    y, slopes, second = _first_and_second(
        lambda z: tgl.nn.sigmoid_cross_entropy_with_logits(np.array([0.0, 1.0, 0.5, 1.0]), z), [-INF, INF, INF, -INF]
    )
    np.testing.assert_array_equal(y, [0, 0, INF, INF])
    np.testing.assert_array_equal(slopes[0], [0, 0, 0.5, -1])
    np.testing.assert_array_equal(second[0], np.zeros(4))


def test_second_derivative_of_huber():
    errors = np.array([[-3.0, -1.0, -0.5, -0.0, 0.0, 0.5, 1.0, 3.0]])
    y, slopes, second = _first_and_second(lambda x: 8 * nn.losses.huber(np.zeros((1, 8)), x), errors)
    assert y.item() == 2 * (2.5 + 0.5 + 0.125)
    np.testing.assert_array_equal(slopes[0], np.clip(errors, -1, 1))
    np.testing.assert_array_equal(second[0], np.abs(errors) <= 1)


@pytest.mark.parametrize("f", [linalg.norm, lambda x: tgl.sum(tgl.hypot(x[0], x[1]))], ids=["norm", "hypot"])
def test_lengths_of_zero_have_no_derivatives(f):
    _, slopes, second = _first_and_second(f, np.zeros((2, 3)))
    assert not np.any(slopes)
    assert not np.any(second)
