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
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tinygrad_lite import ops
from tinygrad_lite.compat import keras as keras
from tinygrad_lite.compat.names import axes, names_of, refuse, tensor, translated
from tinygrad_lite.compat.tensorflow import math as math
from tinygrad_lite.compat.tensorflow import nn as nn
from tinygrad_lite.compat.tensorflow import random as random
from tinygrad_lite.compat.tensorflow.math import argmax, argmin, cumsum
from tinygrad_lite.compiler.function import function as _function
from tinygrad_lite.core.arguments import UnconnectedGradients
from tinygrad_lite.core.custom_gradient import custom_gradient
from tinygrad_lite.core.tape import GradientTape
from tinygrad_lite.core.tape import stop_gradient as _stop_gradient
from tinygrad_lite.core.tensor import Tensor, TensorLike, to_tensor
from tinygrad_lite.core.tensor import constant as _constant
from tinygrad_lite.core.variable import Variable
from tinygrad_lite.ops import linalg as _linalg
from tinygrad_lite.utils.types import Axis, DTypeLike

_as_tensor, _as_axes = tensor, axes  # by names that are no arguments of TensorFlow's

__all__ = [
    "GradientTape", "Tensor", "UnconnectedGradients", "Variable", "argmax", "argmin", "clip_by_global_norm",
    "clip_by_norm", "constant", "convert_to_tensor", "cumsum", "custom_gradient", "einsum", "eye", "fill", "function",
    "gather", "identity", "keras", "math", "matmul", "nn", "norm", "one_hot", "pad", "random", "range", "rank",
    "shape", "size", "split", "where",
]  # fmt: skip


def constant(
    value: TensorLike, dtype: DTypeLike | None = None, shape: Sequence[int] | None = None, name: str | None = "Const"
) -> Tensor:
    """A tensor with the given value, as `tgl.constant` makes it.

    Examples
    --------
    >>> constant(1.0, shape=[2]).numpy()
    array([1., 1.], dtype=float32)
    """
    given = tensor(value) if isinstance(value, (list, tuple)) and dtype is None else value
    return _constant(given, dtype, None if shape is None else tuple(shape))


def convert_to_tensor(
    value: TensorLike, dtype: DTypeLike | None = None, dtype_hint: DTypeLike | None = None, name: str | None = None
) -> Tensor:
    """`value` as a tensor, as `tgl.constant` makes it; of the dtype `dtype_hint` where that loses nothing.

    Examples
    --------
    >>> convert_to_tensor([1.0, 2.0]).dtype, convert_to_tensor([1, 2], dtype_hint="float32").dtype
    (dtype('float32'), dtype('float32'))
    """
    if dtype is None and dtype_hint is not None and not isinstance(value, Tensor):
        made = constant(value)
        return made if made.dtype.kind == "f" and np.dtype(dtype_hint).kind != "f" else ops.cast(made, dtype_hint)
    return constant(value, dtype)


def identity(input: TensorLike, name: str | None = None) -> Tensor:
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
            f"tf.function does not take {', '.join(sorted(unknown))} in tinygrad_lite. Leave it out: @tf.function."
        )
    return _function if func is None else _function(func)


def matmul(
    a: TensorLike,
    b: TensorLike,
    transpose_a: bool = False,
    transpose_b: bool = False,
    adjoint_a: bool = False,
    adjoint_b: bool = False,
    a_is_sparse: bool = False,
    b_is_sparse: bool = False,
    output_type: DTypeLike | None = None,
    grad_a: bool = False,
    grad_b: bool = False,
    name: str | None = None,
) -> Tensor:
    """The matrix product, after transposing the last two axes where asked for.

    Of real numbers the adjoint is the transpose. `a_is_sparse` and `b_is_sparse` have no effect on numbers;
    `output_type`, `grad_a` and `grad_b` are not here.

    Examples
    --------
    >>> matmul([[1.0, 2.0]], [[3.0, 4.0]], transpose_b=True).numpy()
    array([[11.]], dtype=float32)
    """
    for argument, value, default in (
        ("output_type", output_type, None), ("grad_a", grad_a, False), ("grad_b", grad_b, False),
    ):  # fmt: skip
        refuse("tf.matmul", argument, value, default)
    if (transpose_a and adjoint_a) or (transpose_b and adjoint_b):
        raise ValueError("tf.matmul expected either transpose or adjoint of a matrix. Received: both. Leave one out.")
    a, b = tensor(a), tensor(b)
    a = ops.matrix_transpose(a) if transpose_a or adjoint_a else a
    return ops.matmul(a, ops.matrix_transpose(b) if transpose_b or adjoint_b else b)


