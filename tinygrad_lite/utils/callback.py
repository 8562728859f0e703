"""The base class of callbacks, whose hooks are called at each stage of training.

It is on the lowest floor because it needs nothing from others, and `nn` and `viz` both need it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tinygrad_lite.utils.settings import Checked

__all__ = ["Callback"]

Logs = dict[str, float]


class Callback(Checked):
    """Its hooks are called at each stage of `fit`, `evaluate` and `predict`: override those that you need.

    `logs` maps names to numbers: the loss and the metrics so far, and `val_loss` and so on at the end of an
    epoch with validation. Set `self.model.stop_training = True` to end training.

    Attributes
    ----------
    model : Model
        The model that is trained or used.
    params : dict
        `epochs`, `steps` (batches per epoch, None if not known) and `verbose`.

    Examples
    --------
    >>> import numpy as np
    >>> from tinygrad_lite import nn
    >>> class StopBelow(nn.callbacks.Callback):
    ...     def on_epoch_end(self, epoch, logs=None):
    ...         if logs["loss"] < 0.1:
    ...             self.model.stop_training = True
    >>> model = nn.Sequential([nn.Dense(1, kernel_initializer="ones")])
    >>> model.compile("sgd", "mean_squared_error")
    >>> x = np.ones((4, 1), "float32")
    >>> model.fit(x, x, epochs=100, verbose=0, callbacks=[StopBelow()]).epoch
    [0]
    """

    model: Any = None  # a Model, which this floor cannot import
    params: Mapping[str, Any] = {}

    def set_model(self, model: Any) -> None:
        """Called first, with the model."""
        self.model = model

    def set_params(self, params: Mapping[str, Any]) -> None:
        """Called first, with `epochs`, `steps` and `verbose`."""
        self.params = params

    def get_state(self) -> dict[str, Any]:
        """The callback's state between epochs, by name: numbers, strings, and lists of arrays.

        `BackupAndRestore` saves it, and passes it to `set_state` of a new callback when training is resumed. If this is
        not overridden, it saves and restores the attributes that changed since training began.
        """
        return {}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Called after `on_train_begin` when training is resumed, with what `get_state` returned."""

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Before the first epoch."""

    def on_train_end(self, logs: Logs | None = None) -> None:
        """After the last epoch, also if training was stopped or interrupted by Ctrl-C."""

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Before an epoch; the first is 0."""

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """After an epoch and its validation; `logs` has the results of both."""

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Before a training step; the first of an epoch is 0."""

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """After a training step; `logs` has the results of the epoch so far."""

    def on_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Keras's older name of `on_train_batch_begin`."""

    def on_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Keras's older name of `on_train_batch_end`."""

    def on_test_begin(self, logs: Logs | None = None) -> None:
        """Before an evaluation, including a validation in `fit`."""

    def on_test_end(self, logs: Logs | None = None) -> None:
        """After an evaluation."""

    def on_test_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Before a batch of an evaluation."""

    def on_test_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """After a batch of an evaluation; `logs` has the results of the batches so far."""

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        """Before a prediction."""

    def on_predict_end(self, logs: Logs | None = None) -> None:
        """After a prediction."""

    def on_predict_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Before a batch of a prediction."""

    def on_predict_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """After a batch of a prediction."""
