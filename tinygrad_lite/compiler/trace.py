"""Tracing: what a Python function of tensors computes, as a list of nodes.

The function runs once, for real, with its tensors marked as `Traced`. Every primitive that is applied on the
way, in the forward pass, in the gradient rules and in the gradients of these rules, is noted as a node; so are
assignments to Variables and the steps of optimizers. What Python itself does (branches, loops, prints, numbers)
leaves no trace, which is why a branch on a traced value must raise.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from tinygrad_lite.compiler.node import ASSIGNERS, Node, identity, name_of
from tinygrad_lite.compiler.traced import Finished, Traced, TracingError, refusal
from tinygrad_lite.core.backward import zero_rule
from tinygrad_lite.core.primitive import Primitive, elementwise
from tinygrad_lite.core.record import Observer, OpenTapes, new_id, state, tracing
from tinygrad_lite.core.structure import flatten, map_structure
from tinygrad_lite.core.tensor import Tensor, wrap
from tinygrad_lite.core.variable import Variable
from tinygrad_lite.utils.types import Array

__all__ = ["Tracer"]


@elementwise
def _zero_guard(g: Any, d: Any) -> Array:
    """The zero rule as an operation: where `g` is 0 and `d` is nan, 0; elsewhere `d`."""
    return zero_rule(g, d)


_zero_guard.defvjp(None, lambda upstream, y, g, d: np.where(np.isnan(d) & (g == 0), 0, upstream))
_zero_guard.needs_zero_rule = False
_zero_guard.may_alias = frozenset([1])  # `d` itself where there is no nan


class Tracer(Observer):
    """The observer of the thread while a function is traced: it notes what happens as nodes."""

    def __init__(self, *, may_make_variables: bool = True) -> None:
        self.nodes: list[Node] = []
        self.effects: list[Node] = []  # updates by optimizers, in order
        self.current: dict[int, Node] = {}  # a Variable's identity to the node of its value now
        self.assigned: dict[int, Variable] = {}
        self._known: dict[int, Node] = {}  # a tensor's identity to its node
        self._versions: dict[int, Node] = {}  # a Variable's array, by id(), to the node of that value
        self._before: dict[
            int, tuple[Variable, Array, Array]
        ] = {}  # Variables, their arrays, and what stands for these
        self._marked: list[Tensor] = []
        self._constants: dict[int, Node] = {}
        self._kept: list[Any] = []  # arrays whose id() is a key above
        self._may_make_variables = may_make_variables
        self.made_variables = False

    # Entering and leaving ---------------------------------------------------------------------------------

    @contextmanager
    def trace(self) -> Iterator[None]:
        """Note what happens in the context; on an exception all Variables are restored."""
        outer_tapes, outer_tracer = state.tapes, tracing.tracer
        state.tapes = OpenTapes(self)
        tracing.tracer = self
        try:
            yield
        except BaseException:
            for variable, array, _ in self._before.values():
                variable._array = array
            raise
        finally:
            state.tapes, tracing.tracer = outer_tapes, outer_tracer
            self.restore()
            for tensor in self._marked:
                tensor.__class__ = Finished

    @contextmanager
    def _suspended(self) -> Iterator[None]:
        """A context in which nothing is noted, and Variables have values."""
        tapes, state.tapes, tracing.tracer = state.tapes, OpenTapes(), None
        try:
            yield
        finally:
            state.tapes, tracing.tracer = tapes, self

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """A context in which no tape records, but everything is noted."""
        tapes, state.tapes = state.tapes, OpenTapes(self)
        try:
            yield
        finally:
            state.tapes = tapes

    # The interface of observers ---------------------------------------------------------------------------

    def note_read(self, variable: Variable) -> None:
        self.touch(variable)

    def rewrap(self, tensor: Tensor, identity: int) -> Tensor:
        tensor.__class__ = Traced
        self._marked.append(tensor)
        return tensor

    def zero_rule(self, g: Tensor, d: Tensor) -> Tensor:
        return _zero_guard(g, d)

    def note_call(self, primitive: Any, args: Any, arrays: Any, metadata: Any, outputs: tuple[Tensor, ...]) -> None:
        inputs = tuple(self.node_of(x, array) for x, array in zip(args, arrays))
        if primitive.lowering is not None and len(outputs) == 1 and all(isinstance(x, Tensor) for x in args):
            with self._alone():
                lowered = primitive.lowering(*args, **metadata)
            if lowered is not None and lowered.dtype == outputs[0].dtype:
                node = self.node_of(lowered, lowered._array)
                node.label = primitive.__name__.strip("_")
                node.seen_as.append(outputs[0]._array)
                self._mark(outputs[0], node)
                return
        if primitive.hands_on:  # a custom gradient: its results are its last arguments
            for source, output in zip(inputs[-primitive.hands_on :], outputs):
                self._mark(output, source)
            return
        if name_of(primitive) in _SHAPED_BY_VALUES or _masks(primitive, arrays, inputs):
            raise TracingError(
                f"{primitive.__name__.strip('_')} gives a result whose shape depends on values, and a tgl.function "
                "must know every shape before it runs. Choose with tgl.where(mask, x, 0) instead of x[mask], or "
                "leave this part eager."
            )
        call = self._add(Node("call", outputs[0]._array, inputs, primitive))
        call.metadata = metadata
        call.scope = state.scopes
        if len(outputs) == 1:
            self._mark(outputs[0], call)
            return
        call.multiple = True
        call.note_shared_memory([output._array for output in outputs], primitive.may_alias)
        for position, output in enumerate(outputs):
            item = self._add(Node("item", output._array, (call,)))
            item.position = position
            self._mark(output, item)

    def note_check(self, check: Any, tensors: Any, arrays: Any, metadata: dict[str, Any]) -> None:
        """A condition on values: the program checks it at every call."""
        inputs = tuple(self.node_of(x, array) for x, array in zip(tensors, arrays))
        if any(node.kind != "constant" for node in inputs):
            node = self._add(Node("check", np.zeros(0), inputs, check))
            node.metadata = metadata
            node.effect = self.effects[-1] if self.effects else None

    def apply_rule(self, primitive: Any, rule: Any, g: Any, y: Any, arguments: Any, metadata: Any) -> Any:
        """The rule, operation by operation; or as one operation if it must know values, or differs for arrays."""
        if state.tapes:  # another tape records it
            return rule(g, y, *arguments, **metadata)
        if not getattr(rule, "differs_when_recorded", False):
            try:
                return rule(g, y, *arguments, **metadata)
            except TracingError:
                pass
        given = (g, y, list(arguments))
        places = map_structure(lambda _: None, given)

        def forward(*arrays: Any) -> Any:
            rest = iter(arrays)
            g, y, arguments = map_structure(lambda _: next(rest), places)
            return rule(g, y, *arguments, **metadata)

        made = Primitive(forward, name=f"{primitive.__name__}_vjp")
        made.may_alias = True
        return made(*flatten(given))

    def note_gradient(self, identity: int, g: Any) -> None:
        node, of = self.node_of(g, g._array), self._known.get(identity)
        if of is None and identity in self.current:
            of = self.current[identity]
        if isinstance(node, Node) and node.kind != "constant" and node is not of and node.gradient_of is None:
            node.gradient_of = of

    def note_variable(self, variable: Variable, value: Any) -> Any:
        """A Variable is being made. That happens once: the next trace of the function uses it."""
        if not self._may_make_variables:
            raise TracingError(
                "A Variable was made in a tgl.function that had made one in an earlier call of the same kind: eager "
                "code would have a new one at every call, a compiled function the same one. Make it outside, or once: "
                "`if self.v is None: self.v = tgl.Variable(...)`."
            )
        self.made_variables = True
        return value._array if isinstance(value, Tensor) else value

    def note_assign(self, variable: Variable, method: str, value: Any) -> None:
        """Called before the assignment is made: from here on the Variable's value is another node."""
        self.touch(variable)
        given = self.node_of(value, value._array if isinstance(value, Tensor) else np.array(value, variable.dtype))
        sign = {"assign": None, "assign_add": np.add, "assign_sub": np.subtract}[method]
        if sign is None:
            node = self._add(Node("call", variable._array, (given,), identity))
        else:
            made = ASSIGNERS[method]
            old = self.read(variable)
            value = made.forward(variable._array, value._array if isinstance(value, Tensor) else value)
            node = self._add(Node("call", value, (old, given), made))
        node.section = "update"
        self.current[variable._id] = node
        self.assigned[variable._id] = variable

    def note_update(self, optimizer: Any, gradients: list[Any], arrays: list[Array], variables: list[Variable]) -> None:
        """Take an optimizer's step: it stays one effect, and the Variables are read anew after it."""
        if not optimizer.built:
            with self._suspended():
                optimizer.build(variables)
        for variable in (*variables, *optimizer.variables):
            self.touch(variable)
        inputs = tuple(self.node_of(g, array) for g, array in zip(gradients, arrays))
        pending = tuple(self.current.get(variable._id) for variable in (*variables, *optimizer.variables))
        if any(node is not None and node.kind == "call" for node in pending):
            raise TracingError(
                "A Variable was assigned and then updated by an optimizer in one tgl.function. Do only one of "
                "these in it, or leave this part eager."
            )
        if self.assigned and callable(optimizer._learning_rate) and not _is_ours(optimizer._learning_rate):
            raise TracingError(
                f"A Variable was assigned before a step of {optimizer.name}, whose learning rate is a function and may "
                "read that Variable: it would read the old value. Assign after the step, or leave this part eager. "
                f"Received: {', '.join(repr(variable.name) for variable in self.assigned.values())} assigned."
            )
        update = Node("update", np.zeros(0), inputs, (optimizer, list(variables)))
        update.section = "update"
        self.nodes.append(update)
        self.effects.append(update)
        for variable in (*variables, *optimizer.variables):
            self.current.pop(variable._id, None)
        with self._suspended():
            optimizer.step_arrays(arrays, variables)

    # Nodes ------------------------------------------------------------------------------------------------

    def touch(self, variable: Variable) -> None:
        """Keep the array of a Variable before it is read or changed, so that it can be restored.

        While the function is traced, the Variable has a view of that array instead. So an array that was read from a
        Variable inside is distinguished from the same memory in a tensor or a record from outside, which is a
        constant. Both arrays are kept, so that an assignment does not write into them.
        """
        if variable._id not in self._before:
            array = variable._array
            variable._array = array.view()
            self._before[variable._id] = (variable, array, variable._array)

    def restore(self) -> None:
        """Give the Variables that were not assigned their own arrays again."""
        for variable, array, instead in self._before.values():
            if variable._array is instead:
                variable._array = array

    def read(self, variable: Variable) -> Node:
        """The node of the Variable's value at this moment."""
        self.touch(variable)
        node = self.current.get(variable._id)
        if node is None:
            node = self._add(Node("variable", variable._array, (), variable))
            node.effect = next((update for update in reversed(self.effects) if _may_change(update, variable)), None)
            self.current[variable._id] = node
        if id(variable._array) not in self._versions:
            self._versions[id(variable._array)] = node
            node.seen_as.append(variable._array)
            self._kept.append(variable._array)
        return node

    @contextmanager
    def holding(self, variables: list[Variable], values: Iterable[Any]) -> Iterator[None]:
        """A context in which Variables are read as `values`, which they held before."""
        for variable in variables:
            self.touch(variable)
        now = {variable._id: self.current.get(variable._id) for variable in variables}
        self.current.update((variable._id, self.node_of(x, x)) for variable, x in zip(variables, values))
        try:
            yield
        finally:
            for key, node in now.items():
                self.current.pop(key)
                if node is not None:
                    self.current[key] = node

    def detached(self, x: Tensor) -> Tensor:
        """The value of `x` as a tensor that no tape has recorded."""
        node = self.node_of(x, x._array)
        tensor = wrap(x._array)
        self._mark(tensor, node)
        return tensor

    def refuse(self, tensor: Tensor, what: str) -> None:
        """Called where Python asks for the value of a tensor: only a constant has one."""
        if isinstance(tensor, Variable):
            raise refusal(f"{what} of the Variable {tensor.name!r}", tensor)
        if isinstance(tensor, Traced):
            raise refusal(f"{what} of a tensor", tensor)

    def input(self, tensor: Tensor, number: int) -> Traced:
        """The `number`-th tensor argument, marked as traced."""
        traced = Traced.__new__(Traced)
        traced._array, traced._id = tensor._array, 0
        self._mark(traced, self._add(Node("input", traced._array, (), number)))
        return traced

    def node_of(self, x: Any, array: Any) -> Any:
        """The node of an argument; a Python number stays what it is.

        A tensor of this function is known by its identity, a recorded reading of a Variable by its array. Every other
        tensor comes from outside, or from a record made there: it is a constant.
        """
        if isinstance(x, Variable):
            return self.read(x)
        if isinstance(x, Tensor):
            node = self._known.get(x._id) if x._id else None
            return node or self._versions.get(id(x._array)) or self._constant(x._array)
        if isinstance(array, (np.ndarray, np.generic)):
            return self._constant(array)
        return array

    def _constant(self, array: Any) -> Node:
        node = self._constants.get(id(array))
        if node is None:
            node = self._constants[id(array)] = self._add(Node("constant", array))
        return node

    def _add(self, node: Node) -> Node:
        node.section = "backward" if state.pulling_back else "forward"
        self.nodes.append(node)
        self._kept.append(node.value)
        return node

    def _mark(self, tensor: Tensor, node: Node) -> None:
        tensor.__class__ = Traced
        tensor._id = tensor._id or new_id()
        self._known[tensor._id] = node
        self._marked.append(tensor)

    def note_alike(self, tensor: Tensor) -> None:
        """A tensor was made that is the same result as another, which is marked."""
        self._marked.append(tensor)

    def name_values(self, frame_locals: dict[str, Any]) -> None:
        """Give nodes the names that the user's variables have."""
        for name, value in frame_locals.items():
            if isinstance(value, Tensor) and not isinstance(value, Variable):
                node = self._known.get(value._id)
                if node is not None and node.name is None:
                    node.name = name


_SHAPED_BY_VALUES = {"nonzero", "argwhere", "flatnonzero", "_unique"}


def _is_ours(x: Any) -> bool:
    return type(x).__module__.startswith("tinygrad_lite.")


def _may_change(update: Node, variable: Variable) -> bool:
    """Whether an optimizer's step may change the Variable. A user's code may change any."""
    optimizer, variables = update.payload
    rate = optimizer._learning_rate
    is_foreign = not _is_ours(optimizer) or (callable(rate) and not _is_ours(rate))
    return is_foreign or any(variable is x for x in (*variables, *optimizer.variables))


def _masks(primitive: Primitive, arrays: Any, inputs: Any) -> bool:
    """Whether elements are taken by a boolean mask that is not a constant."""
    return name_of(primitive) == "_getitem" and any(
        isinstance(x, np.ndarray) and x.dtype == bool and node.kind != "constant"
        for x, node in zip(arrays[1:], inputs[1:])
    )
