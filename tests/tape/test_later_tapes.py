"""A gradient taken while other tapes are open is, for them, a function of what they watch: whatever they saw of it."""

import numpy as np
import pytest

import tinygrad_lite as tgl


@pytest.fixture
def x():
    return tgl.Variable(2.0, dtype="float64")


@pytest.fixture
def cube(x):
    """x³ in two operations, and the tape that recorded it."""
    with tgl.GradientTape(persistent=True) as tape:
        y = x * x * x
    return tape, y


ORDERS = {
    "the gradient first": (lambda g, x, y: g() + x, 13.0),
    "the Variable first": (lambda g, x, y: x + g(), 13.0),
    "alone": (lambda g, x, y: g(), 12.0),
    "twice": (lambda g, x, y: g() + g() * x, 12.0 + 12.0 + 24.0),
    "with a reading": (lambda g, x, y: g() * x.value(), 12.0 + 24.0),
    # What was computed before the tape was opened is a constant for it, before and after the gradient is taken.
    "an old value after it": (lambda g, x, y: g() + y, 12.0),
    "an old value before it": (lambda g, x, y: y + g(), 12.0),
    "an old value used before it": (lambda g, x, y: (y * 1.0) + g(), 12.0),
    "an old value used after it": (lambda g, x, y: g() + y * x, 12.0 + 8.0),
    "an old value times it": (lambda g, x, y: g() * y, 96.0),
}


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("method", ["gradient", "jacobian"])
def test_the_order_does_not_matter(x, cube, order, method):
    tape, y = cube
    compute, expected = ORDERS[order]
    with tgl.GradientTape() as outer:
        s = compute(lambda: getattr(tape, method)(y, x), x, y)
    assert outer.watched_variables() == (x,)
    assert outer.gradient(s, x).item() == expected


def test_only_what_the_gradient_depends_on_counts_as_read(x):
    w = tgl.Variable(3.0, dtype="float64")
    with tgl.GradientTape() as inner:
        y, _ = x * x * x, w * w
    with tgl.GradientTape() as outer:
        g = inner.gradient(y, x)
    assert outer.watched_variables() == (x,)
    assert outer.gradient(g, x).item() == 12.0


@pytest.mark.parametrize("source", [tgl.constant(2.0, "float64"), tgl.Variable(2.0, trainable=False, dtype="float64")])
@pytest.mark.parametrize("accessed", [True, False])
def test_what_is_watched_by_hand_is_followed_from_there_on(source, accessed):
    x = source
    options = {"watch_accessed_variables": accessed}
    with tgl.GradientTape(persistent=True) as inner:
        inner.watch(x)
        y = x * x * x
    with tgl.GradientTape(**options) as outer:
        outer.watch(x)
        s = inner.gradient(y, x) + x
    assert outer.gradient(s, x).item() == 13.0
    with tgl.GradientTape(**options) as outer:
        g = inner.gradient(y, x)
        outer.watch(x)
        s = g + x
    assert outer.gradient(s, x).item() == 1.0


@pytest.mark.parametrize("method", ["gradient", "jacobian"])
def test_a_tape_around_that_watches_between_the_computation_and_its_gradient(method):
    x = tgl.constant(2.0, "float64")
    with tgl.GradientTape() as outer:
        with tgl.GradientTape() as inner:
            inner.watch(x)
            y = x * x * x
        outer.watch(x)
        g = getattr(inner, method)(y, x)
    assert outer.gradient(g, x).item() == 12.0


def test_a_tape_that_does_not_watch_variables_by_itself(x, cube):
    tape, y = cube
    with tgl.GradientTape(watch_accessed_variables=False) as outer:
        s = tape.gradient(y, x) + x
    assert outer.gradient(s, x) is None


def test_assigned_in_between(x, cube):
    tape, y = cube
    x.assign(5.0)
    with tgl.GradientTape() as outer:
        s = tape.gradient(y, x) * x  # 3·2² of then, times 5
    assert s.item() == 60.0
    assert outer.gradient(s, x).item() == 12.0 * 5.0 + 12.0


