"""Single functions: TensorFlow's arguments and defaults, and what is said about names that are not here."""

import numpy as np
import pytest

import tinygrad_lite as tgl
import tinygrad_lite.compat.tensorflow as tf
from tinygrad_lite.compat import keras

MATRIX = [[1.0, 5.0, 2.0], [4.0, 3.0, 6.0]]
MODULES = [
    tf, tf.math, tf.nn, tf.random, keras, keras.activations, keras.callbacks, keras.datasets, keras.initializers,
    keras.layers, keras.losses, keras.metrics, keras.models, keras.optimizers, keras.utils,
]  # fmt: skip


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_every_name_is_there(module):
    names = dir(module)
    assert names == sorted(set(names))
    assert all(getattr(module, name, None) is not None for name in names if name != "newaxis")


@pytest.mark.parametrize(
    "name",
    [
        "Variable", "constant", "zeros", "ones", "GradientTape", "matmul", "reduce_mean", "reduce_sum", "reduce_max",
        "square", "exp", "cast", "one_hot", "argmax", "function", "float32", "stop_gradient", "custom_gradient",
        "random.uniform", "random.normal", "nn.relu", "nn.softmax", "nn.sigmoid", "keras.Sequential",
        "keras.models.Sequential", "keras.layers.Dense", "keras.layers.Flatten", "keras.layers.Dropout",
        "keras.optimizers.SGD", "keras.optimizers.RMSprop", "keras.optimizers.Adam",
        "keras.losses.SparseCategoricalCrossentropy", "keras.losses.mean_squared_error", "keras.metrics.Mean",
        "keras.metrics.SparseCategoricalAccuracy", "keras.datasets.mnist.load_data", "keras.utils.to_categorical",
        "keras.utils.set_random_seed", "keras.Input", "keras.initializers.GlorotUniform", "keras.activations.relu",
        "keras.callbacks.Callback",
    ],
)  # fmt: skip
def test_the_names_that_tutorials_use(name):
    value = tf
    for part in name.split("."):
        value = getattr(value, part)


