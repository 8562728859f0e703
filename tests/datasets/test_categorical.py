"""One-hot encoding, and every label that it must refuse."""

import numpy as np
import pytest

from tinygrad_lite.datasets import to_categorical


def test_rows_of_the_identity():
    result = to_categorical([0, 2, 1, 2])
    assert result.dtype == np.float32
    np.testing.assert_array_equal(result, np.eye(3)[[0, 2, 1, 2]])


@pytest.mark.parametrize(
    ("labels", "shape"),
    [(3, (4,)), ([3], (1, 4)), ([[3], [0]], (2, 4)), ([[3, 0]], (1, 2, 4)), (np.zeros((2, 3, 1)), (2, 3, 4))],
)
def test_shapes_as_keras(labels, shape):
    result = to_categorical(labels, num_classes=4)
    assert result.shape == shape
    np.testing.assert_array_equal(result.sum(-1), np.ones(shape[:-1]))


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.uint64, np.float32, bool])
def test_whole_numbers_of_any_numeric_type(dtype):
    labels = np.array([1, 0, 1], dtype)
    np.testing.assert_array_equal(to_categorical(labels, dtype="int8"), [[0, 1], [1, 0], [0, 1]])


def test_no_labels():
    assert to_categorical([], num_classes=3).shape == (0, 3)
    with pytest.raises(ValueError, match=r"at least one label.*labels\.shape=\(0,\).*Pass num_classes"):
        to_categorical([])


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([0, -1, -2], r"labels of 0 or more.*labels\[1\]=-1, 2 of 3"),
        ([0, 3], r"labels below num_classes=3.*labels\[1\]=3"),
        ([0, 1.5], r"whole numbers.*labels\[1\]=1\.5"),
        ([0, np.nan], r"whole numbers.*labels\[1\]=nan"),
        ([np.inf, 0], r"finite numbers.*labels\[0\]=inf"),
        (np.array([2**64 - 1], np.uint64), r"labels\[0\]=18446744073709551615"),
    ],
)
def test_labels_out_of_range_are_named(labels, message):
    with pytest.raises(ValueError, match=message):
        to_categorical(labels, num_classes=3)


def test_types_that_are_no_labels():
    with pytest.raises(TypeError, match=r"labels\.dtype=<U3"):
        to_categorical(["cat", "dog"])
    with pytest.raises(TypeError, match=r"num_classes=2\.5"):
        to_categorical([0, 1], num_classes=2.5)
    with pytest.raises(ValueError, match="num_classes=0"):
        to_categorical([0], num_classes=0)
