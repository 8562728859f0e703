"""Scripts written for TensorFlow and Keras run with nothing but their import lines changed."""

import re
from pathlib import Path

import pytest

import tinygrad_lite as tgl
from tinygrad_lite.datasets import mnist, synthetic_digits

SCRIPTS = sorted((Path(__file__).parent / "scripts").glob("*.py"))


def with_imports_changed(source):
    """`tensorflow` and `keras` in import lines become the modules of this package."""
    import_line = re.compile(r"^((?:from|import) )(tensorflow|keras)\b(.*)$", re.MULTILINE)
    return import_line.sub(r"\1tinygrad_lite.compat.\2\3", source)


@pytest.fixture(autouse=True)
def digits(monkeypatch):
    drawn = synthetic_digits.load_data(n_train=1000, n_test=200)
    monkeypatch.setattr(mnist, "load_data", lambda: drawn)


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_script(path, capsys):
    source = path.read_text(encoding="utf-8")
    changed = with_imports_changed(source)
    different = [line for line, other in zip(source.splitlines(), changed.splitlines()) if line != other]
    assert different
    assert all("import" in line for line in different)
    names = {"__name__": "__main__"}
    exec(compile(changed, str(path), "exec"), names)
    # Chance is 0.1; a network of 64 units that has seen a thousand digits a few times is far from it.
    assert names["accuracy"] > 0.5


def test_they_are_what_they_say():
    from tinygrad_lite.compat import keras
    from tinygrad_lite.compat import tensorflow as tf

    assert tf.Variable is tgl.Variable
    assert tf.GradientTape is tgl.GradientTape
    assert keras.Sequential is keras.models.Sequential is tgl.nn.Sequential
    assert tf.keras is keras
