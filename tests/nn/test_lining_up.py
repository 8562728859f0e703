"""Labels, outputs and weights that differ by an axis of length one at the end: lined up as in Keras."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_lite as tgl
from tinygrad_lite import nn
from tinygrad_lite.nn import losses, metrics
from tinygrad_lite.nn.losses.names import FUNCTIONS

rng = np.random.default_rng(0)
X = rng.normal(size=(30, 3)).astype("float32")
Y = (X @ np.array([1.0, -2.0, 0.5]) + 3 + rng.normal(size=30)).astype("float32")
BITS = (Y > 3).astype("float32")
W = rng.uniform(0.5, 2, 30).astype("float32")

# Keras's rule, in plain NumPy -----------------------------------------------------------------------------------


def lined_up(a, b):
    """Both with or without an axis of length one at the end: (n,) becomes (n, 1), and (n, t, 1) becomes (n, t)."""
    if abs(a.ndim - b.ndim) != 1:
        return a, b
    longer, shorter = (a, b) if a.ndim > b.ndim else (b, a)
    if longer.shape[-1] != 1:
        return a, b
    if shorter.ndim == 1:
        shorter = shorter[:, None]
    else:
        longer = longer[..., 0]
    return (longer, shorter) if a.ndim > b.ndim else (shorter, longer)


def signs(y):
    return 2 * y - 1 if np.isin(y, [0, 1]).all() else y


def bits_lost(y, p):
    p = np.clip(p, 1e-7, 1 - 1e-7)
    return -(y * np.log(p) + (1 - y) * np.log(1 - p)).mean(-1)


LOSSES = {
    "mean_squared_error": lambda y, p: np.square(p - y).mean(-1),
    "mean_absolute_error": lambda y, p: np.abs(p - y).mean(-1),
    "huber": lambda y, p: np.where(np.abs(p - y) < 1, np.square(p - y) / 2, np.abs(p - y) - 0.5).mean(-1),
    "hinge": lambda y, p: np.maximum(0, 1 - signs(y) * p).mean(-1),
    "binary_crossentropy": bits_lost,
    "kl_divergence": lambda y, p: (np.maximum(y, 1e-7) * np.log(np.maximum(y, 1e-7) / np.maximum(p, 1e-7))).sum(-1),
}
METRICS = {
    "accuracy": lambda y, p: (y == p).astype(float),
    "binary_accuracy": lambda y, p: ((p > 0.5) == y).astype(float),
}
ALL = LOSSES | METRICS
OWN = {  # written by a user, with nothing that looks at shapes
    "function": lambda y, p: tgl.mean(tgl.square(p - y), axis=-1),
    "class": type("Own", (losses.Loss,), {"call": lambda self, y, p: tgl.mean(tgl.square(p - y), axis=-1)})(),
}
PAIRS = [((5,), (5, 1)), ((5, 1), (5,)), ((5, 4), (5, 4, 1)), ((5, 4, 1), (5, 4)), ((1,), (1, 1)), ((5, 1), (5, 1, 1))]


def drawn(y_shape, p_shape, seed=0):
    draw = np.random.default_rng(seed)
    return draw.integers(0, 2, y_shape).astype("float32"), draw.uniform(0.1, 0.9, p_shape).astype("float32")


# Functions and objects called directly --------------------------------------------------------------------------


@pytest.mark.parametrize(("y_shape", "p_shape"), PAIRS)
@pytest.mark.parametrize("name", ALL)
def test_functions(name, y_shape, p_shape):
    y, p = drawn(y_shape, p_shape)
    function = FUNCTIONS[name] if name in LOSSES else getattr(metrics, name)
    expected = ALL[name](*lined_up(y, p))
    for found in (function(y, p), function(y.tolist(), tgl.constant(p)), function(tgl.constant(y), p.tolist())):
        assert found.shape == expected.shape
        np.testing.assert_allclose(found.numpy(), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("y_shape", "p_shape"), PAIRS)
@pytest.mark.parametrize("name", LOSSES)
def test_losses_and_metrics_as_objects(name, y_shape, p_shape):
    y, p = drawn(y_shape, p_shape)
    expected = LOSSES[name](*lined_up(y, p)).mean()
    assert losses.get(name)(y, p).item() == pytest.approx(expected, rel=1e-5)
    assert metrics.get(name)(y, p).item() == pytest.approx(expected, rel=1e-5)
    assert metrics.get(losses.get(name))(y, p).item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(("y_shape", "p_shape"), PAIRS)
@pytest.mark.parametrize("name", OWN)
def test_losses_and_metrics_of_the_users_own(name, y_shape, p_shape):
    y, p = drawn(y_shape, p_shape)
    expected = LOSSES["mean_squared_error"](*lined_up(y, p)).mean()
    assert losses.get(OWN[name])(y, p).item() == pytest.approx(expected, rel=1e-5)
    assert metrics.get(OWN[name])(y, p).item() == pytest.approx(expected, rel=1e-5)


def test_one_hot_labels_with_an_axis_too_many():
    y, p = np.eye(3, dtype="float32"), np.full((3, 3), 1 / 3, "float32")
    for longer, other in ((y[..., None], p), (y, p[..., None])):
        found = losses.categorical_crossentropy(longer, other)
        np.testing.assert_allclose(found.numpy(), np.full(3, np.log(3)), rtol=1e-6)
        assert metrics.categorical_accuracy(longer, other).numpy().tolist() == [True, False, False]


def test_gradients_have_the_shape_of_the_outputs():
    for y_shape, p_shape in PAIRS:
        y, p = drawn(y_shape, p_shape)
        p = tgl.Variable(p)
        with tgl.GradientTape() as tape:
            loss = losses.MeanSquaredError()(y, p)
        expected = 2 * (p.numpy().ravel() - y.ravel()) / p.size
        gradient = tape.gradient(loss, p)
        assert gradient.shape == p_shape
        np.testing.assert_allclose(gradient.numpy().ravel(), expected, rtol=1e-5)


def test_single_numbers():
    assert losses.mean_squared_error(3.0, [5.0]).item() == 4.0
    assert losses.mean_squared_error([3.0], 5.0).item() == 4.0
    with pytest.raises(ValueError, match=r"y_true\.shape=\(\), y_pred\.shape=\(\)\. Give both an axis for the samples"):
        losses.mean_squared_error(3.0, 5.0)


# Weights --------------------------------------------------------------------------------------------------------


@st.composite
def shapes(draw):
    """Labels and outputs that line up, and weights that fit what is left of them after the mean over the last axis."""
    full = draw(st.lists(st.integers(1, 4), min_size=1, max_size=3))
    y_shape, p_shape = (
        (*full, 1) if len(full) < 3 and draw(st.booleans()) else tuple(full)
        for _ in range(2)
    )  # fmt: skip
    aligned = lined_up(np.zeros(y_shape), np.zeros(p_shape))[0].shape
    losses_shape = aligned[:-1]
    weights = draw(st.sampled_from(["none", "number", "leading", "all", "column", "broadcast"]))
    if weights == "none":
        return y_shape, p_shape, None
    if weights == "number" or not losses_shape:
        return y_shape, p_shape, ()
    if weights == "leading":
        return y_shape, p_shape, losses_shape[: draw(st.integers(1, len(losses_shape)))]
    if weights == "column":
        return y_shape, p_shape, (*losses_shape, 1)
    if weights == "broadcast":
        return y_shape, p_shape, tuple(draw(st.sampled_from([1, n])) for n in losses_shape)
    return y_shape, p_shape, losses_shape


def fitted(weight, values):
    """The weights with the axes of the values."""
    if weight.ndim == values.ndim + 1 and weight.shape[-1] == 1:
        weight = weight[..., 0]
    return np.broadcast_to(weight.reshape(weight.shape + (1,) * (values.ndim - weight.ndim)), values.shape)


@given(shapes(), st.sampled_from(sorted(LOSSES)), st.integers(0, 99))
def test_random_shapes_of_labels_outputs_and_weights(shapes, name, seed):
    y_shape, p_shape, w_shape = shapes
    y, p = drawn(y_shape, p_shape, seed)
    values = LOSSES[name](*lined_up(y, p))
    given_weight = None if w_shape is None else np.random.default_rng(seed).uniform(0.5, 2, w_shape)
    weight = np.ones(values.shape) if given_weight is None else fitted(given_weight, values)
    weighted = values * weight
    expected = {
        "none": weighted,
        "sum": weighted.sum(),
        "sum_over_batch_size": weighted.mean(),
        "mean_with_sample_weight": weighted.sum() / weight.sum(),
    }
    for reduction, wanted in expected.items():
        loss = losses.get(name)
        loss.reduction = reduction
        found = loss(y, p, given_weight)
        assert found.shape == np.shape(wanted)
        np.testing.assert_allclose(found.numpy(), wanted, rtol=1e-4, atol=1e-5)
    if values.ndim:
        metric = metrics.get(name)
        metric.update_state(y, p, given_weight)
        assert metric.result().item() == pytest.approx(weighted.sum() / weight.sum(), rel=1e-4, abs=1e-5)


@given(st.lists(st.integers(1, 3), max_size=3), st.lists(st.integers(1, 3), max_size=3))
def test_labels_and_outputs_are_never_broadcast(y_shape, p_shape):
    y, p = drawn(tuple(y_shape), tuple(p_shape))
    a, b = lined_up(y, p) if max(y.ndim, p.ndim) > 1 else (y.reshape(-1), p.reshape(-1))
    if a.shape == b.shape and y.ndim + p.ndim:
        assert losses.mean_squared_error(y, p).shape == a.shape[:-1]
    else:
        with pytest.raises(ValueError, match=r"of the same shape\. Received: y_true\.shape=\(.*y_pred\.shape=\("):
            losses.mean_squared_error(y, p)


@given(st.lists(st.integers(1, 3), max_size=2), st.lists(st.integers(1, 3), max_size=3))
def test_weights_never_make_the_losses_larger(values_shape, w_shape):
    values, weight = np.ones(values_shape), np.ones(w_shape)
    loss, metric = losses.LossFunctionWrapper(lambda y, p: y, reduction="none"), metrics.Mean()
    try:
        expected = fitted(weight, values).shape
    except ValueError:
        expected = None
    if expected is not None and weight.ndim <= values.ndim + 1:
        assert loss(values, values, weight).shape == expected
        metric.update_state(values, weight)
    else:
        for use in (lambda: loss(values, values, weight), lambda: metric.update_state(values, weight)):
            with pytest.raises(ValueError, match=r"one weight for each sample.*Received: sample_weight\.shape=\("):
                use()


# Models ---------------------------------------------------------------------------------------------------------


class Row(nn.Model):
    """A model whose outputs have no axis behind the samples."""

    def __init__(self):
        super().__init__()
        self.dense = nn.Dense(1)

    def call(self, x):
        return tgl.squeeze(self.dense(x), axis=-1)


class Sequences(nn.Model):
    """Outputs (n, 3, 1) for inputs (n, 3)."""

    def __init__(self):
        super().__init__()
        self.dense = nn.Dense(1)

    def call(self, x):
        return self.dense(tgl.expand_dims(x, axis=-1))


class Series:
    """What pandas's Series and DataFrame are to NumPy: something with an `__array__`, and no `reshape`."""

    def __init__(self, values):
        self.values = values

    def __array__(self, dtype=None, copy=None):
        return np.array(self.values, dtype=dtype)

    def __len__(self):
        return len(self.values)


