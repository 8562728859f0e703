"""Variables that a `tgl.function` assigns: what eager code leaves in them, and nothing by halves."""

import itertools
import warnings

import numpy as np
import pytest

import tinygrad_lite as tgl
from tinygrad_lite import optim
from tinygrad_lite.compiler.traced import TracingError

VIEWS = {
    "itself": lambda v: v * 1.0,
    "value": lambda v: v.value() if isinstance(v, tgl.Variable) else v,
    "T": lambda v: v.T,
    "T of T": lambda v: v.T.T,
    "T of a slice": lambda v: v[::-1].T,
    "slice of T": lambda v: v.T[::-1],
    "transpose": tgl.transpose,
    "swapaxes": lambda v: v.swapaxes(0, 1),
    "reversed": lambda v: v[::-1, ::-1],
    "row": lambda v: tgl.broadcast_to(v[0], v.shape),
    "column": lambda v: tgl.broadcast_to(v[:, :1], v.shape),
    "reshape": lambda v: v.ravel().reshape(v.shape),
    "reshape of T": lambda v: v.T.reshape(v.shape),
    "diagonal": lambda v: tgl.broadcast_to(tgl.diagonal(v), v.shape),
    "flip": lambda v: tgl.flip(v, 0),
    "stop_gradient of T": lambda v: tgl.stop_gradient(v.T),
    "T times one": lambda v: v.T * 1.0,
    "T plus T": lambda v: v.T + v.T,
}

PROGRAMS = {
    "add": lambda a, b, view: [a.assign_add(view(a))],
    "subtract": lambda a, b, view: [a.assign_sub(view(a))],
    "assign": lambda a, b, view: [a.assign(view(a))],
    "to another": lambda a, b, view: [b.assign(view(a)), a.assign_add(a)],
    "to another, first changed": lambda a, b, view: [(t := view(a)), a.assign_add(a), b.assign(t)][:1],
    "to another, added": lambda a, b, view: [(t := view(a)), a.assign_add(t), b.assign_add(t), b.assign_sub(view(b))][
        :1
    ],
    "swap": lambda a, b, view: [(s := view(a)), (t := view(b)), a.assign(t), b.assign(s)][:2],
    "crosswise": lambda a, b, view: [(s := view(a)), (t := view(b)), a.assign_add(t), b.assign_add(s)][:2],
    "returned": lambda a, b, view: [(t := view(a)), a.assign_add(b), b.assign_sub(t), view(a), view(t)][::3],
    "twice": lambda a, b, view: [a.assign_add(view(a)), a.assign_sub(view(b)), b.assign(view(a)), view(b)][3:],
    "of a gradient": lambda a, b, view: in_a_tape(a, b, view),
}


def in_a_tape(a, b, view):
    with tgl.GradientTape() as tape:
        loss = tgl.sum(view(a) * b)
        a.assign_add(view(b))
        loss = loss + tgl.sum(view(a) * view(a))
    da, db = tape.gradient(loss, [a, b], unconnected_gradients="zero")
    a.assign_sub(view(da))
    b.assign_sub(db)
    return [loss, view(da), db]


def results_of(f):
    """What a function returned, as arrays: Variables among it are looked at later."""
    answer = f()
    return [np.array(t.numpy()) for t in answer or () if not isinstance(t, tgl.Variable)]


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("program", PROGRAMS)
def test_variables_and_their_views_are_assigned_as_in_eager_code(program, view):
    rng = np.random.default_rng(0)
    starts = rng.integers(-4, 5, (2, 3, 3)).astype(np.float32) / 8

    def run(compiled):
        a, b = map(tgl.Variable, starts)

        def body():
            answer = PROGRAMS[program](a, b, VIEWS[view])
            return [t for t in answer or () if not isinstance(t, tgl.Variable)]

        f = tgl.function(body) if compiled else body
        outside = []
        for _ in range(3):
            outside.append((a.value(), a.numpy(), b.T))
            outside.append(results_of(f))
            outside.append((np.array(a.numpy()), np.array(b.numpy())))
        return [np.array(x) for rows in outside for x in rows]

    for eager, compiled in zip(run(False), run(True)):
        np.testing.assert_array_equal(compiled, eager)


# By halves ------------------------------------------------------------------------------------------------------


@tgl.primitive
def _fails_above_ten(x):
    if np.abs(x).max() > 10:
        raise ValueError("above ten")
    return x * 1


_fails_above_ten.defvjp(lambda g, y, x: g)


class Failing(optim.SGD):
    """Its second weight cannot be updated, if its gradient is large."""

    def update(self, w, g, slots, scratch, learning_rate, step):
        if np.abs(g).max() > 10:
            raise ValueError("above ten")
        super().update(w, g, slots, scratch, learning_rate, step)


