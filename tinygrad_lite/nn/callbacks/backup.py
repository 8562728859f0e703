"""Resumable training: after every epoch, everything that training depends on is saved to one file.

That is the weights, the optimizer's state, every stream of random numbers, the state of other callbacks, and the
results of the epochs so far. So resumed training ends with the same bits as uninterrupted training.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_lite import random
from tinygrad_lite.nn.saving.registry import deserialize, plain_attributes, serialize, set_attributes
from tinygrad_lite.nn.saving.state import layers_of, model_state, restore_state
from tinygrad_lite.utils.archive import Archive, write_archive
from tinygrad_lite.utils.callback import Callback, Logs
from tinygrad_lite.utils.types import Array

__all__ = ["BackupAndRestore"]


class BackupAndRestore(Callback):
    """Makes training resumable: run the same program again after Ctrl-C, an exception or a kill.

    After every epoch the state of training is saved, atomically. When `fit` begins and finds a saved state, it
    continues with the next epoch, and ends with the same bits as if it had not been interrupted. The state includes
    weights, optimizer, shuffling, dropout, history, and the state of other callbacks. For your own callbacks and layers
    it includes the attributes that changed since training began and are numbers, strings, arrays, or lists or dicts of
    them; or what `get_state` of a callback returns. Other random generators of yours are not saved: draw from
    `tgl.random` or from a layer's `stream`.

    Parameters
    ----------
    backup_dir : str or path
        A folder for this training only. It is created if it does not exist.
    save_freq : "epoch"
    double_checkpoint : False
        The file is replaced atomically, so that a complete file exists at all times.
    delete_checkpoint : bool
        Whether the file is deleted when training is finished.

    Raises
    ------
    ValueError
        When training begins: the file in the folder is damaged, or of another model.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from tinygrad_lite import nn
    >>> class StopOnce(nn.Callback):
    ...     def on_epoch_begin(self, epoch, logs=None):
    ...         if epoch == 2:
    ...             raise OSError("the power failed")
    >>> model = nn.Sequential([nn.Dense(1, kernel_initializer="zeros")])
    >>> model.compile("sgd", "mean_squared_error")
    >>> x = np.ones((4, 1), "float32")
    >>> backup = nn.callbacks.BackupAndRestore(tempfile.mkdtemp())
    >>> try:
    ...     model.fit(x, x, epochs=3, verbose=0, callbacks=[backup, StopOnce()])
    ... except OSError:
    ...     history = model.fit(x, x, epochs=3, verbose=0, callbacks=[backup])
    >>> history.epoch
    [0, 1, 2]
    """

    def __init__(
        self,
        backup_dir: str | os.PathLike[str],
        *,
        save_freq: str = "epoch",
        double_checkpoint: bool = False,
        delete_checkpoint: bool = True,
    ) -> None:
        for name, value, expected in (
            ("save_freq", save_freq, "epoch"),
            ("double_checkpoint", double_checkpoint, False),
        ):
            if value != expected:
                raise ValueError(
                    f"BackupAndRestore expected {name}={expected!r}: it saves after every epoch, atomically, into one "
                    f"file. Received: {name}={value!r}."
                )
        self.backup_dir = Path(backup_dir)
        self.delete_checkpoint = delete_checkpoint
        self.path = self.backup_dir / "training.tgl"

    def resume(self, callbacks: Sequence[Callback], feed: Any) -> int | None:
        """Called by `fit` after `on_train_begin`: restore the saved state, if there is one.

        Returns
        -------
        int or None
            The epoch to continue with.
        """
        self.backup_dir.mkdir(parents=True, exist_ok=True)
        self._at_first = self._attributes(callbacks)
        if not self.path.exists():
            return None
        with Archive(self.path) as archive:
            try:
                description = archive.text("training")
                states = self._states(archive, description, callbacks)
                restore_state(self.model, archive, description)
                for key, item in self._objects(callbacks).items():
                    set_attributes(item, deserialize(description.get("attributes", {}).get(key, {})))
                for generator, state in zip(_generators(feed), description["generators"]):
                    generator.bit_generator.state = deserialize(state)
            except (KeyError, TypeError, AttributeError, IndexError, RuntimeError, OverflowError, ValueError) as error:
                raise ValueError(
                    f"BackupAndRestore expected the state of this training in {str(self.path)!r}. Received: another "
                    f"({error}). Use another folder, or delete the file to start again."
                ) from error
        for callback, state in zip(_with_state(callbacks), states):
            callback.set_state(state)
        return int(description["epoch"]) + 1

    def save(self, epoch: int, callbacks: Sequence[Callback], feed: Any) -> None:
        """Called by `fit` at the end of every epoch, after all callbacks."""
        description, arrays = model_state(self.model)
        description["epoch"] = epoch
        description["generators"] = [serialize(generator.bit_generator.state) for generator in _generators(feed)]
        description["attributes"] = {
            key: _changed(self._at_first.get(key, {}), attributes)
            for key, attributes in self._attributes(callbacks).items()
        }
        description["callbacks"] = []
        for number, callback in enumerate(_with_state(callbacks)):
            plain: dict[str, Any] = {}
            for name, value in callback.get_state().items():
                if isinstance(value, list) and value and all(isinstance(item, np.ndarray) for item in value):
                    arrays |= {f"callbacks/{number}/{name}/{n}": item for n, item in enumerate(value)}
                    plain[name] = {"arrays": len(value)}
                else:
                    plain[name] = serialize(value)
            description["callbacks"].append({"class": type(callback).__name__, "state": plain})
        write_archive(self.path, arrays, {"training": description})

    def _objects(self, callbacks: Sequence[Callback]) -> dict[str, Any]:
        """Objects with attributes that training may change, by class and number."""
        own = [callback for callback in callbacks if type(callback).get_state is Callback.get_state]
        objects: dict[str, Any] = {}
        for item in (self.model.optimizer, self.model.loss, *layers_of(self.model), *own):
            number = sum(type(item) is type(other) for other in objects.values())
            objects[f"{type(item).__name__} {number}"] = item
        return objects

    def _attributes(self, callbacks: Sequence[Callback]) -> dict[str, dict[str, Any]]:
        return {key: plain_attributes(item) for key, item in self._objects(callbacks).items()}

    def _states(
        self, archive: Archive, description: Mapping[str, Any], callbacks: Sequence[Callback]
    ) -> list[dict[str, Any]]:
        saved = description["callbacks"]
        names = [type(callback).__name__ for callback in _with_state(callbacks)]
        if [item["class"] for item in saved] != names:
            raise ValueError(f"its callbacks were {[item['class'] for item in saved]}, and are {names}")
        return [
            {name: self._value(archive, f"callbacks/{number}/{name}", value) for name, value in item["state"].items()}
            for number, item in enumerate(saved)
        ]

    def _value(self, archive: Archive, key: str, value: Any) -> Any:
        if isinstance(value, dict) and set(value) == {"arrays"}:
            arrays: list[Array] = [archive.array(f"{key}/{n}") for n in range(value["arrays"])]
            return arrays
        return deserialize(value)

    def on_train_end(self, logs: Logs | None = None) -> None:
        if self.delete_checkpoint and not self.model.was_interrupted:
            self.path.unlink(missing_ok=True)


def _changed(first: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in now.items() if name not in first or first[name] != value}


def _with_state(callbacks: Sequence[Callback]) -> list[Callback]:
    """The callbacks that have a state."""
    return [callback for callback in callbacks if callback.get_state()]


def _generators(feed: Any) -> list[np.random.Generator]:
    """The generators besides the streams of layers: the default stream, and the one that orders a user's batches."""
    return [random.default_stream(), *([feed.generator] if feed.generator is not None else [])]
