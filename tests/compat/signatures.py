"""The parameters of the originals of all names in `compat`, as text.

    pip install tensorflow
    python tests/compat/signatures.py > tests/compat/signatures.txt

Needs TensorFlow and this package; the test that reads the text needs TensorFlow no more. A line has a name and its
parameters in order, `*` before those that are keyword-only, each with its default.
"""

import inspect
import os

METHODS = {
    "tf.GradientTape": "gradient jacobian batch_jacobian watch stop_recording reset watched_variables",
    "tf.Variable": "assign assign_add assign_sub numpy read_value value",
    "keras.Model": (
        "compile fit evaluate predict train_on_batch test_on_batch get_layer get_weights set_weights summary "
        "load_weights save save_weights count_params train_step test_step predict_step"
    ),
    "keras.Sequential": "add pop",
    "keras.layers.Layer": "add_weight build count_params get_config get_weights set_weights",
    "keras.optimizers.SGD": "apply_gradients build get_config",
    "keras.losses.Loss": "__call__ call get_config",
    "keras.metrics.Metric": "add_variable add_weight reset_state result",
    "keras.metrics.Mean": "update_state",
    "keras.callbacks.Callback": (
        "on_epoch_begin on_epoch_end on_train_batch_begin on_train_batch_end on_train_begin on_train_end "
        "on_test_begin on_test_end set_model set_params"
    ),
    "keras.initializers.GlorotUniform": "__call__ get_config",
}
MODULES = [
    "tf", "tf.math", "tf.nn", "tf.random", "keras", "keras.activations", "keras.callbacks", "keras.initializers",
    "keras.layers", "keras.losses", "keras.metrics", "keras.models", "keras.optimizers", "keras.utils",
]  # fmt: skip


def resolve(roots, name):
    """What a dotted name stands for."""
    first, *rest = name.split(".")
    thing = roots[first]
    for part in rest:
        thing = getattr(thing, part)
    return thing


def names(roots):
    """All callable names of `compat`, and methods of what they stand for."""
    for module in MODULES:
        for name in dir(resolve(roots, module)):
            thing = getattr(resolve(roots, module), name)
            if callable(thing) and not inspect.ismodule(thing):
                yield f"{module}.{name}"
    for owner, methods in METHODS.items():
        yield from (f"{owner}.{method}" for method in methods.split())


def parameters(thing):
    """(kind, name, default as text) of every parameter but `self`."""
    found = []
    for p in inspect.signature(thing).parameters.values():
        if p.name == "self":
            continue
        kind = {p.VAR_POSITIONAL: "*args", p.VAR_KEYWORD: "**kwargs", p.KEYWORD_ONLY: "keyword"}.get(p.kind, "")
        found.append((kind, p.name, "" if p.default is p.empty or kind.startswith("*") else text(p.default)))
    return found


def text(default):
    """A default, so that equal ones of both packages read the same."""
    name = getattr(default, "name", None) or getattr(default, "__name__", None)
    if isinstance(default, (bool, str)) or default is None:
        return repr(default)
    if isinstance(default, (int, float)):
        return repr(float(default))
    return repr(str(name).lower())


def line(name, found):
    words = []
    for kind, parameter, default in found:
        prefix = {"keyword": "!", "*args": "*", "**kwargs": "**"}.get(kind, "")
        words.append(f"{prefix}{parameter}" + (f"={default}" if default else ""))
    return " ".join([name, *words])


def read(source):
    """The table as {name: [(kind, parameter, default)]}; None for names that the originals have not."""
    table = {}
    for row in source.splitlines():
        name, *words = row.split(" ")
        table[name] = None if words == ["-"] else [_word(word) for word in words]
    return table


def _word(word):
    name, _, default = word.partition("=")
    for prefix, kind in (("**", "**kwargs"), ("*", "*args"), ("!", "keyword")):
        if name.startswith(prefix):
            return kind, name.removeprefix(prefix), default
    return "", name, default


def main():
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import keras
    import tensorflow as tf

    import tinygrad_lite.compat.tensorflow as ours

    originals = {"tf": tf, "keras": keras}
    # What Keras declares as (*args, **kwargs) and hands on
    instead = {
        "keras.Sequential": keras.Sequential.__init__,
        "keras.models.Sequential": keras.Sequential.__init__,
        "keras.layers.Layer": keras.layers.Layer.__init__,
        "keras.optimizers.Optimizer": keras.src.optimizers.base_optimizer.BaseOptimizer.__init__,
        "tf.Variable": type(tf.Variable(1.0)).__mro__[2].__init__,
    }
    variable = type(tf.Variable(1.0))
    for name in names({"tf": ours, "keras": ours.keras}):
        if name.startswith("tf.Variable."):
            thing = getattr(variable, name.rpartition(".")[2])
        else:
            try:
                thing = instead.get(name) or resolve(originals, name)
            except AttributeError:
                print(f"{name} -")
                continue
        print(line(name, parameters(thing)))


if __name__ == "__main__":
    main()
