"""Schedule: what a program does, step by step, and in which memory.

The ordered nodes become a list of steps. Each step says which buffer its result goes into, what is deleted before it,
and in a loop which parts of arrays it works on. Buffers are kept from call to call, and used again within a call once
their content is not needed any more. A schedule is plain data; a printer writes it down and decides nothing.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tinygrad_lite.compiler.fusion import Run, find_runs
from tinygrad_lite.compiler.lifetimes import (
    in_place_sums,
    last_uses,
    memory_ends,
    memory_of,
    restored_on_failure,
    with_bases,
)
from tinygrad_lite.compiler.node import Node, memory_order
from tinygrad_lite.core.tensor import HALF
from tinygrad_lite.core.variable import Variable
from tinygrad_lite.utils.types import Array

__all__ = ["WRITES_INTO", "Loop", "Place", "Schedule", "Step", "make_buffer", "place_of", "schedule"]

Place = tuple[tuple[int, ...], np.dtype[Any], tuple[int, ...]]
"""Shape, dtype and strides of memory."""


def _extremes_with_out() -> frozenset[str]:
    """Largest and smallest elements, if NumPy can write them into a given array: 2.0 and 2.1 fail for reversed axes."""
    reversed_rows = np.array([[1.0, 0.0], [0.0, 1.0]])[::-1]
    is_right = np.maximum.reduce(reversed_rows, axis=0, out=np.empty(2)).all()
    return frozenset({"_max", "_min"}) if is_right else frozenset()


WRITES_INTO = (
    frozenset({"matmul", "_product_of_rows", "_sum", "_mean", "assign_add", "assign_sub"}) | _extremes_with_out()
)
"""The primitives beside ufuncs whose results can be written into a given array."""
_ROUNDING_ONCE = {"_sum", "_mean"}  # of float16, which their forward functions add up in float32


def is_rounded_once(node: Node) -> bool:
    """Whether only the forward function computes it right: NumPy's own adds float16 up in float16."""
    return node.dtype == HALF and node.operation in _ROUNDING_ONCE


@dataclass(slots=True)
class Step:
    """One node's place in the program."""

    node: Node
    buffer: int | None = None
    """The number of the buffer that the result is written into, if it is written into one."""
    deletes: list[Node] = field(default_factory=list)
    """What is deleted before it, so that the Variables whose memory these look into can be updated in place."""
    in_place: bool = False
    """Of a sum that is assigned: it is added into the Variable's own array here."""
    donates: bool = False
    """Of an update: it may write into its gradients, which nobody needs after it."""
    copies: bool = False
    """Of an output: it may lie in an argument's memory, and is handed out as a copy."""
    cut: frozenset[int] = frozenset()
    """In a loop: the positions of the arguments of which it reads the block's part."""
    is_whole: bool = False
    """In a loop: the result is needed afterwards, all of it; without a buffer it goes into a new array."""


@dataclass(slots=True)
class Loop:
    """A run of elementwise operations, worked through in blocks of the first axis' rows."""

    run: Run
    steps: list[Step]


@dataclass(slots=True)
class Schedule:
    """A program as plain data."""

    inputs: list[Node]
    steps: list[Step | Loop]
    buffers: list[Place]
    restored: list[Variable]
    """The Variables that must have what they held if the program fails."""
    restored_on_float_errors: list[Variable]
    """The same where errors of floating point raise."""


def schedule(inputs: list[Node], nodes: list[Node]) -> Schedule:
    """The steps and the buffers of `nodes`, which are in order and end with their effects."""
    planner = _Planner(nodes)
    steps = planner.steps()
    return Schedule(inputs, steps, planner.buffers.places, *restored_on_failure(nodes, planner.in_place))


