"""The schedule alone: buffers, lifetimes, what is donated and deleted; and a second reader of it beside the printer."""

import importlib

import numpy as np
import pytest
from handmade import call, constant, entered, read, turned, update
from hypothesis import given, settings
from test_agreement import as_function, programs, work_in_blocks

import tinygrad_lite as tgl
from tinygrad_lite.compiler import lifetimes, numpy_printer, passes, program
from tinygrad_lite.compiler.node import ASSIGNERS, Node
from tinygrad_lite.compiler.schedule import WRITES_INTO, Loop, make_buffer, place_of, schedule


def planned(nodes, outputs=(), assigned=()):
    """The schedule of nodes in order."""
    inputs = [node for node in nodes if node.kind == "input"]
    return schedule(inputs, passes.with_effects(list(nodes), assigned, outputs))


def step_of(plan, node):
    return next(step for step in plan.steps if not isinstance(step, Loop) and step.node is node)


class TestBuffers:
    def test_a_chain_is_computed_in_one(self):
        x = entered()
        a = call(tgl.sin, x)
        b = call(tgl.exp, a)
        c = call(tgl.cos, b)
        total = call(tgl.matmul, c, constant(np.ones((4, 2))))
        plan = planned([x, a, b, c, total], [total])
        assert [step_of(plan, node).buffer for node in (a, b, c)] == [0, 0, 0]
        assert step_of(plan, total).buffer is None  # handed out
        assert plan.buffers == [((3, 4), np.dtype("float32"), (16, 4))]

    def test_what_is_needed_later_keeps_its_own(self):
        x = entered()
        a = call(tgl.sin, x)
        b = call(tgl.exp, a)
        c = call(tgl.multiply, a, b)
        d = call(tgl.matmul, c, constant(np.ones((4, 2))))
        plan = planned([x, a, b, c, d], [d])
        assert step_of(plan, a).buffer != step_of(plan, b).buffer
        assert step_of(plan, c).buffer in (step_of(plan, a).buffer, step_of(plan, b).buffer)

    def test_a_view_keeps_its_base(self):
        x = entered((4, 4))
        a = call(tgl.sin, x)
        view = call(tgl.transpose, a, axes=(1, 0))
        b = call(tgl.exp, x)
        c = call(tgl.multiply, b, view)
        d = call(tgl.matmul, c, c)
        plan = planned([x, a, view, b, c, d], [d])
        assert step_of(plan, a).buffer != step_of(plan, b).buffer

    def test_an_elementwise_result_is_not_written_over_its_own_transpose(self):
        x = entered((4, 4))
        a = call(tgl.sin, x)
        view = turned(a)
        b = call(tgl.add, a, view)
        c = call(tgl.matmul, b, b)
        plan = planned([x, a, view, b, c], [c])
        assert step_of(plan, b).buffer != step_of(plan, a).buffer

    def test_a_product_is_not_written_over_its_factors(self):
        x = entered((4, 4))
        a = call(tgl.sin, x)
        b = call(tgl.matmul, a, a)
        c = call(tgl.matmul, b, b)
        plan = planned([x, a, b, c], [c])
        assert step_of(plan, b).buffer != step_of(plan, a).buffer

    def test_results_arguments_and_numbers_have_none(self):
        x, number = entered(), entered(())
        a, b = call(tgl.sin, x), call(tgl.sin, number)
        c = call(tgl.exp, b)
        plan = planned([x, number, a, b, c], [a, c])
        assert plan.buffers == []

    def test_a_result_that_is_seen_through_a_view_has_none(self):
        x = entered()
        a = call(tgl.sin, x)
        view = turned(a)
        assert planned([x, a, view], [view]).buffers == []

    def test_memory_lies_as_in_eager_code(self):
        x = Node("input", np.asfortranarray(np.ones((3, 4), "float32")), (), 0)
        shape, dtype, strides = place_of(x)
        assert (shape, dtype, strides) == ((3, 4), np.float32, (4, 12))
        assert make_buffer(place_of(x)).flags.f_contiguous

    def test_only_arguments_are_copied(self):
        x = entered()
        view, new = turned(x), call(tgl.sin, x)
        plan = planned([x, view, new], [x, view, new])
        assert [step.copies for step in plan.steps if step.node.kind == "output"] == [True, True, False]


