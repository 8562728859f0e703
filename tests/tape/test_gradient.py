"""`gradient`: its targets, its sources, and what weights them."""

from typing import NamedTuple

import numpy as np
import pytest

import tinygrad_lite as tgl


class TestTargetsAndSources:
    def test_structures_come_back(self):
        a, b, c = (tgl.Variable(float(n)) for n in (1, 2, 3))
        with tgl.GradientTape(persistent=True) as tape:
            y = a * b * c
        answer = tape.gradient(y, {"a": a, "rest": [b, (c,)]})
        assert answer["a"].item() == 6.0
        assert isinstance(answer["rest"], list)
        assert isinstance(answer["rest"][1], tuple)
        assert answer["rest"][1][0].item() == 2.0
        assert tape.gradient(y, []) == []
        assert tape.gradient(y, ()) == ()
        assert tape.gradient(y, {}) == {}
        assert [g.item() for g in tape.gradient(y, [a, b])] == [6.0, 3.0]
        first, (second, rest) = tape.gradient(y, [a, [b, {"c": c}]])
        assert (first.item(), second.item(), rest["c"].item()) == (6.0, 3.0, 2.0)

    def test_targets_add_up_and_so_do_repeated_sources(self):
        v = tgl.Variable(3.0)
        with tgl.GradientTape(persistent=True) as tape:
            y = v * v
            z = v * 2.0
        assert tape.gradient([y, z], v).item() == 8.0
        assert tape.gradient([y, y], v).item() == 12.0
        assert [g.item() for g in tape.gradient(y, [v, v])] == [6.0, 6.0]
        assert tape.gradient([y, z], [v, y])[1].item() == 1.0

    def test_a_target_that_is_a_source(self):
        v = tgl.Variable(3.0)
        with tgl.GradientTape(persistent=True) as tape:
            y = v * v
            z = y * 2.0
        assert tape.gradient(v, v).item() == 1.0
        assert tape.gradient(y, y).item() == 1.0
        assert tape.gradient([z, y], y).item() == 3.0
        assert tape.gradient([z, y], v).item() == 18.0

    @pytest.mark.parametrize("target", [None, 3.0, np.ones(1), [None]])
    def test_a_target_must_be_a_tensor(self, target):
        v = tgl.Variable(3.0)
        with tgl.GradientTape() as tape:
            v * v
        with pytest.raises(TypeError, match=r"expected a Tensor as target.*\.numpy\(\)"):
            tape.gradient(target, v)

    @pytest.mark.parametrize("source", [None, 3.0, np.ones(1), [np.ones(1)]])
    def test_a_source_must_be_a_tensor(self, source):
        v = tgl.Variable(3.0)
        with tgl.GradientTape() as tape:
            y = v * v
        with pytest.raises(TypeError, match=r"expected a Tensor as source.*tgl\.constant"):
            tape.gradient(y, source)
        assert tape.gradient(y, v).item() == 6.0, "a refused call does not use the tape up"

    @pytest.mark.parametrize(
        ("function", "name"), [(lambda x: tgl.argmax(x), "argmax"), (lambda x: x > 1.0, "greater")]
    )
    def test_comparisons_say_that_they_are_not_differentiable(self, function, name):
        v = tgl.Variable([1.0, 2.0])
        with tgl.GradientTape() as tape:
            y = function(v)
        with pytest.warns(UserWarning, match=f"{name} is not differentiable"):
            assert tape.gradient(y, v) is None

    def test_new_tensors_even_where_nothing_changes(self):
        v = tgl.Variable(3.0)
        with tgl.GradientTape(persistent=True) as tape:
            a, b = v * 1, v + 0
        assert a is not v
        assert tape.gradient(a, v).item() == 1.0
        assert tape.gradient(b, a) is None

    def test_gradients_have_the_dtype_of_their_source(self):
        a, b = tgl.Variable([1.0, 2.0]), tgl.Variable(np.array([3.0, 4.0]))
        with tgl.GradientTape() as tape:
            y = a * b
        ga, gb = tape.gradient(y, [a, b])
        assert (y.dtype, ga.dtype, gb.dtype) == (np.float64, np.float32, np.float64)

    def test_intermediate_results_can_be_sources(self):
        v = tgl.Variable(2.0)
        with tgl.GradientTape() as tape:
            y = v * v
            z = y * y + v
        gv, gy = tape.gradient(z, [v, y])
        assert (gv.item(), gy.item()) == (33.0, 8.0)


