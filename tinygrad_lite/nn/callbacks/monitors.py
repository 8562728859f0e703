"""Callbacks that watch one number: they keep the best model, stop when it gets no better, or slow training down.

What "better" means is decided once, by `_Watch`; its users differ in what they do about it.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tinygrad_lite.core.tensor import Variable
from tinygrad_lite.utils.callback import Callback, Logs
from tinygrad_lite.utils.names import holds
from tinygrad_lite.utils.printing import show

__all__ = ["EarlyStopping", "ModelCheckpoint", "ReduceLROnPlateau"]


class _Watch:
    """A number among the logs, and what it is to be compared with.

    Parameters
    ----------
    owner : str
        For errors.
    monitor : str
    mode : "auto", "min" or "max"
        "auto": what the metric of this name says, see `Metric.direction`; for losses "min".
    min_delta : float
        An improvement by less is none.
    """

    def __init__(self, owner: str, monitor: str, mode: str, min_delta: float = 0.0) -> None:
        if mode not in ("auto", "min", "max"):
            raise ValueError(f"{owner} expected mode to be 'auto', 'min' or 'max'. Received: mode={mode!r}.")
        self.owner = owner
        self.monitor = monitor
        self.min_delta = abs(float(min_delta))
        self.mode = mode
        self.wants_more = mode == "max"

    def begin(self, model: Any) -> None:
        """Training begins: refuse a metric of which it is not known what is better."""
        if self.mode == "auto" and any(metric.name == self._name for metric in model._known_metrics()):
            self._find_out(model)

    @property
    def _name(self) -> str:
        return self.monitor.removeprefix("val_")

    def _find_out(self, model: Any) -> None:
        """Whether larger or smaller is better, as the metric says."""
        directions = {metric.name: getattr(metric, "direction", None) for metric in model._known_metrics()}
        direction = "min" if self._name == "loss" else directions.get(self._name)
        if direction not in ("min", "max"):
            raise ValueError(
                f"{self.owner} expected to know which {self.monitor} is better. Received: mode='auto', and a number "
                "that does not say so. Pass mode='min' if smaller is better, or mode='max'. A Metric of your own can "
                "say it as its class's attribute direction = 'min' or 'max'."
            )
        self.wants_more = direction == "max"

    def value(self, logs: Logs | None, model: Any) -> float:
        """The number, or the error that lists what there is."""
        logs = logs or {}
        if self.monitor not in logs:
            hint = " Pass validation_data or validation_split to fit." if self.monitor.startswith("val_") else ""
            raise ValueError(
                f"{self.owner} expected {self.monitor!r} among the numbers of an epoch. Received: "
                f"{', '.join(repr(name) for name in logs) or 'none'}.{hint}"
            )
        if self.mode == "auto":
            self._find_out(model)
        return float(logs[self.monitor])

    def is_better(self, value: float, reference: float | None) -> bool:
        """Whether `value` is an improvement on `reference`; on nothing, anything but nan is."""
        if reference is None:
            return not math.isnan(value)
        if self.wants_more:
            return value - self.min_delta > reference
        return value + self.min_delta < reference


class EarlyStopping(Callback):
    """Stops training when a number has got no better for a while.

    Parameters
    ----------
    monitor : str
        A name among the numbers of an epoch: "val_loss", "accuracy".
    min_delta : float
        An improvement by less counts as none.
    patience : int
        Epochs without an improvement after which training stops.
    verbose : 0 or 1
        1: says so.
    mode : "auto", "min" or "max"
        Whether less or more is better; "auto": less for losses, and what the metric says (`Metric.direction`). For a
        function of your own it has to be given.
    baseline : float, optional
        Epochs count as without an improvement until this value is passed too; an epoch that improves ends no training.
    restore_best_weights : bool
        Whether the model ends with the weights of its best epoch, and not of its last.
    start_from_epoch : int
        Earlier epochs, the first is 0, are not looked at.

    Attributes
    ----------
    stopped_epoch : int
        The epoch after which it stopped training; 0 if it did not.
    best_epoch : int

    Raises
    ------
    ValueError
        At the end of the first epoch: there is no such number, or it is not known what is better and `mode` is "auto".

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
        self._watch = _Watch("EarlyStopping", monitor, mode, min_delta)
        self.patience = int(patience)
        self.verbose = verbose
        self.baseline = baseline
        self.restore_best_weights = restore_best_weights
        self.start_from_epoch = start_from_epoch
        self._start()

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._watch.begin(self.model)
        self._start()

    def _start(self) -> None:
        self.wait = self.stopped_epoch = self.best_epoch = 0
        self.best: float | None = None
        self.best_weights: list[Any] | None = None

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        value = self._watch.value(logs, self.model)
        if epoch < self.start_from_epoch:
            return
        self.wait += 1
        if self._watch.is_better(value, self.best):
            self.best, self.best_epoch = value, epoch
            if self.restore_best_weights:
                self.best_weights = self.model.get_weights()
            if self.baseline is None or self._watch.is_better(value, self.baseline):
                self.wait = 0
        elif self.wait >= self.patience and epoch > 0:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def on_train_end(self, logs: Logs | None = None) -> None:
        if self.verbose and self.stopped_epoch:
            show(f"Stopped after epoch {self.stopped_epoch + 1}: the best {self._watch.monitor} was that of epoch "
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


class ReduceLROnPlateau(Callback):
    """Multiplies the learning rate by a factor when a number has got no better for a while.

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
        How many epochs after a reduction `patience` counts again, that epoch included: 0 and 1 are the same.
    min_lr : float
        The learning rate is not made smaller.

    Raises
    ------
    ValueError
        `factor` is not below 1; at the end of the first epoch: there is no such number.
    TypeError
        When training begins: the learning rate is a schedule, which nobody else may set.

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
        self._watch = _Watch("ReduceLROnPlateau", monitor, mode, min_delta)
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
        learning_rate_of("ReduceLROnPlateau", self.model)
        self._watch.begin(self.model)
        self._start()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        learning_rate = learning_rate_of("ReduceLROnPlateau", self.model)
        value = self._watch.value(logs, self.model)
        if logs is not None:
            logs["learning_rate"] = learning_rate.item()
        if self.cooldown_counter > 0:
            self.cooldown_counter -= 1
            self.wait = 0
        if self._watch.is_better(value, self.best):
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


def learning_rate_of(owner: str, model: Any) -> Variable:
    """The learning rate of the model's optimizer, where it is a number that can be set."""
    learning_rate = model.optimizer.learning_rate
    if not isinstance(learning_rate, Variable):
        raise TypeError(
            f"{owner} expected an optimizer whose learning rate is a number. Received: {model.optimizer.name}, whose "
            "learning rate is a schedule. Use the one or the other."
        )
    return learning_rate


class ModelCheckpoint(Callback):
    """Saves the model, or its weights, after every epoch or after every one that was the best so far.

    Each file is written aside and then renamed: an interruption leaves the old file or the new one.

    Parameters
    ----------
    filepath : str or path
        May hold the epoch, counted from 1, and the numbers of an epoch: "{epoch:02d}-{val_loss:.3f}.tgl". Ends in
        `.npz` or `.safetensors` where only weights are saved.
    monitor : str
        What decides which epoch is the best.
    verbose : 0 or 1
    save_best_only : bool
    save_weights_only : bool
    mode : "auto", "min" or "max"
    initial_value_threshold : float, optional
        What the first epoch must be better than.

    Raises
    ------
    ValueError
        The path names something that does not exist; at the end of the first epoch: there is no such number.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from tinygrad_lite import nn
    >>> model = nn.Sequential([nn.Dense(1)])
    >>> model.compile("sgd", "mean_squared_error")
    >>> folder = Path(tempfile.mkdtemp())
    >>> x = np.ones((4, 1), "float32")
    >>> keep = nn.callbacks.ModelCheckpoint(folder / "epoch-{epoch}.tgl")
    >>> _ = model.fit(x, 2 * x, epochs=2, verbose=0, callbacks=[keep])
    >>> sorted(path.name for path in folder.iterdir())
    ['epoch-1.tgl', 'epoch-2.tgl']
    """

    def __init__(
        self,
        filepath: str | os.PathLike[str],
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
        save_freq: str = "epoch",
        initial_value_threshold: float | None = None,
    ) -> None:
        if save_freq != "epoch":
            raise ValueError(
                f"ModelCheckpoint expected save_freq='epoch': epochs are saved. Received: save_freq={save_freq!r}. "
                "To save within an epoch, call model.save in a LambdaCallback's on_train_batch_end."
            )
        self.filepath = os.fspath(filepath)
        is_weights = Path(self.filepath).suffix in (".npz", ".safetensors")
        if is_weights is not bool(save_weights_only):
            fix = (
                "Pass save_weights_only=True."
                if is_weights
                else "Weights alone go into a path that ends in .npz or .safetensors."
            )
            raise ValueError(
                "ModelCheckpoint expected a path for what it saves. Received: filepath="
                f"{self.filepath!r}, save_weights_only={save_weights_only}. {fix}"
            )
        self._watch = _Watch("ModelCheckpoint", monitor, mode)
        self.verbose = verbose
        self.save_best_only = save_best_only
        self.save_weights_only = save_weights_only
        self.best = initial_value_threshold

    def on_train_begin(self, logs: Logs | None = None) -> None:
        if self.save_best_only:
            self._watch.begin(self.model)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if self.save_best_only:
            value = self._watch.value(logs, self.model)
            if not self._watch.is_better(value, self.best):
                return
            self.best = value
        path = self._path(epoch, logs or {})
        if self.save_weights_only:
            self.model.save_weights(path)
        else:
            self.model.save(path)
        if self.verbose:
            show(f"Epoch {epoch + 1}: saved {path}")

    def _path(self, epoch: int, logs: Logs) -> str:
        try:
            return self.filepath.format(epoch=epoch + 1, **logs)
        except (KeyError, IndexError, ValueError) as error:
            names = ", ".join(["epoch", *logs])
            raise ValueError(
                f"ModelCheckpoint expected a path with names among {names}. Received: filepath={self.filepath!r} "
                f"({re.sub(chr(10), ' ', str(error))})."
            ) from None

    def get_state(self) -> dict[str, Any]:
        return {"best": self.best}

    def set_state(self, state: Mapping[str, Any]) -> None:
        self.best = state["best"]
