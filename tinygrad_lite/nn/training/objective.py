"""The loss and the metrics of a batch.

Where the model ends in softmax or sigmoid and the loss is the cross-entropy that belongs to it, the loss is computed
from the logits: the layers note which activation they applied last, and to what. The result is the same number, and it
is exact for confident wrong answers too.
"""

from __future__ import annotations

from typing import Any

from tinygrad_lite import ops
from tinygrad_lite.core.tensor import Tensor
from tinygrad_lite.nn.layers.calling import note_activation
from tinygrad_lite.nn.losses.alignment import line_up
from tinygrad_lite.nn.training.trainable import Batch, TrainableModel

__all__ = ["compute_loss", "forward", "update_metrics"]


def forward(model: TrainableModel, data: Batch, training: bool) -> tuple[Tensor, Tensor]:
    """The loss and the output."""
    x, y, *weights = data
    with note_activation() as noted:
        y_pred = model(x, training=training)
    return compute_loss(model, y, y_pred, noted, *weights), y_pred


def compute_loss(
    model: TrainableModel, y: Tensor, y_pred: Tensor, noted: list[Any], sample_weight: Tensor | None = None
) -> Tensor:
    """The loss. It is computed from the logits if `y_pred` is the noted activation and the loss has such a form."""
    if model.loss is None:
        raise RuntimeError(
            "Expected a loss to train or evaluate with. Received: compile(loss=None). Pass for example "
            'loss="sparse_categorical_crossentropy", or override train_step and test_step.'
        )
    if noted and noted[0] is y_pred:
        _, activation, logits = noted
        loss = model.loss.for_logits_of(activation)
        if loss is not None:
            return loss(y, logits, sample_weight)
    return model.loss(y, y_pred, sample_weight)


def update_metrics(model: TrainableModel, loss: Tensor, y_pred: Tensor, data: Batch) -> None:
    """Update all metrics with the loss and the output of a batch."""
    _, y, *weights = data
    _update_loss(model, loss, y, *weights)
    y, y_pred = line_up(y, y_pred)
    metrics = model._metrics or []
    count = len(model._metric_identifiers)
    for metric in metrics[:count]:
        metric.update_state(y, y_pred)
    for metric in metrics[count:]:
        metric.update_state(y, y_pred, *weights)


def _update_loss(model: TrainableModel, loss: Tensor, y: Tensor, *sample_weight: Tensor) -> None:
    """Update the mean loss, so that the loss of an epoch is that of all its samples at once."""
    mean = model._loss_mean
    if loss.ndim:
        mean.update_state(loss)
    elif model.loss.reduction == "sum":
        mean.total.assign_add(ops.cast(loss, "float64"))
        mean.count.assign(1.0)
    else:
        mean.update_state(loss, model.loss.divisor(y, *sample_weight))
