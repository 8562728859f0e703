"""Whatever the documentation shows as code runs, and prints what it is said to print."""

import doctest
import importlib
import inspect
import pkgutil
import re
import textwrap
from dataclasses import is_dataclass
from pathlib import Path

import close_doctests
import pytest

import tinygrad_lite
from tinygrad_lite.core.primitive import REGISTRY, Primitive
from tinygrad_lite.datasets import mnist, synthetic_digits

PROJECT = Path(__file__).parents[1]
PAGES = [PROJECT / "README.md", PROJECT / "CONTRIBUTING.md", *sorted((PROJECT / "docs").rglob("*.md"))]
MODULES = ["tinygrad_lite", *(m.name for m in pkgutil.walk_packages(tinygrad_lite.__path__, "tinygrad_lite."))]


@pytest.fixture(autouse=True)
def small_and_in_a_folder_of_its_own(monkeypatch, tmp_path):
    """Code in the documentation loads a few drawn digits where it says MNIST, and writes into `tmp_path`."""
    digits = synthetic_digits.load_data(n_train=1000, n_test=200)
    monkeypatch.setattr(mnist, "load_data", lambda: digits)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    known = REGISTRY.copy()
    yield
    for name in REGISTRY.keys() - known.keys():  # the primitives that an example defines
        del REGISTRY[name]


# Docstrings ---------------------------------------------------------------------------------------------------


def doctests_of(module):
    """The module's doctests, those of primitives made of NumPy's functions too, which doctest does not find."""
    found = {test.name: test for test in doctest.DocTestFinder(exclude_empty=True).find(module)}
    parser = doctest.DocTestParser()
    for name, value in vars(module).items():
        full = f"{module.__name__}.{name}"
        if isinstance(value, Primitive) and value.__module__ == module.__name__ and full not in found:
            found[full] = parser.get_doctest(value.__doc__ or "", vars(module).copy(), full, module.__file__, 0)
    return [test for test in found.values() if test.examples]


@pytest.mark.parametrize("name", MODULES)
def test_docstrings(name):
    report = []
    runner = close_doctests.runner()
    for test in doctests_of(importlib.import_module(name)):
        runner.run(test, out=report.append)
    assert not runner.failures, "".join(report)


def test_docstrings_are_found():
    names = {test.name for module in MODULES for test in doctests_of(importlib.import_module(module))}
    # a class, a method, a primitive of a function, a primitive of NumPy's, a function
    assert {
        "tinygrad_lite.core.tensor.Tensor",
        "tinygrad_lite.core.tape.GradientTape.gradient",
        "tinygrad_lite.ops.softmaxes.softmax",
        "tinygrad_lite.ops.exponentials.exp",
        "tinygrad_lite.core.structure.flatten",
    } <= names


# Where a user finds what he uses. What a module exports for others of the package alone is not public.
NAMESPACES = ["", "datasets", "datasets.idx", "datasets.mnist", "datasets.synthetic_digits", "optim", "random",
              "nn", "nn.activations", "nn.callbacks", "nn.initializers", "nn.losses", "nn.metrics",
              "testing", "testing.strategies", "viz", "diagnostics", "checkpoint"]  # fmt: skip


def public_callables():
    """By name, every function and class of the namespaces; not errors and dataclasses, which others make."""
    for namespace in NAMESPACES:
        name = f"tinygrad_lite.{namespace}".rstrip(".")
        if name not in MODULES:
            continue
        module = importlib.import_module(name)
        for public in getattr(module, "__all__", [n for n in vars(module) if not n.startswith("_")]):
            value = getattr(module, public)
            ours = (getattr(value, "__module__", None) or "").startswith("tinygrad_lite")
            error = inspect.isclass(value) and issubclass(value, BaseException)
            if ours and callable(value) and not error and not is_dataclass(value):
                yield f"{name}.{public}", value


PUBLIC = dict(public_callables())


def test_everything_public_has_an_example():
    without = [name for name, value in PUBLIC.items() if ">>>" not in (inspect.getdoc(value) or "")]
    assert not without


def test_namespaces_hold_what_they_should():
    names = {name.removeprefix("tinygrad_lite.") for name in PUBLIC}
    assert {"GradientTape", "exp", "nn.Dense", "nn.losses.Huber", "datasets.mnist.load_data", "optim.Adam"} <= names


# Pages --------------------------------------------------------------------------------------------------------


def code_blocks(page):
    """Of each ```python block: its first line's number, and the code."""
    text = page.read_text(encoding="utf-8")
    for match in re.finditer(r"^( *)```python\n(.*?)^\1```$", text, re.MULTILINE | re.DOTALL):
        yield text.count("\n", 0, match.start(2)) + 1, textwrap.dedent(match.group(2))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_pages(page, capsys):
    """The blocks of a page run one after the other, each going on where the one before ended."""
    names = {"__name__": "__main__"}
    report = []
    runner = close_doctests.runner()
    for line, code in code_blocks(page):
        if ">>>" in code:
            test = doctest.DocTestParser().get_doctest(code, names, page.name, str(page), line - 1)
            runner.run(test, out=report.append, clear_globs=False)
            names = test.globs
        else:
            exec(compile("\n" * (line - 1) + code, str(page), "exec"), names)
    assert not runner.failures, "".join(report)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_links_within_the_project_lead_somewhere(page):
    targets = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    inside = [target for target in targets if "://" not in target]
    assert [target for target in inside if not (page.parent / target).exists()] == []


def test_readme_shows_code_and_links():
    readme = (PROJECT / "README.md").read_text(encoding="utf-8")
    assert len(list(code_blocks(PROJECT / "README.md"))) >= 2
    for target in ("docs/design.md", "CONTRIBUTING.md", "CHANGELOG.md", "LICENSE"):
        assert f"({target})" in readme
