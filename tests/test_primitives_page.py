"""The table of primitives in docs/autodiff.md is what the code says now."""

import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).parents[1]


def run(*arguments):
    """In a process of its own: the tests define primitives that are not of the package."""
    command = [sys.executable, str(PROJECT / "docs" / "make_primitives.py"), *arguments]
    return subprocess.run(command, capture_output=True, encoding="utf-8", cwd=PROJECT, check=False)


def test_the_table_of_primitives_is_up_to_date():
    done = run("--check")
    assert done.returncode == 0, f"{done.stderr}\nRun: python docs/make_primitives.py"


def test_the_check_would_notice(tmp_path):
    for name in ("make_primitives.py", "autodiff.md"):
        text = (PROJECT / "docs" / name).read_text(encoding="utf-8")
        (tmp_path / name).write_text(text.replace("| `g * y` |", "| `g` |"), encoding="utf-8")
    command = [sys.executable, str(tmp_path / "make_primitives.py"), "--check"]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", cwd=PROJECT, check=False)
    assert done.returncode == 1
    assert "run python docs/make_primitives.py" in done.stderr
