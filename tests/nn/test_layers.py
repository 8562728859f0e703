"""Layers: finding weights, names, building, training mode, dtypes, randomness; and what the four layers compute."""

import copy
import pickle
import threading

import numpy as np
import pytest

import tinygrad_lite as tgl
from tinygrad_lite import nn
from tinygrad_lite.testing import check_gradients

ONES = np.ones((2, 3), "float32")


def names(layer):
    return [weight.name for weight in layer.weights]


def built(layer, features=3):
    layer(np.ones((1, features), "float32"))
    return layer


class Block(nn.Layer):
    """Layers in all kinds of containers, in an order of its own."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.first = nn.Dense(3)
        self.listed = [nn.Dense(3), [nn.Dense(3)]]
        self.keyed = {"z": nn.Dense(3), "a": (nn.Dense(3),)}
        self.shift = tgl.Variable(0.0, name="shift")
        self.note = "not a layer"

    def call(self, x):
        for layer in (*self.keyed["a"], self.first, self.listed[0], self.listed[1][0], self.keyed["z"]):
            x = layer(x)
        return x + self.shift


# Weights ------------------------------------------------------------------------------------------------------


def test_weights_are_found_through_attributes_lists_and_dicts():
    """In the order of the attributes, whatever the order of the calls."""
    block = built(Block())
    layers = [block.first, block.listed[0], block.listed[1][0], block.keyed["z"], block.keyed["a"][0]]
    expected = [block.shift, *(weight for layer in layers for weight in (layer.kernel, layer.bias))]
    assert len(block.weights) == 11
    assert all(a is b for a, b in zip(block.weights, expected, strict=True))
    assert block.variables == block.weights
    assert block.trainable_variables == block.trainable_weights == block.weights
    assert block.count_params() == 1 + 5 * 12


def test_the_order_is_that_of_every_other_layer_made_alike():
    first, second = built(Block()), built(Block())
    assert names(first) == names(second)
    second.set_weights(first.get_weights())
    x = np.random.default_rng(0).normal(size=(4, 3)).astype("float32")
    assert (first(x).numpy() == second(x).numpy()).all()


def test_gradients_reach_all_of_them():
    block = built(Block())
    with tgl.GradientTape() as tape:
        loss = block(ONES).sum()
    gradients = tape.gradient(loss, block.trainable_weights)
    assert [g.shape for g in gradients] == [w.shape for w in block.trainable_weights]


def test_a_layer_that_is_held_twice_counts_once():
    class Twice(nn.Layer):
        def __init__(self):
            super().__init__()
            self.a = nn.Dense(3)
            self.b = [self.a]
            self.w = self.also_w = tgl.Variable(1.0)

        def call(self, x):
            return self.b[0](self.a(x)) * self.w

    layer = built(Twice())
    assert len(layer.weights) == 3


def test_layers_that_know_each_other():
    class Parent(nn.Layer):
        def __init__(self):
            super().__init__()
            self.child = nn.Dense(3)
            self.child.parent = self
            self.loop = [self.child]
            self.loop.append(self.loop)

        def call(self, x):
            return self.child(x)

    parent = built(Parent())
    assert names(parent) == ["parent/dense/kernel", "parent/dense/bias"]
    assert parent.count_params() == 12


def test_a_layer_may_come_later():
    """Attributes are looked at when weights are asked for, so nothing needs to be registered."""
    block = built(Block())
    block.extra = built(nn.Dense(1))
    assert block.weights[-1] is block.extra.bias
    del block.extra
    assert len(block.weights) == 11


def test_own_weights_with_and_without_training():
    class Counting(nn.Layer):
        def build(self, input_shape):
            self.scale = self.add_weight(input_shape[-1:], "ones", name="scale")
            self.count = self.add_weight((), "zeros", dtype="int64", trainable=False, name="count")

        def call(self, x):
            self.count.assign_add(1)
            return x * self.scale

    layer = Counting()
    layer(ONES)
    layer(ONES)
    assert [w.name for w in layer.trainable_weights] == ["counting/scale"]
    assert [w.name for w in layer.non_trainable_weights] == ["counting/count"]
    assert names(layer) == ["counting/scale", "counting/count"]
    assert layer.count.item() == 2
    assert layer.count.dtype == "int64"


def test_frozen_layers():
    block = built(Block())
    block.listed[0].trainable = False
    assert len(block.trainable_weights) == 9
    assert all(a is b for a, b in zip(block.non_trainable_weights, block.listed[0].weights, strict=True))
    assert len(block.weights) == 11
    block.trainable = False  # all inside too
    assert block.trainable_weights == []
    assert not block.first.trainable
    block.first.trainable = True  # of no use while the layer around it is frozen
    assert block.trainable_weights == []
    block.trainable = True
    assert len(block.trainable_weights) == 11
    assert nn.Dense(2, trainable=False).trainable is False


def test_weights_before_there_are_any():
    message = (
        r"The Dense 'dense' expected an input before its weights are asked for: 'dense' is not built\. Call it on a "
        r"batch first, or build\(input_shape\), for example build\(\(None, 784\)\)"
    )
    with pytest.raises(ValueError, match=message):
        _ = nn.Dense(3).weights
    with pytest.raises(ValueError, match="'block' expected an input"):
        _ = Block().trainable_variables
    assert nn.Flatten().weights == nn.Dropout(0.5).weights == []


def test_get_and_set_weights():
    layer = built(nn.Dense(2))
    kernel = layer.get_weights()[0]
    kernel[:] = 7  # a copy
    assert (layer.kernel.numpy() != 7).all()
    layer.set_weights([kernel, [1.0, 2.0]])
    assert (layer.kernel.numpy() == 7).all()
    assert layer.bias.numpy().tolist() == [1.0, 2.0]
    layer.set_weights([tgl.zeros((3, 2)), np.zeros(2)])  # float64 is converted
    assert layer.kernel.dtype == layer.bias.dtype == "float32"


def test_set_weights_that_do_not_fit():
    layer = built(nn.Dense(2))
    before = layer.get_weights()
    message = r"expected a list of 2 arrays \(dense/kernel \(3, 2\), dense/bias \(2,\)\)\. Received: a list of 1"
    with pytest.raises(ValueError, match=message):
        layer.set_weights([np.ones((3, 2))])
    message = r"array of shape \(2,\) for dense/bias\. Received: weights\[1\]\.shape=\(3,\)\. Is the order that of"
    with pytest.raises(ValueError, match=message):
        layer.set_weights([np.ones((3, 2)), np.ones(3)])
    assert all((a == b).all() for a, b in zip(before, layer.get_weights(), strict=True))


@pytest.mark.parametrize("shape", [(None, 3), (-1,)])
def test_add_weight_of_an_unknown_shape(shape):
    with pytest.raises(ValueError, match=r"dense\.add_weight expected a shape of known lengths\. Received: shape="):
        nn.Dense(3).add_weight(shape)


def test_add_weight_with_the_name_first():
    with pytest.raises(TypeError, match=r"add_weight expected a shape first\. Received: shape='w'\. Pass .*name='w'"):
        nn.Dense(3).add_weight("w", (3,))


def test_add_weight_of_one_axis_or_none():
    layer = nn.Layer()
    assert layer.add_weight(3, "ones").numpy().tolist() == [1.0, 1.0, 1.0]
    assert layer.add_weight().shape == ()


# Names --------------------------------------------------------------------------------------------------------


def test_names_come_from_classes():
    class HTTPLikeBlock2D(nn.Layer):
        pass

    assert nn.Dense(1).name == "dense"
    assert HTTPLikeBlock2D().name == "http_like_block2_d"
    assert nn.Dense(1, name="mine").name == "mine"
    assert repr(nn.Dense(1, name="mine")) == "<Dense 'mine'>"


def test_names_differ_within_a_layer():
    block = built(Block())
    assert names(block) == [
        "shift",
        *(
            f"block/{layer}/{w}"
            for layer in ("dense", "dense_1", "dense_2", "dense_3", "dense_4")
            for w in ("kernel", "bias")
        ),
    ]


def test_names_do_not_depend_on_what_was_made_before():
    for _ in range(2):
        model = nn.Sequential([nn.Dense(2), nn.Dense(2, name="dense_1"), nn.Dense(2)])
        assert [layer.name for layer in model.layers] == ["dense", "dense_1", "dense_2"]


def test_names_of_nested_layers():
    model = nn.Sequential([nn.Sequential([nn.Dense(3), nn.Dense(3)]), nn.Sequential([nn.Dense(3)], name="head")])
    built(model)
    assert names(model) == [
        "sequential/dense/kernel", "sequential/dense/bias", "sequential/dense_1/kernel", "sequential/dense_1/bias",
        "head/dense/kernel", "head/dense/bias",
    ]  # fmt: skip


def test_names_of_layers_that_were_built_before():
    parts = [nn.Sequential([nn.Input((3,)), nn.Dense(3)]) for _ in range(2)]
    assert names(parts[0]) == names(parts[1]) == ["dense/kernel", "dense/bias"]
    model = built(nn.Sequential([*parts, built(nn.Dense(3)), built(nn.Dense(3))]))
    assert names(model) == [
        f"{layer}/{weight}"
        for layer in ("sequential/dense", "sequential_1/dense", "dense", "dense_1")
        for weight in ("kernel", "bias")
    ]


@pytest.mark.parametrize("name", ["", "a/b", 3])
def test_names_that_are_none(name):
    with pytest.raises(
        ValueError, match=r"Dense expected a name that is a printable string without '/'\. Received: name="
    ):
        nn.Dense(3, name=name)


# Building and calling -----------------------------------------------------------------------------------------


def test_lazy_build():
    layer = nn.Dense(2)
    assert not layer.built
    layer(ONES)
    assert layer.built
    assert layer.kernel.shape == (3, 2)
    kernel = layer.kernel
    layer(ONES)
    assert layer.kernel is kernel


def test_build_by_hand():
    """As Keras's users do; calling the layer afterwards, or building it once more, makes no second set of weights."""
    layer = nn.Dense(2)
    layer.build((None, 3))
    assert layer.built
    kernel = layer.kernel
    layer.build((None, 3))
    layer(ONES)
    assert layer.kernel is kernel
    assert names(layer) == ["dense/kernel", "dense/bias"]


