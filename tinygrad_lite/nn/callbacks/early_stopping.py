"""Stop training when a number has not improved for a while."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tinygrad_lite.nn.callbacks.monitored import MonitoredValue
from tinygrad_lite.utils.callback import Callback, Logs
from tinygrad_lite.utils.printing import show
from tinygrad_lite.utils.types import Array

__all__ = ["EarlyStopping"]


class EarlyStopping(Callback):
    """Stops training when a number has not improved for `patience` epochs.

    Parameters
    ----------
    monitor : str
        The name of a result of an epoch: "val_loss", "accuracy".
    min_delta : float
        A smaller improvement does not count.
    patience : int
        Epochs without an improvement after which training stops.
    verbose : 0 or 1
        1: print that training was stopped.
    mode : "auto", "min" or "max"
        Whether smaller or larger is better. "auto": smaller for losses, and `Metric.direction` for metrics. A
        function of your own needs "min" or "max".
    baseline : float, optional
        An improvement resets the count of epochs only if the value is also better than this one. An epoch that improves
        never ends training.
    restore_best_weights : bool
        Whether the model gets the weights of its best epoch when training ends.
    start_from_epoch : int
        Earlier epochs are ignored; the first is 0.

    Attributes
    ----------
    stopped_epoch : int
        The epoch after which training was stopped; 0 if it was not.
    best_epoch : int

    Raises
    ------
    ValueError
        At the end of the first epoch: there is no such result, or `mode` is "auto" and it is not known which values are
        better.

    Examples
    --------
    >>> import numpy as np
    >>> from tinygrad_lite import nn
    >>> model = nn.Sequential([nn.Dense(1, kernel_initializer="ones")])
    >>> model.compile("sgd", "mean_squared_error")
    >>> x = np.ones((4, 1), "float32")
    >>> stop = nn.callbacks.EarlyStopping(monitor="loss", patience=2)
    >>> model.fit(x, x, epochs=100, verbose=0, callbacks=[stop]).epoch
    [0, 1, 2]
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0.0,
        patience: int = 0,
        verbose: int = 0,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
    ) -> None:
        self._monitored = MonitoredValue("EarlyStopping", monitor, mode, min_delta)
        self.patience = int(patience)
        self.verbose = verbose
        self.baseline = baseline
        self.restore_best_weights = restore_best_weights
        self.start_from_epoch = start_from_epoch
        self._start()

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._monitored.begin(self.model)
        self._start()

    def _start(self) -> None:
        self.wait = self.stopped_epoch = self.best_epoch = 0
        self.best: float | None = None
        self.best_weights: list[Array] | None = None

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        value = self._monitored.value(logs, self.model)
        if epoch < self.start_from_epoch:
            return
        self.wait += 1
        if self._monitored.is_better(value, self.best):
            self.best, self.best_epoch = value, epoch
            if self.restore_best_weights:
                self.best_weights = self.model.get_weights()
            if self.baseline is None or self._monitored.is_better(value, self.baseline):
                self.wait = 0
        elif self.wait >= self.patience and epoch > 0:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def on_train_end(self, logs: Logs | None = None) -> None:
        if self.verbose and self.stopped_epoch:
            show(f"Stopped after epoch {self.stopped_epoch + 1}: the best {self._monitored.monitor} was that of epoch "
                  f"{self.best_epoch + 1}.")  # fmt: skip
        if self.best_weights is not None:
            self.model.set_weights(self.best_weights)
            if self.verbose:
                show(f"The model has the weights of epoch {self.best_epoch + 1}.")

    def get_state(self) -> dict[str, Any]:
        names = ("wait", "stopped_epoch", "best_epoch", "best", "best_weights")
        return {name: getattr(self, name) for name in names}

    def set_state(self, state: Mapping[str, Any]) -> None:
        vars(self).update(state)
