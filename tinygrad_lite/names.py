"""Finding things by name: one table per kind, one error that lists the names and suggests the nearest."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

__all__ = ["check_surplus", "lookup", "unexpected"]

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


def unexpected(instance: Any, names: Iterable[str], instead: Mapping[str, str]) -> TypeError:
    """The error for arguments that the class of `instance` does not take: says which it takes.

    Parameters
    ----------
    instance : object
        Under construction.
    names : iterable of str
        The arguments that it was given.
    instead : mapping of str
        What to write for those that are known from elsewhere.

    Examples
    --------
    >>> class Layer:
    ...     def __init__(self, units, **unknown):
    ...         raise unexpected(self, unknown, {"size": "units"})
    >>> Layer(3, size=4)
    Traceback (most recent call last):
        ...
    TypeError: Layer does not take size. It takes: units. Instead of size: units.
    """
    inits = [vars(c)["__init__"] for c in type(instance).__mro__ if "__init__" in vars(c)]
    parameters = [p for init in inits for p in inspect.signature(init).parameters.values()]
    variadic = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    takes = dict.fromkeys(p.name for p in parameters if p.kind not in variadic and p.name != "self")
    given = list(names)
    fixes = [f" Instead of {name}: {instead[name]}." for name in given if name in instead]
    return TypeError(
        f"{type(instance).__name__} does not take {', '.join(given)}. It takes: {', '.join(takes)}.{''.join(fixes)}"
    )


def check_surplus(
    instance: Any, given: Mapping[str, Any], without_effect: Mapping[str, Any], instead: Mapping[str, str]
) -> None:
    """Raise for arguments that the class of `instance` does not take, unless they ask for nothing.

    Parameters
    ----------
    instance : object
        Under construction.
    given : mapping of str
        The arguments, and their values.
    without_effect : mapping of str
        Arguments that Keras has and this package has not, and the values at which they change nothing.
    instead : mapping of str
        What to write for those that are known from elsewhere.

    Examples
    --------
    >>> class Layer:
    ...     def __init__(self, units, **surplus):
    ...         check_surplus(self, surplus, {"regularizer": None}, {"regularizer": "a term in the loss"})
    >>> layer = Layer(3, regularizer=None)
    >>> Layer(3, regularizer="l2")
    Traceback (most recent call last):
        ...
    TypeError: Layer does not take regularizer. It takes: units. Instead of regularizer: a term in the loss.
    """
    wrong = [
        name for name, value in given.items() if name not in without_effect or not is_same(value, without_effect[name])
    ]
    if wrong:
        raise unexpected(instance, wrong, instead)


def is_same(value: Any, default: Any) -> bool:
    """Whether an argument is at its default: equal, and of the same type."""
    return value is default or (type(value) is type(default) and bool(value == default))


def _plain(name: str) -> str:
    return name.lower().replace("_", "")