def test_build_of_subclasses_that_call_super():
    class Scaled(nn.Dense):
        def build(self, input_shape):
            super().build(input_shape)
            self.scale = self.add_weight((), "ones", name="scale")
            self.inner = [nn.Dense(2), nn.Dense(2)]
            for layer in self.inner:
                layer.build((None, 2))

        def call(self, x):
            return self.inner[1](self.inner[0](super().call(x))) * self.scale

    expected = ["scaled/kernel", "scaled/bias", "scaled/scale"]
    expected += [f"scaled/{layer}/{w}" for layer in ("dense", "dense_1") for w in ("kernel", "bias")]
    by_hand, by_call = Scaled(2), Scaled(2)
    by_hand.build((None, 3))
    assert names(by_hand) == names(built(by_hand)) == names(built(by_call)) == expected


def test_build_is_told_the_shape_without_the_batch():
    class Noting(nn.Layer):
        def build(self, input_shape):
            self.shapes = [*getattr(self, "shapes", []), input_shape]

        def call(self, x):
            return x[0] if isinstance(x, (list, tuple)) else x["a"] if isinstance(x, dict) else x

    one, many, keyed = Noting(), Noting(), Noting()
    one(ONES), one(ONES[:1])
    many([tgl.constant(ONES), tgl.ones((2, 5))])
    keyed({"a": tgl.constant(ONES), "b": ONES})
    assert one.shapes == [(None, 3)]
    assert many.shapes == [[(None, 3), (None, 5)]]
    assert keyed.shapes == [{"a": (None, 3), "b": (None, 3)}]


