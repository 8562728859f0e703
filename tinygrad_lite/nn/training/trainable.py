"""The attributes of a model that training reads and writes: settings of `compile`, metrics, results of `fit`.

`Model` is the only subclass. The loop, the loss and the checks take this class, so that they need not import `Model`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

from tinygrad_lite import random
from tinygrad_lite.core.tensor import Tensor, TensorLike
from tinygrad_lite.nn import metrics as metrics_module
from tinygrad_lite.nn.callbacks.history import History
from tinygrad_lite.nn.layers.layer import Layer
from tinygrad_lite.nn.metrics import Metric
from tinygrad_lite.nn.training.compiled_step import Steps

__all__ = ["Batch", "Data", "Logs", "TrainableModel"]

Logs: TypeAlias = dict[str, float]
"""Numbers by the names of the metrics."""
Data: TypeAlias = "TensorLike | Iterable[Any]"
"""Arrays of samples, or an iterable of batches."""
Batch: TypeAlias = tuple[Tensor, ...]
"""(x, y), or (x, y, weights) where samples are weighted."""


class TrainableModel(Layer):
    """A layer that can have an optimizer, a loss and metrics."""

    optimizer: Any  # an Optimizer; None before `compile`
    loss: Any  # a Loss or None
    history: History | None

    def __init__(self, *, name: str | None = None, trainable: bool = True, **unknown: Any) -> None:
        super().__init__(name=name, trainable=trainable, **unknown)
        self._shuffles = random.stream(f"{self.name}/shuffle")
        self.optimizer = None
        self.loss = None
        self.run_eagerly = False
        self.history = None
        self.stop_training = False
        self.was_interrupted = False
        self._metric_identifiers: list[Any] = []
        self._weighted_identifiers: list[Any] = []
        self._metrics: list[Metric] | None = None  # made when the first batch shows the shape of the output
        self._loss_mean = metrics_module.Mean(name="loss")
        self._is_compiled = False
        self._is_ready = False
        self._steps = Steps()
        self._warned: set[Any] = set()  # what the user was warned of

    @property
    def metrics(self) -> list[Any]:
        """The mean loss, then the metrics and weighted metrics of `compile`, made on the first batch."""
        return [self._loss_mean, *(self._metrics or ())]

    def reset_metrics(self) -> None:
        """Set all metrics back to the start, as `fit` does before every epoch."""
        for metric in self.metrics:
            metric.reset_state()

    def train_step(self, data: Batch) -> Logs | None:
        """Take one step of training."""
        raise NotImplementedError

    def test_step(self, data: Batch) -> Logs | None:
        """Evaluate one batch."""
        raise NotImplementedError

    def predict_step(self, data: Batch) -> Any:
        """The outputs for one batch."""
        raise NotImplementedError

    def _known_metrics(self) -> list[Metric]:
        """The metrics given to `compile`, also before the first batch."""
        return self._made_metrics(()) if self._metrics is None else self._metrics

    def _made_metrics(self, shapes: Sequence[Any]) -> list[Metric]:
        """Make the metrics and the weighted metrics. A weighted metric of the same name is called `weighted_...`."""
        metrics, weighted = (
            [metrics_module.resolve(name, self.loss, *shapes) for name in identifiers]
            for identifiers in (self._metric_identifiers, self._weighted_identifiers)
        )
        taken = {metric.name for metric in metrics}
        for identifier, metric in zip(self._weighted_identifiers, weighted):
            if metric.name in taken and metric is not identifier:
                metric.name = f"weighted_{metric.name}"
        names = [metric.name for metric in (self._loss_mean, *metrics, *weighted)]
        if len(set(names)) < len(names):
            raise ValueError(f"compile expected metrics of different names. Received: {names}. Rename one.")
        return [*metrics, *weighted]

    def _results(self) -> Logs:
        return {metric.name: float(metric.result()) for metric in self.metrics}

    def _require_compiled(self, method: str) -> None:
        if not self._is_compiled:
            raise RuntimeError(
                f"{method} expected a compiled model. Received: {self.name}, which is not. Call "
                'model.compile(optimizer="rmsprop", loss=..., metrics=[...]) first.'
            )
