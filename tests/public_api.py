"""Every public name and its signature: as a list, or compared with another revision of the repository.

    python tests/public_api.py                      prints them
    python tests/public_api.py --against HEAD~3     says which of that revision's are gone or have another signature

Public is what a public module offers without an underscore in front: modules that users import, what they define or
re-export from this package, and the public attributes of the classes among that.
"""

from __future__ import annotations

import argparse
import importlib
import inspect
import io
import json
import os
import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

PROJECT = Path(__file__).parent.parent
MODULES = (
    "tinygrad_lite", "tinygrad_lite.compat", "tinygrad_lite.compat.keras", "tinygrad_lite.compat.tensorflow",
    "tinygrad_lite.datasets", "tinygrad_lite.datasets.mnist", "tinygrad_lite.linalg", "tinygrad_lite.nn",
    "tinygrad_lite.nn.activations", "tinygrad_lite.nn.callbacks", "tinygrad_lite.nn.initializers",
    "tinygrad_lite.nn.layers", "tinygrad_lite.nn.losses", "tinygrad_lite.nn.metrics", "tinygrad_lite.optim",
    "tinygrad_lite.optim.schedules", "tinygrad_lite.random", "tinygrad_lite.testing", "tinygrad_lite.viz",
    "tinygrad_lite.viz.plots",
)  # fmt: skip


def find(dotted: str) -> object:
    """A module, or an attribute that stands where users look for one (`tinygrad_lite.linalg`)."""
    try:
        return importlib.import_module(dotted)
    except ModuleNotFoundError:
        parent, _, name = dotted.rpartition(".")
        return getattr(find(parent), name)


def signature(thing: object) -> str:
    """Names, kinds and defaults of the parameters; annotations may become more precise and are left out."""
    try:
        found = inspect.signature(thing)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return type(thing).__name__
    parameters = [p.replace(annotation=inspect.Parameter.empty) for p in found.parameters.values()]
    text = str(found.replace(parameters=parameters, return_annotation=inspect.Signature.empty))
    return re.sub(r" at 0x[0-9a-f]+", "", text)  # of a default that is an object


def names() -> dict[str, str]:
    """Public names and what their signatures are."""
    found: dict[str, str] = {}
    for dotted in MODULES:
        module = find(dotted)
        for name in getattr(module, "__all__", None) or [n for n in dir(module) if not n.startswith("_")]:
            thing = getattr(module, name)
            if inspect.ismodule(thing):
                continue
            if not str(getattr(thing, "__module__", "tinygrad_lite")).startswith("tinygrad_lite"):
                continue  # what a module imports from elsewhere
            found[f"{dotted}.{name}"] = signature(thing)
            if inspect.isclass(thing):
                for attribute in dir(thing):
                    if not attribute.startswith("_"):
                        found[f"{dotted}.{name}.{attribute}"] = signature(getattr(thing, attribute))
    return found


def names_at(revision: str) -> dict[str, str]:
    """The same of another revision, found by this script in a process of its own."""
    archive = subprocess.run(["git", "archive", revision], cwd=PROJECT, capture_output=True, check=True).stdout
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            tar.extractall(folder, filter="data")
        command = [sys.executable, __file__, "--json"]
        env = os.environ | {"PYTHONPATH": folder}
        done = subprocess.run(command, env=env, cwd=folder, capture_output=True, encoding="utf-8", check=True)
    result: dict[str, str] = json.loads(done.stdout)
    return result


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--against", metavar="REVISION")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    now = names()
    if options.json:
        print(json.dumps(now))
        return 0
    if not options.against:
        print("\n".join(f"{name}  {text}" for name, text in sorted(now.items())))
        return 0
    before = names_at(options.against)
    gone = sorted(before.keys() - now.keys())
    changed = sorted(name for name in before.keys() & now.keys() if before[name] != now[name])
    for name in gone:
        print(f"gone:    {name}  {before[name]}")
    for name in changed:
        print(f"changed: {name}\n    {before[name]}\n    {now[name]}")
    added = len(now.keys() - before.keys())
    print(f"{len(before)} public names at {options.against}: {len(gone)} gone, {len(changed)} changed, {added} added.")
    return 1 if gone or changed else 0


if __name__ == "__main__":
    if "PYTHONPATH" not in os.environ:
        sys.path.insert(0, str(PROJECT))
    sys.exit(main())
