"""Optimizers: Keras's formulas step by step, the contract of `apply_gradients`, and that a step is in place."""

import copy
import gc
import math
import pickle
import tracemalloc

import numpy as np
import pytest

import tinygrad_lite as tgl
from tinygrad_lite import optim

NAMES = ["sgd", "momentum", "rmsprop", "adagrad", "adam"]


def step(optimizer, *pairs):
    optimizer.apply_gradients(pairs)


def run(optimizer, gradients, start=1.0, dtype="float64"):
    """The values of one weight after each of the steps."""
    w = tgl.Variable(start, dtype=dtype)
    values = []
    for g in gradients:
        step(optimizer, (np.asarray(g, dtype), w))
        values.append(w.item())
    return values


# Golden sequences: every number is worked out beside it -------------------------------------------------------


def test_sgd():
    # 1 - 0.5·1, then + 0.5·2, then nothing
    assert run(optim.SGD(0.5), [1.0, -2.0, 0.0]) == [0.5, 1.5, 1.5]


def test_momentum():
    # m = -0.5·1 = -0.5, then 0.5·-0.5 - 0.5·1 = -0.75, then 0.5·-0.75 = -0.375 without any gradient
    assert run(optim.SGD(0.5, momentum=0.5), [1.0, 1.0, 0.0]) == [0.5, -0.25, -0.625]


def test_nesterov():
    # m as above; w moves by 0.5·m - 0.5·g: -0.25 - 0.5, then -0.375 - 0.5, then -0.1875
    assert run(optim.SGD(0.5, momentum=0.5, nesterov=True), [1.0, 1.0, 0.0]) == [0.25, -0.625, -0.8125]


def test_momentum_is_sgd_with_momentum_of_0_9():
    gradients = [0.3, -1.0, 2.0, 0.1]
    assert run(optim.Momentum(), gradients) == run(optim.SGD(0.01, momentum=0.9), gradients)
    # m = -0.01, then -0.009 - 0.01
    assert run(optim.Momentum(), [1.0, 1.0]) == pytest.approx([0.99, 0.971], abs=1e-15)


def test_rmsprop():
    # v = 0.75·0 + 0.25·4² = 4, and 0.5·4/√4 = 1; then v = 0.75·4 + 0.25·2² = 4, and 0.5·2/√4 = 0.5
    assert run(optim.RMSProp(0.5, rho=0.75, epsilon=0.0), [4.0, 2.0]) == [0.0, -0.5]


def test_rmsprop_adds_epsilon_under_the_root():
    # v = 0.25·4² = 4, and 0.5·4/√(4 + 12) = 0.5
    assert run(optim.RMSProp(0.5, rho=0.75, epsilon=12.0), [4.0]) == [0.5]


def test_rmsprop_with_momentum():
    # the steps without it are 1 and 0.5 (above), so m = 1, then 0.5·1 + 0.5 = 1
    assert run(optim.RMSProp(0.5, rho=0.75, momentum=0.5, epsilon=0.0), [4.0, 2.0]) == [0.0, -1.0]


def test_centered_rmsprop():
    # v = 0.5·2² = 2, a = 0.5·2 = 1, v - a² = 1, so 0.5·2/√1 = 1;
    # then v = 0.5·2 + 0.5·4² = 9, a = 0.5·1 + 0.5·4 = 2.5, v - a² = 2.75, so 0.5·4/√2.75
    values = run(optim.RMSProp(0.5, rho=0.5, epsilon=0.0, centered=True), [2.0, 4.0])
    assert values == pytest.approx([0.0, -2 / math.sqrt(2.75)], rel=1e-14)


def test_what_centered_rmsprop_remembers():
    optimizer = optim.RMSProp(0.5, rho=0.75, momentum=0.5, centered=True, epsilon=0.0)
    step(optimizer, (4.0, tgl.Variable(1.0)))
    # v = 0.25·4², m = 0.5·4/√(4 - 1²), a = 0.25·4
    velocity, momentum, average = (variable.item() for variable in optimizer.variables[2:])
    assert (velocity, average) == (4.0, 1.0)
    assert momentum == pytest.approx(2 / math.sqrt(3))


def test_centered_rmsprop_of_a_constant_gradient_stays_finite():
    """Its variance is 0, and a little less after rounding: without care the root is nan."""
    gradients = np.geomspace(1e-3, 1e5, 2000, dtype="float32")
    for rho in (0.5, 0.9):
        optimizer, w = optim.RMSProp(1e-3, rho, centered=True), tgl.Variable(np.zeros(2000, "float32"))
        for _ in range(300):
            step(optimizer, (gradients, w))
        assert np.isfinite(w.numpy()).all()


