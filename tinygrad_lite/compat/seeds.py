"""Seeds as TensorFlow has them: one for all, and one for an operation, whose numbers go on from call to call."""

from __future__ import annotations

import numpy as np

from tinygrad_lite import streams

_of_operations: dict[int, np.random.Generator] = {}


def set_seed(seed: int) -> None:
    """Start all randomness afresh from `seed`, also that of operations with a seed of their own."""
    _of_operations.clear()
    streams.set_seed(seed)


def generator(seed: int | None) -> np.random.Generator:
    """Where an operation draws from: the stream of its own seed, or the one that all share."""
    if seed is None:
        return streams.default_stream()
    return _of_operations.setdefault(seed, np.random.default_rng(seed))
