"""Programs: a trace, turned into the NumPy code that an expert would have written.

The nodes of a trace are thinned out (what leads nowhere is dropped, what is computed twice is computed once,
what depends on constants alone is a constant), put in order, given buffers that are reused from call to call as
soon as their content is no longer needed, and written down as Python source. That source is what runs.
"""

from __future__ import annotations

import functools
import heapq
import inspect
import keyword
import math
import re
import unicodedata
import warnings
from collections.abc import Callable, Iterable, Iterator
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np

from tinygrad_lite.compiler.fusion import Run, find_runs
from tinygrad_lite.compiler.trace import Node, identity, memory_order
from tinygrad_lite.core.primitive import compares_in_rows
from tinygrad_lite.core.tensor import HALF, Variable
from tinygrad_lite.utils.types import Array

__all__ = ["Program"]

_QUIET = 'with np.errstate(all="ignore"):'  # as the tape does it: 1/0 where the incoming gradient is 0 is no news

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
_ROUNDING_ONCE = {"_sum", "_mean"}  # of float16, which their forward functions add up in float32
_PLAIN = {
    "_reshape": "{0}.reshape({shape})",
    "transpose": "np.transpose({0}, {axes})",
    "_broadcast_to": "np.broadcast_to({0}, {shape})",
}
_UNCHANGED_BY_ONE = {np.multiply: 2, np.divide: 1}  # so many of their arguments, if the other is 1
_DTYPE_OF_OUT = {"assign_add", "assign_sub"}  # their ufunc alone would answer in another dtype


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
        writer = _Writer(name, inputs, outputs, assigned, nodes)
        self._source = writer.source
        self.changes = bool(assigned) or any(node.kind == "update" for node in nodes)
        self._held, self._held_from_floats = writer.given_back
        self._slots = writer.slots
        namespace = writer.namespace
        exec(compile(self._source, f"<tgl.function {writer.name}>", "exec"), namespace)
        self._run: Callable[..., Any] = namespace[writer.name]
        self._idle: list[list[Array]] = []  # sets of buffers that no call is using

    def __call__(self, arrays: list[Any]) -> tuple[Any, ...]:
        """Run on the arrays of the inputs; answers those of the outputs."""
        try:
            buffers = self._idle.pop()
        except IndexError:  # the first call, or one beside another thread's
            buffers = [_buffer(*slot) for slot in self._slots]
        held = self._held_from_floats if self._held_from_floats and _floats_raise() else self._held
        if not held:
            answer = self._run(*arrays, buffers)
        else:
            before = [variable._array for variable in held]  # which makes their updates copy on write
            try:
                answer = self._run(*arrays, buffers)
            except BaseException:
                for variable, array in zip(held, before):
                    variable._array = array
                raise
        self._idle.append(buffers)
        return answer

    def release(self) -> None:
        """Let go of the buffers that no call is using."""
        self._idle.clear()

    def source(self) -> str:
        """The Python source that runs."""
        return self._source


_SMALL = 4096  # bytes of a Variable that is added to out of place
_MOST_OWNERS = 16


class _Memory(NamedTuple):
    """What memory a node's value lies in."""

    owners: frozenset[int] | None
    """The nodes, by id(), that look into nobody's memory but have it; None for too many to keep account of."""
    is_an_inputs: bool
    is_a_variables: bool