def test_adagrad():
    # a = 9 + 4² = 25, and 0.5·4/5 = 0.4; then a = 25 + 12² = 169, and 0.5·12/13
    values = run(optim.Adagrad(0.5, initial_accumulator_value=9.0, epsilon=0.0), [4.0, 12.0])
    assert values == pytest.approx([0.6, 0.6 - 6 / 13], rel=1e-14)


def test_adagrad_adds_epsilon_under_the_root():
    assert run(optim.Adagrad(0.5, initial_accumulator_value=0.0, epsilon=9.0), [4.0]) == pytest.approx([1 - 2 / 5])


def test_adam():
    # m = 0.5·2 = 1, v = 0.25·2² = 1, α = 0.5·√(1 - 0.75)/(1 - 0.5) = 0.5, so 0.5·1/√1;
    # then m = 1 + 0.5·(4 - 1) = 2.5, v = 1 + 0.25·(16 - 1) = 4.75,
    # α = 0.5·√(1 - 0.75²)/(1 - 0.5²) = 0.5·√0.4375/0.75
    values = run(optim.Adam(0.5, beta_1=0.5, beta_2=0.75, epsilon=0.0), [2.0, 4.0])
    second = 0.5 * math.sqrt(0.4375) / 0.75 * 2.5 / math.sqrt(4.75)
    assert values == pytest.approx([0.5, 0.5 - second], rel=1e-14)


def test_adam_adds_epsilon_outside_of_the_root():
    # as above: 0.5·1/(√1 + 1)
    assert run(optim.Adam(0.5, beta_1=0.5, beta_2=0.75, epsilon=1.0), [2.0]) == [0.75]


def test_amsgrad_keeps_the_largest_velocity():
    # step 1 as above; then g = 0: m = 0.5, v = 0.75 but the largest was 1, α = 0.5·√0.4375/0.75
    values = run(optim.Adam(0.5, beta_1=0.5, beta_2=0.75, epsilon=0.0, amsgrad=True), [2.0, 0.0])
    alpha = 0.5 * math.sqrt(0.4375) / 0.75
    assert values == pytest.approx([0.5, 0.5 - alpha * 0.5 / 1.0], rel=1e-14)
    without = run(optim.Adam(0.5, beta_1=0.5, beta_2=0.75, epsilon=0.0), [2.0, 0.0])
    assert without == pytest.approx([0.5, 0.5 - alpha * 0.5 / math.sqrt(0.75)], rel=1e-14)


# Keras's formulas once more, written plainly, over many steps of arrays ---------------------------------------


def sgd(learning_rate, momentum=0.0, nesterov=False):
    def rule(w, g, s, t):
        s["m"] = momentum * s.get("m", 0) - learning_rate * g
        return w + (momentum * s["m"] - learning_rate * g if nesterov else s["m"])

    return rule


def rmsprop(learning_rate, rho=0.9, momentum=0.0, epsilon=1e-7, centered=False):
    def rule(w, g, s, t):
        s["v"] = rho * s.get("v", 0) + (1 - rho) * g**2
        s["a"] = rho * s.get("a", 0) + (1 - rho) * g
        root = np.sqrt(s["v"] - (s["a"] ** 2 if centered else 0) + epsilon)
        s["m"] = momentum * s.get("m", 0) + learning_rate * g / root
        return w - s["m"]

    return rule


def adagrad(learning_rate, initial_accumulator_value=0.1, epsilon=1e-7):
    def rule(w, g, s, t):
        s["a"] = s.get("a", initial_accumulator_value) + g**2
        return w - learning_rate * g / np.sqrt(s["a"] + epsilon)

    return rule


def adam(learning_rate, beta_1=0.9, beta_2=0.999, epsilon=1e-7, amsgrad=False):
    def rule(w, g, s, t):
        s["m"] = beta_1 * s.get("m", 0) + (1 - beta_1) * g
        s["v"] = beta_2 * s.get("v", 0) + (1 - beta_2) * g**2
        s["top"] = np.maximum(s.get("top", 0), s["v"])
        alpha = learning_rate * math.sqrt(1 - beta_2**t) / (1 - beta_1**t)
        return w - alpha * s["m"] / (np.sqrt(s["top"] if amsgrad else s["v"]) + epsilon)

    return rule