def test_three_deep_each_opened_later(x):
    with tgl.GradientTape() as first:
        y = x**5
    with tgl.GradientTape() as second:
        a = first.gradient(y, x) + x
    with tgl.GradientTape() as third:
        b = second.gradient(a, x) + x
    with tgl.GradientTape() as fourth:
        c = third.gradient(b, x) + x
    assert [y.item() for y in (a, b, c)] == [80 + 2, 160 + 1 + 2, 240 + 1 + 2]
    assert fourth.gradient(c, x).item() == 240 + 1


def test_a_tape_stopped_while_it_was_computed(x):
    with tgl.GradientTape() as outer:
        with outer.stop_recording(), tgl.GradientTape() as inner:
            y = x * x * x
        s = inner.gradient(y, x) + x
    assert outer.gradient(s, x).item() == 13.0


def test_a_gradient_taken_while_the_other_is_stopped_is_a_constant(x, cube):
    tape, y = cube
    with tgl.GradientTape() as outer:
        with outer.stop_recording():
            g = tape.gradient(y, x)
        s = g * x
    assert outer.gradient(s, x).item() == 12.0


def test_reset_in_between(x, cube):
    tape, y = cube
    with tgl.GradientTape() as outer:
        tape.gradient(y, x)
        outer.reset()
        s = tape.gradient(y, x) + x
    assert outer.gradient(s, x).item() == 13.0


def test_intermediate_sources_and_weights_of_targets(x):
    with tgl.GradientTape(persistent=True) as inner:
        h = x * x
        y = h * h * x
    with tgl.GradientTape() as outer:  # 2·h·x, with h a constant of before; as a function of x it is 2·x³
        s = inner.gradient(y, h)
    assert outer.gradient(s, x).item() == 24.0
    with tgl.GradientTape() as outer:
        outer.watch(h)
        s = inner.gradient(y, h)
    assert outer.gradient(s, [h, x])[0].item() == 4.0
    with tgl.GradientTape() as outer:
        s = inner.gradient(h, x, output_gradients=y)  # the weight is a constant of before
    assert outer.gradient(s, x).item() == 2 * 32.0


def test_custom_gradients_that_hold_old_tensors(x):
    @tgl.custom_gradient
    def square_of_double(h):
        doubled = h * 2.0
        return doubled * doubled, lambda g: g * 4.0 * doubled

    with tgl.GradientTape() as inner:
        y = square_of_double(x * x)
    with tgl.GradientTape() as outer:
        s = inner.gradient(y, x) + x  # (4·x⁴)' = 16·x³, and again 48·x²
    assert s.item() == 130.0
    assert outer.gradient(s, x).item() == 48 * 4 + 1.0


def test_outputs_of_several_at_once(x):
    with tgl.GradientTape() as inner:
        a, b = tgl.split(tgl.stack([x * x, x * x * x]), 2)
        y = (a * b).sum()
    with tgl.GradientTape() as outer:
        s = inner.gradient(y, x) + x  # 5·x⁴
    assert outer.gradient(s, x).item() == 20 * 8 + 1.0


