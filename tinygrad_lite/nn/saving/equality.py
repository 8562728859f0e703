"""Whether two objects are equal in all their parts: a model, and the one that would be loaded from its file.

Parts that are not known to be equal count as different. A layer, Variable or generator that occurs in two places of one
object must occur in the same two places of the other, because a change in one place is a change in both.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from types import FunctionType, MethodType
from typing import Any

import numpy as np

from tinygrad_lite.core.tensor import Tensor
from tinygrad_lite.core.variable import Variable
from tinygrad_lite.nn.layers.layer import Layer
from tinygrad_lite.nn.metrics import Metric

__all__ = ["difference", "held_by"]

_NUMBERS = (bool, int, float, complex, np.generic)


def held_by(x: Any) -> dict[str, Any]:
    """The attributes of an object, with those in slots."""
    held = dict(getattr(x, "__dict__", {}))
    for cls in type(x).__mro__:
        slots = vars(cls).get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if name not in ("__dict__", "__weakref__") and hasattr(x, name):
                held[name] = getattr(x, name)
    return held


def difference(
    old: Any, new: Any, is_left_out: Callable[[Any, str], bool] = lambda owner, name: False, where: str = ""
) -> str | None:
    """Where two objects differ, as a path of attributes and indices; None if they are equal.

    Parameters
    ----------
    old, new : object
    is_left_out : callable
        Takes an object in `old` and the name of an attribute, and returns whether the attribute is ignored.
    where : str
        The path so far.

    Examples
    --------
    >>> difference({"a": [1, 2.0]}, {"a": [1, 2.0]}) is None
    True
    >>> difference({"a": [1, 2.0]}, {"a": [1, 3.0]}, where="x")
    "x['a'][1]"
    """
    return next(_Comparison(is_left_out).differences(old, new, where), None)


class _Comparison:
    def __init__(self, is_left_out: Callable[[Any, str], bool]) -> None:
        self._is_left_out = is_left_out
        self._twins: tuple[dict[int, int], dict[int, int]] = {}, {}
        self._seen: set[tuple[int, int]] = set()
        self._without_value: set[int] = set()
        self._alive: list[Any] = []  # keeps objects alive: their ids must not be used again

    def differences(self, a: Any, b: Any, path: str) -> Iterator[str]:
        """The paths at which `a` and `b` differ."""
        is_number = isinstance(a, _NUMBERS)
        if is_number or isinstance(a, (str, bytes, np.dtype)):
            alike = isinstance(b, _NUMBERS) if is_number else type(a) is type(b)
            same = alike and isinstance(a, (bool, np.bool_)) == isinstance(b, (bool, np.bool_))
            if not (same and (a == b or (a != a and b != b))):
                yield path
            return
        if isinstance(a, (Variable, np.random.Generator, Layer)):
            there, back = self._twins
            if there.setdefault(id(a), id(b)) != id(b) or back.setdefault(id(b), id(a)) != id(a):
                yield path
                return
        if a is b or (id(a), id(b)) in self._seen:
            return
        self._seen.add((id(a), id(b)))
        self._alive.append((a, b))
        if not _is_same_class(type(a), type(b)):
            yield path
        elif isinstance(a, (np.ndarray, Tensor)):
            yield from self._arrays(a, b, path)
        elif isinstance(a, type):
            if not _is_same_class(a, b):
                yield path
        elif isinstance(a, FunctionType) and a.__code__ != b.__code__:
            yield path
        else:
            yield from self._parts(a, b, path)

    def _arrays(self, a: Any, b: Any, path: str) -> Iterator[str]:
        x, y = (z._array if isinstance(z, Tensor) else z for z in (a, b))
        named = (a.name, a.trainable) == (b.name, b.trainable) if isinstance(a, Variable) else True
        is_alike = named and (x.shape, x.dtype) == (y.shape, y.dtype)
        if not is_alike or not (x is y or id(a) in self._without_value or x.tobytes() == y.tobytes()):
            yield path

    def _parts(self, a: Any, b: Any, path: str) -> Iterator[str]:
        """Compare objects that consist of others."""
        if isinstance(a, Metric):  # its state is reset in every epoch
            self._without_value.update(map(id, a.variables))
        if isinstance(a, np.random.Generator):
            yield from self.differences(a.bit_generator.state, b.bit_generator.state, path)
        elif isinstance(a, MethodType):
            yield from self.differences((a.__func__, a.__self__), (b.__func__, b.__self__), path)
        elif isinstance(a, functools.partial):
            yield from self.differences((a.func, a.args, a.keywords), (b.func, b.args, b.keywords), path)
        elif isinstance(a, FunctionType):
            yield from self.differences(_of_function(a), _of_function(b), path)
        elif isinstance(a, (list, tuple)):
            if len(a) != len(b):
                yield path
            for n, (x, y) in enumerate(zip(a, b)):
                yield from self.differences(x, y, f"{path}[{n}]")
        elif isinstance(a, dict):
            if list(a) != list(b):
                yield path
                return
            for key, x in a.items():
                yield from self.differences(x, b[key], f"{path}[{key!r}]")
        elif held_by(a) or held_by(b):
            yield from self._attributes(a, b, path)
        elif not bool(a == b):
            yield path

    def _attributes(self, a: Any, b: Any, path: str) -> Iterator[str]:
        old, new = held_by(a), held_by(b)
        for name in dict.fromkeys([*old, *new]):
            if self._is_left_out(a, name):
                continue
            inner = f"{path}.{name}" if path else name
            if name in old and name in new:
                yield from self.differences(old[name], new[name], inner)
            else:
                yield inner


def _is_same_class(a: Any, b: Any) -> bool:
    """Whether two classes are the same, or come from one definition that ran twice, as in notebooks."""
    if a is b or not (isinstance(a, type) and isinstance(b, type)):
        return a is b
    return (a.__module__, a.__qualname__) == (b.__module__, b.__qualname__) and a.__module__ != "builtins"


def _of_function(f: FunctionType) -> list[Any]:
    """The parts of a function besides its code."""
    cells = []
    for cell in f.__closure__ or ():
        try:
            cells.append(cell.cell_contents)
        except ValueError:  # an empty one
            cells.append(None)
    return [cells, f.__defaults__, f.__kwdefaults__, vars(f)]
