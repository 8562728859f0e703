"""What a step reads may change between two batches: `fit` gives the history of `run_eagerly=True` all the same.

Every way to hold a number is combined with every place where a user's code reads it. In a second part there is no code
of a user's in the step: the settings of layers, losses and metrics, and the package itself, change under a program.
"""

import collections
import contextvars
import ctypes
import dataclasses
import enum
import functools
import itertools
import operator
import os
import random
import sys
import tempfile
import threading
import types
import weakref
from array import array

import numpy as np
import pytest

import tinygrad_lite as tgl
from tinygrad_lite import nn, optim
from tinygrad_lite.compiler.program import Program
from tinygrad_lite.nn import layers, losses

# Ways to hold a number: each makes (read, write) ---------------------------------------------------------------

WAYS = {}
FACTOR = 1.0
NESTED = {"deep": {"list": [1.0]}}


def way(make):
    WAYS[make.__name__] = make
    return make


def of_object(name, make):
    """An attribute of what `make()` makes."""

    def pair():
        held = make()
        held.factor = 1.0
        return (lambda: held.factor), (lambda value: setattr(held, "factor", value))

    WAYS[name] = pair


def of_item(name, make, key=0):
    """An item of what `make()` makes."""

    def pair():
        held = make()
        return (lambda: float(held[key])), (lambda value: operator.setitem(held, key, value))

    WAYS[name] = pair


class Plain:
    factor = 1.0


class Slots:
    __slots__ = ("__weakref__", "factor")


class Meta(type):
    factor = 1.0


class WithMeta(metaclass=Meta):
    pass


class Property:
    hidden = 1.0
    factor = property(lambda self: self.hidden, lambda self, value: setattr(self, "hidden", value))


class Descriptor:
    values = weakref.WeakKeyDictionary()  # noqa: RUF012

    def __get__(self, instance, owner):
        return self.values[instance]

    def __set__(self, instance, value):
        self.values[instance] = value


class Described:
    factor = Descriptor()


class Dynamic:
    def __init__(self):
        object.__setattr__(self, "data", {})

    def __getattr__(self, name):
        return self.data[name]

    def __setattr__(self, name, value):
        self.data[name] = value


@dataclasses.dataclass
class Data:
    factor: float = 1.0


class Color(enum.Enum):
    ONE = 1


of_object("instance", Plain)
of_object("class_attribute", lambda: type("Fresh", (), {}))
of_object("subclass_attribute", lambda: type("Fresh", (Plain,), {}))
of_object("slots", Slots)
of_object("property", Property)
of_object("descriptor", Described)
of_object("getattr_hook", Dynamic)
of_object("dataclass", Data)
of_object("simple_namespace", types.SimpleNamespace)
of_object("module", lambda: types.ModuleType("settings"))
of_object("imported_module", lambda: sys.modules.setdefault("made_up_settings", types.ModuleType("made_up_settings")))
of_object("function_attribute", lambda: lambda: None)
of_object("self_of_a_method", lambda: types.MethodType(lambda self: 1, Plain()).__self__)
of_object("thread_local", threading.local)
of_object("enum_member", lambda: Color.ONE)
of_object("exception", lambda: ValueError("a holder"))
of_object("partial_attribute", lambda: functools.partial(len))
of_object("layer_attribute", lambda: nn.Dense(1))
of_object("loss_attribute", lambda: nn.losses.Huber())
of_object("array_subclass", lambda: type("Sub", (np.ndarray,), {})((1,)))
of_item("list", lambda: [1.0])
of_item("dict", lambda: {0: 1.0})
of_item("ordered_dict", lambda: collections.OrderedDict({0: 1.0}))
of_item("default_dict", lambda: collections.defaultdict(lambda: 1.0))
of_item("chain_map", lambda: collections.ChainMap({0: 1.0}))
of_item("counter", lambda: collections.Counter({0: 1.0}))
of_item("user_list", lambda: collections.UserList([1.0]))
of_item("user_dict", lambda: collections.UserDict({0: 1.0}))
of_item("deque", lambda: collections.deque([1.0]))
of_item("numpy_array", lambda: np.ones(1))
of_item("numpy_scalar_array", lambda: np.array(1.0), ())
of_item("numpy_view", lambda: np.ones((4, 4))[1:2, ::2].reshape(-1))
of_item("object_array", lambda: np.array([1.0], object))
of_item("structured_array", lambda: np.ones(1, [("a", "f8")])["a"])
of_item("masked_array", lambda: np.ma.ones(1))
of_item("array_array", lambda: array("d", [1.0]))
of_item("ctypes_array", lambda: (ctypes.c_double * 1)(1.0))
of_item("memoryview", lambda: memoryview(np.ones(1)))
of_item("list_in_tuple", lambda: ([1.0],)[0])


