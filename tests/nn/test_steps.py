"""`fit`, `evaluate` and `predict` with compiled steps: the same numbers as eagerly, and eager where they must be."""

import numpy as np
import pytest

import tinygrad_lite as tgl
from tinygrad_lite import nn, optim
from tinygrad_lite.function import Function
from tinygrad_lite.program import Program


@pytest.fixture
def runs(monkeypatch):
    """How often a compiled program ran."""
    count = []
    call = Program.__call__
    monkeypatch.setattr(Program, "__call__", lambda self, arrays: count.append(1) or call(self, arrays))
    return count


def data(count=50):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(count, 4)).astype(np.float32)
    return x, (x.sum(axis=1) > 0).astype(np.int64) + (x[:, 0] > 1)


def model_of(*layers):
    return nn.Sequential([*layers, nn.Dense(3, activation="softmax")])


def trained(make, run_eagerly, optimizer="rmsprop", callbacks=(), **options):
    """The history, predictions and weights after training."""
    tgl.random.set_seed(0)
    model = make()
    model.compile(optimizer, "sparse_categorical_crossentropy", ["accuracy"], run_eagerly=run_eagerly)
    x, y = data()
    options = {"batch_size": 16, "epochs": 4, "verbose": 0} | options
    history = model.fit(x, y, callbacks=[make() for make in callbacks], **options)
    test = model.evaluate(x, y, batch_size=8, verbose=0)
    return history.history, test, model.predict(x, batch_size=8, verbose=0), model.get_weights()


def assert_same(make, **options):
    eager, compiled = (trained(make, run_eagerly, **options) for run_eagerly in (True, False))
    assert eager[0] == compiled[0]
    assert eager[1] == compiled[1]
    np.testing.assert_array_equal(eager[2], compiled[2])
    for ours, theirs in zip(eager[3], compiled[3]):
        np.testing.assert_array_equal(ours, theirs)


def plain():
    return model_of(nn.Dense(8, activation="relu"), nn.Dropout(0.4), nn.Dense(5, activation="tanh"))


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "rmsprop", "adagrad", "adam"])
def test_training_is_bitwise_the_same(optimizer, runs):
    assert_same(plain, optimizer=optimizer, validation_split=0.2)
    assert len(runs) == 17  # all but the first two of each shape, and the one of the second epoch that fit looks at


@pytest.mark.parametrize(
    "options",
    [{"batch_size": 50}, {"batch_size": 7}, {"batch_size": 1, "epochs": 1}, {"shuffle": False}, {"epochs": 1}],
)
def test_batches_of_all_sizes(options):
    assert_same(plain, **options)


def test_eagerly_means_eagerly(runs):
    trained(plain, True)
    assert not runs


def test_the_first_batch_of_a_shape_is_eager(runs):
    trained(plain, False, batch_size=40, epochs=1)  # 40 and 10: each once
    assert len(runs) == 8  # evaluate and predict: of six batches of 8 one is eager, one traced, four are programs


class Noise(nn.Layer):
    """Draws numbers that no stream of the package knows."""

    def __init__(self):
        super().__init__()
        self.numbers = np.random.default_rng(0)

    def call(self, x):
        return x + self.numbers.normal(size=x.shape).astype(np.float32)


class Branching(nn.Layer):
    def call(self, x):
        return x * 2.0 if float(x.sum()) > 0 else x


class Counting(nn.Layer):
    def __init__(self):
        super().__init__()
        self.count = 0.0

    def call(self, x):
        self.count += 1.0
        return x * self.count


class Pure(nn.Layer):
    def __init__(self):
        super().__init__()
        self.factors = np.array([1.0, 2.0, 3.0, 4.0], np.float32)

    def call(self, x):
        return tgl.sin(x) * self.factors + 1


@pytest.mark.parametrize("layer", [Noise, Branching, Counting, Pure])
def test_layers_of_the_users_own(layer, runs):
    assert_same(lambda: model_of(layer(), nn.Dense(4)))
    assert bool(runs) == (layer is Pure)


def test_functions_of_the_users_own(runs):
    noise = []

    def jittered(x):
        return x * noise[-1].uniform(0.9, 1.1)

    def make():
        noise.append(np.random.default_rng(1))
        return model_of(nn.Dense(4, activation=jittered))

    assert_same(make)
    assert not runs


def test_an_own_train_step_runs_every_time():
    class Own(nn.Sequential):
        count = 0

        def train_step(self, data):
            type(self).count += 1
            return super().train_step(data)

    model = Own([nn.Dense(3)])
    model.compile("sgd", nn.losses.SparseCategoricalCrossentropy(from_logits=True))
    x, y = data()
    model.fit(x, y, batch_size=10, epochs=3, verbose=0)
    assert Own.count == 15


