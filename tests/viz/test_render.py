"""Graph.render, the notebook's display, and the drawings of the example, with every way to lay out a graph."""

import importlib.metadata
import os
import re
import runpy
import shutil
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest

import tinygrad_lite as tgl
from tinygrad_lite import nn, viz
from tinygrad_lite.datasets import mnist, synthetic_digits
from tinygrad_lite.viz import render

EXAMPLES = Path(__file__).parents[2] / "examples"


def textbook_graph():
    x = tgl.constant(2.0)
    w = tgl.Variable(3.0, name="w")
    with tgl.GradientTape() as tape:
        y = abs(x * w - 1.0)
    return viz.graph(tape, y, names={"x": x, "y": y}, direction="both")


@pytest.fixture(params=["dot", "graphviz-pure"])
def engine(request, monkeypatch):
    """Only one of the two is to be found; graphviz-pure with an empty PATH."""
    if request.param == "dot":
        if shutil.which("dot") is None:
            pytest.skip("Graphviz's dot is not installed here: apt install graphviz")
        pytest.importorskip("graphviz", reason="the package that drives dot is part of the viz extra")
        monkeypatch.setattr(render, "_graphviz_pure", lambda: None)
    else:
        monkeypatch.setenv("PATH", "")
        if render._graphviz_pure() is None:
            pytest.skip("graphviz-pure, of the viz extra, is not installed here")
    return request.param


