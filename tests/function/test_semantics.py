"""`tgl.function`: what a user of it may rely on, trap by trap."""

import copy
import cProfile
import gc
import pickle
import threading
import warnings
import weakref

import numpy as np
import pytest

import tinygrad_lite as tgl
from tinygrad_lite import nn, optim
from tinygrad_lite.compiler.function import MOST_TRACES, WARN_AFTER
from tinygrad_lite.compiler.traced import TracingError

X = tgl.constant([1.0, 2.0, 3.0])


def twice(f, *args):
    """The result of the traced call and that of the compiled one, which must be equal."""
    first, second = f(*args), f(*args)
    np.testing.assert_array_equal(first.numpy(), second.numpy())
    return second


# Tracing ------------------------------------------------------------------------------------------------------


def test_side_effects_happen_once_for_each_signature():
    calls = []

    @tgl.function
    def f(x):
        calls.append(x.shape)
        return x * 2.0

    for _ in range(3):
        f(X)
    assert calls == [(3,)]
    f(tgl.constant([1.0]))
    assert calls == [(3,), (1,)]
    assert f.traces == 2


@pytest.mark.parametrize(
    "args",
    [
        (tgl.constant([1.0]),),
        (tgl.constant([[1.0, 2.0, 3.0]]),),
        (tgl.constant([1, 2, 3]),),
        (tgl.cast(X, "float64"),),
        (X, 2.0),
        (X, True),
        (X, 1),
        (X, "a"),
        (X, None),
        ((X,),),
        ([X],),
        ({"a": X},),
        ({"b": X},),
        (tgl.Variable([1.0, 2.0, 3.0]),),
    ],
    ids=repr,
)
def test_another_signature_is_another_trace(args):
    traced = []

    @tgl.function
    def f(x, n=1.5):
        traced.append(n)
        return tgl.constant(0.0)

    f(X)
    f(X)
    assert len(traced) == 1
    f(*args)
    assert len(traced) == 2
    f(*args)
    assert len(traced) == 2


def test_zero_and_minus_zero_are_two_numbers():
    f = tgl.function(lambda x, n: x * n)
    assert not np.signbit(f(X, 0.0).numpy()).any()
    assert np.signbit(f(X, -0.0).numpy()).all()
    g = tgl.function(lambda x: (x * 0.0, x * -0.0))  # nor are they merged
    for _ in range(2):
        plus, minus = g(X)
        assert not np.signbit(plus.numpy()).any()
        assert np.signbit(minus.numpy()).all()


def test_keywords_and_positions_make_the_same_result():
    f = tgl.function(lambda x, scale: x * scale)
    for _ in range(2):
        np.testing.assert_array_equal(f(X, scale=2.0).numpy(), f(X, 2.0).numpy())


def test_an_argument_that_cannot_be_hashed_is_refused():
    with pytest.raises(TypeError, match=r"Received: \{1\} of type set"):
        tgl.function(lambda x: x)({1})


def test_arrays_become_tensors():
    f = tgl.function(lambda x: x.sum())
    assert twice(f, np.ones(4, np.float32)).item() == 4.0
    assert f.traces == 1


def test_retracing_warns_and_then_runs_eagerly():
    traced = []

    @tgl.function
    def f(x, n):
        traced.append(n)
        return x + n

    for n in range(WARN_AFTER):
        f(X, n)
    with pytest.warns(UserWarning, match="9th time.*pass changing numbers as tensors"):
        f(X, WARN_AFTER)
    for n in range(WARN_AFTER + 1, MOST_TRACES + 5):
        np.testing.assert_array_equal(f(X, n).numpy(), X.numpy() + n)
    assert f.traces == MOST_TRACES
    count = len(traced)
    f(X, MOST_TRACES + 1)
    assert len(traced) == count + 1  # eager


# What depends on values ---------------------------------------------------------------------------------------


