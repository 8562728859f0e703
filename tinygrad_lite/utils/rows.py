"""What NumPy computes faster with a row of equal numbers than with one number."""

from __future__ import annotations

import math

from tinygrad_lite.utils.types import Shape

__all__ = ["compares_in_rows"]


def compares_in_rows(shape: Shape) -> bool:
    """Whether a maximum of floats with one number is faster with a row of it: NumPy compares two rows faster."""
    return len(shape) > 1 and 64 <= shape[-1] <= 4096 <= math.prod(shape)