def test_inputs_may_be_arrays_and_lists_of_numbers():
    layer = nn.Dense(1, kernel_initializer="ones")
    for x in (tgl.constant(ONES), ONES, ONES.tolist(), np.ones((2, 3), int), ONES.astype("float64")):
        y = layer(x)
        assert y.numpy().tolist() == [[3.0], [3.0]]
        assert y.dtype == "float32"


def test_compute_output_shape():
    assert nn.Dense(7).compute_output_shape((None, 3)) == (None, 7)
    assert nn.Flatten().compute_output_shape((None, 28, 28)) == (None, 784)
    assert Block().compute_output_shape((None, 3)) == (None, 3)


def test_a_layer_without_call():
    with pytest.raises(NotImplementedError, match=r"Mine has no call\. Add one:\n\n    def call\(self, inputs\)"):
        type("Mine", (nn.Layer,), {})()(ONES)


def test_a_call_that_returns_nothing():
    mine = type("Mine", (nn.Layer,), {"call": lambda self, inputs: None})()
    with pytest.raises(ValueError, match=r"Mine\.call expected to return a Tensor\. Received: None\. Add `return`"):
        mine(ONES)


@pytest.mark.parametrize("base", [nn.Layer, nn.Model])
def test_a_layer_that_forgets_super_init(base):
    class Mine(base):
        def __init__(self):
            self.dense = nn.Dense(3)

        def call(self, x):
            return self.dense(x)

    uses = [lambda mine: mine(ONES), lambda mine: mine.weights, repr]
    if base is nn.Model:
        uses += [lambda mine: mine.fit(ONES, ONES), lambda mine: mine.predict(ONES), lambda mine: mine.summary()]
    for use in uses:
        with pytest.raises(
            RuntimeError, match=r"Mine\.__init__ must call super\(\)\.__init__\(\) before .* first line"
        ):
            use(Mine())


