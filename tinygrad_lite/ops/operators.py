"""Operators: what Python's syntax and NumPy's functions do with a Tensor.

`a + b`, `x.mean()` and `np.exp(x)` all end in the primitives of this package. The tables below say which;
for NumPy's functions the house's law does: a function here has the name that NumPy gives it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_lite import ops
from tinygrad_lite.ops import linalg
from tinygrad_lite.primitive import Primitive
from tinygrad_lite.tape import state
from tinygrad_lite.tensor import Array, Tensor

_UNARY = {"__neg__": ops.negative, "__abs__": ops.absolute, "__invert__": ops.logical_not}

_BINARY = {
    "add": ops.add,
    "sub": ops.subtract,
    "mul": ops.multiply,
    "truediv": ops.divide,
    "pow": ops.power,
    "matmul": ops.matmul,
    "and": ops.logical_and,
    "or": ops.logical_or,
    "xor": ops.logical_xor,
}

_COMPARISONS = {
    "__eq__": ops.equal,
    "__ne__": ops.not_equal,
    "__lt__": ops.less,
    "__le__": ops.less_equal,
    "__gt__": ops.greater,
    "__ge__": ops.greater_equal,
}

_METHODS: dict[str, Callable[..., Any]] = {
    "sum": ops.sum,
    "mean": ops.mean,
    "max": ops.max,
    "min": ops.min,
    "argmax": ops.argmax,
    "argmin": ops.argmin,
    "all": ops.all,
    "any": ops.any,
    "astype": ops.cast,
    "clip": ops.clip,
    "dot": ops.dot,
}


def _unary(primitive: Primitive) -> Callable[[Tensor], Any]:
    return lambda self: primitive(self)


def _binary(primitive: Primitive) -> Callable[[Tensor, Any], Any]:
    return lambda self, other: primitive(self, other)


def _reflected(primitive: Primitive) -> Callable[[Tensor, Any], Any]:
    return lambda self, other: primitive(other, self)


def _comparison(primitive: Primitive) -> Callable[[Tensor, Any], Any]:
    def method(self: Tensor, other: Any) -> Any:
        if other is None or isinstance(other, str):  # Python's own answer, for `x == None`
            return NotImplemented
        return primitive(self, other)

    return method


def _method(function: Callable[..., Any]) -> Callable[..., Any]:
    def method(self: Tensor, *args: Any, **kwargs: Any) -> Any:
        return function(self, *args, **kwargs)

    method.__doc__ = function.__doc__
    return method


def _many(args: tuple[Any, ...]) -> Any:
    """`(2, 3)` from `x.reshape(2, 3)` as from `x.reshape((2, 3))`."""
    return args[0] if len(args) == 1 and not isinstance(args[0], int) else args


def _reshape(self: Tensor, *shape: Any) -> Tensor:
    return ops.reshape(self, _many(shape))


def _transpose(self: Tensor, *axes: Any) -> Tensor:
    return ops.transpose(self, axes=_many(axes) or None)


# NumPy's protocols --------------------------------------------------------------------------------------------


def _mirrors() -> dict[Any, Callable[..., Any]]:
    """NumPy's function to ours, by name."""
    table: dict[Any, Callable[..., Any]] = {}
    for ours, numpy in ((ops, np), (linalg, np.linalg)):
        for name in ours.__all__:
            theirs = getattr(numpy, name, None)
            if callable(theirs):
                table[theirs] = getattr(ours, name)
    return table


_MIRRORS = _mirrors()


def _no_mirror(function: Any) -> TypeError:
    name = getattr(function, "__name__", str(function))
    return TypeError(
        f"numpy.{name} has no gradient rule in tinygrad_lite and cannot take a Tensor. Ways out: pass "
        f"tensor.numpy() if no gradient is needed; write it with the operations of tgl; or add the rule:\n\n"
        f"    @tgl.primitive\n    def {name}(x):\n        return np.{name}(x)\n\n"
        f"    {name}.defvjp(lambda g, y, x: ...)  # the gradient of x, given g, that of y\n"
    )


def _array_ufunc(self: Tensor, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
    ours = _MIRRORS.get(ufunc)
    if ours is None:
        raise _no_mirror(ufunc)
    if method != "__call__":
        raise TypeError(
            f"numpy.{ufunc.__name__}.{method} cannot take a Tensor. Use tgl.sum, tgl.prod, tgl.cumsum and the "
            "like, or pass tensor.numpy() if no gradient is needed."
        )
    if kwargs.get("out") is not None:
        raise TypeError(
            f"numpy.{ufunc.__name__} cannot write a Tensor's result into out=: the gradient would be lost. "
            "Assign the result instead; an array on the left of += and the like becomes `a = a + tensor`."
        )
    return ours(*inputs, **kwargs)


def _array_function(self: Tensor, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
    ours = _MIRRORS.get(function)
    if ours is None:
        raise _no_mirror(function)
    return ours(*args, **kwargs)


def _array(self: Tensor, dtype: Any = None, copy: bool | None = None) -> Array:
    for tape in state.tapes:
        tape._access(self)  # a Variable would be watched by any other operation that reads it
    if self._id and any(self._id in tape._watched for tape in state.tapes):
        raise TypeError(
            "This tensor is being recorded by an open tape, and turning it into an ndarray would cut its gradient "
            f"silently. Received: shape={self.shape}, dtype={self.dtype}. Use .numpy() to leave the tape on "
            "purpose, or an operation of tgl to stay on it."
        )
    value = self.numpy()
    return value if dtype is None and not copy else np.array(value, dtype=dtype)


def _hang() -> None:
    for name, primitive in _UNARY.items():
        setattr(Tensor, name, _unary(primitive))
    for name, primitive in _BINARY.items():
        setattr(Tensor, f"__{name}__", _binary(primitive))
        setattr(Tensor, f"__r{name}__", _reflected(primitive))
    for name, primitive in _COMPARISONS.items():
        setattr(Tensor, name, _comparison(primitive))
    for name, function in _METHODS.items():
        setattr(Tensor, name, _method(function))
    for name, method in {
        "__getitem__": ops.getitem,
        "__array_ufunc__": _array_ufunc,
        "__array_function__": _array_function,
        "__array__": _array,
        "reshape": _reshape,
        "transpose": _transpose,
        "T": property(lambda self: ops.transpose(self), doc="The tensor with its axes reversed."),
    }.items():
        setattr(Tensor, name, method)


_hang()
