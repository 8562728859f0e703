"""The text for an array in a drawing: all numbers of a small array, statistics of a large one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from tinygrad_lite.utils.types import ArrayLike

__all__ = ["Statistics", "histogram", "is_small", "number", "shape_text", "statistics", "summary", "warning"]


class Statistics(NamedTuple):
    """Mean, standard deviation and range of the finite elements, and how many are not finite."""

    mean: float
    std: float
    min: float
    max: float
    nan: int
    inf: int


def number(value: Any) -> str:
    """A number with four digits.

    Examples
    --------
    >>> number(2.0), number(1 / 3), number(-1e-9)
    ('2', '0.3333', '-1e-09')
    """
    if isinstance(value, (bool, np.bool_)):
        return str(bool(value))
    if isinstance(value, (int, np.integer)):
        return str(int(value))
    text = format(float(value), ".4g")
    return "0" if text == "-0" else "NaN" if text == "nan" else text


def shape_text(shape: Sequence[int | None]) -> str:
    """A shape as Python writes it: `()` for a scalar, `(3,)` for a vector, `(None, 3)` for any number of rows."""
    return str(tuple(None if n is None else int(n) for n in shape))


def is_small(array: ArrayLike) -> bool:
    """Whether all numbers of `array` are shown: at most 12 of them, in at most 4 rows of at most 6."""
    shape = np.shape(array)
    return int(np.prod(shape)) <= 12 and len(shape) <= 2 and all(n <= 6 for n in shape)


def statistics(array: ArrayLike) -> Statistics:
    """Mean, standard deviation and range of the finite elements of `array`; nan where there are none."""
    flat = np.asarray(array).ravel()
    if flat.dtype.kind != "f":
        flat = flat.astype(np.float64)
    total = flat.sum(dtype=np.float64)
    nan = inf = 0
    if not np.isfinite(total):  # only then can an element be NaN or inf
        nan = int(np.isnan(flat).sum())
        inf = int(np.isinf(flat).sum())
        flat = flat[np.isfinite(flat)]
    if not flat.size:
        return Statistics(np.nan, np.nan, np.nan, np.nan, nan, inf)
    mean = flat.mean(dtype=np.float64)
    std = flat.std(dtype=np.float64)
    return Statistics(float(mean), float(std), float(flat.min()), float(flat.max()), nan, inf)


def warning(array: ArrayLike) -> str:
    """`2 NaN, 1 inf` for an array with such elements, otherwise an empty string."""
    values = np.asarray(array)
    if values.dtype.kind != "f" or bool(np.isfinite(values).all()):
        return ""
    counts = {"NaN": int(np.isnan(values).sum()), "inf": int(np.isinf(values).sum())}
    return ", ".join(f"{count} {name}" for name, count in counts.items() if count)


def summary(array: ArrayLike, values: str = "auto") -> list[str]:
    """The lines of text for an array in a drawing.

    Parameters
    ----------
    array : ndarray or number
    values : "auto", "statistics" or "none"
        "auto": all numbers of small arrays, statistics of large ones. "statistics": statistics of all but
        scalars. "none": nothing.

    Examples
    --------
    >>> summary(np.array([[1.0, 2.0], [3.0, 4.5]]))
    ['1    2', '3  4.5']
    >>> summary(np.arange(100.0))
    ['mean 49.5, std 28.9', 'range 0 to 99']
    """
    if values == "none":
        return []
    array = np.asarray(array)
    if not array.size:
        return ["no elements"]
    if array.ndim == 0:
        return [number(array[()])]
    if values == "auto" and is_small(array):
        rows = [[number(x) for x in row] for row in np.atleast_2d(array)]
        widths = [max(map(len, column)) for column in zip(*rows)]
        return ["  ".join(text.rjust(width) for text, width in zip(row, widths)) for row in rows]
    found = statistics(array)
    if found.mean != found.mean:
        return ["no finite element"]
    mean, std, low, high = (f"{value:.3g}" for value in found[:4])
    return [f"mean {mean}, std {std}", f"range {low} to {high}"]


def histogram(array: ArrayLike, bins: int = 24) -> tuple[list[int], float, float] | None:
    """Counts of the finite elements in equal bins, and the range; None for fewer than two, or an empty range."""
    flat = np.asarray(array, dtype=np.float64).ravel()
    flat = flat[np.isfinite(flat)]
    if flat.size < 2:
        return None
    low, high = float(flat.min()), float(flat.max())
    if not np.isfinite(high - low) or high - low <= 1e-12 * max(abs(low), abs(high)):
        return None
    counts, _ = np.histogram(flat, bins=bins, range=(low, high))
    return counts.tolist(), low, high
