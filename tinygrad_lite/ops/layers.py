"""What layers compute: the dense layer, and dropout."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygrad_lite.core.backward import summed
from tinygrad_lite.core.primitive import elementwise, nondifferentiable, primitive
from tinygrad_lite.core.tensor import Tensor, TensorLike, to_tensor, wrap
from tinygrad_lite.ops.arithmetic import multiply
from tinygrad_lite.ops.products import matmul, transposed_product
from tinygrad_lite.random.streams import default_stream
from tinygrad_lite.utils.names import holds
from tinygrad_lite.utils.types import Array, Value


@primitive
def dense(x: Array, kernel: Array, bias: Array) -> Array:
    """A dense layer: `x @ kernel + bias`.

    Parameters
    ----------
    x : Tensor or array-like, shape (..., features)
    kernel : Tensor or array-like, shape (features, units)
    bias : Tensor or array-like, shape (units,)

    Returns
    -------
    Tensor, shape (..., units)

    Raises
    ------
    ValueError
        The shapes do not fit together.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.nn.dense([[1.0, 2.0]], [[1.0], [1.0]], [0.5]).numpy()
    array([[3.5]], dtype=float32)
    """
    y = np.matmul(x, kernel)
    if bias.shape != kernel.shape[1:]:
        raise ValueError(f"expected a bias of shape {kernel.shape[1:]}")
    return np.add(y, bias, out=y) if y.dtype == np.result_type(y, bias) else y + bias


def _rows(x: Value) -> Value:
    """All leading axes as one: (..., n) to (rows, n)."""
    return x if x.ndim == 2 else np.reshape(x, (math.prod(x.shape[:-1]), x.shape[-1]))


dense.defvjp(
    lambda g, y, x, w, b: g @ w.T,
    lambda g, y, x, w, b: transposed_product(_rows(x), _rows(g)),
    lambda g, y, x, w, b: summed(_rows(g), 0),
)


def _dense_lowering(x: Tensor, kernel: Tensor, bias: Tensor) -> Tensor:
    return matmul(x, kernel) + bias


dense.lowering = _dense_lowering

# Noise -------------------------------------------------------------------------------------------


@elementwise
def _masked(x: Array, mask: Array) -> Array:
    """`x` times a mask of finite numbers: the gradient needs no search for nan."""
    return np.multiply(x, mask)


_masked.lowering = multiply
_masked.defvjp(lambda g, y, x, mask: g * mask, lambda g, y, x, mask: g * x)
_masked.needs_zero_rule = False


@nondifferentiable
def _dropout_mask(x: Array, *, rate: float, generator: np.random.Generator) -> Array:
    """0 with probability `rate`, else 1 / (1 - rate), for every element of `x`."""
    keep = generator.random(np.shape(x), dtype=np.float32) >= rate
    return np.multiply(keep, 1 / (1 - rate), dtype=x.dtype)


_dropout_mask.is_random = True


def dropout(
    x: TensorLike,
    rate: float,
    generator: np.random.Generator | None = None,
    noise_shape: Sequence[int | None] | None = None,
) -> Tensor:
    """Set elements to zero at random and scale up the others, so that the expected value stays.

    Parameters
    ----------
    x : Tensor or array-like of a floating dtype
    rate : float
        The probability of zero, at least 0 and below 1.
    generator : numpy.random.Generator, optional
        Default: the package's own, see `tgl.random.set_seed`.
    noise_shape : sequence of int, optional
        One length for each axis of `x`: 1 where all elements along the axis are kept or dropped together, None or the
        axis's own length elsewhere. Default: each element by itself.

    Returns
    -------
    Tensor
        Of the shape of `x`. The gradient is zero where the element was, and scaled elsewhere.

    Raises
    ------
    ValueError
        `rate` is out of its range, or `noise_shape` does not broadcast to the shape of `x`.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> sorted(set(tgl.dropout(tgl.ones(100), 0.5).tolist()))
    [0.0, 2.0]
    """
    if not holds(lambda x: 0 <= x < 1, rate):
        raise ValueError(f"dropout expected a rate of at least 0 and below 1. Received: rate={rate!r}.")
    x = to_tensor(x)
    lengths = x.shape if noise_shape is None else _noise_shape(x.shape, noise_shape)
    if not rate:
        return x
    drawn = x if lengths == x.shape else wrap(np.empty(lengths, x.dtype))
    mask = _dropout_mask(drawn, rate=rate, generator=generator or default_stream())
    return _masked(x, mask)


def _noise_shape(shape: tuple[int, ...], noise_shape: Any) -> tuple[int, ...]:
    given = tuple(noise_shape) if isinstance(noise_shape, (tuple, list)) else (noise_shape,)
    lengths = tuple(n if wanted is None else wanted for n, wanted in zip(shape, given))
    if len(given) != len(shape) or any(wanted not in (1, n) for n, wanted in zip(shape, lengths)):
        raise ValueError(
            f"dropout expected noise_shape to have one length for each axis of x.shape={shape}, 1 or the axis's own. "
            f"Received: noise_shape={noise_shape!r}. A seed is passed by name: seed=1."
        )
    return tuple(int(n) for n in lengths)