class _Writer:
    """Writes a trace down: names, sections, buffers."""

    def __init__(
        self,
        name: str,
        inputs: list[Node],
        outputs: list[Node],
        assigned: list[tuple[Variable, Node]],
        nodes: list[Node],
    ) -> None:
        self.slots: list[tuple[tuple[int, ...], np.dtype[Any], tuple[int, ...]]] = []
        self._operations = SimpleNamespace()
        self.namespace: dict[str, Any] = {"np": np, "ops": self._operations, "assign": _assign}
        self._taken = {*self.namespace, "buffers", "buffer", "rows"}
        self._numbers: dict[str, int] = {}  # the last that was put behind a name
        self._numbers_of_operations: dict[str, int] = {}
        self.name = self._new_name(name)
        self._names: dict[int, str] = {}
        self._wishes: dict[int, str] = {}  # names as they should be, by id()
        self._known: dict[int, str] = {}  # constants of the namespace by id()
        self._same = _merge(nodes)
        self._outputs = [self._stands_for(node) for node in outputs]
        self._assigned = [(variable, self._stands_for(node)) for variable, node in assigned]
        self._ordered = _order(nodes, self._outputs, self._assigned, self._same)
        used = {id(x) for node in self._ordered for x in self._arguments(node)} | {id(x) for x in self._outputs}
        self._in_place = {  # by id()
            id(node) for variable, node in self._assigned if id(node) not in used and self._is_in_place(node, variable)
        }
        self._last = self._last_uses()
        self.given_back = self._changed_before_a_failure()
        self._memory = self._memory_of_each()
        self._escaping = self._with_bases(self._outputs)
        self._ends = self._memory_ends()
        self._slot_of: dict[int, int] = {}
        self._deletable: list[tuple[int, int, Node]] = []  # what looks into Variables, first what is needed least long
        self._free: dict[Any, list[int]] = {}
        self._blocks: dict[tuple[int, int], tuple[slice, ...]] = {}
        self._runs = find_runs(self._ordered, self._is_silent, self._arguments, self._written)
        for node in inputs:
            self._names[id(node)] = self._new_name(node.name or "x")
        parameters = ", ".join([*(self._names[id(node)] for node in inputs), "buffers"])
        lines = [
            *self._body(),
            *self._commits(),
            "",
            f"return ({''.join(self._result(x) + ', ' for x in self._outputs)})",
        ]
        if self.slots:
            lines.insert(0, f"({''.join(f'b{n}, ' for n in range(len(self.slots)))}) = buffers")
        self.source = f"def {self.name}({parameters}):\n" + "".join(f"    {line}".rstrip() + "\n" for line in lines)

    # Names ------------------------------------------------------------------------------------------------

    def _new_name(self, wanted: str) -> str:
        wanted = _identifier(wanted)
        name, number = wanted, self._numbers.get(wanted, 1)
        while name in self._taken or (name[0] == "b" and name[1:].isdecimal()):
            number += 1
            name = f"{wanted}_{number}"
        self._taken.add(name)
        self._numbers[wanted] = number
        return name

    def _constant(self, value: Any, wanted: str) -> str:
        """The name by which the program knows `value`."""
        name = self._known.get(id(value))
        if name is None:
            name = self._known[id(value)] = self._new_name(wanted)
            self.namespace[name] = value
        return name

    def _operation(self, function: Callable[..., Any], wanted: str) -> str:
        """A function that is called as it is, as `ops.name`."""
        name = self._known.get(id(function))
        if name is None:
            wanted = name = _identifier(wanted)
            number = self._numbers_of_operations.get(wanted, 1)
            while hasattr(self._operations, name):
                number += 1
                name = f"{wanted}_{number}"
            self._numbers_of_operations[wanted] = number
            setattr(self._operations, name, function)
            name = self._known[id(function)] = f"ops.{name}"
        return name

    def _literal(self, value: Any, wanted: str) -> str:
        """Metadata as source: spelt out where it can be, else by a name."""
        if isinstance(value, np.dtype):
            return f"np.{value.name}" if hasattr(np, value.name) else repr(value.name)
        if isinstance(value, type) and issubclass(value, np.generic):
            return f"np.{value.__name__}"
        if value is None or value is Ellipsis or type(value) in (bool, int, str):
            return repr(value)
        if type(value) is float and np.isfinite(value):
            return repr(value)
        if isinstance(value, slice):
            parts = (value.start, value.stop, value.step)
            return f"slice({', '.join(self._literal(part, wanted) for part in parts)})"
        if type(value) is tuple:
            return f"({''.join(self._literal(part, wanted) + ', ' for part in value)})".replace(", )", ",)")
        if type(value) is list:
            return f"[{', '.join(self._literal(part, wanted) for part in value)}]"
        return self._constant(value, wanted)

    def _wish(self, node: Node) -> str:
        """The name that `node` should have: the user's, else d_x for the gradient of x, else what it does."""
        wish = self._wishes.get(id(node))
        if wish is None:
            self._wishes[id(node)] = _label(node)  # for a gradient of itself
            of = self._stands_for(node.gradient_of) if node.gradient_of is not None else None
            if node.name is not None:
                wish = node.name
            elif of is not None and of is not node:
                wish = f"d_{self._names.get(id(of)) or self._wish(of)}"
            else:
                wish = _label(node)
            self._wishes[id(node)] = wish
        return wish

    def _give_name(self, node: Node) -> str:
        """Name what the next line computes."""
        if self._memory[id(node)].is_a_variables:
            heapq.heappush(self._deletable, (self._last[id(node)], len(self._taken), node))
        name = self._names[id(node)] = self._new_name(self._wish(node))
        return name

    # Lines ------------------------------------------------------------------------------------------------

    def _body(self) -> list[str]:
        lines: list[str] = []
        section = ""
        scope: tuple[str, ...] = ()
        expiring: dict[int, list[Node]] = {}
        for node in self._ordered:
            expiring.setdefault(self._ends[id(node)], []).append(node)
        done = -1
        for position, node in enumerate(self._ordered):
            if position <= done or self._is_silent(node, name=True):
                continue
            if node.section != section and node.kind != "variable":
                section, scope = node.section, ()
                lines += ["", f"# {section}"]
                if section == "backward":
                    lines.append(_QUIET)
            if node.scope != scope and section == "forward" and node.kind == "call":
                scope = node.scope
                lines += [_comment("/".join(scope))] if scope else []
            if node.kind == "update":
                lines += [*_formula(node.payload[0]), *self._deletions(position)]
            run = self._runs.get(id(node))
            if run is None:
                written = [self._line(node, expiring.get(position, []))]
            else:
                written, done = self._loop(run, position, expiring), run.end
            lines += [f"    {line}" if section == "backward" else line for line in written]
        return lines

    def _is_silent(self, node: Node, name: bool = False) -> bool:
        """Whether a node is no line of its own. With `name`: give it its name; a variable is a line then."""
        if node.kind == "variable":
            return not name
        if name and node.kind == "constant":
            self._names[id(node)] = self._constant(node.value, node.name or "constant")
        elif name and _is_inline(node):
            self._names[id(node)] = f"{self._argument(node.inputs[0], node)}.T"
        return node.kind in ("constant", "input") or id(node) in self._in_place or _is_inline(node)

    def _arguments(self, node: Node) -> list[Node]:
        return [self._stands_for(x) for x in node.inputs if isinstance(x, Node)]

    def _written(self, node: Node) -> Node:
        """The node in whose line the value of `node` is written: itself, or x for x.T."""
        return self._stands_for(node.inputs[0]) if _is_inline(node) else node

    def _loop(self, run: Run, start: int, expiring: dict[int, list[Node]]) -> list[str]:
        """A run, block by block. What is needed after it is written into whole arrays, all else into a block."""
        count = run.first.shape[0]
        blocks = self._blocks.setdefault(
            (count, run.rows), tuple(slice(n, n + run.rows) for n in range(0, count, run.rows))
        )
        before, after = [], []
        lines = [f"for rows in {self._constant(blocks, f'blocks_of_{run.rows}')}:  # a block stays in the cache"]
        inner = {key: node for key, node in run.nodes.items() if self._last[key] <= run.end}
        waiting: list[Node] = []  # whole arrays: a later block may need what the first does not any more
        for position, node in enumerate(self._ordered[start : run.end + 1], start):
            dying = expiring.get(position, [])
            waiting += [x for x in dying if id(x) not in inner]
            if self._is_silent(node, name=True):
                continue
            if node.kind == "variable":
                before.append(self._line(node, []))
                continue
            arguments = [self._argument(x, node) for x in node.inputs]
            for n, x in enumerate(node.inputs):
                x = self._stands_for(x) if isinstance(x, Node) else node  # a number is not cut
                if x is not node and id(x) not in run.nodes and run.is_cut(x) and not self._is_one_number(x, node):
                    arguments[n] += "[rows]"
            name = self._give_name(node)
            self._release(x for x in dying if id(x) in inner and self._can_be_overwritten(x, node))
            target, out = name, None
            if id(node) in inner:
                out = self._take(node, run.rows) if _is_ufunc(node) else None
            else:
                if id(node) in self._escaping:  # it is handed out
                    whole = self._new_name(f"whole_{name}")
                    dtype = self._literal(node.dtype, "dtype")
                    before.append(f"{whole} = np.empty({self._literal(node.shape, 'shape')}, {dtype})")
                else:
                    whole = self._take(node)
                after.append(f"{name} = {whole}  # {node.shape} {node.dtype}")
                out = f"{whole}[rows]"
                if not _is_ufunc(node):
                    target, out = f"{name} = {out}", None
            comment = f"  # {(run.rows, *node.shape[1:])} {node.dtype}"
            lines.append(f"    {target} = {self._call(node, arguments, out)}{comment}")
            self._release(x for x in dying if id(x) in inner)
        self._release([*waiting, *inner.values()])
        return [*before, *lines, *after]

    def _line(self, node: Node, dying: list[Node]) -> str:
        if node.kind == "update":
            optimizer, variables = node.payload
            step = self._constant(optimizer.step_arrays, type(optimizer).__name__ + "_step")
            gradients = ", ".join(self._argument(x, node) for x in node.inputs)
            spent = ", are_spent=True" if optimizer.can_spend() and self._are_spent(node, dying) else ""
            self._release(dying)
            return f"{step}([{gradients}], {self._constant(variables, 'variables')}{spent})"
        if node.kind == "check":
            check = self._operation(node.payload, node.payload.__name__.strip("_"))
            fields = [f"{key}={self._literal(value, key)}" for key, value in node.metadata.items()]
            line = f"{check}({', '.join([*(self._argument(x, node) for x in node.inputs), *fields])})"
            self._release(dying)
            return line
        comment = f"  # {node.shape} {node.dtype}"
        if node.kind == "variable":
            holder = self._constant(node.payload, "variable_" + node.payload.name)
            name = self._give_name(node)
            return f"{name} = {holder}._array{comment}"
        arguments = [self._argument(x, node) for x in node.inputs]
        name = self._give_name(node)
        if node.kind == "item":
            self._release(dying)
            return f"{name} = {arguments[0]}[{node.position}]{comment}"
        here = [x for x in dying if self._can_be_overwritten(x, node)]  # may hold the result
        self._release(here)
        out = self._take(node) if self._takes_out(node) else None
        self._release(x for x in dying if x not in here)
        return f"{name} = {self._call(node, arguments, out)}{comment}"

    def _argument(self, x: Any, node: Node) -> str:
        if isinstance(x, Node):
            x = self._stands_for(x)
            if not self._is_one_number(x, node):
                return self._names[id(x)]
            x = x.value.flat[0].item()
        if isinstance(x, (int, float)) and _is_ufunc(node):
            dtype = np.result_type(*(y.dtype for y in node.inputs if isinstance(y, Node)))
            if dtype.kind == "f":  # as an array of that dtype, so that NumPy need not convert it at every call
                is_row = node.payload.forward in (np.maximum, np.minimum) and compares_in_rows(node.shape)
                row = node.shape[-1:] if is_row else ()
                name = ("row_of_" if row else "c_") + re.sub(r"\W", "_", f"{x:g}")
                known = self.namespace.get(name)
                if known is None or (known.dtype, known.shape) != (dtype, row) or known.flat[0] != x:
                    name = self._constant(np.full(row, x, dtype), name)
                return name
        return self._literal(x, "number")

    def _is_one_number(self, x: Node, node: Node) -> bool:
        """Whether `x` is a constant that repeats one number, so that the number will do."""
        if x.kind != "constant" or not _is_ufunc(node) or x.dtype.kind != "f":
            return False
        value = np.asarray(x.value)
        others = [y for y in node.inputs if isinstance(y, Node) and self._stands_for(y) is not x]
        return (
            value.size > 0
            and (value.size == 1 or not any(s for s, n in zip(value.strides, value.shape) if n > 1))
            and bool(others)
            and all(y.dtype == x.dtype for y in others)
            and np.broadcast_shapes(*(y.shape for y in others)) == node.shape
        )

    def _call(self, node: Node, arguments: list[str], out: str | None) -> str:
        primitive = node.payload
        name = primitive.__name__
        fields = {key: self._literal(value, key) for key, value in node.metadata.items()}
        if isinstance(primitive.forward, np.ufunc):
            called = f"np.{primitive.forward.__name__}"
            if getattr(np, primitive.forward.__name__, None) is not primitive.forward:  # of another package
                called = self._operation(primitive.forward, name)
            return f"{called}({', '.join([*arguments, *([f'out={out}'] if out else [])])})"
        if name in _WITH_OUT and (out or name not in _DTYPE_OF_OUT):
            text = _WITH_OUT[name].format(*arguments, out=out, **fields)
            for default in (", dtype=None", ", keepdims=False", ", initial=None", ", out=None"):
                text = text.replace(default, "")
            return text
        if name == "_getitem":
            return f"{arguments[0]}[{self._subscript(node.metadata['template'], iter(arguments[1:]))}]"
        if name in _PLAIN:
            return _PLAIN[name].format(*arguments, **fields)
        called = self._operation(primitive.in_program, name.strip("_"))
        return f"{called}({', '.join([*arguments, *(f'{key}={value}' for key, value in fields.items())])})"

    def _subscript(self, template: Any, arrays: Iterator[str]) -> str:
        """An index as Python has it; see `ops.indexing` for templates."""
        if type(template) is tuple:
            return ", ".join(self._subscript(part, arrays) for part in template) + "," * (len(template) == 1) or "()"
        if type(template) is slice:
            parts = [template.start, template.stop, *[template.step][: template.step is not None]]
            return ":".join("" if part is None else self._literal(part, "number") for part in parts)
        return next(arrays) if template == "array" else self._literal(template, "number")

    def _result(self, node: Node) -> str:
        """An output as it is handed out: never the caller's own array."""
        borrowed = self._memory[id(node)].is_an_inputs
        return self._names[id(node)] + (".copy()" if borrowed else "")

    # Variables --------------------------------------------------------------------------------------------

    def _deletions(self, position: int) -> list[str]:
        """`del` of what looks into Variables and is not needed any more: then they are updated in place."""
        names = []
        while self._deletable and self._deletable[0][0] < position:
            names.append(self._names.pop(id(heapq.heappop(self._deletable)[-1])))
        return [f"del {', '.join(names)}"] if names else []

    def _commits(self) -> list[str]:
        lines = ["", "# assignments", *self._deletions(len(self._ordered))] if self._assigned else []
        read = [node.inputs[1] if id(node) in self._in_place else node for _, node in self._assigned]
        needed = [self._stands_for(x) for x in (*self._outputs, *read) if isinstance(x, Node)]  # to the end
        kept = {id(self._written(x)) for x in needed}
        for variable, node in self._assigned:
            holder = self._constant(variable, "variable_" + variable.name)
            if id(node) in self._in_place:
                value = self._argument(node.inputs[1], node)
                ufunc = "add" if node.payload.__name__ == "assign_add" else "subtract"
                old = self._stands_for(node.inputs[0])
                if id(old) not in kept and id(old) in self._names:
                    lines.append(f"del {self._names.pop(id(old))}")
                lines.append(f"buffer = {holder}.writable()")
                lines.append(f"np.{ufunc}(buffer, {value}, out=buffer)")
            else:
                lines.append(f"assign({holder}, {self._names[id(node)]})")
        return lines

    def _is_in_place(self, node: Node, variable: Variable) -> bool:
        """Whether an assign_add or assign_sub whose result nobody reads can write into the Variable's own buffer.

        That is an addition after an update, which would have to be undone if it failed. A small one is made before.
        """
        if not _is_sum(node) or node.value.nbytes <= _SMALL:
            return False
        old = self._stands_for(node.inputs[0])
        return old.kind == "variable" and old.payload is variable

    # Buffers ----------------------------------------------------------------------------------------------

    def _stands_for(self, node: Node) -> Node:
        return self._same.get(id(node), node)

    def _with_bases(self, nodes: Iterable[Node]) -> dict[int, Node]:
        """The nodes and all whose memory they look into, by id()."""
        found: dict[int, Node] = {}
        stack = list(nodes)
        while stack:
            node = stack.pop()
            if id(node) not in found:
                found[id(node)] = node
                stack.extend(self._stands_for(base) for base in node.shares)
        return found

    def _memory_of_each(self) -> dict[int, _Memory]:
        """Whose memory each node looks into, by id()."""
        memory: dict[int, _Memory] = {}
        for node in self._ordered:
            bases = [memory[id(self._stands_for(base))] for base in node.shares]
            owners: set[int] | None = set() if bases else {id(node)}
            for base in bases:
                owners = None if owners is None or base.owners is None else owners | base.owners
            memory[id(node)] = _Memory(
                None if owners is None or len(owners) > _MOST_OWNERS else frozenset(owners),
                node.kind == "input" or any(base.is_an_inputs for base in bases),
                node.kind == "variable" or any(base.is_a_variables for base in bases),
            )
        return memory

    def _changed_before_a_failure(self) -> tuple[list[Variable], list[Variable]]:
        """The Variables to give back if the program fails, and those where errors of floating point raise, too."""
        updates = [n for n, node in enumerate(self._ordered) if node.kind == "update"]
        later = self._ordered[updates[0] + 1 :] if updates else []
        updated: dict[int, Variable] = {}
        fails = False
        for node in (self._ordered[n] for n in updates):
            optimizer, variables = node.payload
            updated.update((variable._id, variable) for variable in (*variables, *optimizer.variables))
            fails = fails or not type(optimizer).update.__module__.startswith("tinygrad_lite.")
        fails = fails or any(node.kind in ("check", "update") or (_can_fail(node)) for node in later)
        overflows = bool(self._in_place) or any(node.kind == "call" for node in later)
        changed = {**updated, **{variable._id: variable for variable, _ in self._assigned}}
        return list(updated.values()) if fails else [], list(changed.values()) if overflows else []

    def _last_uses(self) -> dict[int, int]:
        last: dict[int, int] = {}
        for position, node in enumerate(self._ordered):
            last.setdefault(id(node), position)
            for x in node.inputs:
                if isinstance(x, Node):
                    last[id(self._stands_for(x))] = position
        for node in self._outputs:
            last[id(node)] = len(self._ordered)
        for _, node in self._assigned:
            for x in (node, *(node.inputs if id(node) in self._in_place else ())):  # which is made at the very end
                if isinstance(x, Node):
                    last[id(self._stands_for(x))] = len(self._ordered)
        for node in reversed(self._ordered):  # after all uses are known: x.T is a use of x wherever it is written
            if _is_inline(node):
                base = id(self._stands_for(node.inputs[0]))
                last[base] = max(last[base], last[id(node)])
        return last

    def _memory_ends(self) -> dict[int, int]:
        """When the memory of each node is free: after its last use and those of all that look into it."""
        ends = {id(node): self._last[id(node)] for node in self._ordered}
        for node in reversed(self._ordered):
            for base in node.shares:
                key = id(self._stands_for(base))
                if key in ends:
                    ends[key] = max(ends[key], ends[id(node)])
        return ends

    def _are_spent(self, update: Node, dying: list[Node]) -> bool:
        """Whether each gradient of an update has a buffer of its own, which nobody needs after it."""
        owners = [self._memory[id(g)].owners or () for g in self._arguments(update)]
        free = self._slot_of.keys() & {id(x) for x in dying}
        return all(len(keys) == 1 for keys in owners) and len(free.intersection(*zip(*owners))) == len(owners)

    def _takes_out(self, node: Node) -> bool:
        """Whether the result goes into a planned buffer: not if it is handed out, tiny or a view."""
        primitive = node.payload
        possible = (
            primitive.forward.nout == 1
            if isinstance(primitive.forward, np.ufunc)
            else primitive.__name__ in _WITH_OUT and not (node.dtype == HALF and primitive.__name__ in _ROUNDING_ONCE)
        )
        return possible and node.shape != () and id(node) not in self._escaping

    def _can_be_overwritten(self, x: Node, node: Node) -> bool:
        """Whether `node` may be computed into the memory of its input `x`, element by element."""
        if not (isinstance(node.payload.forward, np.ufunc) or node.payload.__name__ in _DTYPE_OF_OUT):
            return False
        inputs = [self._stands_for(y) for y in node.inputs if isinstance(y, Node)]
        if x not in inputs or x.shape != node.shape or _place(x) != _place(node):
            return False
        owners = [self._memory[id(y)].owners for y in inputs if y is not x]
        return all(keys is not None and id(x) not in keys for keys in owners)

    def _take(self, node: Node, rows: int | None = None) -> str:
        shape, dtype, order = _place(node)
        key = (shape if rows is None else (rows, *shape[1:]), dtype, order)
        if self._free.get(key):
            slot = self._free[key].pop()
        else:
            slot = len(self.slots)
            self.slots.append(key)
        self._slot_of[id(node)] = slot
        return f"b{slot}"

    def _release(self, nodes: Iterable[Node]) -> None:
        for node in nodes:
            slot = self._slot_of.pop(id(node), None)
            if slot is not None:
                self._free.setdefault(self.slots[slot], []).append(slot)


