"""The comparison with PyTorch and JAX itself: complete, and not blind. The comparison is tests/differential.py."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

SPEC = importlib.util.spec_from_file_location("differential", Path(__file__).with_name("differential.py"))
differential = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(differential)


def test_every_primitive_has_a_case_or_a_reason():
    assert differential.forgotten() == []


def test_a_missing_case_is_noticed(monkeypatch):
    monkeypatch.delitem(differential.CASES, "tanh")
    assert differential.forgotten() == ["tanh"]


@pytest.mark.parametrize("name", ["exp", "clip", "matmul", "index_set"])
def test_every_order_is_compared(name):
    value, first, second = differential.ours(differential.CASES[name])
    assert list(differential.differences((value, first, second), (value, first, second))) == [0.0] * 3
    wrong = [g * 1.001 + 1e-6 for g in first]
    assert [e > 1e-7 for e in differential.differences((value, wrong, second), (value, first, second))] == [0, 1, 0]
    transposed = [np.moveaxis(g, 0, -1) for g in second]
    assert [e > 1e-7 for e in differential.differences((value, first, transposed), (value, first, second))] == [0, 0, 1]


@pytest.mark.parametrize("library", ["torch", "jax"])
def test_tanh_agrees(library):
    pytest.importorskip(library, reason=f"{library} is not installed: pip install {library} for the comparison")
    module, way = differential.libraries()[library]
    case = differential.CASES["tanh"]
    assert max(differential.differences(differential.ours(case), way(case, module))) < differential.TOLERANCE


@pytest.mark.parametrize("kind", differential.OTHERS)
def test_every_kind_of_comparison_has_its_script(kind):
    script, _ = differential.OTHERS[kind]
    assert (Path(differential.__file__).parent / script).is_file()
    assert f"differential.py {kind} " in differential.__doc__
