"""Compiled and eager agree: random programs both ways, training both ways, and what the program looks like."""

import re

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import tinygrad_lite as tgl
from tinygrad_lite import nn, optim
from tinygrad_lite.compiler import fusion as blocks
from tinygrad_lite.core.tensor import wrap

UNARY = [
    tgl.sin, tgl.tanh, tgl.exp, tgl.square, tgl.absolute, tgl.relu, tgl.sigmoid, tgl.softmax, tgl.log_softmax,
    tgl.negative, lambda x: tgl.sum(x, axis=-1, keepdims=True) + x, lambda x: x - tgl.max(x, axis=0),
    lambda x: tgl.mean(x) * x, lambda x: tgl.transpose(tgl.transpose(x)), lambda x: tgl.flip(x, 0),
    lambda x: x[:, ::-1], lambda x: tgl.reshape(tgl.reshape(x, (-1,)), (3, 3)), lambda x: x * 0.5 + 1.0,
    lambda x: tgl.broadcast_to(x[:1], (3, 3)), lambda x: tgl.stop_gradient(x) * 2.0,
    lambda x: tgl.where(x > 0, x, 0.1 * x), lambda x: tgl.concatenate([x[1:], x[:1]]),
]  # fmt: skip
BINARY = [
    tgl.add, tgl.subtract, tgl.multiply, tgl.maximum, tgl.matmul, lambda a, b: a / (tgl.square(b) + 1.0),
    lambda a, b: tgl.where(a > b, a, b), lambda a, b: a + b[0], lambda a, b: tgl.dense(a, b, b[0]),
]  # fmt: skip


@st.composite
def programs(draw):
    """A list of steps: each applies an operation to earlier values; some values are outputs."""
    steps = []
    for n in range(draw(st.integers(1, 12))):
        earlier = st.integers(0, n + 2)
        if draw(st.booleans()):
            steps.append((draw(st.sampled_from(UNARY)), (draw(earlier),)))
        else:
            steps.append((draw(st.sampled_from(BINARY)), (draw(earlier), draw(earlier))))
    count = len(steps) + 3
    outputs = draw(st.lists(st.integers(0, count - 1), min_size=1, max_size=4))
    return steps, outputs, draw(st.integers(0, 3))


def work_in_blocks(monkeypatch, size=3):
    """Whatever is elementwise, and has more than one row, goes through in blocks of so many elements."""
    monkeypatch.setattr(blocks, "BLOCK", size)
    for name in ("LONG", "LARGE"):
        monkeypatch.setattr(blocks, name, 1)


def as_function(program, variable):
    """The program as a Python function of two matrices: values, gradients, gradients of gradients, updates."""
    steps, outputs, kind = program

    def run(x, y):
        def forward():
            values = [x, y, variable * 1.0]
            for operation, arguments in steps:
                values.append(tgl.clip(operation(*(values[n] for n in arguments)), -3.0, 3.0))
            return values

        if kind == 0:
            values = forward()
            return [values[n] for n in outputs]
        with tgl.GradientTape(persistent=True) as outer:
            outer.watch(x)
            with tgl.GradientTape() as tape:
                tape.watch(x)
                values = forward()
                loss = tgl.sum(tgl.stack([tgl.mean(values[n]) for n in [*outputs, 2]]))
            dx, dv = tape.gradient(loss, [x, variable], unconnected_gradients="zero")
            penalty = tgl.sum(dx * dx) + tgl.sum(dv * dv)
        answer = [loss, dx, dv, *(values[n] for n in outputs)]
        if kind == 2:
            answer.append(outer.gradient(penalty, variable, unconnected_gradients="zero"))
        if kind == 3:
            variable.assign_sub(0.1 * dv)
            answer.append(variable * x)
        return answer

    return run


