"""Types of what functions of this package take and give; `TensorLike` is in `core.tensor`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, SupportsIndex, TypeAlias

from numpy.typing import ArrayLike, DTypeLike, NDArray

__all__ = ["Array", "ArrayLike", "Axis", "Casting", "DTypeLike", "Index", "Shape", "ShapeLike", "Value"]

Array: TypeAlias = NDArray[Any]
"""An ndarray of any dtype."""
Shape: TypeAlias = tuple[int, ...]
"""Lengths of the axes."""
ShapeLike: TypeAlias = SupportsIndex | Sequence[SupportsIndex]
"""What NumPy takes as a shape: a single length, or one for each axis."""
Axis: TypeAlias = int | tuple[int, ...] | None
"""An axis, several, or None for all."""
Casting: TypeAlias = Literal["no", "equiv", "safe", "same_kind", "unsafe"]
"""Which conversions between dtypes are allowed, as NumPy names them."""
Index: TypeAlias = Any
"""What `x[...]` takes: integers, slices, `...`, None, arrays, Tensors, lists, and tuples of these."""
Value: TypeAlias = Any
"""What gradient rules compute with: arrays, or Tensors while another tape records.

It is `Any`, because the type stubs of NumPy do not know that its functions take Tensors.
"""
