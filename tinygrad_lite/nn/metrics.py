"""Metrics: how good predictions are, over as many batches as there are.

A metric keeps a weighted sum and the sum of the weights, both in float64, and divides at the end. The result
is that of the whole epoch: not a mean of batch means, which would count the samples of a small last batch
more than the others.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np

from tinygrad_lite import ops
from tinygrad_lite.core.primitive import hold
from tinygrad_lite.core.tensor import Tensor, Variable, to_tensor, to_tensors
from tinygrad_lite.nn import initializers, losses
from tinygrad_lite.utils.names import lookup
from tinygrad_lite.utils.settings import Checked, CheckedOptions, is_real
from tinygrad_lite.utils.types import DTypeLike

__all__ = [
    "Accuracy", "BinaryAccuracy", "CategoricalAccuracy", "Mean", "MeanAbsoluteError", "MeanMetricWrapper",
    "MeanSquaredError", "Metric", "SparseCategoricalAccuracy", "accuracy", "binary_accuracy",
    "categorical_accuracy", "get", "resolve", "sparse_categorical_accuracy",
]  # fmt: skip

# One number for every sample --------------------------------------------------------------------------------


def accuracy(y_true: Any, y_pred: Any) -> Tensor:
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
    y_true, y_pred = losses.line_up(*to_tensors(y_true, y_pred))
    losses.check_shapes("accuracy", y_true, y_pred)
    return ops.equal(y_pred, y_true)


def binary_accuracy(y_true: Any, y_pred: Any, threshold: float = 0.5) -> Tensor:
    """Whether `y_pred > threshold` is what `y_true`, 0 or 1, says.

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
    y_true, y_pred = losses.line_up(*to_tensors(y_true, y_pred))
    losses.check_shapes("binary_accuracy", y_true, y_pred)
    hold(_are_bits, y_true)
    return ops.equal(ops.greater(y_pred, threshold), y_true)


def _are_bits(labels: Any) -> None:
    if not ((labels == 0) | (labels == 1)).all():
        wrong = labels[(labels != 0) & (labels != 1)].flat[0]
        raise ValueError(
            f"binary_accuracy expected labels 0 or 1: no other equals an answer of yes or no. Received: {wrong} among "
            "them. Instead of -1 and 1 pass 0 and 1, which the hinge loss takes too, and nn.metrics.BinaryAccuracy("
            "threshold=0.0) where outputs are no probabilities. For targets that are no classes use 'mae' or 'mse'."
        )


def categorical_accuracy(y_true: Any, y_pred: Any) -> Tensor:
    """Whether the largest prediction is where the largest label is: for one-hot labels.

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
    y_true, y_pred = losses.line_up(*to_tensors(y_true, y_pred))
    if y_true.ndim and y_true.shape == y_pred.shape[:-1]:
        raise ValueError(
            "categorical_accuracy expected one-hot labels of the shape of the predictions. Received: "
            f"y_true.shape={y_true.shape}, y_pred.shape={y_pred.shape}. For integer labels use "
            "sparse_categorical_accuracy."
        )
    losses.check_shapes("categorical_accuracy", y_true, y_pred)
    return ops.equal(ops.argmax(y_pred, axis=-1), ops.argmax(y_true, axis=-1))


def sparse_categorical_accuracy(y_true: Any, y_pred: Any) -> Tensor:
    """Whether the largest prediction is where the label says: for integer labels.

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
    labels = losses.class_labels("sparse_categorical_accuracy", "categorical_accuracy", y_true, y_pred)
    return ops.equal(ops.argmax(y_pred, axis=-1), labels)


# Objects ----------------------------------------------------------------------------------------------------


