"""Keras's arguments in Keras's places: honoured, or refused; never taken for another one, never ignored."""

import numpy as np
import pytest

import tinygrad_lite as tgl
from tinygrad_lite import nn, optim
from tinygrad_lite.optim import schedules

LOGITS = np.array([[2.0, -1.0, 0.5], [0.3, 0.2, -2.0]], "float32")


def softmax(x, axis=-1):
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


class TestByPosition:
    @pytest.mark.parametrize(
        ("make", "options"),
        [
            (lambda: optim.SGD(0.1, 0.9, True, 0.01), {"momentum": 0.9, "nesterov": True, "weight_decay": 0.01}),
            (lambda: optim.SGD(0.1, 0.9, True, None, 1.0), {"weight_decay": None, "clipnorm": 1.0}),
            (lambda: optim.Momentum(0.1, 0.9, True, 0.01), {"weight_decay": 0.01}),
            (lambda: optim.RMSprop(0.1, 0.8, 0.5, 1e-6, True, 0.01, None, 2.0), {"weight_decay": 0.01, "clipvalue": 2}),
            (lambda: optim.Adagrad(0.1, 0.2, 1e-6, 0.01, None, None, 3.0), {"global_clipnorm": 3.0}),
            (lambda: optim.Adam(0.1, 0.8, 0.9, 1e-6, True, 0.01), {"amsgrad": True, "weight_decay": 0.01}),
            (lambda: schedules.CosineDecay(0.1, 100, 0.0, "name", 0.5, 10), {"warmup_target": 0.5, "warmup_steps": 10}),
            (lambda: nn.Dropout(0.5, (None, 1), 3), {"noise_shape": (None, 1), "seed": 3}),
            (lambda: nn.Sequential([], False, "chain"), {"trainable": False, "name": "chain"}),
            (lambda: nn.losses.Huber(2.0, "sum", "h", "float64"), {"reduction": "sum", "dtype": np.float64}),
            (lambda: nn.losses.Loss("mine", "sum"), {"name": "mine", "reduction": "sum"}),
            (lambda: nn.metrics.Mean("m", "float32"), {"name": "m", "dtype": np.float32}),
            (lambda: nn.metrics.BinaryAccuracy("m", None, 0.25), {"threshold": 0.25}),
        ],
    )
    def test_has_keras_meaning(self, make, options):
        made = make()
        assert {name: getattr(made, name) for name in options} == options

    @pytest.mark.parametrize(
        ("make", "error"),
        [
            (lambda: optim.SGD(0.1, 0.9, True, "mine"), "weight_decay"),
            (lambda: optim.SGD(0.1, 0.9, True, 0.1, None, None, None, False), "by name"),
            (lambda: optim.SGD(0.1, 0.9, True, 0.1, weight_decay=0.2), "none of them again by name"),
            (lambda: optim.Optimizer(0.1, 0.01), "Pass weight_decay"),
            (lambda: schedules.CosineDecay(0.1, 100, 0.0, 0.5, 10), "name=0.5"),
            (lambda: schedules.PiecewiseConstantDecay([1], [0.1, 0.2], 3), "name=3"),
            (lambda: nn.Dense(3, "relu", True, "ones", "zeros", "l2"), "positional"),
            (lambda: nn.Dropout(0.5, 3), "seed=3"),
            (lambda: nn.Activation("relu", "name"), "positional"),
            (lambda: nn.losses.Loss("sum"), "reduction='sum'"),
            (lambda: nn.losses.SparseCategoricalCrossentropy(False, "sum"), "ignore_class='sum'"),
            (lambda: nn.metrics.Metric("float32"), "dtype='float32'"),
            (lambda: nn.metrics.BinaryAccuracy("m", 0.7), "dtype"),
            (lambda: nn.callbacks.BackupAndRestore("folder", 10), "positional"),
            (lambda: nn.callbacks.ModelCheckpoint("a.npz", "loss", 0, True, True, "min", 100), "save_freq"),
            (lambda: nn.Sequential().compile("sgd", "mse", [0.5]), "metric"),
            (lambda: nn.Sequential().compile("sgd", "mse", None, ["mae"]), "positional"),
            (lambda: nn.Sequential().load_weights("file.npz", True), "positional"),
            (lambda: nn.Sequential().summary(100), "positional"),
            (lambda: tgl.Variable(1.0, True, True), "name that is a string"),
            (lambda: nn.Layer().add_weight((1,), "ones", None, True, False), "positional"),
        ],
    )
    def test_or_is_refused(self, make, error):
        with pytest.raises((TypeError, ValueError), match=error):
            make()


