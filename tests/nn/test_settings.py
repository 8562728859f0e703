"""Every setting of an optimizer, a loss or a metric can be changed later, with effect; or the change is refused."""

import copy
import pickle

import numpy as np
import pytest

import tinygrad_lite as tgl
from tinygrad_lite import nn, optim
from tinygrad_lite.nn import losses, metrics

# Optimizers -----------------------------------------------------------------------------------------------------

OTHERS = {
    optim.SGD: {"momentum": 0.9, "nesterov": True},
    optim.Momentum: {"momentum": 0.0, "nesterov": True},
    optim.RMSProp: {"rho": 0.5, "momentum": 0.5, "epsilon": 0.1, "centered": True},
    optim.Adagrad: {"epsilon": 0.5},
    optim.Adam: {"beta_1": 0.5, "beta_2": 0.9, "epsilon": 0.1, "amsgrad": True},
}
SHARED = {"learning_rate": 0.05, "weight_decay": 0.5, "clipnorm": 0.1, "clipvalue": 0.1, "global_clipnorm": 0.1}
CASES = [(cls, name, value) for cls, settings in OTHERS.items() for name, value in (settings | SHARED).items()]


def steps(optimizer, w, gradients):
    for g in gradients:
        optimizer.apply_gradients([(tgl.constant(g), w)])
    return w.numpy().tolist()


def gradients(count, seed=0):
    return np.random.default_rng(seed).normal(size=(count, 3)).astype(np.float32)


@pytest.mark.parametrize(("cls", "name", "value"), CASES)
def test_before_the_first_step_it_is_as_if_passed(cls, name, value):
    later, passed = cls(learning_rate=0.1), cls(**{"learning_rate": 0.1} | {name: value})
    setattr(later, name, value)
    answers = [steps(o, tgl.Variable([1.0, -2.0, 3.0]), gradients(5)) for o in (later, passed)]
    assert answers[0] == answers[1]
    assert later.get_config() == passed.get_config()


@pytest.mark.parametrize(("cls", "name", "value"), CASES)
def test_after_some_steps_it_has_an_effect_and_leaves_the_other_slots(cls, name, value):
    """What is new starts as at the beginning, what was there goes on: with as many slots as a new one has."""
    w = tgl.Variable([1.0, -2.0, 3.0])
    changed, unchanged = cls(learning_rate=0.1), cls(learning_rate=0.1)
    other = tgl.Variable(w)
    for optimizer, variable in ((changed, w), (unchanged, other)):
        steps(optimizer, variable, gradients(3))
    kept = {slot: [v.numpy().tolist() for v in variables] for slot, variables in changed._state.items()}
    setattr(changed, name, value)
    fresh = cls(**{"learning_rate": 0.1} | {name: value})
    fresh.build([w])
    assert [v.name for v in changed.variables] == [v.name for v in fresh.variables]
    for slot, values in kept.items():
        if slot in changed._state:
            assert [v.numpy().tolist() for v in changed._state[slot]] == values
    more = gradients(6, seed=1)
    has_effect = steps(changed, w, more) != steps(unchanged, other, more)
    assert has_effect or (cls, name) == (optim.SGD, "nesterov")  # which is about momentum, of which there is none
    assert np.isfinite(w.numpy()).all()


def test_momentum_raised_later_by_hand():
    w, sgd = tgl.Variable(1.0), optim.SGD(0.5)
    steps(sgd, w, [np.float32(1.0)])  # 1 - 0.5
    sgd.momentum = 0.5
    assert steps(sgd, w, [np.float32(1.0)] * 2) == 0.5 - 0.5 - 0.75
    sgd.momentum = 0.0
    assert steps(sgd, w, [np.float32(1.0)]) == -1.25


def test_amsgrad_switched_on_later_by_hand():
    w, adam = tgl.Variable(0.0), optim.Adam(0.1, beta_1=0.0, beta_2=0.5, epsilon=0.0)
    steps(adam, w, [np.float32(2.0)])  # v = 2
    adam.amsgrad = True
    before = w.item()
    steps(adam, w, [np.float32(4.0)])  # v = 1 + 8 = 9, the largest; 1 - 0.5² = 0.75
    assert before - w.item() == pytest.approx(0.1 * np.sqrt(0.75) * 4 / 3, rel=1e-6)
    before = w.item()
    steps(adam, w, [np.float32(0.0)])  # v = 4.5, but 9 is kept; m = 0
    assert w.item() == before


def test_a_schedule_may_set_what_changes_the_slots():
    for run_eagerly in (True, False):
        model = nn.Sequential([nn.Dense(1)])

        def rate(step, model=model):
            model.optimizer.momentum = 0.5 if step > 3 else 0.0
            return 0.01

        model.compile(optim.RMSProp(rate), "mse", run_eagerly=run_eagerly)
        model.fit(np.ones((8, 2), np.float32), np.ones((8, 1)), batch_size=2, epochs=2, verbose=0)
        assert [*model.optimizer._state] == ["velocity", "momentum"]


