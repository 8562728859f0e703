"""`keras.layers`: what models are made of."""

from __future__ import annotations

from typing import Any

from tinygrad_lite import nn, ops
from tinygrad_lite.compat.names import names_of

__all__ = ["Activation", "Dense", "Dropout", "Flatten", "Input", "InputLayer", "Layer", "ReLU", "Softmax"]

Activation, Dense, Dropout, Flatten, Input, Layer = (
    nn.Activation, nn.Dense, nn.Dropout, nn.Flatten, nn.Input, nn.Layer,
)  # fmt: skip


def InputLayer(shape: Any = None, input_shape: Any = None) -> nn.Input:
    """The shape of one sample, as the first item of a Sequential.

    Examples
    --------
    >>> InputLayer(input_shape=(784,)).shape
    (784,)
    """
    return nn.Input(shape if shape is not None else input_shape)


class ReLU(nn.Activation):
    """The rectifier as a layer: max(x, 0).

    Examples
    --------
    >>> ReLU()([[-1.0, 2.0]]).numpy()
    array([[0., 2.]], dtype=float32)
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__("relu", **kwargs)


class Softmax(nn.Activation):
    """softmax as a layer: probabilities along the last axis.

    Examples
    --------
    >>> Softmax()([[1.0, 1.0]]).numpy()
    array([[0.5, 0.5]], dtype=float32)
    """

    def __init__(self, axis: int = -1, **kwargs: Any) -> None:
        super().__init__("softmax" if axis == -1 else lambda x: ops.softmax(x, axis=axis), **kwargs)


_HINTS = dict.fromkeys(
    ("BatchNormalization", "Conv1D", "Conv2D", "Embedding", "GRU", "LSTM", "LayerNormalization", "MaxPooling2D"),
    "layers that are here, or subclass keras.layers.Layer: this package is about dense networks",
) | {"Reshape": "keras.layers.Flatten, or tinygrad_lite.reshape in a Layer of your own"}

__getattr__, __dir__ = names_of(__name__, {}, _HINTS)
