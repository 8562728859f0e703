"""The stepper in a real browser: every number on the page against the tape's, by mouse and by keyboard alone."""

import shutil
import time
from importlib import resources

import numpy as np
import pytest

import tinygrad_lite as tgl
from tinygrad_lite import nn, viz

webdriver = pytest.importorskip("selenium.webdriver", reason="driving a browser needs selenium, of the dev extra")
By = pytest.importorskip("selenium.webdriver.common.by").By
ActionChains, Keys = webdriver.ActionChains, webdriver.Keys

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
DRIVER = shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(
    not (BROWSER and DRIVER), reason="no browser here: apt-get install chromium chromium-driver"
)

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--window-size=1400,850",
)  # fmt: skip


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    try:
        yield driver
    finally:
        driver.quit()


class Page:
    """A page of the stepper, as a reader sees it."""

    def __init__(self, browser, path):
        self.browser = browser
        browser.get_log("browser")  # of other pages
        browser.get(path.as_uri())

    def press(self, *keys):
        ActionChains(self.browser).send_keys(*keys).perform()

    def text(self, identity):
        """What is written in an element, also where it is scrolled out of sight."""
        return self.browser.find_element(By.ID, identity).get_property("textContent")

    def said(self):
        return [line.text for line in self.browser.find_elements(By.CSS_SELECTOR, "#say .say")]

    def node(self, name):
        """The node or layer whose title is `name`, as an SVG element."""
        return self.browser.execute_script(
            "return [...document.querySelectorAll('#viewport text.name, #viewport .title text')]"
            ".find(text => text.textContent === arguments[0]).closest('[data-id]')",
            name,
        )

    def names(self):
        """The titles of all nodes and folded layers, also of those that are out of sight."""
        return self.browser.execute_script(
            "return [...document.querySelectorAll('#viewport .node .name')].map(text => text.textContent)"
        )

    def written(self, name, kind):
        """The lines of a node that show its value or its gradient."""
        return self.browser.execute_script(
            "return [...arguments[0].querySelectorAll('text.' + arguments[1])].map(t => t.textContent).filter(Boolean)",
            self.node(name),
            kind,
        )

    def choose(self, name):
        """Click a node, and read the numbers in its details."""
        self.browser.execute_script(
            "arguments[0].dispatchEvent(new MouseEvent('click', {bubbles: true}))", self.node(name)
        )
        return float(self.text("value")), float(self.text("gradient"))

    def forward_edges(self):
        return len(self.browser.find_elements(By.CSS_SELECTOR, ".edge.forward"))

    def labels(self):
        """What stands on the edges that the gradient has passed."""
        return sorted(text.text for text in self.browser.find_elements(By.CSS_SELECTOR, ".edge.returned text"))


@pytest.fixture
def visit(browser, tmp_path):
    """Opens the page of a graph; afterwards, no page may have complained."""

    def open_page(graph, **options):
        return Page(browser, graph.to_html(tmp_path / "step.html", **options))

    yield open_page
    assert [entry["message"] for entry in browser.get_log("browser")] == []


@pytest.fixture(scope="module")
def textbook():
    x, y_true = tgl.constant(2.0), tgl.constant(4.0)
    w, b = tgl.Variable(3.0, name="w"), tgl.Variable(1.0, name="b")
    with tgl.GradientTape(persistent=True) as tape:
        x1 = x * w
        x2 = x1 + b
        loss = abs(y_true - x2)
    return viz.graph(tape, loss, names=locals()), tape.gradient(loss, {"w": w, "b": b, "x1": x1, "x2": x2})


@pytest.fixture(scope="module")
def network():
    tgl.random.set_seed(0)
    model = nn.Sequential([nn.Dense(4, activation="tanh"), nn.Dense(3)])
    x = np.linspace(-1, 1, 10, dtype=np.float32).reshape(5, 2)
    with tgl.GradientTape(persistent=True) as tape:
        loss = (model(x) ** 2.0).mean()
    return viz.graph(tape, loss, names={"loss": loss}), tape.gradient(loss, model.trainable_variables), model


