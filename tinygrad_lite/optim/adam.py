"""Adam: a moving average of the gradient, divided by the root of one of its square."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from tinygrad_lite.optim.optimizer import LearningRate, Optimizer
from tinygrad_lite.optim.settings import by_name, fraction, not_negative
from tinygrad_lite.utils.settings import flag
from tinygrad_lite.utils.types import Array

__all__ = ["Adam"]


class Adam(Optimizer):
    """Moving averages of the gradient and of its square, corrected for their start at zero.

    `m += (1 - beta_1) * (g - m)` and `v += (1 - beta_2) * (g² - v)`, then with
    `α = learning_rate * √(1 - beta_2ᵗ) / (1 - beta_1ᵗ)` at step t: `w -= α * m / (√v + epsilon)`. With
    `amsgrad`, the root is taken of the largest `v` so far.

    Parameters
    ----------
    learning_rate : float, or callable
    beta_1, beta_2 : float
        The decay rates of the averages, at least 0 and below 1.
    epsilon : float
    amsgrad : bool
    *shared, **options
        `weight_decay`, `clipnorm`, `clipvalue` and `global_clipnorm`, as for every `Optimizer`.
    name : str, optional

    Raises
    ------
    ValueError
        A number is out of its range.

    References
    ----------
    Kingma and Ba (2014), Adam: A Method for Stochastic Optimization; Reddi et al. (2018), On the
    Convergence of Adam and Beyond.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> w = tgl.Variable(10.0)
    >>> Adam(learning_rate=0.1).apply_gradients([(tgl.constant(10.0), w)])
    >>> f"{w.item():.4f}"  # the first step is as long as the learning rate
    '9.9000'
    """

    hyperparameters = ("beta_1", "beta_2", "epsilon", "amsgrad")
    _settings: ClassVar = Optimizer._settings | {
        "beta_1": lambda self, value: fraction("beta_1", value, below_one=True),
        "beta_2": lambda self, value: fraction("beta_2", value, below_one=True),
        "epsilon": lambda self, value: not_negative("epsilon", value),
        "amsgrad": lambda self, value: flag("amsgrad", value),
    }

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        *shared: float | None,
        name: str | None = "adam",
        **options: Any,
    ) -> None:
        self.beta_1, self.beta_2, self.epsilon, self.amsgrad = beta_1, beta_2, epsilon, amsgrad
        super().__init__(learning_rate, name, **by_name(self, shared, options))

    def slots(self) -> dict[str, float]:
        return dict.fromkeys(["momentum", "velocity"] + ["velocity_hat"] * self.amsgrad, 0.0)

    def update(
        self, w: Array, g: Array, slots: Sequence[Array], scratch: Array, learning_rate: float, step: int
    ) -> None:
        m, v = slots[:2]
        np.subtract(g, m, out=scratch)
        scratch *= 1 - self.beta_1
        m += scratch
        np.square(g, out=scratch)
        scratch -= v
        scratch *= 1 - self.beta_2
        v += scratch
        if self.amsgrad:
            v = np.maximum(slots[2], v, out=slots[2])
        np.sqrt(v, out=scratch)
        scratch += self.epsilon
        np.divide(m, scratch, out=scratch)
        scratch *= learning_rate * math.sqrt(1 - self.beta_2**step) / (1 - self.beta_1**step)
        w -= scratch
