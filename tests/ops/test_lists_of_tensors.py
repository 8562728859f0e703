"""A list of tensors where an array is expected is one tensor, through which the gradient of each goes."""

import numpy as np
import pytest

import tinygrad_lite as tgl
import tinygrad_lite.compat.tensorflow as tf
from tinygrad_lite import nn

X, Y = np.array([1.0, 2.0]), np.array([3.0, 4.0])

CALLS = {
    "sum": lambda x, y: tgl.sum([x, y]),
    "mean": lambda x, y: tgl.mean((x, y), axis=0),
    "a tuple in a list": lambda x, y: tgl.square([(x, y), (y, y)]),
    "constant": lambda x, y: tgl.constant([x, y]) * 2.0,
    "constant of a shape": lambda x, y: tgl.constant([x, y], shape=(4,)),
    "convert_to_tensor": lambda x, y: tf.convert_to_tensor([x, y]),
    "reduce_mean": lambda x, y: tf.reduce_mean([x, y]),
    "matmul": lambda x, y: x @ [x, y],
    "matmul from the left": lambda x, y: [x, y] @ y,
    "an operator": lambda x, y: x * [y, x],
    "with numbers": lambda x, y: x @ [[x[0], 1.0], [2, y[1]]],
    "dot": lambda x, y: tgl.dot([x, y], [y, x]),
    "np.dot": lambda x, y: np.dot([x, y], y),
    "stack": lambda x, y: tgl.stack([[x, y], [y, x]]),
    "concatenate": lambda x, y: tgl.concatenate([[x, y], [y, x]]),
    "where": lambda x, y: tgl.where([True, False], [x, y], 0.0),
    "index_add": lambda x, y: tgl.index_add(tgl.zeros((2, 2), "float64"), slice(None), [x, y]),
    "norm": lambda x, y: tgl.linalg.norm([x, y]),
    "einsum": lambda x, y: tgl.einsum("ij->j", [x, y]),
    "a loss": lambda x, y: nn.losses.mean_squared_error([x, y], [y, 2.0 * y]),
}


def _plain(call, x, y):
    with tgl.GradientTape() as tape:
        tape.watch([x, y])
        z = call(x, y)
    return z.numpy(), [g.numpy() for g in tape.gradient(z, [x, y], unconnected_gradients="zero")]


@pytest.mark.parametrize("name", CALLS)
def test_its_value_and_gradient(name):
    call = CALLS[name]
    x, y = tgl.constant(X), tgl.constant(Y)
    value, gradients = _plain(call, x, y)
    for n, wanted in enumerate(gradients):
        for place in range(2):
            step = np.zeros(2)
            step[place] = 1e-6
            high, low = ([X, Y], [X, Y])
            high, low = ([v + s * step if k == n else v for k, v in enumerate((X, Y))] for s in (1, -1))
            slope = (np.sum(call(*map(tgl.constant, high))) - np.sum(call(*map(tgl.constant, low)))) / 2e-6
            np.testing.assert_allclose(wanted[place], np.asarray(slope), rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(tgl.function(call)(x, y).numpy(), value, rtol=1e-12)


def test_python_numbers_beside_tensors_adopt_their_dtype():
    for dtype in ("float16", "float32", "float64"):
        x = tgl.constant(1.0, dtype)
        for other in (1, 0.5, True):
            assert tgl.stack([x, other]).dtype == tgl.sum([x, other]).dtype == tgl.constant([other, x]).dtype == dtype
            assert tgl.constant([[x, other], [other, other]]).dtype == dtype


def test_lists_of_unequal_shapes_are_an_error():
    with pytest.raises(ValueError, match="all of one shape"):
        tgl.sum([tgl.zeros(2), 1.0])


@pytest.mark.parametrize("f", [lambda x: np.mean([x, x]), lambda x: np.array([x, x]), lambda x: np.stack([[x], [x]])])
def test_numpy_does_not_say_that_a_list_holds_tensors(f):
    v = tgl.Variable([1.0, 2.0])
    with tgl.GradientTape(), pytest.raises(TypeError, match=r"tgl\.mean\(\[a, b\]\).*tgl\.stack"):
        f(v)
