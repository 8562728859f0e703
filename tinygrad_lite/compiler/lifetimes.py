"""Lifetimes: whose memory the value of each node lies in, and how long it is needed.

A node is a key by its id(), and time is the position of a node in the list.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from tinygrad_lite.compiler.node import Node
from tinygrad_lite.core.variable import Variable

__all__ = ["Memory", "in_place_sums", "last_uses", "memory_ends", "memory_of", "restored_on_failure", "with_bases"]

SMALL = 4096
"""Bytes of a Variable that is added to out of place."""
MOST_OWNERS = 16


class Memory(NamedTuple):
    """What memory a node's value lies in."""

    owners: frozenset[int] | None
    """The nodes, by id(), whose memory it is; None where there are too many to list."""
    is_an_inputs: bool
    is_a_variables: bool


def memory_of(nodes: Iterable[Node]) -> dict[int, Memory]:
    """The memory of each node."""
    memory: dict[int, Memory] = {}
    for node in nodes:
        bases = [memory[id(base)] for base in node.shares]
        owners: set[int] | None = set() if bases else {id(node)}
        for base in bases:
            owners = None if owners is None or base.owners is None else owners | base.owners
        memory[id(node)] = Memory(
            None if owners is None or len(owners) > MOST_OWNERS else frozenset(owners),
            node.kind == "input" or any(base.is_an_inputs for base in bases),
            node.kind == "variable" or any(base.is_a_variables for base in bases),
        )
    return memory


def with_bases(nodes: Iterable[Node]) -> set[int]:
    """The nodes and all whose memory they look into."""
    found: set[int] = set()
    stack = list(nodes)
    while stack:
        node = stack.pop()
        if id(node) not in found:
            found.add(id(node))
            stack.extend(node.shares)
    return found


def in_place_sums(nodes: Iterable[Node]) -> set[int]:
    """The additions to Variables whose results are only assigned: they write into the Variables' own arrays.

    Such an addition comes at the end, after everything that may fail, because it would have to be undone after a
    failure. A small sum is computed at its position in the list.
    """
    readers: dict[int, int] = {}
    for node in nodes:
        for x in node.inputs:
            if isinstance(x, Node):
                readers[id(x)] = readers.get(id(x), 0) + 1
    sums = set()
    for node in nodes:
        if node.kind == "assign":
            value = node.inputs[0]
            if readers[id(value)] == 1 and value.is_sum and value.value.nbytes > SMALL:
                old = value.inputs[0]
                if old.kind == "variable" and old.payload is node.payload:
                    sums.add(id(value))
    return sums


def last_uses(nodes: list[Node], in_place: set[int]) -> dict[int, int]:
    """The position at which each node is read last. What is `in_place` reads where it is assigned."""
    last: dict[int, int] = {}
    for position, node in enumerate(nodes):
        last.setdefault(id(node), position)
        for x in node.inputs:
            if isinstance(x, Node):
                last[id(x)] = position
                if node.kind == "assign" and id(x) in in_place:
                    last.update((id(y), position) for y in x.inputs if isinstance(y, Node))
    for node in reversed(nodes):  # after all uses are known: x.T is a use of x wherever it is written
        if node.is_transpose:
            base = id(node.inputs[0])
            last[base] = max(last[base], last[id(node)])
    return last


def memory_ends(nodes: list[Node], last: dict[int, int]) -> dict[int, int]:
    """When the memory of each node is free: after the last use of it and of all nodes that share it."""
    ends = {id(node): last[id(node)] for node in nodes}
    for node in reversed(nodes):
        for base in node.shares:
            ends[id(base)] = max(ends[id(base)], ends[id(node)])
    return ends


def restored_on_failure(nodes: list[Node], in_place: set[int]) -> tuple[list[Variable], list[Variable]]:
    """The Variables to give back if the program fails, and those where errors of floating point raise, too."""
    updates = [n for n, node in enumerate(nodes) if node.kind == "update"]
    later = nodes[updates[0] + 1 :] if updates else []
    updated: dict[int, Variable] = {}
    fails = False
    for node in (nodes[n] for n in updates):
        optimizer, variables = node.payload
        updated.update((variable._id, variable) for variable in (*variables, *optimizer.variables))
        fails = fails or not type(optimizer).update.__module__.startswith("tinygrad_lite.")
    fails = fails or any(node.kind in ("check", "update") or _can_fail(node) for node in later)
    overflows = bool(in_place) or any(node.kind == "call" for node in later)
    assigned = {node.payload._id: node.payload for node in nodes if node.kind == "assign"}
    return list(updated.values()) if fails else [], list({**updated, **assigned}.values()) if overflows else []


def _can_fail(node: Node) -> bool:
    """Whether it may raise even where errors of floating point do not."""
    return node.kind == "call" and not (node.is_ufunc or node.is_sum)
