"""Neural primitives: activations, and the fused operations in which a dense network spends its time.

Softmax, dense layer and cross-entropy could be written with the other primitives; as primitives of their own
they have a shorter and more exact rule (the gradient of cross-entropy with respect to the logits is simply
softmax minus labels), and one Python call where there would be five.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_lite import random
from tinygrad_lite.ops.elementwise import multiply
from tinygrad_lite.primitive import elementwise, nondifferentiable, primitive
from tinygrad_lite.tensor import Array, Tensor, to_tensor

# Activations --------------------------------------------------------------------------------------------------


@elementwise
def relu(x: Any) -> Array:
    """The rectifier: x where x > 0, else 0. Its derivative at 0 is 0.

    Parameters
    ----------
    x : Tensor or array-like

    Returns
    -------
    Tensor
        Of the shape of `x`.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.relu([-1.0, 2.0]).numpy()
    array([0., 2.], dtype=float32)
    """
    return np.maximum(x, 0)


relu.defvjp(lambda g, y, x: g * (y > 0))


@elementwise
def sigmoid(x: Any) -> Array:
    """The logistic function 1 / (1 + e⁻ˣ).

    Parameters
    ----------
    x : Tensor or array-like

    Returns
    -------
    Tensor
        Of the shape of `x`.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.sigmoid(0.0).item()
    0.5
    """
    t = np.exp(-np.absolute(x))  # never overflows
    return np.where(x >= 0, 1, t) / (1 + t)


# 1 - y would round to 0 for large x: sigmoid(-x) is the same number, exact.
sigmoid.defvjp(lambda g, y, x: g * y * sigmoid.inline(-x))


@primitive
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
    e = np.exp(x - np.max(x, axis=axis, keepdims=True, initial=-np.inf))
    return e / np.sum(e, axis=axis, keepdims=True)


softmax.defvjp(lambda g, y, x, axis: y * (g - (g * y).sum(axis=axis, keepdims=True)))


@primitive
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
    return shifted - np.log(np.sum(np.exp(shifted), axis=axis, keepdims=True))


log_softmax.defvjp(lambda g, y, x, axis: g - np.exp(y) * g.sum(axis=axis, keepdims=True))

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
    return x if x.ndim == 2 else np.reshape(x, (-1, x.shape[-1]) if x.size else (0, x.shape[-1]))


dense.defvjp(
    lambda g, y, x, w, b: g @ w.T,
    lambda g, y, x, w, b: _rows(x).T @ _rows(g),
    lambda g, y, x, w, b: _rows(g).sum(axis=0),
)

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


# Cross-entropies from logits ----------------------------------------------------------------------------------


@primitive
def _sparse_cross_entropy(logits: Any, labels: Any) -> Array:
    shifted = logits - np.max(logits, axis=-1, keepdims=True)
    chosen = np.take_along_axis(shifted, labels[..., None], axis=-1)[..., 0]
    return np.log(np.sum(np.exp(shifted), axis=-1)) - chosen


_sparse_cross_entropy.defvjp(
    lambda g, y, z, labels: (
        g[..., None] * (softmax.inline(z) - one_hot.inline(labels, depth=z.shape[-1], dtype=z.dtype))
    ),
    None,
)


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
    labels, logits = to_tensor(labels), to_tensor(logits)
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
    check_labels(labels._data, logits.shape[-1])
    return _sparse_cross_entropy(logits, labels)


def check_labels(labels: Array, classes: int) -> None:
    """Raise unless every label is one of 0 to `classes` - 1."""
    if labels.size and not (int(labels.min()) >= 0 and int(labels.max()) < classes):
        wrong = labels[(labels < 0) | (labels >= classes)]
        raise ValueError(
            f"Expected labels from 0 to {classes - 1}, one for each of {classes} classes. Received: the label "
            f"{int(wrong[0])} ({wrong.size} of {labels.size} are outside). Give the last layer more units, or "
            "check that the labels start at 0."
        )


@primitive
def _softmax_cross_entropy(logits: Any, labels: Any) -> Array:
    shifted = logits - np.max(logits, axis=-1, keepdims=True)
    total = np.log(np.sum(np.exp(shifted), axis=-1, keepdims=True))
    return np.sum(labels * (total - shifted), axis=-1)


_softmax_cross_entropy.defvjp(
    lambda g, y, z, p: g[..., None] * (softmax.inline(z) * p.sum(axis=-1, keepdims=True) - p),
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
    labels, logits = to_tensor(labels), to_tensor(logits)
    if labels.shape != logits.shape:
        raise ValueError(
            f"Expected labels and logits of one shape. Received: labels.shape={labels.shape}, logits.shape="
            f"{logits.shape}. For integer labels use sparse_softmax_cross_entropy_with_logits."
        )
    return _softmax_cross_entropy(logits, labels)


@elementwise
def _sigmoid_cross_entropy(logits: Any, labels: Any) -> Array:
    # -p·log σ(z) - (1-p)·log σ(-z), arranged so that nothing overflows
    return np.maximum(logits, 0) - logits * labels + np.log1p(np.exp(-np.absolute(logits)))


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
    labels, logits = to_tensor(labels), to_tensor(logits)
    if labels.shape != logits.shape:
        raise ValueError(
            f"Expected labels and logits of one shape. Received: labels.shape={labels.shape}, logits.shape="
            f"{logits.shape}."
        )
    return _sigmoid_cross_entropy(logits, labels)


# Noise -------------------------------------------------------------------------------------------


@nondifferentiable
def _dropout_mask(x: Any, *, rate: float, generator: np.random.Generator) -> Array:
    """0 with probability `rate`, else 1 / (1 - rate), for every element of `x`."""
    keep = generator.random(np.shape(x), dtype=np.float32) >= rate
    return np.multiply(keep, 1 / (1 - rate), dtype=x.dtype)


_dropout_mask.is_random = True


def dropout(x: Any, rate: float, generator: np.random.Generator | None = None) -> Tensor:
    """Set elements to zero at random and scale up the others, so that the expected value stays.

    Parameters
    ----------
    x : Tensor or array-like of a floating dtype
    rate : float
        The probability of zero, at least 0 and below 1.
    generator : numpy.random.Generator, optional
        Default: the package's own, see `tgl.random.set_seed`.

    Returns
    -------
    Tensor
        Of the shape of `x`. The gradient is zero where the element was, and scaled elsewhere.

    Raises
    ------
    ValueError
        `rate` is out of its range.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> sorted(set(tgl.dropout(tgl.ones(100), 0.5).tolist()))
    [0.0, 2.0]
    """
    if not 0 <= rate < 1:
        raise ValueError(f"dropout expected a rate of at least 0 and below 1. Received: rate={rate}.")
    x = to_tensor(x)
    if not rate:
        return x
    mask = _dropout_mask(x, rate=rate, generator=generator or random.default_stream())
    return multiply(x, mask)