RULES = [
    (optim.SGD, sgd, {}),
    (optim.SGD, sgd, {"momentum": 0.9}),
    (optim.SGD, sgd, {"momentum": 0.8, "nesterov": True}),
    (optim.Momentum, sgd, {"momentum": 0.7}),
    (optim.RMSProp, rmsprop, {}),
    (optim.RMSProp, rmsprop, {"rho": 0.8, "momentum": 0.9, "epsilon": 1e-3}),
    (optim.RMSProp, rmsprop, {"centered": True}),
    (optim.RMSProp, rmsprop, {"centered": True, "momentum": 0.5, "rho": 0.95}),
    (optim.Adagrad, adagrad, {}),
    (optim.Adagrad, adagrad, {"initial_accumulator_value": 0.0, "epsilon": 1e-3}),
    (optim.Adam, adam, {}),
    (optim.Adam, adam, {"beta_1": 0.5, "beta_2": 0.9, "epsilon": 1e-3}),
    (optim.Adam, adam, {"amsgrad": True, "beta_2": 0.5}),
]


@pytest.mark.parametrize(("kind", "rule_of", "options"), RULES)
@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-12), ("float32", 2e-5)])
def test_ten_steps(kind, rule_of, options, dtype, tolerance):
    rng = np.random.default_rng(0)
    start = rng.normal(size=(3, 4)).astype(dtype)
    w, expected, state = tgl.Variable(start), start.astype("float64"), {}
    optimizer, rule = kind(learning_rate=0.05, **options), rule_of(0.05, **options)
    for t in range(1, 11):
        g = rng.normal(size=(3, 4)).astype(dtype)
        step(optimizer, (tgl.constant(g), w))
        expected = rule(expected, g.astype("float64"), state, t)
    assert w.dtype == dtype
    np.testing.assert_allclose(w.numpy(), expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize(
    ("optimizer", "golden"),
    [
        (optim.SGD(nesterov=True), [0.9999, 0.9989, 0.9979, 0.9969, 0.9959]),
        (optim.RMSProp(centered=True), [0.9967, 0.9933, 0.9908, 0.9885, 0.9864]),
        (optim.Adagrad(0.2, 0.3, 1e-6), [0.9963, 0.9604, 0.9251, 0.8903, 0.856]),
        (optim.Adam(amsgrad=True), [0.999, 0.9982, 0.9974, 0.9965, 0.9955]),
    ],
)
def test_the_figures_that_keras_tests_itself_with(optimizer, golden):
    """A gradient of 0.01, then four of 0.1."""
    assert run(optimizer, [0.01] + [0.1] * 4, dtype="float32") == pytest.approx(golden, abs=5e-4)


def test_defaults_are_those_of_keras():
    configs = {name: optim.get(name).get_config() for name in NAMES}
    assert configs == {
        "sgd": {"name": "SGD", "learning_rate": 0.01, "momentum": 0.0, "nesterov": False},
        "momentum": {"name": "momentum", "learning_rate": 0.01, "momentum": 0.9, "nesterov": False},
        "rmsprop": {
            "name": "rmsprop", "learning_rate": 0.001, "rho": 0.9, "momentum": 0.0, "epsilon": 1e-7, "centered": False,
        },
        "adagrad": {
            "name": "adagrad", "learning_rate": 0.001, "initial_accumulator_value": 0.1, "epsilon": 1e-7,
        },
        "adam": {
            "name": "adam", "learning_rate": 0.001, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7, "amsgrad": False,
        },
    }  # fmt: skip
    assert optim.RMSprop is optim.RMSProp


# State --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("optimizer", "slots"),
    [
        (optim.SGD(), []),
        (optim.SGD(momentum=0.9), ["momentum"]),
        (optim.RMSProp(), ["velocity"]),
        (optim.RMSProp(momentum=0.9, centered=True), ["velocity", "momentum", "average_gradient"]),
        (optim.Adagrad(), ["accumulator"]),
        (optim.Adam(), ["momentum", "velocity"]),
        (optim.Adam(amsgrad=True), ["momentum", "velocity", "velocity_hat"]),
    ],
)
def test_variables_are_iterations_learning_rate_and_slot_by_slot(optimizer, slots):
    """Keras's order: all momentums, then all velocities."""
    assert optimizer.variables[0] is optimizer.iterations
    assert optimizer.variables[1] is optimizer.learning_rate
    assert len(optimizer.variables) == 2
    a, b = tgl.Variable([1.0, 2.0], name="a"), tgl.Variable(3.0, name="b", dtype="float64")
    optimizer.build([a, b])
    names = [variable.name for variable in optimizer.variables[2:]]
    assert names == [f"{optimizer.name}/{w}/{slot}" for slot in slots for w in "ab"]
    for n, variable in enumerate(optimizer.variables[2:]):
        assert (variable.shape, variable.dtype) == ((a, b)[n % 2].shape, (a, b)[n % 2].dtype)
        assert not variable.trainable


