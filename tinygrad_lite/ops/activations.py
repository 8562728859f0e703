"""Activation functions, each element on its own. Keras's names, formulas and defaults."""

from __future__ import annotations

import numpy as np

from tinygrad_lite.core.primitive import elementwise
from tinygrad_lite.ops.choosing import maximum
from tinygrad_lite.ops.error_function import erfc
from tinygrad_lite.ops.exponentials import _sech2, _sigmoid_slope, exp, sigmoid
from tinygrad_lite.utils.rows import compares_in_rows
from tinygrad_lite.utils.types import Array, Value


@elementwise(kinks="at 0 the derivative is 0.", example="[-1.0, 2.0] -> [0. 2.]")
def relu(x: Array) -> Array:
    """The rectifier: max(x, 0)."""
    if isinstance(x, np.ndarray) and compares_in_rows(x.shape) and x.dtype.kind == "f":
        return np.maximum(x, np.zeros(x.shape[-1], x.dtype))
    return np.maximum(x, 0)


relu.lowering = lambda x: maximum(x, 0)
relu.defvjp(lambda g, y, x: g * (y != 0))  # y is never negative; nan is not 0, so there `g` passes
relu.needs_zero_rule = False  # 0 or 1 times 0 is 0


@elementwise(kinks="at 0 the derivative is `negative_slope`.")
def leaky_relu(x: Array, *, negative_slope: float = 0.2) -> Array:
    """The leaky rectifier: x where x > 0, else negative_slope · x.

    Parameters
    ----------
    x : Tensor or array-like
    negative_slope : float

    Returns
    -------
    Tensor
        Of the shape of `x`.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> print(tgl.leaky_relu([-1.0, 2.0]).numpy())
    [-0.2  2. ]
    """
    return np.where(x > 0, x, negative_slope * x)


leaky_relu.defvjp(lambda g, y, x, negative_slope: np.where(x > 0, g, negative_slope * g))


@elementwise(kinks="at 0 the derivative is `alpha`, which is a kink for alpha other than 1.")
def elu(x: Array, *, alpha: float = 1.0) -> Array:
    """The exponential linear unit: x where x > 0, else alpha · (eˣ - 1).

    Parameters
    ----------
    x : Tensor or array-like
    alpha : float
        Minus the limit for large negative x.

    Returns
    -------
    Tensor
        Of the shape of `x`.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> print(tgl.elu([-1000.0, 2.0]).numpy())
    [-1.  2.]
    """
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))  # the minimum: no overflow for large x


def _elu_vjp(g: Value, y: Value, x: Value, alpha: float) -> Value:
    return np.where(x > 0, g, g * alpha * np.exp(np.minimum(x, 0)))


elu.defvjp(_elu_vjp)

# From "Self-Normalizing Neural Networks" (Klambauer et al., 2017): they keep mean 0 and variance 1.
_SELU_ALPHA = 1.6732632423543772
_SELU_SCALE = 1.0507009873554805


@elementwise(kinks="at 0 the derivative is that from the right, 1.0507.", example="[0.0, 1.0] -> [0.       1.050701]")
def selu(x: Array) -> Array:
    """The scaled exponential linear unit: 1.0507 · elu(x, alpha=1.6733)."""
    return _SELU_SCALE * elu.forward(x, alpha=_SELU_ALPHA)


selu.defvjp(lambda g, y, x: _SELU_SCALE * np.where(x < 0, g * _SELU_ALPHA * np.exp(np.minimum(x, 0)), g))


@elementwise(kinks="at -3 and 3 the derivative is 0.", example="[-4.0, 0.0, 4.0] -> [0.  0.5 1. ]")
def hard_sigmoid(x: Array) -> Array:
    """The sigmoid in three straight pieces: min(max(x + 3, 0), 6) / 6."""
    return np.clip(x + 3, 0, 6) / 6


hard_sigmoid.defvjp(lambda g, y, x: np.where(np.absolute(x) >= 3, 0, g / 6))


@elementwise(example="[-1000.0, 1000.0] -> [   0. 1000.]")
def softplus(x: Array) -> Array:
    """The smooth rectifier: log(1 + eˣ)."""
    return np.maximum(x, 0) + np.log1p(np.exp(-np.absolute(x)))


softplus.defvjp(lambda g, y, x: g * sigmoid.inline(x))


@elementwise(example="[-1000.0, 1000.0] -> [-1000.     0.]")
def log_sigmoid(x: Array) -> Array:
    """The logarithm of the logistic function: -log(1 + e⁻ˣ)."""
    return np.minimum(x, 0) - np.log1p(np.exp(-np.absolute(x)))


log_sigmoid.defvjp(lambda g, y, x: g * sigmoid.inline(-x))


@elementwise(example="[-1.0, 0.0, 1.0] -> [-0.5  0.   0.5]")
def softsign(x: Array) -> Array:
    """The soft sign: x / (1 + |x|)."""
    return x / (1 + np.absolute(x))


softsign.defvjp(lambda g, y, x: g / np.square(1 + np.absolute(x)))


@elementwise(example="[-1000.0, 1000.0] -> [  -0. 1000.]")
def silu(x: Array) -> Array:
    """The sigmoid linear unit, or swish: x / (1 + e⁻ˣ)."""
    return x * sigmoid.forward(x)


def _silu_vjp(g: Value, y: Value, x: Value) -> Value:
    s = sigmoid.inline(x)
    return g * (s + x * _sigmoid_slope.inline(x, s))


silu.defvjp(_silu_vjp)


@elementwise(example="[-1000.0, 1000.0] -> [  -0. 1000.]")
def mish(x: Array) -> Array:
    """Mish: x · tanh(log(1 + eˣ))."""
    return x * np.tanh(softplus.forward(x))


def _mish_vjp(g: Value, y: Value, x: Value) -> Value:
    s = softplus.inline(x)
    return g * (np.tanh(s) + x * _sech2.inline(s) * sigmoid.inline(x))


mish.defvjp(_mish_vjp)

_SQRT_HALF = 0.7071067811865476
_SQRT_2_PI = 0.7978845608028654


@elementwise
def gelu(x: Array, *, approximate: bool = False) -> Array:
    """The Gaussian error linear unit: x · Φ(x), where Φ(x) = (1 + erf(x/√2)) / 2.

    Parameters
    ----------
    x : Tensor or array-like
    approximate : bool
        Φ(x) ≈ (1 + tanh(√(2/π) · (x + 0.044715 · x³))) / 2 instead: faster, and off by less than 0.0005.

    Returns
    -------
    Tensor
        Of the shape of `x`.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> print(tgl.gelu([-1000.0, 0.0, 1000.0]).numpy())
    [  -0.    0. 1000.]
    """
    if approximate:
        return x * sigmoid.forward(2 * _SQRT_2_PI * (x + 0.044715 * x * x * x))  # (1 + tanh u) / 2, to the last digit
    return 0.5 * x * erfc.forward(-_SQRT_HALF * x)


def _gelu_vjp(g: Value, y: Value, x: Value, approximate: bool) -> Value:
    if approximate:
        u = 2 * _SQRT_2_PI * (x + 0.044715 * x * x * x)
        du = 2 * _SQRT_2_PI * (1 + 0.134145 * x * x)
        s = sigmoid.inline(u)
        return g * (s + x * _sigmoid_slope.inline(u, s) * du)
    density = 0.5 * _SQRT_2_PI * np.exp(-0.5 * np.square(x))
    return g * (0.5 * erfc.inline(-_SQRT_HALF * x) + x * density)


gelu.defvjp(_gelu_vjp)

exponential = exp
"""Keras's name for `exp` as an activation."""
