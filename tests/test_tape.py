"""GradientTape: TensorFlow's semantics, sentence by sentence."""

import gc
import threading
import time
import tracemalloc
import weakref

import numpy as np
import pytest

import tinygrad_lite as tgl
from tinygrad_lite.tape import recording_tapes


def watched(value, tape):
    x = tgl.constant(value)
    tape.watch(x)
    return x


class TestWatching:
    def test_variables_come_in_the_order_of_their_creation_and_survive_gradient(self):
        a, b = tgl.Variable(1.0, name="a"), tgl.Variable(2.0, name="b")
        with tgl.GradientTape() as tape:
            y = b * a
        assert tape.watched_variables() == (a, b)
        tape.gradient(y, a)
        assert tape.watched_variables() == (a, b)
        tape.reset()
        assert tape.watched_variables() == ()

    def test_untrainable_variables_are_not_watched_by_themselves(self):
        v = tgl.Variable(3.0, trainable=False)
        with tgl.GradientTape() as tape:
            y = v * v
        assert tape.watched_variables() == ()
        assert tape.gradient(y, v) is None
        with tgl.GradientTape() as tape:
            tape.watch(v)
            y = v * v
        assert tape.gradient(y, v).item() == 6.0

    def test_watch_accessed_variables_off(self):
        v, w = tgl.Variable(3.0), tgl.Variable(2.0)
        with tgl.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(w)
            y = v * w
        assert tape.gradient(y, [v, w])[0] is None
        assert tape.watched_variables() == (w,)

    def test_watching_is_local_to_its_tape(self):
        x = tgl.constant(3.0)
        with tgl.GradientTape() as outer, tgl.GradientTape() as inner:
            inner.watch(x)
            y = x * x
        assert outer.gradient(y, x) is None
        assert inner.gradient(y, x).item() == 6.0

    @pytest.mark.parametrize("value", [3, True, [1, 2]])
    def test_integers_warn_and_have_no_gradient(self, value):
        x = tgl.constant(value)
        with tgl.GradientTape(persistent=True) as tape:
            with pytest.warns(UserWarning, match=r"floating dtype.*tgl\.cast"):
                tape.watch(x)
            y = tgl.cast(x, "float32") * 2.0
        assert tape.gradient(y, x) is None
        zero = tape.gradient(y, x, unconnected_gradients="zero")
        assert (zero.dtype, zero.shape) == (x.dtype, x.shape)
        assert not zero.numpy().any()

    @pytest.mark.parametrize(("value", "name"), [(np.ones(2), "ndarray"), (3.0, "float"), (None, "NoneType")])
    def test_only_tensors_can_be_watched(self, value, name):
        with tgl.GradientTape() as tape, pytest.raises(ValueError, match=rf"Tensor.*{name}.*tgl\.constant"):
            tape.watch(value)

    def test_structures_are_watched_leaf_by_leaf(self):
        a, b = tgl.constant(1.0), tgl.constant(2.0)
        with tgl.GradientTape() as tape:
            tape.watch({"a": a, "more": [b]})
            y = a * b
        assert [g.item() for g in tape.gradient(y, [a, b])] == [2.0, 1.0]


class TestUnconnected:
    def test_none_or_zeros(self):
        x, z = tgl.Variable([1.0, 2.0]), tgl.Variable([[5.0]])
        with tgl.GradientTape(persistent=True) as tape:
            y = x * 2.0
        assert tape.gradient(y, z) is None
        assert tape.jacobian(y, z) is None
        for zero in ("zero", tgl.UnconnectedGradients.ZERO):
            assert tape.gradient(y, z, unconnected_gradients=zero).numpy().tolist() == [[0.0]]
        assert tape.jacobian(y, z, unconnected_gradients="zero").shape == (2, 1, 1)
        assert not tape.batch_jacobian(y, tgl.Variable([1.0, 1.0])).numpy().any()
        with pytest.raises(ValueError, match=r"'none' or 'zero'.*'nil'"):
            tape.gradient(y, x, unconnected_gradients="nil")

    def test_used_before_the_tape_opened(self):
        v = tgl.Variable(2.0)
        y = v * v
        with tgl.GradientTape() as tape:
            z = y * 3.0
        assert tape.gradient(z, v) is None