def test_a_misspelt_attribute():
    with pytest.raises(AttributeError, match="'Dense' object has no attribute 'kernle'"):
        _ = nn.Dense(3).kernle


def test_errors_leave_nothing_behind():
    """After a call that failed, layers are called outside of training, and on their own, again."""

    class Failing(nn.Layer):
        def call(self, x):
            raise KeyboardInterrupt

    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            nn.Sequential([Failing()])(ONES, training=True)
    assert (nn.Dropout(0.9)(np.ones((1, 1000))).numpy() == 1).all()
    assert names(built(nn.Dense(1))) == ["dense/kernel", "dense/bias"]


def test_threads_do_not_see_each_others_training():
    seen = []
    dropout = nn.Dropout(0.5)

    class Waiting(nn.Layer):
        def call(self, x):
            thread = threading.Thread(target=lambda: seen.append((dropout(x).numpy() == 1).all()))
            thread.start()
            thread.join()
            return x

    Waiting()(np.ones((1, 1000), "float32"), training=True)
    assert seen == [True]


# Training mode ------------------------------------------------------------------------------------------------


def test_training_reaches_the_layers_inside():
    model = nn.Sequential([nn.Sequential([nn.Dropout(0.5)])])
    x = np.ones((1, 1000), "float32")
    assert (model(x).numpy() == 1).all()
    assert (model(x, training=False).numpy() == 1).all()
    assert set(model(x, training=True).numpy().ravel().tolist()) == {0.0, 2.0}


def test_a_layer_can_be_told_otherwise():
    class Mine(nn.Layer):
        def __init__(self):
            super().__init__()
            self.dropout = nn.Dropout(0.5)

        def call(self, x, training=False):
            return self.dropout(x, training=False), self.dropout(x), training

    x = np.ones((1, 1000), "float32")
    off, on, training = Mine()(x, training=True)
    assert training is True
    assert (off.numpy() == 1).all()
    assert (on.numpy() != 1).any()


