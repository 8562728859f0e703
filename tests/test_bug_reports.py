"""Inputs of public bug reports of TensorFlow, Keras, PyTorch, JAX, autograd and others, with the right answers."""

import numpy as np
import pytest

import tinygrad_lite as tgl
import tinygrad_lite.compat.tensorflow as tf
from tinygrad_lite import nn, optim
from tinygrad_lite.compat import keras

INF, NAN = np.inf, np.nan


def gradient(f, x, dtype="float64"):
    v = tgl.Variable(x, dtype=dtype)
    with tgl.GradientTape() as tape:
        y = tgl.sum(f(v))
    return tape.gradient(y, v).numpy()


def second(f, x):
    v = tgl.Variable(x, dtype="float64")
    with tgl.GradientTape() as outer:
        with tgl.GradientTape() as inner:
            y = tgl.sum(f(v))
        total = tgl.sum(inner.gradient(y, v))
    return outer.gradient(total, v).numpy()


def cumprod_of_polynomials(t):
    x = tgl.reshape(tgl.stack([t, t + 1, 2 - t, t - 1, 2 * t + 1, t + 3]), (2, 3))
    return tgl.cumprod(x, axis=-1) * np.array([[1.0, 2, 3], [4, 5, 6]])


def log_sum_of_prefixes(t):
    x = tgl.reshape(tgl.stack([t, 1 - t, 2 * t + 3, -t, t + 2, 3 * t - 1]), (2, 3))
    prefixes = tgl.stack([tgl.logsumexp(x[:, : n + 1], axis=-1) for n in range(3)], axis=-1)
    return prefixes * np.array([[1.0, 2, -1], [3, -2, 4]])


