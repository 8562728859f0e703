"""The steps of `fit`, `evaluate` and `predict`: compiled by `tgl.function` where that is safe.

The first batch of a shape runs eagerly, so that errors come from the line of the user's code that caused them. From the
second batch on, the step is a NumPy program. Only steps of this package's own code are compiled, and only as long as
what they depend on is unchanged: see `snapshot`. After `fit`, a model keeps the compiled step, without its buffers, and
the next call of `fit` uses it again.
"""

from __future__ import annotations

import functools
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

import numpy as np

from tinygrad_lite.compiler.function import Function
from tinygrad_lite.compiler.traced import TracingError
from tinygrad_lite.core.record import is_seen
from tinygrad_lite.core.strict import is_strict
from tinygrad_lite.core.tensor import Tensor
from tinygrad_lite.nn.layers.search import walk
from tinygrad_lite.nn.training.snapshot import FrameObserver, Snapshot
from tinygrad_lite.random.streams import default_stream
from tinygrad_lite.utils.types import Shape

__all__ = ["Step", "Steps"]

Shapes: TypeAlias = tuple[tuple[Shape, np.dtype[Any]], ...]
"""The shapes and dtypes of the arrays of a batch."""

MOST_SHAPES = 8
"""Programs are made for this many shapes of batches; batches of other shapes run eagerly."""


class Step:
    """A method of a model that takes one batch, compiled. It does not keep the model alive.

    Parameters
    ----------
    model : Model
        Its type is not imported here, because its file imports this one.
    method : "train_step", "test_step" or "predict_step"

    Attributes
    ----------
    checks_every_step : bool
        Whether to compare the model with its snapshot before every step, because callbacks may change it.

    Examples
    --------
    >>> import numpy as np
    >>> from tinygrad_lite import nn
    >>> from tinygrad_lite.core.tensor import wrap
    >>> model = nn.Sequential([nn.Dense(2)])
    >>> step = Step(model, "predict_step")
    >>> batch = (wrap(np.ones((4, 3), np.float32)),)
    >>> [step(batch).shape for _ in range(3)]
    [(4, 2), (4, 2), (4, 2)]
    """

    def __init__(self, model: Any, method: str) -> None:
        self.checks_every_step = False
        self._reference = weakref.ref(model)
        self.name = method
        self._function = getattr(type(model), method)
        self._is_eager = model.run_eagerly
        self._has_schedule = False
        self._forget()

    def _forget(self) -> None:
        self._snapshot: Snapshot | None = None
        self._seen: set[Shapes] = set()  # shapes of batches that were run
        self._traced: set[Shapes] = set()

    @property
    def _model(self) -> Any:
        return self._reference()

    def _method(self, data: tuple[Tensor, ...]) -> Any:
        """Run the method eagerly."""
        return getattr(self._model, self.name)(data)

    def __call__(self, data: tuple[Tensor, ...]) -> Any:
        """Take a step, and return what the method returns."""
        if self._is_eager:
            return self._method(data)
        if self.checks_every_step or self._has_schedule or threading.active_count() > 1:
            self.refresh()
        shapes = tuple([(x._array.shape, x._array.dtype) for x in data])
        if shapes not in self._seen:
            return self._first(data, shapes)
        if is_seen():  # an open tape has to see every operation
            return self._method(data)
        return self._compiled(data) if shapes in self._traced else self._trace(data, shapes)

    def _first(self, data: tuple[Tensor, ...], shapes: Shapes) -> Any:
        """Take the first step of a shape, eagerly: it makes missing weights, and shows which code runs."""
        self.refresh()
        with FrameObserver() as observer:
            answer = self._method(data)
        self._seen.add(shapes)
        self._evaluate(observer)
        return answer

    def _trace(self, data: tuple[Tensor, ...], shapes: Shapes) -> Any:
        """Trace a step. If it must not be compiled, it and all others are eager."""
        self._traced.add(shapes)
        streams = [default_stream(), *(layer.stream for layer, _, _ in walk(self._model) if hasattr(layer, "stream"))]
        states = [stream.bit_generator.state for stream in streams]
        self._observer = FrameObserver()
        try:
            answer = self._compiled(data)
        except TracingError:  # it does something that works eagerly only
            self._is_eager = True
            for stream, drawn in zip(streams, states):
                stream.bit_generator.state = drawn
            return self._method(data)
        self._evaluate(self._observer)
        return answer

    def _evaluate(self, observer: FrameObserver) -> None:
        """After an observed step: note what the next ones depend on, or that they must be eager."""
        self._has_schedule = self._has_schedule or observer.has_schedule
        if self._snapshot is None:
            self._snapshot = Snapshot(self._model)
            self._compiled = self._function_of_steps()
        self._snapshot.include(observer.modules)
        self._is_eager = observer.runs_other_code or not self._snapshot.is_complete

    def _function_of_steps(self) -> Function:
        reference, name = self._reference, self.name

        @functools.wraps(self._function)
        def call(data: tuple[Tensor, ...]) -> Any:
            with self._observer:
                return getattr(reference(), name)(data)

        return Function(call, most_traces=MOST_SHAPES, warn_after=None)

    def refresh(self) -> None:
        """Discard the programs if the model differs from its snapshot."""
        if self._is_eager or self._snapshot is None:
            return
        if self._model.run_eagerly:
            self._is_eager = True
        elif not self._snapshot.is_current():
            self._forget()

    def can_continue(self, model: Any) -> bool:
        """Whether another `fit` of this model may use it. `refresh` compares the values."""
        return self._model is model and not model.run_eagerly and getattr(type(model), self.name) is self._function

    def release(self) -> bool:
        """Free the buffers of the programs. Returns whether the step is worth keeping."""
        if self._is_eager or self._snapshot is None:
            return False
        self._compiled.release()
        return self._compiled.traces < MOST_SHAPES  # the next call may have other shapes


class Steps:
    """The steps that a model keeps from one call of `fit`, `evaluate` or `predict` to the next.

    A step that is in use is not in the list, so no two threads use the same one. Copies of a model start without steps.
    """

    def __init__(self) -> None:
        self._kept: dict[str, Step] = {}

    def __reduce__(self) -> Any:
        return (Steps, ())

    @contextmanager
    def use(self, model: Any, method: str) -> Iterator[Step]:
        """A context with the step for `method`. It is kept for the next call, unless an exception ends the context."""
        step = self._kept.pop(method, None)
        if step is None or is_strict() or not step.can_continue(model):
            step = Step(model, method)
        yield step
        if step.release() and not model.was_interrupted:
            self._kept[method] = step
