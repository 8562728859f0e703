"""Passes: the nodes of a trace, made fewer and put in order.

A pass is a function from a list of nodes to a list of nodes. In such a list every node stands after those that it
reads, and the effects of the program are nodes as well: at its end stands one "assign" for each Variable that is
assigned and one "output" for each result. So a pass needs nothing but the list, and can be tested alone. A pass may
change the nodes that it is given; their arrays stay as they were traced.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from tinygrad_lite.compiler.node import Node, identity
from tinygrad_lite.core.variable import Variable

__all__ = [
    "drop_unchanged",
    "drop_unneeded",
    "fold_constants",
    "in_order",
    "inline_numbers",
    "merge_equal",
    "optimized",
    "rewrite",
    "simplify",
    "with_effects",
]

Rule = Callable[[Node], Node | None]
"""What may stand for a node whose inputs are already rewritten; None: the node stays."""

_EFFECTS = frozenset({"update", "check", "assign", "output"})
_UNCHANGED_BY_ONE = {np.multiply: 2, np.divide: 1}  # how many of their arguments come out as they are if the other is 1


def optimized(nodes: list[Node]) -> list[Node]:
    """All passes, one after another."""
    for transform in (simplify, drop_unneeded, in_order, inline_numbers):
        nodes = transform(nodes)
    return nodes


def with_effects(nodes: list[Node], assigned: Iterable[tuple[Variable, Node]], outputs: Iterable[Node]) -> list[Node]:
    """The nodes of a trace, and after them those that assign Variables and hand out results."""
    assigns = [_effect("assign", node, variable) for variable, node in assigned]
    results = [_effect("output", node, number) for number, node in enumerate(outputs)]
    for result in results:
        result.shares = result.inputs  # what is handed out is the value's own memory
    return [*nodes, *assigns, *results]


def _effect(kind: str, node: Node, payload: Any) -> Node:
    effect = Node(kind, node.value, (), payload)
    effect.inputs = (node,)
    effect.section = ""
    return effect


# Rewriting ----------------------------------------------------------------------------------------------------


def rewrite(nodes: list[Node], rules: Sequence[Rule]) -> list[Node]:
    """Replace each node by what the first rule that applies to it returns, in one sweep.

    A rule is given a node whose inputs are rewritten. It returns an earlier node, or a new constant.
    """
    replaced: dict[int, Node] = {}
    kept: list[Node] = []
    known: set[int] = set()
    made: list[Node] = []
    for node in nodes:
        if any(id(x) in replaced for x in node.inputs):
            node.inputs = tuple(replaced.get(id(x), x) for x in node.inputs)
            node.shares = tuple(replaced.get(id(x), x) for x in node.shares)
        other = next((found for rule in rules if (found := rule(node)) is not None), node)
        if other is node:
            kept.append(node)
        else:
            replaced[id(node)] = other
            made += [other] if id(other) not in known else []
        known.add(id(other))
    result = [*made, *kept]  # new constants need nothing, so that they may stand first
    for node in result:
        node.gradient_of = replaced.get(id(node.gradient_of), node.gradient_of)
    return result


def simplify(nodes: list[Node]) -> list[Node]:
    """All rules in one sweep, because the result of one may be a case for another."""
    return rewrite(nodes, (_unchanged, _folded, functools.partial(_merged, {})))


def drop_unchanged(nodes: list[Node]) -> list[Node]:
    """Drop operations that return one of their arguments: x of x · 1, of x / 1, of x.T.T."""
    return rewrite(nodes, (_unchanged,))


def fold_constants(nodes: list[Node]) -> list[Node]:
    """Compute what depends on constants alone."""
    return rewrite(nodes, (_folded,))


def merge_equal(nodes: list[Node]) -> list[Node]:
    """Compute once what is computed twice."""
    return rewrite(nodes, (functools.partial(_merged, {}),))


def _unchanged(node: Node) -> Node | None:
    if node.kind != "call":
        return None
    kept = _argument_that_it_returns(node)
    if kept is not None:
        kept.gradient_of = kept.gradient_of or node.gradient_of
    return kept


def _argument_that_it_returns(node: Node) -> Node | None:
    first = node.inputs[0] if node.inputs else None
    if node.payload is identity:
        return first
    if node.is_transpose and isinstance(first, Node) and first.is_transpose:
        return first.inputs[0]
    count = _UNCHANGED_BY_ONE.get(node.payload.forward, 0) if node.is_ufunc else 0
    for x, one in (node.inputs, node.inputs[::-1])[:count]:
        if _is_one(one) and isinstance(x, Node) and (x.shape, x.dtype) == (node.shape, node.dtype):
            return x
    return None


def _is_one(x: Any) -> bool:
    value = x.value if isinstance(x, Node) and x.kind == "constant" else None if isinstance(x, Node) else x
    return value is not None and np.size(value) > 0 and bool(np.all(np.equal(value, 1)))


def _folded(node: Node) -> Node | None:
    if node.kind != "call" or node.multiple or node.is_random:
        return None
    if any(isinstance(x, Node) and x.kind != "constant" for x in node.inputs):
        return None
    constant = Node("constant", node.value)
    constant.name = node.name
    return constant


def _merged(seen: dict[Any, Node], node: Node) -> Node | None:
    if node.kind not in ("call", "item") or node.is_random:
        return None
    key = _key(node)
    if key is None:
        return None
    known = seen.setdefault(key, node)
    known.name = known.name or node.name
    return known


def _key(node: Node) -> Any:
    """What a computation is made of, to find equal ones; None if that cannot be compared."""
    parts = tuple(id(x) if isinstance(x, Node) else _frozen(x) for x in node.inputs)
    metadata = tuple((name, _frozen(value)) for name, value in node.metadata.items())
    key = (node.kind, id(node.payload), node.position, parts, metadata)
    try:
        hash(key)
    except TypeError:
        return None
    return key


def _frozen(value: Any) -> Any:
    if isinstance(value, slice):
        return ("slice", value.start, value.stop, value.step)
    if isinstance(value, (tuple, list)):
        return (type(value), tuple(_frozen(x) for x in value))
    return (type(value), repr(value) if isinstance(value, float) else value)  # 0.0 is not -0.0


# What is needed, and when -------------------------------------------------------------------------------------


def drop_unneeded(nodes: list[Node]) -> list[Node]:
    """Drop what no effect depends on. Drawing random numbers is an effect: the stream must end as in eager code."""
    stack = [node for node in nodes if node.kind in _EFFECTS or node.is_random]
    needed: set[int] = {id(node) for node in stack}
    while stack:
        for x in stack.pop().inputs:
            if isinstance(x, Node) and id(x) not in needed:
                needed.add(id(x))
                stack.append(x)
    return [node for node in nodes if id(node) in needed]


def in_order(nodes: list[Node]) -> list[Node]:
    """Move the steps of optimizers behind all nodes that do not depend on them.

    So no node that may fail comes after an update, where that can be avoided. What draws random numbers stays in the
    order in which it was traced.
    """
    number = {id(node): n for n, node in enumerate([node for node in nodes if node.kind == "update"], 1)}
    end = len(number) + 1
    rank: dict[int, int] = {}  # how many updates come before it
    drawn = 0  # the rank of the last that draws random numbers
    for node in nodes:
        if node.kind in ("assign", "output"):
            rank[id(node)] = end
            continue
        before = [rank[id(x)] for x in node.inputs if isinstance(x, Node)]
        before += [number[id(node.effect)]] if node.effect is not None else []
        before += [number[id(node)]] if node.kind == "update" else []
        before += [drawn] if node.is_random else []
        rank[id(node)] = max(before, default=0)
        drawn = rank[id(node)] if node.is_random else drawn
    return sorted(nodes, key=lambda node: (rank[id(node)], node.kind != "update"))


# Numbers ------------------------------------------------------------------------------------------------------


def inline_numbers(nodes: list[Node]) -> list[Node]:
    """Replace a constant array that repeats one number by the number, in elementwise operations."""
    for node in nodes:
        if node.is_ufunc and any(isinstance(x, Node) and x.kind == "constant" for x in node.inputs):
            node.inputs = tuple(
                x.value.flat[0].item() if isinstance(x, Node) and _is_one_number(x, node) else x for x in node.inputs
            )
    return nodes


def _is_one_number(x: Node, node: Node) -> bool:
    """Whether `x` is a constant that repeats one number, and the result is the same with the number instead."""
    if x.kind != "constant" or x.dtype.kind != "f":
        return False
    value = np.asarray(x.value)
    others = [y for y in node.inputs if isinstance(y, Node) and y is not x]
    return (
        value.size > 0
        and (value.size == 1 or not any(s for s, n in zip(value.strides, value.shape) if n > 1))
        and bool(others)
        and all(y.dtype == x.dtype for y in others)
        and np.broadcast_shapes(*(y.shape for y in others)) == node.shape
    )
