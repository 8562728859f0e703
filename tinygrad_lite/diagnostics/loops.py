"""Checks of training loops written by hand, where `tgl.strict()` is on: those of `fit` without labels and epochs.

A step of such a loop is checked at two places. Where it computes gradients, the record of the forward pass is checked:
in the first step and in every hundredth. Where its optimizer takes a step, the loss and the weights are checked: in the
first thirty steps. Labels and epochs of such a loop are not known.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygrad_lite.core.record import Entry, entries_of, is_seen, scopes_of, tracing
from tinygrad_lite.core.strict import on_gradient, on_step, warn_or_raise
from tinygrad_lite.core.tape import GradientTape
from tinygrad_lite.core.tensor import Tensor
from tinygrad_lite.core.variable import Variable
from tinygrad_lite.diagnostics.suspicions import (
    FIRST_STEPS,
    OF_AN_OPERATION,
    Epoch,
    Seen,
    broadcasting_loss,
    checksums,
    diverging_steps,
    origin_of,
    unmoved_weights,
)  # fmt: skip
from tinygrad_lite.utils.types import Value

__all__ = ["EVERY"]

EVERY = 100
"""One of so many computations of gradients of the same Variables is checked."""


class _Computed(threading.local):
    """The gradients that this thread computed."""

    def __init__(self) -> None:
        self.times: dict[int, int] = {}  # by the identity of the first Variable
        self.loss: tuple[frozenset[int], float] = (
            frozenset(),
            0.0,
        )  # the latest one, and the Variables of its gradients


class _Steps:
    """The first steps of an optimizer."""

    def __init__(self) -> None:
        self.taken = 0
        self.losses: list[float] = []
        self.marks: dict[str, int] = {}  # checksums of weights that have not moved yet


_computed = _Computed()
_steps: weakref.WeakKeyDictionary[Any, _Steps] = weakref.WeakKeyDictionary()


def _check_gradients(tape: GradientTape, targets: list[Tensor], sources: list[Tensor]) -> None:
    variables = [x for x in sources if isinstance(x, Variable) and x.trainable]
    if not variables or is_seen() or tracing.tracer is not None:
        return  # a derivative of higher order, or no training at all
    if len(targets) == 1 and targets[0].size == 1:
        _computed.loss = frozenset(v._id for v in variables), float(targets[0]._array.reshape(()))
    first = variables[0]._id
    times = _computed.times.pop(first, 0)
    _computed.times[first] = times + 1
    while len(_computed.times) > EVERY:
        del _computed.times[next(iter(_computed.times))]
    if times % EVERY == 0:
        _check_record(tape)


def _check_record(tape: GradientTape) -> None:
    """Check every operation of a record."""
    known = set(tape._variables)
    origins: dict[int | tuple[int, ...], str] = {}
    for fields, layers in zip(entries_of(tape._record), scopes_of(tape)):
        entry = Entry(*fields)
        known.update(entry.output_id if type(entry.output_id) is tuple else [entry.output_id])
        if type(entry.output) is tuple or not isinstance(entry.arguments[0], np.ndarray):
            continue
        from_where = [origins.get(x, None if x in known else "inputs") for x in entry.input_ids]
        name = entry.primitive.__name__
        seen = Seen(name, entry.arguments, from_where, entry.output, "/".join(layers), entry.arguments[0])
        for suspicion in OF_AN_OPERATION:
            if suspicion is not broadcasting_loss or _is_a_column(entry.arguments):
                found = suspicion(seen)
                if found is not None:
                    warn_or_raise(found)
        origin = origin_of(name, from_where[0])
        if origin and origin != "inputs":
            origins[entry.output_id] = origin


def _is_a_column(arrays: Sequence[Value]) -> bool:
    """Whether shapes are (N,) and (N, 1). Other broadcasting is usual in such loops, for example of a bias."""
    shapes = sorted((np.shape(x) for x in arrays), key=len)
    return len(shapes) == 2 and len(shapes[0]) == 1 and shapes[1] == (*shapes[0], 1)


def _check_step(optimizer: Any, variables: list[Variable]) -> None:  # an Optimizer, which has a higher floor
    steps = _steps.setdefault(optimizer, _Steps())
    if steps.taken >= FIRST_STEPS:
        return
    steps.taken += 1
    weights = checksums(variables)
    if steps.taken == 1:
        steps.marks = weights
    steps.marks = {name: mark for name, mark in steps.marks.items() if weights.get(name, mark) == mark}
    of, loss = _computed.loss
    if of.issuperset(v._id for v in variables):
        steps.losses.append(loss)
    unmoved = list(steps.marks) if steps.taken == FIRST_STEPS else []
    epoch = Epoch(
        losses=steps.losses, loss=loss, samples=0, label=None, unmoved=unmoved, weights=len(weights),
        learning_rate=float(optimizer.learning_rate), span=f"{FIRST_STEPS} steps",
    )  # fmt: skip
    for found in (diverging_steps(epoch), unmoved_weights(epoch)):
        if found is not None:
            warn_or_raise(found)


on_gradient.append(_check_gradients)
on_step.append(_check_step)