def loop_over(x):
    while x.sum() > 0:
        x = x - 1.0
    return x


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x if x.sum() > 0 else -x,
        loop_over,
        lambda x: x * float(x.sum()),
        lambda x: x * int(x.sum()),
        lambda x: x * x.sum().item(),
        lambda x: x * x.numpy(),
        lambda x: x * x.tolist()[0],
        lambda x: x * np.asarray(x),
        lambda x: x[: x.astype("int32")[0]],
        lambda x: [1, 2, 3][x.astype("int32")[0]],
        lambda x: x and x,
        lambda x: x[x > 1.5],
        lambda x: tgl.nonzero(x)[0],
        lambda x: tgl.compress(x > 1, x),
        lambda x: tgl.unique(x),
        lambda x: tgl.repeat(x, x.astype("int32")),
        lambda x: max(x, -x),
    ],
)
def test_what_depends_on_a_value_raises_and_tells_the_way_out(f):
    with pytest.raises(TypeError, match=r"tgl\.where|eager|stop_gradient"):
        tgl.function(f)(X)
    assert tgl.GradientTape  # the thread is as before
    assert (X + 1.0).numpy()[0] == 2.0


def test_the_value_of_a_variable_is_not_known_either():
    v = tgl.Variable(2.0)
    for look in (float, bool, lambda v: v.numpy(), lambda v: v.item(), lambda v: v.tolist()):
        with pytest.raises(TracingError, match="Variable"):
            tgl.function(lambda look=look: tgl.constant(1.0) * look(v))()


def test_constants_have_values():
    k = tgl.constant([1.0, -1.0])
    f = tgl.function(lambda x: x * float(k.sum() + 2.0) if k[0] > 0 else x)
    # what is computed inside, of constants alone, is still traced: its value is refused
    with pytest.raises(TracingError):
        f(X)
    g = tgl.function(lambda x: x * float(k.numpy()[0]))
    np.testing.assert_array_equal(twice(g, X).numpy(), X.numpy())


def test_where_replaces_the_branch():
    f = tgl.function(lambda x: tgl.where(x.sum() > 0, x, -x))
    np.testing.assert_array_equal(twice(f, -X).numpy(), X.numpy())
    np.testing.assert_array_equal(f(X).numpy(), X.numpy())


def test_a_tensor_kept_from_a_trace_is_refused_later():
    kept = []

    @tgl.function
    def f(x):
        kept.append(x * 2.0)
        return x

    f(X)
    with pytest.raises(TypeError):
        kept[0].numpy()
    with pytest.raises(TypeError, match="finished"):
        tgl.function(lambda x: x + kept[0])(X)


def test_labels_are_checked_at_every_call():
    f = tgl.function(lambda y, z: nn.losses.sparse_categorical_crossentropy(y, z, from_logits=True))
    z = np.zeros((2, 3), np.float32)
    f(np.array([0, 2]), z)
    for wrong in (-1, 3):
        with pytest.raises(ValueError, match=f"labels from 0 to 2.*{wrong}"):
            f(np.array([0, wrong]), z)
    g = tgl.function(nn.losses.binary_crossentropy)
    g(np.zeros((2, 1), np.float32), np.full((2, 1), 0.5, np.float32))
    with pytest.raises(ValueError, match="from 0 to 1"):
        g(np.zeros((2, 1), np.float32), np.full((2, 1), 2.0, np.float32))
    h = tgl.function(lambda x, w: tgl.average(x, weights=w))
    h(np.ones(2), np.ones(2))
    with pytest.raises(ZeroDivisionError, match="add up to zero"):
        h(np.ones(2), np.array([1.0, -1.0]))


# Results ------------------------------------------------------------------------------------------------------


def test_results_are_never_overwritten():
    @tgl.function
    def f(x):
        y = tgl.sin(x) * 2.0
        return y, y[1:], y.reshape((1, 3)), tgl.transpose(y), y + 1.0, x, x[:2]

    f(X)
    kept = [f(tgl.constant([float(n), 1.0, 2.0])) for n in range(6)]
    values = [[np.array(t.numpy()) for t in results] for results in kept]
    for n in range(6):
        f(tgl.constant([n + 0.5, -1.0, 7.0]))
    for results, before in zip(kept, values):
        for tensor, value in zip(results, before):
            np.testing.assert_array_equal(tensor.numpy(), value)
    assert values[0][0][0] != values[1][0][0]


