"""Signatures: which program fits the arguments of a call.

A program belongs to the shapes, dtypes and memory orders of the tensors among the arguments, to the structure around
them, and to the values of all other arguments. Two calls with one signature differ only in the values of tensors.
"""

from __future__ import annotations

from collections import defaultdict
from types import BuiltinMethodType, MethodType
from typing import Any

import numpy as np

from tinygrad_lite.compiler.method import Method
from tinygrad_lite.compiler.node import memory_order
from tinygrad_lite.core.structure import flatten
from tinygrad_lite.core.tensor import Tensor
from tinygrad_lite.core.variable import Variable

__all__ = ["is_array", "repeated", "signature"]


def is_array(leaf: Any) -> bool:
    """Whether an argument becomes a tensor: an array, or a number of NumPy's."""
    return isinstance(leaf, np.ndarray) or (isinstance(leaf, np.generic) and leaf.dtype.kind in "biufc")


_PLAIN = frozenset({int, bool, str, bytes})
"""Types of which two equal values are the same value."""


class Same:
    """Compares an object by identity, and keeps it alive, because its id() could be given to another."""

    __slots__ = ("_object",)

    def __init__(self, object_: Any) -> None:
        self._object = object_

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and self._object is other._object

    def __hash__(self) -> int:
        return id(self._object)


# What follows takes any argument of the user's function, so its types are Any.


def signature(structure: Any, arrays: list[Any] | None) -> Any:
    """What decides which program fits; the tensors' arrays are appended to `arrays` on the way.

    Two arguments have the same signature only if a function cannot distinguish them without reading the values of
    tensors. Equality by == is not enough: 1 == True, 0.0 == -0.0, and classes define it as they like. So values of
    Python's own types are compared with their type and sign, and all other objects by identity. Without `arrays` (in
    keys and sets, which the tracer does not look into) tensors and arrays are compared by identity, too.
    """
    kind = type(structure)
    if kind is tuple or kind is list:
        return (kind, *[signature(item, arrays) for item in structure])
    if arrays is not None:
        if isinstance(structure, Tensor):
            if isinstance(structure, Variable):
                return (Variable, structure._id)
            array = structure._array
            arrays.append(array)
            return (array.shape, array.dtype) if array.flags.c_contiguous else _strided(array)
        if is_array(structure):
            if isinstance(structure, np.ndarray) and kind is not np.ndarray:
                structure = Tensor(structure)._array
            arrays.append(structure)
            return (structure.shape, structure.dtype) if structure.flags.c_contiguous else _strided(structure)
    if kind in _PLAIN:
        return (kind, structure)
    if isinstance(structure, dict):
        items = [
            (key if type(key) is str else signature(key, None), signature(value, arrays))
            for key, value in structure.items()
        ]
        return (kind, *items) if kind is dict else (kind, _rest(structure), *items)
    if isinstance(structure, (tuple, list)):
        return (kind, _rest(structure), *[signature(item, arrays) for item in structure])
    return _signature_of_value(kind, structure)


def _signature_of_value(kind: Any, value: Any) -> Any:
    if kind is float:
        return (kind, value.hex())
    if kind is complex:
        return (kind, value.real.hex(), value.imag.hex())
    if kind is slice or kind is range:
        return (kind, *[signature(part, None) for part in (value.start, value.stop, value.step)])
    if kind is frozenset:
        return (kind, *[signature(item, None) for item in value])
    if isinstance(value, np.dtype):
        return (kind, value)
    if isinstance(value, np.generic):
        return (kind, value.dtype, value.tobytes())
    if kind is MethodType or kind is Method:
        return (kind, Same(value.__func__), Same(value.__self__))
    if kind is BuiltinMethodType:
        return (kind, value.__name__, Same(value.__self__))
    try:
        hash(value)
    except TypeError:
        raise TypeError(
            "A tgl.function expected tensors, arrays, lists, tuples and dicts of them, and values that can be hashed. "
            f"Received: {value!r} of type {kind.__name__}. Pass what changes as tensors, and close over "
            "the rest."
        ) from None
    return Same(value)


def _rest(structure: Any) -> Any:
    """The state of a list, tuple or dict of a subclass, besides its items."""
    made = structure.default_factory if isinstance(structure, defaultdict) else None
    return (Same(made), signature(getattr(structure, "__dict__", None), None))


def repeated(args: Any, kwargs: Any) -> Any:
    """Which of the arguments are the same tensor: they are the same inside, too, as in eager code."""
    first: dict[int, int] = {}
    leaves = [*flatten(args), *flatten(kwargs)]
    return tuple(first.setdefault(id(x), n) for n, x in enumerate(leaves) if type(x) is Tensor)


def _strided(array: Any) -> Any:
    """The signature of an array in any memory order: results have the same order, and sums add in that order."""
    order, strides = memory_order(array), array.strides
    if order == tuple(range(array.ndim)) and 0 not in strides:
        return (array.shape, array.dtype)
    return (array.shape, array.dtype, order, tuple(stride == 0 for stride in strides))  # 0: broadcast
