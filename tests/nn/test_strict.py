"""What is only suspicious: `fit` warns of it once, and raises with tgl.strict(); and what must be left alone."""

import threading
import warnings

import numpy as np
import pytest

import tinygrad_lite as tgl
from tinygrad_lite import nn, optim
from tinygrad_lite.core.strict import StrictError, SuspicionWarning, is_strict
from tinygrad_lite.nn.training.checks import DivergedWarning

RNG = np.random.default_rng(0)
X = RNG.normal(size=(32, 4)).astype("float32")
Y = X[:, :1] - 2 * X[:, 1:2]
LABELS = (Y[:, 0] > 0).astype("int64")


@pytest.fixture(autouse=True)
def seed():
    tgl.random.set_seed(0)


def model_of(*layers, loss="mse", optimizer=None):
    model = nn.Sequential(list(layers))
    model.compile(optimizer or optim.SGD(0.01), loss)
    return model


def classifier(last="softmax", loss="sparse_categorical_crossentropy"):
    return model_of(nn.Dense(8, "relu"), nn.Dense(2, last), loss=loss)


def wrong_loss(y_true, y_pred):
    return tgl.square(y_true - y_pred[:, 0])  # but y_true comes as (n, 1), like the outputs


class Unused(nn.Model):
    def __init__(self):
        super().__init__()
        self.used, self.idle = nn.Dense(1), nn.Dense(1)

    def call(self, x):
        self.idle(x)
        return self.used(x)


def unused():
    model = Unused()
    model.compile(optim.SGD(0.01), "mse")
    return model


LARGE = (X * 10 + 100).astype("float32")
RELU = {"activation": "relu", "bias_initializer": nn.initializers.Constant(-100.0)}

SUSPICIOUS = {
    "weights that the loss does not reach": (unused, X, Y, {}, "dense_1/kernel"),
    "weights that do not move": (lambda: model_of(nn.Dense(3), FrozenByHand(1)), X, Y, {}, "frozen.*bit by bit"),
    "a loss that broadcasts": (
        lambda: model_of(nn.Dense(1), loss=wrong_loss),
        X,
        Y[:, 0],
        {},
        r"subtract of shapes \(32, 1\) and \(32,\), which makes \(32, 32\)",
    ),
    "numbers of categories": (
        lambda: model_of(nn.Dense(1)),
        RNG.integers(0, 9, (32, 4)),
        Y,
        {},
        r"sequential/dense expected floats. Received: int64 from 0 to 8.*to_categorical",
    ),
    "integers divided by //": (
        lambda: model_of(nn.Flatten(), nn.Dense(1)),
        RNG.integers(0, 255, (32, 2, 2), "uint8") // 255,
        Y,
        {},
        "a batch of uint8 zeros",
    ),
    "pixels": (
        lambda: model_of(nn.Flatten(), nn.Dense(1), optimizer="adam"),
        RNG.integers(0, 256, (32, 2, 2)).astype("uint8"),
        Y,
        {},
        r"sequential/dense expected inputs of about the size of 1.*Pixels: pass x / 255",
    ),
    "large floats": (lambda: model_of(nn.Dense(1), optimizer="adam"), LARGE, Y, {}, r"Standardise them: \(x - x\.mean"),
    "labels that never change": (classifier, X, np.ones(32, "int64"), {}, "Received: y=1 for all 32 samples"),
    "softmax twice": (
        lambda: model_of(nn.Dense(2, "softmax"), nn.Activation("softmax"), loss="sparse_categorical_crossentropy"),
        X,
        LABELS,
        {},
        "sequential/activation expected logits. Received: what softmax returned",
    ),
    "softmax and from_logits": (
        lambda: classifier(loss=nn.losses.SparseCategoricalCrossentropy(from_logits=True)),
        X,
        LABELS,
        {},
        "The loss expected logits, because of from_logits=True. Received: what softmax returned",
    ),
    "sigmoid and from_logits": (
        lambda: model_of(nn.Dense(1, "sigmoid"), loss=nn.losses.BinaryCrossentropy(from_logits=True)),
        X,
        LABELS[:, None],
        {},
        "Received: what sigmoid returned",
    ),
    "a dead layer": (
        lambda: model_of(nn.Dense(8, name="dead", **RELU), nn.Dense(1)),
        X,
        Y,
        {},
        "sequential/dead expected a relu.*zeros for all 32 samples.*he_normal",
    ),
    "a learning rate that is too large": (
        lambda: model_of(nn.Dense(1), optimizer=optim.SGD(1.5)),
        X,
        Y,
        {"batch_size": 4, "epochs": 2},
        r"The learning rate 1\.5 is too large: try a tenth",
    ),
}