@pytest.mark.parametrize("in_blocks", [False, True])
@given(programs(), st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_random_programs_give_the_same_bits_both_ways(monkeypatch, in_blocks, program, seed):
    if in_blocks:
        work_in_blocks(monkeypatch)
    rng = np.random.default_rng(seed)
    start = rng.normal(size=(3, 3)).astype(np.float32)
    inputs = [[rng.normal(size=(3, 3)).astype(np.float32) for _ in range(2)] for _ in range(3)]
    answers = []
    for compiled in (False, True):
        variable = tgl.Variable(start)
        f = as_function(program, variable)
        f = tgl.function(f) if compiled else f
        results = [[np.array(t.numpy()) for t in f(*map(tgl.constant, arrays))] for arrays in inputs]
        answers.append([*(array for row in results for array in row), np.array(variable.numpy())])
    for eager, compiled in zip(*answers):
        assert (eager.shape, eager.dtype) == (compiled.shape, compiled.dtype)
        np.testing.assert_array_equal(eager, compiled)


# Training -----------------------------------------------------------------------------------------------------


def data(count=48):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(count, 6)).astype(np.float32)
    return x, (x[:, :3].argmax(axis=1)).astype(np.int64)


OPTIMIZERS = [
    lambda: optim.SGD(0.1),
    lambda: optim.SGD(0.1, momentum=0.9, nesterov=True),
    lambda: optim.Momentum(0.05),
    lambda: optim.RMSProp(0.01),
    lambda: optim.RMSProp(0.01, momentum=0.5, centered=True),
    lambda: optim.Adagrad(0.1),
    lambda: optim.Adam(0.01, amsgrad=True),
    lambda: optim.Adam(lambda step: 0.01 / (1 + step)),
]


@pytest.mark.parametrize("make", OPTIMIZERS)
def test_training_gives_the_same_weights_both_ways(make):
    x, y = data()
    weights = []
    for compiled in (False, True):
        tgl.random.set_seed(5)
        model = nn.Sequential(
            [nn.Dense(8, activation="relu"), nn.Dropout(0.3), nn.Dense(7, activation="tanh"), nn.Dense(3)]
        )
        optimizer, accuracy, mean = make(), nn.metrics.SparseCategoricalAccuracy(), nn.metrics.Mean()

        def step(x, y, model=model, optimizer=optimizer, accuracy=accuracy, mean=mean):
            with tgl.GradientTape() as tape:
                logits = model(x, training=True)
                loss = nn.losses.sparse_categorical_crossentropy(y, logits, from_logits=True).mean()
            gradients = tape.gradient(loss, model.trainable_variables)
            optimizer.apply_gradients(zip(gradients, model.trainable_variables))
            accuracy.update_state(y, logits)
            mean.update_state(loss)
            return loss

        step = tgl.function(step) if compiled else step
        losses = [step(x[n : n + 16], y[n : n + 16]).item() for _ in range(3) for n in range(0, 48, 16)]
        state = [*model.weights, *optimizer.variables, *accuracy.variables, *mean.variables]
        weights.append([*(np.array(v.numpy()) for v in state), np.array(losses)])
    for eager, compiled in zip(*weights):
        np.testing.assert_array_equal(eager, compiled)


def test_custom_gradients_both_ways():
    @tgl.custom_gradient
    def clipped(x):
        return tgl.square(x), lambda g: tgl.clip(g * 2 * x, -1, 1)

    def f(x):
        with tgl.GradientTape() as tape:
            tape.watch(x)
            y = (clipped(x) * x).sum()
        return y, tape.gradient(y, x)

    g = tgl.function(f)
    for scale in (1.0, 2.0, -3.0):
        x = tgl.constant([scale, 0.1 * scale])
        for ours, theirs in zip(g(x), f(x)):
            np.testing.assert_array_equal(ours.numpy(), theirs.numpy())


def trained_by_a_custom_gradient(compiled):
    """Gradients of a custom gradient that reads a Variable, which is assigned before the way back."""
    v, x = tgl.Variable(5.0), tgl.Variable(3.0)

    @tgl.custom_gradient
    def scaled(x):
        return x * v, lambda g, variables: (g * v, [g * x])

    def step(c):
        with tgl.GradientTape() as tape:
            y = scaled(x) * c
        v.assign(100.0)
        return tape.gradient(y, [x, v])

    step = tgl.function(step) if compiled else step
    results = []
    for value in (5.0, 6.0, 7.0):
        v.assign(value)
        results.append([g.item() for g in step(tgl.constant(2.0))])
    return results


def test_a_custom_gradient_reads_what_its_variable_held_both_ways():
    expected = [[10.0, 6.0], [12.0, 6.0], [14.0, 6.0]]
    assert trained_by_a_custom_gradient(compiled=False) == expected
    assert trained_by_a_custom_gradient(compiled=True) == expected


