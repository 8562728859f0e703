"""Losses of differences: each function takes the mean over the last axis, one number for every sample."""

from __future__ import annotations

from tinygrad_lite import ops
from tinygrad_lite.core.tensor import Tensor, TensorLike
from tinygrad_lite.nn.losses.alignment import aligned
from tinygrad_lite.utils.names import holds

__all__ = ["hinge", "huber", "mean_absolute_error", "mean_squared_error"]


def mean_squared_error(y_true: TensorLike, y_pred: TensorLike) -> Tensor:
    """The mean of (y_pred - y_true)² over the last axis.

    Parameters
    ----------
    y_true, y_pred : Tensor or array-like, shape (..., n)

    Returns
    -------
    Tensor, shape (...)

    Raises
    ------
    ValueError
        The shapes differ, but for an axis of length one at the end.

    Examples
    --------
    >>> mean_squared_error([[0.0, 1.0]], [[1.0, 1.0]]).numpy()
    array([0.5], dtype=float32)
    """
    y_true, y_pred = aligned("mean_squared_error", y_true, y_pred)
    return ops.mean(ops.square(y_pred - y_true), axis=-1)


def mean_absolute_error(y_true: TensorLike, y_pred: TensorLike) -> Tensor:
    """The mean of |y_pred - y_true| over the last axis.

    Parameters
    ----------
    y_true, y_pred : Tensor or array-like, shape (..., n)

    Returns
    -------
    Tensor, shape (...)

    Raises
    ------
    ValueError
        The shapes differ, but for an axis of length one at the end.

    Examples
    --------
    >>> mean_absolute_error([[0.0, 1.0]], [[1.0, 1.0]]).numpy()
    array([0.5], dtype=float32)
    """
    y_true, y_pred = aligned("mean_absolute_error", y_true, y_pred)
    return ops.mean(ops.absolute(y_pred - y_true), axis=-1)


def huber(y_true: TensorLike, y_pred: TensorLike, delta: float = 1.0) -> Tensor:
    """The mean over the last axis of e²/2 where |e| ≤ delta, else delta·(|e| - delta/2); e = y_pred - y_true.

    Parameters
    ----------
    y_true, y_pred : Tensor or array-like, shape (..., n)
    delta : float
        The error at which the parabola turns into straight lines; positive.

    Returns
    -------
    Tensor, shape (...)

    Raises
    ------
    ValueError
        The shapes differ, but for an axis of length one at the end; or `delta` is not positive.

    Examples
    --------
    >>> huber([[0.0, 0.0]], [[1.0, 3.0]]).numpy()
    array([1.5], dtype=float32)
    """
    if not holds(lambda x: x > 0, delta):
        raise ValueError(f"huber expected a positive delta. Received: delta={delta!r}.")
    y_true, y_pred = aligned("huber", y_true, y_pred)
    error = y_pred - y_true
    near = ops.clip(error, -delta, delta)
    return ops.mean(near * (error - 0.5 * near), axis=-1)


def hinge(y_true: TensorLike, y_pred: TensorLike) -> Tensor:
    """The mean of max(1 - y_true·y_pred, 0) over the last axis.

    Parameters
    ----------
    y_true : Tensor or array-like, shape (..., n)
        -1 or 1. If all of them are 0 or 1, 0 means -1.
    y_pred : Tensor or array-like, shape (..., n)

    Returns
    -------
    Tensor, shape (...)

    Raises
    ------
    ValueError
        The shapes differ, but for an axis of length one at the end.

    Examples
    --------
    >>> hinge([[-1.0, 1.0]], [[0.5, 2.0]]).numpy()
    array([0.75], dtype=float32)
    """
    y_true, y_pred = aligned("hinge", y_true, y_pred)
    only_bits = ops.all((y_true == 0) | (y_true == 1))
    signs = ops.where(only_bits, 2 * y_true - 1, y_true)
    return ops.mean(ops.maximum(1 - signs * y_pred, 0), axis=-1)
