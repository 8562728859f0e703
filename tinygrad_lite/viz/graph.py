"""Graph: a computation as plain data, made from the record of a tape; all drawings are made from it.

The record has each operation with the identities and values of its arguments, in the order of execution. That is
already the graph. This module adds names, boxes for layers, local derivatives, gradients, and a folded view of large
graphs. The gradients are computed with the rules of the primitives, one operation at a time. The tape is not changed.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from tinygrad_lite.core.structure import flatten
from tinygrad_lite.core.tape import GradientTape
from tinygrad_lite.core.tensor import Tensor
from tinygrad_lite.viz.dot import to_dot
from tinygrad_lite.viz.parts import GraphData, Node
from tinygrad_lite.viz.path import Chain, find_path
from tinygrad_lite.viz.render import FORMATS, RendererMissing, draw
from tinygrad_lite.viz.trace import Names, Trace
from tinygrad_lite.viz.view import View, readable_depth

__all__ = ["Graph", "graph"]

DIRECTIONS = ("forward", "backward", "both")
VALUES = ("auto", "statistics", "none")

Tensors: TypeAlias = "Tensor | Sequence[Tensors] | Mapping[Any, Tensors]"
"""A Tensor, or lists, tuples and dicts of them; keys of a dict can be anything."""


@dataclass
class Graph(GraphData):
    """A computation as nodes, edges and boxes. Made by `viz.graph` and `viz.model`.

    Attributes
    ----------
    nodes : list of Node
        In the order of execution: the operands of an operation come before it.
    edges : list of Edge
    groups : list of Group
        The boxes that are open, the outer ones first.
    direction : "forward", "backward" or "both"
    values : "auto", "statistics" or "none"
    highlighted : set of Edge
        The edges of the paths that the last call of `path` found.

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
    [('n3', 'n2', None), ('n3', 'n1', 2.0)]
    """

    _trace: Trace | None = field(default=None, repr=False, compare=False)
    _view: View | None = field(default=None, repr=False, compare=False)

    def __repr__(self) -> str:
        return f"<Graph: {len(self.nodes)} nodes, {len(self.edges)} edges, {len(self.groups)} boxes, {self.direction}>"

    @property
    def dot(self) -> str:
        """The graph as DOT text, which any Graphviz program can draw. No other package is needed.

        Examples
        --------
        >>> import tinygrad_lite as tgl
        >>> from tinygrad_lite import viz
        >>> w = tgl.Variable(3.0, name="w")
        >>> with tgl.GradientTape() as tape:
        ...     y = w * w
        >>> viz.graph(tape, y).dot.startswith("digraph computation {")
        True
        """
        return to_dot(self)

    def render(self, path: str | os.PathLike[str]) -> Path:
        """Draw the graph into a file.

        Parameters
        ----------
        path : str or path
            The extension selects the format: `.svg`, `.png`, `.pdf`, or `.dot` for the text.

        Returns
        -------
        Path
            The path of the file.

        Raises
        ------
        RendererMissing
            Neither Graphviz's `dot` nor graphviz-pure, which the `viz` extra installs, was found.
        ValueError
            The extension is unknown.

        Examples
        --------
        >>> import tempfile
        >>> import tinygrad_lite as tgl
        >>> from tinygrad_lite import viz
        >>> w = tgl.Variable(3.0, name="w")
        >>> with tgl.GradientTape() as tape:
        ...     y = w * w
        >>> viz.graph(tape, y).render(tempfile.mkdtemp() + "/square.svg").name
        'square.svg'
        """
        file = Path(path)
        ending = file.suffix.lower().removeprefix(".")
        if ending in ("dot", "gv"):
            file.write_text(self.dot, encoding="utf-8")
        elif ending in FORMATS:
            file.write_bytes(draw(self.dot, ending))
        else:
            known = ", ".join(f".{name}" for name in (*FORMATS, "dot"))
            raise ValueError(f"render expected a path that ends in one of {known}. Received: path={str(path)!r}.")
        return file

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """What a notebook shows: the drawing, or a message that says how to install a renderer."""
        try:
            return {"image/svg+xml": draw(self.dot, "svg").decode(), "text/plain": repr(self)}
        except RendererMissing as error:
            return {"text/plain": f"{self!r}\n{error}"}

    def find(self, what: Tensor | Node | str) -> Node:
        """The node that shows a tensor, or that has a name.

        Parameters
        ----------
        what : Tensor, Node or str
            The whole name of a node, or its last part if only one node has it: `kernel`.

        Returns
        -------
        Node
            For a tensor inside a folded box, the node of the box.

        Raises
        ------
        ValueError
            No node matches, or several do.
        TypeError
            `what` is not a Tensor, a Node or a str.

        Examples
        --------
        >>> import tinygrad_lite as tgl
        >>> from tinygrad_lite import viz
        >>> w = tgl.Variable(3.0, name="w")
        >>> with tgl.GradientTape() as tape:
        ...     y = w * w
        >>> graph = viz.graph(tape, y)
        >>> graph.find(w).id, graph.find("multiply").formula
        ('n1', 'w · w')
        """
        if isinstance(what, Tensor):
            found = [] if self._view is None else self._view.showing(what._id)
            called = f"the tensor {what!r}"
        elif isinstance(what, Node):
            found, called = [what.id], f"the node {what.name!r}"
        elif isinstance(what, str):
            found = [node.id for node in self.nodes if node.name == what] or [
                node.id for node in self.nodes if node.symbol == what
            ]
            called = f"the name {what!r}"
        else:
            raise TypeError(
                f"Expected a Tensor, a node or the name of one. Received: {what!r} of type {type(what).__name__}."
            )
        nodes = [node for node in self.nodes if node.id in found]
        if len(nodes) != 1:
            names = ", ".join(dict.fromkeys(node.name for node in self.nodes if node.is_named)) or "none has a name"
            raise ValueError(
                f"Expected something that is one node of this graph. Received: {called}, which is "
                f"{len(nodes) or 'no'} node{'s' if len(nodes) > 1 else ''} of it. Named nodes: {names}."
            )
        return nodes[0]

    def path(self, target: Tensor | Node | str, source: Tensor | Node | str) -> Chain:
        """The derivative of `target` with respect to `source`, written out with the chain rule.

        The edges on the paths between them are highlighted in the next drawing.

        Parameters
        ----------
        target, source : Tensor, Node or str
            See `find`.

        Returns
        -------
        Chain
            Printing it shows the product.

        Raises
        ------
        ValueError
            No gradient flows from `target` to `source`.

        Examples
        --------
        >>> import tinygrad_lite as tgl
        >>> from tinygrad_lite import viz
        >>> w = tgl.Variable(3.0, name="w")
        >>> with tgl.GradientTape() as tape:
        ...     area = w * w
        ...     y = area * 2.0
        >>> print(viz.graph(tape, y, names={"y": y, "area": area}).path(y, w))
        dy/dw = 2 · 3 + 2 · 3 = 12
        """
        start, end = self.find(target), self.find(source)
        if self._trace is None or self._view is None:
            raise ValueError(
                "path expected a graph made from a tape. Received: a graph without derivatives. "
                "Make it with viz.graph(tape, target)."
            )
        self._trace.differentiate()
        found = find_path(self._view.edges("backward"), start, end, self._view.derivative(start.id, end.id))
        if found is None:
            fix = (
                "Is it the other way round?"
                if self.nodes.index(start) < self.nodes.index(end)
                else ("The tape has to watch the source, and graph(..., sources=...) has to include it if given.")
            )
            raise ValueError(
                f"path expected a source that the target's gradient reaches. Received: target={start.name!r}, "
                f"source={end.name!r}. {fix}"
            )
        ends = {(edge.source, edge.target, edge.argument) for edge in found.edges}
        self.highlighted = {
            edge
            for edge in self.edges
            if (edge.source, edge.target, edge.argument) in ends or (edge.target, edge.source, edge.argument) in ends
        }
        return found

    def to_html(self, path: str | os.PathLike[str] | None = None, *, title: str | None = None) -> Path | str:
        """Write the stepper: a page that shows the forward and the backward pass step by step.

        It is one file, which works from disk, without a network and without `dot`. Boxes that are folded in the
        graph are folded when the page opens, and can be unfolded there. The arrow keys go from step to step.

        Parameters
        ----------
        path : str or path, optional
            The file to write, for example `step.html`. Its folder is created if needed. Default: the page is
            returned as a string.
        title : str, optional
            The heading of the page. Default: made from the names of the targets.

        Returns
        -------
        Path or str
            The path of the file; the page if `path` is None.

        Raises
        ------
        ValueError
            The graph was not made from a tape, so it has no steps.

        Examples
        --------
        >>> import os, tempfile
        >>> import tinygrad_lite as tgl
        >>> from tinygrad_lite import viz
        >>> w = tgl.Variable(3.0, name="w")
        >>> with tgl.GradientTape() as tape:
        ...     y = w * w
        >>> path = viz.graph(tape, y).to_html(os.path.join(tempfile.mkdtemp(), "step.html"))
        >>> path.stat().st_size < 150_000
        True
        """
        if self._trace is None or self._view is None:
            raise ValueError(
                "to_html expected a graph made from a tape. Received: a graph without a record of operations. "
                "Make it with viz.graph(tape, target)."
            )
        from tinygrad_lite.viz import html

        if title is None:
            title = "Backpropagation of " + ", ".join(node.name for node in self.nodes if node.is_target)
        text = html.page(self._trace, self._view, self.values, title)
        return text if path is None else html.write(text, path)


def graph(
    tape: GradientTape,
    target: Tensors,
    sources: Tensors | None = None,
    *,
    direction: str = "forward",
    depth: float | None = None,
    values: str = "auto",
    names: Mapping[str, Any] | None = None,
) -> Graph:
    """Make the graph of the computation of `target` from the record of a tape.

    Parameters
    ----------
    tape : GradientTape
        It must still have its record: call this before `gradient`, or make the tape persistent.
    target : Tensor, or list, tuple or dict of Tensors
        The results whose computation is drawn.
    sources : Tensor, or list, tuple or dict of Tensors, optional
        Gradients flow to these. Nodes that do not depend on one are drawn faint. Default: all tensors that the
        tape watches.
    direction : "forward", "backward" or "both"
        Backward edges are labelled with the local derivatives: a number between scalars, otherwise the shapes
        of the gradient before and after the Jacobian is applied.
    depth : int, optional
        How many levels of nested layers are open, 0 for none. Deeper layers are drawn as one node each, and
        runs of equal layers as a single node. Default: as many as are readable; all in a graph of up to 60 nodes.
    values : "auto", "statistics" or "none"
        How arrays are shown. "auto": small ones with all numbers, large ones as statistics. "statistics": all
        but scalars as statistics. "none": not at all.
    names : mapping, optional
        Tensors and arrays by name; `locals()` can be passed. Variables and layers already have names.
        An unnamed result is then drawn with the statement that uses it: `loss = abs(y_true - x2)` is one node.

    Returns
    -------
    Graph

    Raises
    ------
    RuntimeError
        The tape has no record, or released it after `gradient`.
    ValueError
        The tape did not record `target`, or an option is unknown.
    TypeError
        `tape` is not a GradientTape, or `target` or `sources` contain something other than Tensors.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> from tinygrad_lite import viz
    >>> x, y_true = tgl.constant(2.0), tgl.constant(4.0)
    >>> w, b = tgl.Variable(3.0, name="w"), tgl.Variable(1.0, name="b")
    >>> with tgl.GradientTape() as tape:
    ...     x1 = x * w
    ...     x2 = x1 + b
    ...     loss = abs(y_true - x2)
    >>> graph = viz.graph(tape, loss, direction="backward", names=locals())
    >>> [(node.name, node.formula, float(node.value)) for node in graph.nodes if node.formula]
    [('x1', 'x · w', 6.0), ('x2', 'x1 + b', 7.0), ('loss', '|y_true - x2|', 3.0)]
    >>> print(graph.path(loss, w))
    dloss/dw = 1 · 1 · 2 = 2
    """
    if not isinstance(tape, GradientTape):
        raise TypeError(
            f"viz.graph expected a GradientTape first. Received: {tape!r} of type {type(tape).__name__}. Compute "
            "inside of `with tgl.GradientTape() as tape:`, then viz.graph(tape, target)."
        )
    _check_option("direction", direction, DIRECTIONS)
    _check_option("values", values, VALUES)
    if depth is not None and (isinstance(depth, bool) or not isinstance(depth, (int, float)) or not depth >= 0):
        raise ValueError(f"depth expected a number of levels, 0 or more. Received: depth={depth!r}.")
    if names is not None and not isinstance(names, Mapping):
        raise TypeError(
            f"names expected a mapping of names to Tensors. Received: {type(names).__name__}. Pass names=locals()."
        )
    targets = _tensors(target, "target")
    asked = None if sources is None else _tensors(sources, "source")
    tape.record()  # raises if there is none
    for tensor in targets:
        if tensor._id not in tape._watched:
            raise ValueError(
                f"viz.graph expected a target that the tape recorded. Received: target={tensor!r}. It has to be "
                "computed, inside of the tape's context, from a Variable or from what tape.watch was called on."
            )
    trace = Trace(tape, targets, asked, Names(names))
    if direction != "forward" or trace.was_differentiated():
        trace.differentiate()
    view = View(trace, readable_depth(trace) if depth is None else math.ceil(depth) if depth < math.inf else depth)
    return Graph(view.nodes, view.edges(direction), view.groups, direction, values, _trace=trace, _view=view)


def _check_option(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        listed = ", ".join(map(repr, known))
        raise ValueError(f"{name} expected one of {listed}. Received: {name}={value!r}.")


def _tensors(structure: Tensors, role: str) -> list[Tensor]:
    leaves = flatten(structure)
    for leaf in leaves:
        if not isinstance(leaf, Tensor):
            raise TypeError(
                f"viz.graph expected a Tensor as {role}. Received: {leaf!r} of type {type(leaf).__name__}. "
                "Was it computed inside of the tape's context, without .numpy()?"
            )
    if not leaves:
        raise ValueError(f"viz.graph expected at least one {role}. Received: {structure!r}.")
    return leaves
