"""The walk backwards over a record: reverse accumulation of gradients.

At each entry the gradient of the output is complete, because whatever uses the output comes later in the record. It is
passed to the primitive's rules, and what they return is added to the gradients of the arguments. The walk computes
with arrays; where a tape or an observer sees it, with Tensors, so that it is recorded and can be differentiated again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np

from tinygrad_lite.core.record import FIELDS, Observer, backwards, state
from tinygrad_lite.core.tensor import HALF, Tensor, detached, wrap
from tinygrad_lite.utils.types import Array, Axis, Shape, Value

__all__ = ["sum_to_shape", "summed", "twin", "walk", "walk_small", "zero_rule"]

Entries = Iterable[Any]
Ids = set[int]
Grads = dict[int, Any]
"""Grads by identity: ndarrays, or Tensors in a walk that is recorded."""


def walk(
    entries: Entries, gradients: Grads, useful: Ids, wanted: Ids, observer: Observer | None = None, nans: bool = True
) -> Grads:
    """Pass gradients back through `entries`, which come last first, and return those that are `wanted`.

    Parameters
    ----------
    entries : iterable of entries
        Fields in the order of `Entry`.
    gradients : dict
        Starts with those of the targets. A complete gradient is taken out, so that its memory is free.
    useful : set of int
        Identities that depend on a source: gradients of all others are not computed.
    observer : Observer, optional
        Calls the rules with Tensors. Without one they are called with arrays.
    nans : bool
        Whether nan is looked for, to which the zero rule applies.
    """
    found: Grads = {}
    # Identities whose gradient is a buffer made here, safe to add to in place; and those of float16 sums, which are
    # added up in float32, and rounded when they are complete.
    ours, halves = set[int](), set[int]()
    zeroed = zero_rule if observer is None else observer.zero_rule or zero_rule
    for primitive, output, inputs, values, metadata, y in entries:
        g: Any = gradients.pop(output, None)
        if g is None:
            g = _output_gradients(gradients, output, y, found, wanted) if type(output) is tuple else None
            if g is None:
                continue
        else:
            if output in halves:
                g = g.astype(HALF)
            if output in wanted:
                found[output] = g
        arguments = values
        if observer is not None:
            g, y, arguments = _as_tensors(observer, g, output, y, inputs, values)
        joint = primitive.joint_rule
        rules = primitive.rules if joint is None else joint(g, y, *arguments, **metadata)
        for position, key in enumerate(inputs):
            if key not in useful:
                continue
            if joint is None:
                rule = rules[position] if position < len(rules) else primitive.rule_for(position)
                if rule is None:
                    continue
                if observer is None:
                    d = rule(g, y, *arguments, **metadata) if metadata else rule(g, y, *arguments)
                else:
                    d = observer.apply_rule(primitive, rule, g, y, arguments, metadata)
            else:
                d = rules[position]
            if d is None:
                continue
            if nans and primitive.needs_zero_rule and d is not g:
                d = zeroed(g, d)
            x = values[position]
            if d.shape != x.shape or d.dtype is not x.dtype:  # NumPy has one object for each of the usual dtypes
                d = _fitted(d, x, primitive, position)
            known = gradients.get(key)
            if known is None:
                gradients[key] = d
            elif key in ours:
                gradients[key] += d
            else:
                gradients[key] = _added(known, d, key, ours, halves)
    return _completed(found, gradients, wanted, halves, observer)


def _added(known: Any, d: Any, key: int, ours: Ids, halves: Ids) -> Any:
    """The sum of two parts of a gradient, in a new buffer."""
    if d.dtype is HALF:
        known = known if key in halves else known.astype(np.float32)
        halves.add(key)
    total = known + d
    # a sum that is not in place may be in another order of memory; a Tensor never changes
    if isinstance(total, np.ndarray) and total.flags.c_contiguous:
        ours.add(key)
    return total


def _completed(found: Grads, gradients: Grads, wanted: Ids, halves: Ids, observer: Observer | None) -> Grads:
    """The wanted gradients, when the walk has ended."""
    for key in wanted:
        if key in gradients:
            g = found[key] = gradients[key].astype(HALF) if key in halves else gradients[key]
            if observer is not None:
                observer.note_gradient(key, g)
    return found


_SMALL = 4096  # bytes of an output, on average


def is_small(record: list[Any]) -> bool:
    """Whether the outputs are so small that the record may live as long as the walk over it."""
    outputs = record[::FIELDS]
    return tuple not in map(type, outputs) and sum([y.nbytes for y in outputs]) <= _SMALL * len(outputs)


def walk_small(record: list[Any], gradients: Grads, useful: Ids, wanted: Ids) -> Grads:
    """`walk` over small arrays, where a search for nan takes longer than the rules: only the results are searched.

    A nan that the zero rule would have removed reaches the sources. If there is none, none was made; else the walk is
    repeated with the rule. This is faster if there are more operations with the zero rule than sources.
    """
    looks = sum([primitive.needs_zero_rule for primitive in record[FIELDS - 1 :: FIELDS]])
    if looks > 2 * len(wanted):
        found = walk(backwards(record), dict(gradients), useful, wanted, nans=False)
        if not any(np.isnan(g).any() for g in found.values()):
            return found
    return walk(backwards(record), gradients, useful, wanted)


def _as_tensors(
    observer: Observer, g: Any, output: Any, y: Any, inputs: tuple[int, ...], values: tuple[Any, ...]
) -> tuple[Any, Any, list[Any]]:
    """The gradient and the values of an entry as the Tensors that they were, so that tapes can follow them."""
    arguments = [_as_tensor(observer, x, key) if key else x for x, key in zip(values, inputs)]
    if type(output) is tuple:
        g = tuple([item if isinstance(item, Tensor) else wrap(item) for item in g])
        return g, [_as_tensor(observer, x, key) if key else x for x, key in zip(y, output)], arguments
    y = _as_tensor(observer, y, output)
    observer.note_gradient(output, g)
    return g, y, arguments


def _as_tensor(observer: Observer, value: Any, identity: int) -> Any:
    tensor = wrap(value)
    tensor._id = identity
    return observer.rewrap(tensor, identity)


def _output_gradients(
    gradients: Grads, outputs: tuple[int, ...], values: tuple[Array, ...], found: Grads, wanted: Ids
) -> tuple[Any, ...] | None:
    """The gradients of an entry with several outputs, zeros for those that nothing depends on."""
    if not any(key in gradients for key in outputs):
        return None
    answer = []
    for key, value in zip(outputs, values):
        g = gradients.pop(key, None)
        if g is None:
            g = np.zeros(np.shape(value), value.dtype)
        else:
            g = g if g.dtype == value.dtype else g.astype(value.dtype)
            if key in wanted:
                found[key] = g
        answer.append(g)
    return tuple(answer)


# The zero rule ------------------------------------------------------------------------------------------------


def zero_rule(g: Value, d: Value) -> Value:
    """A gradient that is zero contributes zero: 0 where `g` is 0, also where the local derivative is inf or nan."""
    flat = (d._array if isinstance(d, Tensor) else d).ravel()
    total = flat.dot(flat)  # nan if there is one: one fast pass
    return d if total == total else np.where(np.isnan(d) & (g == 0), 0, d)


# Broadcasting -------------------------------------------------------------------------------------------------


def _fitted(d: Any, x: Any, primitive: Any, position: int) -> Any:
    """What a rule returned for the argument `x`, in its shape and dtype."""
    if d.shape != x.shape:
        if not primitive.is_elementwise:
            raise primitive.wrong_shape(position, d.shape, x.shape)
        d = sum_to_shape(d, x.shape)
    return d if d.dtype == x.dtype else d.astype(x.dtype)


def sum_to_shape(d: Value, shape: Shape) -> Value:
    """The adjoint of broadcasting from `shape`: add up over the axes along which values were repeated."""
    extra = d.ndim - len(shape)
    axes = tuple(range(extra)) + tuple(
        extra + axis for axis, length in enumerate(shape) if length == 1 and d.shape[extra + axis] != 1
    )
    return summed(d, axes).reshape(shape) if axes else d.reshape(shape)


def summed(x: Value, axis: Axis, keepdims: bool = False) -> Value:
    """The sum over `axis`; of float16 in float32, rounded once."""
    if x.dtype == HALF:
        return x.sum(axis=axis, dtype=np.float32, keepdims=keepdims).astype(HALF)
    return x.sum(axis=axis, keepdims=keepdims)


# Gradients that are recorded ----------------------------------------------------------------------------------

_DEFAULT_OBSERVER = Observer()


def walk_observer() -> Observer | None:
    """What a walk in this thread is observed by; None where no tape and no observer sees it."""
    tapes = state.tapes
    observer = tapes.observer
    if tapes or (observer is not None and observer.observes_walks):
        return observer or _DEFAULT_OBSERVER
    return None


def twin(g: Tensor) -> Tensor:
    """The same value as another tensor, with an identity of its own; a gradient goes through."""
    other: Tensor = np.positive(g) if g._id else detached(g)
    return other


def distinct(gradients: list[Any], before: int) -> list[Any]:
    """The gradients as different tensors, none of them older than the identity `before`.

    A rule may return the tensor that it got, so that two arguments have the same gradient, or one that the caller
    has. A tape could not tell them apart in derivatives with respect to gradients.
    """
    times = Counter(map(id, gradients))
    tensors = [g if isinstance(g, Tensor) else None if g is None else wrap(g) for g in gradients]
    return [
        twin(tensor) if tensor is not None and (times[id(g)] > 1 or tensor._id < before) else tensor
        for g, tensor in zip(gradients, tensors)
    ]
