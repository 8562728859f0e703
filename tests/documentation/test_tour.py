"""What docs/tour.md shows of the source is in the source. tests/test_docs.py runs its exercises."""

import re
import textwrap
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
TOUR = PROJECT / "docs" / "tour.md"
EXCERPT = re.compile(r"^```py (\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def excerpts(text):
    """The file and the lines of each part of an excerpt; a line of three dots parts them."""
    for file, code in EXCERPT.findall(text):
        for part in re.split(r"^\.\.\.\n", code, flags=re.MULTILINE):
            yield file, part.splitlines()


def stands_in(lines, source):
    """Whether the lines follow each other in the source, however far they are indented there."""
    wanted, found = textwrap.dedent("\n".join(lines)), source.splitlines()
    starts = range(len(found) - len(lines) + 1)
    return any(textwrap.dedent("\n".join(found[n : n + len(lines)])) == wanted for n in starts)


@pytest.mark.parametrize(("file", "lines"), list(excerpts(TOUR.read_text(encoding="utf-8"))), ids=str)
def test_an_excerpt_is_in_the_source(file, lines):
    source = (PROJECT / "tinygrad_lite" / file).read_text(encoding="utf-8")
    assert stands_in(lines, source), f"docs/tour.md shows lines that {file} does not have. Write them as they are there"


def test_every_stop_has_an_exercise_with_a_solution():
    stops = re.split(r"^## \d+\. ", TOUR.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    assert len(stops) == 8
    for stop in stops:
        _, exercise, rest = stop.partition("**Exercise.**")
        assert exercise
        assert ">>>" in rest.partition("<summary>Solution</summary>")[2]


def test_the_tour_is_short():
    assert len(TOUR.read_text(encoding="utf-8").splitlines()) <= 400


def test_what_is_not_in_the_source_is_found():
    source = "class A:\n    def f(self):\n        x = 1\n        return x\n"
    assert stands_in(["x = 1", "return x"], source)
    assert stands_in(["def f(self):", "    x = 1"], source)
    assert not stands_in(["x = 1", "return y"], source)
    assert not stands_in(["def f(self):", "x = 1"], source)
    assert list(excerpts("```py a.py\nx\n...\ny\nz\n```\n")) == [("a.py", ["x"]), ("a.py", ["y", "z"])]
