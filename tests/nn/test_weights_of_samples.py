"""sample_weight and class_weight: the weighted loss by hand, weighted metrics, and every way to pass them."""

import numpy as np
import pytest

import tinygrad_lite as tgl
from tinygrad_lite import nn
from tinygrad_lite.datasets import Batches

rng = np.random.default_rng(0)
X = rng.normal(size=(40, 3)).astype("float32")
Y = rng.integers(0, 3, 40)
W = rng.uniform(0, 2, 40).astype("float32")


@pytest.fixture(params=[False, True], ids=["compiled", "eager"])
def model(request):
    tgl.random.set_seed(1)
    model = nn.Sequential([nn.Dense(3, activation="softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"],
                  weighted_metrics=[nn.metrics.SparseCategoricalAccuracy(name="weighted")],
                  run_eagerly=request.param)  # fmt: skip
    return model


def by_hand(model, weights, x=X, y=Y):
    """Keras's mean over the batch of weighted losses, the accuracy, and the weighted accuracy."""
    p = model.predict(x, verbose=0)
    losses = -np.log(p[np.arange(len(y)), y])
    right = p.argmax(axis=1) == y
    return {
        "loss": np.mean(weights * losses),
        "accuracy": right.mean(),
        "weighted": np.sum(weights * right) / np.sum(weights),
    }


def test_evaluate(model):
    results = model.evaluate(X, Y, batch_size=16, sample_weight=W, verbose=0, return_dict=True)
    assert results == pytest.approx(by_hand(model, W), rel=1e-5)
    assert model.test_on_batch(X, Y, W, return_dict=True) == pytest.approx(by_hand(model, W), rel=1e-5)
    assert model.evaluate(Batches(X, Y, 16, sample_weight=W), verbose=0, return_dict=True) == pytest.approx(results)


def test_the_step_is_that_of_the_weighted_loss(model):
    twin = nn.Sequential([nn.Dense(3)])
    model(X), twin(X)
    twin.set_weights(model.get_weights())
    with tgl.GradientTape() as tape:
        losses = nn.losses.sparse_categorical_crossentropy(Y, twin(X), from_logits=True)
        loss = (losses * W).mean()
    gradients = tape.gradient(loss, twin.trainable_variables)
    expected = [w.numpy() - 0.01 * g.numpy() for w, g in zip(twin.weights, gradients)]
    model.train_on_batch(X, Y, sample_weight=W)
    for found, wanted in zip(model.get_weights(), expected):
        np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-7)


def test_every_way_to_pass_weights_trains_alike(model):
    start = model(X) is not None and model.get_weights()
    ends = []
    batches = [(X[n : n + 8], Y[n : n + 8], W[n : n + 8]) for n in range(0, 40, 8)]
    for arguments in (
        {"x": X, "y": Y, "sample_weight": W},
        {"x": batches},
        {"x": Batches(X, Y, 8, sample_weight=W)},
    ):
        model.set_weights(start)
        history = model.fit(**arguments, batch_size=8, epochs=2, shuffle=False, verbose=0)
        ends.append((history.history, [w.tobytes() for w in model.get_weights()]))
    assert ends[0] == ends[1] == ends[2]


def test_class_weights(model):
    weights = {0: 0.5, 2: 3.0}  # 1 for the class that is left out
    sample_weight = np.array([0.5, 1.0, 3.0], "float32")[Y]
    start = model(X) is not None and model.get_weights()
    ends = []
    for arguments in (
        {"x": X, "y": Y, "sample_weight": sample_weight},
        {"x": X, "y": Y, "class_weight": weights},
        {"x": X, "y": Y[:, None], "class_weight": weights},
        {"x": [(X[n : n + 8], Y[n : n + 8]) for n in range(0, 40, 8)], "class_weight": weights},
    ):
        model.set_weights(start)
        model.fit(**arguments, batch_size=8, shuffle=False, verbose=0)
        ends.append([w.tobytes() for w in model.get_weights()])
    assert ends == [ends[0]] * 4