class TestGradientsAreTensorsOfTheirOwn:
    @pytest.mark.parametrize("recorded", [False, True])
    def test_one_source_twice(self, x, recorded):
        with tgl.GradientTape(persistent=True) as outer:
            with tgl.GradientTape(persistent=True) as inner:
                y = x * x * x
            if recorded:
                a, b = inner.gradient(y, [x, x])
        if not recorded:
            a, b = inner.gradient(y, {"a": x, "b": x}).values()
            outer = tgl.GradientTape()
        with outer:
            outer.watch([a, b])
            z = a * a * b
        assert a is not b
        assert [g.item() for g in outer.gradient(z, [a, b])] == [2 * 12.0**2, 12.0**2]

    @pytest.mark.parametrize("method", ["gradient", "jacobian"])
    def test_two_sources_with_one_gradient(self, x, method):
        w = tgl.Variable(5.0, dtype="float64")
        with tgl.GradientTape(persistent=True) as outer:
            with tgl.GradientTape() as inner:
                y = x + w  # the rules hand on what they got
            a, b = getattr(inner, method)(y, [x, w])
            outer.watch([a, b])
            z = a * a * b * 3.0
        assert [g.item() for g in outer.gradient(z, [a, b])] == [6.0, 3.0]

    def test_a_gradient_is_not_the_weight_that_was_given(self, x):
        g = tgl.Variable(4.0, dtype="float64")
        for weight in (g, g * 1.0, tgl.constant(4.0, "float64")):
            with tgl.GradientTape(persistent=True) as outer:
                outer.watch(weight)
                with tgl.GradientTape() as inner:
                    y = x * 1.0
                    z = y + 0.0
                a = inner.gradient(z, y, output_gradients=weight)
                outer.watch(a)
                q = a * a * weight
            assert a is not weight
            assert [p.item() for p in outer.gradient(q, [a, weight])] == [32.0, 16.0 + 32.0]

    def test_in_a_function(self, x):
        @tgl.function
        def f(x):
            with tgl.GradientTape() as outer:
                with tgl.GradientTape() as inner:
                    inner.watch(x)
                    y = x * x * x
                a, b = inner.gradient(y, [x, x])
                outer.watch([a, b])
                z = a * a * b
            return outer.gradient(z, [a, b])

        for value in (2.0, 3.0):
            slope = 3 * value**2
            assert [g.item() for g in f(tgl.constant(value))] == [2 * slope**2, slope**2]


@pytest.mark.parametrize("seed", range(3))
def test_many_gradients_of_one_record_stay_apart(seed):
    rng = np.random.default_rng(seed)
    x = tgl.Variable(rng.normal(size=3))
    with tgl.GradientTape(persistent=True) as inner:
        ys = [tgl.sin(x * k) * x for k in (1.0, 2.0)]
    with tgl.GradientTape() as outer:
        s = sum(inner.gradient(y, x).sum() for y in ys for _ in range(2))
    k, v = np.array([[1.0], [2.0]]), x.numpy()
    expected = 2 * (2 * k * np.cos(k * v) - k**2 * v * np.sin(k * v)).sum(axis=0)
    np.testing.assert_allclose(outer.gradient(s, x).numpy(), expected, rtol=1e-12)


def test_a_tape_opened_in_the_middle_of_a_computation(x):
    w = tgl.Variable(3.0, dtype="float64")
    with tgl.GradientTape() as first:
        h = x * x
        with tgl.GradientTape() as second:
            y = tgl.sin(h * w)  # of the second tape, but as computed from a constant h
            a = first.gradient(y, w)  # h·cos(h·w)
            s = a + h
    expected = 4 * (np.cos(12.0) - 12.0 * np.sin(12.0))  # with h as x², times its derivative
    np.testing.assert_allclose(second.gradient(s, x).numpy(), expected, rtol=1e-12)


def test_what_is_watched_after_it_was_used():
    x, v = tgl.constant(2.0), tgl.Variable(3.0)
    with tgl.GradientTape() as other:
        other.watch(x)  # so that it has an identity
    with tgl.GradientTape() as tape:
        y = x * v
        tape.watch(x)
        z = y + x * v
    assert [g.item() for g in tape.gradient(z, [x, v])] == [3.0, 4.0]


@pytest.mark.parametrize("order", [lambda g, v: g() + v, lambda g, v: v + g()])
def test_variables_that_the_other_tape_was_told_not_to_watch(x, order):
    v = tgl.Variable(5.0, dtype="float64")
    with tgl.GradientTape(watch_accessed_variables=False) as inner:
        inner.watch(x)
        y = x * v * v
    with tgl.GradientTape() as outer:
        s = order(lambda: inner.gradient(y, x), v)  # v² + v
    assert outer.gradient(s, v).item() == 11.0