class TestUse:
    def test_second_gradient_raises(self):
        v = tgl.Variable(2.0)
        with tgl.GradientTape() as tape:
            y = v * v
        tape.gradient(y, v)
        message = r"A non-persistent GradientTape can only be used to compute one set of gradients"
        with pytest.raises(RuntimeError, match=message):
            tape.gradient(y, v)
        with pytest.raises(RuntimeError, match="persistent=True"):
            tape.jacobian(y, v)

    def test_a_tape_that_was_never_entered_raises(self):
        v = tgl.Variable(2.0)
        with pytest.raises(RuntimeError, match="never entered"):
            tgl.GradientTape().gradient(v, v)

    def test_persistent_tapes_answer_again(self):
        v = tgl.Variable(2.0)
        with tgl.GradientTape(persistent=True) as tape:
            y = v * v
            z = y * y
        assert [tape.gradient(t, v).item() for t in (z, y, z)] == [32.0, 4.0, 32.0]
        assert tape.gradient(z, y).item() == 8.0

    def test_gradient_inside_of_the_context_uses_the_tape_up(self):
        v = tgl.Variable(2.0)
        with tgl.GradientTape() as tape:
            y = v * v
            assert tape.gradient(y, v).item() == 4.0
            assert recording_tapes() == ()
            with pytest.raises(RuntimeError, match="non-persistent"):
                tape.gradient(y, v)

    def test_a_used_tape_starts_afresh_and_an_unused_one_goes_on(self):
        v = tgl.Variable(2.0)
        tape = tgl.GradientTape()
        with tape:
            y = v * v
        between = y * 5.0
        with tape:
            z = y * y
        assert tape.gradient([z, between], v).item() == 32.0
        with tape:
            fresh = v * 3.0
        assert tape.gradient(fresh, v).item() == 3.0

    def test_entering_a_recording_tape_raises(self):
        with tgl.GradientTape() as tape, pytest.raises(ValueError, match="recording already"), tape:
            pass
        assert recording_tapes() == ()

    def test_an_exception_leaves_no_tape_behind(self):
        with pytest.raises(ZeroDivisionError), tgl.GradientTape(), tgl.GradientTape():
            raise ZeroDivisionError
        assert recording_tapes() == ()

    def test_reset_inside_goes_on_recording(self):
        v = tgl.Variable(2.0)
        with tgl.GradientTape() as tape:
            y = v * v
            tape.reset()
            z = v * 3.0
        assert tape.gradient([z], v).item() == 3.0
        with tgl.GradientTape() as tape:
            y = v * v
            tape.reset()
        assert tape.gradient(y, v) is None

    def test_stop_recording_stops_its_own_tape_alone(self):
        v = tgl.Variable(2.0)
        with tgl.GradientTape() as outer, tgl.GradientTape() as inner:
            with inner.stop_recording():
                y = v * v
            z = y * v
        assert inner.gradient(z, v).item() == 4.0
        assert outer.gradient(z, v).item() == 12.0
        with (
            pytest.raises(ValueError, match="stop_recording expected a tape that is recording"),
            outer.stop_recording(),
        ):
            pass

    def test_gradient_inside_stop_recording(self):
        v = tgl.Variable(3.0)
        with tgl.GradientTape(persistent=True) as tape:
            y = v * v
            with tape.stop_recording():
                g = tape.gradient(y, v)
            z = v * g
        assert tape.gradient(z, v).item() == 6.0


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


