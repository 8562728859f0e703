"""Each pass of the compiler alone, on lists of nodes made by hand."""

import numpy as np
import pytest
from handmade import call, constant, entered, random, read, turned, update

import tinygrad_lite as tgl
from tinygrad_lite.compiler import passes
from tinygrad_lite.compiler.fusion import find_runs
from tinygrad_lite.compiler.node import KINDS, Node


def outputs(nodes):
    """What is handed out, of a list that ends with its effects."""
    return [node.inputs[0] for node in nodes if node.kind == "output"]


def stands_before_its_readers(nodes):
    seen = set()
    for node in nodes:
        assert all(id(x) in seen for x in node.inputs if isinstance(x, Node))
        seen.add(id(node))
    return True


class TestEffects:
    def test_assignments_and_results_come_last(self):
        x, v = entered(), tgl.Variable(1.0)
        y = call(tgl.sin, x)
        nodes = passes.with_effects([x, y], [(v, y)], [x, y])
        assert [node.kind for node in nodes] == ["input", "call", "assign", "output", "output"]
        assert nodes[2].payload is v
        assert [node.inputs for node in nodes[2:]] == [(y,), (x,), (y,)]
        assert {node.kind for node in nodes} <= set(KINDS)

    def test_a_result_has_the_memory_of_its_value_and_an_assignment_has_not(self):
        x = entered()
        assign, output = passes.with_effects([x], [(tgl.Variable(1.0), x)], [x])[1:]
        assert (assign.shares, output.shares) == ((), (x,))


class TestDropUnchanged:
    @pytest.mark.parametrize(
        "make",
        [
            lambda x: call(tgl.multiply, x, 1.0),
            lambda x: call(tgl.multiply, constant(np.ones((3, 4))), x),
            lambda x: call(tgl.multiply, 1, x),
            lambda x: call(tgl.divide, x, 1.0),
        ],
    )
    def test_times_one(self, make):
        x = entered()
        y = make(x)
        z = call(tgl.sin, y)
        assert passes.drop_unchanged([x, y, z]) == [x, z]
        assert z.inputs == (x,)

    @pytest.mark.parametrize(
        "make",
        [
            lambda x: call(tgl.divide, 1.0, x),
            lambda x: call(tgl.multiply, x, 2.0),
            lambda x: call(tgl.multiply, x, constant([1, 1, 1, 2])),
            lambda x: call(tgl.multiply, x, constant(np.ones((2, 3, 4)))),  # of another shape
            lambda x: call(tgl.add, x, 1.0),
            lambda x: Node("call", x.value.astype("float64"), (x, 1.0), tgl.multiply),  # of another dtype
        ],
    )
    def test_what_changes_something_stays(self, make):
        x = entered()
        y = make(x)
        assert passes.drop_unchanged([x, y]) == [x, y]

    def test_transposed_twice(self):
        x = entered()
        y = turned(x)
        z = turned(y)
        w = turned(z)
        last = call(tgl.sin, w)
        assert passes.drop_unchanged([x, y, z, w, last]) == [x, y, w, last]
        assert w.inputs == w.shares == (x,)

    def test_views_look_into_what_took_the_place_of_their_base(self):
        x = entered()
        y = call(tgl.multiply, x, 1.0)
        z = turned(y)
        assert z.shares == (y,)
        passes.drop_unchanged([x, y, z])
        assert z.shares == (x,)

    def test_the_name_of_a_gradient_goes_on(self):
        x, loss = entered(), entered()
        g = call(tgl.multiply, loss, 1.0)
        g.gradient_of = x
        passes.drop_unchanged([x, loss, g])
        assert loss.gradient_of is x

    def test_gradients_of_what_was_replaced(self):
        x = entered()
        y = call(tgl.multiply, x, 1.0)
        g = call(tgl.sin, x)
        g.gradient_of = y
        passes.drop_unchanged([x, g, y])  # also where `y` comes later
        assert g.gradient_of is x