class Buffers:
    """Numbered memory: which buffer holds which node's value, and which are free."""

    def __init__(self) -> None:
        self.places: list[Place] = []
        self.number_of: dict[int, int] = {}  # by a node's id()
        self._free: dict[Place, list[int]] = {}

    def take(self, node: Node, rows: int | None = None) -> int:
        """A buffer for the result of `node`, or for a block of so many rows of it."""
        shape, dtype, strides = place_of(node)
        place = (shape if rows is None else (rows, *shape[1:]), dtype, strides)
        if self._free.get(place):
            number = self._free[place].pop()
        else:
            number = len(self.places)
            self.places.append(place)
        self.number_of[id(node)] = number
        return number

    def release(self, nodes: Iterable[Node]) -> None:
        """Free the buffers of these nodes, where they have one."""
        for node in nodes:
            number = self.number_of.pop(id(node), None)
            if number is not None:
                self._free.setdefault(self.places[number], []).append(number)


class _Planner:
    """Makes the steps in one pass over the nodes, and assigns buffers on the way."""

    def __init__(self, nodes: list[Node]) -> None:
        self.nodes = nodes
        self.in_place = in_place_sums(nodes)
        self.buffers = Buffers()
        self._last = last_uses(nodes, self.in_place)
        self._memory = memory_of(nodes)
        self._handed_out = with_bases(node for node in nodes if node.kind == "output")
        self._read_at_the_end = {id(_written(x)) for x in _read_at_the_end(nodes, self.in_place)}
        self._count = itertools.count()
        self._deletable: list[tuple[int, int, Node]] = []  # what looks into Variables, by last use
        self._freed_after: dict[int, list[Node]] = {}  # by position: the nodes whose memory is free after it
        ends = memory_ends(nodes, self._last)
        for node in nodes:
            self._freed_after.setdefault(ends[id(node)], []).append(node)

    def steps(self) -> list[Step | Loop]:
        """The whole program."""
        runs = find_runs(self.nodes, self.in_place)
        steps: list[Step | Loop] = []
        done = -1
        for position, node in enumerate(self.nodes):
            if position <= done or id(node) in self.in_place:
                continue
            run = runs.get(id(node))
            if run is None:
                steps.append(self._step(node, position))
            else:
                steps.append(self._loop(run, position))
                done = run.end
        return steps

    def _step(self, node: Node, position: int) -> Step:
        step = Step(node)
        if node.needs_no_code:
            return step
        freed = self._freed_after.get(position, [])
        if node.kind == "update":
            step.deletes = self._deletions(position)
            step.donates = node.payload[0].accepts_donations() and self._owns_its_gradients(node, freed)
        elif node.kind == "assign":
            self._plan_assignment(step, position)
        elif node.kind == "output":
            step.copies = self._memory[id(node)].is_an_inputs
        elif node.kind in ("variable", "call", "item"):
            self._note_variables_memory(node)
        if node.kind == "call":
            here = [x for x in freed if self._can_be_overwritten(x, node)]  # may hold the result
            self.buffers.release(here)
            step.buffer = self.buffers.take(node) if self._goes_into_a_buffer(node) else None
            freed = [x for x in freed if x not in here]
        if node.kind != "variable":
            self.buffers.release(freed)
        return step

    def _loop(self, run: Run, start: int) -> Loop:
        """A run in blocks. Results that are needed after it go into whole arrays, all others into arrays of a block."""
        inner = {key: node for key, node in run.nodes.items() if self._last[key] <= run.end}
        steps: list[Step] = []
        waiting: list[Node] = []  # whole arrays, which a later block may still need
        for position, node in enumerate(self.nodes[start : run.end + 1], start):
            freed = self._freed_after.get(position, [])
            waiting += [x for x in freed if id(x) not in inner]
            if id(node) in self.in_place:
                continue
            step = Step(node)
            steps.append(step)
            if node.needs_no_code:
                continue
            self._note_variables_memory(node)
            if node.kind == "variable":
                continue
            step.cut = frozenset(
                n for n, x in enumerate(node.inputs) if isinstance(x, Node) and id(x) not in run.nodes and run.is_cut(x)
            )
            self.buffers.release(x for x in freed if id(x) in inner and self._can_be_overwritten(x, node))
            step.is_whole = id(node) not in inner
            if step.is_whole:
                step.buffer = None if id(node) in self._handed_out else self.buffers.take(node)
            else:
                step.buffer = self.buffers.take(node, run.rows) if node.is_ufunc else None
            self.buffers.release(x for x in freed if id(x) in inner)
        self.buffers.release([*waiting, *inner.values()])
        return Loop(run, steps)

    # Variables --------------------------------------------------------------------------------------------

    def _plan_assignment(self, step: Step, position: int) -> None:
        is_first = self.nodes[position - 1].kind != "assign"
        step.deletes = self._deletions(position) if is_first else []
        value = step.node.inputs[0]
        if id(value) in self.in_place:
            step.in_place = True
            old = value.inputs[0]
            if id(old) not in self._read_at_the_end:
                step.deletes = [*step.deletes, old]

    def _note_variables_memory(self, node: Node) -> None:
        if self._memory[id(node)].is_a_variables:
            heapq.heappush(self._deletable, (self._last[id(node)], next(self._count), node))

    def _deletions(self, position: int) -> list[Node]:
        """What looks into Variables and is not needed any more."""
        found = []
        while self._deletable and self._deletable[0][0] < position:
            found.append(heapq.heappop(self._deletable)[-1])
        return found

    # Buffers ----------------------------------------------------------------------------------------------

    def _goes_into_a_buffer(self, node: Node) -> bool:
        """Whether the result goes into a planned buffer: not if it is handed out, tiny or a view."""
        if node.is_ufunc:
            possible = node.payload.forward.nout == 1
        else:
            possible = node.operation in WRITES_INTO and not is_rounded_once(node)
        return possible and node.shape != () and id(node) not in self._handed_out

    def _can_be_overwritten(self, x: Node, node: Node) -> bool:
        """Whether `node` may be computed into the memory of its input `x`, element by element."""
        inputs = [y for y in node.inputs if isinstance(y, Node)]
        if not (node.is_ufunc or node.is_sum) or x not in inputs:
            return False
        if x.shape != node.shape or place_of(x) != place_of(node):
            return False
        owners = [self._memory[id(y)].owners for y in inputs if y is not x]
        return all(keys is not None and id(x) not in keys for keys in owners)

    def _owns_its_gradients(self, update: Node, freed: list[Node]) -> bool:
        """Whether each gradient of an update has a buffer of its own, which nobody needs after it."""
        owners = [self._memory[id(g)].owners or () for g in update.inputs]
        free = self.buffers.number_of.keys() & {id(x) for x in freed}
        return all(len(keys) == 1 for keys in owners) and len(free.intersection(*zip(*owners))) == len(owners)


