"""Progress on standard output: a bar on a terminal, lines elsewhere."""

from __future__ import annotations

import shutil
import sys
import time
from typing import Any

from tinygrad_lite.utils.callback import Callback, Logs
from tinygrad_lite.utils.printing import is_terminal, printable, show

__all__ = ["ProgressBar", "ProgressLines", "format_number", "progress"]


def progress(verbose: str | int) -> ProgressLines | ProgressBar | None:
    """The callback that reports progress on standard output: a bar, lines, or None.

    Parameters
    ----------
    verbose : "auto", 0, 1 or 2
        1 and "auto" mean a bar on a terminal and lines elsewhere; 2 means lines.

    Raises
    ------
    ValueError
        `verbose` is something else.
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
    """One line per epoch, and one for an evaluation: for files, pipes and notebooks."""

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
        """Do nothing: there is no bar."""


class ProgressBar(Callback):
    """A bar for every epoch, evaluation and prediction, with the finished steps and the results so far."""

    def __init__(self) -> None:
        self._is_training = False
        self._bar: Any = None

    def _open(self, what: str, leave: bool = True) -> None:
        from tqdm import tqdm

        self.close()
        columns, lines = shutil.get_terminal_size()  # 80, 24 if a terminal reports 0, 0: tqdm would print nothing
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
        """Keep the bar as it is, and end its line."""
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
