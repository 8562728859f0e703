"""What `fit` finds suspicious: one function for each suspicion, and who asks them.

Each looks at something that is there anyway, an operation of the first step or the numbers of an epoch, and returns
what it found in words: what, where and the usual fix. A false alarm is worse than silence, so each has a condition
under which the thing is hardly ever meant.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from tinygrad_lite.callers import warn_user
from tinygrad_lite.diagnostics.observing import Observer, Site
from tinygrad_lite.strictness import SuspicionWarning, is_strict, suspect
from tinygrad_lite.tape import state
from tinygrad_lite.tensor import Array, new_id

__all__ = ["DivergedWarning", "Watch"]


class DivergedWarning(SuspicionWarning):
    """`fit` ended because the loss is NaN or infinite."""


# One operation of the forward pass ------------------------------------------------------------------------------


class Seen(NamedTuple):
    """An operation of the first step."""

    name: str
    arrays: Any
    origins: list[str | None]
    """Of each argument: "inputs" if it is the model's input, "softmax" or "sigmoid" if that made it."""
    output: Array
    layer: str
    inputs: Array
    """What the model was given, as the user passed it."""


def unnormalised(seen: Seen) -> str | None:
    """Most samples have values over 10, and a Dense multiplies them with its weights."""
    if seen.name not in ("dense", "matmul") or seen.origins[0] != "inputs" or not _is_large(seen.inputs):
        return None
    low, high = seen.inputs.min(), seen.inputs.max()
    is_pixels = low == 0 < 100 < high <= 255 or seen.inputs.dtype == np.uint8
    fix = "Pixels: pass x / 255." if is_pixels else "Standardise them: (x - x.mean(axis=0)) / x.std(axis=0)."
    return (
        f"{seen.layer} expected inputs of about the size of 1. Received: {seen.inputs.dtype} values from {low:g} to "
        f"{high:g}, over 10 in most samples. Large inputs make large steps, and training slow or unstable. {fix}"
    )


def integers(seen: Seen) -> str | None:
    """Integers that are more than bits go into a Dense, which takes them for quantities."""
    x = seen.inputs
    if seen.name not in ("dense", "matmul") or seen.origins[0] != "inputs" or x.dtype.kind not in "iu":
        return None
    if not x.any():
        return (
            f"{seen.layer} expected inputs that differ. Received: a batch of {x.dtype} zeros. Were they rounded away "
            "by // or by .astype(int)? Divide with / instead."
        )
    if _is_large(x) or (x.min() >= -1 and x.max() <= 1):
        return None  # `unnormalised` tells of the former
    return (
        f"{seen.layer} expected floats. Received: {x.dtype} from {x.min()} to {x.max()}. If they number categories, "
        'make them one-hot with datasets.to_categorical(x); if they are quantities, pass x.astype("float32").'
    )


_LOSSES_OF_LOGITS = {
    "_softmax_cross_entropy": "softmax",
    "_sparse_cross_entropy": "softmax",
    "_sigmoid_cross_entropy": "sigmoid",
}


def softmax_twice(seen: Seen) -> str | None:
    """A softmax, or a loss from logits, of what is probabilities already."""
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
            f"{seen.layer or 'softmax'} expected logits. Received: what softmax returned, so that it is applied twice: "
            "probabilities become nearly equal and gradients small. Leave one out."
        )
    return None


def dead_layer(seen: Seen) -> str | None:
    """Every relu of a layer is zero for every sample of the batch."""
    y = seen.output
    if seen.name != "relu" or y.ndim < 2 or len(y) < 2 or y.size < 16 or y.any():
        return None
    return (
        f"{seen.layer or 'relu'} expected a relu that is positive somewhere. Received: zeros for all {len(y)} samples "
        "of the batch. Such a layer is dead: no gradient goes through it, and it never comes back. Use a smaller "
        "learning rate, the initializer he_normal, or leaky_relu."
    )


