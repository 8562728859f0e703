"""Trace: the record of a tape as nodes and arcs, with gradients.

Each function passes once over the record, forwards or backwards, without recursion, so the depth of a computation is
not limited. The gradients are computed with the rules of the primitives, one operation at a time. The tape is not
changed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from tinygrad_lite.core.backward import walk
from tinygrad_lite.core.record import Entry, leads_to, unseen
from tinygrad_lite.core.tape import GradientTape
from tinygrad_lite.core.tensor import Tensor
from tinygrad_lite.utils.types import Array
from tinygrad_lite.viz.formulas import Term, display_name, formula, literal
from tinygrad_lite.viz.parts import Group, Node

__all__ = ["Arc", "Names", "Slot", "Trace", "outputs_of"]

LARGEST_STATEMENT = 4  # operations drawn as one node where only the result has a name

_dtype_name = lru_cache(str)  # str(dtype) is slow in NumPy

Slot = tuple[int, int]  # the position of an entry in the trace, and of an argument in the entry


class Arc(NamedTuple):
    """A use of one node's value by another node; edges are made from it."""

    producer: str
    consumer: str
    slot: Slot


class Names:
    """The names that the caller gave, looked up by a tensor's identity or by its array."""

    def __init__(self, names: Mapping[str, Any] | None) -> None:
        self.given = names is not None
        self._by_id: dict[int, str] = {}
        self._by_array: dict[int, str] = {}
        self._arrays: list[tuple[str, Array]] = []
        for name, value in _named(names or {}):
            if isinstance(value, np.ndarray):
                self._arrays.append((name, value))
            elif value._id:
                self._by_id.setdefault(value._id, name)
            else:
                self._by_array.setdefault(id(value._array), name)

    def of_id(self, identity: int) -> str | None:
        """The name of a tensor that some tape recorded."""
        return self._by_id.get(identity)

    def of_array(self, array: Any) -> str | None:
        """The name of a constant: that of the tensor with this array object, or that of an equal ndarray."""
        name = self._by_array.get(id(array))
        if name is None and isinstance(array, np.ndarray):
            for candidate, value in self._arrays:
                if value.shape == array.shape and np.array_equal(value, array):  # labels may have become int64
                    return candidate
        return name


def _named(names: Mapping[str, Any]) -> Iterator[tuple[str, Tensor | Array]]:
    """The tensors and arrays among `names`, and the tensors in lists, tuples and dicts there: `hidden[0]`."""
    for name, value in names.items():
        if name.startswith("_"):
            continue
        if isinstance(value, (Tensor, np.ndarray)):
            yield name, value
        elif isinstance(value, (list, tuple, dict)):
            items: Iterable[tuple[Any, Any]] = value.items() if isinstance(value, dict) else enumerate(value)
            yield from ((f"{name}[{key!r}]", item) for key, item in items if isinstance(item, Tensor))


