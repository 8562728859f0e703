"""Compiling takes work in proportion to the number of operations, whatever the shape of the program.

Calls of functions are counted, of Python's and of C's, which gives the same number on every machine. Where work could
hide inside of one call (Python's own compiler, a search through a list), processor time is compared as well, with wide
margins.
"""

import sys
import time

import numpy as np
import pytest

import tinygrad_lite as tgl
from tinygrad_lite import optim

X = tgl.constant(np.linspace(0.1, 1, 12).reshape(3, 4))
SQUARE = tgl.constant(np.eye(4) * 0.9 + 0.01)


@tgl.primitive
def _users_product(x, y):
    return x * y


_users_product.defvjp(lambda g, y, a, b: g * b, lambda g, y, a, b: g * a)


@tgl.custom_gradient
def _users_gradient(x):
    return tgl.sin(x), lambda g: g * tgl.cos(x)


def _gradient(f, order=1):
    if order == 0:
        return f

    def derivative(x):
        with tgl.GradientTape() as tape:
            tape.watch(x)
            y = _gradient(f, order - 1)(x)
        return tape.gradient(y, x)

    return derivative


def _repeated(step, order=1):
    """The gradient of a chain of `n` steps."""

    def make(n):
        def chain(x):
            y = x
            for k in range(n):
                y = step(y, x, k)
            return y

        return tgl.function(_gradient(chain, order)), (X,)

    return make


def _listed(step):
    """`n` results, each computed from the one before it."""

    def make(n):
        def results(x):
            found = []
            for k in range(n):
                x = step(x, k)
                found.append(x)
            return found

        return tgl.function(results), (X,)

    return make


def _fan(n):
    return tgl.function(_gradient(lambda x: tgl.stack([tgl.sin(x * (k + 1.0)) for k in range(n)]))), (X,)


def _inputs(n):
    return tgl.function(lambda *xs: sum(tgl.sin(x) for x in xs)), [X] * n


def _constants(n):
    arrays = [np.full((3, 4), 1 + 1 / (k + 1)) for k in range(n)]
    return _repeated(lambda y, x, k: y * arrays[k])(n)


def _functions_in_a_row(n):
    inner = tgl.function(lambda x: tgl.sin(x) * 2.0)
    return _repeated(lambda y, x, k: inner(y))(n)


def _gradients_in_a_row(n):
    @tgl.function
    def descend(x):
        for _ in range(n):
            x = x - _gradient(lambda x: tgl.sin(x) * x)(x)
        return x

    return descend, (X,)


def _variables_added_to(n):
    variables = [tgl.Variable(np.ones(3)) for _ in range(n)]

    @tgl.function
    def add(x):
        for variable in variables:
            variable.assign_add(x[0, :3])
        return x

    return add, (X,)


def _variables_assigned(n):
    variables = [tgl.Variable(np.ones(3)) for _ in range(n)]

    @tgl.function
    def rotate(x):
        for variable, other in zip(variables, variables[1:] + variables[:1]):
            variable.assign(other * x[0, :3])

    return rotate, (X,)


def _one_variable_assigned(n):
    variable = tgl.Variable(np.ones(3))

    @tgl.function
    def shrink(x):
        for _ in range(n):
            variable.assign_sub(x[0, :3] * variable)
        return variable * 2.0

    return shrink, (X,)


def _variable_made(n):
    made = []

    @tgl.function
    def make(x):
        if not made:
            first = tgl.constant(1.0)
            for _ in range(n):
                first = first * 0.5 + first * 0.5
            made.append(tgl.Variable(first))
        return x * made[0]

    return make, (X,)


def _weights(n):
    weights, optimizer = [tgl.Variable(np.eye(4)) for _ in range(n)], optim.SGD(0.1)

    @tgl.function
    def step(x):
        with tgl.GradientTape() as tape:
            for weight in weights:
                x = tgl.tanh(x @ weight)
        optimizer.apply_gradients(zip(tape.gradient(x, weights), weights))

    return step, (X,)


def _steps(n):
    weight, optimizer = tgl.Variable(np.eye(4)), optim.SGD(0.001)

    @tgl.function
    def train(x):
        for _ in range(n):
            with tgl.GradientTape() as tape:
                y = tgl.tanh(x @ weight.T)
            optimizer.apply_gradients([(tape.gradient(y, weight), weight)])
        return y

    return train, (X,)


