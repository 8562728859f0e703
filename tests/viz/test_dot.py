"""Graph.dot: the text, whatever the names are, and what stands out in it."""

import xml.etree.ElementTree as ET

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_lite as tgl
from tinygrad_lite import nn, viz
from tinygrad_lite.viz.dot import escaped
from tinygrad_lite.viz.render import draw


def textbook():
    x, y_true = tgl.constant(2.0), tgl.constant(4.0)
    w, b = tgl.Variable(3.0, name="w"), tgl.Variable(1.0, name="b")
    with tgl.GradientTape() as tape:
        x1 = x * w
        x2 = x1 + b
        loss = abs(y_true - x2)
    return tape, loss, locals()


def rows_of(label):
    """The lines of a label, as a reader sees them."""
    cells = [cell for cell in ET.fromstring(label).iter("td") if not cell.findall(".//td")]
    return ["".join(cell.itertext()).strip() for cell in cells]


def labels_of(dot):
    """The HTML-like labels by what they belong to: a node's id, or `a -> b`."""
    found = {}
    for line in dot.splitlines():
        if "label=<" in line and " [" in line:
            name, rest = line.strip().split(" [", 1)
            found[name] = rest[rest.index("label=<") + 7 : rest.rindex("</table>>") + 8] if "<table" in rest else rest
    return found


def test_golden_textbook(request):
    tape, loss, names = textbook()
    dot = viz.graph(tape, loss, direction="backward", names=names).dot
    path = request.path.parent / "textbook.dot"
    assert dot == path.read_text(encoding="utf-8")


def test_golden_says_what_the_textbook_says(request):
    labels = labels_of((request.path.parent / "textbook.dot").read_text(encoding="utf-8"))
    assert {name: rows_of(label) for name, label in labels.items() if "->" not in name} == {
        "n1": ["x", "() float32", "2"],
        "n2": ["w", "() float32", "3", "∂loss/∂w = 2"],
        "n3": ["x1 = x · w", "() float32", "2 · 3 = 6", "∂loss/∂x1 = 1"],
        "n4": ["b", "() float32", "1", "∂loss/∂b = 1"],
        "n5": ["x2 = x1 + b", "() float32", "6 + 1 = 7", "∂loss/∂x2 = 1"],
        "n6": ["y_true", "() float32", "4"],
        "n7": ["loss = |y_true - x2|", "() float32", "|4 - 7| = 3", "∂loss/∂loss = 1"],
    }


def test_before_a_backward_pass_gradients_are_not_zeros():
    tape, loss, names = textbook()
    labels = labels_of(viz.graph(tape, loss, names=names).dot)
    assert rows_of(labels["n2"]) == ["w", "() float32", "3", "gradient not computed"]
    assert rows_of(labels["n1"]) == ["x", "() float32", "2"]


def test_kinds_differ_in_print_too():
    v, a = tgl.Variable(1.0), tgl.constant(2.0)
    with tgl.GradientTape() as tape:
        y = tgl.exp(v * a) + 3.0
    dot = viz.graph(tape, y, names={"a": a, "y": y, "v": v}).dot
    for text in ("parameter", "input", "constant", "target", "faint: leads to no source"):
        assert f">{text}<" in dot  # in the legend
    looks = set()
    for line in dot.splitlines():
        if line.startswith("  n") and "label=<<table" in line:
            style = line[line.rindex("</table>>") :]
            looks.add((style.partition('style="')[2].partition('"')[0], "peripheries" in style, "penwidth" in style))
    assert len(looks) == 4


def test_large_arrays_show_statistics_and_small_ones_numbers():
    v = tgl.Variable(np.arange(6.0).reshape(2, 3), name="v")
    with tgl.GradientTape() as tape:
        y = (v @ np.ones((3, 100))).sum()
    for values, lines in [
        ("auto", ["v", "(2, 3) float64", "0  1  2", "3  4  5"]),
        ("statistics", ["v", "(2, 3) float64", "mean 2.5, std 1.71", "range 0 to 5"]),
        ("none", ["v", "(2, 3) float64"]),
    ]:
        labels = labels_of(viz.graph(tape, y, values=values).dot)
        assert rows_of(labels["n1"]) == [*lines, "gradient not computed"]
    assert rows_of(labels_of(viz.graph(tape, y).dot)["n3"])[3:5] == ["mean 7.5, std 4.5", "range 3 to 12"]


@pytest.mark.parametrize("values", ["auto", "statistics", "none"])
def test_not_a_number_stands_out(values):
    v = tgl.Variable(np.array([-1.0, 0.0, *range(1, 50)]), name="v")
    with tgl.GradientTape() as tape, np.errstate(all="ignore"):
        y = tgl.log(v)
    label = labels_of(viz.graph(tape, y, values=values).dot)["n2"]
    assert "1 NaN, 1 inf" in rows_of(label)
    assert 'bgcolor="#000000"' in label


def test_layers_are_boxes_and_open_ends_close():
    model = nn.Sequential([nn.Dense(2), nn.Dense(2)], name="net")
    with tgl.GradientTape() as tape:
        y = model(np.ones((1, 2), "float32"))
    dot = viz.graph(tape, y).dot
    assert dot.count("subgraph cluster_") == 3
    assert dot.count("{") == dot.count("}") == 4
    assert "<b>kernel</b>" in dot


def test_gradients_flow_against_the_values():
    tape, loss, names = textbook()
    assert "rankdir=LR" in viz.graph(tape, loss, names=names).dot
    both = viz.graph(tape, loss, names=names, direction="both").dot
    assert "rankdir=LR" in both
    assert both.count('dir="back"') == 4  # nothing flows back to x and y_true


# Escaping -----------------------------------------------------------------------------------------------------

NASTY = ['<b>&"', "a\\", '"; n1 -> n2; "', "]]>", "<!--", "&amp;", "x\x00y", "\ud800", "é × ∂", "<>", "{|}", "\n", " "]


@pytest.mark.parametrize("name", NASTY)
def test_nasty_names_draw(name):
    v = tgl.Variable(1.0, name=name)
    with tgl.GradientTape() as tape:
        y = v * 2.0
    graph = viz.graph(tape, y, names={name + "!": y}, direction="both")
    ET.fromstring(labels_of(graph.dot)["n1"])
    assert b"</svg>" in draw(graph.dot, "svg")


def test_a_layer_of_a_nasty_name_draws():
    model = nn.Sequential([nn.Dense(2, name='<b>&"'), nn.Dense(2)])
    with tgl.GradientTape() as tape:
        y = model(np.ones((1, 2), "float32"))
    for depth in (0, 1, 2):
        graph = viz.graph(tape, y, depth=depth, direction="both")
        svg = draw(graph.dot, "svg")
        ET.fromstring(svg)
        assert depth == 0 or b"&lt;b&gt;&amp;" in svg


@settings(max_examples=30, deadline=None)
@given(st.text(max_size=60))
def test_any_text_is_escaped(text):
    shown = "".join(ET.fromstring(f"<t>{escaped(text)}</t>").itertext())
    assert len(shown) == len(text)
    assert all(a == b for a, b in zip(shown, text) if b.isprintable())


@settings(max_examples=8, deadline=None)
@given(st.text(min_size=1, max_size=20))
def test_any_name_draws(name):
    v = tgl.Variable(1.0, name=name)
    with tgl.GradientTape() as tape:
        y = v * 2.0
    assert b"</svg>" in draw(viz.graph(tape, y).dot, "svg")
