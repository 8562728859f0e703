"""Choices for each element: the larger or the smaller of two, one of two by a condition, a bound, a replacement.

The gradient goes to the argument that was chosen. The derivative is 0 or 1, so it never makes an inf or a nan.
"""

from __future__ import annotations

import numpy as np

from tinygrad_lite.core.calling import refuse_out
from tinygrad_lite.core.primitive import elementwise
from tinygrad_lite.core.tensor import NUMBERS, Tensor, TensorLike
from tinygrad_lite.ops.arithmetic import positive
from tinygrad_lite.utils.types import Array

_TIE = "a tie gives the whole gradient to x1."
maximum = elementwise(
    np.maximum, "The larger of two: max(x1, x2), nan if one is.", kinks=_TIE, example="[1.0, 3.0], 2.0 -> [2. 3.]"
)
minimum = elementwise(
    np.minimum, "The smaller of two: min(x1, x2), nan if one is.", kinks=_TIE, example="[1.0, 3.0], 2.0 -> [1. 2.]"
)
fmax = elementwise(
    np.fmax,
    "The larger of two: max(x1, x2), the other one if one is nan.",
    kinks=_TIE,
    example="[1.0, 3.0], 2.0 -> [2. 3.]",
)
fmin = elementwise(
    np.fmin,
    "The smaller of two: min(x1, x2), the other one if one is nan.",
    kinks=_TIE,
    example="[1.0, 3.0], 2.0 -> [1. 2.]",
)
# Comparisons with nan are false. Where an argument is nan, `maximum` and `minimum` pass the gradient to both, because a
# zero would hide the nan. `fmax` and `fmin` ignore nan, and give it no gradient.
maximum.defvjp(lambda g, y, a, b: np.where(a < b, 0, g), lambda g, y, a, b: np.where(a >= b, 0, g))
minimum.defvjp(lambda g, y, a, b: np.where(a > b, 0, g), lambda g, y, a, b: np.where(a <= b, 0, g))
for _chosen in (fmax, fmin):
    _chosen.defvjp(
        lambda g, y, a, b: np.where((a == y) | (y != y), g, 0),
        lambda g, y, a, b: np.where(a == y, 0, g),
    )


@elementwise
def where(condition: Array, x: Array, y: Array) -> Array:
    """A choice for each element: x where condition is true, else y.

    No gradient comes back through a branch that was not taken, even if its derivative is inf or nan there.
    For the indices of what is true, NumPy's `where` of one argument, see `nonzero`.

    Parameters
    ----------
    condition : Tensor or array-like of booleans
    x, y : Tensor or array-like
        All three broadcast against each other.

    Returns
    -------
    Tensor
        Of the broadcast shape. Of two Python numbers, float32 where one is a float: what is about to meet float64 with
        all its digits, give as `np.float64(0.1)`.

    Raises
    ------
    ValueError
        The shapes do not broadcast together.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.where([True, False], [1.0, 2.0], 0.0).numpy()
    array([1., 0.], dtype=float32)
    """
    return np.where(condition, x, y)


where.conditions = 1
where.hint = " For the indices of what is true, write tgl.nonzero(condition)."
where.defvjp(None, lambda g, y, c, a, b: np.where(c, g, 0), lambda g, y, c, a, b: np.where(c, 0, g))


@elementwise
def _clip(x: Array, low: Array, high: Array) -> Array:
    """`x` moved into the interval from `low` to `high`: min(max(x, low), high)."""
    if type(x) in NUMBERS:  # adapts to the bounds, which np.clip does not know
        x = np.asarray(x, np.result_type(x, low, high))
    return np.clip(x, low, high)


_clip.defvjp(
    lambda g, y, x, low, high: np.where((x < low) | (x > high), 0, g),
    lambda g, y, x, low, high: np.where((x >= low) | (low > high), 0, g),
    lambda g, y, x, low, high: np.where((x <= high) & (low <= high), 0, g),
)


def clip(
    a: TensorLike,
    a_min: TensorLike | None = None,
    a_max: TensorLike | None = None,
    out: None = None,
    *,
    min: TensorLike | None = None,
    max: TensorLike | None = None,
) -> Tensor:
    """`a` moved into an interval: min(max(a, a_min), a_max).

    Kinks: on a bound the gradient goes to `a`.

    Parameters
    ----------
    a : Tensor or array-like
    a_min, a_max : Tensor, array-like or None
        Broadcast against `a`; None for no bound. Gradients flow to them too.
    out : None
    min, max : Tensor, array-like or None
        Other names for `a_min` and `a_max`.

    Returns
    -------
    Tensor

    Raises
    ------
    TypeError
        A bound is given twice.
    ValueError
        The shapes do not broadcast together.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.clip([-2.0, 0.5, 2.0], -1.0, 1.0).numpy()
    array([-1. ,  0.5,  1. ], dtype=float32)
    """
    refuse_out("clip", out)
    if (min is not None and a_min is not None) or (max is not None and a_max is not None):
        raise TypeError(
            "clip expected each bound once: min is a_min, and max is a_max. Received: "
            f"a_min={a_min!r}, min={min!r}, a_max={a_max!r}, max={max!r}."
        )
    low = a_min if min is None else min
    high = a_max if max is None else max
    if low is None and high is None:
        return positive(a)
    if high is None:
        return maximum(a, low)
    if low is None:
        return minimum(a, high)
    return _clip(a, low, high)


@elementwise(kinks="where a number was replaced the derivative is 0.")
def nan_to_num(
    x: Array, *, copy: bool = True, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None
) -> Array:
    """Finite numbers in the place of nan and the infinities: x where it is finite.

    Parameters
    ----------
    x : Tensor or array-like
    copy : bool
    nan : number
        Stands for nan.
    posinf, neginf : number or None
        Stand for inf and -inf; None for the largest and the least finite number of the dtype.

    Returns
    -------
    Tensor
        Of the shape of `x`.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.nan_to_num([1.0, float("nan"), float("inf")], posinf=9.0).numpy()
    array([1., 0., 9.], dtype=float32)
    """
    return np.nan_to_num(x, nan=nan, posinf=posinf, neginf=neginf)


nan_to_num.defvjp(lambda g, y, x, **replacements: np.where(np.isfinite(x), g, 0))

# The gradients of these are `g` or 0: there is no inf or nan to search for.
for _linear in (maximum, minimum, fmax, fmin, where, _clip, nan_to_num):
    _linear.needs_zero_rule = False
