"""The meanings of TensorFlow's and Keras's arguments: what they compute, by position and by name."""

import numpy as np
import pytest

import tinygrad_lite as tgl
import tinygrad_lite.compat.tensorflow as tf
from tinygrad_lite import nn
from tinygrad_lite.compat import keras

ROW = [1.0, 2.0, 3.0]
SQUARE = [[1.0, 2.0], [3.0, 4.0]]


class TestValues:
    @pytest.mark.parametrize(
        ("call", "expected"),
        [
            (lambda: tf.pad(ROW, [[1, 2]], "SYMMETRIC"), [1, 1, 2, 3, 3, 2]),
            (lambda: tf.pad(ROW, [[1, 2]], "reflect"), [2, 1, 2, 3, 2, 1]),
            (lambda: tf.pad(ROW, [[1, 0]], "CONSTANT", 7.0), [7, 1, 2, 3]),
            (lambda: tf.pad(SQUARE, tf.constant([[0, 0], [1, 0]]))[0], [0, 1, 2]),
            (lambda: tf.cumsum(ROW, 0, True), [0, 1, 3]),
            (lambda: tf.cumsum(ROW, 0, False, True), [6, 5, 3]),
            (lambda: tf.cumsum(ROW, exclusive=True, reverse=True), [5, 3, 0]),
            (lambda: tf.cumsum(SQUARE, -1, True), [[0, 1], [0, 3]]),
            (lambda: tf.math.cumprod([2.0, 3.0, 4.0], exclusive=True, reverse=True), [12, 4, 1]),
            (lambda: tf.matmul(SQUARE, SQUARE, False, False, True), np.transpose(SQUARE) @ SQUARE),
            (lambda: tf.matmul(SQUARE, SQUARE, adjoint_b=True), SQUARE @ np.transpose(SQUARE)),
            (lambda: tf.eye(2, None, [2])[1], np.eye(2)),
            (lambda: tf.one_hot([0], 2, 5, 1), [[5, 1]]),
            (lambda: tf.reduce_sum(SQUARE, [0, 1], True), [[10]]),
            (lambda: tf.reduce_sum(SQUARE, tf.constant(0)), [4, 6]),
            (lambda: tf.argmax(SQUARE, 1, "int32"), [1, 1]),
            (lambda: tf.norm(SQUARE), np.sqrt(30)),
            (lambda: tf.norm(SQUARE, 1), 10),
            (lambda: tf.norm(SQUARE, np.inf, (0, 1)), 7),
            (lambda: tf.norm(SQUARE, "fro", [0, 1], True), [[np.sqrt(30)]]),
            (lambda: tf.norm(SQUARE, axis=0), np.sqrt([10, 20])),
            (lambda: tf.clip_by_norm([3.0, 4.0], 1.0), [0.6, 0.8]),
            (lambda: tf.clip_by_norm([[3.0, 4.0], [0.0, 0.0]], 1.0, 1), [[0.6, 0.8], [0, 0]]),
            (lambda: tf.clip_by_global_norm([[3.0], [4.0]], 1.0)[0][1], [0.8]),
            (lambda: tf.linspace(0.0, 1.0, 3, "name", 0), [0, 0.5, 1]),
            (lambda: tf.atan2(y=0.0, x=-1.0), np.pi),
            (lambda: tf.convert_to_tensor([1, 2], None, "float32"), [1, 2]),
            (lambda: tf.nn.silu([1.0], beta=0.0), [0.5]),
            (lambda: tf.nn.softmax(SQUARE, None), tgl.softmax(SQUARE)),
            (lambda: tf.nn.softmax(SQUARE, 0), tgl.softmax(SQUARE, axis=0)),
            (lambda: tf.nn.bias_add([[[1.0, 2.0]]], [5.0], "NCW"), [[[6, 7]]]),
            (
                lambda: tf.nn.softmax_cross_entropy_with_logits([[1.0, 0], [0, 1]], SQUARE, 0),
                tgl.softmax_cross_entropy_with_logits([[1.0, 0], [0, 1]], np.transpose(SQUARE)),
            ),
            (lambda: keras.activations.elu([-1.0], 0.5), [0.5 * np.expm1(-1)]),
            (lambda: keras.activations.relu([-1.0, 2.0, 9.0], 0.5, 4.0), [-0.5, 2, 4]),
            (lambda: keras.activations.relu([0.5, 2.0], 0.0, None, 1.0), [0, 2]),
            (lambda: keras.activations.relu([-1.0, 2.0], 0.5, None, 1.0), [-1, 2]),
            (lambda: keras.activations.softmax(SQUARE, 0), tgl.softmax(SQUARE, axis=0)),
            (lambda: keras.activations.leaky_relu([-1.0], 0.5), [-0.5]),
            (lambda: keras.layers.ReLU(4.0, 0.5)([-1.0, 9.0]), [-0.5, 4]),
            (lambda: keras.layers.Softmax(0)(SQUARE), tgl.softmax(SQUARE, axis=0)),
        ],
    )
    def test_value(self, call, expected):
        np.testing.assert_allclose(call(), expected, rtol=1e-6)

    @pytest.mark.parametrize(
        ("call", "dtype"),
        [
            (lambda: tf.one_hot([0], 2, tf.constant(5), tf.constant(1)), "int64"),
            (lambda: tf.one_hot([0], 2, True, False), "bool"),
            (lambda: tf.one_hot([0], 2, dtype=tf.float64), "float64"),
            (lambda: tf.reduce_sum(np.array([100, 100], "int8")), "int8"),
            (lambda: tf.reduce_prod(np.array([2, 3], "int32")), "int32"),
            (lambda: tf.cumsum(np.array([2, 3], "int32")), "int32"),
            (lambda: tf.divide(np.array([1], "int16"), np.array([2], "int16")), "float32"),
            (lambda: tf.divide(np.array([1], "int32"), np.array([2], "int32")), "float64"),
            (lambda: tf.convert_to_tensor([1.5], dtype_hint=tf.int32), "float32"),
            (lambda: tf.argmin(SQUARE, 0, tf.int32), "int32"),
            (lambda: tf.shape(SQUARE, tf.int64), "int64"),
            (lambda: keras.activations.tanh(np.array([1], "uint8")), "float32"),
        ],
    )
    def test_dtype(self, call, dtype):
        assert call().dtype == dtype

    def test_dropout(self):
        x = tf.ones([40, 3])
        y = tf.nn.dropout(x, 0.5, (40, 1), 1).numpy()
        assert set(y.ravel().tolist()) == {0.0, 2.0}
        assert np.all(y == y[:, :1])
        tf.random.set_seed(3)
        first = tf.nn.dropout(x, 0.5, seed=7).numpy()
        tf.random.set_seed(3)
        np.testing.assert_array_equal(tf.nn.dropout(x, 0.5, seed=7), first)


