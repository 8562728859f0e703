"""Axes and shapes as callers give them: checked, counted from the first axis, and put back after a reduction."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from typing import Any, SupportsIndex

import numpy as np

from tinygrad_lite.core.tensor import Tensor
from tinygrad_lite.utils.types import Axis, ShapeLike, Value

ndim: Callable[[Any], int] = np.ndim
"""NumPy's, which Tensors answer too; its type stubs do not know that."""


def as_shape(shape: ShapeLike) -> tuple[int, ...]:
    """A shape as NumPy takes it: a number or a sequence of numbers, Tensors too."""
    if isinstance(shape, (Tensor, np.ndarray)):
        shape = shape.tolist()
    return tuple(operator.index(n) for n in shape) if isinstance(shape, Sequence) else (operator.index(shape),)


def as_axis(axis: SupportsIndex, ndim: int) -> int:
    """`axis` counted from the first, or NumPy's AxisError."""
    axis = operator.index(axis)
    if not -ndim <= axis < ndim:
        raise np.exceptions.AxisError(axis, ndim)
    return axis % ndim


def reduced_axes(x: Value, axis: Axis) -> set[int]:
    """The axes of `x` that `axis` names, counted from the first."""
    axes = range(x.ndim) if axis is None else axis if isinstance(axis, (tuple, list)) else (axis,)
    return {a % x.ndim for a in axes} if x.ndim else set()


def expand_reduced(g: Value, x: Value, axis: Axis, keepdims: bool) -> Value:
    """`g` with the reduced axes of `x` put back, each of length one."""
    if keepdims:
        return g
    if axis is None:
        return g.reshape((1,) * x.ndim)
    reduced = reduced_axes(x, axis)
    return np.reshape(g, tuple(1 if n in reduced else length for n, length in enumerate(x.shape)))


def spread(g: Value, shape: tuple[int, ...]) -> Value:
    """`g` repeated along its axes of length one, to `shape`."""
    return g if g.shape == shape else np.broadcast_to(g, shape)


def count_reduced(x: Value, axis: Axis) -> int:
    """How many elements of `x` go into one of the result."""
    if axis is None:
        return int(x.size)
    return math.prod(x.shape[n] for n in reduced_axes(x, axis))
