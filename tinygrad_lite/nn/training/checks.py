"""Checks during `fit`: of the operations in its first steps, of the numbers of an epoch, of gradients and of the loss.

They find mistakes that raise no error, such as labels that never change or weights without a gradient, and warn once.
With `tgl.strict()` they raise.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any

import numpy as np

from tinygrad_lite.core.record import new_id, state
from tinygrad_lite.core.strict import SuspicionWarning, is_strict, unnotified, warn_or_raise
from tinygrad_lite.core.tape import GradientTape
from tinygrad_lite.core.tensor import Tensor
from tinygrad_lite.core.variable import Variable
from tinygrad_lite.diagnostics.observing import Site, SiteObserver
from tinygrad_lite.diagnostics.suspicions import (
    FIRST_STEPS,
    OF_AN_EPOCH,
    OF_AN_OPERATION,
    Epoch,
    Seen,
    checksums,
    origin_of,
)
from tinygrad_lite.nn.training.compiled_step import Step
from tinygrad_lite.nn.training.trainable import Batch, Logs, TrainableModel
from tinygrad_lite.utils.callers import warn_user
from tinygrad_lite.utils.types import Array

__all__ = ["CheckedStep", "DivergedWarning", "check_found", "reached"]


class DivergedWarning(SuspicionWarning):
    """`fit` ended because the loss is NaN or infinite."""


class _OperationChecks(SiteObserver):
    """Checks every operation of a forward pass."""

    observes_walks = False

    def __init__(self, x: Tensor, warn: Callable[[Any, str | None], None]) -> None:
        super().__init__()
        x._id = x._id or new_id()
        self._inputs = x._array
        self._origins: dict[int, str] = {x._id: "inputs"}
        self._warn = warn

    def see(self, primitive: Any, args: Any, arrays: Any, metadata: Any, outputs: Any, site: Site) -> None:
        if not state.tapes or len(outputs) != 1:  # no tape is open: metrics, or an update
            return
        name, output = primitive.__name__, outputs[0]
        origins = [self._origins.get(getattr(x, "_id", 0)) for x in args] or [None]
        seen = Seen(name, arrays, origins, output._array, "/".join(site.layers), self._inputs)
        for suspicion in OF_AN_OPERATION:
            self._warn(suspicion, suspicion(seen))
        origin = origin_of(name, origins[0])
        if origin:
            self._origins[output._id] = origin


class CheckedStep:
    """A step of training whose data, operations and results are checked; a loss of NaN or infinity ends training.

    Parameters
    ----------
    model : Model
    step : Step
    stops : bool
        Whether to end training if the loss is NaN or infinite.
    """

    def __init__(self, model: TrainableModel, step: Step, *, stops: bool) -> None:
        self._model, self._step, self._stops = model, step, stops
        self._known: set[Any] = model._warned  # warnings given since `compile`
        self._epochs = 0
        code = [type(model).train_step, type(model.loss), getattr(model.loss, "fn", np.sum)]
        self._is_own_loss = not all(str(x.__module__).startswith(("tinygrad_lite.", "numpy")) for x in code)
        self._checks_first_epochs = is_strict() or "checked" not in self._known
        self._known.add("checked")

    def refresh(self) -> None:
        """Begin an epoch."""
        self._step.refresh()
        self._epochs += 1
        self._steps = self._samples = 0
        self._losses: list[float] = []
        self._before = (0.0, 0.0)
        self._label: Array | None = None
        self._labels_differ = False
        self._checksums: dict[str, Any] | None = None
        self._checks_epoch = self._checks_first_epochs and (self._epochs <= 2 or is_strict())

    def __call__(self, data: Batch) -> Logs | None:
        """Take a step, and check it."""
        with nullcontext() if not is_strict() else unnotified():
            return self._take(data)

    def _take(self, data: Batch) -> Logs | None:
        if self._checks_epoch and not self._steps:
            if self._model.built:
                self._checksums = checksums(self._model.trainable_variables)
            with _OperationChecks(data[0], self._warn):
                logs = self._step(data)
        else:
            logs = self._step(data)
        self._steps += 1
        if self._checks_epoch:
            self._take_note(data, logs)
        if self._stops:
            loss = self._model._loss_mean.total._array if logs is None else float(logs.get("loss", 0.0))
            if not math.isfinite(loss):
                self._stop(loss)
        return logs

    def end(self, loss: float) -> None:
        """End an epoch that has this loss: check its numbers."""
        if not self._checks_epoch or self._model.stop_training:
            return
        model, now = self._model, checksums(self._model.trainable_variables)
        unmoved = [
            name for name, mark in (self._checksums or {}).items() if now.get(name) == mark and name not in self._known
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
            self._warn(suspicion, suspicion(epoch))

    def _warn(self, suspicion: Any, found: str | None) -> None:
        if found is not None and (suspicion not in self._known or is_strict()):
            self._known.add(suspicion)
            warn_or_raise(found)

    def _take_note(self, data: Batch, logs: Logs | None) -> None:
        self._samples += len(data[1]._array)
        if not self._labels_differ:
            y = data[1]._array
            self._label = y[:1].copy() if self._label is None else self._label
            self._labels_differ = bool((y != self._label).any())
        if self._steps <= FIRST_STEPS and logs is None and self._epochs == 1:
            mean = self._model._loss_mean
            total, count = float(mean.total._array), float(mean.count._array)
            if count > self._before[1]:
                self._losses.append((total - self._before[0]) / (count - self._before[1]))
            self._before = total, count

    def _stop(self, loss: float | Array) -> None:
        self._model.stop_training = True
        warn_user(
            f"fit stopped: the loss is {float(loss)} after step {self._steps} of epoch {self._epochs} of this fit, and "
            "no step brings it back. The usual cause is a learning rate that is too large: try a tenth of it. To find "
            "the operation where it began, run the same inside of `with tgl.detect_anomalies():`.",
            DivergedWarning,
        )


def reached(
    model: TrainableModel, gradients: Sequence[Tensor | None], variables: Sequence[Variable]
) -> list[tuple[Tensor, Variable]]:
    """Gradients with their variables, without those that have none: the user is warned of these once."""
    pairs = [(g, v) for g, v in zip(gradients, variables) if g is not None]
    if len(pairs) == len(variables) and pairs:
        return pairs
    names = [variable.name for g, variable in zip(gradients, variables) if g is None]
    if not pairs:
        raise ValueError(
            "fit expected a loss that depends on trainable weights. Received: "
            + (f"no gradient for any of {names}. " if names else "a model without trainable weights. ")
            + "Does `call` use its layers, without .numpy()? Is `trainable` True?"
        )
    if "unreached" not in model._warned or is_strict():
        model._warned.update(["unreached", *names])
        warn_or_raise(
            f"The loss does not depend on {names}: they are not trained. Use their layers in `call`, or set "
            "layer.trainable = False."
        )
    return pairs


def check_found(model: TrainableModel, tape: GradientTape) -> None:
    """Warn once of trainable Variables that the loss was computed from, but that are not weights of the model."""
    if "not found" in model._warned and not is_strict():
        return
    model._warned.add("not found")
    known = {variable._id for variable in model.weights}
    names = [variable.name for variable in tape.watched_variables() if variable._id not in known]
    if names:
        warn_or_raise(
            f"Training expected to find the Variables that the loss depends on. Received: {names}, which are not "
            f"among the weights of {model.name}, and are not trained. Weights are found in attributes of layers, "
            "and in lists, tuples and dicts there; not in sets, other objects, closures or modules. Make the "
            "Variable or its layer an attribute; if it is not meant to be trained, pass trainable=False."
        )