class TestNotHere:
    @pytest.mark.parametrize(
        ("make", "defaults", "other"),
        [
            (
                optim.Adam,
                {"use_ema": False, "ema_momentum": 0.99, "ema_overwrite_frequency": None, "loss_scale_factor": None,
                 "gradient_accumulation_steps": None},
                {"use_ema": True, "ema_momentum": 0.9, "gradient_accumulation_steps": 2, "loss_scale_factor": 2.0},
            ),
            (
                lambda **options: nn.Dense(2, **options),
                {"kernel_regularizer": None, "bias_regularizer": None, "activity_regularizer": None,
                 "kernel_constraint": None, "bias_constraint": None, "lora_rank": None, "dtype": None},
                {"kernel_regularizer": "l2", "bias_constraint": "non_neg", "lora_rank": 4, "autocast": False},
            ),
            (
                lambda **options: nn.Layer().add_weight((1,), **options),
                {"regularizer": None, "constraint": None, "initializer": None, "name": None, "aggregation": "none"},
                {"regularizer": "l2", "constraint": "non_neg", "aggregation": "mean"},
            ),
            (
                lambda **options: nn.Input((3,), **options),
                {"batch_size": 8, "dtype": "float32", "sparse": None, "ragged": None, "tensor": None, "name": "x"},
                {"sparse": True, "dtype": "int32", "batch_shape": (None, 3)},
            ),
            (
                lambda **options: fitted(**options),
                {"steps_per_epoch": None, "validation_steps": None, "validation_freq": 1, "validation_batch_size": 2},
                {"steps_per_epoch": 2, "validation_steps": 1, "validation_freq": 2},
            ),
            (
                lambda **options: nn.Sequential().compile("sgd", "mse", **options),
                {"loss_weights": None, "steps_per_execution": 10, "jit_compile": True, "auto_scale_loss": False},
                {"loss_weights": [2.0]},
            ),
            (
                lambda **options: nn.callbacks.BackupAndRestore("folder", **options),
                {"save_freq": "epoch", "double_checkpoint": False},
                {"save_freq": 10, "double_checkpoint": True},
            ),
        ],
    )  # fmt: skip
    def test_is_refused_unless_at_its_default(self, make, defaults, other):
        make(**defaults)
        for name, value in other.items():
            with pytest.raises((TypeError, ValueError), match=name):
                make(**{name: value})


def fitted(**options):
    model = nn.Sequential([nn.Dense(1)])
    model.compile("sgd", "mse")
    return model.fit(np.ones((4, 2), "float32"), np.ones((4, 1), "float32"), verbose=0, **options)