class TestOutputGradients:
    def test_they_weight_the_targets(self):
        v = tgl.Variable([1.0, 2.0])
        with tgl.GradientTape(persistent=True) as tape:
            y = v * v
        assert tape.gradient(y, v, output_gradients=tgl.constant([1.0, 10.0])).numpy().tolist() == [2.0, 40.0]
        assert tape.gradient(y, v, output_gradients=[tgl.constant([1.0, 10.0])]).numpy().tolist() == [2.0, 40.0]
        assert tape.gradient(y, v, output_gradients=[1.0, 10.0]).numpy().tolist() == [2.0, 40.0]
        assert tape.gradient(y, v, output_gradients=tgl.constant(3.0)).numpy().tolist() == [6.0, 12.0]
        assert tape.gradient([y, y], v, output_gradients=[None, tgl.constant(2.0)]).numpy().tolist() == [6.0, 12.0]

    def test_wrong_ones_raise(self):
        v = tgl.Variable([1.0, 2.0])
        with tgl.GradientTape() as tape:
            y = v * v
        with pytest.raises(ValueError, match=r"dtype float32.*float64"):
            tape.gradient(y, v, output_gradients=tgl.constant([1.0, 1.0], dtype="float64"))
        with pytest.raises(ValueError, match=r"broadcasts to the target's \(2,\).*\(3,\)"):
            tape.gradient(y, v, output_gradients=tgl.ones(3))
        with pytest.raises(ValueError, match=r"broadcasts to the target's"):
            tape.gradient(y, v, output_gradients=tgl.ones((2, 2)))
        with pytest.raises(ValueError, match="one for each of 2 targets"):
            tape.gradient([y, y], v, output_gradients=[tgl.ones(2)])
        assert tape.gradient(y, v, output_gradients=tgl.ones(2)).numpy().tolist() == [2.0, 4.0]

    def test_arrays_numbers_and_lists_will_do(self):
        v = tgl.Variable([1.0, 2.0])
        with tgl.GradientTape(persistent=True) as tape:
            y = v * v
        assert tape.gradient(y, v, output_gradients=np.ones(2, np.float32)).tolist() == [2.0, 4.0]
        assert tape.gradient(y, v, output_gradients=3).tolist() == [6.0, 12.0]
        assert tape.gradient(y, v, output_gradients=[[1, 0]]).tolist() == [2.0, 0.0]
        assert tape.gradient(y, v, output_gradients=tgl.ones((1,))).tolist() == [2.0, 4.0]
        with pytest.raises(ValueError, match=r"dtype float32.*float16"):
            tape.gradient(y, v, output_gradients=np.ones(2, np.float16))

    def test_they_are_differentiated_themselves(self):
        v, g = tgl.Variable([1.0, 2.0]), tgl.Variable([1.0, 1.0])
        with tgl.GradientTape() as outer:
            with tgl.GradientTape() as inner:
                y = v * v
            product = inner.gradient(y, v, output_gradients=g * 3.0)
        assert [d.tolist() for d in outer.gradient(product, [v, g])] == [[6.0, 6.0], [6.0, 12.0]]

    def test_the_caller_may_overwrite_them_later(self):
        v, g = tgl.Variable([1.0, 2.0]), np.ones(2, np.float32)
        with tgl.GradientTape() as outer:
            with tgl.GradientTape() as inner:
                y = v * v
            first = inner.gradient(y, v, output_gradients=g)
            g[:] = 100
            total = first * first
        assert outer.gradient(total, v).tolist() == [8.0, 16.0]