class Metric(Checked):
    """What all metrics share. A subclass defines `update_state` and `result`.

    Parameters
    ----------
    name : str, optional
        Under which the history lists it. Default: the class's name, in small letters.
    dtype : floating dtype, optional
        Of `result()`. What is remembered stays in float64, unless `add_variable` is told otherwise.

    Raises
    ------
    ValueError
        The name is that of a dtype, or the dtype is not floating.

    Examples
    --------
    >>> class Largest(Metric):
    ...     def __init__(self):
    ...         super().__init__("largest")
    ...         self.largest = self.add_variable("largest")
    ...     def update_state(self, y_true, y_pred, sample_weight=None):
    ...         self.largest.assign(max(self.largest.item(), float(y_pred.max())))
    ...     def result(self):
    ...         return self.largest.value()
    >>> metric = Largest()
    >>> metric.update_state(None, Tensor([1.0, 3.0]))
    >>> metric.result().item()
    3.0
    """

    _settings: ClassVar[dict[str, Callable[[Any, Any], Any]]] = {
        "dtype": lambda self, value: losses.floating(type(self).__name__, value),
        "direction": lambda self, value: _checked_direction(value),
        "threshold": lambda self, value: _threshold(self, value),
    }
    dtype: Any  # a dtype, or None
    direction: str | None = None
    """Which results are better: "max" means larger, "min" smaller ones. None: not known, callbacks ask for `mode`."""

    def __init__(self, name: str | None = None, *, dtype: DTypeLike | None = None) -> None:
        if name in ("float16", "float32", "float64") or not isinstance(name, str | None):
            raise ValueError(
                f"{type(self).__name__} expected a name first. Received: name={name!r}. Pass a dtype by name: "
                "dtype='float32'."
            )
        self.name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", type(self).__name__).lower() if name is None else name
        self.dtype = dtype
        self._variables: list[Variable] = []

    @property
    def variables(self) -> list[Variable]:
        """What the metric remembers."""
        return list(self._variables)

    def add_variable(
        self,
        shape: Sequence[int] | int | str = (),
        initializer: Any = "zeros",
        dtype: DTypeLike | None = None,
        *,
        name: str | None = None,
    ) -> Variable:
        """Something to remember; `reset_state` sets it to zero.

        Parameters
        ----------
        shape : tuple of int
            Default: a single number. A string here is taken for the name of one.
        initializer : str, Initializer or function
            See `nn.initializers`: what it starts with.
        dtype : dtype, optional
            Default: float64.
        name : str, optional

        Returns
        -------
        Variable, of the given shape
        """
        if isinstance(shape, str):
            return self.add_variable((), initializer, dtype, name=shape)
        lengths = (shape,) if isinstance(shape, int) else tuple(shape)
        kind = np.dtype("float64" if dtype is None else dtype)
        value = initializers.get("zeros" if initializer is None else initializer)(lengths, dtype=kind)
        name = f"{self.name}/{name or 'variable'}"
        variable = Variable(value, trainable=False, name=name, dtype=kind)
        self._variables.append(variable)
        return variable

    def add_weight(
        self,
        shape: Sequence[int] | int | str = (),
        initializer: Any = None,
        dtype: DTypeLike | None = None,
        name: str | None = None,
    ) -> Variable:
        """`add_variable`, by the name that it has in older code."""
        return self.add_variable(shape, initializer, dtype, name=name)

    def __call__(self, *args: Any, **kwargs: Any) -> Tensor:
        """`update_state` with the given arguments; returns `result()`."""
        self.update_state(*args, **kwargs)
        return self.result()

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Take one batch into account."""
        raise NotImplementedError(f"{type(self).__name__} must define update_state(self, y_true, y_pred, ...).")

    def result(self) -> Tensor:
        """The value over all batches since the start or `reset_state`."""
        raise NotImplementedError(f"{type(self).__name__} must define result(self).")

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {"name": self.name} if self.dtype is None else {"name": self.name, "dtype": self.dtype.name}

    def reset_state(self) -> None:
        """Forget all batches."""
        for variable in self._variables:
            variable.assign(np.zeros(variable.shape, variable.dtype))

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}>"


class _WeightedMean(Metric):
    """A weighted sum of values and the sum of the weights."""

    def __init__(self, name: str | None = None, dtype: DTypeLike | None = None) -> None:
        super().__init__(name, dtype=dtype)
        self.total = self.add_variable("total")
        self.count = self.add_variable("count")

    def _add(self, values: Tensor, sample_weight: Any) -> None:
        total: Any
        count: Any
        if sample_weight is None:
            total, count = ops.sum(values, dtype=np.float64), float(values.size)
        else:
            values = ops.cast(values, np.float64)
            weight = losses.weights_of(values, sample_weight)
            total, count = ops.sum(values * weight), ops.sum(ops.broadcast_to(weight, values.shape))
        self.total.assign_add(total)
        self.count.assign_add(count)

    def result(self) -> Tensor:
        """The mean over all batches since the start or `reset_state`; 0 if there were none."""
        mean = self.total / ops.where(self.count == 0, 1.0, self.count)
        return mean if self.dtype is None else ops.cast(mean, self.dtype)


class Mean(_WeightedMean):
    """The weighted mean of values.

    Parameters
    ----------
    name : str
    dtype : floating dtype, optional
        Of `result()`.

    Examples
    --------
    >>> mean = Mean()
    >>> mean.update_state([1.0, 2.0, 3.0])
    >>> mean.update_state([10.0])
    >>> mean.result().item()
    4.0
    """

    def __init__(self, name: str | None = "mean", dtype: DTypeLike | None = None) -> None:
        super().__init__(name, dtype)

    def update_state(self, values: Any, sample_weight: Any = None) -> None:  # type: ignore[override]
        """Take values of any shape into account, each with its weight."""
        self._add(to_tensor(values), sample_weight)


class MeanMetricWrapper(CheckedOptions, _WeightedMean):
    """The weighted mean of a function of labels and predictions.

    Parameters
    ----------
    fn : callable
        Takes `(y_true, y_pred)`, returns one number for every sample.
    name : str, optional
        Default: the function's name.
    dtype : floating dtype, optional
        Of `result()`.
    **options
        Passed on to the function.

    Examples
    --------
    >>> metric = MeanMetricWrapper(losses.huber, delta=2.0)
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

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Take one batch into account.

        Parameters
        ----------
        y_true, y_pred : Tensor or array-like
            Of shape (n,) and (n, 1), or the reverse, the function gets both as (n, 1). Of (..., n) and (..., n, 1) it
            gets both without the last axis.
        sample_weight : Tensor or array-like, optional
            A number, or one for each sample. See `Loss`.

        Raises
        ------
        ValueError
            What the function does not accept, or `sample_weight` does not fit.
        """
        values = to_tensor(self.fn(*losses.line_up(y_true, y_pred), **self.options))
        if not values.ndim and sample_weight is None:  # the mean of the batch: count it once for every sample
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
    """How often `y_pred > threshold` is what the label, 0 or 1, says.

    Parameters
    ----------
    name : str
    dtype : floating dtype, optional
        Of `result()`.
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
        super().__init__(binary_accuracy, name, dtype, threshold=_threshold(self, threshold))