class ChangeRate(nn.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        self.model.layers[1].rate = 0.1 * batch


class Freeze(nn.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        self.model.layers[0].trainable = epoch != 2


class Slower(nn.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        self.model.optimizer.learning_rate = 0.01 / (1 + epoch)


class FreezeOneVariable(nn.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        if epoch:
            self.model.layers[0].kernel.trainable = epoch != 2


class OtherActivation(nn.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        self.model.layers[0].activation = tgl.tanh if epoch > 1 else tgl.relu


@pytest.mark.parametrize("callback", [ChangeRate, Freeze, Slower, FreezeOneVariable, OtherActivation])
def test_what_callbacks_change_is_respected(callback):
    assert_same(plain, callbacks=[callback])


STRENGTH = 1.0


class Settings:
    strength = 1.0


class Holding(nn.Layer):
    """Multiplies with numbers that are held in all kinds of places."""

    def __init__(self):
        super().__init__()
        self.listed, self.named, self.array, self.settings = [1.0], {"a": 1.0}, np.ones(4, np.float32), Settings()
        self.tensor, self.function, self.bound = tgl.constant(1.0), lambda x: x, [1.0].__getitem__
        closed_over = self.closed_over = [1.0]
        self.closure = lambda x: x * closed_over[0]

    def call(self, x):
        x = x * self.listed[0] * self.named["a"] * self.array * self.settings.strength * self.tensor
        return self.closure(self.function(x)) * STRENGTH


def _set_global(layer):
    global STRENGTH
    STRENGTH = 0.5


@pytest.mark.parametrize(
    "change",
    [
        lambda layer: layer.listed.__setitem__(0, 0.5),
        lambda layer: layer.named.update(a=0.5),
        lambda layer: layer.array.fill(0.5),
        lambda layer: setattr(layer.settings, "strength", 0.5),
        lambda layer: setattr(layer, "tensor", tgl.constant(0.5)),
        lambda layer: setattr(layer, "function", tgl.tanh),
        lambda layer: layer.closed_over.__setitem__(0, 0.5),
        _set_global,
    ],
    ids=["list", "dict", "array", "object", "tensor", "function", "closure", "global"],
)
@pytest.mark.parametrize("moment", ["on_epoch_end", "on_train_batch_end"])
def test_whatever_a_layer_reads_may_change(change, moment, runs):
    def make():
        global STRENGTH
        STRENGTH = 1.0
        return model_of(Holding())

    class Change(nn.callbacks.Callback):
        steps = 0

        def act(self, number, logs=None):
            self.steps += 1
            if self.steps == (3 if moment == "on_epoch_end" else 11):  # after the third epoch, or in it
                change(self.model.layers[0])

    setattr(Change, moment, Change.act)
    assert_same(make, callbacks=[Change])
    assert runs


class CountingMean(nn.metrics.Metric):
    """A mean over batches whose number Python counts, which has no influence on what is traced."""

    def __init__(self):
        super().__init__(name="mean")
        self.total, self.batches = tgl.Variable(0.0, trainable=False), 0

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.total.assign_add(y_pred[:, 0].mean())
        self.batches += 1

    def result(self):
        return self.total / float(self.batches)

    def reset_state(self):
        self.total.assign(0.0)
        self.batches = 0


def test_a_metric_that_counts_in_python_stays_eager(runs):
    histories = []
    for run_eagerly in (True, False):
        tgl.random.set_seed(0)
        model = plain()
        model.compile("sgd", "sparse_categorical_crossentropy", [CountingMean()], run_eagerly=run_eagerly)
        histories.append(model.fit(*data(), batch_size=10, epochs=2, verbose=0).history)
    assert histories[0] == histories[1]
    assert not runs


def test_an_attempt_to_compile_draws_no_random_numbers():
    assert_same(lambda: model_of(nn.Dropout(0.3), Branching(), nn.Dense(4)))


def test_batches_of_many_sizes_neither_warn_nor_fail():
    x, y = data()
    batches = [(x[:n], y[:n]) for n in range(1, 40)] * 2
    weights = []
    for run_eagerly in (False, True):
        tgl.random.set_seed(0)
        model = plain()
        model.compile("sgd", "sparse_categorical_crossentropy", run_eagerly=run_eagerly)
        model.fit(batches, epochs=2, verbose=0)
        weights.append(model.get_weights())
    for ours, theirs in zip(*weights):
        np.testing.assert_array_equal(ours, theirs)


def test_a_wrong_label_in_a_later_batch_is_told_and_changes_nothing():
    x, y = data()
    model = plain()
    model.compile(optim.SGD(0.1), "sparse_categorical_crossentropy")
    y[45] = 7
    with pytest.raises(ValueError, match=r"labels from 0 to 2.*7"):
        model.fit(x, y, batch_size=10, shuffle=False, verbose=0)
    assert model.optimizer.iterations.item() == 4


def test_training_goes_on_from_one_fit_to_the_next():
    weights = []
    for run_eagerly in (False, True):
        tgl.random.set_seed(0)
        model = plain()
        x, y = data()
        for rate in (0.1, 0.5):
            model.layers[1].rate = rate
            model.compile("adam", "sparse_categorical_crossentropy", run_eagerly=run_eagerly)
            model.fit(x, y, batch_size=10, verbose=0)
            model.fit(x, y, batch_size=10, verbose=0)
        weights.append(model.get_weights())
    for ours, theirs in zip(*weights):
        np.testing.assert_array_equal(ours, theirs)


def test_a_verified_function_compares_two_traces():
    numbers = iter(range(100))
    changing = Function(lambda x: x * float(next(numbers)), is_verified=True)
    same = Function(lambda x: x * np.float32(3.0), is_verified=True)
    x = tgl.ones((2,))
    assert [changing(x).tolist()[0] for _ in range(5)] == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert changing.traces == 0
    for _ in range(4):
        assert same(x).tolist() == [3.0, 3.0]
    assert same.traces == 1
