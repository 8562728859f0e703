"""Steps as `fit`, `evaluate` and `predict` take them: compiled by `tgl.function` where that is safe.

The first batch of a shape runs eagerly, so that mistakes are met where they are made, and so that what happens only
once costs no compilation. From the second on the step is a NumPy program. Code of the user's own (layers, losses,
metrics) is traced twice, and only compiled if both traces are the same program and left the model's attributes as they
were: what draws its own random numbers, or counts its calls, stays eager. So does a `train_step` of the user's own, and
what branches on values.

A program holds all that is not a tensor as it was. So a step remembers what the model's parts held, and is compiled
anew when that has changed. When `fit` is done, a model without code of the user's own keeps its step, without the
memory that it computed in, and the next call of `fit` goes on with it. Such code may read from anywhere, so it is
traced by every call.
"""

from __future__ import annotations

import functools
import weakref
import zlib
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from types import CellType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from tinygrad_lite.function import Function
from tinygrad_lite.nn.layers import parts
from tinygrad_lite.streams import default_stream
from tinygrad_lite.strictness import is_strict
from tinygrad_lite.tensor import Variable
from tinygrad_lite.trace import TracingError

__all__ = ["Step", "Steps"]

MOST_SHAPES = 8
"""Shapes of batches for which a program is made; further ones run eagerly."""
_SIMPLE = frozenset({int, float, bool, complex, str, bytes, type(None), np.float32, np.float64})

_LEFT_BY_FIT = frozenset({"history", "_steps"})


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
    >>> from tinygrad_lite.tensor import wrap
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
        self._is_eager = model.run_eagerly or not self._function.__module__.startswith("tinygrad_lite.")
        self._settings: Any = None
        self._seen: set[Any] = set()
        self._is_foreign = False

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
        if self.is_watchful:
            self.refresh()
        shapes = tuple([(x._data.shape, x._data.dtype) for x in data])
        if shapes not in self._seen:
            self.refresh()  # the very first batch made the metrics
            self._seen.add(shapes)
            return self._method(data)
        return self._trace(data, shapes) if self._traced[shapes] < 1 + self._is_foreign else self._compiled(data)

    def _trace(self, data: tuple[Any, ...], shapes: Any) -> Any:
        """Take a step that is traced; if that shows that it must not be compiled, all others are eager."""
        self._traced[shapes] += 1
        settings = _settings(self._model) if self._is_foreign else None
        streams = [default_stream(), *(part.stream for part in _everything(self._model) if hasattr(part, "stream"))]
        states = [stream.bit_generator.state for stream in streams]
        try:
            answer = self._compiled(data)
        except TracingError:  # it branches on values, or the like: that only the eager path can do
            self._is_eager = True
            for stream, drawn in zip(streams, states):
                stream.bit_generator.state = drawn
            return self._method(data)
        if self._is_foreign:
            self._is_eager = settings != _settings(self._model)  # it counts its calls, or keeps something of them
        return answer

    def refresh(self) -> None:
        """Forget what was compiled if the model holds something else now."""
        if self._is_eager:
            return
        settings = _settings(self._model)
        if settings == self._settings:
            return
        self._seen = set()
        self._settings = settings
        self._is_foreign = any(map(_is_foreign, _everything(self._model)))
        self._traced: dict[Any, int] = defaultdict(int)  # how often each shape was
        reference, name = self._reference, self.name

        @functools.wraps(self._function)
        def call(data: tuple[Any, ...]) -> Any:
            return getattr(reference(), name)(data)

        self._compiled = Function(call, most_traces=MOST_SHAPES, warn_after=None, is_verified=self._is_foreign)

    def goes_on(self, model: Any) -> bool:
        """Whether it can be used for another `fit` of this model; what the model holds is for `refresh` to see."""
        return self._model is model and not model.run_eagerly and getattr(type(model), self.name) is self._function

    def rest(self) -> bool:
        """Let go of the memory that the programs compute in; whether there is anything to be used again."""
        if not self._is_eager and self._settings is not None:
            self._compiled.release()
        is_compiled = not self._is_eager and not self._is_foreign and bool(self._seen)
        return is_compiled and self._compiled.traces < MOST_SHAPES  # a next call may have shapes of its own


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


