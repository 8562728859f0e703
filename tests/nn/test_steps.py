"""`fit`, `evaluate` and `predict` with compiled steps: the same numbers as eagerly, and eager where they must be."""

import copy
import gc
import pickle
import weakref

import numpy as np
import pytest

import tinygrad_lite as tgl
from tinygrad_lite import nn, optim
from tinygrad_lite.compiler.program import Program


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
    assert not runs


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


# From one fit to the next -------------------------------------------------------------------------------------


@pytest.fixture
def traces(monkeypatch):
    """The programs that were made."""
    made = []
    begin = Program.__init__
    monkeypatch.setattr(Program, "__init__", lambda self, *args: made.append(self) or begin(self, *args))
    return made


def compiled_model(make=plain, run_eagerly=False):
    tgl.random.set_seed(0)
    model = make()
    model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"], run_eagerly=run_eagerly)
    return model


OPTIONS = {"batch_size": 10, "verbose": 0}


def used(model):
    """What all three say, one after another."""
    x, y = data()
    history = model.fit(x, y, validation_split=0.2, **OPTIONS).history
    return history, model.evaluate(x, y, **OPTIONS), model.predict(x, **OPTIONS).tolist()


def test_a_second_fit_is_not_traced_again(traces, runs):
    model, eager = compiled_model(), compiled_model(run_eagerly=True)
    assert used(model) == used(eager)
    used(model), used(eager)  # the first epoch of a second fit is the last that is looked at, operation by operation
    count = len(traces)
    assert 3 <= count <= 4
    del runs[:]
    for _ in range(2):
        assert used(model) == used(eager)
    assert len(traces) == count
    assert len(runs) == 2 * (4 + 1 + 5 + 5)  # every batch, with those of the validation
    assert all(not program._idle for program in traces)  # memory to compute in is kept within a fit only


def _add(model):
    last = model.pop()
    model.add(nn.Activation("tanh"))
    model.add(last)


CHANGES = {
    "rate": lambda model: setattr(model.layers[1], "rate", 0.1),
    "frozen": lambda model: setattr(model.layers[0], "trainable", False),
    "frozen variable": lambda model: setattr(model.layers[0].kernel, "trainable", False),
    "activation": lambda model: setattr(model.layers[0], "activation", tgl.sin),
    "other weights": lambda model: model.set_weights([w * 0.5 for w in model.get_weights()]),
    "a layer more": _add,
    "recompiled": lambda model: model.compile("sgd", "sparse_categorical_crossentropy", run_eagerly=model.run_eagerly),
    "optimizer": lambda model: setattr(model, "optimizer", optim.SGD(0.1)),
    "option of the optimizer": lambda model: setattr(model.optimizer, "clipnorm", 1e-3),
    "learning rate": lambda model: setattr(model.optimizer, "learning_rate", 0.5),
    "schedule": lambda model: setattr(model.optimizer, "learning_rate", lambda step: 0.5 / (1 + step)),
    "loss": lambda model: setattr(model, "loss", nn.losses.SparseCategoricalCrossentropy(from_logits=True)),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_changes_between_fits_is_respected(name):
    answers = []
    for run_eagerly in (True, False):
        model = compiled_model(run_eagerly=run_eagerly)
        used(model), used(model)
        assert len(model._steps._kept) == (0 if run_eagerly else 3)
        CHANGES[name](model)
        answers.append([used(model), used(model), [w.tolist() for w in model.get_weights()]])
    assert answers[0] == answers[1]


class Scaled(nn.Layer):
    def call(self, x):
        return x * SCALES.factor


class SCALES:
    factor = 1.0


def test_code_of_the_users_own_runs_eagerly_in_every_fit(monkeypatch):
    answers = []
    for run_eagerly in (True, False):
        model = compiled_model(lambda: model_of(nn.Dense(8), Scaled()), run_eagerly)
        used(model), used(model)
        monkeypatch.setattr(SCALES, "factor", 2.0)
        answers.append([used(model), used(model)])
        monkeypatch.undo()
        assert not model._steps._kept
    assert answers[0] == answers[1]


def test_a_step_that_became_eager_or_was_interrupted_is_not_kept(traces):
    model, (x, y) = compiled_model(), data()
    model.fit(x, y, **OPTIONS)
    assert set(model._steps._kept) == {"train_step"}
    model.run_eagerly = True
    model.fit(x, y, **OPTIONS)
    assert not model._steps._kept
    model.run_eagerly = False
    model.fit(x, y, **OPTIONS)

    class Interrupting(nn.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            raise KeyboardInterrupt

    model.fit(x, y, callbacks=[Interrupting()], **OPTIONS)
    assert not model._steps._kept
    with pytest.raises(ValueError, match="label"):
        model.fit(x, y + 7, **OPTIONS)
    assert not model._steps._kept


def test_copies_begin_without_the_steps_of_the_original():
    model, (x, _) = compiled_model(), data()
    expected = used(model) and model.predict(x, **OPTIONS)
    for make in (copy.deepcopy, copy.copy, lambda model: pickle.loads(pickle.dumps(model))):
        other = make(model)
        np.testing.assert_array_equal(other.predict(x, **OPTIONS), expected)
        np.testing.assert_array_equal(other.predict(x, **OPTIONS), model.predict(x, **OPTIONS))


def test_a_model_that_is_compiled_anew_lets_go_of_its_old_optimizer():
    model, (x, y) = compiled_model(), data()
    for _ in range(2):
        model.fit(x, y, **OPTIONS)
    gone = weakref.ref(model.optimizer)
    model.compile("sgd", "sparse_categorical_crossentropy")
    gc.collect()
    assert gone() is None


def test_kept_steps_keep_nothing_alive():
    model, (x, _) = compiled_model(), data()
    for _ in range(2):
        model.predict(x, **OPTIONS)
    assert model._steps._kept
    gone, collects = weakref.ref(model), gc.isenabled()
    gc.disable()
    try:
        del model
        assert gone() is None
    finally:
        if collects:
            gc.enable()


def test_callbacks_may_evaluate_the_model_that_is_trained(traces):
    x, y = data()

    class Evaluating(nn.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs["other"] = self.model.evaluate(x[:20], y[:20], **OPTIONS)[0]

    histories = []
    for run_eagerly in (True, False):
        model = compiled_model(run_eagerly=run_eagerly)
        options = OPTIONS | {"epochs": 4, "validation_data": (x, y), "callbacks": [Evaluating()]}
        histories.append([model.fit(x, y, **options).history for _ in range(2)])
    assert histories[0] == histories[1]