class TestArguments:
    @pytest.mark.parametrize(
        ("call", "expected"),
        [
            (lambda: tf.argmax(MATRIX), [1, 0, 1]),
            (lambda: tf.argmax(MATRIX, axis=1), [1, 2]),
            (lambda: tf.argmin(MATRIX), [0, 1, 0]),
            (lambda: tf.reduce_sum(MATRIX), 21.0),
            (lambda: tf.reduce_mean(MATRIX, 1, keepdims=True), [[8 / 3], [13 / 3]]),
            (lambda: tf.reduce_max(input_tensor=MATRIX, axis=[0, 1]), 6.0),
            (lambda: tf.reduce_min(MATRIX, axis=-1), [1.0, 3.0]),
            (lambda: tf.reduce_all(tf.greater(MATRIX, 0.0)), True),
            (lambda: tf.math.reduce_std([1.0, 3.0]), 1.0),
            (lambda: tf.math.reduce_variance([1.0, 3.0]), 1.0),
            (lambda: tf.reduce_logsumexp([0.0, 0.0]), np.log(2)),
            (lambda: tf.matmul(MATRIX, MATRIX, transpose_b=True), [[30.0, 31.0], [31.0, 61.0]]),
            (lambda: tf.matmul(a=MATRIX, b=MATRIX, transpose_a=True)[0], [17.0, 17.0, 26.0]),
            (lambda: tf.one_hot([0, 2], 3), [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]),
            (lambda: tf.one_hot([1], depth=2, on_value=5.0, off_value=-1.0), [[-1.0, 5.0]]),
            (lambda: tf.one_hot([0, 2], 3, axis=0), [[1.0, 0.0], [0.0, 0.0], [0.0, 1.0]]),
            (lambda: tf.cast([1.7, -1.7], tf.int32), [1, -1]),
            (lambda: tf.concat([[1.0], [2.0]], axis=0), [1.0, 2.0]),
            (lambda: tf.concat(values=[MATRIX, MATRIX], axis=1)[0], [1.0, 5.0, 2.0] * 2),
            (lambda: tf.stack([1.0, 2.0]), [1.0, 2.0]),
            (lambda: tf.reshape(MATRIX, [-1]), [1.0, 5.0, 2.0, 4.0, 3.0, 6.0]),
            (lambda: tf.transpose(MATRIX, perm=[1, 0])[0], [1.0, 4.0]),
            (lambda: tf.expand_dims([1.0], axis=0), [[1.0]]),
            (lambda: tf.squeeze([[1.0]]), 1.0),
            (lambda: tf.gather(MATRIX, [1])[0], [4.0, 3.0, 6.0]),
            (lambda: tf.gather(MATRIX, [1], axis=1), [[5.0], [3.0]]),
            (lambda: tf.tile([1.0], multiples=[2]), [1.0, 1.0]),
            (lambda: tf.where([True, False], [1.0, 2.0], 0.0), [1.0, 0.0]),
            (lambda: tf.clip_by_value([-5.0, 5.0], clip_value_min=-1, clip_value_max=1), [-1.0, 1.0]),
            (lambda: tf.fill([2, 1], 7.0), [[7.0], [7.0]]),
            (lambda: tf.eye(2), [[1.0, 0.0], [0.0, 1.0]]),
            (lambda: tf.range(1, 7, delta=2), [1, 3, 5]),
            (lambda: tf.shape(MATRIX), [2, 3]),
            (lambda: tf.split([1.0, 2.0], 2)[1], [2.0]),
            (lambda: tf.split(MATRIX, [1, 2], axis=-1)[1], [[5.0, 2.0], [3.0, 6.0]]),
            (lambda: tf.split(MATRIX, num_or_size_splits=[-1, 1], axis=1)[1], [[2.0], [6.0]]),
            (lambda: tf.where([[True, False], [True, True]]), [[0, 0], [1, 0], [1, 1]]),
            (lambda: tf.add_n([tf.constant(1.0), tf.constant(2.0)]), 3.0),
            (lambda: tf.cumsum([1.0, 2.0]), [1.0, 3.0]),
            (lambda: tf.zeros([2], tf.int64), [0, 0]),
            (lambda: tf.ones_like([5.0, 5.0]), [1.0, 1.0]),
            (lambda: tf.constant(2.0, shape=(2,)), [2.0, 2.0]),
            (lambda: tf.identity([1.0]), [1.0]),
            (lambda: tf.nn.relu(features=[-1.0, 1.0]), [0.0, 1.0]),
            (lambda: tf.nn.leaky_relu([-1.0], alpha=0.5), [-0.5]),
            (lambda: tf.nn.softmax([[0.0, 0.0]], axis=-1), [[0.5, 0.5]]),
            (lambda: tf.nn.sparse_softmax_cross_entropy_with_logits(labels=[1], logits=[[0.0, 0.0]]), [np.log(2)]),
            (lambda: tf.nn.sigmoid_cross_entropy_with_logits(labels=[1.0], logits=[0.0]), [np.log(2)]),
            (lambda: tf.nn.bias_add([[1.0]], [2.0]), [[3.0]]),
            (lambda: tf.nn.l2_loss([3.0, 1.0]), 5.0),
            (lambda: tf.math.log(1.0, name="log"), 0.0),
            (lambda: tf.math.argmax([1.0, 2.0]), 1),
            (lambda: tf.rank(MATRIX), 2),
            (lambda: tf.size(MATRIX), 6),
            (lambda: tf.math.is_nan([np.nan, 1.0]), [True, False]),
        ],
    )
    def test_value(self, call, expected):
        result = call()
        assert isinstance(result, tgl.Tensor)
        np.testing.assert_allclose(result.numpy(), expected, rtol=1e-6)

    def test_lists_of_tensors_are_stacked_with_their_gradient(self):
        v = tf.Variable(3.0)
        with tf.GradientTape() as tape:
            y = tf.reduce_sum([v * 2.0, v * v]) + tf.reduce_sum(tf.constant([v, 1.0]))
        assert tape.gradient(y, v).numpy() == 9.0

    def test_python_numbers_adopt_the_dtype_that_they_meet(self):
        assert tf.pow(2.0, 3).dtype == np.float32
        assert tf.maximum(tf.constant(1.0, dtype=tf.float64), 2).dtype == np.float64
        assert tf.shape(3.0).shape == (0,)

    def test_the_version_is_the_packages(self):
        assert tf.__version__ == keras.__version__ == tgl.__version__

    def test_what_would_be_another_result_is_refused(self):
        for sizes in ([1, 1], [3, -2, 2], [-1, -1, 3]):
            with pytest.raises(ValueError, match="sizes that add up to 3, the length of axis 1"):
                tf.split(MATRIX, sizes, 1)
        with pytest.raises(ValueError, match=r"batch_dims=1\. .*take_along_axis"):
            tf.gather(MATRIX, [[0], [1]], axis=1, batch_dims=1)

    def test_unknown_arguments_are_named(self):
        with pytest.raises(TypeError, match=r"reduce_sum\(input_tensor, axis=None, keepdims=False, name=None\).*axes"):
            tf.reduce_sum([1.0], axes=0)
        with pytest.raises(TypeError, match="does not take experimental_compile"):
            tf.function(experimental_compile=True)

    def test_function_is_a_decorator_with_and_without_arguments(self):
        @tf.function
        def double(x):
            return x * 2.0

        @tf.function(jit_compile=True)
        def triple(x):
            return x * 3.0

        assert (double(tf.constant(1.0)).numpy(), triple(tf.constant(1.0)).numpy()) == (2.0, 3.0)


