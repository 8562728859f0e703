"""The NumPy printer: a schedule as Python source that calls NumPy.

It gives names, and writes each step as a line and each loop as a `for` over blocks. The schedule says what is
computed, when, and in which memory.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from tinygrad_lite.compiler.names import Names
from tinygrad_lite.compiler.node import Node
from tinygrad_lite.compiler.schedule import Loop, Schedule, Step, is_rounded_once
from tinygrad_lite.core.variable import Variable
from tinygrad_lite.utils.rows import compares_in_rows

__all__ = ["print_schedule"]

_QUIET = 'with np.errstate(all="ignore"):'  # as the tape does it: division by zero is expected in gradients

# How primitives are written in NumPy. {0} {1} are the arguments, other names the metadata; with out= the result
# goes into a planned buffer. Those not listed are called by their forward function; ufuncs are themselves.
_WITH_OUT = {
    "matmul": "np.matmul({0}, {1}, out={out})",
    "_product_of_rows": "np.dot({0}.T, {1}, out={out})",
    "_sum": "np.add.reduce({0}, axis={axis}, dtype={dtype}, keepdims={keepdims}, out={out})",
    "_mean": "np.mean({0}, axis={axis}, dtype={dtype}, keepdims={keepdims}, out={out})",
    "_max": "np.maximum.reduce({0}, axis={axis}, keepdims={keepdims}, initial={initial}, out={out})",
    "_min": "np.minimum.reduce({0}, axis={axis}, keepdims={keepdims}, initial={initial}, out={out})",
    "assign_add": "np.add({0}, {1}, out={out})",
    "assign_sub": "np.subtract({0}, {1}, out={out})",
}
_ONLY_WITH_OUT = frozenset({"assign_add", "assign_sub"})  # their ufunc alone would answer in another dtype
_PLAIN = {
    "_reshape": "{0}.reshape({shape})",
    "transpose": "np.transpose({0}, {axes})",
    "_broadcast_to": "np.broadcast_to({0}, {shape})",
}


def print_schedule(name: str, schedule: Schedule) -> tuple[str, str, dict[str, Any]]:
    """The name of a function, its source, and the namespace in which that is to be executed.

    The function takes the arrays of the inputs and a list of buffers, and returns the tuple of the results.
    """
    printer = _Printer()
    name = printer.names.new(name)
    return name, printer.source(name, schedule), printer.names.namespace


class _Printer:
    """Writes the lines of one program, first to last."""

    def __init__(self) -> None:
        self.names = Names({"np": np, "assign": _assign})
        self._blocks: dict[tuple[int, int], tuple[slice, ...]] = {}
        self._section = ""
        self._scope: tuple[str, ...] = ()

    def source(self, name: str, schedule: Schedule) -> str:
        """The function that runs the schedule."""
        parameters = [self.names.give(node, node.name or "x") for node in schedule.inputs]
        lines = [f"({''.join(f'b{n}, ' for n in range(len(schedule.buffers)))}) = buffers"] if schedule.buffers else []
        results = []
        for step in schedule.steps:
            if isinstance(step, Loop):
                lines += [*self._headings(step.run.first), *self._indented(self._loop(step))]
            elif step.node.kind == "output":
                results.append(self.names.of(step.node.inputs[0]) + (".copy()" if step.copies else ""))
            elif step.node.kind == "assign":
                lines += self._assignment(step)
            elif not self._is_defined(step.node):
                lines += [*self._headings(step.node), *self._lines_before(step), *self._indented([self._line(step)])]
        lines += ["", f"return ({''.join(result + ', ' for result in results)})"]
        head = f"def {name}({', '.join([*parameters, 'buffers'])}):\n"
        return head + "".join(f"    {line}".rstrip() + "\n" for line in lines)

    # Lines ------------------------------------------------------------------------------------------------

    def _headings(self, node: Node) -> list[str]:
        """Comments above a node where another part of the program begins."""
        lines = []
        if node.section != self._section and node.kind != "variable":
            self._section, self._scope = node.section, ()
            lines += ["", f"# {self._section}"]
            if self._section == "backward":
                lines.append(_QUIET)
        if node.scope != self._scope and self._section == "forward" and node.kind == "call":
            self._scope = node.scope
            lines += [_comment("/".join(self._scope))] if self._scope else []
        return lines

    def _indented(self, lines: list[str]) -> list[str]:
        return [f"    {line}" for line in lines] if self._section == "backward" else lines

    def _lines_before(self, step: Step) -> list[str]:
        if step.node.kind != "update":
            return []
        return [*_formula(step.node.payload[0]), *self._deletions(step)]

    def _deletions(self, step: Step) -> list[str]:
        names = ", ".join(self.names.of(node) for node in step.deletes)
        return [f"del {names}"] if names else []

    def _is_defined(self, node: Node) -> bool:
        """Whether a node needs no line: an argument, a constant of the namespace, or x.T (part of other lines)."""
        if node.kind == "constant":
            self.names.define(node, self.names.constant(node.value, node.name or "constant"))
        elif node.is_transpose:
            self.names.define(node, f"{self._argument(node.inputs[0], node)}.T")
        return node.needs_no_code

    def _line(self, step: Step) -> str:
        node = step.node
        if node.kind == "update":
            return self._update(step)
        if node.kind == "check":
            check = self.names.operation(node.payload, node.payload.__name__.strip("_"))
            fields = [f"{key}={self.names.literal(value, key)}" for key, value in node.metadata.items()]
            return f"{check}({', '.join([*(self._argument(x, node) for x in node.inputs), *fields])})"
        comment = f"  # {node.shape} {node.dtype}"
        if node.kind == "variable":
            holder = self._holder(node.payload)
            return f"{self.names.give(node)} = {holder}._array{comment}"
        arguments = [self._argument(x, node) for x in node.inputs]
        name = self.names.give(node)
        if node.kind == "item":
            return f"{name} = {arguments[0]}[{node.position}]{comment}"
        out = None if step.buffer is None else f"b{step.buffer}"
        return f"{name} = {self._call(node, arguments, out)}{comment}"

    def _update(self, step: Step) -> str:
        optimizer, variables = step.node.payload
        call = self.names.constant(optimizer.step_arrays, type(optimizer).__name__ + "_step")
        gradients = ", ".join(self._argument(x, step.node) for x in step.node.inputs)
        donated = ", are_donated=True" if step.donates else ""
        return f"{call}([{gradients}], {self.names.constant(variables, 'variables')}{donated})"

    def _assignment(self, step: Step) -> list[str]:
        node, value = step.node, step.node.inputs[0]
        lines = ["", "# assignments"] if self._section != "assignments" else []
        self._section = "assignments"
        lines += self._deletions(step)
        holder = self._holder(node.payload)
        if not step.in_place:
            return [*lines, f"assign({holder}, {self.names.of(value)})"]
        ufunc = "add" if value.operation == "assign_add" else "subtract"
        added = self._argument(value.inputs[1], value)
        return [*lines, f"buffer = {holder}.writable()", f"np.{ufunc}(buffer, {added}, out=buffer)"]

    def _holder(self, variable: Variable) -> str:
        return self.names.constant(variable, "variable_" + variable.name)

    # Loops ------------------------------------------------------------------------------------------------

    def _loop(self, loop: Loop) -> list[str]:
        count, rows = loop.run.first.shape[0], loop.run.rows
        blocks = self._blocks.setdefault((count, rows), tuple(slice(n, n + rows) for n in range(0, count, rows)))
        before: list[str] = []
        after: list[str] = []
        lines = [f"for rows in {self.names.constant(blocks, f'blocks_of_{rows}')}:  # a block stays in the cache"]
        for step in loop.steps:
            if self._is_defined(step.node):
                continue
            if step.node.kind == "variable":
                before.append(self._line(step))
            else:
                lines.append("    " + self._line_of_loop(step, rows, before, after))
        return [*before, *lines, *after]

    def _line_of_loop(self, step: Step, rows: int, before: list[str], after: list[str]) -> str:
        node = step.node
        arguments = [self._argument(x, node) + "[rows]" * (n in step.cut) for n, x in enumerate(node.inputs)]
        target = name = self.names.give(node)
        out = None if step.buffer is None else f"b{step.buffer}"
        if step.is_whole:
            if out is None:
                out = self.names.new(f"whole_{name}")
                dtype = self.names.literal(node.dtype, "dtype")
                before.append(f"{out} = np.empty({self.names.literal(node.shape, 'shape')}, {dtype})")
            after.append(f"{name} = {out}  # {node.shape} {node.dtype}")
            out = f"{out}[rows]"
            if not node.is_ufunc:
                target, out = f"{name} = {out}", None
        return f"{target} = {self._call(node, arguments, out)}  # {(rows, *node.shape[1:])} {node.dtype}"

    # Expressions ------------------------------------------------------------------------------------------

    def _argument(self, x: Any, node: Node) -> str:
        if isinstance(x, Node):
            return self.names.of(x)
        if isinstance(x, (int, float)) and node.is_ufunc:
            dtype = np.result_type(*(y.dtype for y in node.inputs if isinstance(y, Node)))
            if dtype.kind == "f":
                return self._number(x, dtype, node)
        return self.names.literal(x, "number")

    def _number(self, x: float, dtype: np.dtype[Any], node: Node) -> str:
        """A number as an array of the dtype in which it is used, so that NumPy need not convert it at every call."""
        is_row = node.payload.forward in (np.maximum, np.minimum) and compares_in_rows(node.shape)
        row = node.shape[-1:] if is_row else ()
        name = ("row_of_" if row else "c_") + re.sub(r"\W", "_", f"{x:g}")
        known = self.names.namespace.get(name)
        if known is None or (known.dtype, known.shape) != (dtype, row) or known.flat[0] != x:
            name = self.names.constant(np.full(row, x, dtype), name)
        return name

    def _call(self, node: Node, arguments: list[str], out: str | None) -> str:
        primitive, name = node.payload, node.operation
        fields = {key: self.names.literal(value, key) for key, value in node.metadata.items()}
        if node.is_ufunc:
            called = f"np.{primitive.forward.__name__}"
            if getattr(np, primitive.forward.__name__, None) is not primitive.forward:  # of another package
                called = self.names.operation(primitive.forward, primitive.__name__)
            return f"{called}({', '.join([*arguments, *([f'out={out}'] if out else [])])})"
        if name in _WITH_OUT and (out or name not in _ONLY_WITH_OUT) and not is_rounded_once(node):
            text = _WITH_OUT[name].format(*arguments, out=out, **fields)
            for default in (", dtype=None", ", keepdims=False", ", initial=None", ", out=None"):
                text = text.replace(default, "")
            return text
        if name == "_getitem":
            return f"{arguments[0]}[{self._subscript(node.metadata['template'], iter(arguments[1:]))}]"
        if name in _PLAIN:
            return _PLAIN[name].format(*arguments, **fields)
        called = self.names.operation(primitive.in_program, primitive.__name__.strip("_"))
        return f"{called}({', '.join([*arguments, *(f'{key}={value}' for key, value in fields.items())])})"

    def _subscript(self, template: Any, arrays: Iterator[str]) -> str:
        """An index as Python has it; see `ops.indexing` for templates."""
        if type(template) is tuple:
            return ", ".join(self._subscript(part, arrays) for part in template) + "," * (len(template) == 1) or "()"
        if type(template) is slice:
            parts = [template.start, template.stop, *[template.step][: template.step is not None]]
            return ":".join("" if part is None else self.names.literal(part, "number") for part in parts)
        return next(arrays) if template == "array" else self.names.literal(template, "number")


def _formula(optimizer: Any) -> list[str]:
    """The rule of an optimizer, as the second paragraph of its docstring has it, in comments."""
    paragraphs = inspect.cleandoc(type(optimizer).__doc__ or "").split("\n\n")
    if len(paragraphs) < 2 or "`" not in paragraphs[1]:
        return []
    return [_comment(line) for line in paragraphs[1].replace("`", "").splitlines()]


def _comment(text: str) -> str:
    """A comment on one line, whatever the text: a name with a line break in it must not become code."""
    return "# " + "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def _assign(variable: Variable, value: Any) -> None:
    """The end of an `assign`: the value goes into the Variable's own array."""
    if value is not variable._array:
        np.copyto(variable.writable(copied=False), value, casting="same_kind")
