"""Saving and loading: weights alone, whole models, and training that is to go on.

A saved model is an archive (see `checkpoint`): one JSON text that says what it is made of, and its weights and the
optimizer's state as arrays. Nothing is pickled and nothing is imported by name; `registry` knows what the names
mean. A model is made again layer by layer, each `build` being handed its weights instead of drawing them, so a
file can ask for no more memory than it has bytes. Streams of random numbers are saved too: what is trained after
loading has the same bits as what was never saved.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import numpy as np

from tinygrad_lite.core.tensor import Variable
from tinygrad_lite.nn.layers.calling import given_weights, inside
from tinygrad_lite.nn.layers.layer import BUILDS_NOTHING, Layer
from tinygrad_lite.nn.layers.search import name_children, parts
from tinygrad_lite.nn.losses import Loss
from tinygrad_lite.nn.saving.equality import difference
from tinygrad_lite.nn.saving.registry import _no_weights, attributes_beyond, deserialize, serialize, set_attributes
from tinygrad_lite.optim.optimizer import Optimizer
from tinygrad_lite.random.streams import set_aside
from tinygrad_lite.utils.archive import MOST_TEXT, Archive, Header, atomic_path, write_archive
from tinygrad_lite.utils.types import Array
from tinygrad_lite.version import __version__

__all__ = ["LoadReport", "load_model", "load_weights", "save_model", "save_weights"]

FORMAT = 1

# Weights ------------------------------------------------------------------------------------------------------


class LoadReport(NamedTuple):
    """What `load_weights` found: names of weights, each in one of four lists.

    Attributes
    ----------
    loaded : list of str
    missing : list of str
        Weights of the model that the file does not have; they stay as they were.
    unexpected : list of str
        Weights of the file that the model does not have.
    mismatched : list of str
        Of both, but of another shape or dtype; they stay as they were.
    """

    loaded: list[str]
    missing: list[str]
    unexpected: list[str]
    mismatched: list[str]

    def __str__(self) -> str:
        parts = [f"{len(self.loaded)} weights loaded"]
        for what in ("missing", "unexpected", "mismatched"):
            names = getattr(self, what)
            parts += [f"{what}: {', '.join(names)}"] if names else []
        return "; ".join(parts)


def weight_names(weights: Sequence[Variable]) -> dict[str, Variable]:
    """The weights by their names, made different where two are called the same, and fit for a file."""
    return _by_name((weight.name, weight) for weight in weights)


def _by_name(pairs: Iterable[tuple[str, Variable]]) -> dict[str, Variable]:
    named: dict[str, Variable] = {}
    for called, weight in pairs:
        name = _file_name(called)
        key, count = name, 1
        while key in named:
            count += 1
            key = f"{name}#{count}"
        named[key] = weight
    return named


def _file_name(name: str) -> str:
    """`name` if it is harmless in a file, else with what is not written as %2E and the like."""
    plain = re.fullmatch(r"[^/\\:%\0.][^/\\:%\0]*(/[^/\\:%\0.][^/\\:%\0]*)*", name)
    return name if plain else quote(name, safe="/").replace(".", "%2E").replace("//", "/%2F").strip("/") or "%2F"


def save_weights(model: Any, path: str | os.PathLike[str]) -> None:
    """Write the weights of `model` to a `.npz` or `.safetensors` file. See `Model.save_weights`."""
    arrays = {name: np.asarray(weight.numpy()) for name, weight in weight_names(model.weights).items()}
    if _suffix(path, "save_weights") == ".npz":
        write_archive(path, arrays)
        return
    numpy_api = _safetensors()
    contiguous = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    with atomic_path(path) as aside:
        numpy_api.save_file(contiguous, str(aside))


def load_weights(model: Any, path: str | os.PathLike[str], by_name: bool = False, strict: bool = True) -> LoadReport:
    """Read weights into `model`. See `Model.load_weights`."""
    named = weight_names(model.weights)
    with _open_weights(path) as source:
        report = _compare(named, source.names, source.header)
        wrong = report.mismatched if by_name else [*report.mismatched, *report.missing, *report.unexpected]
        if strict and wrong:
            raise ValueError(_does_not_fit(model.name, path, report, named, source.header))
        if not report.loaded and named:
            raise ValueError(_does_not_fit(model.name, path, report, named, source.header))
        values = {name: source.array(name) for name in report.loaded}
    for name, value in values.items():  # nothing is changed before everything is read
        named[name].adopt(value)
    return report


class _Source(NamedTuple):
    """A file of weights: the names in it, and how to read one."""

    names: Sequence[str]
    header: Callable[[str], Header]
    array: Callable[[str], Array]


class _open_weights:
    """A context with the `_Source` of a file."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = path
        self._stack = ExitStack()

    def __enter__(self) -> _Source:
        if _suffix(self._path, "load_weights") == ".npz":
            archive = self._stack.enter_context(Archive(self._path))
            return _Source(archive.arrays, archive.header, archive.array)
        _safetensors()
        import safetensors

        Path(self._path).stat()  # a file that is not there is told by the system's own error
        try:
            file = self._stack.enter_context(safetensors.safe_open(str(self._path), framework="numpy"))
            names = list(file.keys())
        except safetensors.SafetensorError as error:
            raise ValueError(_not_safetensors(self._path, error)) from error

        def header(name: str) -> Header:
            part = file.get_slice(name)
            return Header(tuple(part.get_shape()), np.dtype(_SAFETENSORS_TYPES.get(part.get_dtype(), "V1")))

        def array(name: str) -> Array:
            try:
                return np.array(file.get_tensor(name))
            except (safetensors.SafetensorError, TypeError) as error:
                raise ValueError(_not_safetensors(self._path, error)) from error

        return _Source(names, header, array)

    def __exit__(self, *_: Any) -> None:
        self._stack.close()


