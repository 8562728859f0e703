"""Write docs/visualization.md and its pictures. The code on the page is the code that this script runs.

python docs/make_gallery.py           # writes; needs the dev extra, and Chromium for the pictures of the stepper
python docs/make_gallery.py --check   # exits with 1 if the page is not what it would write, or a picture is missing
"""

import argparse
import contextlib
import io
import os
import re
import shutil
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
PAGE = HERE / "visualization.md"
PICTURES = HERE / "gallery"


class Entry(NamedTuple):
    """A picture, with its text and the code that makes it."""

    title: str
    text: str
    code: str
    picture: str | None = None
    alt: str = ""
    shots: tuple[str, ...] = ()  # of a page, in Chromium: keys that are pressed before, or a name in [] to click
    printed: bool = False  # whether the page shows what the code prints


INTRODUCTION = """# Look at the computation

Every picture on this page was made by the code above it. `docs/make_gallery.py` runs this code and writes the page.
Drawings and plots need `pip install 'tinygrad_lite[viz]'`; the stepper needs no other package.

Each plot is a matplotlib `Figure`. A notebook shows it, and `savefig` writes it. No plot needs a display or pyplot. The
colours are those of Okabe and Ito, which can be distinguished with every kind of colour vision.
"""

GALLERY = {
    "Graphs": [
        Entry(
            "A small graph",
            "The record of a tape is a graph. With `names=locals()` the values have the names of your variables.",
            """import tinygrad_lite as tgl
from tinygrad_lite import viz

x, y_true = tgl.constant(2.0), tgl.constant(4.0)
w, b = tgl.Variable(3.0, name="w"), tgl.Variable(1.0, name="b")
with tgl.GradientTape(persistent=True) as tape:
    x1 = x * w
    x2 = x1 + b
    loss = abs(y_true - x2)
viz.graph(tape, loss, names=locals()).render("forward.svg")
""",
            "forward.svg",
            "x and w become x1 = 6, with b x2 = 7, and with y_true the loss 3",
        ),
        Entry(
            "The backward pass",
            "Each edge shows its local derivative. By the chain rule, a gradient is the product of the derivatives "
            "along a "
            "path. `path` computes this product and highlights the path.",
            """backward = viz.graph(tape, loss, direction="backward", names=locals())
print(backward.path(loss, w))
backward.render("backward.svg")
""",
            "backward.svg",
            "The path from the loss to w with the derivatives 1, 1 and 2",
            printed=True,
        ),
        Entry(
            "Backpropagation, step by step",
            "One file that shows the computation step by step and then the gradients, in any browser and without a "
            "network. Use the arrow keys, the slider or the play button. A click on a node shows its value, its "
            "gradient "
            "and its rule. Where paths meet, the gradients are added. The page is light or dark as the browser is set.",
            """with tgl.GradientTape() as tape:
    a = x * w
    y = a * a + tgl.sin(a) * b
viz.graph(tape, y, names=locals()).to_html("step.html")
""",
            "step.png",
            "The gradient of a is complete: 0.9602 + 6 + 6; another picture shows the page in the dark",
            shots=("ARROW_RIGHT*7 [a]", "END d"),
        ),
    ],
    "Networks": [
        Entry(
            "A model",
            "The layers, with shapes and numbers of parameters.",
            """from tinygrad_lite import nn
from tinygrad_lite.datasets import mnist

tgl.random.set_seed(0)
(x_train, y_train), (x_test, y_test) = mnist.load_data()
x_train, x_test, y_train = x_train[:10_000] / 255, x_test / 255, y_train[:10_000]
model = nn.Sequential([nn.Flatten(), nn.Dense(128, activation="relu"), nn.Dense(10)])
loss_fn = nn.losses.SparseCategoricalCrossentropy(from_logits=True)
model.compile(optimizer="adam", loss=loss_fn, metrics=["accuracy"])
model.build((None, 28, 28))
viz.model(model).render("model.svg")
""",
            "model.svg",
            "Flatten, Dense with 100,480 and Dense with 1,290 parameters",
        ),
        Entry(
            "A training step",
            "The operations of a layer are in its box. For large tensors, a node shows the mean, the standard "
            "deviation and "
            "the range, and the same of the gradient after it was computed.",
            """images, labels = tgl.constant(x_train[:128]), y_train[:128]
with tgl.GradientTape() as tape:
    loss = loss_fn(labels, model(images))
graph = viz.graph(tape, loss, depth=1, names=locals())
graph.render("network.svg")
""",
            "network.svg",
            "The loss of a batch, as a graph with the layers as boxes",
        ),
        Entry(
            "A training step, in the stepper",
            "Layers can be folded, and the page can show only what leads to one parameter.",
            """graph.to_html("network.html", title="784 – 128 – 10")
""",
            "network.png",
            "The stepper during the backward pass through the network",
            shots=("END [dense_1]",),
        ),
    ],
    "Training": [
        Entry(
            "Learning curves",
            "`history.plot()` draws one history, `viz.plots.learning_curves` compares several. During training, "
            "`viz.LiveCurves` redraws the same picture in a notebook, or writes it to a file after each epoch. The "
            "other two callbacks record data for the plots below.",
            """norms, path = viz.GradientNorms(x_train[:256], y_train[:256], every=5), viz.WeightPath(every=10)
callbacks = [viz.LiveCurves("live.png"), norms, path]
history = model.fit(x_train, y_train, epochs=5, batch_size=128, validation_split=0.1, verbose=0, callbacks=callbacks)
history.plot().savefig("curves.png")
""",
            "curves.png",
            "Loss falls and accuracy rises over five epochs, validation dashed",
        ),
        Entry(
            "Predictions",
            "Correct predictions are blue. Wrong ones are vermilion, with the correct label.",
            """probabilities = nn.softmax(model.predict(x_test, verbose=0))
viz.plots.images(x_test[:24], y_test[:24], probabilities[:24]).savefig("predictions.png")
""",
            "predictions.png",
            "24 digits, each with the predicted digit and its probability",
        ),
        Entry(
            "Mistakes",
            "The most confident mistakes come first. They often show wrong labels, or what the model has not learned.",
            """viz.plots.mistakes(x_test, y_test, probabilities, count=16).savefig("mistakes.png")
""",
            "mistakes.png",
            "16 wrongly classified digits, sorted by their loss",
        ),
        Entry(
            "Confusion matrix",
            "The colour shows only the mistakes. The correct predictions on the diagonal are many more, and have no "
            "colour.",
            """viz.plots.confusion_matrix(y_test, probabilities).savefig("confusion.png")
""",
            "confusion.png",
            "How often each digit was predicted as each other digit",
        ),
    ],
    "Inside a model": [
        Entry(
            "Gradient flow",
            "The norm of each parameter's gradient, always on the same samples. If gradients vanish or explode "
            "towards the "
            "first layers, the curves are powers of ten apart.",
            """viz.plots.gradient_flow(norms).savefig("flow.png")
""",
            "flow.png",
            "Four curves on a logarithmic axis",
        ),
        Entry(
            "Weights and gradients",
            "",
            """with tgl.GradientTape() as tape:
    loss = loss_fn(labels, model(images))
gradients = tape.gradient(loss, model.trainable_variables)
viz.plots.histograms(model, gradients).savefig("histograms.png")
""",
            "histograms.png",
            "Histograms of each parameter, and of its gradient beside it",
        ),
        Entry(
            "First-layer filters",
            "The weights of units of the first layer: blue is positive, red is negative.",
            """viz.plots.filters(model, count=20).savefig("filters.png")
""",
            "filters.png",
            "20 units' weights as images",
        ),
        Entry(
            "The loss around the weights",
            "The loss along two random directions, scaled unit by unit (Li et al., 2018). The star marks the trained"
            " weights.",
            """def loss_here():
    return loss_fn(y_train[:256], model(x_train[:256]))


viz.plots.loss_surface(loss_here, model, steps=13).savefig("surface.png")
""",
            "surface.png",
            "Contours of the loss around the trained weights",
        ),
        Entry(
            "The path of the optimizer",
            "In a large space, random directions show only a small part of the path. The title says how much of its "
            "length "
            'is in the plane. `directions="path"` chooses the two directions along which the path varies most.',
            """figure = viz.plots.loss_surface(loss_here, model, path=path, directions="path", steps=13)
figure.savefig("path.png")
""",
            "path.png",
            "The path of the weights down the contours of the loss",
        ),
    ],
}


