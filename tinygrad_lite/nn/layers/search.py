"""The search of weights: which Variables and layers a layer holds, and what they are called.

The Variables and layers in the attributes of a layer, directly or in lists, tuples and dicts, belong to it. `walk` goes
through a layer and all layers inside; `WeightSearch` keeps the result as long as nothing in them changes. Names are
given in the same order: layers get names that differ from their siblings', weights get those of the layers around them.
"""

from __future__ import annotations

import itertools
import operator
from collections.abc import Iterator, Sequence
from types import BuiltinFunctionType, FunctionType
from typing import Any, TypeAlias

import numpy as np

from tinygrad_lite.core.primitive import Primitive
from tinygrad_lite.core.variable import Variable
from tinygrad_lite.nn import initializers
from tinygrad_lite.utils.settings import Checked

__all__ = ["LayerBase", "WeightSearch", "name_child", "name_children", "name_weights", "parts", "walk"]


Layers: TypeAlias = list[Any]
"""Layers that were found: `Layer` itself is defined in a file that imports this one."""


class LayerBase(Checked):
    """What the search reads of a layer. `Layer` is its only subclass."""

    name: str
    built: bool
    _is_model = False
    _trainable: bool
    _is_named_by_class: bool
    _weights: list[Variable]
    _weight_names: list[str]

    def build(self, input_shape: Any) -> None:
        """Make the weights."""

    def _around(self) -> list[LayerBase]:
        """The layers that this one is being called in, and itself."""
        raise NotImplementedError


class WeightSearch:
    """The Variables in a layer, kept together with everything that the result depends on.

    A search takes a large part of the time of a small model's step, and every step needs two. The result is valid as
    long as all layers and containers have values of the same types, and the same Variables, layers and containers.
    """

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: Any = None

    def __reduce__(self) -> Any:
        return (WeightSearch, ())  # a copy of a layer searches again

    def find(self, root: LayerBase) -> list[tuple[Variable, bool]]:
        """All Variables in `root`, each with whether all layers around it are trainable."""
        if self._known is not None:
            inner, dicts, lists, seen, pick, things, found = self._known
            values, facts = _read([root, *inner], dicts, lists)
            if facts == seen and all(map(operator.is_, pick(values), things)):
                return found
        containers: list[Any] = []
        steps = list(walk(root, containers))
        found = [(variable, is_free) for _, variables, is_free in steps for variable in variables]
        inner = [layer for layer, _, _ in steps[1:]]
        dicts = [container for container in containers if isinstance(container, dict)]
        lists = [container for container in containers if isinstance(container, list)]  # a tuple stays what it is
        values, seen = _read([root, *inner], dicts, lists)
        places = [n for n, value in enumerate(values) if isinstance(value, (Variable, LayerBase, list, tuple, dict))]
        pick = operator.itemgetter(*places, 0, 0)  # of fewer than two it would give no tuple
        self._known = (inner, dicts, lists, seen, pick, pick(values), found)
        return found


def _read(layers: list[LayerBase], dicts: list[Any], lists: list[Any]) -> tuple[list[Any], Any]:
    """All values in them; and the types of these, their numbers, and which layers are trainable."""
    holders = [*[vars(layer).values() for layer in layers], *[items.values() for items in dicts], *lists]
    values = [*itertools.chain.from_iterable(holders)]
    return values, ([*map(type, values)], [*map(len, holders)], [layer._trainable for layer in layers])


# Types of most attributes. They are skipped first, because the search runs in every step.
_PLAIN_TYPES = frozenset(
    {
        type(None),
        bool,
        int,
        float,
        str,
        np.ndarray,
        np.random.Generator,
        BuiltinFunctionType,
        FunctionType,
        Primitive,
        WeightSearch,
    }
    | {type(np.dtype(kind)) for kind in "efd"}
    | {
        kind
        for kind in vars(initializers).values()
        if isinstance(kind, type) and issubclass(kind, initializers.Initializer)
    }
)


def parts(layer: LayerBase, containers: list[Any] | None = None) -> tuple[list[Variable], Layers]:
    """The Variables and the layers in the attributes of a layer, and in lists, tuples and dicts there, in order.

    These lists, tuples and dicts are added to `containers`.
    """
    variables: list[Variable] = []
    layers: Layers = []
    seen: set[int] = set()
    pending = [value for value in vars(layer).values() if type(value) not in _PLAIN_TYPES]
    pending.reverse()
    while pending:
        value = pending.pop()
        kind = type(value)
        if kind is Variable:
            variables.append(value)
        elif kind is list or kind is tuple or isinstance(value, (list, tuple, dict)):
            if id(value) in seen:
                continue
            seen.add(id(value))
            if containers is not None:
                containers.append(value)
            items = value.values() if isinstance(value, dict) else value
            if items and not _PLAIN_TYPES.issuperset(map(type, items)):
                pending.extend(reversed(list(items)))
        elif isinstance(value, LayerBase):
            layers.append(value)
        elif isinstance(value, Variable):
            variables.append(value)
    return variables, layers


def walk(root: LayerBase, containers: list[Any] | None = None) -> Iterator[tuple[Any, list[Variable], bool]]:
    """`root` and every layer inside, each once, with its own Variables, and whether all layers around are trainable."""
    seen = set()
    pending = [(root, True)]
    while pending:
        layer, is_free = pending.pop()
        if id(layer) in seen:
            continue
        seen.add(id(layer))
        is_free = is_free and layer._trainable
        variables, layers = parts(layer, containers)
        yield layer, variables, is_free
        layers.reverse()
        pending += [(child, is_free) for child in layers]


def name_children(parent: LayerBase) -> None:
    """Give different names to the layers directly inside `parent` that are named after their classes."""
    children = list(dict.fromkeys(parts(parent)[1]))
    taken = {child.name for child in children if not child._is_named_by_class}
    counts: dict[str, int] = {}
    for child in children:
        if child._is_named_by_class:
            name_child(parent, child, taken, counts)


def name_child(parent: LayerBase, child: LayerBase, taken: set[str], counts: dict[str, int]) -> None:
    """Number the name of `child` so that it is not `taken`. `counts` has the next number for each name."""
    name, count = child.name, counts.get(child.name, 0)
    child.name = f"{name}_{count}" if count else name
    while child.name in taken:
        count += 1
        child.name = f"{name}_{count}"
    taken.add(child.name)
    counts[name] = count
    child._is_named_by_class = False
    name_weights(child, [*(layer.name for layer in parent._around()), child.name])  # if it was built before


def name_weights(root: LayerBase, path: Sequence[str]) -> None:
    """Name every weight by the layers around it and by itself: "block/dense/kernel"."""
    seen = set()
    pending = [(root, list(path))]
    while pending:
        layer, path = pending.pop()
        if id(layer) in seen:
            continue
        seen.add(id(layer))
        for weight, name in zip(layer._weights, layer._weight_names):
            weight.name = "/".join([*path, name])
        pending.extend((child, [*path, child.name]) for child in reversed(parts(layer)[1]))
