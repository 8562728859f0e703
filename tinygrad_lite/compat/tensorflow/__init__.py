"""TensorFlow's names: `import tinygrad_lite.compat.tensorflow as tf`.

>>> import tinygrad_lite.compat.tensorflow as tf
>>> w = tf.Variable([[1.0], [2.0]])
>>> with tf.GradientTape() as tape:
...     loss = tf.reduce_mean(tf.square(tf.matmul([[3.0, 4.0]], w)))
>>> tape.gradient(loss, w).numpy()
array([[66.],
       [88.]], dtype=float32)
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_lite import ops
from tinygrad_lite.compat import keras as keras
from tinygrad_lite.compat.names import names_of, tensor, translated
from tinygrad_lite.compat.tensorflow import math as math
from tinygrad_lite.compat.tensorflow import nn as nn
from tinygrad_lite.compat.tensorflow import random as random
from tinygrad_lite.compat.tensorflow.math import argmax, argmin
from tinygrad_lite.function import function as _function
from tinygrad_lite.primitive import custom_gradient
from tinygrad_lite.tape import GradientTape, UnconnectedGradients, stop_gradient
from tinygrad_lite.tensor import Tensor, Variable
from tinygrad_lite.tensor import constant as _constant

__all__ = [
    "GradientTape", "Tensor", "UnconnectedGradients", "Variable", "argmax", "argmin", "constant",
    "convert_to_tensor", "custom_gradient", "eye", "fill", "function", "gather", "identity", "keras", "math",
    "matmul", "nn", "one_hot", "random", "range", "rank", "shape", "size", "split", "stop_gradient",
    "where",
]  # fmt: skip


def constant(value: Any, dtype: Any = None, shape: Any = None, name: Any = "Const") -> Tensor:
    """A tensor with the given value, as `tgl.constant` makes it.

    Examples
    --------
    >>> constant(1.0, shape=[2]).numpy()
    array([1., 1.], dtype=float32)
    """
    given = tensor(value) if isinstance(value, (list, tuple)) and dtype is None else value
    return _constant(given, dtype, None if shape is None else tuple(shape))


def convert_to_tensor(value: Any, dtype: Any = None, dtype_hint: Any = None, name: Any = None) -> Tensor:
    """`value` as a tensor, as `tgl.constant` makes it.

    Examples
    --------
    >>> convert_to_tensor([1.0, 2.0]).dtype
    dtype('float32')
    """
    return constant(value, dtype)


def identity(input: Any, name: Any = None) -> Tensor:
    """A new tensor of the same value, through which the gradient goes.

    Examples
    --------
    >>> identity(3.0).item()
    3.0
    """
    return ops.positive(tensor(input))


def function(func: Callable[..., Any] | None = None, **options: Any) -> Any:
    """`tgl.function`, as a decorator with or without arguments.

    Parameters
    ----------
    func : callable, optional
    **options
        `input_signature`, `jit_compile`, `reduce_retracing` and `autograph` are accepted: they do not change what is
        computed. Branches on the value of a tensor raise: write them with `tf.where`.

    Examples
    --------
    >>> @function
    ... def double(x):
    ...     return x * 2.0
    >>> double(constant(3.0)).item()
    6.0
    """
    unknown = set(options) - {"input_signature", "jit_compile", "reduce_retracing", "autograph", "name"}
    if unknown:
        raise TypeError(
            f"tf.function does not take {', '.join(sorted(unknown))} in tinygrad_lite. Leave it away: @tf.function."
        )
    return _function if func is None else _function(func)


def matmul(a: Any, b: Any, transpose_a: bool = False, transpose_b: bool = False, name: Any = None) -> Tensor:
    """The matrix product, after transposing the last two axes where asked for.

    Examples
    --------
    >>> matmul([[1.0, 2.0]], [[3.0, 4.0]], transpose_b=True).numpy()
    array([[11.]], dtype=float32)
    """
    a, b = tensor(a), tensor(b)
    return ops.matmul(ops.matrix_transpose(a) if transpose_a else a, ops.matrix_transpose(b) if transpose_b else b)


def one_hot(
    indices: Any,
    depth: int,
    on_value: Any = None,
    off_value: Any = None,
    axis: int | None = None,
    dtype: Any = None,
    name: Any = None,
) -> Tensor:
    """Rows with `on_value` at each index and `off_value` elsewhere, along a new axis.

    Examples
    --------
    >>> one_hot([1], depth=3).numpy()
    array([[0., 1., 0.]], dtype=float32)
    """
    encoded = ops.one_hot(indices, depth=int(depth), dtype=dtype or np.float32)
    if on_value is not None or off_value is not None:
        on, off = 1 if on_value is None else on_value, 0 if off_value is None else off_value
        encoded = encoded * (on - off) + off
    return encoded if axis in (None, -1) else ops.moveaxis(encoded, -1, axis)


def gather(
    params: Any,
    indices: Any,
    validate_indices: Any = None,
    axis: int | None = None,
    batch_dims: int = 0,
    name: Any = None,
) -> Tensor:
    """The slices of `params` at `indices` along `axis`, the first one by default.

    Examples
    --------
    >>> gather([10.0, 20.0, 30.0], [2, 0]).numpy()
    array([30., 10.], dtype=float32)
    """
    if batch_dims:
        raise ValueError(
            f"tf.gather expected batch_dims=0. Received: batch_dims={batch_dims}. For other indices in each row use "
            "tgl.take_along_axis(params, indices, axis)."
        )
    return ops.take(tensor(params), indices, axis=0 if axis is None else axis)


def split(value: Any, num_or_size_splits: Any, axis: int = 0, num: Any = None, name: Any = "split") -> Any:
    """`value` in so many equal parts along `axis`, or in parts of the given sizes, one of which may be -1: the rest.

    Examples
    --------
    >>> [part.tolist() for part in split([1.0, 2.0, 3.0, 4.0], [1, -1])]
    [[1.0], [2.0, 3.0, 4.0]]
    """
    value = tensor(value)
    if np.ndim(num_or_size_splits) == 0:
        return ops.split(value, int(num_or_size_splits), axis)
    sizes, length = np.array(num_or_size_splits, int), value.shape[axis]  # NumPy's list is one of indices
    rest = sizes == -1
    sizes[rest] = length - sizes[~rest].sum()
    if rest.sum() > 1 or sizes.min(initial=0) < 0 or sizes.sum() != length:
        raise ValueError(
            f"tf.split expected sizes that add up to {length}, the length of axis {axis}, one of them perhaps -1. "
            f"Received: num_or_size_splits={num_or_size_splits}."
        )
    return ops.split(value, np.cumsum(sizes)[:-1].tolist(), axis)


def where(condition: Any, x: Any = None, y: Any = None, name: Any = None) -> Tensor:
    """A choice for each element; of a condition alone, the indices of what is true, one in each row.

    Examples
    --------
    >>> where([True, False], 1.0, 0.0).tolist(), where([False, True]).tolist()
    ([1.0, 0.0], [[1]])
    """
    if x is None and y is None:
        return ops.argwhere(tensor(condition))
    return ops.where(tensor(condition), tensor(x), tensor(y))


def fill(dims: Any, value: Any, name: Any = None) -> Tensor:
    """A tensor of shape `dims` full of `value`.

    Examples
    --------
    >>> fill([2], 3.0).numpy()
    array([3., 3.], dtype=float32)
    """
    return _constant(value, shape=tuple(int(n) for n in dims))


def eye(num_rows: int, num_columns: int | None = None, dtype: Any = np.float32) -> Tensor:
    """The identity matrix.

    Examples
    --------
    >>> eye(2).numpy()
    array([[1., 0.],
           [0., 1.]], dtype=float32)
    """
    return Tensor(np.eye(num_rows, num_columns, dtype=dtype))


def range(start: Any, limit: Any = None, delta: Any = 1, dtype: Any = None, name: Any = "range") -> Tensor:
    """The numbers from `start` (0 if it stands alone) below `limit`, `delta` apart.

    Examples
    --------
    >>> range(3).numpy().tolist(), range(2.0, 4.0).numpy().tolist()
    ([0, 1, 2], [2.0, 3.0])
    """
    bounds: Any = (0, start, delta) if limit is None else (start, limit, delta)
    numbers = np.arange(*bounds, dtype=dtype)
    return Tensor(numbers.astype(np.float32) if dtype is None and numbers.dtype.kind == "f" else numbers)


def shape(input: Any, out_type: Any = np.int32, name: Any = None) -> Tensor:
    """The lengths of the axes, as a tensor.

    Examples
    --------
    >>> shape([[1.0, 2.0]]).numpy().tolist()
    [1, 2]
    """
    return Tensor(np.array(np.shape(tensor(input)), out_type))


def size(input: Any, out_type: Any = np.int32, name: Any = None) -> Tensor:
    """The number of elements, as a tensor.

    Examples
    --------
    >>> size([[1.0, 2.0]]).item()
    2
    """
    return Tensor(np.array(np.size(tensor(input)), out_type))


def rank(input: Any, name: Any = None) -> Tensor:
    """The number of axes, as a tensor.

    Examples
    --------
    >>> rank([[1.0, 2.0]]).item()
    2
    """
    return Tensor(np.array(np.ndim(tensor(input)), np.int32))


_DTYPES = ("bool", "float16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8")

_TRANSLATED: dict[str, tuple[Any, str]] = {
    "cast": (ops.cast, "*x dtype"),
    "clip_by_value": (ops.clip, "*t *clip_value_min *clip_value_max"),
    "concat": (ops.concatenate, "values=arrays axis"),
    "expand_dims": (ops.expand_dims, "*input axis"),
    "linspace": (ops.linspace, "start stop num axis"),
    "ones": (ops.ones, "shape dtype"),
    "ones_like": (ops.ones_like, "*input dtype"),
    "pad": (ops.pad, "*tensor paddings=pad_width"),
    "repeat": (ops.repeat, "*input repeats axis"),
    "reshape": (ops.reshape, "*tensor shape"),
    "squeeze": (ops.squeeze, "*input axis"),
    "stack": (ops.stack, "values=arrays axis"),
    "tensordot": (ops.tensordot, "*a *b axes"),
    "tile": (ops.tile, "*input multiples=reps"),
    "transpose": (ops.transpose, "*a perm=axes"),
    "zeros": (ops.zeros, "shape dtype"),
    "zeros_like": (ops.zeros_like, "*input dtype"),
}

_NAMES: dict[str, Any] = (
    {name: np.dtype(name) for name in _DTYPES}
    | {name: translated(name, ours, parameters) for name, (ours, parameters) in _TRANSLATED.items()}
    | {name: getattr(math, name) for name in dir(math) if name in math.ALSO_IN_TF}
    | {"einsum": ops.einsum, "float": np.dtype("float32"), "newaxis": None}
    | {"initializers": keras.initializers, "losses": keras.losses, "metrics": keras.metrics}
    | {"optimizers": keras.optimizers, "sigmoid": nn.sigmoid, "tanh": math.tanh}
)

_HINTS = {
    "data": "tinygrad_lite.datasets.Batches(x, y, batch_size=..., shuffle=True), or pass arrays to fit",
    "Module": "tinygrad_lite.nn.Layer, or keras.Model",
    "linalg": "tinygrad_lite.linalg, with NumPy's names",
    "print": "print(tensor), outside of tf.function",
    "device": "nothing: everything runs on the processor",
    "config": "nothing: everything runs on the processor",
    "Session": "nothing: operations run when they are called",
    "placeholder": "the arguments of a function",
    "map_fn": "a Python loop and tf.stack",
    "while_loop": "a Python loop",
    "cond": "tf.where, or Python's if outside of tf.function",
}

__getattr__, __dir__ = names_of(__name__, _NAMES, _HINTS)

# `from tinygrad_lite.compat.tensorflow.keras.layers import Dense`, as TensorFlow lets its users write
for _name in [name for name in sys.modules if (name + ".").startswith(keras.__name__ + ".")]:
    sys.modules[__name__ + ".keras" + _name.removeprefix(keras.__name__)] = sys.modules[_name]