class TestHigherOrder:
    def test_through_nested_tapes_to_any_order(self):
        x = tgl.Variable(2.0, dtype="float64")
        with tgl.GradientTape() as t1:
            with tgl.GradientTape() as t2:
                with tgl.GradientTape() as t3:
                    with tgl.GradientTape() as t4:
                        y = x**5
                    d1 = t4.gradient(y, x)
                d2 = t3.gradient(d1, x)
            d3 = t2.gradient(d2, x)
        d4 = t1.gradient(d3, x)
        assert [d.item() for d in (d1, d2, d3, d4)] == [80.0, 160.0, 240.0, 240.0]

    def test_through_one_persistent_tape(self):
        x = tgl.Variable(3.0)
        with tgl.GradientTape(persistent=True) as tape:
            y = x * x * x
            dy = tape.gradient(y, x)
            d2y = tape.gradient(dy, x)
        assert (dy.item(), d2y.item(), tape.gradient(d2y, x).item()) == (27.0, 18.0, 6.0)

    def test_taken_outside_of_the_context_it_is_a_constant(self):
        x = tgl.Variable(3.0)
        with tgl.GradientTape(persistent=True) as tape:
            y = x * x * x
        assert tape.gradient(tape.gradient(y, x), x) is None

    def test_jacobian_and_its_derivative(self):
        x = tgl.Variable([1.0, 2.0, 3.0])
        with tgl.GradientTape() as outer:
            with tgl.GradientTape() as inner:
                y = tgl.stack([x[0] * x[1], tgl.exp(x[2])])
            jacobian = inner.jacobian(y, x)
            total = (jacobian * jacobian).sum()
        expected = [[2.0, 1.0, 0.0], [0.0, 0.0, np.exp(np.float32(3.0))]]
        np.testing.assert_allclose(jacobian.numpy(), expected, rtol=1e-6)
        np.testing.assert_allclose(outer.gradient(total, x).numpy(), [2.0, 4.0, 2 * np.exp(6.0)], rtol=1e-5)

    def test_jacobian_of_a_scalar_and_of_nothing(self):
        x = tgl.Variable([1.0, 2.0])
        with tgl.GradientTape(persistent=True) as tape:
            y = (x * x).sum()
            empty = x[:0]
        assert tape.jacobian(y, x).numpy().tolist() == [2.0, 4.0]
        assert tape.jacobian(empty, x, unconnected_gradients="zero").shape == (0, 2)

    def test_batch_jacobian(self):
        x = tgl.Variable(np.arange(6.0).reshape(3, 2))
        with tgl.GradientTape(persistent=True) as tape:
            y = tgl.stack([x[:, 0] * x[:, 1], x[:, 0], x[:, 1] ** 2], axis=1)
        full = tape.jacobian(y, x).numpy()
        batch = tape.batch_jacobian(y, x).numpy()
        np.testing.assert_array_equal(batch, np.stack([full[n, :, n] for n in range(3)]))
        with pytest.raises(ValueError, match=r"same first axis.*\(3, 3\).*\(2,\)"):
            tape.batch_jacobian(y, tgl.Variable([1.0, 2.0]))


class TestValuesAreRecorded:
    def test_an_input_array_that_the_caller_overwrites(self):
        v, array = tgl.Variable([1.0, 1.0]), np.array([2.0, 3.0], np.float32)
        with tgl.GradientTape() as tape:
            y = v * array
        array[:] = 100
        assert tape.gradient(y, v).numpy().tolist() == [2.0, 3.0]

    def test_an_index_array_that_the_caller_overwrites(self):
        v, index = tgl.Variable([1.0, 2.0, 3.0]), np.array([0, 2])
        with tgl.GradientTape() as tape:
            y = v[index] * 2.0
        index[:] = 1
        assert tape.gradient(y, v).numpy().tolist() == [2.0, 0.0, 2.0]

    def test_nothing_is_recorded_when_nobody_watches(self):
        x = tgl.constant(2.0)
        with tgl.GradientTape() as tape:
            x * x
        assert tape.record() == []

    def test_the_record_can_be_read_until_it_is_released(self):
        v = tgl.Variable(2.0)
        with tgl.GradientTape() as tape:
            y = v * v
        (entry,) = tape.record()
        assert (entry.primitive, entry.output) == (tgl.multiply, 4.0)
        tape.gradient(y, v)
        with pytest.raises(RuntimeError, match=r"released its record.*persistent=True"):
            tape.record()


class TestZeroRule:
    @pytest.mark.parametrize(
        ("function", "point"),
        [
            (lambda x: tgl.where(x >= 0, x, tgl.sqrt(-x)), 1.0),
            (lambda x: tgl.where(x > 0, tgl.log(x), x), 0.0),
            (lambda x: tgl.where(x > 0, 1.0 / x, x), 0.0),
            (lambda x: tgl.where(x > 0, (1.0 / x) * x, x), 0.0),
            (lambda x: tgl.where(x > 5, tgl.log(-x) * x, x), 1.0),
        ],
    )
    def test_where_nothing_comes_in_nothing_goes_out(self, function, point):
        x = tgl.Variable(point)
        with np.errstate(all="ignore"), tgl.GradientTape() as outer:
            with tgl.GradientTape() as inner:
                y = function(x)
            first = inner.gradient(y, x)
        assert first.item() == 1.0
        second = outer.gradient(first, x)
        assert second is None or second.item() == 0.0