# The page -----------------------------------------------------------------------------------------------------


def page(printed):
    """The text of the page; `printed` is the output of the code, by title."""
    parts = [INTRODUCTION]
    for section, entries in GALLERY.items():
        parts.append(f"## {section}\n")
        for entry in entries:
            parts.append(f"### {entry.title}\n")
            if entry.text:
                parts.append(f"{entry.text}\n")
            parts.append(f"```python\n{entry.code}```\n")
            if entry.printed:
                parts.append(f"```text\n{printed[entry.title]}```\n")
            parts += [f"![{entry.alt}](gallery/{name})\n" for name in pictures_of(entry)]
    return "\n".join(parts)


def pictures_of(entry):
    """File names: a page that is photographed more than once has numbered pictures."""
    stem, suffix = os.path.splitext(entry.picture)
    count = max(len(entry.shots), 1)
    return [entry.picture if n == 0 else f"{stem}_{n + 1}{suffix}" for n in range(count)]


def entries():
    return [entry for section in GALLERY.values() for entry in section]


# The pictures -------------------------------------------------------------------------------------------------


def run(folder):
    """Run all code in `folder`, in the order of the page, and return the output by title."""
    names = {"__name__": "__main__"}
    printed = {}
    before = Path.cwd()
    os.chdir(folder)
    try:
        for entry in entries():
            output = io.StringIO()
            with contextlib.redirect_stdout(output):
                exec(compile(entry.code, entry.title, "exec"), names)
            printed[entry.title] = output.getvalue()
    finally:
        os.chdir(before)
    return printed