class OwnMetric(metrics.Metric):
    """The mean absolute error, with whatever broadcasting its shapes make."""

    def __init__(self):
        super().__init__("own")
        self.total, self.count = self.add_variable("total"), self.add_variable("count")

    def update_state(self, y_true, y_pred, sample_weight=None):
        errors = tgl.abs(tgl.cast(y_true, "float64") - tgl.cast(y_pred, "float64"))
        self.total.assign_add(tgl.sum(errors))
        self.count.assign_add(float(errors.size))

    def result(self):
        return self.total / self.count


def trained(model, x, y, run_eagerly=False, loss="mse", **arguments):
    tgl.random.set_seed(0)
    model = model()
    mae = nn.metrics.MeanAbsoluteError(name="weighted")
    model.compile("sgd", loss, metrics=["mae", OwnMetric(), lambda y, p: tgl.mean(tgl.abs(y - p), axis=-1)],
                  weighted_metrics=[mae], run_eagerly=run_eagerly)  # fmt: skip
    history = model.fit(x, y, 8, epochs=3, verbose=0, shuffle=False, validation_split=0.2, **arguments).history
    evaluated = model.evaluate(x, y, verbose=0, sample_weight=arguments.get("sample_weight"))
    return list(history.values()), evaluated, [w.numpy().tolist() for w in model.weights]


