"""Write the numbers of every epoch into a file."""

from __future__ import annotations

import csv
import os
from pathlib import Path
from typing import Any

from tinygrad_lite.utils.callback import Callback, Logs

__all__ = ["CSVLogger"]


class CSVLogger(Callback):
    """Writes the results of every epoch into a file of comma-separated values, one line per epoch.

    Parameters
    ----------
    filename : str or path
    separator : str
    append : bool
        Whether lines are added to an existing file, as for resumed training. Otherwise the file is replaced.

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
        with open(self.filename, "a", newline="", encoding="utf-8") as file:  # the file is complete after every epoch
            names = self._names or list(row)
            writer = csv.DictWriter(
                file, names, restval="NA", extrasaction="ignore", delimiter=self.separator, lineterminator="\n"
            )
            if self._names is None:
                writer.writeheader()
                self._names = names
            writer.writerow(row)
