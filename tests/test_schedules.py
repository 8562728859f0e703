"""Learning rates that change, gradients that are clipped, weights that decay: by hand, and in an optimizer."""

import math

import numpy as np
import pytest

import tinygrad_lite as tgl
from tinygrad_lite import nn, optim
from tinygrad_lite.optim import schedules

# Schedules ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("schedule", "step", "rate"),
    [
        (schedules.ExponentialDecay(0.1, 10, 0.5), 5, 0.1 * 0.5**0.5),
        (schedules.ExponentialDecay(0.1, 10, 0.5, staircase=True), 9, 0.1),
        (schedules.ExponentialDecay(0.1, 10, 0.5, staircase=True), 29, 0.1 * 0.25),
        (schedules.CosineDecay(0.2, 100, alpha=0.1), 25, 0.2 * (0.1 + 0.9 * (1 + math.cos(math.pi / 4)) / 2)),
        (schedules.CosineDecay(0.2, 100, alpha=0.1), 1000, 0.02),
        (schedules.CosineDecay(0.0, 100, warmup_target=0.4, warmup_steps=8), 2, 0.1),
        (schedules.CosineDecay(0.0, 100, warmup_target=0.4, warmup_steps=8), 8, 0.4),
        (schedules.CosineDecay(0.0, 100, warmup_target=0.4, warmup_steps=8), 58, 0.2),
        (schedules.PiecewiseConstantDecay([2, 4], [1.0, 0.5, 0.1]), 2, 1.0),
        (schedules.PiecewiseConstantDecay([2, 4], [1.0, 0.5, 0.1]), 3, 0.5),
        (schedules.PiecewiseConstantDecay([2, 4], [1.0, 0.5, 0.1]), 5, 0.1),
    ],
)
def test_formulas(schedule, step, rate):
    assert schedule(step) == pytest.approx(rate, rel=1e-12)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: schedules.ExponentialDecay(-0.1, 10, 0.5), "Received: initial_learning_rate=-0.1"),
        (lambda: schedules.ExponentialDecay(0.1, 0, 0.5), "Received: decay_steps=0"),
        (lambda: schedules.CosineDecay(0.1, 2.5), "Received: decay_steps=2.5"),
        (lambda: schedules.PiecewiseConstantDecay([1], [0.1]), "Received: 1 boundaries and 1 values"),
        (lambda: schedules.PiecewiseConstantDecay([2, 1], [1, 1, 1]), r"rising boundaries\. Received: \[2, 1\]"),
    ],
)
def test_wrong_numbers_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_an_optimizer_asks_at_every_step():
    w = tgl.Variable(0.0, dtype="float64")
    sgd = optim.SGD(schedules.PiecewiseConstantDecay([0, 1], [1.0, 0.5, 0.25]))
    for _ in range(3):
        sgd.apply_gradients([(np.float64(1.0), w)])
    assert w.item() == -(1.0 + 0.5 + 0.25)
    assert sgd.learning_rate == 0.25


def test_a_schedule_is_saved_with_its_model(tmp_path):
    model = nn.Sequential([nn.Input((3,)), nn.Dense(1)])
    model.compile(optim.Adam(schedules.CosineDecay(0.1, 50), clipnorm=1.0, weight_decay=0.01), "mse")
    x = np.random.default_rng(0).normal(size=(64, 3)).astype("float32")
    model.fit(x, x[:, :1], epochs=2, verbose=0)
    model.save(tmp_path / "model.tgl")
    loaded = nn.load_model(tmp_path / "model.tgl")
    assert loaded.optimizer.learning_rate == model.optimizer.learning_rate < 0.1
    assert loaded.optimizer.get_config()["clipnorm"] == 1.0
    assert loaded.fit(x, x[:, :1], verbose=0).history == model.fit(x, x[:, :1], verbose=0).history


# Clipping and decay -------------------------------------------------------------------------------------------

G = [np.array([3.0, 4.0]), np.array([[0.0, 12.0]])]  # of norms 5, 12 and together 13


def stepped(**options):
    variables = [tgl.Variable(np.full(g.shape, 100.0)) for g in G]
    optim.SGD(1.0, **options).apply_gradients(zip(G, variables))
    return [100.0 - v.numpy() for v in variables]


@pytest.mark.parametrize(
    ("options", "steps"),
    [
        ({"clipnorm": 6.0}, [[3.0, 4.0], [[0.0, 6.0]]]),  # each by its own norm
        ({"clipvalue": 3.5}, [[3.0, 3.5], [[0.0, 3.5]]]),
        ({"global_clipnorm": 6.5}, [[1.5, 2.0], [[0.0, 6.0]]]),  # 6.5 / 13
        ({"global_clipnorm": 13.5}, [[3.0, 4.0], [[0.0, 12.0]]]),
        ({"weight_decay": 0.125}, [[15.5, 16.5], [[12.5, 24.5]]]),  # 100 / 8 more
    ],
)
def test_clipping_and_decay(options, steps):
    for found, expected in zip(stepped(**options), steps):
        np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_the_norm_is_that_of_all_blocks_of_any_order():
    g = np.asfortranarray(np.ones((3, optim.optimizer.BLOCK)))
    w = tgl.Variable(np.zeros(g.shape))
    optim.SGD(1.0, clipnorm=1.0).apply_gradients([(g, w)])
    np.testing.assert_allclose(w.numpy(), -1 / math.sqrt(g.size), rtol=1e-12)


def test_a_gradient_that_is_nan_is_not_hidden():
    w = tgl.Variable([1.0, 2.0])
    optim.SGD(1.0, clipnorm=1.0).apply_gradients([(np.array([np.nan, 1.0], "float32"), w)])
    assert np.isnan(w.numpy()).any()


@pytest.mark.parametrize("option", ["clipnorm", "clipvalue", "global_clipnorm"])
@pytest.mark.parametrize("value", [0, -1.0, math.inf, "1"])
def test_wrong_bounds_are_refused(option, value):
    with pytest.raises(ValueError, match=f"{option} to be positive and finite, or None. Received: {option}={value!r}"):
        optim.Adam(**{option: value})


def test_two_ways_of_clipping_are_refused():
    with pytest.raises(ValueError, match=r"in one way\. Received: {'clipnorm': 1.0, 'clipvalue': 2.0}"):
        optim.SGD(clipnorm=1, clipvalue=2)


def test_arguments_of_other_libraries_are_told_by_their_names_here():
    message = (
        r"Adam does not take lr, betas\. It takes: learning_rate, beta_1.* clipnorm.* Instead of lr: learning_rate"
    )
    with pytest.raises(TypeError, match=message):
        optim.Adam(lr=0.1, betas=(0.9, 0.99))


@pytest.mark.parametrize("option", ["clipnorm", "clipvalue", "global_clipnorm"])
def test_bounds_below_one(option):
    w = tgl.Variable([0.0])
    optim.SGD(1.0, **{option: 0.25}).apply_gradients([(np.array([8.0], "float32"), w)])
    assert w.numpy().tolist() == [-0.25]
