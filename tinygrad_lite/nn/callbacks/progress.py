"""Callbacks: what is told of each stage of training, and may act on it.

`fit` knows nothing of progress bars, histories or checkpoints. It calls hooks at fixed moments, and whatever
wants to be told overrides the ones that it needs.
"""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from tinygrad_lite.nn.callbacks.backup import BackupAndRestore
from tinygrad_lite.nn.callbacks.monitors import EarlyStopping, ModelCheckpoint, ReduceLROnPlateau
from tinygrad_lite.nn.callbacks.steering import CSVLogger, LambdaCallback, LearningRateScheduler, TerminateOnNaN
from tinygrad_lite.utils.callback import Callback, Logs
from tinygrad_lite.utils.printing import is_terminal, printable, show

__all__ = [
    "BackupAndRestore", "CSVLogger", "Callback", "EarlyStopping", "History", "LambdaCallback", "LearningRateScheduler",
    "ModelCheckpoint", "ReduceLROnPlateau", "TerminateOnNaN",
]  # fmt: skip

_OLDER = {"on_train_batch_begin": "on_batch_begin", "on_train_batch_end": "on_batch_end"}  # Keras's older names
_HOOKS = tuple(name for name in vars(Callback) if name.startswith("on_") and name not in _OLDER.values())


class CallbackList:
    """Hands each hook on to those callbacks that override it.

    Parameters
    ----------
    callbacks : iterable of Callback
        Are called in this order.
    model : Model
    params : dict

    Raises
    ------
    TypeError
        Something else than a Callback.
    """

    def __init__(self, callbacks: Iterable[Callback], model: Any, params: Mapping[str, Any]) -> None:
        callbacks = list(callbacks)
        for callback in callbacks:
            if not isinstance(callback, Callback):
                fix = "Make an instance: add ()." if isinstance(callback, type) else "Subclass nn.callbacks.Callback."
                raise TypeError(f"Expected callbacks to be a list of Callbacks. Received: {callback!r} in it. {fix}")
            callback.set_params(params)
            callback.set_model(model)
        self._listeners: dict[str, list[Callable[..., None]]] = {
            hook: [listener for callback in callbacks if (listener := _listener(callback, hook))] for hook in _HOOKS
        }

    def has(self, hook: str) -> bool:
        """Whether anyone listens: if not, its logs need not be computed."""
        return bool(self._listeners[hook])

    def __call__(self, hook: str, *args: Any) -> None:
        """Call the hook of everyone who overrides it."""
        for listener in self._listeners[hook]:
            listener(*args)


def act_within_epochs(callbacks: Iterable[Callback]) -> bool:
    """Whether any of them is called for batches, and may change the model between them."""
    return any(_listener(callback, hook) for callback in callbacks for hook in _HOOKS if "batch" in hook)


def _listener(callback: Callback, hook: str) -> Callable[..., None] | None:
    """The callback's own method for `hook`, or for its older name, or None if it has neither."""
    for name in (hook, _OLDER.get(hook)):
        if name and getattr(getattr(callback, name), "__func__", None) is not getattr(Callback, name):
            return getattr(callback, name)
    return None


def as_list(callbacks: Any) -> list[Callback]:
    """What a user passed as `callbacks`: None, one, or several."""
    if callbacks is None:
        return []
    return list(callbacks) if isinstance(callbacks, (list, tuple)) else [callbacks]


class History(Callback):
    """Keeps the numbers of every epoch; `fit` returns one.

    Attributes
    ----------
    history : dict of str to list of float
        Of `loss`, each metric, and with validation `val_loss` and so on: one number an epoch.
    epoch : list of int
        The epochs done, the first is 0.
    params : dict
        `epochs`, `steps` and `verbose`.

    Examples
    --------
    >>> import numpy as np
    >>> from tinygrad_lite import nn
    >>> model = nn.Sequential([nn.Dense(1, kernel_initializer="zeros")])
    >>> model.compile("sgd", "mean_squared_error")
    >>> history = model.fit(np.ones((4, 1)), np.ones((4, 1)), epochs=2, verbose=0)
    >>> history.epoch, [round(loss, 4) for loss in history.history["loss"]]
    ([0, 1], [1.0, 0.9216])
    """

    def __init__(self) -> None:
        self.history: dict[str, list[float]] = {}
        self.epoch: list[int] = []

    def __repr__(self) -> str:
        last = ", ".join(f"{name} {format_number(values[-1])}" for name, values in self.history.items())
        return f"<History of {len(self.epoch)} epochs{': ' if last else ''}{last}>"

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self.history, self.epoch = {}, []

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)

    def get_state(self) -> dict[str, Any]:
        return {"history": self.history, "epoch": self.epoch}

    def set_state(self, state: Mapping[str, Any]) -> None:
        self.history, self.epoch = state["history"], state["epoch"]

    def plot(self, metrics: Any = None, *, ax: Any = None) -> Any:
        """Draw the loss and the metrics over epochs, validation dashed; needs matplotlib, of the `viz` extra.

        Parameters
        ----------
        metrics : str or list of str, optional
            Which to draw, without `val_`; all of them unless given.
        ax : matplotlib Axes, optional
            Where to draw the one metric that is asked for.

        Returns
        -------
        matplotlib Figure
            See `viz.plots.learning_curves`, which also compares several histories.

        Examples
        --------
        >>> import numpy as np
        >>> from tinygrad_lite import nn
        >>> model = nn.Sequential([nn.Dense(1)])
        >>> model.compile("sgd", "mean_squared_error")
        >>> figure = model.fit(np.ones((4, 1)), np.ones((4, 1)), epochs=2, verbose=0).plot()
        >>> [axes.get_title() for axes in figure.axes]
        ['loss']
        """
        from tinygrad_lite.viz.plots import learning_curves

        return learning_curves(self, metrics, ax=ax)