def test_class_weights_of_one_hot_labels():
    model = nn.Sequential([nn.Dense(3, activation="softmax")])
    model.compile("sgd", "categorical_crossentropy")
    model(X)
    expected = by_hand(model, np.array([2.0, 1.0, 1.0])[Y])["loss"]
    assert model.train_on_batch(X, np.eye(3, dtype="float32")[Y], class_weight={0: 2.0}) == pytest.approx(expected)


def test_weights_are_shuffled_and_split_with_their_samples(model):
    first = model.fit(X, Y, 8, validation_split=0.25, sample_weight=W, verbose=0, shuffle=False).history
    expected = by_hand(model, W[30:], X[30:], Y[30:])
    assert first["val_loss"][0] == pytest.approx(expected["loss"], rel=1e-5)
    assert first["val_weighted"][0] == pytest.approx(expected["weighted"], rel=1e-5)
    second = model.fit(X, Y, 8, validation_data=(X[30:], Y[30:], W[30:]), epochs=1, verbose=0).history
    assert second["val_loss"][0] == pytest.approx(by_hand(model, W[30:], X[30:], Y[30:])["loss"], rel=1e-5)
    for x, y, w in Batches(X, Y, 7, shuffle=True, seed=1, sample_weight=W):
        positions = [int(np.flatnonzero((row == X).all(axis=1))[0]) for row in x]
        np.testing.assert_array_equal(y, Y[positions])
        np.testing.assert_array_equal(w, W[positions])


def test_a_weight_of_zero_takes_a_sample_out(model):
    keep = Y != 1
    model(X)
    before = model.get_weights()
    model.train_on_batch(X, Y, sample_weight=keep.astype("float32"))
    with_zeros = [a - b for a, b in zip(model.get_weights(), before)]
    model.set_weights(before)
    model.train_on_batch(X[keep], Y[keep])
    for found, alone in zip(with_zeros, [a - b for a, b in zip(model.get_weights(), before)]):
        np.testing.assert_allclose(found * len(Y), alone * keep.sum(), rtol=1e-4, atol=1e-5)


ERRORS = [
    (
        {"sample_weight": W[:5]},
        r"a weight for each sample\. Received: .* sample_weight\.shape=\(5,\)\. .* class_weight",
    ),
    ({"sample_weight": W, "class_weight": {0: 1.0}}, r"sample_weight or class_weight\. Received: both\. Multiply"),
    ({"sample_weight": np.where(Y, W, np.nan)}, r"finite numbers in sample_weight"),
    ({"class_weight": [1.0, 2.0]}, r"map classes to finite numbers.* Received: class_weight=\[1\.0, 2\.0\]"),
    ({"class_weight": {0: np.nan}}, r"map classes to finite numbers"),
    ({"class_weight": {"a": 1.0}}, r"map classes to finite numbers"),
]


@pytest.mark.parametrize(("arguments", "message"), ERRORS)
def test_wrong_weights_are_refused(model, arguments, message):
    model(X)
    before = [w.tobytes() for w in model.get_weights()]
    with pytest.raises(ValueError, match=message):
        model.fit(X, Y, verbose=0, **arguments)
    assert [w.tobytes() for w in model.get_weights()] == before


def test_weights_beside_batches_are_refused(model):
    with pytest.raises(
        ValueError, match=r"no sample_weight where x yields batches.* Let x yield \(x_batch, y_batch, w"
    ):
        model.fit([(X, Y)], sample_weight=W, verbose=0)
    with pytest.raises(ValueError, match=r"Batches expected y, and a weight for each sample.*and no y"):
        Batches(X, sample_weight=W)
    with pytest.raises(TypeError, match=r"Received: weighted_metrics='accuracy'\. Try \['accuracy'\]"):
        model.compile("sgd", "mse", weighted_metrics="accuracy")


def test_weighted_metrics_are_saved(model, tmp_path):
    model.fit(X, Y, sample_weight=W, verbose=0)
    model.save(tmp_path / "model.tgl")
    loaded = nn.load_model(tmp_path / "model.tgl")
    arguments = {"x": X, "y": Y, "sample_weight": W, "verbose": 0, "return_dict": True}
    assert loaded.evaluate(**arguments) == model.evaluate(**arguments)
