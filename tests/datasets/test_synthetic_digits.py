"""The drawn digits: MNIST's shapes, the same for the same seed, and too hard for a linear model."""

import itertools

import numpy as np
import pytest

from tinygrad_lite.datasets import synthetic_digits


@pytest.fixture(scope="module")
def digits():
    return synthetic_digits.load_data(n_train=8000, n_test=2000)


def test_shapes_types_and_contents(digits):
    (x_train, y_train), (x_test, y_test) = digits
    assert (x_train.shape, y_train.shape) == ((8000, 28, 28), (8000,))
    assert (x_test.shape, y_test.shape) == ((2000, 28, 28), (2000,))
    assert {array.dtype for array in (x_train, y_train, x_test, y_test)} == {np.dtype(np.uint8)}
    assert np.bincount(y_train, minlength=10).min() > 700
    assert np.bincount(y_train).size == 10

    assert x_train.max() == 255
    assert 25 < x_train.mean() < 50  # MNIST: 33
    border = np.ones((28, 28), bool)
    border[1:-1, 1:-1] = False
    assert x_train[:, border].mean() < 10  # paper, but for the noise
    assert not np.array_equal(x_train[:2000], x_test)
    assert len(np.unique(x_train.reshape(8000, -1), axis=0)) == 8000


def test_the_seed_fixes_the_digits(digits):
    (x, y), (x_test, y_test) = synthetic_digits.load_data(n_train=300, n_test=50)
    (x_full, y_full), (x_test_full, y_test_full) = digits
    for fewer, more in ((y, y_full), (y_test, y_test_full)):
        np.testing.assert_array_equal(fewer, more[: len(fewer)])
    for fewer, more in ((x, x_full), (x_test, x_test_full)):
        np.testing.assert_array_equal(fewer, more[: len(fewer)])
    (x_other, y_other), _ = synthetic_digits.load_data(n_train=300, n_test=0, seed=1)
    assert not np.array_equal(y, y_other)
    assert not np.array_equal(x, x_other)


def test_none_of_them():
    (x_train, y_train), (x_test, _) = synthetic_digits.load_data(n_train=0, n_test=3)
    assert x_train.shape == (0, 28, 28)
    assert y_train.shape == (0,)
    assert x_test.shape == (3, 28, 28)


@pytest.mark.parametrize("name", ["n_train", "n_test", "seed"])
def test_wrong_numbers_are_named(name):
    small = {"n_train": 1, "n_test": 1}
    with pytest.raises(ValueError, match=f"{name}=-1"):
        synthetic_digits.load_data(**{**small, name: -1})
    with pytest.raises(TypeError, match=rf"{name}=1\.5"):
        synthetic_digits.load_data(**{**small, name: 1.5})


def test_every_glyph_is_drawable():
    for texts in synthetic_digits.GLYPHS:
        for text in texts:
            points, middle, span = synthetic_digits._parse(text)
            assert len(points) <= synthetic_digits._MAX_POINTS
            assert middle.shape == span.shape == (synthetic_digits._DOTS, len(points))
            np.testing.assert_allclose(middle.sum(1), 1, atol=1e-5)  # moving all points moves all dots
            np.testing.assert_allclose(span.sum(1), 0, atol=1e-5)
            assert abs(middle @ points).max() < 13  # curves stay near the box of their points


def test_a_curve_goes_through_its_points():
    np.testing.assert_allclose(synthetic_digits._curve(4, 7)[::2], np.eye(4), atol=1e-12)
    line = synthetic_digits._curve(5, 41) @ np.arange(5.0)
    np.testing.assert_allclose(line, np.linspace(0, 4, 41), atol=1e-12)


def test_a_linear_model_stays_behind_a_network(digits):
    linear, network = (accuracy(digits, hidden) for hidden in (0, 128))
    assert 0.75 < linear < 0.93
    assert network > 0.93
    assert network > linear + 0.03


def accuracy(digits, hidden, epochs=12, batch_size=100, learning_rate=2e-3):
    """Test accuracy of softmax regression or of a network with one ReLU layer, trained by Adam."""
    (x, y), (x_test, y_test) = digits
    x, x_test = (images.reshape(len(images), -1) / np.float32(255) for images in (x, x_test))
    rng = np.random.default_rng(0)
    sizes = [784, hidden, 10] if hidden else [784, 10]
    weights = [
        rng.standard_normal(shape, dtype=np.float32) * np.float32(np.sqrt(1 / shape[0]))
        for shape in itertools.pairwise(sizes)
    ]
    weights += [np.zeros(size, np.float32) for size in sizes[1:]]
    means, squares = ([np.zeros_like(w) for w in weights] for _ in range(2))

    def forward(x):
        if not hidden:
            return x, x @ weights[0] + weights[1]
        h = np.maximum(x @ weights[0] + weights[2], 0)
        return h, h @ weights[1] + weights[3]

    for step in range(1, 1 + epochs * len(x) // batch_size):
        chosen = rng.integers(0, len(x), batch_size)
        h, logits = forward(x[chosen])
        g = np.exp(logits - logits.max(1, keepdims=True))
        g /= g.sum(1, keepdims=True)
        g[np.arange(batch_size), y[chosen]] -= 1
        g /= batch_size
        if hidden:
            g_hidden = (g @ weights[1].T) * (h > 0)
            gradients = [x[chosen].T @ g_hidden, h.T @ g, g_hidden.sum(0), g.sum(0)]
        else:
            gradients = [h.T @ g, g.sum(0)]
        for w, gradient, mean, square in zip(weights, gradients, means, squares, strict=True):
            mean += 0.1 * (gradient - mean)
            square += 0.001 * (gradient**2 - square)
            w -= learning_rate * (mean / (1 - 0.9**step)) / (np.sqrt(square / (1 - 0.999**step)) + 1e-7)
    return (forward(x_test)[1].argmax(1) == y_test).mean()
