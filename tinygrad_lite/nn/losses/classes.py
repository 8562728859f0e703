"""The functions as classes: each is a `Loss` with a function and its options.

A cross-entropy of probabilities can be made into the same loss of logits, which is more exact and faster. That is done
only for the classes of this file as they are written here: a subclass may compute anything.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_lite import ops
from tinygrad_lite.core.tensor import Tensor, TensorLike, to_tensor
from tinygrad_lite.nn.losses.alignment import weights_of
from tinygrad_lite.nn.losses.cross_entropies import (
    binary_crossentropy,
    categorical_crossentropy,
    kl_divergence,
    sparse_categorical_crossentropy,
)
from tinygrad_lite.nn.losses.differences import hinge, huber, mean_absolute_error, mean_squared_error
from tinygrad_lite.nn.losses.loss import Loss
from tinygrad_lite.utils.settings import CheckedOptions
from tinygrad_lite.utils.types import DTypeLike

__all__ = [
    "BinaryCrossentropy",
    "CategoricalCrossentropy",
    "Hinge",
    "Huber",
    "KLDivergence",
    "LossFunctionWrapper",
    "MeanAbsoluteError",
    "MeanSquaredError",
    "SparseCategoricalCrossentropy",
]


class LossFunctionWrapper(CheckedOptions, Loss):
    """A function of `(y_true, y_pred)` as a Loss.

    Parameters
    ----------
    fn : callable
        Takes `(y_true, y_pred)` and returns a loss for every sample.
    reduction : str or None
        See `Loss`.
    name : str, optional
        Default: the function's name.
    **options
        Passed to the function.

    Examples
    --------
    >>> LossFunctionWrapper(huber, delta=2.0)([[0.0]], [[1.0]]).item()
    0.5
    """

    activation: Callable[..., Tensor] | None = None
    """The activation whose inputs, the logits, the loss can be computed from."""

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

    def for_logits_of(self, activation: object) -> Loss | None:
        if not self._is_as_written() or activation is not self.activation or self.from_logits:
            return None
        if self.options.get("axis", -1) != -1:  # softmax is along the last axis
            return None
        twin = copy.copy(self)
        twin.options = {**self.options, "from_logits": True}
        return twin

    def _is_as_written(self) -> bool:
        """Whether it is one of the cross-entropies below, with no method or function replaced."""
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

    def divisor(self, y_true: Tensor, sample_weight: TensorLike | None = None) -> Tensor | float:
        if self.options["ignore_class"] is None:
            return super().divisor(y_true, sample_weight)
        counts = ops.cast(ops.not_equal(to_tensor(y_true), self.options["ignore_class"]), np.float64)
        if self.reduction == "mean_with_sample_weight" and sample_weight is not None:
            counts = counts * weights_of(counts, sample_weight)
        return ops.sum(counts)

    def _weights(self, y_true: TensorLike, sample_weight: TensorLike | None, losses: Tensor) -> TensorLike | None:
        ignored = self.options["ignore_class"]
        if ignored is None:
            return sample_weight
        counts = ops.cast(ops.reshape(ops.not_equal(to_tensor(y_true), ignored), losses.shape), losses.dtype)
        if self.reduction in ("sum_over_batch_size", "mean"):  # the mean over samples that are not ignored
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
"""The function and the methods of each loss that can be computed from logits, as written here."""
