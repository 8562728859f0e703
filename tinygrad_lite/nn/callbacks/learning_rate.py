"""Callbacks that set the learning rate: by a function of the epoch, or when a number stops improving."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from tinygrad_lite.core.variable import Variable
from tinygrad_lite.nn.callbacks.monitored import MonitoredValue
from tinygrad_lite.utils.callback import Callback, Logs
from tinygrad_lite.utils.names import holds
from tinygrad_lite.utils.printing import show

__all__ = ["LearningRateScheduler", "ReduceLROnPlateau"]


class LearningRateScheduler(Callback):
    """Sets the learning rate at the beginning of every epoch.

    For a learning rate that changes at every step, give the optimizer a schedule: see `optim.schedules`.

    Parameters
    ----------
    schedule : callable
        Takes the epoch, from 0, and the current learning rate, or the epoch only. Returns the new learning rate.
    verbose : 0 or 1

    Raises
    ------
    TypeError, ValueError
        When an epoch begins: the function did not return a learning rate, or the optimizer has a schedule.

    Examples
    --------
    >>> import numpy as np
    >>> from tinygrad_lite import nn
    >>> model = nn.Sequential([nn.Dense(1)])
    >>> model.compile("sgd", "mean_squared_error")
    >>> x = np.ones((4, 1), "float32")
    >>> halve = nn.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2 if epoch else rate)
    >>> model.fit(x, x, epochs=3, verbose=0, callbacks=[halve]).history["learning_rate"]
    [0.01, 0.005, 0.0025]
    """

    def __init__(self, schedule: Callable[..., float], verbose: int = 0) -> None:
        if not callable(schedule):
            raise TypeError(f"LearningRateScheduler expected a function of the epoch. Received: {schedule!r}.")
        self.schedule = schedule
        self.verbose = verbose
        positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
        parameters = [p for p in inspect.signature(schedule).parameters.values() if p.kind in positional]
        self._takes_rate = len(parameters) > 1

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        learning_rate = _learning_rate_of("LearningRateScheduler", self.model).item()
        new = self.schedule(epoch, learning_rate) if self._takes_rate else self.schedule(epoch)
        self.model.optimizer.learning_rate = new
        if self.verbose:
            show(f"Epoch {epoch + 1}: the learning rate is {float(new):g}.")

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if logs is not None:
            logs["learning_rate"] = _learning_rate_of("LearningRateScheduler", self.model).item()


class ReduceLROnPlateau(Callback):
    """Multiplies the learning rate by a factor when a number has not improved for `patience` epochs.

    Parameters
    ----------
    monitor : str
    factor : float
        Below 1.
    patience : int
        Epochs without an improvement after which the learning rate is reduced.
    verbose : 0 or 1
    mode : "auto", "min" or "max"
    min_delta : float
    cooldown : int
        How many epochs after a reduction pass until epochs count again, the next one included: 0 and 1 are the same.
    min_lr : float
        The smallest learning rate that is set.

    Raises
    ------
    ValueError
        `factor` is not below 1; at the end of the first epoch: there is no such result.
    TypeError
        When training begins: the learning rate is a schedule, so it cannot be set.

    Examples
    --------
    >>> import numpy as np
    >>> from tinygrad_lite import nn
    >>> model = nn.Sequential([nn.Dense(1, kernel_initializer="ones")])
    >>> model.compile("sgd", "mean_squared_error")
    >>> x = np.ones((4, 1), "float32")
    >>> reduce = nn.callbacks.ReduceLROnPlateau(monitor="loss", factor=0.5, patience=1)
    >>> model.fit(x, x, epochs=3, verbose=0, callbacks=[reduce]).history["learning_rate"]
    [0.01, 0.01, 0.005]
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        verbose: int = 0,
        mode: str = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
    ) -> None:
        if not holds(lambda x: 0 <= x < 1, factor):
            raise ValueError(f"ReduceLROnPlateau expected a factor below 1. Received: factor={factor!r}.")
        self._monitored = MonitoredValue("ReduceLROnPlateau", monitor, mode, min_delta)
        self.factor = factor
        self.patience = patience
        self.verbose = verbose
        self.cooldown = cooldown
        self.min_lr = min_lr
        self._start()

    def _start(self) -> None:
        self.wait = self.cooldown_counter = 0
        self.best: float | None = None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        _learning_rate_of("ReduceLROnPlateau", self.model)
        self._monitored.begin(self.model)
        self._start()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        learning_rate = _learning_rate_of("ReduceLROnPlateau", self.model)
        value = self._monitored.value(logs, self.model)
        if logs is not None:
            logs["learning_rate"] = learning_rate.item()
        if self.cooldown_counter > 0:
            self.cooldown_counter -= 1
            self.wait = 0
        if self._monitored.is_better(value, self.best):
            self.best, self.wait = value, 0
            return
        if self.cooldown_counter > 0:
            return
        self.wait += 1
        if self.wait >= self.patience and learning_rate.item() > self.min_lr:
            reduced = max(learning_rate.item() * self.factor, self.min_lr)
            self.model.optimizer.learning_rate = reduced
            self.wait, self.cooldown_counter = 0, self.cooldown
            if self.verbose:
                show(f"Epoch {epoch + 1}: the learning rate is {reduced:g} from here on.")

    def get_state(self) -> dict[str, Any]:
        return {"wait": self.wait, "cooldown_counter": self.cooldown_counter, "best": self.best}

    def set_state(self, state: Mapping[str, Any]) -> None:
        vars(self).update(state)


def _learning_rate_of(owner: str, model: Any) -> Variable:
    """The learning rate of the model's optimizer, which must be a number."""
    learning_rate = model.optimizer.learning_rate
    if not isinstance(learning_rate, Variable):
        raise TypeError(
            f"{owner} expected an optimizer whose learning rate is a number. Received: {model.optimizer.name}, whose "
            "learning rate is a schedule. Use either the schedule or this callback."
        )
    return learning_rate
