"""Activations by name: the functions between the layers of a network."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from tinygrad_lite import ops
from tinygrad_lite.core.tensor import Tensor, TensorLike, to_tensor
from tinygrad_lite.utils.names import lookup

__all__ = ["get", "linear"]

ActivationFunction: TypeAlias = Callable[[Any], Any]
"""A function of one tensor, for example `ops.relu`."""
ActivationLike: TypeAlias = str | ActivationFunction | None


def linear(x: TensorLike) -> Tensor:
    """The identity: `x` itself.

    Parameters
    ----------
    x : Tensor or array-like

    Returns
    -------
    Tensor
        With the shape of `x`.

    Examples
    --------
    >>> linear([1.0, -2.0]).numpy()
    array([ 1., -2.], dtype=float32)
    """
    return to_tensor(x)


BY_NAME: dict[str, ActivationFunction] = {
    "elu": ops.elu,
    "exponential": ops.exponential,
    "gelu": ops.gelu,
    "hard_sigmoid": ops.hard_sigmoid,
    "leaky_relu": ops.leaky_relu,
    "linear": linear,
    "log_sigmoid": ops.log_sigmoid,
    "log_softmax": ops.log_softmax,
    "mish": ops.mish,
    "relu": ops.relu,
    "selu": ops.selu,
    "sigmoid": ops.sigmoid,
    "silu": ops.silu,
    "softmax": ops.softmax,
    "softplus": ops.softplus,
    "softsign": ops.softsign,
    "swish": ops.silu,
    "tanh": ops.tanh,
}


def get(identifier: ActivationLike) -> ActivationFunction:
    """The activation that `identifier` names.

    Parameters
    ----------
    identifier : str, callable or None
        None means `linear`. A function of one tensor is returned as it is.

    Returns
    -------
    callable
        Takes a Tensor, returns one of the same shape.

    Raises
    ------
    ValueError
        There is no activation of that name.
    TypeError
        `identifier` is neither a string nor callable.

    Examples
    --------
    >>> get("relu")([-1.0, 2.0]).numpy()
    array([0., 2.], dtype=float32)
    """
    if identifier is None:
        return linear
    if callable(identifier):
        return getattr(identifier, "native", identifier)  # the function behind a name of `compat`
    return lookup("activation", BY_NAME, identifier)
