"""Every name of `compat` takes the parameters of its original: in its order, with its defaults.

The originals are in signatures.txt, which signatures.py makes of an installed TensorFlow.
"""

import enum
import importlib.util
import inspect
from pathlib import Path

import pytest

import tinygrad_lite.compat.tensorflow as tf

HERE = Path(__file__).parent
SPEC = importlib.util.spec_from_file_location("signatures", HERE / "signatures.py")
signatures = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(signatures)

ROOTS = {"tf": tf, "keras": tf.keras}
ORIGINALS = signatures.read((HERE / "signatures.txt").read_text(encoding="utf-8"))
NAMES = list(dict.fromkeys(signatures.names(ROOTS)))

# Parameters of ours that stand where the original has another one. What belongs there is refused by its type.
OTHER_PLACE = {
    "keras.Model.compile": ["metrics"],  # where Keras 2 has it; Keras 3 has loss_weights, numbers
    "keras.metrics.Metric": ["name"],  # Keras has dtype: the name of a dtype is refused
    "keras.metrics.Metric.add_variable": [],
    "keras.optimizers.Optimizer": ["name"],  # Keras has weight_decay: a number is refused
    "tf.Variable": ["name", "dtype"],  # TensorFlow has validate_shape, a bool, which is refused
    "tf.Tensor": ["value", "dtype"],  # TensorFlow's is not called
    "keras.initializers.Initializer": ["seed"],
    "keras.initializers.GlorotUniform.__call__": ["generator"],
    "keras.Model.predict": [],
    "tf.keras": [],
}
# Parameters of the original that are refused even at their default, by Python's own "unexpected keyword argument".
NEVER = {
    "tf.GradientTape.jacobian": ["parallel_iterations", "experimental_use_pfor"],
    "tf.GradientTape.batch_jacobian": ["parallel_iterations", "experimental_use_pfor"],
    "tf.Variable": [
        "validate_shape", "caching_device", "variable_def", "import_scope", "constraint", "synchronization",
        "aggregation", "shape", "experimental_enable_variable_lifting",
    ],
    "tf.Variable.assign": ["use_locking", "name", "read_value"],
    "tf.Variable.assign_add": ["delta", "use_locking", "name", "read_value"],
    "tf.Variable.assign_sub": ["delta", "use_locking", "name", "read_value"],
    "keras.Model.load_weights": ["filepath", "skip_mismatch"],
    "keras.Model.save": ["filepath", "overwrite", "zipped"],
    "keras.Model.save_weights": ["filepath", "overwrite", "max_shard_size"],
    "keras.Model.summary": ["line_length", "positions", "expand_nested", "show_trainable", "layer_range"],
    "keras.Sequential.add": ["rebuild"],
    "keras.Sequential.pop": ["rebuild"],
    "keras.metrics.Metric.add_variable": ["aggregation"],
} | {
    f"keras.initializers.{name}": ["input_axes", "output_axes"]
    for name in (
        "GlorotNormal", "GlorotUniform", "HeNormal", "HeUniform", "LecunNormal", "LecunUniform", "VarianceScaling",
    )
}  # fmt: skip
# Defaults that differ, and why nothing is silently computed otherwise.
OTHER_DEFAULT = {
    ("keras.Model.fit", "batch_size"): "32 is what Keras's None means; None is refused",
    ("keras.Model.evaluate", "batch_size"): "32 is what Keras's None means; None is refused",
    ("keras.Model.predict", "batch_size"): "32 is what Keras's None means; None is refused",
    ("keras.layers.Layer", "dtype"): "float32 is what Keras's None means",
    ("keras.layers.Layer.add_weight", "shape"): "() is what Keras's None means",
    ("tf.Variable", "trainable"): "True is what TensorFlow's None means",
    ("tf.Variable", "initial_value"): "TensorFlow's None is an error",
    ("tf.custom_gradient", "f"): "a decorator with a function",
    ("tf.nn.sigmoid_cross_entropy_with_logits", "labels"): "TensorFlow's None is an error",
    ("tf.nn.sigmoid_cross_entropy_with_logits", "logits"): "TensorFlow's None is an error",
    ("keras.metrics.Metric.add_variable", "shape"): "Keras has none",
    ("keras.metrics.Metric.add_variable", "initializer"): "Keras has none",
    ("keras.Model.train_on_batch", "y"): "there are always labels here",
    ("keras.Model.test_on_batch", "y"): "there are always labels here",
    ("tf.function", "func"): "a decorator",
}


def ours(name):
    found = signatures.parameters(signatures.resolve(ROOTS, name))
    positional = [(parameter, default) for kind, parameter, default in found if kind == ""]
    keywords = {parameter: default for kind, parameter, default in found if kind in ("", "keyword")}
    return positional, keywords, any(kind == "**kwargs" for kind, _, _ in found)


def test_the_table_is_of_these_names():
    assert list(dict.fromkeys(ORIGINALS)) == NAMES


@pytest.mark.parametrize("name", [name for name in NAMES if ORIGINALS[name] is not None])
def test_parameters(name):
    theirs = ORIGINALS[name]
    positional, keywords, takes_more = ours(name)
    if any(kind == "*args" for kind, _, _ in theirs):
        return  # a function of anything: `keras.Model`, `Layer.__call__`
    if isinstance(signatures.resolve(ROOTS, name), enum.EnumMeta):
        return  # calling it finds a member: the signature is Python's, another one from 3.12 on
    places = [parameter for kind, parameter, _ in theirs if kind == ""]
    names_where_theirs_differ = [
        mine
        for place, (mine, _) in enumerate(positional)
        if (places[place] if place < len(places) else None) != mine and mine not in OTHER_PLACE.get(name, ())
    ]
    if not set(names_where_theirs_differ) <= set(_own_words(name)):
        assert names_where_theirs_differ == []
    for kind, parameter, default in theirs:
        if kind.startswith("*") or parameter in NEVER.get(name, ()):
            continue
        assert parameter in keywords or takes_more or parameter in _own_words(name).values(), parameter
        mine = keywords.get(parameter)
        if parameter == "name" or (name, parameter) in OTHER_DEFAULT:
            continue
        if mine is not None:
            assert (parameter, mine) == (parameter, default)


def _own_words(name):
    """Our names of parameters that stand in the original's place, and the original's: they are passed by position."""
    return {
        "keras.Model.load_weights": {"path": "filepath"},
        "keras.Model.save": {"path": "filepath"},
        "keras.Model.save_weights": {"path": "filepath"},
        "keras.models.Sequential": {},
        "keras.utils.to_categorical": {"labels": "x", "dtype": None},
        "tf.Variable.assign_add": {"value": "delta"},
        "tf.Variable.assign_sub": {"value": "delta"},
    }.get(name, {})


@pytest.mark.parametrize("name", sorted(NEVER))
def test_what_is_never_taken_is_refused(name):
    function = signatures.resolve(ROOTS, name)
    parameters = inspect.signature(function).parameters
    assert not any(p.kind is p.VAR_KEYWORD for p in parameters.values()) or name in ("tf.Variable",)
    assert not set(NEVER[name]) & set(parameters)


def test_exceptions_are_of_names_that_exist():
    table = {name: {parameter for _, parameter, _ in found or ()} for name, found in ORIGINALS.items()}
    assert all(set(parameters) <= table[name] for name, parameters in NEVER.items())
    assert all(parameter in table[name] for name, parameter in OTHER_DEFAULT)
