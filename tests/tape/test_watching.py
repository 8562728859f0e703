"""What a tape watches, and what it answers for what it does not."""

import numpy as np
import pytest

import tinygrad_lite as tgl


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

    def test_trainable_variables_of_integers_are_named_and_have_no_gradient(self):
        n, v, off = tgl.Variable(3), tgl.Variable(2.0), tgl.Variable(3, trainable=False)
        with tgl.GradientTape() as tape:
            y = tgl.cast(n, "float32") * v * tgl.cast(off, "float32")
        assert tape.watched_variables() == (n, v)
        assert [g and g.item() for g in tape.gradient(y, tape.watched_variables())] == [None, 9.0]
        with tgl.GradientTape(watch_accessed_variables=False) as tape:
            tgl.cast(n, "float32")
        assert tape.watched_variables() == ()

    def test_what_is_watched_between_two_uses_is_watched_in_the_second(self):
        x, z, v = tgl.constant(3.0), tgl.constant(1.0), tgl.Variable(2.0)
        tape = tgl.GradientTape()
        with tape:
            y = v * x
        tape.gradient(y, v)
        tape.watch([x, z])
        assert tape.watched_variables() == (v,)
        with pytest.raises(RuntimeError, match="one set of gradients"):
            tape.gradient(y, x)
        with tape:
            y = x * x
        assert tape.watched_variables() == ()
        assert tape.gradient(y, [x, z], unconnected_gradients="zero") == [6.0, 0.0]
        with tape:
            y = x * x
        assert tape.gradient(y, x) is None

    def test_what_is_watched_before_the_first_use_is_watched_in_it(self):
        x, tape = tgl.constant(3.0), tgl.GradientTape()
        tape.watch(x)
        with tape:
            y = x * x
        assert tape.gradient(y, x).item() == 6.0
        tape.watch(x)
        tape.reset()
        with tape:
            y = x * x
        assert tape.gradient(y, x) is None

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
