"""Save the model, or its weights, while it is trained."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tinygrad_lite.nn.callbacks.monitored import MonitoredValue
from tinygrad_lite.utils.callback import Callback, Logs
from tinygrad_lite.utils.printing import show

__all__ = ["ModelCheckpoint"]


class ModelCheckpoint(Callback):
    """Saves the model, or its weights, after every epoch, or after every epoch that was the best so far.

    Each file is written under another name and then renamed, so an interruption leaves the old file or the new one.

    Parameters
    ----------
    filepath : str or path
        May contain the epoch, counted from 1, and results of the epoch: "{epoch:02d}-{val_loss:.3f}.tgl". It ends in
        `.npz` or `.safetensors` if only weights are saved.
    monitor : str
        The result that decides which epoch is the best.
    verbose : 0 or 1
    save_best_only : bool
    save_weights_only : bool
    mode : "auto", "min" or "max"
    initial_value_threshold : float, optional
        A value that the first epoch must improve on.

    Raises
    ------
    ValueError
        At the end of the first epoch: the path contains an unknown name, or there is no such result.

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
                f"ModelCheckpoint expected save_freq='epoch'. Received: save_freq={save_freq!r}. "
                "To save within an epoch, call model.save in a LambdaCallback's on_train_batch_end."
            )
        self.filepath = os.fspath(filepath)
        is_weights = Path(self.filepath).suffix in (".npz", ".safetensors")
        if is_weights is not bool(save_weights_only):
            fix = (
                "Pass save_weights_only=True."
                if is_weights
                else "Weights are saved to a path that ends in .npz or .safetensors."
            )
            raise ValueError(
                "ModelCheckpoint expected a path whose ending fits save_weights_only. Received: filepath="
                f"{self.filepath!r}, save_weights_only={save_weights_only}. {fix}"
            )
        self._monitored = MonitoredValue("ModelCheckpoint", monitor, mode)
        self.verbose = verbose
        self.save_best_only = save_best_only
        self.save_weights_only = save_weights_only
        self.best = initial_value_threshold

    def on_train_begin(self, logs: Logs | None = None) -> None:
        if self.save_best_only:
            self._monitored.begin(self.model)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if self.save_best_only:
            value = self._monitored.value(logs, self.model)
            if not self._monitored.is_better(value, self.best):
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
