"""Cross-entropies from logits, and one-hot labels.

The loss is computed from logits in one primitive, because its gradient is then exact and short: softmax minus labels.
"""

from __future__ import annotations

import numpy as np

from tinygrad_lite.core.backward import summed
from tinygrad_lite.core.calling import validate
from tinygrad_lite.core.primitive import elementwise, nondifferentiable, primitive
from tinygrad_lite.core.tensor import HALF, Tensor, TensorLike, to_tensors
from tinygrad_lite.ops.activations import softplus
from tinygrad_lite.ops.casting import _cast
from tinygrad_lite.ops.comparisons import equal
from tinygrad_lite.ops.exponentials import exp, log, sigmoid
from tinygrad_lite.ops.half import rounding_once
from tinygrad_lite.ops.indexing import getitem
from tinygrad_lite.ops.reductions import sum as sum_
from tinygrad_lite.ops.shaping import reshape
from tinygrad_lite.ops.softmaxes import _shifted, log_softmax, softmax
from tinygrad_lite.utils.types import Array, DTypeLike


@nondifferentiable
def one_hot(indices: Array, *, depth: int, dtype: DTypeLike | None = np.float32) -> Array:
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
def _chosen(x: Array, labels: Array) -> Array:
    if x.ndim == 2:
        return x[np.arange(len(x)), labels]
    return np.take_along_axis(x, labels[..., None], axis=-1)[..., 0]


_chosen.lowering = lambda x, labels: getitem(x, (np.arange(len(x)), labels)) if x.ndim == 2 else None


@primitive
@rounding_once
def _sparse_cross_entropy(logits: Array, labels: Array) -> Array:
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
    total = sum_(exp(shifted), axis=-1, keepdims=True)  # as in the softmax of the gradient: computed once for both
    return reshape(log(total), labels.shape) - _chosen(shifted, labels)


_sparse_cross_entropy.lowering = _sparse_cross_entropy_lowering


def sparse_softmax_cross_entropy_with_logits(labels: TensorLike, logits: TensorLike) -> Tensor:
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
    validate(check_labels, labels, classes=logits.shape[-1])
    return _sparse_cross_entropy(logits, labels)


_UNSIGNED = {n: np.dtype(f"u{n}") for n in (1, 2, 4, 8)}


def check_labels(labels: Array, classes: int) -> None:
    """Raise unless every label is one of 0 to `classes` - 1."""
    magnitudes = labels.view(_UNSIGNED[labels.dtype.itemsize])  # as unsigned integers, negative labels are very large
    if labels.size and not np.maximum.reduce(magnitudes, axis=None) < classes:
        wrong = labels[(labels < 0) | (labels >= classes)]
        raise ValueError(
            f"Expected labels from 0 to {classes - 1}, one for each of {classes} classes. Received: the label "
            f"{int(wrong[0])} ({wrong.size} of {labels.size} are outside). Give the last layer more units, or "
            "check that the labels start at 0."
        )


@primitive
@rounding_once
def _softmax_cross_entropy(logits: Array, labels: Array) -> Array:
    shifted = logits - np.max(logits, axis=-1, keepdims=True)
    costs = np.log(np.sum(np.exp(shifted), axis=-1, keepdims=True)) - shifted
    with np.errstate(invalid="ignore"):
        y = np.sum(labels * costs, axis=-1)
        if np.isnan(y).any():  # a label of 0 adds nothing, also where its cost is infinite
            y = np.sum(np.where(labels == 0, 0, labels * costs), axis=-1)
    return y


_softmax_cross_entropy.defvjp(
    lambda g, y, z, p: g[..., None] * (softmax.inline(z) * summed(p, -1, keepdims=True) - p),
    lambda g, y, z, p: g[..., None] * -log_softmax.inline(z),
)


def softmax_cross_entropy_with_logits(labels: TensorLike, logits: TensorLike) -> Tensor:
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
def _sigmoid_cross_entropy(logits: Array, labels: Array) -> Array:
    # -p·log σ(z) - (1-p)·log σ(-z), arranged so that nothing overflows
    with np.errstate(invalid="ignore"):
        y = np.maximum(logits, 0) - logits * labels + np.log1p(np.exp(-np.absolute(logits)))
        if np.isnan(y).any():  # a probability of 0 adds nothing, also where its cost is infinite
            yes, no = softplus.forward(-logits), softplus.forward(logits)
            y = np.where(labels == 0, 0, labels * yes) + np.where(labels == 1, 0, (1 - labels) * no)
    return y


_sigmoid_cross_entropy.defvjp(lambda g, y, z, p: g * (sigmoid.inline(z) - p), lambda g, y, z, p: -g * z)


def sigmoid_cross_entropy_with_logits(labels: TensorLike, logits: TensorLike) -> Tensor:
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
