"""Metrics by name: `get("mae")`, and `resolve("accuracy")`, which depends on the model."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeAlias

from tinygrad_lite.nn.losses.classes import BinaryCrossentropy, SparseCategoricalCrossentropy
from tinygrad_lite.nn.losses.loss import Loss
from tinygrad_lite.nn.losses.names import FUNCTIONS
from tinygrad_lite.nn.metrics.classes import (
    Accuracy,
    BinaryAccuracy,
    CategoricalAccuracy,
    MeanMetricWrapper,
    SparseCategoricalAccuracy,
)
from tinygrad_lite.nn.metrics.metric import Metric
from tinygrad_lite.utils.names import lookup

__all__ = ["MetricLike", "get", "resolve"]

MetricLike: TypeAlias = str | Metric | type[Metric] | Loss | Callable[..., Any]  # the result is converted
"""What `get` makes a metric of: a name, a metric or its class, a loss, or a function of `(y_true, y_pred)`."""

_METRICS: dict[str, Callable[..., Metric]] = {
    "accuracy": Accuracy,
    "acc": Accuracy,
    "binary_accuracy": BinaryAccuracy,
    "categorical_accuracy": CategoricalAccuracy,
    "sparse_categorical_accuracy": SparseCategoricalAccuracy,
    **{name: functools.partial(MeanMetricWrapper, function) for name, function in FUNCTIONS.items()},
}


def get(identifier: MetricLike) -> Metric:
    """The metric that `identifier` names.

    Parameters
    ----------
    identifier : str, Metric, subclass of Metric, Loss, or callable
        A name, in upper or lower case, gives a new metric of this name. A loss or another function of
        `(y_true, y_pred)` is averaged. A metric is returned as it is.

    Returns
    -------
    Metric

    Raises
    ------
    ValueError
        There is no metric of that name.
    TypeError
        `identifier` is something else.

    Examples
    --------
    >>> get("mae")
    <MeanMetricWrapper 'mae'>
    """
    if isinstance(identifier, Metric):
        return identifier
    if isinstance(identifier, type) and issubclass(identifier, Metric):
        return identifier()
    if isinstance(identifier, Loss):
        return MeanMetricWrapper(identifier.call, identifier.name)
    if callable(identifier):
        return MeanMetricWrapper(identifier)
    return lookup("metric", _METRICS, identifier)(name=identifier)


def resolve(
    identifier: MetricLike,
    loss: object = None,
    output_shape: tuple[int | None, ...] | None = None,
    target_shape: tuple[int | None, ...] | None = None,
) -> Metric:
    """Like `get`, but "accuracy" and "acc" become the accuracy that fits the model and its labels.

    It is binary if there is one output, sparse categorical if the loss or the shape of the labels implies integer
    labels, and otherwise categorical. For a loss of logits the binary threshold is 0 instead of 0.5.

    Parameters
    ----------
    identifier : str, Metric, subclass of Metric, Loss, or callable
    loss : Loss, optional
        The loss that the model is trained with.
    output_shape : tuple, optional
        Shape of the predictions, with the batch's axis.
    target_shape : tuple, optional
        Shape of the labels, with the batch's axis.

    Returns
    -------
    Metric

    Examples
    --------
    >>> resolve("accuracy", output_shape=(None, 10), target_shape=(None,))
    <SparseCategoricalAccuracy 'accuracy'>
    >>> resolve("accuracy", output_shape=(None, 1))
    <BinaryAccuracy 'accuracy'>
    """
    if not isinstance(identifier, str) or identifier.lower() not in ("accuracy", "acc"):
        return get(identifier)
    if output_shape is None:
        is_binary = isinstance(loss, BinaryCrossentropy)
    else:
        is_binary = len(output_shape) == 1 or output_shape[-1] == 1
    if is_binary:
        return BinaryAccuracy(identifier, threshold=0.0 if getattr(loss, "from_logits", False) else 0.5)
    sparse = isinstance(loss, SparseCategoricalCrossentropy)
    if output_shape is not None and target_shape is not None:
        sparse = sparse or len(target_shape) < len(output_shape) or target_shape[-1] == 1
    return SparseCategoricalAccuracy(identifier) if sparse else CategoricalAccuracy(identifier)
