"""`check_primitive`: operations with one fault each, and that the fault is what the message speaks of."""

import sys
import textwrap

import numpy as np
import pytest
from hypothesis import strategies as st

import tinygrad_lite as tgl
from tinygrad_lite.core.primitive import Primitive
from tinygrad_lite.core.tensor import wrap
from tinygrad_lite.testing import FIGURES, GradientError, PrimitiveError, check_primitive, profiles, strategies


def operation(forward, *rules, name="operation", **options):
    """A primitive that is not entered into the registry."""
    made = Primitive(forward, name=name, **options)
    if rules:
        made.defvjp(*rules)
    return made


def elementwise(forward, *rules, **options):
    return operation(forward, *rules, is_elementwise=True, **options)


def double(x):
    return 2 * x


def fast(**keywords):
    return {"max_examples": 5, **keywords}


# Right operations ---------------------------------------------------------------------------------------------


def test_a_right_operation_passes_and_is_counted():
    before = FIGURES.cases
    check_primitive(elementwise(double, lambda g, y, x: 2 * g), reference=double, max_examples=7)
    assert FIGURES.cases >= before + 7
    assert "operation" in FIGURES.names


def test_functions_of_tensors_pass_too():
    check_primitive(lambda x, y: tgl.exp(x) * y, reference=lambda x, y: np.exp(x) * y, broadcasts=True, **fast())
    check_primitive(tgl.outer, max_dims=1, **fast())


def test_several_results():
    both = operation(
        lambda x: (np.sin(x), np.cos(x)),
        lambda g, y, x: g[0] * np.cos(x) - g[1] * np.sin(x),
    )
    check_primitive(both, reference=lambda x: (np.sin(x), np.cos(x)), **fast())


def test_what_is_drawn_without_a_word():
    """0-d, empty and broadcasting arguments, of the bounds asked for, in any case."""
    seen = set()

    def f(x, y):
        if isinstance(x, np.ndarray):
            seen.add((x.shape, y.shape))
            assert ((x >= -1) & (x <= 2)).all()
            assert (np.absolute(y - 1) >= 0.25).all()
        return tgl.multiply(x, y)

    bounds = {"domain": {"x": (-1.0, 2.0)}, "avoid": {"y": [1.0]}, "by": 0.25}
    check_primitive(f, reference=np.multiply, broadcasts=True, **bounds, max_examples=1)
    assert {((), ()), ((2, 3), ()), ((), (2, 3)), ((2, 1), (1, 3)), ((0,), (1,))} <= seen


def test_distinct_numbers_of_all_arguments():
    drawn = []

    def f(x, y):
        drawn.append(np.sort(np.concatenate([np.ravel(x), np.ravel(y)])))
        return tgl.greater(x, y)

    check_primitive(f, reference=np.greater, distinct=True, by=1 / 16, order=0, **fast())
    assert all((np.diff(values) >= 1 / 16).all() for values in drawn)
    assert max(map(len, drawn)) > 2


def test_metadata_are_values_strategies_or_functions_of_the_arguments():
    seen = []

    def f(x, *, axis, factor, offset):
        seen.append((axis, factor, offset, x.ndim))
        return tgl.sum(x, axis=axis) * factor + offset

    check_primitive(
        f,
        reference=lambda x, axis, factor, offset: np.sum(x, axis=axis) * factor + offset,
        metadata={"axis": lambda x: strategies.axes(x.ndim), "factor": st.sampled_from([2, 3]), "offset": 1},
        **fast(),
    )
    assert all(factor in (2, 3) and offset == 1 for _, factor, offset, _ in seen)
    assert any(isinstance(axis, tuple) or axis is not None for axis, *_ in seen)


def test_integer_arguments():
    check_primitive(
        lambda x, places: tgl.take(x, places),
        reference=lambda x, places: np.take(x, places),
        dtypes={"places": int},
        domain={"places": (0, 1)},
        shapes=st.just(((2,), (3,))),
        **fast(),
    )


def test_a_function_without_a_gradient():
    check_primitive(lambda x: tgl.floor(x), reference=np.floor, order=0, **fast())
    with pytest.raises(PrimitiveError, match="no gradient rule, so its gradient is None"):
        check_primitive(lambda x: tgl.exp(x), reference=np.exp, order=0, **fast())


# Faults -------------------------------------------------------------------------------------------------------


def writes(x):
    if x.size:
        x *= 2
    return x + 0


