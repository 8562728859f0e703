"""Why a gradient rule returned zeros, or None, found out from the values of the operation."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_lite.core.backward import zero_rule
from tinygrad_lite.utils.types import Array, Value

__all__ = ["why_zero"]

_SATURATING = {
    "sigmoid",
    "tanh",
    "softmax",
    "log_sigmoid",
    "hard_sigmoid",
    "softsign",
    "erf",
    "log_softmax",
    "gelu",
    "silu",
}
_CHOOSING = {"where", "maximum", "minimum", "fmax", "fmin"}


def why_zero(entry: tuple[Any, ...], position: int, g: Value, d: Value | None) -> str:
    """Why this operation's slope is zero for the argument at `position`, or why it has none."""
    primitive, arguments = entry[0], entry[3]
    name, x = primitive.__name__, np.asarray(arguments[position])
    argument = primitive.arrays[position] if position < len(primitive.arrays) else f"argument {position}"
    if d is None:
        return f"it has no gradient for {argument}"
    if not primitive.is_elementwise:
        if name in _SATURATING and not _has_slope(entry, position, np.ones_like(g)):
            return f"it is saturated: for inputs {_span(x)} its slope rounds to 0"
        if _has_slope(entry, position, g):
            return f"what arrives there adds up to exactly zero for {argument}"
        return f"nothing arrives at the part of its result that depends on {argument}, or its slope is 0 there"
    arrives = g != 0
    x = np.broadcast_to(x, np.shape(g))[arrives]
    where = "" if np.all(arrives) else " where a gradient arrives,"
    if name == "relu" and np.all(x <= 0):
        if not where:
            return f"all {x.size} inputs are at most 0, where its slope is 0 (a dead relu)"
        return "all inputs are at most 0 where a gradient arrives, and its slope is 0 there (a dead relu)"
    if _has_slope(entry, position, g):
        return "what arrives there is so small that its product with the slope rounds to 0"
    if name == "_clip" and position == 0:
        return f"all inputs,{where} {_span(x)}, lie outside of its limits, where its slope is 0"
    if name in _SATURATING:
        return f"it is saturated: for inputs{where} {_span(x)} its slope rounds to 0"
    if name in _CHOOSING:
        everywhere = "wherever a gradient arrives" if where else "everywhere"
        return f"it chose its other argument {everywhere}, so this one has no effect (an unselected branch)"
    if name == "multiply":
        return f"it is multiplied by zeros{where.rstrip(',')}"
    return f"its slope for {argument} is 0 at the values{where} {_span(x)}"


def _span(x: Array) -> str:
    return f"from {x.min():.4g} to {x.max():.4g}" if x.size else "none"


def _has_slope(entry: tuple[Any, ...], position: int, g: Value) -> bool:
    """Whether the rule returns something that is not zero for a random `g` with the same zeros."""
    primitive, _, _, arguments, metadata, y = entry
    rng = np.random.default_rng(0)
    items = g if isinstance(g, tuple) else (g,)
    others = tuple((rng.uniform(1, 2, np.shape(x)) * (x != 0)).astype(x.dtype) for x in items)
    other = others if isinstance(g, tuple) else others[0]
    if primitive.joint_rule is not None:
        d = primitive.joint_rule(other, y, *arguments, **metadata)[position]
    else:
        rules = primitive.rules
        rule = rules[position] if position < len(rules) else primitive.rule_for(position)
        d = rule(other, y, *arguments, **metadata)
    if d is not None and primitive.needs_zero_rule:
        d = zero_rule(other, d)
    return bool(np.any(d))
