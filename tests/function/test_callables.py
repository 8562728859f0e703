"""What may be compiled: functions and methods of all kinds, and what is refused."""

import copy
import functools
import gc
import inspect
import pickle
import weakref

import numpy as np
import pytest

import tinygrad_lite as tgl
from tinygrad_lite import nn

X = tgl.constant([1.0, 2.0])


class Plain:
    base = 10.0

    def __init__(self, n=2.0):
        self.n = n

    @tgl.function
    def f(self, x, *, plus=0.0):
        """Scale x."""
        return x * self.n + plus

    @tgl.function
    @classmethod
    def inner_class(cls, x):
        return x * cls.base

    @classmethod
    @tgl.function
    def outer_class(cls, x):
        return x * cls.base

    @tgl.function
    @staticmethod
    def inner_static(x):
        return x * 5.0

    @staticmethod
    @tgl.function
    def outer_static(x):
        return x * 5.0

    @property
    @tgl.function
    def doubled(self):
        return X * (2.0 * self.n)

    @functools.cached_property
    @tgl.function
    def tripled(self):
        return X * (3.0 * self.n)

    @tgl.function
    def calls(self, x):
        return self.f(x) + self.inner_class(x) + self.outer_static(x)


class Slotted(Plain):
    pass


class Slots:
    __slots__ = ("n",)

    def __init__(self, n=2.0):
        self.n = n

    f = Plain.__dict__["f"]


class Unequal(Plain):
    __eq__ = None
    __hash__ = None


class Derived(Plain):
    base = 20.0

    @tgl.function
    def f(self, x, *, plus=0.0):
        return super().f(x, plus=plus) + 100.0


@pytest.mark.parametrize("kind", [Plain, Slots, Unequal])
def test_a_method_of_a_temporary_and_of_a_kept_object(kind):
    for _ in range(3):
        for n in (2.0, 3.0):
            np.testing.assert_array_equal(kind(n).f(X).numpy(), n * X.numpy())
            np.testing.assert_array_equal(kind(n).f(X, plus=1.0).numpy(), n * X.numpy() + 1.0)
    one, other = kind(2.0), kind(3.0)
    for _ in range(3):
        np.testing.assert_array_equal(one.f(X).numpy(), 2.0 * X.numpy())
        np.testing.assert_array_equal(other.f(X).numpy(), 3.0 * X.numpy())
        if kind is not Unequal:  # an argument has to have a hash
            np.testing.assert_array_equal(kind.f(other, X).numpy(), 3.0 * X.numpy())
    assert (one.f.traces, other.f.traces) == (1, 1)
    kept = kind(4.0).f  # a bound method holds its object
    gc.collect()
    np.testing.assert_array_equal(kept(X).numpy(), 4.0 * X.numpy())


def test_methods_behave_as_pythons_do():
    one, other = Plain(), Plain()
    assert one.f == one.f != other.f
    assert hash(one.f) == hash(one.f)
    assert one.f.__self__ is one
    assert one.f.__name__ == "f"
    assert one.f.__wrapped__.__doc__ == Plain.f.__doc__ == "Scale x."
    assert str(inspect.signature(one.f)) == "(x, *, plus=0.0)"
    assert "method" in repr(one.f)
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(one.f)
    one.f(X)
    assert "def f(" in one.f.source()
    g = tgl.function(lambda x, f: f(x))  # as an argument
    for _ in range(2):
        g(X, one.f)
    assert g.traces == 1


def test_programs_go_with_their_object():
    one = Plain()
    one.f(X)
    one.f(X)
    gone = weakref.ref(one)
    count = len(Plain.f._bound)
    del one
    assert gone() is None
    assert len(Plain.f._bound) == count - 1


def test_of_objects_without_weak_references_only_some_are_kept():
    Slots.f._bound.clear()
    for n in range(200):
        np.testing.assert_array_equal(Slots(float(n)).f(X).numpy(), n * X.numpy())
    assert len(Slots.f._bound) <= 64


