"""Losses: how wrong a prediction is, as one number for every sample.

Each loss is a function of `(y_true, y_pred)` that takes the mean over the last axis, and a class of the
same name in capitals that weights the samples and reduces them to one number. Nothing is broadcast: labels of
shape (n,) and predictions of shape (n, 1) are lined up, and what differs otherwise is an error.

The cross-entropies are computed from logits where that is possible, because there they are exact: the
logarithm of a softmax is a difference, also where the softmax itself rounds to 0 or 1.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from tinygrad_lite import ops
from tinygrad_lite.core.primitive import hold
from tinygrad_lite.core.tensor import Tensor, float_dtype, to_tensor, to_tensors
from tinygrad_lite.ops.cross_entropies import _sparse_cross_entropy, check_labels
from tinygrad_lite.utils.names import holds, lookup
from tinygrad_lite.utils.settings import Checked, CheckedOptions, flag, is_real
from tinygrad_lite.utils.types import Array, DTypeLike

__all__ = [
    "BinaryCrossentropy", "CategoricalCrossentropy", "Hinge", "Huber", "KLDivergence", "Loss",
    "LossFunctionWrapper", "MeanAbsoluteError", "MeanSquaredError", "SparseCategoricalCrossentropy",
    "binary_crossentropy", "categorical_crossentropy", "get", "hinge", "huber", "kl_divergence",
    "mean_absolute_error", "mean_squared_error", "sparse_categorical_crossentropy",
]  # fmt: skip

EPSILON = 1e-7
"""Probabilities are kept this far from 0 and 1, so that their logarithms stay finite."""

# Differences ------------------------------------------------------------------------------------------------


def mean_squared_error(y_true: Any, y_pred: Any) -> Tensor:
    """The mean of (y_pred - y_true)² over the last axis.

    Parameters
    ----------
    y_true, y_pred : Tensor or array-like, shape (..., n)

    Returns
    -------
    Tensor, shape (...)

    Raises
    ------
    ValueError
        The shapes differ, but for an axis of length one at the end.

    Examples
    --------
    >>> mean_squared_error([[0.0, 1.0]], [[1.0, 1.0]]).numpy()
    array([0.5], dtype=float32)
    """
    y_true, y_pred = _aligned("mean_squared_error", y_true, y_pred)
    return ops.mean(ops.square(y_pred - y_true), axis=-1)


def mean_absolute_error(y_true: Any, y_pred: Any) -> Tensor:
    """The mean of |y_pred - y_true| over the last axis.

    Parameters
    ----------
    y_true, y_pred : Tensor or array-like, shape (..., n)

    Returns
    -------
    Tensor, shape (...)

    Raises
    ------
    ValueError
        The shapes differ, but for an axis of length one at the end.

    Examples
    --------
    >>> mean_absolute_error([[0.0, 1.0]], [[1.0, 1.0]]).numpy()
    array([0.5], dtype=float32)
    """
    y_true, y_pred = _aligned("mean_absolute_error", y_true, y_pred)
    return ops.mean(ops.absolute(y_pred - y_true), axis=-1)


def huber(y_true: Any, y_pred: Any, delta: float = 1.0) -> Tensor:
    """The mean over the last axis of e²/2 where |e| ≤ delta, else delta·(|e| - delta/2); e = y_pred - y_true.

    Parameters
    ----------
    y_true, y_pred : Tensor or array-like, shape (..., n)
    delta : float
        Where the parabola goes over into straight lines; positive.

    Returns
    -------
    Tensor, shape (...)

    Raises
    ------
    ValueError
        The shapes differ, but for an axis of length one at the end; or `delta` is not positive.

    Examples
    --------
    >>> huber([[0.0, 0.0]], [[1.0, 3.0]]).numpy()
    array([1.5], dtype=float32)
    """
    if not holds(lambda x: x > 0, delta):
        raise ValueError(f"huber expected a positive delta. Received: delta={delta!r}.")
    y_true, y_pred = _aligned("huber", y_true, y_pred)
    error = y_pred - y_true
    near = ops.clip(error, -delta, delta)
    return ops.mean(near * (error - 0.5 * near), axis=-1)


def hinge(y_true: Any, y_pred: Any) -> Tensor:
    """The mean of max(1 - y_true·y_pred, 0) over the last axis.

    Parameters
    ----------
    y_true : Tensor or array-like, shape (..., n)
        -1 or 1. If there are only zeros and ones, a zero means -1.
    y_pred : Tensor or array-like, shape (..., n)

    Returns
    -------
    Tensor, shape (...)

    Raises
    ------
    ValueError
        The shapes differ, but for an axis of length one at the end.

    Examples
    --------
    >>> hinge([[-1.0, 1.0]], [[0.5, 2.0]]).numpy()
    array([0.75], dtype=float32)
    """
    y_true, y_pred = _aligned("hinge", y_true, y_pred)
    only_bits = ops.all((y_true == 0) | (y_true == 1))
    signs = ops.where(only_bits, 2 * y_true - 1, y_true)
    return ops.mean(ops.maximum(1 - signs * y_pred, 0), axis=-1)


# Distributions ----------------------------------------------------------------------------------------------


def kl_divergence(y_true: Any, y_pred: Any) -> Tensor:
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
    y_true, y_pred = _aligned("kl_divergence", y_true, y_pred)
    if y_pred.dtype == np.float16:  # in which 1 / EPSILON is infinite
        return ops.cast(kl_divergence(*(ops.cast(y, np.float32) for y in (y_true, y_pred))), np.float16)
    _check_probabilities("kl_divergence", "y_true", y_true, "Normalise the labels.")
    _check_probabilities("kl_divergence", "y_pred", y_pred, "If these are logits, apply softmax to them first.")
    y_true, y_pred = ops.clip(y_true, EPSILON, 1.0), ops.clip(y_pred, EPSILON, 1.0)
    return ops.sum(y_true * ops.log(y_true / y_pred), axis=-1)


def binary_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1
) -> Tensor:
    """The mean over an axis of -y·log p - (1 - y)·log(1 - p): for questions answered by yes or no.

    Parameters
    ----------
    y_true : Tensor or array-like, shape (..., n)
        0 or 1, or probabilities.
    y_pred : Tensor or array-like, shape (..., n)
        The probabilities p, or with `from_logits` what sigmoid makes them from.
    from_logits : bool
    label_smoothing : float
        From 0 to 1: how far labels are moved towards 1/2.
    axis : int
        Along which the mean is taken.

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
    y_true, y_pred = _aligned("binary_crossentropy", y_true, y_pred)
    _check_probabilities("binary_crossentropy", "y_true", y_true, _BINARY_LABELS)
    y_true = _smoothed(y_true, label_smoothing, 2)
    if from_logits:
        return ops.mean(ops.sigmoid_cross_entropy_with_logits(y_true, y_pred), axis=axis)
    _check_probabilities("binary_crossentropy", "y_pred", y_pred, _IF_LOGITS)
    p = _inside(y_pred)
    return -ops.mean(y_true * ops.log(p) + (1 - y_true) * ops.log(1 - p), axis=axis)


