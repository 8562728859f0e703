"""Ways for a value to leave the tape: each keeps its gradient, or raises, or is asked for by name."""

import array
import copy
import math
import operator
import pickle
import statistics
import struct

import numpy as np
import pytest

import tinygrad_lite as tgl

KEPT = {
    "value()": lambda x: x.value() if isinstance(x, tgl.Variable) else x,
    "read_value()": lambda x: x.read_value() if isinstance(x, tgl.Variable) else x,
    "Tensor(x)": tgl.Tensor,
    "Tensor(x, dtype)": lambda x: tgl.Tensor(x, "float32"),
    "constant(x)": tgl.constant,
    "constant(x, dtype)": lambda x: tgl.constant(x, "float32"),
    "+x": lambda x: +x,
    "x[...]": lambda x: x[...],
    "astype of the same dtype": lambda x: x.astype(x.dtype),
    "copy()": lambda x: x.copy(),
    "iteration": lambda x: tgl.stack(list(x)),
    "sum of Python's": lambda x: sum([x, x, -x]),
    "max and sorted of Python's": lambda x: tgl.stack([*sorted(x)]),
    "copies of a result": lambda x: copy.deepcopy([copy.copy(x * 1.0)])[0],
    "round, floor, ceil are operations": lambda x: x + 0 * tgl.stack([math.floor(p) for p in x]),
}


@pytest.mark.parametrize("name", KEPT)
@pytest.mark.parametrize("make", [lambda v: v, lambda v: v * 1.0], ids=["a Variable", "a result"])
def test_what_looks_like_the_same_value_has_its_gradient(name, make):
    v = tgl.Variable([2.0, 3.0], dtype="float32")
    with tgl.GradientTape() as outer:
        with tgl.GradientTape() as tape:
            y = KEPT[name](make(v)) ** 3
        first = tape.gradient(y, v)
    assert (y.tolist(), first.tolist()) == ([8.0, 27.0], [12.0, 27.0])
    assert outer.gradient(first, v).tolist() == [12.0, 18.0]


@pytest.mark.parametrize("read", [lambda v: v.value(), lambda v: v.read_value(), tgl.Tensor, lambda v: +v])
def test_a_reading_stays_what_it_was(read):
    v = tgl.Variable([2.0, 3.0])
    with tgl.GradientTape() as tape:
        before = read(v)
        v.assign([10.0, 20.0])
        y = before * v
        v.assign_add([1.0, 1.0])
    assert before.numpy().tolist() == [2.0, 3.0]
    assert y.numpy().tolist() == [20.0, 60.0]
    assert tape.gradient(y, v).numpy().tolist() == [12.0, 23.0]


def test_a_reading_by_value_counts_as_one():
    v, frozen = tgl.Variable(2.0), tgl.Variable(2.0, trainable=False)
    with tgl.GradientTape() as tape:
        y = v.value() * frozen.value()
    assert tape.watched_variables() == (v,)
    assert [g and g.item() for g in tape.gradient(y, [v, frozen])] == [2.0, None]


def setitem(out, index, value):
    out[index] = value
    return out


def nested_call(x):
    return math.sqrt(math.exp(x))


TAKEN = {  # by functions of C's that ask for a number, without a word of the user's
    "asarray": np.asarray,
    "array": np.array,
    "array of parts": lambda x: np.array([x, x]),
    "array with a dtype": lambda x: np.array([1.0, x], dtype=float),
    "float64": lambda x: np.float64(x),
    "float32": np.float32,
    "full": lambda x: np.full(3, x),
    "an element of an array": lambda x: setitem(np.zeros(3), 1, x),
    "an element of an array of integers": lambda x: setitem(np.zeros(3, int), 1, x),
    "a slice of an array": lambda x: setitem(np.zeros(3), slice(None), x),
    "an element by flat": lambda x: setitem(np.zeros(3).flat, 1, x),
    "an element of Python's array": lambda x: setitem(array.array("d", [0.0]), 0, x),
    "Python's array": lambda x: array.array("d", [x]),
    "fill": lambda x: fill(x),
    "fromiter": lambda x: np.fromiter([x], float),
    "put": lambda x: np.put(np.zeros(3), [0], x),
    "copyto": lambda x: np.copyto(np.zeros(3), x),
    "out=": lambda x: np.add(x, x, out=np.zeros(())),
    "+= of an array": lambda x: operator.iadd(np.zeros(()), x),
    "math.sin": lambda x: math.sin(x),
    "math.pow": lambda x: math.pow(2.0, x),
    "math.hypot": lambda x: math.hypot(x, 1.0),
    "math.fsum": lambda x: math.fsum([x, x]),
    "math by another name": lambda x: nested_call(x),
    "statistics.fmean": lambda x: statistics.fmean([x, x]),
    "statistics.mean": lambda x: statistics.mean([x, x]),
    "memoryview": memoryview,
    "a list of recorded tensors": lambda x: np.array([x, x]),
}


