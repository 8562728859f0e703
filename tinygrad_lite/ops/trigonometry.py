"""Sine, cosine, tangent, their inverses, angles in degrees, and sinc."""

from __future__ import annotations

import math

import numpy as np

from tinygrad_lite.core.primitive import elementwise
from tinygrad_lite.utils.types import Array, Value

_PI = math.pi  # a Python float: NumPy's would turn float32 into float64

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
def _spherical_bessel(x: Array, *, order: int) -> Array:
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


def _spherical_bessel_vjp(g: Value, y: Value, x: Value, order: int) -> Value:
    above = _spherical_bessel.inline(x, order=order + 1)
    if not order:
        return -g * above
    return g * (order * _spherical_bessel.inline(x, order=order - 1) - (order + 1) * above) / (2 * order + 1)


_spherical_bessel.defvjp(_spherical_bessel_vjp)


@elementwise(example="[0.0] -> [1.]")
def sinc(x: Array) -> Array:
    """The normalized sinc function: sin(πx) / (πx), 1 at 0."""
    return np.sinc(x)


# sinc x = j₀(πx). The derivatives jₙ of j₀ are exact at 0 and near it, where (x·cos x - sin x) / x² is not.
sinc.defvjp(lambda g, y, x: g * -_PI * _spherical_bessel.inline(_PI * x, order=1))

# The gradients of these are `g` times a constant: there is no inf or nan to search for.
for _linear in (degrees, rad2deg, radians, deg2rad):
    _linear.needs_zero_rule = False

# NumPy's second names for the same function.
acos, asin = arccos, arcsin
atan, atan2 = arctan, arctan2
