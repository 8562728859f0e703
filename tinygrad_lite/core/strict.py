"""Code that is probably a mistake: a warning, or an error where `tgl.strict()` is on.

What cannot be meant always raises. Labels that never change, or weights that the loss does not depend on, can be meant,
but usually are not. Code that finds such a thing calls `warn_or_raise`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any

from tinygrad_lite.utils.callers import warn_user

__all__ = ["StrictError", "SuspicionWarning", "is_strict", "notify", "strict", "unnotified", "warn_or_raise"]


class SuspicionWarning(UserWarning):
    """The code is probably a mistake."""


class StrictError(ValueError):
    """The code is probably a mistake, and `tgl.strict()` is on."""


class _State(threading.local):
    is_on = False
    notifies = True


_state = _State()


def is_strict() -> bool:
    """Whether `tgl.strict` is on in this thread."""
    return _state.is_on


on_gradient: list[Callable[[Any, Any, Any], None]] = []
"""Called with tape, targets and sources before gradients are computed, where `strict` is on."""
on_step: list[Callable[[Any, Any], None]] = []
"""Called with optimizer and Variables after a step, where `strict` is on."""


def notify(observers: list[Any], *what: Any) -> None:
    """Call the observers of training loops that users wrote themselves."""
    if _state.notifies:
        for observer in observers:
            observer(*what)


@contextmanager
def unnotified() -> Iterator[None]:
    """A context in which `notify` does nothing, for `fit`, which has its own checks."""
    before, _state.notifies = _state.notifies, False
    try:
        yield
    finally:
        _state.notifies = before


class strict:  # lower case, because it is called like a function
    """Raise an error, in this thread, where the code is probably a mistake: a switch, and a context manager.

    `tgl.strict()` turns it on from here on, `tgl.strict(False)` off. After `with tgl.strict():` it is as before.

    docs/debugging.md lists what is checked. Where strict is on, `fit` checks in every epoch, otherwise in the first
    ones after `compile`; and loops written by hand are checked in `tape.gradient` and `apply_gradients`.

    Parameters
    ----------
    on : bool

    Raises
    ------
    TypeError
        `on` is not a bool.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> v, w = tgl.Variable(1.0), tgl.Variable(2.0, name="w")
    >>> with tgl.strict():
    ...     with tgl.GradientTape() as tape:
    ...         y = v * 3.0
    ...     tape.gradient(y, [v, w])  # doctest: +IGNORE_EXCEPTION_DETAIL
    Traceback (most recent call last):
    tinygrad_lite.core.strict.StrictError: The target does not depend on the Variable 'w': its gradient is None.
    """

    def __init__(self, on: bool = True) -> None:
        if not isinstance(on, bool):
            raise TypeError(f"strict expected True or False. Received: on={on!r}. Use `with tgl.strict():`.")
        self._before = _state.is_on
        self._on = _state.is_on = on

    def __enter__(self) -> strict:
        _state.is_on = self._on
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _state.is_on = self._before

    def __repr__(self) -> str:
        return f"<tgl.strict, {'on' if _state.is_on else 'off'} in this thread>"


def warn_or_raise(message: str) -> None:
    """Warn that the code is probably a mistake, or raise where `tgl.strict` is on.

    Raises
    ------
    StrictError
        `tgl.strict` is on.
    """
    if _state.is_on:
        raise StrictError(f"{message} (tgl.strict() is on: otherwise this is no error.)")
    warn_user(message, SuspicionWarning)
