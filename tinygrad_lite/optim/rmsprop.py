"""RMSProp: the gradient, divided by the root of a moving average of its square."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from tinygrad_lite.optim.optimizer import LearningRate, Optimizer
from tinygrad_lite.optim.settings import by_name, fraction, not_negative
from tinygrad_lite.utils.settings import flag
from tinygrad_lite.utils.types import Array

__all__ = ["RMSProp", "RMSprop"]


class RMSProp(Optimizer):
    """Divide the gradient by the root of a moving average of its square.

    `v = rho * v + (1 - rho) * g²`, then `w -= learning_rate * g / √(v + epsilon)`. With `momentum`, what is
    subtracted is `m = momentum * m + learning_rate * g / √(...)`. With `centered`, the square of a moving
    average of the gradient is subtracted from `v` under the root, which makes it the gradient's variance.

    Parameters
    ----------
    learning_rate : float, or callable
    rho : float
        The decay rate of the moving averages, from 0 to 1.
    momentum : float
        From 0 to 1.
    epsilon : float
    centered : bool
    *shared, **options
        `weight_decay`, `clipnorm`, `clipvalue` and `global_clipnorm`, as for every `Optimizer`.
    name : str, optional

    Raises
    ------
    ValueError
        A number is out of its range.

    References
    ----------
    Hinton (2012), Neural Networks for Machine Learning, lecture 6.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> w = tgl.Variable(10.0)
    >>> RMSProp(learning_rate=0.1).apply_gradients([(tgl.constant(10.0), w)])
    >>> f"{w.item():.6f}"  # 10 - 0.1 · 10 / √(0.1 · 10²)
    '9.683772'
    """

    hyperparameters = ("rho", "momentum", "epsilon", "centered")
    _settings: ClassVar = Optimizer._settings | {
        "rho": lambda self, value: fraction("rho", value),
        "momentum": lambda self, value: fraction("momentum", value),
        "epsilon": lambda self, value: not_negative("epsilon", value),
        "centered": lambda self, value: flag("centered", value),
    }

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        centered: bool = False,
        *shared: float | None,
        name: str | None = "rmsprop",
        **options: Any,
    ) -> None:
        self.rho, self.momentum, self.epsilon, self.centered = rho, momentum, epsilon, centered
        super().__init__(learning_rate, name, **by_name(self, shared, options))

    def slots(self) -> dict[str, float]:
        names = ["velocity"] + ["momentum"] * bool(self.momentum) + ["average_gradient"] * self.centered
        return dict.fromkeys(names, 0.0)

    def update(
        self, w: Array, g: Array, slots: Sequence[Array], scratch: Array, learning_rate: float, step: int
    ) -> None:
        v = slots[0]
        np.multiply(g, 1 - self.rho, out=scratch)
        if self.centered:
            a = slots[-1]
            a *= self.rho
            a += scratch
        scratch *= g
        v *= self.rho
        v += scratch
        if self.centered:
            np.square(a, out=scratch)
            np.subtract(v, scratch, out=scratch)
            np.maximum(scratch, 0, out=scratch)  # rounding could make the variance negative
            scratch += self.epsilon
        else:
            np.add(v, self.epsilon, out=scratch)
        np.sqrt(scratch, out=scratch)
        np.divide(g, scratch, out=scratch)
        scratch *= learning_rate
        if self.momentum:
            m = slots[1]
            m *= self.momentum
            m += scratch
            w -= m
        else:
            w -= scratch


RMSprop = RMSProp
