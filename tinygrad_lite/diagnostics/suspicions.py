"""Signs of probable mistakes in training: one function for each.

Each checks an operation of a forward pass, or numbers of the first steps or of an epoch, and returns a message: what,
where and the usual fix. A false alarm is worse than no message, so the conditions are narrow: code that fulfils them is
hardly ever intended. `fit` calls these functions, and where `tgl.strict` is on, loops.py calls them for training loops
written by hand.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np

from tinygrad_lite.core.variable import Variable
from tinygrad_lite.utils.types import Array, Value

__all__ = ["FIRST_STEPS", "OF_AN_EPOCH", "OF_AN_OPERATION", "Epoch", "Seen", "checksums", "origin_of"]

# One operation of the forward pass ------------------------------------------------------------------------------


class Seen(NamedTuple):
    """An operation of the first step."""

    name: str
    arrays: Sequence[Value]
    origins: list[str | None]
    """For each argument: "inputs" if it is the model's input, "softmax" or "sigmoid" if it is the result of that."""
    output: Array
    layer: str
    inputs: Array
    """The model's inputs, as the user passed them."""

    @property
    def where(self) -> str:
        """The layer, or the operation outside of all layers."""
        return self.layer or self.name


def unnormalised(seen: Seen) -> str | None:
    """Most samples have values over 10, and a Dense layer multiplies them by its weights."""
    if seen.name not in ("dense", "matmul") or seen.origins[0] != "inputs" or not _is_large(seen.inputs):
        return None
    low, high = seen.inputs.min(), seen.inputs.max()
    is_pixels = low == 0 < 100 < high <= 255 or seen.inputs.dtype == np.uint8
    fix = "Pixels: pass x / 255." if is_pixels else "Standardise them: (x - x.mean(axis=0)) / x.std(axis=0)."
    return (
        f"{seen.where} expected inputs of about the size of 1. Received: {seen.inputs.dtype} values from {low:g} to "
        f"{high:g}, over 10 in most samples. Large inputs make large steps, and training slow or unstable. {fix}"
    )


def integers(seen: Seen) -> str | None:
    """Integers other than 0 and 1 go into a Dense layer, which treats them as quantities."""
    x = seen.inputs
    if seen.name not in ("dense", "matmul") or seen.origins[0] != "inputs" or x.dtype.kind not in "iu":
        return None
    if not x.any():
        return (
            f"{seen.where} expected inputs that differ. Received: a batch of {x.dtype} zeros. Were they rounded away "
            "by // or by .astype(int)? Divide with / instead."
        )
    if _is_large(x) or (x.min() >= -1 and x.max() <= 1):
        return None  # `unnormalised` reports the former
    return (
        f"{seen.where} expected floats. Received: {x.dtype} from {x.min()} to {x.max()}. If they number categories, "
        'make them one-hot with datasets.to_categorical(x); if they are quantities, pass x.astype("float32").'
    )


_LOSSES_OF_LOGITS = {
    "_softmax_cross_entropy": "softmax",
    "_sparse_cross_entropy": "softmax",
    "_sigmoid_cross_entropy": "sigmoid",
}


def softmax_twice(seen: Seen) -> str | None:
    """A softmax, or a loss from logits, is applied to probabilities."""
    made = _LOSSES_OF_LOGITS.get(seen.name, "softmax")
    if seen.origins[0] != made:
        return None
    if seen.name in _LOSSES_OF_LOGITS:
        return (
            f"The loss expected logits, because of from_logits=True. Received: what {made} returned, so that it is "
            f"applied twice and gradients are small. Leave out from_logits=True, or the model's {made}."
        )
    if seen.name in ("softmax", "log_softmax"):
        return (
            f"{seen.where} expected logits. Received: what softmax returned, so that it is applied twice: "
            "probabilities become nearly equal and gradients small. Leave one out."
        )
    return None


def dead_layer(seen: Seen) -> str | None:
    """Every relu of a layer is zero for every sample of the batch."""
    y = seen.output
    if seen.name != "relu" or y.ndim < 2 or len(y) < 2 or y.size < 16 or y.any():
        return None
    return (
        f"{seen.where} expected a relu that is positive somewhere. Received: zeros for all {len(y)} samples "
        "of the batch. Such a layer is dead: no gradient goes through it, and it never comes back. Use a smaller "
        "learning rate, the initializer he_normal, or leaky_relu."
    )


