"""Which calls of a `tgl.function` share a program: those that a function cannot tell apart, and no others."""

import enum
import itertools
import math
import operator
from collections import OrderedDict, defaultdict, namedtuple
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_lite as tgl

X = tgl.constant([1.0, 2.0])
OTHER = tgl.constant([[[0.0]]])


class Coarse:
    """Equal to every other one, as a class may say."""

    def __init__(self, n):
        self.n = n

    def __eq__(self, other):
        return isinstance(other, Coarse)

    def __hash__(self):
        return 0


class Number(int):
    unit = None


class Text(str):
    unit = None


class Real(float):
    pass


class Pair(tuple):
    pass


class Rows(list):
    pass


class Options(dict):
    pass


class Color(enum.Enum):
    RED = 1
    BLUE = 2


class Level(enum.IntEnum):
    LOW = 0
    HIGH = 1


class Mode(enum.StrEnum):
    ONE = "1"


Point, Size = namedtuple("Point", "x y"), namedtuple("Size", "x y")


def with_unit(make, unit):
    made = make()
    made.unit = unit
    return made


def method(x):
    return SimpleNamespace(n=x)


# All of these are different arguments, though many are equal, or have equal parts.
VALUES = [
    0, 1, True, False, 0.0, -0.0, 1.0, 0j, -0j, complex(-0.0, 0.0), complex(0.0, -0.0), 1 + 0j, None, ...,
    NotImplemented, "", "1", b"", b"1", Text("1"), Number(1), Number(0), Real(1.0), Real(-0.0), Real(0.0),
    with_unit(lambda: Number(1), "m"), with_unit(lambda: Text("1"), "m"), math.nan, math.inf, -math.inf, 10**30,
    float(10**30), Color.RED, Color.BLUE, Level.LOW, Level.HIGH, Mode.ONE, np.dtype("float32"), np.float32,
    "float32", np.dtype("float64"), np.dtype(">f4"), float, int, np.str_("1"), np.bytes_(b"1"),
    np.datetime64("2024-01-01"), np.datetime64("2024-01-01T00"), (), [], {}, ((),), ([],), [()], [[]], {"a": ()},
    Pair(), Rows(), Options(), OrderedDict(), defaultdict(list), defaultdict(int), frozenset(), frozenset([1]),
    frozenset([True]), frozenset([1.0]), frozenset([0.0]), frozenset([-0.0]), (1,), (True,), (1.0,), [1], [1.0],
    [True], (0.0,), (-0.0,), Pair((1,)), with_unit(lambda: Pair((1,)), "m"), Point(1, 2), Size(1, 2), (1, 2), [1, 2],
    Point(1.0, 2), (1, (2,)), ((1,), 2), (1, 2, ()), Point(True, 2), {"a": 1}, {"a": 1.0}, {"a": True}, {1: 1},
    {True: 1}, {1.0: 1}, {"a": 1, "b": 2}, {"b": 2, "a": 1}, {(0.0,): 1}, {(-0.0,): 1}, {"1": 1}, {b"1": 1},
    Options(a=1), OrderedDict(a=1), {Color.RED: 1}, {Text("1"): 1}, {"a": {"b": 1}}, {"a": {}, "b": 1}, slice(1),
    slice(True), slice(1.0), slice(0, 1), slice(0, 1, 1), slice(None), slice(0.0, 1), slice(-0.0, 1), range(0),
    range(5, 0), range(1, 1), range(0, 3, 2), range(0, 4, 2), Coarse(1), Coarse(2), [Coarse(1)], {"a": Coarse(1)},
    (Coarse(2), 1), frozenset([Coarse(1)]), len, math.sin, np.sin, print, operator.itemgetter(0), lambda x: x,
    lambda x: x, Coarse, Number, Coarse(1).__eq__, [].append, [].append, np.random.default_rng(0),
    np.random.default_rng(0), object(), object(), np, math, X, tgl.constant([1, 2]), tgl.constant([[1.0, 2.0]]),
    tgl.constant(1.0), (X,), [X], {"a": X}, (X, X), (X, X + 0.0), np.float64(1.0), np.int64(1), np.int32(1),
    np.bool_(True), np.float16(1), np.ones((2, 2), order="F"), np.ones((2, 3), np.float32).T,
    np.ones((3, 2), np.float32), tgl.Variable(1.0), tgl.Variable(1.0), frozenset([X]), {X: 1}, (X, None), (None, X),
]  # fmt: skip


def key(*args, **kwargs):
    """What a call is known by."""
    keys = []
    f = tgl.function(lambda *args, **kwargs: None)
    f._first_call = lambda key, *_: keys.append(key)
    f(*args, **kwargs)
    return keys[0]


def ways(value):
    """Calls in which the value takes different places."""
    return [
        key(value), key(OTHER, value), key(OTHER, y=value), key(OTHER, z=value), key((OTHER,), {"y": value}),
        key([value]), key((value,)), key({"y": value}), key(**{"y": value}), key((OTHER, value)),
        key([OTHER, value]), key(OTHER, (value,)), key(OTHER, [value]), key(OTHER, *[value, None]),
        key(OTHER, {"y": value}), key((OTHER, value), y=value), key(value, y=value), key((value,), {"y": value}),
        key(((value,), "**", ("y", value))),
    ]  # fmt: skip


