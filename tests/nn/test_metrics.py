"""Metrics: their arithmetic, over the whole epoch, and strictness."""

import numpy as np
import pytest

import tinygrad_lite as tgl
from tinygrad_lite import nn
from tinygrad_lite.nn import losses, metrics


def measured(metric, *updates):
    for update in updates:
        metric.update_state(*update)
    return metric.result().item()


# What each computes -------------------------------------------------------------------------------------------


def test_accuracy():
    assert measured(metrics.Accuracy(), ([1, 2, 3, 4], [0, 2, 3, 4])) == 0.75
    assert measured(metrics.Accuracy(), ([[1], [2]], [[1], [3]])) == 0.5
    assert measured(metrics.Accuracy(), ([1, 2, 3, 4], [0, 2, 3, 4], [1, 1, 0, 0])) == 0.5


def test_binary_accuracy():
    # 0.5 is not above 0.5
    assert measured(metrics.BinaryAccuracy(), ([[1], [1], [0], [0]], [[0.98], [0.5], [0.2], [0.6]])) == 0.5
    assert measured(metrics.BinaryAccuracy(), ([1, 1, 0, 0], [0.98, 0.6, 0.2, 0.6])) == 0.75
    # several questions a sample
    assert measured(metrics.BinaryAccuracy(), ([[1, 0], [1, 1]], [[0.9, 0.9], [0.9, 0.9]])) == 0.75


def test_binary_accuracy_with_threshold():
    labels, predictions = [[1], [1], [0], [0]], [[0.8], [0.6], [0.6], [0.1]]
    assert measured(metrics.BinaryAccuracy(threshold=0.7), (labels, predictions)) == 0.75
    assert measured(metrics.BinaryAccuracy(threshold=0.0), (labels, predictions)) == 0.5


@pytest.mark.parametrize("threshold", ["0.5", None, float("nan"), True])
def test_binary_accuracy_with_a_threshold_that_is_no_number(threshold):
    with pytest.raises(ValueError, match=r"BinaryAccuracy expected a number as threshold\. Received: threshold="):
        metrics.BinaryAccuracy(threshold=threshold)


def test_categorical_accuracy():
    y_pred = [[0.1, 0.9, 0.0], [0.3, 0.3, 0.4], [2.0, -1.0, 0.0]]  # logits do as well
    y_true = [[0, 1, 0], [1, 0, 0], [1, 0, 0]]
    assert measured(metrics.CategoricalAccuracy(), (y_true, y_pred)) == pytest.approx(2 / 3)
    assert measured(metrics.SparseCategoricalAccuracy(), ([1, 0, 0], y_pred)) == pytest.approx(2 / 3)
    assert measured(metrics.SparseCategoricalAccuracy(), ([[1], [0], [0]], y_pred)) == pytest.approx(2 / 3)
    assert measured(metrics.SparseCategoricalAccuracy(), (np.array([1, 0, 0], "uint8"), y_pred)) == pytest.approx(2 / 3)


def test_errors_of_numbers():
    y_true, y_pred = [[0.0, 1.0], [0.0, 0.0]], [[1.0, 1.0], [3.0, 0.0]]
    assert measured(metrics.MeanSquaredError(), (y_true, y_pred)) == (1 + 0 + 9 + 0) / 4
    assert measured(metrics.MeanAbsoluteError(), (y_true, y_pred)) == (1 + 0 + 3 + 0) / 4


def test_mean():
    assert measured(metrics.Mean(), ([1, 3, 5, 7],)) == 4.0
    assert measured(metrics.Mean(), ([1, 3, 5, 7], [1, 1, 0, 0])) == 2.0
    assert measured(metrics.Mean(), (1.0,), (3.0,)) == 2.0
    assert measured(metrics.Mean(), (1.0, 3.0), (5.0, 1.0)) == 2.0
    assert measured(metrics.Mean(), (np.ones((2, 3)), [1.0, 0.0])) == 1.0