def test_to_the_end_and_back(visit, textbook):
    graph, gradients = textbook
    page = visit(graph)
    assert page.text("count") == "1 / 10"
    assert page.written("x1", "gradient") == ["∇ not computed"]
    page.press(Keys.ARROW_RIGHT)
    assert page.said() == ["x1 = x · w = 2 · 3 = 6"]
    assert page.forward_edges() == 2
    page.press(Keys.END)
    assert page.text("count") == "10 / 10"
    assert page.labels() == ["1", "1", "1", "2"]
    assert page.said() == ["dloss/dw = 2", "dloss/db = 1"]
    for name, gradient in gradients.items():
        assert page.written(name, "gradient") == [f"∇ {gradient.numpy():g}"]
    page.press(*[Keys.ARROW_LEFT] * 20)
    assert page.text("count") == "1 / 10"
    assert page.labels() == []
    assert page.written("x1", "gradient") == ["∇ not computed"]


def test_numbers_in_the_details_are_the_tapes_to_the_last_digit(visit):
    w, x = tgl.Variable(0.3, name="w"), tgl.Variable(1.7, name="x")
    with tgl.GradientTape(persistent=True) as tape:
        a = w * x
        y = a * a + tgl.sin(a)
    page = visit(viz.graph(tape, y, names={"a": a, "y": y}))
    page.press(Keys.END)
    for name, tensor in {"w": w, "x": x, "a": a, "y": y}.items():
        value, gradient = page.choose(name)
        assert np.float32(value) == tensor.numpy()
        assert np.float32(gradient) == tape.gradient(y, tensor).numpy()


def test_gradients_accumulate_where_ways_meet(visit):
    w = tgl.Variable(3.0, name="w")
    with tgl.GradientTape() as tape:
        y = w * w
    page = visit(viz.graph(tape, y, names={"y": y}))
    page.press(*[Keys.ARROW_RIGHT] * 3)
    assert page.text("accumulates") == "More will be added1 of 2 summands: w is used 2 times"
    assert page.written("w", "gradient") == ["∇ 3"]
    page.press(Keys.ARROW_RIGHT)
    assert page.text("accumulates") == "w accumulates3 + 3 = 6"
    assert page.written("w", "gradient") == ["∇ 3 + 3 = 6"]
    page.press(Keys.ARROW_RIGHT)
    assert page.written("w", "gradient") == ["∇ 6"]


def test_fold_and_unfold_layers(visit, network):
    page = visit(network[0])
    open_names = page.names()
    page.node("− dense").send_keys(Keys.ENTER)
    assert set(open_names) - set(page.names()) == {"dense/kernel", "dense/bias", "dense/dense", "dense/tanh"}
    assert "dense" in page.names()
    assert page.browser.switch_to.active_element.get_attribute("data-id") == page.node("dense").get_attribute("data-id")
    page.press(Keys.END)
    assert page.said()[0].startswith("dense/kernel: (2, 4)")
    page.press(Keys.ENTER)
    assert page.names() == open_names
    page.press("f")
    assert network[2].name in page.names()
    page.press("f")
    assert page.names() == open_names


def test_a_folded_layer_plays_as_one_step(visit, network):
    page = visit(network[0])
    whole = int(page.text("count").split("/")[1])
    page.press("f")
    assert int(page.text("count").split("/")[1]) < whole
    page.press(Keys.ARROW_RIGHT)
    assert page.written(network[2].name, "gradient") == ["∇ not computed"]


def test_show_only_what_leads_to_one_parameter(visit, network):
    page = visit(network[0])
    select = page.browser.find_element(By.ID, "only")
    options = {option.text: option for option in select.find_elements(By.TAG_NAME, "option")}
    assert list(options) == ["everything", *(variable.name for variable in network[2].trainable_variables)]
    options["dense_1/bias"].click()
    assert page.names()[0] == "dense_1/bias"
    assert "loss" in page.names()
    assert not any(name.startswith("dense/") for name in page.names())
    page.browser.find_element(By.ID, "last").click()
    value, _ = page.choose("loss")
    assert value > 0
    options["everything"].click()
    assert "dense/kernel" in page.names()


