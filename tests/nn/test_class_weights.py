"""Weights of classes are for training alone, and for labels that are classes."""

import numpy as np
import pytest

import tinygrad_lite as tgl
from tinygrad_lite import nn, optim

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 3)).astype(np.float32)
Y = (X[:, 0] > 0).astype("int64")


def fitted(y=Y, **options):
    tgl.random.set_seed(0)
    model = nn.Sequential([nn.Dense(2, activation="softmax")])
    model.compile(optim.SGD(0.0), "sparse_categorical_crossentropy", weighted_metrics=["accuracy"])
    history = model.fit(X, y, verbose=0, epochs=2, **options).history
    return {name: values[-1] for name, values in history.items()}


WEIGHTS = {0: 1.0, 1: 50.0}


def test_class_weights_do_not_weight_the_validation_split():
    plain = fitted(validation_split=0.5)
    weighted = fitted(validation_split=0.5, class_weight=WEIGHTS)
    assert weighted["loss"] > 5 * plain["loss"]
    for name in ("val_loss", "val_accuracy"):
        assert weighted[name] == plain[name]


def test_class_weights_do_not_weight_validation_data():
    plain = fitted(validation_data=(X, Y))
    weighted = fitted(validation_data=(X, Y), class_weight=WEIGHTS)
    assert weighted["val_loss"] == plain["val_loss"]
    assert weighted["val_accuracy"] == plain["val_accuracy"]


def test_sample_weights_weight_the_validation_split_as_in_keras():
    weights = np.where(Y == 1, 50.0, 1.0).astype(np.float32)
    plain, weighted = fitted(validation_split=0.5), fitted(validation_split=0.5, sample_weight=weights)
    assert weighted["val_loss"] > 5 * plain["val_loss"]
    assert fitted(validation_data=(X, Y, weights))["val_loss"] > 5 * plain["val_loss"]


def test_early_stopping_is_not_misled():
    stop = [nn.callbacks.EarlyStopping("val_loss", patience=0) for _ in range(2)]
    for callback, options in zip(stop, ({}, {"class_weight": WEIGHTS})):
        fitted(validation_split=0.5, callbacks=[callback], **options)
    assert stop[0].best == stop[1].best


NOT_CLASSES = {
    "several labels": np.array([[1, 1, 0], [0, 1, 0]] * 20),
    "no label": np.array([[0, 0, 0], [0, 1, 0]] * 20),
    "several targets": RNG.normal(size=(40, 3)),
    "whole targets": np.array([[3.0, 1.0, 2.0]] * 40),
    "distributions": np.array([[0.9, 0.1, 0.0]] * 40),
    "classes of steps": np.array([[0, 1, 1]] * 40),
    "one target": RNG.normal(size=(40, 1)),
}


@pytest.mark.parametrize("name", NOT_CLASSES)
def test_labels_that_are_no_classes_are_refused(name):
    model = nn.Sequential([nn.Dense(3)])
    model.compile("sgd", lambda y, p: tgl.mean(tgl.square(p), axis=-1))
    with pytest.raises(ValueError, match="class_weight"):
        model.fit(X, NOT_CLASSES[name], class_weight={0: 1.0, 1: 5.0}, verbose=0)
    with pytest.raises(ValueError, match="class_weight"):
        model.fit([(X, NOT_CLASSES[name])], class_weight={0: 1.0, 1: 5.0}, verbose=0)


@pytest.mark.parametrize("form", ["integers", "column", "one-hot", "one-hot integers", "booleans", "floats"])
def test_all_forms_of_classes_weigh_alike(form):
    labels = {
        "integers": Y, "column": Y[:, None], "one-hot": np.eye(2, dtype=np.float32)[Y],
        "one-hot integers": np.eye(2, dtype=int)[Y], "booleans": Y.astype(bool), "floats": Y.astype(np.float32),
    }[form]  # fmt: skip
    from tinygrad_lite.nn.training.data_checks import weights_of_classes

    np.testing.assert_array_equal(weights_of_classes(labels, WEIGHTS, "fit"), np.where(Y, 50.0, 1.0))
