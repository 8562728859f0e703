"""The state of the calls of layers in one thread: the enclosing layers, `training`, and the last activation.

Every call of a layer sets it and restores it. Three contexts change the calls inside of them: `note_activation` notes
what the output was computed from, `inside` makes weights as part of a layer, `given_weights` takes them from a file.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from tinygrad_lite.nn.layers.search import LayerBase
from tinygrad_lite.utils.types import Array, Shape

__all__ = ["given_weights", "inside", "note_activation", "state", "weights_are_given"]


class _CallState(threading.local):
    """The state of one thread."""

    def __init__(self) -> None:
        self.inside: list[LayerBase] = []
        self.training = False
        self.activated: list[Any] | None = None
        self.given: Callable[[Shape, np.dtype[Any]], Array] | None = None


state = _CallState()


@contextmanager
def note_activation() -> Iterator[list[Any]]:
    """A context with a list of the result, the function and the argument of the last activation of a layer."""
    outer = state.activated
    noted: list[Any] = []
    state.activated = noted
    try:
        yield noted
    finally:
        state.activated = outer


@contextmanager
def inside(layer: LayerBase) -> Iterator[None]:
    """A context in which weights get the names that they get during a call of `layer`."""
    state.inside.append(layer)
    try:
        yield
    finally:
        state.inside.pop()


def weights_are_given() -> bool:
    """Whether a model is being loaded, see `given_weights`."""
    return state.given is not None


@contextmanager
def given_weights(given: Callable[[Shape, np.dtype[Any]], Array]) -> Iterator[None]:
    """A context in which new weights are `given(shape, dtype)`, and in which no Sequential builds itself."""
    outer = state.given
    state.given = given
    try:
        yield
    finally:
        state.given = outer