def categorical_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1
) -> Tensor:
    """-Σ y_true · log y_pred over the axis of the classes: for labels that are one-hot, or distributions.

    Parameters
    ----------
    y_true : Tensor or array-like, shape (..., classes)
    y_pred : Tensor or array-like, shape (..., classes)
        Probabilities, normalised to sum to one, or with `from_logits` what softmax makes them from.
    from_logits : bool
    label_smoothing : float
        From 0 to 1: how far labels are moved towards 1/classes.
    axis : int
        Along which the classes are, in labels and predictions.

    Returns
    -------
    Tensor, shape (...)

    Raises
    ------
    ValueError
        The shapes differ (for integer labels, `sparse_categorical_crossentropy` is named), there are less
        than two classes, or labels or probabilities are outside of [0, 1].

    Examples
    --------
    >>> categorical_crossentropy([[0.0, 1.0]], [[1e4, 0.0]], from_logits=True).numpy()
    array([10000.], dtype=float32)
    """
    y_true, y_pred = _tensors(y_true, y_pred)
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
    y_true, y_pred = _aligned("categorical_crossentropy", y_true, y_pred)
    _check_probabilities("categorical_crossentropy", "y_true", y_true, "Make the labels one-hot.")
    y_true = _smoothed(y_true, label_smoothing, y_pred.shape[-1])
    if from_logits:
        return ops.softmax_cross_entropy_with_logits(y_true, y_pred)
    return _cross_entropy("categorical_crossentropy", y_true, y_pred)


