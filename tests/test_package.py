"""The package as it is installed: what it costs to import, and what is in its wheel."""

import json
import os
import subprocess
import sys
import zipfile
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
    assert "tinygrad_lite.core.tape" in modules
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
    # The aim was 300 kB, and held until the drawings came. Since then: the testing kit, compat, saving, the compiler,
    # and more but shorter files, each with its own imports and its own entry in the archive.
    assert wheel.stat().st_size < 530_000


def test_wheel_holds_the_package_its_types_and_nothing_else(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert "tinygrad_lite/py.typed" in names
    assert "tinygrad_lite/core/tape.py" in names
    assert any(name.endswith("LICENSE") for name in names)
    strangers = [
        name
        for name in names
        if ".dist-info/" not in name and not name.endswith((".py", ".pyi", "py.typed", ".js", ".css"))
    ]
    assert not strangers
