"""Random tensors, drawn from the package's default stream.

The functions are primitives, so that a compiled `tgl.function` draws new numbers at every call.
"""

from __future__ import annotations

import numpy as np

from tinygrad_lite.core.primitive import nondifferentiable
from tinygrad_lite.core.tensor import Tensor
from tinygrad_lite.random.streams import default_stream as default_stream
from tinygrad_lite.random.streams import set_seed as set_seed
from tinygrad_lite.random.streams import stream as stream
from tinygrad_lite.utils.types import Array, DTypeLike, ShapeLike

__all__ = ["default_stream", "normal", "set_seed", "stream", "uniform"]


@nondifferentiable
def _random_uniform(
    *, shape: ShapeLike, low: float, high: float, dtype: DTypeLike, generator: np.random.Generator | None
) -> Array:
    return np.asarray((generator or default_stream()).uniform(low, high, shape)).astype(dtype)


@nondifferentiable
def _random_normal(
    *, shape: ShapeLike, mean: float, stddev: float, dtype: DTypeLike, generator: np.random.Generator | None
) -> Array:
    return np.asarray((generator or default_stream()).normal(mean, stddev, shape)).astype(dtype)


_random_uniform.is_random = _random_normal.is_random = True


def uniform(shape: ShapeLike = (), minval: float = 0.0, maxval: float = 1.0, dtype: DTypeLike = "float32") -> Tensor:
    """Numbers drawn from the uniform distribution on [`minval`, `maxval`).

    Parameters
    ----------
    shape : int or tuple of int
    minval, maxval : float
    dtype : floating dtype

    Returns
    -------
    Tensor
        Of shape `shape`.

    Examples
    --------
    >>> uniform((2, 3), -1, 1).shape
    (2, 3)
    """
    return _random_uniform(shape=shape, low=minval, high=maxval, dtype=np.dtype(dtype), generator=None)


def normal(shape: ShapeLike = (), mean: float = 0.0, stddev: float = 1.0, dtype: DTypeLike = "float32") -> Tensor:
    """Numbers drawn from the normal distribution with mean `mean` and standard deviation `stddev`.

    Parameters
    ----------
    shape : int or tuple of int
    mean, stddev : float
    dtype : floating dtype

    Returns
    -------
    Tensor
        Of shape `shape`.

    Examples
    --------
    >>> normal((4,)).dtype
    dtype('float32')
    """
    return _random_normal(shape=shape, mean=mean, stddev=stddev, dtype=np.dtype(dtype), generator=None)
