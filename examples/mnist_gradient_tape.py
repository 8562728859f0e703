"""MNIST from scratch: layers, model, batches and training step written by hand on a GradientTape.

The network is that of examples/mnist.py, without tinygrad_lite.nn's layers and without an optimizer: a dense
layer is two Variables and a formula, a model is a list of layers, training is "predict, compare, ask the tape
for the gradient, step against it". Plain gradient descent with a small step is slow: expect 0.81 of the test
digits to be recognized after 10 epochs, where RMSProp gets to 0.98 in 5.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from common import BLUE, RED, Pictures, arguments

import tinygrad_lite as tgl
from tinygrad_lite import nn
from tinygrad_lite.datasets import mnist

BATCH_SIZE = 128
LEARNING_RATE = 1e-3


class NaiveDense:
    """activation(x @ W + b)"""

    def __init__(self, input_size: int, output_size: int, activation: Callable[..., tgl.Tensor]) -> None:
        self.W = tgl.Variable(tgl.random.uniform((input_size, output_size), minval=0, maxval=0.1), name="W")
        self.b = tgl.Variable(tgl.zeros(output_size), name="b")
        self.activation = activation

    def __call__(self, x: Any) -> tgl.Tensor:
        return self.activation(x @ self.W + self.b)  # (batch, output_size)

    @property
    def weights(self) -> list[tgl.Variable]:
        return [self.W, self.b]


class NaiveSequential:
    """One layer after the other."""

    def __init__(self, layers: list[NaiveDense]) -> None:
        self.layers = layers

    def __call__(self, x: Any) -> Any:
        for layer in self.layers:
            x = layer(x)
        return x

    @property
    def weights(self) -> list[tgl.Variable]:
        return [weight for layer in self.layers for weight in layer.weights]


def batches(images: Any, labels: Any) -> Iterator[tuple[Any, Any]]:
    """Cut the data into batches, in order."""
    for start in range(0, len(images), BATCH_SIZE):
        yield images[start : start + BATCH_SIZE], labels[start : start + BATCH_SIZE]


def training_step(model: NaiveSequential, images: Any, labels: Any) -> tgl.Tensor:
    """Move every weight a little against the gradient of the batch's average loss."""
    with tgl.GradientTape() as tape:
        predictions = model(images)  # (batch, 10): a probability for each digit
        average_loss = nn.losses.sparse_categorical_crossentropy(labels, predictions).mean()
    gradients = tape.gradient(average_loss, model.weights)
    for weight, gradient in zip(model.weights, gradients):
        weight.assign_sub(LEARNING_RATE * gradient)
    return average_loss


def loss_curve(losses: np.ndarray) -> Any:
    """Draw losses of shape (epochs, steps): those of the batches, and their average in each epoch."""
    from matplotlib.figure import Figure

    epochs, steps = losses.shape
    figure = Figure(figsize=(5, 3.4), layout="constrained")
    axes = figure.subplots()
    axes.plot(np.arange(1, losses.size + 1) / steps, losses.ravel(), color=BLUE, linewidth=0.6, label="each batch")
    axes.plot(np.arange(epochs) + 0.5, losses.mean(axis=1), "o--", color=RED, label="average of the epoch")
    axes.set(title="Loss", xlabel="epoch")
    axes.legend()
    return figure


def main() -> None:
    args = arguments(__doc__, epochs=10)
    tgl.random.set_seed(args.seed)

    (x_train, y_train), (x_test, y_test) = mnist.load_data_or_synthetic()
    x_train = x_train.reshape(-1, 28 * 28).astype("float32") / 255
    x_test = x_test.reshape(-1, 28 * 28).astype("float32") / 255

    model = NaiveSequential([NaiveDense(28 * 28, 512, tgl.relu), NaiveDense(512, 10, tgl.softmax)])
    steps = math.ceil(len(x_train) / BATCH_SIZE)
    print(
        f"Epochs: {args.epochs}, of {steps} steps each. A model that guesses has a loss of ln 10 = {math.log(10):.2f}."
    )

    losses: list[float] = []
    for epoch in range(1, args.epochs + 1):
        losses += [training_step(model, images, labels).item() for images, labels in batches(x_train, y_train)]
        print(f"Epoch {epoch:2}: average loss {np.mean(losses[-steps:]):.4f}")

    predicted = np.argmax(model(x_test).numpy(), axis=1)
    accuracy = np.mean(predicted == y_test)
    print(f"Test accuracy: {accuracy:.4f} (expected on MNIST after 10 epochs: 0.80 to 0.83)")

    Pictures(args.out).save("mnist_gradient_tape_loss.png", loss_curve, np.reshape(losses, (args.epochs, steps)))


if __name__ == "__main__":
    main()
