"""Training: what fit, evaluate, predict and train_on_batch do with data of all kinds, and what they refuse."""

import numpy as np
import pytest

import tinygrad_lite as tgl
from tinygrad_lite import nn, optim
from tinygrad_lite.datasets import Batches

RNG = np.random.default_rng(0)
X = RNG.normal(size=(30, 4)).astype("float32")
W = np.array([[1.0], [-2.0], [0.5], [3.0]], "float32")
Y = X @ W + 1
LABELS = (Y[:, 0] > 1).astype("int64")


def regression(optimizer="sgd", metrics=(), **options):
    model = nn.Sequential([nn.Dense(1, kernel_initializer="zeros")])
    model.compile(optimizer, "mse", metrics=list(metrics), **options)
    return model


def classifier(loss="sparse_categorical_crossentropy", units=2, metrics=("accuracy",), optimizer="adam"):
    model = nn.Sequential([nn.Dense(8, "relu"), nn.Dense(units, "softmax" if units > 1 else "sigmoid")])
    model.compile(optimizer, loss, metrics=list(metrics))
    return model


class Recording(nn.Sequential):
    """Keeps the inputs of every step that it took."""

    def train_step(self, data):
        self.seen = [*getattr(self, "seen", []), data[0].numpy()[:, 0].tolist()]
        return super().train_step(data)


def recording():
    model = Recording([nn.Dense(1)])
    model.compile("sgd", "mse", run_eagerly=True)
    return model


# Learning -----------------------------------------------------------------------------------------------------


def test_fit_learns_a_line():
    model = regression(optim.SGD(0.1))
    history = model.fit(X, Y, epochs=100, verbose=0)
    assert history.history["loss"][-1] < 1e-6
    np.testing.assert_allclose(model.layers[0].kernel, W, atol=1e-2)
    np.testing.assert_allclose(model.predict(X, verbose=0), Y, atol=1e-2)


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "rmsprop", "adagrad", "adam"])
@pytest.mark.parametrize(
    ("loss", "y", "units"),
    [
        ("sparse_categorical_crossentropy", LABELS, 2),
        ("categorical_crossentropy", np.eye(2)[LABELS], 2),
        ("binary_crossentropy", LABELS[:, None], 1),
        ("mse", LABELS[:, None].astype("float32"), 1),
        ("hinge", LABELS[:, None], 1),
    ],
)
def test_every_optimizer_with_every_kind_of_labels(optimizer, loss, y, units):
    tgl.random.set_seed(0)
    kinds = {"sgd": optim.SGD(0.3), "momentum": optim.Momentum(0.1), "rmsprop": optim.RMSProp(0.01)}
    kinds |= {"adagrad": optim.Adagrad(0.3), "adam": optim.Adam(0.03)}
    model = classifier(loss, units, optimizer=kinds[optimizer])
    history = model.fit(X, y, epochs=30, batch_size=10, verbose=0).history
    assert history["loss"][-1] < 0.7 * history["loss"][0]
    assert history["accuracy"][-1] >= 0.85


def test_one_step_is_the_arithmetic():
    # kernel 0, so predictions 0: loss = mean y², gradient of the kernel -2·mean(y·x), of the bias -2·mean(y)
    model = regression(optim.SGD(0.5))
    assert model.train_on_batch(X, Y) == pytest.approx(np.mean(Y**2), rel=1e-6)
    kernel, bias = model.get_weights()
    np.testing.assert_allclose(kernel[:, 0], np.mean(Y * X, axis=0), rtol=1e-5)
    np.testing.assert_allclose(bias, [np.mean(Y)], rtol=1e-5)


def test_fit_is_the_loop_that_one_would_write():
    """Same batches, same arithmetic: same bits as a tape and an optimizer by hand."""
    tgl.random.set_seed(1)
    model = classifier(optimizer="rmsprop")
    tgl.random.set_seed(1)
    mine = nn.Sequential([nn.Dense(8, "relu"), nn.Dense(2)])
    optimizer = optim.RMSProp()
    model.fit(X, LABELS, epochs=2, batch_size=8, shuffle=False, verbose=0)
    loss_of = nn.losses.SparseCategoricalCrossentropy(from_logits=True)
    for _ in range(2):
        for x, y in Batches(X, LABELS, 8):
            with tgl.GradientTape() as tape:
                loss = loss_of(y, mine(x))
            weights = mine.trainable_variables
            optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights))
    for a, b in zip(model.get_weights(), mine.get_weights(), strict=True):
        assert (a == b).all()


