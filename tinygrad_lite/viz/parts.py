"""The parts of a drawing: nodes, edges and boxes, as plain data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tinygrad_lite.utils.types import Array
from tinygrad_lite.viz.summary import number

__all__ = ["Edge", "GraphData", "Group", "Node"]


@dataclass(frozen=True, slots=True)
class Node:
    """A value and the operation that computed it.

    Attributes
    ----------
    id : str
        Unique in its graph.
    kind : str
        "parameter" (a Variable), "input" (data from outside), "constant" (a number, or a result through
        which no gradient flows), "operation", or "layer" (a folded box).
    name : str
        The name of the Variable, the name given by the caller, or that of the operation. Unique in its graph.
    is_named : bool
        Whether the name comes from a Variable or the caller, and not from the operation.
    operation : str or None
        The operation that computed it.
    formula, arithmetic : str or None
        How it was computed: with names, and for scalars also with numbers.
    shape : tuple of int
        In the drawing of a model, None stands for an axis of any length.
    dtype : str
    value : ndarray or number; a tuple of them where an operation has several outputs
    gradient : ndarray or number, tuple of them, or None
        The gradient of the graph's target with respect to the value; None if not computed or if none flows.
    gradient_state : str
        "computed", "not computed", or "none" where no gradient flows.
    group : str or None
        The id of the innermost box around it.
    is_target, is_source : bool
        Whether it is a target of the graph, or one of the sources.
    is_faint : bool
        Whether it depends on no source.
    count : int
        For a folded run, the number of repetitions.
    parameters : int
        Number of elements of the parameters in a folded box.
    details : str
        A line about the contents of a folded box.
    """

    id: str
    kind: str
    name: str
    is_named: bool = False
    operation: str | None = None
    formula: str | None = None
    arithmetic: str | None = None
    shape: tuple[int | None, ...] = ()
    dtype: str = ""
    value: Any = field(default=None, compare=False)
    gradient: Any = field(default=None, compare=False)
    gradient_state: str = "not computed"
    group: str | None = None
    is_target: bool = False
    is_source: bool = False
    is_faint: bool = False
    count: int = 1
    parameters: int = 0
    details: str = ""

    @property
    def symbol(self) -> str:
        """The name in formulas: `kernel` for `dense/kernel`."""
        return self.name.rsplit("/", 1)[-1] or self.name


@dataclass(frozen=True, slots=True)
class Edge:
    """An argument that is passed to an operation, or a gradient that is passed back.

    Attributes
    ----------
    source, target : str
        Ids of nodes, in the direction of the arrow.
    direction : str
        "forward" or "backward".
    argument : int
        The position of the argument in the operation.
    derivative : float or None
        Backward, between scalars: the local derivative.
    action : str or None
        Backward: the shapes of the gradient before and after the Jacobian is applied, `(128, 10) → (128, 512)`.
    contribution : ndarray, number or None
        Backward: the term that it adds. The gradient of a node is the sum over the edges that end there.
    is_faint : bool
        Whether it depends on no source.
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
        """The text on the edge in a drawing."""
        if self.derivative is not None:
            return number(self.derivative)
        return self.action or ""


@dataclass(frozen=True, slots=True)
class Group:
    """A box around the operations of one call of a layer.

    Attributes
    ----------
    id, name : str
    parent : str or None
        The id of the box around it.
    level : int
        The number of boxes around it.
    """

    id: str
    name: str
    parent: str | None
    level: int


@dataclass
class GraphData:
    """A computation as plain data, for drawing.

    Attributes
    ----------
    nodes : list of Node
        In the order of execution: the operands of an operation come before it.
    edges : list of Edge
    groups : list of Group
        The boxes that are open, the outer ones first.
    direction : "forward", "backward" or "both"
    values : "auto", "statistics" or "none"
        How arrays are shown; see `viz.graph`.
    highlighted : set of Edge
        The edges of the paths that the last call of `path` found.
    """

    nodes: list[Node]
    edges: list[Edge]
    groups: list[Group] = field(default_factory=list)
    direction: str = "forward"
    values: str = "auto"
    highlighted: set[Edge] = field(default_factory=set)
