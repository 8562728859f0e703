"""The pytest plugin and the profiles, in pytest runs of their own."""

import argparse
import os
import re
import subprocess
import sys
import textwrap
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from tinygrad_lite.testing import plugin

PROJECT = Path(__file__).parents[2]

TESTS = """
import tinygrad_lite as tgl
from tinygrad_lite.testing import check_gradients, check_primitive, profiles

def test_operation():
    check_primitive(tgl.tanh)

def test_number():
    assert profiles.gradient_examples == 3
"""

WITHOUT_HYPOTHESIS = """
import sys

class NotInstalled:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "hypothesis":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, NotInstalled())
"""


@pytest.fixture
def run(tmp_path):
    """Runs pytest in a folder of its own, and returns the code that it ended with and what it printed."""

    def run_pytest(*arguments, tests=TESTS, before=""):
        (tmp_path / "test_it.py").write_text(textwrap.dedent(tests), encoding="utf-8")
        (tmp_path / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
        program = f"{before}\nimport sys\nimport pytest\nsys.exit(pytest.main(sys.argv[1:]))"
        installed = "tinygrad_lite.testing.plugin" in _entry_points()
        plugin = [] if installed else ["-p", "tinygrad_lite.testing.plugin"]
        off = ["-p", "no:hypothesispytest"] if before else []  # Hypothesis' own plugin would look for it
        command = [sys.executable, "-c", program, *plugin, *off, "-p", "no:cacheprovider", *arguments]
        done = subprocess.run(
            command, capture_output=True, encoding="utf-8", cwd=tmp_path, check=False, env=_environment()
        )  # fmt: skip
        return done.returncode, done.stdout + done.stderr

    return run_pytest


def _entry_points():
    return {point.value for point in entry_points(group="pytest11")}


def _environment():
    return {**os.environ, "PYTHONPATH": str(PROJECT)}


def test_examples_and_figures(run):
    code, text = run("--gradient-examples", "3")
    assert code == 0, text
    assert "gradient checks" in text
    cases = 3 + 4  # and the four of 0-d and empty arguments
    assert f"{cases} cases of 1 operations" in text
    assert "largest relative error of order 2" in text


def test_profiles_and_no_figures_where_no_gradient_was_checked(run):
    tests = """
    from hypothesis import settings

    def test_profile():
        assert settings.default.derandomize
        assert settings.default.deadline is None
        assert settings.default.database is None
    """
    code, text = run("--hypothesis-profile=tinygrad_lite_ci", tests=tests)
    assert code == 0, text
    assert "gradient checks" not in text


def test_number_of_examples():
    assert plugin.positive("12") == 12
    for wrong in ("0", "-1", "many", "1.5"):
        with pytest.raises(argparse.ArgumentTypeError, match="expected a number of at least 1"):
            plugin.positive(wrong)


def test_pytest_works_where_hypothesis_is_missing(run):
    tests = """
    import pytest
    import tinygrad_lite as tgl
    from tinygrad_lite.testing import check_gradients, check_primitive

    def test_gradients():
        check_gradients(tgl.tanh, [0.5, 1.0])

    def test_operation():
        with pytest.raises(ImportError, match="testing"):
            check_primitive(tgl.tanh)
    """
    code, text = run(tests=tests, before=WITHOUT_HYPOTHESIS)
    assert code == 0, text
    code, text = run("--gradient-examples=3", before=WITHOUT_HYPOTHESIS)
    assert code == pytest.ExitCode.USAGE_ERROR
    assert "pip install 'tinygrad_lite[testing]'" in text


def test_the_package_imports_neither_pytest_nor_hypothesis():
    program = "import sys, tinygrad_lite.testing; print({'pytest', 'hypothesis'} & set(sys.modules))"
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=True, cwd=PROJECT)
    assert done.stdout.strip() == "set()"


def test_pytest_is_told_of_the_plugin():
    assert 'tinygrad_lite = "tinygrad_lite.testing.plugin"' in (PROJECT / "pyproject.toml").read_text(encoding="utf-8")


# What this project's own conftest.py holds all tests to --------------------------------------------------------

LEAKS = """
import numpy as np
import tinygrad_lite as tgl

def test_tape():
    tgl.GradientTape().__enter__()

def test_errstate():
    np.seterr(all="ignore")

def test_that_comes_after_them():
    x = tgl.Variable(2.0)
    with tgl.GradientTape() as tape:
        y = x * x
    assert tape.gradient(y, x).item() == 4
"""


def test_a_test_that_leaves_something_behind_fails_and_the_next_does_not(run, tmp_path):
    ours = (PROJECT / "tests" / "conftest.py").read_text(encoding="utf-8")
    (tmp_path / "conftest.py").write_text(ours, encoding="utf-8")
    code, text = run(tests=LEAKS)
    assert code == pytest.ExitCode.TESTS_FAILED
    assert re.search("3 passed(, 1 warning)?, 2 errors", text)  # those of leaving, after the tests; -O warns once
    assert "left behind by this test: {'open tapes'" in text
    assert "left behind by this test: {'another np.errstate'" in text


SKIPS = """
import pytest

@pytest.mark.parametrize("n", range(3))
def test_of_a_tool(n):
    pytest.skip("no tool is here: install it")

@pytest.mark.skipif(True, reason="another reason")
def test_of_another(): ...
"""


def test_skips_say_why_in_one_line_for_each_reason(run, tmp_path):
    ours = (PROJECT / "tests" / "conftest.py").read_text(encoding="utf-8")
    (tmp_path / "conftest.py").write_text(ours, encoding="utf-8")
    _, text = run(tests=SKIPS)
    assert "3 skipped: no tool is here: install it\n1 skipped: another reason\n" in text
