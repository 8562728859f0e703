"""Steps as `fit`, `evaluate` and `predict` take them: compiled by `tgl.function` where that is safe.

The first batch of a shape runs eagerly, so that mistakes are met where they are made, and so that what happens only
once costs no compilation. From the second on the step is a NumPy program. Only steps of this package's own code are
compiled, and only as long as what they depend on is unchanged: `snapshot` says how that is known. When `fit` is done,
a model keeps its step, without the memory that it computed in, and the next call of `fit` goes on with it.
"""

from __future__ import annotations

import functools
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tinygrad_lite.compiler.function import Function
from tinygrad_lite.compiler.traced import TracingError
from tinygrad_lite.core.record import is_seen
from tinygrad_lite.core.strict import is_strict
from tinygrad_lite.nn.layers.search import walk
from tinygrad_lite.nn.training.snapshot import FrameObserver, Snapshot, others_run
from tinygrad_lite.random.streams import default_stream

__all__ = ["Step", "Steps"]

MOST_SHAPES = 8
"""Shapes of batches for which a program is made; further ones run eagerly."""


class Step:
    """A method of a model that takes one batch, compiled. It does not keep the model alive.

    Parameters
    ----------
    model : Model
    method : "train_step", "test_step" or "predict_step"

    Attributes
    ----------
    is_watchful : bool
        Compare what the model holds with what was compiled before every step, as callbacks may change it.

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
        self.is_watchful = False
        self._reference = weakref.ref(model)
        self.name = method
        self._function = getattr(type(model), method)
        self._is_eager = model.run_eagerly
        self._has_schedule = False
        self._forget()

    def _forget(self) -> None:
        self._snapshot: Snapshot | None = None
        self._seen: set[Any] = set()  # shapes that were run
        self._traced: set[Any] = set()

    @property
    def _model(self) -> Any:
        return self._reference()

    def _method(self, data: tuple[Any, ...]) -> Any:
        """The step as it is written."""
        return getattr(self._model, self.name)(data)

    def __call__(self, data: tuple[Any, ...]) -> Any:
        """Take a step, and return what the method returns."""
        if self._is_eager:
            return self._method(data)
        if self.is_watchful or self._has_schedule or others_run():
            self.refresh()
        shapes = tuple([(x._array.shape, x._array.dtype) for x in data])
        if shapes not in self._seen:
            return self._first(data, shapes)
        if is_seen():  # an open tape has to see every operation
            return self._method(data)
        return self._compiled(data) if shapes in self._traced else self._trace(data, shapes)

    def _first(self, data: tuple[Any, ...], shapes: Any) -> Any:
        """Take the first step of a shape, eagerly: it makes what is not made yet, and shows whose code runs."""
        self.refresh()
        with FrameObserver() as observer:
            answer = self._method(data)
        self._seen.add(shapes)
        self._take_in(observer)
        return answer

    def _trace(self, data: tuple[Any, ...], shapes: Any) -> Any:
        """Take a step that is traced; if that shows that it must not be compiled, all others are eager."""
        self._traced.add(shapes)
        streams = [default_stream(), *(layer.stream for layer, _, _ in walk(self._model) if hasattr(layer, "stream"))]
        states = [stream.bit_generator.state for stream in streams]
        self._observer = FrameObserver()
        try:
            answer = self._compiled(data)
        except TracingError:  # something that only the eager path can do
            self._is_eager = True
            for stream, drawn in zip(streams, states):
                stream.bit_generator.state = drawn
            return self._method(data)
        self._take_in(self._observer)
        return answer

    def _take_in(self, observer: FrameObserver) -> None:
        """After a step that was watched: note what further ones depend on, or that they are to be eager."""
        self._has_schedule = self._has_schedule or observer.has_schedule
        if self._snapshot is None:
            self._snapshot = Snapshot(self._model)
            self._compiled = self._function_of_steps()
        self._snapshot.include(observer.modules)
        self._is_eager = observer.is_foreign or not self._snapshot.is_complete

    def _function_of_steps(self) -> Function:
        reference, name = self._reference, self.name

        @functools.wraps(self._function)
        def call(data: tuple[Any, ...]) -> Any:
            with self._observer:
                return getattr(reference(), name)(data)

        return Function(call, most_traces=MOST_SHAPES, warn_after=None)

    def refresh(self) -> None:
        """Forget what was compiled if the model holds something else now."""
        if self._is_eager or self._snapshot is None:
            return
        if self._model.run_eagerly:
            self._is_eager = True
        elif not self._snapshot.is_current():
            self._forget()

    def goes_on(self, model: Any) -> bool:
        """Whether it can be used for another `fit` of this model; what the model holds is for `refresh` to see."""
        return self._model is model and not model.run_eagerly and getattr(type(model), self.name) is self._function

    def rest(self) -> bool:
        """Let go of the memory that the programs compute in; whether there is anything to be used again."""
        if self._is_eager or self._snapshot is None:
            return False
        self._compiled.release()
        return self._compiled.traces < MOST_SHAPES  # a next call may have shapes of its own


class Steps:
    """The steps that a model keeps from one call of `fit`, `evaluate` or `predict` to the next.

    While it is used a step is taken away, so that no two threads have the same. Copies of a model begin without.
    """

    def __init__(self) -> None:
        self._kept: dict[str, Step] = {}

    def __reduce__(self) -> Any:
        return (Steps, ())

    @contextmanager
    def use(self, model: Any, method: str) -> Iterator[Step]:
        """The context in which a step is used; see `Step`. It is kept unless something interrupted it."""
        step = self._kept.pop(method, None)
        if step is None or is_strict() or not step.goes_on(model):
            step = Step(model, method)
        yield step
        if step.rest() and not model.was_interrupted:
            self._kept[method] = step