def test_call_with_other_arguments():
    class Masked(nn.Layer):
        def call(self, x, mask, *, scale=1.0):
            return x * mask * scale

    assert Masked()(ONES, np.array([0, 1, 1], "float32"), scale=2.0).numpy()[0].tolist() == [0.0, 2.0, 2.0]


# dtypes -------------------------------------------------------------------------------------------------------


def test_float64():
    layer = nn.Dense(2, "relu", dtype="float64")
    y = layer(ONES.astype("float64"))
    assert y.dtype == layer.kernel.dtype == layer.bias.dtype == "float64"
    assert layer(ONES).dtype == "float64"


def test_layers_without_weights_leave_float64_as_it_is():
    x = np.ones((2, 3, 4))
    for layer in (nn.Flatten(), nn.Dropout(0.5), nn.Activation("relu")):
        assert layer(x).dtype == "float64"
        assert layer(x, training=True).dtype == "float64"
    model = nn.Sequential(
        [nn.Flatten(), nn.Dense(3, dtype="float64"), nn.Activation("tanh"), nn.Dense(1, dtype="float64")]
    )
    assert model(x).dtype == "float64"


def test_gradients_through_layers():
    for layer in (
        nn.Dense(2, "tanh", dtype="float64"),
        nn.Dense(2, use_bias=False, dtype="float64"),
        nn.Sequential([nn.Dense(4, "softplus", dtype="float64"), nn.Dense(2, "softmax", dtype="float64")]),
    ):
        x = np.random.default_rng(0).normal(size=(3, 3))
        check_gradients(layer, x)
        weights = layer.weights
        values = [w.numpy().copy() for w in weights]

        def as_function_of_the_weights(*values, layer=layer, x=x):
            y = tgl.constant(x)
            for dense in layer.layers if isinstance(layer, nn.Sequential) else [layer]:
                mine, values = values[: len(dense.weights)], values[len(dense.weights) :]
                y = dense.activation(y @ mine[0] + (mine[1] if dense.use_bias else 0.0))
            return y

        check_gradients(as_function_of_the_weights, *values)
        with tgl.GradientTape() as tape:  # and the layer's own gradients are those
            loss = tgl.square(layer(x)).sum()
        mine = tape.gradient(loss, weights)
        tensors = [tgl.constant(v) for v in values]
        with tgl.GradientTape() as tape:
            for tensor in tensors:
                tape.watch(tensor)
            loss = tgl.square(as_function_of_the_weights(*tensors)).sum()
        for a, b in zip(mine, tape.gradient(loss, tensors), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-12)


@pytest.mark.parametrize("dtype", ["int32", "bool", "complex64"])
def test_dtypes_that_carry_no_gradient(dtype):
    with pytest.raises(
        ValueError, match=rf"Dense expected a floating dtype\. Received: dtype='{dtype}'\. Try 'float32'"
    ):
        nn.Dense(3, dtype=dtype)


# Randomness ---------------------------------------------------------------------------------------------------


def kernels(make, seed=1):
    tgl.random.set_seed(seed)
    model = make()
    model.build((None, 3))
    return [layer.kernel.numpy() for layer in model.layers if isinstance(layer, nn.Dense)]


def test_the_same_seed_gives_the_same_weights():
    make = lambda: nn.Sequential([nn.Dense(4), nn.Dense(4)])
    first, second, other = kernels(make), kernels(make), kernels(make, seed=2)
    assert all((a == b).all() for a, b in zip(first, second, strict=True))
    assert all((a != b).any() for a, b in zip(first, other, strict=True))
    tgl.random.set_seed(1)
    a, b = nn.Dense(4), nn.Dense(4)
    assert (built(a).kernel.numpy() != built(b).kernel.numpy()).any()  # two layers do not start alike