@pytest.mark.parametrize("run_eagerly", [False, True])
def test_the_same_seed_gives_the_same_bits(run_eagerly):
    def trained(seed):
        tgl.random.set_seed(seed)
        model = nn.Sequential([nn.Dense(16, "relu"), nn.Dropout(0.5), nn.Dense(2, "softmax")])
        model.compile("adam", "sparse_categorical_crossentropy", run_eagerly=run_eagerly)
        history = model.fit(X, LABELS, epochs=3, batch_size=7, verbose=0, validation_split=0.2)
        return model.get_weights(), history.history

    (first, history), (second, same), (other, _) = trained(3), trained(3), trained(4)
    assert all((a == b).all() for a, b in zip(first, second, strict=True))
    assert history == same
    assert any((a != b).any() for a, b in zip(first, other, strict=True))


def test_float64_all_the_way():
    model = nn.Sequential([nn.Dense(3, "tanh", dtype="float64"), nn.Dense(1, dtype="float64")])
    model.compile(optim.Adam(0.01), "mse")
    model.fit(X.astype("float64"), Y.astype("float64"), epochs=2, verbose=0)
    assert {w.dtype for w in model.weights} == {np.dtype("float64")}
    assert model.predict(X.astype("float64"), verbose=0).dtype == "float64"


def test_dropout_is_off_in_evaluate_and_predict():
    model = nn.Sequential([nn.Dropout(0.9), nn.Dense(1, kernel_initializer="ones")])
    model.compile("sgd", "mse")
    x = np.ones((50, 4), "float32")
    assert (model.predict(x, verbose=0) == 4).all()
    assert model.evaluate(x, np.full((50, 1), 4.0), verbose=0) == 0.0
    assert model.train_on_batch(x, np.full((50, 1), 4.0)) > 1.0  # and on in training


def test_training_goes_on_where_it_was():
    tgl.random.set_seed(0)
    once = regression("adam")
    once.fit(X, Y, epochs=4, shuffle=False, verbose=0)
    tgl.random.set_seed(0)
    twice = regression("adam")
    twice.fit(X, Y, epochs=2, shuffle=False, verbose=0)
    twice.fit(X, Y, epochs=4, initial_epoch=2, shuffle=False, verbose=0)
    assert all((a == b).all() for a, b in zip(once.get_weights(), twice.get_weights(), strict=True))
    assert twice.optimizer.iterations.item() == 4


