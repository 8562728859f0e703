"""Exponentials, logarithms, the logistic function and the hyperbolic functions.

The rules are written for exact digits rather than for the shortest formula. Where a difference of two rounded numbers
would keep few digits (1 - tanh²x for large x), the same quantity is computed without it.
"""

from __future__ import annotations

import math

import numpy as np

from tinygrad_lite.core.primitive import elementwise
from tinygrad_lite.utils.types import Array, Value

# Python's floats: NumPy's would turn float32 into float64.
_LOG_2 = math.log(2)
_LOG_10 = math.log(10)

# Exponentials and logarithms ----------------------------------------------------------------------------------

exp = elementwise(np.exp, "The exponential: eˣ.", example="[0.0, -1000.0] -> [1. 0.]")
exp.defvjp(lambda g, y, x: g * y)

exp2 = elementwise(np.exp2, "The power of two: 2ˣ.", example="[0.0, 3.0] -> [1. 8.]")
exp2.defvjp(lambda g, y, x: g * y * _LOG_2)

expm1 = elementwise(
    np.expm1, "The exponential less one, exact also near 0: eˣ - 1.", example="[0.0, 1e-30] -> [0.e+00 1.e-30]"
)
expm1.defvjp(lambda g, y, x: g * np.exp(x))  # y + 1 would round to 0 for large -x

_LOG = {"domain": "x > 0; at 0 -inf, with derivative inf; below 0 nan."}

log = elementwise(np.log, "The natural logarithm: log x.", **_LOG, example="[1.0] -> [0.]")
log.defvjp(lambda g, y, x: g / x)

log2 = elementwise(np.log2, "The logarithm of base 2: log₂ x.", **_LOG, example="[1.0, 8.0] -> [0. 3.]")
log2.defvjp(lambda g, y, x: g / (x * _LOG_2))

log10 = elementwise(np.log10, "The logarithm of base 10: log₁₀ x.", **_LOG, example="[1.0, 100.0] -> [0. 2.]")
log10.defvjp(lambda g, y, x: g / (x * _LOG_10))

log1p = elementwise(
    np.log1p, "The natural logarithm of one more, exact also near 0: log(1 + x).",
    domain="x > -1; at -1 -inf, with derivative inf; below nan.", example="[0.0, 1e-30] -> [0.e+00 1.e-30]",
)  # fmt: skip
log1p.defvjp(lambda g, y, x: g / (1 + x))


@elementwise(example="[-1000.0, 0.0] -> [0.  0.5]")
def sigmoid(x: Array) -> Array:
    """The logistic function: 1 / (1 + e⁻ˣ)."""
    with np.errstate(over="ignore"):  # e⁻ˣ = inf gives 0, which is right
        return 1 / (1 + np.exp(-x))


@elementwise
def _sigmoid_slope(x: Array, s: Array) -> Array:
    """The derivative of the logistic function, given its value s: s / (1 + eˣ)."""
    return s / (1 + np.exp(x))  # eˣ = inf gives 0, which is right


_sigmoid_slope.lowering = lambda x, s: s / (1 + exp(x))
_sigmoid_slope.defvjp(lambda g, y, x, s: -g * y * sigmoid.inline(x), lambda g, y, x, s: g * sigmoid.inline(-x))
sigmoid.defvjp(lambda g, y, x: g * _sigmoid_slope.inline(x, y))  # y·(1 - y) would round to 0 for large x

logaddexp = elementwise(
    np.logaddexp,
    "The logarithm of a sum of exponentials: log(e^x1 + e^x2).",
    example="[1e4, -1e4], 0.0 -> [10000.     0.]",
)


def _share(y: Value, a: Value, b: Value, scale: float = 1.0) -> Value:
    """The share of `a` in the sum: 1 / (1 + e^(b - a)); 0 if both are -inf, as in `logsumexp`."""
    return sigmoid.inline(np.where(np.isneginf(y), -np.inf, (a - b) * scale))


logaddexp.defvjp(lambda g, y, a, b: g * _share(y, a, b), lambda g, y, a, b: g * _share(y, b, a))

logaddexp2 = elementwise(
    np.logaddexp2,
    "The logarithm of a sum of powers of two: log₂(2^x1 + 2^x2).",
    example="[3.0, 1000.0], 3.0 -> [   4. 1000.]",
)
logaddexp2.defvjp(lambda g, y, a, b: g * _share(y, a, b, _LOG_2), lambda g, y, a, b: g * _share(y, b, a, _LOG_2))

# Hyperbolic ---------------------------------------------------------------------------------------------------


@elementwise
def _sech2(x: Array) -> Array:
    """1 / cosh²x, exact also where 1 - tanh²x would round to 0: (2 / (eˣ + e⁻ˣ))²."""
    e = np.exp(x)
    return np.square(2 / (e + 1 / e))


_sech2.defvjp(lambda g, y, x: -2 * g * y * np.tanh(x))

sinh = elementwise(np.sinh, "The hyperbolic sine: (eˣ - e⁻ˣ) / 2.", example="[0.0] -> [0.]")
sinh.defvjp(lambda g, y, x: g * np.cosh(x))

cosh = elementwise(np.cosh, "The hyperbolic cosine: (eˣ + e⁻ˣ) / 2.", example="[0.0] -> [1.]")
cosh.defvjp(lambda g, y, x: g * np.sinh(x))

tanh = elementwise(np.tanh, "The hyperbolic tangent: sinh x / cosh x.", example="[0.0, 1000.0] -> [0. 1.]")
tanh.defvjp(lambda g, y, x: g * _sech2.inline(x))

arcsinh = elementwise(np.arcsinh, "The inverse hyperbolic sine: log(x + √(x² + 1)).", example="[0.0] -> [0.]")
arcsinh.defvjp(lambda g, y, x: g / np.hypot(x, 1))

arccosh = elementwise(
    np.arccosh, "The inverse hyperbolic cosine: log(x + √(x² - 1)).", domain="x ≥ 1, else nan.",
    kinks="at 1 the derivative is inf.", example="[1.0] -> [0.]",
)  # fmt: skip
arccosh.defvjp(lambda g, y, x: g / (np.sqrt(x - 1) * np.sqrt(x + 1)))

arctanh = elementwise(
    np.arctanh, "The inverse hyperbolic tangent: log((1 + x) / (1 - x)) / 2.",
    domain="-1 < x < 1; at -1 and 1 infinite, with derivative inf; else nan.", example="[0.0] -> [0.]",
)  # fmt: skip
arctanh.defvjp(lambda g, y, x: g / ((1 - x) * (1 + x)))

# NumPy's second names for the same function.
acosh, asinh, atanh = arccosh, arcsinh, arctanh
