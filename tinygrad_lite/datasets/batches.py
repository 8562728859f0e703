"""Cuts arrays into batches, in a new order every epoch.

Each `Batches` has one random generator, and every pass over it draws the next permutation. So two runs with the same
seed get the same batches in the same epochs.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Batches"]

Batch = NDArray[Any] | tuple[NDArray[Any], ...]


class Batches:
    """An iterable over batches of `x`, or of `x` and `y` together, one epoch per iteration.

    Parameters
    ----------
    x
        Samples along the first axis, shape (N, ...).
    y
        Their labels or targets, shape (N, ...); without them, the batches contain `x` alone.
    batch_size
        Samples per batch. The last batch of an epoch is smaller if `batch_size` does not divide N.
    shuffle
        Whether each epoch takes the samples in a new random order. If not, batches are views of `x` and `y`,
        not copies.
    seed
        The seed of the orders: an integer for the same orders in every run, a `numpy.random.Generator` to
        draw from, or None for other orders in every run.
    sample_weight
        A weight for each sample, shape (N,); needs `y`.

    Yields
    ------
    (x_batch, y_batch), x_batch, or (x_batch, y_batch, weights)
        Arrays of shape (batch_size, ...), dtypes as in `x` and `y`. An epoch of N = 0 has no batch.

    Raises
    ------
    ValueError
        If `x` or `y` has no axis, if their lengths differ, or `batch_size` or `seed` is out of range.
    TypeError
        If `batch_size` is not an integer, `shuffle` is not a boolean or `seed` has another type.

    Examples
    --------
    >>> import numpy as np
    >>> from tinygrad_lite.datasets import Batches
    >>> batches = Batches(np.arange(5), np.arange(5) ** 2, batch_size=2)
    >>> len(batches)
    3
    >>> for x, y in batches:
    ...     print(x, y)
    [0 1] [0 1]
    [2 3] [4 9]
    [4] [16]
    """

    def __init__(
        self,
        x: ArrayLike,
        y: ArrayLike | None = None,
        batch_size: int = 32,
        shuffle: bool = False,
        seed: int | np.random.Generator | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> None:
        self.x = _with_samples("x", x)
        self.y = None if y is None else _with_samples("y", y)
        if self.y is not None and len(self.x) != len(self.y):
            raise ValueError(
                "Batches expected as many samples in x as in y. "
                f"Received: x.shape={self.x.shape}, y.shape={self.y.shape}. "
                "Are they of the same split, with samples along the first axis?"
            )
        self.sample_weight = None if sample_weight is None else _with_samples("sample_weight", sample_weight)
        if self.sample_weight is not None and (self.y is None or len(self.sample_weight) != len(self.x)):
            raise ValueError(
                "Batches expected y, and a weight for each sample. Received: "
                f"x.shape={self.x.shape}, sample_weight.shape={self.sample_weight.shape}"
                f"{', and no y' if self.y is None else ''}. Pass one weight for each row of x."
            )
        if isinstance(batch_size, bool) or not hasattr(batch_size, "__index__"):
            raise TypeError(
                f"Batches expected an integer for batch_size. Received: batch_size={batch_size!r}. Round it with int()."
            )
        if batch_size < 1:
            raise ValueError(
                f"Batches expected batch_size of 1 or more. Received: batch_size={batch_size}. "
                "For a single batch of everything pass batch_size=len(x)."
            )
        if not isinstance(shuffle, bool | np.bool_):
            raise TypeError(
                f"Batches expected True or False for shuffle. Received: shuffle={shuffle!r}. "
                "A seed is passed by name, seed=..."
            )
        try:
            self._rng = np.random.default_rng(seed)
        except (TypeError, ValueError) as error:
            raise type(error)(
                "Batches expected a non-negative integer, a numpy.random.Generator or None for seed. "
                f"Received: seed={seed!r}."
            ) from error
        self.batch_size = operator.index(batch_size)
        self.shuffle = bool(shuffle)

    def __len__(self) -> int:
        """Return the number of batches in an epoch."""
        return -(-len(self.x) // self.batch_size)

    def __iter__(self) -> Iterator[Batch]:
        """Start an epoch. Its order is drawn here, so that several epochs can run at the same time."""
        return self._epoch(self._rng.permutation(len(self.x)) if self.shuffle else None)

    def _epoch(self, order: NDArray[np.intp] | None) -> Iterator[Batch]:
        for start in range(0, len(self.x), self.batch_size):
            batch = slice(start, start + self.batch_size)
            chosen = batch if order is None else order[batch]
            if self.y is None:
                yield self.x[chosen]
            elif self.sample_weight is None:
                yield self.x[chosen], self.y[chosen]
            else:
                yield self.x[chosen], self.y[chosen], self.sample_weight[chosen]


def _with_samples(name: str, value: ArrayLike) -> NDArray[Any]:
    if isinstance(value, np.ma.MaskedArray):
        raise TypeError(f"Batches expected {name} without a mask, which would be lost. Fill it with .filled(value).")
    array = np.asarray(value)
    if array.ndim == 0:
        raise ValueError(
            f"Batches expected {name} with samples along its first axis. "
            f"Received: {name}={value!r}, {name}.shape=(). For a single sample pass {name}[None]."
        )
    return array
