"""The slope of a function along a line, from its values alone, and whether it has one.

Central differences in steps of which each is a quarter of the one before. Where the function is smooth, the
differences converge like the square of the step, which Richardson extrapolation makes use of, and the bend
(the right difference minus the left one) vanishes like the step itself. At a kink the bend stays, at a jump
it grows as fast as the steps shrink. This tells a missing derivative from a wrong one.
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
"""An evaluation of the function is taken to be right to so many roundings of its results."""

_RUNGS = 14  # from a step of 1e-3 down to 1e-11, in float64
_COLUMNS = 4  # of the extrapolation: errors up to the 8th power of the step are removed
_WINDOW = 4  # rungs over which a kink or a jump must show


class Verdict(NamedTuple):
    """How a claimed slope compares with the function's own values."""

    kind: str
    """`right`, `wrong`; or `kink`, `jump`, `steep`, `edge`, `rough`: there is no slope to compare with."""
    slope: float
    """The slope found; at a kink, the mean of both sides."""
    error: float
    """What it may be off by."""
    left: float
    right: float
    """The one-sided slopes at the smallest step that tells them from rounding; nan if there are none."""
    relative: float
    """The difference of claimed and found slope, over the scale of the terms that make them up; where these vanish
    at the point itself, over their scale around it."""


class _Rung(NamedTuple):
    """Differences at one step."""

    slope: float
    bend: float  # right minus left difference
    scale: float  # of the terms that were added up to the slope
    noise: float  # what rounding may do to slope and bend


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
    """Compare the claimed slope at 0 of `t ↦ weights · value(t)` with the one that the values show.

    Parameters
    ----------
    value : callable
        Maps a step to a vector of finite numbers, or to None.
    weights : ndarray
        Of the vector's elements.
    claimed : float
        The slope according to reverse mode.
    terms : float
        The sum of the absolute terms of which `claimed` is the sum.
    eps : float
        The relative rounding error of the values.
    rtol, atol : float
        The difference allowed, relative to the slope and on top.
    exact : float, optional
        The slope by a complex step, used where the differences confirm it.
    """
    terms = terms if math.isfinite(terms) else 0.0
    rungs: list[_Rung] = []
    row: list[float] = []
    best = (math.inf, math.nan, 0.0)  # error, slope, scale
    widest = 0.0  # of the slopes at all steps: what "small" means where the slope itself vanishes
    for rung in _ladder(value, weights, eps, terms):
        if rung is None:
            rungs, row = [], []
            continue
        rungs.append(rung)
        widest = max(widest, rung.scale)
        row, slope, spread = _extrapolate(row, rung.slope)
        if len(rungs) < 2:
            continue
        scale, noise = max(rung.scale, terms), rung.noise
        settled = spread <= atol + rtol * max(scale, widest) + 4 * noise
        if exact is not None and settled and noise <= 1e-3 * scale and abs(exact - slope) <= 4 * (spread + noise):
            slope, spread, noise = exact, 0.0, ROUNDINGS * eps * scale
        if spread + noise < best[0]:
            best = (spread + noise, slope, scale)
        tolerance = atol + rtol * max(abs(claimed), abs(slope)) + spread + 2 * noise
        flat = abs(rung.bend) <= max(abs(rungs[-2].bend) / 2, 10 * rtol * scale + 2 * rung.noise)
        # At the smallest steps rounding dominates, and any claim would agree. Only the best estimate so far counts.
        known_best = spread + noise <= 2 * best[0]
        if settled and flat and known_best and abs(claimed - slope) <= tolerance:
            relative = abs(claimed - slope) / max(scale, widest, noise / rtol if rtol else 0.0, np.finfo(float).tiny)
            return Verdict("right", slope, spread + noise, slope, slope, relative)
    error, slope, scale = best
    left, right = _sides(rungs)
    relative = abs(claimed - slope) / max(scale, np.finfo(float).tiny)
    if not rungs or not math.isfinite(error):
        return Verdict("edge", slope, error, left, right, relative)
    kind = _break(rungs, rtol)
    if kind is None:
        is_clear = not abs(claimed - slope) <= atol + rtol * max(abs(claimed), abs(slope)) + 4 * error
        kind = "wrong" if is_clear else "rough"
    return Verdict(kind, slope, error, left, right, relative)


def _ladder(
    value: Callable[[float], Vector | None], weights: Vector, eps: float, terms: float
) -> Iterator[_Rung | None]:
    """Differences at steps of which each is a quarter of the one before; None where there is no value."""
    step = 2.0 ** round(math.log2(eps) / 5)
    at = value(0.0)
    for _ in range(_RUNGS):
        yield None if at is None else _rung(value, at, weights, step, eps, terms)
        step /= 4


def _rung(
    value: Callable[[float], Vector | None], at: Vector, weights: Vector, step: float, eps: float, terms: float
) -> _Rung | None:
    right, left = value(step), value(-step)
    if right is None or left is None or right.shape != at.shape or left.shape != at.shape:
        return None
    differences = (right - left) / (2 * step)
    bend = float(weights @ (right - 2 * at + left)) / step
    scale = float(np.absolute(weights) @ np.absolute(differences))
    size = float(np.absolute(weights) @ (np.absolute(right) + np.absolute(left)))
    noise = eps * (ROUNDINGS * size / 2 + 4 * max(scale, terms)) / step
    return _Rung(float(weights @ differences), bend, scale, noise)


def _extrapolate(row: list[float], slope: float) -> tuple[list[float], float, float]:
    """The next row of Richardson's tableau, the best estimate in it, and how far its neighbours are."""
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


def _sides(rungs: list[_Rung]) -> tuple[float, float]:
    """The one-sided slopes at the step where they are known best."""
    if not rungs:
        return math.nan, math.nan
    clear = [rung for rung in rungs if abs(rung.bend) > 1e3 * rung.noise]
    rung = clear[-1] if clear else rungs[0]
    return rung.slope - rung.bend / 2, rung.slope + rung.bend / 2


# What happens to slope and bend when the step becomes a quarter, and what that says about the function.
_BREAKS = {
    "kink": (0.8, 1.25, False),
    "steep": (1.25, 3.6, True),
    "jump": (3.6, 4.4, True),
}


def _break(rungs: list[_Rung], rtol: float) -> str | None:
    """The kind of point at which there is no derivative, or None if there is no sign of one."""
    for start in range(len(rungs) - _WINDOW + 1):
        window = rungs[start : start + _WINDOW]
        for kind, (low, high, of_slope) in _BREAKS.items():
            for attribute in ("bend", "slope") if of_slope else ("bend",):
                sizes = [abs(getattr(rung, attribute)) for rung in window]
                clear = all(size > max(50 * rung.noise, 10 * rtol * rung.scale) for size, rung in zip(sizes, window))
                if clear and all(low <= after / before <= high for before, after in pairwise(sizes)):
                    return kind
    return None
