"""The slope of a function along a line, from its values alone, and whether it exists.

Central differences are taken in steps that shrink by a factor of four. If the function is smooth, the error of the
differences falls with the square of the step, which Richardson extrapolation uses, and the bend (the right
difference minus the left one) falls with the step. At a kink the bend stays the same; at a jump it grows as
fast as the steps shrink. So a point without a derivative is not mistaken for a wrong gradient.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["ROUNDINGS", "Verdict", "judge"]

Vector = NDArray[np.float64]

ROUNDINGS = 20
"""The error assumed for a value of the function, in units of the rounding error of its results."""

_STEPS = 14  # from a step of 1e-3 down to 1e-11, in float64
_COLUMNS = 4  # of the extrapolation: errors up to the 8th power of the step are removed
_WINDOW = 4  # steps over which a kink or a jump must show


class Verdict(NamedTuple):
    """How a claimed slope compares with the function's own values."""

    kind: str
    """`right`, `wrong`; or `kink`, `jump`, `steep`, `edge`, `rough`: there is no slope to compare with."""
    slope: float
    """The slope found; at a kink, the mean of both sides."""
    error: float
    """The error estimate of `slope`."""
    left: float
    right: float
    """The one-sided slopes, at the smallest step where they are clear of rounding errors; nan if there is none."""
    relative: float
    """The difference between claimed and found slope, divided by the scale of the terms that are summed up; if the
    terms vanish at the point itself, by their scale around it."""


class _Differences(NamedTuple):
    """Differences at one step."""

    slope: float
    bend: float  # right minus left difference
    scale: float  # size of the terms whose sum is the slope
    noise: float  # bound of the rounding error of slope and bend


def judge(
    value: Callable[[float], Vector | None],
    weights: Vector,
    claimed: float,
    terms: float,
    *,
    eps: float,
    rtol: float,
    atol: float,
    exact: float | None = None,
) -> Verdict:
    """Compare the claimed slope at 0 of `t ↦ weights · value(t)` with the slope of the values.

    Parameters
    ----------
    value : callable
        Maps a step to a vector of finite numbers, or to None.
    weights : ndarray
        The weights of the vector's elements.
    claimed : float
        The slope according to reverse mode.
    terms : float
        The sum of the absolute terms of which `claimed` is the sum.
    eps : float
        The relative rounding error of the values.
    rtol, atol : float
        The relative and the absolute difference allowed.
    exact : float, optional
        The slope by a complex step, used where the differences confirm it.
    """
    terms = terms if math.isfinite(terms) else 0.0
    steps: list[_Differences] = []
    row: list[float] = []
    best = (math.inf, math.nan, 0.0)  # error, slope, scale
    widest = 0.0  # largest scale of all steps: the measure where the slope itself vanishes
    for at_step in _all_differences(value, weights, eps, terms):
        if at_step is None:
            steps, row = [], []
            continue
        steps.append(at_step)
        widest = max(widest, at_step.scale)
        row, slope, spread = _extrapolate(row, at_step.slope)
        if len(steps) < 2:
            continue
        scale, noise = max(at_step.scale, terms), at_step.noise
        settled = spread <= atol + rtol * max(scale, widest) + 4 * noise
        if exact is not None and settled and noise <= 1e-3 * scale and abs(exact - slope) <= 4 * (spread + noise):
            slope, spread, noise = exact, 0.0, ROUNDINGS * eps * scale
        if spread + noise < best[0]:
            best = (spread + noise, slope, scale)
        tolerance = atol + rtol * max(abs(claimed), abs(slope)) + spread + 2 * noise
        flat = abs(at_step.bend) <= max(abs(steps[-2].bend) / 2, 10 * rtol * scale + 2 * at_step.noise)
        # At the smallest steps rounding dominates, and any claim would agree. Only the best estimate so far counts.
        known_best = spread + noise <= 2 * best[0]
        if settled and flat and known_best and abs(claimed - slope) <= tolerance:
            relative = abs(claimed - slope) / max(scale, widest, noise / rtol if rtol else 0.0, np.finfo(float).tiny)
            return Verdict("right", slope, spread + noise, slope, slope, relative)
    error, slope, scale = best
    left, right = _sides(steps)
    relative = abs(claimed - slope) / max(scale, np.finfo(float).tiny)
    if not steps or not math.isfinite(error):
        return Verdict("edge", slope, error, left, right, relative)
    kind = _break(steps, rtol)
    if kind is None:
        is_clear = not abs(claimed - slope) <= atol + rtol * max(abs(claimed), abs(slope)) + 4 * error
        kind = "wrong" if is_clear else "rough"
    return Verdict(kind, slope, error, left, right, relative)


