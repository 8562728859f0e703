"""MNIST one image at a time, and how a gradient check finds two mistakes in a gradient derived by hand.

A network of 784-100-10 units without biases, relu and dropout between them, learns the first 1,000 digits by
half the squared error, image by image. It is trained twice from the same weights with the same draws: with a
gradient that a well-known tutorial derives by hand, and with the tape's. The gradient by hand has two mistakes.
Nothing crashes and the loss goes down, but the network learns less. A comparison with finite differences finds both
mistakes. Expect a test accuracy of about 0.78 by hand, of about 0.84 with the true gradient.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from common import Pictures, arguments

import tinygrad_lite as tgl
from tinygrad_lite import viz
from tinygrad_lite.datasets import mnist, to_categorical

HIDDEN = 100
LEARNING_RATE = 0.005
SAMPLES = 1000

Gradient = Callable[[Any, Any, Any, list[tgl.Variable]], tuple[Any, list[Any]]]


def initial_weights(rng: np.random.Generator) -> list[tgl.Variable]:
    """Two matrices, uniform in [-0.1, 0.1)."""
    return [
        tgl.Variable(0.2 * rng.random((784, HIDDEN)) - 0.1, name="weights_1"),
        tgl.Variable(0.2 * rng.random((HIDDEN, 10)) - 0.1, name="weights_2"),
    ]


def forward(image: Any, mask: Any, weights: list[Any]) -> Any:
    """The ten outputs; where the 0/1 `mask` lets a hidden unit through, it is doubled to make up for the others."""
    hidden = tgl.relu(image @ weights[0]) * (mask * 2)  # (100,)
    return hidden @ weights[1]  # (10,)


def half_squared_error(output: Any, label: Any) -> Any:
    return tgl.sum(tgl.square(label - output)) / 2


# Two ways to the gradient -------------------------------------------------------------------------------------


def output_and_gradients(image: Any, label: Any, mask: Any, weights: list[tgl.Variable]) -> tuple[Any, list[Any]]:
    """The output and the gradients of the loss, as tensors: the tape knows the calculus."""
    with tgl.GradientTape() as tape:
        output = forward(image, mask, weights)
        loss = half_squared_error(output, label)
    return output, tape.gradient(loss, weights)


def by_tape(image: Any, label: Any, mask: Any, weights: list[tgl.Variable]) -> tuple[Any, list[Any]]:
    """The same in NumPy's arrays, as the other way has them."""
    output, gradients = output_and_gradients(image, label, mask, weights)
    return output.numpy(), [gradient.numpy() for gradient in gradients]


def by_hand(
    image: Any,
    label: Any,
    mask: Any,
    weights: list[tgl.Variable],
    *,
    relu_fixed: bool = False,
    mask_fixed: bool = False,
) -> tuple[Any, list[Any]]:
    """The same, as the tutorial derives it; each of its two mistakes can be put right."""
    w1, w2 = (weight.numpy() for weight in weights)
    hidden = image @ w1
    hidden = (hidden >= 0) * hidden
    hidden = hidden * (mask * 2)
    output = hidden @ w2

    d_output = output - label
    d_hidden = w2 @ d_output
    # Mistake 1: relu's derivative is taken of relu's output, which is never negative, so >= is always true.
    d_hidden = d_hidden * ((hidden > 0) if relu_fixed else (hidden >= 0))
    # Mistake 2: the mask is doubled in the forward pass, but not in the backward pass.
    d_hidden = d_hidden * (mask * 2 if mask_fixed else mask)
    return output, [np.outer(image, d_hidden), np.outer(hidden, d_output)]


# The check ----------------------------------------------------------------------------------------------------


def finite_differences(loss: Callable[[list[Any]], float], weights: list[Any], entries: Any, step: float) -> Any:
    """How the loss changes with each of some weights, when it alone moves a little up and down."""
    slopes = []
    for matrix, row, column in entries:
        losses = []
        for move in (step, -step):
            moved = [weight.numpy().copy() for weight in weights]
            moved[matrix][row, column] += move
            losses.append(loss(moved))
        slopes.append((losses[0] - losses[1]) / (2 * step))
    return np.array(slopes)


