"""Models: layers together, with the loop that trains them.

`Model` is a layer with `fit`, `evaluate` and `predict`; `Sequential` is the Model whose `call` runs a list of
layers one after another. One step of training is one method, `train_step`: forward, loss, gradients, update,
metrics. All around it only moves data to it and numbers from it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack, nullcontext
from typing import Any

import numpy as np

from tinygrad_lite import ops, optim, random
from tinygrad_lite.core.record import recording_tapes, unobserved
from tinygrad_lite.core.strict import is_strict, suspect
from tinygrad_lite.core.structure import flatten, map_structure
from tinygrad_lite.core.tape import GradientTape
from tinygrad_lite.core.tensor import Tensor, Variable, wrap
from tinygrad_lite.nn import losses, saving
from tinygrad_lite.nn import metrics as metrics_module
from tinygrad_lite.nn.callbacks.backup import BackupAndRestore
from tinygrad_lite.nn.callbacks.callback_list import CallbackList, act_within_epochs, as_list
from tinygrad_lite.nn.callbacks.history import History
from tinygrad_lite.nn.callbacks.progress import progress
from tinygrad_lite.nn.callbacks.terminate_on_nan import TerminateOnNaN
from tinygrad_lite.nn.layers.calling import inside, note_activation, weights_are_given
from tinygrad_lite.nn.layers.input import Input
from tinygrad_lite.nn.layers.layer import BUILDS_NOTHING, Layer
from tinygrad_lite.nn.layers.search import name_child, name_children, parts
from tinygrad_lite.nn.saving.registry import register_built_in, restored
from tinygrad_lite.nn.training.checks import Watch
from tinygrad_lite.nn.training.compiled_step import Step, Steps
from tinygrad_lite.nn.training.data import Feed, feed
from tinygrad_lite.utils.callback import Callback
from tinygrad_lite.utils.printing import printable, show
from tinygrad_lite.utils.types import Array

__all__ = ["Model", "Sequential"]

Logs = dict[str, float]


class Model(Layer, builds_once=False):  # its `build` only calls it
    """Layers with a `call` that connects them; subclass it, or use `Sequential`.

    Parameters
    ----------
    name : str, optional
    trainable : bool

    Attributes
    ----------
    optimizer : Optimizer or None
        Set by `compile`.
    loss : Loss or None
        Set by `compile`.
    history : History or None
        Of the last `fit`.
    stop_training : bool
        A callback sets it to True to end `fit`; so does Ctrl-C.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> from tinygrad_lite import nn
    >>> class Residual(nn.Model):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.inner = nn.Dense(4, activation="relu")
    ...         self.out = nn.Dense(1)
    ...     def call(self, x):
    ...         return self.out(x + self.inner(x))
    >>> model = Residual()
    >>> model(tgl.ones((2, 4))).shape
    (2, 1)
    >>> [weight.name for weight in model.weights]
    ['dense/kernel', 'dense/bias', 'dense_1/kernel', 'dense_1/bias']
    """

    _is_model = True
    _casts_inputs = False  # its layers do

    def __init__(self, *, name: str | None = None, trainable: bool = True, **unknown: Any) -> None:
        super().__init__(name=name, trainable=trainable, **unknown)
        self._shuffles = random.stream(f"{self.name}/shuffle")
        self.optimizer: Any = None
        self.loss: Any = None
        self.run_eagerly = False
        self.history: History | None = None
        self.stop_training = False
        self.was_interrupted = False
        self._metric_identifiers: list[Any] = []
        self._weighted_identifiers: list[Any] = []
        self._metrics: list[Any] | None = None  # made when the first batch shows what the output looks like
        self._loss_mean = metrics_module.Mean(name="loss")
        self._is_compiled = False
        self._is_ready = False
        self._steps = Steps()
        self._suspected: set[Any] = set()  # what the user was told of

    # Layers -----------------------------------------------------------------------------------------------

    @property
    def layers(self) -> list[Layer]:
        """The layers directly inside, in order."""
        return list(dict.fromkeys(parts(self)[1]))

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """The layer called `name`, or the one at `index`.

        Raises
        ------
        ValueError
            There is none, or neither or both are given.
        """
        layers = self.layers
        if (name is None) == (index is None):
            raise ValueError(f"get_layer expected a name or an index. Received: name={name!r}, index={index!r}.")
        if index is not None and -len(layers) <= index < len(layers):
            return layers[index]
        for layer in layers:
            if layer.name == name:
                return layer
        wanted = f"index={index}" if name is None else f"name={name!r}"
        known = ", ".join(repr(layer.name) for layer in layers)
        raise ValueError(f"{self.name} has no such layer. Received: {wanted}. It has {len(layers)}: {known}.")

    def build(self, input_shape: Any) -> None:
        """Make the weights now instead of on the first call.

        Parameters
        ----------
        input_shape : tuple
            Batch axis included, for example (None, 784).
        """
        self.try_with_zeros(input_shape)

    def _build_on_call(self, input_shape: Any) -> None:
        if type(self).build in BUILDS_NOTHING:
            name_children(self)  # each builds itself when it is called
        else:
            super()._build_on_call(input_shape)

    def summary(self, *, print_fn: Callable[[str], Any] | None = None) -> None:
        """Print the layers with their output shapes and numbers of parameters.

        Parameters
        ----------
        print_fn : callable, optional
            Is given the table as one string. Default: print.

        Examples
        --------
        >>> from tinygrad_lite import nn
        >>> nn.Sequential([nn.Input((28, 28)), nn.Flatten(), nn.Dense(10)]).summary()
        Model: sequential
        ──────────────────────────────────────────
        Layer    Type     Output shape  Parameters
        ──────────────────────────────────────────
        flatten  Flatten  (None, 784)            0
        dense    Dense    (None, 10)         7,850
        ──────────────────────────────────────────
        Parameters: 7,850 (30.7 KiB), trainable: 7,850, others: 0
        """
        text = self.summary_text()
        if print_fn is None:
            show(text if printable("─", sys.stdout) == "─" else text.replace("─", "-"))
        else:
            print_fn(text)

    def summary_text(self) -> str:
        """What `summary` prints."""
        rows = [("Layer", "Type", "Output shape", "Parameters")]
        for layer in self.layers:
            shape = "not built" if layer._output_shape is None else str(layer._output_shape)
            parameters = f"{layer.count_params():,}" if layer.built else "?"
            rows.append((layer.name, type(layer).__name__, shape, parameters))
        widths = [max(len(row[column]) for row in rows) for column in range(4)]
        lines = [
            "  ".join([*(cell.ljust(width) for cell, width in zip(row[:3], widths)), row[3].rjust(widths[3])])
            for row in rows
        ]
        rule = "─" * len(lines[0])
        if self.built:
            everything, trainable = self.weights, sum(weight.size for weight in self.trainable_weights)
            count, memory = self.count_params(), sum(weight.nbytes for weight in everything)
            total = f"Parameters: {count:,} ({_bytes(memory)}), trainable: {trainable:,}, others: {count - trainable:,}"
        else:
            total = "Parameters: not made yet. Call the model on a batch, or build(input_shape)."
        return "\n".join([f"Model: {self.name}", rule, lines[0], rule, *lines[1:], rule, total])

    # Saving -----------------------------------------------------------------------------------------------

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the model to one file: layers, weights, compile settings and the state of the optimizer.

        The file is a zip of JSON and `.npy` arrays. It is written aside and then renamed, so an interruption
        leaves the old file or the new one. `nn.load_model` reads it.

        Parameters
        ----------
        path : str or path
            For example "model.tgl".

        Raises
        ------
        TypeError
            The model has parts that cannot be told by name: says what to put `@nn.register` over.
        ValueError
            What `load_model` would make of the file is not the same model: says what would be lost.
        OSError
            The file cannot be written.

        Examples
        --------
        >>> import tempfile
        >>> from tinygrad_lite import nn
        >>> path = tempfile.mkdtemp() + "/model.tgl"
        >>> nn.Sequential([nn.Input((4,)), nn.Dense(2)]).save(path)
        >>> nn.load_model(path).count_params()
        10
        """
        saving.save_model(self, path)

    def save_weights(self, path: str | os.PathLike[str]) -> None:
        """Write the weights to a file, atomically.

        Parameters
        ----------
        path : str or path
            Ending in `.npz`, which NumPy can load, or in `.safetensors` where that package is installed.

        Raises
        ------
        ValueError
            Another ending, or the weights are not made yet.
        OSError
            The file cannot be written.
        """
        saving.save_weights(self, path)

    def load_weights(
        self, path: str | os.PathLike[str], *, by_name: bool = False, strict: bool = True
    ) -> saving.LoadReport:
        """Read weights from a file that `save_weights` wrote, or another of that format.

        Names, shapes and dtypes must be those of the model's weights. All is read before anything is changed.

        Parameters
        ----------
        path : str or path
            Ending in `.npz` or `.safetensors`.
        by_name : bool
            Load what has the same name, and leave weights that only the model or only the file has.
        strict : bool
            False: leave also what has another shape or dtype.

        Returns
        -------
        LoadReport
            The names of what was `loaded`, and of what was `missing`, `unexpected` or `mismatched`.

        Raises
        ------
        ValueError
            The file is damaged, or does not fit; the model is not built. The model stays as it was.
        OSError
            The file does not exist or cannot be read.

        Examples
        --------
        >>> import tempfile
        >>> from tinygrad_lite import nn
        >>> path = tempfile.mkdtemp() + "/weights.npz"
        >>> nn.Sequential([nn.Input((4,)), nn.Dense(2), nn.Dense(1)]).save_weights(path)
        >>> print(nn.Sequential([nn.Input((4,)), nn.Dense(2)]).load_weights(path, by_name=True))
        2 weights loaded; unexpected: dense_1/kernel, dense_1/bias
        """
        return saving.load_weights(self, path, by_name, strict)

    # Compiling --------------------------------------------------------------------------------------------

    def compile(
        self, optimizer: Any = "rmsprop", loss: Any = None, metrics: Sequence[Any] | None = None, *,
        loss_weights: None = None, weighted_metrics: Sequence[Any] | None = None, run_eagerly: bool = False,
        steps_per_execution: int = 1, jit_compile: bool | str = "auto", auto_scale_loss: bool = True,
    ) -> None:  # fmt: skip
        """Say how the model is trained.

        If the model ends in softmax or sigmoid and `loss` is the cross-entropy that belongs to it, the loss is
        computed from what enters the softmax: the same number, but exact for confident wrong answers too.

        Parameters
        ----------
        optimizer : str or Optimizer
            See `optim`.
        loss : str, Loss or function of (y_true, y_pred)
            See `nn.losses`.
        metrics : list of str, Metric or function of (y_true, y_pred), optional
            See `nn.metrics`; "accuracy" is the one that fits the loss and the output. They count every sample
            alike.
        loss_weights : None
            There is one loss here: a factor belongs into the loss itself.
        weighted_metrics : list, optional
            Metrics that weight samples as the loss does: by `sample_weight` or `class_weight`.
        run_eagerly : bool
            Run every step operation by operation, as `train_step` is written. Otherwise `fit`, `evaluate` and
            `predict` compile their steps with `tgl.function`, with the same results, where all code in them is this
            package's. With a layer, loss, metric, activation or step of your own they run eagerly anyway.
        steps_per_execution, jit_compile, auto_scale_loss
            Have no effect: they change no numbers.

        Raises
        ------
        ValueError
            A name is unknown: lists those that are known, and suggests the nearest.
        TypeError
            `metrics` or `weighted_metrics` is not a list, or `loss_weights` is given.
        """
        if loss_weights is not None:
            raise TypeError(
                f"compile expected loss_weights=None. Received: loss_weights={loss_weights!r}. There is one "
                "loss here: put the factor into the loss itself."
            )
        for name, value in (("metrics", metrics), ("weighted_metrics", weighted_metrics)):
            if value is not None and not isinstance(value, (list, tuple)):
                raise TypeError(f"compile expected a list of metrics. Received: {name}={value!r}. Try [{value!r}].")
        self.optimizer = optim.get(optimizer)
        self.loss = None if loss is None else losses.get(loss)
        self._metric_identifiers = list(metrics or ())
        self._weighted_identifiers = list(weighted_metrics or ())
        for identifier in (*self._metric_identifiers, *self._weighted_identifiers):
            metrics_module.resolve(identifier, self.loss)  # unknown names are told now
        self._metrics = None
        self._loss_mean = metrics_module.Mean(name="loss")
        self.run_eagerly = bool(run_eagerly)
        self._is_compiled, self._is_ready, self._suspected, self._steps = True, False, set(), Steps()

    @property
    def metrics(self) -> list[Any]:
        """The mean loss, then the metrics and weighted metrics of `compile`, made on the first batch."""
        return [self._loss_mean, *(self._metrics or ())]

    def _known_metrics(self) -> list[Any]:
        """The metrics that are named by `compile`, also before the first batch has shown which fit."""
        return self._made_metrics(()) if self._metrics is None else self._metrics

    def reset_metrics(self) -> None:
        """Set all metrics back to the start, as `fit` does before every epoch."""
        for metric in self.metrics:
            metric.reset_state()

    def _require_compiled(self, method: str) -> None:
        if not self._is_compiled:
            raise RuntimeError(
                f"{method} expected a compiled model. Received: {self.name}, which is not. Call "
                'model.compile(optimizer="rmsprop", loss=..., metrics=[...]) first.'
            )

    def _get_ready(self, x: Array, y: Array, method: str) -> None:
        """Try the model and the loss on one sample of the first batch, which builds what is not built yet."""
        is_own = getattr(type(self), _STEPS[method]) is not getattr(Model, _STEPS[method])
        y_pred = self._try_own(x[:1]) if is_own else self._try_both(x, y, method)
        if self._metrics is None:
            shapes = () if y_pred is None else ((None, *y_pred.shape[1:]), (None, *y.shape[1:]))
            self._metrics = self._made_metrics(shapes)
        self._is_ready = True

    def _made_metrics(self, shapes: Any) -> list[Any]:
        """The metrics and the weighted metrics; of two named by the same string, the latter is `weighted_...`."""
        metrics, weighted = (
            [metrics_module.resolve(name, self.loss, *shapes) for name in identifiers]
            for identifiers in (self._metric_identifiers, self._weighted_identifiers)
        )
        taken = {metric.name for metric in metrics}
        for identifier, metric in zip(self._weighted_identifiers, weighted):
            if metric.name in taken and metric is not identifier:
                metric.name = f"weighted_{metric.name}"
        names = [metric.name for metric in (self._loss_mean, *metrics, *weighted)]
        if len(set(names)) < len(names):
            raise ValueError(f"compile expected metrics of different names. Received: {names}. Name one otherwise.")
        return [*metrics, *weighted]

    def _try_both(self, x: Array, y: Array, method: str) -> Tensor:
        """The output for a sample; or the error if it or the loss does not fit, with the shapes that the user knows."""
        try:
            return self._try(x[:1], y[:1], method)
        except (TypeError, ValueError):
            pass
        return self._try(x, y, method)

    def _try_own(self, x: Array) -> Tensor | None:
        """The output for a sample, if there is one: a step of the user's own may use neither the loss nor `call`."""
        try:
            y_pred = self(wrap(x), training=False)
        except Exception:  # if the step calls the model, it meets the same
            return None
        return y_pred if isinstance(y_pred, Tensor) else None

    def _try(self, x: Array, y: Array, method: str) -> Tensor:
        """The output for `x`; and the errors, if it or the loss does not fit."""
        with note_activation() as noted:
            y_pred = self(wrap(x), training=False)
        if not isinstance(y_pred, Tensor):
            raise TypeError(f"{method} expected {self.name} to return one Tensor. Received: {type(y_pred).__name__}.")
        if self.loss is not None:
            try:
                self._compute_loss(wrap(y), y_pred, noted)
            except ValueError as error:
                if y_pred.ndim > 2 and x.ndim > 2:
                    raise ValueError(
                        f"{error} The model's output has shape {y_pred.shape} because its input has shape "
                        f"{x.shape}: put nn.Flatten() first in the model."
                    ) from error
                raise
        return y_pred

    # One batch --------------------------------------------------------------------------------------------

    def train_step(self, data: tuple[Tensor, ...]) -> Logs | None:
        """Take one step of training; override it for an own one.

        Parameters
        ----------
        data : tuple of Tensors
            (x, y), one batch; where samples are weighted (x, y, weights).

        Returns
        -------
        dict of str to float, or None
            Numbers to report. None: the results of `metrics`.
        """
        with GradientTape() as tape:
            loss, y_pred = self._forward(data, training=True)
        variables = self.trainable_variables
        self._check_found(tape)
        if not self.optimizer.built:
            self.optimizer.build(variables)
        self.optimizer.apply_gradients(self._reached(tape.gradient(loss, variables), variables))
        self._update_metrics(loss, y_pred, data)
        return None

    def test_step(self, data: tuple[Tensor, ...]) -> Logs | None:
        """Evaluate one batch; override it for an own way. See `train_step`."""
        loss, y_pred = self._forward(data, training=False)
        self._update_metrics(loss, y_pred, data)
        return None

    def predict_step(self, data: tuple[Tensor, ...]) -> Any:
        """The outputs for one batch; override it for an own way."""
        return self(data[0], training=False)

    def _forward(self, data: tuple[Tensor, ...], training: bool) -> tuple[Tensor, Tensor]:
        """The loss and the output."""
        x, y, *weights = data
        with note_activation() as noted:
            y_pred = self(x, training=training)
        return self._compute_loss(y, y_pred, noted, *weights), y_pred

    def _compute_loss(self, y: Tensor, y_pred: Tensor, noted: list[Any], sample_weight: Tensor | None = None) -> Tensor:
        """The loss, from the logits if `y_pred` is the activation noted last and the loss has such a form."""
        if self.loss is None:
            raise RuntimeError(
                "Expected a loss to train or evaluate with. Received: compile(loss=None). Pass for example "
                'loss="sparse_categorical_crossentropy", or override train_step and test_step.'
            )
        if noted and noted[0] is y_pred:
            _, activation, logits = noted
            loss = self.loss.for_logits_of(activation)
            if loss is not None:
                return loss(y, logits, sample_weight)
        return self.loss(y, y_pred, sample_weight)

    def _reached(self, gradients: list[Any], variables: list[Variable]) -> list[tuple[Any, Variable]]:
        """Gradients with their variables, but for those that have none: the user is told once."""
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
        if "unreached" not in self._suspected or is_strict():
            self._suspected.update(["unreached", *names])
            suspect(
                f"The loss does not depend on {names}: they are not trained. Use their layers in `call`, or set "
                "layer.trainable = False."
            )
        return pairs

    def _check_found(self, tape: GradientTape) -> None:
        """Tell the user once of trainable Variables that the loss was computed from, but that are not the model's."""
        if "not found" in self._suspected and not is_strict():
            return
        self._suspected.add("not found")
        known = {variable._id for variable in self.weights}
        names = [variable.name for variable in tape.watched_variables() if variable._id not in known]
        if names:
            suspect(
                f"Training expected to find the Variables that the loss depends on. Received: {names}, which are not "
                f"among the weights of {self.name}, and are not trained. Weights are found in attributes of layers, "
                "and in lists, tuples and dicts there; not in sets, other objects, closures or modules. Make the "
                "Variable or its layer an attribute; if it is not meant to be trained, pass trainable=False."
            )

    def _update_metrics(self, loss: Tensor, y_pred: Tensor, data: tuple[Tensor, ...]) -> None:
        _, y, *weights = data
        self._update_loss(loss, y, *weights)
        y, y_pred = losses.line_up(y, y_pred)
        metrics = self._metrics or []
        count = len(self._metric_identifiers)
        for metric in metrics[:count]:
            metric.update_state(y, y_pred)
        for metric in metrics[count:]:
            metric.update_state(y, y_pred, *weights)

    def _update_loss(self, loss: Tensor, y: Tensor, *sample_weight: Any) -> None:
        """Take the loss of a batch into account so that that of the epoch is the loss of all its samples at once."""
        if loss.ndim:
            self._loss_mean.update_state(loss)
        elif self.loss.reduction == "sum":
            self._loss_mean.total.assign_add(ops.cast(loss, "float64"))
            self._loss_mean.count.assign(1.0)
        else:
            self._loss_mean.update_state(loss, self.loss.divisor(y, *sample_weight))

    def _results(self) -> Logs:
        return {metric.name: float(metric.result()) for metric in self.metrics}

    # Training ---------------------------------------------------------------------------------------------

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int = 32,
        epochs: int = 1,
        verbose: Any = "auto",
        callbacks: Sequence[Callback] | Callback | None = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool = True,
        class_weight: Mapping[int, float] | None = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        *,
        validation_batch_size: int | None = None,
        **surplus: Any,
    ) -> History:
        """Train the model.

        Parameters
        ----------
        x : array-like, or iterable of pairs (x_batch, y_batch), or of (x_batch, y_batch, weights)
            Samples along the first axis. An iterable is read once an epoch: a list of batches, a
            `datasets.Batches`, or an object whose `__iter__` starts anew; a generator lasts one epoch.
        y : array-like, optional
            Labels or targets; not given where `x` yields pairs. Of shape (n,) with outputs of (n, 1), or the reverse,
            they are lined up, and so are (..., n) and (..., n, 1); they are never broadcast against the outputs.
        batch_size : int
            Samples per step.
        epochs : int
            The number of the epoch to end with.
        verbose : "auto", 0, 1 or 2
            1 and "auto": a progress bar on a terminal, else one line an epoch; 2: one line an epoch;
            0: nothing.
        callbacks : list of Callback, optional
        validation_split : float
            The share of the samples, the last ones of `x` and `y` before shuffling, that is held out and
            evaluated after every epoch.
        validation_data : (x, y), (x, y, weights), or iterable of them, optional
            Evaluated after every epoch; instead of `validation_split`.
        shuffle : bool
            Whether arrays are visited in a new random order every epoch.
        class_weight : mapping of int to float, optional
            What the samples of each class count in the loss, 1 for classes that are not in it: larger for
            rare classes. Labels are integers or one-hot.
        sample_weight : array-like, optional
            What each sample counts in the loss, shape (samples,) or (samples, 1). For losses of more axes, as those of
            sequences, also a weight for each of them: (samples, steps).
        initial_epoch : int
            The number of epochs done before, for training that goes on.
        validation_batch_size : int, optional
            Default: `batch_size`.

        Returns
        -------
        History
            `history.history["loss"]` and so on: one number an epoch, over all its samples. It is returned also
            where Ctrl-C or a loss of NaN ended training; the model keeps the weights that it has then.

        Raises
        ------
        RuntimeError
            The model is not compiled.
        ValueError
            The data is empty, of unequal lengths, has NaN or inf in it, or does not fit the model or the loss;
            a number is out of its range. With `tgl.strict()` also for what is only suspicious.

        Warns
        -----
        SuspicionWarning
            The loss became NaN or infinite, and training stopped. Once for each, in the first epochs after `compile`:
            weights that the loss does not reach or that do not move, labels that never change, large inputs, and
            whatever else `tgl.strict` is about.

        Examples
        --------
        >>> import numpy as np
        >>> from tinygrad_lite import nn, optim
        >>> x = np.linspace(-1, 1, 64)[:, None]
        >>> model = nn.Sequential([nn.Dense(1)])
        >>> model.compile(optim.SGD(0.1), "mean_squared_error")
        >>> history = model.fit(x, 3 * x + 1, epochs=50, verbose=0)
        >>> bool(history.history["loss"][-1] < 1e-3)
        True
        """
        self._require_compiled("fit")
        _refuse_surplus("fit", surplus, steps_per_epoch=None, validation_steps=None, validation_freq=1)
        for name, value in (("epochs", epochs), ("initial_epoch", initial_epoch)):
            if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 0:
                raise ValueError(f"fit expected {name} to be an integer of at least 0. Received: {name}={value!r}.")
        if not isinstance(validation_split, (int, float, np.number)) or not 0 <= validation_split < 1:
            raise ValueError(
                "fit expected validation_split to be at least 0 and below 1. Received: validation_split="
                f"{validation_split!r}. 0.1 holds out the last tenth of the samples."
            )
        training = feed(
            x, y, batch_size, "fit",
            shuffle=bool(shuffle), generator=self._shuffles, sample_weight=sample_weight, class_weight=class_weight,
        )  # fmt: skip
        validation = None
        if validation_data is not None:
            x_y, weights = _pair(validation_data)
            size = batch_size if validation_batch_size is None else validation_batch_size
            validation = feed(*x_y, size, "fit (validation_data)", sample_weight=weights)
        elif validation_split:
            training, validation = training.split(float(validation_split))
        with (
            self._steps.use(self, "train_step") as step,
            self._steps.use(self, "test_step") if validation is not None else nullcontext() as test_step,
        ):
            epoch_range = range(initial_epoch, epochs)
            return self._fit(training, step, validation, test_step, epoch_range, verbose, as_list(callbacks))

    def _fit(
        self, training: Feed, step: Step, validation: Feed | None, test_step: Step | None, epochs: range, verbose: Any,
        callbacks: list[Callback],
    ) -> History:  # fmt: skip
        reporter = progress(verbose)
        self.history = history = History()
        params = {"epochs": epochs.stop, "steps": training.steps, "verbose": verbose}
        backups = [callback for callback in callbacks if isinstance(callback, BackupAndRestore)]
        others = [*(callback for callback in callbacks if callback not in backups), history]
        hooks = CallbackList([*([reporter] if reporter else []), *others, *backups], self, params)
        self.stop_training = self.was_interrupted = False
        for each, batches in ((step, training), (test_step, validation)):
            if each is not None and batches is not None:
                each.is_watchful = act_within_epochs(callbacks) or batches.runs_code
        train_step = Watch(self, step, stops=not any(isinstance(callback, TerminateOnNaN) for callback in callbacks))
        logs: Logs = {}
        epoch = epochs.start
        try:
            hooks("on_train_begin", {})
            for backup in backups:
                epochs = range(backup.resume(others, training) or epochs.start, epochs.stop)
            for epoch in epochs:
                hooks("on_epoch_begin", epoch, {})
                logs = self._epoch(training, hooks, "train", train_step)
                train_step.end(logs.get("loss", 0.0))
                if validation is not None and test_step is not None:
                    results = self._test(validation, hooks, test_step)
                    logs = logs | {f"val_{name}": value for name, value in results.items()}
                hooks("on_epoch_end", epoch, logs)
                for backup in backups:
                    backup.save(epoch, others, training)
                if self.stop_training:
                    break
        except KeyboardInterrupt:
            self.stop_training = self.was_interrupted = True  # tells whoever called `fit` in a loop
            if reporter:
                reporter.close()
                print(
                    f"Interrupted in epoch {epoch + 1} of {epochs.stop}: the model keeps its present weights, the "
                    f"history its {len(history.epoch)} complete epochs.",
                    file=sys.stderr,
                )
        finally:
            if reporter:
                reporter.close()
        hooks("on_train_end", logs)
        return history

    def _epoch(self, batches: Feed, hooks: CallbackList, kind: str, step: Step | Watch) -> Logs:
        """Hand all batches to `step`, between the hooks of that kind; return the numbers over all of them."""
        self.reset_metrics()
        step.refresh()
        begin, end = f"on_{kind}_batch_begin", f"on_{kind}_batch_end"
        wants_logs = hooks.has(end)
        logs = None
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # training that diverges shows in the loss
            for number, batch in enumerate(batches):
                if not self._is_ready:
                    x, y, *_ = batch
                    self._get_ready(x, y, "fit" if kind == "train" else "evaluate")
                hooks(begin, number, {})
                logs = _plain(step(tuple(map(wrap, batch))))
                if wants_logs:
                    hooks(end, number, self._results() if logs is None else logs)
                if self.stop_training and kind == "train":
                    break
        return self._results() if logs is None else logs

    def _test(self, batches: Feed, hooks: CallbackList, step: Step) -> Logs:
        hooks("on_test_begin", {})
        logs = self._epoch(batches, hooks, "test", step)
        hooks("on_test_end", logs)
        return logs

    # Use --------------------------------------------------------------------------------------------------

    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int = 32,
        verbose: Any = "auto",
        sample_weight: Any = None,
        *,
        callbacks: Sequence[Callback] | Callback | None = None,
        return_dict: bool = False,
        **surplus: Any,
    ) -> Any:
        """The loss and the metrics on given data.

        Parameters
        ----------
        x, y, batch_size, verbose, sample_weight, callbacks
            As for `fit`.
        return_dict : bool
            Whether the numbers come by name.

        Returns
        -------
        float, list of float, or dict
            The loss; followed by the metrics if there are any.

        Raises
        ------
        RuntimeError, ValueError
            As for `fit`.
        """
        self._require_compiled("evaluate")
        _refuse_surplus("evaluate", surplus, steps=None)
        batches = feed(x, y, batch_size, "evaluate", sample_weight=sample_weight)
        reporter = progress(verbose)
        params = {"epochs": 1, "steps": batches.steps, "verbose": verbose}
        hooks = CallbackList([*([reporter] if reporter else []), *as_list(callbacks)], self, params)
        try:
            with self._steps.use(self, "test_step") as step:
                step.is_watchful = act_within_epochs(as_list(callbacks)) or batches.runs_code
                logs = self._test(batches, hooks, step)
        finally:
            if reporter:
                reporter.close()
        return logs if return_dict else _flat(logs)

    def predict(
        self,
        x: Any,
        batch_size: int = 32,
        verbose: Any = "auto",
        *,
        callbacks: Sequence[Callback] | Callback | None = None,
        **surplus: Any,
    ) -> Any:
        """The outputs for given inputs, batch by batch.

        Parameters
        ----------
        x : array-like, or iterable of batches
            Samples along the first axis. Of batches that are tuples, the first item is taken.
        batch_size, verbose, callbacks
            As for `fit`; a progress bar is shown on a terminal only.

        Returns
        -------
        ndarray, or where the model returns a list, tuple or dict, such a one of ndarrays
            Samples along the first axis.

        Raises
        ------
        ValueError
            The data is empty, has NaN or inf in it, or does not fit the model.
        """
        _refuse_surplus("predict", surplus, steps=None)
        batches = feed(x, None, batch_size, "predict", with_labels=False)
        reporter = progress(verbose)
        params = {"epochs": 1, "steps": batches.steps, "verbose": verbose}
        hooks = CallbackList([*([reporter] if reporter else []), *as_list(callbacks)], self, params)
        outputs = []
        try:
            with self._steps.use(self, "predict_step") as step:
                step.is_watchful = act_within_epochs(as_list(callbacks)) or batches.runs_code
                hooks("on_predict_begin", {})
                step.refresh()
                for number, batch in enumerate(batches):
                    hooks("on_predict_batch_begin", number, {})
                    outputs.append(map_structure(_as_array, _unrecorded(step, tuple(map(wrap, batch)))))
                    hooks("on_predict_batch_end", number, {})
                hooks("on_predict_end", {})
        finally:
            if reporter:
                reporter.close()
        leaves = iter([np.concatenate(batches) for batches in zip(*map(flatten, outputs))])
        return map_structure(lambda _: next(leaves), outputs[0])

    def train_on_batch(
        self,
        x: Any,
        y: Any,
        sample_weight: Any = None,
        class_weight: Mapping[int, float] | None = None,
        *,
        return_dict: bool = False,
    ) -> Any:
        """Take one step of training on one batch.

        Parameters
        ----------
        x, y : array-like
            Samples along the first axis.
        sample_weight, class_weight
            As for `fit`.
        return_dict : bool

        Returns
        -------
        float, list of float, or dict
            Loss and metrics of this batch, before the step. As `evaluate`.
        """
        batches = feed(x, y, sys.maxsize, "train_on_batch", sample_weight=sample_weight, class_weight=class_weight)
        return self._on_batch(batches, "train_on_batch", self.train_step, return_dict)

    def test_on_batch(self, x: Any, y: Any, sample_weight: Any = None, *, return_dict: bool = False) -> Any:
        """Evaluate one batch. See `train_on_batch`."""
        batches = feed(x, y, sys.maxsize, "test_on_batch", sample_weight=sample_weight)
        return self._on_batch(batches, "test_on_batch", self.test_step, return_dict)

    def _on_batch(self, batches: Feed, method: str, step: Callable[..., Any], return_dict: bool) -> Any:
        self._require_compiled(method)
        (batch,) = batches
        if not self._is_ready:
            self._get_ready(batch[0], batch[1], method)
        self.reset_metrics()
        logs = _plain(step(tuple(map(wrap, batch))))
        logs = self._results() if logs is None else logs
        return logs if return_dict else _flat(logs)


