"""Batches of what a user passed to `fit`, `evaluate` or `predict`.

Arrays are cut into batches by `datasets.Batches`; they are checked before the first step. Any other iterable is
expected to yield batches itself; each of them is checked when it comes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from tinygrad_lite.datasets import Batches
from tinygrad_lite.nn.training.data_checks import (
    check_finite,
    check_lengths,
    describe,
    to_samples,
    weights_of_classes,
    yields_batches,
)
from tinygrad_lite.utils.types import Array

__all__ = ["DataAdapter", "adapt"]

_NAMES = ("x", "y", "sample_weight")


class DataAdapter:
    """Batches of arrays, one epoch per iteration: tuples (x, y) or (x, y, weights), or (x,) without labels.

    Parameters
    ----------
    batches : iterable
        Of (x, y) or (x, y, weights); without labels, of x or of tuples that begin with x.
    method : str
        The name of the method, for error messages.
    with_labels : bool
    is_checked : bool
        Whether the data of `batches` has been checked; if not, each batch is checked.
    class_weight : mapping of int to float, optional
        Weights of samples are computed from it and the labels, where the user's iterable yields the batches.
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
        """The generator of the order of the batches, if that is known."""
        return self._batches._rng if isinstance(self._batches, Batches) else None

    @property
    def runs_code(self) -> bool:
        """Whether the user's code yields the batches, and so runs between two steps."""
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
            raise ValueError(self._no_batches())
        self._epochs += 1

    def split(self, fraction: float) -> tuple[DataAdapter, DataAdapter]:
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
            DataAdapter(first, self._method, with_labels=True, is_checked=True),
            DataAdapter(last, self._method, with_labels=True, is_checked=True),
        )

    def _no_batches(self) -> str:
        """The message for an iterable without batches."""
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
            kind = f"{type(batch).__name__} of {len(batch)}" if isinstance(batch, (tuple, list)) else describe(batch)
            raise ValueError(
                f"{self._method} expected batches that are pairs (x, y), or (x, y, weights). Received: as batch "
                f"{position} a {kind}. Yield (x_batch, y_batch), or pass arrays as x and y."
            )
        if not self._with_labels:
            batch = (batch[0] if isinstance(batch, tuple) else batch,)
        arrays = tuple(
            to_samples(value, f"{name} of batch {position}", self._method) for name, value in zip(_NAMES, batch)
        )
        if self._class_weight is not None:
            arrays = (*arrays[:2], weights_of_classes(arrays[1], self._class_weight, self._method))
        if self._with_labels:
            check_lengths(arrays, f"{self._method}, batch {position},")
        if not self._epochs:
            for name, array in zip(_NAMES, arrays):
                check_finite(f"{name} of batch {position}", array, self._method)
        return arrays


def adapt(
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
) -> DataAdapter:
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
    if yields_batches(x, y):
        _check_batches(x, y, sample_weight, method)
        return DataAdapter(x, method, with_labels=with_labels, class_weight=class_weight)
    arrays = _arrays(x, y, method, with_labels, sample_weight, class_weight)
    batches = Batches(arrays["x"], arrays.get("y"), int(batch_size), shuffle, generator, arrays.get("sample_weight"))
    return DataAdapter(batches, method, with_labels=with_labels, is_checked=True, class_weight=class_weight)


def _check_batches(x: Any, y: Any, sample_weight: Any, method: str) -> None:
    """Raise for what an iterable of batches has to yield itself."""
    if sample_weight is not None:
        raise ValueError(
            f"{method} expected no sample_weight where x yields batches. Received: x, a {describe(x)}, and "
            "sample_weight. Let x yield (x_batch, y_batch, weights)."
        )
    if y is not None:
        raise ValueError(
            f"{method} expected no y where x yields batches. Received: x, a {describe(x)}, and y. Let x yield "
            "pairs (x_batch, y_batch), or pass both as arrays."
        )


def _arrays(
    x: Any, y: Any, method: str, with_labels: bool, sample_weight: Any, class_weight: Mapping[Any, float] | None
) -> dict[str, Array]:
    """What was passed as arrays, by name, checked."""
    arrays = {"x": to_samples(x, "x", method)}
    if with_labels:
        if y is None:
            raise ValueError(f"{method} expected labels or targets for the arrays in x. Received: y=None. Pass y.")
        arrays["y"] = to_samples(y, "y", method)
        if class_weight is not None:
            arrays["sample_weight"] = weights_of_classes(arrays["y"], class_weight, method)
        if sample_weight is not None:
            arrays["sample_weight"] = to_samples(sample_weight, "sample_weight", method)
        check_lengths(tuple(arrays.values()), method)
    for name, array in arrays.items():
        if not len(array):
            raise ValueError(
                f"{method} expected at least one sample. Received: {name}.shape={array.shape}. Did a filter or a "
                "split leave nothing?"
            )
        check_finite(name, array, method)
    return arrays
