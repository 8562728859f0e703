"""Elementwise primitives: one number in, one number out, for every element; arguments broadcast.

Each line of calculus stands once: the forward is NumPy's own function, the rules beside it are its partial
derivatives times `g`. Two laws hold for all of them and are kept in one place, by the tape: a gradient is
summed back over broadcast axes, and a gradient that is exactly zero contributes zero, also where the
derivative is inf or nan.

Rules are written for exact digits rather than for the shortest formula: where a difference of two rounded
numbers would be left with few of them (1 - tanh²x for large x), the same quantity is computed without it.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinygrad_lite.core.primitive import elementwise, nondifferentiable, primitive, refuse_out
from tinygrad_lite.core.tensor import NUMBERS, Tensor, to_tensor
from tinygrad_lite.utils.types import Array

# Python's floats: NumPy's would turn float32 into float64.
_LOG_2 = math.log(2)
_LOG_10 = math.log(10)
_PI = math.pi
_BOOL = np.dtype(bool)

# Arithmetic ---------------------------------------------------------------------------------------------------

add = elementwise(np.add, "The sum: x1 + x2.", example="[1.0, 2.0], 3.0 -> [4. 5.]")
add.defvjp(lambda g, y, a, b: g, lambda g, y, a, b: g)

subtract = elementwise(np.subtract, "The difference: x1 - x2.", example="[1.0, 2.0], 3.0 -> [-2. -1.]")
subtract.defvjp(lambda g, y, a, b: g, lambda g, y, a, b: -g)

multiply = elementwise(np.multiply, "The product: x1 · x2.", example="[1.0, 2.0], 3.0 -> [3. 6.]")
multiply.defvjp(lambda g, y, a, b: g * b, lambda g, y, a, b: g * a)

divide = elementwise(
    np.divide, "The quotient: x1 / x2.", domain="x2 ≠ 0, else inf or nan.", example="[1.0, 2.0], 4.0 -> [0.25 0.5 ]"
)
divide.defvjp(lambda g, y, a, b: g / b, lambda g, y, a, b: -g * y / b)

negative = elementwise(np.negative, "The negative: -x.", example="[1.0, -2.0] -> [-1.  2.]")
negative.defvjp(lambda g, y, x: -g)

positive = elementwise(np.positive, "The same number: x.", example="[1.0, -2.0] -> [ 1. -2.]")
positive.defvjp(lambda g, y, x: g)

conjugate = elementwise(
    np.conjugate, "The complex conjugate, of real numbers themselves: x.", example="[1.0, -2.0] -> [ 1. -2.]"
)
conjugate.defvjp(lambda g, y, x: g)


reciprocal = elementwise(
    np.reciprocal, "The reciprocal: 1 / x.", domain="x ≠ 0, else inf.", example="[2.0, -4.0] -> [ 0.5  -0.25]"
)
reciprocal.defvjp(lambda g, y, x: -g * y * y)

remainder = elementwise(
    np.remainder,
    "The remainder, of the sign of x2: x1 - x2 · ⌊x1 / x2⌋.",
    domain="x2 ≠ 0, else nan.",
    kinks="where x1 / x2 is whole it jumps; the derivatives are those from above.",
    example="[7.0, -7.0], 3.0 -> [1. 2.]",
)
remainder.defvjp(lambda g, y, a, b: g, lambda g, y, a, b: -g * np.floor_divide(a, b))

fmod = elementwise(
    np.fmod,
    "The remainder, of the sign of x1: x1 - x2 · trunc(x1 / x2).",
    domain="x2 ≠ 0, else nan.",
    kinks="where x1 / x2 is whole it jumps; the derivatives are those towards larger |x1|.",
    example="[7.0, -7.0], 3.0 -> [ 1. -1.]",
)
fmod.defvjp(lambda g, y, a, b: g, lambda g, y, a, b: -g * np.rint((a - y) / b))

# Powers and roots ---------------------------------------------------------------------------------------------

_POWER_DOMAIN = "x1 ≥ 0, or x1 < 0 and x2 whole, else nan; x1 < 0 has no derivative with respect to x2: nan."
_POWER_KINKS = "at x1 = 0 the derivative with respect to x2 is 0 for x2 ≥ 0."


@elementwise(domain=_POWER_DOMAIN, kinks=_POWER_KINKS, example="[1.0, 2.0, 3.0], 2 -> [1. 4. 9.]")
def power(x1: Any, x2: Any) -> Array:
    """The power: x1^x2."""
    # The operator of arrays knows short ways for the exponents 2, 1/2 and -1; the square of booleans is int8 to it.
    return x1**x2 if isinstance(x1, np.ndarray) and x1.dtype is not _BOOL else np.power(x1, x2)


def _power_base_vjp(g: Any, y: Any, a: Any, b: Any) -> Any:
    if type(b) in (int, float):  # not NumPy's float64, which is an instance of float
        return g * (b * a ** (b - 1)) if b else g * 0
    return g * b * a ** np.where((a == 0) & (b == 0), 1, b - 1)  # 0^0 is 1, flat in a: 0 · 0^-1 would be nan


def _power_exponent_vjp(g: Any, y: Any, a: Any, b: Any) -> Any:
    flat = (a == 0) & (b >= 0)  # 0^b is 0 for all b > 0
    return g * np.where(flat, 0, y * np.log(np.where(flat, 1, a)))


power.defvjp(_power_base_vjp, _power_exponent_vjp)

float_power = elementwise(
    np.float_power,
    "The power in at least double precision: x1^x2.",
    domain=_POWER_DOMAIN,
    kinks=_POWER_KINKS,
    example="[1, 2, 4], -1 -> [1.   0.5  0.25]",
)
float_power.defvjp(_power_base_vjp, _power_exponent_vjp)

square = elementwise(np.square, "The square: x².", example="[1.0, -3.0] -> [1. 9.]")
square.defvjp(lambda g, y, x: 2 * g * x)

sqrt = elementwise(
    np.sqrt, "The square root: √x.", domain="x ≥ 0, else nan.", kinks="at 0 the derivative is inf.",
    example="[0.0, 9.0] -> [0. 3.]",
)  # fmt: skip
sqrt.defvjp(lambda g, y, x: 0.5 * g / y)

cbrt = elementwise(
    np.cbrt, "The cube root: ∛x.", kinks="at 0 the derivative is inf.", example="[0.0, -8.0] -> [ 0. -2.]"
)
cbrt.defvjp(lambda g, y, x: g / (3 * y * y))


hypot = elementwise(
    np.hypot, "The length of the hypotenuse: √(x1² + x2²).", kinks="at (0, 0) the derivatives are 0.",
    example="[3.0, 0.0], [4.0, 0.0] -> [5. 0.]",
)  # fmt: skip


@elementwise
def _cosine(x1: Any, x2: Any) -> Array:
    """x1 / √(x1² + x2²), and 0 at (0, 0)."""
    y = np.hypot(x1, x2)
    return x1 / np.where(y == 0, 1, y)


def _over_length(x: Any, a: Any, b: Any) -> Any:
    y = np.hypot(a, b)
    return x / np.where(y == 0, 1, y)


# With the sine b / y: 1 - cosine² would leave few digits.
_cosine.defvjp(
    lambda g, y, a, b: _over_length(g * np.square(_cosine.inline(b, a)), a, b),
    lambda g, y, a, b: _over_length(-g * y * _cosine.inline(b, a), a, b),
)
hypot.defvjp(lambda g, y, a, b: g * _cosine.inline(a, b), lambda g, y, a, b: g * _cosine.inline(b, a))

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
def sigmoid(x: Any) -> Array:
    """The logistic function: 1 / (1 + e⁻ˣ)."""
    with np.errstate(over="ignore"):  # e⁻ˣ = inf gives 0, which is right
        return 1 / (1 + np.exp(-x))


@elementwise
def _sigmoid_slope(x: Any, s: Any) -> Array:
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


def _share(y: Any, a: Any, b: Any, scale: float = 1.0) -> Any:
    """The share of `a` in the sum: 1 / (1 + e^(b - a)); 0 if the sum is of nothing, as in `logsumexp`."""
    return sigmoid.inline(np.where(np.isneginf(y), -np.inf, (a - b) * scale))


logaddexp.defvjp(lambda g, y, a, b: g * _share(y, a, b), lambda g, y, a, b: g * _share(y, b, a))

logaddexp2 = elementwise(
    np.logaddexp2,
    "The logarithm of a sum of powers of two: log₂(2^x1 + 2^x2).",
    example="[3.0, 1000.0], 3.0 -> [   4. 1000.]",
)
logaddexp2.defvjp(lambda g, y, a, b: g * _share(y, a, b, _LOG_2), lambda g, y, a, b: g * _share(y, b, a, _LOG_2))

# Trigonometry -------------------------------------------------------------------------------------------------

sin = elementwise(np.sin, "The sine: sin x, of x in radians.", example="[0.0] -> [0.]")
sin.defvjp(lambda g, y, x: g * np.cos(x))

cos = elementwise(np.cos, "The cosine: cos x, of x in radians.", example="[0.0] -> [1.]")
cos.defvjp(lambda g, y, x: -g * np.sin(x))

tan = elementwise(np.tan, "The tangent: sin x / cos x, of x in radians.", example="[0.0] -> [0.]")
tan.defvjp(lambda g, y, x: g * (1 + y * y))

_ARC = {"domain": "-1 ≤ x ≤ 1, else nan.", "kinks": "at -1 and 1 the derivative is infinite."}

arcsin = elementwise(np.arcsin, "The inverse sine, in [-π/2, π/2]: arcsin x.", **_ARC, example="[0.0] -> [0.]")
arcsin.defvjp(lambda g, y, x: g / np.sqrt((1 - x) * (1 + x)))

arccos = elementwise(np.arccos, "The inverse cosine, in [0, π]: arccos x.", **_ARC, example="[1.0] -> [0.]")
arccos.defvjp(lambda g, y, x: -g / np.sqrt((1 - x) * (1 + x)))

arctan = elementwise(np.arctan, "The inverse tangent, in (-π/2, π/2): arctan x.", example="[0.0] -> [0.]")
arctan.defvjp(lambda g, y, x: g / (1 + x * x))

arctan2 = elementwise(
    np.arctan2, "The angle of the point (x2, x1), in [-π, π]: arctan(x1 / x2), in the right quadrant.",
    kinks="at (0, 0) the derivatives are nan; on the negative x2 axis it jumps, its derivatives do not.",
    example="[0.0], [1.0] -> [0.]",
)  # fmt: skip
# By the length h rather than by h², which overflows and underflows sooner.
arctan2.defvjp(
    lambda g, y, a, b: g * (b / np.hypot(a, b)) / np.hypot(a, b),
    lambda g, y, a, b: -g * (a / np.hypot(a, b)) / np.hypot(a, b),
)

_DEGREES = "Radians as degrees: x · 180 / π."
_RADIANS = "Degrees as radians: x · π / 180."
degrees = elementwise(np.degrees, _DEGREES, example="[0.0] -> [0.]")
rad2deg = elementwise(np.rad2deg, _DEGREES, example="[0.0] -> [0.]")
radians = elementwise(np.radians, _RADIANS, example="[0.0] -> [0.]")
deg2rad = elementwise(np.deg2rad, _RADIANS, example="[0.0] -> [0.]")
degrees.defvjp(lambda g, y, x: g * (180 / _PI))
rad2deg.defvjp(lambda g, y, x: g * (180 / _PI))
radians.defvjp(lambda g, y, x: g * (_PI / 180))
deg2rad.defvjp(lambda g, y, x: g * (_PI / 180))


@elementwise
def _spherical_bessel(x: Any, *, order: int) -> Array:
    """The spherical Bessel function of the first kind: jₙ(x), for n = order."""
    near = np.absolute(x) < order + 1
    small = np.where(near, x, 0)
    # For small x the power series: xⁿ / (2n + 1)!! · Σ (-x²/2)ᵏ / (k! (2n + 3)(2n + 5)...(2n + 2k + 1))
    term = small**order / math.prod(range(1, 2 * order + 2, 2))
    series = term
    for k in range(1, 10 + 6 * (order + 1)):
        term = term * (-0.5 * small * small) / (k * (2 * order + 2 * k + 1))
        series = series + term
    # For others upwards from j₀ and j₁: jₙ₊₁ = (2n + 1) / x · jₙ - jₙ₋₁
    large = np.where(near, order + 1.0, x)
    below, this = np.cos(large) / large, np.sin(large) / large
    for n in range(order):
        below, this = this, (2 * n + 1) / large * this - below
    return np.where(near, series, this).astype(np.promote_types(np.asarray(x).dtype, np.float32), copy=False)


def _spherical_bessel_vjp(g: Any, y: Any, x: Any, order: int) -> Any:
    above = _spherical_bessel.inline(x, order=order + 1)
    if not order:
        return -g * above
    return g * (order * _spherical_bessel.inline(x, order=order - 1) - (order + 1) * above) / (2 * order + 1)


_spherical_bessel.defvjp(_spherical_bessel_vjp)


@elementwise(example="[0.0] -> [1.]")
def sinc(x: Any) -> Array:
    """The normalized sinc function: sin(πx) / (πx), 1 at 0."""
    return np.sinc(x)


# sinc x = j₀(πx). The derivatives jₙ of j₀ are exact at 0 and near it, where (x·cos x - sin x) / x² is not.
sinc.defvjp(lambda g, y, x: g * -_PI * _spherical_bessel.inline(_PI * x, order=1))

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

# Sign and size ------------------------------------------------------------------------------------------------

_ABSOLUTE = {"kinks": "at 0 the derivative is 0.", "example": "[1.0, -2.0] -> [1. 2.]"}
absolute = elementwise(np.absolute, "The absolute value: |x|.", **_ABSOLUTE)
fabs = elementwise(np.fabs, "The absolute value as a floating number: |x|.", **_ABSOLUTE)
absolute.defvjp(lambda g, y, x: g * np.sign(x))
fabs.defvjp(lambda g, y, x: g * np.sign(x))

copysign = elementwise(
    np.copysign, "The size of x1 with the sign of x2: |x1| · sign(x2), where -0 counts as negative.",
    kinks="at x1 = 0 the derivative with respect to x1 is 0; with respect to x2 there is none.",
    example="[1.0, -2.0], -0.0 -> [-1. -2.]",
)  # fmt: skip
copysign.defvjp(lambda g, y, a, b: g * np.sign(a) * np.copysign(1, b), None)

heaviside = elementwise(
    np.heaviside, "The step: 0 where x1 < 0, x2 where x1 = 0, 1 where x1 > 0.",
    kinks="at 0 it jumps; with respect to x1 there is no gradient.", example="[-1.0, 0.0, 1.0], 0.5 -> [0.  0.5 1. ]",
)  # fmt: skip
heaviside.defvjp(None, lambda g, y, a, b: np.where(a == 0, g, 0))

# Choosing -----------------------------------------------------------------------------------------------------

_TIE = "a tie gives the whole gradient to x1."
maximum = elementwise(
    np.maximum, "The larger of two: max(x1, x2), nan if one is.", kinks=_TIE, example="[1.0, 3.0], 2.0 -> [2. 3.]"
)
minimum = elementwise(
    np.minimum, "The smaller of two: min(x1, x2), nan if one is.", kinks=_TIE, example="[1.0, 3.0], 2.0 -> [1. 2.]"
)
fmax = elementwise(
    np.fmax,
    "The larger of two: max(x1, x2), the other one if one is nan.",
    kinks=_TIE,
    example="[1.0, 3.0], 2.0 -> [2. 3.]",
)
fmin = elementwise(
    np.fmin,
    "The smaller of two: min(x1, x2), the other one if one is nan.",
    kinks=_TIE,
    example="[1.0, 3.0], 2.0 -> [1. 2.]",
)
# Comparisons with nan are false. Where an argument is nan, a maximum or a minimum hands the gradient to both: a zero
# would hide the nan. One that passes over nan has no gradient for it.
maximum.defvjp(lambda g, y, a, b: np.where(a < b, 0, g), lambda g, y, a, b: np.where(a >= b, 0, g))
minimum.defvjp(lambda g, y, a, b: np.where(a > b, 0, g), lambda g, y, a, b: np.where(a <= b, 0, g))
for _chosen in (fmax, fmin):
    _chosen.defvjp(
        lambda g, y, a, b: np.where((a == y) | (y != y), g, 0),
        lambda g, y, a, b: np.where(a == y, 0, g),
    )


@elementwise
def where(condition: Any, x: Any, y: Any) -> Array:
    """A choice for each element: x where condition is true, else y.

    No gradient comes back through a branch that was not taken, even if its derivative is inf or nan there.
    For the indices of what is true, NumPy's `where` of one argument, see `nonzero`.

    Parameters
    ----------
    condition : Tensor or array-like of booleans
    x, y : Tensor or array-like
        All three broadcast against each other.

    Returns
    -------
    Tensor
        Of the broadcast shape. Of two Python numbers, float32 where one is a float: what is about to meet float64 with
        all its digits, give as `np.float64(0.1)`.

    Raises
    ------
    ValueError
        The shapes do not broadcast together.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.where([True, False], [1.0, 2.0], 0.0).numpy()
    array([1., 0.], dtype=float32)
    """
    return np.where(condition, x, y)


where.conditions = 1
where.hint = " For the indices of what is true, write tgl.nonzero(condition)."
where.defvjp(None, lambda g, y, c, a, b: np.where(c, g, 0), lambda g, y, c, a, b: np.where(c, 0, g))


@elementwise
def _clip(x: Any, low: Any, high: Any) -> Array:
    """`x` moved into the interval from `low` to `high`: min(max(x, low), high)."""
    if type(x) in NUMBERS:  # adapts to the bounds, which np.clip does not know
        x = np.asarray(x, np.result_type(x, low, high))
    return np.clip(x, low, high)


_clip.defvjp(
    lambda g, y, x, low, high: np.where((x < low) | (x > high), 0, g),
    lambda g, y, x, low, high: np.where((x >= low) | (low > high), 0, g),
    lambda g, y, x, low, high: np.where((x <= high) & (low <= high), 0, g),
)


def clip(a: Any, a_min: Any = None, a_max: Any = None, out: None = None, *, min: Any = None, max: Any = None) -> Tensor:
    """`a` moved into an interval: min(max(a, a_min), a_max).

    Kinks: on a bound the gradient goes to `a`.

    Parameters
    ----------
    a : Tensor or array-like
    a_min, a_max : Tensor, array-like or None
        Broadcast against `a`; None for no bound. Gradients flow to them too.
    out : None
    min, max : Tensor, array-like or None
        The same, by NumPy 2's names.

    Returns
    -------
    Tensor

    Raises
    ------
    TypeError
        A bound is given twice.
    ValueError
        The shapes do not broadcast together.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.clip([-2.0, 0.5, 2.0], -1.0, 1.0).numpy()
    array([-1. ,  0.5,  1. ], dtype=float32)
    """
    refuse_out("clip", out)
    if (min is not None and a_min is not None) or (max is not None and a_max is not None):
        raise TypeError(
            "clip expected each bound once: min is a_min, and max is a_max. Received: "
            f"a_min={a_min!r}, min={min!r}, a_max={a_max!r}, max={max!r}."
        )
    low = a_min if min is None else min
    high = a_max if max is None else max
    if low is None and high is None:
        return positive(a)
    if high is None:
        return maximum(a, low)
    if low is None:
        return minimum(a, high)
    return _clip(a, low, high)


@elementwise(kinks="where a number was replaced the derivative is 0.")
def nan_to_num(x: Any, *, copy: bool = True, nan: Any = 0.0, posinf: Any = None, neginf: Any = None) -> Array:
    """Finite numbers in the place of nan and the infinities: x where it is finite.

    Parameters
    ----------
    x : Tensor or array-like
    copy : bool
    nan : number
        Stands for nan.
    posinf, neginf : number or None
        Stand for inf and -inf; None for the largest and the least finite number of the dtype.

    Returns
    -------
    Tensor
        Of the shape of `x`.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.nan_to_num([1.0, float("nan"), float("inf")], posinf=9.0).numpy()
    array([1., 0., 9.], dtype=float32)
    """
    return np.nan_to_num(x, nan=nan, posinf=posinf, neginf=neginf)


nan_to_num.defvjp(lambda g, y, x, **replacements: np.where(np.isfinite(x), g, 0))

# Types --------------------------------------------------------------------------------------------------------


@primitive
def _cast(x: Any, *, dtype: Any) -> Array:
    return np.asarray(x).astype(dtype)


_cast.defvjp(lambda g, y, x, dtype: g.astype(x.dtype))


def cast(x: Any, dtype: Any) -> Tensor:
    """`x` with its numbers converted to `dtype`.

    Between floating types the gradient flows through; to integers or booleans it ends.

    Parameters
    ----------
    x : Tensor or array-like
    dtype : dtype

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.cast([1.7, -1.7], "int32").numpy()
    array([ 1, -1], dtype=int32)
    """
    return _cast(x, dtype=np.dtype(dtype))


def astype(x: Any, dtype: Any, /, *, copy: bool = True, device: Any = None) -> Tensor:
    """`x` with its numbers converted to `dtype`: NumPy's name for `cast`.

    Parameters
    ----------
    x : Tensor or array-like
    dtype : dtype
    copy, device
        Are there for NumPy's sake, without effect.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.astype(tgl.constant([1.5]), "float64").dtype
    dtype('float64')
    """
    return cast(x, dtype)


# Steps: constant nearly everywhere, so they carry no gradient -------------------------------------------------

sign = nondifferentiable(np.sign, "The sign: -1, 0 or 1.", example="[-3.0, 0.0, 2.0] -> [-1.  0.  1.]")
floor = nondifferentiable(np.floor, "The largest whole number not above: ⌊x⌋.", example="[-1.5, 1.5] -> [-2.  1.]")
ceil = nondifferentiable(np.ceil, "The smallest whole number not below: ⌈x⌉.", example="[-1.5, 1.5] -> [-1.  2.]")
trunc = nondifferentiable(np.trunc, "The whole number towards 0: sign(x) · ⌊|x|⌋.", example="[-1.5, 1.5] -> [-1.  1.]")
rint = nondifferentiable(
    np.rint, "The nearest whole number, an even one if two are.", example="[-1.7, 0.5] -> [-2.  0.]"
)
floor_divide = nondifferentiable(
    np.floor_divide, "The whole quotient: ⌊x1 / x2⌋.", example="[7.0, -7.0], 2.0 -> [ 3. -4.]"
)


@nondifferentiable
def round(a: Any, *, decimals: int = 0, out: None = None) -> Array:
    """The nearest number with so many decimals, an even last digit if two are; without a gradient.

    Parameters
    ----------
    a : Tensor or array-like
    decimals : int
        Negative ones count digits before the point.
    out : None

    Returns
    -------
    Tensor
        Of the shape of `a`.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.round([0.5, 1.25, 21.0], 1).tolist()
    [0.5, 1.2000000476837158, 21.0]
    """
    refuse_out("round", out)
    return np.round(a, decimals=decimals)


def divmod(x1: Any, x2: Any) -> tuple[Tensor, Tensor]:
    """Whole quotient and remainder at once: ⌊x1 / x2⌋, and x1 - x2 · ⌊x1 / x2⌋.

    Parameters
    ----------
    x1, x2 : Tensor or array-like

    Returns
    -------
    pair of Tensors
        As by `floor_divide`, without a gradient, and by `remainder`.

    Raises
    ------
    ValueError
        The shapes do not broadcast together.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> quotient, rest = tgl.divmod([7.0, -7.0], 2.0)
    >>> quotient.tolist(), rest.tolist()
    ([3.0, -4.0], [1.0, 1.0])
    """
    return floor_divide(x1, x2), remainder(x1, x2)


@elementwise
def _fraction(x: Any) -> Array:
    """What is left of a number without the whole number towards 0, with its sign: x - trunc x."""
    return np.modf(x)[0]


_fraction.defvjp(lambda g, y, x: g)


def modf(x: Any) -> tuple[Tensor, Tensor]:
    """The part of a number behind the point, and the part before it: x - trunc x, and trunc x.

    Parameters
    ----------
    x : Tensor or array-like

    Returns
    -------
    pair of Tensors
        The second is without a gradient.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> fraction, whole = tgl.modf([1.5, -2.25])
    >>> fraction.tolist(), whole.tolist()
    ([0.5, -0.25], [1.0, -2.0])
    """
    x = to_tensor(x)
    x = x if x.dtype.kind == "f" else cast(x, np.modf(np.empty(0, x.dtype))[0].dtype)
    return _fraction(x), trunc(x)


def real(val: Any) -> Tensor:
    """The real part, of real numbers themselves, with their gradient.

    Parameters
    ----------
    val : Tensor or array-like

    Returns
    -------
    Tensor, of the shape and dtype of `val`

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.real([1.0, -2.0]).tolist()
    [1.0, -2.0]
    """
    val = to_tensor(val)
    return val if val.dtype.kind == "b" else positive(val)


@nondifferentiable
def imag(val: Any) -> Array:
    """The imaginary part, 0 of real numbers; without a gradient.

    Parameters
    ----------
    val : Tensor or array-like

    Returns
    -------
    Tensor, of the shape and dtype of `val`

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.imag([1.0, -2.0]).tolist()
    [0.0, 0.0]
    """
    return np.zeros_like(val)


# Comparisons and bits: true or false carries no gradient ------------------------------------------------------

equal = nondifferentiable(np.equal, "Equality: x1 = x2.", example="[1.0, 2.0], 2.0 -> [False  True]")
not_equal = nondifferentiable(np.not_equal, "Inequality: x1 ≠ x2.", example="[1.0, 2.0], 2.0 -> [ True False]")
less = nondifferentiable(np.less, "Order: x1 < x2.", example="[1.0, 2.0], 2.0 -> [ True False]")
less_equal = nondifferentiable(np.less_equal, "Order: x1 ≤ x2.", example="[1.0, 3.0], 2.0 -> [ True False]")
greater = nondifferentiable(np.greater, "Order: x1 > x2.", example="[1.0, 3.0], 2.0 -> [False  True]")
greater_equal = nondifferentiable(np.greater_equal, "Order: x1 ≥ x2.", example="[1.0, 2.0], 2.0 -> [False  True]")
logical_and = nondifferentiable(
    np.logical_and, "Whether both are true: x1 and x2.", example="[True, False], True -> [ True False]"
)
logical_or = nondifferentiable(
    np.logical_or, "Whether one is true: x1 or x2.", example="[True, False], False -> [ True False]"
)
logical_xor = nondifferentiable(
    np.logical_xor, "Whether just one is true: x1 ≠ x2, as truth.", example="[True, False], True -> [False  True]"
)
logical_not = nondifferentiable(np.logical_not, "Whether it is false: not x.", example="[True, False] -> [False  True]")
bitwise_and = nondifferentiable(
    np.bitwise_and, "Bits of integers, truth of booleans: x1 & x2.", example="[6, 5], 3 -> [2 1]"
)
bitwise_or = nondifferentiable(
    np.bitwise_or, "Bits of integers, truth of booleans: x1 | x2.", example="[6, 5], 3 -> [7 7]"
)
bitwise_xor = nondifferentiable(
    np.bitwise_xor, "Bits of integers, truth of booleans: x1 ^ x2.", example="[6, 5], 3 -> [5 6]"
)
invert = nondifferentiable(np.invert, "Bits of integers, truth of booleans: ~x.", example="[0, 1] -> [-1 -2]")
left_shift = nondifferentiable(np.left_shift, "Bits of integers moved up: x1 · 2^x2.", example="[1, 2], 3 -> [ 8 16]")
right_shift = nondifferentiable(
    np.right_shift, "Bits of integers moved down: ⌊x1 / 2^x2⌋.", example="[8, 17], 3 -> [1 2]"
)

isnan = nondifferentiable(np.isnan, "Whether it is nan.", example="[1.0, float('nan')] -> [False  True]")
isinf = nondifferentiable(np.isinf, "Whether it is inf or -inf.", example="[1.0, float('inf')] -> [False  True]")
isfinite = nondifferentiable(
    np.isfinite, "Whether it is neither nan nor infinite.", example="[1.0, float('inf')] -> [ True False]"
)
signbit = nondifferentiable(np.signbit, "Whether it is negative, -0 included.", example="[1.0, -0.0] -> [False  True]")


@nondifferentiable
def isposinf(x: Any, *, out: None = None) -> Array:
    """Whether it is inf.

    Parameters
    ----------
    x : Tensor or array-like
    out : None

    Returns
    -------
    Tensor of booleans

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.isposinf([1.0, float("inf")]).tolist()
    [False, True]
    """
    refuse_out("isposinf", out)
    return np.isposinf(x)


@nondifferentiable
def isneginf(x: Any, *, out: None = None) -> Array:
    """Whether it is -inf.

    Parameters
    ----------
    x : Tensor or array-like
    out : None

    Returns
    -------
    Tensor of booleans

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.isneginf([1.0, -float("inf")]).tolist()
    [False, True]
    """
    refuse_out("isneginf", out)
    return np.isneginf(x)


@nondifferentiable
def isclose(a: Any, b: Any, *, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> Array:
    """Whether two numbers are close: |a - b| ≤ atol + rtol · |b|.

    Parameters
    ----------
    a, b : Tensor or array-like
        Broadcast against each other.
    rtol, atol : float
    equal_nan : bool
        Whether nan is close to nan.

    Returns
    -------
    Tensor of booleans

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.isclose([1.0, 2.0], [1.0, 2.1]).tolist()
    [True, False]
    """
    return np.isclose(a, b, rtol=rtol, atol=atol, equal_nan=equal_nan)


@nondifferentiable
def allclose(a: Any, b: Any, *, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> Array:
    """Whether all pairs of numbers are close: |a - b| ≤ atol + rtol · |b|.

    Parameters
    ----------
    a, b : Tensor or array-like
        Broadcast against each other.
    rtol, atol : float
    equal_nan : bool
        Whether nan is close to nan.

    Returns
    -------
    Tensor
        One boolean.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> bool(tgl.allclose([1.0, 2.0], [1.0, 2.1]))
    False
    """
    return np.asarray(np.allclose(a, b, rtol=rtol, atol=atol, equal_nan=equal_nan))


@nondifferentiable
def array_equal(a1: Any, a2: Any, *, equal_nan: bool = False) -> Array:
    """Whether two arrays have the same shape and the same elements.

    Parameters
    ----------
    a1, a2 : Tensor or array-like
    equal_nan : bool
        Whether nan equals nan.

    Returns
    -------
    Tensor
        One boolean.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> bool(tgl.array_equal([1.0, 2.0], [1.0, 2.0]))
    True
    """
    return np.asarray(np.array_equal(a1, a2, equal_nan=equal_nan))


# With these a gradient is handed on, scaled by a constant or held back: it never meets an inf or a nan, so
# that the tape need not look for one.
for _linear in (
    add, subtract, negative, positive, conjugate, maximum, minimum, fmax, fmin, where, _clip, nan_to_num, heaviside,
    degrees, rad2deg, radians, deg2rad, _fraction,
):  # fmt: skip
    _linear.needs_zero_rule = False

# NumPy's second names for the same function.
abs = absolute
acos, acosh, asin, asinh = arccos, arccosh, arcsin, arcsinh
atan, atan2, atanh = arctan, arctan2, arctanh
around = round
conj = conjugate
bitwise_invert = bitwise_not = invert
bitwise_left_shift, bitwise_right_shift = left_shift, right_shift
mod = remainder
pow = power
true_divide = divide
