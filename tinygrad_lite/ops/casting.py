"""Conversions between dtypes. The gradient has the dtype of the argument."""

from __future__ import annotations

import numpy as np

from tinygrad_lite.core.primitive import primitive
from tinygrad_lite.core.tensor import Tensor, TensorLike
from tinygrad_lite.utils.types import Array, DTypeLike


@primitive
def _cast(x: Array, *, dtype: DTypeLike | None) -> Array:
    return np.asarray(x).astype(dtype)


_cast.defvjp(lambda g, y, x, dtype: g.astype(x.dtype))


def cast(x: TensorLike, dtype: DTypeLike | None) -> Tensor:
    """`x` with its numbers converted to `dtype`.

    Between floating types the gradient flows through; to integers or booleans it ends.

    Parameters
    ----------
    x : Tensor or array-like
    dtype : dtype

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.cast([1.7, -1.7], "int32").numpy()
    array([ 1, -1], dtype=int32)
    """
    return _cast(x, dtype=np.dtype(dtype))


def astype(x: TensorLike, dtype: DTypeLike | None, /, *, copy: bool = True, device: str | None = None) -> Tensor:
    """`x` with its numbers converted to `dtype`: NumPy's name for `cast`.

    Parameters
    ----------
    x : Tensor or array-like
    dtype : dtype
    copy, device
        Accepted for compatibility with NumPy; no effect.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.astype(tgl.constant([1.5]), "float64").dtype
    dtype('float64')
    """
    return cast(x, dtype)
