"""A trial before the first step: the model and the loss on one sample of the first batch.

It makes missing weights, shows which metrics fit the output, and finds shapes that do not fit before any weight
changes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tinygrad_lite.core.tensor import Tensor, wrap
from tinygrad_lite.nn.layers.calling import note_activation
from tinygrad_lite.nn.training.objective import compute_loss
from tinygrad_lite.nn.training.trainable import TrainableModel
from tinygrad_lite.utils.types import Array

__all__ = ["PACKAGE_STEPS", "get_ready"]

PACKAGE_STEPS: set[Callable[..., Any]] = set()
"""`train_step` and `test_step` of `Model`; all others are overridden by users."""
_STEPS = {"fit": "train_step", "train_on_batch": "train_step", "evaluate": "test_step", "test_on_batch": "test_step"}
"""The step of each method."""


def get_ready(model: TrainableModel, x: Array, y: Array, method: str) -> None:
    """Try the model and the loss on one sample of the first batch. This makes missing weights."""
    is_overridden = getattr(type(model), _STEPS[method]) not in PACKAGE_STEPS
    y_pred = _try_output(model, x[:1]) if is_overridden else _try_both(model, x, y, method)
    if model._metrics is None:
        shapes = () if y_pred is None else ((None, *y_pred.shape[1:]), (None, *y.shape[1:]))
        model._metrics = model._made_metrics(shapes)
    model._is_ready = True


def _try_both(model: TrainableModel, x: Array, y: Array, method: str) -> Tensor:
    """The output for a sample. If shapes do not fit, the error has those of the whole batch, which the user knows."""
    try:
        return _try(model, x[:1], y[:1], method)
    except (TypeError, ValueError):
        pass
    return _try(model, x, y, method)


def _try_output(model: TrainableModel, x: Array) -> Tensor | None:
    """The output for a sample, or None if it fails: an overridden step may not need `call` or the loss."""
    try:
        y_pred = model(wrap(x), training=False)
    except Exception:  # if the step calls the model, the error is raised there
        return None
    return y_pred if isinstance(y_pred, Tensor) else None


def _try(model: TrainableModel, x: Array, y: Array, method: str) -> Tensor:
    """The output for `x`. Raises if it or the loss does not fit."""
    with note_activation() as noted:
        y_pred = model(wrap(x), training=False)
    if not isinstance(y_pred, Tensor):
        raise TypeError(f"{method} expected {model.name} to return one Tensor. Received: {type(y_pred).__name__}.")
    if model.loss is not None:
        try:
            compute_loss(model, wrap(y), y_pred, noted)
        except ValueError as error:
            if y_pred.ndim > 2 and x.ndim > 2:
                raise ValueError(
                    f"{error} The model's output has shape {y_pred.shape} because its input has shape "
                    f"{x.shape}: put nn.Flatten() first in the model."
                ) from error
            raise
    return y_pred
