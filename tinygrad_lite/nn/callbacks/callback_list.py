"""The callbacks of one training: each hook is handed on to those that override it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from tinygrad_lite.utils.callback import Callback

__all__ = ["CallbackList", "act_within_epochs", "as_list"]

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
            hook: [listener for callback in callbacks if (listener := _overridden(callback, hook))] for hook in _HOOKS
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
    return any(_overridden(callback, hook) for callback in callbacks for hook in _HOOKS if "batch" in hook)


def _overridden(callback: Callback, hook: str) -> Callable[..., None] | None:
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