@pytest.mark.parametrize("run_eagerly", [False, True], ids=["compiled", "eager"])
@pytest.mark.parametrize("loss", ["mse", *OWN.values()], ids=["mse", *OWN])
def test_every_shape_of_labels_trains_alike(run_eagerly, loss):
    column = lambda: nn.Sequential([nn.Dense(1, name="dense")])
    expected = trained(column, X, Y[:, None], run_eagerly, loss)
    for y in (Y, Series(Y), Series(Y[:, None]), Y.tolist()):
        assert trained(column, X, y, run_eagerly, loss) == expected
    row = trained(Row, X, Y[:, None], run_eagerly, loss)
    np.testing.assert_allclose(np.ravel(row[0]), np.ravel(expected[0]), rtol=1e-4)


def test_a_row_of_outputs_against_a_row_of_labels_is_as_before():
    history, _, weights = trained(Row, X, Y)
    expected, _, others = trained(Row, X, Y[:, None])
    np.testing.assert_allclose(history[1], expected[1], rtol=1e-5)  # the loss is the same number, and so are the steps
    np.testing.assert_allclose(np.ravel(weights[0]), np.ravel(others[0]), rtol=1e-5)


@pytest.mark.parametrize("run_eagerly", [False, True], ids=["compiled", "eager"])
def test_labels_of_sequences(run_eagerly):
    y = np.stack([Y, Y + 1, Y + 2], axis=1)
    expected = trained(Sequences, X, y[..., None], run_eagerly)
    found = trained(Sequences, X, y, run_eagerly)
    np.testing.assert_allclose(np.ravel(found[2][0]), np.ravel(expected[2][0]), rtol=1e-5)
    np.testing.assert_allclose(found[0], expected[0], rtol=1e-4)