def _everything(model: Any) -> list[Any]:
    """The model, its layers at any depth, its optimizer, loss and metrics."""
    found: dict[int, Any] = {}
    stack = [model]
    while stack:
        part = stack.pop()
        if id(part) not in found:
            found[id(part)] = part
            stack.extend(parts(part)[1])
    return [*found.values(), model.optimizer, model.loss, *model.metrics]


def _settings(model: Any) -> Any:
    """What a program was compiled with: all that the model's parts hold, of optimizers only which one it is."""
    return [
        (
            None if part is model else _Same(part),
            None if part is model.optimizer else _held([_attributes(part), type(part)], {id(part)}),
        )
        for part in _everything(model)
        if part is not None
    ]


def _attributes(part: Any) -> dict[str, Any]:
    """What `part` holds, but for what `fit` leaves there."""
    return {name: value for name, value in vars(part).items() if name not in _LEFT_BY_FIT}


_EMPTY = CellType()


class _Same:
    """Equal to what holds the very same object, which it keeps alive: an id() could come back."""

    def __init__(self, held: Any) -> None:
        self._held = held

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self._held is other._held

    __hash__ = None  # type: ignore[assignment]


def _held(x: Any, seen: set[int]) -> Any:
    """`x` as something that is equal as long as nothing about it changes."""
    kind = type(x)
    if kind in _SIMPLE:
        return (kind, x)
    if isinstance(x, Variable):  # what it holds is read at every step
        return (_Same(x), x.trainable)
    if id(x) in seen or isinstance(x, ModuleType) or _is_ours(x):
        return _Same(x)
    seen.add(id(x))
    if isinstance(x, np.ndarray):
        flat = np.ascontiguousarray(x).reshape(-1)
        return (x.shape, x.dtype, _Same(x) if x.dtype.kind == "O" else zlib.crc32(flat.view(np.uint8).data))
    if isinstance(x, (list, tuple)):
        return (kind, [_held(item, seen) for item in x])
    if isinstance(x, dict):
        return [(key, type(item), item if type(item) in _SIMPLE else _held(item, seen)) for key, item in x.items()]
    if isinstance(x, MethodType):
        return [_held(x.__func__, seen), _held(x.__self__, seen)]
    if isinstance(x, FunctionType):
        return (_Same(x), [_held(item, seen) for item in _reads(x)])
    if isinstance(x, type):
        return (_Same(x), [_held(f, seen) for c in x.__mro__ for f in vars(c).values() if isinstance(f, FunctionType)])
    return (_Same(x), _held(vars(x), seen)) if hasattr(x, "__dict__") else _Same(x)


def _reads(function: FunctionType) -> list[Any]:
    """What a function reads from outside: what it closes over, and globals by name."""
    cells = [cell.cell_contents for cell in function.__closure__ or () if cell != _EMPTY]
    names = [name for name in function.__code__.co_names if name in function.__globals__]
    return [*(function.__defaults__ or ()), *cells, *(function.__globals__[name] for name in names)]


def _is_ours(x: Any) -> bool:
    """Whether `x` is a class or function of the package, or something that it makes."""
    return str(getattr(x, "__module__", "")).startswith("tinygrad_lite.")


def _is_foreign(part: Any) -> bool:
    """Whether code of the user's own is in it."""
    if part is None:
        return False
    code = [type(part), *(x for x in vars(part).values() if callable(x) and hasattr(x, "__module__"))]
    return not all(str(x.__module__).startswith("tinygrad_lite.") or _is_builtin(x) for x in code)


def _is_builtin(x: Any) -> bool:
    return not hasattr(x, "__code__") and str(x.__module__).partition(".")[0] in ("numpy", "builtins")