def test_results_do_not_share_memory_with_the_callers_arrays():
    f = tgl.function(lambda x: (x, x[1:], tgl.broadcast_to(x, (2, 3))))
    x = np.array([1.0, 2.0, 3.0], np.float32)
    for _ in range(2):
        results = f(x)
        assert not any(np.may_share_memory(x, t.numpy()) for t in results)


def test_an_array_that_was_closed_over_is_a_constant():
    a = np.array([1.0, 2.0, 3.0], np.float32)
    f = tgl.function(lambda x: x * a)
    f(X)
    a[:] = 0.0
    np.testing.assert_array_equal(f(X).numpy(), [1.0, 4.0, 9.0])


def test_the_arguments_are_left_as_they_were():
    def f(x, y):
        x = x + 1.0
        x = x * y
        return tgl.exp(x) - y

    x, y = np.ones(5, np.float32), np.full(5, 2.0, np.float32)
    twice(tgl.function(f), x, y)
    np.testing.assert_array_equal(x, np.ones(5))
    np.testing.assert_array_equal(y, np.full(5, 2.0))


def test_structures_come_back_as_they_were_returned():
    @tgl.function
    def f(a):
        return {"sum": a["x"] + a["y"][0], "rest": [a["y"], None, "text", 3]}

    for _ in range(2):
        answer = f({"x": X, "y": (X, -X)})
        assert list(answer) == ["sum", "rest"]
        np.testing.assert_array_equal(answer["sum"].numpy(), 2 * X.numpy())
        (first, second), nothing, text, number = answer["rest"]
        np.testing.assert_array_equal(second.numpy(), -X.numpy())
        assert isinstance(answer["rest"][0], tuple)
        assert (nothing, text, number) == (None, "text", 3)
        assert first.dtype == np.float32


def test_nothing_comes_back_where_nothing_is_returned():
    v = tgl.Variable(0.0)

    @tgl.function
    def f():
        v.assign_add(1.0)

    assert f() is None
    assert f() is None
    assert v.item() == 2.0


def test_warnings_of_numpy_are_those_of_eager_code():
    f = tgl.function(lambda x: tgl.log(x))
    f(X)
    with pytest.warns(RuntimeWarning, match="divide by zero"):
        f(X * 0.0)

    @tgl.function
    def slope(x):
        with tgl.GradientTape() as tape:
            tape.watch(x)
            y = tgl.sqrt(x)
        return tape.gradient(y, x)

    for _ in range(2):
        assert np.isinf(slope(X * 0.0).numpy()).all()  # in silence, as the tape has it


# Variables ----------------------------------------------------------------------------------------------------


def test_variables_are_read_and_assigned_at_every_call():
    v, w = tgl.Variable([1.0, 2.0]), tgl.Variable([10.0, 20.0])

    @tgl.function
    def f(x):
        before = v.value()
        v.assign_add(x)
        middle = v * 1.0
        v.assign(w)
        w.assign(middle)
        w.assign_sub(x)
        return before, middle, v * 1.0

    def by_hand(v, w, x):
        middle = v + x
        return (v, middle, w), (w, middle - x)

    x = np.array([0.5, 0.25], np.float32)
    a, b = v.numpy().copy(), w.numpy().copy()
    for _ in range(4):
        results = f(x)
        expected, (a, b) = by_hand(a, b, x)
        for result, value in zip(results, expected):
            np.testing.assert_array_equal(result.numpy(), value)
        np.testing.assert_array_equal(v.numpy(), a)
        np.testing.assert_array_equal(w.numpy(), b)


def test_variables_swap():
    v, w = tgl.Variable([1.0, 2.0]), tgl.Variable([3.0, 4.0])

    @tgl.function
    def swap():
        old = v.value()
        v.assign(w)
        w.assign(old)

    for n in range(4):
        swap()
        expected = ([3.0, 4.0], [1.0, 2.0]) if n % 2 == 0 else ([1.0, 2.0], [3.0, 4.0])
        np.testing.assert_array_equal([v.numpy(), w.numpy()], expected)


