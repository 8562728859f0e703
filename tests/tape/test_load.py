"""Long records, memory, threads."""

import contextlib
import gc
import threading
import time
import tracemalloc
import weakref

import numpy as np
import pytest

import tinygrad_lite as tgl
from tinygrad_lite.core.record import FIELDS, recording_tapes


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

    @pytest.mark.parametrize("name", ["nested", "persistent", "custom", "jacobian", "functional", "given up", "failed"])
    def test_nothing_needs_the_garbage_collector(self, name):
        v, w = tgl.Variable(np.ones(5)), tgl.Variable(2.0, dtype="float64")
        times_w = tgl.custom_gradient(lambda x: (x * w, lambda g, variables: (g * w, [(g * x).sum()])))

        def use(kind):
            with tgl.GradientTape(persistent=kind == "persistent") as outer:
                with tgl.GradientTape() as inner:
                    y = (times_w(v) if kind == "custom" else v * v * v).sum()
                if kind == "given up":
                    return
                if kind == "failed":
                    raise ZeroDivisionError
                first = inner.jacobian(y, v) if kind == "jacobian" else inner.gradient(y, v)
            outer.gradient(first, v)
            if kind == "functional":
                tgl.value_and_gradient(lambda x: (x * x).sum())(np.ones(3))
                tgl.hessian_vector_product(lambda x: (x * x).sum(), np.ones(3), np.ones(3))

        for _ in range(2):  # the first time fills caches
            gc.collect()
            gc.disable()
            try:
                for _ in range(5):
                    with contextlib.suppress(ZeroDivisionError):
                        use(name)
                found = gc.collect()
            finally:
                gc.enable()
        assert found == 0

    def test_nothing_global_holds_a_tensor(self):
        v = tgl.Variable(np.ones(10))
        with tgl.GradientTape() as tape:
            y = tgl.exp(v)
            z = y * 2.0
        alive = [weakref.ref(x) for x in (v, y, z)]
        tape.gradient(z, v)
        del v, y, z, tape
        assert [ref() for ref in alive] == [None, None, None]

    @pytest.mark.parametrize("size", [3, 10_000])  # of small arrays, nothing is let go before the end
    @pytest.mark.parametrize("method", ["gradient", "jacobian"])
    def test_a_tape_that_was_used_holds_no_arrays(self, method, size):
        v = tgl.Variable(np.ones(size))
        with tgl.GradientTape() as tape:
            y = v
            for _ in range(5):
                y = tgl.exp(y * 0.1)
            target = y.sum()
        held = weakref.ref(y._array)
        del y
        getattr(tape, method)(target, v)
        assert held() is None
        assert not tape._record

    def test_entries_are_let_go_as_they_are_used(self):
        held = []

        @tgl.primitive
        def probe(x):
            return x * 1.0

        def rule(g, y, x):
            held.append(len(tape_record()) // FIELDS)
            return g

        probe.defvjp(rule)
        v = tgl.Variable(np.ones(10_000))  # large: what is small is let go at the end
        with tgl.GradientTape() as tape:
            y = v
            for _ in range(3):
                y = probe(y / 2.0)
        record = tape._record

        def tape_record():
            return record

        tape.gradient(y, v)
        assert held == [5, 3, 1]

    def test_a_record_gives_the_garbage_collector_nothing_to_visit(self):
        v = tgl.Variable(np.ones(3))

        def collected():
            for _ in range(3):  # tuples within tuples are let off one after the other
                gc.collect()
            return len(gc.get_objects())

        with tgl.GradientTape() as tape:
            y = v
            before = collected()
            for _ in range(500):
                y = tgl.sin(y) * 2.0
            assert collected() - before < 100
        assert len(tape.record()) == 1000

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

    def test_threads_share_a_variable_and_differentiate_it_at_once(self):
        w = tgl.Variable(np.arange(4.0))
        answers = {}

        def work(n):
            for _ in range(50):
                with tgl.GradientTape() as outer:
                    with tgl.GradientTape() as inner:
                        y = (w * w * w * float(n)).sum()
                    first = inner.gradient(y, w)
                answers[n] = outer.gradient(first, w).tolist()

        threads = [threading.Thread(target=work, args=(n,)) for n in range(1, 5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert answers == {n: [6.0 * n * x for x in range(4)] for n in range(1, 5)}

    def test_a_long_chain_of_custom_gradients(self):
        half = tgl.custom_gradient(lambda x: (x + 1.0, lambda g: g))
        v = tgl.Variable(0.0)
        with tgl.GradientTape() as tape:
            y = v
            for _ in range(3000):  # three times Python's limit of recursion
                y = half(y)
        assert (y.item(), tape.gradient(y, v).item()) == (3000.0, 1.0)

    def test_a_tape_that_is_given_up_lets_go_of_all(self):
        v = tgl.Variable(np.ones(10))
        with tgl.GradientTape(persistent=True) as outer:
            with tgl.GradientTape(persistent=True) as inner:
                y = tgl.exp(v) * v
            first = inner.gradient(y, v)
        second = outer.gradient(first, v)
        alive = [weakref.ref(x) for x in (v, y, first, second)]
        del v, y, first, second, outer, inner
        assert [ref() for ref in alive] == [None] * 4