class TestCustomGradient:
    def test_it_replaces_the_gradient(self):
        @tgl.custom_gradient
        def log1pexp(x):
            e = tgl.exp(x)
            return tgl.log(1 + e), lambda g: g * (1 - 1 / (1 + e))

        x = tgl.Variable(100.0, dtype="float64")
        with np.errstate(over="ignore"), tgl.GradientTape() as outer:
            with tgl.GradientTape() as tape:
                y = log1pexp(x)
            g = tape.gradient(y, x)
        assert g.item() == 1.0
        assert outer.gradient(g, x).item() == pytest.approx(0.0, abs=1e-30)

    def test_its_gradient_function_is_differentiated(self):
        @tgl.custom_gradient
        def cube(x):
            return x * x * x, lambda g: g * 5 * x * x  # wrong on purpose: 5 instead of 3

        x = tgl.Variable(2.0)
        with tgl.GradientTape() as outer:
            with tgl.GradientTape() as inner:
                y = cube(x) * 1.0
            first = inner.gradient(y, x)
        assert (first.item(), outer.gradient(first, x).item()) == (20.0, 20.0)

    def test_numbers_go_in_and_out_and_none_is_allowed(self):
        @tgl.custom_gradient
        def scale(x, factor):
            return x * factor, lambda g: (g * factor, None)

        v = tgl.Variable(2.0)
        with tgl.GradientTape() as tape:
            y = scale(v, 3.0)
        assert tape.gradient(y, v).item() == 3.0
        assert tgl.custom_gradient(lambda x: (5.0, lambda g: g))(1.0).item() == 5.0

    def test_it_nests(self):
        @tgl.custom_gradient
        def inner(x):
            return x * 2, lambda g: g * 7

        @tgl.custom_gradient
        def outer(x):
            with tgl.GradientTape() as tape:
                tape.watch(x)
                y = inner(x)
            dx = tape.gradient(y, x)
            return y, lambda g: g * dx

        v = tgl.Variable(1.0)
        with tgl.GradientTape() as tape:
            y = outer(v)
        assert tape.gradient(y, v).item() == 7.0

    def test_several_results(self):
        @tgl.custom_gradient
        def both(a, b):
            return (a + b, a * b), lambda g, h: (g + h * b, g + h * a)

        a, b = tgl.Variable(2.0), tgl.Variable(3.0)
        with tgl.GradientTape() as tape:
            s, p = both(a, b)
            y = s * 10.0 + p
        assert [g.item() for g in tape.gradient(y, [a, b])] == [13.0, 12.0]

    def test_variables_that_it_reads(self):
        w = tgl.Variable(5.0)

        @tgl.custom_gradient
        def times_w(x):
            return x * w, lambda g, variables=None: (g * w, [g * x])

        v = tgl.Variable(2.0)
        with tgl.GradientTape() as tape:
            y = times_w(v)
        assert [g.item() for g in tape.gradient(y, [v, w])] == [5.0, 2.0]
        bad = tgl.custom_gradient(lambda x: (x * w, lambda g: g))
        with pytest.raises(TypeError, match=r"reads the Variables.*variables=None"):
            bad(v)

    def test_wrong_numbers_of_gradients_raise(self):
        v = tgl.Variable(2.0)
        f = tgl.custom_gradient(lambda x: (x * 2, lambda g: (g, g)))
        with tgl.GradientTape() as tape:
            y = f(v)
        with pytest.raises(ValueError, match="one gradient for each of its 1 arguments"):
            tape.gradient(y, v)
        with pytest.raises(TypeError, match=r"return \(result, grad_fn\)"):
            tgl.custom_gradient(lambda x: x)(v)

    def test_a_wrong_shape_is_named(self):
        v = tgl.Variable([2.0, 3.0])
        f = tgl.custom_gradient(lambda x: (x * 2, lambda g: g.sum()))
        with tgl.GradientTape() as tape:
            y = f(v)
        with pytest.raises(ValueError, match=r"must return the shape.*\(2,\).*\(\)"):
            tape.gradient(y, v)

    def test_what_lies_behind_stop_gradient_is_not_run_backwards(self):
        def refuse(g):
            raise AssertionError("ran")

        f = tgl.custom_gradient(lambda x: (x * 2, refuse))
        v = tgl.Variable(2.0)
        with tgl.GradientTape() as tape:
            y = v * tgl.stop_gradient(f(v))
        assert tape.gradient(y, v).item() == 4.0


