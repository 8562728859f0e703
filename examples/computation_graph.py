"""Computations as drawings: forward, backward with the local derivatives on the edges, and as a page to step through.

Expect these numbers: x2 = 7, loss = 3, dloss/dw = 1 * 1 * 2 = 2 and dloss/db = 1 * 1 = 1. The drawings
are written into --out as SVG and PNG, with Graphviz's `dot` or with the packages of `pip install 'tinygrad_lite[viz]'`.
"""

from __future__ import annotations

from pathlib import Path

from common import arguments

import tinygrad_lite as tgl
from tinygrad_lite import nn, viz
from tinygrad_lite.datasets import mnist


def main() -> None:
    args = arguments(__doc__, epochs=1)
    tgl.random.set_seed(args.seed)
    args.out.mkdir(parents=True, exist_ok=True)
    textbook(args.out)
    broadcasting(args.out)
    second_order(args.out)
    mnist_network(args.out, args.epochs)


def textbook(out: Path) -> None:
    """A line through one point, and how far it is from the truth: the chain rule to be read off the drawing."""
    x, y_true = tgl.constant(2.0), tgl.constant(4.0)
    w, b = tgl.Variable(3.0, name="w"), tgl.Variable(1.0, name="b")
    with tgl.GradientTape(persistent=True) as tape:
        x1 = x * w
        x2 = x1 + b
        loss = abs(y_true - x2)
    draw(viz.graph(tape, loss, names=locals()), out / "textbook_forward")

    backward = viz.graph(tape, loss, direction="backward", names=locals())
    print(f"The textbook: loss = {loss.numpy():g}, {backward.path(loss, b)}, {backward.path(loss, w)}")
    draw(backward, out / "textbook_backward")  # the way from the loss to w is highlighted
    page(backward, out / "textbook_steps.html")
    gradients = tape.gradient(loss, {"w": w, "b": b})
    print(f"tape.gradient says the same: {', '.join(f'd{n} = {g.numpy():g}' for n, g in gradients.items())}")


def broadcasting(out: Path) -> None:
    """A row is added to every row of a matrix: in the backward pass its gradient is summed over them."""
    table = tgl.Variable([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], name="table")
    row = tgl.Variable([10.0, 20.0, 30.0], name="row")
    with tgl.GradientTape() as tape:
        shifted = table + row  # (2, 3) + (3,)
        total = (shifted * shifted).sum()
    graph = viz.graph(tape, total, direction="both", names=locals())
    print(f"Broadcasting: {graph.path(total, row)}")
    draw(graph, out / "broadcasting")


def second_order(out: Path) -> None:
    """The gradient of x³ is a computation too, 3x²: the outer tape recorded it, and differentiates it to 6x."""
    x = tgl.Variable(2.0, name="x")
    with tgl.GradientTape() as outer:
        with tgl.GradientTape() as inner:
            y = x * x * x
        dy_dx = inner.gradient(y, x)
    graph = viz.graph(outer, dy_dx, direction="backward", names=locals())
    print(f"Second order: {graph.path(dy_dx, x)}")
    draw(graph, out / "second_order")


def mnist_network(out: Path, epochs: int) -> None:
    """A network that reads digits, after some training: all that happens to 128 of them, and folded to its layers."""
    (images, labels), _ = mnist.load_data_or_synthetic()
    images, labels = images[:6400].astype("float32") / 255, labels[:6400]
    model = nn.Sequential([nn.Flatten(), nn.Dense(512, activation="relu"), nn.Dense(10)])
    loss_fn = nn.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer="rmsprop", loss=loss_fn, metrics=["accuracy"])
    model.fit(images, labels, epochs=epochs, batch_size=128)

    batch, digits = tgl.constant(images[:128]), labels[:128]
    with tgl.GradientTape(persistent=True) as tape:
        loss = loss_fn(digits, model(batch))
    backward = viz.graph(tape, loss, direction="backward", names=locals())
    kernel = model.layers[1].weights[0]
    print(f"The network: {backward.path(loss, kernel)}")
    draw(viz.graph(tape, loss, names=locals()), out / "mnist_forward")
    draw(backward, out / "mnist_backward")
    draw(viz.graph(tape, loss, direction="both", depth=1, names=locals()), out / "mnist_folded")
    page(backward, out / "mnist_steps.html")
    draw(viz.model(model), out / "mnist_model")


def draw(graph: viz.Graph, path: Path) -> None:
    for ending in (".svg", ".png"):
        graph.render(path.with_suffix(ending))
    print(f"Drew {path}.svg and .png: {graph!r}")


def page(graph: viz.Graph, path: Path) -> None:
    graph.to_html(path)
    print(f"Wrote {path} ({path.stat().st_size / 1000:.0f} kB): open it in a browser to step through.")


if __name__ == "__main__":
    main()