class Pair(NamedTuple):
    w: tgl.Variable
    b: tgl.Variable


def test_structures_nest_and_keep_their_types():
    a, b = tgl.Variable(2.0), tgl.Variable(3.0)
    with tgl.GradientTape(persistent=True) as tape:
        y = a * b
    answer = tape.gradient({"loss": y, "more": [y]}, {"pair": Pair(a, b), "none": [], "rest": ([a], {"b": b})})
    assert type(answer["pair"]) is Pair
    assert (answer["pair"].w.item(), answer["pair"].b.item()) == (6.0, 4.0)
    assert answer["none"] == []
    assert answer["rest"][0][0].item() == 6.0
    assert answer["rest"][1]["b"].item() == 4.0
    assert type(tape.jacobian(y, Pair(a, b))) is Pair


def test_a_variable_as_target_is_read():
    v, w = tgl.Variable([3.0, 4.0]), tgl.Variable(1.0)
    with tgl.GradientTape(persistent=True) as tape:
        pass
    assert tape.gradient(v, v).tolist() == [1.0, 1.0]
    assert tape.gradient(v, w) is None
    assert tape.jacobian(v, v).tolist() == [[1.0, 0.0], [0.0, 1.0]]


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x * 1,
        lambda x: x + 0,
        lambda x: x / 1,
        lambda x: tgl.positive(x),
        lambda x: tgl.cast(x, "float32"),
        lambda x: x.reshape((1, 2)),
        lambda x: x[...],
        lambda x: tgl.broadcast_to(x, (1, 2)),
        lambda x: tgl.concatenate([x]),
        lambda x: tgl.constant(x),
    ],
)
def test_what_changes_nothing_is_a_new_tensor_on_the_way(function):
    v = tgl.Variable([[1.0, 2.0]])
    with tgl.GradientTape(persistent=True) as tape:
        y = function(v)
        z = y * 3.0
    assert y is not v
    assert tape.gradient(z, v).tolist() == [[3.0, 3.0]]
    assert tape.gradient(z, y).tolist() == [[3.0, 3.0]]
    assert tape.gradient(v, y) is None


def test_constants_of_tensors_keep_the_gradient():
    v = tgl.Variable([[1.0, 2.0]])
    with tgl.GradientTape(persistent=True) as tape:
        y = v * 2.0
        outcomes = [
            tgl.constant(y),
            tgl.constant(y, dtype="float64"),
            tgl.constant(y, shape=(2, 1)),
            tgl.constant(y[0, 0], shape=(2, 2)),
        ]
    assert [tape.gradient(z, v).tolist() for z in outcomes] == [[[2.0, 2.0]]] * 3 + [[[8.0, 0.0]]]
    assert [z.dtype for z in outcomes] == [np.float32, np.float64, np.float32, np.float32]


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_gradients_take_the_dtype_of_the_source_through_casts(dtype):
    v = tgl.Variable([1.0, 2.0], dtype=dtype)
    with tgl.GradientTape() as tape:
        y = tgl.cast(v, "float64") * np.ones(2) + tgl.cast(v, "float32")
    g = tape.gradient(y, v)
    assert (g.dtype, g.tolist()) == (np.dtype(dtype), [2.0, 2.0])


@pytest.mark.parametrize("recorded", [False, True])
def test_a_rule_is_given_gradients_of_the_dtype_of_its_output(recorded):
    """Whatever the rule before it made of them."""
    seen = []

    @tgl.primitive
    def probe(x):
        return x * 1

    @tgl.primitive
    def widening(x):
        return x * 1

    probe.defvjp(lambda g, y, x: seen.append(g.dtype) or g)
    widening.defvjp(lambda g, y, x: g * np.ones(2))
    x = tgl.Variable([1.0, 2.0])
    with tgl.GradientTape(persistent=True) as tape:
        y = widening(probe(x))
        answers = [tape.gradient(y, x)] if recorded else []
    answers = answers or [tape.gradient(y, x)]
    assert [answers[0].dtype, *seen] == ["float32", "float32"]


