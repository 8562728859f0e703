"""What docs/design.md says about the house is what docs/make_house.py knows of it."""

import importlib.util
import re
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"
SPEC = importlib.util.spec_from_file_location("make_house", DOCS / "make_house.py")
house = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(house)


def floors(text):
    """The table of floors: the number of a floor to its rooms."""
    table = text.split("| floor | rooms |", 1)[1].split("\n\n", 1)[0]
    rows = re.findall(r"^\| (\d+) \| ([^|]*) \|", table, re.MULTILINE)
    return {int(floor): {"" if r == "__init__" else r for r in re.findall(r"`(\w+)`", rooms)} for floor, rooms in rows}


def test_the_table_of_floors_is_the_house():
    text = (DOCS / "design.md").read_text(encoding="utf-8")
    assert floors(text) == {floor: set(rooms) for floor, rooms in house.HOUSE.items()}


def test_the_table_is_read():
    text = "| floor | rooms | what |\n|---|---|---|\n| 2 | `__init__` | x |\n| 1 | `a`, `b` | y `c` |\n\n| 3 | `d` |"
    assert floors(text) == {2: {""}, 1: {"a", "b"}}
