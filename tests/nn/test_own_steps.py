"""Steps, metrics and predictions of the user's own: what they do not use cannot be wrong, and they can be nested."""

import numpy as np
import pytest

import tinygrad_lite as tgl
from tinygrad_lite import nn, optim

X = np.random.default_rng(0).normal(size=(12, 3)).astype(np.float32)
Y = X.sum(axis=1, keepdims=True)


class OwnLoss(nn.Sequential):
    """Trains on the first column of the labels alone, whatever `compile` was told."""

    def train_step(self, data):
        x, y = data
        with tgl.GradientTape() as tape:
            loss = tgl.mean(tgl.square(self(x, training=True)[:, 0] - tgl.cast(y[:, 0], "float32")))
        variables = self.trainable_variables
        self.optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables))
        return {"loss": loss}


@pytest.mark.parametrize("loss", ["mse", "sparse_categorical_crossentropy", "binary_crossentropy", None])
@pytest.mark.parametrize("metrics", [None, ["accuracy"], ["mae"]])
def test_an_own_step_may_have_labels_that_fit_no_loss(loss, metrics):
    model = OwnLoss([nn.Dense(2)])
    model.compile("sgd", loss, metrics=metrics)
    labels = np.hstack([Y, Y, Y, Y + 7])
    assert np.isfinite(model.fit(X, labels, epochs=2, verbose=0).history["loss"]).all()
    assert np.isfinite(model.train_on_batch(X, labels))


def test_an_own_step_may_do_without_call():
    class Discriminator(nn.Model):
        def __init__(self):
            super().__init__()
            self.inner = nn.Dense(1)

        def train_step(self, data):
            with tgl.GradientTape() as tape:
                loss = tgl.mean(tgl.square(self.inner(data[0])))
            variables = self.inner.trainable_variables
            self.optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables))
            return {"loss": loss}

    model = Discriminator()
    model.compile("sgd")
    assert len(model.fit(X, Y, epochs=2, verbose=0).epoch) == 2


def test_the_packages_own_steps_still_refuse_labels_that_do_not_fit():
    model = nn.Sequential([nn.Dense(2)])
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match="same shape"):
        model.fit(X, np.hstack([Y, Y, Y]), verbose=0)


def test_predict_and_evaluate_inside_of_an_open_tape():
    model = nn.Sequential([nn.Dense(1)])
    model.compile(optim.SGD(0.0), "mse")
    model.build((None, 3))
    expected, loss = model.predict(X, verbose=0), model.evaluate(X, Y, verbose=0)
    w = model.layers[0].kernel
    with tgl.GradientTape() as tape:
        predicted = model.predict(tgl.constant(X), verbose=0)
        evaluated = model.evaluate(X, Y, verbose=0)
        y = tgl.sum(w * tgl.constant(predicted[:3]))
    np.testing.assert_array_equal(predicted, expected)
    assert evaluated == loss
    np.testing.assert_array_equal(tape.gradient(y, w).numpy(), predicted[:3])


def test_predict_inside_of_an_own_step():
    class Teaching(nn.Sequential):
        def train_step(self, data):
            x, y = data
            with tgl.GradientTape() as tape:
                target = self.predict(x, verbose=0)  # numbers: no gradient flows through them
                loss = tgl.mean(tgl.square(self(x, training=True) - 0.5 * target - y))
            variables = self.trainable_variables
            self.optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables))
            return {"loss": loss}

    tgl.random.set_seed(0)
    model = Teaching([nn.Dense(1)])
    model.compile(optim.SGD(0.1), "mse")
    losses = model.fit(X, Y, epochs=30, verbose=0).history["loss"]
    assert losses[-1] < 0.5 * losses[0]


@pytest.mark.parametrize("dtype", [None, "float32", "float64"])
@pytest.mark.parametrize("run_eagerly", [True, False])
def test_a_metric_may_add_float32_to_what_it_remembers(dtype, run_eagerly):
    class Total(nn.metrics.Metric):
        def __init__(self):
            super().__init__("total")
            self.sum = self.add_variable("sum") if dtype is None else self.add_variable(dtype=dtype, name="sum")
            self.least = self.add_variable("least")

        def update_state(self, y_true, y_pred, sample_weight=None):
            self.sum.assign_add(tgl.sum(y_pred))
            self.sum.assign_sub(tgl.constant(0.0))
            self.least.assign(tgl.min(y_pred))

        def result(self):
            return self.sum

    model = nn.Sequential([nn.Dense(1)])
    metric = Total()
    model.compile(optim.SGD(0.0), "mse", metrics=[metric], run_eagerly=run_eagerly)
    model.build((None, 3))
    values = model.predict(X, verbose=0)
    assert model.evaluate(X, Y, batch_size=4, verbose=0)[1] == pytest.approx(values.sum(), rel=1e-5)
    assert metric.least.item() == values[8:].min()
    assert metric.sum.dtype == (dtype or "float64")


def test_a_variable_takes_tensors_that_lose_nothing_and_stays_what_it_is():
    wide, narrow = tgl.Variable(np.zeros(2)), tgl.Variable([0.0, 0.0])

    @tgl.function
    def assign(x):
        wide.assign(x)
        wide.assign_add(x)
        return wide * 1.0

    x = tgl.constant([0.1, 0.2])
    for _ in range(3):
        assert assign(x).dtype == "float64"
        np.testing.assert_array_equal(wide.numpy(), 2 * np.array([0.1, 0.2], np.float32).astype(np.float64))
        assert wide.dtype == "float64"
    with pytest.raises(TypeError, match="float32"):
        narrow.assign(tgl.constant(np.array([0.1, 0.2])))
    with pytest.raises(TypeError, match="float32"):
        narrow.assign_add(tgl.constant([1, 2]))


def test_accuracy_may_be_a_metric_and_a_weighted_metric():
    labels = (Y[:, 0] > 0).astype("int64")
    model = nn.Sequential([nn.Dense(2, activation="softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"], weighted_metrics=["accuracy"])
    history = model.fit(X, labels, class_weight={0: 0.0, 1: 1.0}, epochs=2, verbose=0).history
    assert [*history] == ["loss", "accuracy", "weighted_accuracy"]
    right = model.predict(X, verbose=0).argmax(axis=1) == labels
    found = model.evaluate(X, labels, sample_weight=labels.astype("float32"), return_dict=True, verbose=0)
    assert found["accuracy"] == pytest.approx(right.mean())
    assert found["weighted_accuracy"] == pytest.approx(right[labels == 1].mean())


def test_other_names_that_come_twice_are_refused():
    model = nn.Sequential([nn.Dense(1)])
    model.compile("sgd", "mse", metrics=["mae", "mae"])
    with pytest.raises(ValueError, match="different names"):
        model.fit(X, Y, verbose=0)