def test_adagrad_starts_with_its_initial_value():
    optimizer, w = optim.Adagrad(initial_accumulator_value=0.25), tgl.Variable([1.0, 2.0])
    optimizer.build([w])
    assert optimizer.variables[2].numpy().tolist() == [0.25, 0.25]


def test_iterations_count_the_steps():
    optimizer, w = optim.Adam(), tgl.Variable(1.0)
    assert optimizer.iterations.item() == 0
    for _ in range(3):
        step(optimizer, (1.0, w))
    assert optimizer.iterations.item() == 3
    assert optimizer.iterations.dtype == "int64"
    assert not optimizer.iterations.trainable
    assert not optimizer.learning_rate.trainable


def test_build_makes_the_state_before_the_first_step():
    optimizer, w = optim.Adam(), tgl.Variable(1.0)
    assert not optimizer.built
    optimizer.build(iter([w]))
    assert optimizer.built
    state = optimizer.variables
    optimizer.build([w])  # once more, for the same: nothing happens
    assert all(a is b for a, b in zip(state, optimizer.variables, strict=True))
    step(optimizer, (1.0, w))
    assert optimizer.variables[2] is state[2]


def test_a_step_for_some_of_the_variables():
    optimizer = optim.SGD(1.0, momentum=0.5)
    a, b = tgl.Variable(1.0), tgl.Variable(1.0)
    optimizer.build([a, b])
    step(optimizer, (1.0, b))
    step(optimizer, (1.0, b), (1.0, a))  # in any order
    assert (a.item(), b.item()) == (0.0, -1.5)


# The learning rate --------------------------------------------------------------------------------------------


def test_learning_rate_can_be_set():
    optimizer, w = optim.SGD(1.0), tgl.Variable(0.0)
    rate = optimizer.learning_rate
    step(optimizer, (1.0, w))
    optimizer.learning_rate = 0.25
    step(optimizer, (1.0, w))
    optimizer.learning_rate.assign(0.5)
    step(optimizer, (1.0, w))
    optimizer.learning_rate = 2 * optimizer.learning_rate
    step(optimizer, (1.0, w))
    assert w.item() == -2.75
    assert optimizer.learning_rate is rate  # one Variable all the time: it can be saved


def test_learning_rate_keeps_its_digits():
    optimizer, w = optim.SGD(0.1), tgl.Variable(0.0, dtype="float64")
    step(optimizer, (1.0, w))
    assert w.item() == -0.1
    assert optimizer.get_config()["learning_rate"] == 0.1


def test_learning_rate_of_a_schedule():
    optimizer, w = optim.SGD(lambda step: 1.0 / (step + 1)), tgl.Variable(0.0, dtype="float64")
    for _ in range(3):
        step(optimizer, (1.0, w))
    assert w.item() == pytest.approx(-(1 + 1 / 2 + 1 / 3))
    assert optimizer.learning_rate == 0.25
    assert optimizer.variables == [optimizer.iterations]


def test_learning_rate_of_a_function_without_arguments():
    rates = iter([1.0, 0.5])
    optimizer, w = optim.SGD(lambda: next(rates)), tgl.Variable(0.0)
    step(optimizer, (1.0, w))
    step(optimizer, (1.0, w))
    assert w.item() == -1.5


def test_a_function_whose_argument_has_a_default_is_not_given_the_step():
    assert optim.SGD(lambda rate=0.5, *, factor=2.0: rate * factor).learning_rate == 1.0


def test_a_number_takes_the_place_of_a_schedule():
    optimizer = optim.SGD(lambda: 1.0)
    optimizer.learning_rate = 0.5
    assert optimizer.learning_rate.item() == 0.5


@pytest.mark.parametrize("rate", [-0.1, math.nan, math.inf])
def test_learning_rate_out_of_range(rate):
    with pytest.raises(ValueError, match=r"Expected learning_rate to be finite and at least 0\. Received: learn.*="):
        optim.SGD(rate)