# Passes over the trace ----------------------------------------------------------------------------------------


def _merge(nodes: list[Node]) -> dict[int, Node]:
    """For each node the one that stands for it: equal computations merged, those of constants done."""
    same: dict[int, Node] = {}
    seen: dict[Any, Node] = {}
    for node in nodes:
        same[id(node)] = node
        if node.kind not in ("call", "item"):
            continue
        inputs = [same[id(x)] if isinstance(x, Node) else x for x in node.inputs]
        if node.kind == "call":
            kept = _unchanged(node, inputs, same)
            if kept is not None:
                same[id(node)] = kept
                kept.gradient_of = kept.gradient_of or node.gradient_of
                continue
            if node.payload.is_random:
                continue
            if not node.multiple and all(not isinstance(x, Node) or x.kind == "constant" for x in inputs):
                constant = same[id(node)] = Node("constant", node.value)
                constant.name = node.name
                continue
        key = _key(node, inputs)
        if key is not None:
            known = same[id(node)] = seen.setdefault(key, node)
            known.name = known.name or node.name
    return same


def _unchanged(node: Node, inputs: list[Any], same: dict[int, Node]) -> Node | None:
    """What comes out of a call as it went in: x of x · 1 or of x.T.T."""
    if node.payload is identity:
        return inputs[0]
    if _is_inline(node) and isinstance(inputs[0], Node) and _is_inline(inputs[0]):
        return same[id(inputs[0].inputs[0])]
    return _times_one(node, inputs)


