"""The steps of the stepper and their texts, as data for the page.

The first step shows the inputs. The next ones show one operation each, in the order of execution. Then each step of the
backward pass follows one edge, from the gradient of the target, which is 1, to the parameters. All texts are written
here; the page only shows them. A step has its `node` and a text. A backward step also has its `edge` and the gradient
of the node so far.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import cache
from typing import Any

import numpy as np

from tinygrad_lite.viz.formulas import Term, derivative_text, rule_code, rule_text
from tinygrad_lite.viz.parts import Edge, Group, Node
from tinygrad_lite.viz.summary import histogram, is_small, number, shape_text, summary, warning
from tinygrad_lite.viz.trace import Trace
from tinygrad_lite.viz.view import View

__all__ = ["story"]

MOST_NODES = 600  # a page with more nodes keeps the boxes closed that the graph has folded

Data = dict[str, Any]


def story(trace: Trace, drawn: View, values: str, title: str) -> Data:
    """The data of the page: nodes, edges, groups and steps.

    Parameters
    ----------
    trace : Trace
    drawn : View
        The graph as drawn. Boxes that are folded in it are folded when the page opens.
    values : "auto", "statistics" or "none"
    title : str

    Returns
    -------
    dict
        `title`, `nodes`, `edges`, `groups` and `steps`; all values can be written as JSON.
    """
    trace.differentiate()
    depth = float("inf") if len(trace.nodes) <= MOST_NODES else drawn.depth
    view = View(trace, depth)
    folded = {group.id for group in view.groups if group.level >= drawn.depth}
    builder = _StoryBuilder(trace, view, values)
    return {
        "title": title,
        "nodes": [builder.node(node) for node in view.nodes],
        "edges": builder.edges(),
        "groups": [_group(group, folded) for group in view.groups],
        "steps": list(builder.steps()),
    }


def _group(group: Group, folded: set[str]) -> Data:
    return {"id": group.id, "name": group.name, "parent": group.parent, "folded": group.id in folded}


class _StoryBuilder:
    """Builds the data of the nodes, edges and steps of one view."""

    def __init__(self, trace: Trace, view: View, values: str) -> None:
        self._trace = trace
        self._values = values
        self._nodes = {node.id: node for node in view.nodes}
        wires = list(reversed(view._wires))
        pairs = [(edge, wire.arcs[0].slot) for edge, wire in zip(view.edges("backward"), wires)]
        self._edges: list[Edge] = [edge for edge, _ in pairs]
        self._slots = [slot for _, slot in pairs]
        self._targets = [node for node in view.nodes if node.is_target]
        self._code = cache(rule_code)  # reads source files
        self._uses = Counter(edge.target for edge in self._edges if not edge.is_faint)

    # Nodes and edges --------------------------------------------------------------------------------------

    def node(self, node: Node) -> Data:
        """The data of a node, for the graph and for the panel with its details."""
        data: Data = {
            "id": node.id,
            "kind": node.kind,
            "name": node.name,
            "operation": node.operation,
            "formula": node.formula,
            "arithmetic": node.arithmetic,
            "shape": shape_text(node.shape),
            "dtype": node.dtype or type(node.value).__name__,
            "value": self._lines(node.value),
            "gradient": self._lines(node.gradient) if node.gradient is not None else [],
            "state": node.gradient_state,
            "group": node.group,
            "target": node.is_target,
            "source": node.is_source,
            "faint": node.is_faint,
            "details": node.details,
            "count": node.count,
            "parameters": node.parameters,
            "uses": self._uses[node.id],
        }
        for name, array in (("value", node.value), ("gradient", node.gradient)):
            if array is None:
                continue
            first = array[0] if isinstance(array, tuple) else array
            data[f"{name}_exact"] = _exact(first)
            data[f"{name}_warning"] = "" if first is None else warning(first)
            data[f"{name}_histogram"] = None if first is None or is_small(first) else histogram(first)
        data["rules"] = self._rules(node)
        return {key: value for key, value in data.items() if value not in (None, "", [], False)}

    def _lines(self, value: Any) -> list[str]:
        if not isinstance(value, tuple):
            return summary(value, self._values)
        return [
            f"[{n}] {line}"
            for n, part in enumerate(value)
            for line in (["no gradient"] if part is None else summary(part, self._values)[:1])
        ]

    def _rules(self, node: Node) -> list[Data]:
        """How the gradient of each argument of an operation is computed."""
        parts = self._trace.inner.get(node.id, [])
        found = []
        for index in parts:
            entry = self._trace.entries[index]
            for position, identity in enumerate(entry.input_ids):
                operands, _ = self._trace.terms[index, position]
                if identity not in self._trace.leading:
                    continue
                operand = str(operands[position])
                found.append(
                    {
                        "argument": operand,
                        "rule": self._rule((index, position), "g", node),
                        "code": self._code(entry.primitive, position),
                    }
                )
        return [{key: value for key, value in rule.items() if value is not None} for rule in found]

    def _rule(self, slot: tuple[int, int], g: str, node: Node) -> str | None:
        index, position = slot
        entry = self._trace.entries[index]
        operands, output = self._trace.terms[slot]
        text = rule_text(entry.primitive, position, Term(g), output, operands)
        return None if text is None else str(text)

    def edges(self) -> list[Data]:
        """The edges, from argument to operation, with their labels in the backward pass."""
        return [
            {
                "from": edge.target,
                "to": edge.source,
                "faint": edge.is_faint,
                "label": "" if edge.is_faint else edge.label,
            }
            for edge in self._edges
        ]

    # Steps ------------------------------------------------------------------------------------------------

    def steps(self) -> Iterable[Data]:
        """The steps in their order."""
        leaves = [node for node in self._nodes.values() if node.id not in self._trace.inner and node.kind != "layer"]
        yield {
            "phase": "forward",
            "title": "The inputs",
            "lines": [f"{_counted(leaves)}. Each step applies one operation to values that are known."],
        }
        for node in self._nodes.values():
            if node.kind in ("operation", "layer"):
                yield self._forward(node)
        if not any(not edge.is_faint for edge in self._edges):
            return
        yield from self._seeds()
        so_far: dict[str, Any] = {node.id: node.gradient for node in self._targets}
        arrived: Counter[str] = Counter()
        for number_of_edge, edge in enumerate(self._edges):
            if edge.is_faint or edge.contribution is None:
                continue
            node = self._nodes[edge.target]
            before = so_far.get(node.id)
            after = edge.contribution if before is None or isinstance(before, tuple) else before + edge.contribution
            so_far[node.id] = after
            arrived[node.id] += 1
            yield self._backward(number_of_edge, edge, before, after, arrived[node.id])
        yield self._end()

    def _forward(self, node: Node) -> Data:
        lines = []
        if node.formula:
            computed = [node.symbol, node.formula] if node.is_named else [node.formula]
            if node.arithmetic and node.arithmetic != node.formula:
                computed.append(node.arithmetic)
            if _is_scalar(node.value):
                computed.append(number(np.asarray(node.value).item()))
            lines.append(" = ".join(computed))
        if node.details:
            lines.append(node.details)
        if not _is_scalar(node.value):
            lines.append(f"{shape_text(node.shape)}, {node.dtype}")
            lines += self._lines(node.value)
        return {"phase": "forward", "node": node.id, "title": node.name, "lines": lines}

    def _seeds(self) -> Iterable[Data]:
        """The steps that show the output gradients, with which the backward pass begins."""
        for node in self._targets:
            if node.gradient is None:
                continue
            name = node.symbol
            gradient = node.gradient if not isinstance(node.gradient, tuple) else node.gradient[0]
            given = number(np.asarray(gradient).item()) if _is_scalar(gradient) else "1 for each element"
            lines = [f"d{name}/d{name} = {given}", "From here the gradient is passed back, edge by edge."]
            yield {
                "phase": "backward",
                "node": node.id,
                "title": f"The backward pass begins at {node.name}",
                "lines": lines,
                "gradient": self._lines(node.gradient),
            }

    def _d(self, node: Node) -> str:
        top = self._targets[0].symbol if len(self._targets) == 1 else "targets"
        return f"d{top}/d{node.symbol}"

    def _backward(self, index: int, edge: Edge, before: Any, after: Any, times: int) -> Data:
        consumer, node = self._nodes[edge.source], self._nodes[edge.target]
        local = f"d{consumer.symbol}/d{node.symbol}"
        scalar = edge.derivative is not None and _is_scalar(consumer.gradient) and _is_scalar(edge.contribution)
        if scalar:
            upstream = float(np.asarray(consumer.gradient).item())
            contribution = float(np.asarray(edge.contribution).item())
            title = f"{local} = {self._derivative(index, consumer)}"
            equals = "=" if times == 1 and before is None else "+="
            lines = [
                f"{self._d(node)} {equals} {self._d(consumer)} · {local}",
                f"= {number(upstream)} · {_factor(edge.derivative or 0.0)} = {number(contribution)}",
            ]
        else:
            title = f"{consumer.name} → {node.name}"
            rule = self._rule(self._slots[index], self._d(consumer), node) if self._is_plain(edge) else None
            lines = [f"{self._d(node)} {'=' if before is None else '+='} {rule}"] if rule else []
            lines.append(f"The local derivative acts {edge.action}")
            lines += self._lines(edge.contribution)
        step: Data = {
            "phase": "backward",
            "node": node.id,
            "edge": index,
            "title": title,
            "lines": lines,
            "gradient": self._lines(after),
            "share": self._lines(edge.contribution),
        }
        total = self._uses[node.id]
        if before is not None:
            step["accumulates"] = (
                f"{number(np.asarray(before).item())} + {_factor(np.asarray(edge.contribution).item())} = "
                f"{number(np.asarray(after).item())}"
                if _is_scalar(before) and _is_scalar(after)
                else f"{times} of {total} summands"
            )
        elif total > 1:
            step["waits"] = f"1 of {total} summands: {node.name} is used {total} times"
        return step

    def _is_plain(self, edge: Edge) -> bool:
        """Whether the edge comes from a single operation, so that its rule can be shown."""
        return len(self._trace.inner.get(edge.source, ())) == 1

    def _derivative(self, index: int, consumer: Node) -> str:
        """The local derivative as a formula and as a number."""
        edge, slot = self._edges[index], self._slots[index]
        shown = number(edge.derivative)
        if not self._is_plain(edge):
            return shown
        operands, output = self._trace.terms[slot]
        text = derivative_text(self._trace.entries[slot[0]].primitive, slot[1], output, operands)
        return shown if text is None or text == shown else f"{text} = {shown}"

    def _end(self) -> Data:
        asked = [node for node in self._nodes.values() if node.is_source] or [
            node for node in self._nodes.values() if node.kind == "parameter"
        ]
        lines = []
        for node in asked[:12]:
            if node.gradient is None:
                lines.append(f"{self._d(node)}: no gradient")
            elif _is_scalar(node.gradient):
                lines.append(f"{self._d(node)} = {number(np.asarray(node.gradient).item())}")
            else:
                lines.append(f"{node.name}: {shape_text(node.shape)}, " + ", ".join(self._lines(node.gradient)))
        return {"phase": "backward", "title": "The gradients are complete", "lines": lines, "end": True}


def _counted(leaves: list[Node]) -> str:
    """`1 input, 2 parameters and 1 constant`."""
    counts = Counter(node.kind for node in leaves)
    words = [f"{count} {kind}{'s' if count > 1 else ''}" for kind, count in counts.items()]
    return (", ".join(words[:-1]) + " and " + words[-1]) if len(words) > 1 else "".join(words) or "Nothing"


def _is_scalar(value: Any) -> bool:
    return value is not None and not isinstance(value, tuple) and np.size(value) == 1


def _factor(value: float) -> str:
    """A number as a factor: in parentheses if it is negative."""
    text = number(value)
    return f"({text})" if text.startswith("-") else text


def _exact(value: Any) -> str | None:
    """A scalar or a small array with all its digits; None for larger arrays."""
    if value is None or not is_small(value) or not np.size(value):
        return None
    array = np.asarray(value)
    if array.ndim == 0 and array.dtype.kind == "f":
        size = abs(float(array))
        plain = not size or 1e-4 <= size < 1e16 or not np.isfinite(size)
        one: Any = array[()]
        return (np.format_float_positional if plain else np.format_float_scientific)(one, trim="-")
    return np.array2string(array, floatmode="unique", separator=", ")