@pytest.mark.parametrize("rate", ["0.1", None, True, [0.1]])
def test_learning_rate_that_is_no_number(rate):
    with pytest.raises(TypeError, match=r"Expected a number or a callable as the learning rate\. Received: .*0\.001"):
        optim.SGD(rate)
    optimizer = optim.SGD(0.5)
    with pytest.raises(TypeError):
        optimizer.learning_rate = rate
    assert optimizer.learning_rate.item() == 0.5


def test_a_schedule_that_answers_nonsense_changes_nothing():
    optimizer, w = optim.SGD(lambda step: -1.0), tgl.Variable(1.0)
    with pytest.raises(ValueError, match=r"learning_rate=-1\.0"):
        step(optimizer, (1.0, w))
    assert (w.item(), optimizer.iterations.item()) == (1.0, 0)


@pytest.mark.parametrize(
    ("kind", "option", "value", "bound"),
    [
        (optim.SGD, "momentum", 1.5, "at most 1"),
        (optim.Momentum, "momentum", -0.1, "at most 1"),
        (optim.RMSProp, "rho", 1.1, "at most 1"),
        (optim.RMSProp, "epsilon", -1.0, "at least 0"),
        (optim.Adagrad, "initial_accumulator_value", -1.0, "at least 0"),
        (optim.Adam, "beta_1", 1.0, "below 1"),
        (optim.Adam, "beta_2", 1.0, "below 1"),
        (optim.Adam, "epsilon", math.nan, "at least 0"),
    ],
)
def test_options_out_of_range(kind, option, value, bound):
    with pytest.raises(ValueError, match=rf"Expected {option} .*{bound}\. Received: {option}={value}"):
        kind(**{option: value})


def test_options_at_the_end_of_their_range():
    assert run(optim.SGD(1.0, momentum=1.0), [1.0, 1.0]) == [0.0, -2.0]  # m = -1, -2
    assert run(optim.RMSProp(1.0, rho=1.0, epsilon=1.0), [1.0]) == [0.0]  # v stays 0


# In place, block by block -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_blocks_do_not_show(name):
    """Sizes around the length of a block: every element is updated as if it were alone."""
    for size in (
        1,
        optim.optimizer.BLOCK - 1,
        optim.optimizer.BLOCK,
        optim.optimizer.BLOCK + 1,
        2 * optim.optimizer.BLOCK + 3,
    ):
        many, one = tgl.Variable(np.full(size, 0.5, "float32")), tgl.Variable(0.5)
        optimizer, alone = optim.get(name), optim.get(name)
        for g in (0.3, -0.7):
            step(optimizer, (np.full(size, g, "float32"), many))
            step(alone, (np.float32(g), one))
        assert (many.numpy() == one.item()).all()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])  # the latter has to be converted
def test_blocks_take_their_own_part_of_everything(name, dtype, monkeypatch):
    rng = np.random.default_rng(0)
    start = rng.normal(size=(5, 7)).astype("float32")
    gradients = rng.normal(size=(3, 5, 7)).astype(dtype)
    whole, small = tgl.Variable(start), tgl.Variable(start)
    first, second = optim.get(name), optim.get(name)
    for g in gradients:
        step(first, (g, whole))
    monkeypatch.setattr(optim.optimizer, "BLOCK", 4)
    for g in gradients:
        step(second, (g, small))
    assert (whole.numpy() == small.numpy()).all()


@pytest.mark.parametrize("name", NAMES)
def test_gradients_of_any_strides(name, monkeypatch):
    rng = np.random.default_rng(0)
    start = rng.normal(size=(4, 6)).astype("float32")
    plain = rng.normal(size=(4, 6)).astype("float32")
    column = np.repeat(plain[:, :1], 6, axis=1)
    strided = [
        (plain, np.asfortranarray(plain)),
        (plain, np.repeat(plain, 2, axis=1)[:, ::2]),
        (plain, np.ascontiguousarray(plain[::-1])[::-1]),
        (column, np.broadcast_to(plain[:, :1], (4, 6))),
        (np.full((4, 6), 0.5, "float32"), np.broadcast_to(np.float32(0.5), (4, 6))),
    ]
    monkeypatch.setattr(optim.optimizer, "BLOCK", 5)  # blocks that end in the middle of rows
    for contiguous, other in strided:
        a, b = tgl.Variable(start), tgl.Variable(start)
        first, second = optim.get(name), optim.get(name)
        for _ in range(2):
            step(first, (contiguous, a))
            step(second, (other, b))
        assert (a.numpy() == b.numpy()).all()


