"""Reductions: many numbers in, fewer out, along one axis, several, or all.

The gradient of a reduction spreads `g` back over the axes that were reduced. `expand_reduced` puts those axes back
with length one, so that broadcasting does the spreading.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_lite.primitive import nondifferentiable, primitive
from tinygrad_lite.tensor import Array


def expand_reduced(g: Any, x: Any, axis: Any, keepdims: bool) -> Any:
    """`g` with the reduced axes of `x` put back, each of length one."""
    if keepdims:
        return g
    axes = range(x.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    reduced = {a % x.ndim for a in axes} if x.ndim else set()
    return np.reshape(g, tuple(1 if n in reduced else length for n, length in enumerate(x.shape)))


@primitive
def sum(x: Any, *, axis: Any = None, dtype: Any = None, keepdims: bool = False) -> Array:
    """The sum of the elements over `axis`.

    Parameters
    ----------
    x : Tensor or array-like
    axis : int, tuple of int, or None
        None sums over all axes.
    dtype : dtype, optional
        Of the result.
    keepdims : bool
        Keep the reduced axes, with length one.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.sum([[1.0, 2.0], [3.0, 4.0]], axis=0).numpy()
    array([4., 6.], dtype=float32)
    """
    return np.sum(x, axis=axis, dtype=dtype, keepdims=keepdims)


sum.defvjp(lambda g, y, x, axis, dtype, keepdims: np.broadcast_to(expand_reduced(g, x, axis, keepdims), x.shape))


@primitive
def mean(x: Any, *, axis: Any = None, dtype: Any = None, keepdims: bool = False) -> Array:
    """The arithmetic mean of the elements over `axis`: their sum divided by their number.

    Parameters
    ----------
    x : Tensor or array-like
    axis : int, tuple of int, or None
        None takes the mean over all axes.
    dtype : dtype, optional
        Of the result.
    keepdims : bool
        Keep the reduced axes, with length one.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.mean([[1.0, 2.0], [3.0, 4.0]], axis=1).numpy()
    array([1.5, 3.5], dtype=float32)
    """
    return np.mean(x, axis=axis, dtype=dtype, keepdims=keepdims)


def _mean_vjp(g: Any, y: Any, x: Any, axis: Any, dtype: Any, keepdims: bool) -> Any:
    count = x.size // _size(y) if _size(y) else 1
    return np.broadcast_to(expand_reduced(g / count, x, axis, keepdims), x.shape)


def _size(y: Any) -> int:
    return int(np.prod(y.shape))


mean.defvjp(_mean_vjp)


def _extremum_vjp(g: Any, y: Any, x: Any, axis: Any, keepdims: bool) -> Any:
    ties = x == expand_reduced(y, x, axis, keepdims)
    share = ties / ties.sum(axis=axis, keepdims=True)  # elements that tie share the gradient equally
    return expand_reduced(g, x, axis, keepdims) * share


@primitive
def max(x: Any, *, axis: Any = None, keepdims: bool = False) -> Array:
    """The largest element over `axis`. Elements that tie share the gradient equally.

    Parameters
    ----------
    x : Tensor or array-like
    axis : int, tuple of int, or None
    keepdims : bool

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.max([[1.0, 5.0], [3.0, 4.0]], axis=0).numpy()
    array([3., 5.], dtype=float32)
    """
    return np.max(x, axis=axis, keepdims=keepdims)


max.defvjp(_extremum_vjp)


@primitive
def min(x: Any, *, axis: Any = None, keepdims: bool = False) -> Array:
    """The smallest element over `axis`. Elements that tie share the gradient equally.

    Parameters
    ----------
    x : Tensor or array-like
    axis : int, tuple of int, or None
    keepdims : bool

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.min([[1.0, 5.0], [3.0, 4.0]]).item()
    1.0
    """
    return np.min(x, axis=axis, keepdims=keepdims)


min.defvjp(_extremum_vjp)


@nondifferentiable
def argmax(x: Any, *, axis: Any = None, keepdims: bool = False) -> Array:
    """The index of the largest element along `axis`, the first where several tie; without a gradient.

    Parameters
    ----------
    x : Tensor or array-like
    axis : int or None
        None searches the flattened array.
    keepdims : bool

    Returns
    -------
    Tensor of integers

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.argmax([[1.0, 5.0], [3.0, 4.0]], axis=1).numpy()
    array([1, 1])
    """
    return np.argmax(x, axis=axis, keepdims=keepdims)


@nondifferentiable
def argmin(x: Any, *, axis: Any = None, keepdims: bool = False) -> Array:
    """The index of the smallest element along `axis`, the first where several tie; without a gradient.

    Parameters
    ----------
    x : Tensor or array-like
    axis : int or None
        None searches the flattened array.
    keepdims : bool

    Returns
    -------
    Tensor of integers

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.argmin([3.0, 1.0, 2.0]).item()
    1
    """
    return np.argmin(x, axis=axis, keepdims=keepdims)


@nondifferentiable
def all(x: Any, *, axis: Any = None, keepdims: bool = False) -> Array:
    """Whether all elements over `axis` are true; without a gradient.

    Parameters
    ----------
    x : Tensor or array-like
    axis : int, tuple of int, or None
    keepdims : bool

    Returns
    -------
    Tensor of booleans

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> bool(tgl.all([True, False]))
    False
    """
    return np.all(x, axis=axis, keepdims=keepdims)


@nondifferentiable
def any(x: Any, *, axis: Any = None, keepdims: bool = False) -> Array:
    """Whether some element over `axis` is true; without a gradient.

    Parameters
    ----------
    x : Tensor or array-like
    axis : int, tuple of int, or None
    keepdims : bool

    Returns
    -------
    Tensor of booleans

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> bool(tgl.any([True, False]))
    True
    """
    return np.any(x, axis=axis, keepdims=keepdims)
