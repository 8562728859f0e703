"""Labels, predictions and weights, lined up: shapes are checked, and never broadcast.

Labels of shape (n,) and predictions of shape (n, 1) would become (n, n) by NumPy's rules, and a mean over that is a
wrong loss without an error. So both get the same shape here, and what differs otherwise is an error.
"""

from __future__ import annotations

from typing import Any, overload

import numpy as np

from tinygrad_lite import ops
from tinygrad_lite.core.tensor import Tensor, TensorLike, float_dtype, to_tensor, to_tensors

__all__ = ["aligned", "as_tensors", "check_shapes", "class_labels", "line_up", "weights_of"]


def as_tensors(y_true: TensorLike, y_pred: TensorLike) -> tuple[Tensor, Tensor]:
    """Both as tensors, lined up, the predictions as floats."""
    if not isinstance(y_pred, Tensor):
        y_pred = to_tensor(y_pred, float_dtype(y_true))
    y_pred = y_pred if y_pred.dtype.kind == "f" else ops.cast(y_pred, "float32")
    y_true = to_tensor(y_true, y_pred.dtype)
    return (y_true, y_pred) if y_true.ndim == y_pred.ndim else line_up(y_true, y_pred)


def aligned(name: str, y_true: TensorLike, y_pred: TensorLike) -> tuple[Tensor, Tensor]:
    """Both as tensors of one shape, the labels in the dtype of the predictions."""
    y_true, y_pred = as_tensors(y_true, y_pred)
    check_shapes(name, y_true, y_pred)
    return y_true if y_true.dtype == y_pred.dtype else ops.cast(y_true, y_pred.dtype), y_pred


@overload
def line_up(y_true: Tensor, y_pred: Tensor) -> tuple[Tensor, Tensor]: ...


@overload
def line_up(y_true: Any, y_pred: Any) -> tuple[Any, Any]: ...


def line_up(y_true: Any, y_pred: Any) -> tuple[Any, Any]:
    """Labels and predictions as tensors of one shape, if one of them has an additional last axis of length one.

    (n,) and (n, 1) become (n, 1); (n, t) and (n, t, 1) become (n, t), as in Keras. Other shapes, and values that are
    not arrays, are returned unchanged.
    """
    if not (isinstance(y_true, Tensor) and isinstance(y_pred, Tensor)):
        if not (_is_array_like(y_true) and _is_array_like(y_pred)):
            return y_true, y_pred
        y_true, y_pred = to_tensors(y_true, y_pred)
    a, b = y_true.shape, y_pred.shape
    if (*a, 1) == b:
        return (ops.reshape(y_true, b), y_pred) if len(a) < 2 else (y_true, ops.reshape(y_pred, a))
    if a == (*b, 1):
        return (y_true, ops.reshape(y_pred, a)) if len(b) < 2 else (ops.reshape(y_true, b), y_pred)
    return y_true, y_pred


def _is_array_like(value: object) -> bool:
    return isinstance(value, (Tensor, np.ndarray, list, tuple, int, float, np.generic)) or hasattr(value, "__array__")


def check_shapes(name: str, y_true: Tensor, y_pred: Tensor) -> None:
    """Raise unless labels and predictions have the same shape, of at least one axis."""
    if y_true.shape == y_pred.shape and y_pred.ndim:
        return
    if y_true.shape == y_pred.shape:
        fix = "Give both an axis for the samples, with reshape(1, 1) for a single one."
    elif y_true.shape == y_pred.shape[:-1]:
        fix = (
            f"If the labels are class numbers from 0 to {y_pred.shape[-1] - 1}, use "
            f"sparse_categorical_crossentropy, or datasets.to_categorical(y_true, {y_pred.shape[-1]})."
        )
    else:
        fix = "They are never broadcast against each other: reshape one of them, or change the last layer's units."
    raise ValueError(
        f"{name} expected labels and predictions of the same shape. Received: y_true.shape={y_true.shape}, "
        f"y_pred.shape={y_pred.shape}. {fix}"
    )


def class_labels(name: str, one_hot_name: str, y_true: Tensor, y_pred: Tensor) -> Tensor:
    """Labels with one integer for each row of predictions; `(..., 1)` becomes `(...)`."""
    rows, shape = y_pred.shape[:-1], y_true.shape
    if shape == rows or shape == (*rows, 1):
        if y_true.dtype.kind not in "iu":  # 1.5 is not a class: its loss would be 0
            raise TypeError(
                f"{name} expected integer labels. Received: y_true.dtype={y_true.dtype}. Convert them with "
                "y_true.astype('int64')."
            )
        return y_true if shape == rows else ops.reshape(y_true, rows)
    if y_true.shape == y_pred.shape:
        fix = f"These labels look one-hot: use {one_hot_name}, or make them integers with y_true.argmax(axis=-1)."
    else:
        fix = "Are labels and predictions of the same samples?"
    raise ValueError(
        f"{name} expected one integer label for each row of predictions, y_true.shape={rows}. Received: "
        f"y_true.shape={y_true.shape}, y_pred.shape={y_pred.shape}. {fix}"
    )


def weights_of(values: Tensor, sample_weight: TensorLike) -> Tensor:
    """Weights in the dtype of `values`, with as many axes, each of the same length or of length one.

    The weights' axes are the first axes of `values`. An additional last axis of length one is removed.
    """
    given = weight = to_tensor(sample_weight, values.dtype)
    if weight.ndim == values.ndim + 1 and weight.shape[-1] == 1:
        weight = ops.reshape(weight, weight.shape[:-1])
    weight = weight if weight.dtype == values.dtype else ops.cast(weight, values.dtype)
    axes = values.ndim - weight.ndim
    shape = weight.shape + (1,) * axes
    if axes < 0 or any(n not in (1, length) for n, length in zip(shape, values.shape)):
        if axes == 1 and weight.shape == values.shape[1:]:
            fix = "Weights along the last axis need one in front: sample_weight[None, :]."
        elif not values.ndim:
            fix = "The values were averaged over all samples before: give labels and outputs the shape (samples, 1)."
        else:
            fix = "Is there one sample for each weight?"
        raise ValueError(
            f"Expected one weight for each sample: the shape {values.shape} of the values to be weighted, or its "
            f"first axes, or axes of length one instead of some. Received: sample_weight.shape={given.shape}. {fix}"
        )
    return ops.reshape(weight, shape) if axes else weight
