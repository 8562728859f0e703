"""What training changes in a model: weights, the optimizer's state, the streams of random numbers.

It is described as plain data, with the arrays beside it, so that it can be written and restored. A layer without
weights is built while it is restored, and its `build` gets zeros instead of drawing weights. All of them together may
not need more bytes than the file holds.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

import numpy as np

from tinygrad_lite.core.variable import Variable
from tinygrad_lite.nn.layers.calling import given_weights, inside
from tinygrad_lite.nn.layers.layer import BUILDS_NOTHING, Layer
from tinygrad_lite.nn.layers.search import name_children, parts
from tinygrad_lite.nn.saving.registry import deserialize, serialize, set_attributes
from tinygrad_lite.nn.saving.weights import compare, described, does_not_fit, unique_names, weight_names
from tinygrad_lite.optim.optimizer import Optimizer
from tinygrad_lite.utils.archive import Archive, Header
from tinygrad_lite.utils.types import Array
from tinygrad_lite.version import __version__

__all__ = ["FORMAT", "layers_of", "model_state", "restore_state", "visit"]

FORMAT = 1


def visit(root: Layer) -> Iterator[tuple[Layer, list[Layer]]]:
    """Every layer once, with the layers around it; the layers in it are searched after the caller has handled it."""
    seen: set[int] = set()
    pending: list[tuple[Layer, list[Layer]]] = [(root, [])]
    while pending:
        layer, around = pending.pop()
        if id(layer) in seen:
            continue
        seen.add(id(layer))
        yield layer, around
        children = dict.fromkeys(parts(layer)[1])
        pending.extend((child, [*around, layer]) for child in reversed(children))


def layers_of(root: Layer) -> list[Layer]:
    """Every layer once, `root` first."""
    return [layer for layer, _ in visit(root)]


def _streams(layer: Layer) -> dict[str, np.random.Generator]:
    """The generators that a layer draws from."""
    return {name: value for name, value in vars(layer).items() if isinstance(value, np.random.Generator)}


def _record(layer: Layer) -> dict[str, Any]:
    return {
        "class": type(layer).__name__,
        "name": layer.name,
        "built": layer.built,
        "trainable": layer._trainable,
        "build_shape": serialize(layer._build_shape),
        "output_shape": serialize(layer._output_shape),
        "weights": [weight.name for weight in layer._weights],
        "variables": [[variable.name, variable.trainable] for variable in parts(layer)[0]],
        "streams": {name: serialize(stream.bit_generator.state) for name, stream in _streams(layer).items()},
    }


def _rebuild(layer: Layer, around: list[Layer], record: Mapping[str, Any]) -> None:
    """Build a layer that has no weights yet, as it was built before."""
    layer.name = record["name"]
    layer._is_named_by_class = False
    if record["built"] and type(layer).build not in BUILDS_NOTHING:
        with ExitStack() as stack:
            for outer in around:
                stack.enter_context(inside(outer))
            layer._build_on_call(deserialize(record["build_shape"]))
    name_children(layer)
    layer.built = bool(record["built"])
    layer._build_shape = deserialize(record["build_shape"])
    layer._output_shape = deserialize(record["output_shape"])


def _set_streams(layer: Layer, record: Mapping[str, Any]) -> None:
    streams = _streams(layer)
    for name, state in record["streams"].items():
        if name not in streams:
            raise ValueError(f"{layer.name} has no stream of random numbers named {name!r}")
        streams[name].bit_generator.state = deserialize(state)


def model_state(model: Any) -> tuple[dict[str, Any], dict[str, Array]]:
    """The state that training changes, as a description and arrays: weights, the optimizer's state, streams.

    The arrays share memory with the model. Variables copy on write, so the arrays do not change.
    """
    named = weight_names(model.weights) if model.built else {}
    arrays = {f"weights/{name}": weight.numpy() for name, weight in named.items()}
    description: dict[str, Any] = {
        "format": FORMAT,
        "tinygrad_lite": __version__,
        "layers": [_record(layer) for layer, _ in visit(model)],
    }
    optimizer = model.optimizer
    if optimizer is not None and optimizer.built:
        index = {id(weight): name for name, weight in named.items()}
        kept = [variable for variable in optimizer.trainable_variables if id(variable) in index]
        description["optimizer_variables"] = [index[id(variable)] for variable in kept]
        state = _state_names(optimizer, kept)
        arrays |= {f"optimizer/{name}": variable.numpy() for name, variable in state.items()}
    elif optimizer is not None:
        description["iterations"] = optimizer.iterations.item()
    return description, arrays


def _state_names(optimizer: Optimizer, variables: Sequence[Variable]) -> dict[str, Variable]:
    """The optimizer's state for `variables`, by name; Variables that are no longer in the model are left out."""
    wanted = set(map(id, variables))
    rate = optimizer._learning_rate
    shared = {"iteration": optimizer.iterations} | ({"learning_rate": rate} if isinstance(rate, Variable) else {})
    slots = (
        (f"{optimizer.name}/{variable.name}/{slot}", remembered)
        for slot, all_remembered in optimizer._state.items()
        for variable, remembered in zip(optimizer.trainable_variables, all_remembered)
        if id(variable) in wanted
    )
    return unique_names([*((f"{optimizer.name}/{name}", variable) for name, variable in shared.items()), *slots])