@pytest.mark.parametrize("run_eagerly", [False, True], ids=["compiled", "eager"])
def test_every_shape_of_weights_trains_alike(run_eagerly):
    column = lambda: nn.Sequential([nn.Dense(1, name="dense")])
    expected = trained(column, X, Y[:, None], run_eagerly, sample_weight=W)
    for y in (Y, Y[:, None]):
        for w in (W, W[:, None], Series(W), Series(W[:, None]), W.tolist()):
            assert trained(column, X, y, run_eagerly, sample_weight=w) == expected


def test_weights_of_every_step_of_sequences():
    y, w = np.stack([Y, Y, Y], axis=1)[..., None], rng.uniform(size=(30, 3)).astype("float32")
    model = Sequences()
    mae = nn.metrics.MeanAbsoluteError(name="weighted")
    model.compile("sgd", "mse", weighted_metrics=[mae])
    model(X)
    p = model.predict(X, verbose=0)[..., 0]
    loss, weighted = model.evaluate(X, y, verbose=0, sample_weight=w)
    assert loss == pytest.approx(float(np.mean(w * np.square(p - y[..., 0]))), rel=1e-5)
    assert weighted == pytest.approx(float(np.sum(w * np.abs(p - y[..., 0])) / np.sum(w)), rel=1e-5)
    history = model.fit(X, y, verbose=0, sample_weight=w[..., None], epochs=2, batch_size=30).history
    assert history["loss"][0] == pytest.approx(loss, rel=1e-5)


def test_weights_of_every_answer_of_many():
    """Accuracies are counted element by element, so that each can have its own weight."""
    y, p = np.array([[1, 0], [0, 0]]), np.array([[0.9, 0.8], [0.1, 0.2]])
    w = np.array([[1.0, 2.0], [3.0, 4.0]])
    for metric, outputs in ((metrics.BinaryAccuracy(), p), (metrics.Accuracy(), (p > 0.5).astype(int))):
        assert metric(y, outputs).item() == 0.75
        metric.reset_state()
        assert metric(y, outputs, sample_weight=w).item() == pytest.approx(8 / 10)
        metric.reset_state()
        assert metric(y, outputs, sample_weight=w[:, 0]).item() == pytest.approx((1 * 0.5 + 3 * 1) / 4)


def test_binary_classification_with_a_row_of_labels():
    for activation, loss in (("sigmoid", "bce"), (None, nn.losses.BinaryCrossentropy(from_logits=True))):
        ends = []
        for y in (BITS, BITS[:, None], BITS.astype(int), BITS.astype(bool)):
            tgl.random.set_seed(0)
            model = nn.Sequential([nn.Dense(1, activation=activation, name="dense")])
            model.compile("adam", loss, metrics=["accuracy"])
            model.fit(X, y, verbose=0, epochs=3)
            ends.append((model.evaluate(X, y, verbose=0), [w.numpy().tolist() for w in model.weights]))
        assert ends == [ends[0]] * 4


def test_other_shapes_still_raise():
    for y in (np.stack([Y, Y], 1), Y[:, None, None, None]):
        model = nn.Sequential([nn.Dense(1)])
        model.compile("sgd", "mse")
        for use in (model.fit, model.evaluate, model.train_on_batch):
            with pytest.raises(ValueError, match=r"same shape\. Received: y_true\.shape=\(30, .*never broadcast"):
                use(X, y)


def test_the_regression_tutorial_with_pandas():
    pd = pytest.importorskip("pandas", reason="pandas is not installed")
    table = pd.DataFrame(X, columns=["a", "b", "c"])
    table["y"] = Y
    column = lambda: nn.Sequential([nn.Dense(1, name="dense")])
    expected = trained(column, X, Y, sample_weight=W)
    for y in (table["y"], table[["y"]]):
        found = trained(column, table[["a", "b", "c"]], y, sample_weight=pd.Series(W, index=range(100, 130)))
        assert found == expected
