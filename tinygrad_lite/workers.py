"""Pieces of one computation on more than one thread: for NumPy calls on large arrays, which release the GIL.

There is one small pool for the process, made when it is first needed. The caller works through the pieces himself,
and the pool's threads take from the same queue what they get hold of: on a busy machine the caller does nearly all of
it, and never waits for a thread that has not begun.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

__all__ = ["share", "thread_count"]

MOST_THREADS = 4
"""More threads than these wait for memory."""

_pool: Any = None


def thread_count() -> int:
    """How many threads may work: what the environment's `TINYGRAD_LITE_NUM_THREADS` says, else one.

    No more than there are processors for this process, nor than `MOST_THREADS`.

    Examples
    --------
    >>> 1 <= thread_count() <= MOST_THREADS
    True
    """
    given = os.environ.get("TINYGRAD_LITE_NUM_THREADS", "")
    return max(1, min(int(given), MOST_THREADS, _processors())) if given.isdecimal() else 1


def _processors() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on this system
        return os.cpu_count() or 1


def share(work: Callable[[int, Any], None], pieces: Iterable[Any], threads: int) -> None:
    """Call `work(thread, piece)` once for each piece, on so many threads; return when all are done.

    Parameters
    ----------
    work : callable
        Takes the number of the thread, from 0 (the caller) to `threads - 1`, and a piece. Has the caller's
        `np.errstate`.
    pieces : iterable
    threads : int

    Raises
    ------
    Exception
        What `work` raised, once no thread is at work any more.

    Examples
    --------
    >>> squares = np.zeros(4)
    >>> share(lambda thread, n: squares.__setitem__(n, n * n), range(4), threads=2)
    >>> squares
    array([0., 1., 4., 9.])
    """
    if threads == 1:
        for piece in pieces:
            work(0, piece)
        return
    queue = deque(pieces)

    def run(thread: int) -> None:
        while True:
            try:
                piece = queue.popleft()  # which no two threads can do at once
            except IndexError:
                return
            work(thread, piece)

    settings = np.geterr()
    call: Any = np.geterrcall()

    def run_elsewhere(thread: int) -> None:
        with np.errstate(**settings, call=call):
            run(thread)

    helpers = []
    try:
        pool = _get_pool()
        helpers = [pool.submit(run_elsewhere, thread) for thread in range(1, threads)]
    except RuntimeError:  # the interpreter is shutting down, or may start no more threads
        pass
    try:
        run(0)
    finally:
        queue.clear()  # after an exception nobody begins anything more
        running = [helper for helper in helpers if not helper.cancel()]
        failures = [helper.exception() for helper in running]
    for failure in failures:
        if failure is not None:
            raise failure


def _get_pool() -> Any:
    global _pool
    if _pool is None:
        from concurrent.futures import ThreadPoolExecutor  # not at import: it takes its time

        _pool = ThreadPoolExecutor(MOST_THREADS - 1, thread_name_prefix="tinygrad_lite")
    return _pool


def _forget_pool() -> None:
    """In a forked process: the threads are not there."""
    global _pool
    _pool = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_pool)
