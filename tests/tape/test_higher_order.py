"""Derivatives of derivatives, and Jacobians."""

import numpy as np
import pytest

import tinygrad_lite as tgl
from tinygrad_lite.core.record import backwards, between, entries_of, leads_to


def counted():
    """A primitive that gives its argument back, and the list to which its rule adds at every call."""
    calls = []

    @tgl.primitive
    def probe(x):
        return x * 1.0

    probe.defvjp(lambda g, y, x: calls.append(1) or g)
    return probe, calls


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

    def test_jacobian_takes_one_tensor_and_says_so(self):
        v = tgl.Variable([1.0])
        with tgl.GradientTape(persistent=True) as tape:
            y = v * v
        with pytest.raises(TypeError, match=r"one Tensor as target\. Received: list"):
            tape.jacobian([y], v)
        with pytest.raises(TypeError, match=r"tape\.jacobian expected a Tensor as target\. Received: 3\.0"):
            tape.jacobian(3.0, v)
        with pytest.raises(TypeError, match=r"tape\.jacobian expected a Tensor as source.*tgl\.constant"):
            tape.jacobian(y, [np.ones(1)])
        with pytest.raises(TypeError, match=r"batch_jacobian expected one Tensor as source"):
            tape.batch_jacobian(y, [v])

    def test_batch_jacobian(self):
        x = tgl.Variable(np.arange(6.0).reshape(3, 2))
        with tgl.GradientTape(persistent=True) as tape:
            y = tgl.stack([x[:, 0] * x[:, 1], x[:, 0], x[:, 1] ** 2], axis=1)
        full = tape.jacobian(y, x).numpy()
        batch = tape.batch_jacobian(y, x).numpy()
        np.testing.assert_array_equal(batch, np.stack([full[n, :, n] for n in range(3)]))
        with pytest.raises(ValueError, match=r"same first axis.*\(3, 3\).*\(2,\)"):
            tape.batch_jacobian(y, tgl.Variable([1.0, 2.0]))
        with pytest.raises(ValueError, match=r"'none' or 'zero'\. Received: unconnected_gradients='nothing'"):
            tape.batch_jacobian(y, x, unconnected_gradients="nothing")

    def test_batch_jacobian_of_nothing(self):
        x = tgl.Variable(np.ones((3, 2)))
        with tgl.GradientTape() as tape:
            y = x[:, :0]
        jacobian = tape.batch_jacobian(y, x)
        assert (jacobian.shape, jacobian.dtype) == ((3, 0, 2), np.float64)

    def test_jacobian_of_a_gradient_is_the_hessian(self):
        x = tgl.Variable([1.0, 2.0], dtype="float64")
        with tgl.GradientTape() as outer:
            with tgl.GradientTape() as inner:
                y = x[0] ** 3 * x[1] ** 2
            gradient = inner.gradient(y, x)
        hessian = outer.jacobian(gradient, x)
        assert hessian.tolist() == [[24.0, 12.0], [12.0, 2.0]]

    def test_third_derivatives_through_jacobians_alone(self):
        x = tgl.Variable([1.0, 2.0], dtype="float64")
        with tgl.GradientTape() as a:
            with tgl.GradientTape() as b:
                with tgl.GradientTape() as c:
                    y = x[0] ** 3 * x[1] ** 2
                gradient = c.jacobian(y, x)
            hessian = b.jacobian(gradient, x)
        third = a.jacobian(hessian, x).numpy()
        np.testing.assert_allclose(third, [[[24, 24], [24, 6]], [[24, 6], [6, 0]]])  # of x0³·x1², symmetric

    def test_batch_jacobian_is_differentiable(self):
        x = tgl.Variable([[1.0], [2.0]])
        with tgl.GradientTape() as outer:
            with tgl.GradientTape() as inner:
                y = x * x * x
            each = inner.batch_jacobian(y, x)
        assert each.tolist() == [[[3.0]], [[12.0]]]
        assert outer.gradient(each, x).tolist() == [[6.0], [12.0]]

    def test_mixed_derivatives_of_several_sources(self):
        a, b = tgl.Variable(2.0), tgl.Variable(3.0)
        with tgl.GradientTape(persistent=True) as tape:
            y = a * a * b
            da, db = tape.gradient(y, [a, b])
        assert [g.item() for g in tape.gradient(da, [a, b])] == [6.0, 4.0]
        assert tape.gradient(db, a).item() == 4.0
        assert tape.gradient(db, b) is None

    @pytest.mark.parametrize("persistent", [False, True])
    def test_a_tape_opened_later_learns_what_it_missed(self, persistent):
        x, z = tgl.constant(2.0), tgl.constant(5.0)
        with tgl.GradientTape(persistent=persistent) as inner:
            inner.watch([x, z])
            y = tgl.exp(x * x) * z * z
        with tgl.GradientTape() as outer:
            outer.watch(x)
            first = inner.gradient(y, x)
        assert first.item() == pytest.approx(100 * np.exp(4.0))  # 2x·exp(x²)·z²
        assert outer.gradient(first, x).item() == pytest.approx(450 * np.exp(4.0))  # (2 + 4x²)·exp(x²)·z²

    def test_what_a_tape_missed_of_a_record_that_goes_on(self):
        x = tgl.constant(3.0)
        with tgl.GradientTape(persistent=True) as inner:
            inner.watch(x)
            y = x * x * x
        with tgl.GradientTape() as outer:
            outer.watch(x)
            with inner:
                z = y * 2.0
            first = inner.gradient(z, x)
        assert first.item() == 54.0
        assert outer.gradient(first, x).item() == 36.0

    def test_gradients_of_broadcast_arguments_are_added_up_while_recorded(self):
        x = tgl.Variable([2.0])
        with tgl.GradientTape() as outer:
            with tgl.GradientTape() as inner:
                y = x * x * np.ones((3, 2), np.float32)
            first = inner.gradient(y, x)
        assert first.tolist() == [24.0]
        assert outer.gradient(first, x).tolist() == [12.0]

    def test_a_tape_that_was_stopped_learns_nothing(self):
        v = tgl.Variable(3.0)
        with tgl.GradientTape() as outer:
            with tgl.GradientTape() as inner:
                with outer.stop_recording():
                    factor = v * v
                y = v * v * factor
            first = inner.gradient(y, v)
        assert first.item() == 4 * 27.0
        # For the outer tape the factor is a constant: the first derivative is 2v·factor + v²·2v.
        assert outer.gradient(first, v).item() == 2 * 9.0 + 2 * 3 * 9.0

    def test_jacobians_teach_too(self):
        v = tgl.Variable([2.0])
        with tgl.GradientTape() as inner:
            y = v * v * v
        with tgl.GradientTape() as outer:
            outer.watch(v)
            first = inner.jacobian(y, v)
        assert outer.gradient(first, v).tolist() == [12.0]

    @pytest.mark.parametrize("recorded", [False, True])
    def test_gradients_do_not_run_rules_off_the_way(self, recorded):
        probe, calls = counted()
        x, w = tgl.Variable([1.0, 2.0]), tgl.Variable([1.0, 2.0])
        with tgl.GradientTape(persistent=True) as tape:
            y = x * probe(w)
            answer = tape.gradient(y, x) if recorded else None
        answer = answer if recorded else tape.gradient(y, x)
        assert answer.tolist() == [1.0, 2.0]
        assert calls == []
        assert tape.gradient(y, w).tolist() == [1.0, 2.0]
        assert calls == [1]

    def test_jacobian_does_not_run_rules_off_the_way(self):
        probe, calls = counted()
        x, w = tgl.Variable([1.0, 2.0]), tgl.Variable([1.0, 2.0])
        with tgl.GradientTape(persistent=True) as tape:
            y = x * probe(w)
            probe(x)
        assert tape.jacobian(y, x).tolist() == [[1.0, 0.0], [0.0, 2.0]]
        assert calls == []
        assert tape.jacobian(y, w).tolist() == [[1.0, 0.0], [0.0, 2.0]]
        assert calls == [1, 1]

    def test_a_jacobian_costs_little_more_than_its_rows(self):
        """A long record beside the way to the source is walked once, not once for every row."""
        x, w = tgl.Variable(np.ones(100)), tgl.Variable(1.0)
        with tgl.GradientTape(persistent=True) as tape:
            for _ in range(3000):
                w * 2.0
            y = x * x
        entries = between(leads_to({x._id}, entries_of(tape._record)), {y._id}, backwards(tape._record))
        assert [entry[0] for entry in entries] == [tgl.multiply]
        np.testing.assert_array_equal(tape.jacobian(y, x).numpy(), 2 * np.eye(100))
