"""Saving and loading: the same bits afterwards, and no harm from wrong or hostile files."""

import json
import tracemalloc
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_lite as tgl
from tinygrad_lite import nn, optim
from tinygrad_lite.nn.saving import registry
from tinygrad_lite.nn.saving.weights import weight_names
from tinygrad_lite.utils.archive import Archive, write_archive

X = np.random.default_rng(0).normal(size=(96, 6)).astype("float32")
Y = np.random.default_rng(1).integers(0, 3, 96)


def network(**dropout):
    return nn.Sequential(
        [nn.Flatten(), nn.Dense(8, "relu"), nn.Dropout(0.3, **dropout), nn.Dense(3, activation="softmax")]
    )


def trained(optimizer="rmsprop", model=None):
    model = model or network()
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(X, Y, batch_size=16, epochs=2, verbose=0)
    return model


def bits(model):
    return [weight.numpy().tobytes() for weight in model.weights]


@pytest.fixture(autouse=True)
def seed():
    tgl.random.set_seed(3)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.tgl"


# Whole models -------------------------------------------------------------------------------------------------

OPTIMIZERS = [
    "sgd",
    optim.SGD(0.1, momentum=0.9, nesterov=True),
    "momentum",
    optim.RMSProp(0.01, momentum=0.5, centered=True),
    "adagrad",
    optim.Adam(0.01, amsgrad=True),
]


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda o: getattr(o, "name", o))
def test_training_goes_on_with_the_same_bits(path, optimizer):
    model = trained(optimizer)
    model.save(path)
    loaded = nn.load_model(path)
    assert bits(loaded) == bits(model)
    assert [w.name for w in loaded.weights] == [w.name for w in model.weights]
    assert loaded.predict(X, verbose=0).tobytes() == model.predict(X, verbose=0).tobytes()
    assert loaded.evaluate(X, Y, verbose=0) == model.evaluate(X, Y, verbose=0)
    histories = [m.fit(X, Y, batch_size=10, epochs=2, verbose=0).history for m in (model, loaded)]
    assert histories[0] == histories[1]  # shuffling and dropout included
    assert bits(loaded) == bits(model)


def test_ten_single_steps_have_the_same_bits(path):
    model = trained("adam")
    model.save(path)
    loaded = nn.load_model(path)
    for step in range(10):
        batch = X[step : step + 16], Y[step : step + 16]
        assert loaded.train_on_batch(*batch) == model.train_on_batch(*batch)
    assert bits(loaded) == bits(model)


def test_saving_changes_nothing(path):
    tgl.random.set_seed(5)
    model = trained()
    tgl.random.set_seed(5)
    other = trained()
    other.save(path)
    for each in (model, other):
        each.fit(X, Y, epochs=1, verbose=0)
    assert bits(model) == bits(other)


def test_a_model_can_be_saved_before_it_is_built_or_compiled(path):
    network().save(path)
    loaded = nn.load_model(path)
    assert not loaded.built
    assert [layer.name for layer in loaded.layers] == ["flatten", "dense", "dropout", "dense_1"]
    model = network()
    model(X)
    model.save(path)
    assert bits(nn.load_model(path)) == bits(model)
    with pytest.raises(RuntimeError, match="expected a compiled model"):
        nn.load_model(path).fit(X, Y)


def test_settings_come_back(path):
    model = network(seed=7)
    loss = nn.losses.CategoricalCrossentropy(label_smoothing=0.1)
    metrics = ["accuracy", nn.metrics.BinaryAccuracy(threshold=0.25), nn.losses.huber]
    model.compile(optim.SGD(0.25, momentum=0.5), loss, metrics, run_eagerly=True)
    model.get_layer("dense").trainable = False
    model.fit(X, np.eye(3, dtype="float32")[Y], verbose=0)
    model.save(path)
    loaded = nn.load_model(path)
    assert loaded.optimizer.get_config() == model.optimizer.get_config()
    assert loaded.optimizer.iterations.item() == 3
    assert loaded.loss.get_config() == loss.get_config()
    assert loaded.run_eagerly is True
    assert [w.name for w in loaded.trainable_weights] == ["dense_1/kernel", "dense_1/bias"]
    arguments = X, np.eye(3, dtype="float32")[Y]
    results = [m.evaluate(*arguments, verbose=0, return_dict=True) for m in (model, loaded)]
    assert results[0] == results[1]
    assert list(results[0]) == ["loss", "accuracy", "binary_accuracy", "huber"]
    assert not nn.load_model(path, compile=False)._is_compiled


