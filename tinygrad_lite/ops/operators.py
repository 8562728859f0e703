"""Operators: what Python's syntax and NumPy's functions do with a Tensor.

`a + b`, `x.mean()` and `np.exp(x)` all end in the primitives of this package. The tables below say which;
NumPy's functions are found by their names, which are the same here.
"""

from __future__ import annotations

import math
import operator
import sys
from collections.abc import Callable, Collection
from typing import Any

import numpy as np

from tinygrad_lite import ops
from tinygrad_lite.core.primitive import Primitive
from tinygrad_lite.core.record import state
from tinygrad_lite.core.structure import flatten, map_structure
from tinygrad_lite.core.tape import GradientTape
from tinygrad_lite.core.tensor import Tensor, TensorLike, as_dtype, is_followed
from tinygrad_lite.ops import linalg
from tinygrad_lite.ops.hints import no_counterpart
from tinygrad_lite.utils.callers import called_by
from tinygrad_lite.utils.types import Array, Casting, DTypeLike, ShapeLike

_UNARY = {
    "__neg__": ops.negative,
    "__pos__": ops.positive,
    "__abs__": ops.absolute,
    "__invert__": ops.invert,
    "__floor__": ops.floor,
    "__ceil__": ops.ceil,
    "__trunc__": ops.trunc,
}

_BINARY: dict[str, Callable[..., Any]] = {
    "add": ops.add,
    "sub": ops.subtract,
    "mul": ops.multiply,
    "truediv": ops.divide,
    "floordiv": ops.floor_divide,
    "mod": ops.remainder,
    "divmod": ops.divmod,
    "pow": ops.power,
    "matmul": ops.matmul,
    "and": ops.bitwise_and,
    "or": ops.bitwise_or,
    "xor": ops.bitwise_xor,
    "lshift": ops.left_shift,
    "rshift": ops.right_shift,
}

_COMPARISONS = {
    "__eq__": ops.equal,
    "__ne__": ops.not_equal,
    "__lt__": ops.less,
    "__le__": ops.less_equal,
    "__gt__": ops.greater,
    "__ge__": ops.greater_equal,
}

# Methods of arrays that have a function of the same name here. None works in place: `x.sort()` returns a sorted copy.
_METHODS = (
    "all", "any", "argmax", "argmin", "argpartition", "argsort", "choose", "clip", "conj", "conjugate", "copy",
    "cumprod", "cumsum", "diagonal", "dot", "max", "mean", "min", "nonzero", "partition", "prod", "ravel",
    "repeat", "round", "searchsorted", "sort", "squeeze", "std", "sum", "swapaxes", "take", "trace", "var",
)  # fmt: skip


def _unary(primitive: Primitive) -> Callable[[Tensor], Any]:
    return lambda self: primitive(self)


def _binary(primitive: Callable[..., Any]) -> Callable[[Tensor, Any], Any]:
    return primitive.as_operator() if isinstance(primitive, Primitive) else lambda self, other: primitive(self, other)


def _reflected(primitive: Callable[..., Any]) -> Callable[[Tensor, Any], Any]:
    return lambda self, other: primitive(other, self)


def _comparison(primitive: Primitive) -> Callable[[Tensor, Any], Any]:
    def method(self: Tensor, other: Any) -> Any:
        if other is None or isinstance(other, str):  # Python then compares identities, for `x == None`
            return NotImplemented
        return primitive(self, other)

    return method


def _method(function: Callable[..., Any]) -> Callable[..., Any]:
    def method(self: Tensor, *args: Any, **kwargs: Any) -> Any:
        return function(self, *args, **kwargs)

    method.__doc__ = function.__doc__
    return method


def _unpacked(args: tuple[Any, ...]) -> Any:
    """`(2, 3)` from `x.reshape(2, 3)` as from `x.reshape((2, 3))`."""
    return args[0] if len(args) == 1 and not isinstance(args[0], int) else args


def _reshape(self: Tensor, *shape: ShapeLike) -> Tensor:
    return ops.reshape(self, _unpacked(shape))


def _flatten(self: Tensor, order: str = "C") -> Tensor:
    return ops.ravel(self, order)


