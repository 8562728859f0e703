"""Arithmetic on each element: sums, products, powers, roots, absolute values; arguments broadcast.

The forward is NumPy's own function, and the rules beside it are its partial derivatives times `g`. Two laws hold for
all elementwise primitives, and the tape applies them: a gradient is summed over the axes that were broadcast, and a
gradient that is exactly zero contributes zero, also where the derivative is inf or nan.
"""

from __future__ import annotations

import numpy as np

from tinygrad_lite.core.primitive import elementwise, nondifferentiable
from tinygrad_lite.core.tensor import Tensor, TensorLike, to_tensor
from tinygrad_lite.utils.types import Array, Value

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
def power(x1: Array, x2: Array) -> Array:
    """The power: x1^x2."""
    # The operator of arrays has faster code for the exponents 2, 1/2 and -1. It makes int8 of squares of booleans, and
    # in NumPy 2.0 it ignores the dtype of an exponent without axes.
    if isinstance(x1, np.ndarray) and x1.dtype is not _BOOL and getattr(x2, "dtype", x1.dtype) is x1.dtype:
        return x1**x2
    return np.power(x1, x2)


def _power_base_vjp(g: Value, y: Value, a: Value, b: Value) -> Value:
    if type(b) in (int, float):  # not NumPy's float64, which is an instance of float
        return g * (b * a ** (b - 1)) if b else g * 0
    return g * b * a ** np.where((a == 0) & (b == 0), 1, b - 1)  # 0^0 is 1, flat in a: 0 · 0^-1 would be nan


def _power_exponent_vjp(g: Value, y: Value, a: Value, b: Value) -> Value:
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
def _cosine(x1: Array, x2: Array) -> Array:
    """x1 / √(x1² + x2²), and 0 at (0, 0)."""
    y = np.hypot(x1, x2)
    return x1 / np.where(y == 0, 1, y)


def _over_length(x: Value, a: Value, b: Value) -> Value:
    y = np.hypot(a, b)
    return x / np.where(y == 0, 1, y)


# With the sine b / y: 1 - cosine² would leave few digits.
_cosine.defvjp(
    lambda g, y, a, b: _over_length(g * np.square(_cosine.inline(b, a)), a, b),
    lambda g, y, a, b: _over_length(-g * y * _cosine.inline(b, a), a, b),
)
hypot.defvjp(lambda g, y, a, b: g * _cosine.inline(a, b), lambda g, y, a, b: g * _cosine.inline(b, a))

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


def real(val: TensorLike) -> Tensor:
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
def imag(val: Array) -> Array:
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


# The gradients of these are `g` times a constant: there is no inf or nan to search for.
for _linear in (add, subtract, negative, positive, conjugate, heaviside):
    _linear.needs_zero_rule = False

# NumPy's second names for the same function.
abs = absolute
conj = conjugate
mod = remainder
pow = power
true_divide = divide
