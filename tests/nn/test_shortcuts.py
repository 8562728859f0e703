"""A cross-entropy is computed from logits only by a loss and an activation that are known to be what they stand for."""

import types

import numpy as np
import pytest

import tinygrad_lite as tgl
from tinygrad_lite import nn
from tinygrad_lite.nn import losses

KINDS = {
    losses.BinaryCrossentropy: ("sigmoid", np.array([[1.0], [0.0], [1.0]], np.float32), 1),
    losses.CategoricalCrossentropy: ("softmax", np.eye(3, dtype=np.float32), 3),
    losses.SparseCategoricalCrossentropy: ("softmax", np.array([0, 1, 2]), 3),
}
X = np.array([[1.0, -2.0], [0.5, 3.0], [-1.0, 0.25]], np.float32)


def predictions(self, y_true, y_pred):
    """A loss that is a prediction itself: from logits it is another number."""
    return y_pred[..., 0]


def overridden_call(cls, monkeypatch):
    return type("Mine", (cls,), {"call": predictions})()


def overridden_grandparent(cls, monkeypatch):
    return type("Mine", (type("Base", (cls,), {"call": predictions}),), {})()


def mixin(cls, monkeypatch):
    return type("Mine", (type("Mixin", (), {"call": predictions}), cls), {})()


def overridden_special_call(cls, monkeypatch):
    return type("Mine", (cls,), {"__call__": lambda self, y, p, sample_weight=None: tgl.mean(p[..., 0])})()


def call_of_the_instance(cls, monkeypatch):
    loss = cls()
    loss.call = types.MethodType(predictions, loss)
    return loss


def function_of_the_instance(cls, monkeypatch):
    loss = cls()
    loss.fn = lambda y_true, y_pred, **options: y_pred[..., 0]
    return loss


def other_class_of_the_instance(cls, monkeypatch):
    loss = cls()
    loss.__class__ = type("Mine", (cls,), {"call": predictions})
    return loss


def monkeypatched_class(cls, monkeypatch):
    monkeypatch.setattr(cls, "call", predictions, raising=False)
    return cls()


def monkeypatched_base(cls, monkeypatch):
    monkeypatch.setattr(losses.LossFunctionWrapper, "call", predictions)
    return cls()


def monkeypatched_special_call(cls, monkeypatch):
    monkeypatch.setattr(losses.Loss, "__call__", lambda self, y, p, sample_weight=None: tgl.mean(p[..., 0]))
    return cls()


WAYS = [
    overridden_call, overridden_grandparent, mixin, overridden_special_call, call_of_the_instance,
    function_of_the_instance, other_class_of_the_instance, monkeypatched_class, monkeypatched_base,
    monkeypatched_special_call,
]  # fmt: skip


def model_for(cls, activation=None):
    name, labels, units = KINDS[cls]
    tgl.random.set_seed(0)
    model = nn.Sequential([nn.Dense(units, activation=activation or name)])
    return model, labels


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("cls", KINDS)
def test_a_loss_that_is_not_as_written_gets_what_the_model_gives(cls, way, monkeypatch):
    model, labels = model_for(cls)
    model.compile("sgd", way(cls, monkeypatch))
    expected = model(X).numpy()[:, 0].mean()
    assert model.evaluate(X, labels, verbose=0) == pytest.approx(expected, rel=1e-5)
    assert model.fit(X, labels, verbose=0).history["loss"][0] == pytest.approx(expected, rel=1e-5)


def test_a_subclass_with_a_temperature_of_its_own():
    class Softer(losses.CategoricalCrossentropy):
        def call(self, y_true, y_pred):
            return super().call(y_true, tgl.sqrt(y_pred))

    model, labels = model_for(losses.CategoricalCrossentropy)
    model.compile("sgd", Softer())
    p = np.sqrt(model(X).numpy())
    expected = -np.log((p / p.sum(axis=1, keepdims=True))[np.arange(3), np.arange(3)]).mean()
    assert model.evaluate(X, labels, verbose=0) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("cls", KINDS)
def test_an_activation_that_is_not_the_packages_own(cls):
    activation = tgl.sigmoid if cls is losses.BinaryCrossentropy else tgl.softmax
    model, labels = model_for(cls, activation=lambda x: activation(0.5 * x))
    model.compile("sgd", cls())
    y_pred = model(X)
    expected = float(cls()(labels, y_pred))
    assert model.evaluate(X, labels, verbose=0) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("cls", KINDS)
def test_what_is_as_written_takes_the_shortcut(cls):
    """Else a confident wrong answer would cost log(1e7) at the most."""
    model, labels = model_for(cls)
    model.compile("sgd", cls())
    model.build((None, 2))
    model.set_weights([1e3 * w for w in model.get_weights()])
    assert model.evaluate(X, labels, verbose=0) > 100