class Trace:
    """The part of a record that leads to the targets: nodes and arcs, with all boxes open.

    Attributes
    ----------
    entries : list of Entry
    nodes : dict of Node
        By id. A node comes after the nodes of its operands.
    arcs : list of Arc
    groups : dict of Group
        By id.
    lineages : dict of tuple of str
        For each box, by id: the boxes around it, the outermost first, and the box itself.
    inner : dict of list of int
        The positions of the entries that a node stands for.
    identities : dict of tuple of int
        The identities of the tensors that a node stands for.
    terms : dict
        How formulas write the operands and the output, for each slot.
    assigned : set of int
        Identities of Variables that were assigned during the recording. They have a node for each value.
    leading : set of int
        Identities of the tensors that depend on a source.
    gradients : dict of ndarray, or None
        The gradients of the targets, by identity; None before `differentiate` is called.
    contributions : dict of ndarray
        For each slot, the term that its rule adds to the argument's gradient.
    """

    def __init__(self, tape: GradientTape, targets: list[Tensor], sources: list[Tensor] | None, names: Names):
        self._tape = tape
        self._names = names
        self._targets = {target._id: target for target in targets}
        record = tape.record()
        kept = _ancestors(record, set(self._targets))
        self.entries = [record[index] for index in kept]
        self._asked = set() if sources is None else {source._id for source in sources}
        self._wanted = tape._roots if sources is None else self._asked
        self.leading = leads_to(self._wanted & tape._watched, self.entries)
        self._computed = {identity for entry in self.entries for identity in outputs_of(entry)[0]}

        self.nodes: dict[str, Node] = {}
        self.arcs: list[Arc] = []
        self.groups: dict[str, Group] = {}
        self.lineages: dict[str | None, tuple[str, ...]] = {None: ()}
        self.inner: dict[str, list[int]] = {}
        self.identities: dict[str, tuple[int, ...]] = {}
        self.terms: dict[Slot, tuple[list[Term], Term]] = {}
        self.assigned: set[int] = set()
        self._boxes = self._find_boxes(kept)
        self._node_of: dict[Any, str] = {}  # by identity of the tensor; constants have other keys
        self._counts: Counter[str] = Counter()  # how often each name was used
        self._add_nodes()
        self._place_leaves()

        self.gradients: dict[int, Any] | None = None
        self.contributions: dict[Slot, Any] = {}

    # Boxes ------------------------------------------------------------------------------------------------

    def _find_boxes(self, kept: list[int]) -> list[str | None]:
        """The innermost box of each entry. Each call that enters a scope makes a new box."""
        marks = self._tape._scopes
        opened: list[Group] = []
        count = position = 0
        boxes: list[str | None] = []
        for index in kept:
            while position < len(marks) and marks[position][0] <= index:
                path = marks[position][1]
                position += 1
                common = 0
                while common < min(len(opened), len(path)) and opened[common].name == path[common]:
                    common += 1
                del opened[common:]
                for name in path[common:]:
                    count += 1
                    opened.append(Group(f"g{count}", name, opened[-1].id if opened else None, len(opened)))
            for group in opened:
                if group.id not in self.groups:
                    self.groups[group.id] = group
                    self.lineages[group.id] = (*self.lineages[group.parent], group.id)
            boxes.append(opened[-1].id if opened else None)
        return boxes

    # Nodes ------------------------------------------------------------------------------------------------

    def _add_nodes(self) -> None:
        roots = self._statements()
        statements: dict[int, list[int]] = {}
        for index, root in enumerate(roots):
            statements.setdefault(root, []).append(index)
        for root in sorted(statements):
            self._add_operation(root, statements[root])
        for identity, target in self._targets.items():
            if identity not in self._node_of:  # a target that was watched, not computed
                self._add_leaf(identity, identity, target._array, "input")

    def _statements(self) -> list[int]:
        """For each entry, the index of the entry in whose node it is drawn; in most cases its own.

        Where the caller gave names, an unnamed result that is used once is drawn in the node of the statement
        that uses it: `loss = abs(y_true - x2)` is one node, as in a textbook.
        """
        roots = list(range(len(self.entries)))
        if not self._names.given:
            return roots
        uses = Counter(identity for entry in self.entries for identity in entry.input_ids)
        consumer = {identity: index for index, entry in enumerate(self.entries) for identity in entry.input_ids}

        def is_plain(index: int) -> bool:
            return self._boxes[index] is None and not isinstance(self.entries[index].output_id, tuple)

        def is_known(identity: Any) -> bool:
            return identity in self._targets or self._names.of_id(identity) is not None

        for index in reversed(roots):
            output = self.entries[index].output_id
            if not is_plain(index) or is_known(output) or output in self._wanted or uses[output] != 1:
                continue
            user = consumer[output]
            if is_plain(user):
                roots[index] = roots[user]
        sizes = Counter(roots)
        return [
            index if sizes[root] > LARGEST_STATEMENT or not is_known(self.entries[root].output_id) else root
            for index, root in enumerate(roots)
        ]

    def _add_operation(self, root: int, parts: list[int]) -> None:
        """Add the node of an operation or a statement, after the leaves that are its operands."""
        inside: dict[int, tuple[Term, Term | None]] = {}  # the formulas of a statement's inner results
        uses: list[tuple[str, Slot]] = []
        text, figures = Term(""), None
        for index in parts:
            entry = self.entries[index]
            operands: list[Term] = []
            numbers: list[Term | None] = []
            for position, (identity, value) in enumerate(zip(entry.input_ids, entry.arguments)):
                if identity in inside:
                    term, figure = inside[identity]
                else:
                    node = self.nodes[self._producer(index, position)]
                    uses.append((node.id, (index, position)))
                    figure = literal(_item(value)) if np.size(value) == 1 else None
                    plain = node.kind == "constant" and not node.is_named
                    term = figure if plain and figure is not None else Term(self._called(node, self._boxes[index]))
                operands.append(term)
                numbers.append(figure)
            text = formula(entry.primitive, operands, entry.metadata)
            known = [figure for figure in numbers if figure is not None]
            is_scalar = len(known) == len(numbers) and np.size(outputs_of(entry)[1][0]) == 1
            figures = formula(entry.primitive, known, entry.metadata) if is_scalar else None
            for position in range(len(operands)):
                self.terms[index, position] = (operands, text)
            if index != root:
                inside[entry.output_id] = (text, figures)
        node = self._operation(root, text, figures)
        self.inner[node.id] = parts
        self.identities[node.id] = outputs_of(self.entries[root])[0]
        self._node_of.update(dict.fromkeys(self.identities[node.id], node.id))
        for position in range(len(self.entries[root].input_ids)):
            self.terms[root, position] = (self.terms[root, position][0], Term(node.symbol))
        self.arcs.extend(Arc(producer, node.id, slot) for producer, slot in uses)

    def _called(self, node: Node, box: str | None) -> str:
        """How formulas in `box` write the value of a node. The output of another layer has that layer's name."""
        if node.is_named or node.group is None or node.group == box:
            return node.symbol
        lineage = self.lineages[node.group]
        shared = len(_common(lineage, self.lineages[box]))
        return node.symbol if shared == len(lineage) else self.groups[lineage[shared]].name

    def _operation(self, root: int, text: str, figures: str | None) -> Node:
        entry = self.entries[root]
        ids, outputs = outputs_of(entry)
        given = next((name for name in map(self._names.of_id, ids) if name is not None), None)
        operation = display_name(entry.primitive)
        box = self._boxes[root]
        name = given or (operation if box is None else f"{self.groups[box].name}/{operation}")
        return self._add(
            Node(
                id=f"n{len(self.nodes) + 1}",
                kind="operation",
                name=self._unique(name),
                is_named=given is not None,
                operation=operation,
                formula=str(text),
                arithmetic=None if figures is None else str(figures),
                shape=np.shape(outputs[0]),
                dtype=_dtype_name(outputs[0].dtype),
                value=outputs[0] if len(outputs) == 1 else tuple(outputs),
                group=self._boxes[root],
                is_target=not self._targets.keys().isdisjoint(ids),
                is_source=not self._asked.isdisjoint(ids),
                is_faint=self.leading.isdisjoint(ids),
            )
        )

    def _add(self, node: Node) -> Node:
        self.nodes[node.id] = node
        return node

    def _unique(self, name: str) -> str:
        """`multiply`, then `multiply_2` and so on."""
        candidate = name
        while candidate in self._counts:
            self._counts[name] += 1
            candidate = f"{name}_{self._counts[name]}"
        self._counts[candidate] += 1
        return candidate

    # Leaves: values that no entry computed -----------------------------------------------------------------------

    def _producer(self, index: int, position: int) -> str:
        """The id of the node whose value is that argument; a new leaf is added first."""
        entry = self.entries[index]
        identity, value = entry.input_ids[position], entry.arguments[position]
        if identity in self._computed:
            return self._node_of[identity]
        key: Any = identity
        if not identity:
            name = self._names.of_array(value)
            is_number = not isinstance(value, (np.ndarray, np.generic))
            key = ("name", name) if name else (index, position) if is_number else ("array", id(value))
        elif identity in self._node_of and not _is_same(self.nodes[self._node_of[identity]].value, value):
            key = (identity, id(value))  # a Variable, after an assign
            self.assigned.add(identity)
        if key not in self._node_of:
            arrays = entry.primitive.arrays
            self._add_leaf(key, identity, value, arrays[position] if position < len(arrays) else "input")
        return self._node_of[key]

    def _add_leaf(self, key: Any, identity: int, value: Any, argument: str) -> None:
        tape = self._tape
        is_watched = identity in tape._roots
        variable = tape._variables.get(identity)
        origin = tape._dead_ends.get(identity, "").lstrip("_")  # the operation without a gradient that computed it
        given = self._names.of_id(identity) if identity else self._names.of_array(value)
        if variable is not None and variable.name != "Variable":
            given = variable.name
        if variable is not None:
            kind, fallback = "parameter", "Variable"
        elif origin and not is_watched:
            kind, fallback = "constant", origin
        elif np.size(value) == 1 and not given and not is_watched:
            kind, fallback = "constant", literal(_item(value))
        else:
            kind, fallback = "input", "input" if argument in ("x", "x1", "x2") else argument
        name = given or fallback
        node = self._add(
            Node(
                id=f"n{len(self.nodes) + 1}",
                kind=kind,
                name=name if isinstance(name, Term) else self._unique(name),  # numbers may repeat
                is_named=given is not None or variable is not None,
                operation=origin or None,
                shape=np.shape(value),
                dtype=_dtype_name(value.dtype) if isinstance(value, (np.ndarray, np.generic)) else "",
                value=value,
                gradient_state="not computed" if is_watched else "none",
                is_target=identity in self._targets,
                is_source=identity in self._asked,
                is_faint=identity not in self.leading,
            )
        )
        self._node_of[key] = node.id
        self.identities[node.id] = (identity,)

    def _place_leaves(self) -> None:
        """Put parameters and constants into the innermost box with all their uses; inputs stay outside of boxes."""
        boxes: dict[str, tuple[str, ...]] = {}
        for arc in self.arcs:
            if self.nodes[arc.producer].kind in ("parameter", "constant"):
                lineage = self.lineages[self.nodes[arc.consumer].group]
                known = boxes.get(arc.producer)
                boxes[arc.producer] = lineage if known is None else _common(known, lineage)
        for identity, lineage in boxes.items():
            if lineage:
                self.nodes[identity] = replace(self.nodes[identity], group=lineage[-1])

    # Gradients --------------------------------------------------------------------------------------------

    def was_differentiated(self) -> bool:
        """Whether the tape has computed a gradient of these targets."""
        return self._tape._seeds.keys() == self._targets.keys()

    def differentiate(self) -> None:
        """Compute the gradients of the targets, with the output gradients of the last call of the tape's `gradient`."""
        if self.gradients is not None:
            return
        given = self._tape._seeds if self.was_differentiated() else {}
        gradients = {
            identity: given[identity]._array if identity in given else np.ones(target.shape, target.dtype)
            for identity, target in self._targets.items()
            if target.dtype.kind == "f"
        }
        self.contributions = self.pull_through(range(len(self.entries)), gradients)
        self.gradients = gradients
        for node in self.nodes.values():
            found = self.gradients_of(node.id, gradients, self.contributions)
            has_any = any(gradient is not None for gradient in found)
            self.nodes[node.id] = replace(
                node,
                gradient=(found[0] if len(found) == 1 else tuple(found)) if has_any else None,
                gradient_state="computed" if has_any else "none",
            )

    def gradients_of(self, node_id: str, gradients: Mapping[int, Any], contributions: Mapping[Slot, Any]) -> list[Any]:
        """The gradients of a node's values; for one of several values of a Variable, the sum over its own uses."""
        identities = self.identities[node_id]
        if self.assigned.isdisjoint(identities):
            return [gradients.get(identity) for identity in identities]
        own = [contributions[a.slot] for a in self.arcs if a.producer == node_id and a.slot in contributions]
        return [sum(own[1:], own[0]) if own else None]

    def pull_through(self, parts: Sequence[int], gradients: dict[int, Any]) -> dict[Slot, Any]:
        """Pull `gradients` back through some of the entries; returns the contribution of each rule, by slot.

        The gradients of all intermediate tensors are added to `gradients`.
        """
        contributions: dict[Slot, Any] = {}
        with np.errstate(all="ignore"), unseen():
            for index in reversed(parts):
                entry = self.entries[index]
                for position, d in _pull_back(entry, gradients, self.leading).items():
                    contributions[index, position] = d
                    identity = entry.input_ids[position]
                    gradients[identity] = gradients[identity] + d if identity in gradients else d
        return contributions


