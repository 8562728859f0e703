"""What `fit`, `evaluate` and `predict` are fed with: checked, and cut into batches.

Arrays go through `datasets.Batches`. Anything else that can be iterated is taken to yield batches itself.
Whatever can be wrong with data is found here, before the first step, and told with the position of the first
sample that is wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from tinygrad_lite.datasets import Batches
from tinygrad_lite.tensor import Array, Tensor, as_array

__all__ = ["Feed", "feed"]


class Feed:
    """Batches of arrays, one epoch per iteration: tuples (x, y), or (x,) without labels.

    Parameters
    ----------
    batches : iterable
        Of pairs (x, y); without labels, of x or of tuples that begin with x.
    method : str
        Who asked, for the errors.
    with_labels : bool
    is_checked : bool
        Whether the data behind `batches` is known to be right; else each batch is looked at.
    generator : numpy.random.Generator, optional
        What the order of `batches` is drawn from.
    """

    def __init__(
        self,
        batches: Iterable[Any],
        method: str,
        *,
        with_labels: bool,
        is_checked: bool = False,
        generator: np.random.Generator | None = None,
    ) -> None:
        self._batches = batches
        self._generator = generator
        self._method = method
        self._with_labels = with_labels
        self._is_checked = is_checked
        self._epochs = 0

    @property
    def generator(self) -> np.random.Generator | None:
        """What the order of the batches is drawn from, where that is known."""
        return self._batches._rng if isinstance(self._batches, Batches) else None

    @property
    def steps(self) -> int | None:
        """Batches per epoch, if that is known."""
        try:
            return len(self._batches)  # type: ignore[arg-type]
        except TypeError:
            return None

    def __iter__(self) -> Iterator[tuple[Array, ...]]:
        count = 0
        for batch in self._batches:
            count += 1
            if not self._is_checked:
                yield self._checked(batch, count - 1)
            else:
                yield batch if self._with_labels else (batch,)
        if not count:
            raise ValueError(self._nothing())
        self._epochs += 1

    def split(self, fraction: float) -> tuple[Feed, Feed]:
        """Hold out the last `fraction` of the samples: one feed to train with, one to validate with.

        Raises
        ------
        ValueError
            The batches are the user's, or one part would be empty.
        """
        batches = self._batches
        if not self._is_checked or not isinstance(batches, Batches):
            raise ValueError(
                f"{self._method} expected arrays where validation_split is given. Received: x of type "
                f"{type(batches).__name__}, validation_split={fraction}. Batches cannot be split: pass validation_data."
            )
        x, y = batches.x, batches.y
        count = int(len(x) * (1 - fraction) + 1e-9)  # 10 · (1 - 0.9) is a little less than 1
        if not 0 < count < len(x) or y is None:
            raise ValueError(
                f"{self._method} expected validation_split to leave samples on both sides. Received: "
                f"validation_split={fraction} of {len(x)} samples. Pass more samples, or validation_data."
            )
        size = batches.batch_size
        first = Batches(x[:count], y[:count], size, batches.shuffle, self._generator)
        return (
            Feed(first, self._method, with_labels=True, is_checked=True, generator=self._generator),
            Feed(Batches(x[count:], y[count:], size), self._method, with_labels=True, is_checked=True),
        )

    def _nothing(self) -> str:
        if self._epochs:
            return (
                f"{self._method} expected x to give its batches in every epoch. Received: an iterable that has none "
                f"left after {self._epochs} epoch(s). A generator can be read only once: pass a list of batches, "
                "a datasets.Batches, or an object whose __iter__ starts anew."
            )
        return f"{self._method} expected at least one batch. Received: an iterable without any. Was it read before?"

    def _checked(self, batch: Any, position: int) -> tuple[Array, ...]:
        """One batch of a user's iterable, as arrays."""
        if self._with_labels and not (isinstance(batch, (tuple, list)) and len(batch) == 2):
            kind = f"{type(batch).__name__} of {len(batch)}" if isinstance(batch, (tuple, list)) else _kind(batch)
            raise ValueError(
                f"{self._method} expected batches that are pairs (x, y). Received: as batch {position} a {kind}. "
                "Yield (x_batch, y_batch), or pass arrays as x and y."
            )
        if not self._with_labels:
            batch = (batch[0] if isinstance(batch, tuple) else batch,)
        arrays = tuple(
            _to_array(value, f"{name} of batch {position}", self._method) for name, value in zip("xy", batch)
        )
        if self._with_labels:
            _check_lengths(arrays[0], arrays[1], f"{self._method}, batch {position},")
        if not self._epochs:
            for name, array in zip("xy", arrays):
                _check_finite(f"{name} of batch {position}", array, self._method)
        return arrays