def test_gradients_that_are_numbers_and_lists_both_ways():
    results = []
    for compiled in (False, True):
        a, b, optimizer = tgl.Variable(1.0), tgl.Variable([1.0, 2.0]), optim.SGD(0.5)
        step = lambda x, a=a, b=b, o=optimizer: o.apply_gradients([(0.5, a), ([1.0, -1.0], b)])
        step = tgl.function(step) if compiled else step
        for _ in range(3):
            step(tgl.constant(0.0))
        results.append((a.item(), b.tolist()))
    assert results[0] == results[1] == (0.25, [-0.5, 3.5])


def test_sums_over_memory_of_any_order_both_ways():
    """A sum adds up in the order of memory, which the program's buffers must keep."""
    f = lambda x: (tgl.sum(x * x * 0.3), tgl.mean(tgl.exp(tgl.transpose(x)) * 3.0), tgl.sum(x[:, ::2].T * 1.1, axis=0))
    g, rng = tgl.function(f), np.random.default_rng(0)
    for n in range(60):
        array = rng.normal(size=(7, 30))
        x = tgl.constant((array, np.asfortranarray(array), array[::-1, ::-1])[n % 3])
        for ours, theirs in zip(g(x), f(x)):
            np.testing.assert_array_equal(ours.numpy(), theirs.numpy())
    closed = rng.normal(size=(10, 4)).astype(np.float32).T
    h = lambda x: tgl.matmul(closed, x)
    x = tgl.constant(rng.normal(size=(10, 1)).astype(np.float32))
    k = tgl.function(h)
    np.testing.assert_array_equal([k(x).numpy(), k(x).numpy()], [h(x).numpy()] * 2)


@tgl.primitive
def _two(x):
    return np.sin(x), np.cos(x)


_two.defvjp_joint(lambda g, y, x: [g[0] * y[1] - g[1] * y[0]])


def test_primitives_with_several_outputs_both_ways():
    def f(x):
        with tgl.GradientTape() as tape:
            tape.watch(x)
            s, c = _two(x)
            y = (s * c).sum()
        return s, c, tape.gradient(y, x)

    g = tgl.function(f)
    for scale in (1.0, 2.0):
        x = tgl.constant([scale, 0.5])
        for ours, theirs in zip(g(x), f(x)):
            np.testing.assert_array_equal(ours.numpy(), theirs.numpy())


def test_jacobians_both_ways():
    def f(x):
        with tgl.GradientTape(persistent=True) as outer:
            outer.watch(x)
            with tgl.GradientTape() as inner:
                inner.watch(x)
                y = tgl.sin(x[0] * x[1]) + x[1] ** 3.0
            slope = inner.gradient(y, x)
        return outer.jacobian(slope, x)

    g = tgl.function(f)
    for values in ([1.0, 2.0], [0.5, -1.0], [0.1, 0.2]):
        np.testing.assert_array_equal(g(tgl.constant(values)).numpy(), f(tgl.constant(values)).numpy())


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_empty_and_scalar_tensors_both_ways(dtype):
    f = lambda x: (tgl.softmax(x), tgl.sum(x), x * 2.0, tgl.exp(x) + 1.0)
    g = tgl.function(f)
    for shape in ((0, 3), (1, 1), (2, 3)):
        for _ in range(2):
            x = tgl.constant(np.random.default_rng(0).normal(size=shape).astype(dtype))
            for ours, theirs in zip(g(x), f(x)):
                np.testing.assert_array_equal(ours.numpy(), theirs.numpy())
                assert ours.dtype == theirs.dtype
    h = tgl.function(lambda x: (x * 2.0, tgl.sin(x) + x))
    for value in (1.0, 2.0):
        a, b = h(tgl.constant(value, dtype=dtype))
        assert (a.item(), a.shape, b.dtype) == (2 * value, (), np.dtype(dtype))