def test_nested_and_shared_layers_come_back(path):
    inner = nn.Sequential([nn.Dense(6, "tanh"), nn.Dense(6)], name="inner")
    inner(X)  # built on its own first: its weights keep the names that they have
    model = nn.Sequential([nn.Input((6,)), inner, nn.Dense(3), nn.Activation("softmax")])
    model = trained(model=model)
    model.save(path)
    loaded = nn.load_model(path)
    assert [w.name for w in loaded.weights] == [w.name for w in model.weights]
    assert bits(loaded) == bits(model)
    assert loaded.fit(X, Y, verbose=0).history == model.fit(X, Y, verbose=0).history


def test_initializers_and_dtypes_come_back(path):
    table = np.arange(12.0).reshape(6, 2)
    model = nn.Sequential(
        [
            nn.Dense(
                2,
                kernel_initializer=table,
                bias_initializer=nn.initializers.RandomNormal(stddev=2.0, seed=4),
                dtype="float64",
            )
        ]
    )
    model(X)
    model.save(path)
    loaded = nn.load_model(path)
    assert loaded.weights[0].dtype == np.float64
    assert bits(loaded) == bits(model)
    again = nn.Dense.from_config(loaded.layers[0].get_config())
    np.testing.assert_array_equal(again.kernel_initializer((6, 2)), table)


def test_adding_to_a_loaded_model(path):
    model = nn.Sequential([nn.Input((6,)), nn.Dense(4)])
    model.save(path)
    loaded = nn.load_model(path)
    loaded.add(nn.Dense(2))
    assert loaded(X).shape == (96, 2)


# Own layers ---------------------------------------------------------------------------------------------------


class Scale(nn.Layer):
    def __init__(self, start, **kwargs):
        super().__init__(**kwargs)
        self.start = start

    def build(self, input_shape):
        self.factor = self.add_weight(input_shape[-1:], nn.initializers.Constant(self.start), name="factor")

    def call(self, inputs):
        return inputs * self.factor

    def get_config(self):
        return super().get_config() | {"start": self.start}


class Residual(nn.Model):
    def __init__(self):
        super().__init__()
        self.blocks = [nn.Dense(6, "relu"), nn.Dense(6)]
        self.scale = Scale(0.5)
        self.out = nn.Dense(3, activation="softmax")

    def call(self, x):
        for block in self.blocks:
            x = x + block(x)
        return self.out(self.scale(x))


def test_own_classes_through_custom_objects(path):
    registry.register(Residual, name="residual-for-this-test")
    registry.register(Scale, name="scale-for-this-test")
    model = trained(model=Residual())
    model.save(path)
    loaded = nn.load_model(path, custom_objects={"residual-for-this-test": Residual})
    assert bits(loaded) == bits(model)
    assert loaded.fit(X, Y, verbose=0).history == model.fit(X, Y, verbose=0).history


def test_what_is_not_registered_cannot_be_saved(path):
    class Unknown(nn.Layer):
        def call(self, inputs):
            return inputs

    with pytest.raises(TypeError, match=r"Decorate Unknown with @nn\.register"):
        nn.Sequential([Unknown()]).save(path)
    with pytest.raises(TypeError, match="Write the lambda as a function with a name"):
        nn.Sequential([nn.Activation(lambda x: x)]).save(path)
    assert not path.exists()


def test_a_config_that_does_not_fit_the_constructor_is_told_when_saving(path):
    @nn.register(name="forgetful")
    class Forgetful(Scale):
        def get_config(self):
            return {"name": self.name}

    with pytest.raises(TypeError, match=r"get_config of Forgetful to give the arguments .* missing .* 'start'"):
        nn.Sequential([Forgetful(1.0)]).save(path)


def test_register():
    with pytest.raises(ValueError, match=r"Received: 'Dense', which is .* Pass another, as in @nn.register\(name="):
        nn.register(type("Dense", (nn.Layer,), {}))
    with pytest.raises(TypeError, match=r"expected a class or a function\. Received: 3"):
        nn.register(3)

    def define():
        @nn.register(name="defined-twice")
        def f(x):
            return x

        return f

    assert define() is not define()  # running a definition again, as notebooks do, is no clash


# Weights ------------------------------------------------------------------------------------------------------


