"""Nodes: the values of a traced computation, and what is done with them.

A list of nodes is what the parts of the compiler work on: the tracer makes it, the passes rewrite it, the schedule
assigns memory to it. Every node stands after those that it reads.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from tinygrad_lite.core.primitive import Primitive
from tinygrad_lite.utils.types import Array

__all__ = ["ASSIGNERS", "KINDS", "Node", "identity", "memory_order", "name_of"]

KINDS = {
    "input": "an argument of the function",
    "constant": "an array that is the same at every call",
    "variable": "what a Variable holds at this place",
    "call": "a primitive, applied",
    "item": "one output of a call with several",
    "update": "a step of an optimizer",
    "check": "a condition that must hold at every call",
    "assign": "the end of an assignment to a Variable",
    "output": "a result that is handed out",
}


class Node:
    """A value of the traced computation, or an effect of it."""

    def __init__(self, kind: str, value: Any, inputs: tuple[Any, ...] = (), payload: Any = None) -> None:
        self.kind = kind  # one of KINDS
        self.value = value  # what it was when traced
        self.shape: tuple[int, ...] = np.shape(value)
        self.dtype: np.dtype[Any] = value.dtype
        self.inputs = inputs  # Nodes, or Python numbers
        self.payload = payload  # the primitive, the Variable, the input's number, the optimizer or the check
        self.metadata: dict[str, Any] = {}
        self.multiple = False  # whether a call has several outputs, its items
        self.position = 0  # of an item among the outputs of its call
        self.section = "forward"
        self.name: str | None = None  # in the user's code
        self.label: str | None = None  # else: what it is, if that is not its primitive's name
        self.scope: tuple[str, ...] = ()
        self.effect: Node | None = None  # the update that a variable is read after
        self.gradient_of: Any = None  # the Node whose gradient this is, for a name
        self.seen_as = [value]  # all arrays that stood for it while it was traced
        self.shares: tuple[Node, ...] = ()  # the inputs whose memory it looks into
        is_call = kind == "call"
        self.is_ufunc: bool = is_call and isinstance(payload.forward, np.ufunc)
        self.is_random: bool = is_call and payload.is_random
        self.operation: str | None = name_of(payload) if is_call else None
        self.note_shared_memory([value], kind == "item" or (is_call and payload.may_alias))

    @property
    def is_transpose(self) -> bool:
        """Whether it is x.T, which is written where it is used."""
        return self.operation == "transpose" and self.metadata["axes"] is None

    @property
    def is_sum(self) -> bool:
        """Whether it is what `assign_add` or `assign_sub` assigns."""
        return self.operation in ASSIGNERS

    @property
    def needs_no_code(self) -> bool:
        """Whether a program computes nothing where it stands."""
        return self.kind in ("constant", "input") or self.is_transpose

    def note_shared_memory(self, values: Iterable[Any], always: bool | frozenset[int] = False) -> None:
        """Note which inputs share memory with `values`; `always`: all, or these, may do so when it is called again."""
        shares = []
        for position, x in enumerate(self.inputs):
            if isinstance(x, Node):
                may = position in always if isinstance(always, frozenset) else always
                if may or any(np.may_share_memory(a, b) for a in values for b in x.seen_as):
                    shares.append(x)
        self.shares = tuple(shares)


def memory_order(array: Any) -> tuple[int, ...]:
    """The axes of an array as they lie in memory, that of the longest strides first."""
    return tuple(sorted(range(array.ndim), key=lambda axis: -abs(array.strides[axis])))


def name_of(primitive: Primitive) -> str | None:
    """The name of a primitive of this package; None for a user's, which may be called the same and compute another."""
    module = str(getattr(primitive.forward, "__module__", None))
    return primitive.__name__ if module.startswith("tinygrad_lite.") else None


identity = Primitive(lambda x: x, name="identity")


def _assigner(name: str, ufunc: np.ufunc) -> Primitive:
    """`ufunc`, in the dtype of its first argument."""

    def forward(old: Array, value: Array) -> Array:
        return ufunc(old, value, dtype=old.dtype, casting="same_kind")

    return Primitive(forward, name=name)


ASSIGNERS = {"assign_add": _assigner("assign_add", np.add), "assign_sub": _assigner("assign_sub", np.subtract)}
