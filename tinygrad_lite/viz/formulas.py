"""How operations and their gradient rules are written for a reader: `x · w`, and `g · x` in the backward pass.

Two tables, in Python's own format strings: `{0}` is the first argument, `{y}` the output, `{g}` the gradient
of the output. The number in `{0:2}` is the lowest precedence that the argument may have there without parentheses. An
operation that is in no table is written as a call, and its rule as Python code.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Sequence
from typing import Any

from tinygrad_lite.core.primitive import Primitive

__all__ = ["Term", "derivative_text", "display_name", "formula", "literal", "rule_code", "rule_text"]

SUM, PRODUCT, POWER, ATOM = 1, 2, 3, 4


class Term(str):
    """A part of a formula and its precedence: lowest for a sum, higher for a product, highest for a name."""

    level: int

    def __new__(cls, text: str, level: int = ATOM) -> Term:
        term = super().__new__(cls, text)
        term.level = level
        return term

    def __format__(self, needed: str) -> str:
        return f"({self!s})" if needed and self.level < int(needed) else str(self)


NOTATION: dict[str, tuple[str, int]] = {
    "add": ("{0:1} + {1:2}", SUM),
    "subtract": ("{0:1} - {1:2}", SUM),
    "multiply": ("{0:2} · {1:3}", PRODUCT),
    "divide": ("{0:2} / {1:3}", PRODUCT),
    "negative": ("-{0:2}", SUM),
    "power": ("{0:4}^{1:4}", POWER),
    "square": ("{0:4}²", POWER),
    "sqrt": ("√{0:4}", POWER),
    "absolute": ("|{0}|", ATOM),
    "maximum": ("max({0}, {1})", ATOM),
    "minimum": ("min({0}, {1})", ATOM),
    "sigmoid": ("σ({0})", ATOM),
    "where": ("{1} where {0}, else {2}", SUM),
    "transpose": ("{0:4}ᵀ", POWER),
    "matmul": ("{0:2} @ {1:3}", PRODUCT),
    "dense": ("{0:2} @ {1:3} + {2:2}", SUM),
}

RULES: dict[str, tuple[str | None, ...]] = {
    "add": ("{g}", "{g}"),
    "subtract": ("{g}", "-{g:2}"),
    "multiply": ("{g:2} · {1:3}", "{g:2} · {0:3}"),
    "divide": ("{g:2} / {1:3}", "-{g:2} · {y:3} / {1:3}"),
    "negative": ("-{g:2}",),
    "power": ("{g:2} · {1:3} · {0:4}^({1} - 1)", "{g:2} · {y:3} · log({0})"),
    "square": ("{g:2} · 2 · {0:3}",),
    "sqrt": ("{g:2} / (2 · {y:3})",),
    "absolute": ("{g:2} · sign({0})",),
    "exp": ("{g:2} · {y:3}",),
    "log": ("{g:2} / {0:3}",),
    "tanh": ("{g:2} · (1 - {y:4}²)",),
    "sin": ("{g:2} · cos({0})",),
    "cos": ("-{g:2} · sin({0})",),
    "maximum": ("{g} where {0} ≥ {1}, else 0", "{g} where {0} < {1}, else 0"),
    "minimum": ("{g} where {0} ≤ {1}, else 0", "{g} where {0} > {1}, else 0"),
    "where": (None, "{g} where {0}, else 0", "0 where {0}, else {g}"),
    "relu": ("{g} where {0} > 0, else 0",),
    "sigmoid": ("{g:2} · {y:3} · (1 - {y:2})",),
    "softplus": ("{g:2} · σ({0})",),
    "softmax": ("{y:3} · ({g:1} - Σ {g:3} · {y:3})",),
    "log_softmax": ("{g:1} - exp({y}) · Σ {g:2}",),
    "_sum": ("{g}, for every element",),
    "_mean": ("{g:2} / n, for each of the n elements",),
    "_max": ("{g} where {0} is the largest, else 0",),
    "_min": ("{g} where {0} is the smallest, else 0",),
    "_reshape": ("{g}, in the shape of {0}",),
    "transpose": ("{g:4}ᵀ",),
    "_broadcast_to": ("{g}, summed over the repeated axes",),
    "matmul": ("{g:3} @ {1:4}ᵀ", "{0:4}ᵀ @ {g:3}"),
    "dense": ("{g:3} @ {1:4}ᵀ", "{0:4}ᵀ @ {g:3}", "Σ {g:2}, over the batch"),
    "_sparse_cross_entropy": ("{g:2} · (softmax({0}) - one_hot({1}))", None),
    "_softmax_cross_entropy": ("{g:2} · (softmax({0}) - {1:2})", "-{g:2} · log_softmax({0})"),
    "_sigmoid_cross_entropy": ("{g:2} · (σ({0}) - {1:2})", "-{g:2} · {0:3}"),
    "_cast": ("{g}",),
}


def display_name(primitive: Primitive) -> str:
    """The name of an operation as a user knows it: `reshape` for the primitive `_reshape`."""
    return primitive.__name__.lstrip("_") or primitive.__name__


def literal(number: Any) -> Term:
    """A number in a formula; a negative one is put in parentheses after an operator.

    Examples
    --------
    >>> f"{literal(2.0)} · {literal(-0.5):3}"
    '2 · (-0.5)'
    """
    text = format(number, ".4g") if isinstance(number, float) else str(number)
    return Term(text, SUM if text.startswith("-") else ATOM)


def formula(primitive: Primitive, operands: Sequence[Term], metadata: dict[str, Any]) -> Term:
    """The formula of a call of `primitive`.

    Examples
    --------
    >>> from tinygrad_lite import ops
    >>> a, b = Term("a"), Term("b")
    >>> difference = formula(ops.subtract, [a, b], {})
    >>> formula(ops.multiply, [difference, difference], {})
    '(a - b) · (a - b)'
    >>> formula(ops.reductions._sum, [a], {"axis": 0, "keepdims": False})
    'sum(a, axis=0)'
    """
    known = NOTATION.get(primitive.__name__)
    if known is not None and all(value == primitive.metadata.get(name) for name, value in metadata.items()):
        template, level = known
        return Term(template.format(*operands), level)
    shown = [str(operand) for operand in operands]
    for name, value in metadata.items():
        text = repr(value) if not hasattr(value, "name") else str(value.name)  # float32, not dtype('float32')
        if value is not primitive.metadata.get(name) and value != primitive.metadata.get(name) and len(text) <= 24:
            shown.append(f"{name}={text}")
    return Term(f"{display_name(primitive)}({', '.join(shown)})")


def rule_text(primitive: Primitive, position: int, g: Term, y: Term, operands: Sequence[Term]) -> Term | None:
    """The formula of the gradient rule for the argument at `position`; None if it is in no table.

    Examples
    --------
    >>> from tinygrad_lite import ops
    >>> rule_text(ops.multiply, 0, Term("g"), Term("y"), [Term("x"), Term("w")])
    'g · w'
    """
    rules = RULES.get(primitive.__name__, ())
    template = rules[position] if position < len(rules) else None
    if template is None:
        return None
    level = PRODUCT if " where " not in template and "," not in template else SUM
    text = template.format(*operands, g=g, y=y).replace("--", "")
    return Term(text, ATOM if template == "{g}" and g.level == ATOM else SUM if text.startswith("-") else level)


def derivative_text(primitive: Primitive, position: int, y: Term, operands: Sequence[Term]) -> str | None:
    """The formula of the local derivative of the output with respect to one argument.

    Examples
    --------
    >>> from tinygrad_lite import ops
    >>> derivative_text(ops.multiply, 0, Term("y"), [Term("x"), Term("w")])
    'w'
    """
    text = rule_text(primitive, position, Term("1"), y, operands)
    return None if text is None else text.removeprefix("1 · ").replace("-1 · ", "-")


def rule_code(primitive: Primitive, position: int) -> str | None:
    """The source code of the gradient rule for the argument at `position`; None if there is none.

    Examples
    --------
    >>> from tinygrad_lite import ops
    >>> rule_code(ops.exp, 0)
    'g * y'
    """
    rules = primitive.rules
    rule = primitive.joint_rule or primitive.rule_each or (rules[position] if position < len(rules) else None)
    if rule is None:
        return None
    try:
        source = textwrap.dedent(inspect.getsource(rule)).strip()
    except (OSError, TypeError):  # defined without a source file
        return None
    if rule.__name__ != "<lambda>":
        return source if source.count("\n") <= 12 else None
    return _lambda_body(source, rule, [r for r in rules if r is not None])


def _lambda_body(source: str, rule: Any, siblings: list[Any]) -> str | None:
    """The body of the lambda `rule`, given the source lines that it is defined in."""
    try:
        tree = ast.parse(source.rstrip(","))
    except SyntaxError:
        return None
    lambdas = [node for node in ast.walk(tree) if isinstance(node, ast.Lambda)]
    same_line = [s for s in siblings if s.__code__.co_firstlineno == rule.__code__.co_firstlineno]
    lambdas.sort(key=lambda node: (node.lineno, node.col_offset))
    index = next((n for n, sibling in enumerate(same_line) if sibling is rule), 0)
    return ast.get_source_segment(source, lambdas[index].body) if index < len(lambdas) else None