@pytest.fixture(params=[".npz", ".safetensors"])
def weights_path(request, tmp_path):
    if request.param == ".safetensors":
        pytest.importorskip("safetensors", reason="the package safetensors is not installed")
    return tmp_path / f"weights{request.param}"


def test_weights_come_back(weights_path):
    model, other = trained(), network()
    model.save_weights(weights_path)
    other(X)
    report = other.load_weights(weights_path)
    assert bits(other) == bits(model)
    assert report.loaded == [w.name for w in model.weights]
    assert str(report) == "4 weights loaded"


def test_weights_that_do_not_fit_change_nothing(weights_path):
    trained().save_weights(weights_path)
    other = nn.Sequential([nn.Dense(8), nn.Dense(4, name="last")])
    other(X)
    before = bits(other)
    with pytest.raises(ValueError, match="has other weights") as caught:
        other.load_weights(weights_path)
    for line in (
        "last/kernel: expected by the model, not in the file",
        "dense_1/kernel: in the file, not in the model",
        "by_name=True",
    ):
        assert line in str(caught.value)
    assert bits(other) == before


def test_by_name_and_not_strict_report_what_did_not_match(weights_path):
    model = trained()
    model.save_weights(weights_path)
    other = nn.Sequential([nn.Dense(8), nn.Dense(4)])
    other(X)
    with pytest.raises(ValueError, match=r"dense_1/kernel: expected \(8, 4\) float32, received \(8, 3\) float32"):
        other.load_weights(weights_path, by_name=True)
    report = other.load_weights(weights_path, strict=False)
    assert report.loaded == ["dense/kernel", "dense/bias"]
    assert report.mismatched == ["dense_1/kernel", "dense_1/bias"]
    assert bits(other)[:2] == bits(model)[:2]
    third = nn.Sequential([nn.Dense(8), nn.Dense(4, name="last")])
    third(X)
    report = third.load_weights(weights_path, by_name=True)
    assert report.missing == ["last/kernel", "last/bias"]
    assert sorted(report.unexpected) == ["dense_1/bias", "dense_1/kernel"]


def test_nothing_in_common_is_an_error_always(weights_path):
    trained().save_weights(weights_path)
    other = nn.Sequential([nn.Dense(8, name="other")])
    other(X)
    with pytest.raises(ValueError, match="has other weights"):
        other.load_weights(weights_path, strict=False)


