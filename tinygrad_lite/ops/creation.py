"""Creation: tensors made from a shape, another tensor, or two ends. Gradients flow to fill values and to ends."""

from __future__ import annotations

import math
from typing import Any, Literal, overload

import numpy as np

from tinygrad_lite.core.backward import sum_to_shape
from tinygrad_lite.core.primitive import primitive
from tinygrad_lite.core.tensor import Tensor, TensorLike, as_array, as_dtype, to_tensor, wrap
from tinygrad_lite.ops.arithmetic import subtract
from tinygrad_lite.ops.axes import as_shape
from tinygrad_lite.ops.broadcasting import broadcast_to
from tinygrad_lite.ops.casting import cast
from tinygrad_lite.ops.half import wide
from tinygrad_lite.ops.rounding import floor
from tinygrad_lite.utils.types import Array, DTypeLike, ShapeLike, Value

# Of a shape ---------------------------------------------------------------------------------------------------


def zeros(shape: ShapeLike, dtype: DTypeLike = "float32") -> Tensor:
    """A Tensor of zeros.

    Parameters
    ----------
    shape : int or tuple of int
    dtype : dtype

    Returns
    -------
    Tensor

    Examples
    --------
    >>> zeros((2, 2)).numpy()
    array([[0., 0.],
           [0., 0.]], dtype=float32)
    """
    return wrap(np.zeros(as_shape(shape), as_dtype(dtype)))


def ones(shape: ShapeLike, dtype: DTypeLike = "float32") -> Tensor:
    """A Tensor of ones.

    Parameters
    ----------
    shape : int or tuple of int
    dtype : dtype

    Returns
    -------
    Tensor

    Examples
    --------
    >>> ones(3).numpy()
    array([1., 1., 1.], dtype=float32)
    """
    return wrap(np.ones(as_shape(shape), as_dtype(dtype)))


def full(shape: ShapeLike, fill_value: TensorLike, dtype: DTypeLike | None = None) -> Tensor:
    """A Tensor filled with a value, to which a gradient flows back.

    Parameters
    ----------
    shape : int or tuple of int
    fill_value : Tensor or array-like
        Broadcasts to `shape`.
    dtype : dtype, optional
        Default: that of `fill_value`, float32 for Python floats.

    Returns
    -------
    Tensor, shape `shape`

    Raises
    ------
    ValueError
        `fill_value` does not broadcast to `shape`.

    Examples
    --------
    >>> full((2, 2), 7.0).tolist()
    [[7.0, 7.0], [7.0, 7.0]]
    """
    value = to_tensor(fill_value, None if dtype is None else as_dtype(dtype))
    return broadcast_to(value if dtype is None or value.dtype == dtype else cast(value, dtype), shape)


def eye(N: int, M: int | None = None, k: int = 0, dtype: DTypeLike = "float32") -> Tensor:
    """A matrix with ones on a diagonal and zeros elsewhere.

    Parameters
    ----------
    N : int
        Number of rows.
    M : int, optional
        Number of columns; as many as rows by default.
    k : int
        Which diagonal: to the right where positive, below where negative.
    dtype : dtype

    Returns
    -------
    Tensor, shape (N, M)

    Examples
    --------
    >>> eye(2, 3, k=1).tolist()
    [[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    """
    return wrap(np.eye(N, M, k, as_dtype(dtype)))