def test_adding_a_layer_does_not_change_what_others_draw():
    plain = kernels(lambda: nn.Sequential([nn.Dense(4), nn.Dense(4)]))
    more = kernels(
        lambda: nn.Sequential(
            [nn.Flatten(), nn.Dense(4), nn.Dropout(0.5), nn.Dense(4, name="new"), nn.Activation("relu"), nn.Dense(4)]
        )
    )
    assert (plain[0] == more[0]).all()
    assert (plain[1] == more[2]).all()


def test_the_order_of_building_does_not_matter():
    tgl.random.set_seed(1)
    a, b = nn.Dense(4), nn.Dense(4)
    built(a), built(b)
    tgl.random.set_seed(1)
    c, d = nn.Dense(4), nn.Dense(4)
    built(d), built(c)
    assert (a.kernel.numpy() == c.kernel.numpy()).all()
    assert (b.kernel.numpy() == d.kernel.numpy()).all()


# Copies -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda layer: pickle.loads(pickle.dumps(layer))])
def test_copies_are_equal_and_independent(copied):
    model = built(nn.Sequential([nn.Dense(4, "relu"), nn.Dropout(0.5), nn.Dense(2, "softmax")]))
    twin = copied(model)
    assert (twin(ONES).numpy() == model(ONES).numpy()).all()
    assert names(twin) == names(model)
    assert (twin(ONES, training=True).numpy() == model(ONES, training=True).numpy()).all()  # the streams too
    twin.layers[0].kernel.assign(np.zeros((3, 4)))
    assert (model.layers[0].kernel.numpy() != 0).any()


def test_from_config():
    layers = [
        nn.Dense(3, "relu", use_bias=False, kernel_initializer="he_normal", name="d", dtype="float64", trainable=False),
        nn.Dropout(0.25, seed=3),
        nn.Flatten(input_shape=(2, 3)),
        nn.Activation("tanh"),
    ]
    for layer in layers:
        twin = type(layer).from_config(layer.get_config())
        assert type(twin) is type(layer)
        assert twin.get_config() == layer.get_config()


# The layers ---------------------------------------------------------------------------------------------------


def test_dense():
    layer = nn.Dense(2, kernel_initializer=[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], bias_initializer=[10.0, 20.0])
    # [1, 0, -1] · kernel = [1 - 5, 2 - 6]
    assert layer([[1.0, 0.0, -1.0]]).numpy().tolist() == [[6.0, 16.0]]
    layer = nn.Dense(2, "relu", use_bias=False, kernel_initializer=[[1.0, -2.0]])
    assert layer([[3.0]]).numpy().tolist() == [[3.0, 0.0]]
    assert names(layer) == ["dense/kernel"]
    assert layer.bias is None


def test_dense_of_more_axes():
    x = np.random.default_rng(0).normal(size=(2, 5, 3)).astype("float32")
    for use_bias in (True, False):
        layer = nn.Dense(4, use_bias=use_bias, bias_initializer="ones")
        y = layer(x)
        assert y.shape == (2, 5, 4)
        np.testing.assert_allclose(y, x @ layer.kernel.numpy() + float(use_bias), rtol=1e-5, atol=1e-6)


def test_dense_starts_as_in_keras():
    layer = built(nn.Dense(1000), 500)
    limit = np.sqrt(6 / 1500)
    assert 0.99 * limit < abs(layer.kernel.numpy()).max() <= limit
    assert (layer.bias.numpy() == 0).all()


@pytest.mark.parametrize("units", [0, -1, 2.5, "3", True, None])
def test_dense_with_no_number_of_units(units):
    with pytest.raises(
        ValueError, match=r"Dense expected a positive integer\. Received: units=.*\. Try nn\.Dense\(10\)"
    ):
        nn.Dense(units)


