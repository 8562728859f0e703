"""Dtypes of results: Python's numbers adapt to the arrays they meet, and no sum wraps around in a small integer."""

import numpy as np
import pytest

import tinygrad_lite as tgl
from tinygrad_lite import nn

X = tgl.constant(np.array([1.0, 2.0, 3.0]))
TENTHS = [0.1, 0.1, 0.1]


@pytest.mark.parametrize(
    "call",
    [
        lambda xp, x: xp.append(x, 0.1),
        lambda xp, x: xp.concatenate([x, TENTHS]),
        lambda xp, x: xp.stack([x, TENTHS]),
        lambda xp, x: xp.vstack([x, TENTHS]),
        lambda xp, x: xp.hstack([x, TENTHS]),
        lambda xp, x: xp.dstack([TENTHS, x]),
        lambda xp, x: xp.column_stack([x, TENTHS]),
        lambda xp, x: xp.ediff1d(x, 0.1, TENTHS),
        lambda xp, x: xp.choose([0, 1, 0], [x, TENTHS]),
        lambda xp, x: xp.select([x > 2, x > 1], [TENTHS, x], 0.1),
        lambda xp, x: xp.where(x > 2, TENTHS, x),
        lambda xp, x: xp.average(x, weights=TENTHS),
        lambda xp, x: xp.dot(x, TENTHS),
        lambda xp, x: xp.vdot(TENTHS, x),
        lambda xp, x: xp.inner(x, TENTHS),
        lambda xp, x: xp.outer(TENTHS, x),
        lambda xp, x: xp.kron(x, TENTHS),
        lambda xp, x: xp.cross(x, TENTHS),
        lambda xp, x: xp.tensordot(x, TENTHS, 1),
        lambda xp, x: xp.einsum("i,j", TENTHS, x),
        lambda xp, x: xp.linalg.solve(xp.diag(x), TENTHS),
        lambda xp, x: xp.linalg.lstsq(xp.diag(x), TENTHS, None)[0],
        lambda xp, x: xp.linalg.multi_dot([xp.diag(x), TENTHS]),
        lambda xp, x: xp.broadcast_arrays(TENTHS, x)[0],
    ],
)
def test_lists_of_floats_keep_their_digits_beside_float64(call):
    np.testing.assert_allclose(call(tgl, X).numpy(), call(np, X.numpy()), rtol=1e-14)


def test_labels_and_weights_in_lists_keep_their_digits_beside_float64():
    exact, predictions = tgl.constant(np.array([TENTHS])), np.array([[0.2, 0.3, 0.5]])
    for loss in ("mean_squared_error", "mean_absolute_error", "binary_crossentropy", "categorical_crossentropy"):
        function = getattr(nn.losses, loss)
        assert function([TENTHS], predictions).item() == function(exact, predictions).item()
    for function in (nn.softmax_cross_entropy_with_logits, nn.sigmoid_cross_entropy_with_logits):
        np.testing.assert_array_equal(function([TENTHS], predictions).numpy(), function(exact, predictions).numpy())
    metric = nn.metrics.Mean()
    metric.update_state(np.array([1.0, 2.0]), sample_weight=[0.1, 0.3])
    assert metric.result().item() == pytest.approx(1.75, rel=1e-15)


def test_a_choice_between_numbers_is_made_of_tensors_numbers():
    mask = tgl.constant([True, False])
    for numbers, dtype in (
        ((1.0, 0.0), "float32"),
        ((1.0, 0), "float32"),
        ((2, 3), np.dtype(int)),
        ((True, False), bool),
    ):
        assert tgl.where(mask, *numbers).dtype == dtype
        assert tgl.select([mask], numbers[:1], numbers[1]).dtype == dtype
        assert tgl.function(lambda mask, numbers=numbers: tgl.where(mask, *numbers))(mask).dtype == dtype
    half = tgl.constant([1.0, 2.0], "float16")
    assert tgl.select([mask, mask], [half, True], 0.5).dtype == "float16"
    assert tgl.select([mask, mask], [1.0, half], 0).dtype == "float16"


def test_integers_do_not_wrap_around():
    small, signed = np.full((3, 4), 100, np.uint8), np.full(2, -1, np.int64)
    answer = tgl.einsum("ij,k->", small, signed)  # within one term, too, in the dtype of the result
    assert (answer.item(), answer.dtype) == (-2400, np.int64)
    mean = tgl.average(np.full(3, 100, np.int8), weights=np.full(3, 2, np.int8))
    assert (mean.item(), mean.dtype) == (100.0, np.float64)


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint8", "int32", "int64", "float16", "float32"])
def test_dtypes_of_parts_and_of_products_of_vectors_are_numpys(dtype):
    x = np.array([0, 1, 1]).astype(dtype)
    for ours, numpys in zip(tgl.modf(x), np.modf(x)):
        assert ours.dtype == numpys.dtype
        np.testing.assert_array_equal(ours.numpy(), numpys)
    assert tgl.vecdot(x, x).dtype == dtype
