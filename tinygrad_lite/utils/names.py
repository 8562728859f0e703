"""Finding things by name: one table for each kind, and one error that lists the names and suggests the nearest."""

from __future__ import annotations

import difflib
import functools
import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

__all__ = ["check_surplus", "explain_calls", "holds", "lookup", "unexpected"]

T = TypeVar("T")


def lookup(kind: str, table: Mapping[str, T], identifier: object) -> T:
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


def unexpected(instance: object, names: Iterable[str], instead: Mapping[str, str]) -> TypeError:
    """The error for arguments that the class of `instance` does not take: the message lists those that it takes.

    Parameters
    ----------
    instance : object
        Under construction.
    names : iterable of str
        The arguments that it was given.
    instead : mapping of str
        What to write instead of arguments that other libraries have.

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
    near = [difflib.get_close_matches(name, takes, n=1) for name in given if name not in instead]
    fixes += [f" Did you mean {names[0]}?" for names in near if names]
    return TypeError(
        f"{type(instance).__name__} does not take {', '.join(given)}. It takes: {', '.join(takes)}.{''.join(fixes)}"
    )


def explain_calls(cls: type) -> None:
    """Make the constructor of `cls` raise an error that lists its arguments when it is called with others.

    Examples
    --------
    >>> class Circle:
    ...     def __init__(self, radius, name="circle"): ...
    >>> explain_calls(Circle)
    >>> Circle(radios=2)
    Traceback (most recent call last):
        ...
    TypeError: Circle does not take radios. It takes: radius, name. Did you mean radius?
    >>> Circle()
    Traceback (most recent call last):
        ...
    TypeError: Circle expected radius. Received: no arguments. It takes: radius, name.
    """
    init = vars(cls).get("__init__")
    if not inspect.isfunction(init):
        return

    @functools.wraps(init)
    def explained(self: object, *args: Any, **kwargs: Any) -> None:
        try:
            init(self, *args, **kwargs)
        except TypeError as error:
            trace = error.__traceback__
            if trace is None or trace.tb_next is not None:  # it was raised inside of the constructor
                raise
            raise _wrong_call(self, inspect.signature(init), args, kwargs) from None

    cls.__init__ = explained  # type: ignore[misc]


def _wrong_call(
    instance: object, signature: inspect.Signature, args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> TypeError:
    """The error for arguments that a constructor does not take."""
    parameters = list(signature.parameters.values())[1:]  # without self
    names = [p.name for p in parameters if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)]
    unknown = [name for name in kwargs if name not in names]
    if unknown and all(p.kind is not p.VAR_KEYWORD for p in parameters):
        return unexpected(instance, unknown, {})
    positional = [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
    required = [p.name for p in parameters if p.default is p.empty and p.name in names]
    missing = [name for name in required if name not in kwargs and name not in positional[: len(args)]]
    twice = [name for name in positional[: len(args)] if name in kwargs]
    if missing:
        expected = ", ".join(missing)
    elif twice:
        expected = f"{', '.join(twice)} once"
    else:
        expected = f"at most {len(positional)} positional arguments, the others by name"
    received = [type(value).__name__ for value in args] + [f"{name}={value!r}" for name, value in kwargs.items()]
    return TypeError(
        f"{type(instance).__name__} expected {expected}. Received: {', '.join(received) or 'no arguments'}. "
        f"It takes: {', '.join(names) or 'none'}."
    )


def check_surplus(
    instance: object, given: Mapping[str, Any], without_effect: Mapping[str, Any], instead: Mapping[str, str]
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
        What to write instead of arguments that other libraries have.

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


def is_same(value: object, default: object) -> bool:
    """Whether an argument is at its default: equal, and of the same type."""
    return value is default or (type(value) is type(default) and bool(value == default))


def holds(condition: Callable[[Any], object], value: object) -> bool:
    """Whether a condition is true for a value; False if the value is not a number.

    Examples
    --------
    >>> holds(lambda x: x > 0, 2), holds(lambda x: x > 0, "text")
    (True, False)
    """
    try:
        return bool(condition(value))
    except (TypeError, ValueError):
        return False


def _plain(name: str) -> str:
    return name.lower().replace("_", "")
