"""When a tape records, when it may be asked, and what it leaves behind."""

import threading

import pytest

import tinygrad_lite as tgl
from tinygrad_lite.core.record import enter_scopes, recording_tapes, scopes_of


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
        with pytest.raises(RuntimeError, match="never entered"):
            tgl.GradientTape().record()

    def test_whether_it_is_persistent(self):
        assert tgl.GradientTape(persistent=True).persistent is True
        assert tgl.GradientTape().persistent is False

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
        other = tgl.Variable(1.0)
        with tape:
            fresh = other * 3.0
        assert tape.watched_variables() == (other,)
        assert tape.gradient(fresh, other).item() == 3.0

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

    def test_a_persistent_tape_goes_on_when_entered_again(self):
        v = tgl.Variable(2.0)
        with tgl.GradientTape(persistent=True) as tape:
            y = v * v
        assert tape.gradient(y, v).item() == 4.0
        with tape:
            z = y * y
        assert tape.gradient(z, v).item() == 32.0
        assert tape.gradient(y, v).item() == 4.0

    def test_entering_a_tape_that_records_in_another_thread_raises(self):
        tape, inside, leave = tgl.GradientTape(), threading.Event(), threading.Event()

        def record():
            with tape:
                inside.set()
                leave.wait(10)

        thread = threading.Thread(target=record)
        thread.start()
        try:
            assert inside.wait(10)
            with pytest.raises(ValueError, match="recording already"), tape:
                pass
        finally:
            leave.set()
            thread.join()
        with tape:
            assert recording_tapes() == (tape,)

    def test_jacobian_inside_of_the_context_uses_the_tape_up(self):
        v = tgl.Variable([2.0])
        with tgl.GradientTape() as tape:
            y = v * v
            assert tape.jacobian(y, v).tolist() == [[4.0]]
            assert recording_tapes() == ()
        with pytest.raises(RuntimeError, match="non-persistent"):
            tape.batch_jacobian(y, v)

    def test_an_exception_inside_of_stop_recording_leaves_no_tape_behind(self):
        v = tgl.Variable(2.0)

        def fail(tape):
            with tape.stop_recording():
                raise ZeroDivisionError

        with tgl.GradientTape() as tape:
            y = v * v
            with pytest.raises(ZeroDivisionError):
                fail(tape)
            assert recording_tapes() == (tape,)
            y = y * v
        assert recording_tapes() == ()
        assert tape.gradient(y, v).item() == 12.0

    def test_an_exception_in_a_gradient_rule_leaves_no_tape_behind(self):
        @tgl.custom_gradient
        def broken(x):
            return x * 2, lambda g: 1 / 0

        v = tgl.Variable(2.0)

        def fail(tape):
            with tape:
                y = broken(v)
            tape.gradient(y, v)

        with pytest.raises(ZeroDivisionError), tgl.GradientTape() as outer:
            fail(tgl.GradientTape())
        assert recording_tapes() == ()
        assert outer.watched_variables() == (v,)

    def test_tapes_may_be_left_in_any_order(self):
        v, first, second = tgl.Variable(2.0), tgl.GradientTape(), tgl.GradientTape()
        first.__enter__()
        second.__enter__()
        y = v * v
        first.__exit__(None, None, None)
        assert recording_tapes() == (second,)
        z = y * 3.0
        second.__exit__(None, None, None)
        assert recording_tapes() == ()
        assert first.gradient(z, v) is None
        assert second.gradient(z, v).item() == 12.0

    def test_a_tape_that_was_stopped_for_a_while_is_recording_again(self):
        v = tgl.Variable(2.0)
        with tgl.GradientTape() as tape:
            y = v * v
            with tape.stop_recording():
                pass
            with pytest.raises(ValueError, match="recording already"):
                tape.__enter__()
            assert tape.gradient(y, v).item() == 4.0
            assert recording_tapes() == ()

    def test_the_layers_of_each_entry(self):
        v = tgl.Variable(2.0)
        with tgl.GradientTape(persistent=True) as tape:
            v * v
            enter_scopes(("model", "dense"))
            v * v
            v * v
            enter_scopes(("model",))
            enter_scopes(())
            v * v
        with tape:
            v * v
        assert list(scopes_of(tape)) == [(), ("model", "dense"), ("model", "dense"), (), ()]

    def test_a_tape_stopped_between_others_comes_back_to_its_place(self):
        with tgl.GradientTape() as a, tgl.GradientTape() as b, tgl.GradientTape() as c:
            with b.stop_recording():
                assert recording_tapes() == (a, c)
            assert recording_tapes() == (a, b, c)

    def test_output_gradients_are_remembered_by_persistent_tapes_alone(self):
        v, g = tgl.Variable([2.0]), tgl.constant([3.0])
        for persistent in (True, False):
            with tgl.GradientTape(persistent=persistent) as tape:
                y = v * v
            tape.gradient(y, v, output_gradients=g)
            assert tape._seeds == ({y._id: g} if persistent else {})

    def test_only_the_last_output_gradients_are_remembered(self):
        v, g = tgl.Variable([2.0]), tgl.constant([3.0])
        with tgl.GradientTape(persistent=True) as tape:
            y, z = v * v, v * 3.0
        tape.gradient([y, z], v, output_gradients=[g, g])
        tape.gradient([y, y], v, output_gradients=[g, g])
        assert {identity: seed.tolist() for identity, seed in tape._seeds.items()} == {y._id: [6.0]}
