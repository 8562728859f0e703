"""Comparisons, logic, bits, and tests for nan and infinity: none has a gradient."""

from __future__ import annotations

import numpy as np

from tinygrad_lite.core.calling import refuse_out
from tinygrad_lite.core.primitive import nondifferentiable
from tinygrad_lite.utils.types import Array

equal = nondifferentiable(np.equal, "Equality: x1 = x2.", example="[1.0, 2.0], 2.0 -> [False  True]")
not_equal = nondifferentiable(np.not_equal, "Inequality: x1 ≠ x2.", example="[1.0, 2.0], 2.0 -> [ True False]")
less = nondifferentiable(np.less, "Order: x1 < x2.", example="[1.0, 2.0], 2.0 -> [ True False]")
less_equal = nondifferentiable(np.less_equal, "Order: x1 ≤ x2.", example="[1.0, 3.0], 2.0 -> [ True False]")
greater = nondifferentiable(np.greater, "Order: x1 > x2.", example="[1.0, 3.0], 2.0 -> [False  True]")
greater_equal = nondifferentiable(np.greater_equal, "Order: x1 ≥ x2.", example="[1.0, 2.0], 2.0 -> [False  True]")
logical_and = nondifferentiable(
    np.logical_and, "Whether both are true: x1 and x2.", example="[True, False], True -> [ True False]"
)
logical_or = nondifferentiable(
    np.logical_or, "Whether one is true: x1 or x2.", example="[True, False], False -> [ True False]"
)
logical_xor = nondifferentiable(
    np.logical_xor, "Whether just one is true: x1 ≠ x2, as truth.", example="[True, False], True -> [False  True]"
)
logical_not = nondifferentiable(np.logical_not, "Whether it is false: not x.", example="[True, False] -> [False  True]")
bitwise_and = nondifferentiable(
    np.bitwise_and, "Bits of integers, truth of booleans: x1 & x2.", example="[6, 5], 3 -> [2 1]"
)
bitwise_or = nondifferentiable(
    np.bitwise_or, "Bits of integers, truth of booleans: x1 | x2.", example="[6, 5], 3 -> [7 7]"
)
bitwise_xor = nondifferentiable(
    np.bitwise_xor, "Bits of integers, truth of booleans: x1 ^ x2.", example="[6, 5], 3 -> [5 6]"
)
invert = nondifferentiable(np.invert, "Bits of integers, truth of booleans: ~x.", example="[0, 1] -> [-1 -2]")
left_shift = nondifferentiable(np.left_shift, "Bits of integers moved up: x1 · 2^x2.", example="[1, 2], 3 -> [ 8 16]")
right_shift = nondifferentiable(
    np.right_shift, "Bits of integers moved down: ⌊x1 / 2^x2⌋.", example="[8, 17], 3 -> [1 2]"
)

isnan = nondifferentiable(np.isnan, "Whether it is nan.", example="[1.0, float('nan')] -> [False  True]")
isinf = nondifferentiable(np.isinf, "Whether it is inf or -inf.", example="[1.0, float('inf')] -> [False  True]")
isfinite = nondifferentiable(
    np.isfinite, "Whether it is neither nan nor infinite.", example="[1.0, float('inf')] -> [ True False]"
)
signbit = nondifferentiable(np.signbit, "Whether it is negative, -0 included.", example="[1.0, -0.0] -> [False  True]")


@nondifferentiable
def isposinf(x: Array, *, out: None = None) -> Array:
    """Whether it is inf.

    Parameters
    ----------
    x : Tensor or array-like
    out : None

    Returns
    -------
    Tensor of booleans

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.isposinf([1.0, float("inf")]).tolist()
    [False, True]
    """
    refuse_out("isposinf", out)
    return np.isposinf(x)


@nondifferentiable
def isneginf(x: Array, *, out: None = None) -> Array:
    """Whether it is -inf.

    Parameters
    ----------
    x : Tensor or array-like
    out : None

    Returns
    -------
    Tensor of booleans

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.isneginf([1.0, -float("inf")]).tolist()
    [False, True]
    """
    refuse_out("isneginf", out)
    return np.isneginf(x)


@nondifferentiable
def isclose(a: Array, b: Array, *, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> Array:
    """Whether two numbers are close: |a - b| ≤ atol + rtol · |b|.

    Parameters
    ----------
    a, b : Tensor or array-like
        Broadcast against each other.
    rtol, atol : float
    equal_nan : bool
        Whether nan is close to nan.

    Returns
    -------
    Tensor of booleans

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.isclose([1.0, 2.0], [1.0, 2.1]).tolist()
    [True, False]
    """
    return np.isclose(a, b, rtol=rtol, atol=atol, equal_nan=equal_nan)


@nondifferentiable
def allclose(a: Array, b: Array, *, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> Array:
    """Whether all pairs of numbers are close: |a - b| ≤ atol + rtol · |b|.

    Parameters
    ----------
    a, b : Tensor or array-like
        Broadcast against each other.
    rtol, atol : float
    equal_nan : bool
        Whether nan is close to nan.

    Returns
    -------
    Tensor
        One boolean.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> bool(tgl.allclose([1.0, 2.0], [1.0, 2.1]))
    False
    """
    return np.asarray(np.allclose(a, b, rtol=rtol, atol=atol, equal_nan=equal_nan))


@nondifferentiable
def array_equal(a1: Array, a2: Array, *, equal_nan: bool = False) -> Array:
    """Whether two arrays have the same shape and the same elements.

    Parameters
    ----------
    a1, a2 : Tensor or array-like
    equal_nan : bool
        Whether nan equals nan.

    Returns
    -------
    Tensor
        One boolean.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> bool(tgl.array_equal([1.0, 2.0], [1.0, 2.0]))
    True
    """
    return np.asarray(np.array_equal(a1, a2, equal_nan=equal_nan))


# NumPy's second names for the same function.
bitwise_invert = bitwise_not = invert
bitwise_left_shift, bitwise_right_shift = left_shift, right_shift
