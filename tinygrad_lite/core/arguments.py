"""What `gradient` and its siblings are given: sources, targets, and what the targets are weighted with."""

from __future__ import annotations

from enum import Enum
from typing import Any

import numpy as np

from tinygrad_lite.core.structure import Structure, flatten
from tinygrad_lite.core.tensor import Tensor, TensorLike, as_array, wrap

__all__ = ["UnconnectedGradients", "answer_of", "one_hot", "seeds_of", "tensors_of", "unconnected_of"]

_numpy: Any = np  # NumPy's functions as they also answer to Tensors, which its type stubs do not know


class UnconnectedGradients(Enum):
    """What `gradient` returns for a source that the target does not depend on.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> a, b = tgl.Variable(1.0), tgl.Variable(2.0)
    >>> with tgl.GradientTape() as tape:
    ...     y = a * a
    >>> tape.gradient(y, [a, b], unconnected_gradients=tgl.UnconnectedGradients.ZERO)
    [Tensor(2., shape=(), dtype=float32), Tensor(0., shape=(), dtype=float32)]
    """

    NONE = "none"
    ZERO = "zero"


def unconnected_of(value: UnconnectedGradients | str) -> UnconnectedGradients:
    if value is UnconnectedGradients.NONE:
        return value
    try:
        return UnconnectedGradients(value)
    except ValueError:
        raise ValueError(
            f"unconnected_gradients expected 'none' or 'zero'. Received: unconnected_gradients={value!r}."
        ) from None


def tensors_of(structure: Structure, role: str, method: str = "gradient") -> list[Tensor]:
    leaves: list[Any] = structure if type(structure) is list else flatten(structure)
    for leaf in leaves:
        if not isinstance(leaf, Tensor):
            if leaves is structure and isinstance(leaf, (list, tuple, dict)):
                return tensors_of(flatten(structure), role, method)
            fix = (
                "Was it computed inside of the tape's context, without .numpy()?"
                if role == "target"
                else "Make it one with tgl.constant(...) and tape.watch it, or use a Variable."
            )
            raise TypeError(
                f"tape.{method} expected a Tensor as {role}. Received: {leaf!r} of type {type(leaf).__name__}. {fix}"
            )
    return leaves


def seeds_of(targets: list[Tensor], output_gradients: Structure) -> list[Tensor]:
    """What every target's elements are weighted with."""
    if output_gradients is None:
        return [_one(target) for target in targets]
    given = flatten(output_gradients)
    if len(targets) == 1 and len(given) != 1:  # a nested list of numbers for a single target
        given = output_gradients if len(output_gradients) == 1 else [output_gradients]
    if len(given) != len(targets):
        raise ValueError(f"output_gradients expected one for each of {len(targets)} targets. Received: {len(given)}.")
    return [_one(target) if g is None else _seed(target, g) for target, g in zip(targets, given)]


def _one(target: Tensor) -> Tensor:
    shape, dtype = target._array.shape, target._array.dtype
    return wrap(np.ones(shape, dtype) if shape else dtype.type(1))


def _seed(target: Tensor, g: TensorLike) -> Tensor:
    array = as_array(g, like=target.dtype, looks=True)
    if isinstance(g, (int, float)) or (array.dtype.kind in "iub" and not isinstance(g, (Tensor, np.ndarray))):
        array = array.astype(target.dtype)
    if array.dtype != target.dtype:
        raise ValueError(
            f"output_gradients expected the target's dtype {target.dtype}. Received: dtype={array.dtype}. "
            f"Convert with tgl.cast(..., '{target.dtype}')."
        )
    try:
        fits = np.broadcast_shapes(array.shape, target.shape) == target.shape
    except ValueError:
        fits = False
    if not fits:
        raise ValueError(
            f"output_gradients expected a shape that broadcasts to the target's {target.shape}. Received: "
            f"shape={array.shape}."
        )
    if isinstance(g, Tensor):
        return g if array.shape == target.shape else _numpy.broadcast_to(g, target.shape)
    return wrap(np.broadcast_to(np.array(array), target.shape))


def one_hot(target: Tensor, index: Any) -> Tensor:
    """A one at `index`, zeros elsewhere: what picks a single element of the target."""
    seed = np.zeros(target.shape, target.dtype)
    seed[index] = 1
    return wrap(seed)


def answer_of(source: Tensor, gradient: Any, unconnected: UnconnectedGradients) -> Tensor | None:
    """The gradient, which has the source's dtype by now, as a Tensor; None or zeros if there is none."""
    if gradient is None:
        zero = unconnected is UnconnectedGradients.ZERO
        return wrap(np.zeros(source.shape, source.dtype)) if zero else None
    return gradient if isinstance(gradient, Tensor) else wrap(gradient)
