"""Initializers: shapes, distributions and their moments, seeds, and finding them by name."""

import math

import numpy as np
import pytest

import tinygrad_lite as tgl
from tinygrad_lite import nn
from tinygrad_lite.nn import initializers

RANDOM = [
    "RandomUniform", "RandomNormal", "TruncatedNormal", "VarianceScaling", "GlorotUniform", "GlorotNormal",
    "HeUniform", "HeNormal", "LecunUniform", "LecunNormal",
]  # fmt: skip


def test_constants():
    assert initializers.Zeros()((2, 3)).tolist() == [[0.0] * 3] * 2
    assert initializers.Ones()((2,)).tolist() == [1.0, 1.0]
    assert initializers.Constant(0.5)((2,)).tolist() == [0.5, 0.5]
    assert initializers.Constant([1.0, 2.0])((2,)).tolist() == [1.0, 2.0]
    assert initializers.Constant(tgl.constant([1.0, 2.0]))((2,)).tolist() == [1.0, 2.0]


def test_a_constant_of_another_shape():
    message = (
        r"initial weights of shape \(3,\)\. Received: an array of shape=\(2,\)\. Give a single number, or an array"
    )
    with pytest.raises(ValueError, match=message):
        initializers.Constant([1.0, 2.0])((3,))
    with pytest.raises(ValueError, match=r"shape \(2, 2\)\. Received: an array of shape=\(2,\)"):
        initializers.Constant([1.0, 2.0])((2, 2))  # it would broadcast, and is refused


def test_constants_are_made_anew():
    ones = initializers.Ones()
    first = ones((2,))
    first[:] = 7
    assert ones((2,)).tolist() == [1.0, 1.0]


@pytest.mark.parametrize("name", ["Zeros", "Ones", "Constant", *RANDOM])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_shapes_and_dtypes(name, dtype):
    initializer = getattr(initializers, name)()
    for shape in [(), (3,), (0, 4), (2, 3), (2, 3, 4, 5)]:
        weights = initializer(shape, dtype=dtype)
        assert isinstance(weights, np.ndarray)
        assert (weights.shape, weights.dtype) == (shape, dtype)
    assert initializer((2, 2)).dtype == "float32"


@pytest.mark.parametrize("name", RANDOM)
def test_seeds(name):
    kind = getattr(initializers, name)
    first, second, other = kind(seed=1), kind(seed=1), kind(seed=2)
    assert (first((4, 5)) == second((4, 5))).all()
    assert (first((4, 5)) == first((4, 5))).all()  # at every call, as in Keras
    assert (first((4, 5)) != other((4, 5))).any()


def test_a_single_number_is_drawn_again_too():
    """What lies beyond two deviations is drawn again, also where the weight has no axis."""
    for seed in range(200):
        assert abs(initializers.TruncatedNormal(stddev=1.0, seed=seed)(())) <= 2


@pytest.mark.parametrize("name", RANDOM)
def test_without_a_seed_every_call_draws_anew(name):
    initializer = getattr(initializers, name)()
    assert (initializer((4, 5)) != initializer((4, 5))).any()
    tgl.random.set_seed(3)
    first = initializer((4, 5))
    tgl.random.set_seed(3)
    assert (initializer((4, 5)) == first).all()


@pytest.mark.parametrize("seed", [-1, 0.5, "1", True])
def test_seeds_that_are_none(seed):
    with pytest.raises(ValueError, match=r"a seed that is an integer of at least 0, or None\. Received: seed="):
        initializers.HeNormal(seed=seed)


# Distributions. 200,000 numbers: the sample's moments are within 2 % of the distribution's ---------------------

SHAPE = (500, 400)  # inputs, outputs


@pytest.mark.parametrize(
    ("initializer", "limit"),
    [
        (initializers.RandomUniform(seed=0), 0.05),
        (initializers.GlorotUniform(seed=0), math.sqrt(6 / 900)),
        (initializers.HeUniform(seed=0), math.sqrt(6 / 500)),
        (initializers.LecunUniform(seed=0), math.sqrt(3 / 500)),
        (initializers.VarianceScaling(3.0, "fan_out", "uniform", seed=0), math.sqrt(3 * 3 / 400)),
    ],
)
def test_uniform(initializer, limit):
    weights = initializer(SHAPE)
    assert -limit <= weights.min() < -0.999 * limit
    assert 0.999 * limit < weights.max() <= limit
    assert abs(weights.mean()) < 0.01 * limit
    assert weights.std() == pytest.approx(limit / math.sqrt(3), rel=0.01)
    quarters = np.histogram(weights, np.linspace(-limit, limit, 5))[0] / weights.size
    assert quarters == pytest.approx([0.25] * 4, abs=0.005)


@pytest.mark.parametrize(
    ("initializer", "stddev"),
    [
        (initializers.RandomNormal(seed=0), 0.05),
        (initializers.VarianceScaling(2.0, "fan_avg", "untruncated_normal", seed=0), math.sqrt(2 / 450)),
    ],
)
def test_normal(initializer, stddev):
    weights = initializer(SHAPE)
    assert abs(weights.mean()) < 0.01 * stddev
    assert weights.std() == pytest.approx(stddev, rel=0.01)
    assert (abs(weights) > 2 * stddev).mean() == pytest.approx(0.0455, abs=0.002)


