"""Models: Sequential and subclasses, when they are built, their summary, shared layers, compiling."""

import io
import sys

import numpy as np
import pytest

import tinygrad_lite as tgl
from tinygrad_lite import nn, optim

X = np.linspace(-1, 1, 24, dtype="float32").reshape(8, 3)
Y = X.sum(axis=1, keepdims=True)


class Residual(nn.Model):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.inner = [nn.Dense(3, "tanh"), nn.Dense(3)]
        self.out = nn.Dense(1)

    def call(self, x):
        h = x
        for layer in self.inner:
            h = layer(h)
        return self.out(x + h)


# Sequential ---------------------------------------------------------------------------------------------------


def test_layers_are_applied_one_after_another():
    model = nn.Sequential([nn.Dense(2, use_bias=False, kernel_initializer="ones"), nn.Activation(lambda x: 2 * x)])
    assert model([[1.0, 2.0]]).numpy().tolist() == [[6.0, 6.0]]


def test_add_does_what_the_list_does():
    tgl.random.set_seed(0)
    listed = nn.Sequential([nn.Dense(4, "relu"), nn.Dense(2)])
    tgl.random.set_seed(0)
    added = nn.Sequential()
    added.add(nn.Dense(4, "relu"))
    added.add(nn.Dense(2))
    assert (listed(X).numpy() == added(X).numpy()).all()
    assert [layer.name for layer in added.layers] == ["dense", "dense_1"]


@pytest.mark.parametrize(
    "layers",
    [
        lambda: [nn.Input((3,)), nn.Dense(4), nn.Dense(2)],
        lambda: [nn.Input(3), nn.Dense(4), nn.Dense(2)],
        lambda: [nn.Dense(4, input_shape=(3,)), nn.Dense(2)],
        lambda: (nn.Input(shape=(3,)), nn.Dense(4), nn.Dense(2)),
    ],
)
def test_the_shape_of_the_input_builds_at_once(layers):
    model = nn.Sequential(layers())
    assert model.built
    assert [w.shape for w in model.weights] == [(3, 4), (4,), (4, 2), (2,)]
    assert len(model.layers) == 2


def test_lazy_build():
    model = nn.Sequential([nn.Dense(4), nn.Dense(2)])
    assert not model.built
    with pytest.raises(ValueError, match=r"The Sequential 'sequential' expected an input before its weights are asked"):
        _ = model.weights
    with pytest.raises(ValueError, match=r"expected an input before"):
        model.count_params()
    model(X)
    assert model.built
    assert model.count_params() == 3 * 4 + 4 + 4 * 2 + 2
    for build in (lambda m: m.build((None, 3)), lambda m: m.build([None, 3]), lambda m: m.build((8, 3))):
        model = nn.Sequential([nn.Dense(4), nn.Dense(2)])
        build(model)
        assert model.count_params() == 26
    model.build((None, 3))  # once more: nothing happens
    assert model.count_params() == 26


def test_add_builds_where_the_input_is_known():
    model = nn.Sequential()
    model.add(nn.Input((3,)))
    model.add(nn.Dense(4))
    assert model.count_params() == 16
    model.add(nn.Dense(2))
    assert model.count_params() == 26
    assert model(X).shape == (8, 2)
    assert [w.name for w in model.weights] == ["dense/kernel", "dense/bias", "dense_1/kernel", "dense_1/bias"]