# The whole epoch ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("metric", "y_true", "y_pred"),
    [
        (metrics.Accuracy(), [1, 0, 0, 0, 0], [1, 1, 1, 1, 0]),
        (metrics.BinaryAccuracy(), [[1], [0], [0], [0], [0]], [[1.0], [1.0], [1.0], [1.0], [0.0]]),
        (metrics.SparseCategoricalAccuracy(), [1, 0, 0, 0, 0], [[0, 1.0], [0, 1], [0, 1], [0, 1], [1, 0]]),
        (metrics.MeanAbsoluteError(), [[0.0]] * 5, [[0.0], [1.0], [1.0], [1.0], [0.0]]),
        (metrics.get("mse"), [[0.0]] * 5, [[0.0], [1.0], [1.0], [1.0], [0.0]]),
        (metrics.get(lambda y_true, y_pred: abs(y_pred - y_true).mean()), [[0.0]] * 5, [[0.0], [1], [1], [1], [0]]),
    ],
)
def test_batches_count_by_their_samples(metric, y_true, y_pred):
    """A mean of the batches' means would be another number: the last batch is small."""
    y_true, y_pred = np.array(y_true), np.array(y_pred)
    all_at_once = measured(metric, (y_true, tgl.constant(y_pred)))
    metric.reset_state()
    in_batches = measured(metric, (y_true[:4], tgl.constant(y_pred[:4])), (y_true[4:], tgl.constant(y_pred[4:])))
    assert all_at_once == in_batches == pytest.approx(0.6 if "rror" in repr(metric) or "Wrap" in repr(metric) else 0.4)


def test_a_sum_over_many_batches_keeps_its_digits():
    """In float32, adding 1 to 16777216 changes nothing: an epoch of more samples would not be counted."""
    mean = metrics.Mean()
    mean.update_state(np.float32(1.0), sample_weight=2.0**24)
    for _ in range(10):
        mean.update_state(np.float32(0.0))
    assert mean.result().item() == 2**24 / (2**24 + 10)


def test_reset_state():
    metric = metrics.MeanSquaredError()
    assert measured(metric, ([[0.0]], [[3.0]])) == 9.0
    metric.reset_state()
    assert metric.result().item() == 0.0  # nothing yet
    assert measured(metric, ([[0.0]], [[2.0]])) == 4.0


def test_no_samples():
    assert measured(metrics.Accuracy(), (np.zeros(0), np.zeros(0))) == 0.0


def test_calling_updates_and_answers():
    metric = metrics.Mean()
    assert metric([1.0, 3.0]).item() == 2.0
    assert metric(5.0).item() == 3.0


def test_what_a_metric_remembers():
    metric = metrics.Accuracy()
    metric.update_state([1, 2], [1, 3])
    assert [(v.name, v.item(), v.trainable) for v in metric.variables] == [
        ("accuracy/total", 1.0, False),
        ("accuracy/count", 2.0, False),
    ]


def test_metrics_are_on_no_tape():
    w = tgl.Variable([[1.0]])
    with tgl.GradientTape() as tape:
        y_pred = w * 2.0
        metric = metrics.MeanSquaredError()
        metric.update_state([[0.0]], y_pred)
        loss = y_pred.sum()
    assert tape.gradient(loss, w).item() == 2.0
    assert metric.result().item() == 4.0


def test_an_own_metric_in_a_model():
    class Hits(metrics.Metric):
        def __init__(self, name="hits"):
            super().__init__(name)
            self.count = self.add_variable("count")

        def update_state(self, y_true, y_pred, sample_weight=None):
            self.count.assign_add(float(np.sum(np.abs(y_pred.numpy() - np.asarray(y_true)) < 0.5)))

        def result(self):
            return self.count.value()

    model = nn.Sequential([nn.Dense(1, kernel_initializer="ones")])
    model.compile("sgd", "mse", metrics=[Hits()])
    x = np.ones((5, 1), "float32")
    y = np.array([[1.0], [1.0], [9.0], [1.0], [1.0]], "float32")
    assert model.evaluate(x, y, batch_size=2, verbose=0, return_dict=True)["hits"] == 4.0
    assert model.evaluate(x, y, batch_size=2, verbose=0, return_dict=True)["hits"] == 4.0  # starts anew


# By name ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("identifier", "kind", "name"),
    [
        ("accuracy", metrics.Accuracy, "accuracy"),
        ("acc", metrics.Accuracy, "acc"),
        ("binary_accuracy", metrics.BinaryAccuracy, "binary_accuracy"),
        ("BinaryAccuracy", metrics.BinaryAccuracy, "BinaryAccuracy"),
        ("categorical_accuracy", metrics.CategoricalAccuracy, "categorical_accuracy"),
        ("sparse_categorical_accuracy", metrics.SparseCategoricalAccuracy, "sparse_categorical_accuracy"),
        ("mse", metrics.MeanMetricWrapper, "mse"),
        ("mean_absolute_error", metrics.MeanMetricWrapper, "mean_absolute_error"),
        (metrics.BinaryAccuracy, metrics.BinaryAccuracy, "binary_accuracy"),
        (losses.huber, metrics.MeanMetricWrapper, "huber"),
        (losses.Huber(), metrics.MeanMetricWrapper, "huber_loss"),
    ],
)
def test_get(identifier, kind, name):
    metric = metrics.get(identifier)
    assert type(metric) is kind
    assert metric.name == name