class TestFoldConstants:
    def test_what_depends_on_constants_alone(self):
        a, b, x = constant([1.0, 2.0]), constant(3.0), entered((2,))
        c = call(tgl.multiply, a, b, name="c")
        d = call(tgl.sin, c)
        y = call(tgl.add, x, d)
        nodes = passes.fold_constants([a, b, x, c, d, y])
        assert stands_before_its_readers(nodes)
        assert y in nodes
        assert c not in nodes
        folded = y.inputs[1]
        assert folded.kind == "constant"
        np.testing.assert_array_equal(folded.value, np.sin(np.float32([3, 6])))
        assert [node.name for node in nodes if node.kind == "constant"].count("c") == 1

    def test_random_numbers_and_several_outputs_stay(self):
        a = constant([1.0, 2.0])
        several = Node("call", a.value, (a,), tgl.sin)
        several.multiple = True
        nodes = [a, random(a), several]
        assert passes.fold_constants(list(nodes)) == nodes


class TestMergeEqual:
    def test_equal_work_is_done_once(self):
        x = entered()
        first, second = call(tgl.sin, x), call(tgl.sin, x, name="s")
        deeper, same = call(tgl.exp, first), call(tgl.exp, second)
        both = call(tgl.add, deeper, same)
        assert passes.merge_equal([x, first, second, deeper, same, both]) == [x, first, deeper, both]
        assert both.inputs == (deeper, deeper)
        assert first.name == "s"

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            (lambda x: call(tgl.add, x, 0.0), lambda x: call(tgl.add, x, -0.0)),
            (lambda x: call(tgl.add, x, 1), lambda x: call(tgl.add, x, 1.0)),
            (lambda x: call(tgl.add, x, 1), lambda x: call(tgl.add, x, True)),
            (lambda x: call(tgl.sin, x), lambda x: call(tgl.cos, x)),
            (lambda x: call(tgl.transpose, x, axes=(0, 1)), lambda x: call(tgl.transpose, x, axes=(1, 0))),
            (lambda x: call(tgl.subtract, x, 2.0), lambda x: call(tgl.subtract, 2.0, x)),
            (random, random),
        ],
    )
    def test_different_work_is_not(self, one, other):
        x = entered()
        nodes = [x, one(x), other(x)]
        assert passes.merge_equal(list(nodes)) == nodes

    def test_what_cannot_be_compared_is_not(self):
        x = entered()
        nodes = [x, call(tgl.sin, x), call(tgl.sin, x)]
        nodes[1].metadata = nodes[2].metadata = {"where": np.ones(3)}  # has no hash
        assert passes.merge_equal(list(nodes)) == nodes


def test_the_rules_give_work_to_each_other():
    x, two, half = entered(), constant(2.0), constant(0.5)
    one = call(tgl.multiply, two, half)
    y = call(tgl.multiply, x, one)
    first, second = call(tgl.sin, y), call(tgl.sin, x)
    both = call(tgl.add, first, second)
    nodes = passes.simplify([x, two, half, one, y, first, second, both])
    assert both.inputs == (first, first)
    assert [node for node in nodes if node.kind == "call"] == [first, both]


class TestDropUnneeded:
    def test_what_leads_nowhere(self):
        x, v = entered(), tgl.Variable(np.ones((3, 4)))
        needed, unneeded, assigned = call(tgl.sin, x), call(tgl.cos, x), call(tgl.exp, x)
        further = call(tgl.sin, unneeded)
        nodes = passes.with_effects([x, needed, unneeded, further, assigned], [(v, assigned)], [needed])
        assert passes.drop_unneeded(nodes) == [node for node in nodes if node not in (unneeded, further)]

    def test_effects_are_needed(self):
        x, v = entered((2,)), tgl.Variable([1.0, 2.0])
        check = Node("check", np.zeros(0), (x,), print)
        nodes = [x, random(x), check, update(x, v)]
        assert passes.drop_unneeded(list(nodes)) == nodes
        assert passes.drop_unneeded([x, call(tgl.sin, x)]) == []


class TestInOrder:
    def test_an_update_comes_after_what_need_not_follow_it(self):
        x, v = entered((2,)), tgl.Variable([1.0, 2.0])
        before, step, apart = read(v), update(x, v), call(tgl.sin, x)
        after = read(v)
        after.effect = step
        later = call(tgl.exp, after)
        nodes = passes.with_effects([x, before, step, after, later, apart], [], [before, later, apart])
        ordered = passes.in_order(nodes)
        assert ordered[:6] == [x, before, apart, step, after, later]
        assert [node.kind for node in ordered[6:]] == ["output"] * 3

    def test_random_numbers_are_drawn_in_their_order(self):
        x, v = entered((2,)), tgl.Variable([1.0, 2.0])
        first, step = random(x), update(x, v)
        after = read(v)
        after.effect = step
        second, third = random(after), random(x)
        assert passes.in_order([x, first, step, after, second, third]) == [x, first, step, after, second, third]

    def test_several_updates_keep_their_order(self):
        x, v = entered((2,)), tgl.Variable([1.0, 2.0])
        one, two = update(x, v), update(x, v)
        y = call(tgl.sin, x)
        assert passes.in_order([x, one, two, y]) == [x, y, one, two]