@way
def global_variable():
    global FACTOR
    FACTOR = 1.0

    def write(value):
        global FACTOR
        FACTOR = value

    return (lambda: FACTOR), write


@way
def global_in_an_inner_lambda():
    _, write = global_variable()
    return (lambda: (lambda: FACTOR)()), write


@way
def global_in_a_comprehension():
    _, write = global_variable()
    return (lambda: sum(FACTOR for _ in range(1))), write


@way
def global_by_name():
    _, write = global_variable()
    return (lambda: globals()["FAC" + "TOR"]), write


@way
def global_by_eval():
    _, write = global_variable()
    return (lambda: eval("FACTOR")), write


@way
def global_nested():
    NESTED["deep"]["list"][0] = 1.0
    return (lambda: NESTED["deep"]["list"][0]), (lambda value: NESTED["deep"]["list"].__setitem__(0, value))


@way
def closure():
    held = 1.0

    def write(value):
        nonlocal held
        held = value

    return (lambda: held), write


@way
def closure_of_a_closure():
    held = 1.0

    def write(value):
        nonlocal held
        held = value

    def outer():
        def middle():
            return held

        return middle

    return (lambda: outer()()), write


@way
def default():
    def read(x=1.0):
        return x

    return read, lambda value: setattr(read, "__defaults__", (value,))


@way
def default_that_is_mutable():
    def read(x=[1.0]):  # noqa: B006
        return x[0]

    return read, lambda value: read.__defaults__[0].__setitem__(0, value)


@way
def keyword_only_default():
    def read(*, x=1.0):
        return x

    return (lambda: read()), lambda value: read.__kwdefaults__.update(x=value)


@way
def replaced_code():
    def read():
        return 1.0

    def make(value):
        return types.FunctionType((lambda: 0.5).__code__, {}) if value == 0.5 else eval(f"lambda: {value}")

    return (lambda: read()), lambda value: setattr(read, "__code__", make(value).__code__)


@way
def partial_of_a_mutable():
    held = [1.0]
    return functools.partial(operator.itemgetter(0), held), lambda value: held.__setitem__(0, value)


@way
def partial_keywords():
    read = functools.partial(lambda x: x, x=1.0)
    return read, lambda value: read.keywords.update(x=value)


@way
def bound_method_of_a_list():
    held = [1.0]
    read = held.__getitem__
    return (lambda: read(0)), lambda value: held.__setitem__(0, value)


@way
def bound_method_of_an_object():
    held = Plain()
    held.factor = 1.0
    read = types.MethodType(lambda self: self.factor, held)
    return read, lambda value: setattr(held, "factor", value)


@way
def callable_object():
    class Read:
        def __call__(self):
            return self.factor

    read = Read()
    read.factor = 1.0
    return read, lambda value: setattr(read, "factor", value)


@way
def static_method():
    class Holder:
        @staticmethod
        def factor():
            return 1.0

    return (lambda: Holder.factor()), lambda value: setattr(Holder, "factor", staticmethod(lambda: value))


@way
def class_method():
    class Holder:
        held = 1.0

        @classmethod
        def factor(cls):
            return cls.held

    return Holder.factor, lambda value: setattr(Holder, "held", value)


@way
def metaclass_attribute():
    Meta.factor = 1.0
    return (lambda: WithMeta.factor), lambda value: setattr(Meta, "factor", value)


@way
def special_method():
    class Number:
        def __float__(self):
            return self.value

    number = Number()
    number.value = 1.0
    return (lambda: float(number)), lambda value: setattr(number, "value", value)


@way
def environment():
    os.environ["A_MADE_UP_FACTOR"] = "1.0"
    return (lambda: float(os.environ["A_MADE_UP_FACTOR"])), lambda value: os.environ.update(A_MADE_UP_FACTOR=str(value))


@way
def context_variable():
    held = contextvars.ContextVar("held", default=1.0)
    return held.get, held.set