def test_get_returns_a_metric_as_it_is():
    metric = metrics.Accuracy("mine")
    assert metrics.get(metric) is metric


def test_get_of_an_unknown_name():
    message = r"Unknown metric\. Received: 'acuracy'\. Did you mean 'accuracy'\? Known: 'acc', 'accuracy', .*'mse'"
    with pytest.raises(ValueError, match=message):
        metrics.get("acuracy")
    with pytest.raises(TypeError, match=r"name of a known metric, or one itself\. Received: 3 of type int"):
        metrics.get(3)


@pytest.mark.parametrize(
    ("loss", "output", "target", "kind"),
    [
        ("sparse_categorical_crossentropy", (None, 10), (None,), metrics.SparseCategoricalAccuracy),
        ("sparse_categorical_crossentropy", (None, 10), (None, 1), metrics.SparseCategoricalAccuracy),
        ("categorical_crossentropy", (None, 10), (None, 10), metrics.CategoricalAccuracy),
        ("binary_crossentropy", (None, 1), (None, 1), metrics.BinaryAccuracy),
        ("hinge", (None, 1), (None, 1), metrics.BinaryAccuracy),
        ("mse", (None, 10), (None, 10), metrics.CategoricalAccuracy),
        (None, (None, 10), (None,), metrics.SparseCategoricalAccuracy),
    ],
)
@pytest.mark.parametrize("name", ["accuracy", "acc", "Accuracy"])
def test_accuracy_becomes_the_one_that_fits(loss, output, target, kind, name):
    metric = metrics.resolve(name, losses.get(loss) if loss else None, output, target)
    assert type(metric) is kind
    assert metric.name == name


def test_accuracy_of_logits_has_threshold_zero():
    metric = metrics.resolve("accuracy", losses.BinaryCrossentropy(from_logits=True), (None, 1), (None, 1))
    assert measured(metric, ([[1], [0]], [[0.2], [-0.2]])) == 1.0
    metric = metrics.resolve("accuracy", losses.BinaryCrossentropy(), (None, 1), (None, 1))
    assert measured(metric, ([[1], [0]], [[0.2], [-0.2]])) == 0.5


# Strictness ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "metric", [metrics.Accuracy(), metrics.BinaryAccuracy(), metrics.MeanSquaredError(), metrics.MeanAbsoluteError()]
)
@pytest.mark.parametrize(("y_true", "y_pred"), [((4,), (3, 1)), ((4, 1), (4, 2)), ((1, 3), (4, 3)), ((4,), (4, 4))])
def test_shapes_are_never_broadcast(metric, y_true, y_pred):
    with pytest.raises(ValueError, match=r"expected labels and predictions of the same shape\. Received: y_true\.sha"):
        metric.update_state(np.ones(y_true), np.ones(y_pred))
    assert metric.result().item() == 0.0


def test_the_wrong_kind_of_labels():
    with pytest.raises(ValueError, match=r"categorical_accuracy expected one-hot.*use sparse_categorical_accuracy"):
        metrics.categorical_accuracy([1, 2], np.ones((2, 3)))
    with pytest.raises(ValueError, match=r"sparse_categorical_accuracy .*look one-hot: use categorical_accuracy"):
        metrics.sparse_categorical_accuracy(np.eye(3)[:2], np.ones((2, 3)))
    with pytest.raises(TypeError, match=r"sparse_categorical_accuracy expected integer labels"):
        metrics.sparse_categorical_accuracy([1.0, 2.0], np.ones((2, 3)))


def test_weights_that_do_not_fit():
    with pytest.raises(ValueError, match=r"one weight for each sample: the shape \(2,\).*sample_weight\.shape=\(3,\)"):
        metrics.Accuracy().update_state([1, 2], [1, 2], sample_weight=[1, 2, 3])


def test_a_metric_without_a_rule():
    mine = type("Mine", (metrics.Metric,), {})("mine")
    with pytest.raises(NotImplementedError, match=r"Mine must define update_state\(self, y_true, y_pred, \.\.\.\)"):
        mine.update_state([1], [1])
    with pytest.raises(NotImplementedError, match=r"Mine must define result\(self\)"):
        mine.result()