def _times_one(node: Node, inputs: list[Any]) -> Node | None:
    """`x`, if the node is x · 1, 1 · x or x / 1."""
    count = _UNCHANGED_BY_ONE.get(node.payload.forward, 0) if _is_ufunc(node) else 0
    for x, one in (inputs, inputs[::-1])[:count]:
        if _is_one(one) and isinstance(x, Node) and (x.shape, x.dtype) == (node.shape, node.dtype):
            return x
    return None


def _is_one(x: Any) -> bool:
    value = x.value if isinstance(x, Node) and x.kind == "constant" else None if isinstance(x, Node) else x
    return value is not None and np.size(value) > 0 and bool(np.all(np.equal(value, 1)))


def _key(node: Node, inputs: list[Any]) -> Any:
    """What a computation is made of, to find equal ones; None if that cannot be compared."""
    parts = tuple(id(x) if isinstance(x, Node) else _frozen(x) for x in inputs)
    metadata = tuple((name, _frozen(value)) for name, value in node.metadata.items())
    key = (node.kind, id(node.payload), node.position, parts, metadata)
    try:
        hash(key)
    except TypeError:
        return None
    return key


def _frozen(value: Any) -> Any:
    if isinstance(value, slice):
        return ("slice", value.start, value.stop, value.step)
    if isinstance(value, (tuple, list)):
        return (type(value), tuple(_frozen(x) for x in value))
    return (type(value), repr(value) if isinstance(value, float) else value)  # 0.0 is not -0.0