# Progress -----------------------------------------------------------------------------------------------------


def progress(verbose: Any) -> ProgressLines | ProgressBar | None:
    """Who reports progress to standard output: a bar on a terminal, lines into a file, nobody.

    Parameters
    ----------
    verbose : "auto", 0, 1 or 2
        1 and "auto" mean a bar, or lines where the output is not a terminal; 2 means lines.

    Raises
    ------
    ValueError
        Something else.
    """
    if isinstance(verbose, str) and verbose == "auto":
        verbose = 1
    if verbose not in (0, 1, 2):
        raise ValueError(
            "Expected verbose to be 'auto', 0 (silent), 1 (a bar) or 2 (a line an epoch). Received: "
            f"verbose={verbose!r}."
        )
    if not verbose:
        return None
    return ProgressBar() if verbose == 1 and is_terminal(sys.stdout) else ProgressLines()


def format_number(value: float) -> str:
    """Four digits: 0.9254, 1.234e-05."""
    return f"{value:.4f}" if 1e-3 <= abs(value) < 1e5 or value == 0 else f"{value:.4g}"


def _line(logs: Logs | None) -> str:
    return ", ".join(f"{name} {format_number(value)}" for name, value in (logs or {}).items())


class ProgressLines(Callback):
    """One line an epoch, and one for an evaluation: for files, pipes and notebooks."""

    def __init__(self) -> None:
        self._is_training = False
        self._start = 0.0

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._is_training = True

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self._start = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        self._print(f"Epoch {epoch + 1}/{self.params['epochs']}", logs)

    def on_test_begin(self, logs: Logs | None = None) -> None:
        if not self._is_training:
            self._start = time.perf_counter()

    def on_test_end(self, logs: Logs | None = None) -> None:
        if not self._is_training:
            self._print("Evaluation", logs)

    def _print(self, what: str, logs: Logs | None) -> None:
        show(f"{what}: {_line(logs)} ({time.perf_counter() - self._start:.1f} s)")

    def close(self) -> None:
        """Nothing is open."""


class ProgressBar(Callback):
    """A bar for every epoch, evaluation and prediction, with the steps done and the numbers so far."""

    def __init__(self) -> None:
        self._is_training = False
        self._bar: Any = None

    def _open(self, what: str, leave: bool = True) -> None:
        from tqdm import tqdm

        self.close()
        columns, lines = shutil.get_terminal_size()  # 80, 24 where a terminal says 0, 0: tqdm would print nothing
        self._bar = tqdm(
            total=self.params["steps"], desc=what, unit="step", file=sys.stdout, leave=leave,
            ncols=columns - 1, nrows=lines,
        )  # fmt: skip

    def _step(self, logs: Logs | None) -> None:
        self._bar.set_postfix_str(printable(_line(logs), sys.stdout), refresh=False)
        self._bar.update()

    def _finish(self, logs: Logs | None) -> None:
        self._bar.set_postfix_str(printable(_line(logs), sys.stdout), refresh=False)
        self._bar.refresh()
        self.close()

    def close(self) -> None:
        """Leave the bar as it is, and end its line."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._is_training = True

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self._open(f"Epoch {epoch + 1}/{self.params['epochs']}")

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        self._step(logs)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        self._finish(logs)

    def on_test_begin(self, logs: Logs | None = None) -> None:
        if not self._is_training:
            self._open("Evaluation")

    def on_test_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        if not self._is_training:
            self._step(logs)

    def on_test_end(self, logs: Logs | None = None) -> None:
        if not self._is_training:
            self._finish(logs)

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        self._open("Prediction", leave=False)

    def on_predict_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        self._step(logs)

    def on_predict_end(self, logs: Logs | None = None) -> None:
        self.close()