_SAFETENSORS_TYPES = {
    "F64": "f8", "F32": "f4", "F16": "f2", "I64": "i8", "I32": "i4", "I16": "i2", "I8": "i1",
    "U64": "u8", "U32": "u4", "U16": "u2", "U8": "u1", "BOOL": "?",
}  # fmt: skip


def _safetensors() -> Any:
    try:
        import safetensors.numpy
    except ImportError as error:
        raise ImportError(
            "A .safetensors file needs the package safetensors: pip install safetensors. A .npz file needs nothing."
        ) from error
    return safetensors.numpy


def _not_safetensors(path: Any, error: Exception) -> str:
    return f"Expected a whole .safetensors file. Received: {str(path)!r}, and then: {error}."


def _suffix(path: str | os.PathLike[str], method: str) -> str:
    suffix = Path(path).suffix.lower()
    if suffix not in (".npz", ".safetensors"):
        hint = " Keras's own formats are not written here." if suffix in (".h5", ".keras") else ""
        raise ValueError(
            f"{method} expected a path that ends in .npz or .safetensors. Received: {str(path)!r}.{hint} For the "
            "model with its layers and optimizer, use model.save and nn.load_model."
        )
    return suffix


def _compare(named: Mapping[str, Variable], names: Sequence[str], header: Callable[[str], Header]) -> LoadReport:
    fits = {name: header(name) == (named[name].shape, named[name].dtype) for name in names if name in named}
    return LoadReport(
        [name for name in named if fits.get(name)],
        [name for name in named if name not in fits],
        [name for name in names if name not in named],
        [name for name in named if fits.get(name) is False],
    )


def _does_not_fit(
    owner: str, path: Any, report: LoadReport, named: Mapping[str, Variable], header: Callable[[str], Header]
) -> str:
    lines = [
        f"{name}: expected {_described(named[name].shape, named[name].dtype)}, received {_described(*header(name))}"
        for name in report.mismatched
    ]
    lines += [f"{name}: expected by the model, not in the file" for name in report.missing]
    lines += [f"{name}: in the file, not in the model" for name in report.unexpected]
    more = [f"and {len(lines) - 10} more"] if len(lines) > 10 else []
    return (
        f"Expected the weights of {owner} in {str(path)!r}, which holds others:\n  "
        + "\n  ".join([*lines[:10], *more])
        + "\nIs it a file of this model? by_name=True loads what has the same name, strict=False what fits at all, and "
        "both report the rest."
    )


def _described(shape: tuple[int, ...], dtype: Any) -> str:
    return f"{shape} {dtype}"


# Layers: what of a model is not in its configuration ------------------------------------------------------------


