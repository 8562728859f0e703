"""Whole models in one file: layers, weights, and with the optimizer's state training that is to go on.

The file is an archive (see `utils.archive`): one JSON text that describes the model, and its arrays. Nothing is pickled
and nothing is imported by name; `registry` knows what the names mean. A model is saved only if what is about to be
written would come back as the same model, which is tried first. Streams of random numbers are saved too, so that
training after loading gives the same bits as training without saving.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from tinygrad_lite.core.variable import Variable
from tinygrad_lite.nn.layers.calling import given_weights
from tinygrad_lite.nn.layers.layer import Layer
from tinygrad_lite.nn.losses import Loss
from tinygrad_lite.nn.saving.equality import difference
from tinygrad_lite.nn.saving.registry import attributes_beyond, deserialize, no_weights, serialize
from tinygrad_lite.nn.saving.state import FORMAT, model_state, restore_state, visit
from tinygrad_lite.optim.optimizer import Optimizer
from tinygrad_lite.random.streams import set_aside
from tinygrad_lite.utils.archive import MOST_TEXT, Archive, Header, write_archive
from tinygrad_lite.utils.types import Array
from tinygrad_lite.version import __version__

__all__ = ["COMPILED", "load_model", "save_model"]


def save_model(model: Any, path: str | os.PathLike[str]) -> None:
    """Write a whole model to one file. See `Model.save`."""
    suffix = Path(path).suffix.lower()
    if suffix in (".h5", ".keras", ".npz", ".safetensors"):
        fix = "Use save_weights for weights alone." if suffix in (".npz", ".safetensors") else "Keras cannot read it."
        raise ValueError(
            f"save expected a path without the ending of another format. Received: {str(path)!r}. {fix} Use .tgl."
        )
    try:
        description, arrays = _whole(model)
    except RecursionError as error:
        raise ValueError(
            f"save expected attributes that do not contain themselves. Received: {model.name}, in which some do, or "
            "are nested too deeply. Remove them before saving."
        ) from error
    write_archive(path, arrays, {"model": description})


def _whole(model: Any) -> tuple[dict[str, Any], dict[str, Array]]:
    """The description and the arrays of a whole model, after a check that loading them gives the same model."""
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
"""The attributes of a model that `compile` sets, and the names of its arguments."""


class _InMemory(NamedTuple):
    """Description and arrays that are not written, with the interface of an `Archive`."""

    path: str | os.PathLike[str]
    arrays: Mapping[str, Array]

    def header(self, name: str) -> Header:
        return Header(self.arrays[name].shape, self.arrays[name].dtype)

    def array(self, name: str) -> Array:
        return self.arrays[name]


_FIX = (
    "Define get_config in its class, so that it returns all arguments of the constructor, and compute "
    "the rest in the constructor or in build. To save only the weights, use save_weights."
)


def _check_return(model: Any, arrays: Mapping[str, Array], description: dict[str, Any]) -> None:
    """Raise unless loading the description and the arrays would give the same model."""
    twin = _returned(model, arrays, description)
    for layer, other, record in zip(visit(model), visit(twin), description["layers"]):
        attributes = attributes_beyond(layer[0], other[0])
        if attributes:  # of a layer made by a constructor: its configuration is not in the description
            record["attributes"] = attributes
    if any("attributes" in record for record in description["layers"]):
        twin = _returned(model, arrays, description)
    optimizer = model.optimizer

    def is_left_out(owner: Any, name: str) -> bool:
        if isinstance(owner, Optimizer):  # the state of the model's optimizer is in the file
            is_number = name == "_learning_rate" and isinstance(owner._learning_rate, Variable)
            return name in ("_scratch", "_index") or (owner is optimizer and (is_number or name in _STATE))
        if owner is model and name in COMPILED:
            return False
        return name in _CACHES or (name in _OF_TRAINING and getattr(owner, "_is_model", False))

    lost = difference(model, twin, is_left_out, model.name)
    if lost is not None:
        raise ValueError(
            f"save expected to save all attributes of the model. Received: {lost}, which would be lost. {_FIX}"
        )


def _returned(model: Any, arrays: Mapping[str, Array], description: Mapping[str, Any]) -> Any:
    """The model that would be loaded if the description and the arrays were written."""
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
            f"save expected a model that can be rebuilt from its description. Received: {model.name}, which cannot: "
            f"{str(error).rstrip('.')}. {_FIX}"
        ) from error


_UNFIT = (KeyError, TypeError, AttributeError, IndexError, RuntimeError, MemoryError, OverflowError, ValueError)
_STATE = frozenset({"_iterations", "_trainable", "_state", "built"})
_CACHES = frozenset({"_search", "_is_named_by_class", "_takes_training"})
_OF_TRAINING = frozenset(
    {"_is_ready", "_loss_mean", "_metrics", "_steps", "_warned", "history", "stop_training", "was_interrupted"}
)


def _assembled(
    archive: Any, description: Mapping[str, Any], custom_objects: Mapping[str, Any] | None, compile: bool = True
) -> Any:
    """The model that is described."""
    with given_weights(no_weights):  # a Sequential with an Input would build itself here; `restore_state` builds it
        model = deserialize(description["model"], custom_objects)
    if not (isinstance(model, Layer) and model._is_model):
        raise ValueError(f"it describes {model!r}, which is not a Model")
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
        Your own classes and functions by their names in the file. Those with `@nn.register` are known.
    compile : bool
        Whether the model is compiled as it was when it was saved, with the state of its optimizer.

    Returns
    -------
    Model
        With the same weights, optimizer state and streams of random numbers: further training gives the same bits as
        training without saving and loading.

    Raises
    ------
    OSError
        The file does not exist or cannot be read.
    ValueError
        It is damaged, is not a saved model, names an unknown class, or is inconsistent. Nothing in a file is executed,
        and a file cannot make this function allocate much more memory than it has bytes.

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
    """Raise unless the optimizer and the loss in a file are such: a file may name anything that is registered."""
    if not isinstance(arguments["optimizer"], Optimizer):
        raise ValueError(f"its optimizer is {arguments['optimizer']!r}")
    if not (arguments["loss"] is None or isinstance(arguments["loss"], Loss)):
        raise ValueError(f"its loss is {arguments['loss']!r}")


def _not_a_model(path: Any, reason: str) -> str:
    return f"Expected a model that model.save wrote. Received: {str(path)!r}. What is wrong: {reason.rstrip('.')}."
