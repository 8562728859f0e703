"""Sequential: the Model whose `call` applies a list of layers, one after another."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tinygrad_lite.nn.layers.calling import inside, weights_are_given
from tinygrad_lite.nn.layers.input import Input
from tinygrad_lite.nn.layers.layer import Layer
from tinygrad_lite.nn.layers.search import name_child, parts
from tinygrad_lite.nn.model import Model
from tinygrad_lite.nn.saving.registry import leave_out, register_built_in

__all__ = ["Sequential"]


class Sequential(Model):
    """Layers, each applied to what the one before it returned.

    Parameters
    ----------
    layers : list of Layer, optional
        If it begins with `Input`, or with a layer that has an `input_shape`, the weights are made at once; otherwise
        on the first call.
    name : str, optional
    trainable : bool

    Raises
    ------
    TypeError
        An item is not a Layer.
    ValueError
        Two layers have the same name, or a layer is in the list twice.

    Examples
    --------
    >>> import numpy as np
    >>> from tinygrad_lite import nn
    >>> model = nn.Sequential([nn.Flatten(), nn.Dense(8, activation="relu"), nn.Dense(3, activation="softmax")])
    >>> probabilities = model(np.zeros((5, 4, 4)))
    >>> probabilities.shape
    (5, 3)
    >>> [layer.name for layer in model.layers]
    ['flatten', 'dense', 'dense_1']
    """

    _is_chain = True  # each layer's output is the next one's input, which drawings show

    def __init__(
        self, layers: Iterable[Layer | Input] | None = None, trainable: bool = True, name: str | None = None
    ) -> None:
        super().__init__(name=name, trainable=trainable)
        self._layers: list[Layer] = []
        self._input: Input | None = None
        if layers is not None and not isinstance(layers, (list, tuple)):
            raise TypeError(
                f"Sequential expected a list of layers. Received: {layers!r}. Put the layers into brackets: "
                "Sequential([layer, layer])."
            )
        self._extend(layers or ())
        self._build_if_known()

    def add(self, layer: Layer | Input) -> None:
        """Append a layer.

        Raises
        ------
        TypeError
            `layer` is not a Layer.
        ValueError
            The layer, or another one of its name, is in the model already.
        """
        self._extend([layer])
        self._build_if_known()

    def pop(self) -> Layer:
        """Remove the last layer, and return it.

        Raises
        ------
        ValueError
            There is no layer.
        """
        if not self._layers:
            raise ValueError(f"{self.name}.pop expected a layer to remove. Received: a model without layers.")
        layer = self._layers.pop()
        self._output_shape = self._layers[-1]._output_shape if self._layers else None
        self.built = self.built and bool(self._layers)
        self._forget_output()
        return layer

    def _extend(self, layers: Iterable[Any]) -> None:
        seen, names = set(map(id, self._layers)), {layer.name for layer in self._layers}
        taken = {layer.name for layer in parts(self)[1] if not layer._is_named_by_class}
        counts: dict[str, int] = {}
        for layer in layers:
            if isinstance(layer, Input):
                if self._layers or self._input is not None:
                    raise ValueError("Sequential expected Input as its first item only. Received: Input after a layer.")
                self._input = layer
                continue
            if not isinstance(layer, Layer):
                raise TypeError(_not_a_layer(layer))
            if id(layer) in seen:
                raise ValueError(
                    f"Sequential expected every layer once. Received: {layer.name!r} twice. Make a second layer, or "
                    "subclass nn.Model to use the same weights twice."
                )
            if not layer._is_named_by_class and layer.name in names:
                raise ValueError(
                    f"Sequential expected layers of different names. Received: two called {layer.name!r}. Pass another "
                    "name=... to one."
                )
            self._layers.append(layer)
            if layer._is_named_by_class:
                name_child(self, layer, taken, counts)
            seen.add(id(layer))
            names.add(layer.name)
            taken.add(layer.name)
        self._forget_output()

    def _forget_output(self) -> None:
        """Discard the metrics, which are made for an output."""
        self._metrics, self._is_ready = None, False

    def _build_if_known(self) -> None:
        """Make missing weights if the shape of the input is known."""
        if not self._layers or weights_are_given():
            return
        if self.built:  # a layer was added to a model in use
            with inside(self):
                self._layers[-1].try_with_zeros(self._output_shape)
            self._output_shape = self._layers[-1]._output_shape
            return
        sample = self._input.shape if self._input is not None else self._layers[0]._sample_shape
        if sample is not None:
            self.build((None, *sample))

    def call(self, inputs: Any) -> Any:
        if not self._layers:
            raise ValueError(f"{self.name} expected at least one layer. Received: none. Use add(layer).")
        x = inputs
        for layer in self._layers:
            x = layer(x)
        return x

    def get_config(self) -> dict[str, Any]:
        layers: list[Any] = [self._input] if self._input is not None else []
        return {"layers": [*layers, *self._layers], "name": self.name, "trainable": self.trainable}


leave_out(Sequential, "_layers", "_input")
register_built_in({"Sequential": Sequential})


def _not_a_layer(value: Any) -> str:
    if isinstance(value, type) and issubclass(value, Layer):
        fix = f"Make one of the class: {value.__name__}(...)."
    elif callable(value):
        fix = "Wrap a function as nn.Activation(function)."
    elif isinstance(value, str):
        fix = f"For an activation by name use nn.Activation({value!r})."
    else:
        fix = "Layers are nn.Dense(...), nn.Flatten() and so on."
    return f"Sequential expected layers. Received: {value!r} of type {type(value).__name__}. {fix}"
