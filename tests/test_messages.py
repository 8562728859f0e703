"""Errors of public names: none names an internal function, and none is a bare TypeError from inside of the package."""

import inspect
import operator
import re

import numpy as np
import pytest

import tinygrad_lite as tgl
from tinygrad_lite import nn, optim
from tinygrad_lite.core.tensor import Tensor
from tinygrad_lite.utils.names import explain_calls, holds

INTERNAL = re.compile(r"(?<![\w.`'\"/%])_[a-z][a-z0-9_]*")
BARE = re.compile(
    r"unsupported operand type|has no attribute|not supported between|is not iterable|is not callable"
    r"|must be real number|not enough values|too many values|not subscriptable|__init__\(\)"
)
PLACES = {
    "tgl": tgl, "optim": optim, "optim.schedules": optim.schedules, "nn": nn, "nn.layers": nn.layers,
    "nn.losses": nn.losses, "nn.metrics": nn.metrics, "nn.activations": nn.activations,
    "nn.initializers": nn.initializers, "nn.callbacks": nn.callbacks,
}  # fmt: skip
NOT_CALLED = {
    "UnconnectedGradients": "an enumeration, which Python makes",
    "Tensor": "stands below what explains calls, and is made for every operation",
    "Variable": "stands below what explains calls",
    "load_model": "reads files",
    "strict": "changes the state of the thread",
}


def names():
    for place, module in PLACES.items():
        for name in getattr(module, "__all__", None) or [n for n in dir(module) if not n.startswith("_")]:
            thing = getattr(module, name)
            is_ours = str(getattr(thing, "__module__", "tinygrad_lite")).startswith("tinygrad_lite")
            if callable(thing) and not inspect.ismodule(thing) and is_ours and name not in NOT_CALLED:
                yield pytest.param(thing, id=f"{place}.{name}")


def wrong_calls():
    x, thing = tgl.ones((2, 3)), object()
    arguments = [
        (), (thing,), ("text",), (None,), (x,), (x, tgl.ones((4, 5))), (x, tgl.ones((4, 5)), tgl.ones(7)),
        ([x, tgl.ones((4, 5))],), ([x, "a"],), (x, "a"), (tgl.constant(1.0),), (x, thing), (x, 99), (tgl.ones(0),),
        (x, (7, 9)), (x,) * 9, (x, x, "z"), (np.array(["a"]),), (np.array([thing]),),
    ]  # fmt: skip
    for given in arguments:
        for options in ({}, {"axis": 99}, {"axis": "a"}, {"unknown": 1}, {"axis": (0, 0)}):
            yield given, options


def message_of(call, *given, **options):
    """The message of the error that a call raises, "" if it raises none."""
    try:
        call(*given, **options)
    except Exception as error:
        return str(error)
    return ""


def check(message, *call):
    assert not INTERNAL.search(message), (message, call)
    assert "Received" in message or not BARE.search(message), (message, call)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("thing", list(names()))
def test_wrong_calls_of_public_names(thing):
    for given, options in wrong_calls():
        check(message_of(thing, *given, **options), given, options)


@pytest.mark.filterwarnings("ignore")
def test_wrong_calls_through_numpy():
    x, y = tgl.ones((2, 3)), tgl.ones((4, 5))
    functions = [np.mean, np.sum, np.max, np.min, np.prod, np.std, np.var, np.cumsum, np.any, np.all, np.reshape,
                 np.transpose, np.sort, np.argmax, np.squeeze, np.expand_dims, np.clip, np.linalg.norm,
                 np.linalg.solve, np.linalg.inv, np.linalg.det, np.dot, np.matmul, np.broadcast_to]  # fmt: skip
    for function in functions:
        for given in ((x, 99), (x, y), (x, "a"), (x, (0, 0)), (x, object())):
            check(message_of(function, *given), function, given)
    for function in (np.concatenate, np.stack, np.vstack, np.hstack, np.dstack):
        for given in ([x, y], [x, "a"], [x, object()]):
            check(message_of(function, given), function, given)


