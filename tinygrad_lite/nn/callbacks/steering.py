"""Callbacks that need no memory: a learning rate from a function, a file of numbers, a stop at the first nan."""

from __future__ import annotations

import csv
import inspect
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tinygrad_lite.nn.callbacks.monitors import learning_rate_of
from tinygrad_lite.utils.callback import Callback, Logs
from tinygrad_lite.utils.printing import show

__all__ = ["CSVLogger", "LambdaCallback", "LearningRateScheduler", "TerminateOnNaN"]


class LearningRateScheduler(Callback):
    """Sets the learning rate at the beginning of every epoch.

    For a learning rate that changes at every step, give the optimizer a schedule: see `optim.schedules`.

    Parameters
    ----------
    schedule : callable
        Takes the epoch, the first is 0, and the learning rate until now, or the epoch alone; returns the new one.
    verbose : 0 or 1

    Raises
    ------
    TypeError, ValueError
        When an epoch begins: the function returned no learning rate, or the optimizer has a schedule.

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
        learning_rate = learning_rate_of("LearningRateScheduler", self.model).item()
        new = self.schedule(epoch, learning_rate) if self._takes_rate else self.schedule(epoch)
        self.model.optimizer.learning_rate = new
        if self.verbose:
            show(f"Epoch {epoch + 1}: the learning rate is {float(new):g}.")

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if logs is not None:
            logs["learning_rate"] = learning_rate_of("LearningRateScheduler", self.model).item()


class CSVLogger(Callback):
    """Writes the numbers of every epoch into a file of comma-separated values, a line an epoch.

    Parameters
    ----------
    filename : str or path
    separator : str
    append : bool
        Whether lines are added to a file that exists, as for training that goes on; else it is replaced.

    Raises
    ------
    OSError
        When training begins: the file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from tinygrad_lite import nn
    >>> model = nn.Sequential([nn.Dense(1, kernel_initializer="ones")])
    >>> model.compile("sgd", "mean_squared_error")
    >>> path = Path(tempfile.mkdtemp(), "log.csv")
    >>> x = np.ones((4, 1), "float32")
    >>> _ = model.fit(x, x, epochs=2, verbose=0, callbacks=[nn.callbacks.CSVLogger(path)])
    >>> print(path.read_text(encoding="utf-8").strip())
    epoch,loss
    0,0.0
    1,0.0
    """

    def __init__(self, filename: str | os.PathLike[str], separator: str = ",", append: bool = False) -> None:
        self.filename = Path(filename)
        self.separator = separator
        self.append = append
        self._names: list[str] | None = None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._names = None
        if self.append and self.filename.exists():
            with open(self.filename, newline="", encoding="utf-8") as file:
                self._names = next(csv.reader(file, delimiter=self.separator), None)
        else:
            self.filename.write_text("", encoding="utf-8")

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        row: dict[str, Any] = {"epoch": epoch, **(logs or {})}
        with open(self.filename, "a", newline="", encoding="utf-8") as file:  # complete after every epoch
            names = self._names or list(row)
            writer = csv.DictWriter(
                file, names, restval="NA", extrasaction="ignore", delimiter=self.separator, lineterminator="\n"
            )
            if self._names is None:
                writer.writeheader()
                self._names = names
            writer.writerow(row)


class LambdaCallback(Callback):
    """Calls functions at the moments of training that they are given for.

    Parameters
    ----------
    on_epoch_begin, on_epoch_end : callable, optional
        Take the epoch and the logs.
    on_train_begin, on_train_end : callable, optional
        Take the logs.
    on_train_batch_begin, on_train_batch_end : callable, optional
        Take the batch and the logs.
    **hooks
        Any other method of `Callback` whose name begins with "on_".

    Raises
    ------
    TypeError
        There is no such method, or what is given for it cannot be called.

    Examples
    --------
    >>> import numpy as np
    >>> from tinygrad_lite import nn
    >>> model = nn.Sequential([nn.Dense(1, kernel_initializer="ones")])
    >>> model.compile("sgd", "mean_squared_error")
    >>> x = np.ones((4, 1), "float32")
    >>> report = nn.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: print(epoch, logs["loss"]))
    >>> _ = model.fit(x, x, epochs=2, verbose=0, callbacks=[report])
    0 0.0
    1 0.0
    """

    def __init__(
        self,
        on_epoch_begin: Callable[..., Any] | None = None,
        on_epoch_end: Callable[..., Any] | None = None,
        on_train_begin: Callable[..., Any] | None = None,
        on_train_end: Callable[..., Any] | None = None,
        on_train_batch_begin: Callable[..., Any] | None = None,
        on_train_batch_end: Callable[..., Any] | None = None,
        **hooks: Callable[..., Any] | None,
    ) -> None:
        hooks |= {
            "on_epoch_begin": on_epoch_begin,
            "on_epoch_end": on_epoch_end,
            "on_train_begin": on_train_begin,
            "on_train_end": on_train_end,
            "on_train_batch_begin": on_train_batch_begin,
            "on_train_batch_end": on_train_batch_end,
        }
        known = [name for name in dir(Callback) if name.startswith("on_")]
        for name, function in hooks.items():
            if name not in known:
                raise TypeError(f"LambdaCallback does not take {name}. It takes: {', '.join(known)}.")
            if function is not None:
                if not callable(function):
                    raise TypeError(f"LambdaCallback expected a function. Received: {name}={function!r}.")
                setattr(self, name, function)


class TerminateOnNaN(Callback):
    """Stops training at the first batch after which the loss is nan or infinite, and prints so.

    `fit` stops by itself on such a loss, with a warning; where this callback is, it leaves it to it.

    Parameters
    ----------
    raise_error : bool
        Raise instead of stopping.

    Raises
    ------
    RuntimeError
        With `raise_error`, when the loss is nan or infinite.

    Examples
    --------
    >>> import numpy as np
    >>> from tinygrad_lite import nn, optim
    >>> model = nn.Sequential([nn.Dense(1)])
    >>> model.compile(optim.SGD(1e30), "mean_squared_error")
    >>> x = np.ones((64, 1), "float32")
    >>> history = model.fit(x, 2 * x, batch_size=1, epochs=9, verbose=0, callbacks=[nn.callbacks.TerminateOnNaN()])
    Batch 2: the loss is inf. Training ends here.
    >>> history.epoch
    [0]
    """

    def __init__(self, raise_error: bool = False) -> None:
        self.raise_error = raise_error

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        loss = (logs or {}).get("loss", 0.0)
        if not math.isfinite(loss):
            if self.raise_error:
                raise RuntimeError(
                    f"Expected a finite loss. Received: a loss of {loss} at batch {batch + 1}. Try a smaller "
                    "learning_rate."
                )
            show(f"Batch {batch + 1}: the loss is {loss}. Training ends here.")
            self.model.stop_training = True
