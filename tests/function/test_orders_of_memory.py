"""Arrays in any order of memory: compiled and eager agree to the last bit, because sums add up in the same order.

NumPy adds up in the order in which numbers lie in memory, and lays out results like arguments. So a program's buffers
have to lie as eager code's arrays do. Random programs of operations that change the order, or ask for it, are compared
here; `TINYGRAD_LITE_PROGRAMS=10000 python -m pytest tests/function/test_orders_of_memory.py` compares more.
"""

import os

import numpy as np
import pytest

import tinygrad_lite as tgl
from tinygrad_lite import optim
from tinygrad_lite.core.tensor import wrap

SHAPES = [(6, 30), (40, 30), (2, 35), (30, 2), (10, 10), (4, 2), (16, 70), (2, 2)]
LAYOUTS = {
    "C": np.ascontiguousarray,
    "Fortran": np.asfortranarray,
    "strided": lambda x: np.repeat(x, 2, axis=-1)[..., ::2],
    "Fortran strided": lambda x: np.asfortranarray(np.repeat(x, 2, axis=-1))[..., ::2],
    "rows reversed": lambda x: np.ascontiguousarray(x[::-1])[::-1],
    "columns reversed": lambda x: np.ascontiguousarray(x[:, ::-1])[:, ::-1],
    "Fortran reversed": lambda x: np.asfortranarray(x[::-1])[::-1],
    "a row": lambda x: np.broadcast_to(x[:1], x.shape),
    "a column": lambda x: np.broadcast_to(x[:, :1], x.shape),
    "a number": lambda x: np.broadcast_to(x[:1, :1], x.shape),
}
UNARY = {
    "sin": tgl.sin,
    "exp": lambda x: tgl.exp(-x * x),
    "transpose": lambda x: x.T,
    "transposed inside": lambda x: tgl.transpose(tgl.reshape(x, (2, -1, x.shape[1])), (2, 0, 1)).reshape(x.shape),
    "moveaxis": lambda x: tgl.moveaxis(x, 0, 1),
    "einsum": lambda x: tgl.einsum("ij->ji", x),
    "gradient down": lambda x: tgl.gradient(x, axis=0),
    "gradient across": lambda x: tgl.gradient(x, axis=1),
    "diff": lambda x: tgl.diff(x, axis=0, prepend=x[:1]),
    "sort": lambda x: tgl.sort(x, axis=0),
    "cumsum down": lambda x: tgl.cumsum(x, axis=0),
    "cumsum across": lambda x: tgl.cumsum(x, axis=1),
    "flip": lambda x: tgl.flip(x, 0),
    "reversed": lambda x: x[:, ::-1],
    "roll": lambda x: tgl.roll(x, 1, axis=0),
    "pad": lambda x: tgl.pad(x, 1)[1:-1, 1:-1],
    "rows taken": lambda x: x[np.arange(x.shape[0])[::-1]],
    "columns taken": lambda x: x[:, np.arange(x.shape[1])],
    "concatenate down": lambda x: tgl.concatenate([x[::2], x[1::2]], axis=0),
    "concatenate across": lambda x: tgl.concatenate([x[:, 1:], x[:, :1]], axis=1),
    "split": lambda x: tgl.concatenate(tgl.split(x, 2, axis=0)[::-1], axis=0),
    "stack last": lambda x: tgl.stack([x, x * 2.0], axis=2)[..., 0],
    "stack between": lambda x: tgl.mean(tgl.stack([x, x * 2.0], axis=1), axis=1),
    "stack first": lambda x: tgl.sum(tgl.stack([x, x.T.T * 2.0], axis=0), axis=0),
    "repeat": lambda x: tgl.repeat(x, 2, axis=0)[::2],
    "tile": lambda x: tgl.tile(x, (1, 2))[:, : x.shape[1]],
    "flat and back": lambda x: tgl.reshape(tgl.reshape(x, (-1,)), x.shape),
    "flat in Fortran's order and back": lambda x: tgl.ravel(x, order="F").reshape(x.shape),
    "copy": tgl.copy,
    "softmax down": lambda x: tgl.softmax(x, axis=0),
    "softmax across": tgl.softmax,
    "log_softmax down": lambda x: tgl.log_softmax(x, axis=0),
    "logsumexp": lambda x: tgl.logsumexp(x, axis=0) + x * 0.5,
    "mean down": lambda x: x - tgl.mean(x, axis=0),
    "mean across": lambda x: x - tgl.mean(x, axis=1, keepdims=True),
    "max": lambda x: x / (tgl.max(tgl.absolute(x), axis=0) + 1.0),
    "std": lambda x: x / (tgl.std(x, axis=0) + 1.0),
    "prod": lambda x: x * tgl.prod(x[:2], axis=0),
    "norm": lambda x: x / tgl.sqrt(tgl.sum(x * x) + 1.0),
    "where": lambda x: tgl.where(x > 0, x, x * 0.1),
    "a row for each": lambda x: x + tgl.broadcast_to(x[:1], x.shape),
    "a column for each": lambda x: tgl.broadcast_to(x[:, :1], x.shape) * 1.5,
    "outer": lambda x: tgl.multiply(x[:, :1], x[:1]),
    "tril": tgl.tril,
    "ones_like": lambda x: tgl.ones_like(x) * 0.3 + x,
    "stop_gradient": tgl.stop_gradient,
}
BINARY = {
    "add": tgl.add,
    "multiply": tgl.multiply,
    "maximum": tgl.maximum,
    "hypot": tgl.hypot,
    "divide": lambda a, b: a / (b * b + 1.0),
    "matmul": lambda a, b: a @ (a.T @ b) * 0.01,
    "where": lambda a, b: tgl.where(a > b, a, b),
    "concatenate down": lambda a, b: tgl.concatenate([a[:1], b[1:]], axis=0),
    "concatenate across": lambda a, b: tgl.concatenate([a[:, :1], b[:, 1:]], axis=1),
    "row": lambda a, b: a + b[0],
    "column": lambda a, b: a * b[:, :1],
}
WAYS = ["values", "gradients", "a step of SGD", "a step of Adam"]