OTHERS: dict[str, tuple[str, ...]] = dict.fromkeys(TAKEN, ()) | {
    "an element by flat": ("Error setting single item",),  # which is all that NumPy lets through
    "statistics.mean": ("can't convert type",),
    "memoryview": ("bytes-like object",),
}


def fill(x):
    out = np.zeros(3)
    out.fill(x)


@pytest.mark.parametrize("name", TAKEN)
def test_what_would_cut_the_gradient_without_being_asked_raises(name):
    v = tgl.Variable(2.0)
    with tgl.GradientTape() as tape:
        for x in (v * 1.0, v):
            with pytest.raises((TypeError, ValueError)) as caught:
                TAKEN[name](x)
            causes = f"{caught.value} {caught.value.__cause__} {caught.value.__context__}"
            assert any(words in causes for words in ("silently", "would be lost", "no gradient rule", *OTHERS[name]))
        y = v * 3.0
    assert tape.gradient(y, v).item() == 3.0
    if name not in ("statistics.mean", "memoryview"):
        TAKEN[name](y)  # which no tape follows any more
        TAKEN[name](tgl.Variable(2.0, trainable=False))


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda v: copy.deepcopy({"v": [v]})["v"][0]])
def test_a_copy_of_a_variable_is_another_one_so_a_tape_refuses_it(copied):
    v, frozen = tgl.Variable(2.0, name="v"), tgl.Variable(2.0, trainable=False)
    with tgl.GradientTape() as tape:
        with pytest.raises(TypeError, match=r"copying it makes another Variable.*silently"):
            copied(v)
        assert copied(frozen) is not frozen
        with tape.stop_recording():
            other = copied(v)
    other.assign(5.0)
    assert (v.item(), other.name, copied(v).item()) == (2.0, "v", 2.0)


ASKED_FOR = {
    "float()": float,
    "int()": int,
    "complex()": complex,
    "item()": lambda x: x.item(),
    "tolist()": lambda x: x.tolist(),
    "numpy()": lambda x: x.numpy(),
    "bool()": bool,
    "a comparison": lambda x: 1 if x > 1 else 0,
    "format": lambda x: f"{x:.3f}",
    "percent": lambda x: "%.3f" % x,  # noqa: UP031
    "str": str,
    "repr": repr,
    "isnan": lambda x: math.isnan(x),
    "isfinite": lambda x: math.isfinite(x),
    "isclose": lambda x: math.isclose(x, 2.0),
    "a list of floats": lambda x: [float(p) for p in [x, x]],
    "float by map": lambda x: list(map(float, [x])),
    "a nested call": lambda x: math.sqrt(float(x)),
    "an element, by float": lambda x: setitem(np.zeros(3), 0, float(x)),
    "pickle": lambda x: pickle.loads(pickle.dumps(x)),
    "struct": lambda x: struct.pack("d", x),
    "stop_gradient": tgl.stop_gradient,
}


@pytest.mark.parametrize("name", ASKED_FOR)
def test_what_is_asked_for_by_name_is_answered(name):
    v = tgl.Variable(2.0)
    with tgl.GradientTape() as tape:
        x = v * 1.0
        answers = ASKED_FOR[name](x), ASKED_FOR[name](v)
        y = x * 3.0
    assert all(answer is not None for answer in answers)
    assert tape.gradient(y, v).item() == 3.0


@pytest.mark.parametrize("line", ["math.sin(x)", "sin(x)", "math . sin (\n x)", "[math.sin(x) for _ in range(2)]"])
def test_who_asks_for_a_number_is_seen_in_any_spelling(line):
    v = tgl.Variable(2.0)
    with tgl.GradientTape(), pytest.raises(TypeError, match=r"handing it to math\.sin"):
        eval(line, {"math": math, "sin": math.sin, "x": v * 1.0})


@pytest.mark.parametrize("read", [tgl.Variable.value, tgl.Variable.read_value, tgl.Tensor, tgl.constant])
@pytest.mark.parametrize("value", [[True, False], [1, 2], [0.5, 1.5]], ids=["bool", "int", "float"])
def test_variables_of_every_dtype_can_be_read(read, value):
    for run in (lambda f: f, tgl.function):
        v = tgl.Variable(value)
        f = run(lambda v=v: read(v))
        for expected in (value, value[::-1]):
            v.assign(expected)
            y = f()
            assert (y.tolist(), y.dtype) == (expected, v.dtype)
