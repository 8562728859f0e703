"""Neural primitives: activations, and the fused operations in which a dense network spends its time.

Softmax, dense layer and cross-entropy could be written with the other primitives; as primitives of their own
they have a shorter and more exact rule (the gradient of cross-entropy with respect to the logits is simply
softmax minus labels), and one Python call where there would be five.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygrad_lite.core.primitive import compares_in_rows, elementwise, hold, nondifferentiable, primitive
from tinygrad_lite.core.tape import summed
from tinygrad_lite.core.tensor import HALF, Tensor, rounding_once, to_tensor, to_tensors, wide, wrap
from tinygrad_lite.ops.arithmetic import multiply
from tinygrad_lite.ops.axes import expand_reduced
from tinygrad_lite.ops.casting import _cast
from tinygrad_lite.ops.choosing import maximum
from tinygrad_lite.ops.comparisons import equal
from tinygrad_lite.ops.exponentials import _sech2, _sigmoid_slope, exp, log, sigmoid
from tinygrad_lite.ops.indexing import getitem
from tinygrad_lite.ops.products import matmul, transposed_product
from tinygrad_lite.ops.reductions import max as max_
from tinygrad_lite.ops.reductions import sum as sum_
from tinygrad_lite.ops.shaping import reshape
from tinygrad_lite.random.streams import default_stream
from tinygrad_lite.utils.names import holds
from tinygrad_lite.utils.types import Array

# Activations --------------------------------------------------------------------------------------------------


@elementwise(kinks="at 0 the derivative is 0.", example="[-1.0, 2.0] -> [0. 2.]")
def relu(x: Any) -> Array:
    """The rectifier: max(x, 0)."""
    if isinstance(x, np.ndarray) and compares_in_rows(x.shape) and x.dtype.kind == "f":
        return np.maximum(x, np.zeros(x.shape[-1], x.dtype))
    return np.maximum(x, 0)


relu.lowering = lambda x: maximum(x, 0)
relu.defvjp(lambda g, y, x: g * (y != 0))  # y is never negative; and a nan, which is not 0, lets `g` pass
relu.needs_zero_rule = False  # 0 or 1 times 0 is 0


@elementwise(kinks="at 0 the derivative is `negative_slope`.")
def leaky_relu(x: Any, *, negative_slope: float = 0.2) -> Array:
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
def elu(x: Any, *, alpha: float = 1.0) -> Array:
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


def _elu_vjp(g: Any, y: Any, x: Any, alpha: float) -> Any:
    return np.where(x > 0, g, g * alpha * np.exp(np.minimum(x, 0)))


elu.defvjp(_elu_vjp)

# From "Self-Normalizing Neural Networks" (Klambauer et al., 2017): they keep mean 0 and variance 1.
_SELU_ALPHA = 1.6732632423543772
_SELU_SCALE = 1.0507009873554805


@elementwise(kinks="at 0 the derivative is that from the right, 1.0507.", example="[0.0, 1.0] -> [0.       1.050701]")
def selu(x: Any) -> Array:
    """The scaled exponential linear unit: 1.0507 · elu(x, alpha=1.6733)."""
    return _SELU_SCALE * elu.forward(x, alpha=_SELU_ALPHA)


selu.defvjp(lambda g, y, x: _SELU_SCALE * np.where(x < 0, g * _SELU_ALPHA * np.exp(np.minimum(x, 0)), g))


@elementwise(kinks="at -3 and 3 the derivative is 0.", example="[-4.0, 0.0, 4.0] -> [0.  0.5 1. ]")
def hard_sigmoid(x: Any) -> Array:
    """The sigmoid in three straight pieces: min(max(x + 3, 0), 6) / 6."""
    return np.clip(x + 3, 0, 6) / 6


hard_sigmoid.defvjp(lambda g, y, x: np.where(np.absolute(x) >= 3, 0, g / 6))


@elementwise(example="[-1000.0, 1000.0] -> [   0. 1000.]")
def softplus(x: Any) -> Array:
    """The smooth rectifier: log(1 + eˣ)."""
    return np.maximum(x, 0) + np.log1p(np.exp(-np.absolute(x)))


softplus.defvjp(lambda g, y, x: g * sigmoid.inline(x))


@elementwise(example="[-1000.0, 1000.0] -> [-1000.     0.]")
def log_sigmoid(x: Any) -> Array:
    """The logarithm of the logistic function: -log(1 + e⁻ˣ)."""
    return np.minimum(x, 0) - np.log1p(np.exp(-np.absolute(x)))


log_sigmoid.defvjp(lambda g, y, x: g * sigmoid.inline(-x))


@elementwise(example="[-1.0, 0.0, 1.0] -> [-0.5  0.   0.5]")
def softsign(x: Any) -> Array:
    """The soft sign: x / (1 + |x|)."""
    return x / (1 + np.absolute(x))


softsign.defvjp(lambda g, y, x: g / np.square(1 + np.absolute(x)))


@elementwise(example="[-1000.0, 1000.0] -> [  -0. 1000.]")
def silu(x: Any) -> Array:
    """The sigmoid linear unit, or swish: x / (1 + e⁻ˣ)."""
    return x * sigmoid.forward(x)


def _silu_vjp(g: Any, y: Any, x: Any) -> Any:
    s = sigmoid.inline(x)
    return g * (s + x * _sigmoid_slope.inline(x, s))


silu.defvjp(_silu_vjp)


@elementwise(example="[-1000.0, 1000.0] -> [  -0. 1000.]")
def mish(x: Any) -> Array:
    """Mish: x · tanh(log(1 + eˣ))."""
    return x * np.tanh(softplus.forward(x))


def _mish_vjp(g: Any, y: Any, x: Any) -> Any:
    s = softplus.inline(x)
    return g * (np.tanh(s) + x * _sech2.inline(s) * sigmoid.inline(x))


mish.defvjp(_mish_vjp)

# The error function: W. J. Cody, "Rational Chebyshev approximations for the error function" (1969). Three
# rational functions, each as the coefficients of its numerator and denominator, highest power first.

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


def _by_region(x: Any, near: Any, far: Any) -> Array:
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
def erf(x: Any) -> Array:
    """The error function: 2/√π · ∫₀ˣ e^(-t²) dt."""
    return _by_region(x, _erf_near, lambda x: np.copysign(1 - _erfc_beyond_half(np.absolute(x)), x))


erf.defvjp(lambda g, y, x: g * (2 * _1_SQRT_PI) * np.exp(-np.square(x)))


@elementwise(example="[-10.0, 0.0] -> [2. 1.]")
@rounding_once
def erfc(x: Any) -> Array:
    """The complementary error function, exact also where it is tiny: 1 - erf(x)."""

    def far(x: Array) -> Array:
        tail = _erfc_beyond_half(np.absolute(x))
        return np.where(x < 0, 2 - tail, tail)

    return _by_region(x, lambda x: 1 - _erf_near(x), far)


erfc.defvjp(lambda g, y, x: g * (-2 * _1_SQRT_PI) * np.exp(-np.square(x)))

_SQRT_HALF = 0.7071067811865476
_SQRT_2_PI = 0.7978845608028654


@elementwise
def gelu(x: Any, *, approximate: bool = False) -> Array:
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


def _gelu_vjp(g: Any, y: Any, x: Any, approximate: bool) -> Any:
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

# Softmax and its kin ------------------------------------------------------------------------------------------


@primitive
@rounding_once
def logsumexp(x: Any, *, axis: Any = None, keepdims: bool = False) -> Array:
    """The logarithm of a sum of exponentials, over `axis`: log Σ eˣ.

    Neither overflows nor loses digits where the result is close to 0. Nothing but -inf gives -inf.

    Parameters
    ----------
    x : Tensor or array-like
    axis : int, tuple of int, or None
        None takes the sum over all axes.
    keepdims : bool
        Keep the reduced axes, with length one.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.logsumexp([1000.0, -1000.0]).item()
    1000.0
    """
    largest = np.max(x, axis=axis, keepdims=True, initial=-np.inf)
    largest = np.where(np.isinf(largest), 0, largest)  # inf - inf would be nan
    e = np.exp(x - largest)
    ties = e == 1  # with one of these ones taken out, log1p knows the others to their last digit
    others = np.sum(np.where(ties, 0, e), axis=axis, keepdims=True) + (np.sum(ties, axis=axis, keepdims=True) - 1.0)
    with np.errstate(divide="ignore"):
        y = (np.log1p(others) + largest).astype(e.dtype, copy=False)
    return y if keepdims else np.squeeze(y, axis=axis)


def _logsumexp_vjp(g: Any, y: Any, x: Any, axis: Any, keepdims: bool) -> Any:
    y = expand_reduced(y, x, axis, keepdims)
    return expand_reduced(g, x, axis, keepdims) * np.exp(x - np.where(np.isneginf(y), 0, y))


logsumexp.defvjp(_logsumexp_vjp)


@primitive
@rounding_once
def softmax(x: Any, *, axis: int = -1) -> Array:
    """e^x over the sum of e^x along `axis`: positive numbers that sum to one.

    Parameters
    ----------
    x : Tensor or array-like
    axis : int

    Returns
    -------
    Tensor
        Of the shape of `x`.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.softmax([1000.0, 1000.0]).numpy()
    array([0.5, 0.5], dtype=float32)
    """
    e = np.exp(x - np.maximum.reduce(x, axis=axis, keepdims=True, initial=-np.inf))
    return e / np.add.reduce(e, axis=axis, keepdims=True)


def _softmax_vjp(g: Any, y: Any, x: Any, axis: int) -> Any:
    if x.dtype == HALF:  # whose digits are too few for small probabilities
        g, y = wide(g), softmax.inline(wide(x), axis=axis)
    return y * (g - (g * y).sum(axis=axis, keepdims=True))


softmax.defvjp(_softmax_vjp)


def _shifted(x: Tensor, axis: int) -> Tensor:
    return x - max_(x, axis=axis, keepdims=True)


def _softmax_lowering(x: Tensor, axis: int) -> Tensor | None:
    if not x.size or x.dtype == HALF:
        return None
    e = exp(_shifted(x, axis))
    return e / sum_(e, axis=axis, keepdims=True)


softmax.lowering = _softmax_lowering


@primitive
@rounding_once
def log_softmax(x: Any, *, axis: int = -1) -> Array:
    """The logarithm of softmax, exact also where softmax rounds to 0.

    Parameters
    ----------
    x : Tensor or array-like
    axis : int

    Returns
    -------
    Tensor
        Of the shape of `x`.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.log_softmax([0.0, 1000.0]).numpy()
    array([-1000.,     0.], dtype=float32)
    """
    shifted = x - np.max(x, axis=axis, keepdims=True, initial=-np.inf)
    if not shifted.size:
        return shifted
    return shifted - np.log(np.sum(np.exp(shifted), axis=axis, keepdims=True))


def _log_softmax_vjp(g: Any, y: Any, x: Any, axis: int) -> Any:
    if x.dtype == HALF:
        g, y = wide(g), log_softmax.inline(wide(x), axis=axis)
    return g - np.exp(y) * g.sum(axis=axis, keepdims=True)


log_softmax.defvjp(_log_softmax_vjp)


def _log_softmax_lowering(x: Tensor, axis: int) -> Tensor | None:
    if not x.size or x.dtype == HALF:
        return None
    shifted = _shifted(x, axis)
    return shifted - log(sum_(exp(shifted), axis=axis, keepdims=True))


log_softmax.lowering = _log_softmax_lowering

# Layers -------------------------------------------------------------------------------------------------------


@primitive
def dense(x: Any, kernel: Any, bias: Any) -> Array:
    """A dense layer: `x @ kernel + bias`.

    Parameters
    ----------
    x : Tensor or array-like, shape (..., features)
    kernel : Tensor or array-like, shape (features, units)
    bias : Tensor or array-like, shape (units,)

    Returns
    -------
    Tensor, shape (..., units)

    Raises
    ------
    ValueError
        The shapes do not fit together.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.nn.dense([[1.0, 2.0]], [[1.0], [1.0]], [0.5]).numpy()
    array([[3.5]], dtype=float32)
    """
    y = np.matmul(x, kernel)
    if bias.shape != kernel.shape[1:]:
        raise ValueError(f"expected a bias of shape {kernel.shape[1:]}")
    return np.add(y, bias, out=y) if y.dtype == np.result_type(y, bias) else y + bias


def _rows(x: Any) -> Any:
    """All leading axes as one: (..., n) to (rows, n)."""
    return x if x.ndim == 2 else np.reshape(x, (math.prod(x.shape[:-1]), x.shape[-1]))


dense.defvjp(
    lambda g, y, x, w, b: g @ w.T,
    lambda g, y, x, w, b: transposed_product(_rows(x), _rows(g)),
    lambda g, y, x, w, b: summed(_rows(g), 0),
)


def _dense_lowering(x: Tensor, kernel: Tensor, bias: Tensor) -> Tensor:
    return matmul(x, kernel) + bias


dense.lowering = _dense_lowering

# Labels


@nondifferentiable
def one_hot(indices: Any, *, depth: int, dtype: Any = np.float32) -> Array:
    """Rows of zeros with a one at each index; an index outside of 0 to depth - 1 gives a row of zeros.

    Parameters
    ----------
    indices : Tensor or array-like of integers, shape (...)
    depth : int
        Length of the new last axis.
    dtype : dtype

    Returns
    -------
    Tensor, shape (..., depth)

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.one_hot([0, 2], depth=3).numpy()
    array([[1., 0., 0.],
           [0., 0., 1.]], dtype=float32)
    """
    return (np.asarray(indices)[..., None] == np.arange(depth)).astype(dtype)


one_hot.lowering = lambda indices, depth, dtype: _cast(
    equal(reshape(indices, (*indices.shape, 1)), np.arange(depth)), dtype=dtype
)


# Cross-entropies from logits ----------------------------------------------------------------------------------


@nondifferentiable
def _chosen(x: Any, labels: Any) -> Array:
    if x.ndim == 2:
        return x[np.arange(len(x)), labels]
    return np.take_along_axis(x, labels[..., None], axis=-1)[..., 0]


_chosen.lowering = lambda x, labels: getitem(x, (np.arange(len(x)), labels)) if x.ndim == 2 else None


@primitive
@rounding_once
def _sparse_cross_entropy(logits: Any, labels: Any) -> Array:
    shifted = logits - np.maximum.reduce(logits, axis=-1, keepdims=True)
    return np.log(np.add.reduce(np.exp(shifted), axis=-1)) - _chosen.forward(shifted, labels)


_sparse_cross_entropy.defvjp(
    lambda g, y, z, labels: (
        g[..., None] * (softmax.inline(z) - one_hot.inline(labels, depth=z.shape[-1], dtype=z.dtype))
    ),
    None,
)


def _sparse_cross_entropy_lowering(logits: Tensor, labels: Tensor) -> Tensor | None:
    if not logits.size or logits.dtype == HALF:
        return None
    shifted = _shifted(logits, -1)
    total = sum_(exp(shifted), axis=-1, keepdims=True)  # as softmax has it in the gradient
    return reshape(log(total), labels.shape) - _chosen(shifted, labels)


_sparse_cross_entropy.lowering = _sparse_cross_entropy_lowering


def sparse_softmax_cross_entropy_with_logits(labels: Any, logits: Any) -> Tensor:
    """-log softmax(logits)[label], for every sample: the cross-entropy of integer labels.

    Parameters
    ----------
    labels : Tensor or array-like of integers, shape (...)
        From 0 to classes - 1.
    logits : Tensor or array-like, shape (..., classes)

    Returns
    -------
    Tensor, shape (...)

    Raises
    ------
    ValueError
        The shapes do not fit, or a label is outside of the classes.
    TypeError
        `labels` are not integers.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.nn.sparse_softmax_cross_entropy_with_logits([1], [[0.0, 1e4]]).numpy()
    array([0.], dtype=float32)
    """
    labels, logits = to_tensors(labels, logits)
    if labels.dtype.kind not in "iu":
        raise TypeError(
            f"Expected integer labels. Received: labels.dtype={labels.dtype}. Convert with "
            "tgl.cast(labels, 'int64'); for one-hot labels use softmax_cross_entropy_with_logits."
        )
    if not logits.ndim or labels.shape != logits.shape[:-1]:
        raise ValueError(
            "Expected one label for each row of logits. Received: "
            f"labels.shape={labels.shape}, logits.shape={logits.shape}. For one-hot labels use "
            "softmax_cross_entropy_with_logits."
        )
    hold(check_labels, labels, classes=logits.shape[-1])
    return _sparse_cross_entropy(logits, labels)


_UNSIGNED = {n: np.dtype(f"u{n}") for n in (1, 2, 4, 8)}


def check_labels(labels: Array, classes: int) -> None:
    """Raise unless every label is one of 0 to `classes` - 1."""
    magnitudes = labels.view(_UNSIGNED[labels.dtype.itemsize])  # in which what is below 0 is very large
    if labels.size and not np.maximum.reduce(magnitudes, axis=None) < classes:
        wrong = labels[(labels < 0) | (labels >= classes)]
        raise ValueError(
            f"Expected labels from 0 to {classes - 1}, one for each of {classes} classes. Received: the label "
            f"{int(wrong[0])} ({wrong.size} of {labels.size} are outside). Give the last layer more units, or "
            "check that the labels start at 0."
        )


@primitive
@rounding_once
def _softmax_cross_entropy(logits: Any, labels: Any) -> Array:
    shifted = logits - np.max(logits, axis=-1, keepdims=True)
    costs = np.log(np.sum(np.exp(shifted), axis=-1, keepdims=True)) - shifted
    with np.errstate(invalid="ignore"):
        y = np.sum(labels * costs, axis=-1)
        if np.isnan(y).any():  # a label of 0 costs nothing, also where the cost is infinite
            y = np.sum(np.where(labels == 0, 0, labels * costs), axis=-1)
    return y


_softmax_cross_entropy.defvjp(
    lambda g, y, z, p: g[..., None] * (softmax.inline(z) * summed(p, -1, keepdims=True) - p),
    lambda g, y, z, p: g[..., None] * -log_softmax.inline(z),
)


def softmax_cross_entropy_with_logits(labels: Any, logits: Any) -> Tensor:
    """-Σ labels · log softmax(logits), for every sample: the cross-entropy of distributions.

    Parameters
    ----------
    labels : Tensor or array-like, shape (..., classes)
        One-hot, or any distribution.
    logits : Tensor or array-like, shape (..., classes)

    Returns
    -------
    Tensor, shape (...)

    Raises
    ------
    ValueError
        The shapes differ.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.nn.softmax_cross_entropy_with_logits([[0.0, 1.0]], [[1e4, 0.0]]).numpy()
    array([10000.], dtype=float32)
    """
    labels, logits = to_tensors(labels, logits)
    if labels.shape != logits.shape:
        raise ValueError(
            f"Expected labels and logits of one shape. Received: labels.shape={labels.shape}, logits.shape="
            f"{logits.shape}. For integer labels use sparse_softmax_cross_entropy_with_logits."
        )
    return _softmax_cross_entropy(logits, labels)


@elementwise
def _sigmoid_cross_entropy(logits: Any, labels: Any) -> Array:
    # -p·log σ(z) - (1-p)·log σ(-z), arranged so that nothing overflows
    with np.errstate(invalid="ignore"):
        y = np.maximum(logits, 0) - logits * labels + np.log1p(np.exp(-np.absolute(logits)))
        if np.isnan(y).any():  # what cannot happen costs nothing, also where the cost is infinite
            yes, no = softplus.forward(-logits), softplus.forward(logits)
            y = np.where(labels == 0, 0, labels * yes) + np.where(labels == 1, 0, (1 - labels) * no)
    return y


_sigmoid_cross_entropy.defvjp(lambda g, y, z, p: g * (sigmoid.inline(z) - p), lambda g, y, z, p: -g * z)


def sigmoid_cross_entropy_with_logits(labels: Any, logits: Any) -> Tensor:
    """-p·log σ(z) - (1-p)·log σ(-z), for every element: the cross-entropy of yes-or-no labels.

    Parameters
    ----------
    labels : Tensor or array-like
        Probabilities p.
    logits : Tensor or array-like of the same shape
        z.

    Returns
    -------
    Tensor of that shape

    Raises
    ------
    ValueError
        The shapes differ.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.nn.sigmoid_cross_entropy_with_logits([1.0, 0.0], [1e4, 1e4]).numpy()
    array([    0., 10000.], dtype=float32)
    """
    labels, logits = to_tensors(labels, logits)
    if labels.shape != logits.shape:
        raise ValueError(
            f"Expected labels and logits of one shape. Received: labels.shape={labels.shape}, logits.shape="
            f"{logits.shape}."
        )
    return _sigmoid_cross_entropy(logits, labels)


# Noise -------------------------------------------------------------------------------------------


@elementwise
def _masked(x: Any, mask: Any) -> Array:
    """`x` times a mask of finite numbers: the gradient needs no search for nan."""
    return np.multiply(x, mask)


_masked.lowering = multiply
_masked.defvjp(lambda g, y, x, mask: g * mask, lambda g, y, x, mask: g * x)
_masked.needs_zero_rule = False


@nondifferentiable
def _dropout_mask(x: Any, *, rate: float, generator: np.random.Generator) -> Array:
    """0 with probability `rate`, else 1 / (1 - rate), for every element of `x`."""
    keep = generator.random(np.shape(x), dtype=np.float32) >= rate
    return np.multiply(keep, 1 / (1 - rate), dtype=x.dtype)


_dropout_mask.is_random = True


def dropout(
    x: Any, rate: float, generator: np.random.Generator | None = None, noise_shape: Sequence[int | None] | None = None
) -> Tensor:
    """Set elements to zero at random and scale up the others, so that the expected value stays.

    Parameters
    ----------
    x : Tensor or array-like of a floating dtype
    rate : float
        The probability of zero, at least 0 and below 1.
    generator : numpy.random.Generator, optional
        Default: the package's own, see `tgl.random.set_seed`.
    noise_shape : sequence of int, optional
        One length for each axis of `x`: 1 where all elements along the axis share their fate, None or the axis's own
        length elsewhere. Default: each element has its own.

    Returns
    -------
    Tensor
        Of the shape of `x`. The gradient is zero where the element was, and scaled elsewhere.

    Raises
    ------
    ValueError
        `rate` is out of its range, or `noise_shape` does not broadcast to the shape of `x`.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> sorted(set(tgl.dropout(tgl.ones(100), 0.5).tolist()))
    [0.0, 2.0]
    """
    if not holds(lambda x: 0 <= x < 1, rate):
        raise ValueError(f"dropout expected a rate of at least 0 and below 1. Received: rate={rate!r}.")
    x = to_tensor(x)
    lengths = x.shape if noise_shape is None else _noise_shape(x.shape, noise_shape)
    if not rate:
        return x
    drawn = x if lengths == x.shape else wrap(np.empty(lengths, x.dtype))
    mask = _dropout_mask(drawn, rate=rate, generator=generator or default_stream())
    return _masked(x, mask)


def _noise_shape(shape: tuple[int, ...], noise_shape: Any) -> tuple[int, ...]:
    given = tuple(noise_shape) if isinstance(noise_shape, (tuple, list)) else (noise_shape,)
    lengths = tuple(n if wanted is None else wanted for n, wanted in zip(shape, given))
    if len(given) != len(shape) or any(wanted not in (1, n) for n, wanted in zip(shape, lengths)):
        raise ValueError(
            f"dropout expected noise_shape to have one length for each axis of x.shape={shape}, 1 or the axis's own. "
            f"Received: noise_shape={noise_shape!r}. A seed is passed by name: seed=1."
        )
    return tuple(int(n) for n in lengths)