def sparse_categorical_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, ignore_class: int | None = None, axis: int = -1
) -> Tensor:
    """-log y_pred[label]: for labels that are integers.

    Parameters
    ----------
    y_true : Tensor or array-like of integers, shape (...) or (..., 1)
        From 0 to classes - 1.
    y_pred : Tensor or array-like, shape (..., classes)
        Probabilities, normalised to sum to one, or with `from_logits` what softmax makes them from.
    from_logits : bool
    ignore_class : int, optional
        A label, perhaps outside of the classes, of samples whose loss is 0. The class `SparseCategoricalCrossentropy`
        leaves them out of its means too.
    axis : int
        Along which the classes are in the predictions.

    Returns
    -------
    Tensor, shape (...)

    Raises
    ------
    ValueError
        The shapes do not fit (for one-hot labels, `categorical_crossentropy` is named), there are less than
        two classes, a label is outside of the classes, or a probability outside of [0, 1].
    TypeError
        The labels are not integers.

    Examples
    --------
    >>> sparse_categorical_crossentropy([1], [[1e4, 0.0]], from_logits=True).numpy()
    array([10000.], dtype=float32)
    """
    y_true, y_pred = _tensors(y_true, y_pred)
    if axis != -1:
        y_pred = _last("sparse_categorical_crossentropy", y_pred, axis)
    _check_classes("sparse_categorical_crossentropy", y_pred)
    labels = class_labels("sparse_categorical_crossentropy", "categorical_crossentropy", y_true, y_pred)
    if ignore_class is not None:
        counts = ops.not_equal(labels, ignore_class)
        losses = sparse_categorical_crossentropy(ops.where(counts, labels, 0), y_pred, from_logits)
        return ops.where(counts, losses, 0.0)
    classes = y_pred.shape[-1]
    hold(check_labels, labels, classes=classes)
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
    """Probabilities off 0 and 1: by `EPSILON`, or by as much as their dtype, float16, can tell from 1."""
    return ops.clip(p, EPSILON, 1 - max(EPSILON, float(np.finfo(p.dtype).epsneg)))


def _smoothed(y_true: Tensor, label_smoothing: float, classes: int) -> Tensor:
    """Labels moved towards the even distribution over `classes`."""
    if not holds(lambda x: 0 <= x <= 1, label_smoothing):
        raise ValueError(f"Expected label_smoothing from 0 to 1. Received: label_smoothing={label_smoothing!r}.")
    return y_true * (1 - label_smoothing) + label_smoothing / classes if label_smoothing else y_true


# Checks -----------------------------------------------------------------------------------------------------

_IF_LOGITS = "If these are logits, with no softmax or sigmoid at the end, pass from_logits=True."
_BINARY_LABELS = "Labels are 0 or 1: use hinge for -1 and 1, sparse_categorical_crossentropy for class numbers."


