"""The suite compiled, in a short form (docs/function.md has what the long one prints); and that it finds faults."""

import importlib
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import replaying

import tinygrad_lite as tgl
from tinygrad_lite import optim
from tinygrad_lite.compiler import numpy_printer, passes
from tinygrad_lite.compiler.trace import Tracer

schedules = importlib.import_module("tinygrad_lite.compiler.schedule")
PROJECT = Path(__file__).parents[2]
PART = ["tests/tape", "tests/test_functional.py", "tests/test_optim.py", "tests/nn/test_layers.py"]


def test_a_part_of_the_suite_compiled():
    command = [sys.executable, "-m", "pytest", "--compiled", "-p", "no:cacheprovider", *PART]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", cwd=PROJECT, check=False)
    fix = "A test that looks inside of tapes or rules belongs into replaying.LEFT_OUT, with the reason.\n"
    assert done.returncode == 0, fix + done.stdout[-5000:] + done.stderr
    counts = {what: int(count.replace(",", "")) for count, what in re.findall(r"^ *([\d,]+)  (.+)$", done.stdout, re.M)}
    assert counts["tests replayed"] > 300
    assert counts["operations"] > 5_000
    assert counts["values compared"] > 1_000


def computation():
    """What a test could be."""
    w, optimizer = tgl.Variable(np.arange(1.0, 7.0).reshape(2, 3)), optim.SGD(0.1)
    x = tgl.constant([[0.5, -1.0], [2.0, 0.25]], dtype="float64")
    for _ in range(3):
        with tgl.GradientTape() as tape:
            h = tgl.tanh(x @ w) * 2.0 + 1.0
            loss = tgl.sum(h * tgl.mean(h, axis=0))
        optimizer.apply_gradients([(tape.gradient(loss, w), w)])
        assert loss.item() > -100
    v = tgl.Variable([1.0, 2.0])
    v.assign_add(v * 2.0)
    assert v.numpy().tolist() == [3.0, 6.0]
    if (w > 0).any():  # which no tgl.function may ask
        assert w.numpy().shape == (2, 3)


def test_what_is_right_is_accepted():
    before = replaying.counts.copy()
    replaying.replayed(computation)()
    found = replaying.counts - before
    assert found["programs"] == 1
    assert found["operations"] > 30


def without_order(node):
    return node.shape, node.dtype, np.empty(node.shape, node.dtype).strides


FAULTS = {
    "an operation written wrongly": lambda patch: patch.setitem(
        numpy_printer._WITH_OUT,
        "_sum",
        numpy_printer._WITH_OUT["_sum"].replace("np.add", "np.maximum").replace("dtype={dtype}, ", ""),
    ),
    "memory taken that a view needs": lambda patch: patch.setattr(
        schedules, "memory_ends", lambda nodes, last: {id(node): last[id(node)] for node in nodes}
    ),
    "results in another order of memory": lambda patch: patch.setattr(schedules, "place_of", without_order),
    "different work taken for equal": lambda patch: patch.setattr(passes, "_key", lambda node: node.shape),
    "an assignment that is lost": lambda patch: patch.setattr(
        numpy_printer._Printer, "_assignment", lambda self, step: []
    ),
    "a Variable read at the wrong time": lambda patch: patch.setattr(replaying.Replay, "read", stale),
}


def stale(self, variable):
    """The first reading of a Variable, whatever happened since."""
    known = self.__dict__.setdefault("firsts", {})
    if variable._id not in known:
        known[variable._id] = Tracer.read(self, variable)
    return known[variable._id]


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_found(fault, monkeypatch):
    FAULTS[fault](monkeypatch)

    def more():
        computation()
        x = tgl.constant(np.random.default_rng(0).normal(size=(70, 30)))
        tilted = tgl.sum(tgl.transpose(x) * 1.1 + 0.3, axis=1)
        flat = tgl.reshape(tgl.exp(x), (-1,))  # a view
        others = tgl.cos(tgl.sin(x * 2.0) + x)
        assert np.isfinite([*tilted.tolist(), (tgl.sum(flat) * tgl.sum(others) + flat[0]).item()]).all()

    with pytest.raises((AssertionError, ValueError)):
        replaying.replayed(more)()
