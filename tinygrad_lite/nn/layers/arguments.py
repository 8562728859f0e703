"""Checks of the arguments of layers: shapes, names, dtypes, and arguments of Keras that are not supported here."""

from __future__ import annotations

import re
from typing import Any, TypeAlias

import numpy as np

from tinygrad_lite.core.tensor import Tensor
from tinygrad_lite.nn.layers.search import LayerBase
from tinygrad_lite.utils.types import Shape

BatchShape: TypeAlias = tuple[Any, ...]
"""Lengths of the axes. None stands for a length that may vary, such as that of the batch axis."""

FUNCTIONAL = "a Sequential, or a subclass of Model: models are not made of symbolic inputs here"

INSTEAD = {
    "activity_regularizer": "a term of your own in the loss",
    "batch_input_shape": "input_shape, without the batch axis",
    "batch_shape": "shape, without the batch axis",
    "bias_constraint": "a callback that assigns to the weights",
    "bias_regularizer": "a term of your own in the loss",
    "input_dim": "input_shape=(features,)",
    "inputs": FUNCTIONAL,
    "kernel_constraint": "a callback that assigns to the weights",
    "kernel_regularizer": "a term of your own in the loss",
    "outputs": FUNCTIONAL,
    "weights": "set_weights(...), once it is built",
}
"""What to do instead of passing an argument that is not supported."""
WITHOUT_EFFECT_ON_WEIGHTS = {
    "aggregation": "none",
    "autocast": True,
    "constraint": None,
    "overwrite_with_gradient": False,
    "regularizer": None,
}
"""Values of arguments of `add_weight` that may be passed, because they have no effect."""
WITHOUT_EFFECT = {
    "activity_regularizer": None,
    "autocast": True,
    "batch_shape": None,
    "bias_constraint": None,
    "bias_regularizer": None,
    "kernel_constraint": None,
    "kernel_regularizer": None,
    "lora_alpha": None,
    "lora_rank": None,
    "optional": False,
    "quantization_config": None,
    "ragged": None,
    "sparse": None,
    "tensor": None,
}
"""Values of arguments of layers that may be passed, because they have no effect."""


def checked_name(layer: LayerBase, name: Any) -> str:
    """A name of a layer; raises if it cannot be part of the name of a weight."""
    if not isinstance(name, str) or not name or "/" in name or not name.isprintable():
        raise ValueError(
            f"{type(layer).__name__} expected a name that is a printable string without '/'. Received: "
            f"name={name!r}. Omit it to name the layer after its class."
        )
    return name


def floating(layer: LayerBase, dtype: Any) -> np.dtype[Any]:
    """A floating dtype; raises for others."""
    kind = np.dtype("float32" if dtype is None else dtype)
    if kind.kind != "f":
        raise ValueError(f"{type(layer).__name__} expected a floating dtype. Received: dtype={dtype!r}. Try 'float32'.")
    return kind


def before_building(layer: LayerBase, name: str, value: Any) -> Any:
    """Return `value`; raise if the weights were already made with another value."""
    if vars(layer).get("built") and name in vars(layer) and vars(layer)[name] != value:
        raise ValueError(
            f"{layer.name} expected {name} before its weights are made: it would have no effect on them. Received: "
            f"{name}={value!r}, and {vars(layer)[name]!r} before. Make a new layer, or set_weights(...)."
        )
    return value


def snake_case(name: str) -> str:
    """The name of a class in Python's style for variables: "MyLayer" gives "my_layer"."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower().strip("_") or "layer"


def batch_shape(x: Any) -> BatchShape:
    """The shape of `x` with None for the batch axis."""
    shape = x.shape if isinstance(x, Tensor) else np.shape(x)
    return (None, *shape[1:]) if shape else ()


def map_shapes(function: Any, shapes: Any) -> Any:
    """Apply `function` to every shape. A shape is a tuple, so only lists and dicts are nested."""
    if isinstance(shapes, dict):
        return {key: map_shapes(function, value) for key, value in shapes.items()}
    if isinstance(shapes, list) and not all(n is None or isinstance(n, (int, np.integer)) for n in shapes):
        return [map_shapes(function, value) for value in shapes]
    return function(shapes)


def known_lengths(owner: str, shape: Any) -> BatchShape:
    """The lengths of the axes after the batch axis; raises if one is unknown."""
    is_shape = isinstance(shape, (tuple, list)) and len(shape) > 0
    if not is_shape or not all(isinstance(n, (int, np.integer)) and n >= 0 for n in shape[1:]):
        raise ValueError(
            f"{owner} expected the shape of a batch to be built for, where only the batch axis (the first) may be "
            f"None. Received: input_shape={shape!r}. Try (None, 784), or (None, 28, 28)."
        )
    return tuple(shape[1:])


def sample_shape(owner: str, shape: Any) -> Shape:
    """The shape of one sample; raises unless all lengths are known."""
    lengths = tuple(shape) if isinstance(shape, (tuple, list)) else (shape,)
    if not all(isinstance(n, (int, np.integer)) and n >= 0 for n in lengths):
        raise ValueError(
            f"{owner} expected the shape of one sample, without the batch axis. Received: {lengths}. For MNIST "
            "that is (28, 28), and (784,) when flattened."
        )
    return tuple(int(n) for n in lengths)