def identity(n: int, dtype: DTypeLike = "float32") -> Tensor:
    """The identity matrix.

    Parameters
    ----------
    n : int
        Number of rows and of columns.
    dtype : dtype

    Returns
    -------
    Tensor, shape (n, n)

    Examples
    --------
    >>> identity(2).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    return wrap(np.eye(n, dtype=as_dtype(dtype)))


# Like another tensor ------------------------------------------------------------------------------------------


def zeros_like(
    a: TensorLike,
    dtype: DTypeLike | None = None,
    order: str = "K",
    subok: bool = True,
    shape: ShapeLike | None = None,
    *,
    device: str | None = None,
) -> Tensor:
    """Zeros of the shape and dtype of `a`.

    Parameters
    ----------
    a : Tensor or array-like
    dtype : dtype, optional
        Instead of that of `a`.
    order, subok, device
        Accepted for compatibility with NumPy; no effect.
    shape : int or tuple of int, optional
        Instead of that of `a`.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> zeros_like(ones(2)).numpy()
    array([0., 0.], dtype=float32)
    """
    array = as_array(a, looks=True)
    return zeros(array.shape if shape is None else shape, array.dtype if dtype is None else dtype)


def ones_like(
    a: TensorLike,
    dtype: DTypeLike | None = None,
    order: str = "K",
    subok: bool = True,
    shape: ShapeLike | None = None,
    *,
    device: str | None = None,
) -> Tensor:
    """Ones of the shape and dtype of `a`.

    Parameters
    ----------
    a : Tensor or array-like
    dtype : dtype, optional
        Instead of that of `a`.
    order, subok, device
        Accepted for compatibility with NumPy; no effect.
    shape : int or tuple of int, optional
        Instead of that of `a`.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> ones_like(zeros(2)).numpy()
    array([1., 1.], dtype=float32)
    """
    array = as_array(a, looks=True)
    return ones(array.shape if shape is None else shape, array.dtype if dtype is None else dtype)


def full_like(
    a: TensorLike,
    fill_value: TensorLike,
    dtype: DTypeLike | None = None,
    order: str = "K",
    subok: bool = True,
    shape: ShapeLike | None = None,
    *,
    device: str | None = None,
) -> Tensor:
    """A Tensor of the shape and dtype of `a`, filled with a value, to which a gradient flows back.

    Parameters
    ----------
    a : Tensor or array-like
    fill_value : Tensor or array-like
        Broadcasts to the shape.
    dtype : dtype, optional
        Instead of that of `a`.
    order, subok, device
        Accepted for compatibility with NumPy; no effect.
    shape : int or tuple of int, optional
        Instead of that of `a`.

    Returns
    -------
    Tensor

    Raises
    ------
    ValueError
        `fill_value` does not broadcast to the shape.

    Examples
    --------
    >>> full_like(zeros(2), 3).numpy()
    array([3., 3.], dtype=float32)
    """
    array = as_array(a, looks=True)
    return full(array.shape if shape is None else shape, fill_value, array.dtype if dtype is None else dtype)


# Between two ends ---------------------------------------------------------------------------------------------


def arange(
    start: TensorLike, stop: TensorLike | None = None, step: TensorLike | None = None, dtype: DTypeLike | None = None
) -> Tensor:
    """Numbers from `start` up to, not including, `stop`: start + i · step. Without a gradient.

    How many there are depends on the arguments, so these are numbers; for ends that carry a gradient see `linspace`.

    Parameters
    ----------
    start, stop, step : number
        A single one is `stop`, and `start` is 0. The default step is 1.
    dtype : dtype, optional
        Default: integer for integers, float32 for Python floats.

    Returns
    -------
    Tensor, 1-D

    Raises
    ------
    ZeroDivisionError
        `step` is 0.

    Examples
    --------
    >>> arange(3).tolist(), arange(0.0, 1.0, 0.25).numpy()
    ([0, 1, 2], array([0.  , 0.25, 0.5 , 0.75], dtype=float32))
    """
    given: list[Any] = [x.item() if isinstance(x, Tensor) else x for x in (start, stop, step) if x is not None]
    if any(np.asarray(x).dtype.kind not in "biuf" for x in given):
        raise TypeError(f"arange expected numbers. Received: start={start!r}, stop={stop!r}, step={step!r}.")
    if step is not None and stop is None:
        given = [0, *given]
    values = np.arange(*given, dtype=None if dtype is None else as_dtype(dtype))
    if dtype is None and values.dtype == np.float64 and not any(isinstance(x, np.floating) for x in given):
        values = values.astype(np.float32)
    return wrap(values)


@primitive
def _linspace(start: Array, stop: Array, *, num: int, endpoint: bool, axis: int) -> Array:
    dtype = np.result_type(start, stop)  # a Python number takes the other's dtype
    return np.linspace(start, stop, num, endpoint, dtype=dtype if dtype.kind == "f" else None, axis=axis)


def _linspace_vjp(position: int, g: Value, y: Value, *ends: Value, num: int, endpoint: bool, axis: int) -> Value:
    """Point i of n is start + tᵢ·(stop - start), with tᵢ = i / (n - 1), or i / n without the end point."""
    t = np.arange(num, dtype=np.float64) / max(num - endpoint, 1)
    weights = (t if position else 1 - t).astype(y.dtype)
    return sum_to_shape((np.moveaxis(wide(g), axis, -1) * weights).sum(axis=-1), ends[position].shape)


_linspace.defvjp(
    lambda g, y, a, b, **metadata: _linspace_vjp(0, g, y, a, b, **metadata),
    lambda g, y, a, b, **metadata: _linspace_vjp(1, g, y, a, b, **metadata),
)


@overload
def linspace(
    start: TensorLike,
    stop: TensorLike,
    num: int = 50,
    endpoint: bool = True,
    retstep: Literal[False] = False,
    dtype: DTypeLike | None = None,
    axis: int = 0,
    *,
    device: str | None = None,
) -> Tensor: ...


@overload
def linspace(
    start: TensorLike,
    stop: TensorLike,
    num: int = 50,
    endpoint: bool = True,
    *,
    retstep: Literal[True],
    dtype: DTypeLike | None = None,
    axis: int = 0,
    device: str | None = None,
) -> tuple[Tensor, Tensor]: ...


def linspace(
    start: TensorLike,
    stop: TensorLike,
    num: int = 50,
    endpoint: bool = True,
    retstep: bool = False,
    dtype: DTypeLike | None = None,
    axis: int = 0,
    *,
    device: str | None = None,
) -> Tensor | tuple[Tensor, Tensor]:
    """Numbers at equal distances from `start` to `stop`, to both of which a gradient flows back.

    Parameters
    ----------
    start, stop : Tensor or array-like
        Broadcast together.
    num : int
        How many numbers.
    endpoint : bool
        Whether `stop` is the last of them.
    retstep : bool
        Return the distance, too.
    dtype : dtype, optional
        Of the result.
    axis : int
        Where the new axis stands, if the ends have axes.
    device
        Accepted for compatibility with NumPy; no effect.

    Returns
    -------
    Tensor, or a pair of it and the distance

    Raises
    ------
    ValueError
        `num` is negative, or the ends do not broadcast together.

    Examples
    --------
    >>> linspace(0.0, 1.0, 5).numpy()
    array([0.  , 0.25, 0.5 , 0.75, 1.  ], dtype=float32)
    """
    start, stop = (float(x) if isinstance(x, int) else x for x in (start, stop))
    y = _linspace(start, stop, num=num, endpoint=endpoint, axis=axis)
    if dtype is not None:
        y = cast(floor(y) if np.dtype(dtype).kind in "iu" else y, dtype)
    pieces = num - 1 if endpoint else num
    return (y, subtract(stop, start) / (pieces if pieces > 0 else math.nan)) if retstep else y