def check_gradients(image: Any, label: Any, weights: list[Any], rng: Any) -> None:
    """Print how far each gradient is from finite differences, over 200 weights of each matrix."""
    mask = rng.integers(low=0, high=2, size=HIDDEN)
    methods: dict[str, Gradient] = {
        "by hand, as in the tutorial": by_hand,
        "by hand, relu put right": partial(by_hand, relu_fixed=True),
        "by hand, mask put right": partial(by_hand, mask_fixed=True),
        "by hand, both put right": partial(by_hand, relu_fixed=True, mask_fixed=True),
        "by tape": by_tape,
    }
    # Where the image is blank the gradient is zero whatever the method: check weights of pixels with ink.
    rows = (np.flatnonzero(image), np.arange(HIDDEN))
    entries = [
        [(matrix, rng.choice(rows[matrix]), rng.integers(weights[matrix].shape[1])) for _ in range(200)]
        for matrix in (0, 1)
    ]
    measured = [
        finite_differences(
            lambda moved: half_squared_error(forward(image, mask, moved), label).item(), weights, chosen, step=1e-5
        )
        for chosen in entries
    ]
    print("Gradient check: relative error of each gradient against finite differences.")
    print(f"  {'':28}  784x100   100x10")
    for name, method in methods.items():
        _, gradients = method(image, label, mask, weights)
        errors = []
        for chosen, slopes in zip(entries, measured):
            claimed = np.array([gradients[matrix][row, column] for matrix, row, column in chosen])
            errors.append(np.linalg.norm(claimed - slopes) / np.linalg.norm(slopes))
        print(f"  {name:28} {errors[0]:8.0e} {errors[1]:8.0e}")
    print("Rounding explains 1e-6 and less: only with both mistakes put right is it the gradient of the loss.\n")


# Training -----------------------------------------------------------------------------------------------------


def train(method: Gradient, data: Any, epochs: int, seed: int) -> dict[str, list[float]]:
    """Errors and accuracies, epoch by epoch, on the training set (with dropout) and on the test set (without)."""
    (x_train, y_train), (x_test, y_test) = data
    rng = np.random.default_rng(seed)
    weights = initial_weights(rng)
    history: dict[str, list[float]] = {"error": [], "accuracy": [], "val_error": [], "val_accuracy": []}
    for epoch in range(1, epochs + 1):
        outputs = np.empty_like(y_train)
        for n, (image, label) in enumerate(zip(x_train, y_train)):
            mask = rng.integers(low=0, high=2, size=HIDDEN)
            outputs[n], gradients = method(image, label, mask, weights)
            for weight, gradient in zip(weights, gradients):
                weight.assign_sub(LEARNING_RATE * gradient)
        every = np.full(HIDDEN, 0.5)  # no dropout: each unit as it is
        test_outputs = forward(x_test, every, weights).numpy()
        for prefix, answers, labels in (("", outputs, y_train), ("val_", test_outputs, y_test)):
            history[f"{prefix}error"].append(np.mean(np.sum((labels - answers) ** 2, axis=1)))
            history[f"{prefix}accuracy"].append(np.mean(answers.argmax(axis=1) == labels.argmax(axis=1)))
        latest = {name: values[-1] for name, values in history.items()}
        if epoch % 5 == 0 or epoch in (1, epochs):
            print(
                f"  epoch {epoch:2}: training error {latest['error']:.3f}, accuracy {latest['accuracy']:.3f}; "
                f"test error {latest['val_error']:.3f}, accuracy {latest['val_accuracy']:.3f}"
            )
    return history


def main() -> None:
    args = arguments(__doc__, epochs=20, seed=884736743)
    pictures = Pictures(args.out)

    (x_train, y_train), (x_test, y_test) = mnist.load_data_or_synthetic()
    chosen = np.random.default_rng(args.seed).choice(len(x_train), size=5, replace=False)
    pictures.save("mnist_online_digits.png", viz.plots.images, x_train[chosen], y_train[chosen])

    data = tuple(
        (images[:SAMPLES].reshape(-1, 784) / 255, to_categorical(labels[:SAMPLES], num_classes=10, dtype="float64"))
        for images, labels in ((x_train, y_train), (x_test, y_test))
    )  # in float64, for the sake of the finite differences

    rng = np.random.default_rng(args.seed)
    check_gradients(data[0][0][0], data[0][1][0], initial_weights(rng), rng)

    histories = {}
    for name, method in (("by hand", by_hand), ("by tape", by_tape)):
        print(f"Training with the gradient {name}:")
        histories[name] = train(method, data, args.epochs, args.seed)
    accuracies = {name: history["val_accuracy"][-1] for name, history in histories.items()}
    print(f"Test accuracy by hand, with the mistakes: {accuracies['by hand']:.3f} (expected on MNIST: 0.784)")
    print(f"Test accuracy by tape, the true gradient: {accuracies['by tape']:.3f} (expected on MNIST: 0.82 or more)")

    pictures.save("mnist_online_curves.png", viz.plots.learning_curves, histories, ["accuracy", "error"])


if __name__ == "__main__":
    main()
