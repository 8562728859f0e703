"""Random streams: `numpy.random.Generator`s spawned from one seed, a stream for each name.

The numbers of a stream depend only on the seed, its name, and how many streams of that name were made before it.
So adding a layer called "dropout" does not change what the layer "dense" draws. A thread that calls `set_seed` has
separate streams from then on, so that its results do not depend on other threads. All other threads share the main
thread's streams.
"""

from __future__ import annotations

import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

__all__ = ["default_stream", "seeded_stream", "set_seed", "stream"]


class _Streams:
    """All streams that come from one seed."""

    def __init__(self, seed: int | None = None) -> None:
        self._lock = threading.RLock()
        self._entropy = seed  # None: drawn from the system at first use
        self._counts: dict[str, int] = {}
        self._default: np.random.Generator | None = None
        self._seeded: dict[int, np.random.Generator] = {}

    def stream(self, name: str) -> np.random.Generator:
        with self._lock:
            if self._entropy is None:
                self._entropy = np.random.SeedSequence().entropy  # type: ignore[assignment]
            count = self._counts.get(name, 0)
            self._counts[name] = count + 1
            key = (zlib.crc32(name.encode()), count)
            return np.random.default_rng(np.random.SeedSequence(self._entropy, spawn_key=key))

    def default(self) -> np.random.Generator:
        with self._lock:
            if self._default is None:
                self._default = self.stream("default")
            return self._default

    def seeded(self, seed: int) -> np.random.Generator:
        with self._lock:
            return self._seeded.setdefault(seed, np.random.default_rng(seed))


class _ThreadStreams(threading.local):
    """The streams of a thread that has called `set_seed`."""

    streams: _Streams | None = None


_shared = _Streams()
_thread_streams = _ThreadStreams()


def _current() -> _Streams:
    return _thread_streams.streams or _shared


def set_seed(seed: int) -> None:
    """Restart all random streams of the package from `seed`.

    Layers made and models trained after this call draw the same numbers every time. Layers made before keep
    their streams. In the main thread, the seed is set for the whole process; in another thread, for that thread only.

    Parameters
    ----------
    seed : int
        Zero or more.

    Raises
    ------
    TypeError, ValueError
        `seed` is not an integer, or is negative.

    Examples
    --------
    >>> set_seed(7)
    >>> first = default_stream().random()
    >>> set_seed(7)
    >>> default_stream().random() == first
    True
    """
    global _shared
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)):
        raise TypeError(f"set_seed expected an integer. Received: seed={seed!r}. Try set_seed(0).")
    if seed < 0:
        raise ValueError(f"set_seed expected a seed of at least 0. Received: seed={seed}. Try {-int(seed)}.")
    if threading.current_thread() is threading.main_thread():
        _shared = _Streams(int(seed))
    else:
        _thread_streams.streams = _Streams(int(seed))


@contextmanager
def set_aside() -> Iterator[None]:
    """A context in which this thread draws from separate streams; afterwards its former streams are unchanged."""
    before, _thread_streams.streams = _thread_streams.streams, _Streams(0)
    try:
        yield
    finally:
        _thread_streams.streams = before


def stream(name: str) -> np.random.Generator:
    """A new stream of random numbers called `name`, independent of all others.

    Parameters
    ----------
    name : str
        The second stream of the same name since `set_seed` differs from the first, the third from both.

    Examples
    --------
    >>> set_seed(0)
    >>> a = stream("dense").random()
    >>> set_seed(0)
    >>> other, b = stream("dropout").random(), stream("dense").random()
    >>> a == b
    True
    """
    return _current().stream(name)


def default_stream() -> np.random.Generator:
    """The stream of functions that have no separate one, such as dropout.

    Examples
    --------
    >>> set_seed(0)
    >>> 0 <= default_stream().random() < 1
    True
    """
    return _current().default()


def seeded_stream(seed: int) -> np.random.Generator:
    """The stream of a seed, the same for all callers, as in TensorFlow's operations; `set_seed` restarts it.

    Examples
    --------
    >>> set_seed(0)
    >>> first = seeded_stream(1).random()
    >>> set_seed(5)
    >>> seeded_stream(1).random() == first
    True
    """
    return _current().seeded(seed)
