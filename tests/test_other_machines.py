"""What another machine may have: another encoding, an output without some letters, no asserts, no home, no console.

`.ci/run` runs the tests that could differ on other machines once more, as if this were one (CONTRIBUTING.md).
"""

import ast
import doctest
import io
import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

import tinygrad_lite as tgl
from tinygrad_lite import nn

PROJECT = Path(__file__).parents[1]
FOLDERS = ["tinygrad_lite", "tests", "examples", "docs", "benchmarks"]
SCRIPTS = [path for folder in FOLDERS for path in sorted((PROJECT / folder).rglob("*.py"))]
PAGES = [*sorted(PROJECT.glob("*.md")), *sorted((PROJECT / "docs").rglob("*.md"))]
SHOWN_BY_USERS = PROJECT / "tests" / "compat" / "scripts"  # as they would be written for TensorFlow


def named(path):
    return str(path.relative_to(PROJECT))


# Encodings ----------------------------------------------------------------------------------------------------


def without_encoding(code):
    """Lines on which text is read or written in the encoding that the machine happens to have."""
    for node in ast.walk(ast.parse(code)):
        if not isinstance(node, ast.Call):
            continue
        called, given = ast.unparse(node.func), {keyword.arg: keyword.value for keyword in node.keywords}
        name = called.rpartition(".")[2]
        place = int(called in ("open", "io.open", "os.fdopen"))  # of the mode; Path.open and temporary files: the first
        mode = given.get("mode") or (node.args[place] if len(node.args) > place else None)
        mode = str(getattr(mode, "value", None))
        is_mode = re.fullmatch("[rwax+t]+", mode) is not None
        is_text = {
            "open": is_mode or (mode == "None" and (place == 1 or not (node.args or given.keys() - {"newline"}))),
            "fdopen": is_mode or mode == "None",
            "read_text": not node.args,
            "write_text": len(node.args) < 2,
            "NamedTemporaryFile": is_mode,
            "TemporaryFile": is_mode,
        }.get(name, any(ast.unparse(given[key]) == "True" for key in given.keys() & {"text", "universal_newlines"}))
        if is_text and "encoding" not in given:
            yield node.lineno


def code_of(path):
    """All code of a script or a page, in pieces: the script itself, and the examples of docstrings and pages."""
    text = path.read_text(encoding="utf-8")
    parse = doctest.DocTestParser().get_examples
    if path.suffix != ".py":
        blocks = re.findall(r"^ *```python\n(.*?)^ *```$", text, re.MULTILINE | re.DOTALL)
        return [
            piece for block in map(textwrap.dedent, blocks) for piece in [e.source for e in parse(block)] or [block]
        ]
    pieces = [text]
    if PROJECT / "tinygrad_lite" in path.parents:
        texts = [getattr(node, "value", None) for node in ast.walk(ast.parse(text))]
        pieces += [e.source for shown in texts if isinstance(shown, str) and ">>>" in shown for e in parse(shown)]
    return pieces


def test_text_has_an_encoding():
    """In the package, tests, examples, scripts and all code that is shown in docstrings and on pages."""
    assert {
        f"{named(path)}: {code.splitlines()[line - 1].strip()}"
        for path in SCRIPTS + PAGES
        for code in code_of(path)
        for line in without_encoding(code)
    } == set()


@pytest.mark.parametrize(
    "code",
    [
        "open(path)",
        "open(path, 'w')",
        "open(path, mode='a')",
        "open(path, newline='')",
        "io.open(path)",
        "os.fdopen(1, 'w')",
        "path.open()",
        "path.open('w')",
        "path.read_text()",
        "path.write_text(text)",
        "subprocess.run(command, text=True)",
        "subprocess.check_output(command, universal_newlines=True)",
        "tempfile.NamedTemporaryFile('w')",
    ],
)
def test_text_without_an_encoding_is_found(code):
    assert list(without_encoding(code)) == [1]


@pytest.mark.parametrize(
    "code",
    [
        "open(path, 'rb')",
        "open(path, encoding='utf-8')",
        "path.open('wb')",
        "archive.open(name)",
        "tarfile.open(fileobj=file)",
        "path.read_text(encoding='utf-8')",
        "path.write_text(text, encoding='utf-8')",
        "subprocess.run(command, capture_output=True, encoding='utf-8')",
        "tempfile.NamedTemporaryFile()",
    ],
)
def test_bytes_and_text_with_an_encoding_are_left_alone(code):
    assert list(without_encoding(code)) == []


# Asserts ------------------------------------------------------------------------------------------------------


def test_no_check_is_lost_without_asserts():
    """`python -O` takes `assert` and `if __debug__` away. Only in files of tests pytest keeps the asserts."""
    ours = [path for path in SCRIPTS if not path.name.startswith(("test_", "conftest"))]
    lost = [
        f"{named(path)}:{node.lineno}"
        for path in ours
        if SHOWN_BY_USERS not in path.parents
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Assert) or getattr(node, "id", None) == "__debug__"
    ]
    assert lost == []


TRAINING = """
import numpy as np, tinygrad_lite as tgl
from tinygrad_lite import nn, compat
from tinygrad_lite.compat import keras
tgl.random.set_seed(0)
x, y = np.eye(4, dtype="float32"), np.arange(4)
model = nn.Sequential([nn.Dense(8, activation="relu"), nn.Dropout(0.1), nn.Dense(4, activation="softmax")])
model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])
losses = model.fit(x, y, epochs=3, verbose=2).history["loss"]
model.summary()
f = tgl.function(lambda v: tgl.sum(tgl.tanh(v @ v)))
v = tgl.Variable(x)
f(v)
with tgl.GradientTape() as tape:
    z = f(v) + model(x).mean()
gradient = tape.gradient(z, v)
print(tgl.exp, f.source(), model.train_step)
try:
    tgl.matmul(np.ones((2, 3)), np.ones((2, 3)))
except ValueError as error:
    print(error)
print([float(loss).hex() for loss in losses], gradient.numpy().tolist())
"""


