"""`tgl.strict()` in loops written by hand: what is seen, and what must be left alone."""

import warnings

import numpy as np
import pytest

import tinygrad_lite as tgl
from tinygrad_lite import nn, optim
from tinygrad_lite.core.strict import StrictError
from tinygrad_lite.diagnostics.suspicions import FIRST_STEPS

RNG = np.random.default_rng(0)
X = RNG.normal(size=(32, 4)).astype("float32")
Y = X[:, :1] - 2 * X[:, 1:2]
LABELS = (Y[:, 0] > 0).astype("int64")


@pytest.fixture(autouse=True)
def seed():
    tgl.random.set_seed(0)


def squared(y, p):
    return tgl.mean(tgl.square(y - p))


def entropy(y, p):
    return tgl.mean(nn.losses.sparse_categorical_crossentropy(y, p))


def entropy_of_logits(y, p):
    return tgl.mean(nn.losses.sparse_categorical_crossentropy(y, p, from_logits=True))


def train(layers, loss, optimizer, x=X, y=Y, steps=FIRST_STEPS + 5):
    for _ in range(steps):
        with tgl.GradientTape() as tape:
            h = x
            for layer in layers:
                h = layer(h)
            value = loss(y, h)
        weights = [w for layer in layers for w in getattr(layer, "trainable_variables", [])]
        optimizer.apply_gradients(zip(tape.gradient(value, weights), weights))


class Product:
    """A layer of one's own, without a name."""

    def __init__(self):
        self.trainable_variables = [tgl.Variable(np.ones((4, 1), "float32"))]

    def __call__(self, x):
        return tgl.matmul(x, self.trainable_variables[0])


PIXELS = RNG.integers(0, 256, (32, 4)) * (np.arange(4) > 0)
SUSPICIOUS = {
    "pixels": (lambda: [nn.Dense(1)], squared, 0.001, {"x": PIXELS}, "dense expected .*Pixels: pass x / 255"),
    "integers": (
        lambda: [Product()],
        squared,
        0.001,
        {"x": PIXELS % 9},
        "matmul expected floats. Received: int64",
    ),
    "a loss that broadcasts": (lambda: [nn.Dense(1)], squared, 0.01, {"y": Y[:, 0]}, r"shapes \(32,\) and \(32, 1\)"),
    "a dead layer": (
        lambda: [nn.Dense(8, "relu", bias_initializer=nn.initializers.Constant(-100.0), name="dead"), nn.Dense(1)],
        squared,
        0.01,
        {},
        "dead expected a relu that is positive",
    ),
    "softmax twice": (
        lambda: [nn.Dense(2, "softmax"), nn.Activation("softmax")],
        entropy,
        0.01,
        {"y": LABELS},
        "activation expected logits. Received: what softmax",
    ),
    "softmax and from_logits": (
        lambda: [nn.Dense(2, "softmax")],
        entropy_of_logits,
        0.01,
        {"y": LABELS},
        "The loss expected logits",
    ),
    "a learning rate that is too large": (lambda: [nn.Dense(1)], squared, 1.5, {}, "The learning rate 1.5 is too"),
    "weights that do not move": (
        lambda: [nn.Dense(2, name="first"), nn.Dense(1, name="last")],
        squared,
        1e-30,
        {},
        "Received: first/kernel, last/kernel, bit by bit the same after 30 steps",
    ),
}


@pytest.mark.parametrize("name", SUSPICIOUS)
def test_a_loop_that_is_suspicious(name):
    make, loss, rate, data, words = SUSPICIOUS[name]
    with tgl.strict(), pytest.raises(StrictError, match=words):
        train(make(), loss, optim.SGD(rate), **data)


def test_without_strict_nobody_looks():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for make, loss, rate, data, *_ in SUSPICIOUS.values():
            if rate < 1 and "x" not in data:
                train(make(), loss, optim.SGD(rate), **data)


def test_what_is_meant_is_left_alone():
    with tgl.strict():
        train([nn.Dense(8, "relu"), nn.Dense(1)], squared, optim.Adam(0.01), steps=120)
        column, row = tgl.Variable(np.ones((4, 1), "float32")), tgl.Variable(np.ones(3, "float32"))
        with tgl.GradientTape(persistent=True) as tape:
            table = tgl.sum(column * row)  # (4, 1) and (3,): an outer product, on purpose
            with tgl.GradientTape() as inner:
                energy = tgl.sum(column**3.0)
            slope = inner.gradient(energy, column)
        assert tape.gradient(table, row).shape == (3,)
        assert tape.gradient(slope, column).shape == (4, 1)


def test_a_change_of_the_learning_rate_is_no_divergence_of_a_second_optimizer():
    layers = [nn.Dense(1)]
    with tgl.strict():
        train(layers, squared, optim.SGD(0.05), steps=10)
        train(layers, squared, optim.SGD(0.05), y=Y * 100, steps=10)  # its own first loss counts
