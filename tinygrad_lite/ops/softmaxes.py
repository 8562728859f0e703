"""Softmax, its logarithm, and the logarithm of a sum of exponentials.

They are primitives of their own, because their rules are shorter and more exact than those of the compositions. The
largest element is subtracted first, so nothing overflows.
"""

from __future__ import annotations

import numpy as np

from tinygrad_lite.core.primitive import primitive
from tinygrad_lite.core.tensor import HALF, Tensor
from tinygrad_lite.ops.axes import expand_reduced
from tinygrad_lite.ops.exponentials import exp, log
from tinygrad_lite.ops.half import rounding_once, wide
from tinygrad_lite.ops.reductions import max as max_
from tinygrad_lite.ops.reductions import sum as sum_
from tinygrad_lite.utils.types import Array, Axis, Value

_maximum, _sum = np.maximum.reduce, np.add.reduce


@primitive
@rounding_once
def logsumexp(x: Array, *, axis: Axis = None, keepdims: bool = False) -> Array:
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


def _logsumexp_vjp(g: Value, y: Value, x: Value, axis: Axis, keepdims: bool) -> Value:
    y = expand_reduced(y, x, axis, keepdims)
    return expand_reduced(g, x, axis, keepdims) * np.exp(x - np.where(np.isneginf(y), 0, y))


logsumexp.defvjp(_logsumexp_vjp)


@primitive
def softmax(x: Array, *, axis: int = -1) -> Array:
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
    if getattr(x, "dtype", None) is HALF:  # as by `rounding_once`, which takes longer to call
        return softmax.forward(wide(x), axis=axis).astype(HALF)
    e = np.exp(x - _maximum(x, axis=axis, keepdims=True, initial=-np.inf))
    return e / _sum(e, axis=axis, keepdims=True)


def _softmax_vjp(g: Value, y: Value, x: Value, axis: int) -> Value:
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
def log_softmax(x: Array, *, axis: int = -1) -> Array:
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


def _log_softmax_vjp(g: Value, y: Value, x: Value, axis: int) -> Value:
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