class TestLosses:
    @pytest.mark.parametrize("from_logits", [False, True])
    def test_axis_of_the_classes(self, from_logits):
        scores = np.moveaxis(np.stack([LOGITS, LOGITS[::-1]]), -1, 1)  # (2, 3 classes, 2)
        predictions = scores if from_logits else softmax(scores, axis=1)
        labels = np.array([[0, 2], [1, 0]])
        one_hot = np.moveaxis(np.eye(3)[labels], -1, 1)
        expected = -np.log(np.take_along_axis(softmax(scores, axis=1), labels[:, None], axis=1)[:, 0])
        sparse = nn.losses.sparse_categorical_crossentropy(labels, predictions, from_logits, axis=1)
        dense = nn.losses.CategoricalCrossentropy(from_logits, axis=1, reduction=None)(one_hot, predictions)
        np.testing.assert_allclose(sparse, expected, rtol=1e-5)
        np.testing.assert_allclose(dense, expected, rtol=1e-5)

    def test_axis_of_the_mean(self):
        p, y = softmax(LOGITS), np.array([[1.0, 0, 0], [0, 1, 1]])
        expected = -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p), axis=0)
        np.testing.assert_allclose(nn.losses.binary_crossentropy(y, p, axis=0), expected, rtol=1e-5)

    def test_a_loss_along_another_axis_than_softmax_is_not_computed_from_its_logits(self):
        assert nn.losses.CategoricalCrossentropy().for_logits_of(tgl.softmax) is not None
        assert nn.losses.CategoricalCrossentropy(axis=1).for_logits_of(tgl.softmax) is None

    @pytest.mark.parametrize("ignored", [-1, 2])
    @pytest.mark.parametrize("reduction", ["sum_over_batch_size", "sum", "none", "mean_with_sample_weight"])
    def test_an_ignored_class_counts_nowhere(self, ignored, reduction):
        x = np.concatenate([LOGITS, LOGITS + 1])
        labels, kept = np.array([0, ignored, 1, ignored]), [0, 2]
        v = tgl.Variable(x)
        with tgl.GradientTape() as tape:
            loss = nn.losses.SparseCategoricalCrossentropy(True, ignored, reduction)(labels, v)
            total = tgl.sum(loss)
        others = nn.losses.SparseCategoricalCrossentropy(True, reduction=reduction)(labels[kept], x[kept])
        np.testing.assert_allclose(loss if reduction != "none" else loss.numpy()[kept], others, rtol=1e-6)
        gradient = tape.gradient(total, v).numpy()
        assert np.all(gradient[[1, 3]] == 0)
        assert np.all(gradient[kept] != 0)

    def test_no_label_that_counts(self):
        assert nn.losses.SparseCategoricalCrossentropy(True, 1)([1, 1], LOGITS).item() == 0.0

    def test_a_model_trained_with_an_ignored_class(self):
        weights = []
        for labels, keep in ((np.array([0, -1, 1, -1]), slice(None)), (np.array([0, 1]), [0, 2])):
            x = np.concatenate([LOGITS, LOGITS + 1])[keep]
            model = nn.Sequential([nn.Dense(3, activation="softmax", kernel_initializer="ones")])
            model.compile(optim.SGD(0.5), nn.losses.SparseCategoricalCrossentropy(ignore_class=-1))
            model.fit(x, labels, epochs=2, verbose=0, shuffle=False)
            weights.append(model.get_weights())
        for one, other in zip(*weights):
            np.testing.assert_allclose(one, other, rtol=1e-5)

    def test_dtype(self):
        loss = nn.losses.MeanSquaredError(dtype="float64")
        assert loss(np.ones((2, 1), "float32"), np.zeros((2, 1), "float32")).dtype == np.float64
        assert loss.get_config()["dtype"] == "float64"
        assert "dtype" not in nn.losses.MeanSquaredError().get_config()


