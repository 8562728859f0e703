"""Calculus on samples: differences, slopes and areas of a function that is known at points.

All of it is slicing, subtracting and multiplying, and so are its gradients: there is no rule in this file.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_lite.core.tensor import Tensor, TensorLike, float_dtype, to_tensor
from tinygrad_lite.ops.arithmetic import subtract
from tinygrad_lite.ops.axes import as_axis, ndim
from tinygrad_lite.ops.broadcasting import broadcast_to
from tinygrad_lite.ops.casting import cast
from tinygrad_lite.ops.comparisons import not_equal
from tinygrad_lite.ops.joining import concatenate
from tinygrad_lite.ops.rearranging import moveaxis
from tinygrad_lite.ops.reductions import sum as sum_
from tinygrad_lite.ops.shaping import ravel
from tinygrad_lite.utils.names import holds
from tinygrad_lite.utils.types import Axis


def diff(
    a: TensorLike, n: int = 1, axis: int = -1, prepend: TensorLike | None = None, append: TensorLike | None = None
) -> Tensor:
    """The differences of neighbours along `axis`: a[i + 1] - a[i], taken `n` times.

    Parameters
    ----------
    a : Tensor or array-like, with at least one axis
    n : int
        How often; 0 returns `a`.
    axis : int
    prepend, append : Tensor or array-like, optional
        Put before and behind `a` first; a number, or of the shape of `a` but for `axis`.

    Returns
    -------
    Tensor
        `n` shorter along `axis`. Of booleans: whether neighbours differ.

    Raises
    ------
    ValueError
        `n` is negative, or `a` is 0-d.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.diff([1.0, 2.0, 4.0]).numpy(), tgl.diff([1.0, 2.0, 4.0], n=2).numpy()
    (array([1., 2.], dtype=float32), array([1.], dtype=float32))
    """
    a = to_tensor(a, float_dtype(prepend, append))
    if n == 0:
        return a
    if not holds(lambda count: count > 0, n) or not a.ndim:
        raise ValueError(f"diff expected n of at least 0, and at least one axis. Received: n={n!r}, a.shape={a.shape}.")
    axis = as_axis(axis, a.ndim)
    end = (*a.shape[:axis], 1, *a.shape[axis + 1 :])
    parts = [None if part is None else to_tensor(part, a.dtype) for part in (prepend, a, append)]
    parts = [part if part is None or part.ndim else broadcast_to(part, end) for part in parts]
    y = moveaxis(concatenate([part for part in parts if part is not None], axis=axis), axis, -1)
    difference = not_equal if y.dtype.kind == "b" else subtract
    for _ in range(n):
        y = difference(y[..., 1:], y[..., :-1])
    return moveaxis(y, -1, axis)


def ediff1d(ary: TensorLike, to_end: TensorLike | None = None, to_begin: TensorLike | None = None) -> Tensor:
    """The differences of neighbours in the flattened array.

    Parameters
    ----------
    ary : Tensor or array-like
    to_end, to_begin : Tensor or array-like, optional
        Put behind and before the differences.

    Returns
    -------
    Tensor, 1-D

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.ediff1d([1.0, 2.0, 4.0], to_begin=0.0).numpy()
    array([0., 1., 2.], dtype=float32)
    """
    ary = ravel(to_tensor(ary, float_dtype(to_begin, to_end)))
    parts = [to_begin, subtract(ary[1:], ary[:-1]), to_end]
    return concatenate([ravel(to_tensor(part, ary.dtype)) for part in parts if part is not None])


def trapezoid(y: TensorLike, x: TensorLike | None = None, dx: TensorLike = 1.0, axis: int = -1) -> Tensor:
    """The area under samples of a function, by the trapezoidal rule: Σ (y[i] + y[i + 1]) / 2 · (x[i + 1] - x[i]).

    Parameters
    ----------
    y : Tensor or array-like
        The samples.
    x : Tensor or array-like, optional
        Where they were taken: 1-D, or of the shape of `y`.
    dx : Tensor or number
        The distance of neighbours, if `x` is not given.
    axis : int

    Returns
    -------
    Tensor
        Without `axis`.

    Raises
    ------
    ValueError
        `x` does not fit `y`.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.trapezoid([1.0, 2.0, 3.0]).item(), tgl.trapezoid([1.0, 2.0, 3.0], x=[4.0, 6.0, 8.0]).item()
    (4.0, 8.0)
    """
    samples: Tensor = moveaxis(to_tensor(y, float_dtype(x, dx)), axis, -1)
    if x is not None:
        x = to_tensor(x, samples.dtype)
        dx = diff(x if x.ndim == 1 else moveaxis(x, axis, -1))
    return sum_((samples[..., 1:] + samples[..., :-1]) * dx / 2.0, -1)


def gradient(f: TensorLike, *varargs: TensorLike, axis: Axis = None, edge_order: int = 1) -> Any:
    """The slope of samples along each axis: central differences inside, one-sided ones at both ends.

    Not to be confused with `GradientTape.gradient`, which needs no samples and has no error.

    Parameters
    ----------
    f : Tensor or array-like
        The samples.
    *varargs : Tensors or numbers
        The distance of neighbours: none (it is 1), one for all axes, or for each axis a distance or the
        coordinates of all samples.
    axis : int, tuple of int, or None
        None takes the slope along each.
    edge_order : 1 or 2
        Of the differences at the ends: through two or three points.

    Returns
    -------
    Tensor, of the shape of `f`; a tuple of them where there are several axes

    Raises
    ------
    ValueError
        An axis has fewer than `edge_order + 1` elements, or coordinates do not fit it.
    TypeError
        There are more or fewer distances than axes.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.gradient([1.0, 2.0, 4.0, 7.0, 11.0]).numpy()
    array([1. , 1.5, 2.5, 3.5, 4. ], dtype=float32)
    """
    f = to_tensor(f, float_dtype(*varargs))
    f = cast(f, np.float64) if f.dtype.kind in "iu" else f  # differences of unsigned integers would wrap around
    named = range(f.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    axes = [as_axis(n, f.ndim) for n in named]
    spacings = list(varargs) or [1.0]
    if len(spacings) == 1 and not ndim(spacings[0]):
        spacings = spacings * len(axes)
    if len(spacings) != len(axes):
        raise TypeError(
            f"gradient expected no distance, one, or one for each of {len(axes)} axes. Received: {len(varargs)}."
        )
    if edge_order not in (1, 2):
        raise ValueError(f"gradient expected edge_order of 1 or 2. Received: edge_order={edge_order}.")
    slopes = tuple(_slope(f, spacing, n, edge_order) for spacing, n in zip(spacings, axes))
    return slopes[0] if len(slopes) == 1 else slopes


def _slope(f: Tensor, spacing: Any, axis: int, edge_order: int) -> Tensor:
    """The slope along one axis: of the parabola through each sample and its neighbours."""
    y = moveaxis(f, axis, -1)
    n = y.shape[-1]
    if n < edge_order + 1:
        raise ValueError(
            f"gradient expected at least edge_order + 1 = {edge_order + 1} elements along each axis. Received: "
            f"f.shape={f.shape}, axis={axis}."
        )
    h = to_tensor(spacing, f.dtype)
    if h.ndim and h.shape != (n,):
        raise ValueError(
            f"gradient expected a coordinate for each of the {n} elements of axis {axis}. Received: shape={h.shape}."
        )
    is_even = not h.ndim
    h = broadcast_to(h, (n - 1,)) if is_even else diff(h)
    steps = (y[..., 1:] - y[..., :-1]) / h  # the slope between neighbours
    left, right = h[:-1], h[1:]
    if is_even:  # the sample itself does not count, should it be nan
        inside = (y[..., 2:] - y[..., :-2]) / (left + right)
    else:
        inside = (right * steps[..., :-1] + left * steps[..., 1:]) / (left + right)
    if edge_order == 1:
        first, last = steps[..., :1], steps[..., -1:]
    else:  # the parabola through the last three, at its end
        first = steps[..., :1] + (steps[..., :1] - steps[..., 1:2]) * left[:1] / (left[:1] + right[:1])
        last = steps[..., -1:] + (steps[..., -1:] - steps[..., -2:-1]) * right[-1:] / (left[-1:] + right[-1:])
    return moveaxis(concatenate([first, inside, last], axis=-1), -1, axis)
