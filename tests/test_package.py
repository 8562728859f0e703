"""The package as it is installed: what it costs to import, what is in its wheel, and who may import whom."""

import ast
import json
import os
import subprocess
import sys
import zipfile
from collections import defaultdict
from pathlib import Path

import pytest

import tinygrad_lite

PACKAGE = Path(tinygrad_lite.__file__).parent
PROJECT = PACKAGE.parent

# Importing ----------------------------------------------------------------------------------------------------

IMPORT = """
import json, sys, time
import numpy
before = set(sys.modules)
numpys = time.process_time()
import tinygrad_lite
print(json.dumps([numpys, time.process_time() - numpys, sorted(set(sys.modules) - before)]))
"""


def import_once(**environment):
    """The processor's seconds until NumPy is imported, those that we add, and the modules, in a process of its own."""
    command = [sys.executable, "-c", IMPORT]
    env = os.environ | environment
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=True, cwd=PROJECT, env=env)
    return json.loads(done.stdout)


def test_import_adds_less_than_a_tenth_of_a_second(tmp_path):
    # An installed package is compiled to bytecode, and so is this one after its first import. A busy machine makes an
    # import slower, never faster: one quick run in ten shows what it costs. A slow one may take as long as for NumPy.
    compiled = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(tmp_path)}
    import_once(**compiled)
    times = []
    while len(times) < 10 and not any(seconds < max(0.1, numpys) for numpys, seconds in times):
        times.append(import_once(**compiled)[:2])
    assert any(seconds < max(0.1, numpys) for numpys, seconds in times), f"seconds of NumPy and ours: {times}"


def test_import_loads_nothing_optional():
    *_, modules = import_once()
    assert "tinygrad_lite.tape" in modules
    top_level = {name.partition(".")[0] for name in modules}
    optional = {"tqdm", "matplotlib", "graphviz", "hypothesis", "urllib", "http", "IPython", "torch", "pytest"}
    assert not top_level & optional


# The wheel ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    pytest.importorskip("hatchling", reason="building the wheel without a network needs hatchling, of the dev extra")
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", cwd=PROJECT, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = folder.glob("tinygrad_lite-*.whl")
    return path


def test_wheel_is_small(wheel):
    # The aim was 300 kB, and held until the drawings came; the kit, compat, saving and compiling were added since.
    assert wheel.stat().st_size < 500_000


def test_wheel_holds_the_package_its_types_and_nothing_else(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert "tinygrad_lite/py.typed" in names
    assert "tinygrad_lite/tape.py" in names
    assert any(name.endswith("LICENSE") for name in names)
    strangers = [
        name for name in names if ".dist-info/" not in name and not name.endswith((".py", "py.typed", ".js", ".css"))
    ]
    assert not strangers


# The house ----------------------------------------------------------------------------------------------------

# A file may import from lower floors, and from its own room, but not in a circle. A room is a folder, or files
# that stand together.
HOUSE = {
    1: (
        "structure",
        "names settings schedules callback",
        "version",
        "streams",
        "callers strictness",
        "printing",
        "tensor",
        "datasets",
    ),
    2: ("tape", "optim", "checkpoint"),
    3: ("primitive", "functional"),
    4: ("ops", "random", "function trace program blocks", "viz", "testing", "diagnostics"),
    5: ("nn",),
    6: ("compat",),
    7: ("",),  # tinygrad_lite/__init__.py
}
FLOOR_OF = {room: floor for floor, rooms in HOUSE.items() for room in rooms}
ROOM_OF = {name: room for room in FLOOR_OF for name in room.split(" ")}


def module_of(path):
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {module_of(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def room_of(module):
    return ROOM_OF[module.partition(".")[0]]


def imports_of(module, source):
    """The modules of the package that `module` imports, wherever in the file, relative to the package."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            full = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{module} imports relatively: write the full name"
            # `from a import b` imports a.b if that is a module, else a
            full = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in full:
            if name == "tinygrad_lite" or name.startswith("tinygrad_lite."):
                inside = name.removeprefix("tinygrad_lite").removeprefix(".")
                yield inside if inside in FILES or isinstance(node, ast.Import) else inside.rpartition(".")[0]


def wrong_imports(sources):
    """What is imported from the importing file's floor or above it, from another room."""
    wrong = []
    for module, source in sources.items():
        for imported in imports_of(module, source):
            lower = FLOOR_OF[room_of(imported)] < FLOOR_OF[room_of(module)]
            same_room = room_of(imported) == room_of(module) != ""
            if not (lower or same_room):
                wrong.append(f"{module} imports {imported or 'the package itself'}")
    return wrong


def circle(sources):
    """The modules of an import circle, or an empty list."""
    targets = defaultdict(set)
    for module, source in sources.items():
        targets[module] = set(imports_of(module, source)) - {module}
    left = set(sources)
    while leaves := {module for module in left if not targets[module] & left}:
        left -= leaves
    return sorted(left)


SOURCES = {module: path.read_text(encoding="utf-8") for module, path in FILES.items()}


def test_every_room_has_a_floor():
    assert {module.partition(".")[0] for module in FILES} <= set(ROOM_OF)


def test_files_import_from_floors_below_only():
    assert not wrong_imports(SOURCES)


def test_no_import_circles():
    assert not circle(SOURCES)


@pytest.mark.parametrize(
    ("module", "line", "found"),
    [
        ("tensor", "from tinygrad_lite.tape import GradientTape", "tensor imports tape"),
        ("optim", "from tinygrad_lite import tape", "optim imports tape"),
        ("tape", "def f():\n    import tinygrad_lite.nn", "tape imports nn"),
        ("datasets.idx", "import tinygrad_lite as tgl", "datasets.idx imports the package itself"),
        ("nn", "from tinygrad_lite.tensor import Tensor", None),
        ("function", "from tinygrad_lite.trace import Tracer", None),
        ("datasets.mnist", "from tinygrad_lite.datasets import idx", None),
    ],
)
def test_the_floor_check_finds_what_it_should(module, line, found):
    assert wrong_imports({module: line}) == ([found] if found else [])


def test_the_circle_check_finds_a_circle():
    one, other = "datasets.idx", "datasets.mnist"
    sources = {one: "from tinygrad_lite.datasets import mnist", other: "from tinygrad_lite.datasets.idx import read"}
    assert circle(sources) == [one, other]
    assert circle({one: sources[one], other: ""}) == []
