"""The suite compiled: `python -m pytest --compiled` traces every test as it runs, and replays it as a compiled program.

A test cannot be put under `tgl.function` as it is, because it looks at values. So it runs under a tracer that lets it
look: what it computes is noted, forward, gradients, nested tapes, layers, losses, metrics and optimizers' steps alike,
and what it looks at becomes a result. At the end the trace is compiled, as that of a `tgl.function` is, with the test's
tensors and arrays as inputs. Its Variables get back what they held, the program runs, twice, and all results, and what
the Variables hold afterwards, must be the bits that the test saw. So whatever a test asserts holds of the program, too.

Steps of `fit` are part of that. Besides, what `check_gradients` is given is compiled with other numbers first, and must
give the bits of the eager path.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np
import pytest

from tinygrad_lite.compiler.function import Function
from tinygrad_lite.compiler.node import Node
from tinygrad_lite.compiler.program import Program
from tinygrad_lite.compiler.trace import _SHAPED_BY_VALUES, Tracer, _masks
from tinygrad_lite.compiler.traced import Traced, TracingError
from tinygrad_lite.core.record import state, tracing
from tinygrad_lite.core.structure import flatten
from tinygrad_lite.core.tensor import Tensor, wrap
from tinygrad_lite.core.variable import Variable
from tinygrad_lite.diagnostics.observing import SiteObserver
from tinygrad_lite.testing import gradients, primitives
from tinygrad_lite.testing.gradients import reverse

MOST_NODES = 2000
"""Nodes after which a program is made of what there is, and a new one begun."""

counts: Counter[str] = Counter()
"""What was done in this session."""

LIVES = "they measure memory, time and the lives of objects"
CLEARED = "doctest clears the names that their code needs when it is replayed"
INSIDE = "they look at what a rule is handed: arrays, but Tensors where a tracer notes its operations"
NO_TENSORS = "they compute nothing with tensors"

# Tests that are left out, and why.
LEFT_OUT = {
    "function/": "they test tgl.function itself",
    "test_both_ways.py": "they test tgl.function itself",
    "nn/test_steps.py": "they count the steps that fit compiles",
    "testing/": "they give the checker faults to find",
    "ops/test_mutations.py": "they give the checker faults to find",
    "ops/test_primitives.py::test_primitive[matmul]": "BLAS has other last bits for copies of strided arrays",
    "diagnostics/": "they watch every operation, which no program lets them",
    "nn/test_strict.py": "they watch every operation, which no program lets them",
    "test_docs.py::test_pages[docs/debugging.md]": "they watch every operation, which no program lets them",
    "tape/test_gradient.py::TestSeveralOutputs::test_what_nothing_depends_on_has_zeros": INSIDE,
    "tape/test_load.py": LIVES,
    "test_memory.py": LIVES,
    "test_endurance.py": LIVES,
    "nn/test_search.py::test_a_model_is_gone_when_nobody_holds_it": LIVES,
    "nn/test_fit.py::test_compiled_steps_work_in_place": LIVES,
    "test_tensor.py::TestVariable::test_an_unshared_buffer_is_updated_in_place": LIVES,
    "test_optim.py::test_a_step_takes_not_even_the_memory_of_a_block": LIVES,
    "test_optim.py::test_learning_rate_of_a_function_without_arguments": "a function that answers anew at every call",
    "test_docs.py::test_docstrings[tinygrad_lite.optim]": CLEARED,
    "test_docs.py::test_docstrings[tinygrad_lite.core.primitive]": CLEARED,
    "datasets/": NO_TENSORS,
    "viz/test_stepper_browser.py": NO_TENSORS,
    "test_package.py": NO_TENSORS,
    "test_fuzz.py": NO_TENSORS,
    "test_checkpoint.py": NO_TENSORS,
}


class Replayed(Traced):
    """A tensor of a test that is traced: one may look at its value, except inside of a gradient rule."""

    __slots__ = ()


Replayed.__name__ = "Tensor"  # for messages


def _looking(name: str) -> Any:
    method = getattr(Tensor, name)

    def look(self: Tensor, *args: Any) -> Any:
        tracer = tracing.tracer
        if isinstance(tracer, Replay):
            tracer.look(self, name)
        return method(self, *args)

    return look


for _name in ("numpy", "item", "tolist", "__format__", "__repr__", "__reduce__"):
    setattr(Replayed, _name, _looking(_name))
for _name in ("__bool__", "__int__", "__float__", "__index__"):  # which ask for the item
    setattr(Replayed, _name, getattr(Tensor, _name))


class Replay(Tracer):
    """Traces what happens in its context, lets it look at values, and compares them with those of the program."""

    def __init__(self) -> None:
        super().__init__()
        self._seen: list[tuple[Node, Any]] = []
        self._depth = 0

    # Lenient where a tgl.function refuses -----------------------------------------------------------------

    def _mark(self, tensor: Tensor, node: Node) -> None:
        super()._mark(tensor, node)
        tensor.__class__ = Replayed

    def rewrap(self, tensor: Tensor, identity: int) -> Tensor:
        tensor = super().rewrap(tensor, identity)
        tensor.__class__ = Replayed
        return tensor

    def look(self, tensor: Tensor, what: str) -> None:
        """The test asks for a value: it becomes a result of the program."""
        if state.pulling_back and not state.tapes and isinstance(tensor, Traced):
            raise tensor._refuse(what)  # `apply_rule` makes one operation of a rule that must know values
        node = self.node_of(tensor, tensor._array)
        if node.kind not in ("constant", "input"):
            self._seen.append((node, tensor._array))

    def refuse(self, tensor: Tensor, what: str) -> None:
        if isinstance(tensor, (Variable, Traced)):
            self.look(tensor, what)

    def note_call(self, primitive: Any, args: Any, arrays: Any, metadata: Any, outputs: tuple[Tensor, ...]) -> None:
        self._depth += 1
        try:
            inputs = tuple(self.node_of(x, array) for x, array in zip(args, arrays))
            of_values = primitive.__name__ in _SHAPED_BY_VALUES or _masks(primitive, arrays, inputs)
            if of_values or primitive.is_random:
                for output in outputs:
                    self._mark(output, self._constant(output._array))
            else:
                super().note_call(primitive, args, arrays, metadata, outputs)
        finally:
            self._depth -= 1
        if len(self.nodes) > MOST_NODES and not self._depth and not state.pulling_back:
            self.compare()

    def note_variable(self, variable: Variable, value: Any) -> Any:
        return value._array if isinstance(value, Tensor) else value

    def note_update(self, optimizer: Any, gradients: Any, arrays: Any, variables: Any) -> None:
        if self.assigned:
            self.compare()
        count = len(self.nodes)
        try:
            super().note_update(optimizer, gradients, arrays, variables)
        except Exception:  # the step was not taken
            self.nodes[count:] = [node for node in self.nodes[count:] if node.kind != "update"]
            self.effects[:] = [node for node in self.nodes if node.kind == "update"]
            raise

    def _constant(self, array: Any) -> Node:
        """What comes from outside: an input if it could be another time, so that nothing is computed beforehand."""
        node = self._constants.get(id(array))
        if node is None:
            kind = "input" if np.ndim(array) and np.asarray(array).dtype.kind == "f" else "constant"
            node = self._constants[id(array)] = self._add(Node(kind, array))
        return node

    # Replaying --------------------------------------------------------------------------------------------

    def compare(self) -> None:
        """Compile what was noted, run it, compare, and begin anew."""
        seen, assigned = self._seen, [(v, self.current[key]) for key, v in self.assigned.items()]
        inputs = [node for node in self.nodes if node.kind == "input"]
        self.restore()
        held = [(variable, array, variable._array) for variable, array, _ in self._before.values()]
        if seen or assigned or self.effects:
            with self.left():
                program = Program("test", inputs, [node for node, _ in seen], assigned, self.nodes)
                copies = [np.array(node.value) for node in inputs]
                try:
                    for _ in range(2):
                        for variable, before, _ in held:
                            variable._array = before
                        with np.errstate(all="ignore"):  # where the test ignores errors, it does not do so here
                            results = program([node.value for node in inputs])
                        for what, result, expected in zip(seen, results, (value for _, value in seen)):
                            _same(result, expected, what[0], program)
                        for variable, _, after in held:
                            _same(variable._array, after, variable.name, program)
                        for node, copy in zip(inputs, copies):
                            _same(node.value, copy, "an input", program)
                finally:
                    for variable, _, after in held:
                        variable._array = after
            counts["programs"] += 1
            counts["operations"] += sum(node.kind == "call" for node in self.nodes)
            counts["values compared"] += len(seen) + len(held)
        depth = self._depth
        Replay.__init__(self)
        self._depth = depth

    @contextmanager
    def left(self) -> Iterator[None]:
        """A context in which the thread is not traced."""
        tapes = state.tapes
        observer, tapes.observer = tapes.observer, None
        tracing.tracer = None
        try:
            yield
        finally:
            tapes.observer = observer
            tracing.tracer = self


def _same(result: Any, expected: Any, what: Any, program: Program) -> None:
    name = what if isinstance(what, str) else what.name or what.label or getattr(what.payload, "__name__", what.kind)
    if (np.shape(result), result.dtype) != (np.shape(expected), expected.dtype):
        raise AssertionError(f"{name}\n{program.source()}")
    if not np.array_equal(result, expected, equal_nan=expected.dtype.kind in "fc"):
        told = f"{name}, compiled (x) and eager (y)\n{program.source()}"
        np.testing.assert_array_equal(result, expected, err_msg=told)


def replayed(test: Any) -> Any:
    """A test that is traced and replayed."""

    @functools.wraps(test)
    def run(*args: Any, **kwargs: Any) -> Any:
        tracer = Replay()
        state.tapes.observer = tracer
        tracing.tracer = tracer
        try:
            answer = test(*args, **kwargs)
            tracer.compare()
        finally:
            state.tapes.observer = None
            tracing.tracer = None
        return answer

    return run


# Where others must not be disturbed ---------------------------------------------------------------------------


def _patched() -> Iterator[tuple[Any, str, Any]]:
    run, enter, leave = Function.run, SiteObserver.__enter__, SiteObserver.__exit__
    make = Tensor.__init__

    def called(self: Function, *call: Any) -> Any:
        tracer = tracing.tracer
        if not isinstance(tracer, Replay) or state.tapes:
            return run(self, *call)
        tracer.compare()
        with tracer.left():  # it compiles by itself
            return run(self, *call)

    def entered(self: SiteObserver) -> Any:
        tracer = tracing.tracer
        if isinstance(tracer, Replay):
            tracer.compare()
            self._without = tracer.left()  # type: ignore[attr-defined]
            self._without.__enter__()
        return enter(self)

    def exited(self: SiteObserver, *error: Any) -> None:
        leave(self, *error)
        left = self.__dict__.pop("_without", None)
        if left is not None:
            left.__exit__(None, None, None)

    def made(self: Tensor, *args: Any, **kwargs: Any) -> None:
        make(self, *args, **kwargs)
        tracer = tracing.tracer
        if isinstance(tracer, Replay) and type(self) is Tensor:
            tracer._mark(self, tracer._constant(self._array))

    yield Function, "run", called
    yield SiteObserver, "__enter__", entered
    yield SiteObserver, "__exit__", exited
    yield Tensor, "__init__", made
    yield gradients, "reverse", _backward
    yield primitives, "reverse", _backward


def _backward(function: Any, points: Any, weights: Any) -> Any:
    """The checker's results and gradients from a program that was traced with other numbers; they must be eager's."""
    tracer = tracing.tracer
    if not isinstance(tracer, Replay) or state.tapes:
        return reverse(function, points, weights)
    tracer.compare()
    with tracer.left():
        eager = reverse(function, points, weights)
        compiled = function.__dict__.setdefault("compiled", Function(lambda *args: reverse(function, *args)))
        try:
            if not compiled.traces:
                others = [wrap(np.ascontiguousarray(x.numpy().ravel()[::-1].reshape(x.shape))) for x in points]
                with suppress(ValueError, IndexError, ArithmeticError, np.linalg.LinAlgError):  # not of the right kind
                    compiled(others, weights)
                if not compiled.traces:
                    compiled(points, weights)
            answer = compiled(points, weights)
        except TracingError:
            counts["functions of the checker that need values"] += 1
            return eager
        counts["results of the checker"] += 1
        for one, other in zip(flatten(eager), flatten(answer)):
            if (one is None) != (other is None):
                raise AssertionError(f"eager {one}, compiled {other}")
            if one is not None:
                if (one.shape, one.dtype) != (other.shape, other.dtype):
                    raise AssertionError(f"eager {one!r}, compiled {other!r}")
                np.testing.assert_array_equal(other.numpy(), one.numpy(), err_msg=compiled.source())
    return answer


# pytest -------------------------------------------------------------------------------------------------------


def pytest_configure(config: pytest.Config) -> None:
    for owner, name, value in _patched():
        setattr(owner, name, value)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    left_out = [item for item in items if _reason(item)]
    config.hook.pytest_deselected(items=left_out)
    counts.update(f"left out: {_reason(item)}" for item in left_out)
    items[:] = [item for item in items if not _reason(item)]


def _reason(item: pytest.Item) -> str | None:
    path = item.nodeid.removeprefix("tests/")
    return next((reason for start, reason in LEFT_OUT.items() if path.startswith(start)), None)


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Any:
    counts["tests replayed"] += 1
    test = pyfuncitem.obj
    draws = getattr(test, "hypothesis", None)
    if draws is None:
        pyfuncitem.obj = replayed(test)
    else:  # every example by itself
        inner, draws.inner_test = draws.inner_test, replayed(draws.inner_test)
    try:
        return (yield)
    finally:
        if draws is None:
            pyfuncitem.obj = test
        else:
            draws.inner_test = inner


def pytest_terminal_summary(terminalreporter: Any) -> None:
    terminalreporter.section("compiled")
    for what, count in counts.items():
        terminalreporter.write_line(f"{count:8,}  {what}")