def _all_differences(
    value: Callable[[float], Vector | None], weights: Vector, eps: float, terms: float
) -> Iterator[_Differences | None]:
    """Differences at steps that shrink by a factor of four; None where the function has no value."""
    step = 2.0 ** round(math.log2(eps) / 5)
    at = value(0.0)
    for _ in range(_STEPS):
        yield None if at is None else _differences(value, at, weights, step, eps, terms)
        step /= 4


def _differences(
    value: Callable[[float], Vector | None], at: Vector, weights: Vector, step: float, eps: float, terms: float
) -> _Differences | None:
    right, left = value(step), value(-step)
    if right is None or left is None or right.shape != at.shape or left.shape != at.shape:
        return None
    differences = (right - left) / (2 * step)
    bend = float(weights @ (right - 2 * at + left)) / step
    scale = float(np.absolute(weights) @ np.absolute(differences))
    size = float(np.absolute(weights) @ (np.absolute(right) + np.absolute(left)))
    noise = eps * (ROUNDINGS * size / 2 + 4 * max(scale, terms)) / step
    return _Differences(float(weights @ differences), bend, scale, noise)


def _extrapolate(row: list[float], slope: float) -> tuple[list[float], float, float]:
    """The next row of Richardson's tableau, the best estimate in it, and its distance from its neighbours."""
    extended = [slope]
    best, spread = slope, math.inf
    for column, before in enumerate(row[: _COLUMNS - 1], start=1):
        newer = extended[-1]
        estimate = newer + (newer - before) / (16.0**column - 1)
        distance = max(abs(estimate - newer), abs(estimate - before))
        if distance <= spread:
            best, spread = estimate, distance
        extended.append(estimate)
    return extended, best, spread


def _sides(steps: list[_Differences]) -> tuple[float, float]:
    """The one-sided slopes at the step where they are most accurate."""
    if not steps:
        return math.nan, math.nan
    clear = [at_step for at_step in steps if abs(at_step.bend) > 1e3 * at_step.noise]
    at_step = clear[-1] if clear else steps[0]
    return at_step.slope - at_step.bend / 2, at_step.slope + at_step.bend / 2


# The factors by which the bend (and the slope) grow when the step shrinks to a quarter, for each kind of point.
_BREAKS = {
    "kink": (0.8, 1.25, False),
    "steep": (1.25, 3.6, True),
    "jump": (3.6, 4.4, True),
}


def _break(steps: list[_Differences], rtol: float) -> str | None:
    """The kind of point at which there is no derivative, or None if there is no sign of one."""
    for start in range(len(steps) - _WINDOW + 1):
        window = steps[start : start + _WINDOW]
        for kind, (low, high, of_slope) in _BREAKS.items():
            for attribute in ("bend", "slope") if of_slope else ("bend",):
                sizes = [abs(getattr(at_step, attribute)) for at_step in window]
                clear = all(
                    size > max(50 * at_step.noise, 10 * rtol * at_step.scale) for size, at_step in zip(sizes, window)
                )
                if clear and all(low <= after / before <= high for before, after in pairwise(sizes)):
                    return kind
    return None