def test_buttons_slider_and_play(visit, textbook):
    page = visit(textbook[0])
    for button, at in [("next", 2), ("last", 10), ("previous", 9), ("first", 1)]:
        page.browser.find_element(By.ID, button).click()
        assert page.text("count") == f"{at} / 10"
    page.browser.execute_script(
        "const s = document.getElementById('slider'); s.value = 4; s.dispatchEvent(new Event('input'))"
    )
    assert page.text("count") == "5 / 10"
    speed = page.browser.find_element(By.ID, "speed")
    page.browser.execute_script("arguments[0].options[2].value = 20; arguments[0].selectedIndex = 2", speed)
    play = "const play = document.getElementById('play'); play.click(); return play.textContent"
    assert page.browser.execute_script(play) == "Pause"
    deadline = time.monotonic() + 10
    while page.text("count") != "10 / 10" and time.monotonic() < deadline:
        time.sleep(0.02)
    assert page.text("count") == "10 / 10"
    assert page.text("play") == "Play"


def test_the_keyboard_alone(visit, textbook):
    page = visit(textbook[0])

    def focused():
        return page.browser.switch_to.active_element.get_attribute("aria-label") or ""

    for _ in range(20):
        page.press(Keys.TAB)
        if focused().startswith("w."):
            break
    assert focused() == "w. 3. gradient not computed"
    page.press(Keys.ENTER)
    assert (page.text("value"), page.text("gradient")) == ("3", "not computed")
    page.press(Keys.END)
    assert page.text("gradient") == "2"
    page.press(Keys.ESCAPE)
    assert not page.browser.find_element(By.ID, "details").is_displayed()
    page.press("?")
    assert page.browser.find_element(By.ID, "help").is_displayed()
    page.press(Keys.ESCAPE)
    assert not page.browser.find_element(By.ID, "help").is_displayed()
    page.press(Keys.HOME)
    assert page.text("count") == "1 / 10"

    def transform():
        return page.browser.find_element(By.ID, "viewport").get_attribute("transform")

    fitting = transform()
    page.press("+")
    assert transform() != fitting
    page.press("0")
    assert transform() == fitting
    ActionChains(page.browser).key_down(Keys.SHIFT).send_keys(Keys.ARROW_DOWN).key_up(Keys.SHIFT).perform()
    assert transform() != fitting


def test_drag_and_wheel_move_the_graph(visit, textbook):
    page = visit(textbook[0])
    graph = page.browser.find_element(By.ID, "graph")
    view = page.browser.find_element(By.ID, "viewport")
    before = view.get_attribute("transform")
    ActionChains(page.browser).move_to_element_with_offset(graph, 0, 250).click_and_hold().move_by_offset(
        -50, -30
    ).release().perform()
    dragged = view.get_attribute("transform")
    assert dragged != before
    assert dragged.split("scale")[1] == before.split("scale")[1]
    page.browser.execute_script("arguments[0].dispatchEvent(new WheelEvent('wheel', {deltaY: -100}))", graph)
    assert view.get_attribute("transform").split("scale")[1] != dragged.split("scale")[1]


def test_light_and_dark(visit, textbook):
    page = visit(textbook[0])

    def paper():
        return page.browser.find_element(By.TAG_NAME, "body").value_of_css_property("background-color")

    light = paper()
    page.press("d")
    assert paper() != light
    page.press("d")
    assert paper() == light


def test_hostile_names_are_shown_as_they_are(visit):
    hostile = "</script><script>document.title='run'</script><img src=x onerror=\"document.title='run'\">&amp;"
    w = tgl.Variable(3.0, name=hostile)
    with tgl.GradientTape() as tape:
        y = w * 2.0
    page = visit(viz.graph(tape, y, names={"<b>y": y}), title=hostile)
    page.press(Keys.END)
    assert page.browser.title == hostile
    assert page.text("title") == "The gradients are complete"
    assert page.browser.find_elements(By.TAG_NAME, "img") == []
    assert "<b>y" in page.names()
    assert any(name.startswith("</script><script>") for name in page.names())


def test_nothing_overlaps(visit, network):
    page = visit(network[0])
    boxes = page.browser.execute_script(
        "return [...document.querySelectorAll('#viewport .node .shape')]"
        ".map(e => e.getBoundingClientRect()).map(r => [r.left, r.top, r.right, r.bottom])"
    )
    assert len(boxes) == len(page.names())
    for n, (left, top, right, bottom) in enumerate(boxes):
        for other in boxes[:n]:
            assert right <= other[0] or other[2] <= left or bottom <= other[1] or other[3] <= top
    outside = page.browser.execute_script(
        "return [...document.querySelectorAll('#viewport .node')].flatMap(e => {"
        "const box = e.querySelector('.shape').getBoundingClientRect();"
        "return [...e.querySelectorAll(':scope > text')].filter(t => {const r = t.getBoundingClientRect();"
        "return r.width && (r.left < box.left - 1 || r.right > box.right + 1 || r.bottom > box.bottom + 1)})"
        ".map(t => t.textContent)})"
    )
    assert outside == []