def feed(
    x: Any,
    y: Any,
    batch_size: Any,
    method: str,
    *,
    shuffle: bool = False,
    generator: np.random.Generator | None = None,
    with_labels: bool = True,
) -> Feed:
    """Make batches of what a user passed.

    Parameters
    ----------
    x : array-like, or iterable of batches
    y : array-like or None
        None where `x` is an iterable of batches, or there are no labels.
    batch_size : int
    method : str
        "fit", "evaluate" or "predict".
    shuffle : bool
        Whether arrays are visited in a new order every epoch, drawn from `generator`.

    Raises
    ------
    ValueError
        No data, different lengths, NaN or inf, `batch_size` below 1; labels missing, or given twice.
    TypeError
        `x` is neither numbers nor iterable.
    """
    if isinstance(batch_size, bool) or not isinstance(batch_size, (int, np.integer)) or batch_size < 1:
        raise ValueError(
            f"{method} expected batch_size to be a positive integer. Received: batch_size={batch_size!r}. "
            "For a single batch of everything pass batch_size=len(x)."
        )
    if _yields_batches(x, y):
        if y is not None:
            raise ValueError(
                f"{method} expected no y where x yields batches. Received: x, a {_kind(x)}, and y. Let x yield "
                "pairs (x_batch, y_batch), or pass both as arrays."
            )
        return Feed(x, method, with_labels=with_labels)
    arrays = {"x": _to_array(x, "x", method)}
    if with_labels:
        if y is None:
            raise ValueError(f"{method} expected labels or targets for the arrays in x. Received: y=None. Pass y.")
        arrays["y"] = _to_array(y, "y", method)
        _check_lengths(arrays["x"], arrays["y"], method)
    for name, array in arrays.items():
        if not len(array):
            raise ValueError(
                f"{method} expected at least one sample. Received: {name}.shape={array.shape}. Did a filter or a "
                "split leave nothing?"
            )
        _check_finite(name, array, method)
    batches = Batches(arrays["x"], arrays.get("y"), int(batch_size), shuffle, generator)
    return Feed(batches, method, with_labels=with_labels, is_checked=True, generator=generator)


def _yields_batches(x: Any, y: Any) -> bool:
    """Whether `x` is an iterable of batches, and not an array or nested lists of numbers."""
    if isinstance(x, (Tensor, np.ndarray)) or hasattr(x, "__array__") or not hasattr(x, "__iter__"):
        return False
    if isinstance(x, (list, tuple)):
        return y is None and bool(x) and isinstance(x[0], tuple)
    return not isinstance(x, (str, bytes, dict))


def _to_array(value: Any, name: str, method: str) -> Array:
    """A user's `x` or `y` as an array with a first axis of samples."""
    try:
        if hasattr(value, "__array__") and not isinstance(value, Tensor):  # a DataFrame, for one
            value = np.asarray(value)
        array = np.asarray(as_array(value))
    except TypeError as error:
        raise TypeError(f"{method} could not read {name}. {error}") from None
    if not array.ndim:
        raise ValueError(
            f"{method} expected samples along the first axis of {name}. Received: {name}.shape=(). For a single "
            f"sample pass {name}[None]."
        )
    return array


def _kind(value: Any) -> str:
    return type(value).__name__


def _check_lengths(x: Array, y: Array, method: str) -> None:
    if len(x) != len(y):
        raise ValueError(
            f"{method} expected as many samples in x as in y. Received: x.shape={x.shape}, y.shape={y.shape}. "
            "Are both of the same part of the data, with samples along the first axis?"
        )


_BLOCK = 1 << 18  # elements looked at together: they fit the cache


def _check_finite(name: str, array: Array, method: str) -> None:
    """Raise if a NaN or an infinity is in `array`: it would make every weight NaN after one step."""
    if array.dtype.kind != "f":
        return
    rows = max(1, _BLOCK * len(array) // max(1, array.size))
    with np.errstate(all="ignore"):
        for start in range(0, len(array), rows):
            block = array[start : start + rows]
            if not np.isfinite(block.sum()) and not np.isfinite(block).all():  # a sum of large numbers is inf too
                break
        else:
            return
    wrong = ~np.isfinite(array)
    first = tuple(int(n) for n in np.argwhere(wrong)[0])
    raise ValueError(
        f"{method} expected finite numbers in {name}. Received: {name}[{', '.join(map(str, first))}]="
        f"{array[first]} ({int(wrong.sum())} of {array.size} values are NaN or infinite). One of them would "
        "make all weights NaN: look for a division by zero or a gap in the data, and drop or replace such samples."
    )