def _order(
    nodes: list[Node], outputs: list[Node], assigned: list[tuple[Variable, Node]], same: dict[int, Node]
) -> list[Node]:
    """What is needed, in an order in which an update comes after all that does not have to come after it.

    What draws random numbers is needed always, and stays in the order in which it was traced: a stream must be where
    eager code would have left it.
    """
    number = {id(node): n for n, node in enumerate([node for node in nodes if node.kind == "update"], 1)}
    effects = [node for node in nodes if node.kind in ("update", "check") or _is_random(node)]
    needed: dict[int, Node] = {}
    stack = [*outputs, *(node for _, node in assigned), *effects]
    while stack:
        node = stack.pop()
        if id(node) not in needed:
            needed[id(node)] = node
            stack.extend(same[id(x)] for x in node.inputs if isinstance(x, Node))
    folded = [node for node in needed.values() if id(node) not in same]
    sequence = folded + [node for node in nodes if id(node) in needed]
    rank: dict[int, int] = {}  # how many updates come before it
    drawn = 0  # the rank of the last that draws random numbers
    for node in sequence:
        before = [rank[id(same[id(x)])] for x in node.inputs if isinstance(x, Node)]
        before += [number[id(node.effect)]] if node.effect is not None else []
        before += [number[id(node)]] if node.kind == "update" else []
        before += [drawn] if _is_random(node) else []
        rank[id(node)] = max(before, default=0)
        drawn = rank[id(node)] if _is_random(node) else drawn
    return sorted(sequence, key=lambda node: (rank[id(node)], node.kind != "update"))