def restore_state(
    model: Any, archive: Any, description: Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None
) -> None:
    """Restore a state that `model_state` described. If it does not fit, a built model is unchanged.

    Raises
    ------
    ValueError
        The state is of another model.
    """
    records = description["layers"]
    names = [name.removeprefix("weights/") for name in archive.arrays if name.startswith("weights/")]

    def header(name: str) -> Header:
        return archive.header(f"weights/{name}")

    layers = []
    with given_weights(_zeros_within(sum(math.prod(shape) * dtype.itemsize for shape, dtype in map(header, names)))):
        for layer, around in visit(model):
            layers.append(layer)
            record = records[len(layers) - 1] if len(layers) <= len(records) else {"class": "nothing"}
            if record["class"] != type(layer).__name__:
                raise ValueError(f"layer {len(layers)} is a {type(layer).__name__} here, and {record['class']} there")
            if not layer.built:
                _rebuild(layer, around, record)
    if len(layers) != len(records):
        raise ValueError(f"there are {len(layers)} layers here, and {len(records)} there")
    for layer, record in zip(layers, records):
        for weight, name in zip(layer._weights, record["weights"]):
            weight.name = name  # a layer that was built before it became part of a model kept its names
        for variable, (name, trainable) in zip(parts(layer)[0], record.get("variables", ())):
            variable.name, variable.trainable = str(name), bool(trainable)
    named = weight_names(model.weights) if model.built else {}
    report = compare(named, names, header)
    if report.missing or report.unexpected or report.mismatched:
        raise ValueError(does_not_fit(model.name, archive.path, report, named, header))
    values = [(weight, archive.array(f"weights/{name}")) for name, weight in named.items()]
    values += _optimizer_state(model.optimizer, archive, description, named)
    for variable, value in values:
        variable.adopt(value)
    for layer, record in zip(layers, records):
        _set_streams(layer, record)
        set_attributes(layer, deserialize(record.get("attributes", {}), custom_objects))
        layer._trainable = bool(record["trainable"])


def _zeros_within(size: int) -> Callable[[tuple[int, ...], np.dtype[Any]], Array]:
    """A function that makes arrays of zeros for weights that are read later, of at most `size` bytes together."""
    left = size

    def zeros(shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
        nonlocal left
        left -= math.prod(shape) * dtype.itemsize
        if left < 0:
            raise ValueError(f"its layers need more than the {size:,} bytes of weights in the file")
        return np.zeros(shape, dtype)

    return zeros


def _optimizer_state(
    optimizer: Any, archive: Archive, description: Mapping[str, Any], named: Mapping[str, Variable]
) -> list[tuple[Variable, Array]]:
    """The optimizer's Variables and their saved values; the optimizer is built if it was built when it was saved."""
    if optimizer is None:
        return []
    if "optimizer_variables" not in description:
        return [(optimizer.iterations, np.array(int(description.get("iterations", 0))))]
    names = description["optimizer_variables"]
    if any(name not in named for name in names):
        raise ValueError(f"the optimizer was made for the weights {names}")
    needed = len(names) * len(optimizer.slots())
    present = sum(name.startswith("optimizer/") for name in archive.arrays)
    if present < needed:  # checked before memory is allocated
        raise ValueError(f"the optimizer needs {needed} arrays, and there are {present}")
    optimizer.build([named[name] for name in names])
    state = _state_names(optimizer, optimizer.trainable_variables)
    stored = {name.removeprefix("optimizer/") for name in archive.arrays if name.startswith("optimizer/")}
    if set(state) != stored:
        raise ValueError(f"the optimizer's state is {sorted(stored)}, expected {sorted(state)}")
    values = []
    for name, variable in state.items():
        header = archive.header(f"optimizer/{name}")
        if header != (variable.shape, variable.dtype):
            raise ValueError(f"{name}: expected {described(variable.shape, variable.dtype)}, received {header}")
        values.append((variable, archive.array(f"optimizer/{name}")))
    return values