def broadcasting_loss(seen: Seen) -> str | None:
    """Outside of all layers, arrays with different numbers of axes broadcast to a result larger than both."""
    arrays = [x for x in seen.arrays if isinstance(x, np.ndarray)]
    if seen.layer or len(arrays) != 2 or arrays[0].ndim == arrays[1].ndim or not all(x.ndim for x in arrays):
        return None
    if seen.output.size <= max(x.size for x in arrays):
        return None
    a, b = (x.shape for x in arrays)
    return (
        f"The loss expected labels and predictions of one shape. Received: {seen.name} of shapes {a} and {b}, which "
        f"makes {seen.output.shape}: every label is compared with every prediction. Reshape one, for example "
        "y_true[:, None]. (To a Loss, labels (n,) come as (n, 1) where the outputs are (n, 1): it need not index them.)"
    )


# Operations that only change shape or dtype.
_SAME_THING = {"_reshape", "_cast", "transpose", "matrix_transpose", "expand_dims", "squeeze", "positive"}


def origin_of(name: str, first: str | None) -> str | None:
    """The origin of the result of the operation `name`, whose first argument has the origin `first`; see `Seen`."""
    return name if name in ("softmax", "sigmoid") else first if name in _SAME_THING else None


OF_AN_OPERATION: tuple[Callable[[Seen], str | None], ...] = (
    unnormalised,
    integers,
    softmax_twice,
    dead_layer,
    broadcasting_loss,
)


def _is_large(x: Array) -> bool:
    """Whether more than half of the samples have a value over 10."""
    return bool(x.size) and float(np.mean(np.abs(x.reshape(len(x), -1)).max(axis=1) > 10)) > 0.5


# An epoch -----------------------------------------------------------------------------------------------------


class Epoch(NamedTuple):
    """The numbers of an epoch."""

    losses: list[float]
    """The losses of its first steps."""
    loss: float
    """The loss of the whole epoch."""
    samples: int
    label: Array | None
    """The label, if all samples had the same."""
    unmoved: list[str]
    """The names of the weights that did not change, not even in one bit."""
    weights: int
    learning_rate: float
    is_own_loss: bool = False
    """Whether the user defined the loss or the step, which may not need labels."""
    span: str = "an epoch"


def constant_labels(epoch: Epoch) -> str | None:
    """All samples have the same label, and there are too many of them for a coincidence."""
    if epoch.label is None or epoch.samples < 16 or epoch.is_own_loss:
        return None
    return (
        f"fit expected labels that differ. Received: y={_short(epoch.label)} for all {epoch.samples} samples. The "
        "model can only learn to answer that. Is y the right column, and is the data shuffled before it is split?"
    )


def unmoved_weights(epoch: Epoch) -> str | None:
    """Trainable weights did not change in an epoch, although the loss is not zero."""
    if not epoch.unmoved or not epoch.learning_rate or not epoch.loss or not math.isfinite(epoch.loss):
        return None
    which = "all weights" if len(epoch.unmoved) == epoch.weights else ", ".join(epoch.unmoved)
    return (
        f"Training expected weights to change. Received: {which}, bit by bit the same after {epoch.span}. The gradient "
        "is zero there (a dead relu, a saturated sigmoid, inputs that are zero), or the learning rate "
        f"{epoch.learning_rate:g} is too small for float32. tape.explain(loss, weight) says where a gradient ends; set "
        "layer.trainable = False if it is meant."
    )


def diverging_steps(epoch: Epoch) -> str | None:
    """Five steps in a row have more than ten times the loss of the first."""
    steps = epoch.losses
    for position in range(1, len(steps) - 4):
        worse = steps[position : position + 5]
        if min(worse) > max(10 * steps[0], 1.0):
            return (
                f"Training expected the loss to fall. Received: {steps[0]:.3g} in the first step, {worse[-1]:.3g} in "
                f"step {position + 5}. The learning rate {epoch.learning_rate:g} is too large: try a tenth of it, or "
                "normalise the inputs."
            )
    return None


OF_AN_EPOCH: tuple[Callable[[Epoch], str | None], ...] = (constant_labels, unmoved_weights, diverging_steps)

FIRST_STEPS = 30
"""How many steps at the beginning have their losses checked one by one."""


def checksums(variables: Iterable[Variable]) -> dict[str, int]:
    """A checksum of every weight by its name, except for single numbers, which symmetry can keep unchanged."""
    return {v.name: zlib.crc32(np.ascontiguousarray(v._array).data) for v in variables if v.size > 1}


def _short(label: Array) -> str:
    return str(label.reshape(-1)[0]) if label.size == 1 else f"an array of shape {label.shape}"
