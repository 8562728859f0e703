"""Tensors inside of a function that is being traced, and what they refuse.

Such a tensor has a shape and a dtype. Its value is not known before the program runs, so whatever asks for it raises.
"""

from __future__ import annotations

from typing import Any

from tinygrad_lite.core.tensor import Tensor
from tinygrad_lite.utils.types import Array

__all__ = ["Finished", "Traced", "TracingError", "refusal"]


class TracingError(TypeError):
    """A traced function did something that depends on a tensor's value, which is not known before it runs."""


def refusal(what: str, tensor: Tensor) -> TracingError:
    return TracingError(
        f"{what} was asked for inside of a tgl.function: the function is being traced, and there is no value yet. "
        f"Received: shape={tensor.shape}, dtype={tensor.dtype}. Choose elementwise with tgl.where(condition, a, b), "
        "return the tensor and look at it outside, or leave this part eager."
    )


class Traced(Tensor):
    """A tensor inside of a function that is being traced: it has a shape and a dtype, but no value yet."""

    __slots__ = ()

    def _refuse(self, what: str) -> TracingError:
        return refusal(f"{what} of a tensor", self)

    def __bool__(self) -> bool:
        raise self._refuse("The truth (if, while, and, or, not)")

    def __int__(self) -> int:
        raise self._refuse("int()")

    def __float__(self) -> float:
        raise self._refuse("float()")

    def __index__(self) -> int:
        raise self._refuse("Use as a Python integer (range, slice bound, list index)")

    def item(self) -> Any:
        raise self._refuse(".item()")

    def tolist(self) -> Any:
        raise self._refuse(".tolist()")

    def numpy(self) -> Array:
        raise self._refuse(".numpy()")

    def __format__(self, spec: str) -> str:
        return repr(self)

    def __repr__(self) -> str:
        return f"Traced(shape={self.shape}, dtype={self.dtype})"

    def __reduce__(self) -> Any:
        raise self._refuse("Copying or pickling")


class Finished(Traced):
    """A traced tensor after its function has been traced. It never had a value, so any use of it raises."""

    __slots__ = ()

    @property
    def _array(self) -> Array:  # type: ignore[override]
        raise TracingError(
            "A tensor of a finished tgl.function was used after it: it was kept in an attribute, a variable or a "
            "container while the function was traced, and never had a value. Return it from the function instead, by "
            "itself or in lists, tuples and dicts, or keep it in a tgl.Variable with .assign(...)."
        )

    def __repr__(self) -> str:
        return "<a tensor of a finished tgl.function>"
