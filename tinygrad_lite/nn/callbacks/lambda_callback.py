"""A callback made of functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tinygrad_lite.utils.callback import Callback

__all__ = ["LambdaCallback"]


class LambdaCallback(Callback):
    """Calls the given functions at stages of training.

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
        There is no such method, or its value is not callable.

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