@pytest.mark.parametrize(
    ("initializer", "stddev"),
    [
        (initializers.GlorotNormal(seed=0), math.sqrt(2 / 900)),
        (initializers.HeNormal(seed=0), math.sqrt(2 / 500)),
        (initializers.LecunNormal(seed=0), math.sqrt(1 / 500)),
        (initializers.VarianceScaling(seed=0), math.sqrt(1 / 500)),
    ],
)
def test_truncated_normal_has_the_variance_that_was_asked_for(initializer, stddev):
    """Cutting makes it narrower: that is made up for, so the cut is at 2 / 0.8796 of the final deviation."""
    weights = initializer(SHAPE)
    assert abs(weights.mean()) < 0.01 * stddev
    assert weights.std() == pytest.approx(stddev, rel=0.01)
    assert 1.99 < abs(weights).max() / (stddev / 0.87962566) <= 2.0 + 1e-6


def test_truncated_normal_itself_is_not_made_wider():
    weights = initializers.TruncatedNormal(1.0, 0.5, seed=0)(SHAPE)
    assert (weights.min(), weights.max()) == pytest.approx((0.0, 2.0), abs=0.01)
    assert weights.std() == pytest.approx(0.5 * 0.8796, rel=0.01)


def test_mean_and_limits():
    assert initializers.RandomNormal(3.0, 0.1, seed=0)(SHAPE).mean() == pytest.approx(3.0, abs=0.01)
    weights = initializers.RandomUniform(2.0, 4.0, seed=0)(SHAPE)
    assert (weights.min(), weights.max()) == pytest.approx((2.0, 4.0), abs=0.01)


@pytest.mark.parametrize(
    ("shape", "fan_in", "fan_out"),
    [((), 1, 1), ((6,), 6, 6), ((6, 8), 6, 8), ((3, 6, 8), 18, 24), ((3, 5, 6, 8), 90, 120), ((0, 0), 1, 1)],
)
def test_fans(shape, fan_in, fan_out):
    """Keras's: the last two axes are inputs and outputs, those before them a convolution's field."""
    for mode, n in {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}.items():
        scaled = initializers.VarianceScaling(1.0, mode, "untruncated_normal", seed=0)(shape, "float64")
        plain = initializers.RandomNormal(0.0, 1.0, seed=0)(shape, "float64")
        np.testing.assert_allclose(scaled, plain / math.sqrt(n))


def test_variance_scaling_refuses_what_it_does_not_know():
    with pytest.raises(ValueError, match=r"VarianceScaling expected a positive scale\. Received: scale=0\.0"):
        initializers.VarianceScaling(0.0)
    with pytest.raises(
        ValueError, match=r"Unknown mode of VarianceScaling\. Received: 'fanin_x'\. Did you mean 'fan_in'"
    ):
        initializers.VarianceScaling(mode="fanin_x")
    with pytest.raises(
        ValueError, match=r"Unknown distribution of VarianceScaling\. Received: 'gaussian'\. Known: 'tr"
    ):
        initializers.VarianceScaling(distribution="gaussian")


# By name ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("identifier", "kind"),
    [
        ("zeros", initializers.Zeros),
        ("ones", initializers.Ones),
        ("constant", initializers.Constant),
        ("random_uniform", initializers.RandomUniform),
        ("random_normal", initializers.RandomNormal),
        ("truncated_normal", initializers.TruncatedNormal),
        ("variance_scaling", initializers.VarianceScaling),
        ("glorot_uniform", initializers.GlorotUniform),
        ("GlorotUniform", initializers.GlorotUniform),
        ("glorot_normal", initializers.GlorotNormal),
        ("he_uniform", initializers.HeUniform),
        ("he_normal", initializers.HeNormal),
        ("HeNormal", initializers.HeNormal),
        ("lecun_normal", initializers.LecunNormal),
        (initializers.HeNormal, initializers.HeNormal),
        (0.5, initializers.Constant),
        ([1.0, 2.0], initializers.Constant),
        (np.ones(2), initializers.Constant),
    ],
)
def test_get(identifier, kind):
    assert type(initializers.get(identifier)) is kind


def test_get_returns_an_initializer_as_it_is():
    initializer = initializers.HeNormal()
    assert initializers.get(initializer) is initializer


def test_get_of_a_function():
    initializer = initializers.get(lambda shape, dtype: np.arange(math.prod(shape)).reshape(shape))
    assert initializer((2, 2)).tolist() == [[0.0, 1.0], [2.0, 3.0]]
    assert initializer((2, 2)).dtype == "float32"
    assert initializers.get(lambda shape, dtype: 2.0)((3,)).tolist() == [2.0] * 3
    with pytest.raises(ValueError, match=r"initial weights of shape \(3,\)\. Received: an array of shape=\(2,\)"):
        initializers.get(lambda shape, dtype: [1.0, 2.0])((3,))


def test_get_of_an_unknown_name():
    with pytest.raises(
        ValueError, match=r"Unknown initializer\. Received: 'glorot'\. Did you mean 'glorot_.*'\? Known:"
    ):
        initializers.get("glorot")
    with pytest.raises(ValueError, match=r"Unknown initializer\. Received: 'he_norml'\. Did you mean 'he_normal'"):
        nn.Dense(3, kernel_initializer="he_norml")
    with pytest.raises(TypeError, match=r"name of a known initializer, or one itself\. Received: True of type bool"):
        initializers.get(True)


def test_an_initializer_without_a_rule():
    with pytest.raises(NotImplementedError, match=r"Mine must define draw\(self, shape, generator\)"):
        type("Mine", (initializers.Initializer,), {})()((2,))


def test_a_layer_starts_with_what_its_initializers_say():
    layer = nn.Dense(2, kernel_initializer=initializers.RandomNormal(seed=5), bias_initializer="ones")
    layer.build((None, 3))
    assert (layer.kernel.numpy() == initializers.RandomNormal(seed=5)((3, 2))).all()
    assert layer.bias.numpy().tolist() == [1.0, 1.0]
