"""Steps as `fit`, `evaluate` and `predict` take them: compiled by `tgl.function` where that is safe.

The first batch of a shape runs eagerly, so that mistakes are met where they are made, and so that what happens only
once costs no compilation. From the second on the step is a NumPy program. Code of the user's own (layers, losses,
metrics) is traced twice, and only compiled if both traces are the same program and left the model's attributes as they
were: what draws its own random numbers, or counts its calls, stays eager. So does a `train_step` of the user's own, and
what branches on values.

A program holds all that is not a tensor as it was. So a step remembers what the model's parts held, and is compiled
anew when that has changed.
"""

from __future__ import annotations

import zlib
from collections import defaultdict
from collections.abc import Callable
from types import CellType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from tinygrad_lite.function import Function
from tinygrad_lite.nn.layers import parts
from tinygrad_lite.streams import default_stream
from tinygrad_lite.tensor import Variable
from tinygrad_lite.trace import TracingError

__all__ = ["Step"]

MOST_SHAPES = 8
"""Shapes of batches for which a program is made; further ones run eagerly."""
_SIMPLE = frozenset({int, float, bool, complex, str, bytes, type(None), np.float32, np.float64})


class Step:
    """A method of a model that takes one batch, compiled.

    Parameters
    ----------
    model : Model
    method : "train_step", "test_step" or "predict_step"
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

    def __init__(self, model: Any, method: str, is_watchful: bool = False) -> None:
        self._model = model
        self._method: Callable[..., Any] = getattr(model, method)
        is_ours = getattr(type(model), method).__module__.startswith("tinygrad_lite.")
        self._is_eager = model.run_eagerly or not is_ours
        self._is_watchful = is_watchful
        self._forget()

    def __call__(self, data: tuple[Any, ...]) -> Any:
        """Take a step, and return what the method returns."""
        if self._is_eager:
            return self._method(data)
        if self._is_watchful:
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
        if not self._is_eager and self._settings != _settings(self._model):
            self._forget()

    def _forget(self) -> None:
        self._seen: set[Any] = set()
        self._settings = _settings(self._model)
        self._is_foreign = not self._is_eager and any(map(_is_foreign, _everything(self._model)))
        self._traced: dict[Any, int] = defaultdict(int)  # how often each shape was
        self._compiled = Function(self._method, most_traces=MOST_SHAPES, warn_after=None, is_verified=self._is_foreign)


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
        (_Same(part), None if part is model.optimizer else _held([vars(part), type(part)], {id(part)}))
        for part in _everything(model)
        if part is not None
    ]


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