class CategoricalAccuracy(MeanMetricWrapper):
    """How often the largest prediction is where the one-hot label is.

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
    """How often the largest prediction is where the integer label says.

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
        super().__init__(losses.mean_squared_error, name, dtype)


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
        super().__init__(losses.mean_absolute_error, name, dtype)


def _threshold(metric: Any, value: Any) -> float:
    if not is_real(value):
        raise ValueError(f"{type(metric).__name__} expected a number as threshold. Received: threshold={value!r}.")
    return float(value)


def _checked_direction(value: Any) -> str | None:
    if value not in ("min", "max", None):
        raise ValueError(f"Expected direction to be 'min', 'max' or None. Received: direction={value!r}.")
    return None if value is None else str(value)


def _direction(function: Any) -> str | None:
    """Which results of a function are the better ones, if it is one of this package or a loss."""
    if isinstance(getattr(function, "__self__", None), losses.Loss):
        return "min"
    accuracies = (accuracy, binary_accuracy, categorical_accuracy, sparse_categorical_accuracy)
    if any(function is each for each in accuracies):
        return "max"
    return "min" if any(function is each for each in losses.FUNCTIONS.values()) else None


# By name ----------------------------------------------------------------------------------------------------

_METRICS: dict[str, Callable[..., Metric]] = {
    "accuracy": Accuracy,
    "acc": Accuracy,
    "binary_accuracy": BinaryAccuracy,
    "categorical_accuracy": CategoricalAccuracy,
    "sparse_categorical_accuracy": SparseCategoricalAccuracy,
    **{name: functools.partial(MeanMetricWrapper, function) for name, function in losses.FUNCTIONS.items()},
}


def get(identifier: Any) -> Metric:
    """The metric that `identifier` names.

    Parameters
    ----------
    identifier : str, Metric, subclass of Metric, Loss, or callable
        A name, whatever the capitals, gives a new metric that bears this name; a loss or another function of
        `(y_true, y_pred)` is averaged; a metric is returned as it is.

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
    if isinstance(identifier, losses.Loss):
        return MeanMetricWrapper(identifier.call, identifier.name)
    if callable(identifier):
        return MeanMetricWrapper(identifier)
    return lookup("metric", _METRICS, identifier)(name=identifier)


def resolve(
    identifier: Any,
    loss: Any = None,
    output_shape: tuple[int | None, ...] | None = None,
    target_shape: tuple[int | None, ...] | None = None,
) -> Metric:
    """Like `get`, but "accuracy" and "acc" become the accuracy that fits the model and its labels.

    Binary if there is one output; sparse categorical for integer labels, as the loss or the labels' shape
    tells; else categorical. For a loss of logits the binary threshold is 0 instead of 0.5.

    Parameters
    ----------
    identifier : str, Metric, subclass of Metric, Loss, or callable
    loss : Loss, optional
        What the model is trained with.
    output_shape : tuple, optional
        Of the predictions, the batch's axis included.
    target_shape : tuple, optional
        Of the labels, the batch's axis included.

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
        is_binary = isinstance(loss, losses.BinaryCrossentropy)
    else:
        is_binary = len(output_shape) == 1 or output_shape[-1] == 1
    if is_binary:
        return BinaryAccuracy(identifier, threshold=0.0 if getattr(loss, "from_logits", False) else 0.5)
    sparse = isinstance(loss, losses.SparseCategoricalCrossentropy)
    if output_shape is not None and target_shape is not None:
        sparse = sparse or len(target_shape) < len(output_shape) or target_shape[-1] == 1
    return SparseCategoricalAccuracy(identifier) if sparse else CategoricalAccuracy(identifier)