def one_hot(
    indices: TensorLike,
    depth: int,
    on_value: TensorLike | None = None,
    off_value: TensorLike | None = None,
    axis: int | None = None,
    dtype: DTypeLike | None = None,
    name: str | None = None,
) -> Tensor:
    """Rows with `on_value` at each index and `off_value` elsewhere, along a new axis.

    Examples
    --------
    >>> one_hot([1], depth=3).numpy()
    array([[0., 1., 0.]], dtype=float32)
    """
    given = [value for value in (on_value, off_value) if value is not None]
    if dtype is None:
        dtype = np.result_type(*(constant(value).dtype for value in given)) if given else np.float32
    encoded = ops.one_hot(tensor(indices), depth=int(depth), dtype=bool if given else dtype)
    if given:
        on, off = 1 if on_value is None else on_value, 0 if off_value is None else off_value
        encoded = ops.cast(ops.where(encoded, on, off), dtype)
    return encoded if axis in (None, -1) else ops.moveaxis(encoded, -1, axis)


def gather(
    params: TensorLike,
    indices: TensorLike,
    validate_indices: bool | None = None,
    axis: int | None = None,
    batch_dims: int = 0,
    name: str | None = None,
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


def einsum(equation: str, *inputs: TensorLike, name: str | None = None, optimize: Any = "greedy") -> Tensor:
    """Sums of products by Einstein's convention: see `tgl.einsum`.

    Examples
    --------
    >>> einsum("ij,j->i", [[1.0, 2.0]], [3.0, 4.0]).tolist()
    [11.0]
    """
    return ops.einsum(equation, *(tensor(value) for value in inputs))


def split(
    value: TensorLike,
    num_or_size_splits: int | Sequence[int],
    axis: int = 0,
    num: int | None = None,
    name: str | None = "split",
) -> list[Tensor]:
    """`value` in so many equal parts along `axis`, or in parts of the given sizes, one of which may be -1: the rest.

    Examples
    --------
    >>> [part.tolist() for part in split([1.0, 2.0, 3.0, 4.0], [1, -1])]
    [[1.0], [2.0, 3.0, 4.0]]
    """
    parts: Any = num_or_size_splits
    value = to_tensor(tensor(value))
    if np.ndim(parts) == 0:
        return ops.split(value, int(parts), axis)
    sizes, length = np.array(num_or_size_splits, int), value.shape[axis]  # NumPy's list is one of indices
    rest = sizes == -1
    sizes[rest] = length - sizes[~rest].sum()
    if rest.sum() > 1 or sizes.min(initial=0) < 0 or sizes.sum() != length:
        raise ValueError(
            f"tf.split expected sizes that add up to {length}, the length of axis {axis}, one of them perhaps -1. "
            f"Received: num_or_size_splits={num_or_size_splits}."
        )
    return ops.split(value, np.cumsum(sizes)[:-1].tolist(), axis)


def where(
    condition: TensorLike, x: TensorLike | None = None, y: TensorLike | None = None, name: str | None = None
) -> Tensor:
    """A choice for each element; of a condition alone, the indices of what is true, one in each row.

    Examples
    --------
    >>> where([True, False], 1.0, 0.0).tolist(), where([False, True]).tolist()
    ([1.0, 0.0], [[1]])
    """
    if x is None and y is None:
        return ops.argwhere(tensor(condition))
    return ops.where(tensor(condition), tensor(x), tensor(y))


def fill(dims: Sequence[int] | Tensor, value: TensorLike, name: str | None = None, layout: None = None) -> Tensor:
    """A tensor of shape `dims` full of `value`.

    Examples
    --------
    >>> fill([2], 3.0).numpy()
    array([3., 3.], dtype=float32)
    """
    refuse("tf.fill", "layout", layout, None)
    return _constant(value, shape=tuple(int(n) for n in dims))


def eye(
    num_rows: int,
    num_columns: int | None = None,
    batch_shape: Sequence[int] | None = None,
    dtype: DTypeLike | None = np.float32,
    name: str | None = None,
) -> Tensor:
    """The identity matrix, or a stack of them of the shape `batch_shape`.

    Examples
    --------
    >>> eye(2).numpy()
    array([[1., 0.],
           [0., 1.]], dtype=float32)
    """
    matrix = np.eye(num_rows, num_columns, dtype=dtype)
    return Tensor(np.tile(matrix, (*(int(n) for n in batch_shape or ()), 1, 1)) if batch_shape else matrix)


def range(
    start: TensorLike,
    limit: TensorLike | None = None,
    delta: TensorLike = 1,
    dtype: DTypeLike | None = None,
    name: str | None = "range",
) -> Tensor:
    """The numbers from `start` (0 if it stands alone) below `limit`, `delta` apart.

    Examples
    --------
    >>> range(3).numpy().tolist(), range(2.0, 4.0).numpy().tolist()
    ([0, 1, 2], [2.0, 3.0])
    """
    bounds: Any = (0, start, delta) if limit is None else (start, limit, delta)
    numbers = np.arange(*bounds, dtype=dtype)
    return Tensor(numbers.astype(np.float32) if dtype is None and numbers.dtype.kind == "f" else numbers)


def shape(input: TensorLike, out_type: DTypeLike | None = None, name: str | None = None) -> Tensor:
    """The lengths of the axes, as a tensor.

    Examples
    --------
    >>> shape([[1.0, 2.0]]).numpy().tolist()
    [1, 2]
    """
    return Tensor(np.array(np.shape(tensor(input)), out_type or np.int32))


def size(input: TensorLike, out_type: DTypeLike | None = None, name: str | None = None) -> Tensor:
    """The number of elements, as a tensor.

    Examples
    --------
    >>> size([[1.0, 2.0]]).item()
    2
    """
    return Tensor(np.array(np.size(tensor(input)), out_type or np.int32))


def rank(input: TensorLike, name: str | None = None) -> Tensor:
    """The number of axes, as a tensor.

    Examples
    --------
    >>> rank([[1.0, 2.0]]).item()
    2
    """
    return Tensor(np.array(np.ndim(tensor(input)), np.int32))


def pad(
    tensor: TensorLike,
    paddings: TensorLike,
    mode: str = "CONSTANT",
    constant_values: float = 0,
    name: str | None = None,
) -> Tensor:
    """`tensor` with a margin on every side: of a constant, or with "REFLECT" and "SYMMETRIC" of the mirror image.

    Examples
    --------
    >>> pad([1.0, 2.0, 3.0], [[1, 1]]).tolist(), pad([1.0, 2.0, 3.0], [[1, 1]], "SYMMETRIC").tolist()
    ([0.0, 1.0, 2.0, 3.0, 0.0], [1.0, 1.0, 2.0, 3.0, 3.0])
    """
    x, kind = to_tensor(_as_tensor(tensor)), mode.upper()
    widths = np.asarray(_as_tensor(paddings))
    if kind not in ("CONSTANT", "REFLECT", "SYMMETRIC") or widths.shape != (x.ndim, 2):
        raise ValueError(
            f"tf.pad expected mode 'CONSTANT', 'REFLECT' or 'SYMMETRIC', and paddings of shape ({x.ndim}, 2). "
            f"Received: mode={mode!r}, paddings={paddings!r}."
        )
    if kind == "CONSTANT":
        return ops.pad(x, widths, constant_values=constant_values)
    longest = np.array(x.shape)[:, None] - (kind == "REFLECT")
    if np.any(widths > longest):
        raise ValueError(
            f"tf.pad expected margins in mode {kind!r} of at most {longest.ravel().tolist()}, the lengths that can be "
            f"mirrored. Received: paddings={paddings!r}."
        )
    return ops.pad(x, widths, mode=kind.lower())


def norm(
    tensor: TensorLike,
    ord: float | str = "euclidean",
    axis: Axis = None,
    keepdims: bool | None = None,
    name: str | None = None,
) -> Tensor:
    """The length of vectors or the size of matrices: see `tgl.linalg.norm`.

    Parameters
    ----------
    tensor : Tensor or array-like
    ord : "euclidean", "fro", or a positive number
    axis : int or pair of int, optional
        One for vectors, two for matrices. None takes all elements for one vector.
    keepdims : bool, optional
    name : str, optional
        Has no effect.

    Examples
    --------
    >>> norm([[3.0], [4.0]]).item(), norm([[1.0, -2.0], [3.0, 4.0]], ord=1, axis=(0, 1)).item()
    (5.0, 6.0)
    """
    x, axis = to_tensor(_as_tensor(tensor)), axes(axis)
    is_matrix = isinstance(axis, tuple) and len(axis) == 2
    allowed = ("euclidean", "fro", 1, 2, np.inf) if is_matrix else ("euclidean",)
    is_number = isinstance(ord, (int, float)) and not isinstance(ord, bool) and ord > 0
    if not (ord in allowed or (is_number and not is_matrix)):
        kinds = "'euclidean', 'fro', 1, 2 or inf" if is_matrix else "'euclidean' or a positive number"
        raise ValueError(f"tf.norm expected ord to be {kinds} for axis={axis}. Received: ord={ord!r}.")
    order = None if ord == "euclidean" else ord
    if axis is None:
        y = _linalg.norm(ops.reshape(x, (-1,)), order)
        return ops.reshape(y, (1,) * x.ndim) if keepdims else y
    return _linalg.norm(x, order, axis[0] if isinstance(axis, tuple) and len(axis) == 1 else axis, bool(keepdims))


def clip_by_norm(t: TensorLike, clip_norm: TensorLike, axes: Axis = None, name: str | None = None) -> Tensor:
    """`t`, scaled down where its norm, of all elements or along `axes`, is larger than `clip_norm`.

    Examples
    --------
    >>> clip_by_norm([3.0, 4.0], 1.0).tolist() == [np.float32(0.6), np.float32(0.8)]
    True
    """
    x = to_tensor(tensor(t))
    squares = ops.sum(ops.square(x), axis=_as_axes(axes), keepdims=True)
    is_zero = squares == 0  # where the root has no derivative
    length = ops.where(is_zero, squares, ops.sqrt(ops.where(is_zero, 1, squares)))
    return x * clip_norm / ops.maximum(length, clip_norm)


def clip_by_global_norm(
    t_list: Sequence[TensorLike | None],
    clip_norm: TensorLike,
    use_norm: TensorLike | None = None,
    name: str | None = None,
) -> Any:
    """Tensors, all scaled down by one factor if the norm of all together is larger than `clip_norm`; and that norm.

    Examples
    --------
    >>> clipped, length = clip_by_global_norm([constant([3.0]), None, constant([4.0])], 10.0)
    >>> [None if t is None else t.tolist() for t in clipped], length.item()
    ([[3.0], None, [4.0]], 5.0)
    """
    tensors = [None if t is None else to_tensor(tensor(t)) for t in t_list]
    if use_norm is None:
        squares = [ops.sum(ops.square(t)) for t in tensors if t is not None]
        use_norm = ops.sqrt(sum(squares[1:], start=squares[0]))
    use_norm = to_tensor(use_norm)
    finite = ops.where(ops.isfinite(use_norm), use_norm, np.nan)  # an infinite norm makes all NaN, as in TensorFlow
    scale = clip_norm / ops.maximum(finite, clip_norm)
    return [None if t is None else t * ops.cast(scale, t.dtype) for t in tensors], use_norm


_DTYPES = ("bool", "float16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8")

_TRANSLATED: dict[str, tuple[Any, str]] = {
    "cast": (ops.cast, "*x dtype"),
    "clip_by_value": (ops.clip, "*t *clip_value_min *clip_value_max"),
    "concat": (ops.concatenate, "values:arrays axis ~name='concat'"),
    "expand_dims": (ops.expand_dims, "*input axis"),
    "linspace": (ops.linspace, "start stop num ~name=None axis=0"),
    "ones": (ops.ones, "shape dtype='float32' ~name=None !layout=None"),
    "ones_like": (ops.ones_like, "*input dtype=None ~name=None !layout=None"),
    "repeat": (ops.repeat, "*input repeats axis=None"),
    "reshape": (ops.reshape, "*tensor shape"),
    "squeeze": (ops.squeeze, "*input axis=None"),
    "stack": (ops.stack, "values:arrays axis=0 ~name='stack'"),
    "stop_gradient": (_stop_gradient, "*input"),
    "tensordot": (ops.tensordot, "*a *b axes"),
    "tile": (ops.tile, "*input multiples:reps"),
    "transpose": (ops.transpose, "*a perm:axes=None ~conjugate=False ~name='transpose'"),
    "zeros": (ops.zeros, "shape dtype='float32' ~name=None !layout=None"),
    "zeros_like": (ops.zeros_like, "*input dtype=None ~name=None !layout=None"),
}

_NAMES: dict[str, Any] = (
    {name: np.dtype(name) for name in _DTYPES}
    | {name: translated(f"tf.{name}", ours, parameters) for name, (ours, parameters) in _TRANSLATED.items()}
    | {name: getattr(math, name) for name in dir(math) if name in math.ALSO_IN_TF}
    | {"float": np.dtype("float32"), "newaxis": None}
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
