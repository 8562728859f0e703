"""The base class of losses: it lines up labels and predictions, weights the samples, and reduces to one number."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from tinygrad_lite import ops
from tinygrad_lite.core.tensor import Tensor, TensorLike, to_tensor
from tinygrad_lite.nn.losses.alignment import as_tensors, line_up, weights_of
from tinygrad_lite.utils.settings import Checked, flag, is_real
from tinygrad_lite.utils.types import DTypeLike

__all__ = ["Loss", "floating"]

REDUCTIONS = ("sum_over_batch_size", "mean", "mean_with_sample_weight", "sum", "none")


class Loss(Checked):
    """The base class of losses. A call weights the losses of the samples and reduces them to one number.

    Subclass it and define `call(self, y_true, y_pred)`, which returns a loss for every sample.

    Parameters
    ----------
    name : str, optional
        Default: the class's name in snake case.
    reduction : str or None
        "sum_over_batch_size" and "mean" divide the sum of the weighted losses by their number,
        "mean_with_sample_weight" by the sum of the weights; "sum" does not divide; "none" and None
        return the loss of every sample.
    dtype : floating dtype, optional
        The dtype that labels and predictions are converted to. Default: theirs.

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
    reduction: Any  # None may be set; it is kept as a str
    dtype: Any  # all that NumPy takes as a dtype may be set; a dtype or None is kept

    def __init__(
        self,
        name: str | None = None,
        reduction: str | None = "sum_over_batch_size",
        dtype: DTypeLike | None = None,
    ) -> None:
        if name in REDUCTIONS:
            raise ValueError(
                f"{type(self).__name__} expected a name first. Received: name={name!r}. Pass the reduction by name: "
                f"reduction={name!r}."
            )
        self.reduction = reduction
        self.name = name or re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", type(self).__name__).lower()
        self.dtype = dtype

    def call(self, y_true: Any, y_pred: Any) -> Tensor:  # Tensors, but what is not an array comes as it is
        """The loss of every sample."""
        raise NotImplementedError(f"{type(self).__name__} must define call(self, y_true, y_pred).")

    def __call__(self, y_true: TensorLike, y_pred: TensorLike, sample_weight: TensorLike | None = None) -> Tensor:
        """The losses of the samples, weighted and reduced.

        Parameters
        ----------
        y_true, y_pred : Tensor or array-like
            If their shapes are (n,) and (n, 1), in either order, `call` gets both as (n, 1). If they are (..., n) and
            (..., n, 1), it gets both without the last axis.
        sample_weight : Tensor or array-like, optional
            A number, or one for each sample, (samples,) or (samples, 1). If the losses have more axes, its
            shape is theirs or the first axes of theirs; axes of length one are broadcast.

        Returns
        -------
        Tensor
            0-d, or with the reduction "none" the shape of the losses.

        Raises
        ------
        ValueError
            Labels and predictions that the loss does not accept, or a `sample_weight` that does not fit.
        """
        y_true, y_pred = line_up(y_true, y_pred)
        if self.dtype is not None:
            y_true, y_pred = (ops.cast(y, self.dtype) if y.dtype.kind == "f" else y for y in as_tensors(y_true, y_pred))
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
            return ops.sum(losses) / ops.where(total == 0, 1.0, total)  # all weights are 0: the loss is 0
        return ops.mean(losses)

    def _weights(self, y_true: TensorLike, sample_weight: TensorLike | None, losses: Tensor) -> TensorLike | None:
        """The weights of the losses: the user's, and those that the loss derives from the labels."""
        return sample_weight

    def divisor(self, y_true: Tensor, sample_weight: TensorLike | None = None) -> Tensor | float:
        """The divisor of a batch's loss, up to a factor common to all batches: the batch's weight in an epoch."""
        if self.reduction == "mean_with_sample_weight" and sample_weight is not None:
            return ops.sum(sample_weight)
        return float(len(y_true))

    def for_logits_of(self, activation: object) -> Loss | None:
        """This loss as a function of the inputs of `activation`, or None if it has no such form.

        Softmax followed by a cross-entropy is less exact and slower than the cross-entropy of the logits. A model that
        ends in `activation` can leave it out and train with this loss instead. Only the unchanged cross-entropies of
        this package have such a form: a subclass, or a method that was replaced, may compute anything.
        """
        return None

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        config: dict[str, Any] = {"reduction": self.reduction, "name": self.name}
        return config if self.dtype is None else config | {"dtype": self.dtype.name}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Loss:
        """A new loss with the arguments that `get_config` returned."""
        return cls(**config)


def _reduction(loss: Loss, value: str | None) -> str:
    reduction = "none" if value is None else value
    if reduction not in REDUCTIONS:
        raise ValueError(
            f"{type(loss).__name__} expected one of {', '.join(map(repr, REDUCTIONS))}. Received: reduction={value!r}."
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


def floating(owner: str, dtype: DTypeLike | None) -> np.dtype[Any] | None:
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