BUILDS_NOTHING.add(Model.build)
restored(
    Model, *saving.COMPILED, "_is_compiled", "_is_ready", "_loss_mean", "_metrics", "_steps", "_suspected", "history",
    "stop_training", "was_interrupted",
)  # fmt: skip

_STEPS = {"fit": "train_step", "train_on_batch": "train_step", "evaluate": "test_step", "test_on_batch": "test_step"}
"""The step that a method takes."""


def _refuse_surplus(method: str, given: Mapping[str, Any], **without_effect: Any) -> None:
    """Raise for arguments that Keras's method has and this one has not, unless they ask for nothing."""
    wrong = [name for name, value in given.items() if name not in without_effect or value != without_effect[name]]
    if wrong:
        fix = "Pass fewer samples, or batches" if any("steps" in name for name in wrong) else "Leave it away"
        raise TypeError(f"{method} does not take {', '.join(f'{name}={given[name]!r}' for name in wrong)}. {fix}.")


def _pair(validation_data: Any) -> tuple[tuple[Any, Any], Any]:
    """`validation_data` as (x, y) or (batches, None), and the weights of the samples."""
    if isinstance(validation_data, (tuple, list)) and not (validation_data and isinstance(validation_data[0], tuple)):
        if len(validation_data) not in (2, 3):
            raise ValueError(
                "fit expected validation_data to be a pair (x, y) or (x, y, weights), or to yield such. Received: a "
                f"{type(validation_data).__name__} of {len(validation_data)}."
            )
        x, y, *weights = validation_data
        return (x, y), weights[0] if weights else None
    return (validation_data, None), None


