"""Layers against overfitting: they have an effect during training only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from tinygrad_lite import ops
from tinygrad_lite.core.tensor import Tensor
from tinygrad_lite.nn.layers.layer import Layer

__all__ = ["Dropout"]


def _seed(layer: Layer, seed: Any) -> Any:
    """A seed restarts the generator of the layer."""
    if seed is not None:
        layer.stream = np.random.default_rng(seed)
    return seed


def _rate(layer: Layer, rate: Any) -> float:
    if isinstance(rate, bool) or not isinstance(rate, (int, float, np.number)) or not 0 <= rate < 1:
        raise ValueError(
            f"Dropout expected a rate of at least 0 and below 1. Received: rate={rate!r}. It is the share that "
            "is set to zero."
        )
    return float(rate)


class Dropout(Layer):
    """In training, sets inputs to zero with probability `rate` and multiplies the others by 1 / (1 - rate).

    The expected value stays the same, so nothing has to be scaled after training. (Srivastava et al., 2014; the
    inverted form.)

    Parameters
    ----------
    rate : float
        At least 0 and below 1.
    noise_shape : sequence of int, optional
        One length for each axis of the inputs: 1 if all elements along the axis are dropped together, otherwise None
        or the length of the axis.
    seed : int, optional
        The seed of the masks. Default: the generator `stream` of the layer, see `tgl.random.set_seed`.
    name : str, optional
    **kwargs
        See `Layer`.

    Raises
    ------
    ValueError
        `rate` is below 0, or not below 1.

    Examples
    --------
    >>> from tinygrad_lite import nn
    >>> nn.Dropout(0.5)([[1.0, 2.0]]).numpy()
    array([[1., 2.]], dtype=float32)
    >>> sorted(set(nn.Dropout(0.5)([[1.0] * 100], training=True).numpy()[0].tolist()))
    [0.0, 2.0]
    """

    _settings: ClassVar = Layer._settings | {"rate": _rate, "seed": _seed}
    _casts_inputs = False

    def __init__(
        self,
        rate: float,
        noise_shape: Sequence[int | None] | None = None,
        seed: int | None = None,
        *,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        if noise_shape is not None and not isinstance(noise_shape, (tuple, list)):
            raise TypeError(
                f"Dropout expected noise_shape to be a tuple, or None. Received: noise_shape={noise_shape!r}. A seed "
                f"is passed by name: seed={noise_shape!r}."
            )
        self.rate = rate
        self.noise_shape = None if noise_shape is None else tuple(noise_shape)
        self.seed = seed
        if seed is not None:
            self.stream = np.random.default_rng(seed)

    def call(self, inputs: Tensor, training: bool = False) -> Tensor:
        if not training or not self.rate:
            return inputs
        x = inputs if inputs.dtype.kind == "f" else ops.cast(inputs, self.dtype)
        return ops.dropout(x, self.rate, generator=self.stream, noise_shape=self.noise_shape)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config() | {"rate": self.rate, "seed": self.seed}
        return config if self.noise_shape is None else config | {"noise_shape": list(self.noise_shape)}
