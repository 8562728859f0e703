"""Cross-entropies and the divergence of distributions: one number for every sample.

A cross-entropy is computed from logits where that is possible, because it is exact there: the logarithm of a softmax
is a difference, also where the softmax itself rounds to 0 or 1. Probabilities are clipped first.
"""

from __future__ import annotations

import numpy as np

from tinygrad_lite import ops
from tinygrad_lite.core.calling import validate
from tinygrad_lite.core.tensor import Tensor, TensorLike
from tinygrad_lite.nn.losses.alignment import aligned, as_tensors, class_labels
from tinygrad_lite.ops.cross_entropies import _sparse_cross_entropy, check_labels
from tinygrad_lite.utils.names import holds
from tinygrad_lite.utils.types import Array

__all__ = ["binary_crossentropy", "categorical_crossentropy", "kl_divergence", "sparse_categorical_crossentropy"]

EPSILON = 1e-7
"""Probabilities are kept this far from 0 and 1, so that their logarithms stay finite."""
_IF_LOGITS = "If these are logits, with no softmax or sigmoid at the end, pass from_logits=True."
_BINARY_LABELS = "Labels are 0 or 1: use hinge for -1 and 1, sparse_categorical_crossentropy for class numbers."


def kl_divergence(y_true: TensorLike, y_pred: TensorLike) -> Tensor:
    """Σ y_true · log(y_true / y_pred) over the last axis: how far one distribution is from another.

    Parameters
    ----------
    y_true, y_pred : Tensor or array-like, shape (..., classes)
        Probabilities; clipped to at least 1e-7.

    Returns
    -------
    Tensor, shape (...)

    Raises
    ------
    ValueError
        The shapes differ, but for an axis of length one at the end; or there are numbers outside of [0, 1].

    Examples
    --------
    >>> kl_divergence([[0.5, 0.5]], [[0.5, 0.5]]).numpy()
    array([0.], dtype=float32)
    """
    y_true, y_pred = aligned("kl_divergence", y_true, y_pred)
    if y_pred.dtype == np.float16:  # 1 / EPSILON is infinite in float16
        return ops.cast(kl_divergence(*(ops.cast(y, np.float32) for y in (y_true, y_pred))), np.float16)
    _check_probabilities("kl_divergence", "y_true", y_true, "Normalise the labels.")
    _check_probabilities("kl_divergence", "y_pred", y_pred, "If these are logits, apply softmax to them first.")
    y_true, y_pred = ops.clip(y_true, EPSILON, 1.0), ops.clip(y_pred, EPSILON, 1.0)
    return ops.sum(y_true * ops.log(y_true / y_pred), axis=-1)


def binary_crossentropy(
    y_true: TensorLike, y_pred: TensorLike, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1
) -> Tensor:
    """The mean over an axis of -y·log p - (1 - y)·log(1 - p): for labels that are yes or no.

    Parameters
    ----------
    y_true : Tensor or array-like, shape (..., n)
        0 or 1, or probabilities.
    y_pred : Tensor or array-like, shape (..., n)
        The probabilities p; with `from_logits` the inputs of the sigmoid that gives them.
    from_logits : bool
    label_smoothing : float
        From 0 to 1: how far labels are moved towards 1/2.
    axis : int
        The axis of the mean.

    Returns
    -------
    Tensor, shape (...)

    Raises
    ------
    ValueError
        The shapes differ, but for an axis of length one at the end; or labels or probabilities are outside of [0, 1].

    Examples
    --------
    >>> binary_crossentropy([[1.0, 0.0]], [[1e4, 0.0]], from_logits=True).numpy()
    array([0.3465736], dtype=float32)
    """
    y_true, y_pred = aligned("binary_crossentropy", y_true, y_pred)
    _check_probabilities("binary_crossentropy", "y_true", y_true, _BINARY_LABELS)
    y_true = _smoothed(y_true, label_smoothing, 2)
    if from_logits:
        return ops.mean(ops.sigmoid_cross_entropy_with_logits(y_true, y_pred), axis=axis)
    _check_probabilities("binary_crossentropy", "y_pred", y_pred, _IF_LOGITS)
    p = _inside(y_pred)
    return -ops.mean(y_true * ops.log(p) + (1 - y_true) * ops.log(1 - p), axis=axis)


def categorical_crossentropy(
    y_true: TensorLike, y_pred: TensorLike, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1
) -> Tensor:
    """-Σ y_true · log y_pred over the axis of the classes: for labels that are one-hot, or distributions.

    Parameters
    ----------
    y_true : Tensor or array-like, shape (..., classes)
    y_pred : Tensor or array-like, shape (..., classes)
        Probabilities, normalised to sum to one; with `from_logits` the inputs of the softmax that gives them.
    from_logits : bool
    label_smoothing : float
        From 0 to 1: how far labels are moved towards 1/classes.
    axis : int
        The axis of the classes, in labels and predictions.

    Returns
    -------
    Tensor, shape (...)

    Raises
    ------
    ValueError
        The shapes differ (for integer labels, `sparse_categorical_crossentropy` is named), there are fewer
        than two classes, or labels or probabilities are outside of [0, 1].

    Examples
    --------
    >>> categorical_crossentropy([[0.0, 1.0]], [[1e4, 0.0]], from_logits=True).numpy()
    array([10000.], dtype=float32)
    """
    y_true, y_pred = as_tensors(y_true, y_pred)
    if axis != -1:
        y_true, y_pred = (
            _last("categorical_crossentropy", y_true, axis),
            _last("categorical_crossentropy", y_pred, axis),
        )
    _check_classes("categorical_crossentropy", y_pred)
    if y_true.shape in (y_pred.shape[:-1], (*y_pred.shape[:-1], 1)):
        raise ValueError(
            "categorical_crossentropy expected one-hot labels of the shape of the predictions. Received: "
            f"y_true.shape={y_true.shape}, y_pred.shape={y_pred.shape}. For integer labels use "
            "sparse_categorical_crossentropy, or make them one-hot with datasets.to_categorical(y_true, "
            f"{y_pred.shape[-1]})."
        )
    y_true, y_pred = aligned("categorical_crossentropy", y_true, y_pred)
    _check_probabilities("categorical_crossentropy", "y_true", y_true, "Make the labels one-hot.")
    y_true = _smoothed(y_true, label_smoothing, y_pred.shape[-1])
    if from_logits:
        return ops.softmax_cross_entropy_with_logits(y_true, y_pred)
    return _cross_entropy("categorical_crossentropy", y_true, y_pred)


