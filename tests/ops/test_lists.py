"""Nested lists of numbers, and plain arrays, are as good as Tensors to every function that is made of primitives."""

import warnings

import numpy as np
import pytest
from primitive_cases import OTHERS

import tinygrad_lite as tgl
from tinygrad_lite import ops
from tinygrad_lite.core.structure import flatten, map_structure
from tinygrad_lite.testing import check_primitive, primitives


def narrow(x):
    return np.array(x, np.float32) if x.dtype.kind == "f" else np.array(x)


def as_lists(x):
    return narrow(x).tolist() if x.size else narrow(x)  # lists of nothing do not say the shape


def compare(battery, arguments, metadata):
    """Raise unless Tensors of float32, arrays of float32, and nested lists lead to the same numbers."""

    def of(kind):
        given = map_structure(lambda x: kind(x) if isinstance(x, (np.ndarray, np.generic)) else x, arguments)
        return [np.asarray(y) for y in flatten(battery.f(*given, **metadata))]

    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        expected = of(lambda x: tgl.constant(narrow(x)))
        for kind in (narrow, as_lists):
            found = of(kind)
            assert [(y.shape, y.dtype) for y in found] == [(y.shape, y.dtype) for y in expected]
            for one, other in zip(found, expected):
                np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("name", list(OTHERS))
def test_function(name, monkeypatch):
    monkeypatch.setattr(primitives.Battery, "run", compare)
    monkeypatch.setattr(primitives.Battery, "judge_kinks", lambda self: None)
    for keywords in OTHERS[name]:
        check_primitive(getattr(ops, name), **{**keywords, "max_examples": 3})


def test_a_python_number_adapts_to_a_tensor_in_whichever_place():
    x = tgl.constant([0.25, 0.75])
    for answer in (tgl.clip(0.5, x, 1.0), tgl.clip(1, x, x + 1), tgl.linspace(x, 2.0, 3), tgl.linspace(0, x, 3)):
        assert answer.dtype == "float32"