def test_one_sample_at_a_time_both_ways():
    def trained(compile_):
        tgl.random.set_seed(0)
        layers = nn.Dense(5, activation="relu"), nn.Dropout(0.4), nn.Dense(4)
        model, optimizer = nn.Sequential([nn.Input((6,)), *layers]), optim.SGD(0.1)

        @compile_
        def step(x, y):
            with tgl.GradientTape() as tape:
                loss = nn.losses.sparse_categorical_crossentropy(y, model(x, training=True), from_logits=True).mean()
            weights = model.trainable_variables
            optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights))
            return loss

        rng = np.random.default_rng(1)
        samples = [(rng.normal(size=(1, 6)).astype(np.float32), rng.integers(0, 4, 1)) for _ in range(6)]
        losses = [step(tgl.constant(x), tgl.constant(y)).numpy() for x, y in samples]
        with pytest.raises(ValueError, match="label -1"):
            step(tgl.constant(samples[0][0]), tgl.constant([-1]))
        return [*losses, *(w.numpy() for w in model.weights)]

    for eager, compiled in zip(trained(lambda f: f), trained(tgl.function)):
        np.testing.assert_array_equal(eager, compiled)


@pytest.mark.parametrize("options", [{}, {"momentum": 0.9, "nesterov": True}, {"weight_decay": 0.1}, {"clipvalue": 9}])
def test_sgd_computes_in_gradients_that_nobody_needs(options, monkeypatch):
    monkeypatch.setattr(optim.optimizer, "BLOCK", 64)  # a matrix is more than one, and not more than two

    def trained(compile_):
        rng = np.random.default_rng(0)
        a, b = (tgl.Variable(rng.normal(size=(10, 10)).astype(np.float32)) for _ in range(2))
        optimizer = optim.SGD(1e-3, **options)

        @compile_
        def step(x, returned):
            with tgl.GradientTape() as tape:
                loss = tgl.sin(x @ a).sum() + tgl.square(x @ b).sum()
            gradients = tape.gradient(loss, [a, b])
            optimizer.apply_gradients(zip(gradients, [a, b]))
            return gradients[0] if returned else loss

        @compile_
        def same(x):  # one gradient for both
            with tgl.GradientTape() as tape:
                loss = tgl.square(x @ a + x @ b).sum()
            optimizer.apply_gradients(zip(tape.gradient(loss, [a, b]), [a, b]))

        x = tgl.constant(rng.normal(size=(10, 10)).astype(np.float32))
        kept = [step(x, returned) for returned in (False, True) * 3]
        for _ in range(3):
            same(x)
        if compile_ is tgl.function:
            assert "are_donated" not in step.source() + same.source()  # one gradient is returned; both are the same
        return [t.numpy() for t in (*kept, a, b)]

    for ours, theirs in zip(trained(tgl.function), trained(lambda f: f)):
        np.testing.assert_array_equal(ours, theirs)
    assert ("are_donated=True" in spending(options)) == (options.keys().isdisjoint({"weight_decay", "clipvalue"}))


def spending(options):
    """The source of a step whose gradients nobody needs."""
    w, optimizer = tgl.Variable(np.ones((3, 3))), optim.SGD(0.1, **options)

    @tgl.function
    def step(x):
        with tgl.GradientTape() as tape:
            loss = tgl.square(x @ w).sum()
        optimizer.apply_gradients([(tape.gradient(loss, w), w)])

    step(tgl.constant(np.ones((3, 3))))
    return step.source()


@given(shape=st.lists(st.integers(1, 9), min_size=1, max_size=3), seed=st.integers(0, 99), data=st.data())
@settings(max_examples=30)
def test_sums_and_means_are_those_of_numpy_both_ways(shape, seed, data):
    axes = st.integers(0, len(shape) - 1)
    axis = data.draw(st.none() | axes | st.lists(axes, unique=True).map(tuple))
    keepdims, dtype = data.draw(st.booleans()), data.draw(st.sampled_from(["float16", "float32", "float64"]))
    x = np.random.default_rng(seed).normal(size=shape).astype(dtype)
    f = lambda x: (tgl.mean(x, axis=axis, keepdims=keepdims), tgl.sum(x, axis=axis, keepdims=keepdims), x * 1.0)
    compiled = tgl.function(f)
    compiled(tgl.constant(x[::-1]))
    wider = {"dtype": np.float32} if dtype == "float16" else {}  # which is added up in float32, and rounded once
    total = np.sum(x, axis=axis, keepdims=keepdims, **wider).astype(dtype)
    expected = np.mean(x, axis=axis, keepdims=keepdims), total, x
    for got in (f(tgl.constant(x)), compiled(tgl.constant(x))):
        for ours, theirs in zip(got, expected):
            np.testing.assert_array_equal(ours.numpy(), theirs)
            assert ours.dtype == theirs.dtype


