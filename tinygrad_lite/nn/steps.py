"""Steps as `fit`, `evaluate` and `predict` take them: compiled by `tgl.function` where that is safe.

The first batch of a shape runs eagerly, so that mistakes are met where they are made, and so that what happens only
once costs no compilation. From the second on the step is a NumPy program. Code of the user's own (layers, losses,
metrics) is traced twice, and only compiled if both traces are the same program: what draws its own random numbers,
or counts its calls, stays eager. So does a `train_step` of the user's own, and what branches on values.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tinygrad_lite.function import Function
from tinygrad_lite.nn.layers import parts
from tinygrad_lite.trace import TracingError

__all__ = ["Step"]

MOST_SHAPES = 8
"""Shapes of batches for which a program is made; further ones run eagerly."""
_SIMPLE = (int, float, bool, str, type(None), tuple)


class Step:
    """A method of a model that takes one batch, compiled.

    Parameters
    ----------
    model : Model
    method : "train_step", "test_step" or "predict_step"
    is_watchful : bool
        Compare the model's settings with those compiled before every step, as callbacks may change them.

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
            self._seen.add(shapes)
            return self._method(data)
        try:
            return self._compiled(data)
        except TracingError:  # it branches on values, or the like: that only the eager path can do
            self._is_eager = True
            return self._method(data)

    def refresh(self) -> None:
        """Forget what was compiled if the model's settings are others now."""
        if not self._is_eager and self._settings != _settings(self._model):
            self._forget()

    def _forget(self) -> None:
        self._seen: set[Any] = set()
        self._settings = _settings(self._model)
        foreign = not self._is_eager and any(map(_is_foreign, _everything(self._model)))
        self._compiled = Function(self._method, most_traces=MOST_SHAPES, warn_after=None, is_verified=foreign)


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
    """Whatever simple values the parts have: what a program was compiled with."""
    return [
        (id(part), [(name, x) for name, x in vars(part).items() if isinstance(x, _SIMPLE)])
        for part in _everything(model)
        if part is not None
    ]


def _is_foreign(part: Any) -> bool:
    """Whether code of the user's own is in it."""
    if part is None:
        return False
    code = [type(part), *(x for x in vars(part).values() if callable(x) and hasattr(x, "__module__"))]
    return not all(str(x.__module__).startswith("tinygrad_lite.") or _is_builtin(x) for x in code)


def _is_builtin(x: Any) -> bool:
    return not hasattr(x, "__code__") and str(x.__module__).partition(".")[0] in ("numpy", "builtins")