def test_add_to_a_model_in_use():
    model = nn.Sequential([nn.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(X, Y, verbose=0)
    kept = model.get_weights()
    model.add(nn.Dense(2))
    assert model.built
    assert all((a == b).all() for a, b in zip(kept, model.get_weights()))
    assert model.predict(X, verbose=0).shape == (8, 2)
    with pytest.raises(ValueError, match=r"y_true\.shape=\(8, 1\), y_pred\.shape=\(8, 2\)"):
        model.fit(X, Y, verbose=0)


def test_pop():
    model = nn.Sequential([nn.Input((3,)), nn.Dense(4), nn.Dense(2)])
    last = model.layers[-1]
    assert model.pop() is last
    assert model(X).shape == (8, 4)
    assert model.count_params() == 16
    model.add(nn.Dense(7))
    assert model(X).shape == (8, 7)
    model.pop(), model.pop()
    with pytest.raises(ValueError, match=r"sequential\.pop expected a layer to remove\. Received: a model without la"):
        model.pop()


def test_a_model_without_layers():
    with pytest.raises(ValueError, match=r"sequential expected at least one layer\. Received: none\. Use add\(layer\)"):
        nn.Sequential()(X)


@pytest.mark.parametrize(
    ("layer", "fix"),
    [
        (nn.Dense, r"Received: <class .*> of type type\. Make one of the class: Dense\(\.\.\.\)"),
        ("relu", r"Received: 'relu' of type str\. For an activation by name use nn\.Activation\('relu'\)"),
        (np.tanh, r"Wrap a function as nn\.Activation\(function\)"),
        (3, r"Received: 3 of type int\. Layers are nn\.Dense"),
    ],
)
def test_what_is_no_layer(layer, fix):
    for make in (lambda: nn.Sequential([layer]), lambda: nn.Sequential().add(layer)):
        with pytest.raises(TypeError, match=r"Sequential expected layers\. .*" + fix):
            make()


def test_layers_without_brackets():
    with pytest.raises(
        TypeError, match=r"Sequential expected a list of layers\. Received: <Dense 'dense'>\. Put the lay"
    ):
        nn.Sequential(nn.Dense(3))


def test_layers_that_come_twice():
    dense = nn.Dense(3)
    with pytest.raises(
        ValueError, match=r"every layer once\. Received: 'dense' twice\. Make a second layer, or subclass"
    ):
        nn.Sequential([dense, dense])
    with pytest.raises(ValueError, match=r"layers of different names\. Received: two called 'a'\. Pass another name="):
        nn.Sequential([nn.Dense(3, name="a"), nn.Dense(3, name="a")])


def test_input_comes_first():
    with pytest.raises(ValueError, match=r"Input as its first item only\. Received: Input after a layer"):
        nn.Sequential([nn.Dense(3), nn.Input((3,))])


@pytest.mark.parametrize("shape", [(), 784, (None, None), (None, 28, None), "784", None])
def test_shapes_that_nothing_can_be_built_for(shape):
    message = r"sequential expected the shape of a batch to be built for, .* Received: input_shape=.* Try \(None, 784\)"
    with pytest.raises(ValueError, match=message):
        nn.Sequential([nn.Dense(3)]).build(shape)


def test_the_batch_axis_forgotten_in_build():
    with pytest.raises(
        ValueError, match=r"dense expected inputs of shape \(batch, features\)\. Received: .*=\(None,\)"
    ):
        nn.Sequential([nn.Dense(3)]).build((784,))


# Subclasses and nesting ---------------------------------------------------------------------------------------


def test_a_subclass():
    model = Residual()
    assert not model.built
    assert model(X).shape == (8, 1)
    assert [w.name for w in model.weights] == [
        f"{layer}/{weight}" for layer in ("dense", "dense_1", "dense_2") for weight in ("kernel", "bias")
    ]
    assert [layer.name for layer in model.layers] == ["dense", "dense_1", "dense_2"]
    model.compile(optim.Adam(0.05), "mse")
    history = model.fit(X, Y, epochs=80, verbose=0).history["loss"]
    assert history[-1] < 0.1 * history[0]


def test_nested_models_train_as_one():
    model = nn.Sequential([Residual(), nn.Sequential([nn.Dense(2, "tanh"), nn.Dense(1)])])
    model.compile(optim.Adam(0.05), "mse")
    history = model.fit(X, Y, epochs=80, verbose=0).history["loss"]
    assert history[-1] < 0.1 * history[0]
    assert len(model.weights) == 10
    inner = model.layers[1]
    assert inner.weights[0] is model.weights[6]
    assert inner.predict(np.ones((2, 1), "float32"), verbose=0).shape == (2, 1)  # each can be used alone


def test_shared_layers():
    """One layer in two places has one set of weights, and their gradient is the sum of both."""

    class Siamese(nn.Model):
        def __init__(self):
            super().__init__()
            self.shared = nn.Dense(1, use_bias=False, kernel_initializer=[[2.0]])

        def call(self, x):
            return self.shared(self.shared(x))

    model = Siamese()
    with tgl.GradientTape() as tape:
        y = model([[3.0]])  # w² · 3
    (weight,) = model.weights
    assert y.item() == 12.0
    assert tape.gradient(y, weight).item() == 12.0  # 2 · w · 3


def test_a_layer_in_two_models():
    shared = nn.Dense(2)
    first, second = nn.Sequential([shared, nn.Dense(1)]), nn.Sequential([shared, nn.Dense(3)])
    first(X), second(X)
    assert first.weights[0] is second.weights[0]
    first.compile("sgd", "mse")
    before = second.predict(X, verbose=0)
    first.fit(X, Y, verbose=0)
    assert (second.predict(X, verbose=0) != before).any()


def test_a_model_with_build():
    class Own(nn.Model):
        def build(self, input_shape):
            self.scale = self.add_weight(input_shape[-1:], "ones", name="scale")
            self.dense = nn.Dense(1)

        def call(self, x):
            return self.dense(x * self.scale)

    model = Own()
    model.build((None, 3))
    assert model(X).shape == (8, 1)
    assert [w.name for w in model.weights] == ["scale", "dense/kernel", "dense/bias"]


def test_several_inputs():
    class Adding(nn.Model):
        def __init__(self):
            super().__init__()
            self.left, self.right = nn.Dense(2), nn.Dense(2)

        def call(self, inputs):
            a, b = inputs
            return self.left(a) + self.right(b)

    model = Adding()
    assert model([tgl.constant(X), tgl.ones((8, 5))]).shape == (8, 2)
    assert [w.shape for w in model.weights] == [(3, 2), (2,), (5, 2), (2,)]
    model = Adding()
    model.build([(None, 3), (None, 5)])
    assert len(model.weights) == 4


def test_get_layer():
    model = Residual()
    model(X)
    assert model.get_layer("dense_1") is model.get_layer(index=1) is model.get_layer(index=-2) is model.inner[1]
    with pytest.raises(
        ValueError, match=r"no such layer\. Received: name='x'\. It has 3: 'dense', 'dense_1', 'dense_2'"
    ):
        model.get_layer("x")
    with pytest.raises(ValueError, match=r"no such layer\. Received: index=3"):
        model.get_layer(index=3)
    with pytest.raises(ValueError, match=r"get_layer expected a name or an index\. Received: name=None, index=None"):
        model.get_layer()


def test_weights_of_models():
    first, second = Residual(), Residual()
    first(X), second(X)
    second.set_weights(first.get_weights())
    assert (first(X).numpy() == second(X).numpy()).all()
    with pytest.raises(ValueError, match=r"residual\.set_weights expected a list of 6 arrays"):
        second.set_weights(first.get_weights()[:-1])
    first.trainable = False
    assert first.trainable_variables == []
    assert len(first.non_trainable_variables) == 6
    assert len(second.trainable_variables) == 6


def test_a_frozen_part_of_a_model_does_not_train():
    base = nn.Sequential([nn.Dense(4, "tanh"), nn.Dense(4, "tanh")])
    base.trainable = False
    model = nn.Sequential([base, nn.Dense(1)])
    model.compile("sgd", "mse")
    model.build((None, 3))
    before = base.get_weights()
    model.fit(X, Y, epochs=2, verbose=0)
    assert all((a == b).all() for a, b in zip(before, base.get_weights(), strict=True))
    assert [v.name for v in model.trainable_variables] == ["dense/kernel", "dense/bias"]


def test_gradients_through_a_model_with_a_tape():
    model = Residual()
    with tgl.GradientTape() as tape:
        loss = tgl.square(model(X) - Y).mean()
    gradients = tape.gradient(loss, model.trainable_variables)
    assert [g.shape for g in gradients] == [w.shape for w in model.trainable_variables]
    optim.SGD(0.1).apply_gradients(zip(gradients, model.trainable_variables))
    assert tgl.square(model(X) - Y).mean().item() < loss.item()


# Summary ------------------------------------------------------------------------------------------------------


def test_summary(capsys):
    model = nn.Sequential(
        [nn.Flatten(), nn.Dense(512, "relu", name="hidden"), nn.Dropout(0.5), nn.Dense(10, trainable=False)]
    )
    model.build((None, 28, 28))
    model.summary()
    # 784 · 512 + 512 and 512 · 10 + 10, of four bytes each
    assert capsys.readouterr().out.splitlines() == [
        "Model: sequential",
        "──────────────────────────────────────────",
        "Layer    Type     Output shape  Parameters",
        "──────────────────────────────────────────",
        "flatten  Flatten  (None, 784)            0",
        "hidden   Dense    (None, 512)      401,920",
        "dropout  Dropout  (None, 512)            0",
        "dense    Dense    (None, 10)         5,130",
        "──────────────────────────────────────────",
        "Parameters: 407,050 (1.6 MiB), trainable: 401,920, others: 5,130",
    ]


def test_summary_before_there_are_weights():
    lines = []
    nn.Sequential([nn.Flatten(), nn.Dense(10)], name="mine").summary(print_fn=lines.append)
    (text,) = lines
    assert "Model: mine" in text
    assert text.count("not built") == 2
    assert text.endswith("Parameters: not made yet. Call the model on a batch, or build(input_shape).")


def test_summary_of_nested_models_and_layers_that_are_not_used():
    class Outer(nn.Model):
        def __init__(self):
            super().__init__()
            self.inner, self.head, self.unused = Residual(), nn.Dense(2), nn.Dense(99)

        def call(self, x):
            return self.head(self.inner(x))

    model = Outer()
    model(X)
    rows = [line.split() for line in model.summary_text().splitlines()[4:-2]]
    assert rows == [
        ["residual", "Residual", "(None,", "1)", "28"],
        ["dense", "Dense", "(None,", "2)", "4"],
        ["dense_1", "Dense", "not", "built", "?"],
    ]
    assert model.summary_text().endswith("Parameters: 32 (128 bytes), trainable: 32, others: 0")


def test_summary_where_the_output_knows_no_lines(monkeypatch):
    """Windows's code pages and the C locale: a table with other lines, instead of a UnicodeEncodeError."""
    output = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", output)
    nn.Sequential([nn.Dense(1)]).summary()
    output.flush()
    assert b"\n-----" in output.buffer.getvalue()


# Compiling ----------------------------------------------------------------------------------------------------


def test_compile_takes_names_and_objects():
    model = nn.Sequential([nn.Dense(1)])
    model.compile()
    assert isinstance(model.optimizer, optim.RMSProp)  # Keras's default
    optimizer, loss = optim.SGD(), nn.losses.Huber()
    model.compile(optimizer, loss)
    assert model.optimizer is optimizer
    assert model.loss is loss
    model.compile(optimizer="adam", loss="mse", metrics=["mae"])
    assert isinstance(model.optimizer, optim.Adam)
    assert isinstance(model.loss, nn.losses.MeanSquaredError)


def test_compiling_again_keeps_the_weights():
    model = nn.Sequential([nn.Dense(1)])
    model.compile("adam", "mse")
    model.fit(X, Y, verbose=0)
    weights = model.get_weights()
    model.compile("sgd", "mae", metrics=["mse"])
    assert all((a == b).all() for a, b in zip(weights, model.get_weights(), strict=True))
    history = model.fit(X, Y, verbose=0)
    assert list(history.history) == ["loss", "mse"]
    assert model.optimizer.iterations.item() == 1


@pytest.mark.parametrize(
    ("units", "activation", "loss", "labels"),
    [
        (2, "softmax", "sparse_categorical_crossentropy", lambda y: y),
        (2, "softmax", "categorical_crossentropy", lambda y: np.eye(2)[y]),
        (1, "sigmoid", "binary_crossentropy", lambda y: y[:, None]),
        (1, None, nn.losses.BinaryCrossentropy(from_logits=True), lambda y: y[:, None]),
        (2, None, nn.losses.SparseCategoricalCrossentropy(from_logits=True), lambda y: y),
        (2, "softmax", "mse", lambda y: np.eye(2)[y]),
    ],
)
def test_accuracy_is_the_one_that_fits(units, activation, loss, labels):
    model = nn.Sequential([nn.Dense(units, activation)])
    model.compile("sgd", loss, metrics=["accuracy"])
    y = (X[:, 0] > 0.2).astype("int64")
    outputs = model.predict(X, verbose=0)
    threshold = 0.5 if activation else 0.0
    predicted = outputs.argmax(axis=1) if units == 2 else (outputs[:, 0] > threshold)
    results = model.evaluate(X, labels(y), verbose=0, return_dict=True)
    assert results["accuracy"] == (predicted == y).mean()


def test_metrics_of_a_model():
    model = nn.Sequential([nn.Dense(1)])
    model.compile("sgd", "mse", metrics=["mae"])
    assert [metric.name for metric in model.metrics] == ["loss"]  # the others wait for the first batch
    model.evaluate(X, Y, verbose=0)
    assert [metric.name for metric in model.metrics] == ["loss", "mae"]
    assert model.metrics[1].result().item() > 0
    model.reset_metrics()
    assert model.metrics[1].result().item() == 0