def _astype(
    self: Tensor, dtype: DTypeLike, order: str = "K", casting: Casting = "unsafe", subok: bool = True, copy: bool = True
) -> Tensor:
    if not np.can_cast(self.dtype, as_dtype(dtype), casting):
        raise TypeError(
            f"astype expected a dtype that casting={casting!r} allows. Received: {self.dtype} to {np.dtype(dtype)}."
        )
    return ops.cast(self, dtype)


def _compress(self: Tensor, condition: TensorLike, axis: int | None = None) -> Tensor:
    return ops.compress(condition, self, axis)


def _round(self: Tensor, ndigits: int | None = None) -> Tensor:
    return ops.round(self, ndigits or 0)


def _transpose(self: Tensor, *axes: Any) -> Tensor:
    return ops.transpose(self, axes=_unpacked(axes) or None)


# NumPy's protocols --------------------------------------------------------------------------------------------

# A function of NumPy's without a counterpart here runs on the values of tensors that no tape records, and returns what
# NumPy returns. For a recorded tensor it raises, because the gradient would be lost without notice.


def _where(condition: TensorLike, *choices: TensorLike) -> Any:
    return ops.where(condition, *choices) if choices else ops.nonzero(condition)


def _by_name() -> dict[Any, Callable[..., Any]]:
    """The functions of NumPy that have a counterpart of the same name here."""
    table: dict[Any, Callable[..., Any]] = {}
    for ours, numpy in ((ops, np), (linalg, np.linalg)):
        for name in ours.__all__:
            theirs = getattr(numpy, name, None)
            if callable(theirs):
                table[theirs] = getattr(ours, name)
    table[np.where] = _where
    if older := getattr(np, "trapz", None):  # the former name of trapezoid, which NumPy 2.4 removed
        table[older] = ops.trapezoid
    return table


# Questions about axes are no computation; the results are Python's numbers.
_METADATA: dict[Any, Callable[..., Any]] = {
    np.shape: lambda a: a.shape,
    np.ndim: lambda a: a.ndim,
    np.size: lambda a, axis=None: a.size if axis is None else a.shape[axis],
}
_COUNTERPARTS = _by_name() | _METADATA

_UFUNC_METHODS: dict[tuple[Any, str], Callable[..., Any]] = {
    (np.add, "reduce"): ops.sum,
    (np.multiply, "reduce"): ops.prod,
    (np.maximum, "reduce"): ops.max,
    (np.minimum, "reduce"): ops.min,
    (np.logical_and, "reduce"): ops.all,
    (np.logical_or, "reduce"): ops.any,
    (np.add, "accumulate"): ops.cumsum,
    (np.multiply, "accumulate"): ops.cumprod,
}

# These read the shape, the dtype or the memory. No gradient is lost.
_READING = {
    np.shape, np.ndim, np.size, np.result_type, np.min_scalar_type, np.common_type, np.can_cast, np.iscomplexobj,
    np.isrealobj, np.shares_memory, np.may_share_memory, np.array2string, np.array_repr, np.array_str,
}  # fmt: skip


def _of_values(function: Callable[..., Any], args: Any, kwargs: Any, error: Callable[[], TypeError]) -> Any:
    """What NumPy returns for the values of tensors that no tape records; raises `error()` for others."""
    if any(isinstance(x, Tensor) and is_followed(x) for x in flatten((args, kwargs))):
        raise error()
    args, kwargs = map_structure(lambda x: x.numpy() if isinstance(x, Tensor) else x, (args, kwargs))
    return function(*args, **kwargs)


