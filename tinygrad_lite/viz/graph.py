"""Graph: a computation as plain data, read off a tape's record; every drawing stands on it.

The record holds each operation with the identities and values of its arguments, in the order of execution.
That is already the graph; what this module adds is what a person needs: names, boxes for layers, local
derivatives and gradients, and a folded view of what is too large to read. The gradients are computed with the
primitives' own rules, one operation at a time, and the tape is left as it was.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tinygrad_lite.tensor import Array
from tinygrad_lite.viz.summary import number
from tinygrad_lite.viz.trace import Trace

__all__ = ["Edge", "Graph", "Group", "Node", "Path"]

READABLE = 60  # nodes; a larger graph is folded unless the caller says how deep
LARGEST_STATEMENT = 6  # operations that are drawn as one, where the caller has named only their result
LONGEST_PERIOD = 8  # layers that repeat together and fold into one box
MOST_ROUTES = 32  # that `path` writes out

DIRECTIONS = ("forward", "backward", "both")
VALUES = ("auto", "statistics", "none")


# What a graph is made of --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Node:
    """A value and where it comes from.

    Attributes
    ----------
    id : str
        Unique in its graph.
    kind : str
        "parameter" (a Variable), "input" (data from outside), "constant" (a number, or a result through
        which no gradient flows), "operation", or "layer" (a folded box).
    name : str
        Of the variable, the one that the caller gave, or that of the operation. Unique in its graph.
    operation : str or None
        What computed it.
    formula, arithmetic : str or None
        How it was computed, in names and, for scalars, in numbers.
    shape : tuple of int; dtype : str
    value : ndarray, or tuple of them where an operation has several outputs
    gradient : ndarray, tuple of them, or None
        Of the graph's target, where it was computed and there is one.
    gradient_state : str
        "computed", "not computed", or "none" where no gradient flows.
    group : str or None
        The id of the innermost box that the node is in.
    is_target, is_source : bool
        Whether it is a target of the graph, or one of the sources that were asked for.
    is_faint : bool
        It does not lead to a source.
    is_named : bool
        The name is the caller's or a Variable's, not that of the operation.
    count : int
        How many equal boxes, or rows of boxes, a folded node stands for.
    parameters : int
        Number of elements of the trainable variables in a folded node.
    details : str
        What a folded node holds.
    """

    id: str
    kind: str
    name: str
    operation: str | None = None
    formula: str | None = None
    arithmetic: str | None = None
    shape: tuple[int, ...] = ()
    dtype: str = ""
    value: Any = None
    gradient: Any = None
    gradient_state: str = "not computed"
    group: str | None = None
    is_target: bool = False
    is_source: bool = False
    is_faint: bool = False
    is_named: bool = False
    count: int = 1
    parameters: int = 0
    details: str = ""

    @property
    def symbol(self) -> str:
        """What formulas call it: `kernel` for `dense/kernel`."""
        return self.name.rsplit("/", 1)[-1]


@dataclass(frozen=True)
class Edge:
    """An argument on its way into an operation, or a gradient on its way back.

    Attributes
    ----------
    source, target : str
        Ids of nodes, in the direction of the arrow.
    direction : str
        "forward" or "backward".
    argument : int
        Position among the operation's arguments.
    derivative : float or None
        Backward, between scalars: the local derivative.
    action : str or None
        Backward: the shapes between which the transposed Jacobian maps, `(128, 10) → (128, 512)`.
    contribution : ndarray or None
        Backward: what arrives at the edge's end; the node's gradient is the sum over its edges.
    is_faint : bool
        It does not lead to a source.
    """

    source: str
    target: str
    direction: str = "forward"
    argument: int = 0
    derivative: float | None = None
    action: str | None = None
    contribution: Array | None = field(default=None, compare=False)
    is_faint: bool = False

    @property
    def label(self) -> str:
        """What a drawing writes on it."""
        if self.direction == "forward" or self.is_faint:
            return ""
        return number(self.derivative) if self.derivative is not None else self.action or ""


@dataclass(frozen=True)
class Group:
    """A box: what was computed inside of one call of a layer.

    Attributes
    ----------
    id, name : str
    parent : str or None
        The id of the box around it.
    level : int
        0 for a box that is in no other.
    """

    id: str
    name: str
    parent: str | None
    level: int


class Path(NamedTuple):
    """The chain rule along the ways from a target back to a source.

    Attributes
    ----------
    routes : list of lists of Edge
        Each way, from the target on; at most 32 of them.
    factors : list of float or str
        The local derivatives along the first way; shapes where they are no numbers.
    product : float, ndarray or None
        The derivative: for scalars the sum over all ways of the products of their factors.
    text : str
        The same, written out.
    """

    routes: list[list[Edge]]
    factors: list[float | str]
    product: Any
    text: str

    def __str__(self) -> str:
        return self.text

    def __float__(self) -> float:
        return float(self.product)


@dataclass
class Graph:
    """A computation as nodes, edges and boxes. Made by `viz.graph` and `viz.model`.

    Attributes
    ----------
    nodes : list of Node
        In the order of execution, what enters before what uses it.
    edges : list of Edge
    groups : list of Group
        The boxes that are open.
    direction : "forward", "backward" or "both"
    values : "auto", "statistics" or "none"
    highlighted : set of Edge
        What `path` was last asked for.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> from tinygrad_lite import viz
    >>> w = tgl.Variable(3.0, name="w")
    >>> with tgl.GradientTape() as tape:
    ...     y = w * 2.0
    >>> graph = viz.graph(tape, y, direction="backward", names={"y": y})
    >>> [(node.kind, node.name) for node in graph.nodes]
    [('parameter', 'w'), ('constant', '2'), ('operation', 'y')]
    >>> [(edge.source, edge.target, edge.derivative) for edge in graph.edges]
    [('n3', 'n1', 2.0), ('n3', 'n2', None)]
    """

    nodes: list[Node]
    edges: list[Edge]
    groups: list[Group] = field(default_factory=list)
    direction: str = "forward"
    values: str = "auto"
    highlighted: set[int] = field(default_factory=set)  # positions in `edges`
    _trace: Trace | None = field(default=None, repr=False, compare=False)
    _depth: float | None = field(default=None, repr=False, compare=False)

    def __repr__(self) -> str:
        return f"<Graph: {len(self.nodes)} nodes, {len(self.edges)} edges, {len(self.groups)} boxes, {self.direction}>"
