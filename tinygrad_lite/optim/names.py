"""Optimizers by name: `get("adam")`."""

from __future__ import annotations

from typing import TypeAlias

from tinygrad_lite.optim.adagrad import Adagrad
from tinygrad_lite.optim.adam import Adam
from tinygrad_lite.optim.optimizer import Optimizer
from tinygrad_lite.optim.rmsprop import RMSProp
from tinygrad_lite.optim.sgd import SGD, Momentum
from tinygrad_lite.utils.names import lookup

__all__ = ["OptimizerLike", "get"]


OptimizerLike: TypeAlias = str | Optimizer | type[Optimizer]
"""What `get` makes an optimizer of: a name, an optimizer, or its class."""

_OPTIMIZERS: dict[str, type[Optimizer]] = {
    "sgd": SGD,
    "momentum": Momentum,
    "rmsprop": RMSProp,
    "adagrad": Adagrad,
    "adam": Adam,
}


def get(identifier: OptimizerLike) -> Optimizer:
    """The optimizer that `identifier` names.

    Parameters
    ----------
    identifier : str, Optimizer, or subclass of Optimizer
        "sgd", "momentum", "rmsprop", "adagrad" or "adam", in upper or lower case, gives one with
        its defaults, and so does a class. An optimizer is returned as it is.

    Raises
    ------
    ValueError
        There is no optimizer of that name.
    TypeError
        `identifier` is something else.

    Examples
    --------
    >>> get("RMSprop").get_config()["rho"]
    0.9
    """
    if isinstance(identifier, Optimizer):
        return identifier
    if isinstance(identifier, type) and issubclass(identifier, Optimizer):
        return identifier()  # type: ignore[call-arg]  # all but the base class have defaults
    return lookup("optimizer", _OPTIMIZERS, identifier)()  # type: ignore[call-arg]
