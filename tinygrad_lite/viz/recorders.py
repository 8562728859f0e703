"""Callbacks that record training for plots: learning curves, norms of gradients, the path of the weights."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_lite.core.tape import GradientTape
from tinygrad_lite.core.tensor import Tensor, TensorLike
from tinygrad_lite.utils.callback import Callback
from tinygrad_lite.utils.types import Array
from tinygrad_lite.viz.plots.canvas import as_array
from tinygrad_lite.viz.plots.curves import learning_curves

__all__ = ["GradientNorms", "LiveCurves", "WeightPath"]

Logs = Mapping[str, float]


class LiveCurves(Callback):
    """Draw learning curves while the model trains: in a notebook, or into a file that each epoch replaces.

    Parameters
    ----------
    path : str or path
        The file to write outside of a notebook. Its folder is created if needed. Most editors show the new
        picture as soon as the file changes.

    Attributes
    ----------
    history : dict of str to list of float
        Loss and metrics of the epochs so far.
    figure : matplotlib Figure or None
        The last drawing.

    Examples
    --------
    >>> import os, tempfile
    >>> import numpy as np
    >>> from tinygrad_lite import nn, viz
    >>> model = nn.Sequential([nn.Dense(1)])
    >>> model.compile("sgd", "mean_squared_error")
    >>> path = os.path.join(tempfile.mkdtemp(), "curves.png")
    >>> x = np.ones((8, 1), "float32")
    >>> _ = model.fit(x, x, epochs=2, verbose=0, callbacks=[viz.LiveCurves(path)])
    >>> os.path.exists(path)
    True
    """

    def __init__(self, path: str | os.PathLike[str] = "curves.png") -> None:
        self.path = Path(path)
        self.history: dict[str, list[float]] = {}
        self.epoch: list[int] = []
        self.figure: Any = None
        self._display: Any = None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self.history, self.epoch, self.figure, self._display = {}, [], None, None

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)
        if not self.history:
            return
        self.figure = learning_curves(self)
        if not _in_notebook():
            self._write()
        elif self._display is None:
            from IPython.display import display

            self._display = display(self.figure, display_id=True)
        else:
            self._display.update(self.figure)

    def _write(self) -> None:
        """Replace the file in one step, so that no reader sees an incomplete picture."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        kind = self.path.suffix.removeprefix(".") or "png"
        try:
            self.figure.savefig(unfinished, dpi=120, format=kind)
            os.replace(unfinished, self.path)
        finally:
            unfinished.unlink(missing_ok=True)


def _in_notebook() -> bool:
    """Whether this runs in the kernel of a notebook."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None and hasattr(ipython, "get_ipython") else None
    return shell is not None and hasattr(shell, "kernel")


class GradientNorms(Callback):
    """Records the norm of each parameter's gradient through training, for `viz.plots.gradient_flow`.

    The gradient of the loss on the given samples is computed before the first step and after every `every` steps.
    The samples are always the same, so the norms change because of the weights and not because of the batch. Each
    record costs one forward and one backward pass over these samples. Layers are in inference mode and no random
    number is drawn, so training is not affected.

    Parameters
    ----------
    x, y : array_like
        Samples, about as many as in a batch, and their labels.
    every : int
        Steps between two records.

    Attributes
    ----------
    steps : list of int
        The number of steps done at each record.
    norms : dict of str to list of float
        The norms of each parameter, by its name; 0 where no gradient flows.

    Raises
    ------
    ValueError
        `every` is less than 1, or there are no samples.

    Examples
    --------
    >>> import numpy as np
    >>> from tinygrad_lite import nn, viz
    >>> model = nn.Sequential([nn.Dense(1, kernel_initializer="zeros", name="line")])
    >>> model.compile("sgd", "mean_squared_error")
    >>> x = np.ones((8, 1), "float32")
    >>> flow = viz.GradientNorms(x, x)
    >>> _ = model.fit(x, x, epochs=3, batch_size=8, verbose=0, callbacks=[flow])
    >>> flow.steps, [round(norm, 2) for norm in flow.norms["line/kernel"]]
    ([0, 1, 2, 3], [2.0, 1.92, 1.84, 1.77])
    """

    def __init__(self, x: TensorLike, y: TensorLike, every: int = 1) -> None:
        _check_every(every, "GradientNorms")
        self._x, self._y = as_array(x), as_array(y)
        if not self._x.ndim or not len(self._x) or len(self._x) != len(self._y):
            raise ValueError(
                "GradientNorms expected samples and as many labels. Received: "
                f"x.shape={self._x.shape}, y.shape={self._y.shape}."
            )
        self.every = every
        self.steps: list[int] = []
        self.norms: dict[str, list[float]] = {}
        self._step = 0

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self.steps, self.norms, self._step = [], {}, 0

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        if not self._step:
            self._record()

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        self._step += 1
        if self._step % self.every == 0:
            self._record()

    def _record(self) -> None:
        with GradientTape() as tape:
            loss, _ = self.model._forward((Tensor(self._x), Tensor(self._y)), training=False)
        variables = self.model.trainable_variables
        self.steps.append(self._step)
        for name, gradient in zip(_unique([v.name for v in variables]), tape.gradient(loss, variables)):
            norm = 0.0 if gradient is None else float(np.linalg.norm(gradient.numpy().astype(np.float64)))
            self.norms.setdefault(name, []).append(norm)


class WeightPath(Callback):
    """Records the weights during training, for `viz.plots.loss_surface`.

    Each point is a copy of all trainable weights: choose `every` so that they fit into memory.

    Parameters
    ----------
    every : int
        Steps between two points. The first and the last are always kept.

    Attributes
    ----------
    points : list of lists of ndarray
        The trainable weights, in the model's order.

    Raises
    ------
    ValueError
        `every` is less than 1.

    Examples
    --------
    >>> import numpy as np
    >>> from tinygrad_lite import nn, viz
    >>> model = nn.Sequential([nn.Dense(1)])
    >>> model.compile("sgd", "mean_squared_error")
    >>> x, path = np.ones((8, 1), "float32"), viz.WeightPath(every=2)
    >>> _ = model.fit(x, x, epochs=5, batch_size=8, verbose=0, callbacks=[path])
    >>> len(path.points)
    4
    """

    def __init__(self, every: int = 1) -> None:
        _check_every(every, "WeightPath")
        self.every = every
        self.points: list[list[Array]] = []
        self._step = 0

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self.points, self._step = [], 0

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        if not self._step:
            self._keep()

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        self._step += 1
        if self._step % self.every == 0:
            self._keep()

    def on_train_end(self, logs: Logs | None = None) -> None:
        if self._step % self.every:
            self._keep()

    def _keep(self) -> None:
        self.points.append([variable.numpy().copy() for variable in self.model.trainable_variables])


def _check_every(every: Any, name: str) -> None:
    if isinstance(every, bool) or not isinstance(every, (int, np.integer)) or every < 1:
        raise ValueError(f"{name} expected every to be an integer of at least 1. Received: every={every!r}.")


def _unique(names: list[str]) -> list[str]:
    """The names, with numbers after repeated ones, so that they can be keys of a dict."""
    return [name if name not in names[:n] else f"{name} ({n})" for n, name in enumerate(names)]
