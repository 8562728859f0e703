"""What a `tgl.function` reads from outside: Variables at every call, all else as it was when it was traced."""

import copy
from types import SimpleNamespace

import numpy as np
import pytest

import tinygrad_lite as tgl
from tinygrad_lite import nn
from tinygrad_lite.compiler.traced import TracingError
from tinygrad_lite.core.tensor import wrap

# Ways to hold what a Variable holds now. Some share its memory, some are the very same array.
SNAPSHOTS = {
    "value": lambda v: v.value(),
    "read_value": lambda v: v.read_value(),
    "stop_gradient": tgl.stop_gradient,
    "Tensor": tgl.Tensor,
    "constant": tgl.constant,
    "cast": lambda v: tgl.cast(v, v.dtype),
    "astype": lambda v: v.astype(v.dtype),
    "squeeze": lambda v: tgl.squeeze(v),
    "reshape": lambda v: v.reshape(v.shape),
    "ravel": lambda v: tgl.reshape(v.ravel(), v.shape),
    "broadcast_to": lambda v: tgl.broadcast_to(v, v.shape),
    "T.T": lambda v: v.T.T,
    "slice": lambda v: v[:],
    "ellipsis": lambda v: v[...],
    "reversed twice": lambda v: v[::-1][::-1],
    "positive": lambda v: +v,
    "numpy": lambda v: v.numpy(),
    "numpy, then a view": lambda v: v.numpy()[:],
    "asarray": np.asarray,
    "tensor of numpy": lambda v: tgl.constant(v.numpy()),
    "its own array": lambda v: wrap(v._array),
    "a view of its own array": lambda v: wrap(v._array[...]),
    "copy of the value": lambda v: copy.copy(v.value()),
    "returned by a function": lambda v: tgl.function(lambda: v)(),
    "a computed one": lambda v: tgl.function(lambda: tgl.reshape(v, v.shape))(),
}


def in_a_list(t):
    return [t], lambda held: held[0]


def in_an_attribute(t):
    return SimpleNamespace(t=t), lambda held: held.t


def in_a_dict(t):
    return {"a": (t,)}, lambda held: held["a"][0]


def in_a_default(t):
    return t, lambda held, t=t: t


@pytest.mark.parametrize("hold", [in_a_list, in_an_attribute, in_a_dict, in_a_default])
@pytest.mark.parametrize("name", SNAPSHOTS)
def test_a_snapshot_of_a_variable_is_not_the_variable(name, hold):
    for assign in ("assign", "assign_add", "inside"):
        for first in ("variable", "snapshot"):
            v = tgl.Variable([[1.0, 2.0], [3.0, 4.0]])
            held, take = hold(SNAPSHOTS[name](v))

            @tgl.function
            def f(held=held, take=take, v=v, first=first, assign=assign):
                t = take(held)
                difference = v - t if first == "variable" else tgl.negative(t - v)
                if assign == "inside":
                    v.assign_add(tgl.ones((2, 2)))
                return difference, v - t

            f()
            for n in range(1, 4):
                if assign != "inside":
                    getattr(v, assign)(v.numpy() + 1.0 if assign == "assign" else np.ones((2, 2), np.float32))
                before, after = f()
                np.testing.assert_array_equal(before.numpy(), n)
                np.testing.assert_array_equal(after.numpy(), n + (assign == "inside"))


@pytest.mark.parametrize("name", SNAPSHOTS)
def test_a_frozen_target_stays_frozen(name):
    def losses(compiled):
        w = tgl.Variable([1.0, -1.0])
        target = SNAPSHOTS[name](w) + 1.0 if name == "numpy" else SNAPSHOTS[name](w)
        w.assign([2.0, 0.0])

        def step():
            with tgl.GradientTape() as tape:
                loss = tgl.sum((w - target) ** 2)
            w.assign_sub(0.1 * tape.gradient(loss, w))
            return loss

        step = tgl.function(step) if compiled else step
        return [step().item() for _ in range(4)]

    assert losses(True) == losses(False)


