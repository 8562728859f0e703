"""`keras.layers`: what models are made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tinygrad_lite import nn, ops
from tinygrad_lite.compat.keras.activations import relu
from tinygrad_lite.compat.names import names_of
from tinygrad_lite.core.tensor import Tensor
from tinygrad_lite.nn.saving.registry import register_built_in
from tinygrad_lite.utils.types import DTypeLike

__all__ = ["Activation", "Dense", "Dropout", "Flatten", "Input", "InputLayer", "Layer", "ReLU", "Softmax"]

Activation, Dense, Dropout, Flatten, Input, Layer = (
    nn.Activation, nn.Dense, nn.Dropout, nn.Flatten, nn.Input, nn.Layer,
)  # fmt: skip


def InputLayer(
    shape: Sequence[int] | None = None,
    batch_size: int | None = None,
    dtype: DTypeLike | None = None,
    **options: Any,
) -> nn.Input:
    """The shape of one sample, as the first item of a Sequential.

    Examples
    --------
    >>> InputLayer(input_shape=(784,)).shape
    (784,)
    """
    if "input_shape" in options and shape is None:
        shape = options.pop("input_shape")
    if options.get("input_tensor", ...) is None:
        del options["input_tensor"]
    return nn.Input(shape, batch_size, dtype, **options)


class ReLU(nn.Activation):
    """The rectifier as a layer: see `keras.activations.relu`.

    Parameters
    ----------
    max_value : float, optional
    negative_slope : float
    threshold : float
    **kwargs
        As for every layer.

    Examples
    --------
    >>> ReLU()([[-1.0, 2.0]]).numpy()
    array([[0., 2.]], dtype=float32)
    """

    def __init__(
        self, max_value: float | None = None, negative_slope: float = 0.0, threshold: float = 0.0, **kwargs: Any
    ) -> None:
        super().__init__("relu", **kwargs)
        for name, value in (("max_value", max_value), ("negative_slope", negative_slope), ("threshold", threshold)):
            if value is not None and value < 0:
                raise ValueError(f"ReLU expected {name} of at least 0. Received: {name}={value!r}.")
        self.options: dict[str, Any] = {
            "max_value": max_value, "negative_slope": negative_slope, "threshold": threshold,
        }  # fmt: skip

    def call(self, inputs: Tensor) -> Tensor:
        x = inputs if inputs.dtype.kind == "f" else ops.cast(inputs, self.dtype)
        return relu(x, **self.options)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config() | self.options
        del config["activation"]
        return config


class Softmax(nn.Activation):
    """softmax as a layer: probabilities along an axis.

    Parameters
    ----------
    axis : int
    **kwargs
        As for every layer.

    Examples
    --------
    >>> Softmax()([[1.0, 1.0]]).numpy()
    array([[0.5, 0.5]], dtype=float32)
    """

    def __init__(self, axis: int = -1, **kwargs: Any) -> None:
        super().__init__("softmax", **kwargs)
        self.axis = axis

    def call(self, inputs: Tensor) -> Tensor:
        return super().call(inputs) if self.axis == -1 else ops.softmax(inputs, axis=self.axis)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config() | {"axis": self.axis}
        del config["activation"]
        return config


register_built_in({"ReLU": ReLU, "Softmax": Softmax})

_HINTS = dict.fromkeys(
    ("BatchNormalization", "Conv1D", "Conv2D", "Embedding", "GRU", "LSTM", "LayerNormalization", "MaxPooling2D"),
    "layers that are here, or subclass keras.layers.Layer: this package is about dense networks",
) | {"Reshape": "keras.layers.Flatten, or tinygrad_lite.reshape in a Layer of your own"}

__getattr__, __dir__ = names_of(__name__, {}, _HINTS)
