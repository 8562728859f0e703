"""Entries that a walk backwards shares with open tapes which did not see them.

A tape that is open while another tape's gradient is taken records the gradient as a function of recorded values. It
must know how these depend on what it watches, also where it was opened later. So it gets the entries that it did not
see for the time of the walk. TensorFlow takes such values for constants, and leaves out a part of the derivative.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from tinygrad_lite.core.record import (
    FIELDS,
    INPUTS,
    OUTPUT,
    append,
    backwards,
    between,
    entries_of,
    keys_of,
    new_id,
    state,
)
from tinygrad_lite.core.tensor import Tensor
from tinygrad_lite.core.variable import Variable

__all__ = ["shared"]

# A tape is of no type here, because its module imports this one.


@contextmanager
def shared(tape: Any, record: list[Any], targets: list[Tensor]) -> Iterator[None]:
    """A context in which the open tapes know what they did not see of this tape's record.

    Taking a gradient is reading the Variables that it depends on. For everything else the shared values stay constants
    that were computed before: they get other identities in the end, so that it does not matter whether they are used
    before or after the gradient is taken.
    """
    learners = [other for other in state.tapes if other is not tape and not tape._watched <= other._watched]
    learnt: list[tuple[Any, int, set[int], set[int]]] = []
    try:
        if learners:
            needed = between(tape._watched, {target._id for target in targets}, backwards(record))[::-1]
            read = {target._id for target in targets}.union(*[entry[2] for entry in needed])
            variables = [v for key, v in (tape._variables | tape._read).items() if key in read]
            for other in learners:
                learnt.append((other, len(other._record), *_learn(other, needed, variables, tape)))
        yield
    finally:
        for other, start, new, extended in learnt:
            _rename(other, start, new, extended)


def _learn(tape: Any, entries: list[Any], variables: list[Variable], source: Any) -> tuple[set[int], set[int]]:
    """Append the entries of the tape `source` to another one, as far as that watches them and was not stopped.

    Returns the identities of what it did not know, and of what it knew, but as computed from a constant that it
    now knows more of. The latter is the sum of what it was and of what comes from there.
    """
    known, learnt = tape._watched, set[int]()
    parts: dict[int, int] = {}  # of what it knew: what comes from there
    mine: dict[Any, Any] = {}  # of what it knew: the inputs, some of which may have been shared before
    for variable in variables:
        tape._access(variable)
    pauses = tape._pauses if tape._serial in source._around else ()
    for primitive, output, inputs, arguments, metadata, y in entries:
        outputs = keys_of(output)
        if any(start < outputs[0] < end for start, end in pauses):
            continue
        if known.isdisjoint(outputs):
            if not known.isdisjoint(inputs):
                new = source._watched.intersection(outputs)
                append(tape, primitive, output, inputs, arguments, metadata, y)
                known |= new
                learnt |= new
            continue
        if (learnt.isdisjoint(inputs) and parts.keys().isdisjoint(inputs)) or not tape._roots.isdisjoint(outputs):
            continue
        mine = mine or {entry[1]: entry[2] for entry in entries_of(tape._record)}
        pairs = zip(inputs, mine.get(output, ()))
        changed = tuple([(key if key in learnt else parts.get(key, 0)) if key == own else 0 for key, own in pairs])
        if not any(changed):
            continue
        fresh = tuple([new_id() for _ in outputs])
        append(tape, primitive, fresh if type(output) is tuple else fresh[0], changed, arguments, metadata, y)
        for key, part, value in zip(outputs, fresh, y if type(output) is tuple else (y,)):
            if key in known:
                zero = np.zeros(value.shape, value.dtype)[()]
                append(tape, tape._add, key, (-key, part), (value, zero), {}, value)
                known.add(part)
                parts[key] = part
    return learnt, set(parts)


def _rename(tape: Any, start: int, learnt: set[int], extended: set[int]) -> None:
    """Give what was shared, in the record from `start` on, identities that are used nowhere else."""
    names = {key: new_id() for key in learnt | extended}
    tape._watched -= learnt
    tape._watched.update(names.values())
    names.update((-key, key) for key in extended)
    record = tape._record
    for place in range(start, len(record) if names else 0, FIELDS):
        inputs, output = record[place + INPUTS], record[place + OUTPUT]
        if not names.keys().isdisjoint(inputs):
            record[place + INPUTS] = tuple([names.get(key, key) for key in inputs])
        if not names.keys().isdisjoint(keys_of(output)):
            renamed = tuple([names.get(key, key) for key in keys_of(output)])
            record[place + OUTPUT] = renamed if type(output) is tuple else renamed[0]