def test_a_variable_reversed_into_itself():
    v = tgl.Variable([1.0, 2.0, 4.0])
    f = tgl.function(lambda: v.assign_add(v[::-1]))
    f()
    f()
    np.testing.assert_array_equal(v.numpy(), [10.0, 8.0, 10.0])


OLD_VALUES = {
    "returned": lambda v, w, old: (v.assign_add(w), old)[1],
    "added to itself": lambda v, w, old: v.assign_add(v),
    "added to another": lambda v, w, old: (v.assign_add(v[::-1]), w.assign_sub(old))[1],
    "assigned to another": lambda v, w, old: (v.assign_add(w), w.assign(old))[1],
    "looked into": lambda v, w, old: (v.assign_add(w), old[1:])[1],
}


@pytest.mark.parametrize("name", OLD_VALUES)
def test_what_a_variable_held_before_it_is_updated_in_place(name):
    results = []
    for compiled in (False, True):
        v, w = tgl.Variable([1.0, 2.0]), tgl.Variable([4.0, 8.0])
        f = lambda v=v, w=w: OLD_VALUES[name](v, w, v.value())
        f = tgl.function(f) if compiled else f
        results.append([x for _ in range(3) for x in (f().tolist(), v.tolist(), w.tolist())])
    assert results[0] == results[1]


def test_a_constant_assigned_and_then_added_to():
    v = tgl.Variable(0.0)

    @tgl.function
    def f():
        v.assign(3.0)
        v.assign_add(1.0)
        v.assign_sub(0.5)
        return v.value()

    assert twice(f).item() == v.item() == 3.5


def test_a_reading_of_a_variable_stays_what_it_was():
    v = tgl.Variable([1.0, 2.0])

    @tgl.function
    def f():
        v.assign_add([1.0, 1.0])
        return v

    readings = [f() for _ in range(4)]
    assert [r.tolist() for r in readings] == [[2.0 + n, 3.0 + n] for n in range(4)]
    view = v.numpy()
    f()
    np.testing.assert_array_equal(view, [5.0, 6.0])


def test_changes_from_outside_are_seen():
    v = tgl.Variable(1.0)
    f = tgl.function(lambda x: x * v)
    f(X)
    v.assign(5.0)
    np.testing.assert_array_equal(f(X).numpy(), 5 * X.numpy())


def test_a_variable_made_inside_is_made_once():
    class Counter:
        v = None

        @tgl.function
        def count(self, x):
            if self.v is None:
                self.v = tgl.Variable(tgl.zeros(()))
            self.v.assign_add(x.sum())
            return self.v.value()

    counter = Counter()
    assert [counter.count(X).item() for _ in range(3)] == [6.0, 12.0, 18.0]
    assert counter.count(tgl.constant([1.0])).item() == 19.0  # another trace, the same Variable


def test_a_variable_made_at_every_call_is_refused():
    def helper():
        return tgl.Variable(1.0)

    for make in (lambda x: tgl.Variable(1.0), lambda x: helper(), lambda x: tgl.Variable(x)):
        f = tgl.function(lambda x, make=make: (make(x).assign_add(x * 1.0) + 0.0) * 2.0)
        one = tgl.constant(1.0)
        assert f(one).item() == 4.0  # as eager code has it
        with pytest.raises(TracingError, match=r"new one at every call.*Make it outside, or once"):
            f(one)


def test_a_variable_may_be_made_once_for_each_shape_and_start_from_an_argument():
    sums = {}

    @tgl.function
    def add(x):
        if x.shape not in sums:
            sums[x.shape] = tgl.Variable(x)
            return sums[x.shape].value()
        return sums[x.shape].assign_add(x).value()

    for n in range(1, 5):
        for size in (2, 3):
            assert add(tgl.ones(size)).tolist() == [float(n)] * size