class TestVariables:
    def test_a_gradient_that_nobody_needs_is_donated(self):
        x, v = entered((3, 4)), tgl.Variable(np.ones((3, 4)))
        g = call(tgl.sin, x)
        step = update(g, v)
        assert step_of(planned([x, g, step]), step).donates
        assert not step_of(planned([x, g, step], [g]), step).donates
        later = call(tgl.exp, g)
        late = call(tgl.matmul, later, constant(np.ones((4, 2))))
        assert not step_of(planned([x, g, step, later, late], [late]), step).donates

    def test_an_argument_is_not_donated(self):
        x, v = entered((3, 4)), tgl.Variable(np.ones((3, 4)))
        step = update(x, v)
        assert not step_of(planned([x, step]), step).donates

    def test_what_looks_into_a_variable_is_deleted_before_it_changes(self):
        v = tgl.Variable(np.ones((3, 4)))
        value = read(v)
        view = call(tgl.transpose, value, axes=(1, 0))
        g = call(tgl.sin, view)
        step = update(turned(g), v)
        plan = planned([value, view, g, step.inputs[0], step], [g])
        assert set(step_of(plan, step).deletes) == {value, view}

    def test_a_large_sum_is_added_in_place_at_the_end(self):
        v, x = tgl.Variable(np.ones(5000, "float32")), entered((5000,))
        old = read(v)
        total = Node("call", x.value, (old, x), ASSIGNERS["assign_add"])
        plan = planned([x, old, total], [], [(v, total)])
        (assign,) = [step for step in plan.steps if step.node.kind == "assign"]
        assert assign.in_place
        assert assign.deletes == [old]
        assert all(step.node is not total for step in plan.steps)

    @pytest.mark.parametrize("why", ["small", "read", "of another", "assigned twice"])
    def test_other_sums_are_made_in_their_place(self, why):
        count = 500 if why == "small" else 5000
        v, w, x = tgl.Variable(np.ones(count, "f")), tgl.Variable(np.ones(count, "f")), entered((count,))
        old = read(w if why == "of another" else v)
        total = Node("call", x.value, (old, x), ASSIGNERS["assign_add"])
        assigned = [(v, total), *([(w, total)] if why == "assigned twice" else [])]
        plan = planned([x, old, total], [total] if why == "read" else [], assigned)
        assert step_of(plan, total)
        assert not any(step.in_place for step in plan.steps)

    def test_what_is_given_back_after_a_failure(self):
        x, v = entered((3, 4)), tgl.Variable(np.ones((3, 4)))
        g = call(tgl.sin, x)
        step = update(g, v)
        last = planned([x, g, step])
        assert (last.restored, last.restored_on_float_errors) == ([], [])
        floats = planned([x, g, step, call(tgl.exp, x)])
        assert floats.restored == []
        assert v in floats.restored_on_float_errors
        checked = planned([x, g, step, Node("check", np.zeros(0), (x,), print)])
        assert v in checked.restored


def test_too_many_owners_are_not_kept_account_of():
    nodes = [entered((2,)) for _ in range(20)]
    joined = Node("call", nodes[0].value, tuple(nodes), tgl.sin)
    joined.shares = tuple(nodes)
    memory = lifetimes.memory_of([*nodes, joined])
    assert memory[id(joined)].owners is None
    assert memory[id(joined)].is_an_inputs
    assert memory[id(nodes[0])].owners == {id(nodes[0])}


def test_the_printer_has_a_form_for_all_that_the_schedule_gives_buffers():
    assert set(numpy_printer._WITH_OUT) == WRITES_INTO


# A second reader of schedules ---------------------------------------------------------------------------------


class Memory:
    """Runs a schedule without NumPy: who lies in which buffer, and whether all that is read is still there."""

    def __init__(self, plan):
        self.lies_in, self.content, self.computed = {}, {}, {id(node) for node in plan.inputs}
        for step in plan.steps:
            if isinstance(step, Loop):
                self.loop(step)
            elif step.in_place:
                value = step.node.inputs[0]
                self.check([x for x in value.inputs[1:] if isinstance(x, Node)])
                self.delete(step)
            else:
                self.check(x for x in step.node.inputs if isinstance(x, Node))
                self.delete(step)
                self.write(step)

    def loop(self, loop):
        for _ in range(2):  # two blocks: the second needs what the first did
            inner = set()
            for step in loop.steps:
                self.check(x for x in step.node.inputs if isinstance(x, Node))
                self.write(step)
                inner.add(id(step.node))

    def delete(self, step):
        self.computed -= {id(node) for node in step.deletes}

    def write(self, step):
        self.computed.add(id(step.node))
        if step.buffer is not None:
            self.lies_in[id(step.node)] = step.buffer
            self.content[step.buffer] = id(step.node)

    def check(self, nodes):
        for key in lifetimes.with_bases(nodes):
            if key in self.lies_in:
                assert self.content[self.lies_in[key]] == key, "its memory holds something else"
        for node in nodes:
            assert id(node) in self.computed, f"{node.kind} is read, but was not computed or is deleted"


