"""What `fit`, `evaluate` and `predict` are fed with: checked, and cut into batches.

Arrays go through `datasets.Batches`. Anything else that can be iterated is taken to yield batches itself.
Whatever can be wrong with data is found here, before the first step, and told with the position of the first
sample that is wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from tinygrad_lite.core.tensor import Tensor, as_array
from tinygrad_lite.datasets import Batches
from tinygrad_lite.utils.types import Array

__all__ = ["Feed", "feed"]


class Feed:
    """Batches of arrays, one epoch per iteration: tuples (x, y) or (x, y, weights), or (x,) without labels.

    Parameters
    ----------
    batches : iterable
        Of (x, y) or (x, y, weights); without labels, of x or of tuples that begin with x.
    method : str
        Who asked, for the errors.
    with_labels : bool
    is_checked : bool
        Whether the data behind `batches` is known to be right; else each batch is looked at.
    class_weight : mapping of int to float, optional
        Makes weights of the labels, where the batches are the user's.
    """

    def __init__(
        self,
        batches: Iterable[Any],
        method: str,
        *,
        with_labels: bool,
        is_checked: bool = False,
        class_weight: Mapping[Any, float] | None = None,
    ) -> None:
        self._batches = batches
        self._class_weight = class_weight  # where the batches are checked, their weights are made of it
        self._method = method
        self._with_labels = with_labels
        self._is_checked = is_checked
        self._epochs = 0

    @property
    def generator(self) -> np.random.Generator | None:
        """What the order of the batches is drawn from, where that is known."""
        return self._batches._rng if isinstance(self._batches, Batches) else None

    @property
    def runs_code(self) -> bool:
        """Whether code of the user's own yields the batches, and so runs between two steps."""
        return type(self._batches) not in (Batches, list, tuple)

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
        weights = None if self._class_weight is not None else batches.sample_weight  # classes are for training alone
        first, last = (
            Batches(
                x[part],
                y[part],
                size,
                shuffle,
                generator,
                None if given is None else given[part],
            )
            for part, shuffle, generator, given in (
                (slice(count), batches.shuffle, self.generator, batches.sample_weight),
                (slice(count, None), False, None, weights),
            )
        )
        return (
            Feed(first, self._method, with_labels=True, is_checked=True),
            Feed(last, self._method, with_labels=True, is_checked=True),
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
        if self._with_labels and not (isinstance(batch, (tuple, list)) and len(batch) in (2, 3)):
            kind = f"{type(batch).__name__} of {len(batch)}" if isinstance(batch, (tuple, list)) else _kind(batch)
            raise ValueError(
                f"{self._method} expected batches that are pairs (x, y), or (x, y, weights). Received: as batch "
                f"{position} a {kind}. Yield (x_batch, y_batch), or pass arrays as x and y."
            )
        if not self._with_labels:
            batch = (batch[0] if isinstance(batch, tuple) else batch,)
        arrays = tuple(
            _to_array(value, f"{name} of batch {position}", self._method) for name, value in zip(_NAMES, batch)
        )
        if self._class_weight is not None:
            arrays = (*arrays[:2], weights_of_classes(arrays[1], self._class_weight, self._method))
        if self._with_labels:
            _check_lengths(arrays, f"{self._method}, batch {position},")
        if not self._epochs:
            for name, array in zip(_NAMES, arrays):
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
    sample_weight: Any = None,
    class_weight: Mapping[Any, float] | None = None,
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
    sample_weight : array-like, optional
        A number for each sample of the arrays.
    class_weight : mapping of int to float, optional
        A number for each class; those that are not in it count 1.

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
    if sample_weight is not None and class_weight is not None:
        raise ValueError(
            f"{method} expected sample_weight or class_weight. Received: both. Multiply the weights of the samples by "
            "those of their classes, and pass sample_weight."
        )
    if _yields_batches(x, y):
        if sample_weight is not None:
            raise ValueError(
                f"{method} expected no sample_weight where x yields batches. Received: x, a {_kind(x)}, and "
                "sample_weight. Let x yield (x_batch, y_batch, weights)."
            )
        if y is not None:
            raise ValueError(
                f"{method} expected no y where x yields batches. Received: x, a {_kind(x)}, and y. Let x yield "
                "pairs (x_batch, y_batch), or pass both as arrays."
            )
        return Feed(x, method, with_labels=with_labels, class_weight=class_weight)
    arrays = {"x": _to_array(x, "x", method)}
    if with_labels:
        if y is None:
            raise ValueError(f"{method} expected labels or targets for the arrays in x. Received: y=None. Pass y.")
        arrays["y"] = _to_array(y, "y", method)
        if class_weight is not None:
            arrays["sample_weight"] = weights_of_classes(arrays["y"], class_weight, method)
        if sample_weight is not None:
            arrays["sample_weight"] = _to_array(sample_weight, "sample_weight", method)
        _check_lengths(tuple(arrays.values()), method)
    for name, array in arrays.items():
        if not len(array):
            raise ValueError(
                f"{method} expected at least one sample. Received: {name}.shape={array.shape}. Did a filter or a "
                "split leave nothing?"
            )
        _check_finite(name, array, method)
    batches = Batches(arrays["x"], arrays.get("y"), int(batch_size), shuffle, generator, arrays.get("sample_weight"))
    return Feed(batches, method, with_labels=with_labels, is_checked=True, class_weight=class_weight)


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


def weights_of_classes(y: Array, class_weight: Mapping[Any, float], method: str) -> Array:
    """A weight for each label: an integer, or one-hot along the last axis; 1 for classes that have none.

    Raises
    ------
    ValueError
        The labels are no classes, or the mapping is not of classes to numbers.
    """
    if y.ndim > 1 and y.shape[-1] > 1:
        if not ((y == 0) | (y == 1)).all() or not (y.sum(axis=-1) == 1).all():
            raise ValueError(
                f"{method} expected class_weight for samples of one class each: integer labels, or one-hot ones with a "
                f"single 1 along the last axis. Received: y.shape={y.shape}, y.dtype={y.dtype}, with others. For "
                "several labels a sample, or targets that are no classes, pass sample_weight."
            )
        labels = y.argmax(axis=-1)
    else:
        labels = y.reshape(len(y), *y.shape[1:-1])
    is_whole = labels.dtype.kind in "iub" or bool((labels == np.floor(labels)).all())
    is_mapping = isinstance(class_weight, Mapping) and all(
        isinstance(key, (int, np.integer)) and isinstance(weight, (int, float, np.number)) and np.isfinite(weight)
        for key, weight in class_weight.items()
    )
    if not is_mapping or not is_whole:
        raise ValueError(
            f"{method} expected class_weight to map classes to finite numbers, and labels that are classes. Received: "
            f"class_weight={class_weight!r}, y.shape={y.shape}, y.dtype={y.dtype}. For example {{0: 1.0, 1: 5.0}}."
        )
    weights = np.ones(labels.shape, np.float32)
    for label, weight in class_weight.items():
        weights[labels == label] = weight
    return weights


def _check_lengths(arrays: tuple[Array, ...], method: str) -> None:
    x, y = arrays[:2]
    if len(arrays) == 3 and len(arrays[2]) != len(x):
        raise ValueError(
            f"{method} expected a weight for each sample. Received: x.shape={x.shape}, sample_weight.shape="
            f"{arrays[2].shape}. A weight for each class is passed as class_weight={{0: 1.0, 1: 5.0}}."
        )
    if len(x) != len(y):
        raise ValueError(
            f"{method} expected as many samples in x as in y. Received: x.shape={x.shape}, y.shape={y.shape}. "
            "Are both of the same part of the data, with samples along the first axis?"
        )


_NAMES = ("x", "y", "sample_weight")
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
