"""A layer's weights are found by looking, and what was found is kept: until anything changes that it depends on."""

import copy
import gc
import pickle
import weakref

import numpy as np
import pytest

import tinygrad_lite as tgl
from tinygrad_lite import nn
from tinygrad_lite.nn.layers.search import walk


class Block(nn.Layer):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.scale = tgl.Variable(1.0, name="scale")
        self.spare = None
        self.number = 1
        self.empty = []
        self.items = [1, tgl.Variable(2.0, name="item")]
        self.others = [tgl.Variable(3.0, name="other"), tgl.Variable(3.0, name="another")]
        self.table = {"inner": nn.Dense(2, name="inner"), "mark": 0}
        self.nested = ([tgl.Variable(4.0, name="deep")], 5)

    def call(self, inputs):
        return self.table["inner"](inputs) * self.scale


class Net(nn.Model):
    def __init__(self):
        super().__init__()
        self.first = Block()
        self.frozen = Block(trainable=False)

    def call(self, inputs):
        return self.frozen(self.first(inputs))


def made():
    net = Net()
    net(np.ones((1, 2), "float32"))
    return net


def searched(layer, trainable):
    """What a search that keeps nothing finds."""
    found = []
    for _, variables, is_free in walk(layer):
        for variable in variables:
            if trainable is None or trainable is (is_free and variable.trainable):
                found += [] if any(variable is other for other in found) else [variable]
    return found


def same(these, those):
    return len(these) == len(those) and all(a is b for a, b in zip(these, those))


def agree(layer):
    return (
        same(layer.weights, searched(layer, None))
        and same(layer.trainable_weights, searched(layer, True))
        and same(layer.non_trainable_weights, searched(layer, False))
    )


def _shift(net):
    """The same values in the same order, but one list gives its last to the next, which a frozen layer has."""
    inner = net.first.table["inner"]
    inner.trainable = False
    assert agree(net)
    inner._weights.insert(0, net.first.nested[0].pop())


CHANGES = {
    "a Variable where there was None": lambda net: setattr(net.first, "spare", tgl.Variable(0.0)),
    "a Variable where there was a number": lambda net: setattr(net.first, "number", tgl.Variable(0.0)),
    "another Variable": lambda net: setattr(net.first, "scale", tgl.Variable(1.0)),
    "another attribute": lambda net: setattr(net.first, "new", tgl.Variable(0.0)),
    "an attribute less": lambda net: delattr(net.first, "scale"),
    "past setattr": lambda net: vars(net.first).update(spare=tgl.Variable(0.0)),
    "another __dict__": lambda net: setattr(net.first, "__dict__", {**vars(net.first), "scale": tgl.Variable(1.0)}),
    "another __dict__ of the root": lambda net: setattr(net, "__dict__", {**vars(net), "first": Block()}),
    "into an empty list": lambda net: net.first.empty.append(tgl.Variable(0.0)),
    "into a list": lambda net: net.first.items.append(tgl.Variable(0.0)),
    "an item of a list": lambda net: net.first.items.__setitem__(1, tgl.Variable(0.0)),
    "a number in a list": lambda net: net.first.items.__setitem__(0, tgl.Variable(0.0)),
    "out of a list": lambda net: net.first.items.clear(),
    "another list": lambda net: setattr(net.first, "items", [1, tgl.Variable(2.0)]),
    "from one list into the next": _shift,
    "the order of a list": lambda net: net.first.others.reverse(),
    "into a dict": lambda net: net.first.table.update(more=nn.Activation("relu"), most=tgl.Variable(0.0)),
    "a value of a dict": lambda net: net.first.table.update(mark=tgl.Variable(0.0)),
    "a list in a tuple": lambda net: net.first.nested[0].append(tgl.Variable(0.0)),
    "another tuple": lambda net: setattr(net.first, "nested", ([tgl.Variable(4.0)], 5)),
    "a layer": lambda net: setattr(net.first, "number", Block()),
    "a layer in a layer": lambda net: setattr(net.first.table["inner"], "kernel", tgl.Variable(np.ones((2, 2)))),
    "a Variable that is not trained": lambda net: setattr(net.first.scale, "trainable", False),
    "a layer that is not trained": lambda net: setattr(net.first, "trainable", False),
    "a layer that is trained again": lambda net: setattr(net.frozen, "trainable", True),
    "a model that is not trained": lambda net: setattr(net, "trainable", False),
    "a Variable of a free layer in a frozen one": lambda net: setattr(net.frozen, "scale", net.first.scale),
    "layers that change places": lambda net: vars(net).update(first=net.frozen, frozen=net.first),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_noticed(change):
    net = made()
    before = net.weights, net.trainable_weights
    assert agree(net)
    CHANGES[change](net)
    for layer in (net, net.first, net.frozen):
        layer.built = True  # a new layer within is as good as built for this
        assert agree(layer)
    after = net.weights, net.trainable_weights
    assert not (same(before[0], after[0]) and same(before[1], after[1]))


def test_of_what_does_not_count_any_value_will_do():
    net = made()
    known = net._search
    assert agree(net)
    kept = known._known
    net.first.number += 1
    net.first.note = None
    assert agree(net)
    searched_again = known._known
    assert searched_again is not kept
    net.first.number += 1
    net.first.table["mark"] = 7
    assert agree(net)
    assert known._known is searched_again


def test_the_answer_is_the_callers():
    net = made()
    net.weights.clear()
    net.trainable_weights.clear()
    assert agree(net)
    assert len(net.weights) == 14


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda net: pickle.loads(pickle.dumps(net))])
def test_copies(copied):
    net = made()
    assert agree(net)
    twin = copied(net)
    assert agree(twin)
    twin.first = Block(trainable=False)
    twin.built = True
    assert agree(twin)
    assert agree(net)
    assert not same(twin.trainable_weights, net.trainable_weights)


def test_a_model_is_gone_when_nobody_holds_it():
    net = made()
    assert agree(net)
    weight = weakref.ref(net.first.scale)
    gc.disable()
    try:
        del net
        assert weight() is None
    finally:
        gc.enable()


def test_layers_that_hold_each_other():
    net = made()
    net.first.parent = net
    assert agree(net)
    assert agree(net.first)
