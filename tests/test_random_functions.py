"""The search of tests/random_functions.py, for a few seeds; and that it finds faults."""

import sys

import pytest

from tests import random_functions
from tinygrad_lite.compiler.trace import Tracer

schedules, signatures = (sys.modules[f"tinygrad_lite.compiler.{name}"] for name in ("schedule", "signatures"))


@pytest.mark.parametrize("start", range(0, 60, 10))
def test_random_functions_give_the_same_numbers_in_all_ways(start):
    for seed in range(start, start + 10):
        source, difference, _ = random_functions.check(seed)
        assert difference is None, f"seed {seed}\n{source}\n{difference}"


def touched(self, variable):
    if variable._id not in self._before:
        self._before[variable._id] = (variable, variable._array, variable._array)


def signature(structure, arrays, right=signatures.signature):
    return structure if type(structure) in (int, bool, float) else right(structure, arrays)


def by_name(self, value, identity, right=Tracer.rewrap):
    variable = next((v for v, *_ in self._before.values() if v._id == identity), None)
    return right(self, value, identity) if variable is None else variable


def last_uses(nodes, in_place, right=schedules.last_uses):
    """As if x.T, where it is written last, were no use of x."""
    last = right(nodes, in_place)
    for node in nodes:
        if node.is_transpose:
            last[id(node.inputs[0])] = nodes.index(node)
    return last


FAULTS = {
    "snapshots are known by their array": (Tracer, "touch", touched),
    "equal values have one signature": (signatures, "signature", signature),
    "x is not needed as long as x.T": (schedules, "last_uses", last_uses),
    "recorded Variables are those of now": (Tracer, "rewrap", by_name),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_are_found(fault, monkeypatch):
    monkeypatch.setattr(*FAULTS[fault])
    for seed in range(100):
        try:
            _, difference, _ = random_functions.check(seed)
        except Exception:
            return
        if difference is not None:
            return
    raise AssertionError(f"{fault}: not found")
