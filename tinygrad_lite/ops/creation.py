"""Creation: constants made from a shape or from another tensor. Nothing here has a gradient."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_lite.tensor import DTypeLike, Tensor, as_array, wrap


def zeros(shape: Any, dtype: DTypeLike = "float32") -> Tensor:
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
    return wrap(np.zeros(shape, dtype))


def ones(shape: Any, dtype: DTypeLike = "float32") -> Tensor:
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
    return wrap(np.ones(shape, dtype))


def zeros_like(a: Any, dtype: DTypeLike | None = None) -> Tensor:
    """Zeros of the shape and dtype of `a`.

    Parameters
    ----------
    a : Tensor or array-like
    dtype : dtype, optional

    Returns
    -------
    Tensor

    Examples
    --------
    >>> zeros_like(ones(2)).numpy()
    array([0., 0.], dtype=float32)
    """
    return wrap(np.zeros_like(as_array(a), dtype=dtype))


def ones_like(a: Any, dtype: DTypeLike | None = None) -> Tensor:
    """Ones of the shape and dtype of `a`.

    Parameters
    ----------
    a : Tensor or array-like
    dtype : dtype, optional

    Returns
    -------
    Tensor

    Examples
    --------
    >>> ones_like(zeros(2)).numpy()
    array([1., 1.], dtype=float32)
    """
    return wrap(np.ones_like(as_array(a), dtype=dtype))