def _unrecorded(step: Callable[..., Any], data: Any) -> Any:
    """The result of a step that no open tape sees: it leaves as plain arrays."""
    with ExitStack() as stack:
        stack.enter_context(unobserved())
        for tape in recording_tapes():
            stack.enter_context(tape.stop_recording())
        return step(data)


def _as_array(leaf: Any) -> Any:
    return leaf.numpy() if isinstance(leaf, Tensor) else np.asarray(leaf)


def _plain(logs: Any) -> Logs | None:
    """What an overridden step returned, as floats."""
    return None if logs is None else {name: float(value) for name, value in logs.items()}


def _flat(logs: Logs) -> Any:
    values = list(logs.values())
    return values[0] if len(values) == 1 else values


def _bytes(count: float) -> str:
    for unit in ("bytes", "KiB", "MiB"):
        if count < 1024:
            return f"{count:.0f} {unit}" if unit == "bytes" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} GiB"


class Sequential(Model):
    """Layers, each applied to what the one before it returned.

    Parameters
    ----------
    layers : list of Layer, optional
        May start with `Input`, or with a layer that has an `input_shape`: then the weights are made at once,
        otherwise when the first batch arrives.
    name : str, optional
    trainable : bool

    Raises
    ------
    TypeError
        Something else than a Layer.
    ValueError
        Two layers have the same name, or one comes twice.

    Examples
    --------
    >>> import numpy as np
    >>> from tinygrad_lite import nn
    >>> model = nn.Sequential([nn.Flatten(), nn.Dense(8, activation="relu"), nn.Dense(3, activation="softmax")])
    >>> probabilities = model(np.zeros((5, 4, 4)))
    >>> probabilities.shape
    (5, 3)
    >>> [layer.name for layer in model.layers]
    ['flatten', 'dense', 'dense_1']
    """

    _is_chain = True  # each layer's output is the next one's input, which drawings show

    def __init__(
        self, layers: Iterable[Layer | Input] | None = None, trainable: bool = True, name: str | None = None
    ) -> None:
        super().__init__(name=name, trainable=trainable)
        self._layers: list[Layer] = []
        self._input: Input | None = None
        if layers is not None and not isinstance(layers, (list, tuple)):
            raise TypeError(
                f"Sequential expected a list of layers. Received: {layers!r}. Put the layers into brackets: "
                "Sequential([layer, layer])."
            )
        self._extend(layers or ())
        self._build_if_known()

    def add(self, layer: Layer | Input) -> None:
        """Append a layer.

        Raises
        ------
        TypeError
            `layer` is not a Layer.
        ValueError
            The model has it already, or has one of its name.
        """
        self._extend([layer])
        self._build_if_known()

    def pop(self) -> Layer:
        """Take the last layer away, and return it.

        Raises
        ------
        ValueError
            There is none.
        """
        if not self._layers:
            raise ValueError(f"{self.name}.pop expected a layer to take away. Received: a model without layers.")
        layer = self._layers.pop()
        self._output_shape = self._layers[-1]._output_shape if self._layers else None
        self.built = self.built and bool(self._layers)
        self._forget_output()
        return layer

    def _extend(self, layers: Iterable[Any]) -> None:
        seen, names = set(map(id, self._layers)), {layer.name for layer in self._layers}
        taken = {layer.name for layer in parts(self)[1] if not layer._is_named_by_class}
        counts: dict[str, int] = {}
        for layer in layers:
            if isinstance(layer, Input):
                if self._layers or self._input is not None:
                    raise ValueError("Sequential expected Input as its first item only. Received: Input after a layer.")
                self._input = layer
                continue
            if not isinstance(layer, Layer):
                raise TypeError(_not_a_layer(layer))
            if id(layer) in seen:
                raise ValueError(
                    f"Sequential expected every layer once. Received: {layer.name!r} twice. Make a second layer, or "
                    "subclass nn.Model to use the same weights twice."
                )
            if not layer._is_named_by_class and layer.name in names:
                raise ValueError(
                    f"Sequential expected layers of different names. Received: two called {layer.name!r}. Pass another "
                    "name=... to one."
                )
            self._layers.append(layer)
            if layer._is_named_by_class:
                name_child(self, layer, taken, counts)
            seen.add(id(layer))
            names.add(layer.name)
            taken.add(layer.name)
        self._forget_output()

    def _forget_output(self) -> None:
        """The output is another one now: metrics have to be made for it."""
        self._metrics, self._is_ready = None, False

    def _build_if_known(self) -> None:
        """Build what is not built where the shape of its input is known."""
        if not self._layers or weights_are_given():
            return
        if self.built:  # a layer was added to a model in use
            with inside(self):
                self._layers[-1].try_with_zeros(self._output_shape)
            self._output_shape = self._layers[-1]._output_shape
            return
        sample = self._input.shape if self._input is not None else self._layers[0]._sample_shape
        if sample is not None:
            self.build((None, *sample))

    def call(self, inputs: Any) -> Any:
        if not self._layers:
            raise ValueError(f"{self.name} expected at least one layer. Received: none. Use add(layer).")
        x = inputs
        for layer in self._layers:
            x = layer(x)
        return x

    def get_config(self) -> dict[str, Any]:
        layers: list[Any] = [self._input] if self._input is not None else []
        return {"layers": [*layers, *self._layers], "name": self.name, "trainable": self.trainable}


restored(Sequential, "_layers", "_input")
register_built_in({"Sequential": Sequential})


def _not_a_layer(value: Any) -> str:
    if isinstance(value, type) and issubclass(value, Layer):
        fix = f"Make one of the class: {value.__name__}(...)."
    elif callable(value):
        fix = "Wrap a function as nn.Activation(function)."
    elif isinstance(value, str):
        fix = f"For an activation by name use nn.Activation({value!r})."
    else:
        fix = "Layers are nn.Dense(...), nn.Flatten() and so on."
    return f"Sequential expected layers. Received: {value!r} of type {type(value).__name__}. {fix}"