def _turned(x, k):
    return x.reshape((4, 3) if k % 2 == 0 else (3, 4))


def _halves(y, x, k):
    left, right = tgl.split(y, 2, axis=1)
    return tgl.concatenate([tgl.sin(right), left], axis=1)


SHAPES = {
    "a chain": _repeated(lambda y, x, k: tgl.sin(y) * x),
    "a chain without a gradient": _repeated(lambda y, x, k: tgl.sin(y) * x, order=0),
    "a chain, second order": _repeated(lambda y, x, k: tgl.sin(y) * x, order=2),
    "a chain, third order": _repeated(lambda y, x, k: y * x, order=3),
    "a chain of matrix products": _repeated(lambda y, x, k: tgl.tanh(y @ SQUARE + 0.5)),
    "a chain of constants": _constants,
    "a chain of user's primitives": _repeated(lambda y, x, k: _users_product(y, tgl.sin(x))),
    "a chain of user's primitives with other arguments": _repeated(
        lambda y, x, k: _users_product(y, x * (1 + 1 / (k + 1)))
    ),
    "a chain of custom gradients": _repeated(lambda y, x, k: _users_gradient(y)),
    "a chain of rules that know values": _repeated(lambda y, x, k: y / tgl.linalg.norm(y, 2)),
    "one tensor again and again": _repeated(lambda y, x, k: y + x),
    "halves": _repeated(_halves),
    "functions in a row": _functions_in_a_row,
    "gradients in a row": _gradients_in_a_row,
    "a fan": _fan,
    "inputs": _inputs,
    "outputs": _listed(lambda x, k: tgl.sin(x)),
    "views": _repeated(lambda y, x, k: _turned(y, k)),
    "reversed views": _repeated(lambda y, x, k: y[..., ::-1]),
    "views between operations": _repeated(lambda y, x, k: tgl.sin(_turned(y, k))[::-1]),
    "views handed out": _listed(_turned),
    "transposes": _listed(lambda x, k: x.T),
    "transposes that are used": _repeated(lambda y, x, k: tgl.sin(y.T)),
    "Variables added to": _variables_added_to,
    "Variables assigned": _variables_assigned,
    "one Variable assigned": _one_variable_assigned,
    "a Variable made": _variable_made,
    "weights": _weights,
    "steps of an optimizer": _steps,
}


def _calls(make, n):
    """How many functions are called while a program of `n` parts is traced, written and run for the first time."""
    function, arguments = make(n)
    count = 0

    def hook(frame, event, argument):
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(hook)
    try:
        function(*arguments)
    finally:
        sys.setprofile(before)
    return count


@pytest.mark.parametrize("name", SHAPES)
def test_calls_grow_with_the_number_of_operations(name):
    make = SHAPES[name]
    _calls(make, 2)  # what is done once in a process
    few, some, many = (_calls(make, n) for n in (8, 72, 264))
    assert many - few < 4.4 * (some - few), f"{some} calls for 72 parts, {many} for 264"


def _seconds(make, n):
    function, arguments = make(n)
    start = time.process_time()
    function(*arguments)
    return time.process_time() - start


@pytest.mark.parametrize(
    "name", ["a chain", "a fan", "views", "inputs", "outputs", "Variables added to", "steps of an optimizer"]
)
def test_time_grows_with_the_number_of_operations(name):
    make = SHAPES[name]
    _seconds(make, 8)
    ratios = []
    for _ in range(3):  # the time of a machine that does other things as well
        ratios.append(_seconds(make, 1600) / _seconds(make, 200))
        if ratios[-1] < 20:
            return
    pytest.fail(
        f"8 times the operations took {[round(ratio) for ratio in ratios]} times as long; in proportion it is 8"
    )


def test_a_chain_of_transposes_is_one():
    @tgl.function
    def turned(x):
        y = x.T
        for _ in range(101):
            y = y.T
        return y.T, tgl.sin(y)

    for _ in range(2):
        turned_once, sines = turned(X)
        np.testing.assert_array_equal(turned_once, X.numpy().T)
        np.testing.assert_array_equal(sines, np.sin(X))
    assert ".T.T" not in turned.source()