def _visit(root: Layer) -> Iterator[tuple[Layer, list[Layer]]]:
    """Every layer once, before those inside of it are looked for, with the layers around it."""
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
    return [layer for layer, _ in _visit(root)]


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
    """Make the weights of a layer that has none yet, as they were made before."""
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
            raise ValueError(f"{layer.name} has no stream of random numbers called {name!r}")
        streams[name].bit_generator.state = deserialize(state)


# Whole models ---------------------------------------------------------------------------------------------------


def model_state(model: Any) -> tuple[dict[str, Any], dict[str, Array]]:
    """What changes in training, as a description and arrays: weights, the optimizer's state, streams.

    The arrays share memory with the model, which copies on write: they stay what they are.
    """
    named = weight_names(model.weights) if model.built else {}
    arrays = {f"weights/{name}": weight.numpy() for name, weight in named.items()}
    description: dict[str, Any] = {
        "format": FORMAT,
        "tinygrad_lite": __version__,
        "layers": [_record(layer) for layer, _ in _visit(model)],
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
    """What the optimizer remembers, of these of its variables: those that were taken out of the model are no more."""
    wanted = set(map(id, variables))
    rate = optimizer._learning_rate
    shared = {"iteration": optimizer.iterations} | ({"learning_rate": rate} if isinstance(rate, Variable) else {})
    slots = (
        (f"{optimizer.name}/{variable.name}/{slot}", remembered)
        for slot, all_remembered in optimizer._state.items()
        for variable, remembered in zip(optimizer.trainable_variables, all_remembered)
        if id(variable) in wanted
    )
    return _by_name([*((f"{optimizer.name}/{name}", variable) for name, variable in shared.items()), *slots])


def restore_state(
    model: Any, archive: Any, description: Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None
) -> None:
    """Bring a model into a state that `model_state` described. If it does not fit, a built model stays as it was.

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
    with given_weights(_room(sum(math.prod(shape) * dtype.itemsize for shape, dtype in map(header, names)))):
        for layer, around in _visit(model):
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
    report = _compare(named, names, header)
    if report.missing or report.unexpected or report.mismatched:
        raise ValueError(_does_not_fit(model.name, archive.path, report, named, header))
    values = [(weight, archive.array(f"weights/{name}")) for name, weight in named.items()]
    values += _optimizer_state(model.optimizer, archive, description, named)
    for variable, value in values:
        variable.adopt(value)
    for layer, record in zip(layers, records):
        _set_streams(layer, record)
        set_attributes(layer, deserialize(record.get("attributes", {}), custom_objects))
        layer._trainable = bool(record["trainable"])


def _room(size: int) -> Callable[[tuple[int, ...], np.dtype[Any]], Array]:
    """Makes the arrays of weights that are to be read later: zeros, of `size` bytes in all at the most."""
    left = size

    def zeros(shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
        nonlocal left
        left -= math.prod(shape) * dtype.itemsize
        if left < 0:
            raise ValueError(f"its layers have more weights than the {size:,} bytes that are there")
        return np.zeros(shape, dtype)

    return zeros


def _optimizer_state(
    optimizer: Any, archive: Archive, description: Mapping[str, Any], named: Mapping[str, Variable]
) -> list[tuple[Variable, Array]]:
    """The optimizer's variables and what they are to become; it is built if it was."""
    if optimizer is None:
        return []
    if "optimizer_variables" not in description:
        return [(optimizer.iterations, np.array(int(description.get("iterations", 0))))]
    names = description["optimizer_variables"]
    if any(name not in named for name in names):
        raise ValueError(f"the optimizer was made for the weights {names}")
    needed = len(names) * len(optimizer.slots())
    present = sum(name.startswith("optimizer/") for name in archive.arrays)
    if present < needed:  # told before memory is asked for
        raise ValueError(f"the optimizer remembers {needed} arrays, and there are {present}")
    optimizer.build([named[name] for name in names])
    state = _state_names(optimizer, optimizer.trainable_variables)
    stored = {name.removeprefix("optimizer/") for name in archive.arrays if name.startswith("optimizer/")}
    if set(state) != stored:
        raise ValueError(f"the optimizer's state is {sorted(stored)}, expected {sorted(state)}")
    values = []
    for name, variable in state.items():
        header = archive.header(f"optimizer/{name}")
        if header != (variable.shape, variable.dtype):
            raise ValueError(f"{name}: expected {_described(variable.shape, variable.dtype)}, received {header}")
        values.append((variable, archive.array(f"optimizer/{name}")))
    return values


def save_model(model: Any, path: str | os.PathLike[str]) -> None:
    """Write a whole model to one file. See `Model.save`."""
    suffix = Path(path).suffix.lower()
    if suffix in (".h5", ".keras", ".npz", ".safetensors"):
        fix = "Use save_weights for weights alone." if suffix in (".npz", ".safetensors") else "Keras cannot read it."
        raise ValueError(
            f"save expected a path whose ending promises no other format. Received: {str(path)!r}. {fix} Take .tgl."
        )
    try:
        description, arrays = _whole(model)
    except RecursionError as error:
        raise ValueError(
            f"save expected attributes that do not contain themselves. Received: {model.name}, of which some do, or "
            "are nested very deeply. Take them out before saving."
        ) from error
    write_archive(path, arrays, {"model": description})


def _whole(model: Any) -> tuple[dict[str, Any], dict[str, Array]]:
    """The description and the arrays of a whole model, of which it is known that they come back."""
    description, arrays = model_state(model)
    description["model"] = serialize(model)
    if model._is_compiled:
        description["compile"] = {name: serialize(getattr(model, held)) for held, name in COMPILED.items()}
    _check_return(model, arrays, description)
    return description, arrays


COMPILED = {
    "optimizer": "optimizer", "loss": "loss", "_metric_identifiers": "metrics",
    "_weighted_identifiers": "weighted_metrics", "run_eagerly": "run_eagerly",
}  # fmt: skip
"""A model's attributes that `compile` sets, and the names of its arguments."""


class _InMemory(NamedTuple):
    """What an `Archive` would be if it were written."""

    path: str | os.PathLike[str]
    arrays: Mapping[str, Array]

    def header(self, name: str) -> Header:
        return Header(self.arrays[name].shape, self.arrays[name].dtype)

    def array(self, name: str) -> Array:
        return self.arrays[name]


_FIX = (
    "Write get_config of the class that it belongs to, so that it gives all arguments of the constructor, and compute "
    "the rest in the constructor or in build. For the weights alone use save_weights."
)


def _check_return(model: Any, arrays: Mapping[str, Array], description: dict[str, Any]) -> None:
    """Raise unless what is about to be written would come back as the same model."""
    twin = _returned(model, arrays, description)
    for layer, other, record in zip(_visit(model), _visit(twin), description["layers"]):
        attributes = attributes_beyond(layer[0], other[0])
        if attributes:  # of a layer that a constructor made: its configuration is not in the description
            record["attributes"] = attributes
    if any("attributes" in record for record in description["layers"]):
        twin = _returned(model, arrays, description)
    optimizer = model.optimizer

    def is_left_out(owner: Any, name: str) -> bool:
        if isinstance(owner, Optimizer):  # the state of the model's own is in the file
            is_number = name == "_learning_rate" and isinstance(owner._learning_rate, Variable)
            return name in ("_scratch", "_index") or (owner is optimizer and (is_number or name in _STATE))
        if owner is model and name in COMPILED:
            return False
        return name in _CACHES or (name in _OF_TRAINING and getattr(owner, "_is_model", False))

    lost = difference(model, twin, is_left_out, model.name)
    if lost is not None:
        raise ValueError(
            f"save expected to write all that the model holds. Received: {lost}, which would be lost. {_FIX}"
        )


def _returned(model: Any, arrays: Mapping[str, Array], description: Mapping[str, Any]) -> Any:
    """The model that would be loaded, if what is given was written."""
    text = json.dumps(description, indent=1, ensure_ascii=False)
    if len(text.encode()) > MOST_TEXT:
        raise ValueError(
            f"save expected a description of the model of at most {MOST_TEXT:,} bytes. Received: one of "
            f"{len(text.encode()):,}. Keep large arrays in weights, not in attributes."
        )
    try:
        with set_aside():
            return _assembled(_InMemory("the new file", arrays), json.loads(text), None)
    except _UNFIT as error:
        raise ValueError(
            f"save expected a model that can be made again of its description. Received: {model.name}, and then: "
            f"{str(error).rstrip('.')}. {_FIX}"
        ) from error


_UNFIT = (KeyError, TypeError, AttributeError, IndexError, RuntimeError, MemoryError, OverflowError, ValueError)
_STATE = frozenset({"_iterations", "_trainable", "_state", "built"})
_CACHES = frozenset({"_search", "_is_named_by_class", "_takes_training"})
_OF_TRAINING = frozenset(
    {"_is_ready", "_loss_mean", "_metrics", "_steps", "_suspected", "history", "stop_training", "was_interrupted"}
)


def _assembled(
    archive: Any, description: Mapping[str, Any], custom_objects: Mapping[str, Any] | None, compile: bool = True
) -> Any:
    """The model that a description and arrays tell of."""
    with given_weights(_no_weights):  # a Sequential with an Input would build itself: `restore_state` does it
        model = deserialize(description["model"], custom_objects)
    if not (isinstance(model, Layer) and model._is_model):
        raise ValueError(f"it describes {model!r}, which is no Model")
    settings = description.get("compile")
    if compile and settings is not None:
        arguments = {name: deserialize(value, custom_objects) for name, value in settings.items()}
        _check_settings(arguments)
        model.compile(**arguments)
    restore_state(model, archive, description, custom_objects)
    return model


def load_model(
    path: str | os.PathLike[str], custom_objects: Mapping[str, Any] | None = None, compile: bool = True
) -> Any:
    """The model that `Model.save` wrote.

    Parameters
    ----------
    path : str or path
    custom_objects : mapping of str, optional
        Own classes and functions by the names that the file calls them; those under `@nn.register` are known.
    compile : bool
        Whether the model is compiled as it was, with the state of its optimizer.

    Returns
    -------
    Model
        With the same weights, optimizer state and streams of random numbers: training that goes on has the bits
        of training that was never interrupted.

    Raises
    ------
    OSError
        The file does not exist or cannot be read.
    ValueError
        It is damaged, is not a saved model, names a class that is not known, or does not fit together. Nothing
        in a file can run, or make this function ask for much more memory than the file has bytes.

    Examples
    --------
    >>> import tempfile
    >>> from tinygrad_lite import nn
    >>> model = nn.Sequential([nn.Input((4,)), nn.Dense(2)])
    >>> path = Path(tempfile.mkdtemp(), "model.tgl")
    >>> model.save(path)
    >>> bool((nn.load_model(path)([[1.0, 2.0, 3.0, 4.0]]) == model([[1.0, 2.0, 3.0, 4.0]])).all())
    True
    """
    with Archive(path) as archive:
        if "model" not in archive.texts:
            raise ValueError(
                _not_a_model(path, f"it has no model.json, but {', '.join(archive.arrays[:5]) or 'nothing'}")
            )
        description = archive.text("model")
        try:
            _check_format(description)
            return _assembled(archive, description, custom_objects, compile)
        except (KeyError, TypeError, AttributeError, IndexError, RuntimeError, MemoryError, OverflowError) as error:
            raise ValueError(_not_a_model(path, f"{type(error).__name__}: {error}")) from error
        except ValueError as error:
            raise ValueError(_not_a_model(path, str(error))) from error


def _check_format(description: Any) -> None:
    number = description["format"]
    if number != FORMAT:
        raise ValueError(
            f"it has format {number!r}, written by tinygrad_lite {description.get('tinygrad_lite')!r}; this version, "
            f"{__version__}, reads format {FORMAT}. Install the version that wrote it"
        )


def _check_settings(arguments: Mapping[str, Any]) -> None:
    """A function under any registered name would do as a loss; what a file says must be of the right kind."""
    if not isinstance(arguments["optimizer"], Optimizer):
        raise ValueError(f"its optimizer is {arguments['optimizer']!r}")
    if not (arguments["loss"] is None or isinstance(arguments["loss"], Loss)):
        raise ValueError(f"its loss is {arguments['loss']!r}")


def _not_a_model(path: Any, reason: str) -> str:
    return f"Expected a model that model.save wrote. Received: {str(path)!r}. What is wrong: {reason.rstrip('.')}."