def test_the_learning_rate_may_change_on_the_way():
    class Halving(nn.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.optimizer.learning_rate = float(self.model.optimizer.learning_rate) / 2

    model = regression(optim.SGD(0.1))
    model.fit(X, Y, epochs=3, verbose=0, callbacks=[Halving()])
    assert model.optimizer.learning_rate.item() == pytest.approx(0.0125)
    model.optimizer.learning_rate = 0.0
    before = model.get_weights()
    model.fit(X, Y, verbose=0)
    assert all((a == b).all() for a, b in zip(before, model.get_weights(), strict=True))


def test_frozen_layers_stay():
    model = nn.Sequential([nn.Dense(3), nn.Dense(1)])
    model.layers[0].trainable = False
    model.compile("sgd", "mse")
    model.build((None, 4))
    before = model.get_weights()
    model.fit(X, Y, epochs=2, verbose=0)
    same = [(a == b).all() for a, b in zip(before, model.get_weights(), strict=True)]
    assert same == [True, True, False, False]


# Numbers over the whole epoch ---------------------------------------------------------------------------------


def test_evaluate_is_over_all_samples_and_not_a_mean_of_batches():
    """30 samples in batches of 8: the last one has six."""
    model = classifier(metrics=["accuracy", "sparse_categorical_crossentropy"])
    model.fit(X, LABELS, verbose=0)
    once = model.evaluate(X, LABELS, batch_size=30, verbose=0)
    for batch_size in (7, 8, 29):
        assert model.evaluate(X, LABELS, batch_size=batch_size, verbose=0) == pytest.approx(once, rel=1e-6)
    probabilities = model.predict(X, verbose=0)
    assert once[0] == pytest.approx(-np.log(probabilities[np.arange(30), LABELS]).mean(), rel=1e-5)
    assert once[1] == pytest.approx((probabilities.argmax(1) == LABELS).mean())
    assert once[2] == pytest.approx(once[0], rel=1e-5)


def test_the_loss_of_an_epoch_is_over_all_samples():
    model = regression(optim.SGD(0.0))  # stays at 0
    for batch_size in (7, 8, 30):
        loss = model.fit(X, Y, batch_size=batch_size, verbose=0).history["loss"][0]
        assert loss == pytest.approx(np.mean(Y**2), rel=1e-6)


def test_validation_is_with_the_weights_at_the_end_of_the_epoch():
    model = regression()
    history = model.fit(X, Y, epochs=2, verbose=0, validation_data=(X[:7], Y[:7]))
    assert history.history["val_loss"][-1] == pytest.approx(model.evaluate(X[:7], Y[:7], verbose=0), rel=1e-6)


def test_what_evaluate_returns():
    assert type(regression().evaluate(X, Y, verbose=0)) is float
    model = classifier()
    loss, accuracy = model.evaluate(X, LABELS, verbose=0)
    assert type(loss) is type(accuracy) is float
    assert model.evaluate(X, LABELS, verbose=0, return_dict=True) == {"loss": loss, "accuracy": accuracy}


def test_train_on_batch_and_test_on_batch():
    model = classifier()
    loss, accuracy = model.test_on_batch(X, LABELS)
    assert [loss, accuracy] == pytest.approx(model.evaluate(X, LABELS, verbose=0))
    before = model.get_weights()
    result = model.train_on_batch(X, LABELS, return_dict=True)
    assert result == pytest.approx({"loss": loss, "accuracy": accuracy})  # before the step, of this batch alone
    assert any((a != b).any() for a, b in zip(before, model.get_weights(), strict=True))
    assert model.optimizer.iterations.item() == 1
    assert type(regression().train_on_batch(X, Y)) is float


def test_losses_and_metrics_may_be_functions():
    def cubic(y_true, y_pred):
        return tgl.abs(y_pred - y_true).mean(axis=-1) ** 3

    def largest(y_true, y_pred):
        return tgl.abs(y_pred - y_true).max(axis=-1)

    model = regression()
    model.compile("sgd", cubic, metrics=[largest, nn.losses.huber, nn.metrics.MeanAbsoluteError("mine")])
    results = model.evaluate(X, Y, batch_size=7, verbose=0, return_dict=True)
    assert results["loss"] == pytest.approx(np.mean(np.abs(Y) ** 3), rel=1e-5)
    assert results["largest"] == results["mine"] == pytest.approx(np.abs(Y).mean(), rel=1e-5)
    assert list(results) == ["loss", "largest", "huber", "mine"]
    model.fit(X, Y, verbose=0)


# Data of all kinds --------------------------------------------------------------------------------------------


def test_fit_shuffles_arrays_anew_every_epoch_and_predict_does_not():
    x = np.arange(20.0, dtype="float32")[:, None]
    model = recording()
    model.fit(x, x, batch_size=20, epochs=3, verbose=0)
    assert [sorted(seen) for seen in model.seen] == [x[:, 0].tolist()] * 3
    assert model.seen[0] != model.seen[1] != model.seen[2]
    assert model.seen[0] != x[:, 0].tolist()
    model.layers[0].set_weights([[[1.0]], [0.0]])
    assert (model.predict(x, batch_size=3, verbose=0) == x).all()


def test_what_validation_split_leaves_is_shuffled_too():
    x = np.arange(20.0, dtype="float32")[:, None]
    model = recording()
    model.fit(x, x, batch_size=20, epochs=2, verbose=0, validation_split=0.2)
    assert sorted(model.seen[0]) == sorted(model.seen[1]) == x[:16, 0].tolist()
    assert model.seen[0] != model.seen[1]


def test_samples_and_labels_are_shuffled_together():
    x = np.arange(20.0, dtype="float32")[:, None]
    seen = []

    class Pairs(Recording):
        def train_step(self, data):
            seen.append((data[0].numpy() == data[1].numpy()).all())
            return super().train_step(data)

    model = Pairs([nn.Dense(1)])
    model.compile("sgd", "mse", run_eagerly=True)
    model.fit(x, x, batch_size=7, verbose=0)
    assert seen == [True] * 3


def test_without_shuffling_the_order_is_that_of_the_arrays():
    x = np.arange(5.0, dtype="float32")[:, None]
    model = recording()
    model.fit(x, x, batch_size=2, epochs=2, shuffle=False, verbose=0)
    assert model.seen == [[0.0, 1.0], [2.0, 3.0], [4.0]] * 2


def test_validation_split_holds_out_the_last_samples():
    x = np.arange(10.0, dtype="float32")[:, None]
    model = recording()
    history = model.fit(x, x, batch_size=100, verbose=0, validation_split=0.3)
    assert sorted(model.seen[0]) == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
    assert history.history["val_loss"][0] == pytest.approx(model.evaluate(x[7:], x[7:], verbose=0), rel=1e-6)


@pytest.mark.parametrize("share", [0.1, 0.2, 0.5, 0.9])
def test_validation_split_is_exact(share):
    """1 - 0.9 is a little less than 0.1 in floating point, and a tenth of ten samples is one."""
    x = np.arange(10.0, dtype="float32")[:, None]
    model = recording()
    model.fit(x, x, batch_size=100, verbose=0, validation_split=share)
    assert len(model.seen[0]) == round(10 * (1 - share))


def test_validation_data_goes_before_validation_split():
    model = recording()
    model.fit(X, Y, batch_size=100, verbose=0, validation_split=0.5, validation_data=(X, Y))
    assert len(model.seen[0]) == 30


@pytest.mark.parametrize(
    "batches",
    [
        lambda: [(X[:10], Y[:10]), (X[10:], Y[10:])],
        lambda: ((X[:10], Y[:10]), (X[10:], Y[10:])),
        lambda: Batches(X, Y, batch_size=10),
        lambda: (pair for pair in [(X[:10], Y[:10]), (X[10:], Y[10:])]),
        lambda: zip([X[:10], X[10:]], [Y[:10], Y[10:]]),
        lambda: [(tgl.constant(X[:10]), tgl.constant(Y[:10])), (X[10:].tolist(), Y[10:].tolist())],
        lambda: iter(Batches(X, Y, batch_size=30)),
    ],
)
def test_iterables_of_batches(batches):
    model = regression(optim.SGD(0.0))
    assert model.fit(batches(), verbose=0).history["loss"][0] == pytest.approx(np.mean(Y**2), rel=1e-6)
    assert model.evaluate(batches(), verbose=0) == pytest.approx(np.mean(Y**2), rel=1e-6)
    assert model.predict(batches(), verbose=0).shape == (30, 1)
    history = model.fit(X, Y, validation_data=batches(), verbose=0).history
    assert history["val_loss"][0] == pytest.approx(np.mean(Y**2), rel=1e-6)


def test_batches_are_read_once_an_epoch():
    model = recording()
    model.fit(Batches(X, Y, batch_size=30, shuffle=True, seed=0), epochs=3, verbose=0)
    assert len(model.seen) == 3
    assert model.seen[0] != model.seen[1]


def test_a_generator_lasts_one_epoch():
    model = regression()
    message = (
        r"fit expected x to give its batches in every epoch\. Received: an iterable that has none left after 1 "
        r"epoch.*A generator can be read only once: pass a list of batches, a datasets\.Batches, or an object whose"
    )
    with pytest.raises(ValueError, match=message):
        model.fit((pair for pair in [(X, Y)]), epochs=2, verbose=0)
    assert model.history.epoch == [0]  # what was done is not lost


def test_arrays_of_other_kinds():
    x, y = X[:6], Y[:6]
    expected = regression().evaluate(x, y, verbose=0)
    for other in (x.tolist(), tgl.constant(x), x.astype("float64"), np.asfortranarray(x)):
        model = regression()
        assert model.evaluate(other, y.tolist(), verbose=0) == pytest.approx(expected, rel=1e-6)
        model.fit(other, tgl.constant(y), verbose=0)

    class Frame:  # what has __array__, as pandas' DataFrame
        def __array__(self, dtype=None, copy=None):
            return x

    assert regression().evaluate(Frame(), y, verbose=0) == pytest.approx(expected, rel=1e-6)


def test_integer_images():
    model = nn.Sequential([nn.Flatten(), nn.Dense(2, "softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    images = RNG.integers(0, 256, (10, 5, 5), dtype="uint8")
    with pytest.warns(UserWarning, match="Pixels: pass x / 255"):
        model.fit(images, np.zeros(10, "uint8"), verbose=0)
    assert model.predict(images, verbose=0).shape == (10, 2)


def test_data_is_not_changed():
    x, y = X.copy(), Y.copy()
    x.flags.writeable = y.flags.writeable = False
    model = regression()
    model.fit(x, y, epochs=2, verbose=0, validation_split=0.2)
    assert (x == X).all()
    assert (y == Y).all()


def test_predict():
    model = classifier()
    whole = model.predict(X, verbose=0)
    assert isinstance(whole, np.ndarray)
    assert whole.shape == (30, 2)
    np.testing.assert_allclose(model.predict(X, batch_size=7, verbose=0), whole, rtol=1e-6)
    np.testing.assert_allclose(model(X), whole, rtol=1e-6)
    np.testing.assert_allclose(whole.sum(axis=1), 1, rtol=1e-6)
    assert model.predict(X[:1], verbose=0).shape == (1, 2)
    assert nn.Sequential([nn.Dense(2)]).predict(X, verbose=0).shape == (30, 2)  # needs no compile


# Own steps ----------------------------------------------------------------------------------------------------


def test_an_own_train_step():
    class Own(nn.Model):
        def __init__(self):
            super().__init__()
            self.dense = nn.Dense(1, kernel_initializer="zeros")

        def call(self, x):
            return self.dense(x)

        def train_step(self, data):
            x, y = data
            with tgl.GradientTape() as tape:
                loss = tgl.square(self(x, training=True) - y).sum()
            gradients = tape.gradient(loss, self.trainable_variables)
            self.optimizer.apply_gradients(zip(gradients, self.trainable_variables))
            return {"own": loss / len(x)}

    model = Own()
    model.compile(optim.SGD(0.01))
    history = model.fit(X, Y, epochs=50, batch_size=10, verbose=0)
    assert list(history.history) == ["own"]
    assert history.history["own"][-1] < 1e-3


def test_a_model_that_uses_part_of_its_weights():
    class Partial(nn.Model):
        def __init__(self):
            super().__init__()
            self.used, self.unused = nn.Dense(1), nn.Dense(1)

        def call(self, x):
            self.unused(x)
            return self.used(x)

    model = Partial()
    model.compile("sgd", "mse")
    message = r"The loss does not depend on \['dense_1/kernel', 'dense_1/bias'\]: they are not trained\. Use their"
    with pytest.warns(UserWarning, match=message) as warned:
        model.fit(X, Y, epochs=3, verbose=0)
    assert len(warned) == 1


def test_a_model_whose_weights_the_loss_does_not_reach():
    class Cut(nn.Model):
        def __init__(self):
            super().__init__()
            self.dense = nn.Dense(1)

        def call(self, x):
            return tgl.constant(self.dense(x).numpy())

    model = Cut()
    model.compile("sgd", "mse", run_eagerly=True)
    message = r"a loss that depends on trainable weights\. Received: no gradient for any of \['dense/kernel', 'dense/b"
    with pytest.raises(ValueError, match=message):
        model.fit(X, Y, verbose=0)


def test_a_model_without_weights():
    model = nn.Sequential([nn.Flatten()])
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match=r"Received: a model without trainable weights\. .*Is `trainable` True\?"):
        model.fit(X, X, verbose=0)
    assert model.evaluate(X, X, verbose=0) == 0.0


# Errors a beginner meets --------------------------------------------------------------------------------------


def test_fit_before_compile():
    model = nn.Sequential([nn.Dense(1)])
    for method, use in [
        ("fit", lambda: model.fit(X, Y)),
        ("evaluate", lambda: model.evaluate(X, Y)),
        ("train_on_batch", lambda: model.train_on_batch(X, Y)),
        ("test_on_batch", lambda: model.test_on_batch(X, Y)),
    ]:
        message = rf"{method} expected a compiled model\. Received: sequential, which is not\. Call model\.compile\("
        with pytest.raises(RuntimeError, match=message):
            use()


def test_compile_without_a_loss():
    model = nn.Sequential([nn.Dense(1)])
    model.compile("sgd")
    with pytest.raises(
        RuntimeError, match=r"Expected a loss to train or evaluate with\. Received: compile\(loss=None\)"
    ):
        model.fit(X, Y, verbose=0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"optimizer": "rmsporp"}, r"Unknown optimizer\. Received: 'rmsporp'\. Did you mean 'rmsprop'\? Known: 'adagr"),
        (
            {"loss": "mean_square_error"},
            r"Unknown loss\. Received: .* Did you mean 'mean_squared_error'\? Known: 'bce'",
        ),
        ({"loss": "mse", "metrics": ["acurracy"]}, r"Unknown metric\. .* Did you mean 'accuracy'\? Known: 'acc'"),
    ],
)
def test_unknown_names_are_told_by_compile(arguments, message):
    with pytest.raises(ValueError, match=message):
        nn.Sequential([nn.Dense(1)]).compile(**arguments)