class FrozenByHand(nn.Layer):
    """Its weight has a gradient, which is zero."""

    def build(self, input_shape):
        self.frozen = self.add_weight((input_shape[-1], 2), name="frozen")

    def __init__(self, units):
        super().__init__()

    def call(self, inputs):
        return (inputs @ (self.frozen * 0.0 + 1.0))[:, :1]


def fit(name):
    make, x, y, options, _ = SUSPICIOUS[name]
    model = make()
    model.fit(x, y, **{"batch_size": 32, "verbose": 0} | options)
    return model


@pytest.mark.parametrize("name", SUSPICIOUS)
def test_fit_warns_once_and_points_here(name):
    *_, x, y, options, words = SUSPICIOUS[name]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = fit(name)
        model.fit(x, y, **{"batch_size": 32, "verbose": 0} | options)
    mine = [w for w in caught if issubclass(w.category, SuspicionWarning) and w.category is not DivergedWarning]
    with pytest.warns(SuspicionWarning, match=words):
        warnings.warn(mine[0].message, SuspicionWarning, stacklevel=1)
    texts = [str(w.message).partition("Received")[0] for w in mine]
    assert len(set(texts)) == len(texts)
    assert all(w.filename == __file__ for w in mine)


@pytest.mark.parametrize("name", SUSPICIOUS)
def test_strict_raises(name):
    *_, words = SUSPICIOUS[name]
    with tgl.strict(), pytest.raises(StrictError, match="(?s)" + words):
        fit(name)
    assert not is_strict()


@pytest.mark.parametrize("name", ["a loss that broadcasts", "pixels", "softmax twice", "a dead layer"])
def test_strict_raises_before_anything_is_changed(name):
    make, x, y, *_ = SUSPICIOUS[name]
    model = make()
    model.build((None, *x.shape[1:]))
    before = model.get_weights()
    with tgl.strict(), pytest.raises(StrictError):
        model.fit(x, y, verbose=0)
    for old, new in zip(before, model.get_weights()):
        np.testing.assert_array_equal(old, new)


# What is left alone -------------------------------------------------------------------------------------------

XOR = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])

FINE = {
    "regression": (lambda: model_of(nn.Dense(8, "relu"), nn.Dense(1)), X, Y, {"epochs": 3}),
    "classes": (classifier, X, LABELS, {"epochs": 3, "batch_size": 4}),
    "xor in integers": (lambda: model_of(nn.Dense(8, "tanh"), nn.Dense(1)), XOR, XOR.sum(1, keepdims=True) % 2, {}),
    "a few samples of one label": (classifier, X[:8], np.ones(8, "int64"), {}),
    "labels that nobody reads": (
        lambda: model_of(nn.Dense(1), loss=lambda y_true, y_pred: tgl.square(y_pred - 1.0)),
        X,
        np.zeros((32, 1)),
        {},
    ),
    "some outliers": (lambda: model_of(nn.Dense(1)), np.where(np.arange(32)[:, None] % 4, X, X + 11), Y, {}),
    "a learning rate of zero": (lambda: model_of(nn.Dense(1), optimizer=optim.SGD(0.0)), X, Y, {}),
    "solved already": (lambda: model_of(nn.Dense(1, kernel_initializer="zeros")), X[:8], Y[:8] * 0, {}),
    "frozen layers": (lambda: model_of(nn.Dense(4, trainable=False), nn.Dense(1)), X, Y, {"epochs": 2}),
    "an attention of softmaxes": (
        lambda: model_of(nn.Dense(4, "softmax"), nn.Dense(2, "softmax"), loss="sparse_categorical_crossentropy"),
        X,
        LABELS,
        {},
    ),
    "pairs of all samples": (
        lambda: model_of(
            nn.Dense(2), loss=lambda y, p: tgl.square(p[:, None] - p[None]).mean(axis=(1, 2)) + 0 * y[:, 0]
        ),
        X,
        Y,
        {},
    ),
}


