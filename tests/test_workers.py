"""Blocks on several threads: the same numbers, the caller's errstate, errors, forks."""

import os
import threading

import numpy as np
import pytest

import tinygrad_lite as tgl
from tinygrad_lite import optim, workers


@pytest.fixture
def three_threads(monkeypatch):
    monkeypatch.setenv("TINYGRAD_LITE_NUM_THREADS", "3")
    monkeypatch.setattr(workers, "_processors", lambda: 3)


def test_one_thread_unless_asked_for(monkeypatch):
    monkeypatch.delenv("TINYGRAD_LITE_NUM_THREADS", raising=False)
    assert workers.thread_count() == 1
    monkeypatch.setattr(workers, "_processors", lambda: 16)
    monkeypatch.setenv("TINYGRAD_LITE_NUM_THREADS", "2")
    assert workers.thread_count() == 2
    monkeypatch.setenv("TINYGRAD_LITE_NUM_THREADS", "99")
    assert workers.thread_count() == workers.MOST_THREADS
    for nonsense in ("0", "-1", "two", ""):
        monkeypatch.setenv("TINYGRAD_LITE_NUM_THREADS", nonsense)
        assert workers.thread_count() == 1


def test_every_piece_is_done_once():
    done = []
    workers.share(lambda thread, piece: done.append(piece), range(1000), 3)
    assert sorted(done) == list(range(1000))


def test_several_threads_work_at_once():
    meeting = threading.Barrier(3, timeout=30)  # broken, and an error, unless three are there
    seen = []

    def work(thread, piece):
        meeting.wait()
        seen.append((thread, threading.get_ident()))

    workers.share(work, range(3), 3)
    assert {thread for thread, _ in seen} == {0, 1, 2}
    assert len({ident for _, ident in seen}) == 3


def test_an_error_of_any_thread_reaches_the_caller():
    meeting = threading.Barrier(2, timeout=30)

    def work(thread, piece):
        meeting.wait()
        if thread == 1:
            raise ValueError("of the other thread")

    with pytest.raises(ValueError, match="of the other thread"):
        workers.share(work, range(2), 2)


def test_the_errstate_of_the_caller_is_that_of_all_threads():
    meeting = threading.Barrier(2, timeout=30)
    found = []

    def work(thread, piece):
        meeting.wait()
        found.append(np.geterr())

    with np.errstate(over="raise", divide="ignore"):
        workers.share(work, range(2), 2)
        assert found == [np.geterr()] * 2


@pytest.mark.parametrize("name", ["sgd", "momentum", "rmsprop", "adagrad", "adam"])
@pytest.mark.parametrize("options", [{}, {"clipvalue": 0.5, "weight_decay": 0.1}, {"clipnorm": 1.0}])
def test_threads_do_not_show(name, options, monkeypatch, three_threads):
    monkeypatch.setattr(optim, "BLOCK", 64)
    monkeypatch.setattr(optim, "LARGE", 256)
    rng = np.random.default_rng(0)
    start, gradients = rng.normal(size=(41, 17)), rng.normal(size=(3, 41, 17))

    def trained(threads):
        monkeypatch.setenv("TINYGRAD_LITE_NUM_THREADS", threads)
        optimizer, w = type(optim.get(name))(**options), tgl.Variable(start)
        for g in gradients:
            optimizer.apply_gradients([(tgl.constant(g), w)])
        return [v.numpy() for v in (w, *optimizer.variables)]

    for one, three in zip(trained("1"), trained("3")):
        np.testing.assert_array_equal(one, three)


def test_a_rule_of_the_user_runs_on_the_thread_that_called(monkeypatch, three_threads):
    monkeypatch.setattr(optim, "BLOCK", 64)
    monkeypatch.setattr(optim, "LARGE", 256)
    seen = set()

    class Own(optim.SGD):
        def update(self, w, g, slots, scratch, learning_rate, step):
            seen.add(threading.get_ident())
            super().update(w, g, slots, scratch, learning_rate, step)

    w = tgl.Variable(np.zeros(1000))
    Own(1.0).apply_gradients([(tgl.constant(np.ones(1000)), w)])
    assert seen == {threading.get_ident()}
    assert (w.numpy() == -1).all()


@pytest.mark.skipif(not hasattr(os, "register_at_fork"), reason="this system does not fork")
def test_a_forked_process_makes_threads_of_its_own():
    workers.share(lambda thread, piece: None, range(4), 2)
    pool = workers._pool
    try:
        workers._forget_pool()  # what a forked child begins with
        meeting = threading.Barrier(2, timeout=30)
        workers.share(lambda thread, piece: meeting.wait(), range(2), 2)
        assert workers._pool is not pool
    finally:
        workers._pool.shutdown()
        workers._pool = pool