def test_an_exception_in_the_trace_that_made_a_variable_does_not_forbid_the_next():
    fails = [True]

    @tgl.function
    def f(x):
        v = tgl.Variable(1.0)
        if fails.pop():
            raise KeyError("broken")
        return v * x

    with pytest.raises(KeyError):
        f(X)
    fails.append(False)
    np.testing.assert_array_equal(f(X).numpy(), X.numpy())


def test_layers_are_built_inside():
    tgl.random.set_seed(3)
    dense = nn.Dense(2)
    x = np.ones((4, 3), np.float32)
    f = tgl.function(lambda x: dense(x))
    np.testing.assert_array_equal(twice(f, x).numpy(), dense(x).numpy())
    assert [w.shape for w in dense.weights] == [(3, 2), (2,)]


def test_an_exception_while_tracing_leaves_variables_as_they_were():
    v = tgl.Variable([1.0, 2.0])
    optimizer = optim.Adam(0.1)

    @tgl.function
    def f(x):
        with tgl.GradientTape() as tape:
            loss = (v * v).sum()
        optimizer.apply_gradients([(tape.gradient(loss, v), v)])
        raise KeyError("broken")

    for _ in range(2):
        with pytest.raises(KeyError):
            f(X)
        np.testing.assert_array_equal(v.numpy(), [1.0, 2.0])
        assert optimizer.iterations.item() == 0
        assert all(not np.any(slot.numpy()) for slot in optimizer.variables[2:])
    assert f.traces == 0


@tgl.primitive
def _fails_above_ten(x):
    if abs(x).max() > 10:
        raise ValueError("above ten")
    return x * 1


_fails_above_ten.defvjp(lambda g, y, x: g)


@pytest.mark.parametrize("change_first", [False, True])
def test_an_exception_at_a_later_call_leaves_variables_as_they_were(change_first):
    v, count = tgl.Variable([1.0, 2.0]), tgl.Variable(0.0)
    optimizer = optim.Momentum(0.5)

    @tgl.function
    def f(x):
        count.assign_add(1.0)
        if change_first:
            optimizer.apply_gradients([(v * 1.0, v)])
            return _fails_above_ten(v * x)
        y = _fails_above_ten(v * x)
        optimizer.apply_gradients([(v * 1.0, v)])
        return y

    f(np.float32(1.0))
    f(np.float32(1.0))
    before = [np.array(w.numpy()) for w in (v, count, *optimizer.variables)]
    with pytest.raises(ValueError, match="above ten"):
        f(np.float32(1000.0))
    for w, value in zip((v, count, *optimizer.variables), before):
        np.testing.assert_array_equal(w.numpy(), value)
    f(np.float32(0.5))
    assert optimizer.iterations.item() == 3


def test_assigning_and_then_updating_is_refused():
    v, optimizer = tgl.Variable(1.0), optim.SGD(0.1)

    @tgl.function
    def f():
        v.assign(2.0)
        optimizer.apply_gradients([(tgl.constant(1.0), v)])

    with pytest.raises(TracingError, match="assigned and then updated"):
        f()
    assert v.item() == 1.0

    @tgl.function
    def g():
        optimizer.learning_rate = 0.5
        optimizer.apply_gradients([(tgl.constant(1.0), v)])

    with pytest.raises(TracingError):
        g()
    assert optimizer.learning_rate.item() == 0.1


def test_an_assigned_variable_that_the_learning_rate_may_read_is_refused():
    rate, w = tgl.Variable(1.0, trainable=False), tgl.Variable([1.0, 2.0, 3.0])
    optimizer = optim.SGD(lambda: rate.item())

    @tgl.function
    def halve_first(g):
        rate.assign(rate * 0.5)
        optimizer.apply_gradients([(g, w)])

    with pytest.raises(TracingError, match=r"learning rate is a function.*Assign after the step"):
        halve_first(X)
    assert rate.item() == 1.0

    @tgl.function
    def halve_last(g):
        optimizer.apply_gradients([(g, w)])
        rate.assign(rate * 0.5)

    halve_last(X)
    halve_last(X)
    np.testing.assert_allclose(w.numpy(), X.numpy() * (1 - 1.0 - 0.5))