class TestInlineNumbers:
    @pytest.mark.parametrize("shape", [(), (1,), (1, 1), (3, 4)])
    def test_one_number(self, shape):
        x, two = entered(), Node("constant", np.broadcast_to(np.float32(2), shape))
        y = call(tgl.multiply, x, two)
        passes.inline_numbers([x, two, y])
        assert y.inputs == (x, 2.0)

    @pytest.mark.parametrize(
        "make",
        [
            lambda x: call(tgl.multiply, x, constant([1, 2, 3, 4])),
            lambda x: call(tgl.multiply, x, Node("constant", np.float64(2))),  # decides the dtype
            lambda x: call(tgl.multiply, x, Node("constant", np.int64(2))),
            lambda x: call(tgl.multiply, x, Node("constant", np.broadcast_to(np.float32(2), (2, 3, 4)))),  # the shape
            lambda x: call(tgl.matmul, x, Node("constant", np.broadcast_to(np.float32(2), (4, 1)))),
        ],
    )
    def test_what_is_not_one_number_or_does_more(self, make):
        x = entered()
        y = make(x)
        before = y.inputs
        passes.inline_numbers([x, y])
        assert y.inputs == before


class TestRuns:
    @pytest.fixture(autouse=True)
    def small(self, monkeypatch):
        monkeypatch.setattr("tinygrad_lite.compiler.fusion.LARGE", 8)
        monkeypatch.setattr("tinygrad_lite.compiler.fusion.LONG", 2)
        monkeypatch.setattr("tinygrad_lite.compiler.fusion.BLOCK", 4)

    def test_operations_in_a_row(self):
        x = entered((4, 4))
        a = call(tgl.sin, x)
        silent = constant(np.ones(4))
        b = call(tgl.multiply, a, silent)
        last = call(tgl.matmul, b, b)
        c = call(tgl.cos, last)
        runs = find_runs([x, a, silent, b, last, c], ())
        assert list(runs) == [id(a)]
        run = runs[id(a)]
        assert list(run.nodes.values()) == [a, b]
        assert (run.rows, run.end) == (1, 3)
        assert run.is_cut(x)
        assert not run.is_cut(silent)

    def test_a_transposed_view_of_the_run_ends_it(self):
        x = entered((4, 4))
        a = call(tgl.sin, x)
        b = call(tgl.exp, a)
        view = turned(b)
        c = call(tgl.add, view, x)
        (run,) = find_runs([x, a, b, view, c], ()).values()
        assert list(run.nodes.values()) == [a, b]

    def test_other_shapes_and_sections_end_it(self):
        x, row = entered((4, 4)), entered((4,))
        a = call(tgl.sin, x)
        b = call(tgl.add, a, row)
        c = call(tgl.cos, b, section="backward")
        (run,) = find_runs([x, row, a, b, c], ()).values()
        assert list(run.nodes.values()) == [a, b]
        assert not find_runs([x, a, call(tgl.sin, row)], ())


def test_a_pass_keeps_nodes_before_their_readers():
    @tgl.function
    def f(x):
        with tgl.GradientTape() as tape:
            tape.watch(x)
            y = tgl.sum(tgl.softmax(x * 2.0) @ tgl.transpose(x) * 1.0)
        return y, tape.gradient(y, x)

    made = []
    with pytest.MonkeyPatch.context() as patch:
        for transform in (passes.simplify, passes.drop_unneeded, passes.in_order, passes.inline_numbers):

            def watched(nodes, transform=transform):
                result = transform(nodes)
                made.append(stands_before_its_readers(result))
                return result

            patch.setattr(passes, transform.__name__, watched)
        f(tgl.constant(np.ones((2, 3))))
    assert made == [True] * 4
