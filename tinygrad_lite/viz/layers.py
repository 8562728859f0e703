"""The layers of a model as a drawing, without a computation.

The drawing is made from `model.layers` and, for each layer, its name, the shape of its output and its number of
parameters. The layers of a Sequential are connected by arrows. In a model with its own `call` the order is Python
code, so its layers are drawn without arrows; `viz.graph` shows the computation of one call.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tinygrad_lite.viz.folding import box_name, repeats
from tinygrad_lite.viz.graph import Graph
from tinygrad_lite.viz.parts import Edge, Group, Node

__all__ = ["model"]

READABLE = 30  # with more layers, runs of equal ones are folded


def model(model: Any) -> Graph:
    """The layers of a model with the shapes of their outputs and their numbers of parameters.

    Parameters
    ----------
    model : nn.Model
        Shapes and parameters are known after it is built: by a first call, an `Input`, or `model.build(shape)`.

    Returns
    -------
    Graph
        Its nodes have the kind "layer". The layers of a Sequential are connected; a Sequential in a model is a
        box. In a model of more than 30 layers, runs of equal layers are folded.

    Raises
    ------
    TypeError
        `model` has no layers.

    Examples
    --------
    >>> from tinygrad_lite import nn, viz
    >>> network = nn.Sequential([nn.Input((28, 28)), nn.Flatten(), nn.Dense(10)])
    >>> for node in viz.model(network).nodes:
    ...     print(node.name, node.shape, node.parameters)
    input (None, 28, 28) 0
    flatten (None, 784) 0
    dense (None, 10) 7850
    """
    if not isinstance(getattr(model, "layers", None), (list, tuple)):
        raise TypeError(
            f"viz.model expected a model, which has layers. Received: {model!r} of type {type(model).__name__}. "
            "For what was computed with tensors, use viz.graph(tape, target)."
        )
    drawing = _Drawing()
    drawing.add(model)
    return Graph(drawing.nodes, drawing.edges, drawing.groups)


class _Drawing:
    """The nodes, edges and boxes of the models added so far."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.edges: list[Edge] = []
        self.groups: list[Group] = []

    def add(self, model: Any) -> None:
        """Add the layers of `model`. A Sequential in it is replaced by its layers, without recursion."""
        last = self._input_of(model)
        follows = _is_chain(model)  # whether the next layer takes the output of `last`
        waiting = self._inside(model, None, follows)
        while waiting:
            item, group, follows = waiting.pop()
            if isinstance(item, Node):
                self.nodes.append(item)
                if last is not None and follows:
                    self.edges.append(Edge(last.id, item.id))
                last = item
            else:
                level = 0 if group is None else group.level + 1
                inner = Group(f"g{len(self.groups) + 1}", item.name, None if group is None else group.id, level)
                self.groups.append(inner)
                waiting += self._inside(item, inner, follows)

    def _inside(self, model: Any, group: Group | None, follows: bool) -> list[tuple[Any, Group | None, bool]]:
        """The layers in reverse order, each with its box and whether it takes the output of the one before."""
        items = self._folded(model.layers, group)
        flags = [follows, *[_is_chain(model)] * (len(items) - 1)]
        return [(item, group, flag) for item, flag in zip(items, flags)][::-1]

    def _input_of(self, model: Any) -> Node | None:
        first = getattr(model, "_input", None)
        shape = getattr(first, "shape", None) or getattr(next(iter(model.layers), None), "_sample_shape", None)
        if shape is None:
            return None
        self.nodes.append(Node("n0", "input", "input", shape=(None, *shape), gradient_state="none"))
        return self.nodes[-1]

    def _folded(self, layers: Any, group: Group | None) -> list[Any]:
        """A node for each layer, or for each run of equal ones. A Sequential is returned unchanged and opened later."""
        nodes = [layer if _is_chain(layer) else _node(layer, group) for layer in layers]
        if len(nodes) <= READABLE:
            return nodes
        signatures = [
            (node.details, node.shape, node.parameters) if isinstance(node, Node) else id(node) for node in nodes
        ]
        folded: list[Any] = []
        start = 0
        for period, count in repeats(signatures):
            run = nodes[start : start + period * count]
            start += len(run)
            if count == 1:
                folded.extend(run)
                continue
            name, details = box_name([node.name for node in run], period, count)
            parameters = sum(node.parameters for node in run)
            folded.append(
                replace(run[-1], id=run[0].id, name=name, details=details, parameters=parameters, count=count)
            )
        return folded


def _is_chain(model: Any) -> bool:
    """Whether each layer's output is the next one's input."""
    return bool(getattr(model, "_is_chain", False))


def _node(layer: Any, group: Group | None) -> Node:
    shape = layer._output_shape
    is_plain = isinstance(shape, tuple) and all(n is None or isinstance(n, int) for n in shape)
    activation = getattr(getattr(layer, "activation", None), "__name__", "linear")
    details = [type(layer).__name__] + ([activation] if activation != "linear" else [])
    if not is_plain:
        details.append("not built" if shape is None else f"→ {shape}")
    return Node(
        id=f"l{id(layer)}",
        kind="layer",
        name=layer.name,
        is_named=True,
        shape=shape if is_plain else (),
        dtype=str(layer.dtype) if is_plain else "",
        gradient_state="none",
        group=None if group is None else group.id,
        parameters=layer.count_params() if layer.built else 0,
        details=" · ".join(details),
    )