def _read_at_the_end(nodes: list[Node], in_place: set[int]) -> Iterator[Node]:
    """What assignments and results read."""
    for node in nodes:
        if node.kind == "output":
            yield node.inputs[0]
        elif node.kind == "assign":
            value = node.inputs[0]
            read = value.inputs[1] if id(value) in in_place else value
            if isinstance(read, Node):
                yield read


def _written(node: Node) -> Node:
    """The node in whose line the value of `node` is written: itself, or x for x.T."""
    return node.inputs[0] if node.is_transpose else node


# Memory -------------------------------------------------------------------------------------------------------


def place_of(node: Node) -> Place:
    """What memory it takes, in the order in which eager code has it: a sum over it adds up in that order.

    Strides along axes of length one, and those of empty arrays, reach no memory; and yet NumPy orders results by them.
    """
    value = np.asarray(node.value)
    strides, step = list(value.strides), value.itemsize
    for axis in reversed(memory_order(value)):
        if value.shape[axis] != 1 and value.size:
            strides[axis], step = step, step * value.shape[axis]
    return node.shape, node.dtype, tuple(strides)


def make_buffer(place: Place) -> Array:
    """Memory of this shape, dtype and order."""
    shape, dtype, strides = place
    return np.ndarray(shape, dtype, np.empty(math.prod(shape), dtype), strides=strides)