@pytest.mark.parametrize("name", ["value", "stop_gradient", "squeeze", "numpy", "slice"])
def test_a_snapshot_in_the_loss_of_fit(name):
    def history(run_eagerly):
        tgl.random.set_seed(0)
        model = nn.Sequential([nn.Dense(2, use_bias=False)])
        x = np.ones((8, 3), np.float32)
        model(x)
        kernel = model.layers[0].kernel
        snapshot = SNAPSHOTS[name](kernel)
        loss = lambda y, z: tgl.mean((z - y) ** 2, axis=-1) + tgl.sum((kernel - snapshot) ** 2)
        model.compile(optimizer="sgd", loss=loss, run_eagerly=run_eagerly)
        return model.fit(x, np.ones((8, 2), np.float32), epochs=4, batch_size=4, verbose=0).history["loss"]

    assert history(False) == history(True)


# Constants that tapes know --------------------------------------------------------------------------------------

OPERATIONS = {
    "multiply": lambda x, c: x * c,
    "add": lambda x, c: x + c,
    "divide": lambda x, c: c / x,
    "matmul": lambda x, c: x @ c,
    "dense": lambda x, c: tgl.dense(x, c, c[0]),
    "where": lambda x, c: tgl.where(x > c, x, c * x),
    "maximum": tgl.maximum,
    "concatenate": lambda x, c: tgl.concatenate([x, c, x * c]),
    "index": lambda x, c: x[0] * c[:, ::-1],
    "power": lambda x, c: tgl.absolute(x) ** c,
    "einsum": lambda x, c: tgl.einsum("ij,jk->ik", x, c),
    "solve": lambda x, c: tgl.linalg.solve(c + 3.0 * np.eye(2, dtype=np.float32), x),
    "softmax": lambda x, c: tgl.softmax(x * c),
    "cross entropy": lambda x, c: tgl.softmax_cross_entropy_with_logits(tgl.softmax(c), x),
}


def watched_outside(c):
    with tgl.GradientTape() as tape:
        tape.watch(c)
    return c


def watched_and_used_outside(c):
    with tgl.GradientTape() as tape:
        tape.watch(c)
        tgl.sum(c * c)
    return c


def recorded_outside(c):
    v = tgl.Variable(c)
    with tgl.GradientTape():
        return v * 1.0


def differentiated_outside(c):
    with tgl.GradientTape() as tape:
        tape.watch(c)
        y = tgl.sum(c * c * 0.5)
    return tape.gradient(y, c)


def recorded_by_a_persistent_tape(c):
    v = tgl.Variable(c)
    with tgl.GradientTape(persistent=True) as tape:
        y = tgl.sum(tgl.exp(v) * 0.0 + v * 1.0)
    tape.gradient(y, v)
    return v.value()


ORIGINS = [watched_outside, watched_and_used_outside, recorded_outside, differentiated_outside]
ORIGINS += [recorded_by_a_persistent_tape, lambda c: c]
M = np.array([[1.0, -2.0], [0.5, 3.0]], np.float32)