def test_indices_are_written_as_python_has_them():
    rows, columns = np.array([1, 0, 1]), tgl.constant([2, 2, 0])
    f = tgl.function(lambda x: (x[1:, ::-2], x[..., None, 1], x[rows, columns], x[:, rows], x[-1], x[()]))
    x = np.arange(6.0).reshape(2, 3)
    f(tgl.constant(-x))
    source = f.source()
    for text in ("x[1:, ::-2]", "x[Ellipsis, None, 1]", "x[-1]", "x[()]"):
        assert text in source
    for ours, theirs in zip(
        f(tgl.constant(x)), (x[1:, ::-2], x[..., None, 1], x[rows, [2, 2, 0]], x[:, rows], x[-1], x)
    ):
        np.testing.assert_array_equal(ours.numpy(), theirs)


# The source ---------------------------------------------------------------------------------------------------


def training_step():
    tgl.random.set_seed(0)
    x, y = data(16)
    hidden, output = nn.Dense(8, activation="relu", name="hidden"), nn.Dense(3, name="output")
    optimizer = optim.RMSProp(0.01)

    @tgl.function
    def step(images, labels):
        with tgl.GradientTape() as tape:
            h = hidden(images)
            logits = output(h)
            loss = nn.losses.sparse_categorical_crossentropy(labels, logits, from_logits=True).mean()
        weights = [*hidden.weights, *output.weights]
        optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights))
        return loss

    step(x, y)
    return step


def test_the_source_reads_like_the_function():
    source = training_step().source()
    lines = source.splitlines()
    assert lines[0] == "def step(images, labels, buffers):"
    sections = [line.strip() for line in lines if re.fullmatch(r"    # (forward|backward|update)", line)]
    assert sections == ["# forward", "# backward", "# update"]
    for expected in (
        r"np\.matmul\(images, hidden_kernel, out=b\d+\)  # \(16, 8\) float32",
        r" h = np\.maximum\(dense, c_0, out=b\d+\)  # \(16, 8\) float32",
        r" logits = np\.add\(matmul_2, output_bias, out=b\d+\)  # \(16, 3\) float32",
        r" loss = np\.divide\(sum_2, c_16\)  # \(\) float32",
        r" d_output_kernel = np\.matmul\(h\.T, d_logits, out=b\d+\)  # \(8, 3\) float32",
        r" d_h = np\.matmul\(d_logits, output_kernel\.T, out=b\d+\)  # \(16, 8\) float32",
        r" d_hidden_kernel = np\.matmul\(images\.T, d_dense, out=b\d+\)  # \(6, 8\) float32",
        r"# v = rho \* v \+ \(1 - rho\) \* g²",
        r"RMSProp_step\(\[d_hidden_kernel, d_hidden_bias, d_output_kernel, d_output_bias\], variables\)",
        r"return \(loss, \)",
    ):
        assert re.search(expected, source), f"{expected}\n\n{source}"
    assert source.count("np.exp(") == 1  # the softmax of the gradient is made from that of the loss
    assert "d_images" not in source  # a gradient that nobody asked for


def test_dead_work_is_dropped_and_equal_work_merged():
    @tgl.function
    def f(x):
        tgl.cos(x)  # unused
        a = tgl.sin(x)
        b = tgl.sin(x) * 2.0
        k = tgl.exp(tgl.constant([1.0, 2.0])) + 1.0  # of constants alone
        return a + b + k

    f(tgl.constant([0.5, 0.25]))
    source = f.source()
    assert "cos" not in source
    assert source.count("np.sin(") == 1
    assert "exp" not in source