def sparse_categorical_crossentropy(
    y_true: TensorLike, y_pred: TensorLike, from_logits: bool = False, ignore_class: int | None = None, axis: int = -1
) -> Tensor:
    """-log y_pred[label]: for labels that are integers.

    Parameters
    ----------
    y_true : Tensor or array-like of integers, shape (...) or (..., 1)
        From 0 to classes - 1.
    y_pred : Tensor or array-like, shape (..., classes)
        Probabilities, normalised to sum to one; with `from_logits` the inputs of the softmax that gives them.
    from_logits : bool
    ignore_class : int, optional
        Samples with this label have a loss of 0; it may be outside of the classes. The class
        `SparseCategoricalCrossentropy` leaves them out of its means too.
    axis : int
        The axis of the classes in the predictions.

    Returns
    -------
    Tensor, shape (...)

    Raises
    ------
    ValueError
        The shapes do not fit (for one-hot labels, `categorical_crossentropy` is named), there are fewer than
        two classes, a label is outside of the classes, or a probability outside of [0, 1].
    TypeError
        The labels are not integers.

    Examples
    --------
    >>> sparse_categorical_crossentropy([1], [[1e4, 0.0]], from_logits=True).numpy()
    array([10000.], dtype=float32)
    """
    y_true, y_pred = as_tensors(y_true, y_pred)
    if axis != -1:
        y_pred = _last("sparse_categorical_crossentropy", y_pred, axis)
    _check_classes("sparse_categorical_crossentropy", y_pred)
    labels = class_labels("sparse_categorical_crossentropy", "categorical_crossentropy", y_true, y_pred)
    if ignore_class is not None:
        counts = ops.not_equal(labels, ignore_class)
        losses = sparse_categorical_crossentropy(ops.where(counts, labels, 0), y_pred, from_logits)
        return ops.where(counts, losses, 0.0)
    classes = y_pred.shape[-1]
    validate(check_labels, labels, classes=classes)
    if from_logits:
        return _sparse_cross_entropy(y_pred, labels)
    one_hot = ops.one_hot(labels, depth=classes, dtype=y_pred.dtype)
    return _cross_entropy("sparse_categorical_crossentropy", one_hot, y_pred)


def _last(name: str, values: Tensor, axis: int) -> Tensor:
    """`values` with the axis of the classes at the end."""
    if not holds(lambda n: -values.ndim <= n < values.ndim, axis):
        raise ValueError(f"{name} expected an axis of the predictions. Received: axis={axis}, shape={values.shape}.")
    return ops.moveaxis(values, axis, -1)


def _cross_entropy(name: str, y_true: Tensor, y_pred: Tensor) -> Tensor:
    """-Σ y_true · log y_pred over the last axis, from probabilities."""
    _check_probabilities(name, "y_pred", y_pred, _IF_LOGITS)
    p = y_pred / ops.maximum(ops.sum(y_pred, axis=-1, keepdims=True), EPSILON)
    return -ops.sum(y_true * ops.log(_inside(p)), axis=-1)


def _inside(p: Tensor) -> Tensor:
    """Probabilities clipped to be at least `EPSILON` from 0 and 1; in float16 by the smallest distance from 1."""
    return ops.clip(p, EPSILON, 1 - max(EPSILON, float(np.finfo(p.dtype).epsneg)))


def _smoothed(y_true: Tensor, label_smoothing: float, classes: int) -> Tensor:
    """Labels moved towards the uniform distribution over `classes`."""
    if not holds(lambda x: 0 <= x <= 1, label_smoothing):
        raise ValueError(f"Expected label_smoothing from 0 to 1. Received: label_smoothing={label_smoothing!r}.")
    return y_true * (1 - label_smoothing) + label_smoothing / classes if label_smoothing else y_true


def _check_classes(name: str, y_pred: Tensor) -> None:
    if not y_pred.ndim or y_pred.shape[-1] < 2:
        raise ValueError(
            f"{name} expected predictions for at least two classes along the last axis. Received: y_pred.shape="
            f"{y_pred.shape}. For one yes-or-no output use binary_crossentropy with a sigmoid."
        )


def _check_probabilities(name: str, argument: str, values: Tensor, fix: str) -> None:
    """Raise for numbers outside of [0, 1] beyond rounding; nan is accepted, and so is seen in the loss."""
    validate(_within_0_and_1, values, name=name, argument=argument, fix=fix)


def _within_0_and_1(values: Array, name: str, argument: str, fix: str) -> None:
    if not values.size:
        return
    low, high = values.min(), values.max()
    if low < -1e-3 or high > 1 + 1e-3:
        raise ValueError(
            f"{name} expected {argument} from 0 to 1. Received: {argument} with numbers from {low:.4g} to "
            f"{high:.4g}. {fix}"
        )
