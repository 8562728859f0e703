"""Structures: lists, tuples and dicts, nested at will, whose leaves are what a function is about.

Sources of a gradient, inputs of a traced function and outputs of both may be such structures; the answer
comes back in the same shape. A leaf is whatever is not a list, a tuple or a dict.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["flatten", "map_structure"]

_INNER = (list, tuple, dict)  # anything else is a leaf


def map_structure(function: Callable[[Any], Any], structure: Any) -> Any:
    """Apply `function` to every leaf of `structure` and answer in the same structure.

    Parameters
    ----------
    function : callable
        Takes a leaf, returns what stands in its place.
    structure : leaf, list, tuple (named ones too) or dict
        Leaves are visited from left to right; dicts in their own order.

    Examples
    --------
    >>> map_structure(lambda leaf: leaf * 10, {"w": [1, 2], "b": (3,)})
    {'w': [10, 20], 'b': (30,)}
    """
    if isinstance(structure, dict):
        return {key: map_structure(function, value) for key, value in structure.items()}
    if isinstance(structure, (list, tuple)):
        items = [map_structure(function, x) if isinstance(x, _INNER) else function(x) for x in structure]
        if isinstance(structure, list):
            return items
        return type(structure)(*items) if hasattr(structure, "_fields") else tuple(items)
    return function(structure)


def flatten(structure: Any) -> list[Any]:
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
