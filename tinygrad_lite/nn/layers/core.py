"""Dense layers, activations, and the layer that flattens images."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from tinygrad_lite import ops
from tinygrad_lite.core.tensor import Tensor
from tinygrad_lite.core.variable import Variable
from tinygrad_lite.nn import activations, initializers
from tinygrad_lite.nn.activations import ActivationFunction, ActivationLike
from tinygrad_lite.nn.initializers import InitializerLike
from tinygrad_lite.nn.layers.arguments import BatchShape, before_building
from tinygrad_lite.nn.layers.layer import Layer
from tinygrad_lite.utils.settings import flag

__all__ = ["Activation", "Dense", "Flatten"]


def _activation(layer: Layer, activation: ActivationLike) -> ActivationFunction:
    return activations.get(activation)


def _units(units: Any) -> int:
    if isinstance(units, bool) or not isinstance(units, (int, np.integer)) or units < 1:
        raise ValueError(f"Dense expected a positive integer. Received: units={units!r}. Try nn.Dense(10).")
    return int(units)


class Dense(Layer):
    """A fully connected layer: activation(inputs @ kernel + bias).

    Parameters
    ----------
    units : int
        Length of the last axis of the output.
    activation : str or function, optional
        See `nn.activations`. Default: none.
    use_bias : bool
    kernel_initializer, bias_initializer : str, Initializer or function
        See `nn.initializers`.
    name : str, optional
    **kwargs
        `trainable`, `dtype` and `input_shape`: see `Layer`.

    Raises
    ------
    ValueError
        `units` is not positive, or a name is unknown. In a call: the last axis of the input does not have the length
        for which the kernel was made.

    Examples
    --------
    >>> from tinygrad_lite import nn
    >>> layer = nn.Dense(3, activation="relu", kernel_initializer="ones")
    >>> layer([[1.0, 2.0], [3.0, -4.0]]).numpy()
    array([[3., 3., 3.],
           [0., 0., 0.]], dtype=float32)
    >>> [(weight.name, weight.shape) for weight in layer.weights]
    [('dense/kernel', (2, 3)), ('dense/bias', (3,))]
    """

    _settings: ClassVar = Layer._settings | {
        "activation": _activation,
        "units": lambda layer, units: before_building(layer, "units", _units(units)),
        "use_bias": lambda layer, value: before_building(layer, "use_bias", flag("use_bias", value)),
        "kernel_initializer": lambda layer, x: before_building(layer, "kernel_initializer", initializers.get(x)),
        "bias_initializer": lambda layer, x: before_building(layer, "bias_initializer", initializers.get(x)),
    }

    def __init__(
        self,
        units: int,
        activation: ActivationLike = None,
        use_bias: bool = True,
        kernel_initializer: InitializerLike = "glorot_uniform",
        bias_initializer: InitializerLike = "zeros",
        *,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        self.units, self.use_bias = units, use_bias
        self.activation: Any = activation  # the settings make functions and initializers of these
        self.kernel_initializer: Any = kernel_initializer
        self.bias_initializer: Any = bias_initializer
        self.kernel: Variable | None = None
        self.bias: Variable | None = None

    def build(self, input_shape: BatchShape) -> None:
        if len(input_shape) < 2 or input_shape[-1] is None:
            raise ValueError(
                f"{self.name} expected inputs of shape (batch, features). Received: inputs.shape={input_shape}. Use "
                "x[:, None] where each sample is one number, x[None, :] for a single sample."
            )
        features = int(input_shape[-1])
        self.kernel = self.add_weight((features, self.units), self.kernel_initializer, name="kernel")
        if self.use_bias:
            self.bias = self.add_weight((self.units,), self.bias_initializer, name="bias")

    def call(self, inputs: Tensor) -> Tensor:
        kernel: Any = self.kernel
        x = inputs if inputs.dtype == self.dtype else ops.cast(inputs, self.dtype)
        shape = x.shape
        if len(shape) < 2 or shape[-1] != kernel._array.shape[0]:
            raise self._wrong_features(inputs)
        y = ops.matmul(x, kernel) if self.bias is None else ops.dense(x, kernel, self.bias)  # (..., units)
        return self._activate(y, self.activation)

    def _wrong_features(self, inputs: Tensor) -> ValueError:
        features = self.kernel.shape[0] if self.kernel is not None else None
        shape = inputs.shape
        if len(shape) > 2:
            fix = "Put nn.Flatten() before it."
        elif len(shape) == 1:
            fix = "A single sample needs a batch axis: x[None, :]."
        else:
            fix = f"Pass {features} features, as when it was built, or make a new layer."
        return ValueError(
            f"{self.name} expected inputs with last axis {features}, since its kernel has shape "
            f"{(features, self.units)}. Received: inputs.shape={shape}. {fix}"
        )

    def get_config(self) -> dict[str, Any]:
        names = ("units", "activation", "use_bias", "kernel_initializer", "bias_initializer")
        return super().get_config() | {name: getattr(self, name) for name in names}


class Flatten(Layer):
    """Merges all axes after the batch axis: (batch, a, b, ...) becomes (batch, a·b·...).

    Parameters
    ----------
    data_format : str, optional
        With "channels_first", the second axis is moved to the end first.
    **kwargs
        See `Layer`.

    Examples
    --------
    >>> import numpy as np
    >>> from tinygrad_lite import nn
    >>> nn.Flatten()(np.zeros((2, 28, 28), "float32")).shape
    (2, 784)
    """

    _casts_inputs = False

    def __init__(self, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if data_format not in (None, "channels_last", "channels_first"):
            raise ValueError(
                f"Flatten expected data_format to be 'channels_last' or 'channels_first'. Received: {data_format!r}."
            )
        self.data_format = data_format

    def call(self, inputs: Tensor) -> Tensor:
        if inputs.ndim == 2:
            return inputs
        if inputs.ndim and self.data_format == "channels_first":
            inputs = ops.moveaxis(inputs, 1, -1)
        if not inputs.ndim:
            raise ValueError(f"{self.name} expected a batch axis. Received: inputs.shape=(). Pass an array of samples.")
        return ops.reshape(inputs, (inputs.shape[0], int(np.prod(inputs.shape[1:]))))

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        return config if self.data_format is None else config | {"data_format": self.data_format}


class Activation(Layer):
    """Applies an activation function.

    Parameters
    ----------
    activation : str or function
        See `nn.activations`.
    name : str, optional
    **kwargs
        See `Layer`.

    Examples
    --------
    >>> from tinygrad_lite import nn
    >>> nn.Activation("relu")([[-1.0, 2.0]]).numpy()
    array([[0., 2.]], dtype=float32)
    """

    _settings: ClassVar = Layer._settings | {"activation": _activation}
    _casts_inputs = False

    def __init__(self, activation: ActivationLike, *, name: str | None = None, **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        self.activation: Any = activation  # a function, see _settings

    def call(self, inputs: Tensor) -> Tensor:
        x = inputs if inputs.dtype.kind == "f" else ops.cast(inputs, self.dtype)
        return self._activate(x, self.activation)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"activation": self.activation}