class TestRandom:
    def test_uniform_and_normal(self):
        tf.random.set_seed(0)
        x = tf.random.uniform((1000,), minval=-2, maxval=4)
        assert (x.dtype, x.shape) == (np.float32, (1000,))
        assert -2 <= tf.reduce_min(x) < -1.9
        assert 3.9 < tf.reduce_max(x) < 4
        y = tf.random.normal([1000], mean=5.0, stddev=0.1)
        assert abs(tf.reduce_mean(y) - 5) < 0.02
        n = tf.random.uniform([1000], maxval=3, dtype=tf.int32)
        assert set(n.tolist()) == {0, 1, 2}
        with pytest.raises(ValueError, match="expected maxval"):
            tf.random.uniform([2], dtype=tf.int32)
        assert sorted(tf.random.shuffle([3, 1, 2]).tolist()) == [1, 2, 3]

    @pytest.mark.parametrize("draw", [tf.random.uniform, tf.random.normal])
    def test_an_operation_with_a_seed_goes_on_and_starts_again(self, draw):
        tf.random.set_seed(0)
        first, second = draw([2], seed=7).tolist(), draw([2], seed=7).tolist()
        assert first != second
        tf.random.set_seed(0)
        assert [draw([2], seed=7).tolist(), draw([2], seed=7).tolist()] == [first, second]

    def test_set_random_seed_reaches_numpy_too(self):
        draws = []
        for _ in range(2):
            keras.utils.set_random_seed(5)
            layer = keras.layers.Dense(2, input_shape=(3,))
            old_style = np.random.rand()  # noqa: NPY002, as tutorials draw
            draws.append((old_style, tf.random.normal([1]).item(), keras.Sequential([layer]).get_weights()[0]))
        assert draws[0][:2] == draws[1][:2]
        np.testing.assert_array_equal(draws[0][2], draws[1][2])


class TestMissing:
    def test_attributes(self):
        with pytest.raises(AttributeError, match=r"tensorflow has no reduce_men.*Nearest:.*reduce_mean.*What is here"):
            tf.reduce_men  # noqa: B018
        with pytest.raises(AttributeError, match=r"keras\.optimizers has no Adan.*Adam.*SGD"):
            keras.optimizers.Adan  # noqa: B018
        with pytest.raises(AttributeError, match=r"keras\.layers has no Conv2D.*dense networks.*Flatten"):
            keras.layers.Conv2D  # noqa: B018
        with pytest.raises(AttributeError, match=r"tensorflow has no data .*Batches"):
            tf.data  # noqa: B018
        assert not hasattr(tf, "Session")

    def test_arguments_of_layers_and_models(self):
        with pytest.raises(TypeError, match=r"Dense does not take kernel_regularizer.*units.*Instead of.*loss"):
            keras.layers.Dense(3, kernel_regularizer="l2")
        with pytest.raises(TypeError, match=r"does not take input_dim.*Instead of input_dim: input_shape"):
            keras.layers.Dense(3, input_dim=2)
        with pytest.raises(TypeError, match=r"Model does not take inputs, outputs.*Sequential"):
            keras.Model(inputs=keras.Input((3,)), outputs=None)
        with pytest.raises(TypeError, match=r"Received: an Input\. Write a Sequential"):
            keras.layers.Dense(3)(keras.Input((3,)))

    def test_imports(self):
        with pytest.raises(ImportError, match=r"keras\.layers has no LSTM.*Dense"):
            from tinygrad_lite.compat.keras.layers import LSTM  # noqa: F401
        with pytest.raises(ImportError, match=r"keras\.layers has no Dens .*Nearest: Dense"):
            from tinygrad_lite.compat.tensorflow.keras.layers import Dens  # noqa: F401
        with pytest.raises(ImportError, match=r"tensorflow has no data .*Batches"):
            from tinygrad_lite.compat.tensorflow import data  # noqa: F401

    def test_modules_are_found_by_both_paths(self):
        from tinygrad_lite.compat.tensorflow.keras import layers
        from tinygrad_lite.compat.tensorflow.keras.datasets import mnist
        from tinygrad_lite.compat.tensorflow.keras.layers import Dense

        assert layers is keras.layers
        assert Dense is tgl.nn.Dense
        assert mnist is keras.datasets.mnist