class TestGradients:
    @pytest.mark.parametrize(
        ("f", "x", "expected"),
        [
            # norms and roots at zero
            (tgl.linalg.norm, [0.0], [0]),
            (lambda x: tgl.linalg.norm(x) ** 2, [0.0, 0.0], [0, 0]),
            (lambda x: tgl.exp(-(tgl.linalg.norm(x) ** 2)), [0.0, 0.0], [0, 0]),
            (lambda x: tgl.linalg.norm(x, axis=-1) ** 2, [[0.0, 0.0]], [[0, 0]]),
            # a branch that is not taken
            (lambda x: tgl.where(x > 0, 0.0, x * INF), [1.0], [0]),
            (lambda x: tgl.where(x <= 0, 0.0, tgl.sqrt(x)), [0.0, 4.0], [0, 0.25]),
            (lambda x: tgl.where(x > 0.5, tgl.sqrt(x), 1.0), [0.0, 4.0], [0, 0.25]),
            (lambda x: tgl.where(x == 0, 1.0, tgl.sin(x) / x), [0.0], [0]),
            (lambda x: tgl.nanmean(x**2), [NAN, 1.0, 2.0], [0, 1, 2]),
            # products with zeros
            (tgl.prod, [0.0], [1]),
            (tgl.prod, [0.0, 2.0, 3.0], [6, 0, 0]),
            (tgl.prod, [0.0, 0.0, 3.0], [0, 0, 0]),
            (tgl.cumprod, [2.0, 0.0, 3.0, 4.0], [1, 32, 0, 0]),
            (tgl.cumprod, [0.0, 2.0, 3.0], [9, 0, 0]),
            (tgl.cumprod, [2.0, 3.0, 0.0], [4, 2, 6]),
            (tgl.cumprod, [2.0, 0.0, 0.0, 3.0], [1, 2, 0, 0]),
            (tf.math.cumprod, [2.0, 0.0, 0.0, 3.0], [1, 2, 0, 0]),
            # repeated elements
            (lambda x: x[[0, 0]], [1.0], [2]),
            (lambda x: tgl.take(x, [0, 0, 1]), [1.0, 2.0], [2, 1]),
            (lambda x: x[[0, 0]][1], [1.0], [1]),
            (lambda x: tgl.index_set(tgl.zeros((2,), "float64"), [0, 0, 0], x), [1.0, 2.0, 3.0], [0, 0, 1]),
            (lambda x: tgl.index_add(tgl.zeros((3, 3), "float64"), [0, 1, 2], x), [1.0, 2.0, 3.0], [3, 3, 3]),
            (lambda x: tgl.einsum("abcd->bd", x) ** 2 / 2, np.ones((2, 1, 2, 1)), np.full((2, 1, 2, 1), 4.0)),
            (lambda x: tgl.einsum("ii->i", x), [[1.0, 2.0], [3.0, 4.0]], [[1, 0], [0, 1]]),
            # broadcasting
            (lambda x: tgl.broadcast_to(x, (4, 3)), [1.0, 1.0, 1.0], [4, 4, 4]),
            (lambda x: x * np.ones((5, 4)), [2.0], [20]),
            (lambda x: x * np.ones((1, 4)), [[2.0]], [[4]]),
            # powers
            (lambda x: x**0, [0.0, 2.0], [0, 0]),
            (lambda x: x**1, [0.0], [1]),
            (lambda x: x**2, [0.0, -3.0], [0, -6]),
            (lambda x: 0.1 * x * x * x, [7.0], [14.7]),
            (lambda x: 2.0**x, [0.0], [np.log(2)]),
            # kinks and ties
            (lambda x: tgl.maximum(0.0, x), [-1.0, 1.0], [0, 1]),
            (tgl.relu, [0.0, -0.0], [0, 0]),
            (tgl.max, [1.0, 1.0, 0.0], [0.5, 0.5, 0]),
            (tf.nn.relu6, [0.0, 6.0], [0, 0]),
            # the ends of the range
            (tgl.logsumexp, [-INF, -INF], [0, 0]),
            (tgl.logsumexp, [-INF, 0.0], [0, 1]),
            (tgl.softplus, [-1000.0, 1000.0], [0, 1]),
            (tgl.log_sigmoid, [-1000.0, 1000.0], [1, 0]),
            (tgl.sigmoid, [-1000.0, 1000.0], [0, 0]),
            (tgl.tanh, [-1000.0, 1000.0], [0, 0]),
            (lambda x: tgl.softmax(x)[0], [1000.0, 0.0], [0, 0]),
            (lambda x: tgl.logaddexp(x, 0.0), [1000.0, -1000.0], [1, 0]),
            (log_sum_of_prefixes, -400.0, -5.0),
        ],
    )
    @pytest.mark.filterwarnings("ignore::RuntimeWarning")
    def test_first_order(self, f, x, expected):
        np.testing.assert_allclose(gradient(f, x), expected, rtol=1e-9, atol=1e-12)

    @pytest.mark.parametrize(
        ("f", "x", "expected"),
        [
            (cumprod_of_polynomials, 1.0, 144.0),
            (lambda x: (1.0 - tgl.exp(-(x - 1.0))) ** 2, 1.0, 2.0),  # the Morse potential
            (lambda x: x * x, 5.0, 2.0),
            (lambda x: tgl.linalg.norm(x) ** 2, [3.0, 4.0], [2, 2]),
        ],
    )
    def test_second_order(self, f, x, expected):
        np.testing.assert_allclose(second(f, x), expected, rtol=1e-9)

    def test_an_inner_function_of_the_same_variable_is_not_confused(self):
        x = tgl.Variable(5.0)
        with tgl.GradientTape() as outer:
            with tgl.GradientTape() as inner:
                y = tgl.stop_gradient(x) + x
            z = x * inner.gradient(y, x)
        assert outer.gradient(z, x).item() == 1.0

    def test_gradients_taken_inside_their_own_tape(self):
        y, v = tf.constant(2.0), tf.Variable(3.0)
        with tf.GradientTape(persistent=True) as tape:
            tape.watch([y, v])
            w = y * y * v
            g = tape.gradient(w, y)
        assert (g.numpy(), tape.gradient(g, v).numpy()) == (12.0, 4.0)

    def test_compiled_losses_in_compiled_functions(self):
        w = tf.Variable(3.0)
        loss = tf.function(lambda x: (x - 1.0) ** 2)

        @tf.function
        def step():
            with tf.GradientTape() as tape:
                y = loss(w * 2.0)
            return tape.gradient(y, w)

        assert [step().numpy() for _ in range(3)] == [20.0] * 3

    def test_integers_have_no_gradient_and_say_so(self):
        a, b = tf.Variable(1), tf.Variable(2)
        with tf.GradientTape() as tape:
            y = a * b
        with pytest.warns(UserWarning, match="int"):
            assert tape.gradient(y, [a, b]) == [None, None]


