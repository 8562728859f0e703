"""Models: layers together, which can be trained.

`Model` is a layer with `fit`, `evaluate` and `predict`. One step of training is one method, `train_step`: forward,
loss, gradients, update, metrics. Its pieces and the loop around it are in `training`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from tinygrad_lite import optim
from tinygrad_lite.core.tape import GradientTape
from tinygrad_lite.core.tensor import Tensor, TensorLike
from tinygrad_lite.nn import losses
from tinygrad_lite.nn import metrics as metrics_module
from tinygrad_lite.nn.callbacks.callback_list import as_list
from tinygrad_lite.nn.callbacks.history import History
from tinygrad_lite.nn.layers.layer import BUILDS_NOTHING, Layer
from tinygrad_lite.nn.layers.search import name_children, parts
from tinygrad_lite.nn.losses import Loss
from tinygrad_lite.nn.metrics import Metric
from tinygrad_lite.nn.saving.model_file import COMPILED
from tinygrad_lite.nn.saving.registry import leave_out
from tinygrad_lite.nn.saving.savable import Savable
from tinygrad_lite.nn.summary import summary_text
from tinygrad_lite.nn.training import loop
from tinygrad_lite.nn.training.arguments import check_fit, refuse_surplus, validation_pair
from tinygrad_lite.nn.training.checks import check_found, reached
from tinygrad_lite.nn.training.compiled_step import Steps
from tinygrad_lite.nn.training.data import DataAdapter, adapt
from tinygrad_lite.nn.training.first_batch import PACKAGE_STEPS
from tinygrad_lite.nn.training.objective import forward, update_metrics
from tinygrad_lite.nn.training.trainable import Batch, Data, Logs, TrainableModel
from tinygrad_lite.optim.optimizer import Optimizer
from tinygrad_lite.utils.callback import Callback
from tinygrad_lite.utils.printing import printable, show

__all__ = ["Model"]

MetricLike: TypeAlias = str | Metric | Callable[..., Any]


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

    def summary(self, *, print_fn: Callable[[str], object] | None = None) -> None:
        """Print the layers with their output shapes and numbers of parameters.

        Parameters
        ----------
        print_fn : callable, optional
            Called with the table as one string. Default: print.

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
        """The table that `summary` prints."""
        return summary_text(self, self.layers)

    # Compiling --------------------------------------------------------------------------------------------

    def compile(
        self, optimizer: str | Optimizer = "rmsprop", loss: str | Loss | Callable[..., Any] | None = None,
        metrics: Sequence[MetricLike] | None = None, *,
        loss_weights: None = None, weighted_metrics: Sequence[MetricLike] | None = None, run_eagerly: bool = False,
        steps_per_execution: int = 1, jit_compile: bool | str = "auto", auto_scale_loss: bool = True,
    ) -> None:  # fmt: skip
        """Set the optimizer, the loss and the metrics.

        If the model ends in softmax or sigmoid and `loss` is the cross-entropy that belongs to it, the loss is
        computed from the logits. The number is the same, and it is exact for confident wrong answers, too.

        Parameters
        ----------
        optimizer : str or Optimizer
            See `optim`.
        loss : str, Loss or function of (y_true, y_pred)
            See `nn.losses`.
        metrics : list of str, Metric or function of (y_true, y_pred), optional
            See `nn.metrics`; "accuracy" is the one that fits the loss and the output. All samples have the same
            weight.
        loss_weights : None
            Not supported, because there is one loss: multiply the loss itself.
        weighted_metrics : list, optional
            Metrics in which samples have the same weights as in the loss: `sample_weight` or `class_weight`.
        run_eagerly : bool
            Whether every step runs operation by operation. If False, `fit`, `evaluate` and `predict` compile steps that
            consist of this package's code, with `tgl.function`; the results are the same. Steps with a layer, loss,
            metric or activation of your own always run eagerly.
        steps_per_execution, jit_compile, auto_scale_loss
            Have no effect.

        Raises
        ------
        ValueError
            A name is unknown. The message lists the known names, and suggests the nearest one.
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
            metrics_module.resolve(identifier, self.loss)  # raises for unknown names
        self._metrics = None
        self._loss_mean = metrics_module.Mean(name="loss")
        self.run_eagerly = bool(run_eagerly)
        self._is_compiled, self._is_ready, self._warned, self._steps = True, False, set(), Steps()

    # One batch --------------------------------------------------------------------------------------------

    def train_step(self, data: Batch) -> Logs | None:
        """Take one step of training. Override it to train in another way.

        Parameters
        ----------
        data : tuple of Tensors
            One batch: (x, y), or (x, y, weights) if samples have weights.

        Returns
        -------
        dict of str to float, or None
            Numbers to report. If None, the results of `metrics` are reported.
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

    def test_step(self, data: Batch) -> Logs | None:
        """Evaluate one batch. Override it to evaluate in another way; see `train_step`."""
        loss, y_pred = self._forward(data, training=False)
        update_metrics(self, loss, y_pred, data)
        return None

    def predict_step(self, data: Batch) -> Any:
        """Compute the outputs for one batch. Override it to predict in another way."""
        return self(data[0], training=False)

    def _forward(self, data: Batch, training: bool) -> tuple[Tensor, Tensor]:
        """The loss and the output."""
        return forward(self, data, training)

    # Training ---------------------------------------------------------------------------------------------

    def fit(
        self,
        x: Data | None = None,
        y: TensorLike | None = None,
        batch_size: int = 32,
        epochs: int = 1,
        verbose: int | str = "auto",
        callbacks: Sequence[Callback] | Callback | None = None,
        validation_split: float = 0.0,
        validation_data: tuple[TensorLike, ...] | Iterable[Any] | None = None,
        shuffle: bool = True,
        class_weight: Mapping[int, float] | None = None,
        sample_weight: TensorLike | None = None,
        initial_epoch: int = 0,
        *,
        validation_batch_size: int | None = None,
        **surplus: Any,
    ) -> History:
        """Train the model.

        Parameters
        ----------
        x : array-like, or iterable of pairs (x_batch, y_batch), or of (x_batch, y_batch, weights)
            Samples along the first axis. An iterable is read once per epoch: a list of batches, a
            `datasets.Batches`, or an object whose `__iter__` starts again. A generator lasts for one epoch.
        y : array-like, optional
            Labels or targets; None if `x` yields pairs. Shapes (n,) and (n, 1) of labels and outputs fit together, and
            so do (..., n) and (..., n, 1). Labels are never broadcast against the outputs.
        batch_size : int
            Samples per step.
        epochs : int
            The number of the last epoch.
        verbose : "auto", 0, 1 or 2
            1 and "auto": a progress bar on a terminal, otherwise one line per epoch. 2: one line per epoch.
            0: nothing.
        callbacks : list of Callback, optional
        validation_split : float
            The share of the samples that is held out and evaluated after every epoch. They are the last samples of
            `x` and `y` before shuffling.
        validation_data : (x, y), (x, y, weights), or iterable of them, optional
            Evaluated after every epoch; instead of `validation_split`.
        shuffle : bool
            Whether the samples of arrays get a new random order in every epoch.
        class_weight : mapping of int to float, optional
            Weights of the samples of each class in the loss, 1 for classes that are not in the mapping. Labels must be
            integers or one-hot.
        sample_weight : array-like, optional
            Weight of each sample in the loss, of shape (samples,) or (samples, 1). For losses with more axes, such as
            those of sequences, (samples, steps) is allowed, too.
        initial_epoch : int
            The number of epochs that were trained before.
        validation_batch_size : int, optional
            Default: `batch_size`.

        Returns
        -------
        History
            `history.history["loss"]` and so on: one number per epoch, over all its samples. It is also returned if
            Ctrl-C or a loss of NaN ended training; the model keeps its present weights.

        Raises
        ------
        RuntimeError
            The model is not compiled.
        ValueError
            The data is empty, of unequal lengths, has NaN or inf in it, or does not fit the model or the loss;
            a number is out of its range. With `tgl.strict()`, also what otherwise gives a SuspicionWarning.

        Warns
        -----
        SuspicionWarning
            The loss became NaN or infinite, and training stopped. In the first epochs after `compile`, once each: the
            loss does not depend on some weights, weights or labels do not change, inputs are large, and the other
            conditions that `tgl.strict` lists.

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
        x: Data | None = None,
        y: TensorLike | None = None,
        batch_size: int = 32,
        verbose: int | str = "auto",
        sample_weight: TensorLike | None = None,
        *,
        callbacks: Sequence[Callback] | Callback | None = None,
        return_dict: bool = False,
        **surplus: Any,
    ) -> Any:
        """Compute the loss and the metrics on given data.

        Parameters
        ----------
        x, y, batch_size, verbose, sample_weight, callbacks
            As for `fit`.
        return_dict : bool
            Whether to return a dict from names to numbers.

        Returns
        -------
        float, list of float, or dict
            The loss. With metrics, a list of the loss and the metrics.

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
        x: Data,
        batch_size: int = 32,
        verbose: int | str = "auto",
        *,
        callbacks: Sequence[Callback] | Callback | None = None,
        **surplus: Any,
    ) -> Any:
        """Compute the outputs for given inputs, batch by batch.

        Parameters
        ----------
        x : array-like, or iterable of batches
            Samples along the first axis. Of batches that are tuples, the first item is taken.
        batch_size, verbose, callbacks
            As for `fit`; a progress bar is shown on a terminal only.

        Returns
        -------
        ndarray, or list, tuple or dict of ndarrays, as the model returns it
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
        x: TensorLike,
        y: TensorLike,
        sample_weight: TensorLike | None = None,
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
            Loss and metrics of this batch before the step, in the form in which `evaluate` returns them.
        """
        batches = adapt(x, y, sys.maxsize, "train_on_batch", sample_weight=sample_weight, class_weight=class_weight)
        return self._on_batch(batches, "train_on_batch", self.train_step, return_dict)

    def test_on_batch(
        self, x: TensorLike, y: TensorLike, sample_weight: TensorLike | None = None, *, return_dict: bool = False
    ) -> Any:
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
leave_out(
    Model, *COMPILED, "_is_compiled", "_is_ready", "_loss_mean", "_metrics", "_steps", "_warned", "history",
    "stop_training", "was_interrupted",
)  # fmt: skip

PACKAGE_STEPS.update((Model.train_step, Model.test_step))


def _flat(logs: Logs) -> Any:
    values = list(logs.values())
    return values[0] if len(values) == 1 else values