def broadcasting_loss(seen: Seen) -> str | None:
    """Outside of all layers, arrays of different numbers of axes make something larger than both."""
    arrays = [x for x in seen.arrays if isinstance(x, np.ndarray)]
    if seen.layer or len(arrays) != 2 or arrays[0].ndim == arrays[1].ndim or not all(x.ndim for x in arrays):
        return None
    if seen.output.size <= max(x.size for x in arrays):
        return None
    a, b = (x.shape for x in arrays)
    return (
        f"The loss expected labels and predictions of one shape. Received: {seen.name} of shapes {a} and {b}, which "
        f"makes {seen.output.shape}: every label is compared with every prediction. Reshape one, for example "
        "y_true[:, None]."
    )


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
    """What an epoch left."""

    losses: list[float]
    """Of its first steps."""
    loss: float
    """Of all of it."""
    samples: int
    label: Array | None
    """The label, if all samples had the same."""
    unmoved: list[str]
    """The names of the weights that are what they were before, bit by bit."""
    weights: int
    learning_rate: float
    is_own_loss: bool
    """Whether loss or step are the user's, who may not need labels."""


def constant_labels(epoch: Epoch) -> str | None:
    """All samples have one label; there are enough of them that this is no chance."""
    if epoch.label is None or epoch.samples < 16 or epoch.is_own_loss:
        return None
    return (
        f"fit expected labels that differ. Received: y={_short(epoch.label)} for all {epoch.samples} samples. The "
        "model can only learn to answer that. Is y the right column, and is the data shuffled before it is split?"
    )


def unmoved_weights(epoch: Epoch) -> str | None:
    """Trainable weights are after an epoch what they were before, though there is something to learn."""
    if not epoch.unmoved or not epoch.learning_rate or not epoch.loss or not math.isfinite(epoch.loss):
        return None
    which = "all weights" if len(epoch.unmoved) == epoch.weights else ", ".join(epoch.unmoved)
    return (
        f"fit expected weights to change. Received: {which}, bit by bit the same after an epoch. The gradient is zero "
        f"there (a dead relu, a saturated sigmoid, inputs that are zero), or the learning rate {epoch.learning_rate:g} "
        "is too small for float32. tape.explain(loss, weight) says where a gradient ends; set layer.trainable = False "
        "if it is meant."
    )


def diverging_steps(epoch: Epoch) -> str | None:
    """Five steps in a row have more than ten times the loss of the first."""
    steps = epoch.losses
    for position in range(1, len(steps) - 4):
        worse = steps[position : position + 5]
        if min(worse) > max(10 * steps[0], 1.0):
            return (
                f"fit expected the loss to fall. Received: {steps[0]:.3g} in the first step, {worse[-1]:.3g} in step "
                f"{position + 5}. The learning rate {epoch.learning_rate:g} is too large: try a tenth of it, or "
                "normalise the inputs."
            )
    return None


OF_AN_EPOCH: tuple[Callable[[Epoch], str | None], ...] = (constant_labels, unmoved_weights, diverging_steps)

FIRST_STEPS = 30
"""Steps at the beginning in which losses are looked at one by one."""


def _short(label: Array) -> str:
    return str(label.reshape(-1)[0]) if label.size == 1 else f"an array of shape {label.shape}"


# Who asks -----------------------------------------------------------------------------------------------------

# What only gives its argument another shape or dtype.
_SAME_THING = {"_reshape", "_cast", "transpose", "matrix_transpose", "expand_dims", "squeeze", "positive"}


class _Look(Observer):
    """Puts every operation of a forward pass before the suspicions."""

    _looks_back = False

    def __init__(self, x: Any, say: Callable[[Any, str | None], None]) -> None:
        super().__init__()
        x._id = x._id or new_id()
        self._inputs = x._data
        self._origins: dict[int, str] = {x._id: "inputs"}
        self._say = say

    def see(self, primitive: Any, args: Any, arrays: Any, metadata: Any, outputs: Any, site: Site) -> None:
        if len(state.tapes) < 2 or len(outputs) != 1:  # no tape is open: metrics, or an update
            return
        name, output = primitive.__name__, outputs[0]
        origins = [self._origins.get(getattr(x, "_id", 0)) for x in args] or [None]
        seen = Seen(name, arrays, origins, output._data, "/".join(site.layers), self._inputs)
        for suspicion in OF_AN_OPERATION:
            self._say(suspicion, suspicion(seen))
        if name in _SAME_THING and origins[0]:
            self._origins[output._id] = origins[0]
        elif name in ("softmax", "sigmoid"):
            self._origins[output._id] = name