WRONG = {
    "momentum": (-0.1, 1.5, "0.9", None, np.nan, True),
    "rho": (-0.1, 1.5, "a"),
    "epsilon": (-1e-3, np.inf, "a", None),
    "beta_1": (1, 1.0, -0.1, "a", None),
    "beta_2": (1, 1.0, -0.1, "a", None),
    "nesterov": ("yes", 2, None, 0.5),
    "centered": ("yes", 2, None, 0.5),
    "amsgrad": ("yes", 2, None, 0.5),
    "learning_rate": (-1.0, np.nan, "0.1", None, True),
    "weight_decay": (-1.0, np.inf, "a", True),
    "clipnorm": (0.0, -1.0, np.inf, "1", True),
    "clipvalue": (0.0, -1.0, np.inf, "1", True),
    "global_clipnorm": (0.0, -1.0, np.inf, "1", True),
    "initial_accumulator_value": (-1.0, "a"),
}
WRONG_CASES = [
    (cls, name, value)
    for cls in OTHERS
    for name, values in WRONG.items()
    if name in (*cls.hyperparameters, *SHARED)
    for value in values
]


@pytest.mark.parametrize("is_built", [False, True])
@pytest.mark.parametrize(("cls", "name", "value"), WRONG_CASES)
def test_what_is_out_of_range_is_refused_when_it_is_set(cls, name, value, is_built):
    optimizer = cls(learning_rate=0.1)
    if is_built:
        steps(optimizer, tgl.Variable([1.0, 2.0, 3.0]), gradients(2))
    before = optimizer.get_config()
    with pytest.raises((TypeError, ValueError), match=name):
        setattr(optimizer, name, value)
    assert optimizer.get_config() == before
    with pytest.raises((TypeError, ValueError), match=name):
        cls(**{"learning_rate": 0.1} | {name: value})


@pytest.mark.parametrize("first", ["clipnorm", "clipvalue", "global_clipnorm"])
@pytest.mark.parametrize("second", ["clipnorm", "clipvalue", "global_clipnorm"])
def test_two_ways_of_clipping_are_refused_when_the_second_is_set(first, second):
    optimizer = optim.Adam(**{first: 1.0})
    if first == second:
        setattr(optimizer, second, 2.0)
        return
    with pytest.raises(ValueError, match="in one way"):
        setattr(optimizer, second, 2.0)
    setattr(optimizer, first, None)
    setattr(optimizer, second, 2.0)


def test_where_sums_begin_cannot_change_after_they_have_begun():
    adagrad = optim.Adagrad(initial_accumulator_value=0.5)
    adagrad.initial_accumulator_value = 0.25
    steps(adagrad, tgl.Variable([1.0, 2.0, 3.0]), gradients(1))
    adagrad.initial_accumulator_value = 0.25
    with pytest.raises(ValueError, match="Make a new"):
        adagrad.initial_accumulator_value = 0.5


@pytest.mark.parametrize("cls", OTHERS)
@pytest.mark.parametrize("name", ["decay", "eps", "betas", "alpha"])
def test_names_of_other_libraries_are_refused(cls, name):
    with pytest.raises(AttributeError, match="Instead"):
        setattr(cls(), name, 0.1)


def test_an_optimizer_of_ones_own_may_have_such_names_and_slots_that_depend_on_them():
    class Own(optim.Optimizer):
        def __init__(self):
            super().__init__(0.5)
            self.decay = 0.0

        def slots(self):
            return {"sum": 0.0} if self.decay else {}

        def update(self, w, g, slots, scratch, learning_rate, step):
            if slots:
                slots[0][...] = self.decay * slots[0] + g
                w -= learning_rate * slots[0]
            else:
                w -= learning_rate * g

    own, w = Own(), tgl.Variable(1.0)
    steps(own, w, [np.float32(1.0)])
    own.decay = 1.0
    assert steps(own, w, [np.float32(1.0)] * 2) == 0.5 - 0.5 - 1.0


