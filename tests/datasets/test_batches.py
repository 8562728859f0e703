"""Every sample once an epoch, in an order that the seed fixes and that changes from epoch to epoch."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinygrad_lite.datasets import Batches


@settings(deadline=None, derandomize=True)
@given(count=st.integers(0, 40), batch_size=st.integers(1, 50), shuffle=st.booleans())
def test_an_epoch_holds_every_pair_once(count, batch_size, shuffle):
    x = np.arange(2 * count, dtype=np.float32).reshape(count, 2)
    batches = Batches(x, x[:, 0] * 10, batch_size=batch_size, shuffle=shuffle, seed=1)
    epoch = list(batches)

    assert len(epoch) == len(batches) == -(-count // batch_size)
    assert all(len(x_batch) == batch_size for x_batch, _ in epoch[:-1])
    for x_batch, y_batch in epoch:
        assert x_batch.dtype == np.float32
        np.testing.assert_array_equal(y_batch, x_batch[:, 0] * 10)
    seen = sorted(value for _, y_batch in epoch for value in y_batch)
    np.testing.assert_array_equal(seen, x[:, 0] * 10)


def test_the_last_batch_is_smaller():
    assert [len(x) for x in Batches(np.arange(10), batch_size=4)] == [4, 4, 2]


def test_without_shuffle_batches_are_views_in_order():
    x = np.arange(6)
    batches = list(Batches(x, batch_size=3))
    np.testing.assert_array_equal(np.concatenate(batches), x)
    assert all(np.shares_memory(batch, x) for batch in batches)


def test_shuffled_epochs_differ_and_are_reproducible():
    def epochs(seed):
        batches = Batches(np.arange(100), batch_size=100, shuffle=True, seed=seed)
        return [next(iter(batches)).tolist() for _ in range(3)]

    first = epochs(7)
    assert first == epochs(7)
    assert first != epochs(8)
    assert first[0] != first[1] != first[2]
    assert first == epochs(np.random.default_rng(7))


def test_epochs_that_overlap_do_not_disturb_each_other():
    def pairs(overlap):
        batches = Batches(np.arange(20), batch_size=5, shuffle=True, seed=3)
        first = iter(batches)
        a = [] if overlap else list(first)
        second = iter(batches)
        if overlap:
            a = [batch for pair in zip(first, second, strict=True) for batch in pair]
            return a[::2], a[1::2]
        return a, list(second)

    np.testing.assert_array_equal(pairs(overlap=True), pairs(overlap=False))


def test_lists_are_taken():
    [(x, y)] = Batches([[1.0, 2.0], [3.0, 4.0]], ["a", "b"])
    assert x.shape == (2, 2)
    assert y.tolist() == ["a", "b"]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"y": np.zeros(4)}, ValueError, r"x\.shape=\(5, 2\), y\.shape=\(4,\)"),
        ({"y": 1}, ValueError, r"y=1, y\.shape=\(\)"),
        ({"x": 1.0}, ValueError, r"x=1\.0, x\.shape=\(\)"),
        ({"batch_size": 0}, ValueError, "batch_size=0"),
        ({"batch_size": -3}, ValueError, "batch_size=-3"),
        ({"batch_size": 2.0}, TypeError, r"batch_size=2\.0"),
        ({"batch_size": True}, TypeError, "batch_size=True"),
        ({"shuffle": 1}, TypeError, "shuffle=1"),
        ({"seed": -1}, ValueError, "seed=-1"),
        ({"seed": "one"}, TypeError, "seed='one'"),
    ],
)
def test_wrong_arguments_are_named(arguments, error, message):
    with pytest.raises(error, match=f"Batches expected .*Received: .*{message}"):
        Batches(**{"x": np.zeros((5, 2)), **arguments})