def test_metrics_that_are_no_list():
    with pytest.raises(
        TypeError, match=r"compile expected a list of metrics\. Received: metrics='accuracy'\. Try \['a"
    ):
        nn.Sequential([nn.Dense(1)]).compile("sgd", "mse", metrics="accuracy")


def test_metrics_of_one_name():
    model = regression(metrics=["mse", "mse"])
    with pytest.raises(ValueError, match=r"metrics of different names\. Received: \['loss', 'mse', 'mse'\]"):
        model.fit(X, Y, verbose=0)


def test_images_where_features_are_expected():
    model = nn.Sequential([nn.Input((784,)), nn.Dense(10, "softmax", name="first")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    message = (
        r"first expected inputs with last axis 784, since its kernel has shape \(784, 10\)\. Received: "
        r"inputs\.shape=\(20, 28, 28\)\. Put nn\.Flatten\(\) before it"
    )
    images, labels = np.zeros((20, 28, 28), "float32"), np.zeros(20, "int64")
    with pytest.raises(ValueError, match=message):
        model.fit(images, labels, verbose=0)
    with pytest.raises(ValueError, match=message):
        model.predict(images, verbose=0)


def test_images_where_flatten_was_forgotten():
    model = classifier(units=10)
    message = (
        r"expected one integer label for each row of predictions.*Received: y_true\.shape=\(20,\), y_pred\.shape="
        r"\(20, 28, 10\).*because its input has shape \(20, 28, 28\): put nn\.Flatten\(\) first in the model"
    )
    with pytest.raises(ValueError, match=message):
        model.fit(np.zeros((20, 28, 28), "float32"), np.zeros(20, "int64"), verbose=0)


def test_the_wrong_number_of_features():
    model = regression()
    model.fit(X, Y, verbose=0)
    with pytest.raises(
        ValueError, match=r"dense expected inputs with last axis 4.*inputs\.shape=\(30, 3\)\. Pass 4 fe"
    ):
        model.fit(X[:, :3], Y, batch_size=30, verbose=0)


@pytest.mark.parametrize("position", [0, 17])
def test_labels_outside_of_the_classes(position):
    labels = LABELS.copy()
    labels[position] = 2
    with pytest.raises(
        ValueError, match=r"labels from 0 to 1, one for each of 2 classes\. Received: the label 2 \(1 of"
    ):
        classifier().fit(X, labels, batch_size=5, shuffle=False, verbose=0)


def test_one_hot_labels_for_the_sparse_loss():
    message = (
        r"y_true\.shape=\(30, 2\), y_pred\.shape=\(30, 2\)\. These labels look one-hot: use categorical_crossentropy"
    )
    with pytest.raises(ValueError, match=message):
        classifier().fit(X, np.eye(2)[LABELS], verbose=0)


def test_integer_labels_for_the_loss_of_one_hot_labels():
    message = r"y_true\.shape=\(30,\), y_pred\.shape=\(30, 2\)\. For integer labels use sparse_categorical_crossentropy"
    with pytest.raises(ValueError, match=message):
        classifier("categorical_crossentropy").fit(X, LABELS, verbose=0)


def test_x_and_y_of_different_lengths():
    message = r"expected as many samples in x as in y\. Received: x\.shape=\(30, 4\), y\.shape=\(29, 1\)\. Are both of"
    for use in (regression().fit, regression().evaluate):
        with pytest.raises(ValueError, match=message):
            use(X, Y[1:], verbose=0)
    with pytest.raises(ValueError, match=r"train_on_batch " + message):
        regression().train_on_batch(X, Y[1:])
    with pytest.raises(ValueError, match=r"fit \(validation_data\) " + message):
        regression().fit(X, Y, validation_data=(X, Y[1:]), verbose=0)
    with pytest.raises(ValueError, match=r"fit, batch 1, expected as many samples"):
        regression().fit([(X, Y), (X, Y[1:])], verbose=0)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_nan_and_infinity(value):
    """In the data, before the first step: afterwards all weights would be NaN."""
    wrong = X.copy()
    wrong[7, 2] = value
    model = regression()
    message = rf"fit expected finite numbers in x\. Received: x\[7, 2\]={value} \(1 of 120 values are NaN or infinite\)"
    with pytest.raises(ValueError, match=message):
        model.fit(wrong, Y, verbose=0)
    assert not model.built
    labels = Y.copy()
    labels[3] = value
    with pytest.raises(ValueError, match=rf"fit expected finite numbers in y\. Received: y\[3, 0\]={value}"):
        model.fit(X, labels, verbose=0)
    with pytest.raises(ValueError, match=r"evaluate expected finite numbers in x"):
        model.evaluate(wrong, Y, verbose=0)
    with pytest.raises(ValueError, match=r"predict expected finite numbers in x"):
        model.predict(wrong, verbose=0)
    with pytest.raises(
        ValueError, match=r"fit expected finite numbers in x of batch 1\. Received: x of batch 1\[7, 2\]"
    ):
        model.fit([(X, Y), (wrong, Y)], verbose=0)
    with pytest.raises(ValueError, match=r"fit \(validation_data\) expected finite numbers in x"):
        model.fit(X, Y, validation_data=(wrong, Y), verbose=0)


def test_large_numbers_are_not_taken_for_infinite():
    x = np.full((4, 4), 3e38, "float32")  # their sum is infinite
    assert regression().predict(x, verbose=0).tolist() == [[0.0]] * 4


def test_nan_anywhere_in_large_data_is_found():
    x = np.zeros((5, 2**17), "float32")
    x[4, -1] = np.nan
    with pytest.raises(ValueError, match=r"x\[4, 131071\]=nan"):
        regression().predict(x, verbose=0)


def test_no_data():
    message = r"expected at least one sample\. Received: x\.shape=\(0, 4\)\. Did a filter or a split leave nothing"
    for method in ("fit", "evaluate"):
        with pytest.raises(ValueError, match=f"{method} {message}"):
            getattr(regression(), method)(X[:0], Y[:0], verbose=0)
    with pytest.raises(ValueError, match=f"predict {message}"):
        regression().predict(X[:0], verbose=0)
    with pytest.raises(
        ValueError, match=r"at least one batch\. Received: an iterable without any\. Was it read before"
    ):
        regression().fit(iter(()), verbose=0)
    with pytest.raises(ValueError, match=r"fit could not read x|samples|at least one"):
        regression().fit([], [], verbose=0)


def test_labels_that_are_missing_or_given_twice():
    with pytest.raises(
        ValueError, match=r"fit expected labels or targets for the arrays in x\. Received: y=None\. Pass"
    ):
        regression().fit(X, verbose=0)
    with pytest.raises(ValueError, match=r"fit expected no y where x yields batches\. Received: x, a Batches, and y"):
        regression().fit(Batches(X, Y), Y, verbose=0)


@pytest.mark.parametrize("batch", [X, (X,), (X, Y, Y, Y), [X, Y, Y, Y]])
def test_batches_that_are_no_pairs(batch):
    message = r"fit expected batches that are pairs \(x, y\), or \(x, y, weights\)\. Received: as batch 0 a \w+"
    with pytest.raises(ValueError, match=message):
        regression().fit(iter([batch]), verbose=0)


@pytest.mark.parametrize("x", [None, "data", {"a": X}, [[1.0, 2.0], [3.0]], np.array(["a"]), object()])
def test_data_that_is_no_array(x):
    with pytest.raises((TypeError, ValueError), match=r"fit .*(could not read x|no y where x|samples)"):
        regression().fit(x, Y, verbose=0)


def test_a_single_number_for_data():
    with pytest.raises(ValueError, match=r"samples along the first axis of x\. Received: x\.shape=\(\)"):
        regression().fit(1.0, Y, verbose=0)


@pytest.mark.parametrize("batch_size", [0, -1, 2.5, "32", None, True])
def test_batch_sizes_that_are_none(batch_size):
    for use in (regression().fit, regression().evaluate):
        with pytest.raises(ValueError, match=r"batch_size to be a positive integer\. Received: batch_size="):
            use(X, Y, batch_size=batch_size, verbose=0)


@pytest.mark.parametrize("name", ["epochs", "initial_epoch"])
@pytest.mark.parametrize("value", [-1, 2.5, "3", None, True])
def test_epochs_that_are_none(name, value):
    message = rf"fit expected {name} to be an integer of at least 0\. Received: {name}={value!r}"
    with pytest.raises(ValueError, match=message):
        regression().fit(X, Y, verbose=0, **{name: value})


@pytest.mark.parametrize("share", [-0.1, 1.0, "0.1", None, float("nan")])
def test_validation_splits_out_of_range(share):
    with pytest.raises(
        ValueError, match=r"validation_split to be at least 0 and below 1\. Received: validation_split="
    ):
        regression().fit(X, Y, validation_split=share, verbose=0)


def test_validation_splits_that_leave_nothing():
    with pytest.raises(ValueError, match=r"leave samples on both sides\. Received: validation_split=0\.5 of 1 samples"):
        regression().fit(X[:1], Y[:1], validation_split=0.5, verbose=0)
    with pytest.raises(
        ValueError, match=r"arrays where validation_split is given\. .*Batches cannot be split: pass val"
    ):
        regression().fit(Batches(X, Y), validation_split=0.5, verbose=0)


def test_validation_data_that_is_no_pair():
    with pytest.raises(ValueError, match=r"validation_data to be a pair \(x, y\) or .*Received: a tuple of 4"):
        regression().fit(X, Y, validation_data=(X, Y, Y, Y), verbose=0)


def test_a_model_with_several_outputs():
    class Two(nn.Model):
        def call(self, x):
            return x, x

    model = Two()
    model.compile("sgd", "mse")
    with pytest.raises(TypeError, match=r"fit expected two to return one Tensor\. Received: tuple"):
        model.fit(X, X, verbose=0)
    outputs = model.predict(X, batch_size=7, verbose=0)  # but it can be used
    assert isinstance(outputs, tuple)
    assert [(output == X).all() for output in outputs] == [True, True]


def test_an_optimizer_of_another_model():
    optimizer = optim.SGD()
    first, second = regression(optimizer), regression(optimizer)
    first.fit(X, Y, verbose=0)
    with pytest.raises(
        ValueError, match=r"was built for the variables 'dense/kernel', 'dense/bias'.*Use a new optimizer"
    ):
        second.fit(X, Y, verbose=0)


def test_compiled_steps_work_in_place():
    """Nothing holds on to weights or optimizer state from step to step, so nothing is copied."""
    seen = []

    class Buffers(nn.Callback):
        def on_train_batch_end(self, batch, logs=None):
            seen.append([id(v._array) for v in (*self.model.weights, *self.model.optimizer.variables[2:])])

    model = nn.Sequential([nn.Dense(8, "relu"), nn.Dense(1)])
    model.compile("rmsprop", "mse", metrics=["mae"])
    model.fit(X[:24], Y[:24], batch_size=4, epochs=2, verbose=0, callbacks=[Buffers()])
    assert seen[4:] == [seen[4]] * len(seen[4:])