class TestSeveralOutputs:
    @pytest.fixture
    def pair(self):
        """eˣ and 3x, and a place where the gradients are noted that its rule is given."""
        given = []

        @tgl.primitive
        def pair(x):
            return np.exp(x), 3 * x

        def rule(g, y, x):
            given.append([(type(each), each.tolist(), each.dtype) for each in g])
            return g[0] * y[0] + 3 * g[1]

        pair.defvjp(rule)
        return pair, given

    def test_what_nothing_depends_on_has_zeros(self, pair):
        pair, given = pair
        x = tgl.Variable([0.0, 1.0])
        with tgl.GradientTape() as tape:
            y = pair(x)[1]
        assert tape.gradient(y, x).tolist() == [3.0, 3.0]
        assert given == [[(np.ndarray, [0.0, 0.0], "float32"), (np.ndarray, [1.0, 1.0], "float32")]]

    def test_they_can_be_sources(self, pair):
        pair, _ = pair
        x = tgl.Variable([0.0, 1.0])
        with tgl.GradientTape(persistent=True) as tape:
            first, second = pair(x)
            y = 2.0 * first + second * second
            recorded = tape.gradient(y, [first, second, x])
        for answers in (recorded, tape.gradient(y, [first, second, x])):
            assert answers[0].tolist() == [2.0, 2.0]
            assert answers[1].tolist() == [0.0, 6.0]
            np.testing.assert_allclose(answers[2], [2.0, 2 * np.e + 18])

    def test_the_rule_is_differentiated_through_them(self, pair):
        pair, given = pair
        x = tgl.Variable([0.0, 1.0])
        with tgl.GradientTape() as outer:
            with tgl.GradientTape() as inner:
                y = pair(x)[0]
            first = inner.gradient(y, x)
        np.testing.assert_allclose(outer.gradient(first, x), [1.0, np.e], rtol=1e-6)
        assert [kind for kind, *_ in given[0]] == [tgl.Tensor, tgl.Tensor]


@pytest.mark.parametrize("recorded", [False, True])
def test_output_gradients_are_broadcast_before_any_rule_sees_them(recorded):
    x = tgl.Variable([1.0, 2.0, 3.0, 4.0])
    with tgl.GradientTape(persistent=True) as tape:
        y = tgl.reshape(x, (2, 2))
        found = tape.gradient(y, x, output_gradients=tgl.constant([1.0, 2.0]))
    found = found if recorded else tape.gradient(y, x, output_gradients=tgl.constant([1.0, 2.0]))
    assert found.tolist() == [1.0, 2.0, 1.0, 2.0]


def test_output_gradients_in_an_array_of_integers_are_refused():
    x = tgl.Variable([1.0, 2.0])
    with tgl.GradientTape(persistent=True) as tape:
        y = x * x
    with pytest.raises(ValueError, match=r"the target's dtype float32\. Received: dtype=int64"):
        tape.gradient(y, x, output_gradients=np.array([1, 2], "int64"))
    assert tape.gradient(y, x, output_gradients=[1, 2]).tolist() == [2.0, 8.0]


@pytest.mark.parametrize("persistent", [False, True])
def test_unwatched_targets_of_different_shapes(persistent):
    v = tgl.Variable([1.0, 2.0])
    with tgl.GradientTape(persistent=persistent) as tape:
        targets = [tgl.ones(2), tgl.ones((3, 1)), v * 3.0, tgl.ones(2) * 1.0]
    assert tape.gradient(targets, v).tolist() == [3.0, 3.0]


def test_a_persistent_tape_with_nothing_but_unwatched_targets():
    v = tgl.Variable(1.0)
    with tgl.GradientTape(persistent=True) as tape:
        targets = [tgl.ones(2), tgl.ones(3)]
    assert tape.gradient(targets, v) is None
    assert tape.jacobian(targets[0], v) is None
