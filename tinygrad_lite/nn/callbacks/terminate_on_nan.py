"""Stop training at the first loss that is nan or infinite."""

from __future__ import annotations

import math

from tinygrad_lite.utils.callback import Callback, Logs
from tinygrad_lite.utils.printing import show

__all__ = ["TerminateOnNaN"]


class TerminateOnNaN(Callback):
    """Stops training at the first batch after which the loss is nan or infinite, and prints a line.

    `fit` itself stops on such a loss, with a warning. With this callback, the callback does it instead.

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
