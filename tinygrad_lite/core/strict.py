"""What is only suspicious: a warning, and with `tgl.strict()` an error.

A mistake always raises. Suspicious is what can be meant and usually is not: labels that never change, weights that
the loss does not reach. Who finds such a thing calls `suspect`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any

from tinygrad_lite.utils.callers import warn_user

__all__ = ["StrictError", "SuspicionWarning", "is_strict", "strict", "suspect", "unwitnessed", "witness"]


class SuspicionWarning(UserWarning):
    """Something that can be meant, and usually is not."""


class StrictError(ValueError):
    """The same, where `tgl.strict()` is on."""


class _State(threading.local):
    is_on = False
    is_witnessed = True


_state = _State()


def is_strict() -> bool:
    """Whether `tgl.strict` is on in this thread."""
    return _state.is_on


on_gradient: list[Callable[[Any, Any, Any], None]] = []
"""Called with tape, targets and sources before gradients are computed, where `strict` is on."""
on_step: list[Callable[[Any, Any], None]] = []
"""Called with optimizer and Variables after a step, where `strict` is on."""


def witness(witnesses: list[Any], *what: Any) -> None:
    """Tell the witnesses of something in a loop written by hand."""
    if _state.is_witnessed:
        for tell in witnesses:
            tell(*what)


@contextmanager
def unwitnessed() -> Iterator[None]:
    """A context for training that is looked at otherwise, by `fit`."""
    before, _state.is_witnessed = _state.is_witnessed, False
    try:
        yield
    finally:
        _state.is_witnessed = before


class strict:  # in small letters: it is called like a function
    """Let what is only suspicious raise, in this thread: a switch, and a context manager.

    `tgl.strict()` turns it on from here on, `tgl.strict(False)` off; after `with tgl.strict():` it is as it was.

    What is suspicious is listed in docs/debugging.md. With it on, `fit` looks in every epoch, else in the first ones
    after `compile`; and loops written by hand are looked at in `tape.gradient` and `apply_gradients`.

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


def suspect(message: str) -> None:
    """Warn of something suspicious, or raise where `tgl.strict` is on.

    Raises
    ------
    StrictError
        `tgl.strict` is on.
    """
    if _state.is_on:
        raise StrictError(f"{message} (tgl.strict() is on: otherwise this is no error.)")
    warn_user(message, SuspicionWarning)
