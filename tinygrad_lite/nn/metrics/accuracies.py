"""Accuracies as functions: for every sample, whether the prediction is right."""

from __future__ import annotations

from tinygrad_lite import ops
from tinygrad_lite.core.calling import validate
from tinygrad_lite.core.tensor import Tensor, TensorLike, to_tensors
from tinygrad_lite.nn.losses.alignment import check_shapes, class_labels, line_up
from tinygrad_lite.utils.types import Array

__all__ = ["accuracy", "binary_accuracy", "categorical_accuracy", "sparse_categorical_accuracy"]


def accuracy(y_true: TensorLike, y_pred: TensorLike) -> Tensor:
    """Whether predictions equal labels.

    Parameters
    ----------
    y_true, y_pred : Tensor or array-like, shape (samples,) or (samples, ...)

    Returns
    -------
    Tensor of booleans, of that shape

    Raises
    ------
    ValueError
        The shapes differ, but for an axis of length one at the end.

    Examples
    --------
    >>> accuracy([1, 2, 3], [1, 2, 0]).numpy()
    array([ True,  True, False])
    """
    y_true, y_pred = line_up(*to_tensors(y_true, y_pred))
    check_shapes("accuracy", y_true, y_pred)
    return ops.equal(y_pred, y_true)


def binary_accuracy(y_true: TensorLike, y_pred: TensorLike, threshold: float = 0.5) -> Tensor:
    """Whether `y_pred > threshold` agrees with `y_true`, which is 0 or 1.

    Parameters
    ----------
    y_true : Tensor or array-like, shape (samples,) or (samples, ...)
        0 or 1.
    y_pred : Tensor or array-like of the same shape
    threshold : float

    Returns
    -------
    Tensor of booleans, of that shape

    Raises
    ------
    ValueError
        The shapes differ, but for an axis of length one at the end.

    Examples
    --------
    >>> binary_accuracy([1, 0, 1], [0.9, 0.2, 0.3]).numpy()
    array([ True,  True, False])
    """
    y_true, y_pred = line_up(*to_tensors(y_true, y_pred))
    check_shapes("binary_accuracy", y_true, y_pred)
    validate(_are_bits, y_true)
    return ops.equal(ops.greater(y_pred, threshold), y_true)


def _are_bits(labels: Array) -> None:
    if not ((labels == 0) | (labels == 1)).all():
        wrong = labels[(labels != 0) & (labels != 1)].flat[0]
        raise ValueError(
            f"binary_accuracy expected labels that are 0 or 1. Received: {wrong} among "
            "them. Instead of -1 and 1 pass 0 and 1, which the hinge loss takes too, and nn.metrics.BinaryAccuracy("
            "threshold=0.0) if outputs are not probabilities. For targets that are not classes use 'mae' or 'mse'."
        )


def categorical_accuracy(y_true: TensorLike, y_pred: TensorLike) -> Tensor:
    """Whether the largest prediction and the largest label are of the same class: for one-hot labels.

    Parameters
    ----------
    y_true, y_pred : Tensor or array-like, shape (..., classes)
        Probabilities or logits.

    Returns
    -------
    Tensor of booleans, shape (...)

    Raises
    ------
    ValueError
        The shapes differ, but for an axis of length one at the end.

    Examples
    --------
    >>> categorical_accuracy([[0, 1], [1, 0]], [[0.2, 0.8], [0.4, 0.6]]).numpy()
    array([ True, False])
    """
    y_true, y_pred = line_up(*to_tensors(y_true, y_pred))
    if y_true.ndim and y_true.shape == y_pred.shape[:-1]:
        raise ValueError(
            "categorical_accuracy expected one-hot labels of the shape of the predictions. Received: "
            f"y_true.shape={y_true.shape}, y_pred.shape={y_pred.shape}. For integer labels use "
            "sparse_categorical_accuracy."
        )
    check_shapes("categorical_accuracy", y_true, y_pred)
    return ops.equal(ops.argmax(y_pred, axis=-1), ops.argmax(y_true, axis=-1))


def sparse_categorical_accuracy(y_true: TensorLike, y_pred: TensorLike) -> Tensor:
    """Whether the largest prediction is at the label's index: for integer labels.

    Parameters
    ----------
    y_true : Tensor or array-like, shape (...) or (..., 1)
        Class numbers.
    y_pred : Tensor or array-like, shape (..., classes)
        Probabilities or logits.

    Returns
    -------
    Tensor of booleans, shape (...)

    Raises
    ------
    ValueError
        The shapes do not fit.
    TypeError
        The labels are not integers.

    Examples
    --------
    >>> sparse_categorical_accuracy([1, 0], [[0.2, 0.8], [0.4, 0.6]]).numpy()
    array([ True, False])
    """
    y_true, y_pred = to_tensors(y_true, y_pred)
    labels = class_labels("sparse_categorical_accuracy", "categorical_accuracy", y_true, y_pred)
    return ops.equal(ops.argmax(y_pred, axis=-1), labels)
