"""The tool of mutation testing: what it changes, which tests it picks, and that a mutant that none notices is named."""

import ast
import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

TOOL = Path(__file__).with_name("mutation.py")

SOURCE = '''
def double(x: int = 2) -> int:
    """Text is left alone."""
    if not x:
        raise ValueError("no" + "thing")
    total = np.sum(x, axis=0)
    return total + x

rule = defvjp(lambda g, y: g * y)
LIMIT = 3

def is_small(x):
    return x < LIMIT
'''


@pytest.fixture(scope="module")
def mutation():
    spec = importlib.util.spec_from_file_location("mutation", TOOL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_what_is_changed(mutation, tmp_path):
    path = tmp_path / "source.py"
    path.write_text(SOURCE, encoding="utf-8")
    original = ast.unparse(ast.parse(SOURCE)).splitlines()
    made = set()
    for mutant in mutation.mutants(path):
        lines = ast.unparse(mutant.tree()).splitlines()
        [(before, after)] = [(a.strip(), b.strip()) for a, b in zip(original, lines) if a != b]
        made.add((mutant.line, after, *mutant.lines))
        assert before != after
    assert made == {
        (2, "def double(x: int=3) -> int:", 2),
        (4, "if +bool(x):", 4),
        (4, "if not not x:", 4),
        (6, "pass", 6),
        (6, "total = np.sum(x)", 6),
        (6, "total = np.sum(x, axis=1)", 6),
        (7, "return None", 7),
        (7, "return total - x", 7),
        (9, "pass", 9),
        (9, "rule = defvjp(lambda g, y: g / y)", 9),
        (10, "LIMIT = 4", 10),
        (10, "pass", 10),
        (13, "return None", 13),
        (13, "return x <= LIMIT", 13),
    }


def test_which_tests_could_notice_it(mutation, tmp_path):
    path = tmp_path / "source.py"
    path.write_text(SOURCE, encoding="utf-8")
    reached = {(path, 9): {None, "of the rule"}, (path, 6): {"a", "b"}, (path, 2): {None}, (path, 4): {None, "a"}}
    reached |= {(path, 10): {None}, (path, 13): {"of is_small"}}
    tests = {mutant.line: mutant.tests(reached) for mutant in mutation.mutants(path)}
    everything = {"a", "b", "of the rule", "of is_small"}  # a default is made at import
    constant = {"of is_small"}  # where it is used
    assert tests == {
        2: everything, 4: {"a"}, 6: {"a", "b"}, 7: set(), 9: {"of the rule"}, 10: constant, 13: {"of is_small"},
    }  # fmt: skip


def test_a_mutant_is_noticed_or_not():
    """Of the mean of squares, by a test that knows two axes only: of those axis 1 is the last."""
    ours = Path(__file__).parent.parent / "tinygrad_lite" / "nn" / "losses" / "differences.py"
    lines = ours.read_text(encoding="utf-8").splitlines()
    line = 1 + lines.index("    return ops.mean(ops.square(y_pred - y_true), axis=-1)")
    command = [sys.executable, str(TOOL), "losses", "--only", f"differences.py:{line}", "--tests"]
    test = "tests/nn/test_losses.py::test_mean_squared_error"
    done = subprocess.run([*command, test], capture_output=True, encoding="utf-8", check=True)
    assert f"survived: nn/losses/differences.py:{line}: USub -> UAdd" in done.stdout
    assert "4 of    5 killed,  80.0% (4 failed, 1 survived)" in done.stdout


def test_every_group_has_files_and_tests(mutation):
    package, project = mutation.PROJECT / mutation.PACKAGE, mutation.PROJECT
    for patterns, tests in mutation.GROUPS.values():
        assert [pattern for pattern in patterns if not list(package.glob(pattern))] == []
        assert [path for path in tests if not path.startswith("-") and not (project / path).exists()] == []
