"""MNIST in a dozen lines: a dense network of 784-512-10 units learns to read handwritten digits.

Expect a training accuracy of about 0.989 after 5 epochs, and a test accuracy of about 0.980: the network fits its
training digits a little better than new ones. An epoch takes some seconds on a laptop.
"""

from __future__ import annotations

from common import Pictures, arguments

import tinygrad_lite as tgl
from tinygrad_lite import nn, viz
from tinygrad_lite.datasets import mnist


def main() -> None:
    args = arguments(__doc__, epochs=5)
    tgl.random.set_seed(args.seed)

    (x_train, y_train), (x_test, y_test) = mnist.load_data_or_synthetic()
    x_train, x_test = x_train.astype("float32") / 255, x_test.astype("float32") / 255

    model = nn.Sequential([nn.Flatten(), nn.Dense(512, activation="relu"), nn.Dense(10, activation="softmax")])
    model.compile(optimizer="rmsprop", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(x_train, y_train, epochs=args.epochs, batch_size=128)
    model.summary()

    predictions = model.predict(x_test[:10], verbose=0)  # (10, 10): for each image a probability for each digit
    print("The first test digit, as the model sees it:")
    for digit, probability in enumerate(predictions[0]):
        print(f"  {digit}: {probability:.6f} {'#' * round(40 * probability)}")
    print(f"Predicted: {predictions.argmax(axis=1)}")
    print(f"Labels:    {y_test[:10]}")

    loss, accuracy = model.evaluate(x_test, y_test, verbose=0)
    print(f"Training accuracy: {history.history['accuracy'][-1]:.4f} (expected on MNIST after 5 epochs: 0.989)")
    print(f"Test accuracy: {accuracy:.4f}, loss {loss:.4f} (expected on MNIST after 5 epochs: 0.977 to 0.984)")

    pictures = Pictures(args.out)
    pictures.save("mnist_predictions.png", viz.plots.images, x_test[:10], y_test[:10], predictions, columns=5)
    pictures.save("mnist_curves.png", viz.plots.learning_curves, history)


if __name__ == "__main__":
    main()