class TestGradients:
    @pytest.mark.parametrize(
        ("f", "x", "expected"),
        [
            (tf.nn.relu6, [-1.0, 0.0, 3.0, 6.0, 7.0], [0, 0, 1, 0, 0]),
            (lambda x: keras.activations.relu(x, 0.5), [-1.0, 0.0, 3.0], [0.5, 0.5, 1]),
            (lambda x: keras.activations.relu(x, 0.5, None, 1.0), [0.0, 1.0, 3.0], [0.5, 0, 1]),
            (lambda x: keras.activations.relu(x, 0.0, 4.0), [0.0, 1.0, 4.0, 5.0], [0, 1, 1, 0]),
            (lambda x: keras.activations.relu(x, 0.0, 6.0), [0.0, 1.0, 6.0, 7.0], [0, 1, 0, 0]),
            (lambda x: keras.losses.hinge([[1.0]], x[:, None]), [1.0], [-1]),
            (lambda x: tf.cumsum(x, 0, True), [1.0, 2.0, 3.0], [2, 1, 0]),
            (lambda x: tf.cumsum(x, 0, False, True), [1.0, 2.0, 3.0], [1, 2, 3]),
            (lambda x: tf.pad(x, [[1, 1]], "SYMMETRIC"), [1.0, 2.0], [2, 2]),
            (lambda x: tf.clip_by_norm(x, 1.0), [0.0, 0.0], [1, 1]),
            (lambda x: tf.one_hot([0], 2, x[0], x[1]), [5.0, 1.0], [1, 1]),
        ],
    )
    def test_as_tensorflows(self, f, x, expected):
        v = tf.Variable(x)
        with tf.GradientTape() as tape:
            y = tf.reduce_sum(f(v))
        np.testing.assert_allclose(tape.gradient(y, v), expected)

    def test_nan_stays(self):
        assert np.isnan(tf.nn.relu6([np.nan]).numpy()).all()


