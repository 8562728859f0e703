"""Attributes that are checked whenever they are set: in the constructor, and later too.

A class lists its settings, each with a function that returns the value to store or raises an error. Without this, a
number out of its range would be noticed late, or not at all.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from tinygrad_lite.utils.names import explain_calls

__all__ = ["Checked", "CheckedOptions", "flag", "is_real"]


class Checked:
    """An object whose settings are checked when they are set, and whose constructor lists its arguments in errors.

    Examples
    --------
    >>> class Halver(Checked):
    ...     _settings = {"rate": lambda halver, rate: rate / 2}
    >>> halver = Halver()
    >>> halver.rate = 3
    >>> halver.rate
    1.5
    """

    _settings: ClassVar[dict[str, Callable[[Any, Any], Any]]] = {}
    """For each attribute, a function of the object and the value that returns what is stored."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        explain_calls(cls)

    def __setattr__(self, name: str, value: Any) -> None:
        convert = self._settings.get(name)
        object.__setattr__(self, name, value if convert is None else convert(self, value))


class CheckedOptions(Checked):
    """An object with a dict of `options`, which are its attributes too; setting one changes the dict."""

    options: dict[str, Any]

    def __getattr__(self, name: str) -> Any:  # called for what is missing only
        options = vars(self).get("options", {})
        if name not in options:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return options[name]

    def __setattr__(self, name: str, value: Any) -> None:
        options = vars(self).get("options", {})
        if name not in options:
            super().__setattr__(name, value)
            return
        convert = self._settings.get(name)
        self.options = {**options, name: value if convert is None else convert(self, value)}


def is_real(value: object) -> bool:
    """Whether it is a finite number; True, "1" and nan are not."""
    return isinstance(value, (int, float, np.integer, np.floating)) and type(value) is not bool and math.isfinite(value)


def flag(name: str, value: object) -> bool:
    """True or False; 0 and 1 stand for them.

    Raises
    ------
    TypeError
        It is something else.
    """
    if not isinstance(value, (bool, np.bool_)) and not (isinstance(value, int) and value in (0, 1)):
        raise TypeError(f"Expected {name} to be True or False. Received: {name}={value!r}.")
    return bool(value)
