"""The user's line of code: the innermost one on the stack that is neither of this package nor of NumPy."""

from __future__ import annotations

import os
import sys
import warnings
from types import FrameType

import numpy as np

__all__ = ["user_frame", "warn_user"]

_PACKAGES = (os.path.abspath(__file__), np.__file__)
_INSIDE = (*(os.path.dirname(path) + os.sep for path in _PACKAGES), "<__array_function__")


def user_frame() -> tuple[FrameType, int]:
    """That line's frame, and how many frames it is above the caller of this function."""
    frame, depth = sys._getframe(1), 0
    while frame.f_code.co_filename.startswith(_INSIDE) and frame.f_back is not None:
        frame, depth = frame.f_back, depth + 1
    return frame, depth


def warn_user(message: str, category: type[Warning]) -> None:
    """Warn of something in the user's line, however many calls of this package are between."""
    _, depth = user_frame()
    warnings.warn(message, category, stacklevel=depth + 1)