@pytest.mark.parametrize("watches", [False, True], ids=["", "watched inside"])
@pytest.mark.parametrize("origin", ORIGINS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("name", OPERATIONS)
def test_a_tensor_from_outside_that_a_tape_has_known(name, origin, watches):
    operation, c, w = OPERATIONS[name], origin(tgl.constant(M)), tgl.Variable(M.T + 1.0)

    def f(x):
        with tgl.GradientTape() as outer:
            outer.watch(x)
            with tgl.GradientTape() as tape:
                tape.watch([x, c] if watches else x)
                loss = tgl.sum(operation(x * w, c) ** 2)
            dx, dw, dc = tape.gradient(loss, [x, w, c], unconnected_gradients="zero")
        return loss, dx, dw, dc, outer.gradient(tgl.sum(dx * dx), w, unconnected_gradients="zero")

    compiled = tgl.function(f)
    for n in range(3):
        x = tgl.constant(M - 0.3 * n)
        for eager, answer in zip(f(x), compiled(x)):
            np.testing.assert_array_equal(answer.numpy(), eager.numpy())
        w.assign_add(tgl.full((2, 2), 0.3))


def test_a_constant_made_and_watched_inside():
    @tgl.function
    def f(x):
        c = tgl.constant([2.0, 3.0])
        with tgl.GradientTape(persistent=True) as tape:
            tape.watch(c)
            y = tgl.sum(c * c * x)
        return tape.gradient(y, c), tape.jacobian(y, c)

    for n in (1.0, 2.0):
        for answer in f(tgl.constant(n)):
            np.testing.assert_array_equal(answer.numpy(), [4.0 * n, 6.0 * n])


def test_a_gradient_of_a_record_from_outside_is_of_what_was_recorded():
    v = tgl.Variable([1.0, 2.0])
    with tgl.GradientTape(persistent=True) as tape:
        y = tgl.sum(v * v)
    f = tgl.function(lambda x: (tape.gradient(y, v) * x, v * x))
    one = tgl.constant(1.0)
    for n in range(3):
        gradient, value = f(one)
        assert gradient.tolist() == [2.0, 4.0]
        assert value.tolist() == [1.0 + n, 2.0 + n]
        v.assign_add([1.0, 1.0])


def test_a_variable_read_before_and_after_it_is_assigned_in_one_record():
    v = tgl.Variable([1.0, 2.0])

    def f(x):
        with tgl.GradientTape() as tape:
            y = v * v * x
            v.assign_add(x)
            y = y + v * v * v
            v.assign(v[::-1])
            y = y * v
        return tape.gradient(y, v)

    def run(f):
        v.assign([1.0, 2.0])
        return [f(tgl.constant([0.5, -1.0])).tolist() for _ in range(3)]

    assert run(f) == run(tgl.function(f))


# What a trace leaves behind -------------------------------------------------------------------------------------


def test_variables_that_are_only_read_keep_their_array():
    v = tgl.Variable(np.ones(4))
    array = v._array
    f = tgl.function(lambda: v * 2.0)
    f()
    assert v._array is array
    with pytest.raises(KeyError):
        tgl.function(lambda: [v * 2.0, v.assign_add(np.ones(4)), {}["broken"]])()
    assert v._array is array
    np.testing.assert_array_equal(array, 1.0)


USES = [
    lambda t: t + 1.0,
    lambda t: 1.0 - t,
    lambda t: tgl.sin(t),
    lambda t: tgl.stack([t, t]),
    lambda t: t.numpy(),
    lambda t: t.shape,
    lambda t: float(t[0]),
    lambda t: np.asarray(t),
    lambda t: tgl.Variable(t),
    lambda t: tgl.Variable([1.0, 2.0, 3.0]).assign(t),
    lambda t: tgl.constant(t) + 1.0,
    lambda t: tgl.GradientTape().watch(t),
    lambda t: [*t],
    lambda t: t == t,
]


@pytest.mark.parametrize("inside", [False, True], ids=["outside", "in another function"])
@pytest.mark.parametrize("use", USES)
def test_a_tensor_kept_from_a_trace_says_so_to_any_use(use, inside):
    kept = []
    v = tgl.Variable([1.0, 2.0, 3.0])

    @tgl.function
    def f(x):
        kept.extend([x, x * 2.0, v.value(), v * 1.0, tgl.Tensor(x), tgl.constant(v), tgl.stop_gradient(v)])
        with tgl.GradientTape() as tape:
            y = tgl.sum(v * v)
        kept.append(tape.gradient(y, v))
        return x + 1.0

    f(tgl.constant([1.0, 2.0, 3.0]))
    for t in kept:
        with pytest.raises(TracingError, match=r"finished tgl\.function.*Return it from the function"):
            tgl.function(lambda t=t: use(t))() if inside else use(t)
        assert "finished" in repr(t)


# What is fixed when a function is traced, as docs/function.md lists it -------------------------------------------

SCALE = 2.0


def test_what_is_read_at_every_call_and_what_is_not():
    v, array, items = tgl.Variable(1.0), np.ones(1, np.float32), [1.0]
    holder, tensors = SimpleNamespace(n=1.0, v=v), [tgl.constant(1.0)]
    kinds = {
        "variable": lambda x: x * v,
        "variable in an attribute": lambda x: x * holder.v,
        "array": lambda x: x * array,
        "list": lambda x: x * items[0],
        "attribute": lambda x: x * holder.n,
        "global": lambda x: x * (SCALE - 1.0),
        "tensor": lambda x: x * tensors[0],
    }
    functions = {name: tgl.function(f) for name, f in kinds.items()}
    x = tgl.ones(1)
    assert all(f(x).item() == 1.0 for f in functions.values())
    v.assign(5.0)
    array[:], items[0], holder.n, tensors[0] = 5.0, 5.0, 5.0, tgl.constant(5.0)
    globals()["SCALE"] = 6.0
    try:
        changed = {name for name, f in functions.items() if f(x).item() == 5.0}
        assert changed == {"variable", "variable in an attribute"}
        assert all(f(tgl.ones(1, "float64")).item() == 5.0 for f in functions.values())  # a new trace reads anew
    finally:
        globals()["SCALE"] = 2.0
    holder.v = tgl.Variable(7.0)
    assert functions["variable in an attribute"](x).item() == 5.0  # the Variable that was there when it was traced


def test_arrays_among_the_results_are_copies_and_tensors_from_outside_are_themselves():
    array, tensor = np.ones(2), tgl.constant([1.0])
    f = tgl.function(lambda x: {"a": array, "t": tensor, "x": x})
    for _ in range(3):
        answer = f(tgl.ones(1))
        assert answer["t"] is tensor
        answer["a"][:] = 7.0
        answer["a"].fill(8.0)
    assert array.tolist() == [1.0, 1.0]
    assert f(tgl.ones(1))["a"].tolist() == [1.0, 1.0]


@pytest.mark.parametrize(
    "make",
    [lambda x: (x * n for n in range(3)), lambda x: map(tgl.sin, [x]), lambda x: {"a": [iter([x])]}],
)
def test_results_that_are_used_up_are_refused(make):
    with pytest.raises(TypeError, match=r"used up by the first call.*Return a list"):
        tgl.function(make)(tgl.ones(2))


# One tensor twice ----------------------------------------------------------------------------------------------


def test_one_tensor_given_twice_is_one_tensor_inside():
    def f(x, y, *, z):
        with tgl.GradientTape() as tape:
            tape.watch(x)
            loss = tgl.sum(x * y["a"] * z)
        return tape.gradient(loss, x)

    g = tgl.function(f)
    s, t, u = tgl.constant([2.0, 3.0]), tgl.constant([5.0, 7.0]), tgl.constant([1.0, 2.0])
    for _ in range(2):
        for x, y, z in [(s, s, s), (s, t, u), (s, s, u), (s, t, s), (s, t, t), (t, s, s), (u, u, u), (s, s.T, s)]:
            np.testing.assert_array_equal(g(x, {"a": y}, z=z).numpy(), f(x, {"a": y}, z=z).numpy())


# Under tapes and in other functions ------------------------------------------------------------------------------


def test_a_function_takes_and_returns_the_same_under_a_tape_and_in_another_function():
    v = tgl.Variable([1.0, 2.0])
    f = tgl.function(lambda x: {"x": x, "v": v, "kind": isinstance(x, tgl.Tensor)})
    a = np.ones(2, np.float32)

    def under_a_tape():
        with tgl.GradientTape() as tape:
            answer = f(a)
            v.assign_add([1.0, 1.0])
            y = answer["v"] * 1.0
        assert tape.gradient(y, v).tolist() == [1.0, 1.0]
        return answer

    def in_another():
        answer = f(a)
        v.assign_add([1.0, 1.0])
        return {**answer, "later": answer["v"] * 1.0}

    for call in (lambda: f(a), under_a_tape, tgl.function(in_another)):
        for _ in range(2):
            v.assign([1.0, 2.0])
            answer = call()
            assert answer["kind"] is True
            assert all(type(answer[name]) is tgl.Tensor for name in ("x", "v"))
            assert answer["v"].tolist() == [1.0, 2.0]
            assert answer.get("later", answer["v"]).tolist() == [1.0, 2.0]