def _tensors(y_true: Any, y_pred: Any) -> tuple[Tensor, Tensor]:
    """Both as tensors, lined up, the predictions as floats."""
    y_pred = to_tensor(y_pred, float_dtype(y_true))
    y_pred = y_pred if y_pred.dtype.kind == "f" else ops.cast(y_pred, "float32")
    y_true = to_tensor(y_true, y_pred.dtype)
    return (y_true, y_pred) if y_true.ndim == y_pred.ndim else line_up(y_true, y_pred)


def _aligned(name: str, y_true: Any, y_pred: Any) -> tuple[Tensor, Tensor]:
    """Both as tensors of one shape, the labels in the dtype of the predictions."""
    y_true, y_pred = _tensors(y_true, y_pred)
    check_shapes(name, y_true, y_pred)
    return y_true if y_true.dtype == y_pred.dtype else ops.cast(y_true, y_pred.dtype), y_pred


def line_up(y_true: Any, y_pred: Any) -> tuple[Any, Any]:
    """Labels and predictions as tensors; where one has an axis of length one more, at its end, both with or without it.

    With (n,) and (n, 1) both are (n, 1), with (n, t) and (n, t, 1) both are (n, t), as in Keras. All other shapes, and
    what is no array, stay as they are.
    """
    if not (_is_array_like(y_true) and _is_array_like(y_pred)):
        return y_true, y_pred
    y_true, y_pred = to_tensors(y_true, y_pred)
    a, b = y_true.shape, y_pred.shape
    if (*a, 1) == b:
        return (ops.reshape(y_true, b), y_pred) if len(a) < 2 else (y_true, ops.reshape(y_pred, a))
    if a == (*b, 1):
        return (y_true, ops.reshape(y_pred, a)) if len(b) < 2 else (ops.reshape(y_true, b), y_pred)
    return y_true, y_pred


def _is_array_like(value: Any) -> bool:
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
    """Labels with one integer for each row of predictions, `(..., 1)` made into `(...)`."""
    rows, shape = y_pred.shape[:-1], y_true.shape
    if shape == rows or shape == (*rows, 1):
        if y_true.dtype.kind not in "iu":  # 1.5 would be no class at all, and its loss 0
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


def _check_classes(name: str, y_pred: Tensor) -> None:
    if not y_pred.ndim or y_pred.shape[-1] < 2:
        raise ValueError(
            f"{name} expected predictions for at least two classes along the last axis. Received: y_pred.shape="
            f"{y_pred.shape}. For one yes-or-no output use binary_crossentropy with a sigmoid."
        )


def _check_probabilities(name: str, argument: str, values: Tensor, fix: str) -> None:
    """Raise for numbers outside of [0, 1], but for rounding; nan passes, so that it shows in the loss."""
    hold(_within_0_and_1, values, name=name, argument=argument, fix=fix)


def _within_0_and_1(values: Array, name: str, argument: str, fix: str) -> None:
    if not values.size:
        return
    low, high = values.min(), values.max()
    if low < -1e-3 or high > 1 + 1e-3:
        raise ValueError(
            f"{name} expected {argument} from 0 to 1. Received: {argument} with numbers from {low:.4g} to "
            f"{high:.4g}. {fix}"
        )


# Objects ----------------------------------------------------------------------------------------------------

_REDUCTIONS = ("sum_over_batch_size", "mean", "mean_with_sample_weight", "sum", "none")


