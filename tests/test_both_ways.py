"""Whatever the repository shows as training ends with the same weights compiled and eager, bit for bit.

That is, the examples, the scripts written for TensorFlow, and the code of README and docs: all Variables that they
make, weights, states of optimizers and sums of metrics, in short forms on a few drawn digits. `fit` compiles by itself;
of loops written by hand the step is put under `tgl.function`.
"""

import doctest
import re
import runpy
import sys
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest

import tinygrad_lite as tgl
from tinygrad_lite import nn
from tinygrad_lite.compiler.function import Function
from tinygrad_lite.compiler.program import Program
from tinygrad_lite.core.primitive import REGISTRY
from tinygrad_lite.datasets import mnist, synthetic_digits

PROJECT = Path(__file__).parents[1]
SCRIPTS = Path(__file__).parent / "compat" / "scripts"

# Of each example, the functions that take a step by hand.
EXAMPLES = {
    "mnist": [],
    "mnist_gradient_tape": ["training_step"],
    "mnist_online": ["output_and_gradients"],
    "mnist_mse_vs_cross_entropy": [],
    "optimizers": ["downhill"],
    "computation_graph": [],
}
STEPS_OF_SCRIPTS = {"from_scratch": ["one_training_step"], "keras_mlp": [], "quickstart": [], "custom_loop": []}
PAGES = ["README.md", "docs/from-tensorflow.md", "docs/training.md"]  # docs/function.md shows where both ways differ
EAGER = {"mnist_mse_vs_cross_entropy", "computation_graph", "docs/from-tensorflow.md"}
"""Where `fit` runs code of the user's own in its steps, or trains one batch only, and so compiles nothing."""


@pytest.fixture(scope="module")
def digits():
    return synthetic_digits.load_data(n_train=1000, n_test=100)


@pytest.fixture
def both_ways(monkeypatch, tmp_path, digits, capsys):
    """Run something twice; returns the Variables made each time, by name and value, and what was printed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    few = tuple((images[:400], labels[:400]) for images, labels in digits)
    monkeypatch.setattr(mnist, "load_data", lambda *_: few)
    monkeypatch.setattr(mnist, "load_data_or_synthetic", lambda: few)

    def run(name, work):
        return [one_way(name, work, compiled) for compiled in (False, True)]

    def one_way(name, work, compiled):
        made, programs = [], []
        init, write, compile_model = tgl.Variable.__init__, Program.__init__, nn.Model.compile

        def noted(self, *args, **kwargs):
            init(self, *args, **kwargs)
            made.append(self)

        def written(self, *args):
            write(self, *args)
            programs.append(self)

        def compile_one_way(self, *args, **kwargs):
            compile_model(self, *args, **{**kwargs, "run_eagerly": not compiled})

        with monkeypatch.context() as patch:
            patch.setattr(tgl.Variable, "__init__", noted)
            patch.setattr(Program, "__init__", written)
            patch.setattr(nn.Model, "compile", compile_one_way)
            if not compiled:
                patch.setattr(Function, "__call__", lambda self, *args, **kw: self._python_function(*args, **kw))
                patch.setattr(Function, "source", lambda self: "")
            tgl.random.set_seed(0)
            work(tgl.function if compiled else lambda f: f)
        assert bool(programs) == (compiled and name not in EAGER)
        printed = re.sub(r"\([\d.]+ m?s\)", "", capsys.readouterr().out)
        return [(v.name, v.numpy()) for v in made], printed

    return run


def assert_same(ways):
    (eager, printed), (compiled, also_printed) = ways
    assert [name for name, _ in eager] == [name for name, _ in compiled]
    assert eager
    for (name, one), (_, other) in zip(eager, compiled):
        assert (one.shape, one.dtype) == (other.shape, other.dtype)
        np.testing.assert_array_equal(other, one, err_msg=name)
    return printed, also_printed


def test_all_examples_and_scripts_are_here():
    assert {path.stem for path in (PROJECT / "examples").glob("*.py")} - {"common"} == set(EXAMPLES)
    assert {path.stem for path in SCRIPTS.glob("*.py")} == set(STEPS_OF_SCRIPTS)


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example(name, both_ways, monkeypatch):
    monkeypatch.syspath_prepend(PROJECT / "examples")
    monkeypatch.setattr(sys, "argv", [f"{name}.py", "--epochs", "1"])
    monkeypatch.setitem(sys.modules, "matplotlib", None)  # importing it raises ImportError: no pictures

    def work(way):
        try:
            names = runpy.run_path(str(PROJECT / "examples" / f"{name}.py"))
            main = names["main"]
            main.__globals__.update({name: lambda *_: None for name in ("draw", "page") if name in names})
            for step in EXAMPLES[name]:
                main.__globals__[step] = way(main.__globals__[step])
            main()
        finally:
            sys.modules.pop("common", None)

    printed, also_printed = assert_same(both_ways(name, work))
    assert printed == also_printed


@pytest.mark.parametrize("name", STEPS_OF_SCRIPTS)
def test_a_script_of_tensorflows(name, both_ways, digits, monkeypatch):
    monkeypatch.setattr(mnist, "load_data", lambda *_: digits)  # a thousand, which one of them counts on
    source = (SCRIPTS / f"{name}.py").read_text(encoding="utf-8")
    source = re.sub(
        r"^((?:from|import) )(tensorflow|keras)\b", r"\1tinygrad_lite.compat.\2", source, flags=re.MULTILINE
    )
    for step in STEPS_OF_SCRIPTS[name]:
        assert f"\ndef {step}(" in source
        source = source.replace(f"\ndef {step}(", f"\n@tf.function\ndef {step}(")
    work = lambda _: exec(compile(source, name, "exec"), {"__name__": "__main__"})
    printed, also_printed = assert_same(both_ways(name, work))
    assert printed == also_printed


@pytest.mark.parametrize("page", PAGES)
def test_a_page(page, both_ways):
    text = (PROJECT / page).read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    parse = doctest.DocTestParser().get_examples
    examples = [example for block in blocks for example in (parse(block) or [doctest.Example(block, "")])]

    def work(_):
        known, names = REGISTRY.copy(), {"__name__": "__main__"}
        for example in examples:
            with pytest.raises(Exception) if example.exc_msg else nullcontext():  # noqa: PT011, the page says which
                exec(example.source, names)
        for name in REGISTRY.keys() - known.keys():  # the primitives that a page defines
            del REGISTRY[name]

    assert_same(both_ways(page, work))