def test_classmethods_staticmethods_properties_and_super():
    for _ in range(3):
        for kind, base in ((Plain, 10.0), (Derived, 20.0)):
            for owner in (kind, kind()):
                np.testing.assert_array_equal(owner.inner_class(X).numpy(), base * X.numpy())
                np.testing.assert_array_equal(owner.outer_class(X).numpy(), base * X.numpy())
                np.testing.assert_array_equal(owner.inner_static(X).numpy(), 5.0 * X.numpy())
                np.testing.assert_array_equal(owner.outer_static(X).numpy(), 5.0 * X.numpy())
        for n in (2.0, 3.0):
            np.testing.assert_array_equal(Plain(n).doubled.numpy(), 2.0 * n * X.numpy())
            np.testing.assert_array_equal(Plain(n).tripled.numpy(), 3.0 * n * X.numpy())
            np.testing.assert_array_equal(Derived(n).f(X, plus=1.0).numpy(), n * X.numpy() + 101.0)
            np.testing.assert_array_equal(Plain(n).calls(X).numpy(), (n + 15.0) * X.numpy())


def scaled(x, n, *, plus=0.0):
    return x * n + plus


class Callable:
    def __init__(self, n):
        self.n = n
        self.source = "an attribute of the object"

    def __call__(self, x):
        y = x * self.n
        return y + 0.0

    def method(self, x):
        return x * self.n


VARIABLE = tgl.Variable(2.0)
CALLABLES = {
    "partial": functools.partial(scaled, n=2.0),
    "partial of a partial": functools.partial(functools.partial(scaled, plus=0.0), n=2.0),
    "partial of a method": functools.partial(Callable(2.0).method),
    "partial with a Variable": functools.partial(scaled, n=VARIABLE),
    "object": Callable(2.0),
    "method": Callable(2.0).method,
    "lambda": lambda x: scaled(x, 2.0),
    "function of a function": tgl.function(lambda x: scaled(x, 2.0)),
    "compiled method": Plain(2.0).f,
    "wrapped": functools.wraps(scaled)(lambda x: scaled(x, 2.0)),
    "lru_cache": functools.lru_cache(lambda x: scaled(x, 2.0)),
    "primitive": functools.partial(tgl.multiply, 2.0),
    "ufunc": functools.partial(np.multiply, 2.0),
    "layer": nn.Rescaling(2.0) if hasattr(nn, "Rescaling") else (lambda x: x * 2.0),
}


@pytest.mark.parametrize("name", CALLABLES)
def test_callables_of_all_kinds(name):
    f = tgl.function(CALLABLES[name])
    for x in (X, X + 1.0, X):
        np.testing.assert_array_equal(f(x).numpy(), 2.0 * x.numpy())
    assert f.traces == 1
    assert f.source().startswith("def ")
    assert repr(f).startswith("<tgl.function ")

    class Holder:
        g = f

    if name in ("object", "method", "compiled method"):  # as Python has it, these are no methods of who holds them
        np.testing.assert_array_equal(Holder().g(X).numpy(), 2.0 * X.numpy())


def test_attributes_of_a_function_are_kept_but_hide_nothing():
    def f(x):
        return x

    f.tag, f.source, f.traces = "mine", "mine", "mine"
    g = tgl.function(f)
    g(X)
    assert (g.tag, g.traces) == ("mine", 1)
    assert g.source().startswith("def f(")


class Delayed:
    def __call__(self, x):
        yield x

    async def method(self, x):
        return x


def generator(x):
    yield x


async def coroutine(x):
    return x


async def asynchronous_generator(x):
    yield x


LATER = [generator, coroutine, asynchronous_generator, Delayed(), Delayed().method, functools.partial(generator)]


@pytest.mark.parametrize("f", LATER, ids=repr)
def test_functions_whose_body_runs_later_are_refused(f):
    with pytest.raises(TypeError, match=r"has its result when it returns.*Return a list"):
        tgl.function(f)


@pytest.mark.parametrize(
    "x", [None, 3, X, Plain, property(generator), functools.partialmethod(scaled, n=2.0)], ids=repr
)
def test_what_is_no_function_is_refused(x):
    with pytest.raises(TypeError, match=r"tgl\.function expected a function"):
        tgl.function(x)


def test_objects_that_hold_compiled_functions_are_copied_without_their_programs():
    one = Plain(2.0)
    one.f(X)
    other = copy.deepcopy(one)
    other.n = 3.0
    for _ in range(2):
        np.testing.assert_array_equal(other.f(X).numpy(), 3.0 * X.numpy())
        np.testing.assert_array_equal(one.f(X).numpy(), 2.0 * X.numpy())
