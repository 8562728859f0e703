"""Structures: nested lists, tuples and dicts, whose leaves are tensors, arrays or numbers.

Sources of a gradient and arguments of a compiled function may be such structures; the result has the same structure. A
leaf is anything that is not a list, a tuple or a dict.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, TypeAlias

__all__ = ["Structure", "flatten", "map_structure"]

Structure: TypeAlias = Any
"""A leaf, or a list, tuple or dict of structures: the result has the same one, which Python's types cannot say."""

_INNER = (list, tuple, dict)  # anything else is a leaf


def map_structure(function: Callable[[Any], Any], structure: Structure) -> Structure:
    """Apply `function` to every leaf of `structure` and return the same structure.

    Parameters
    ----------
    function : callable
        Takes a leaf, returns what replaces it.
    structure : leaf, list, tuple or dict, or one of a subclass (a named tuple, an OrderedDict)
        Leaves are visited from left to right; dicts in their own order.

    Examples
    --------
    >>> map_structure(lambda leaf: leaf * 10, {"w": [1, 2], "b": (3,)})
    {'w': [10, 20], 'b': (30,)}
    """
    kind = type(structure)
    if isinstance(structure, dict):
        mapped = {key: map_structure(function, value) for key, value in structure.items()}
        return mapped if kind is dict else _filled(structure, mapped)
    if isinstance(structure, (list, tuple)):
        items = [map_structure(function, x) if isinstance(x, _INNER) else function(x) for x in structure]
        if kind is list:
            return items
        return tuple(items) if kind is tuple else _filled(structure, items)
    return function(structure)


def _filled(structure: Structure, content: Any) -> Any:
    """A container of a subclass (a named tuple, an OrderedDict) with other content; its attributes are copied."""
    made: Any
    if isinstance(structure, tuple):
        made = tuple.__new__(type(structure), content)
        if hasattr(structure, "__dict__"):
            vars(made).update(vars(structure))
        return made
    made = copy.copy(structure)
    if isinstance(structure, dict):
        for key, value in content.items():
            made[key] = value
    else:
        made[:] = content
    return made


def flatten(structure: Structure) -> list[Any]:
    """The leaves of `structure`, from left to right.

    Examples
    --------
    >>> flatten({"w": [1, 2], "b": (3,)})
    [1, 2, 3]
    """
    if isinstance(structure, dict):
        structure = structure.values()
    elif not isinstance(structure, _INNER):
        return [structure]
    leaves: list[Any] = []
    for item in structure:
        if isinstance(item, _INNER):
            leaves += flatten(item)
        else:
            leaves.append(item)
    return leaves