@pytest.mark.parametrize("name", FINE)
def test_no_false_alarm(name):
    make, x, y, options = FINE[name]
    with tgl.strict():
        make().fit(x, y, **{"batch_size": 16, "verbose": 0} | options)


def test_watching_changes_no_bits():
    def trained(is_strict_there):
        tgl.random.set_seed(1)
        model = model_of(nn.Dense(8, "relu"), nn.Dropout(0.5), nn.Dense(1), optimizer="adam")
        with tgl.strict(is_strict_there):
            history = model.fit(X, Y, epochs=4, batch_size=8, verbose=0)
        return [history.history["loss"], *model.get_weights()]

    for loose, strict in zip(trained(False), trained(True)):
        np.testing.assert_array_equal(loose, strict)


# The switch ---------------------------------------------------------------------------------------------------


def test_switch_and_context():
    assert not is_strict()
    with tgl.strict():
        assert is_strict()
        with tgl.strict(False):
            assert not is_strict()
        assert is_strict()
    assert not is_strict()
    try:
        assert repr(tgl.strict()) == "<tgl.strict, on in this thread>"
        assert is_strict()
    finally:
        tgl.strict(False)
    assert not is_strict()


def test_context_is_left_when_something_raises():
    with pytest.raises(ZeroDivisionError), tgl.strict():
        raise ZeroDivisionError
    assert not is_strict()


def test_switch_is_of_the_thread():
    answers = []
    with tgl.strict():
        thread = threading.Thread(target=lambda: answers.append(is_strict()))
        thread.start()
        thread.join()
    assert answers == [False]


def test_only_booleans():
    with pytest.raises(TypeError, match=r"strict expected True or False. Received: on='yes'"):
        tgl.strict("yes")


def test_gradients_of_loops_by_hand():
    v, w = tgl.Variable(1.0), tgl.Variable(2.0, name="w")
    with tgl.GradientTape(persistent=True) as tape:
        y = v * 3.0
    assert tape.gradient(y, w) is None
    with tgl.strict():
        assert tape.gradient(y, v).item() == 3.0
        with pytest.raises(StrictError, match="does not depend on the Variable 'w': its gradient is None"):
            tape.gradient(y, [v, w])
        with tgl.GradientTape() as tape, pytest.raises(StrictError, match=r"tape\.watch expected a floating dtype"):
            tape.watch(tgl.constant(3))


# A loss that is lost ------------------------------------------------------------------------------------------


def test_fit_stops_on_a_loss_that_is_not_finite():
    model = model_of(nn.Dense(4), nn.Dense(1), optimizer=optim.SGD(1e30))
    with pytest.warns(DivergedWarning, match=r"fit stopped: the loss is (inf|nan) after step \d of epoch 1.*detect_"):
        history = model.fit(X, Y, batch_size=2, epochs=5, verbose=0)
    assert history.epoch == [0]
    assert not np.isfinite(history.history["loss"][0])
    assert model.stop_training
    assert int(model.optimizer.iterations.item()) < 16


def test_own_steps_stop_too():
    class Own(nn.Sequential):
        def train_step(self, data):
            return {"loss": float("nan")}

    model = Own([nn.Dense(1)])
    model.compile("sgd", "mse")
    with pytest.warns(DivergedWarning, match="the loss is nan after step 1"):
        assert model.fit(X, Y, epochs=3, verbose=0).epoch == [0]


def test_terminate_on_nan_says_it_alone(capsys):
    model = model_of(nn.Dense(4), nn.Dense(1), optimizer=optim.SGD(1e30))
    model.fit(X, Y, batch_size=2, epochs=5, verbose=0, callbacks=[nn.callbacks.TerminateOnNaN()])
    assert "Training ends here" in capsys.readouterr().out


def test_a_loop_of_fits_is_looked_at_once():
    model = model_of(nn.Dense(1), optimizer="adam")
    with pytest.warns(SuspicionWarning, match="Standardise"):
        model.fit(LARGE, Y, verbose=0)
    model.fit(LARGE, Y, verbose=0)
    model.compile("adam", "mse")
    with pytest.warns(SuspicionWarning, match="Standardise"):
        model.fit(LARGE, Y, verbose=0)
