"""Printing that does not fail where an output cannot show a letter, as with the locale C or an old code page."""

from __future__ import annotations

import sys
from typing import TextIO

__all__ = ["is_terminal", "printable", "show"]


def printable(text: str, file: TextIO | None) -> str:
    r"""`text` with escapes for the letters that the encoding of `file` lacks.

    Examples
    --------
    >>> import io
    >>> printable("größe", io.TextIOWrapper(io.BytesIO(), encoding="ascii"))
    'gr\\xf6\\xdfe'
    """
    encoding = getattr(file, "encoding", None) or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)


def show(text: str) -> None:
    """Print `text` at once, with escapes for the letters that the output cannot show.

    Examples
    --------
    >>> show("Epoch 1")
    Epoch 1
    """
    print(printable(text, sys.stdout), flush=True)


def is_terminal(file: TextIO | None) -> bool:
    """Whether `file` is a terminal. A program without a console has None as its output.

    Examples
    --------
    >>> is_terminal(None)
    False
    """
    return bool(getattr(file, "isatty", bool)())
