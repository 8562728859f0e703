"""The page of the stepper as text and as data: numbers against the tape's, sizes, and nothing that could run."""

import json
import re

import numpy as np
import pytest

import tinygrad_lite as tgl
from tinygrad_lite import nn, viz


def data_of(page):
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.S)[1])


def textbook():
    """The graph of |y_true - (x w + b)| at x=2, w=3, b=1, y_true=4."""
    x, y_true = tgl.constant(2.0), tgl.constant(4.0)
    w, b = tgl.Variable(3.0, name="w"), tgl.Variable(1.0, name="b")
    with tgl.GradientTape() as tape:
        x1 = x * w
        x2 = x1 + b
        loss = abs(y_true - x2)
    return viz.graph(tape, loss, names=locals())


@pytest.fixture(scope="module")
def network():
    """The graph of the MNIST network's loss on a batch of 128, and the gradients."""
    tgl.random.set_seed(0)
    generator = np.random.default_rng(0)
    model = nn.Sequential([nn.Dense(512, activation="relu"), nn.Dense(10)])
    x, y = generator.random((128, 784), np.float32), generator.integers(0, 10, 128)
    loss_function = nn.losses.SparseCategoricalCrossentropy(from_logits=True)
    with tgl.GradientTape(persistent=True) as tape:
        loss = loss_function(y, model(x))
    return viz.graph(tape, loss), tape.gradient(loss, model.trainable_variables), model


def test_the_textbook_step_by_step():
    steps = data_of(textbook().to_html())["steps"]
    assert [step["phase"] for step in steps] == ["forward"] * 4 + ["backward"] * 6
    assert [line for step in steps[1:4] for line in step["lines"]] == [
        "x1 = x · w = 2 · 3 = 6",
        "x2 = x1 + b = 6 + 1 = 7",
        "loss = |y_true - x2| = |4 - 7| = 3",
    ]
    assert [step["title"] for step in steps[5:9]] == ["dloss/dx2 = 1", "dx2/db = 1", "dx2/dx1 = 1", "dx1/dw = x = 2"]
    assert steps[8]["lines"] == ["dloss/dw = dloss/dx1 · dx1/dw", "= 1 · 2 = 2"]
    assert steps[9]["lines"] == ["dloss/dw = 2", "dloss/db = 1"]


def test_gradients_add_up_where_ways_meet():
    w = tgl.Variable(3.0, name="w")
    with tgl.GradientTape() as tape:
        y = w * w + w * -5.0
    steps = data_of(viz.graph(tape, y).to_html())["steps"]
    sums = [step.get("accumulates", step.get("waits")) for step in steps if "edge" in step and step["node"] == "n1"]
    assert sums[0] == "1 of 3 summands: w is used 3 times"
    assert sums[-1].endswith("= 1")  # 2 · 3 - 5
    shares = [float(step["share"][0]) for step in steps if "edge" in step and step["node"] == "n1"]
    assert sorted(shares) == [-5, 3, 3]


def test_the_numbers_of_a_network_are_the_tapes(network):
    graph, gradients, model = network
    data = data_of(graph.to_html())
    by_name = {node["name"]: node for node in data["nodes"]}
    for variable, gradient in zip(model.trainable_variables, gradients):
        node = by_name[variable.name]
        g = gradient.numpy().astype(np.float64)
        written = re.findall(r"-?\d[\d.e-]*", " ".join(node["gradient"]))
        np.testing.assert_allclose(
            [float(n) for n in written], [g.mean(), g.std(), g.min(), g.max()], rtol=6e-3, atol=1e-9
        )
        counts, low, high = node["gradient_histogram"] if g.size > 12 else ([g.size], g.min(), g.max())
        assert sum(counts) == g.size
        np.testing.assert_allclose([low, high], [g.min(), g.max()])
    rules = {rule["argument"]: rule["rule"] for rule in by_name["dense_1/dense"]["rules"] if "rule" in rule}
    assert rules["kernel"].endswith("ᵀ @ g")


def test_the_page_of_the_mnist_network_is_small(network, tmp_path):
    path = network[0].to_html(tmp_path / "new" / "step.html")
    assert path.stat().st_size < 300_000
    assert path.read_text(encoding="utf-8") == network[0].to_html()


def test_the_page_loads_nothing(network):
    page = network[0].to_html()
    links = re.findall(r"""(?:src|href)\s*=\s*["']([^"']*)""", page)
    assert links == ["data:,"]
    assert "default-src 'none'" in page
    assert "unsafe" not in page


HOSTILE = '</script><script>alert(1)</script><!--<b onload="x">&\u2028\ud800 ✓'


def test_hostile_names_stay_text():
    w = tgl.Variable(3.0, name=HOSTILE)
    with tgl.GradientTape() as tape:
        y = w * 2.0
    page = viz.graph(tape, y).to_html(title=HOSTILE)
    assert page.count("<script") == 3
    assert page.count("</script") == 3
    assert data_of(page)["nodes"][0]["name"] == HOSTILE


def test_a_hostile_title_is_written(tmp_path):
    assert textbook().to_html(tmp_path / "step.html", title=HOSTILE).exists()


def test_what_is_not_finite_is_named_and_written_as_json():
    w = tgl.Variable([0.0, 1.0] * 10, name="w")
    with tgl.GradientTape() as tape, np.errstate(all="ignore"):
        y = (1.0 / w).sum()
    data = data_of(viz.graph(tape, y).to_html())
    by_name = {node["name"]: node for node in data["nodes"]}
    assert by_name["divide"]["value_warning"] == "10 inf"
    assert by_name["w"]["gradient_warning"] == "10 inf"


def test_folded_boxes_of_the_graph_are_folded_in_the_page(network):
    graph, *_ = network
    assert not any(group["folded"] for group in data_of(graph.to_html())["groups"])
    model = network[2]
    with tgl.GradientTape() as tape:
        y = model(np.ones((2, 784), np.float32)).sum()
    data = data_of(viz.graph(tape, y, depth=1).to_html())
    assert {group["name"]: group["folded"] for group in data["groups"]} == {
        model.name: False, "dense": True, "dense_1": True,
    }  # fmt: skip


def test_several_outputs_and_several_targets():
    @tgl.custom_gradient
    def halves(x):
        return (x[:2] * 1.0, x[2:] * 1.0), lambda g1, g2: tgl.concatenate([g1, g2])

    w = tgl.Variable([4.0, 1.0, 3.0, 2.0], name="w")
    with tgl.GradientTape() as tape:
        a, b = halves(w)
        y = (a * b).sum()
    data = data_of(viz.graph(tape, [y, a]).to_html())
    node = next(node for node in data["nodes"] if node["name"] == "halves")
    assert node["value"] == ["[0] 4  1", "[1] 3  2"]
    assert node["gradient"] == ["[0] 4  3", "[1] 4  1"]
    assert data["steps"][-1]["lines"] == ["w: (4,), 4  3  4  1"]


def test_a_long_computation_without_layers_is_a_page():
    w = tgl.Variable(1.0, name="w")
    with tgl.GradientTape() as tape:
        y = w
        for _ in range(1000):
            y = y * 1.0001
    page = viz.graph(tape, y).to_html()
    assert len(data_of(page)["nodes"]) == 2001


def test_a_graph_without_a_record_has_nothing_to_play():
    with pytest.raises(ValueError, match=r"viz\.graph\(tape, target\)"):
        viz.Graph([], []).to_html()