def test_a_learning_rate_changed_outside_is_used():
    v, optimizer = tgl.Variable(1.0), optim.SGD(0.5)
    f = tgl.function(lambda: optimizer.apply_gradients([(tgl.constant(1.0), v)]))
    f()
    f()
    assert v.item() == 0.0
    optimizer.learning_rate = 2.0
    f()
    assert v.item() == -2.0
    assert optimizer.iterations.item() == 3


def test_the_number_of_steps_is_read_after_the_update():
    v, optimizer = tgl.Variable(1.0), optim.SGD(0.5)

    @tgl.function
    def f():
        before = optimizer.iterations * 1
        optimizer.apply_gradients([(tgl.constant(1.0), v)])
        return before, optimizer.iterations * 1, v * 1.0

    for n in range(3):
        before, after, value = f()
        assert (before.item(), after.item(), value.item()) == (n, n + 1, 1.0 - 0.5 * (n + 1))


# Randomness ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "draw",
    [
        lambda v: (tgl.dropout(v * 1.0, 0.5), tgl.random.uniform((3,))),  # the first has to wait for the update
        lambda v: (tgl.random.normal((2,)), tgl.random.normal((3,)))[1:],  # the first is not used
    ],
    ids=["order", "unused"],
)
def test_streams_of_random_numbers_are_where_eager_code_leaves_them(draw):
    def run(compiles):
        tgl.random.set_seed(0)
        v, optimizer = tgl.Variable([1.0, 2.0, 3.0]), optim.SGD(0.1)

        def f(x):
            optimizer.apply_gradients([(x, v)])
            return draw(v)

        f = tgl.function(f) if compiles else f
        return [[y.numpy().tolist() for y in f(X)] for _ in range(3)]

    assert run(True) == run(False)


def test_random_numbers_are_drawn_anew():
    tgl.random.set_seed(1)
    f = tgl.function(lambda: (tgl.random.uniform((3,)), tgl.random.uniform((3,)), tgl.random.normal((2,))))
    rows = [f() for _ in range(4)]
    first = {tuple(row[0].tolist()) for row in rows} | {tuple(row[1].tolist()) for row in rows}
    assert len(first) == 8
    tgl.random.set_seed(1)
    g = lambda: (tgl.random.uniform((3,)), tgl.random.uniform((3,)), tgl.random.normal((2,)))
    for row in rows:
        for ours, theirs in zip(row, g()):
            np.testing.assert_array_equal(ours.numpy(), theirs.numpy())


def test_dropout_draws_anew_and_its_gradient_uses_the_same_mask():
    @tgl.function
    def f(x):
        with tgl.GradientTape() as tape:
            tape.watch(x)
            y = tgl.dropout(x, 0.5)
        return y, tape.gradient(y, x)

    x = tgl.ones((100,))
    seen = set()
    for _ in range(4):
        y, dy = f(x)
        np.testing.assert_array_equal(y.numpy(), dy.numpy())
        seen.add(y.numpy().tobytes())
    assert len(seen) == 4


# Where it is used ---------------------------------------------------------------------------------------------


def test_inside_of_a_tape_every_operation_is_seen():
    f = tgl.function(lambda x: tgl.sin(x) * x)
    f(X)
    with tgl.GradientTape() as tape:
        tape.watch(X)
        y = f(X)
    expected = np.cos(X.numpy()) * X.numpy() + np.sin(X.numpy())
    np.testing.assert_allclose(tape.gradient(y, X).numpy(), expected, rtol=1e-6)


def test_functions_call_functions():
    calls = []

    @tgl.function
    def inner(x):
        calls.append(1)
        return x * x

    outer = tgl.function(lambda x: inner(x) + inner(x + 1.0))
    np.testing.assert_array_equal(twice(outer, X).numpy(), [5.0, 13.0, 25.0])
    assert len(calls) == 2  # once for each place in the outer function, and not again


