"""Names: what a program calls its values, constants and functions.

Every name is valid in Python and given once. A value has the name of the user's variable, if there is one.
"""

from __future__ import annotations

import functools
import keyword
import unicodedata
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np

from tinygrad_lite.compiler.node import Node

__all__ = ["Names", "identifier", "label"]


class Names:
    """The names of one program, and the namespace in which it runs."""

    def __init__(self, namespace: dict[str, Any]) -> None:
        self._operations = SimpleNamespace()
        self.namespace: dict[str, Any] = {**namespace, "ops": self._operations}
        self._taken = {*self.namespace, "buffers", "buffer", "rows"}
        self._numbers: dict[str, int] = {}  # the last number that was appended to a name
        self._numbers_of_operations: dict[str, int] = {}
        self._of_nodes: dict[int, str] = {}  # by id()
        self._wanted: dict[int, str] = {}  # the names that nodes should have, by id()
        self._known: dict[int, str] = {}  # constants of the namespace by id()

    def new(self, wanted: str) -> str:
        """`wanted`, or where it is taken the same with a number."""
        wanted = identifier(wanted)
        name, number = wanted, self._numbers.get(wanted, 1)
        while name in self._taken or (name[0] == "b" and name[1:].isdecimal()):
            number += 1
            name = f"{wanted}_{number}"
        self._taken.add(name)
        self._numbers[wanted] = number
        return name

    # Values -----------------------------------------------------------------------------------------------

    def give(self, node: Node, wanted: str | None = None) -> str:
        """Name what the next line computes."""
        name = self._of_nodes[id(node)] = self.new(self._wanted_name(node) if wanted is None else wanted)
        return name

    def define(self, node: Node, text: str) -> None:
        """From now on `text` stands for a node that has no line of its own."""
        self._of_nodes[id(node)] = text

    def of(self, node: Node) -> str:
        """The name of a value that was computed."""
        return self._of_nodes[id(node)]

    def _wanted_name(self, node: Node) -> str:
        """The name that `node` should have: the user's, else d_x for the gradient of x, else what it does."""
        wanted = self._wanted.get(id(node))
        if wanted is None:
            self._wanted[id(node)] = label(node)  # for a gradient of itself
            of = node.gradient_of
            if node.name is not None:
                wanted = node.name
            elif of is not None and of is not node:
                wanted = f"d_{self._of_nodes.get(id(of)) or self._wanted_name(of)}"
            else:
                wanted = label(node)
            self._wanted[id(node)] = wanted
        return wanted

    # Constants and functions ------------------------------------------------------------------------------

    def constant(self, value: Any, wanted: str) -> str:
        """The name by which the program knows `value`."""
        name = self._known.get(id(value))
        if name is None:
            name = self._known[id(value)] = self.new(wanted)
            self.namespace[name] = value
        return name

    def operation(self, function: Callable[..., Any], wanted: str) -> str:
        """A function that is called as it is, as `ops.name`."""
        name = self._known.get(id(function))
        if name is None:
            wanted = name = identifier(wanted)
            number = self._numbers_of_operations.get(wanted, 1)
            while hasattr(self._operations, name):
                number += 1
                name = f"{wanted}_{number}"
            self._numbers_of_operations[wanted] = number
            setattr(self._operations, name, function)
            name = self._known[id(function)] = f"ops.{name}"
        return name

    def literal(self, value: Any, wanted: str) -> str:
        """Metadata as source: written out where possible, else a name."""
        if isinstance(value, np.dtype):
            return f"np.{value.name}" if hasattr(np, value.name) else repr(value.name)
        if isinstance(value, type) and issubclass(value, np.generic):
            return f"np.{value.__name__}"
        if value is None or value is Ellipsis or type(value) in (bool, int, str):
            return repr(value)
        if type(value) is float and np.isfinite(value):
            return repr(value)
        if isinstance(value, slice):
            parts = (value.start, value.stop, value.step)
            return f"slice({', '.join(self.literal(part, wanted) for part in parts)})"
        if type(value) is tuple:
            return f"({''.join(self.literal(part, wanted) + ', ' for part in value)})".replace(", )", ",)")
        if type(value) is list:
            return f"[{', '.join(self.literal(part, wanted) for part in value)}]"
        return self.constant(value, wanted)


def label(node: Node) -> str:
    """What a node is, as a name for one without a name."""
    if node.kind == "variable":
        return str(node.payload.name)
    return node.label or (node.payload.__name__.strip("_") if node.kind == "call" else "item")


@functools.lru_cache(maxsize=4096)
def identifier(name: str) -> str:
    """`name` as a name in Python, in the form to which Python's parser normalises it."""
    letters = "".join(c if f"_{c}".isidentifier() else " " for c in unicodedata.normalize("NFKC", name))
    cleaned = "_".join(letters.split()).strip("_")
    cleaned = cleaned if cleaned.isidentifier() else "t_" + cleaned
    return cleaned + "_" * keyword.iskeyword(cleaned)