class TestPrimitive:
    def test_a_missing_rule_shows_the_stub(self):
        @tgl.primitive
        def cube(x, *, scale=1):
            return scale * x**3

        v = tgl.Variable(2.0)
        with tgl.GradientTape() as tape:
            y = cube(v)
        with pytest.raises(NotImplementedError, match=r"cube\.defvjp\(lambda g, y, x, scale: \.\.\.\)"):
            tape.gradient(y, v)

    def test_a_rule_of_the_wrong_shape_is_named(self):
        @tgl.primitive
        def total(x):
            return np.sum(x)

        total.defvjp(lambda g, y, x: g)
        v = tgl.Variable([1.0, 2.0])
        with tgl.GradientTape() as tape:
            y = total(v)
        with pytest.raises(ValueError, match=r"rule of total for x.*\(2,\).*\(\)"):
            tape.gradient(y, v)

    def test_too_many_rules(self):
        with pytest.raises(ValueError, match="expected 1 rules"):
            tgl.primitive(lambda x: x).defvjp(None, None)

    def test_gradients_nobody_asked_for_are_not_computed(self):
        @tgl.primitive
        def product(a, b):
            return a * b

        calls = []

        def rule(name, other):
            def run(g, y, *arguments):
                calls.append(name)
                return g * arguments[other]

            return run

        product.defvjp(rule("a", 1), rule("b", 0))
        a, b = tgl.Variable(2.0), tgl.Variable(3.0)
        with tgl.GradientTape(persistent=True) as tape:
            y = product(a * 1.0, b * 1.0)
        assert tape.gradient(y, b).item() == 2.0
        assert calls == ["b"]

    def test_rules_do_not_alter_what_they_were_given(self):
        v = tgl.Variable([1.0, 2.0])
        g = tgl.constant([1.0, 1.0])
        with tgl.GradientTape() as tape:
            y = v + v + v + v
            y = y + v
        assert tape.gradient(y, v, output_gradients=g).numpy().tolist() == [5.0, 5.0]
        assert g.numpy().tolist() == [1.0, 1.0]


class TestLoad:
    def test_a_chain_of_a_million_operations(self):
        v = tgl.Variable(0.0)
        with tgl.GradientTape() as tape:
            y = v
            for _ in range(1_000_000):
                y = y + 1.0
        assert tape.gradient(y, v).item() == 1.0

    def test_memory_stays_flat_without_the_garbage_collector(self):
        w = tgl.Variable(np.ones((64, 64), np.float32))
        x = np.ones((16, 64), np.float32)

        def step():
            with tgl.GradientTape() as tape:
                loss = (tgl.tanh(tgl.tanh(x @ w) @ w) ** 2).mean()
            w.assign_sub(0.01 * tape.gradient(loss, w))

        gc.collect()
        gc.disable()
        tracemalloc.start()
        try:
            for _ in range(2000):  # until free lists and caches are full
                step()
            before = tracemalloc.get_traced_memory()[0]
            for _ in range(1000):
                step()
            grown = tracemalloc.get_traced_memory()[0] - before
        finally:
            tracemalloc.stop()
            gc.enable()
        assert grown < 20_000

    def test_nothing_global_holds_a_tensor(self):
        v = tgl.Variable(np.ones(10))
        with tgl.GradientTape() as tape:
            y = tgl.exp(v)
            z = y * 2.0
        alive = [weakref.ref(x) for x in (v, y, z)]
        tape.gradient(z, v)
        del v, y, z, tape
        assert [ref() for ref in alive] == [None, None, None]

    def test_entries_are_let_go_as_they_are_used(self):
        held = []

        @tgl.primitive
        def probe(x):
            return x * 1.0

        def rule(g, y, x):
            held.append(len(tape_record()))
            return g

        probe.defvjp(rule)
        v = tgl.Variable(np.ones(3))
        with tgl.GradientTape() as tape:
            y = v
            for _ in range(3):
                y = probe(y)
        record = tape._record

        def tape_record():
            return record

        tape.gradient(y, v)
        assert held == [2, 1, 0]

    def test_threads_do_not_see_each_others_tapes(self):
        results = {}

        def work(n):
            v = tgl.Variable(float(n))
            for _ in range(200):
                with tgl.GradientTape() as tape:
                    y = v * v
                    assert recording_tapes() == (tape,)
                results[n] = tape.gradient(y, v).item()
                time.sleep(0)

        threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
        with tgl.GradientTape() as mine:
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        assert results == {n: 2.0 * n for n in range(8)}
        assert mine.record() == []


def test_a_recorded_tensor_does_not_become_an_array_by_accident():
    v = tgl.Variable([1.0, 2.0])
    with tgl.GradientTape():
        y = v * 2.0
        with pytest.raises(TypeError, match=r"cut its gradient silently.*\.numpy\(\)"):
            np.asarray(y)
        assert y.numpy().tolist() == [2.0, 4.0]
    assert np.asarray(y).tolist() == [2.0, 4.0]