def test_variables_of_any_strides():
    w = tgl.Variable(np.arange(6.0).reshape(2, 3).T)
    step(optim.SGD(1.0), (np.ones((3, 2)), w))
    assert w.numpy().tolist() == [[-1.0, 2.0], [0.0, 3.0], [1.0, 4.0]]


@pytest.mark.parametrize("name", NAMES)
def test_a_step_is_in_place(name):
    optimizer, w = optim.get(name), tgl.Variable(np.ones(1000, "float32"))
    g = np.ones(1000, "float32")
    step(optimizer, (g, w))
    buffers = [w._array.ctypes.data, *(v._array.ctypes.data for v in optimizer.variables)]
    step(optimizer, (g, w))
    assert buffers == [w._array.ctypes.data, *(v._array.ctypes.data for v in optimizer.variables)]


def peak_of(work):
    """The most memory that was in use at a time, once what is kept for later is there."""
    work()
    gc.collect()
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "optimizer",
    [
        *map(optim.get, NAMES),
        optim.SGD(momentum=0.9, nesterov=True),
        optim.SGD(clipvalue=0.5, weight_decay=0.1),
        optim.RMSProp(momentum=0.9, centered=True),
        optim.Adam(amsgrad=True),
    ],
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_step_takes_not_even_the_memory_of_a_block(optimizer, dtype):
    optimizer = copy.deepcopy(optimizer)
    w, g = tgl.Variable(np.ones(3 * optim.optimizer.BLOCK, "float32")), np.ones(3 * optim.optimizer.BLOCK, dtype)
    assert peak_of(lambda: step(optimizer, (g, w))) < optim.optimizer.BLOCK  # bytes; its elements have 4 each
    optimizer._scales = lambda gradients: [0.5]  # as where norms are clipped
    assert peak_of(lambda: step(optimizer, (g, w))) < optim.optimizer.BLOCK


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("options", [{}, {"clipnorm": 1.0}, {"global_clipnorm": 1.0}])
def test_a_gradient_of_any_order_is_never_copied_as_a_whole(order, options):
    w, g = (
        tgl.Variable(np.ones((16, optim.optimizer.BLOCK), "float32")),
        np.ones((16, optim.optimizer.BLOCK), "float32", order=order),
    )
    optimizer = optim.SGD(0.1, **options)
    # in bytes for each element of a block: two blocks of doubles to sum up, a block of floats in the order of C
    most = 1 + 16 * bool(options) + 4 * (order == "F")
    assert peak_of(lambda: step(optimizer, (g, w))) < most * optim.optimizer.BLOCK < w.nbytes / 2


@pytest.mark.parametrize("name", NAMES)
def test_gradients_are_only_read(name):
    g = np.linspace(-1, 1, 5, dtype="float32")
    before = g.copy()
    g.flags.writeable = False
    w = tgl.Variable(np.ones(5, "float32"))
    step(optim.get(name), (g, w))
    assert (g == before).all()


def test_a_value_taken_before_the_step_stays():
    w = tgl.Variable([1.0, 2.0])
    value, view = w.value(), w.numpy()
    step(optim.SGD(1.0), (tgl.constant([1.0, 1.0]), w))
    assert w.numpy().tolist() == [0.0, 1.0]
    assert value.numpy().tolist() == view.tolist() == [1.0, 2.0]


def test_a_gradient_that_is_the_variable_itself():
    w = tgl.Variable([1.0, 2.0])
    step(optim.SGD(0.5, momentum=0.5), (w, w))
    assert w.numpy().tolist() == [0.5, 1.0]


def test_a_gradient_asked_for_after_the_step_is_that_of_the_recorded_weights():
    w = tgl.Variable(3.0)
    with tgl.GradientTape() as tape:
        loss = w * w
    step(optim.SGD(1.0), (1.0, w))
    assert w.item() == 2.0
    assert tape.gradient(loss, w).item() == 6.0


def test_shapes_of_all_kinds():
    variables = [tgl.Variable(np.ones(shape, "float32")) for shape in [(), (1,), (0,), (3, 0), (2, 3, 4)]]
    optimizer = optim.Adam(0.5)
    step(optimizer, *((np.ones(v.shape, "float32"), v) for v in variables))
    for variable in variables:
        np.testing.assert_allclose(variable.numpy(), np.full(variable.shape, 0.5), rtol=1e-5)


