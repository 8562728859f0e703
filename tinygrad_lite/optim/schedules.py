"""Learning rates that change with the number of steps: an optimizer takes one instead of a number.

A schedule is a function of the number of steps done so far, with Keras's names and formulas. It has a configuration, so
that a model that uses it can be saved.
"""

from __future__ import annotations

import inspect
import math
import numbers
from collections.abc import Sequence
from typing import Any

from tinygrad_lite.utils.settings import Checked

__all__ = ["CosineDecay", "ExponentialDecay", "LearningRateSchedule", "PiecewiseConstantDecay"]


class LearningRateSchedule(Checked):
    """The base class of schedules: subclass it and define `__call__`.

    Keep the constructor's arguments as attributes of the same names: `get_config` returns them.

    Examples
    --------
    >>> from tinygrad_lite import nn, optim
    >>> @nn.register
    ... class Halving(LearningRateSchedule):
    ...     def __init__(self, start):
    ...         self.start = start
    ...     def __call__(self, step):
    ...         return self.start * 0.5**step
    >>> optim.SGD(Halving(0.1)).learning_rate
    0.1
    """

    def __call__(self, step: int) -> float:
        """The learning rate of the step after `step` steps."""
        raise NotImplementedError(f"{type(self).__name__} must define __call__(self, step).")

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments that are attributes of the same names."""
        return {name: getattr(self, name) for name in inspect.signature(type(self)).parameters if hasattr(self, name)}

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self.get_config().items())})"


class ExponentialDecay(LearningRateSchedule):
    """initial_learning_rate · decay_rate^(step / decay_steps).

    Parameters
    ----------
    initial_learning_rate : float
    decay_steps : int
        The number of steps in which it is multiplied by `decay_rate`.
    decay_rate : float
    staircase : bool
        Whether it changes only after every `decay_steps` steps, instead of at every step.
    name : str, optional
        Has no effect.

    Raises
    ------
    ValueError
        A number is out of its range.

    Examples
    --------
    >>> schedule = ExponentialDecay(0.1, decay_steps=100, decay_rate=0.5)
    >>> schedule(0), schedule(100), schedule(200)
    (0.1, 0.05, 0.025)
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        decay_rate: float,
        staircase: bool = False,
        name: str | None = None,
    ) -> None:
        _check_name(self, name)
        self.initial_learning_rate = _not_negative("initial_learning_rate", initial_learning_rate)
        self.decay_steps = _steps("decay_steps", decay_steps)
        self.decay_rate = _not_negative("decay_rate", decay_rate)
        self.staircase = bool(staircase)

    def __call__(self, step: int) -> float:
        exponent = step // self.decay_steps if self.staircase else step / self.decay_steps
        return float(self.initial_learning_rate * self.decay_rate**exponent)


class CosineDecay(LearningRateSchedule):
    """Half a cosine wave from the initial learning rate down to `alpha` times it, after an optional warm-up.

    `initial · (alpha + (1 - alpha) · (1 + cos(π · step / decay_steps)) / 2)`, and `alpha · initial` after
    `decay_steps`. With a warm-up, the learning rate first rises linearly from `initial_learning_rate` to
    `warmup_target` in `warmup_steps` steps, and then decays.

    Parameters
    ----------
    initial_learning_rate : float
    decay_steps : int
    alpha : float
        The final learning rate, as a fraction of the initial one.
    name : str, optional
        Has no effect.
    warmup_target : float, optional
    warmup_steps : int

    Raises
    ------
    ValueError
        A number is out of its range.

    References
    ----------
    Loshchilov and Hutter (2016), SGDR: Stochastic Gradient Descent with Warm Restarts.

    Examples
    --------
    >>> schedule = CosineDecay(0.1, decay_steps=100)
    >>> [round(schedule(step), 4) for step in (0, 50, 100, 200)]
    [0.1, 0.05, 0.0, 0.0]
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        alpha: float = 0.0,
        name: str | None = None,
        warmup_target: float | None = None,
        warmup_steps: int = 0,
    ) -> None:
        _check_name(self, name)
        self.initial_learning_rate = _not_negative("initial_learning_rate", initial_learning_rate)
        self.decay_steps = _steps("decay_steps", decay_steps)
        self.alpha = _not_negative("alpha", alpha)
        self.warmup_target = None if warmup_target is None else _not_negative("warmup_target", warmup_target)
        self.warmup_steps = _steps("warmup_steps", warmup_steps, least=0)

    def __call__(self, step: int) -> float:
        top = self.initial_learning_rate
        if self.warmup_target is not None:
            if step < self.warmup_steps:
                return float(top + (self.warmup_target - top) * step / self.warmup_steps)
            top, step = self.warmup_target, step - self.warmup_steps
        wave = (1 + math.cos(math.pi * min(step / self.decay_steps, 1.0))) / 2
        return float(top * (self.alpha + (1 - self.alpha) * wave))


class PiecewiseConstantDecay(LearningRateSchedule):
    """values[0] up to and including step boundaries[0], then values[1] up to boundaries[1], and so on.

    Parameters
    ----------
    boundaries : list of int
        Increasing numbers of steps.
    values : list of float
        One value more than there are boundaries.

    Raises
    ------
    ValueError
        The lengths do not fit, the boundaries do not increase, or a value is negative.

    Examples
    --------
    >>> schedule = PiecewiseConstantDecay([100, 200], [0.1, 0.01, 0.001])
    >>> schedule(100), schedule(101), schedule(5000)
    (0.1, 0.01, 0.001)
    """

    def __init__(self, boundaries: Sequence[int], values: Sequence[float], name: str | None = None) -> None:
        _check_name(self, name)
        if len(values) != len(boundaries) + 1:
            raise ValueError(
                "PiecewiseConstantDecay expected one value more than boundaries. Received: "
                f"{len(boundaries)} boundaries and {len(values)} values."
            )
        if list(boundaries) != sorted(set(boundaries)):
            raise ValueError(f"PiecewiseConstantDecay expected rising boundaries. Received: {list(boundaries)}.")
        self.boundaries = [_steps("boundaries", n, least=0) for n in boundaries]
        self.values = [_not_negative("values", value) for value in values]

    def __call__(self, step: int) -> float:
        return self.values[sum(step > boundary for boundary in self.boundaries)]


def _not_negative(name: str, value: float) -> float:
    if isinstance(value, bool) or not isinstance(value, numbers.Real) or not 0 <= value < math.inf:
        raise ValueError(f"Expected {name} to be a finite number of at least 0. Received: {name}={value!r}.")
    return float(value)


def _steps(name: str, value: int, *, least: int = 1) -> int:
    if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value < least:
        raise ValueError(f"Expected {name} to be an integer of at least {least}. Received: {name}={value!r}.")
    return int(value)


def _check_name(schedule: LearningRateSchedule, name: Any) -> None:
    """Raise if a number was passed as the name, which has no effect."""
    if not isinstance(name, str | None):
        raise TypeError(
            f"{type(schedule).__name__} expected a name that is a string. Received: name={name!r}. Pass the other "
            "arguments by name."
        )