def test_large_arrays_are_compared_with_rows():
    eager = lambda x: (tgl.relu(x), tgl.minimum(x, 0.5), tgl.relu(x[:1]))
    f = tgl.function(eager)
    x = np.random.default_rng(0).normal(size=(64, 80)).astype(np.float32)
    x[0, 0], x[1, 1] = np.nan, -0.0
    f(tgl.constant(-x))
    expected = np.maximum(x, 0), np.minimum(x, np.float32(0.5)), np.maximum(x[:1], 0)
    for got in (f(tgl.constant(x)), eager(tgl.constant(x))):
        for ours, theirs in zip(got, expected):
            np.testing.assert_array_equal(ours.numpy(), theirs)
    for text in ("np.maximum(x, row_of_0)", "np.minimum(x, row_of_0_5)", "np.maximum(getitem, c_0)"):
        assert text in f.source()


def elementwise_work(x):
    with tgl.GradientTape() as tape:
        tape.watch(x)
        h = tgl.nn.gelu(x + x[0]) * tgl.sin(x.T)
        y = tgl.where(h > 0.1, h, 0.1 * h) + x.sum(axis=1, keepdims=True)
        loss = (tgl.silu(y) + y.T).sum()
    return loss, y, tape.gradient(loss, x), tgl.sin(y).T


@pytest.mark.parametrize("size", [32, 64, 96, 512, 2048])
def test_blocks_change_no_bit(size, monkeypatch):
    x, z = np.random.default_rng(0).normal(size=(2, 32, 32)).astype(np.float32)
    expected = [t.numpy() for t in elementwise_work(tgl.constant(x))]
    work_in_blocks(monkeypatch, size)
    f = tgl.function(elementwise_work)
    f(tgl.constant(z))
    results = [t.numpy() for t in f(tgl.constant(x))]
    f(tgl.constant(z))  # which writes over nothing that was handed out
    for ours, theirs in zip(results, expected):
        np.testing.assert_array_equal(ours, theirs)
    assert (f"for rows in blocks_of_{min(size // 32, 16)}" in f.source()) == (size != 96)  # 3 is no part of 32: of 2


def test_large_runs_go_block_by_block():
    def f(x):
        y = tgl.tanh(x * 0.5) * tgl.sin(x) + 1.0
        return y, y.sum()

    compiled = tgl.function(f)
    x = np.random.default_rng(0).normal(size=(1200, 1000)).astype(np.float32)
    for scale in (1, 2):
        for ours, theirs in zip(compiled(tgl.constant(scale * x)), f(tgl.constant(scale * x))):
            np.testing.assert_array_equal(ours.numpy(), theirs.numpy())
    source = compiled.source()
    assert "for rows in blocks_of_30:" in source
    assert re.search(r" y = np\.add\(multiply_2, c_1, out=whole_y\[rows\]\)  # \(30, 1000\) float32", source)
    assert source.splitlines()[1].strip() in ("(b0, b1, ) = buffers", "(b0, b1, b2, ) = buffers")
    ((program, _),) = compiled._programs.values()
    assert {shape for shape, *_ in program._places} == {(30, 1000)}  # what only the run needs is never larger
    for shape in ((1201, 1000), (64, 64), (2_000_003,)):  # a prime number of rows, and what is small
        compiled(tgl.constant(np.ones(shape, np.float32)))
        assert "blocks" not in compiled.source()


def test_buffers_are_reused():
    @tgl.function
    def f(x):
        for _ in range(50):
            x = tgl.sin(x) * 1.5
        return x.sum()

    f(tgl.constant(np.ones((100,), np.float32)))
    assert f.source().splitlines()[1].strip() in ("(b0, ) = buffers", "(b0, b1, ) = buffers")


def test_powers_of_numpys_numbers_both_ways():
    """A 0-d float64 is an instance of Python's float, and yet no constant."""

    def f(a, b, g):
        with tgl.GradientTape() as tape:
            tape.watch([a, b])
            y = tgl.power(a, b)
        return tape.gradient(y, [a, b], output_gradients=g)

    compiled = tgl.function(f)
    values = [float.fromhex(x) for x in ("0x1.0p-1", "0x1.50dbc74d47003p-10", "0x1.8a217bf105b3ap-1")]
    arguments = [tgl.constant(np.array(values[0])), *(wrap(np.float64(x)) for x in values[1:])]
    for ours, theirs in zip([*compiled(*arguments), *compiled(*arguments)], [*f(*arguments), *f(*arguments)]):
        assert ours.item() == theirs.item()
