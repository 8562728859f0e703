"""float16: what adds up or squares many numbers computes in float32, and rounds once, at its end.

float16 has 11 binary digits and ends at 65504. A sum of 5,000 ones, added up in it, would stop at 2048.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_lite.core.tensor import HALF
from tinygrad_lite.utils.types import Array, Value


def wide(x: Value) -> Value:
    """`x`, an array or a Tensor, converted to float32 if it is of float16."""
    return x.astype(np.float32) if x.dtype == HALF else x


def rounding_once(forward: Callable[..., Array]) -> Callable[..., Array]:
    """Decorator of a primitive's forward: float16 arguments are computed in float32."""

    @functools.wraps(forward)
    def wider(*arrays: Array, **metadata: Any) -> Array:
        dtype = metadata.get("dtype")
        if dtype is None:
            if type(arrays[0]) is np.ndarray and arrays[0].dtype.char in "fd":  # the usual case, with a cheap check
                return forward(*arrays, **metadata)
            is_half = _floats(arrays) == {"e"}
        else:
            is_half = dtype == HALF
        if not is_half:
            return forward(*arrays, **metadata)
        if dtype is not None:
            metadata["dtype"] = np.float32
        return forward(*(wide(x) if isinstance(x, np.ndarray) else x for x in arrays), **metadata).astype(HALF)

    return wider


def _floats(arrays: tuple[Array, ...]) -> set[str]:
    """NumPy's characters of the floating dtypes among `arrays`."""
    dtypes = {x.dtype for x in arrays if isinstance(x, (np.ndarray, np.generic))}
    return {dtype.char for dtype in dtypes if dtype.kind == "f"}
