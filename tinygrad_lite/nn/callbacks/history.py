"""The numbers of every epoch, which `fit` returns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tinygrad_lite.nn.callbacks.progress import format_number
from tinygrad_lite.utils.callback import Callback, Logs

__all__ = ["History"]


class History(Callback):
    """Keeps the results of every epoch; `fit` returns it.

    Attributes
    ----------
    history : dict of str to list of float
        One number per epoch for `loss` and each metric, and with validation for `val_loss` and so on.
    epoch : list of int
        The finished epochs; the first is 0.
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

    def plot(self, metrics: str | Sequence[str] | None = None, *, ax: Any = None) -> Any:  # matplotlib is optional
        """Draw the loss and the metrics over epochs, validation dashed. It needs matplotlib, from the extra `viz`.

        Parameters
        ----------
        metrics : str or list of str, optional
            The metrics to draw, without `val_`. Default: all.
        ax : matplotlib Axes, optional
            The axes to draw on, for a single metric.

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