@pytest.mark.parametrize(("cls", "name", "value"), CASES)
def test_inside_of_fit_and_of_a_function(cls, name, value):
    """Changed by a callback, compiled and eagerly; and between two calls of a compiled function."""
    x = np.random.default_rng(0).normal(size=(16, 3)).astype(np.float32)
    histories = []
    for run_eagerly in (True, False):
        tgl.random.set_seed(0)
        model = nn.Sequential([nn.Dense(4, activation="tanh"), nn.Dense(1)])
        model.compile(cls(learning_rate=0.1), "mse", run_eagerly=run_eagerly)
        change = nn.callbacks.LambdaCallback(
            on_epoch_end=lambda epoch, logs, o=model.optimizer: setattr(o, name, value) if epoch == 2 else None
        )
        histories.append(model.fit(x, x[:, :1], batch_size=8, epochs=5, verbose=0, callbacks=[change]).history)
    assert histories[0] == histories[1]
    answers = []
    for wrap in (lambda f: f, tgl.function):
        optimizer, w = cls(learning_rate=0.1), tgl.Variable([1.0, -2.0, 3.0])
        step = wrap(lambda g, o=optimizer, w=w: o.apply_gradients([(g, w)]))
        for n, g in enumerate(gradients(6)):
            if n == 3:
                setattr(optimizer, name, value)
            step(tgl.constant(g))
        answers.append(w.numpy().tolist())
    assert answers[0] == answers[1]


# Losses and metrics ---------------------------------------------------------------------------------------------

Y, P = np.array([[0.0], [1.0], [1.0]], np.float32), np.array([[0.1], [0.6], [0.8]], np.float32)
ONE_HOT, P3 = np.eye(3, dtype=np.float32), np.array([[0.7, 0.2, 0.1], [0.2, 0.5, 0.3], [0.3, 0.3, 0.4]], np.float32)
LABELS = np.array([0, 1, 1])
LOSSES = [
    (losses.MeanSquaredError, "reduction", "sum", (Y, P)),
    (losses.MeanAbsoluteError, "reduction", None, (Y, P)),
    (losses.Huber, "delta", 0.05, (Y, P)),
    (losses.BinaryCrossentropy, "from_logits", True, (Y, P)),
    (losses.BinaryCrossentropy, "label_smoothing", 0.3, (Y, P)),
    (losses.BinaryCrossentropy, "axis", 0, (ONE_HOT[:, :2], P3[:, :2])),
    (losses.CategoricalCrossentropy, "from_logits", True, (ONE_HOT, P3)),
    (losses.CategoricalCrossentropy, "label_smoothing", 0.3, (ONE_HOT, P3)),
    (losses.CategoricalCrossentropy, "axis", 0, (ONE_HOT, P3)),
    (losses.SparseCategoricalCrossentropy, "from_logits", True, (LABELS, P3)),
    (losses.SparseCategoricalCrossentropy, "ignore_class", 1, (LABELS, P3)),
    (losses.Huber, "dtype", "float64", (Y, P)),
]


@pytest.mark.parametrize(("cls", "name", "value", "data"), LOSSES)
def test_a_setting_of_a_loss_counts_when_it_is_set_later(cls, name, value, data):
    later, passed = cls(), cls(**{name: value})
    before = later(*data).numpy()
    setattr(later, name, value)
    np.testing.assert_array_equal(later(*data).numpy(), passed(*data).numpy())
    assert str(before) != str(later(*data).numpy()) or before.dtype != later(*data).numpy().dtype or name == "axis"
    assert later.get_config() == passed.get_config()
    assert getattr(later, name) == getattr(passed, name)
    for copied in (copy.copy(later), copy.deepcopy(later), pickle.loads(pickle.dumps(later))):
        np.testing.assert_array_equal(copied(*data).numpy(), passed(*data).numpy())


@pytest.mark.parametrize(
    ("loss", "name", "value"),
    [
        (losses.Huber(), "delta", 0.0),
        (losses.Huber(), "delta", "1"),
        (losses.Huber(), "reduction", "average"),
        (losses.Huber(), "dtype", "int32"),
        (losses.BinaryCrossentropy(), "from_logits", "yes"),
        (losses.BinaryCrossentropy(), "label_smoothing", 1.5),
        (losses.CategoricalCrossentropy(), "label_smoothing", -0.1),
        (metrics.BinaryAccuracy(), "threshold", "0.5"),
        (metrics.BinaryAccuracy(), "threshold", None),
        (metrics.BinaryAccuracy(), "dtype", "int32"),
        (metrics.BinaryAccuracy(), "direction", "up"),
    ],
)
def test_wrong_settings_of_losses_and_metrics_are_refused_when_they_are_set(loss, name, value):
    before = getattr(loss, name)
    with pytest.raises((TypeError, ValueError), match=name):
        setattr(loss, name, value)
    assert getattr(loss, name) == before


def test_the_threshold_of_an_accuracy_counts_when_it_is_set_later():
    metric = metrics.BinaryAccuracy()
    metric.threshold = 0.7
    metric.update_state(Y, P)
    assert metric.result().item() == pytest.approx(2 / 3)
    assert metric.get_config()["threshold"] == metric.threshold == 0.7