def test_dense_with_the_wrong_number_of_features():
    """Names the layer, both shapes, and what to do."""
    layer = built(nn.Dense(10, name="hidden"), 784)
    for shape, fix in [
        ((128, 28, 28), r"Put nn\.Flatten\(\) before it"),
        ((128, 100), r"Pass 784 features, as when it was built, or make a new layer"),
        ((784,), r"A single sample needs a batch axis: x\[None, :\]"),
    ]:
        message = (
            r"hidden expected inputs with last axis 784, since its kernel has shape \(784, 10\)\. Received: "
            rf"inputs\.shape={shape}\. ".replace(f"={shape}", "=" + str(shape).replace("(", r"\(").replace(")", r"\)"))
            + fix
        )
        with pytest.raises(ValueError, match=message):
            layer(np.zeros(shape, "float32"))


def test_dense_of_samples_without_features():
    with pytest.raises(
        ValueError, match=r"dense expected inputs of shape \(batch, features\)\. .*=\(None,\)\. Use x\[:, None\]"
    ):
        nn.Dense(3)(np.ones(5))


def test_flatten():
    x = np.arange(24.0).reshape(2, 3, 4)
    assert (nn.Flatten()(x).numpy() == x.reshape(2, 12)).all()
    assert nn.Flatten()(x[:0]).shape == (0, 12)
    assert nn.Flatten()(x[:, 0]).shape == (2, 4)
    assert nn.Flatten()(np.ones(5)).shape == (5, 1)
    assert nn.Flatten()(np.zeros((2, 2, 2), "uint8")).dtype == "uint8"
    with pytest.raises(ValueError, match=r"flatten expected a batch axis\. Received: inputs\.shape=\(\)"):
        nn.Flatten()(1.0)


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_dropout(rate):
    layer = nn.Dropout(rate, seed=0)
    x = np.full((100, 1000), 3.0, "float32")
    y = layer(x, training=True).numpy()
    assert y.dtype == "float32"
    assert (y == 0).mean() == pytest.approx(rate, abs=0.01)
    np.testing.assert_allclose(y[y != 0], 3 / (1 - rate), rtol=1e-6)
    assert y.mean() == pytest.approx(3.0, rel=0.03)  # the expected value stays
    assert (layer(x, training=True).numpy() != y).any()  # another mask at every call
    assert (layer(x).numpy() == x).all()


def test_dropout_drops_the_gradient_where_it_drops_the_value():
    x = tgl.ones((1, 100))
    with tgl.GradientTape() as tape:
        tape.watch(x)
        y = nn.Dropout(0.5)(x, training=True)
    assert (tape.gradient(y, x).numpy() == y.numpy()).all()


def test_dropout_of_rate_zero():
    assert (nn.Dropout(0.0)(ONES, training=True).numpy() == ONES).all()


def test_dropout_with_a_seed():
    first, second, other = nn.Dropout(0.5, seed=1), nn.Dropout(0.5, seed=1), nn.Dropout(0.5, seed=2)
    x = np.ones((1, 100), "float32")
    for _ in range(2):
        y = first(x, training=True).numpy()
        assert (y == second(x, training=True).numpy()).all()
        assert (y != other(x, training=True).numpy()).any()


@pytest.mark.parametrize("rate", [-0.1, 1.0, 50, "0.5", None, True, float("nan")])
def test_dropout_with_no_rate(rate):
    with pytest.raises(ValueError, match=r"Dropout expected a rate of at least 0 and below 1\. Received: rate="):
        nn.Dropout(rate)


@pytest.mark.parametrize("shape", [(None, 784), (-1,), (2.5,)])
def test_input_of_no_sample_shape(shape):
    message = r"expected the shape of one sample, without the batch axis\. Received: .* For MNIST that is \(28, 28\)"
    with pytest.raises(ValueError, match="Input " + message):
        nn.Input(shape)
    with pytest.raises(ValueError, match="Flatten " + message):
        nn.Flatten(input_shape=shape)
