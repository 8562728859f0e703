"""Every primitive and every function made of them, compiled: the bits of the eager path, with its gradients.

The points are those of `check_primitive`. At each, a program is traced with other numbers (the arguments reversed) and
then run with the point's own, so that a number which slipped into the program as a constant shows.
"""

import functools
import warnings

import numpy as np
import pytest
from primitive_cases import CASES, OTHERS

import tinygrad_lite as tgl
from tinygrad_lite import ops
from tinygrad_lite.compiler import fusion as blocks
from tinygrad_lite.compiler.traced import TracingError
from tinygrad_lite.core.primitive import REGISTRY
from tinygrad_lite.core.structure import flatten, map_structure
from tinygrad_lite.testing import check_primitive, primitives

# What must know values before it runs, and says so.
NEEDS_VALUES = {
    "_getitem", "_unique", "argwhere", "compress", "flatnonzero", "getitem", "nonzero", "unique",
}  # fmt: skip


def is_tensor(x):
    return isinstance(x, (np.ndarray, np.generic)) and x.dtype.kind == "f"


def with_gradients(f, structure):
    """A function of the floating arrays in `structure`: the results of `f`, and the gradients of their sum."""

    def function(*arrays):
        tensors = [tgl.constant(x) if not isinstance(x, tgl.Tensor) else x for x in arrays]
        rest = iter(tensors)
        with tgl.GradientTape() as tape:
            tape.watch(tensors)
            results = flatten(f(*map_structure(lambda x: next(rest) if is_tensor(x) else x, structure)))
            floating = [y for y in results if y.dtype.kind == "f"]
        return results, tape.gradient(floating, tensors) if floating and tensors else []

    return function


def values(answer):
    results, gradients = answer
    return [None if x is None else np.array(x.numpy()) for x in (*results, *gradients)]


def compare(battery, arguments, metadata):
    """Raise unless the compiled function gives the bits of the eager one at this point."""
    f = functools.partial(battery.f, **metadata) if metadata else battery.f
    function = with_gradients(f, arguments)
    arrays = [np.array(x) for x in flatten(arguments) if is_tensor(x)]
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        eager = values(function(*arrays))
        compiled = tgl.function(function)
        try:
            compiled(*[np.ascontiguousarray(x.reshape(-1)[::-1].reshape(x.shape)) for x in arrays])
        except TracingError:
            assert battery.name in NEEDS_VALUES
            return
        except (ValueError, IndexError, np.linalg.LinAlgError):  # no matrix of the right kind, when reversed
            compiled(*arrays)
        again = values(compiled(*arrays))
    assert len(eager) == len(again)
    for one, other in zip(eager, again):
        assert (one is None) == (other is None)
        if one is not None:
            assert (one.shape, one.dtype) == (other.shape, other.dtype), battery.name
            np.testing.assert_array_equal(one, other, err_msg=battery.name)


@pytest.mark.parametrize("name", [name for name in CASES if not REGISTRY[name].is_random])
def test_primitive(name, monkeypatch):
    monkeypatch.setattr(primitives.Battery, "run", compare)
    monkeypatch.setattr(primitives.Battery, "judge_kinks", lambda self: None)
    for keywords in CASES[name]:
        check_primitive(REGISTRY[name], **{**keywords, "max_examples": min(3, keywords.get("max_examples", 3))})


@pytest.mark.parametrize("name", [name for name in CASES if REGISTRY[name].is_elementwise])
def test_elementwise_primitive_in_blocks(name, monkeypatch):
    monkeypatch.setattr(blocks, "BLOCK", 3)
    for threshold in ("LONG", "LARGE"):
        monkeypatch.setattr(blocks, threshold, 1)
    test_primitive(name, monkeypatch)


@pytest.mark.parametrize("name", list(OTHERS))
def test_function(name, monkeypatch):
    monkeypatch.setattr(primitives.Battery, "run", compare)
    monkeypatch.setattr(primitives.Battery, "judge_kinks", lambda self: None)
    for keywords in OTHERS[name]:
        check_primitive(getattr(ops, name), **{**keywords, "max_examples": min(2, keywords.get("max_examples", 2))})
