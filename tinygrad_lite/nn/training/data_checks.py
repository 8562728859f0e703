"""A user's data as arrays, with its mistakes found before the first step: each error names the first wrong sample."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tinygrad_lite.core.tensor import Tensor, as_array
from tinygrad_lite.utils.types import Array

__all__ = ["check_finite", "check_lengths", "describe", "to_samples", "weights_of_classes", "yields_batches"]


def yields_batches(x: Any, y: Any) -> bool:
    """Whether `x` is an iterable of batches, and not an array or nested lists of numbers."""
    if isinstance(x, (Tensor, np.ndarray)) or hasattr(x, "__array__") or not hasattr(x, "__iter__"):
        return False
    if isinstance(x, (list, tuple)):
        return y is None and bool(x) and isinstance(x[0], tuple)
    return not isinstance(x, (str, bytes, dict))


def to_samples(value: Any, name: str, method: str) -> Array:
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


def describe(value: Any) -> str:
    """The type of a value, for error messages."""
    return type(value).__name__


def weights_of_classes(y: Array, class_weight: Mapping[Any, float], method: str) -> Array:
    """A weight for each label: an integer, or one-hot along the last axis; 1 for classes that have none.

    Raises
    ------
    ValueError
        The labels are no classes, or the mapping is not of classes to numbers.
    """
    labels = _labels(y, method)
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


def _labels(y: Array, method: str) -> Array:
    """The class of each sample, of integer or one-hot labels."""
    if y.ndim < 2 or y.shape[-1] < 2:
        return y.reshape(len(y), *y.shape[1:-1])
    if not ((y == 0) | (y == 1)).all() or not (y.sum(axis=-1) == 1).all():
        raise ValueError(
            f"{method} expected class_weight for samples of one class each: integer labels, or one-hot ones with a "
            f"single 1 along the last axis. Received: y.shape={y.shape}, y.dtype={y.dtype}, with others. For "
            "several labels a sample, or targets that are no classes, pass sample_weight."
        )
    return y.argmax(axis=-1)


def check_lengths(arrays: tuple[Array, ...], method: str) -> None:
    """Raise unless x, y and the weights have as many samples."""
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


_BLOCK = 1 << 18  # elements looked at together: they fit the cache


def check_finite(name: str, array: Array, method: str) -> None:
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
