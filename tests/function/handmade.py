"""Nodes made by hand, as a tracer would have made them: for tests of one pass, or of the schedule, alone."""

import numpy as np

import tinygrad_lite as tgl
import tinygrad_lite.optim
from tinygrad_lite.compiler.node import Node


def entered(shape=(3, 4), dtype="float32"):
    """An argument of the function."""
    return Node("input", np.linspace(0.5, 2, int(np.prod(shape)), dtype=dtype).reshape(shape), (), 0)


def constant(value, name=None):
    node = Node("constant", np.asarray(value, np.float32))
    node.name = name
    return node


def read(variable):
    """The value of a Variable."""
    return Node("variable", variable._array, (), variable)


def call(primitive, *inputs, name=None, section="forward", **metadata):
    """A primitive, applied to nodes and numbers."""
    arrays = [x.value if isinstance(x, Node) else x for x in inputs]
    node = Node("call", np.asarray(primitive.forward(*arrays, **metadata)), inputs, primitive)
    node.metadata, node.name, node.section = metadata, name, section
    return node


def turned(x):
    """x.T"""
    return call(tgl.transpose, x, axes=None)


def update(gradient, variable):
    optimizer = tgl.optim.SGD(0.5)
    optimizer.build([variable])
    node = Node("update", np.zeros(0), (gradient,), (optimizer, [variable]))
    node.section = "update"
    return node


def random(like):
    """Random numbers, drawn at every call."""
    return call(drawn, like)


@tgl.nondifferentiable
def drawn(x):
    return np.random.default_rng(0).normal(size=x.shape)


drawn.is_random = True