def test_damaged_weights_change_nothing(weights_path):
    model = trained()
    model.save_weights(weights_path)
    content = weights_path.read_bytes()
    weights_path.write_bytes(content[: len(content) // 2])
    before = bits(model)
    with pytest.raises(ValueError, match="whole"):
        model.load_weights(weights_path)
    assert bits(model) == before


def test_paths_of_weights(tmp_path):
    model = trained()
    with pytest.raises(ValueError, match=r"ends in \.npz or \.safetensors\. Received: 'a\.h5'\. Keras's formats"):
        model.save_weights("a.h5")
    with pytest.raises(ValueError, match="Use save_weights for weights alone"):
        model.save("a.npz")
    with pytest.raises(FileNotFoundError):
        model.load_weights(tmp_path / "nowhere.npz")


def test_weights_of_other_programs(tmp_path):
    model = nn.Sequential([nn.Dense(3)])
    model(X)
    kernel = np.asfortranarray(np.arange(18, dtype="float32").reshape(6, 3))
    np.savez_compressed(tmp_path / "theirs.npz", **{"dense/kernel": kernel, "dense/bias": np.ones(6, "f4")[::2]})
    model.load_weights(tmp_path / "theirs.npz")
    np.testing.assert_array_equal(model.weights[0].numpy(), kernel)


def test_odd_names_are_harmless(tmp_path):
    names = ["a", "a", "../../etc/passwd", "c:\\x", "..", "", "a//b", "/", "zwölf", "%41", "a\0b"]
    weights = [tgl.Variable(float(n), name=name) for n, name in enumerate(names)]
    named = weight_names(weights)
    assert list(named.values()) == weights
    write_archive(tmp_path / "odd.npz", {name: weight.numpy() for name, weight in named.items()})
    with Archive(tmp_path / "odd.npz") as archive:
        assert [archive.array(name).item() for name in named] == list(range(len(names)))


# Hostile models -----------------------------------------------------------------------------------------------


def changed(path, change):
    """The model's file with its JSON changed by `change`, arrays as they are."""
    with zipfile.ZipFile(path) as file:
        entries = {name: file.read(name) for name in file.namelist()}
    description = json.loads(entries["model.json"])
    change(description)
    entries["model.json"] = json.dumps(description).encode()
    with zipfile.ZipFile(path, "w") as file:
        for name, content in entries.items():
            file.writestr(name, content)


def setter(*keys, value):
    def change(description):
        for key in keys[:-1]:
            description = description[key]
        description[keys[-1]] = value

    return change


LAYERS = ("model", "config", "layers")
GIGANTIC = 10**9
HOSTILE = {
    "a foreign class": (setter(*LAYERS, 1, "class", value="os.system"), "Unknown class or function"),
    "a class that is no layer": (setter(*LAYERS, 1, value={"class": "Adam", "config": {}}), "expected layers"),
    "no model": (setter("model", value={"class": "Adam", "config": {}}), "which is not a Model"),
    "no configuration": (setter("model", value=None), "which is not a Model"),
    "arguments that do not exist": (setter(*LAYERS, 1, "config", "evil", value=1), "arguments of Dense"),
    "arguments of a wrong type": (setter(*LAYERS, 1, "config", "units", value="8"), "positive integer"),
    "gigantic units": (setter(*LAYERS, 1, "config", "units", value=GIGANTIC), "bytes of weights"),
    "more units": (setter(*LAYERS, 1, "config", "units", value=9), "weights"),
    "a gigantic input": (setter("layers", 2, "build_shape", value={"tuple": [None, GIGANTIC]}), "bytes of weights"),
    "another format": (setter("format", value=99), "it has format 99"),
    "layers missing": (lambda d: d["layers"].pop(), "layer"),
    "layers too many": (lambda d: d["layers"].append(d["layers"][-1]), "layer"),
    "layers in another order": (lambda d: d["layers"].reverse(), "layer 1 is a Sequential here, and Dense there"),
    "no layers": (setter("layers", value=[]), "nothing there"),
    "layers that are numbers": (setter("layers", value=7), "TypeError"),
    "an optimizer for others": (setter("optimizer_variables", value=["a"]), r"made for the weights \['a'\]"),
    "a stream that is not one": (setter("layers", 0, "streams", "stream", value={"bit_generator": "PCG64"}), "state"),
    "another optimizer": (setter("compile", "optimizer", "class", value="SGD"), "arguments of SGD"),
    "a loss that is a layer": (
        setter("compile", "loss", value={"class": "Flatten", "config": {}}),
        "its loss is <Flatten",
    ),
    "nested for ever": (setter("model", "config", "layers", value=[]), "layer"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_models_are_refused(path, case):
    change, reason = HOSTILE[case]
    trained().save(path)
    changed(path, change)
    tracemalloc.start()
    with pytest.raises(ValueError, match=reason) as caught:
        nn.load_model(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert "model.tgl" in str(caught.value)
    assert peak < 10 << 20


def test_a_file_of_weights_is_no_model(tmp_path):
    trained().save_weights(tmp_path / "weights.npz")
    with pytest.raises(ValueError, match=r"it has no model\.json, but dense/kernel"):
        nn.load_model(tmp_path / "weights.npz")


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    path = tmp_path_factory.mktemp("saved") / "saved.tgl"
    trained().save(path)
    with zipfile.ZipFile(path) as file:
        return {name: file.read(name) for name in file.namelist()}


JUNK = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(
    ["Dense", "Adam", "relu", "losses.Huber", {"class": "Sequential", "config": {}}, {"object": "Dense"}, [], {},
     {"tuple": [None, 3]}, {"array": [1, "a"], "dtype": "float32"}, {"array": "inf", "dtype": "float"}, 10**30]
)  # fmt: skip


@given(st.data())
def test_any_value_anywhere_is_a_value_error_or_harmless(saved, tmp_path_factory, data):
    description = json.loads(saved["model.json"])
    place, keys = description, []
    while isinstance(place, (dict, list)) and place:
        key = data.draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
        keys.append(key)
        parent, place = place, place[key]
        if data.draw(st.booleans()):
            break
    parent[keys[-1]] = data.draw(JUNK)
    path = tmp_path_factory.getbasetemp() / "fuzzed.tgl"
    with zipfile.ZipFile(path, "w") as file:
        for name, content in (saved | {"model.json": json.dumps(description).encode()}).items():
            file.writestr(name, content)
    reason = None
    try:
        nn.load_model(path)
    except ValueError as error:
        reason = str(error)
    assert reason is None or "fuzzed.tgl" in reason
