"""Programs: what runs instead of a traced function.

A trace becomes a program by functions over plain data: the passes make its nodes fewer and put them in order, the
schedule gives them memory, and a printer writes the schedule as Python source. That source is what runs.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_lite.compiler.node import Node
from tinygrad_lite.compiler.numpy_printer import print_schedule
from tinygrad_lite.compiler.passes import optimized, with_effects
from tinygrad_lite.compiler.schedule import make_buffer, schedule
from tinygrad_lite.core.variable import Variable
from tinygrad_lite.utils.types import Array

__all__ = ["Program"]


class Program:
    """The straight-line program of one trace.

    Parameters
    ----------
    name : str
        Of the traced function.
    inputs : list of Node
        Its tensor arguments, in order.
    outputs : list of Node
    assigned : list of (Variable, Node)
        What Variables hold at the end.
    nodes : list of Node
        The whole trace, in order.
    """

    def __init__(
        self,
        name: str,
        inputs: list[Node],
        outputs: list[Node],
        assigned: list[tuple[Variable, Node]],
        nodes: list[Node],
    ) -> None:
        plan = schedule(inputs, optimized(with_effects(nodes, assigned, outputs)))
        name, self._source, namespace = print_schedule(name, plan)
        exec(compile(self._source, f"<tgl.function {name}>", "exec"), namespace)
        self._run: Callable[..., Any] = namespace[name]
        self.changes = bool(assigned) or any(node.kind == "update" for node in nodes)
        self._restored, self._restored_on_float_errors = plan.restored, plan.restored_on_float_errors
        self._places = plan.buffers
        self._idle: list[list[Array]] = []  # sets of buffers that no call is using

    def __call__(self, arrays: list[Any]) -> tuple[Any, ...]:
        """Run on the arrays of the inputs; returns those of the outputs."""
        try:
            buffers = self._idle.pop()
        except IndexError:  # the first call, or another thread is using them
            buffers = [make_buffer(place) for place in self._places]
        changed = self._restored
        if self._restored_on_float_errors and _floats_raise():
            changed = self._restored_on_float_errors
        if not changed:
            answer = self._run(*arrays, buffers)
        else:
            before = [variable._array for variable in changed]  # a second reference makes updates copy on write
            try:
                answer = self._run(*arrays, buffers)
            except BaseException:
                for variable, array in zip(changed, before):
                    variable._array = array
                raise
        self._idle.append(buffers)
        return answer

    def release(self) -> None:
        """Free the buffers that no call is using."""
        self._idle.clear()

    def source(self) -> str:
        """The Python source that runs."""
        return self._source


def _floats_raise() -> bool:
    """Whether an overflow, say, raises now: by NumPy's settings, or because warnings are errors."""
    return not {"raise", "call"}.isdisjoint(np.geterr().values()) or any(
        action == "error" and issubclass(RuntimeWarning, category) for action, _, category, *_ in warnings.filters
    )