def photograph(folder):
    """Pictures of the pages, in Chromium; its name in the message if there is none."""
    from selenium import webdriver

    binary = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    driver = shutil.which("chromedriver")
    if not binary or not driver:
        raise SystemExit("The pictures of the stepper need Chromium: apt-get install chromium chromium-driver.")
    options = webdriver.ChromeOptions()
    options.binary_location = binary
    for flag in (
        "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
        "--disable-component-update", "--disable-sync", "--hide-scrollbars", "--window-size=1280,860",
        "--force-prefers-reduced-motion", f"--user-data-dir={folder / 'profile'}",
    ):  # fmt: skip
        options.add_argument(flag)
    browser = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    try:
        for entry in entries():
            for name, keys in zip(pictures_of(entry), entry.shots):
                file = re.search(r'to_html\("([^"]+)"', entry.code)[1]
                browser.get((folder / file).as_uri())
                for word in keys.split():
                    press(webdriver, browser, word)
                browser.save_screenshot(str(folder / name))
    finally:
        browser.quit()


def press(webdriver, browser, word):
    """A key, a key several times (`ARROW_RIGHT*7`), or a node to click (`[a]`)."""
    if word.startswith("["):
        browser.execute_script(
            "[...document.querySelectorAll('#viewport text.name')].find(t => t.textContent === arguments[0])"
            ".dispatchEvent(new MouseEvent('click', {bubbles: true}))",
            word[1:-1],
        )
        return
    key, _, times = word.partition("*")
    keys = [getattr(webdriver.Keys, key, key)] * int(times or 1)
    webdriver.ActionChains(browser).send_keys(*keys).perform()


def shrink(path):
    """A palette of 128 colours is enough for plots, and a third of the size."""
    from PIL import Image

    with Image.open(path) as image:
        small = image.convert("RGB").quantize(128, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    small.save(path, optimize=True)


def write():
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        printed = run(folder)
        photograph(folder)
        for old in PICTURES.iterdir():
            old.unlink()
        for entry in entries():
            for picture in pictures_of(entry):
                if picture.endswith(".png"):
                    shrink(folder / picture)
                shutil.copy(folder / picture, PICTURES / picture)
    PAGE.write_text(page(printed), encoding="utf-8", newline="\n")
    sizes = sum(path.stat().st_size for path in PICTURES.iterdir())
    print(f"Wrote {PAGE.name} and {len(list(PICTURES.iterdir()))} pictures, {sizes / 1000:.0f} kB")


def check():
    """One line for each fault. The output of code is taken from the page, whose own test runs it."""
    if not PAGE.exists():
        return [f"{PAGE.name} is missing"]
    text = PAGE.read_text(encoding="utf-8")
    blocks = iter(re.findall(r"```text\n(.*?)```", text, re.DOTALL))
    printed = {entry.title: next(blocks, "") for entry in entries() if entry.printed}
    wrong = [] if page(printed) == text else [f"{PAGE.name} is not what the script says"]
    expected = {picture for entry in entries() for picture in pictures_of(entry)}
    found = {path.name for path in PICTURES.glob("*")}
    return wrong + [f"{PICTURES.name}/{name} is missing or left over" for name in sorted(expected ^ found)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing")
    if not parser.parse_args().check:
        write()
    elif wrong := check():
        print("\n".join([*wrong, "run python docs/make_gallery.py"]), file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
