"""When NumPy is faster with a row of equal numbers than with a single number."""

from __future__ import annotations

import math

from tinygrad_lite.utils.types import Shape

__all__ = ["compares_in_rows"]


def compares_in_rows(shape: Shape) -> bool:
    """Whether the maximum of a float array and a number is faster if the number is repeated to a row."""
    return len(shape) > 1 and 64 <= shape[-1] <= 4096 <= math.prod(shape)
