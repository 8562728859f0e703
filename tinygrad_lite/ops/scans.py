"""Running sums and products along an axis.

The adjoint of a running sum is the running sum from the other end. For a running product yᵢ = x₁·…·xᵢ the
gradient is written without division, so that zeros are allowed: with pᵢ the product of those before xᵢ,
dxᵢ = pᵢ·sᵢ, where sᵢ = gᵢ + xᵢ₊₁·sᵢ₊₁ is a running sum, too, computed by doubling (Blelloch, "Prefix sums and
their applications", 1990).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tinygrad_lite.core.calling import refuse_out
from tinygrad_lite.core.primitive import primitive
from tinygrad_lite.core.tensor import Tensor, TensorLike, to_tensor
from tinygrad_lite.ops.axes import as_axis
from tinygrad_lite.ops.half import rounding_once, wide
from tinygrad_lite.ops.joining import concatenate
from tinygrad_lite.ops.rearranging import moveaxis
from tinygrad_lite.ops.reductions import products_before
from tinygrad_lite.ops.shaping import atleast_1d, ravel
from tinygrad_lite.utils.types import Array, DTypeLike, Value


@primitive
@rounding_once
def _cumsum(a: Array, *, axis: int = 0, dtype: DTypeLike | None = None) -> Array:
    return np.cumsum(a, axis=axis, dtype=dtype)


_cumsum.defvjp(lambda g, y, a, axis, dtype: np.flip(np.cumsum(np.flip(wide(g), axis), axis=axis), axis))


@primitive
@rounding_once
def _cumprod(a: Array, *, axis: int = 0, dtype: DTypeLike | None = None) -> Array:
    return np.cumprod(a, axis=axis, dtype=dtype)


def _cumprod_vjp(g: Value, y: Value, a: Value, axis: int, dtype: DTypeLike | None) -> Value:
    s, x = np.moveaxis(wide(g), axis, -1), np.moveaxis(wide(a), axis, -1)
    factors, step, length = x[..., 1:], 1, x.shape[-1]
    while step < length:  # now sᵢ holds the sum up to gᵢ₊ₛₜₑₚ₋₁, and factorsᵢ = xᵢ₊₁·…·xᵢ₊ₛₜₑₚ
        s = np.concatenate([s[..., :-step] + factors * s[..., step:], s[..., -step:]], axis=-1)
        factors = factors[..., :-step] * factors[..., step:]
        step *= 2
    return np.moveaxis(products_before(x) * s, -1, axis)


_cumprod.defvjp(_cumprod_vjp)


def _line(a: TensorLike, axis: int | None) -> tuple[Tensor, int]:
    """`a` and an axis of it; without an axis, its elements in one line."""
    a = to_tensor(a)
    a = ravel(a) if axis is None or not a.ndim else a
    return a, as_axis(0 if axis is None else axis, a.ndim)


def cumsum(a: TensorLike, axis: int | None = None, dtype: DTypeLike | None = None, out: None = None) -> Tensor:
    """The running sum along `axis`: yᵢ = a₁ + … + aᵢ.

    Parameters
    ----------
    a : Tensor or array-like
    axis : int or None
        None takes the elements of the flattened array.
    dtype : dtype, optional
        Of the result.
    out : None

    Returns
    -------
    Tensor, of the shape of `a`

    Raises
    ------
    AxisError
        There is no such axis.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.cumsum([1.0, 2.0, 3.0]).numpy()
    array([1., 3., 6.], dtype=float32)
    """
    refuse_out("cumsum", out)
    a, axis = _line(a, axis)
    return _cumsum(a, axis=axis, dtype=dtype)


def cumprod(a: TensorLike, axis: int | None = None, dtype: DTypeLike | None = None, out: None = None) -> Tensor:
    """The running product along `axis`: yᵢ = a₁ · … · aᵢ. Its derivatives are right for any number of zeros.

    Parameters
    ----------
    a : Tensor or array-like
    axis : int or None
        None takes the elements of the flattened array.
    dtype : dtype, optional
        Of the result.
    out : None

    Returns
    -------
    Tensor, of the shape of `a`

    Raises
    ------
    AxisError
        There is no such axis.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.cumprod([1.0, 2.0, 3.0]).numpy()
    array([1., 2., 6.], dtype=float32)
    """
    refuse_out("cumprod", out)
    a, axis = _line(a, axis)
    return _cumprod(a, axis=axis, dtype=dtype)


def _cumulative(
    name: str,
    function: Callable[..., Tensor],
    first: int,
    x: TensorLike,
    axis: int | None,
    dtype: DTypeLike | None,
    out: None,
    include_initial: bool,
) -> Tensor:
    refuse_out(name, out)
    x = atleast_1d(x)
    if axis is None and x.ndim > 1:
        raise ValueError(f"{name} expected an axis for more than one dimension. Received: x.shape={x.shape}.")
    y: Tensor = moveaxis(function(x, 0 if axis is None else axis, dtype), 0 if axis is None else axis, -1)
    if include_initial:
        y = concatenate([np.full((*y.shape[:-1], 1), first, y.dtype), y], axis=-1)
    return moveaxis(y, -1, 0 if axis is None else axis)


def cumulative_sum(
    x: TensorLike,
    /,
    *,
    axis: int | None = None,
    dtype: DTypeLike | None = None,
    out: None = None,
    include_initial: bool = False,
) -> Tensor:
    """The running sum along `axis`, if asked for with the 0 that it starts from.

    Parameters
    ----------
    x : Tensor or array-like
    axis : int, optional
        Not needed for a vector.
    dtype, out
        As for `cumsum`.
    include_initial : bool
        Put a 0 in front.

    Returns
    -------
    Tensor

    Raises
    ------
    ValueError
        No axis is given for an array of several.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.cumulative_sum([1.0, 2.0, 3.0], include_initial=True).numpy()
    array([0., 1., 3., 6.], dtype=float32)
    """
    return _cumulative("cumulative_sum", cumsum, 0, x, axis, dtype, out, include_initial)


def cumulative_prod(
    x: TensorLike,
    /,
    *,
    axis: int | None = None,
    dtype: DTypeLike | None = None,
    out: None = None,
    include_initial: bool = False,
) -> Tensor:
    """The running product along `axis`, if asked for with the 1 that it starts from.

    Parameters
    ----------
    x : Tensor or array-like
    axis : int, optional
        Not needed for a vector.
    dtype, out
        As for `cumprod`.
    include_initial : bool
        Put a 1 in front.

    Returns
    -------
    Tensor

    Raises
    ------
    ValueError
        No axis is given for an array of several.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.cumulative_prod([1.0, 2.0, 3.0], include_initial=True).numpy()
    array([1., 1., 2., 6.], dtype=float32)
    """
    return _cumulative("cumulative_prod", cumprod, 1, x, axis, dtype, out, include_initial)
