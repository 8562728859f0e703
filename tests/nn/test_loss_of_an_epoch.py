"""The loss of an epoch is the loss of all its samples at once, whatever the reduction and the size of batches."""

import numpy as np
import pytest

import tinygrad_lite as tgl
from tinygrad_lite import nn, optim

RNG = np.random.default_rng(3)
X = RNG.normal(size=(23, 3)).astype(np.float32)
Y = RNG.normal(size=(23, 1)).astype(np.float32)
WEIGHTS = RNG.uniform(0.1, 3.0, 23).astype(np.float32)
REDUCTIONS = ["sum_over_batch_size", "mean", "mean_with_sample_weight", "sum", "none"]


@pytest.mark.parametrize("run_eagerly", [True, False])
@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["plain", "weighted"])
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_it_does_not_depend_on_the_batches(reduction, weights, run_eagerly):
    tgl.random.set_seed(0)
    model = nn.Sequential([nn.Dense(1)])
    loss = nn.losses.MeanSquaredError(reduction=reduction)
    model.compile(optim.SGD(0.0), loss, run_eagerly=run_eagerly)
    expected = float(np.mean(loss(Y, model(X), weights).numpy()))
    for size in (1, 4, 8, 23):
        options = {"batch_size": size, "verbose": 0, "sample_weight": weights}
        assert model.evaluate(X, Y, **options) == pytest.approx(expected, rel=1e-5)
        history = model.fit(X, Y, epochs=2, **options).history
        assert history["loss"] == pytest.approx([expected] * 2, rel=1e-5)


@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["plain", "weighted"])
@pytest.mark.parametrize("reduction", REDUCTIONS[:-1])
def test_samples_that_are_ignored_do_not_count(reduction, weights):
    labels = np.random.default_rng(0).choice([0, 1, 2, -1], len(X))
    model = nn.Sequential([nn.Dense(3)])
    loss = nn.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=-1, reduction=reduction)
    model.compile(optim.SGD(0.0), loss)
    expected = float(loss(labels, model(X), weights))
    for size in (1, 4, 23):
        found = model.evaluate(X, labels, batch_size=size, sample_weight=weights, verbose=0)
        assert found == pytest.approx(expected, rel=1e-5)


def test_a_function_that_gives_one_number_is_averaged_over_samples():
    model = nn.Sequential([nn.Dense(1)])
    model.compile(optim.SGD(0.0), lambda y, p: tgl.mean(tgl.square(y - p)))
    model.build((None, 3))
    expected = float(np.mean((model(X).numpy() - Y) ** 2))
    assert model.evaluate(X, Y, batch_size=5, verbose=0) == pytest.approx(expected, rel=1e-5)