def python(*options, code, **environment):
    """What a program prints that a new Python runs, in an environment of its own."""
    command = [sys.executable, *options, "-c", code]
    given = os.environ | {"PYTHONPATH": str(PROJECT), "COLUMNS": "80"} | environment
    done = subprocess.run(
        command, capture_output=True, encoding="utf-8", check=False, env={k: v for k, v in given.items() if v != ""}
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return re.sub(r"\([\d.]+ s\)", "(... s)", done.stdout)


@pytest.fixture(scope="module")
def expected():
    """What training prints."""
    return python(code=TRAINING)


@pytest.mark.parametrize("option", ["-O", "-OO"])
def test_without_asserts_and_docstrings_all_is_as_with_them(option, expected):
    assert python(option, code=TRAINING) == expected


# Outputs ------------------------------------------------------------------------------------------------------


ENCODINGS = ["ascii", "cp1252", "cp437", "latin-1"]  # all lack letters


def output(monkeypatch, encoding, is_terminal=False):
    """What is `sys.stdout` from now on."""
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding, write_through=True)
    stream.isatty = lambda: is_terminal
    monkeypatch.setattr(sys, "stdout", stream)
    return stream


def text_of(stream):
    return stream.buffer.getvalue().decode(stream.encoding)


def a_model_with_a_name(name):
    model = nn.Sequential([nn.Input((2,)), nn.Dense(1, name=name)], name=f"{name}s")
    metric = nn.metrics.MeanSquaredError(name=f"{name}_error")
    model.compile("sgd", "mse", metrics=[metric])
    return model


NAME = "größe_模型"
X, Y = np.ones((4, 2), "float32"), np.ones((4, 1), "float32")


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_summary_in_any_encoding(monkeypatch, encoding):
    stream = output(monkeypatch, encoding)
    a_model_with_a_name(NAME).summary()
    assert "Parameters: 3" in text_of(stream)
    assert "\\u6a21" in text_of(stream)


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("is_terminal", [False, True])
def test_training_is_reported_in_any_encoding(monkeypatch, encoding, is_terminal, tmp_path):
    stream = output(monkeypatch, encoding, is_terminal)
    model = a_model_with_a_name(NAME)
    monitor, file_name = f"{NAME}_error", NAME if sys.getfilesystemencoding() != "ascii" else "model"
    callbacks = [
        nn.callbacks.ModelCheckpoint(tmp_path / f"{file_name}.tgl", verbose=1),
        nn.callbacks.EarlyStopping(monitor, mode="max", patience=1, restore_best_weights=True, verbose=1),
        nn.callbacks.ReduceLROnPlateau(monitor, mode="max", patience=1, verbose=1),
        nn.callbacks.LearningRateScheduler(lambda epoch: 0.01, verbose=1),
    ]
    model.fit(X, Y, epochs=3, verbose=1, callbacks=callbacks)
    model.evaluate(X, Y, verbose=1)
    model.predict(X, verbose=1)
    assert "\\u6a21" in text_of(stream)
    assert "Stopped after epoch" in text_of(stream)


def test_what_explains_a_gradient_can_be_printed_anywhere():
    with tgl.GradientTape() as tape:
        w = tgl.Variable([1.0, 2.0])
        y = tgl.sum(tgl.relu(w - 9.0))
    assert str(tape.explain(y, w)).isascii()


def test_training_without_an_output(monkeypatch):
    """As in a program without a console, on Windows for example."""
    monkeypatch.setattr(sys, "stdout", None)
    model = a_model_with_a_name("dense")
    model.fit(X, Y, verbose=1)
    model.summary()


@pytest.mark.parametrize("columns", ["0", "1", "2", "10", "1000", "-3", "x"])
def test_a_terminal_of_any_width(columns, monkeypatch):
    stream = output(monkeypatch, "utf-8", is_terminal=True)
    monkeypatch.setenv("COLUMNS", columns)
    a_model_with_a_name("dense").fit(X, Y, verbose=1)
    assert text_of(stream)


EXAMPLES = sorted(path for path in (PROJECT / "examples").glob("*.py") if path.stem != "common")
ASCII = {"LC_ALL": "C", "LANG": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": ""}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_examples_explain_themselves_in_ascii(path):
    code = f"import runpy, sys; sys.argv = [{str(path)!r}, '--help']; sys.path.insert(0, {str(path.parent)!r}); "
    assert "usage" in python(code=f"{code}runpy.run_path({str(path)!r}, run_name='__main__')", **ASCII)


# Homes, folders, times and seeds of hashes --------------------------------------------------------------------


OTHER = {
    "ascii": ASCII,
    "no home": {"HOME": "", "USERPROFILE": "", "XDG_CACHE_HOME": ""},
    "a home that cannot be written": {"HOME": os.devnull, "XDG_CACHE_HOME": "", "MPLCONFIGDIR": ""},
    "another time zone": {"TZ": "Pacific/Kiritimati"},
    "a decimal comma": {"LC_ALL": "de_DE.UTF-8"},
    "another seed of hashes": {"PYTHONHASHSEED": "123"},
    "no folder for temporary files": {"TMPDIR": "/nowhere"},
    "one column": {"COLUMNS": "1"},
}


@pytest.mark.parametrize("what", OTHER)
def test_training_is_the_same_in_another_environment(what, expected):
    numbers = python(code=TRAINING, **OTHER[what]).splitlines()[-1]
    assert numbers == expected.splitlines()[-1]
