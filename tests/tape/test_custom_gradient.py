"""`custom_gradient` and `stop_gradient`."""

import numpy as np
import pytest

import tinygrad_lite as tgl


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

    def test_structures_of_tensors_go_in_and_out(self):
        @tgl.custom_gradient
        def weighted(parts, scale):
            a, b = parts["a"], parts["b"][0]
            return {"sum": a + b, "product": [a * b]}, lambda g, h: ({"a": g * 2, "b": [h * 3]}, None)

        a, b = tgl.Variable(2.0), tgl.Variable(5.0)
        with tgl.GradientTape() as tape:
            results = weighted({"a": a, "b": [b]}, 1.0)
            y = results["sum"] + results["product"][0] * 10.0
        assert y.item() == 107.0
        assert [g.item() for g in tape.gradient(y, [a, b])] == [2.0, 30.0]

    def test_keyword_arguments_are_handed_on(self):
        @tgl.custom_gradient
        def scale(x, *, by):
            return x * by, lambda g: g * by

        v = tgl.Variable(2.0)
        with tgl.GradientTape() as tape:
            y = scale(v, by=3)
        assert tape.gradient(y, v).item() == 3.0

    def test_gradients_may_be_python_numbers(self):
        f = tgl.custom_gradient(lambda x: (x * 2, lambda g: 5.0))
        v = tgl.Variable(2.0, dtype="float64")
        with tgl.GradientTape() as tape:
            y = f(v)
        g = tape.gradient(y, v)
        assert (g.item(), g.dtype) == (5.0, np.float64)

    def test_a_gradient_function_with_a_custom_gradient_of_its_own(self):
        @tgl.custom_gradient
        def square(x):
            @tgl.custom_gradient
            def slope(g):
                return g * 2 * x, lambda h: h * 77.0

            return x * x, slope

        g, v = tgl.Variable(1.0), tgl.Variable(3.0)
        with tgl.GradientTape() as outer:
            with tgl.GradientTape() as inner:
                y = square(v)
            first = inner.gradient(y, v, output_gradients=g)
        assert first.item() == 6.0
        assert outer.gradient(first, g).item() == 77.0

    @pytest.mark.parametrize("through", ["an argument", "a closure"])
    def test_an_assignment_in_between_does_not_reach_the_gradient(self, through):
        w = tgl.Variable(5.0)

        @tgl.custom_gradient
        def times(x, factor):
            return x * factor, lambda g: (g * factor, g * x)

        @tgl.custom_gradient
        def times_w(x):
            return x * w, lambda g, variables: (g * w, [g * x])

        v = tgl.Variable(2.0)
        with tgl.GradientTape() as tape:
            y = times(v, w) if through == "an argument" else times_w(v)
        w.assign(100.0)
        v.assign(100.0)
        assert [g.item() for g in tape.gradient(y, [v, w])] == [5.0, 2.0]
        assert (v.item(), w.item()) == (100.0, 100.0)

    def test_a_result_that_is_an_argument(self):
        flip = tgl.custom_gradient(lambda x: (x, lambda g: -g))
        v = tgl.Variable(2.0)
        with tgl.GradientTape() as tape:
            y = flip(v) * 3.0
        assert tape.gradient(y, v).item() == -3.0
        v.assign_add(1.0)
        assert y.item() == 6.0

    def test_without_a_tape_it_is_the_function(self):
        f = tgl.custom_gradient(lambda x: (x * 2, lambda g: g))
        assert f(tgl.constant([1.0, 2.0])).tolist() == [2.0, 4.0]
        assert f.__name__ == "<lambda>"

    def test_a_wrong_number_of_variable_gradients_raises(self):
        w = tgl.Variable(5.0)
        f = tgl.custom_gradient(lambda x: (x * w, lambda g, variables: (g * w, [])))
        v = tgl.Variable(2.0)
        with tgl.GradientTape() as tape:
            y = f(v)
        with pytest.raises(ValueError, match=r"each of its 1 Variables.*Received: 0"):
            tape.gradient(y, v)


class TestStopGradient:
    def test_it_is_a_constant_of_the_same_value(self):
        v = tgl.Variable([3.0])
        with tgl.GradientTape(persistent=True) as tape:
            s = tgl.stop_gradient(v * v)
            y = s * v
        assert tape.gradient(y, v).tolist() == [9.0]
        assert tape.gradient(s, v) is None
        assert tape.gradient(y, s) is None
        assert tgl.stop_gradient(v) is not v
        assert tgl.stop_gradient([1.0, 2.0]).tolist() == [1.0, 2.0]

    def test_of_a_variable_it_stays_what_it_was(self):
        v = tgl.Variable([3.0])
        s = tgl.stop_gradient(v)
        v.assign_add([1.0])
        assert s.tolist() == [3.0]
