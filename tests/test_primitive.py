"""How an operation and its rules are defined, and what is said when that went wrong."""

import re

import numpy as np
import pytest

import tinygrad_lite as tgl


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

    @pytest.mark.parametrize(("dtype", "expected"), [("float32", "float32"), ("float64", "float64")])
    def test_a_forward_may_return_a_number_of_pythons(self, dtype, expected):
        @tgl.primitive
        def middle(x):
            return (x.min().item() + x.max().item()) / 2

        middle.defvjp(lambda g, y, x: g * ((x == x.min()) + (x == x.max())) / 2)
        v = tgl.Variable(np.array([1.0, 5.0, 2.0], dtype))
        with tgl.GradientTape() as tape:
            y = middle(v)
        assert y.dtype == expected
        assert y.shape == ()
        assert y.item() == 3.0
        assert tape.gradient(y, v).numpy().tolist() == [0.5, 0.5, 0.0]

        @tgl.nondifferentiable
        def rows(x):
            return len(x)

        assert rows(v).item() == 3

    def test_a_forward_may_return_numbers_of_pythons_in_a_tuple(self):
        @tgl.primitive
        def sizes(x):
            return len(x), float(x.sum()), x.max()

        sizes.defvjp(lambda g, y, x: g[1] * np.ones_like(x) + g[2] * (x == y[2]))

        def both(x):
            with tgl.GradientTape() as tape:
                count, total, largest = sizes(x)
                loss = total + largest
            return count, total, largest, tape.gradient(loss, x)

        v = tgl.Variable([1.0, 2.0])
        for results in (both(v), tgl.function(both)(v)):
            assert [x.numpy().tolist() for x in results] == [2, 3.0, 2.0, [1.0, 2.0]]
            assert [x.dtype for x in results] == [np.dtype(int), *["float32"] * 3]

    def test_a_forward_that_returns_a_number_compiles(self):
        @tgl.primitive
        def total(x):
            return float(x.sum())

        total.defvjp(lambda g, y, x: g * np.ones_like(x))
        plain, more = tgl.function(lambda x: (total(x), total(x) + 1))(tgl.constant([1.0, 2.0]))
        assert (plain.item(), more.item(), plain.dtype, plain.shape) == (3.0, 4.0, "float32", ())

    @pytest.mark.parametrize("result", [None, [1.0, 2.0], "one", (1.0, None)])
    def test_a_forward_that_returns_something_else_is_named(self, result):
        @tgl.primitive
        def odd(x):
            return result

        with pytest.raises(TypeError, match=r"forward of odd must return an array, a number, or a tuple.*Received"):
            odd(1.0)

    def test_a_random_primitive_draws_anew_in_a_function(self):
        drawn = iter(range(100))

        @tgl.primitive(is_random=True)
        def noisy(x):
            return x + next(drawn)

        noisy.defvjp(lambda g, y, x: g)

        @tgl.function
        def step(x):
            return noisy(x), noisy(x), noisy(tgl.constant(10.0))

        step(tgl.constant(0.0))  # draws while it is traced, too
        first, second = ([y.item() for y in step(tgl.constant(0.0))] for _ in range(2))
        assert first[1] == first[0] + 1
        assert first[2] == 10 + first[1] + 1
        assert second == [y + 3 for y in first]

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

    def test_statements_of_domain_and_kinks(self):
        @tgl.primitive(domain="x > 0.", kinks="none.")
        def total(x):
            """The sum: Σ x."""
            return np.sum(x)

        assert (total.domain, total.kinks, total.formula, total.__module__) == ("x > 0.", "none.", "Σ x", __name__)
        made = tgl.primitive(np.exp)
        assert (made.domain, made.__module__) == (None, __name__)


@pytest.mark.parametrize(("a", "b"), [((2, 3), (2, 3)), ((3,), (2,)), ((2, 2, 3), (4, 3, 2)), ((), (2, 2))])
def test_shapes_that_do_not_multiply(a, b):
    message = (
        rf"matmul expected a last axis of x1 as long as the last but one of x2 .* Received: "
        rf"x1\.shape={re.escape(str(a))}, x2\.shape={re.escape(str(b))}\. Transpose one with \.T"
    )
    with pytest.raises(ValueError, match=message):
        tgl.ones(a) @ tgl.ones(b)


def test_a_tensor_among_the_metadata_is_its_value_or_refused():
    x, slope = tgl.constant([-1.0, 2.0]), tgl.Variable(0.5)
    leaky = tgl.leaky_relu(x, slope)
    assert isinstance(leaky._array, np.ndarray)
    np.testing.assert_array_equal(leaky.numpy(), [-0.5, 2.0])
    assert set(tgl.dropout(tgl.ones(50), slope).tolist()) == {0.0, 2.0}
    with tgl.GradientTape(), pytest.raises(TypeError, match="would cut its gradient"):
        tgl.leaky_relu(x, slope * 2.0)
    with pytest.raises(TypeError, match=r"inside of a tgl\.function"):
        tgl.function(tgl.leaky_relu)(x, tgl.constant(0.5))
