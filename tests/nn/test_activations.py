"""Activations: Keras's names lead to functions that compute Keras's formulas, here against plain Python."""

import math

import numpy as np
import pytest

import tinygrad_lite as tgl
from tinygrad_lite import nn
from tinygrad_lite.nn import activations
from tinygrad_lite.testing import check_gradients


def sigmoid(x):
    return 1 / (1 + math.exp(-x)) if x > -700 else 0.0


FORMULAS = {
    "relu": lambda x: max(x, 0.0),
    "sigmoid": sigmoid,
    "tanh": math.tanh,
    "elu": lambda x: x if x > 0 else math.expm1(x),
    "selu": lambda x: 1.05070098 * (x if x > 0 else 1.67326324 * math.expm1(x)),
    "softplus": lambda x: max(x, 0.0) + math.log1p(math.exp(-abs(x))),
    "softsign": lambda x: x / (1 + abs(x)),
    "gelu": lambda x: x * math.erfc(-x / math.sqrt(2)) / 2,
    "silu": lambda x: x * sigmoid(x),
    "swish": lambda x: x * sigmoid(x),
    "leaky_relu": lambda x: x if x >= 0 else 0.2 * x,
    "exponential": math.exp,
    "linear": lambda x: x,
    "hard_sigmoid": lambda x: min(max(x / 6 + 0.5, 0.0), 1.0),
    "log_sigmoid": lambda x: min(x, 0.0) - math.log1p(math.exp(-abs(x))),
    "mish": lambda x: x * math.tanh(max(x, 0.0) + math.log1p(math.exp(-abs(x)))),
}
POINTS = np.array([-20.0, -3.5, -1.0, -0.25, 0.0, 0.25, 1.0, 3.5, 20.0])


@pytest.mark.parametrize("name", FORMULAS)
def test_formulas(name):
    expected = [FORMULAS[name](x) for x in POINTS.tolist()]
    np.testing.assert_allclose(activations.get(name)(POINTS), expected, rtol=1e-7, atol=1e-300)
    np.testing.assert_allclose(activations.get(name)(POINTS.astype("float32")), expected, rtol=2e-6, atol=1e-7)


def test_softmax_and_log_softmax():
    x = np.array([[1.0, 2.0, 3.0], [1000.0, 0.0, -1000.0]])
    total = math.exp(-2) + math.exp(-1) + 1
    expected = [[math.exp(-2) / total, math.exp(-1) / total, 1 / total], [1.0, 0.0, 0.0]]
    np.testing.assert_allclose(activations.get("softmax")(x), expected, rtol=1e-14)
    expected = [[-2 - math.log(total), -1 - math.log(total), -math.log(total)], [0.0, -1000.0, -2000.0]]
    np.testing.assert_allclose(activations.get("log_softmax")(x), expected, rtol=1e-14)


def test_every_name_has_a_formula_here():
    with pytest.raises(ValueError, match="Known: ") as error:
        activations.get("?")
    known = str(error.value).partition("Known: ")[2]
    assert {name.strip("'. ") for name in known.split(",")} == {*FORMULAS, "softmax", "log_softmax"}


@pytest.mark.parametrize("name", [*FORMULAS, "softmax", "log_softmax"])
def test_in_a_layer(name):
    """Shape and dtype stay; gradients go through the layer, first and second order."""
    x = np.random.default_rng(0).normal(size=(3, 4))
    for layer in (nn.Activation(name, dtype="float64"), nn.Dense(4, name, dtype="float64")):
        y = layer(x)
        assert (y.shape, y.dtype) == ((3, 4), "float64")
        check_gradients(layer, x)
    expected = activations.get(name)(x).numpy()
    assert (nn.Activation(name)(x).numpy() == expected).all()


def test_get():
    assert activations.get(None) is activations.linear
    assert activations.get("relu") is tgl.relu is tgl.nn.relu
    assert activations.get("ReLU") is tgl.relu
    double = lambda x: 2 * x
    assert activations.get(double) is double
    assert nn.Dense(1, double, kernel_initializer="ones")([[3.0]]).item() == 6.0


def test_get_of_an_unknown_name():
    message = r"Unknown activation\. Received: 'rellu'\. Did you mean 'relu'\? Known: 'elu', .*'softmax'"
    for make in (activations.get, nn.Activation, lambda name: nn.Dense(3, name)):
        with pytest.raises(ValueError, match=message):
            make("rellu")
    with pytest.raises(TypeError, match=r"name of a known activation, or one itself\. Received: 3 of type int"):
        nn.Dense(3, activation=3)


def test_integers_are_made_floating():
    assert nn.Activation("sigmoid")(np.array([[0, 0]])).dtype == "float32"
    assert nn.Activation("relu")(np.array([[-1, 2]])).numpy().tolist() == [[0.0, 2.0]]
