"""Five optimizers on the same network, from the same weights, through the same batches.

All use the same gradient, but take another step. SGD subtracts the gradient times the learning rate. Momentum adds
gradients up to a velocity, which helps it through small local minima. RMSProp, Adagrad and Adam have a step size for
every weight. Expect RMSProp and Adam, with Keras's default learning rates, far ahead
of the others after 5 epochs, RMSProp at a test accuracy of 0.974 or more.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from common import BLUE, RED, Pictures, arguments

import tinygrad_lite as tgl
from tinygrad_lite import nn, optim, viz
from tinygrad_lite.datasets import mnist, to_categorical

OPTIMIZERS = (optim.SGD, optim.Momentum, optim.RMSProp, optim.Adagrad, optim.Adam)


def network() -> nn.Sequential:
    return nn.Sequential(
        [
            nn.Flatten(),
            nn.Dense(512, activation="relu"),
            nn.Dense(128, activation="relu"),
            nn.Dense(10, activation="softmax"),
        ]
    )


def valley(w: Any) -> Any:
    """A loss of one weight: a local minimum at -1.00, a low hill, and behind it the global minimum at 1.17."""
    return w**4 / 4 - 0.6 * w**2 - 0.2 * w


def downhill(w: tgl.Variable, optimizer: Any) -> None:
    """Take one step in the valley."""
    with tgl.GradientTape() as tape:
        loss = valley(w)
    optimizer.apply_gradients([(tape.gradient(loss, w), w)])


def descend(optimizer: Any, steps: int = 100, start: float = -2.0) -> np.ndarray:
    """Where the weight was, step by step."""
    w = tgl.Variable(start)
    path = [w.item()]
    for _ in range(steps):
        downhill(w, optimizer)
        path.append(w.item())
    return np.array(path)


def draw_paths(paths: dict[str, np.ndarray]) -> Any:
    """Draw each path through the valley beside the others."""
    from matplotlib.figure import Figure

    w = np.linspace(-2.1, 1.9, 200)
    figure = Figure(figsize=(4.2 * len(paths), 3.2), layout="constrained")
    for axes, (name, path) in zip(figure.subplots(1, len(paths), sharey=True), paths.items()):
        axes.plot(w, valley(w), color=BLUE, label="loss")
        axes.plot(path, valley(path), "o", color=RED, alpha=0.5, label="steps")
        axes.set(title=f"{name} ends at {path[-1]:.2f}", xlabel="weight")
        axes.legend()
    return figure


def draw_losses(histories: dict[str, nn.callbacks.History]) -> Any:
    """Draw the losses on a logarithmic scale, which tells those near zero apart."""
    figure = viz.plots.learning_curves(histories, "loss")
    figure.axes[0].set(yscale="log", title="training loss")
    figure.axes[0].legend(loc="upper left", bbox_to_anchor=(1, 1))  # five leave no room inside
    return figure


def main() -> None:
    args = arguments(__doc__, epochs=5)
    pictures = Pictures(args.out)

    paths = {make.__name__: descend(make(learning_rate=0.02)) for make in (optim.SGD, optim.Momentum)}
    for name, path in paths.items():
        print(f"{name} on the valley: from {path[0]:.2f} to {path[-1]:.2f}, loss {valley(path[-1]):.2f}")
    pictures.save("optimizers_valley.png", draw_paths, paths)

    (x_train, y_train), (x_test, y_test) = mnist.load_data_or_synthetic()
    x_train, x_test = x_train.astype("float32") / 255, x_test.astype("float32") / 255
    y_train, y_test = to_categorical(y_train, 10), to_categorical(y_test, 10)

    histories, accuracies = {}, {}
    for make in OPTIMIZERS:
        print(f"Training with {make.__name__}:")
        tgl.random.set_seed(args.seed)  # the same weights and the same batches for all
        model = network()
        model.compile(make(), loss="categorical_crossentropy", metrics=["accuracy"])
        histories[make.__name__] = model.fit(x_train, y_train, batch_size=128, epochs=args.epochs)
        _, accuracies[make.__name__] = model.evaluate(x_test, y_test, verbose=0)

    for name, accuracy in accuracies.items():
        expected = " (expected on MNIST after 5 epochs: 0.974 or more)" if name == "RMSProp" else ""
        print(f"Test accuracy with {name}: {accuracy:.4f}{expected}")
    pictures.save("optimizers_loss.png", draw_losses, histories)


if __name__ == "__main__":
    main()