class TestLayers:
    def test_a_mask_that_elements_share(self):
        x = np.ones((50, 4, 3), "float32")
        y = nn.Dropout(0.5, (None, 1, 3), seed=0)(x, training=True).numpy()
        assert set(y.ravel().tolist()) == {0.0, 2.0}
        assert np.all(y == y[:, :1])
        assert not np.all(y == y[:, :, :1])

    def test_a_shared_mask_is_drawn_anew_in_compiled_steps(self):
        layer = nn.Dropout(0.5, (1, 20), seed=0)
        f = tgl.function(lambda x: layer(x, training=True))
        x = tgl.ones((3, 20))
        first, second, third = f(x).numpy(), f(x).numpy(), f(x).numpy()
        assert np.any(first != second)
        assert np.any(second != third)
        assert np.all(third == third[:1])

    @pytest.mark.parametrize("noise_shape", [(2,), (2, 3), (1, 1, 1)])
    def test_a_mask_of_a_wrong_shape(self, noise_shape):
        with pytest.raises(ValueError, match="noise_shape"):
            nn.Dropout(0.5, noise_shape)(np.ones((4, 3)), training=True)

    def test_flatten_with_the_channels_first(self):
        x = np.arange(24.0, dtype="float32").reshape(2, 3, 4)
        expected = np.moveaxis(x, 1, -1).reshape(2, -1)
        np.testing.assert_array_equal(nn.Flatten("channels_first")(x), expected)
        np.testing.assert_array_equal(nn.Flatten("channels_last")(x), x.reshape(2, -1))
        assert nn.Flatten.from_config(nn.Flatten("channels_first").get_config()).data_format == "channels_first"

    def test_a_batch_shape(self):
        assert nn.Sequential([nn.Input(batch_shape=(None, 3)), nn.Dense(1)]).count_params() == 4

    def test_integer_weights_start_at_zero(self):
        assert nn.Layer().add_weight((2,), dtype="int64").tolist() == [0, 0]

    def test_initializers_without_a_dtype_give_float32(self):
        assert nn.initializers.GlorotUniform()((2, 3), dtype=None).dtype == np.float32


class TestMetrics:
    def test_variables_of_any_shape_start_as_they_are_told_and_are_reset(self):
        metric = nn.metrics.Metric("confusion")
        counts = metric.add_weight(shape=(2, 2), initializer="ones", name="counts")
        total = metric.add_variable((), "zeros", name="total")
        assert (counts.name, counts.dtype, counts.tolist()) == ("confusion/counts", np.float64, [[1, 1], [1, 1]])
        assert metric.variables == [counts, total]
        metric.reset_state()
        assert counts.tolist() == [[0, 0], [0, 0]]

    def test_dtype_of_the_result(self):
        assert nn.metrics.Mean(dtype="float32")([0.1, 0.2]).dtype == np.float32
        assert nn.metrics.Mean()([0.1, 0.2]).dtype == np.float64

    def test_named_after_its_class(self):
        assert type("HitRate", (nn.metrics.Metric,), {})().name == "hit_rate"


class TestCallbacks:
    def test_functions_as_a_callback(self):
        calls = []
        callback = nn.callbacks.LambdaCallback(
            on_epoch_begin=lambda epoch, logs: calls.append(f"epoch {epoch}"),
            on_train_batch_end=lambda batch, logs: calls.append(f"batch {batch}"),
            on_test_end=lambda logs: calls.append("validated"),
            on_train_end=lambda logs: calls.append("end"),
        )
        fitted(callbacks=[callback], epochs=2, batch_size=2, validation_split=0.25)
        assert calls == ["epoch 0", "batch 0", "batch 1", "validated", "epoch 1", "batch 0", "batch 1", "validated",
                         "end"]  # fmt: skip

    def test_a_function_for_what_never_happens(self):
        with pytest.raises(TypeError, match=r"does not take on_epoch\..*on_epoch_begin"):
            nn.callbacks.LambdaCallback(on_epoch=print)
        with pytest.raises(TypeError, match="on_epoch_end=3"):
            nn.callbacks.LambdaCallback(on_epoch_end=3)

    def test_nan_can_be_an_error(self):
        model = nn.Sequential([nn.Dense(1)])
        model.compile(optim.SGD(1e30), "mse")
        x = np.ones((8, 1), "float32")
        with pytest.raises(RuntimeError, match="finite loss"):
            model.fit(x, x, batch_size=1, epochs=9, verbose=0, callbacks=[nn.callbacks.TerminateOnNaN(True)])