def test_gradients_of_another_dtype_are_converted():
    w = tgl.Variable([1.0, 1.0])
    step(optim.SGD(0.5), (np.array([1.0, 2.0]), w))
    step(optim.SGD(0.5), (np.array([1, 2]), w))
    assert w.numpy().tolist() == [0.0, -1.0]
    assert w.dtype == "float32"


@pytest.mark.parametrize("name", NAMES)
def test_float64_is_computed_in_float64(name):
    w = tgl.Variable([1.0], dtype="float64")
    for _ in range(3):
        step(optim.get(name), (np.array([1 / 3]), w))
    assert w.dtype == "float64"
    assert w.item() != float(np.float32(w.item()))


def test_huge_gradients_do_not_warn():
    """A step that diverges shows in the loss; a RuntimeWarning from inside of NumPy would explain nothing."""
    w = tgl.Variable([1.0])
    for g in (1e30, np.inf, np.nan):
        step(optim.RMSProp(), (np.array([g], "float32"), w))
    assert np.isnan(w.numpy()).all()


# What apply_gradients refuses ---------------------------------------------------------------------------------


@pytest.fixture
def trained():
    """An optimizer with state, its two Variables, and what to compare with."""
    optimizer = optim.Adam(0.1)
    a, b = tgl.Variable([1.0, 2.0], name="dense/kernel"), tgl.Variable(3.0, name="dense/bias")
    step(optimizer, (np.ones(2, "float32"), a), (1.0, b))
    return optimizer, a, b


def refused(trained, pairs, error, message):
    optimizer, a, b = trained
    before = [v.numpy().copy() for v in (a, b, *optimizer.variables)]
    with pytest.raises(error, match=message):
        optimizer.apply_gradients(pairs)
    for old, now in zip(before, (a, b, *optimizer.variables), strict=True):
        assert (old == now.numpy()).all(), "something was changed although the step was refused"


def test_none_is_refused_by_name(trained):
    _, a, b = trained
    refused(
        trained,
        [(np.ones(2, "float32"), a), (None, b)],
        ValueError,
        r"expected a gradient for every variable\. Received: None for 'dense/bias'\. The usual causes: the loss does "
        r"not depend on the variable",
    )


def test_wrong_shapes_are_refused_by_name(trained):
    _, a, b = trained
    refused(
        trained,
        [(1.0, b), (np.ones((2, 1), "float32"), a)],
        ValueError,
        r"of the shape \(2,\) for 'dense/kernel'\. Received: gradient\.shape=\(2, 1\)\. Are gradients and variables",
    )


def test_foreign_variables_are_refused_by_name(trained):
    _, a, b = trained
    other = tgl.Variable(5.0, name="other/bias")
    refused(
        trained,
        [(np.ones(2, "float32"), a), (1.0, b), (1.0, other)],
        ValueError,
        r"This adam was built for the variables 'dense/kernel', 'dense/bias'\. Received: 'other/bias', not among",
    )
    assert other.item() == 5.0


def test_a_variable_that_comes_twice_is_refused_by_name(trained):
    _, a, b = trained
    refused(
        trained,
        [(np.ones(2, "float32"), a), (np.ones(2, "float32"), a)],
        ValueError,
        r"adam expected every variable once\. Received: 'dense/kernel' twice\. Add up its gradients",
    )
    refused(trained, [(np.ones(2), a), (1.0, b), (1.0, b)], ValueError, "Received: 'dense/bias' twice")
    with pytest.raises(ValueError, match="Received: 'dense/kernel' twice"):
        optim.SGD().build([a, a])


def test_an_exhausted_zip_is_refused(trained):
    refused(trained, iter(()), ValueError, r"at least one pair \(gradient, variable\)\. Received: none\. A zip can be")


def test_pairs_in_the_wrong_order_are_refused(trained):
    _, _, b = trained
    refused(
        trained,
        [(b, tgl.constant(1.0))],
        TypeError,
        r"expected pairs \(gradient, variable\)\. Received: \(Variable, Tensor\)\. Pass zip\(grads, variables\)",
    )
    refused(trained, [b], TypeError, r"Received: Variable\. Pass zip\(grads, variables\), the gradients first")


def test_complex_and_boolean_gradients_are_refused(trained):
    _, _, b = trained
    refused(trained, [(np.array(True), b)], TypeError, r"real numbers as the gradient of 'dense/bias'\. .*dtype=bool")


