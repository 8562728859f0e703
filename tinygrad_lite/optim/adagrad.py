"""Adagrad: the gradient, divided by the root of the sum of its squares."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from tinygrad_lite.optim.optimizer import LearningRate, Optimizer
from tinygrad_lite.optim.settings import by_name, not_negative
from tinygrad_lite.utils.types import Array

__all__ = ["Adagrad"]


class Adagrad(Optimizer):
    """Divide the gradient by the root of the sum of all its squares so far.

    `a += g²`, then `w -= learning_rate * g / √(a + epsilon)`.

    Parameters
    ----------
    learning_rate : float, or callable
    initial_accumulator_value : float
        The initial value of the sum.
    epsilon : float
    *shared, **options
        `weight_decay`, `clipnorm`, `clipvalue` and `global_clipnorm`, as for every `Optimizer`.
    name : str, optional

    Raises
    ------
    ValueError
        A number is negative.

    References
    ----------
    Duchi et al. (2011), Adaptive Subgradient Methods for Online Learning and Stochastic Optimization.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> w = tgl.Variable(1.0)
    >>> Adagrad(0.5, initial_accumulator_value=9.0).apply_gradients([(tgl.constant(4.0), w)])
    >>> f"{w.item():.4f}"  # 1 - 0.5 · 4 / √(9 + 4²)
    '0.6000'
    """

    hyperparameters = ("initial_accumulator_value", "epsilon")
    _settings: ClassVar = Optimizer._settings | {
        "initial_accumulator_value": lambda self, value: self._start(value),
        "epsilon": lambda self, value: not_negative("epsilon", value),
    }

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        initial_accumulator_value: float = 0.1,
        epsilon: float = 1e-7,
        *shared: float | None,
        name: str | None = "adagrad",
        **options: Any,
    ) -> None:
        self.built = False
        self.initial_accumulator_value, self.epsilon = initial_accumulator_value, epsilon
        super().__init__(learning_rate, name, **by_name(self, shared, options))

    def _start(self, value: float) -> float:
        if self.built and value != self.initial_accumulator_value:
            raise ValueError(
                "Adagrad expected initial_accumulator_value before the first step: the sums started with "
                f"{self.initial_accumulator_value}. Received: initial_accumulator_value={value!r}. Make a new Adagrad."
            )
        return not_negative("initial_accumulator_value", value)

    def slots(self) -> dict[str, float]:
        return {"accumulator": self.initial_accumulator_value}

    def update(
        self, w: Array, g: Array, slots: Sequence[Array], scratch: Array, learning_rate: float, step: int
    ) -> None:
        (a,) = slots
        a += np.square(g, out=scratch)
        np.add(a, self.epsilon, out=scratch)
        np.sqrt(scratch, out=scratch)
        np.divide(g, scratch, out=scratch)
        scratch *= learning_rate
        w -= scratch