def random_graph(rng):
    """Boxes in nested frames, with arrows from earlier to later boxes, as `layOut` takes them."""
    count = int(rng.integers(1, 40))
    groups = [{"id": f"g{n}", "parent": f"g{rng.integers(n)}" if n and rng.random() < 0.5 else None} for n in range(6)]
    items = [
        {
            "id": f"n{n}",
            "width": int(rng.integers(40, 200)),
            "height": int(rng.integers(30, 120)),
            "parent": f"g{rng.integers(6)}" if rng.random() < 0.7 else None,
        }
        for n in range(count)
    ]
    edges = []
    for n in range(1, count):
        for _ in range(int(rng.integers(0, 3))):
            label = bool(rng.random() < 0.3)
            edge = {"key": str(len(edges)), "from": f"n{rng.integers(n)}", "to": f"n{n}"}
            if rng.random() < 0.05:  # a folded layer can lead back to what leads to it
                edge["from"], edge["to"] = edge["to"], edge["from"]
            edges.append({**edge, "width": 60 * label, "height": 22 * label})
    used = {item["parent"] for item in items}
    for group in reversed(groups):
        used |= {group["parent"]} if group["id"] in used else set()
    groups = [group for group in groups if group["id"] in used]
    down = bool(rng.random() < 0.5)
    return {"items": items, "groups": groups, "edges": edges, "down": down, "gap": 30, "edgeGap": 20, "rankGap": 40}


LAY_OUT = """
const laid = layOut(arguments[0]);
return {...laid, items: [...laid.items], groups: [...laid.groups], edges: [...laid.edges]};
"""


@pytest.mark.parametrize("seed", range(20))
def test_layout_keeps_boxes_and_frames_apart(browser, seed):
    graph = random_graph(np.random.default_rng(seed))
    program = resources.files("tinygrad_lite.viz").joinpath("layout.js").read_text(encoding="utf-8")
    laid = browser.execute_script(program + LAY_OUT, graph)
    sizes = {item["id"]: (item["width"], item["height"]) for item in graph["items"]}
    boxes = {
        name: (at["x"] - sizes[name][0] / 2, at["y"] - sizes[name][1] / 2, *sizes[name]) for name, at in laid["items"]
    }
    frames = {name: (at["x"], at["y"], at["width"], at["height"]) for name, at in laid["groups"]}
    above = {part["id"]: part["parent"] for part in [*graph["items"], *graph["groups"]]}
    assert boxes.keys() == sizes.keys()
    assert frames.keys() == {group["id"] for group in graph["groups"]}
    assert {key for key, _ in laid["edges"]} == {edge["key"] for edge in graph["edges"]}

    def lineage(name):
        return [name, *lineage(above[name])] if name else []

    def inner(a, b):  # whether the box a lies within the box b
        return all(b[k] <= a[k] + 1e-6 and a[k] + a[k + 2] <= b[k] + b[k + 2] + 1e-6 for k in (0, 1))

    def apart(a, b):
        return any(a[k] + a[k + 2] <= b[k] + 1e-6 or b[k] + b[k + 2] <= a[k] + 1e-6 for k in (0, 1))

    parts = boxes | frames
    for name, part in parts.items():
        assert inner(part, (0, 0, laid["width"], laid["height"]))
        for other in parts:
            if other in lineage(name):
                assert inner(part, parts[other]), (name, other)
            elif name not in lineage(other):
                assert apart(part, parts[other]), (name, other)
    axis = 1 if graph["down"] else 0
    forward = [edge for edge in graph["edges"] if int(edge["from"][1:]) < int(edge["to"][1:])]
    if len(forward) == len(graph["edges"]):
        for edge in forward:
            begin, end = boxes[edge["from"]], boxes[edge["to"]]
            assert begin[axis] + begin[axis + 2] <= end[axis]