class Loss(Checked):
    """A loss as an object: called, it weights the samples and reduces them to one number.

    Subclass it and define `call(self, y_true, y_pred)`, which returns a loss for every sample.

    Parameters
    ----------
    name : str, optional
        Default: the class's name, in small letters.
    reduction : str or None
        "sum_over_batch_size" and "mean" divide the sum of the weighted losses by their number,
        "mean_with_sample_weight" by the sum of the weights; "sum" does not divide; "none" and None leave
        every sample's loss as it is.
    dtype : floating dtype, optional
        What labels and predictions are converted to. Default: they keep theirs.

    Raises
    ------
    ValueError
        There is no such reduction, the name is that of one, or the dtype is not floating.

    Examples
    --------
    >>> class MeanCubicError(Loss):
    ...     def call(self, y_true, y_pred):
    ...         return abs(y_pred - y_true).mean(axis=-1) ** 3
    >>> MeanCubicError()([[1.0]], Tensor([[3.0]])).item()
    8.0
    """

    _settings: ClassVar[dict[str, Callable[[Any, Any], Any]]] = {
        "reduction": lambda self, value: _reduction(self, value),
        "dtype": lambda self, value: floating(type(self).__name__, value),
        "from_logits": lambda self, value: flag("from_logits", value),
        "label_smoothing": lambda self, value: _smoothing(value),
        "delta": lambda self, value: _delta(value),
    }
    reduction: Any  # a str
    dtype: Any  # a dtype, or None

    def __init__(
        self,
        name: str | None = None,
        reduction: str | None = "sum_over_batch_size",
        dtype: DTypeLike | None = None,
    ) -> None:
        if name in _REDUCTIONS:
            raise ValueError(
                f"{type(self).__name__} expected a name first. Received: name={name!r}. Pass the reduction by name: "
                f"reduction={name!r}."
            )
        self.reduction = reduction
        self.name = name or re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", type(self).__name__).lower()
        self.dtype = dtype

    def call(self, y_true: Any, y_pred: Any) -> Tensor:
        """The loss of every sample."""
        raise NotImplementedError(f"{type(self).__name__} must define call(self, y_true, y_pred).")

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Tensor:
        """The losses of the samples, weighted and reduced.

        Parameters
        ----------
        y_true, y_pred : Tensor or array-like
            Of shape (n,) and (n, 1), or the reverse, `call` gets both as (n, 1). Of (..., n) and (..., n, 1) it gets
            both without the last axis.
        sample_weight : Tensor or array-like, optional
            A number, or one for each sample, (samples,) or (samples, 1). For losses of more axes its shape is that of
            the losses, or the first axes of it; axes of length one are broadcast along those of the losses.

        Returns
        -------
        Tensor
            0-d, or with the reduction "none" the shape of the losses.

        Raises
        ------
        ValueError
            What the loss itself does not accept, or `sample_weight` does not fit.
        """
        y_true, y_pred = line_up(y_true, y_pred)
        if self.dtype is not None:
            y_true, y_pred = (ops.cast(y, self.dtype) if y.dtype.kind == "f" else y for y in _tensors(y_true, y_pred))
        losses = to_tensor(self.call(y_true, y_pred))
        sample_weight = self._weights(y_true, sample_weight, losses)
        weight = None
        if sample_weight is not None:
            weight = weights_of(losses, sample_weight)
            losses = losses * weight
        if self.reduction == "none":
            return losses
        if self.reduction == "sum" or not losses.size:
            return ops.sum(losses)
        if self.reduction == "mean_with_sample_weight" and weight is not None:
            total = ops.sum(ops.broadcast_to(weight, losses.shape))
            return ops.sum(losses) / ops.where(total == 0, 1.0, total)  # no weight at all: 0
        return ops.mean(losses)

    def _weights(self, y_true: Any, sample_weight: Any, losses: Tensor) -> Any:
        """What the losses are weighted by: the user's weights, and what the loss itself knows of the labels."""
        return sample_weight

    def divisor(self, y_true: Any, sample_weight: Any = None) -> Any:
        """What the losses of a batch were divided by, up to a factor that all batches share: its share in an epoch."""
        if self.reduction == "mean_with_sample_weight" and sample_weight is not None:
            return ops.sum(sample_weight)
        return float(len(y_true))

    def for_logits_of(self, activation: Any) -> Loss | None:
        """This loss as a function of what enters `activation`, or None where it has no such form.

        Softmax followed by a cross-entropy is less exact and slower than the cross-entropy of the logits; a
        model that ends in `activation` can leave it out and train with this loss instead. Only the cross-entropies of
        this package have such a form, as they are written: a subclass, or a method that was replaced, may compute
        anything.
        """
        return None

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        config: dict[str, Any] = {"reduction": self.reduction, "name": self.name}
        return config if self.dtype is None else config | {"dtype": self.dtype.name}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Loss:
        """A new loss with the arguments that `get_config` gave."""
        return cls(**config)