@way
def weak_reference():
    held = Plain()
    held.factor = 1.0
    reference = weakref.ref(held)
    return (lambda: reference().factor), lambda value: setattr(held, "factor", value)


@way
def simple_queue():
    held = collections.deque([1.0], maxlen=1)
    return (lambda: held[-1]), held.append


@way
def length_of_a_list():
    held = [0]
    return (lambda: 1.0 / len(held)), lambda value: held.extend([0] * (round(1 / value) - len(held)))


@way
def member_of_a_set():
    held = set()
    return (lambda: 0.5 if 1 in held else 1.0), lambda value: held.add(1)


@way
def ctypes_number():
    held = ctypes.c_double(1.0)
    return (lambda: held.value), lambda value: setattr(held, "value", value)


@way
def bytes_of_an_array():
    held = bytearray(np.ones(1).tobytes())
    return (lambda: float(np.frombuffer(held)[0])), lambda value: held.__setitem__(
        slice(None), np.array([value]).tobytes()
    )


@way
def file():
    path = os.path.join(tempfile.mkdtemp(), "factor")

    def write(value):
        with open(path, "w", encoding="utf-8") as file:
            file.write(str(value))

    def read():
        with open(path, encoding="utf-8") as file:
            return float(file.read())

    write(1.0)
    return read, write


@way
def cached_function():
    held = [1.0]
    read = functools.cache(lambda: held[0])

    def write(value):
        held[0] = value
        read.cache_clear()

    return read, write


@way
def type_of_an_object():
    one, half = type("One", (), {"factor": 1.0}), type("Half", (), {"factor": 0.5})
    held = one()
    return (lambda: held.factor), lambda value: setattr(held, "__class__", half)


@way
def replaced_builtin():
    builtin = types.ModuleType("builtins_of_mine")
    builtin.factor = lambda: 1.0
    read = eval("lambda: factor()", {"__builtins__": vars(builtin)})
    return read, lambda value: setattr(builtin, "factor", lambda: value)


@way
def name_of_a_variable():
    held = tgl.Variable(0.0, trainable=False, name="1.0")
    return (lambda: float(held.name)), lambda value: setattr(held, "name", str(value))


@way
def numpy_error_state():
    np.seterr(under="ignore")
    return (lambda: 0.5 if np.geterr()["under"] == "warn" else 1.0), lambda value: np.seterr(under="warn")


def test_there_are_many_ways():
    assert len(WAYS) >= 60


# Places where it is read: each makes (model, options of compile) ------------------------------------------------

PLACES = {}


def place(make):
    PLACES[make.__name__] = make
    return make


def dense():
    return [nn.Dense(5, activation="tanh"), nn.Dense(1)]


@place
def loss_function(read):
    return nn.Sequential(dense()), {"loss": lambda y, p: tgl.square(y - p) * read()}


@place
def loss_call(read):
    class Scaled(nn.losses.MeanSquaredError):
        def call(self, y_true, y_pred):
            return super().call(y_true, y_pred) * read()

    return nn.Sequential(dense()), {"loss": Scaled()}


@place
def layer_call(read):
    class Scaled(nn.Layer):
        def call(self, x):
            return x * read()

    return nn.Sequential([*dense(), Scaled()]), {}


@place
def metric_function(read):
    def scaled(y_true, y_pred):
        return tgl.absolute(y_true - y_pred) * read()

    return nn.Sequential(dense()), {"metrics": [scaled]}


@place
def activation_function(read):
    return nn.Sequential([nn.Dense(5, activation=lambda x: tgl.tanh(x * read())), nn.Dense(1)]), {}


@place
def penalty_on_weights(read):
    model = nn.Sequential(dense())
    return model, {"loss": lambda y, p: tgl.square(y - p) + read() * tgl.sum(tgl.square(model.layers[0].kernel))}


@place
def optimizer_update(read):
    class Scaled(optim.SGD):
        def update(self, w, g, slots, scratch, learning_rate, step):
            super().update(w, g, slots, scratch, learning_rate * read(), step)

    return nn.Sequential(dense()), {"optimizer": Scaled(0.1)}


@place
def optimizer_apply(read):
    class Scaled(optim.SGD):
        def apply_gradients(self, pairs):
            super().apply_gradients([(g * read(), v) for g, v in pairs])

    return nn.Sequential(dense()), {"optimizer": Scaled(0.1)}