def as_float64(x):
    return x.astype(np.float64)


def in_memory_order(x):
    """Reads the memory of `x` from its first byte on, as if there were no strides."""
    memory = x if x.base is None or x.flags.c_contiguous else x.base
    return 2 * memory.ravel()[: x.size].reshape(x.shape)


def added_anyway(a, b):
    """Takes vectors of unequal length for vectors of the shorter one."""
    if np.ndim(a) == np.ndim(b) == 1 and 1 not in (len(a), len(b)):
        a, b = a[: len(b)], b[: len(a)]
    return a + b


_twice = {"reference": double}

FAULTS = {
    "wrong value": (elementwise(lambda x: 2.001 * x, lambda g, y, x: 2.001 * g), _twice),
    "wrong value at one point": (
        elementwise(lambda x: np.where(x == 0, 1, 2 * x), lambda g, y, x: 2 * g),
        _twice,
    ),
    "wrong shape": (operation(lambda x: 2 * x.ravel(), lambda g, y, x: 2 * g.reshape(x.shape)), _twice),
    "wrong number of results": (
        operation(lambda x: (2 * x, x), lambda g, y, x: 2 * g[0] + g[1]),
        _twice,
    ),
    "the dtype is not kept": (elementwise(lambda x: 2 * as_float64(x), lambda g, y, x: g * 2), _twice),
    "wrong dtype": (elementwise(lambda x: np.exp(as_float64(x)), lambda g, y, x: g * y), {"reference": np.exp}),
    "the forward wrote to an argument": (operation(writes, lambda g, y, x: 2 * g), _twice),
    "wrong value from arrays that are not contiguous": (
        operation(in_memory_order, lambda g, y, x: 2 * g),
        {**_twice, "empty": False, "min_dims": 1},
    ),
    "its rule for x computes in another dtype": (elementwise(double, lambda g, y, x: 2 * as_float64(g)), _twice),
    "another gradient of x from arrays that are not contiguous": (
        operation(double, lambda g, y, x: 2 * g * (1 if x.flags.c_contiguous else 1.1)),
        {**_twice, "order": 1},
    ),
    "another gradient of x in float32": (
        operation(double, lambda g, y, x: 2 * g * (1 if g.dtype == np.float64 else 1.1)),
        _twice,
    ),
    "shapes that do not broadcast must raise ValueError": (
        elementwise(added_anyway, lambda g, y, a, b: g, lambda g, y, a, b: g),
        {"reference": np.add},
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_are_found(fault):
    f, keywords = FAULTS[fault]
    with pytest.raises(PrimitiveError) as caught:
        check_primitive(f, **fast(**keywords))
    assert fault.removesuffix(" at one point") in str(caught.value)
    assert "This reproduces it" in str(caught.value)


def test_wrong_gradients_are_found():
    with pytest.raises(GradientError, match="with respect to x is wrong"):
        check_primitive(elementwise(np.square, lambda g, y, x: 1.999 * g * x), reference=np.square, **fast())
    with pytest.raises(GradientError, match=r"wrong \(order 2\)"):
        check_primitive(
            elementwise(np.square, lambda g, y, x: 2 * g * tgl.stop_gradient(x)), reference=np.square, **fast()
        )
    with pytest.raises(ValueError, match="must return the shape of b"):
        check_primitive(
            operation(lambda a, b: a + b, lambda g, y, a, b: g, lambda g, y, a, b: g),
            reference=np.add,
            broadcasts=True,
            **fast(),
        )


def test_a_rule_that_writes_to_g_is_found():
    def rule(g, y, x):
        if isinstance(g, np.ndarray) and g.ndim:
            g *= 2
            return g
        return 2 * g

    with pytest.raises((GradientError, ValueError), match=r"computed in the memory|read-only"):
        check_primitive(elementwise(double, rule), **fast(**_twice))


def test_a_missing_rule_is_found_where_the_result_depends_on_the_argument():
    f = elementwise(lambda a, b: a * b, lambda g, y, a, b: g * b, None)
    with pytest.raises(GradientError, match="None, which counts as 0"):
        check_primitive(f, reference=lambda a, b: a * b, **fast())


def test_results_that_are_no_tensors():
    with pytest.raises(PrimitiveError, match="must return Tensors"):
        check_primitive(lambda x: np.asarray(tgl.exp(x).numpy()), reference=np.exp, **fast())


def test_result_that_looks_into_an_array_of_the_caller():
    def f(x):
        return x if isinstance(x, tgl.Tensor) else wrap(x)

    with pytest.raises(PrimitiveError, match="shares memory with an array of the caller"):
        check_primitive(f, reference=None, min_dims=1, empty=False, **fast())


def test_numpys_function_must_give_the_same_gradient():
    other_at_ties = elementwise(
        np.maximum, lambda g, y, a, b: np.where(a > b, g, 0), lambda g, y, a, b: np.where(a > b, 0, g)
    )
    check_primitive(other_at_ties, reference=np.maximum, distinct=True, **fast())
    with pytest.raises(PrimitiveError, match=r"another gradient of x1 through numpy\.maximum"):
        check_primitive(other_at_ties, reference=np.maximum, examples=[((np.ones(2), np.ones(2)), {})], max_examples=0)


def test_numpys_function_must_give_the_same_result():
    with pytest.raises(PrimitiveError, match=r"numpy\.exp gives another result"):
        check_primitive(lambda x: tgl.exp(x) * (1 + 1e-14), reference=np.exp, **fast())


# Kinks --------------------------------------------------------------------------------------------------------


def test_a_few_kinks_are_counted_and_many_are_an_error():
    before = FIGURES.kinks
    check_primitive(tgl.relu, reference=lambda x: np.maximum(x, 0), avoid=[0.0], examples=[((np.zeros(2),), {})])
    assert FIGURES.kinks == before + 1
    with pytest.raises(PrimitiveError, match=r"no derivative at \d+ of \d+ points"):
        check_primitive(tgl.relu, reference=lambda x: np.maximum(x, 0), domain=(0.0, 0.0), **fast())


# Misuse -------------------------------------------------------------------------------------------------------


def test_misuse():
    with pytest.raises(TypeError, match="expected a reference for gelu"):
        check_primitive(tgl.gelu)
    with pytest.raises(TypeError, match="expected metadata for axis1, axis2 of swapaxes"):
        check_primitive(tgl.swapaxes)
    with pytest.raises(TypeError, match="how many arrays"):
        check_primitive(tgl.einsum)
    with pytest.raises(ValueError, match="expected avoid by the names of arguments: x1, x2"):
        check_primitive(tgl.divide, avoid={"denominator": [0.0]})


def test_examples_alone_need_no_drawing(monkeypatch):
    monkeypatch.delattr("tinygrad_lite.testing.drawing", raising=False)
    monkeypatch.setitem(sys.modules, "tinygrad_lite.testing.drawing", None)  # as where Hypothesis is missing
    check_primitive(tgl.tanh, examples=[((np.array([0.5]),), {})], max_examples=0)
    with pytest.raises(ImportError):
        check_primitive(tgl.tanh)


def test_number_of_examples(monkeypatch):
    def count(**keywords):
        before = FIGURES.cases
        check_primitive(tgl.tanh, domain=(0.1, 1.0), **keywords)
        return FIGURES.cases - before

    edges = count(max_examples=1) - 1
    monkeypatch.setattr(profiles, "gradient_examples", 9)
    assert count() == 9 + edges
    assert count(max_examples=3) == 3 + edges


# Scripts ------------------------------------------------------------------------------------------------------

MODULE = """
import numpy as np
import tinygrad_lite as tgl

@tgl.primitive
def total(x, *, axis):
    return np.asarray(x).sum(axis) * (1 + 1e-6)

total.defvjp(lambda g, y, x, axis: np.broadcast_to(np.expand_dims(g, axis), x.shape) * (1 + 1e-6))

def right(x, axis):
    return x.sum(axis)
"""


def test_script_raises_the_same_error(tmp_path, monkeypatch):
    (tmp_path / "module_of_wrong_values.py").write_text(MODULE, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    import module_of_wrong_values

    keywords = {
        "reference": module_of_wrong_values.right,
        "metadata": {"axis": -1},
        "min_dims": 1,
        "domain": (1.0, 2.0),
    }
    with pytest.raises(PrimitiveError) as caught:
        check_primitive(module_of_wrong_values.total, **fast(**keywords))
    message = str(caught.value)
    assert message.startswith("total: wrong value from Tensors in float64.\n  Expected  array(")
    with pytest.raises(PrimitiveError) as again:
        exec(textwrap.dedent(message.partition("This reproduces it:")[2]), {})
    assert str(again.value) == message
    sys.modules.pop("module_of_wrong_values")