@pytest.mark.filterwarnings("ignore")
def test_wrong_uses_of_operators_and_methods():
    x, y = tgl.ones((2, 3)), tgl.ones((4, 5))
    for use in (operator.add, operator.mul, operator.truediv, operator.pow, operator.matmul, operator.lt, operator.mod):
        check(message_of(use, x, y), use)
    for key in (99, "a", (0, 0, 0), slice("a"), [99], 1.5, y > 0):
        check(message_of(operator.getitem, x, key), key)
    for name in (name for name in dir(Tensor) if not name.startswith("_")):
        method = getattr(x, name)
        for given in ((99,), ("a",), (y,), ((0, 0),)) if callable(method) else ():
            check(message_of(method, *given), name, given)


# Arguments of constructors --------------------------------------------------------------------------------------

CONSTRUCTORS = [
    (nn.losses.MeanSquaredError, {"reductoin": "sum"}, "reduction"),
    (nn.losses.Huber, {"dleta": 1.0}, "delta"),
    (nn.metrics.Mean, {"nmae": "mine"}, "name"),
    (nn.metrics.BinaryAccuracy, {"treshold": 0.5}, "threshold"),
    (nn.callbacks.EarlyStopping, {"monitr": "loss"}, "monitor"),
    (nn.callbacks.EarlyStopping, {"patiense": 1}, "patience"),
    (nn.initializers.RandomNormal, {"stdev": 1.0}, "stddev"),
    (nn.initializers.HeNormal, {"sed": 1}, "seed"),
    (optim.schedules.CosineDecay, {"decay_step": 5}, "decay_steps"),
    (nn.Dense, {"actvation": "relu"}, "activation"),
    (optim.Adam, {"beta1": 0.9}, "beta_1"),
]


@pytest.mark.parametrize(("cls", "wrong", "right"), CONSTRUCTORS)
def test_unknown_arguments_name_the_nearest(cls, wrong, right):
    required = [3, 3] if cls is optim.schedules.CosineDecay else [3] if cls is nn.Dense else []
    (name,) = wrong
    with pytest.raises(
        TypeError, match=rf"^{cls.__name__} does not take {name}\. It takes: .*\bDid you mean {right}\?"
    ):
        cls(*required, **wrong)


def test_constructors_of_a_users_own():
    for base in (nn.losses.Loss, nn.metrics.Metric, nn.Layer, nn.Model, nn.initializers.Initializer, nn.Callback,
                 optim.Optimizer, optim.schedules.LearningRateSchedule):  # fmt: skip

        class Own(base):
            def __init__(self, size, *, scale=1.0):
                raise TypeError("mine")

        assert list(inspect.signature(Own).parameters) == ["size", "scale"]
        with pytest.raises(TypeError, match=r"^Own does not take sclae\. It takes: size, scale.*Did you mean scale\?"):
            Own(1, sclae=2.0)
        with pytest.raises(TypeError, match=r"^Own expected size\. Received: scale=2\.0\. It takes: size, scale"):
            Own(scale=2.0)
        with pytest.raises(TypeError, match=r"^Own expected at most 1 positional arguments.* Received: int, int"):
            Own(1, 2)
        with pytest.raises(TypeError, match=r"^Own expected size once\. Received: int, size=2"):
            Own(1, size=2)
        with pytest.raises(TypeError, match=r"^mine$"):
            Own(1)


def test_classes_without_a_constructor_stay_as_they_are():
    class Plain:
        pass

    explain_calls(Plain)
    assert "__init__" not in vars(Plain)
    assert not holds(lambda x: x > 0, None)


def test_strict_says_what_happens_without_it():
    v, w = tgl.Variable(1.0), tgl.Variable(2.0, name="w")
    with tgl.strict():
        with tgl.GradientTape() as tape:
            y = v * 3.0
        with pytest.raises(ValueError, match=r"\(tgl\.strict\(\) is on: otherwise this is no error") as caught:
            tape.gradient(y, [v, w])
    assert "warning" not in str(caught.value)  # by hand, there is none without it
