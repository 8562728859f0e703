"""Randomness: `numpy.random.Generator`s spawned from one seed, a stream for every name.

A stream's draws depend on the seed, on its name and on how many streams of that name were asked for before
it, and on nothing else: adding a layer called "dropout" does not change what the layer "dense" draws.
"""

from __future__ import annotations

import threading
import zlib

import numpy as np

__all__ = ["default_stream", "set_seed", "stream"]

_lock = threading.Lock()
_entropy: int | None = None  # drawn from the system when first needed, unless `set_seed` comes before
_taken: dict[str, int] = {}
_default: np.random.Generator | None = None


def set_seed(seed: int) -> None:
    """Start all randomness of the package afresh from `seed`.

    Layers made and models trained after this call draw the same numbers every time; layers made before keep
    the streams that they have.

    Parameters
    ----------
    seed : int
        Not negative.

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
    global _entropy, _default
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)):
        raise TypeError(f"set_seed expected an integer. Received: seed={seed!r}. Try set_seed(0).")
    if seed < 0:
        raise ValueError(f"set_seed expected a seed of at least 0. Received: seed={seed}. Try {-int(seed)}.")
    with _lock:
        _entropy = int(seed)
        _taken.clear()
        _default = None


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
    global _entropy
    with _lock:
        if _entropy is None:
            _entropy = np.random.SeedSequence().entropy  # type: ignore[assignment]
        count = _taken.get(name, 0)
        _taken[name] = count + 1
        key = (zlib.crc32(name.encode()), count)
        return np.random.default_rng(np.random.SeedSequence(_entropy, spawn_key=key))


def default_stream() -> np.random.Generator:
    """The stream that functions without a stream of their own draw from, dropout for one.

    Examples
    --------
    >>> set_seed(0)
    >>> 0 <= default_stream().random() < 1
    True
    """
    global _default
    if _default is None:
        _default = stream("default")
    return _default