def random_steps(rng):
    """A list of steps: an operation, and which earlier values it is applied to."""
    steps = []
    for n in range(rng.integers(1, 7)):
        table, count = (UNARY, 1) if rng.random() < 0.7 else (BINARY, 2)
        name = list(table)[rng.integers(len(table))]
        steps.append((name, table[name], rng.integers(0, n + 3, count).tolist()))
    return steps


def with_sums(values):
    """The values, and sums of them that depend on their order in memory."""
    sums = (tgl.mean, tgl.std, lambda x: tgl.sum(x * 0.3, axis=0), lambda x: tgl.sum(x, axis=1))
    return [y for x in values for y in (x, *(each(x) for each in sums))]


def program(steps, way, start):
    """A function of two matrices, and the Variable that it reads and may change."""
    v = tgl.Variable(start)
    optimizer = optim.Adam(0.01) if way == "a step of Adam" else optim.SGD(0.1, momentum=0.9)

    def forward(x, y):
        values = [x, y, v * 1.5]
        for _, operation, places in steps:
            value = operation(*(values[n] for n in places))
            values.append(value if value.shape == x.shape else value.T)
        return values

    def run(x, y):
        if way == "values":
            return with_sums(forward(x, y)[3:])
        with tgl.GradientTape() as tape:
            tape.watch([x, y])
            values = forward(x, y)
            loss = tgl.sum(tgl.sin(values[-1])) + tgl.mean(values[3])
        gradients = tape.gradient(loss, [x, y, v], unconnected_gradients="zero")
        if way != "gradients":
            optimizer.apply_gradients([(gradients[2], v)])
        return with_sums([*values[3:], *gradients, v])

    return run, v


def assert_both_ways_agree(seed):
    rng = np.random.default_rng(seed)
    shape, dtype = SHAPES[rng.integers(len(SHAPES))], ("float32", "float64")[rng.integers(2)]
    layouts = [list(LAYOUTS)[n] for n in rng.integers(0, len(LAYOUTS), 3)]
    draw = lambda layout: LAYOUTS[layout](rng.normal(size=shape).astype(dtype))
    steps, way, start = random_steps(rng), WAYS[rng.integers(4)], draw(layouts[2])
    (eager, v), (function, w) = program(steps, way, start), program(steps, way, start)
    compiled = tgl.function(function)
    told = f"seed {seed}: {shape} {dtype} {layouts} {way} {[(name, places) for name, _, places in steps]}"
    for n in range(3):
        if n == 2:  # arrays in another order are traced anew, if that makes a difference
            layouts[0] = list(LAYOUTS)[rng.integers(len(LAYOUTS))]
        arrays = [wrap(draw(layout)) for layout in layouts[:2]]
        for one, other in zip(eager(*arrays), compiled(*arrays)):
            np.testing.assert_array_equal(one.numpy(), other.numpy(), err_msg=told)
        np.testing.assert_array_equal(v.numpy(), w.numpy(), err_msg=told)