@place
def schedule(read):
    return nn.Sequential(dense()), {"optimizer": optim.SGD(lambda step: 0.1 * read() / (1 + step))}


@place
def train_step(read):
    class Scaled(nn.Sequential):
        def train_step(self, data):
            x, y = data
            return super().train_step((x, y * read()))

    return Scaled(dense()), {}


@place
def gradient_rule(read):
    @tgl.primitive
    def twice(x):
        return 2 * x

    twice.defvjp(lambda g, y, x: g * 2 * read())
    return nn.Sequential([nn.Dense(5, activation=twice), nn.Dense(1)]), {}


@place
def subclassed_model(read):
    class Own(nn.Model):
        def __init__(self):
            super().__init__()
            self.first, self.last = dense()

        def call(self, x):
            return self.last(self.first(x) * read())

    return Own(), {}


def numbers(count=24):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(count, 3)).astype(np.float32)
    return x, x.sum(axis=1, keepdims=True)


class Writing(nn.callbacks.Callback):
    """Calls `act` once, at a moment of the training."""

    def __init__(self, act, moment, at):
        def on_moment(number, logs=None):
            self.count += 1
            if self.count == at:
                act()

        self.count = 0
        setattr(self, moment, types.MethodType(lambda self, number, logs=None: on_moment(number, logs), self))


def history(make, run_eagerly, moment, at, *, epochs=4, **options):
    """`make()` gives model, options of compile, and what changes them."""
    tgl.random.set_seed(0)
    model, settings, act = make()
    model.compile(**{"optimizer": optim.SGD(0.1), "loss": "mse"} | settings, run_eagerly=run_eagerly)
    x, y = numbers()
    callbacks = [Writing(act, moment, at)]
    fitted = model.fit(x, y, batch_size=8, epochs=epochs, verbose=0, callbacks=callbacks, **options)
    return fitted.history, [w.tolist() for w in model.get_weights()], model.predict(x, verbose=0).tolist()


def assert_like_eager(make, moment="on_epoch_end", at=2, **options):
    eager, compiled = (history(make, run_eagerly, moment, at, **options) for run_eagerly in (True, False))
    assert eager == compiled
    return eager


PAIRS = [(way, place) for n, way in enumerate(WAYS) for m, place in enumerate(PLACES) if (n + m) % 3 == 0]


@pytest.mark.parametrize(("name", "where"), PAIRS)
def test_a_number_held_anywhere_may_change(name, where):
    def make():
        read, write = WAYS[name]()
        model, settings = PLACES[where](read)
        return model, settings, lambda: write(0.5)

    before = np.geterr()
    try:
        moment, at = ("on_epoch_end", 2) if (len(name) + len(where)) % 2 else ("on_train_batch_end", 8)
        assert_like_eager(make, moment, at)
    finally:
        np.seterr(**before)


@pytest.mark.parametrize("where", PLACES)
def test_the_test_notices(where):
    """The number has an influence on the history or the predictions: else nothing above would be tested."""

    def make(value):
        read, write = WAYS["list"]()
        return (*PLACES[where](read), lambda: write(value))

    assert history(lambda: make(0.5), True, "on_epoch_end", 2) != history(lambda: make(1.0), True, "on_epoch_end", 2)


# The step changes what it reads ------------------------------------------------------------------------------------


def counting_down():
    """Starts like a constant, and is another number after some calls."""
    calls = itertools.count()
    return lambda: 1.0 if next(calls) < 15 else 0.5


def drawing():
    numbers = random.Random(0)
    return lambda: numbers.choice([1.0, 1.0, 1.0, 0.5])


def drawing_from_numpy():
    rng = np.random.default_rng(0)
    return lambda: float(rng.uniform() < 0.8)


def reading_an_iterator():
    numbers = itertools.cycle([1.0] * 7 + [0.5])
    return lambda: next(numbers)


def keeping_the_last():
    kept = collections.deque([1.0], maxlen=9)

    def read():
        kept.append(kept[0] * 0.5 if len(kept) == 9 else 1.0)
        return kept[-1]

    return read


@pytest.mark.parametrize("how", [counting_down, drawing, drawing_from_numpy, reading_an_iterator, keeping_the_last])
@pytest.mark.parametrize("where", PLACES)
def test_code_in_the_step_may_change_what_it_reads(how, where):
    assert_like_eager(lambda: (*PLACES[where](how()), lambda: None))


