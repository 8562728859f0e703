"""Gradient descent, plain and with momentum."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from tinygrad_lite.optim.optimizer import LearningRate, Optimizer
from tinygrad_lite.optim.settings import by_name, fraction
from tinygrad_lite.utils.settings import flag
from tinygrad_lite.utils.types import Array

__all__ = ["SGD", "Momentum"]


class SGD(Optimizer):
    """Gradient descent, with momentum or without.

    Without momentum `w -= learning_rate * g`. With it, `m = momentum * m - learning_rate * g`, then
    `w += m`, or with `nesterov` `w += momentum * m - learning_rate * g`.

    Parameters
    ----------
    learning_rate : float, or callable
    momentum : float
        From 0 to 1.
    nesterov : bool
        Nesterov momentum.
    *shared, **options
        `weight_decay`, `clipnorm`, `clipvalue` and `global_clipnorm`, as for every `Optimizer`.
    name : str, optional

    Raises
    ------
    ValueError
        `momentum` is out of its range.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> w = tgl.Variable(1.0)
    >>> sgd = SGD(learning_rate=0.5, momentum=0.5)
    >>> for _ in range(2):
    ...     sgd.apply_gradients([(tgl.constant(1.0), w)])
    >>> w  # 1 - 0.5 - (0.25 + 0.5)
    Variable(-0.25, name='Variable', shape=(), dtype=float32)
    """

    hyperparameters = ("momentum", "nesterov")
    _settings: ClassVar = Optimizer._settings | {
        "momentum": lambda self, value: fraction("momentum", value),
        "nesterov": lambda self, value: flag("nesterov", value),
    }

    def __init__(
        self,
        learning_rate: LearningRate = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        *shared: float | None,
        name: str | None = "SGD",
        **options: Any,
    ) -> None:
        self.momentum = momentum
        self.nesterov = nesterov
        super().__init__(learning_rate, name, **by_name(self, shared, options))

    def slots(self) -> dict[str, float]:
        return {"momentum": 0.0} if self.momentum else {}

    def accepts_donations(self) -> bool:
        return type(self).update is SGD.update and self.clipvalue is self.weight_decay is None

    def update(
        self, w: Array, g: Array, slots: Sequence[Array], scratch: Array, learning_rate: float, step: int
    ) -> None:
        np.multiply(g, learning_rate, out=scratch)  # `scratch` may be `g` itself: it is not read again
        if not self.momentum:
            w -= scratch
            return
        (m,) = slots
        m *= self.momentum
        m -= scratch
        if self.nesterov:
            w -= scratch
            w += np.multiply(m, self.momentum, out=scratch)
        else:
            w += m


class Momentum(SGD):
    """Gradient descent with momentum 0.9 by default: see `SGD`.

    Parameters
    ----------
    learning_rate : float, or callable
    momentum : float
        From 0 to 1.
    nesterov : bool
        Nesterov momentum.
    *shared, **options
        `weight_decay`, `clipnorm`, `clipvalue` and `global_clipnorm`, as for every `Optimizer`.
    name : str, optional

    Examples
    --------
    >>> Momentum().get_config()
    {'name': 'momentum', 'learning_rate': 0.01, 'momentum': 0.9, 'nesterov': False}
    """

    def __init__(
        self,
        learning_rate: LearningRate = 0.01,
        momentum: float = 0.9,
        nesterov: bool = False,
        *shared: float | None,
        name: str | None = "momentum",
        **options: Any,
    ) -> None:
        super().__init__(learning_rate, momentum, nesterov, *shared, name=name, **options)
