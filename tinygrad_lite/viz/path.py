"""The chain rule along the paths from a result back to its sources."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tinygrad_lite.viz.parts import Edge, Node
from tinygrad_lite.viz.summary import number, shape_text

__all__ = ["Chain", "find_path"]

MOST_ROUTES = 32  # that are listed
MOST_WRITTEN = 8  # that are written out


@dataclass(frozen=True)
class Chain:
    """A derivative, as the sum over all ways of the products of what stands on their edges.

    Attributes
    ----------
    routes : list of list of Edge
        Each way, from the result on; at most 32 of them.
    edges : frozenset of Edge
        Those on any way, also where there are more than 32 ways.
    factors : list of float or str
        What stands on the edges of the first way: local derivatives, or the shapes between which they act.
    product : float or ndarray
        The derivative: of a scalar by a scalar a number, else the gradient of the result's sum.
    text : str
        All that, written out.
    """

    routes: list[list[Edge]]
    edges: frozenset[Edge] = field(repr=False)
    factors: list[float | str]
    product: Any
    text: str

    def __str__(self) -> str:
        return self.text

    def __float__(self) -> float:
        return float(self.product)


def find_path(edges: list[Edge], start: Node, end: Node, product: Any) -> Chain | None:
    """All ways along backward `edges` from `start` to `end`; None if there are none.

    Parameters
    ----------
    edges : list of Edge
        Backward ones; faint ones are no way.
    start, end : Node
    product : ndarray or None
        The derivative.
    """
    leaving: defaultdict[str, list[Edge]] = defaultdict(list)
    entering: defaultdict[str, list[Edge]] = defaultdict(list)
    for edge in edges:
        if not edge.is_faint:
            leaving[edge.source].append(edge)
            entering[edge.target].append(edge)
    after = _reached(start.id, {node: [edge.target for edge in out] for node, out in leaving.items()})
    before = _reached(end.id, {node: [edge.source for edge in into] for node, into in entering.items()})
    between = after & before
    if end.id not in between or start.id == end.id:
        return None
    useful = {node: [edge for edge in leaving[node] if edge.target in between] for node in between}
    routes, is_complete = _routes(useful, start.id, end.id)
    factors: list[float | str] = [edge.label if edge.derivative is None else edge.derivative for edge in routes[0]]
    if np.size(product) == 1:
        product = float(np.asarray(product).reshape(()))
    return Chain(
        routes=routes,
        edges=frozenset(edge for out in useful.values() for edge in out),
        factors=factors,
        product=product,
        text=_text(routes, is_complete, start, end, product),
    )


def _reached(start: str, following: dict[str, list[str]]) -> set[str]:
    reached = {start}
    waiting = [start]
    while waiting:
        for node in following.get(waiting.pop(), ()):
            if node not in reached:
                reached.add(node)
                waiting.append(node)
    return reached


def _routes(useful: dict[str, list[Edge]], start: str, end: str) -> tuple[list[list[Edge]], bool]:
    """The ways, and whether these are all. Every edge in `useful` leads to the end, so no step is in vain."""
    routes: list[list[Edge]] = []
    waiting = [iter(useful[start])]
    way: list[Edge] = []
    while waiting:
        edge = next(waiting[-1], None)
        if edge is None:
            waiting.pop()
            if way:
                way.pop()
        elif len(routes) == MOST_ROUTES:
            return routes, False
        elif edge.target == end:
            routes.append([*way, edge])
        else:
            way.append(edge)
            waiting.append(iter(useful[edge.target]))
    return routes, True


def _text(routes: list[list[Edge]], is_complete: bool, start: Node, end: Node, product: Any) -> str:
    """`dloss/dw = 1 · 1 · 2 = 2`; where something is no scalar, the shapes on the way."""
    title = f"d{start.symbol}/d{end.symbol}"
    dots = [] if is_complete and len(routes) <= MOST_WRITTEN else ["…"]
    if isinstance(product, float) and all(edge.derivative is not None for route in routes for edge in route):
        products = [" · ".join(map(_factor, route)) for route in routes[:MOST_WRITTEN]]
        result = number(product)
        steps = " + ".join(products + dots)
        return f"{title} = {steps}" if steps == result else f"{title} = {steps} = {result}"
    ways = Counter(" → ".join([shape_text(start.shape), *map(_arrives, route)]) for route in routes)
    written = [way if count == 1 else f"{way}, in {count} ways" for way, count in ways.items()]
    return f"{title}: " + "; ".join(written + dots)


def _factor(edge: Edge) -> str:
    return f"({edge.label})" if edge.label.startswith("-") else edge.label


def _arrives(edge: Edge) -> str:
    return "" if edge.contribution is None else shape_text(np.shape(edge.contribution))
