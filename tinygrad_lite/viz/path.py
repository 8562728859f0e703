"""The chain rule along the paths from a result back to its sources."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tinygrad_lite.utils.types import Array
from tinygrad_lite.viz.parts import Edge, Node
from tinygrad_lite.viz.summary import number, shape_text

__all__ = ["Chain", "find_path"]

MOST_ROUTES = 32  # listed in a Chain
MOST_WRITTEN = 8  # written out in its text


@dataclass(frozen=True)
class Chain:
    """A derivative by the chain rule: the sum over all paths of the product of the local derivatives on each path.

    Attributes
    ----------
    routes : list of list of Edge
        The paths, each from the result to the source; at most 32.
    edges : frozenset of Edge
        The edges of all paths, also where there are more than 32.
    factors : list of float or str
        The labels of the edges on the first path: local derivatives, or the shapes before and after the Jacobian.
    product : float or ndarray
        The derivative: a number between scalars, otherwise the gradient of the sum of the result.
    text : str
        The derivative, written out.
    """

    routes: list[list[Edge]]
    edges: frozenset[Edge] = field(repr=False)
    factors: list[float | str]
    product: float | Array
    text: str

    def __str__(self) -> str:
        return self.text

    def __float__(self) -> float:
        return float(self.product)


def find_path(edges: list[Edge], start: Node, end: Node, product: Any) -> Chain | None:
    """All paths along backward `edges` from `start` to `end`; None if there is none.

    Parameters
    ----------
    edges : list of Edge
        Backward edges; faint ones are ignored.
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
    """The paths, and whether these are all. Each edge in `useful` leads to the end, so there are no dead ends."""
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
    """`dloss/dw = 1 · 1 · 2 = 2`; the shapes along the path where not everything is a scalar."""
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