def _pull_back(entry: Entry, gradients: Mapping[int, Any], leading: set[int]) -> dict[int, Any]:
    """The contributions of one entry to the gradients of its arguments, for those that depend on a source.

    They are computed by the tape's walk over a record with this entry only. Each argument has a different
    identity there, so that two uses of one tensor are not added up.
    """
    ids = outputs_of(entry)[0]
    seeds = {-1 - n: gradients[identity] for n, identity in enumerate(ids) if identity in gradients}
    asked = {1 + n for n, identity in enumerate(entry.input_ids) if identity in leading}
    if not seeds or not asked:
        return {}
    alone = tuple(range(-1, -1 - len(ids), -1))
    output_id = alone if isinstance(entry.output_id, tuple) else -1
    one = entry._replace(output_id=output_id, input_ids=range(1, 1 + len(entry.input_ids)))
    found = walk([one], seeds, asked, asked)
    return {key - 1: d for key, d in found.items()}


def outputs_of(entry: Entry) -> tuple[tuple[int, ...], tuple[Any, ...]]:
    """Identities and values of the outputs of an entry."""
    if isinstance(entry.output_id, tuple):
        return entry.output_id, entry.output
    return (entry.output_id,), (entry.output,)


def _ancestors(record: Sequence[Entry], targets: set[int]) -> list[int]:
    """Positions of the entries that the targets depend on."""
    needed = set(targets)
    kept = []
    for index in range(len(record) - 1, -1, -1):
        if not needed.isdisjoint(outputs_of(record[index])[0]):
            needed.update(record[index].input_ids)
            kept.append(index)
    return kept[::-1]


def _common(a: tuple[str, ...], b: tuple[str, ...]) -> tuple[str, ...]:
    """The common prefix of two lineages."""
    length = next((n for n, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))
    return a[:length]


def _is_same(one: Any, other: Any) -> bool:
    return one is other or bool(np.array_equal(one, other, equal_nan=True))


def _item(value: Any) -> Any:
    """The only element of an array, or a number itself."""
    return value.item() if isinstance(value, (np.ndarray, np.generic)) else value
