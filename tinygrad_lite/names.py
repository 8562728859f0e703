"""Finding things by name: one table per kind, one error that lists the names and suggests the nearest."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any, TypeVar

__all__ = ["lookup"]

T = TypeVar("T")


def lookup(kind: str, table: Mapping[str, T], identifier: Any) -> T:
    """The entry of `table` called `identifier`; capitals and underscores do not count.

    Parameters
    ----------
    kind : str
        What the table holds, for the error: "optimizer", "loss".
    table : mapping of str
        By the names to be listed.
    identifier : str

    Raises
    ------
    ValueError
        There is no such name: lists the known ones and suggests the nearest.
    TypeError
        `identifier` is not a string.

    Examples
    --------
    >>> lookup("optimizer", {"sgd": 1, "rmsprop": 2}, "RMSProp")
    2
    >>> lookup("optimizer", {"sgd": 1, "rmsprop": 2}, "rmsporp")
    Traceback (most recent call last):
        ...
    ValueError: Unknown optimizer. Received: 'rmsporp'. Did you mean 'rmsprop'? Known: 'rmsprop', 'sgd'.
    """
    known = ", ".join(repr(name) for name in sorted(table, key=str.lower))
    if not isinstance(identifier, str):
        raise TypeError(
            f"Expected the name of a known {kind}, or one itself. Received: {identifier!r} of type "
            f"{type(identifier).__name__}. Known names: {known}."
        )
    names = {_plain(name): name for name in table}
    name = names.get(_plain(identifier))
    if name is not None:
        return table[name]
    near = difflib.get_close_matches(_plain(identifier), names, n=1)
    hint = f" Did you mean {names[near[0]]!r}?" if near else ""
    raise ValueError(f"Unknown {kind}. Received: {identifier!r}.{hint} Known: {known}.")


def _plain(name: str) -> str:
    return name.lower().replace("_", "")
