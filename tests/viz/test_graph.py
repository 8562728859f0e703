"""Graph: a tape's record as nodes, edges and boxes."""

import numpy as np
import pytest

import tinygrad_lite as tgl
from tinygrad_lite import nn, viz


def textbook(persistent=False):
    """x1 = x * w, x2 = x1 + b, loss = |y_true - x2|: the tape and everything by name."""
    x, y_true = tgl.constant(2.0), tgl.constant(4.0)
    w, b = tgl.Variable(3.0, name="w"), tgl.Variable(1.0, name="b")
    with tgl.GradientTape(persistent=persistent) as tape:
        x1 = x * w
        x2 = x1 + b
        loss = abs(y_true - x2)
    return tape, {"x": x, "y_true": y_true, "w": w, "b": b, "x1": x1, "x2": x2, "loss": loss}


def slopes(graph):
    """The derivatives on the edges by the names of their ends."""
    names = {node.id: node.name for node in graph.nodes}
    return {(names[e.source], names[e.target]): e.derivative for e in graph.edges if e.derivative is not None}


def test_textbook_values():
    tape, names = textbook()
    graph = viz.graph(tape, names["loss"], names=names)
    values = {node.name: float(node.value) for node in graph.nodes}
    assert values == {"x": 2, "w": 3, "b": 1, "y_true": 4, "x1": 6, "x2": 7, "loss": 3}
    assert all(node.gradient is None for node in graph.nodes)
    names_of = {node.id: node.name for node in graph.nodes}
    edges = {(names_of[edge.source], names_of[edge.target]) for edge in graph.edges}
    assert edges == {("x", "x1"), ("w", "x1"), ("x1", "x2"), ("b", "x2"), ("x2", "loss"), ("y_true", "loss")}


def test_textbook_backwards():
    tape, names = textbook()
    graph = viz.graph(tape, names["loss"], direction="backward", names=names)
    assert slopes(graph) == {("loss", "x2"): 1, ("x2", "x1"): 1, ("x2", "b"): 1, ("x1", "w"): 2}
    path = graph.path(names["loss"], names["w"])
    assert (path.factors, path.product, str(path)) == ([1, 1, 2], 2, "dloss/dw = 1 · 1 · 2 = 2")
    assert {(edge.source, edge.target) for edge in graph.highlighted} == {("n7", "n5"), ("n5", "n3"), ("n3", "n2")}
    assert float(graph.path("loss", "b")) == 1


def test_released_record():
    tape, names = textbook()
    tape.gradient(names["loss"], names["w"])
    with pytest.raises(RuntimeError, match=r"before calling gradient, or use GradientTape\(persistent=True\)"):
        viz.graph(tape, names["loss"])


def test_hundred_layers_fold():
    model = nn.Sequential([nn.Dense(8, activation="relu") for _ in range(100)])
    with tgl.GradientTape() as tape:
        y = model(np.ones((2, 8), "float32"))
    graph = viz.graph(tape, y)
    assert [(node.name, node.count) for node in graph.nodes if node.kind == "layer"] == [("dense ×100", 100)]
