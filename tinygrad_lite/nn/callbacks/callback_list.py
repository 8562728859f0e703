"""The callbacks of one training: a hook is called on each callback that overrides it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from tinygrad_lite.utils.callback import Callback

__all__ = ["CallbackList", "act_within_epochs", "as_list"]

_OLDER = {"on_train_batch_begin": "on_batch_begin", "on_train_batch_end": "on_batch_end"}  # Keras's older names
_HOOKS = tuple(name for name in vars(Callback) if name.startswith("on_") and name not in _OLDER.values())


class CallbackList:
    """Calls a hook on each callback that overrides it.

    Parameters
    ----------
    callbacks : iterable of Callback
        In the order in which they are called.
    model : Model
    params : dict

    Raises
    ------
    TypeError
        An item is not a Callback.
    """

    def __init__(self, callbacks: Iterable[Callback], model: Any, params: Mapping[str, Any]) -> None:
        callbacks = list(callbacks)
        for callback in callbacks:
            if not isinstance(callback, Callback):
                fix = "Make an instance: add ()." if isinstance(callback, type) else "Subclass nn.callbacks.Callback."
                raise TypeError(f"Expected callbacks to be a list of Callbacks. Received: {callback!r} in it. {fix}")
            callback.set_params(params)
            callback.set_model(model)
        self._methods: dict[str, list[Callable[..., None]]] = {
            hook: [method for callback in callbacks if (method := _override(callback, hook))] for hook in _HOOKS
        }

    def has(self, hook: str) -> bool:
        """Whether any callback overrides the hook: if none does, its logs need not be computed."""
        return bool(self._methods[hook])

    def __call__(self, hook: str, *args: Any) -> None:
        """Call the hook of each callback that overrides it."""
        for method in self._methods[hook]:
            method(*args)


def act_within_epochs(callbacks: Iterable[Callback]) -> bool:
    """Whether any callback is called between batches, where it may change the model."""
    return any(_override(callback, hook) for callback in callbacks for hook in _HOOKS if "batch" in hook)


def _override(callback: Callback, hook: str) -> Callable[..., None] | None:
    """The callback's override of `hook`, or of its older name, or None."""
    for name in (hook, _OLDER.get(hook)):
        if name and getattr(getattr(callback, name), "__func__", None) is not getattr(Callback, name):
            return getattr(callback, name)
    return None


def as_list(callbacks: Callback | Sequence[Callback] | None) -> list[Callback]:
    """The argument `callbacks` as a list: the user may pass None, one callback, or several."""
    if callbacks is None:
        return []
    if isinstance(callbacks, (list, tuple)):
        return list(callbacks)
    return [callbacks]  # type: ignore[list-item]  # `CallbackList` refuses what is not a Callback