@pytest.fixture
def no_engine(monkeypatch):
    def missing(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(importlib.metadata, "files", missing)


def ink(path):
    """The share of dark pixels, after a check that nothing sticks out of the picture."""
    imread = pytest.importorskip("matplotlib.image", reason="reading a PNG needs matplotlib, of the viz extra").imread
    pixels = imread(path)[..., :3]
    rim = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    assert rim.min() > 0.95, f"{path} is cut off"
    return float(np.mean(pixels.min(axis=-1) < 0.6))


def test_svg(engine, tmp_path):
    path = textbook_graph().render(tmp_path / "net.svg")
    text = " ".join("".join(ET.parse(path).getroot().itertext()).split())
    for part in ("w", "() float32", "x · w - 1", "|", "∂y/∂w = 2", "parameter", "target"):
        assert part in text


def test_png(engine, tmp_path):
    path = textbook_graph().render(str(tmp_path / "net.PNG"))
    assert path.read_bytes()[:4] == b"\x89PNG"
    assert 0.005 < ink(path) < 0.3


def test_pdf(engine, tmp_path):
    if engine != "dot":
        pytest.importorskip("matplotlib", reason="a PDF without dot is drawn with matplotlib, of the viz extra")
    data = textbook_graph().render(tmp_path / "net.pdf").read_bytes()
    assert data[:5] == b"%PDF-"
    assert b"%%EOF" in data[-32:]
    assert len(data) > 5000


def test_notebook(engine):
    shown = textbook_graph()._repr_mimebundle_()
    assert "<svg" in shown["image/svg+xml"]
    assert shown["text/plain"].startswith("<Graph: 4 nodes")


def test_dot_needs_nothing(no_engine, tmp_path):
    graph = textbook_graph()
    assert graph.render(tmp_path / "net.dot").read_text(encoding="utf-8") == graph.dot


@pytest.mark.parametrize("ending", ["svg", "png", "pdf"])
def test_without_any_engine(no_engine, tmp_path, ending):
    with pytest.raises(render.RendererMissing) as caught:
        textbook_graph().render(tmp_path / f"net.{ending}")
    for way in ("apt install graphviz", "pip install 'tinygrad_lite[viz]'", "graph.dot"):
        assert way in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_notebook_without_any_engine(no_engine):
    shown = textbook_graph()._repr_mimebundle_()
    assert list(shown) == ["text/plain"]
    assert "pip install" in shown["text/plain"]


def test_unknown_ending(tmp_path):
    with pytest.raises(ValueError, match=r"one of \.svg, \.png, \.pdf, \.dot. Received: path='net\.gif'"):
        textbook_graph().render("net.gif")


def test_what_is_no_dot(engine):
    with pytest.raises(ValueError, match="could not draw the graph"):
        render.draw("digraph { a -> ", "svg")


def test_graphviz_pure_is_found_where_pip_put_it(monkeypatch):
    monkeypatch.setenv("PATH", "")
    found = render._graphviz_pure()
    if found is None:
        pytest.skip("graphviz-pure, of the viz extra, is not installed here")
    assert os.access(found, os.X_OK)


# Models -------------------------------------------------------------------------------------------------------


def test_model():
    head = nn.Sequential([nn.Dense(4), nn.Activation("tanh")], name="head")
    model = nn.Sequential([nn.Input((2, 3)), nn.Flatten(), head, nn.Dense(1, activation="sigmoid")], name="net")
    graph = viz.model(model)
    assert [(node.name, node.details, node.shape, node.parameters) for node in graph.nodes] == [
        ("input", "", (None, 2, 3), 0),
        ("flatten", "Flatten", (None, 6), 0),
        ("dense", "Dense", (None, 4), 28),
        ("activation", "Activation · tanh", (None, 4), 0),
        ("dense", "Dense · sigmoid", (None, 1), 5),
    ]
    assert sum(node.parameters for node in graph.nodes) == model.count_params()
    assert [group.name for group in graph.groups] == ["head"]
    assert [(edge.source, edge.target) for edge in graph.edges] == [
        (a.id, b.id) for a, b in zip(graph.nodes, graph.nodes[1:])
    ]
    assert "(None, 6) float32" in graph.dot
    assert "28 parameters" in graph.dot


def test_model_before_it_is_built():
    graph = viz.model(nn.Sequential([nn.Flatten(), nn.Dense(4)]))
    assert [(node.name, node.details) for node in graph.nodes] == [
        ("flatten", "Flatten · not built"),
        ("dense", "Dense · not built"),
    ]


def test_model_with_a_call_of_its_own_has_no_arrows_that_it_does_not_know():
    class Residual(nn.Model):
        def __init__(self):
            super().__init__()
            self.one = nn.Dense(3)
            self.other = nn.Sequential([nn.Dense(3), nn.Dense(3)], name="other")

        def call(self, x):
            return self.one(x) + self.other(x)

    model = Residual()
    model.build((None, 3))
    graph = viz.model(model)
    assert len(graph.nodes) == 3
    (edge,) = graph.edges
    ends = [node for node in graph.nodes if node.id in (edge.source, edge.target)]
    assert {node.group for node in ends} == {graph.groups[0].id}


def test_model_of_a_hundred_layers():
    model = nn.Sequential([nn.Input((8,)), *(nn.Dense(8) for _ in range(100)), nn.Dense(1)])
    graph = viz.model(model)
    assert [(node.name, node.count, node.parameters) for node in graph.nodes] == [
        ("input", 1, 0),
        ("dense ×100", 100, 7200),
        ("dense_100", 1, 9),
    ]


def test_model_refuses_what_has_no_layers():
    with pytest.raises(TypeError, match="expected a model, which has layers"):
        viz.model(nn.Dense(3))


def test_a_model_has_no_path():
    graph = viz.model(nn.Sequential([nn.Input((2,)), nn.Dense(3), nn.Dense(3)]))
    with pytest.raises(ValueError, match="a graph without derivatives"):
        graph.path("dense_1", "dense")


# The example --------------------------------------------------------------------------------------------------


def test_example_computation_graph(monkeypatch, tmp_path, capsys):
    digits = synthetic_digits.load_data(n_train=256, n_test=10)
    monkeypatch.setattr(mnist, "load_data_or_synthetic", lambda: digits)
    monkeypatch.syspath_prepend(EXAMPLES)
    monkeypatch.setattr(sys, "argv", ["computation_graph.py", "--out", str(tmp_path)])
    try:
        runpy.run_path(str(EXAMPLES / "computation_graph.py"), run_name="__main__")
    finally:
        sys.modules.pop("common", None)
    printed = capsys.readouterr().out
    assert "The textbook: loss = 3, dloss/db = 1 · 1 = 1, dloss/dw = 1 · 1 · 2 = 2\n" in printed
    assert "tape.gradient says the same: dw = 2, db = 1\n" in printed
    assert re.search(r"Second order: ddy_dx/dx = .* = 12\n", printed)
    names = ["broadcasting", "mnist_backward", "mnist_folded", "mnist_forward", "mnist_model", "second_order"]
    names += ["textbook_backward", "textbook_forward"]
    assert sorted(path.stem for path in tmp_path.glob("*.svg")) == names
    pages = {path.name: path.stat().st_size for path in tmp_path.glob("*.html")}
    assert sorted(pages) == ["mnist_steps.html", "textbook_steps.html"]
    assert max(pages.values()) < 300_000
    for path in tmp_path.glob("*.png"):
        assert 0.003 < ink(path) < 0.3
    assert max(path.stat().st_size for path in tmp_path.glob("*.svg")) < 60_000
