"""Fusion: runs of elementwise operations on large arrays, which a program computes block by block.

On whole arrays, each operation reads from memory what the operation before it has written there. In blocks, every
operation finds its arguments in the cache, and what only the run needs is no larger than a block.
"""

from __future__ import annotations

import math
from collections.abc import Container, Iterable

from tinygrad_lite.compiler.node import Node

__all__ = ["Run", "find_runs"]

BLOCK = 1 << 15
"""Elements of a block; smaller ones cost more calls than they save."""
LARGE = 1 << 20
"""Elements from which on it is worth it, for an operation made of several or a run of so many:"""
LONG = 4


class Run:
    """Nodes of one shape, one after another, and how many of the first axis' rows are a block."""

    def __init__(self, first: Node, rows: int) -> None:
        self.first, self.rows = first, rows
        self.nodes: dict[int, Node] = {}  # by id()
        self.end = 0  # the position of the last

    def is_cut(self, x: Node) -> bool:
        """Whether of the argument `x` a part belongs to each block; else all of it does."""
        return len(x.shape) == len(self.first.shape) and x.shape[0] == self.first.shape[0]

    def is_worthwhile(self) -> bool:
        return len(self.nodes) >= LONG or not all(x.is_ufunc for x in self.nodes.values())

    def takes(self, node: Node) -> bool:
        """Whether `node` may be the next: its arguments can be cut as it is, or need not be."""
        first, others = self.first, [x for x in node.inputs if isinstance(x, Node) and id(x) not in self.nodes]
        return (
            (node.shape, node.section) == (first.shape, first.section)
            and (node.scope == first.scope or node.section != "forward")
            and all(self.is_cut(x) or len(x.shape) < len(node.shape) or x.shape[0] == 1 for x in others)
            and not any(x.is_transpose and id(x.inputs[0]) in self.nodes for x in others)  # a view of the run itself
        )


def find_runs(nodes: Iterable[Node], in_place: Container[int]) -> dict[int, Run]:
    """The runs that are worth it, by the id() of their first node.

    What computes nothing where it stands does not end a run: it may as well stand before it. So may what is `in_place`,
    by id(): that is computed at the end of the program.
    """
    found: list[Run] = []
    run: Run | None = None
    for position, node in enumerate(nodes):
        if node.kind == "variable" or node.needs_no_code or id(node) in in_place:
            continue
        rows = _rows_of_a_block(node)
        if run is None or not rows or not run.takes(node):
            run = Run(node, rows)
            if not rows or not run.takes(node):
                run = None
                continue
            found.append(run)
        run.nodes[id(node)] = node
        run.end = position
    return {id(run.first): run for run in found if run.is_worthwhile()}


def _rows_of_a_block(node: Node) -> int:
    """The rows of a block, if `node` can be computed in blocks of equal size; else 0."""
    if node.kind != "call" or node.multiple or not node.shape or math.prod(node.shape) < LARGE:
        return 0
    primitive = node.payload
    is_ours = node.is_ufunc or node.operation is not None
    if not primitive.is_elementwise or primitive.is_random or not is_ours or not node.value.flags.c_contiguous:
        return 0
    count, most = node.shape[0], max(1, BLOCK // math.prod(node.shape[1:]))
    rows = next((rows for rows in range(min(most, count // 2), 0, -1) if count % rows == 0), 0)
    return rows if 4 * rows >= most else 0  # of a prime number of rows they would be too small
