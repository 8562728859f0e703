"""Metrics: how good predictions are, over as many batches as there are."""

from tinygrad_lite.nn.metrics.accuracies import (
    accuracy,
    binary_accuracy,
    categorical_accuracy,
    sparse_categorical_accuracy,
)
from tinygrad_lite.nn.metrics.classes import (
    Accuracy,
    BinaryAccuracy,
    CategoricalAccuracy,
    MeanAbsoluteError,
    MeanMetricWrapper,
    MeanSquaredError,
    SparseCategoricalAccuracy,
)
from tinygrad_lite.nn.metrics.metric import Mean, Metric
from tinygrad_lite.nn.metrics.names import get, resolve

__all__ = [
    "Accuracy", "BinaryAccuracy", "CategoricalAccuracy", "Mean", "MeanAbsoluteError", "MeanMetricWrapper",
    "MeanSquaredError", "Metric", "SparseCategoricalAccuracy", "accuracy", "binary_accuracy",
    "categorical_accuracy", "get", "resolve", "sparse_categorical_accuracy",
]  # fmt: skip
