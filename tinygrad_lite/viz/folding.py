"""Folding: a box is drawn as one node, and a run of equal boxes as a single node.

A network of a hundred layers is readable if each layer is one node, and more readable if 98 equal layers are one
node marked ×98. Two boxes are equal if they have the same operations on the same shapes, connected in the same
way. A run is a chain of boxes in which the output of each is used by the next one only.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from tinygrad_lite.viz.parts import Node
from tinygrad_lite.viz.trace import Trace

__all__ = ["Box", "box_name", "fold", "repeats"]

LONGEST_PERIOD = 8  # most boxes in a block that repeats


@dataclass
class Box:
    """A folded node: the boxes that it stands for, in order of execution, and the nodes in them."""

    id: str
    groups: list[str]
    count: int = 1
    nodes: list[Node] = field(default_factory=list)


def fold(trace: Trace, depth: float) -> dict[str, Box]:
    """The folded box of each node that is more than `depth` levels of boxes deep.

    Parameters
    ----------
    trace : Trace
    depth : int or inf

    Returns
    -------
    dict of Box
        By the id of the node; nodes that stay visible are not in it.
    """
    folded = {
        node.id: lineage[int(depth)]
        for node in trace.nodes.values()
        if len(lineage := trace.lineages[node.group]) > depth
    }
    if not folded:
        return {}
    owner = _runs(trace, folded)
    for node_id, group in folded.items():
        owner[group].nodes.append(trace.nodes[node_id])
    return {node_id: owner[group] for node_id, group in folded.items()}


def _runs(trace: Trace, folded: dict[str, str]) -> dict[str, Box]:
    """One box for each folded group, the same for all groups of a run."""
    feeds: defaultdict[str, set[str]] = defaultdict(set)
    fed_by: defaultdict[str, set[str]] = defaultdict(set)
    for arc in trace.arcs:
        producer, consumer = folded.get(arc.producer, arc.producer), folded.get(arc.consumer, arc.consumer)
        if producer != consumer:
            feeds[producer].add(consumer)
            fed_by[consumer].add(producer)
    groups = list(dict.fromkeys(folded[node_id] for node_id in trace.inner if node_id in folded))
    targets = {folded.get(node.id) for node in trace.nodes.values() if node.is_target}
    signatures = _signatures(trace, folded)

    def continues(one: str, other: str) -> bool:
        same_parent = trace.groups[one].parent == trace.groups[other].parent
        return same_parent and feeds[one] == {other} and fed_by[other] == {one} and one not in targets

    owner: dict[str, Box] = {}
    start = 0
    while start < len(groups):
        end = start + 1
        while end < len(groups) and continues(groups[end - 1], groups[end]):
            end += 1
        for period, count in repeats([signatures[group] for group in groups[start:end]]):
            run = groups[start : start + period * count]
            box = Box(run[0], run, count)
            owner.update(dict.fromkeys(run, box))
            start += len(run)
    return owner


def repeats(signatures: list[Any]) -> list[tuple[int, int]]:
    """A chain divided into runs: for each, the length of the repeated block and the number of repetitions.

    Examples
    --------
    >>> repeats(list("abbbcdcdcd"))
    [(1, 1), (1, 3), (2, 3)]
    """
    runs = []
    start = 0
    while start < len(signatures):
        best = (1, 1)
        for period in range(1, LONGEST_PERIOD + 1):
            block = signatures[start : start + period]
            count = 1
            while signatures[start + count * period : start + (count + 1) * period] == block:
                count += 1
            if count > 1 and period * count > best[0] * best[1]:
                best = (period, count)
        runs.append(best)
        start += best[0] * best[1]
    return runs


def _signatures(trace: Trace, folded: dict[str, str]) -> dict[str, tuple[Any, ...]]:
    """For each box, its operations, shapes and connections; equal boxes have equal signatures."""
    parts: defaultdict[str, list[Any]] = defaultdict(list)
    place: dict[str, int] = {}  # index of a node in its box
    operands: defaultdict[str, list[Any]] = defaultdict(list)
    for arc in trace.arcs:
        group = folded.get(arc.consumer)
        inside = group is not None and folded.get(arc.producer) == group
        producer = trace.nodes[arc.producer]
        kind = producer.kind if inside else "value"  # a value from outside, an input or the output of another box
        operands[arc.consumer].append((arc.producer if inside else None, kind, producer.shape))
    for node in trace.nodes.values():
        group = folded.get(node.id)
        if group is None:
            continue
        place[node.id] = len(parts[group])
        wiring = tuple((place.get(name), kind, shape) for name, kind, shape in operands[node.id])
        parts[group].append((node.kind, node.operation, node.shape, node.dtype, wiring))
    return {group: tuple(items) for group, items in parts.items()}


def box_name(names: list[str], period: int, count: int) -> tuple[str, str]:
    """The title of a folded node, and a line about its contents.

    Examples
    --------
    >>> box_name(["dense_1", "dense_2", "dense_3"], 1, 3)
    ('dense ×3', 'dense_1 … dense_3')
    >>> box_name(["dense"], 1, 1)
    ('dense', '')
    """
    if count == 1:
        return names[0], ""
    kinds = [re.sub(r"_\d+$", "", name) for name in names[:period]]
    return f"{' + '.join(kinds)} ×{count}", f"{names[0]} … {names[-1]}"