def test_options_of_a_function_are_attributes_and_others_are_not():
    metric = metrics.MeanMetricWrapper(losses.huber, delta=2.0)
    metric.delta = 0.05
    metric.update_state(Y, P)
    assert metric.result().item() == pytest.approx(float(losses.Huber(0.05)(Y, P)), rel=1e-6)
    with pytest.raises(AttributeError, match="delat"):
        _ = metric.delat
    metric.note = "mine"
    assert "note" not in metric.options


@pytest.mark.parametrize("labels", [[-1.0, 1.0, 1.0], [0.0, 2.0, 1.0], [0.25, 1.0, 0.0]])
def test_binary_accuracy_refuses_labels_that_can_equal_no_answer(labels):
    y = np.array(labels, np.float32)[:, None]
    with pytest.raises(ValueError, match="labels that are 0 or 1"):
        metrics.binary_accuracy(y, P)
    model = nn.Sequential([nn.Dense(1)])
    model.compile("sgd", "hinge", metrics=["accuracy"])
    with pytest.raises(ValueError, match="labels that are 0 or 1"):
        model.fit(np.ones((3, 2), np.float32), y, verbose=0)


def test_hinge_with_zeros_and_ones_counts_signs_where_it_is_asked_to():
    model = nn.Sequential([nn.Dense(1)])
    model.compile(optim.SGD(0.1), "hinge", metrics=[metrics.BinaryAccuracy("accuracy", threshold=0.0)])
    x = np.linspace(-1, 1, 10, dtype=np.float32)[:, None]
    history = model.fit(x, (x > 0).astype(np.float32), epochs=50, verbose=0).history
    assert history["accuracy"][-1] == 1.0


# Layers ---------------------------------------------------------------------------------------------------------

LATER = [
    (lambda: nn.Dense(3), "activation", "tanh"),
    (lambda: nn.Dense(3, activation="relu"), "activation", None),
    (lambda: nn.Dense(3), "activation", tgl.sigmoid),
    (lambda: nn.Activation("relu"), "activation", "tanh"),
    (lambda: nn.Dropout(0.5, seed=1), "rate", 0.1),
    (lambda: nn.Dropout(0.5, seed=1), "seed", 2),
    (lambda: nn.Dropout(0.5, seed=1), "noise_shape", (None, 1)),
]


@pytest.mark.parametrize(("make", "name", "value"), LATER)
@pytest.mark.parametrize("is_built", [False, True])
def test_a_setting_of_a_layer_counts_when_it_is_set_later(make, name, value, is_built):
    x = np.random.default_rng(0).normal(size=(8, 4)).astype(np.float32)

    def made(later):
        tgl.random.set_seed(0)
        layer = make()
        if is_built:
            layer(x)
        if later:
            setattr(layer, name, value)
        return layer

    later, before = (made(flag)(x, training=True).numpy() for flag in (True, False))
    assert not np.array_equal(later, before)
    if not is_built:
        tgl.random.set_seed(0)
        passed = type(make()).from_config(make().get_config() | {name: value})
        tgl.random.set_seed(0)
        assert made(True).get_config()[name] == passed.get_config()[name]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("units", 5),
        ("use_bias", False),
        ("kernel_initializer", "zeros"),
        ("bias_initializer", "ones"),
        ("dtype", "float64"),
    ],
)
def test_what_the_weights_were_made_with_cannot_change(name, value):
    x = np.ones((2, 3), np.float32)
    layer = nn.Dense(4)
    setattr(layer, name, value)  # before they are made, it counts
    made = nn.Dense(**{"units": 4} | {name: value})
    assert [w.shape for w in (layer(x), *layer.weights)] == [w.shape for w in (made(x), *made.weights)]
    setattr(layer, name, getattr(layer, name))  # no change
    other = nn.Dense(4)
    other(x)
    with pytest.raises(ValueError, match=name):
        setattr(other, name, value)
    assert other(x).shape == (2, 4)


@pytest.mark.parametrize(
    ("layer", "name", "value"),
    [
        (nn.Dense(2), "units", 0),
        (nn.Dense(2), "units", 2.5),
        (nn.Dense(2), "use_bias", "no"),
        (nn.Dense(2), "activation", "rleu"),
        (nn.Dense(2), "activation", 3),
        (nn.Dense(2), "kernel_initializer", "glort"),
        (nn.Dense(2), "dtype", "int32"),
        (nn.Dense(2), "name", "a/b"),
        (nn.Dropout(0.5), "rate", 1.0),
        (nn.Dropout(0.5), "rate", "half"),
        (nn.Activation("relu"), "activation", "rleu"),
    ],
)
def test_wrong_settings_of_layers_are_refused_when_they_are_set(layer, name, value):
    before = getattr(layer, name)
    with pytest.raises((TypeError, ValueError)):
        setattr(layer, name, value)
    assert getattr(layer, name) is before