@settings(max_examples=40, deadline=None)
@given(drawn=programs())
@pytest.mark.parametrize("in_blocks", [False, True])
def test_nothing_is_read_from_memory_that_holds_something_else(in_blocks, drawn):
    plans = []
    with pytest.MonkeyPatch.context() as patch:
        if in_blocks:
            work_in_blocks(patch)
        patch.setattr(program, "print_schedule", lambda *given: plans.append(given[1]) or right(*given))
        run = tgl.function(as_function(drawn, tgl.Variable(np.eye(3, dtype=np.float32) + 0.1)))
        x = tgl.constant(np.linspace(-1, 1, 9, dtype=np.float32).reshape(3, 3))
        run(x, x + 1.0)
    (plan,) = plans
    Memory(plan)


right = program.print_schedule


def interpreted(name, plan):
    """In the place of the NumPy printer: a function that goes through the steps. All results are new arrays."""
    steps = [inner for step in plan.steps for inner in (step.steps if isinstance(step, Loop) else [step])]

    def run(*given):
        values = {id(node): array for node, array in zip(plan.inputs, given)}  # the last argument is the buffers
        results = []

        def compute(node):
            arguments = [values[id(x)] if isinstance(x, Node) else x for x in node.inputs]
            return node.payload.forward(*arguments, **node.metadata)

        for step in steps:
            node = step.node
            if node.kind == "constant":
                values[id(node)] = node.value
            elif node.kind == "variable":
                values[id(node)] = node.payload.numpy().copy()
            elif node.kind == "call":
                values[id(node)] = compute(node)
            elif node.kind == "item":
                values[id(node)] = values[id(node.inputs[0])][node.position]
            elif node.kind == "assign":
                node.payload.assign(compute(node.inputs[0]) if step.in_place else values[id(node.inputs[0])])
            elif node.kind == "output":
                results.append(np.array(values[id(node.inputs[0])]))
        return tuple(results)

    return name, "", {name: np.errstate(all="ignore")(run)}


@settings(max_examples=40, deadline=None)
@given(drawn=programs())
@pytest.mark.parametrize("in_blocks", [False, True])
def test_another_printer_can_stand_in_the_place_of_the_first(in_blocks, drawn):
    def variable():
        return tgl.Variable(np.eye(3, dtype=np.float32) + 0.1)

    x = tgl.constant(np.linspace(-1, 1, 9, dtype=np.float32).reshape(3, 3))
    printed = tgl.function(as_function(drawn, first := variable()))
    with pytest.MonkeyPatch.context() as patch:
        if in_blocks:
            work_in_blocks(patch)
        patch.setattr(program, "print_schedule", interpreted)
        other = tgl.function(as_function(drawn, second := variable()))
        other(x, x + 1.0)
    printed(x, x + 1.0)
    for one, two in zip(printed(x, x + 1.0), other(x, x + 1.0)):
        np.testing.assert_array_equal(one.numpy(), two.numpy())
    np.testing.assert_array_equal(first.numpy(), second.numpy())


def test_memory_that_is_freed_too_early_is_found(monkeypatch):
    schedules = importlib.import_module("tinygrad_lite.compiler.schedule")
    monkeypatch.setattr(schedules, "memory_ends", lambda nodes, last: dict(last))
    x = entered((4, 4))
    a = call(tgl.sin, x)
    view = call(tgl.transpose, a, axes=(1, 0))
    b = call(tgl.exp, x)
    c = call(tgl.multiply, b, view)
    with pytest.raises(AssertionError, match="holds something else"):
        Memory(planned([x, a, view, b, c, call(tgl.matmul, c, c)]))
