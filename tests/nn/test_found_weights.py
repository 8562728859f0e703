"""A trainable Variable that the loss is computed from, but that is not found in the model, is told of."""

import collections
import dataclasses
import functools
import types

import numpy as np
import pytest

import tinygrad_lite as tgl
from tinygrad_lite import nn
from tinygrad_lite.core.strict import StrictError, SuspicionWarning

X = np.ones((6, 2), np.float32)


@dataclasses.dataclass
class Held:
    item: object


class Slots:
    __slots__ = ("item",)


def in_slots(item):
    held = Slots()
    held.item = item
    return held


MODULE = types.ModuleType("holder")

HOLDERS = {
    "set": (lambda item: {item}, lambda held: next(iter(held))),
    "frozenset": (lambda item: frozenset([item]), lambda held: next(iter(held))),
    "simple namespace": (lambda item: types.SimpleNamespace(item=item), lambda held: held.item),
    "dataclass": (Held, lambda held: held.item),
    "slots": (in_slots, lambda held: held.item),
    "deque": (lambda item: collections.deque([item]), lambda held: held[0]),
    "user list": (lambda item: collections.UserList([item]), lambda held: held[0]),
    "dict view": (lambda item: {0: item}.values(), lambda held: next(iter(held))),
    "partial": (lambda item: functools.partial(lambda x: x, item), lambda held: held()),
    "closure": (lambda item: lambda: item, lambda held: held()),
    "module": (lambda item: setattr(MODULE, "item", item) or MODULE, lambda held: held.item),
    "object array": (lambda item: np.array([item, None], object)[:1], lambda held: held[0]),
}
FOUND = {
    "attribute": (lambda item: item, lambda held: held),
    "list": (lambda item: [item], lambda held: held[0]),
    "named tuple": (collections.namedtuple("Pair", "item"), lambda held: held.item),
    "ordered dict": (lambda item: collections.OrderedDict(a=item), lambda held: held["a"]),
    "nested": (lambda item: [{"a": (item,)}], lambda held: held[0]["a"][0]),
}


class Scale(nn.Layer):
    def __init__(self, name, what):
        super().__init__()
        self.take = (HOLDERS | FOUND)[name][1]
        self.held = (HOLDERS | FOUND)[name][0](what)

    def call(self, x):
        item = self.take(self.held)
        return item(x) if callable(item) else x * item


def scale():
    return tgl.Variable(2.0, name="hidden_scale")


def inner_layer():
    layer = nn.Dense(2, name="hidden_layer")
    layer.build((None, 2))
    return layer


def model_with(name, what):
    model = nn.Sequential([nn.Dense(2), Scale(name, what()), nn.Dense(1)])
    model.compile("sgd", "mse")
    return model


@pytest.mark.parametrize("what", [scale, inner_layer])
@pytest.mark.parametrize("name", HOLDERS)
def test_what_is_not_found_is_told_once(name, what):
    model = model_with(name, what)
    with pytest.warns(SuspicionWarning, match="hidden_") as warned:
        model.fit(X, X[:, :1], epochs=3, verbose=0)
    assert len([w for w in warned if "not trained" in str(w.message)]) == 1
    with pytest.raises(StrictError, match="hidden_"), tgl.strict():
        model_with(name, what).fit(X, X[:, :1], verbose=0)


@pytest.mark.parametrize("what", [scale, inner_layer])
@pytest.mark.parametrize("name", FOUND)
def test_what_is_found_is_trained(name, what):
    model = model_with(name, what)
    model.build((None, 2))
    before = model.get_weights()
    model.fit(X, 3 * X[:, :1], epochs=2, verbose=0)
    assert len(before) == 5 + (what is inner_layer)
    assert all((old != new).any() for old, new in zip(before, model.get_weights()))


def test_variables_of_the_loss_are_told_of_too():
    weight = tgl.Variable(1.0, name="weight_of_the_loss")
    model = nn.Sequential([nn.Dense(1)])
    model.compile("sgd", lambda y, p: tgl.square(y - p) * weight)
    with pytest.warns(SuspicionWarning, match="weight_of_the_loss"):
        model.fit(X, X[:, :1], verbose=0)


def test_variables_that_are_not_to_be_trained_are_nothing_to_tell():
    weight = tgl.Variable(1.0, trainable=False)
    model = nn.Sequential([nn.Dense(1)])
    model.compile("sgd", lambda y, p: tgl.square(y - p) * weight)
    model.fit(X, X[:, :1], verbose=0)


def test_frozen_layers_are_nothing_to_tell():
    model = nn.Sequential([nn.Dense(2, trainable=False), nn.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(X, X[:, :1], verbose=0)