def _label(node: Node) -> str:
    if node.kind == "variable":
        return str(node.payload.name)
    return node.label or (node.payload.__name__.strip("_") if node.kind == "call" else "item")


def _formula(optimizer: Any) -> list[str]:
    """The rule of an optimizer, as the second paragraph of its docstring has it, in comments."""
    paragraphs = inspect.cleandoc(type(optimizer).__doc__ or "").split("\n\n")
    if len(paragraphs) < 2 or "`" not in paragraphs[1]:
        return []
    return [_comment(line) for line in paragraphs[1].replace("`", "").splitlines()]


def _comment(text: str) -> str:
    """A comment on one line, whatever the text: a name with a line break in it must not become code."""
    return "# " + "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def _is_ufunc(node: Node) -> bool:
    return node.kind == "call" and isinstance(node.payload.forward, np.ufunc)


def _is_sum(node: Node) -> bool:
    return node.kind == "call" and node.payload.__name__ in _DTYPE_OF_OUT


def _can_fail(node: Node) -> bool:
    """Whether it may raise even where errors of floating point do not."""
    return node.kind == "call" and not (_is_ufunc(node) or _is_sum(node))


def _floats_raise() -> bool:
    """Whether an overflow, say, is an exception now: by NumPy's settings, or as a warning that is an error."""
    return not {"raise", "call"}.isdisjoint(np.geterr().values()) or any(
        action == "error" and issubclass(RuntimeWarning, category) for action, _, category, *_ in warnings.filters
    )


