"""The house: who may import whom, how large files, classes and functions may grow, and the picture of it."""

import importlib.util
from collections import defaultdict
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"
SPEC = importlib.util.spec_from_file_location("make_house", DOCS / "make_house.py")
house = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(house)

# Imports ------------------------------------------------------------------------------------------------------


def wrong_imports(sources):
    """What is imported from the importing file's floor or above it, from another room."""
    wrong = []
    for module, source in sources.items():
        for imported in house.imports_of(module, source):
            there, here = house.room_of(imported), house.room_of(module)
            if not (house.FLOOR_OF[there] < house.FLOOR_OF[here] or there == here != ""):
                wrong.append(f"{module} imports {imported or 'the package itself'}")
    return wrong


def circle(sources):
    """The modules of an import circle, or an empty list."""
    targets = defaultdict(set)
    for module, source in sources.items():
        targets[module] = set(house.imports_of(module, source)) - {module}
    left = set(sources)
    while leaves := {module for module in left if not targets[module] & left}:
        left -= leaves
    return sorted(left)


def test_the_top_of_the_package_has_folders_only():
    files = {path.name for path in house.PACKAGE.iterdir() if path.is_file()}
    assert files == {"__init__.py", "version.py", "py.typed"}


def test_every_room_has_a_floor():
    assert {house.room_of(module) for module in house.FILES} == set(house.FLOOR_OF)


def test_files_import_from_floors_below_only():
    assert not wrong_imports(house.SOURCES)


def test_no_import_circles():
    assert not circle(house.SOURCES)


@pytest.mark.parametrize(
    ("module", "line", "found"),
    [
        ("core.tape", "from tinygrad_lite.ops import layers", "core.tape imports ops.layers"),
        ("core.tape", "from tinygrad_lite import viz", "core.tape imports viz"),
        ("compiler.trace", "def f():\n    import tinygrad_lite.nn", "compiler.trace imports nn"),
        ("compiler.trace", "from tinygrad_lite import viz", "compiler.trace imports viz"),
        ("datasets.idx", "import tinygrad_lite as tgl", "datasets.idx imports the package itself"),
        ("nn", "from tinygrad_lite.core.tensor import Tensor", None),
        ("compiler.function", "from tinygrad_lite.compiler.trace import Tracer", None),
    ],
)
def test_the_floor_check_finds_what_it_should(module, line, found):
    assert wrong_imports({module: line}) == ([found] if found else [])


def test_the_circle_check_finds_a_circle():
    one, other = "datasets.idx", "datasets.mnist"
    sources = {one: "from tinygrad_lite.datasets import mnist", other: "from tinygrad_lite.datasets.idx import read"}
    assert circle(sources) == [one, other]
    assert circle({one: sources[one], other: ""}) == []


# Sizes --------------------------------------------------------------------------------------------------------

MOST = {"files": 500, "classes": 300, "functions": 50}  # lines; of code in classes and functions
CORE = 1_930  # lines of code


def test_nothing_grows_out_of_proportion(record_property):
    sizes = house.sizes()
    for what, most in MOST.items():
        record_property(f"largest {what}", sizes[what][:5])
        too_large = [f"{name}: {count}" for count, name in sizes[what] if count > most]
        assert not too_large, f"more than {most} lines: cut it along its ideas"


def test_the_core_can_be_read_in_an_afternoon():
    rooms = {room: count for count, room in house.sizes()["rooms"]}
    assert rooms["core"] <= CORE


def test_docstrings_and_comments_are_not_code():
    source = '"""Text."""\n\n# why\ndef f(x):\n    """Text\n    more."""\n    return """a\nb"""\n'
    assert house.code_lines(source) == {4, 7, 8}


# The picture --------------------------------------------------------------------------------------------------


def test_the_picture_is_up_to_date():
    written = (DOCS / "images" / "house.dot").read_text(encoding="utf-8")
    assert written == house.to_dot(), "run: python docs/make_house.py"


def test_shortcuts_are_left_out_of_the_picture():
    assert house.without_shortcuts({"c": {"a", "b"}, "b": {"a"}}) == {"c": {"b"}, "b": {"a"}}