def test_integer_variables_are_refused():
    count = tgl.Variable(3, name="count")
    for give in (lambda: optim.SGD().build([count]), lambda: step(optim.SGD(), (1.0, count))):
        with pytest.raises(TypeError, match=r"expected Variables of a floating dtype\. Received: 'count' of dtype int"):
            give()
    assert count.item() == 3


def test_nothing_is_built_by_a_first_step_that_is_refused():
    optimizer, w = optim.Adam(), tgl.Variable(1.0, name="w")
    with pytest.raises(ValueError, match="None for 'w'"):
        step(optimizer, (None, w))
    assert not optimizer.built


def test_build_refuses_what_is_no_variable():
    with pytest.raises(TypeError, match=r"sgd\.build expected Variables\. Received: Tensor\(1\., .* of type Tensor"):
        optim.SGD(name="sgd").build([tgl.constant(1.0)])


def test_build_for_other_variables(trained):
    optimizer, _, _ = trained
    with pytest.raises(ValueError, match=r"Received: 'Variable', not among them\. Use a new optimizer"):
        optimizer.build([tgl.Variable(1.0)])


def test_long_lists_of_names_are_cut():
    variables = [tgl.Variable(1.0, name=f"w{n}") for n in range(20)]
    with pytest.raises(ValueError, match=r"'w7' and 12 more"):
        optim.SGD().apply_gradients((None, v) for v in variables)
    with pytest.raises(ValueError, match=r"'w6', 'w7'\. The usual"):
        optim.SGD().apply_gradients((None, v) for v in variables[:8])


# By name, by config, by pickle --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("identifier", "kind"),
    [
        ("sgd", optim.SGD),
        ("SGD", optim.SGD),
        ("momentum", optim.Momentum),
        ("rmsprop", optim.RMSProp),
        ("RMSprop", optim.RMSProp),
        ("RMSProp", optim.RMSProp),
        ("Adagrad", optim.Adagrad),
        ("adam", optim.Adam),
        (optim.Adam, optim.Adam),
    ],
)
def test_get(identifier, kind):
    assert type(optim.get(identifier)) is kind


def test_get_returns_an_optimizer_as_it_is():
    optimizer = optim.SGD()
    assert optim.get(optimizer) is optimizer


def test_get_of_an_unknown_name_suggests_the_nearest():
    message = (
        r"Unknown optimizer\. Received: 'adma'\. Did you mean 'adam'\? Known: 'adagrad', 'adam', 'momentum', "
        r"'rmsprop', 'sgd'\."
    )
    with pytest.raises(ValueError, match=message):
        optim.get("adma")
    with pytest.raises(
        TypeError, match=r"Expected the name of a known optimizer, .* Received: 3 of type int\. Known names: 'adagrad'"
    ):
        optim.get(3)


@pytest.mark.parametrize("name", NAMES)
def test_configs_make_equal_optimizers(name):
    config = optim.get(name).get_config() | {"learning_rate": 0.5, "name": "mine"}
    assert type(optim.get(name)).from_config(config).get_config() == config


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda pair: pickle.loads(pickle.dumps(pair))])
@pytest.mark.parametrize("name", NAMES)
def test_copies_go_on_where_the_original_stands(name, copied):
    optimizer, w = optim.get(name), tgl.Variable([1.0, 2.0])
    g = np.array([0.5, -0.25], "float32")
    step(optimizer, (g, w))
    twin, v = copied((optimizer, w))
    step(twin, (g, v))
    assert w.numpy().tolist() != v.numpy().tolist()
    step(optimizer, (g, w))
    assert w.numpy().tolist() == v.numpy().tolist()
    assert twin.iterations.item() == 2


def test_an_optimizer_without_a_rule():
    with pytest.raises(NotImplementedError, match=r"Mine must define update\(self, w, g, slots, scratch, learning_ra"):
        step(type("Mine", (optim.Optimizer,), {})(0.1, "mine"), (1.0, tgl.Variable(1.0)))


def test_an_own_optimizer_with_a_slot():
    class Averaged(optim.Optimizer):
        """Steps along the mean of all gradients so far."""

        def slots(self):
            return {"mean": 0.0}

        def update(self, w, g, slots, scratch, learning_rate, step):
            (mean,) = slots
            mean += (g - mean) / step
            w -= learning_rate * mean

    assert run(Averaged(1.0, "averaged"), [1.0, 3.0], start=0.0) == [-1.0, -3.0]