def _array_ufunc(self: Tensor, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
    def method_error() -> TypeError:
        return TypeError(
            f"numpy.{ufunc.__name__}.{method} cannot take a Tensor that is being recorded. Use tgl.sum, tgl.prod, "
            "tgl.cumsum and the like, or pass tensor.numpy() if no gradient is needed."
        )

    def out_error() -> TypeError:
        return TypeError(
            f"numpy.{ufunc.__name__} cannot write a recorded Tensor's result into out=: the gradient would be lost. "
            "Assign the result instead; an array on the left of += and the like becomes `a = a + tensor`."
        )

    if method == "at" and isinstance(inputs[0], Tensor):
        raise TypeError(
            f"numpy.{ufunc.__name__}.at writes into its first argument, and tensors never change. Received: a "
            f"{type(inputs[0]).__name__} of shape {inputs[0].shape}. Use tgl.index_add, or tgl.index_set."
        )
    if kwargs.get("out") is not None:
        return _of_values(getattr(ufunc, method), inputs, kwargs, out_error)
    if method != "__call__":
        ours = _UFUNC_METHODS.get((ufunc, method))
        if ours is None:
            return _of_values(getattr(ufunc, method), inputs, kwargs, method_error)
        return ours(*inputs, **{"axis": 0, **kwargs})
    ours = _COUNTERPARTS.get(ufunc)
    if ours is None:
        return _of_values(ufunc, inputs, kwargs, lambda: no_counterpart(ufunc, inputs, kwargs))
    return ours(*inputs, **kwargs)


def _array_function(
    self: Tensor, function: Callable[..., Any], types: Collection[type], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    if function is np.broadcast_arrays and any(x is None or isinstance(x, str) for x in args):  # as matplotlib's bar
        return _of_values(function, args, kwargs, lambda: no_counterpart(function, args, kwargs))
    ours = _COUNTERPARTS.get(function)
    if ours is not None:
        return ours(*args, **kwargs)
    if function in _READING:
        args, kwargs = map_structure(lambda x: x._array if isinstance(x, Tensor) else x, (args, kwargs))
        return function(*args, **kwargs)
    return _of_values(function, args, kwargs, lambda: no_counterpart(function, args, kwargs))


def _array(self: Tensor, dtype: DTypeLike | None = None, copy: bool | None = None) -> Array:
    try:
        self._leave("numpy.asarray", "turning it into an ndarray")
    except TypeError as error:
        raise TypeError(
            f"{error} Of a list of tensors NumPy does not say what it holds: write tgl.mean([a, b]) for "
            "np.mean([a, b]), and tgl.stack([a, b]) for np.array([a, b])."
        ) from None
    value = self.numpy()
    return value if dtype is None and not copy else np.array(value, dtype=dtype)


# Modules whose functions compute with the number or store it; the exceptions only read it.
_COMPUTING_MODULES = {"math", "cmath", "numpy", "array"}
_READING_NUMBERS = {math.isnan, math.isinf, math.isfinite, math.isclose}


def _as_number(number: Callable[[Any], Any]) -> Callable[[Tensor], Any]:
    """`float(x)` or `int(x)`, which leave the tape on purpose. A library that converts by itself gets an error."""

    def method(self: Tensor) -> Any:
        if state.tapes and is_followed(self):
            self._leave(f"{number.__name__}()", _taking(called_by(sys._getframe(1))))
        return number(self.item())

    method.__doc__ = f"The only element, as Python's {number.__name__}."
    return method


def _taking(callee: Any) -> str:
    """What the caller does with the number, if that is known to lose a gradient without notice."""
    if callee is operator.setitem:
        return "writing it into an array (make one of the parts with tgl.stack or tgl.index_set)"
    owner = getattr(callee, "__self__", None)
    module = type(owner).__module__ if isinstance(owner, np.ndarray) else getattr(callee, "__module__", None)
    if module not in _COMPUTING_MODULES or callee in _READING_NUMBERS:
        return ""
    return f"handing it to {module}.{callee.__name__}"


def _add_to_tensor() -> None:
    for name, made in _UNARY.items():
        setattr(Tensor, name, _unary(made))
    for name, primitive in _BINARY.items():
        setattr(Tensor, f"__{name}__", _binary(primitive))
        setattr(Tensor, f"__r{name}__", _reflected(primitive))
    for name, primitive in _COMPARISONS.items():
        setattr(Tensor, name, _comparison(primitive))
    for name in _METHODS:
        setattr(Tensor, name, _method(getattr(ops, name)))
    for name, method in {
        "__getitem__": ops.getitem,
        "__array_ufunc__": _array_ufunc,
        "__array_function__": _array_function,
        "__array__": _array,
        "__float__": _as_number(float),
        "__int__": _as_number(int),
        "__round__": _round,
        "astype": _astype,
        "compress": _compress,
        "flatten": _flatten,
        "reshape": _reshape,
        "transpose": _transpose,
        "T": property(lambda self: ops.transpose(self), doc="The tensor with its axes reversed."),
        "real": property(ops.real, doc="The tensor itself: its numbers are real."),
        "imag": property(ops.imag, doc="Zeros: its numbers are real."),
        "mT": property(lambda self: ops.matrix_transpose(self), doc="The matrices in the last two axes, transposed."),
    }.items():
        setattr(Tensor, name, method)
    GradientTape._add = ops.add


_add_to_tensor()
