"""The base class of metrics, and the weighted mean that most of them are.

A mean keeps a weighted sum and the sum of the weights, both in float64, and divides at the end. The result is that of
the whole epoch. A mean of batch means would count the samples of a small last batch more than the others.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np

from tinygrad_lite import ops
from tinygrad_lite.core.tensor import Tensor, TensorLike, to_tensor
from tinygrad_lite.core.variable import Variable
from tinygrad_lite.nn import initializers
from tinygrad_lite.nn.losses.alignment import weights_of
from tinygrad_lite.nn.losses.loss import floating
from tinygrad_lite.utils.settings import Checked, is_real
from tinygrad_lite.utils.types import DTypeLike

__all__ = ["Mean", "Metric", "WeightedMean", "threshold_number"]


class Metric(Checked):
    """The base class of metrics. A subclass defines `update_state` and `result`.

    Parameters
    ----------
    name : str, optional
        Its name in the history. Default: the class's name in snake case.
    dtype : floating dtype, optional
        The dtype of `result()`. The state is in float64, unless `add_variable` gets a dtype.

    Raises
    ------
    ValueError
        The name is that of a dtype, or the dtype is not floating.

    Examples
    --------
    >>> class Largest(Metric):
    ...     def __init__(self):
    ...         super().__init__("largest")
    ...         self.largest = self.add_variable("largest")
    ...     def update_state(self, y_true, y_pred, sample_weight=None):
    ...         self.largest.assign(max(self.largest.item(), float(y_pred.max())))
    ...     def result(self):
    ...         return self.largest.value()
    >>> metric = Largest()
    >>> metric.update_state(None, Tensor([1.0, 3.0]))
    >>> metric.result().item()
    3.0
    """

    _settings: ClassVar[dict[str, Callable[[Any, Any], Any]]] = {
        "dtype": lambda self, value: floating(type(self).__name__, value),
        "direction": lambda self, value: _checked_direction(value),
        "threshold": lambda self, value: threshold_number(self, value),
    }
    dtype: Any  # all that NumPy takes as a dtype may be set; a dtype or None is kept
    direction: str | None = None
    """Which results are better: "max" means larger, "min" smaller. None: not known, so callbacks need `mode`."""

    def __init__(self, name: str | None = None, *, dtype: DTypeLike | None = None) -> None:
        if name in ("float16", "float32", "float64") or not isinstance(name, str | None):
            raise ValueError(
                f"{type(self).__name__} expected a name first. Received: name={name!r}. Pass a dtype by name: "
                "dtype='float32'."
            )
        self.name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", type(self).__name__).lower() if name is None else name
        self.dtype = dtype
        self._variables: list[Variable] = []

    @property
    def variables(self) -> list[Variable]:
        """The metric's state."""
        return list(self._variables)

    def add_variable(
        self,
        shape: Sequence[int] | int | str = (),
        initializer: Any = "zeros",
        dtype: DTypeLike | None = None,
        *,
        name: str | None = None,
    ) -> Variable:
        """Add a Variable to the state; `reset_state` sets it to zero.

        Parameters
        ----------
        shape : tuple of int
            Default: a single number. A string here is the name of a single number.
        initializer : str, Initializer or function
            Its initial value: see `nn.initializers`.
        dtype : dtype, optional
            Default: float64.
        name : str, optional

        Returns
        -------
        Variable, of the given shape
        """
        if isinstance(shape, str):
            return self.add_variable((), initializer, dtype, name=shape)
        lengths = (shape,) if isinstance(shape, int) else tuple(shape)
        kind = np.dtype("float64" if dtype is None else dtype)
        value = initializers.get("zeros" if initializer is None else initializer)(lengths, dtype=kind)
        name = f"{self.name}/{name or 'variable'}"
        variable = Variable(value, trainable=False, name=name, dtype=kind)
        self._variables.append(variable)
        return variable

    def add_weight(
        self,
        shape: Sequence[int] | int | str = (),
        initializer: Any = None,
        dtype: DTypeLike | None = None,
        name: str | None = None,
    ) -> Variable:
        """The older name of `add_variable`."""
        return self.add_variable(shape, initializer, dtype, name=name)

    def __call__(self, *args: Any, **kwargs: Any) -> Tensor:
        """`update_state` with the given arguments; returns `result()`."""
        self.update_state(*args, **kwargs)
        return self.result()

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:  # Tensors in `fit`
        """Add one batch."""
        raise NotImplementedError(f"{type(self).__name__} must define update_state(self, y_true, y_pred, ...).")

    def result(self) -> Tensor:
        """The value over all batches since the start or `reset_state`."""
        raise NotImplementedError(f"{type(self).__name__} must define result(self).")

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {"name": self.name} if self.dtype is None else {"name": self.name, "dtype": self.dtype.name}

    def reset_state(self) -> None:
        """Forget all batches."""
        for variable in self._variables:
            variable.assign(np.zeros(variable.shape, variable.dtype))

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}>"


class WeightedMean(Metric):
    """A weighted sum of values and the sum of the weights."""

    def __init__(self, name: str | None = None, dtype: DTypeLike | None = None) -> None:
        super().__init__(name, dtype=dtype)
        self.total = self.add_variable("total")
        self.count = self.add_variable("count")

    def _add(self, values: Tensor, sample_weight: TensorLike | None) -> None:
        total: Tensor
        count: Tensor | float
        if sample_weight is None:
            total, count = ops.sum(values, dtype=np.float64), float(values.size)
        else:
            values = ops.cast(values, np.float64)
            weight = weights_of(values, sample_weight)
            total, count = ops.sum(values * weight), ops.sum(ops.broadcast_to(weight, values.shape))
        self.total.assign_add(total)
        self.count.assign_add(count)

    def result(self) -> Tensor:
        """The mean over all batches since the start or `reset_state`; 0 if there were none."""
        mean = self.total / ops.where(self.count == 0, 1.0, self.count)
        return mean if self.dtype is None else ops.cast(mean, self.dtype)


class Mean(WeightedMean):
    """The weighted mean of values.

    Parameters
    ----------
    name : str
    dtype : floating dtype, optional
        The dtype of `result()`.

    Examples
    --------
    >>> mean = Mean()
    >>> mean.update_state([1.0, 2.0, 3.0])
    >>> mean.update_state([10.0])
    >>> mean.result().item()
    4.0
    """

    def __init__(self, name: str | None = "mean", dtype: DTypeLike | None = None) -> None:
        super().__init__(name, dtype)

    def update_state(self, values: TensorLike, sample_weight: TensorLike | None = None) -> None:  # type: ignore[override]
        """Add values of any shape, each with its weight."""
        self._add(to_tensor(values), sample_weight)


def threshold_number(metric: object, value: Any) -> float:
    if not is_real(value):
        raise ValueError(f"{type(metric).__name__} expected a number as threshold. Received: threshold={value!r}.")
    return float(value)


def _checked_direction(value: Any) -> str | None:
    if value not in ("min", "max", None):
        raise ValueError(f"Expected direction to be 'min', 'max' or None. Received: direction={value!r}.")
    return None if value is None else str(value)
