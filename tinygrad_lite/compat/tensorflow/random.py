"""`tf.random`: tensors of random numbers, with TensorFlow's arguments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygrad_lite import ops
from tinygrad_lite import random as ours
from tinygrad_lite.compat.names import names_of
from tinygrad_lite.core.tensor import Tensor, TensorLike, to_tensor
from tinygrad_lite.random import streams
from tinygrad_lite.utils.types import DTypeLike

__all__ = ["normal", "set_seed", "shuffle", "uniform"]


def set_seed(seed: int) -> None:
    """Seed all random numbers, as `tgl.random.set_seed` does.

    Examples
    --------
    >>> set_seed(1)
    >>> first = uniform([2]).numpy()
    >>> set_seed(1)
    >>> bool((uniform([2]).numpy() == first).all())
    True
    """
    streams.set_seed(seed)


def uniform(
    shape: Sequence[int] | Tensor,
    minval: float = 0,
    maxval: float | None = None,
    dtype: DTypeLike | None = np.float32,
    seed: int | None = None,
    name: str | None = None,
) -> Tensor:
    """Numbers drawn evenly from [`minval`, `maxval`); `maxval` is 1 by default, and needed for integers.

    Examples
    --------
    >>> uniform([2, 3], minval=0, maxval=10, dtype="int32").shape
    (2, 3)
    """
    kind = np.dtype(dtype)
    bounds: tuple[Any, Any] = (minval, maxval)
    if kind.kind in "iu":
        if maxval is None:
            raise ValueError(f"tf.random.uniform expected maxval for the dtype {kind}. Received: maxval=None.")
        return Tensor(_generator(seed).integers(*bounds, _shape(shape)).astype(kind))
    high = 1 if maxval is None else maxval
    if seed is None:
        return ours.uniform(_shape(shape), minval, high, kind)
    return Tensor(_generator(seed).uniform(minval, high, _shape(shape)).astype(kind))


def normal(
    shape: Sequence[int] | Tensor,
    mean: float = 0.0,
    stddev: float = 1.0,
    dtype: DTypeLike | None = np.float32,
    seed: int | None = None,
    name: str | None = None,
) -> Tensor:
    """Numbers drawn from the normal distribution.

    Examples
    --------
    >>> normal([2, 3], stddev=0.1).shape
    (2, 3)
    """
    if seed is None:
        return ours.normal(_shape(shape), mean, stddev, np.dtype(dtype))
    return Tensor(_generator(seed).normal(mean, stddev, _shape(shape)).astype(dtype))


def shuffle(value: TensorLike, seed: int | None = None, name: str | None = None) -> Tensor:
    """`value` with its first axis in random order.

    Examples
    --------
    >>> sorted(shuffle([1.0, 2.0, 3.0]).tolist())
    [1.0, 2.0, 3.0]
    """
    value = to_tensor(value)
    return ops.take(value, _generator(seed).permutation(len(value)), axis=0)


def _generator(seed: int | None) -> np.random.Generator:
    """Where an operation draws from: the stream of its own seed, or the one that all share."""
    return streams.default_stream() if seed is None else streams.seeded_stream(seed)


def _shape(shape: Sequence[int] | Tensor) -> tuple[int, ...]:
    return tuple(int(length) for length in shape)


__getattr__, __dir__ = names_of(__name__, {})
