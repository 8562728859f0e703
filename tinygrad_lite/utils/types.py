"""Types of what functions of this package take and give; `TensorLike` is in `core.tensor`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, SupportsIndex, TypeAlias

from numpy.typing import ArrayLike, DTypeLike, NDArray

__all__ = ["Array", "ArrayLike", "Axis", "DTypeLike", "Shape", "ShapeLike"]

Array: TypeAlias = NDArray[Any]
"""An ndarray of any dtype."""
Shape: TypeAlias = tuple[int, ...]
"""Lengths of the axes."""
ShapeLike: TypeAlias = SupportsIndex | Sequence[SupportsIndex]
"""What NumPy takes as a shape: a single length, or one for each axis."""
Axis: TypeAlias = int | tuple[int, ...] | None
"""An axis, several, or None for all."""