def _reduction(loss: Loss, value: Any) -> str:
    reduction = "none" if value is None else value
    if reduction not in _REDUCTIONS:
        raise ValueError(
            f"{type(loss).__name__} expected one of {', '.join(map(repr, _REDUCTIONS))}. Received: reduction={value!r}."
        )
    return str(reduction)


def _smoothing(value: Any) -> float:
    if not (is_real(value) and 0 <= value <= 1):
        raise ValueError(f"Expected label_smoothing from 0 to 1. Received: label_smoothing={value!r}.")
    return float(value)


def _delta(value: Any) -> float:
    if not (is_real(value) and value > 0):
        raise ValueError(f"huber expected a positive delta. Received: delta={value!r}.")
    return float(value)


def floating(owner: str, dtype: Any) -> np.dtype[Any] | None:
    """A floating dtype, or None."""
    if dtype is None:
        return None
    try:
        kind = np.dtype(dtype)
    except TypeError:
        kind = np.dtype(object)
    if kind.kind != "f":
        raise ValueError(
            f"{owner} expected dtype to be floating, or None. Received: dtype={dtype!r}. Pass arguments by their names."
        )
    return kind


def weights_of(values: Tensor, sample_weight: Any) -> Tensor:
    """Weights in the dtype of `values`, with as many axes, each of the same length or of length one.

    The weights' axes are the first ones of `values`. One axis more, of length one at the end, is taken off.
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


class LossFunctionWrapper(CheckedOptions, Loss):
    """A function of `(y_true, y_pred)` as a Loss.

    Parameters
    ----------
    fn : callable
        Returns a loss for every sample.
    reduction : str or None
        See `Loss`.
    name : str, optional
        Default: the function's name.
    **options
        Passed on to the function.

    Examples
    --------
    >>> LossFunctionWrapper(huber, delta=2.0)([[0.0]], [[1.0]]).item()
    0.5
    """

    activation: Callable[..., Any] | None = None
    """The activation from whose logits the loss can be computed."""

    def __init__(
        self,
        fn: Callable[..., Any],
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        dtype: DTypeLike | None = None,
        **options: Any,
    ) -> None:
        super().__init__(name or getattr(fn, "__name__", None), reduction, dtype)
        self.fn = fn
        self.options = {}
        for option, value in options.items():
            convert = self._settings.get(option)
            self.options[option] = value if convert is None else convert(self, value)

    def call(self, y_true: Any, y_pred: Any) -> Tensor:
        return self.fn(y_true, y_pred, **self.options)

    @property
    def from_logits(self) -> bool:
        """Whether predictions are logits."""
        return bool(self.options.get("from_logits", False))

    def for_logits_of(self, activation: Any) -> Loss | None:
        if not self._is_as_written() or activation is not self.activation or self.from_logits:
            return None
        if self.options.get("axis", -1) != -1:  # softmax is along the last axis
            return None
        twin = copy.copy(self)
        twin.options = {**self.options, "from_logits": True}
        return twin

    def _is_as_written(self) -> bool:
        """Whether it is one of the cross-entropies below, with no method and no function replaced."""
        function, methods = _WRITTEN.get(type(self), (None, {}))
        return (
            self.fn is function
            and methods.keys().isdisjoint(vars(self))
            and all(getattr(type(self), name) == method for name, method in methods.items())
        )

    def get_config(self) -> dict[str, Any]:
        function = {"fn": self.fn} if type(self) is LossFunctionWrapper else {}
        return super().get_config() | function | self.options


class MeanSquaredError(LossFunctionWrapper):
    """The mean of (y_pred - y_true)²: see `mean_squared_error`, and `Loss` for the arguments.

    Examples
    --------
    >>> print(f"{MeanSquaredError()([[0.0, 1.0]], [[0.5, 1.0]]):.3f}")
    0.125
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "mean_squared_error",
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__(mean_squared_error, reduction, name, dtype)