class TestLosses:
    def test_smoothing_counts_the_classes_of_the_axis(self):
        y, p = np.eye(3)[:, :2], np.full((3, 2), 1 / 3)
        loss = keras.losses.CategoricalCrossentropy(label_smoothing=0.25, axis=0, reduction=None)(y, p)
        np.testing.assert_allclose(loss, [np.log(3)] * 2, rtol=1e-6)

    def test_smoothing_of_labels_of_higher_rank(self):
        x = np.zeros((2, 4, 3))
        y = np.eye(3)[np.zeros((2, 4), int)]
        loss = keras.losses.categorical_crossentropy(y, x, True, 0.3)
        np.testing.assert_allclose(loss, np.full((2, 4), np.log(3)), rtol=1e-6)

    def test_one_class_is_no_classification(self):
        with pytest.raises(ValueError, match="at least two classes"):
            keras.losses.categorical_crossentropy(np.ones((3, 1)), np.ones((3, 1)))

    def test_rows_against_columns(self):
        column, row = np.arange(10.0).reshape(10, 1), np.arange(10.0)
        assert keras.losses.mean_squared_error(row, column).numpy().tolist() == [0.0] * 10

    @pytest.mark.parametrize("logit", [-1e4, -100.0, 100.0, 1e4])
    def test_confident_logits(self, logit):
        loss = keras.losses.BinaryCrossentropy(from_logits=True)
        np.testing.assert_allclose(loss([[0.0]], [[logit]]).item(), max(logit, 0.0), atol=1e-40)
        np.testing.assert_allclose(gradient(lambda x: loss([[0.0]], x), [[logit]]), float(logit > 0), atol=1e-40)


class TestTraining:
    def test_two_ways_of_clipping(self):
        with pytest.raises(ValueError, match="clipped in one way"):
            optim.Adam(clipnorm=1.0, global_clipnorm=1.0)

    def test_decay_is_decoupled(self):
        w = tf.Variable(2.0)
        optim.Adam(0.1, weight_decay=0.5).apply_gradients([(tf.constant(0.0), w)])
        assert w.numpy() == np.float32(2.0 - 0.1 * 0.5 * 2.0)

    def test_a_callback_begins_anew_with_each_training(self):
        x = np.ones((4, 1), "float32")
        stop = nn.callbacks.EarlyStopping("loss", patience=1, min_delta=10.0)
        lengths = []
        for _ in range(2):
            model = nn.Sequential([nn.Dense(1)])
            model.compile("sgd", "mse")
            lengths.append(len(model.fit(x, x, epochs=9, verbose=0, callbacks=[stop]).epoch))
        assert lengths == [2, 2]

    def test_a_rate_at_its_floor_stays(self):
        x = np.ones((4, 1), "float32")
        model = nn.Sequential([nn.Dense(1)])
        model.compile(optim.SGD(0.02), "mse")
        plateau = nn.callbacks.ReduceLROnPlateau("loss", 0.5, 0, min_delta=1e9, min_lr=0.01)
        rates = model.fit(x, x, epochs=5, verbose=0, callbacks=[plateau]).history["learning_rate"]
        assert min(rates) == 0.01

    def test_lists_of_samples(self):
        model = nn.Sequential([nn.Dense(1)])
        model.compile("sgd", "mse")
        assert model.fit([[1.0, 3.0], [2.0, 5.0]], [[1.0], [2.0]], validation_split=0.5, verbose=0).history["val_loss"]

    def test_the_loss_that_is_shown_is_the_loss_that_is_evaluated(self):
        x = np.linspace(0, 1, 7, dtype="float32")[:, None]
        model = nn.Sequential([nn.Dense(1)])
        model.compile(optim.SGD(0.0), "mse")
        shown = model.fit(x, 3 * x, batch_size=2, verbose=0).history["loss"][0]
        np.testing.assert_allclose(shown, model.evaluate(x, 3 * x, batch_size=5, verbose=0), rtol=1e-6)
