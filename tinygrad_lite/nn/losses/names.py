"""Losses by name: `get("mse")`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from tinygrad_lite.core.tensor import Tensor
from tinygrad_lite.nn.losses.classes import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    Hinge,
    Huber,
    KLDivergence,
    LossFunctionWrapper,
    MeanAbsoluteError,
    MeanSquaredError,
    SparseCategoricalCrossentropy,
)
from tinygrad_lite.nn.losses.cross_entropies import (
    binary_crossentropy,
    categorical_crossentropy,
    kl_divergence,
    sparse_categorical_crossentropy,
)
from tinygrad_lite.nn.losses.differences import hinge, huber, mean_absolute_error, mean_squared_error
from tinygrad_lite.nn.losses.loss import Loss
from tinygrad_lite.utils.names import lookup

__all__ = ["FUNCTIONS", "LossLike", "get"]

_OF_FUNCTION: dict[Callable[..., Any], type[Loss]] = {
    mean_squared_error: MeanSquaredError,
    mean_absolute_error: MeanAbsoluteError,
    huber: Huber,
    hinge: Hinge,
    kl_divergence: KLDivergence,
    binary_crossentropy: BinaryCrossentropy,
    categorical_crossentropy: CategoricalCrossentropy,
    sparse_categorical_crossentropy: SparseCategoricalCrossentropy,
}
LossLike: TypeAlias = str | Loss | type[Loss] | Callable[..., Any]  # what a function returns is converted
"""What `get` makes a loss of: a name, a loss or its class, or a function of `(y_true, y_pred)`."""

FUNCTIONS: dict[str, Callable[..., Tensor]] = {
    **{function.__name__: function for function in _OF_FUNCTION},
    "mse": mean_squared_error,
    "mae": mean_absolute_error,
    "kld": kl_divergence,
    "bce": binary_crossentropy,
}
"""The functions by name and by short name."""


def get(identifier: LossLike) -> Loss:
    """The loss that `identifier` names.

    Parameters
    ----------
    identifier : str, Loss, subclass of Loss, or callable
        A name like "mse" or "binary_crossentropy", in upper or lower case, gives a Loss with its defaults, and so
        does a class. A function of `(y_true, y_pred)` is wrapped. A Loss is returned as it is.

    Returns
    -------
    Loss

    Raises
    ------
    ValueError
        There is no loss of that name.
    TypeError
        `identifier` is something else.

    Examples
    --------
    >>> get("mse")([[1.0]], [[3.0]]).item()
    4.0
    """
    if isinstance(identifier, Loss):
        return identifier
    if isinstance(identifier, type) and issubclass(identifier, Loss):
        return identifier()
    function = identifier if callable(identifier) else lookup("loss", FUNCTIONS, identifier)
    known = _OF_FUNCTION.get(function)
    return LossFunctionWrapper(function) if known is None else known()
