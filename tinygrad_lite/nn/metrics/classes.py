"""Means of functions of labels and predictions: accuracies and errors, over as many batches as there are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tinygrad_lite import ops
from tinygrad_lite.core.tensor import TensorLike, to_tensor
from tinygrad_lite.nn.losses.alignment import line_up
from tinygrad_lite.nn.losses.differences import mean_absolute_error, mean_squared_error
from tinygrad_lite.nn.losses.loss import Loss
from tinygrad_lite.nn.losses.names import FUNCTIONS
from tinygrad_lite.nn.metrics.accuracies import (
    accuracy,
    binary_accuracy,
    categorical_accuracy,
    sparse_categorical_accuracy,
)
from tinygrad_lite.nn.metrics.metric import WeightedMean, threshold_number
from tinygrad_lite.utils.settings import CheckedOptions
from tinygrad_lite.utils.types import DTypeLike

__all__ = [
    "Accuracy",
    "BinaryAccuracy",
    "CategoricalAccuracy",
    "MeanAbsoluteError",
    "MeanMetricWrapper",
    "MeanSquaredError",
    "SparseCategoricalAccuracy",
]


class MeanMetricWrapper(CheckedOptions, WeightedMean):
    """The weighted mean of a function of labels and predictions.

    Parameters
    ----------
    fn : callable
        Takes `(y_true, y_pred)` and returns one number for every sample.
    name : str, optional
        Default: the function's name.
    dtype : floating dtype, optional
        The dtype of `result()`.
    **options
        Passed to the function.

    Examples
    --------
    >>> from tinygrad_lite import nn
    >>> metric = MeanMetricWrapper(nn.losses.huber, delta=2.0)
    >>> metric.update_state([[0.0], [0.0]], [[1.0], [2.0]])
    >>> metric.result().item()
    1.25
    """

    def __init__(
        self, fn: Callable[..., Any], name: str | None = None, dtype: DTypeLike | None = None, **options: Any
    ) -> None:
        super().__init__(name or str(getattr(fn, "__name__", type(fn).__name__)), dtype)
        self.direction = self.direction or _direction(fn)
        self.fn = fn
        self.options = options

    def update_state(self, y_true: TensorLike, y_pred: TensorLike, sample_weight: TensorLike | None = None) -> None:
        """Add one batch.

        Parameters
        ----------
        y_true, y_pred : Tensor or array-like
            If their shapes are (n,) and (n, 1), in either order, the function gets both as (n, 1). If they are
            (..., n) and (..., n, 1), it gets both without the last axis.
        sample_weight : Tensor or array-like, optional
            A number, or one for each sample. See `Loss`.

        Raises
        ------
        ValueError
            Labels and predictions that the function does not accept, or a `sample_weight` that does not fit.
        """
        values = to_tensor(self.fn(*line_up(y_true, y_pred), **self.options))
        if not values.ndim and sample_weight is None:  # a mean over the batch: it counts once for every sample
            values = ops.broadcast_to(values, to_tensor(y_pred).shape[:1])
        self._add(values, sample_weight)

    def get_config(self) -> dict[str, Any]:
        function = {"fn": self.fn} if type(self) is MeanMetricWrapper else {}
        return super().get_config() | function | self.options


class Accuracy(MeanMetricWrapper):
    """How often predictions equal labels.

    Examples
    --------
    >>> metric = Accuracy()
    >>> metric.update_state([1, 2, 3, 4], [0, 2, 3, 4])
    >>> metric.result().item()
    0.75
    """

    def __init__(self, name: str | None = "accuracy", dtype: DTypeLike | None = None) -> None:
        super().__init__(accuracy, name, dtype)


class BinaryAccuracy(MeanMetricWrapper):
    """How often `y_pred > threshold` agrees with the label, which is 0 or 1.

    Parameters
    ----------
    name : str
    dtype : floating dtype, optional
        The dtype of `result()`.
    threshold : float
        Between 0 and 1 for probabilities; 0 for logits.

    Examples
    --------
    >>> metric = BinaryAccuracy(threshold=0.7)
    >>> metric.update_state([[1], [1], [0], [0]], [[0.98], [1], [0], [0.6]])
    >>> metric.result().item()
    1.0
    """

    def __init__(
        self, name: str | None = "binary_accuracy", dtype: DTypeLike | None = None, threshold: float = 0.5
    ) -> None:
        super().__init__(binary_accuracy, name, dtype, threshold=threshold_number(self, threshold))


class CategoricalAccuracy(MeanMetricWrapper):
    """How often the largest prediction is of the class of the one-hot label.

    Examples
    --------
    >>> metric = CategoricalAccuracy()
    >>> metric.update_state([[0, 1], [1, 0]], [[0.2, 0.8], [0.4, 0.6]])
    >>> metric.result().item()
    0.5
    """

    def __init__(self, name: str | None = "categorical_accuracy", dtype: DTypeLike | None = None) -> None:
        super().__init__(categorical_accuracy, name, dtype)


class SparseCategoricalAccuracy(MeanMetricWrapper):
    """How often the largest prediction is at the index of the integer label.

    Examples
    --------
    >>> metric = SparseCategoricalAccuracy()
    >>> metric.update_state([1, 0], [[0.2, 0.8], [0.4, 0.6]])
    >>> metric.result().item()
    0.5
    """

    def __init__(self, name: str | None = "sparse_categorical_accuracy", dtype: DTypeLike | None = None) -> None:
        super().__init__(sparse_categorical_accuracy, name, dtype)


class MeanSquaredError(MeanMetricWrapper):
    """The mean of (y_pred - y_true)².

    Examples
    --------
    >>> m = MeanSquaredError()
    >>> m.update_state([[0.0, 1.0]], [[0.5, 1.0]])
    >>> m.result().item()
    0.125
    """

    def __init__(self, name: str | None = "mean_squared_error", dtype: DTypeLike | None = None) -> None:
        super().__init__(mean_squared_error, name, dtype)


class MeanAbsoluteError(MeanMetricWrapper):
    """The mean of |y_pred - y_true|.

    Examples
    --------
    >>> m = MeanAbsoluteError()
    >>> m.update_state([[0.0, 1.0]], [[0.5, 1.0]])
    >>> m.result().item()
    0.25
    """

    def __init__(self, name: str | None = "mean_absolute_error", dtype: DTypeLike | None = None) -> None:
        super().__init__(mean_absolute_error, name, dtype)


def _direction(function: object) -> str | None:
    """Which results of a function are better, if it is a loss or a function of this package."""
    if isinstance(getattr(function, "__self__", None), Loss):
        return "min"
    accuracies = (accuracy, binary_accuracy, categorical_accuracy, sparse_categorical_accuracy)
    if any(function is each for each in accuracies):
        return "max"
    return "min" if any(function is each for each in FUNCTIONS.values()) else None