def test_methods_have_programs_for_each_instance_and_go_with_it():
    class Scale:
        def __init__(self, n):
            self.n = n

        @tgl.function
        def __call__(self, x):
            """Scale x."""
            return x * self.n

        __eq__ = None  # cannot be hashed
        __hash__ = None

    a, b = Scale(2.0), Scale(3.0)
    for _ in range(2):
        np.testing.assert_array_equal(Scale.__call__.__get__(a)(X).numpy(), 2 * X.numpy())
        np.testing.assert_array_equal(b(X).numpy(), 3 * X.numpy())
    assert Scale.__call__.__doc__ == "Scale x."
    gone = weakref.ref(a)
    del a
    gc.collect()
    assert gone() is None


def test_source_before_the_first_call_and_pickling_are_refused():
    f = tgl.function(lambda x: x)
    with pytest.raises(RuntimeError, match="Call it first"):
        f.source()
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(f)


def test_a_profiler_is_left_alone():
    profiler = cProfile.Profile()
    f = tgl.function(lambda x: x * 2.0)
    profiler.enable()
    try:
        f(X)
        f(X)
    finally:
        profiler.disable()
    np.testing.assert_array_equal(f(X).numpy(), 2 * X.numpy())


def test_threads_lose_no_update_and_share_no_memory():
    v = tgl.Variable(np.zeros(1000, np.float32))
    wrong = []

    @tgl.function
    def add(x):
        v.assign_add(x)

    @tgl.function
    def pure(x):
        y = x
        for _ in range(10):
            y = tgl.sin(y) + x
        return y

    def work(n):
        x = np.full(1000, n, np.float32)
        expected = x
        for _ in range(10):
            expected = np.sin(expected) + x
        for _ in range(50):
            add(np.ones(1000, np.float32))
            if not np.array_equal(pure(x).numpy(), expected):
                wrong.append(n)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    np.testing.assert_array_equal(v.numpy(), 300.0)
    assert (add.traces, pure.traces) == (1, 1)


def test_nothing_is_left_behind_by_a_trace():
    class Token:
        pass

    token = Token()
    gone = weakref.ref(token)
    f = tgl.function(lambda x, token=token: x * 2.0)
    f(X)
    del f, token
    gc.collect()
    with warnings.catch_warnings():
        assert gone() is None


def test_sums_kept_after_a_step_cost_no_copy_of_the_weights():
    w, total = tgl.Variable(np.ones(5)), tgl.Variable(0.0, trainable=False)
    optimizer = tgl.optim.RMSProp(0.1)

    @tgl.function
    def step(x):
        with tgl.GradientTape() as tape:
            loss = (w * x).sum()
        optimizer.apply_gradients([(tape.gradient(loss, w), w)])
        total.assign_add(tgl.cast(loss, "float32"))

    x = tgl.constant(np.arange(5.0))
    step(x)
    step(x)
    kept = [w._array, *(v._array for v in optimizer.variables)]
    addresses = [array.ctypes.data for array in kept]
    del kept
    step(x)
    assert [w._array.ctypes.data, *(v._array.ctypes.data for v in optimizer.variables)] == addresses


def test_output_gradients_may_be_tensors_that_have_no_value_yet():
    @tgl.function
    def f(x, g):
        with tgl.GradientTape() as tape:
            tape.watch(x)
            y = x * x
        return tape.gradient(y, x, output_gradients=g)

    assert twice(f, X, 2.0 * X).tolist() == [4.0, 16.0, 36.0]


@pytest.mark.parametrize("inside", [False, True], ids=["from outside", "made inside"])
def test_tensors_of_tensors_in_a_function(inside):
    v = tgl.Variable([1.0, 2.0])
    kept = tgl.Tensor(v) if not inside else None

    @tgl.function
    def f(x):
        return tgl.Tensor(x) * 2.0 + tgl.Tensor(v if inside else kept) + copy.copy(x)

    assert f(tgl.constant([1.0, 1.0])).tolist() == [4.0, 5.0]
    v.assign([10.0, 10.0])
    assert f(tgl.constant([2.0, 1.0])).tolist() == ([16.0, 13.0] if inside else [7.0, 5.0])
