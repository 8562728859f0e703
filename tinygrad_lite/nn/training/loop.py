"""The loops of `fit`, `evaluate` and `predict`: a step for every batch, and hooks of callbacks around it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from typing import Any

import numpy as np

from tinygrad_lite.core.record import recording_tapes, unobserved
from tinygrad_lite.core.structure import flatten, map_structure
from tinygrad_lite.core.tensor import Tensor, wrap
from tinygrad_lite.nn.callbacks.backup import BackupAndRestore
from tinygrad_lite.nn.callbacks.callback_list import CallbackList, act_within_epochs
from tinygrad_lite.nn.callbacks.history import History
from tinygrad_lite.nn.callbacks.progress import progress
from tinygrad_lite.nn.callbacks.terminate_on_nan import TerminateOnNaN
from tinygrad_lite.nn.training.checks import CheckedStep
from tinygrad_lite.nn.training.compiled_step import Step
from tinygrad_lite.nn.training.data import DataAdapter
from tinygrad_lite.nn.training.first_batch import get_ready
from tinygrad_lite.nn.training.trainable import Batch, Logs, TrainableModel
from tinygrad_lite.utils.callback import Callback
from tinygrad_lite.utils.types import Array

__all__ = ["evaluate", "fit", "predict", "run_on_batch"]


def fit(
    model: TrainableModel,
    training: DataAdapter,
    validation: DataAdapter | None,
    epochs: range,
    verbose: int | str,
    callbacks: Sequence[Callback],
) -> History:
    """Train, and evaluate the validation data after every epoch. See `Model.fit`."""
    with (
        model._steps.use(model, "train_step") as step,
        model._steps.use(model, "test_step") if validation is not None else nullcontext() as test_step,
    ):
        return _Training(model, training, step, validation, test_step, verbose, callbacks, epochs.stop).run(epochs)


class _Training:
    """One call of `fit`."""

    def __init__(
        self,
        model: TrainableModel,
        training: DataAdapter,
        step: Step,
        validation: DataAdapter | None,
        test_step: Step | None,
        verbose: int | str,
        callbacks: Sequence[Callback],
        last_epoch: int,
    ) -> None:
        self.model, self.training, self.validation, self.test_step = model, training, validation, test_step
        self.logs: Logs = {}
        self.reporter = progress(verbose)
        self.history = model.history = History()
        self.backups = [callback for callback in callbacks if isinstance(callback, BackupAndRestore)]
        self.others = [*(callback for callback in callbacks if callback not in self.backups), self.history]
        reporters = [self.reporter] if self.reporter else []
        params = {"epochs": last_epoch, "steps": training.steps, "verbose": verbose}
        self.hooks = CallbackList([*reporters, *self.others, *self.backups], model, params)
        for each, batches in ((step, training), (test_step, validation)):
            if each is not None and batches is not None:
                each.checks_every_step = act_within_epochs(callbacks) or batches.runs_code
        stops = not any(isinstance(callback, TerminateOnNaN) for callback in callbacks)
        self.train_step = CheckedStep(model, step, stops=stops)

    def run(self, epochs: range) -> History:
        model, hooks = self.model, self.hooks
        model.stop_training = model.was_interrupted = False
        epoch = epochs.start
        try:
            hooks("on_train_begin", {})
            for backup in self.backups:
                epochs = range(backup.resume(self.others, self.training) or epochs.start, epochs.stop)
            for epoch in epochs:
                self._run_epoch(epoch)
                if model.stop_training:
                    break
        except KeyboardInterrupt:
            model.stop_training = model.was_interrupted = True  # for a caller that runs `fit` in a loop
            if self.reporter:
                self.reporter.close()
                print(
                    f"Interrupted in epoch {epoch + 1} of {epochs.stop}: the model keeps its present weights, the "
                    f"history its {len(self.history.epoch)} complete epochs.",
                    file=sys.stderr,
                )
        finally:
            if self.reporter:
                self.reporter.close()
        hooks("on_train_end", self.logs)
        return self.history

    def _run_epoch(self, epoch: int) -> None:
        hooks = self.hooks
        hooks("on_epoch_begin", epoch, {})
        self.logs = _run_batches(self.model, self.training, hooks, "train", self.train_step)
        self.train_step.end(self.logs.get("loss", 0.0))
        if self.validation is not None and self.test_step is not None:
            results = _test(self.model, self.validation, hooks, self.test_step)
            self.logs = self.logs | {f"val_{name}": value for name, value in results.items()}
        hooks("on_epoch_end", epoch, self.logs)
        for backup in self.backups:
            backup.save(epoch, self.others, self.training)


def evaluate(model: TrainableModel, batches: DataAdapter, verbose: int | str, callbacks: Sequence[Callback]) -> Logs:
    """The loss and the metrics over all batches. See `Model.evaluate`."""
    with _reported(model, batches, verbose, callbacks) as hooks, model._steps.use(model, "test_step") as step:
        step.checks_every_step = act_within_epochs(callbacks) or batches.runs_code
        return _test(model, batches, hooks, step)


def predict(model: TrainableModel, batches: DataAdapter, verbose: int | str, callbacks: Sequence[Callback]) -> Any:
    """The outputs for all batches, as arrays. See `Model.predict`."""
    outputs = []
    with _reported(model, batches, verbose, callbacks) as hooks, model._steps.use(model, "predict_step") as step:
        step.checks_every_step = act_within_epochs(callbacks) or batches.runs_code
        hooks("on_predict_begin", {})
        step.refresh()
        for number, batch in enumerate(batches):
            hooks("on_predict_batch_begin", number, {})
            outputs.append(map_structure(_as_array, _unrecorded(step, tuple(map(wrap, batch)))))
            hooks("on_predict_batch_end", number, {})
        hooks("on_predict_end", {})
    leaves = iter([np.concatenate(arrays) for arrays in zip(*map(flatten, outputs))])
    return map_structure(lambda _: next(leaves), outputs[0])


def run_on_batch(
    model: TrainableModel, batches: DataAdapter, method: str, step: Callable[[Batch], Mapping[str, Any] | None]
) -> Logs:
    """Take one step with a single batch. Returns its loss and metrics."""
    (batch,) = batches
    if not model._is_ready:
        get_ready(model, batch[0], batch[1], method)
    model.reset_metrics()
    logs = _as_floats(step(tuple(map(wrap, batch))))
    return model._results() if logs is None else logs


@contextmanager
def _reported(
    model: TrainableModel, batches: DataAdapter, verbose: int | str, callbacks: Sequence[Callback]
) -> Iterator[CallbackList]:
    """A context with the hooks of `callbacks` and of a progress bar, which is closed at its end."""
    reporter = progress(verbose)
    params = {"epochs": 1, "steps": batches.steps, "verbose": verbose}
    hooks = CallbackList([*([reporter] if reporter else []), *callbacks], model, params)
    try:
        yield hooks
    finally:
        if reporter:
            reporter.close()


def _test(model: TrainableModel, batches: DataAdapter, hooks: CallbackList, step: Step) -> Logs:
    hooks("on_test_begin", {})
    logs = _run_batches(model, batches, hooks, "test", step)
    hooks("on_test_end", logs)
    return logs


def _run_batches(
    model: TrainableModel, batches: DataAdapter, hooks: CallbackList, kind: str, step: Step | CheckedStep
) -> Logs:
    """Take a step for every batch, between the hooks of that kind. Returns their loss and metrics."""
    model.reset_metrics()
    step.refresh()
    begin, end = f"on_{kind}_batch_begin", f"on_{kind}_batch_end"
    wants_logs = hooks.has(end)
    logs = None
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # training that diverges shows in the loss
        for number, batch in enumerate(batches):
            if not model._is_ready:
                x, y, *_ = batch
                get_ready(model, x, y, "fit" if kind == "train" else "evaluate")
            hooks(begin, number, {})
            logs = _as_floats(step(tuple(map(wrap, batch))))
            if wants_logs:
                hooks(end, number, model._results() if logs is None else logs)
            if model.stop_training and kind == "train":
                break
    return model._results() if logs is None else logs


def _unrecorded(step: Callable[[Batch], Any], data: Batch) -> Any:
    """The result of a step that open tapes do not record: `predict` returns plain arrays."""
    with ExitStack() as stack:
        stack.enter_context(unobserved())
        for tape in recording_tapes():
            stack.enter_context(tape.stop_recording())
        return step(data)


def _as_array(leaf: Any) -> Array:
    return leaf.numpy() if isinstance(leaf, Tensor) else np.asarray(leaf)


def _as_floats(logs: Mapping[str, Any] | None) -> Logs | None:
    """The numbers that an overridden step returned, as floats."""
    return None if logs is None else {name: float(value) for name, value in logs.items()}
