"""Models: layers together, which can be trained.

`Model` is a layer with `fit`, `evaluate` and `predict`. One step of training is one method, `train_step`: forward,
loss, gradients, update, metrics. Its pieces and the loop around it are in `training`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tinygrad_lite import optim
from tinygrad_lite.core.tape import GradientTape
from tinygrad_lite.core.tensor import Tensor
from tinygrad_lite.nn import losses
from tinygrad_lite.nn import metrics as metrics_module
from tinygrad_lite.nn.callbacks.callback_list import as_list
from tinygrad_lite.nn.callbacks.history import History
from tinygrad_lite.nn.layers.layer import BUILDS_NOTHING, Layer
from tinygrad_lite.nn.layers.search import name_children, parts
from tinygrad_lite.nn.saving.model_file import COMPILED
from tinygrad_lite.nn.saving.registry import restored
from tinygrad_lite.nn.saving.savable import Savable
from tinygrad_lite.nn.summary import summary_text
from tinygrad_lite.nn.training import loop
from tinygrad_lite.nn.training.arguments import check_fit, refuse_surplus, validation_pair
from tinygrad_lite.nn.training.checks import check_found, reached
from tinygrad_lite.nn.training.compiled_step import Steps
from tinygrad_lite.nn.training.data import DataAdapter, adapt
from tinygrad_lite.nn.training.first_batch import PACKAGE_STEPS
from tinygrad_lite.nn.training.objective import forward, update_metrics
from tinygrad_lite.nn.training.trainable import Batch, Logs, TrainableModel
from tinygrad_lite.utils.callback import Callback
from tinygrad_lite.utils.printing import printable, show

__all__ = ["Model"]


class Model(TrainableModel, Savable, builds_once=False):  # its `build` only calls it
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
        return summary_text(self, self.layers)

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
        self._is_compiled, self._is_ready, self._warned, self._steps = True, False, set(), Steps()

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
        variables, optimizer = self.trainable_variables, self.optimizer
        check_found(self, tape)
        if not optimizer.built:
            optimizer.build(variables)
        optimizer.apply_gradients(reached(self, tape.gradient(loss, variables), variables))
        update_metrics(self, loss, y_pred, data)
        return None

    def test_step(self, data: tuple[Tensor, ...]) -> Logs | None:
        """Evaluate one batch; override it for an own way. See `train_step`."""
        loss, y_pred = self._forward(data, training=False)
        update_metrics(self, loss, y_pred, data)
        return None

    def predict_step(self, data: tuple[Tensor, ...]) -> Any:
        """The outputs for one batch; override it for an own way."""
        return self(data[0], training=False)

    def _forward(self, data: Batch, training: bool) -> tuple[Tensor, Tensor]:
        """The loss and the output."""
        return forward(self, data, training)

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
        refuse_surplus("fit", surplus, steps_per_epoch=None, validation_steps=None, validation_freq=1)
        check_fit(epochs, initial_epoch, validation_split)
        training = adapt(
            x, y, batch_size, "fit",
            shuffle=bool(shuffle), generator=self._shuffles, sample_weight=sample_weight, class_weight=class_weight,
        )  # fmt: skip
        validation = None
        if validation_data is not None:
            x_y, weights = validation_pair(validation_data)
            size = batch_size if validation_batch_size is None else validation_batch_size
            validation = adapt(*x_y, size, "fit (validation_data)", sample_weight=weights)
        elif validation_split:
            training, validation = training.split(float(validation_split))
        return loop.fit(self, training, validation, range(initial_epoch, epochs), verbose, as_list(callbacks))

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
        refuse_surplus("evaluate", surplus, steps=None)
        batches = adapt(x, y, batch_size, "evaluate", sample_weight=sample_weight)
        logs = loop.evaluate(self, batches, verbose, as_list(callbacks))
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
        refuse_surplus("predict", surplus, steps=None)
        batches = adapt(x, None, batch_size, "predict", with_labels=False)
        return loop.predict(self, batches, verbose, as_list(callbacks))

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
        batches = adapt(x, y, sys.maxsize, "train_on_batch", sample_weight=sample_weight, class_weight=class_weight)
        return self._on_batch(batches, "train_on_batch", self.train_step, return_dict)

    def test_on_batch(self, x: Any, y: Any, sample_weight: Any = None, *, return_dict: bool = False) -> Any:
        """Evaluate one batch. See `train_on_batch`."""
        batches = adapt(x, y, sys.maxsize, "test_on_batch", sample_weight=sample_weight)
        return self._on_batch(batches, "test_on_batch", self.test_step, return_dict)

    def _on_batch(
        self, batches: DataAdapter, method: str, step: Callable[[Batch], Logs | None], return_dict: bool
    ) -> float | list[float] | Logs:
        self._require_compiled(method)
        logs = loop.run_on_batch(self, batches, method, step)
        return logs if return_dict else _flat(logs)


BUILDS_NOTHING.add(Model.build)
restored(
    Model, *COMPILED, "_is_compiled", "_is_ready", "_loss_mean", "_metrics", "_steps", "_warned", "history",
    "stop_training", "was_interrupted",
)  # fmt: skip

PACKAGE_STEPS.update((Model.train_step, Model.test_step))


def _flat(logs: Logs) -> Any:
    values = list(logs.values())
    return values[0] if len(values) == 1 else values
