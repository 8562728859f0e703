"""The numbers that an optimizer is set with: each is checked when it is set, in the constructor and later."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygrad_lite.core.tensor import Tensor
from tinygrad_lite.utils.settings import is_real

__all__ = [
    "CLIPS", "OTHER_NAMES", "WITHOUT_EFFECT", "by_name", "clip", "fraction", "learning_rate", "not_negative",
    "refuse_name",
]  # fmt: skip

CLIPS = ("clipnorm", "clipvalue", "global_clipnorm")
_SHARED = ("weight_decay", *CLIPS)  # in Keras's order
OTHER_NAMES = {
    "lr": "learning_rate",
    "alpha": "learning_rate",
    "betas": "beta_1 and beta_2",
    "eps": "epsilon",
    "decay": "a schedule of optim.schedules as learning_rate",
    "use_ema": "a callback that keeps an average of model.get_weights()",
    "gradient_accumulation_steps": "a larger batch_size, or a loop of your own that adds the gradients up",
}
"""Arguments of other libraries' optimizers, and what to use here."""
WITHOUT_EFFECT = {
    "use_ema": False,
    "ema_momentum": 0.99,
    "ema_overwrite_frequency": None,
    "loss_scale_factor": None,
    "gradient_accumulation_steps": None,
}
"""Keras's arguments that are accepted at their defaults."""


def by_name(optimizer: object, shared: Sequence[Any], options: dict[str, Any]) -> dict[str, Any]:
    """Arguments that every optimizer takes: those passed by position, with those passed by name."""
    given = dict(zip(_SHARED, shared))
    if len(shared) > len(_SHARED) or given.keys() & options.keys():
        raise TypeError(
            f"{type(optimizer).__name__} expected at the end of its positional arguments at most {', '.join(_SHARED)}, "
            f"in this order, and none of them again by name. Received: {list(shared)} and {options}. Pass them by name."
        )
    return given | options


def learning_rate(value: Any) -> float:
    """A learning rate that is a number."""
    if isinstance(value, (bool, str)) or not isinstance(value, (int, float, np.number, np.ndarray, Tensor)):
        raise TypeError(
            "Expected a number or a callable as the learning rate. Received: learning_rate="
            f"{value!r} of type {type(value).__name__}. Try learning_rate=0.001."
        )
    return not_negative("learning_rate", float(value))


def not_negative(name: str, value: Any) -> float:
    """A finite number of at least 0."""
    if not (is_real(value) and value >= 0):
        raise ValueError(f"Expected {name} to be finite and at least 0. Received: {name}={value!r}.")
    return float(value)


def fraction(name: str, value: Any, *, below_one: bool = False) -> float:
    """A number from 0 to 1, or from 0 to less than 1."""
    if not is_real(value) or not (0 <= value < 1 or (value == 1 and not below_one)):
        bound = "below 1" if below_one else "at most 1"
        raise ValueError(f"Expected {name} to be at least 0 and {bound}. Received: {name}={value!r}.")
    return float(value)


def clip(name: str, optimizer: object, value: Any) -> float | None:
    """A bound of gradients, or None; an optimizer has at most one."""
    if value is None:
        return None
    if not (is_real(value) and value > 0):
        raise ValueError(f"Expected {name} to be positive and finite, or None. Received: {name}={value!r}.")
    given = {other: bound for other in CLIPS if other != name and (bound := vars(optimizer).get(other)) is not None}
    if given:
        raise ValueError(
            f"Expected gradients to be clipped in one way. Received: {given | {name: float(value)}}. Choose one, and "
            "set the other to None first."
        )
    return float(value)


def refuse_name(name: str, optimizer: object, value: Any) -> Any:
    """Raise for an attribute that other libraries have: an optimizer of this package would ignore it."""
    if not type(optimizer).__module__.startswith("tinygrad_lite."):
        return value
    raise AttributeError(
        f"{type(optimizer).__name__} has no setting {name!r}. Received: {name}={value!r}. Instead: {OTHER_NAMES[name]}."
    )