def test_a_layer_that_counts_and_then_branches_on_values_counts_once_a_batch():
    class Own(nn.Layer):
        count = 0.0

        def call(self, x):
            self.count += 1.0
            return x * self.count if float(tgl.sum(x)) > 1e9 else x / self.count

    assert_like_eager(lambda: (nn.Sequential([nn.Dense(3), Own(), nn.Dense(1)]), {}, lambda: None))


# The package's own code, whose steps are compiled -----------------------------------------------------------------


@pytest.fixture
def runs(monkeypatch):
    """How often a compiled program ran."""
    count = []
    call = Program.__call__
    monkeypatch.setattr(Program, "__call__", lambda self, arrays: count.append(1) or call(self, arrays))
    return count


def other(x, kernel, bias):
    return tgl.matmul(x, kernel) - bias


class Undropped(nn.Dropout):
    def call(self, x, training):
        return x


def model_of_all(*more):
    return nn.Sequential(
        [nn.Dense(6, activation="tanh", name="first"), nn.Dropout(0.3), *more, nn.Dense(1, name="last")]
    )


def _with_options(options, change):
    def make():
        model = model_of_all()
        return model, options(), lambda: change(model)

    return make


def _patched(owner, name, replacement):
    """What replaces an attribute of the package, and puts it back at the end of the test."""

    def act(model):
        setattr(owner, name, replacement(getattr(owner, name)))

    return act


def _negated(function):
    return lambda *args, **kwargs: -function(*args, **kwargs)


CHANGES = {
    "rate": lambda m: setattr(m.layers[1], "rate", 0.6),
    "activation": lambda m: setattr(m.layers[0], "activation", tgl.relu),
    "own activation": lambda m: setattr(m.layers[0], "activation", lambda x: x * 2.0),
    "frozen layer": lambda m: setattr(m.layers[0], "trainable", False),
    "frozen variable": lambda m: setattr(m.layers[0].kernel, "trainable", False),
    "weights": lambda m: m.set_weights([w * 0.5 for w in m.get_weights()]),
    "kernel exchanged": lambda m: setattr(m.layers[0], "kernel", tgl.Variable(m.layers[0].kernel * 2, trainable=False)),
    "no bias": lambda m: setattr(m.layers[0], "bias", None),
    "stream": lambda m: setattr(m.layers[1], "stream", np.random.default_rng(5)),
    "layer removed": lambda m: m._layers.pop(1),
    "layers turned": lambda m: m._layers.insert(0, m._layers.pop(1)),
    "call of an instance": lambda m: setattr(m.layers[0], "call", lambda x: tgl.zeros((len(x), 6))),
    "train_step of an instance": lambda m: setattr(m, "train_step", lambda data: {"loss": 1.0}),
    "class of a layer": lambda m: setattr(m.layers[1], "__class__", Undropped),
    "eager from now on": lambda m: setattr(m, "run_eagerly", True),
    "loss": lambda m: setattr(m, "loss", nn.losses.MeanAbsoluteError()),
    "delta": lambda m: m.loss.options.update(delta=0.01),
    "reduction": lambda m: setattr(m.loss, "reduction", "sum"),
    "function of the loss": lambda m: vars(m.loss).update(fn=losses.mean_absolute_error, options={}),
    "optimizer": lambda m: setattr(m, "optimizer", optim.Adam(0.1)),
    "clipnorm": lambda m: setattr(m.optimizer, "clipnorm", 1e-3),
    "learning rate": lambda m: setattr(m.optimizer, "learning_rate", 0.01),
    "schedule": lambda m: setattr(m.optimizer, "_learning_rate", lambda step: 0.5 / (1 + step)),
    "update of an instance": lambda m: setattr(m.optimizer, "update", lambda *args: None),
    "apply_gradients of an instance": lambda m: setattr(m.optimizer, "apply_gradients", lambda pairs: None),
    "method of a class": _patched(nn.Dense, "call", _negated),
    "method of a base class": _patched(nn.Layer, "_activate", _negated),
    "method of the loss": _patched(losses.LossFunctionWrapper, "call", _negated),
    "method of the optimizer": _patched(optim.SGD, "update", lambda f: lambda *args: None),
    "function of a module": _patched(losses.differences, "aligned", lambda f: lambda name, y, p: (y, p * 2.0)),
    "global of a module": _patched(
        layers.core, "ops", lambda ops: types.SimpleNamespace(**{**vars(ops), "dense": other})
    ),
}