def test_different_arguments_have_different_signatures():
    for a, b in itertools.combinations(VALUES, 2):
        for one, other in zip(KEYS[id(a)], KEYS[id(b)]):
            assert one != other, f"{a!r} is taken for {b!r}"


def test_different_places_have_different_signatures():
    for value in VALUES:
        for one, other in itertools.combinations(KEYS[id(value)], 2):
            assert one != other, f"{value!r}"


KEYS = {id(value): ways(value) for value in VALUES}


@pytest.mark.parametrize("value", VALUES, ids=lambda x: type(x).__name__)
def test_the_same_argument_has_the_same_signature(value):
    for one, other in zip(ways(value), ways(value)):
        assert one == other
        assert hash(one) == hash(other)


@pytest.mark.parametrize(
    "make",
    [
        lambda: 10**30, lambda: "ab" * 2, lambda: 0.1 + 0.2, lambda: complex(1, -0.0), lambda: float("nan"),
        lambda: (1, [2]), lambda: {"a": (1,)}, lambda: slice(1, 2), lambda: range(3), lambda: frozenset([1]),
        lambda: np.dtype(">f4"), lambda: np.str_("a"), lambda: np.datetime64("2024-01-01"), lambda: Point(1, 2),
        lambda: OrderedDict(a=1), lambda: defaultdict(list, a=1), lambda: Color(1), lambda: np.ones(3),
        lambda: tgl.ones((3,)), lambda: np.float32(2), lambda: VALUES.append, lambda: X.numpy,
        lambda: tgl.function(Coarse.__eq__).__get__(X) and X.sum,
    ],
)  # fmt: skip
def test_equal_values_made_anew_share_a_program(make):
    assert key(make()) == key(make())


def test_objects_of_ones_own_count_by_which_one_it_is():
    f = tgl.function(lambda x, c: x * c.n)
    for _ in range(2):
        for n in (2.0, 3.0):
            one = Coarse(n)
            np.testing.assert_array_equal(f(X, one).numpy(), n * X.numpy())
    assert f.traces == 4


def test_arguments_and_a_dict_that_looks_like_keywords():
    def f(*args, **kwargs):
        return tgl.constant(float(len(args) + 10 * len(kwargs))) * X

    g = tgl.function(f)
    for _ in range(2):
        for args, kwargs in [((X,), {"y": X}), (((X,), {"y": X}), {}), (((X,),), {"y": X}), ((X, {"y": X}), {})]:
            np.testing.assert_array_equal(g(*args, **kwargs).numpy(), f(*args, **kwargs).numpy())


LEAVES = st.sampled_from([0, 1, True, False, 0.0, -0.0, 1.0, 0j, -0j, "1", b"1", None, math.nan, np.float32(1)])
STRUCTURES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.tuples(inner, inner).map(lambda pair: Point(*pair)),
        st.dictionaries(st.sampled_from(["a", "b", 1, 0, -1, None]), inner, max_size=3),
        st.lists(inner, max_size=2).map(Rows),
    ),
    max_leaves=6,
)


def exactly(x):
    """`x` as text that says its types, the order of dicts, and the signs of zeros."""
    if isinstance(x, dict):
        return f"{type(x)}{[(exactly(key), exactly(value)) for key, value in x.items()]}"
    if isinstance(x, (list, tuple)):
        return f"{type(x)}{[exactly(item) for item in x]}"
    return "number" if isinstance(x, (np.generic, tgl.Tensor)) else f"{type(x)}{x!r}"


@given(STRUCTURES, STRUCTURES)
@settings(max_examples=300, deadline=None)
def test_two_structures_share_a_program_if_and_only_if_they_are_alike(a, b):
    assert (key(X, a) == key(X, b)) == (exactly(a) == exactly(b))
    assert key(X, a) != key(X, k=a)


@given(STRUCTURES)
@settings(max_examples=100, deadline=None)
def test_a_function_is_handed_what_was_passed(structure):
    seen = []
    tgl.function(lambda x: seen.append(exactly(x)))(structure)
    assert seen == [exactly(structure)]


def test_containers_of_their_own_class_stay_what_they_are():
    def f(a, b, c):
        a.move_to_end("x")
        b["new"].append(1)
        assert (type(c), c.unit) == (Pair, "m")
        return a, b, Rows([c[0]])

    given = OrderedDict(x=X, y=X), defaultdict(list, x=X), with_unit(lambda: Pair((X,)), "m")
    g = tgl.function(f)
    for _ in range(2):
        a, b, c = g(*given)
        assert (type(a), list(a)) == (OrderedDict, ["y", "x"])
        assert (type(b), b["new"], b["other"]) == (defaultdict, [1], [])
        assert type(c) is Rows
    assert list(given[0]) == ["x", "y"]  # the function has its own


def test_subclasses_of_arrays_do_not_take_the_program_of_arrays():
    class Mine(np.ndarray):
        def __array_ufunc__(self, *args, **kwargs):
            raise AssertionError("a program computes with plain arrays")

    f = tgl.function(lambda x: x * 2.0)
    a = np.ones(2, np.float32)
    f(a)
    np.testing.assert_array_equal(f(a.view(Mine)).numpy(), 2.0)
    assert f.traces == 1