class Watch:
    """A step of training that is watched: looks at what it is given and does, and stops where the loss is lost.

    Parameters
    ----------
    model : Model
    step : callable
        Takes a batch; has a `refresh()`, which is called before every epoch.
    stops : bool
        Whether to end training where the loss is NaN or infinite.
    """

    def __init__(self, model: Any, step: Any, *, stops: bool) -> None:
        self._model, self._step, self._stops = model, step, stops
        self._known: set[Any] = model._suspected  # what was told of since `compile`
        self._epochs = 0
        code = [type(model).train_step, type(model.loss), getattr(model.loss, "fn", np.sum)]
        self._is_own_loss = not all(str(x.__module__).startswith(("tinygrad_lite.", "numpy")) for x in code)
        self._looks = is_strict() or "looked" not in self._known
        self._known.add("looked")

    def refresh(self) -> None:
        """An epoch begins."""
        self._step.refresh()
        self._epochs += 1
        self._steps = self._samples = 0
        self._losses: list[float] = []
        self._before = (0.0, 0.0)
        self._label: Array | None = None
        self._labels_differ = False
        self._marks: dict[str, Any] | None = None
        self._is_close = self._looks and (self._epochs <= 2 or is_strict())

    def __call__(self, data: Any) -> Any:
        """Take a step, and look at it."""
        if self._is_close and not self._steps:
            if self._model.built:
                self._marks = self._fingerprints()
            with _Look(data[0], self._say):
                logs = self._step(data)
        else:
            logs = self._step(data)
        self._steps += 1
        if self._is_close:
            self._note(data, logs)
        if self._stops:
            loss = self._model._loss_mean.total._data if logs is None else float(logs.get("loss", 0.0))
            if not math.isfinite(loss):
                self._stop(loss)
        return logs

    def end(self, loss: float) -> None:
        """The epoch is over, with this loss."""
        if not self._is_close or self._model.stop_training:
            return
        model, now = self._model, self._fingerprints()
        unmoved = [
            name for name, mark in (self._marks or {}).items() if now.get(name) == mark and name not in self._known
        ]
        rate = getattr(model.optimizer, "learning_rate", 0.0)
        epoch = Epoch(
            losses=self._losses,
            loss=loss,
            samples=self._samples,
            label=None if self._labels_differ else self._label,
            unmoved=unmoved,
            weights=len(now),
            learning_rate=float(rate),
            is_own_loss=self._is_own_loss,
        )
        for suspicion in OF_AN_EPOCH:
            self._say(suspicion, suspicion(epoch))

    def _say(self, suspicion: Any, found: str | None) -> None:
        if found is not None and (suspicion not in self._known or is_strict()):
            self._known.add(suspicion)
            suspect(found)

    def _note(self, data: Any, logs: Any) -> None:
        self._samples += len(data[1]._data)
        if not self._labels_differ:
            y = data[1]._data
            self._label = y[:1].copy() if self._label is None else self._label
            self._labels_differ = bool((y != self._label).any())
        if self._steps <= FIRST_STEPS and logs is None and self._epochs == 1:
            mean = self._model._loss_mean
            total, count = float(mean.total._data), float(mean.count._data)
            if count > self._before[1]:
                self._losses.append((total - self._before[0]) / (count - self._before[1]))
            self._before = total, count

    def _fingerprints(self) -> dict[str, Any]:
        """A checksum of every trainable weight; a single number may well stay what it is, if all is symmetric."""
        weights = self._model.trainable_variables
        return {v.name: zlib.crc32(np.ascontiguousarray(v._data).data) for v in weights if v.size > 1}

    def _stop(self, loss: Any) -> None:
        self._model.stop_training = True
        warn_user(
            f"fit stopped: the loss is {float(loss)} after step {self._steps} of epoch {self._epochs} of this fit, and "
            "no step brings it back. The usual cause is a learning rate that is too large: try a tenth of it. To find "
            "the operation where it began, run the same inside of `with tgl.detect_anomalies():`.",
            DivergedWarning,
        )