class MeanAbsoluteError(LossFunctionWrapper):
    """The mean of |y_pred - y_true|: see `mean_absolute_error`, and `Loss` for the arguments.

    Examples
    --------
    >>> print(f"{MeanAbsoluteError()([[0.0, 1.0]], [[0.5, 1.0]]):.3f}")
    0.250
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "mean_absolute_error",
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__(mean_absolute_error, reduction, name, dtype)


class Huber(LossFunctionWrapper):
    """A parabola near zero, straight lines further out: see `huber`, and `Loss` for the arguments.

    Examples
    --------
    >>> print(f"{Huber()([[0.0, 1.0]], [[3.0, 1.0]]):.3f}")
    1.250
    """

    def __init__(
        self,
        delta: float = 1.0,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "huber_loss",
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__(huber, reduction, name, dtype, delta=delta)


class Hinge(LossFunctionWrapper):
    """The mean of max(1 - y_true·y_pred, 0): see `hinge`, and `Loss` for the arguments.

    Examples
    --------
    >>> print(f"{Hinge()([[-1.0, 1.0]], [[0.5, 2.0]]):.3f}")
    0.750
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "hinge",
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__(hinge, reduction, name, dtype)


class KLDivergence(LossFunctionWrapper):
    """Σ y_true · log(y_true / y_pred): see `kl_divergence`, and `Loss` for the arguments.

    Examples
    --------
    >>> print(f"{KLDivergence()([[0.5, 0.5]], [[0.25, 0.75]]):.3f}")
    0.144
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "kl_divergence",
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__(kl_divergence, reduction, name, dtype)


class BinaryCrossentropy(LossFunctionWrapper):
    """Cross-entropy of yes-or-no labels: see `binary_crossentropy`, and `Loss` for the arguments.

    Examples
    --------
    >>> loss = BinaryCrossentropy(from_logits=True)
    >>> f"{loss([[1.0], [0.0]], [[2.0], [-2.0]]).item():.4f}"  # log(1 + e⁻²)
    '0.1269'
    """

    activation = ops.sigmoid

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "binary_crossentropy",
        dtype: DTypeLike | None = None,
    ) -> None:
        options = {"from_logits": from_logits, "label_smoothing": label_smoothing, "axis": axis}
        super().__init__(binary_crossentropy, reduction, name, dtype, **options)


class CategoricalCrossentropy(LossFunctionWrapper):
    """Cross-entropy of one-hot labels: see `categorical_crossentropy`, and `Loss` for the arguments.

    Examples
    --------
    >>> loss = CategoricalCrossentropy()
    >>> f"{loss([[0.0, 1.0]], [[0.5, 0.5]]).item():.4f}"  # log 2
    '0.6931'
    """

    activation = ops.softmax

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "categorical_crossentropy",
        dtype: DTypeLike | None = None,
    ) -> None:
        options = {"from_logits": from_logits, "label_smoothing": label_smoothing, "axis": axis}
        super().__init__(categorical_crossentropy, reduction, name, dtype, **options)


class SparseCategoricalCrossentropy(LossFunctionWrapper):
    """Cross-entropy of integer labels: see `sparse_categorical_crossentropy`, and `Loss` for the arguments.

    Examples
    --------
    >>> loss = SparseCategoricalCrossentropy()
    >>> f"{loss([1], [[0.5, 0.5]]).item():.4f}"  # log 2
    '0.6931'
    """

    activation = ops.softmax

    def __init__(
        self,
        from_logits: bool = False,
        ignore_class: int | None = None,
        reduction: str | None = "sum_over_batch_size",
        axis: int = -1,
        name: str | None = "sparse_categorical_crossentropy",
        dtype: DTypeLike | None = None,
    ) -> None:
        if isinstance(ignore_class, bool) or not isinstance(ignore_class, int | np.integer | None):
            raise TypeError(
                f"SparseCategoricalCrossentropy expected a label as ignore_class, or None. Received: ignore_class="
                f"{ignore_class!r}. Pass a reduction by name."
            )
        options = {"from_logits": from_logits, "ignore_class": ignore_class, "axis": axis}
        super().__init__(sparse_categorical_crossentropy, reduction, name, dtype, **options)

    def divisor(self, y_true: Any, sample_weight: Any = None) -> Any:
        if self.options["ignore_class"] is None:
            return super().divisor(y_true, sample_weight)
        counts = ops.cast(ops.not_equal(to_tensor(y_true), self.options["ignore_class"]), np.float64)
        if self.reduction == "mean_with_sample_weight" and sample_weight is not None:
            counts = counts * weights_of(counts, sample_weight)
        return ops.sum(counts)

    def _weights(self, y_true: Any, sample_weight: Any, losses: Tensor) -> Any:
        ignored = self.options["ignore_class"]
        if ignored is None:
            return sample_weight
        counts = ops.cast(ops.reshape(ops.not_equal(to_tensor(y_true), ignored), losses.shape), losses.dtype)
        if self.reduction in ("sum_over_batch_size", "mean"):  # the mean of those that count
            counts = counts * losses.size / ops.maximum(ops.sum(counts), 1)
        return counts if sample_weight is None else counts * weights_of(losses, sample_weight)


_WRITTEN: dict[type[Loss], tuple[Any, dict[str, Any]]] = {
    cls: (
        function,
        {name: getattr(cls, name) for name in dir(cls) if not name.startswith("__") or name == "__call__"},
    )
    for cls, function in (
        (BinaryCrossentropy, binary_crossentropy),
        (CategoricalCrossentropy, categorical_crossentropy),
        (SparseCategoricalCrossentropy, sparse_categorical_crossentropy),
    )
}
"""The function and the methods of the losses that can be computed from logits."""

# By name ----------------------------------------------------------------------------------------------------

_OF_FUNCTION: dict[Any, type[Loss]] = {
    mean_squared_error: MeanSquaredError,
    mean_absolute_error: MeanAbsoluteError,
    huber: Huber,
    hinge: Hinge,
    kl_divergence: KLDivergence,
    binary_crossentropy: BinaryCrossentropy,
    categorical_crossentropy: CategoricalCrossentropy,
    sparse_categorical_crossentropy: SparseCategoricalCrossentropy,
}

FUNCTIONS: dict[str, Callable[..., Tensor]] = {
    **{function.__name__: function for function in _OF_FUNCTION},
    "mse": mean_squared_error,
    "mae": mean_absolute_error,
    "kld": kl_divergence,
    "bce": binary_crossentropy,
}
"""The per-sample functions by name and by short name."""


def get(identifier: Any) -> Loss:
    """The loss that `identifier` names.

    Parameters
    ----------
    identifier : str, Loss, subclass of Loss, or callable
        A name like "mse" or "binary_crossentropy", whatever the capitals, gives a Loss with its defaults, and
        so does a class; a function of `(y_true, y_pred)` is wrapped; a Loss is returned as it is.

    Returns
    -------
    Loss

    Raises
    ------
    ValueError
        There is no loss of that name.
    TypeError
        `identifier` is something else.

    Examples
    --------
    >>> get("mse")([[1.0]], [[3.0]]).item()
    4.0
    """
    if isinstance(identifier, Loss):
        return identifier
    if isinstance(identifier, type) and issubclass(identifier, Loss):
        return identifier()
    function = identifier if callable(identifier) else lookup("loss", FUNCTIONS, identifier)
    known = _OF_FUNCTION.get(function)
    return LossFunctionWrapper(function) if known is None else known()