def rate_that_fails(limit):
    def rate(step):
        if step >= limit:
            raise ValueError("above ten")
        return 0.1

    return rate


STEPS = {
    "add": lambda v, w, x: v.assign_add(x),
    "assign": lambda v, w, x: v.assign(x * 1.0),
    "assign a view": lambda v, w, x: v.assign(w.T),
    "add a view": lambda v, w, x: w.assign_add(v.T),
    "step": lambda v, w, x: OPTIMIZERS["sgd"].apply_gradients([(v * x, v)]),
    "step of both": lambda v, w, x: OPTIMIZERS["momentum"].apply_gradients([(v * 0.5, v), (w * x, w)]),
    "failing step": lambda v, w, x: OPTIMIZERS["failing"].apply_gradients([(v * 0.5, v), (w * x, w)]),
    "failing rate": lambda v, w, x: OPTIMIZERS["rate"].apply_gradients([(v * 0.5, v), (w * 0.5, w)]),
    "failing operation": lambda v, w, x: w.assign_sub(_fails_above_ten(x)),
    "check": lambda v, w, x: tgl.nn.losses.binary_crossentropy(x[:, :1] / 10, x[:, :1] * 0.0 + 0.5),
    "overflow": lambda v, w, x: v.assign_add(x * x * x * x),
    "overflow before": lambda v, w, x: w.assign(x * x * x * x * x * x),
}
FAILING = ("failing step", "failing rate", "failing operation", "check", "overflow", "overflow before")
OPTIMIZERS = {}


def orders():
    for failing in FAILING:
        for one, other in itertools.product([*STEPS][:6], repeat=2):
            for place in range(3):
                names = [one, other]
                names.insert(place, failing)
                yield names


@pytest.mark.parametrize("raising", ["errstate", "warnings"])
@pytest.mark.parametrize("failing", FAILING)
def test_a_call_that_fails_leaves_all_variables_as_they_were(failing, raising):
    count = 0
    for names in orders():
        if failing not in names:
            continue
        v, w = tgl.Variable(np.full((2, 2), 1.0, np.float32)), tgl.Variable(np.eye(2, dtype=np.float32))
        OPTIMIZERS.update(sgd=optim.SGD(0.1), momentum=optim.Momentum(0.1), failing=Failing(0.1))
        OPTIMIZERS.update(rate=optim.SGD(rate_that_fails(3)))

        @tgl.function
        def f(x, names=names, v=v, w=w):
            for name in names:
                STEPS[name](v, w, x)

        one, large = np.ones((2, 2), np.float32), np.full((2, 2), 1e12, np.float32)
        try:
            f(one)
        except TracingError:  # assigned and then updated
            continue
        f(one)
        f(one)
        slots = [slot for optimizer in OPTIMIZERS.values() if optimizer.built for slot in optimizer.variables]
        before = [(x, np.array(x.numpy()), x.value()) for x in (v, w, *slots)]
        failed = 0
        for _ in range(2):
            with warnings.catch_warnings(), np.errstate(all="raise" if raising == "errstate" else "warn"):
                warnings.simplefilter("error" if raising == "warnings" else "default")
                try:
                    f(large)
                except (ValueError, ArithmeticError, RuntimeWarning):
                    failed += 1
                else:  # what would have failed was not needed
                    break
            for x, value, reading in before:
                np.testing.assert_array_equal(x.numpy(), value, err_msg=f"{names}\n{f.source()}")
                np.testing.assert_array_equal(reading.numpy(), value)
        count += failed == 2
    assert count >= 20


@pytest.mark.parametrize("count", [3, 5000])  # a large sum is added in place
@pytest.mark.parametrize("method", ["assign_add", "assign_sub"])
@pytest.mark.parametrize("given", ["the Variable", "what the assignment returned", "its value"])
def test_a_sum_that_several_variables_get(count, method, given):
    v, others = tgl.Variable(np.zeros(count)), [tgl.Variable(np.zeros(count)) for _ in range(2)]

    @tgl.function
    def f(x):
        answer = getattr(v, method)(x)
        for other in others:
            other.assign({"the Variable": v, "what the assignment returned": answer, "its value": v.value()}[given])

    x = tgl.constant(np.arange(count) + 1.0)
    for start in range(4):
        for variable, number in zip((v, *others), (start, 100, 200)):
            variable.assign(np.full(count, float(number)))
        f(x)
        expected = start + x.numpy() if method == "assign_add" else start - x.numpy()
        for variable in (v, *others):
            np.testing.assert_array_equal(variable.numpy(), expected)