class TestRefusals:
    @pytest.mark.parametrize(
        ("call", "error"),
        [
            (lambda: tf.pad(ROW, [[1, 1]], "EDGE"), "mode='EDGE'"),
            (lambda: tf.pad(ROW, [1, 1]), "paddings of shape"),
            (lambda: tf.pad(ROW, [[3, 0]], "REFLECT"), "can be mirrored"),
            (lambda: tf.zeros([2], tf.float32, None, "layout"), "layout='layout'"),
            (lambda: tf.matmul(SQUARE, SQUARE, output_type="int32"), "output_type"),
            (lambda: tf.matmul(SQUARE, SQUARE, True, False, True), "Received: both"),
            (lambda: tf.norm(ROW, "fro"), "ord='fro'"),
            (lambda: tf.norm(ROW, -1), "ord=-1"),
            (lambda: tf.norm(SQUARE, 3, (0, 1)), "ord=3"),
            (lambda: tf.nn.relu([1.0], "name", "more"), "too many positional"),
            (lambda: tf.nn.silu([1.0], name="name"), "name"),
            (lambda: tf.nn.bias_add(SQUARE, [1.0]), "bias.shape"),
            (lambda: keras.layers.ReLU(negative_slope=-1.0), "negative_slope=-1"),
        ],
    )
    def test_error(self, call, error):
        with pytest.raises((TypeError, ValueError), match=error):
            call()


class TestKeras:
    def test_activations_of_compat_are_the_packages_own_in_layers(self, tmp_path):
        for activation in (tf.nn.softmax, keras.activations.softmax):
            model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3, tf.nn.relu)])
            model.add(keras.layers.Dense(2, activation=activation))
            assert [layer.activation for layer in model.layers] == [tgl.relu, tgl.softmax]
            model.save(tmp_path / "model.tgl")
            loaded = keras.models.load_model(tmp_path / "model.tgl")
            np.testing.assert_array_equal(loaded.predict(SQUARE), model.predict(SQUARE))

    @pytest.mark.parametrize("layer", [lambda: keras.layers.ReLU(2.0, 0.5, 0.1), lambda: keras.layers.Softmax(1)])
    def test_layers_of_compat_are_saved(self, layer, tmp_path):
        model = keras.Sequential([keras.Input((2, 2)), layer()])
        model.save(tmp_path / "model.tgl")
        loaded = nn.load_model(tmp_path / "model.tgl")
        np.testing.assert_array_equal(loaded.predict([SQUARE]), model.predict([SQUARE]))

    def test_a_model_is_loaded_without_its_optimizer(self, tmp_path):
        model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        model.compile("sgd", "mse")
        model.save(tmp_path / "model.tgl")
        assert keras.models.load_model(tmp_path / "model.tgl").optimizer is not None
        assert keras.models.load_model(tmp_path / "model.tgl", compile=False).optimizer is None

    def test_input_layers(self):
        assert keras.layers.InputLayer((3,), 8, "float32", input_tensor=None).shape == (3,)
        assert keras.layers.InputLayer(batch_shape=(None, 3)).shape == (3,)

    def test_minimize(self):
        w = tf.Variable([1.0, 2.0])
        sgd = keras.optimizers.SGD(0.25)
        sgd.minimize(lambda: tf.reduce_sum(w * w), [w])
        assert w.numpy().tolist() == [0.5, 1.0]
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(w * w)
        sgd.minimize(loss, [w], tape=tape)
        assert w.numpy().tolist() == [0.25, 0.5]
        assert sgd.iterations.item() == 2
        with pytest.raises(ValueError, match="tape=tape"):
            sgd.minimize(loss, [w])

    def test_lr(self):
        sgd = keras.optimizers.SGD(0.25)
        sgd.lr = 0.5
        assert sgd.learning_rate.item() == sgd.lr.item() == 0.5
