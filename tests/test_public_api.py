"""The script that compares public names: it finds them, and notices what is gone and what has changed."""

import importlib.util
from pathlib import Path

import pytest

SPEC = importlib.util.spec_from_file_location("public_api", Path(__file__).with_name("public_api.py"))
public_api = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(public_api)


def test_names_and_signatures_are_found():
    found = public_api.names()
    assert found["tinygrad_lite.stop_gradient"] == "(x)"
    assert found["tinygrad_lite.nn.Dense"].startswith("(units, activation=None")
    assert "tinygrad_lite.GradientTape.gradient" in found
    assert not [name for name in found if name.rpartition(".")[2].startswith("_")]


def test_differences_are_told(monkeypatch, capsys):
    before = {**public_api.names(), "tinygrad_lite.gone": "(x)", "tinygrad_lite.stop_gradient": "(x, y=1)"}
    monkeypatch.setattr(public_api, "names_at", lambda revision: before)
    monkeypatch.setattr("sys.argv", ["public_api.py", "--against", "HEAD"])
    assert public_api.main() == 1
    told = capsys.readouterr().out
    assert "gone:    tinygrad_lite.gone  (x)" in told
    assert "(x, y=1)\n    (x)" in told
    assert told.endswith("1 gone, 1 changed, 0 added.\n")


@pytest.mark.parametrize("module", public_api.MODULES)
def test_every_module_is_there(module):
    assert public_api.find(module) is not None
