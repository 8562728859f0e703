"""The record: the entries of a tape, and what observes the operations of a thread.

A record is a flat list of entries, one for each application of a primitive, in the order of execution. Every
argument exists before it is used, so the record is the computation graph in topological order. A thread has a
stack of open tapes, which append to their records, and at most one observer, which sees every call and every
walk backwards without recording: a tracer or a diagnosis implements the `Observer` interface below.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

__all__ = ["FIELDS", "Entry", "Observer", "OpenTapes", "enter_scopes", "entries_of", "recording_tapes", "state"]

new_id = itertools.count(1).__next__
"""The identity of a tensor that some tape records. No number is given twice, and 0 means that there is none."""

# Entries ------------------------------------------------------------------------------------------------------


class Entry(NamedTuple):
    """One application of a primitive."""

    primitive: Any
    output_id: Any
    """The identity of the output; a tuple of them where the primitive has several outputs."""
    input_ids: Any
    """The identities of the arguments; 0 for what no tape ever recorded."""
    arguments: Any
    """The arguments' values: ndarrays, or numbers."""
    metadata: Any
    """The keyword arguments."""
    output: Any
    """The output's value; a tuple where the primitive has several outputs."""


# An entry takes six places in the list, its fields in reverse, so that a walk backwards meets them in order. An object
# for each entry would be visited again and again by Python's garbage collector, because it refers to a primitive. What
# is left are tuples of numbers and arrays, which the collector does not track once it has seen them.
FIELDS = len(Entry._fields)
INPUTS, OUTPUT = 3, 4  # the places of `input_ids` and `output_id` in an entry


def append(tape: Any, primitive: Any, output: Any, inputs: Any, arguments: Any, metadata: Any, y: Any) -> None:
    """Record one application of a primitive; the arguments are the fields of an `Entry`.

    Operators and functions of one argument do the same in place, see `calling`.
    """
    tape._record += (y, metadata, arguments, inputs, output, primitive)


def entries_of(record: list[Any]) -> Iterator[tuple[Any, ...]]:
    """The entries of a record in the order of execution, as plain tuples."""
    fields = iter(record)
    return (entry[::-1] for entry in zip(*[fields] * FIELDS))


def backwards(record: list[Any]) -> Iterator[tuple[Any, ...]]:
    """The entries of a record from the last to the first; what is recorded meanwhile is not among them."""
    fields = reversed(record)
    return zip(*[fields] * FIELDS)


def popping(record: list[Any]) -> Iterator[list[Any]]:
    """From the last entry to the first; each is deleted before the next is returned."""
    while record:
        entry = record[: -FIELDS - 1 : -1]
        del record[-FIELDS:]
        yield entry


def keys_of(output: Any) -> tuple[int, ...]:
    """The identities of an entry's outputs."""
    return output if type(output) is tuple else (output,)


def leads_to(sources: set[int], entries: Iterable[Any]) -> set[int]:
    """Identities of everything that depends on `sources`: no other gradients are needed."""
    reached = set(sources)
    for _, output, inputs, *_ in entries:
        if not reached.isdisjoint(inputs):
            reached.update(keys_of(output))
    return reached


def between(useful: set[int], targets: set[int], entries: Iterable[Any]) -> list[Any]:
    """Of the entries, given and returned last first, those through which a target depends on what is `useful`."""
    needed, found = targets & useful, []
    for entry in entries:
        output, inputs = entry[1], entry[2]
        if not needed.isdisjoint(keys_of(output)):
            needed.update(useful.intersection(inputs))
            found.append(entry)
    return found


# Observers ----------------------------------------------------------------------------------------------------


class Observer:
    """Sees the calls of primitives and the walks backwards of one thread. The methods here do nothing.

    Attributes
    ----------
    observes_walks : bool
        Whether a walk backwards calls primitives on Tensors, so that the observer sees them, where no tape is open.
    zero_rule : callable or None
        Used instead of `backward.zero_rule`, which reads values.
    """

    observes_walks = True
    zero_rule: Any = None

    def note_read(self, variable: Any) -> None:
        """An operation is about to read a Variable."""

    def note_call(self, primitive: Any, args: Any, arrays: Any, metadata: Any, outputs: tuple[Any, ...]) -> None:
        """A primitive was applied to `args`, whose values are `arrays`; `outputs` is a tuple of Tensors."""

    def examined(self, entries: Iterable[Any]) -> Iterable[Any]:
        """The entries that a walk backwards goes through in place of `entries`."""
        return entries

    def rewrap(self, tensor: Any, identity: int) -> Any:
        """The Tensor that stands for a recorded value in a walk backwards."""
        return tensor

    def apply_rule(self, primitive: Any, rule: Any, g: Any, y: Any, arguments: Any, metadata: Any) -> Any:
        """What a gradient rule returns; all its arguments are Tensors."""
        return rule(g, y, *arguments, **metadata)

    def note_gradient(self, identity: int, g: Any) -> None:
        """The gradient of the value with this identity is complete."""


class OpenTapes(list[Any]):
    """A thread's open tapes, the innermost last, and its observer."""

    __slots__ = ("observer",)

    def __init__(self, observer: Observer | None = None) -> None:
        self.observer = observer


class _ThreadState(threading.local):
    """What one thread records."""

    def __init__(self) -> None:
        self.tapes = OpenTapes()
        self.scopes: tuple[str, ...] = ()  # the names of the layers that it is inside of, the innermost last
        self.pulling_back = 0  # how many computations of gradients it is inside of


state = _ThreadState()


class _Tracing(threading.local):
    """What a thread's `tgl.function` is tracing with, if anything: assignments must reach it too."""

    tracer: Any = None


tracing = _Tracing()


def recording_tapes() -> tuple[Any, ...]:
    """The tapes that this thread has open, the innermost last."""
    return tuple(state.tapes)


def is_seen() -> bool:
    """Whether a tape or an observer of this thread sees operations."""
    return bool(state.tapes) or state.tapes.observer is not None


@contextmanager
def unseen() -> Iterator[None]:
    """A context in which no tape and no observer of this thread sees operations."""
    tapes, state.tapes = state.tapes, OpenTapes()
    try:
        yield
    finally:
        state.tapes = tapes


@contextmanager
def unobserved() -> Iterator[None]:
    """A context in which no observer of this thread sees operations; tapes record."""
    tapes = state.tapes
    observer, tapes.observer = tapes.observer, None
    try:
        yield
    finally:
        tapes.observer = observer


def enter_scopes(scopes: tuple[str, ...]) -> None:
    """From here on, what is recorded is computed in these layers, the innermost last: drawings show it."""
    state.scopes = scopes
    for tape in state.tapes:
        tape._scopes.append((len(tape._record) // FIELDS, scopes))


def scopes_of(tape: Any) -> Iterator[tuple[str, ...]]:
    """For each entry of a tape's record, the names of the layers that it was made in, the outermost first."""
    marks, count = tape._scopes, len(tape._record) // FIELDS
    for (start, scope), (end, _) in zip(marks, [*marks[1:], (count, ())]):
        for _ in range(start, min(end, count)):
            yield scope