@pytest.mark.parametrize("block", range(8))
def test_random_programs_agree_for_arrays_in_any_order(block):
    count = int(os.environ.get("TINYGRAD_LITE_PROGRAMS", "80")) // 8
    with np.errstate(all="ignore"):
        for seed in range(block * count, (block + 1) * count):
            assert_both_ways_agree(seed)


@pytest.mark.parametrize("shape", [(2, 35), (35, 2), (3, 35), (7, 30)])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_sums_over_concatenated_slices(shape, layout):
    """Slices of length one or none have strides that reach no memory, and decide how the whole lies."""
    f = lambda x: [tgl.mean(part) for axis in (0, 1) for part in (tgl.gradient(x, axis=axis), tgl.diff(x, axis=axis))]
    compiled, rng = tgl.function(f), np.random.default_rng(0)
    for _ in range(3):
        x = wrap(LAYOUTS[layout](rng.normal(size=shape)))
        assert [y.item() for y in compiled(x)] == [y.item() for y in f(x)]


@pytest.mark.parametrize("layout", sorted(LAYOUTS))
@pytest.mark.parametrize("axis", [0, 1])
def test_largest_and_smallest_elements(layout, axis):
    # np.maximum.reduce(x, out=...) of NumPy 2.0 and 2.1 gives other elements where an axis is reversed
    @tgl.function
    def extremes(x):
        return tgl.max(x * x, axis=axis) * 2.0, tgl.max(x, axis=axis) * 2.0, tgl.min(x, axis=axis) * 2.0

    for seed in range(5):
        x = LAYOUTS[layout](np.random.default_rng(seed).normal(size=(4, 3)).astype("float32"))
        rows = x.tolist() if axis else list(zip(*x.tolist()))
        expected = [[max(n * n for n in row) * 2 for row in rows], [max(row) * 2 for row in rows]]
        expected.append([min(row) * 2 for row in rows])
        for y, right in zip(extremes(wrap(x)), expected):
            np.testing.assert_allclose(y.numpy(), right, rtol=1e-6)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_variable_lies_in_the_order_of_c(layout):
    """However it was made and changed, so that a sum over it adds up in one order."""
    x = np.random.default_rng(0).normal(size=(5, 7))
    v = tgl.Variable(LAYOUTS[layout](x))
    held = [v.value()]  # somebody sees the memory: the next assignment moves to another

    def in_order():
        return v.value().numpy().strides == (56, 8)

    assert in_order()
    for change in (v.assign, v.assign_add, v.assign_sub, v.adopt):
        change(np.array(LAYOUTS[layout](x)))
        held.append(v.value())
        assert in_order()
    optim.SGD(0.1).apply_gradients([(wrap(LAYOUTS[layout](x)), v)])
    assert in_order()


def test_one_number_seen_often_is_no_array_in_fortrans_order():
    """Strides of 0 say nothing about the order, and NumPy lays results out in C's."""
    f = tgl.function(lambda x: tgl.mean(tgl.exp(x) * 0.3))
    rng = np.random.default_rng(0)
    for n in range(40):
        x = rng.normal(size=(30, 40)).astype("float32")
        arrays = wrap(np.asfortranarray(x) if n % 2 == 0 else np.broadcast_to(x[:1], x.shape))
        assert f(arrays).item() == tgl.mean(tgl.exp(arrays) * 0.3).item()


def test_gradients_that_are_added_up_lie_as_those_of_a_recorded_walk():
    """Contributions in different orders: what is added in place must lie where a new sum would."""
    rng = np.random.default_rng(0)
    x, c, d = (wrap(rng.normal(size=shape).astype("float32")) for shape in ((2, 35), (2, 35), (35, 2)))

    def total(x):
        with tgl.GradientTape() as tape:
            tape.watch(x)
            y = tgl.sum(x * c)  # contributes last, in C's order, to a sum in Fortran's
            y = y + tgl.mean(x)
            y = y + tgl.sum(x.T * d)
        return tape.gradient(y, x)

    strides = total(x).numpy().strides
    assert tgl.function(total)(x).numpy().strides == strides
    with tgl.GradientTape() as outer:
        outer.watch(x)
        assert total(x).numpy().strides == strides


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_result_lies_as_the_order_of_its_argument_says(layout):
    """And not by whether the argument is in one piece, which a program does not ask: np.pad is different."""
    x = np.random.default_rng(0).normal(size=(16, 70)).astype("float32")
    f = tgl.function(lambda x: tgl.mean(tgl.exp(tgl.pad(x, 1)) * 0.3))
    for first in LAYOUTS:
        f(wrap(LAYOUTS[first](x)))
    y = wrap(LAYOUTS[layout](x))
    assert f(y).item() == tgl.mean(tgl.exp(tgl.pad(y, 1)) * 0.3).item()