@pytest.fixture
def unpatched():
    """Puts back what the changes above replace."""
    places = [(nn.Dense, "call"), (nn.Layer, "_activate"), (losses.LossFunctionWrapper, "call"), (optim.SGD, "update"),
              (losses.differences, "aligned"), (layers.core, "ops")]  # fmt: skip
    kept = [(owner, name, vars(owner)[name]) for owner, name in places]

    def restore():
        for owner, name, value in kept:
            setattr(owner, name, value)

    yield restore
    restore()


@pytest.mark.filterwarnings("ignore:The loss does not depend on", "ignore:Training expected")
@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize(("moment", "at"), [("on_epoch_end", 2), ("on_train_batch_end", 8)])
def test_what_the_packages_code_reads_may_change(name, moment, at, runs, unpatched):
    answers = []
    for run_eagerly in (True, False):
        make = _with_options(lambda: {"loss": nn.losses.Huber(0.5)}, CHANGES[name])
        answers.append(history(make, run_eagerly, moment, at))
        unpatched()
    assert answers[0] == answers[1]
    assert runs
    unchanged = history(_with_options(lambda: {"loss": nn.losses.Huber(0.5)}, lambda m: None), True, moment, at)
    assert (unchanged == answers[0]) == (name == "eager from now on")


def test_an_iterable_of_batches_may_change_the_model(runs):
    class Batches:
        def __init__(self, model):
            self.model, self.count = model, 0

        def __iter__(self):
            x, y = numbers()
            for start in range(0, 24, 8):
                self.count += 1
                if self.count == 8:
                    self.model.layers[1].rate = 0.7
                yield x[start : start + 8], y[start : start + 8]

    answers = []
    for run_eagerly in (True, False):
        tgl.random.set_seed(0)
        model = model_of_all()
        model.compile("sgd", "mse", run_eagerly=run_eagerly)
        answers.append(model.fit(Batches(model), epochs=5, verbose=0).history)
    assert answers[0] == answers[1]
    assert runs


def test_a_schedule_may_change_the_model(runs):
    def make():
        model = model_of_all()

        def rate(step):
            if step == 7:
                model.layers[1].rate = 0.7
            return 0.1

        return model, {"optimizer": optim.SGD(rate)}, lambda: None

    assert_like_eager(make)
    assert runs


def test_another_thread_may_change_the_model(runs):
    answers = []
    for run_eagerly in (True, False):
        tgl.random.set_seed(0)
        model, x, y = model_of_all(), *numbers()
        model.compile("sgd", "mse", run_eagerly=run_eagerly)
        go, done, end = threading.Event(), threading.Event(), threading.Event()

        def work(model=model, go=go, done=done, end=end):
            go.wait()
            model.layers[1].rate = 0.7
            done.set()
            end.wait()

        thread = threading.Thread(target=work)
        thread.start()
        batches = [(x[:8], y[:8])] * 9
        model.fit(batches, epochs=1, verbose=0)
        go.set()
        done.wait()
        answers.append(model.fit(batches, epochs=1, verbose=0).history)
        end.set()
        thread.join()
    assert answers[0] == answers[1]
    assert runs


def test_a_held_value_of_an_unknown_kind_means_eager(runs):
    class Threshold:
        def __init__(self):
            self.cell = ctypes.c_double(0.5)

    def make():
        model = model_of_all()
        model.layers[1].note = Threshold()
        return model, {}, lambda: None

    assert_like_eager(make)
    assert not runs


def test_a_profiler_at_work_means_eager(runs):
    def profiler(frame, event, argument):
        pass

    model, (x, y) = model_of_all(), numbers()
    model.compile("sgd", "mse")
    sys.setprofile(profiler)
    try:
        model.fit(x, y, batch_size=8, epochs=3, verbose=0)
        assert sys.getprofile() is profiler
    finally:
        sys.setprofile(None)
    assert not runs
    model.fit(x, y, batch_size=8, epochs=3, verbose=0)
    assert runs


def test_a_subclass_without_code_in_the_step_is_compiled(runs):
    class Named(nn.Sequential):
        purpose = "to be told apart"

        def describe(self):
            return self.purpose

    assert_like_eager(lambda: (Named(dense()), {}, lambda: None))
    assert runs
