"""View: the visible nodes, edges and open boxes of a trace at some depth of folding.

A trace has all operations; a person can read a few dozen nodes. A view replaces each box (or run of boxes) below
`depth` by one node, which has the value of the box's output. Arcs between visible nodes become edges, forward,
backward or both. The label of a backward edge is computed here: the derivative of the value of its source with respect
to the value of its target, with all other values fixed, also across a folded box.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from tinygrad_lite.viz.folding import Box, box_name, fold
from tinygrad_lite.viz.parts import Edge, Group, Node
from tinygrad_lite.viz.summary import shape_text
from tinygrad_lite.viz.trace import Arc, Slot, Trace, outputs_of

__all__ = ["View", "readable_depth"]

READABLE = 60  # nodes; larger graphs are folded unless the caller gives a depth
MOST_NAMED = 4  # operations listed in a folded node


def readable_depth(trace: Trace) -> float:
    """The largest number of open levels of boxes with which the drawing is still readable."""
    if len(trace.nodes) <= READABLE:
        return math.inf
    counts = {}
    for depth in range(max(map(len, trace.lineages.values())) - 1, -1, -1):
        boxes = fold(trace, depth)
        counts[depth] = len(trace.nodes) - len(boxes) + len({box.id for box in boxes.values()})
        if counts[depth] <= READABLE:
            return depth
    return min(counts, key=lambda depth: (counts[depth], -depth), default=math.inf)


class Wire(NamedTuple):
    """The arcs that are drawn as one edge: all uses of one value by one visible node."""

    producer: str
    consumer: str
    value_of: str
    argument: int
    arcs: list[Arc]


class View:
    """The visible part of a trace.

    Parameters
    ----------
    trace : Trace
    depth : int or inf
        How many levels of boxes are open.

    Attributes
    ----------
    depth : int or inf
    nodes : list of Node
    groups : list of Group
    """

    def __init__(self, trace: Trace, depth: float) -> None:
        self._trace = trace
        self.depth = depth
        self._boxes = fold(trace, depth)
        self._exits = self._find_exits()
        self.nodes = self._visible_nodes()
        self.groups = self._visible_groups()
        self._wires = self._find_wires()
        self._slopes: dict[str, dict[Slot, Any]] = {}  # local derivatives by slot, for each scalar operation

    def visible(self, node_id: str) -> str:
        """The id of the visible node that stands for a node of the trace."""
        box = self._boxes.get(node_id)
        return node_id if box is None else box.id

    def edges(self, direction: str) -> list[Edge]:
        """The edges, in the order of execution forwards, and in that of backpropagation backwards."""
        forward = [self._forward(wire) for wire in self._wires] if direction != "backward" else []
        backward = [self._backward(wire) for wire in reversed(self._wires)] if direction != "forward" else []
        return forward + backward

    def showing(self, identity: int) -> list[str]:
        """The visible nodes that show a tensor, by its identity."""
        shown = (self.visible(node_id) for node_id, ids in self._trace.identities.items() if identity in ids)
        return list(dict.fromkeys(shown)) if identity else []

    def derivative(self, start: str, end: str) -> Any:
        """The gradient of the sum of one visible node's outputs with respect to another's output, or None."""
        trace = self._trace
        gradients: dict[int, Any] = {}
        for identity, value in self._leaving(start):
            gradients[identity] = np.ones(np.shape(value), np.asarray(value).dtype)
        contributions = trace.pull_through(range(len(trace.entries)), gradients)
        found = trace.gradients_of(self._exits.get(end, [end])[-1], gradients, contributions)
        return next((gradient for gradient in found if gradient is not None), None)

    def _leaving(self, node_id: str) -> Iterator[tuple[int, Any]]:
        """Identities and values of the outputs of a visible node."""
        for end in self._exits.get(node_id, [node_id]):
            value = self._trace.nodes[end].value
            values = value if isinstance(value, tuple) else (value,)
            yield from zip(self._trace.identities[end], values)

    # Nodes and boxes --------------------------------------------------------------------------------------

    def _find_exits(self) -> dict[str, list[str]]:
        """For each folded node, the ids of the nodes in it whose values are used outside."""
        exits: defaultdict[str, list[str]] = defaultdict(list)
        leaving = {arc.producer for arc in self._trace.arcs if self.visible(arc.producer) != self.visible(arc.consumer)}
        for node_id, box in self._boxes.items():
            if node_id in self._trace.inner and (node_id in leaving or self._trace.nodes[node_id].is_target):
                exits[box.id].append(node_id)
        return exits

    def _visible_nodes(self) -> list[Node]:
        last = {self.visible(node_id): node_id for node_id in self._trace.nodes}
        names: defaultdict[str, int] = defaultdict(int)
        nodes = []
        for node_id, node in self._trace.nodes.items():
            box = self._boxes.get(node_id)
            if box is None:
                nodes.append(node)
            elif last[box.id] == node_id:
                folded = self._folded(box)
                names[folded.name] += 1
                repeated = names[folded.name] > 1
                nodes.append(replace(folded, name=f"{folded.name} ({names[folded.name]})") if repeated else folded)
        return nodes

    def _folded(self, box: Box) -> Node:
        groups = self._trace.groups
        names = [groups[group].name for group in box.groups]
        name, details = box_name(names, len(names) // box.count, box.count)
        exit_node = self._trace.nodes[self._exits[box.id][-1]]
        operations = [node.operation or "" for node in box.nodes if node.kind == "operation"]
        if not details:
            more = ["…"] if len(operations) > MOST_NAMED else []
            details = " → ".join(operations[:MOST_NAMED] + more)
        return Node(
            id=box.id,
            kind="layer",
            name=name,
            is_named=True,
            shape=exit_node.shape,
            dtype=exit_node.dtype,
            value=exit_node.value,
            gradient=exit_node.gradient,
            gradient_state=exit_node.gradient_state,
            group=groups[box.groups[0]].parent,
            is_target=any(node.is_target for node in box.nodes),
            is_source=any(node.is_source for node in box.nodes),
            is_faint=all(node.is_faint for node in box.nodes),
            count=box.count,
            parameters=sum(int(np.size(node.value)) for node in box.nodes if node.kind == "parameter"),
            details=details,
        )

    def _visible_groups(self) -> list[Group]:
        shown = {group for node in self.nodes for group in self._trace.lineages[node.group]}
        return [group for group in self._trace.groups.values() if group.id in shown]

    # Edges ------------------------------------------------------------------------------------------------

    def _find_wires(self) -> list[Wire]:
        wires: dict[Any, Wire] = {}
        arguments: defaultdict[str, int] = defaultdict(int)
        for arc in self._trace.arcs:
            producer, consumer = self.visible(arc.producer), self.visible(arc.consumer)
            if producer == consumer:
                continue
            is_box = consumer != arc.consumer
            key = (arc.producer, consumer) if is_box else (arc.producer, consumer, arc.slot)
            if key not in wires:
                wires[key] = Wire(producer, consumer, arc.producer, arguments[consumer], [])
                arguments[consumer] += 1
            wires[key].arcs.append(arc)
        return list(wires.values())

    def _leads(self, wire: Wire) -> bool:
        return any(self._identity(arc) in self._trace.leading for arc in wire.arcs)

    def _identity(self, arc: Arc) -> int:
        index, position = arc.slot
        return int(self._trace.entries[index].input_ids[position])

    def _forward(self, wire: Wire) -> Edge:
        return Edge(wire.producer, wire.consumer, "forward", wire.argument, is_faint=not self._leads(wire))

    def _backward(self, wire: Wire) -> Edge:
        trace = self._trace
        found = [trace.contributions[arc.slot] for arc in wire.arcs if arc.slot in trace.contributions]
        if not found:
            return Edge(wire.consumer, wire.producer, "backward", wire.argument, is_faint=True)
        index, position = wire.arcs[0].slot
        value = trace.entries[index].arguments[position]
        ends = self._exits.get(wire.consumer, [wire.consumer])
        outputs = [output for end in ends for output in outputs_of(trace.entries[trace.inner[end][-1]])[1]]
        shapes = ", ".join(shape_text(np.shape(output)) for output in outputs)
        is_scalar = len(outputs) == 1 and np.size(outputs[0]) == np.size(value) == 1
        return Edge(
            source=wire.consumer,
            target=wire.producer,
            direction="backward",
            argument=wire.argument,
            derivative=self._derivative(wire, ends[0], outputs[0]) if is_scalar else None,
            action=f"{shapes} → {shape_text(np.shape(value))}",
            contribution=sum(found[1:], found[0]),
        )

    def _derivative(self, wire: Wire, end: str, output: Any) -> float | None:
        """The derivative of the consumer's output with respect to its operand: its rules, applied to 1."""
        if wire.consumer not in self._slopes:
            (identity,) = self._trace.identities[end]
            one = {identity: np.ones(np.shape(output), output.dtype)}
            self._slopes[wire.consumer] = self._trace.pull_through(self._parts(wire.consumer), one)
        pulled = self._slopes[wire.consumer]
        found = [pulled[arc.slot] for arc in wire.arcs if arc.slot in pulled]
        return float(np.asarray(sum(found[1:], found[0])).reshape(())) if found else None

    def _parts(self, node_id: str) -> list[int]:
        """The positions of the entries that a visible node stands for."""
        if node_id in self._trace.inner:
            return self._trace.inner[node_id]
        return sorted(_positions(self._trace, (inner for inner, box in self._boxes.items() if box.id == node_id)))


def _positions(trace: Trace, node_ids: Iterable[str]) -> list[int]:
    return [index for node_id in node_ids for index in trace.inner.get(node_id, ())]
