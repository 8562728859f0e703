"""The error function and its complement.

After W. J. Cody, "Rational Chebyshev approximations for the error function" (1969): three rational functions, each as
the coefficients of its numerator and denominator, highest power first.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tinygrad_lite.core.primitive import elementwise
from tinygrad_lite.ops.half import rounding_once
from tinygrad_lite.utils.types import Array

_ERF_NEAR = (  # erf(x) / x, a function of x², for |x| ≤ 0.46875
    (1.85777706184603153e-1, 3.16112374387056560, 1.13864154151050156e2, 3.77485237685302021e2, 3.20937758913846947e3),
    (1.0, 2.36012909523441209e1, 2.44024637934444173e2, 1.28261652607737228e3, 2.84423683343917062e3),
)
_ERFC_MIDDLE = (  # e^(x²) · erfc(x), a function of x, for 0.46875 < x ≤ 4
    (2.15311535474403846e-8, 5.64188496988670089e-1, 8.88314979438837594, 6.61191906371416295e1,
     2.98635138197400131e2, 8.81952221241769090e2, 1.71204761263407058e3, 2.05107837782607147e3,
     1.23033935479799725e3),
    (1.0, 1.57449261107098347e1, 1.17693950891312499e2, 5.37181101862009858e2, 1.62138957456669019e3,
     3.29079923573345963e3, 4.36261909014324716e3, 3.43936767414372164e3, 1.23033935480374942e3),
)  # fmt: skip
_ERFC_FAR = (  # x² · (1/√π - x · e^(x²) · erfc(x)), a function of 1/x², for x > 4
    (1.63153871373020978e-2, 3.05326634961232344e-1, 3.60344899949804439e-1, 1.25781726111229246e-1,
     1.60837851487422766e-2, 6.58749161529837803e-4),
    (1.0, 2.56852019228982242, 1.87295284992346725, 5.27905102951428412e-1, 6.05183413124413191e-2,
     2.33520497626869185e-3),
)  # fmt: skip
_1_SQRT_PI = 0.5641895835477563


def _ratio(coefficients: tuple[tuple[float, ...], tuple[float, ...]], x: Array) -> Array:
    """The rational function with the given numerator and denominator at `x`, by Horner's scheme."""
    above, below = (np.full_like(x, first) for first, *_ in coefficients)
    for total, (_, *others) in zip((above, below), coefficients):
        for coefficient in others:
            total *= x
            total += coefficient
    above /= below
    return above


def _erfc_beyond_half(a: Array) -> Array:
    """erfc(a) for a > 0.46875."""
    near = np.minimum(a, 4)
    far = np.maximum(a, 4)
    inverse = 1 / np.square(far)
    scaled = np.where(a <= 4, _ratio(_ERFC_MIDDLE, near), (_1_SQRT_PI - inverse * _ratio(_ERFC_FAR, inverse)) / far)
    # e^-a² with a = c + r, where c has so few digits that c² is exact: no error of a² is magnified
    c = np.trunc(16 * np.minimum(a, 100)) / 16
    return scaled * np.exp(-c * c) * np.exp(-(a - c) * (a + c))


def _by_region(x: Array, near: Callable[[Array], Array], far: Callable[[Array], Array]) -> Array:
    """`near` of x where |x| ≤ 0.46875, `far` of x elsewhere; each is computed just where it is needed."""
    x = np.asarray(x)
    x = x.astype(np.float64) if x.dtype.kind != "f" else x
    y = np.empty_like(x)
    is_near = np.absolute(x) <= 0.46875
    y[is_near] = near(x[is_near])
    y[~is_near] = far(x[~is_near])
    return y


def _erf_near(x: Array) -> Array:
    return x * _ratio(_ERF_NEAR, np.square(x))


@elementwise(example="[-10.0, 0.0, 10.0] -> [-1.  0.  1.]")
@rounding_once
def erf(x: Array) -> Array:
    """The error function: 2/√π · ∫₀ˣ e^(-t²) dt."""
    return _by_region(x, _erf_near, lambda x: np.copysign(1 - _erfc_beyond_half(np.absolute(x)), x))


erf.defvjp(lambda g, y, x: g * (2 * _1_SQRT_PI) * np.exp(-np.square(x)))


@elementwise(example="[-10.0, 0.0] -> [2. 1.]")
@rounding_once
def erfc(x: Array) -> Array:
    """The complementary error function, exact also where it is tiny: 1 - erf(x)."""

    def far(x: Array) -> Array:
        tail = _erfc_beyond_half(np.absolute(x))
        return np.where(x < 0, 2 - tail, tail)

    return _by_region(x, lambda x: 1 - _erf_near(x), far)


erfc.defvjp(lambda g, y, x: g * (-2 * _1_SQRT_PI) * np.exp(-np.square(x)))