def _is_random(node: Node) -> bool:
    return node.kind == "call" and node.payload.is_random


def _is_inline(node: Node) -> bool:
    """Whether it is written where it is used, having no work to do: x.T"""
    return node.kind == "call" and node.payload.__name__ == "transpose" and node.metadata["axes"] is None


@functools.lru_cache(maxsize=4096)
def _identifier(name: str) -> str:
    """`name` as a name in Python, in the form to which Python's parser normalises it."""
    letters = "".join(c if f"_{c}".isidentifier() else " " for c in unicodedata.normalize("NFKC", name))
    cleaned = "_".join(letters.split()).strip("_")
    cleaned = cleaned if cleaned.isidentifier() else "t_" + cleaned
    return cleaned + "_" * keyword.iskeyword(cleaned)


def _place(node: Node) -> tuple[tuple[int, ...], np.dtype[Any], tuple[int, ...]]:
    """What memory it takes, in the order in which eager code has it: a sum over it adds up in that order.

    Strides along axes of length one, and those of empty arrays, reach no memory; and yet NumPy orders results by them.
    """
    value = np.asarray(node.value)
    strides, step = list(value.strides), value.itemsize
    for axis in reversed(memory_order(value)):
        if value.shape[axis] != 1 and value.size:
            strides[axis], step = step, step * value.shape[axis]
    return node.shape, node.dtype, tuple(strides)


def _buffer(shape: tuple[int, ...], dtype: np.dtype[Any], strides: tuple[int, ...]) -> Array:
    return np.ndarray(shape, dtype, np.empty(math.prod(shape), dtype), strides=strides)


def _assign(variable: Variable, value: Any) -> None:
    """The end of an `assign`: the value goes into the Variable's own buffer."""
    if value is not variable._array:
        np.copyto(variable.writable(copied=False), value, casting="same_kind")
