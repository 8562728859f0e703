"""Short forms of tests/fuzz.py; docs/reliability.md has what the long ones print."""

import importlib.util
import os
from pathlib import Path

import pytest

SPEC = importlib.util.spec_from_file_location("fuzz", Path(__file__).with_name("fuzz.py"))
fuzz = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(fuzz)


@pytest.mark.filterwarnings("ignore:Reading `.npy`")  # NumPy, of a header that is nearly one of Python 2
@pytest.mark.parametrize("name", fuzz.TARGETS)
def test_only_documented_errors_come_out(name):
    if name == "safetensors":
        pytest.importorskip("safetensors", reason="the package safetensors is not installed")
    found = fuzz.fuzz(name, seconds=float(os.environ.get("TINYGRAD_LITE_FUZZ", "4")), most=100)
    assert found["tried"] >= 10
    assert found["pool"] >= 2  # inputs that reached new lines were found and kept
    assert found["raised"]["accepted"] > 0
    assert name in ("dot", "html") or found["raised"]["ValueError"] > 0


def test_a_fault_is_found(monkeypatch):
    monkeypatch.setattr(fuzz.idx, "read", lambda path: 1 // (b"\xff" not in path.read_bytes()) and fuzz.np.zeros(1))
    with pytest.raises(AssertionError, match=r"idx: ZeroDivisionError: .*; input: b"):
        fuzz.fuzz("idx", seconds=20, most=2000)


def test_an_escape_that_is_missing_is_found(monkeypatch):
    monkeypatch.setattr(fuzz, "escaped", lambda text: text)
    with pytest.raises(AssertionError, match="dot: "):
        fuzz.fuzz("dot", seconds=20, most=2000)
