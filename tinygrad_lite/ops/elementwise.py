"""Elementwise primitives: one number in, one number out, for every element; arguments broadcast.

Each line of calculus stands once: the forward is NumPy's own function, the rules beside it are its partial
derivatives times `g`. Two laws hold for all of them and are kept in one place, by the tape: a gradient is
summed back over broadcast axes, and a gradient that is exactly zero contributes zero, also where the
derivative is inf or nan.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_lite.primitive import elementwise, nondifferentiable, primitive
from tinygrad_lite.tensor import Array, Tensor

# Arithmetic ---------------------------------------------------------------------------------------------------

add = elementwise(np.add, "x1 + x2.")
add.defvjp(lambda g, y, a, b: g, lambda g, y, a, b: g)

subtract = elementwise(np.subtract, "x1 - x2.")
subtract.defvjp(lambda g, y, a, b: g, lambda g, y, a, b: -g)

multiply = elementwise(np.multiply, "x1 · x2.")
multiply.defvjp(lambda g, y, a, b: g * b, lambda g, y, a, b: g * a)

divide = elementwise(np.divide, "x1 / x2.")
divide.defvjp(lambda g, y, a, b: g / b, lambda g, y, a, b: -g * y / b)

negative = elementwise(np.negative, "-x.")
negative.defvjp(lambda g, y, x: -g)

power = elementwise(
    np.power,
    """x1 to the power x2.

    At x1 = 0 the derivative with respect to x1 is that of the polynomial (0 for x2 = 0), and the derivative
    with respect to x2 is 0 where x2 > 0. For x1 < 0 the power is nan unless x2 is a whole number.
    """,
)


def _power_base_vjp(g: Any, y: Any, a: Any, b: Any) -> Any:
    exponent = np.where(b == 0, 1, b) - 1  # b·a^(b-1) is 0 for b = 0, also at a = 0
    return g * b * a**exponent


def _power_exponent_vjp(g: Any, y: Any, a: Any, b: Any) -> Any:
    flat = (a == 0) & (b >= 0)  # 0^b is 0 for all b > 0
    return g * np.where(flat, 0, y * np.log(np.where(flat, 1, a)))


power.defvjp(_power_base_vjp, _power_exponent_vjp)

absolute = elementwise(np.absolute, "|x|, with derivative 0 at 0.")
absolute.defvjp(lambda g, y, x: g * np.sign(x))

# Powers, exponentials, logarithms -----------------------------------------------------------------------------

square = elementwise(np.square, "x².")
square.defvjp(lambda g, y, x: 2 * g * x)

sqrt = elementwise(np.sqrt, "√x, with derivative inf at 0.")
sqrt.defvjp(lambda g, y, x: 0.5 * g / y)

exp = elementwise(np.exp, "e to the power x.")
exp.defvjp(lambda g, y, x: g * y)

log = elementwise(np.log, "The natural logarithm of x.")
log.defvjp(lambda g, y, x: g / x)

# Hyperbolic ---------------------------------------------------------------------------------------------------


@elementwise
def _sech2(x: Array) -> Array:
    """1 / cosh²x, exact also where 1 - tanh²x would round to 0."""
    t = np.exp(-2 * np.absolute(x))
    return 4 * t / np.square(1 + t)


_sech2.defvjp(lambda g, y, x: -2 * g * y * np.tanh(x))

tanh = elementwise(np.tanh, "The hyperbolic tangent of x.")
tanh.defvjp(lambda g, y, x: g * _sech2.inline(x))

# Choosing -----------------------------------------------------------------------------------------------------

maximum = elementwise(np.maximum, "The larger of x1 and x2. A tie gives the whole gradient to x1.")
maximum.defvjp(lambda g, y, a, b: np.where(a >= b, g, 0), lambda g, y, a, b: np.where(a >= b, 0, g))

minimum = elementwise(np.minimum, "The smaller of x1 and x2. A tie gives the whole gradient to x1.")
minimum.defvjp(lambda g, y, a, b: np.where(a <= b, g, 0), lambda g, y, a, b: np.where(a <= b, 0, g))


@elementwise
def where(condition: Any, x: Any, y: Any) -> Array:
    """`x` where `condition` is true, `y` elsewhere.

    Parameters
    ----------
    condition : Tensor or array-like of booleans
    x, y : Tensor or array-like
        All three broadcast against each other.

    Returns
    -------
    Tensor
        Of the broadcast shape.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.where([True, False], [1.0, 2.0], 0.0).numpy()
    array([1., 0.], dtype=float32)
    """
    return np.where(condition, x, y)


where.defvjp(None, lambda g, y, c, a, b: np.where(c, g, 0), lambda g, y, c, a, b: np.where(c, 0, g))


@elementwise
def _clip(x: Any, low: Any, high: Any) -> Array:
    """`x` moved into the interval from `low` to `high`."""
    return np.clip(x, low, high)


_clip.defvjp(
    lambda g, y, x, low, high: np.where((x >= low) & (x <= high), g, 0),
    lambda g, y, x, low, high: np.where((x < low) & (low <= high), g, 0),
    lambda g, y, x, low, high: np.where((x > high) | (low > high), g, 0),
)


def clip(a: Any, a_min: Any = None, a_max: Any = None) -> Tensor:
    """`a`, raised to `a_min` where it is less and lowered to `a_max` where it is more.

    Parameters
    ----------
    a : Tensor or array-like
    a_min, a_max : Tensor, array-like or None
        Broadcast against `a`; None for no bound. On a bound the gradient goes to `a`.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.clip([-2.0, 0.5, 2.0], -1.0, 1.0).numpy()
    array([-1. ,  0.5,  1. ], dtype=float32)
    """
    if a_min is None and a_max is None:
        return multiply(a, 1)
    if a_max is None:
        return maximum(a, a_min)
    if a_min is None:
        return minimum(a, a_max)
    return _clip(a, a_min, a_max)


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


# Comparisons: true or false carries no gradient ---------------------------------------------------------------

equal = nondifferentiable(np.equal, "Whether x1 = x2.")
not_equal = nondifferentiable(np.not_equal, "Whether x1 ≠ x2.")
less = nondifferentiable(np.less, "Whether x1 < x2.")
less_equal = nondifferentiable(np.less_equal, "Whether x1 ≤ x2.")
greater = nondifferentiable(np.greater, "Whether x1 > x2.")
greater_equal = nondifferentiable(np.greater_equal, "Whether x1 ≥ x2.")
logical_and = nondifferentiable(np.logical_and, "Whether both x1 and x2 are true.")
logical_or = nondifferentiable(np.logical_or, "Whether x1 or x2 is true.")
logical_not = nondifferentiable(np.logical_not, "Whether x is false.")
logical_xor = nondifferentiable(np.logical_xor, "Whether just one of x1 and x2 is true.")
isnan = nondifferentiable(np.isnan, "Whether x is nan.")
isinf = nondifferentiable(np.isinf, "Whether x is inf or -inf.")
isfinite = nondifferentiable(np.isfinite, "Whether x is neither nan nor infinite.")
sign = nondifferentiable(np.sign, "-1, 0 or 1, as x is negative, zero or positive.")
