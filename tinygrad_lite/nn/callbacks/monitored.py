"""A number of an epoch that callbacks monitor, and which of its values are better."""

from __future__ import annotations

import math
from typing import Any

from tinygrad_lite.utils.callback import Logs

__all__ = ["MonitoredValue"]


class MonitoredValue:
    """A number in the logs, and how two of its values are compared.

    Parameters
    ----------
    owner : str
        The callback, for error messages.
    monitor : str
    mode : "auto", "min" or "max"
        "auto": the `direction` of the metric with this name, see `Metric.direction`; "min" for losses.
    min_delta : float
        A smaller improvement does not count.
    """

    def __init__(self, owner: str, monitor: str, mode: str, min_delta: float = 0.0) -> None:
        if mode not in ("auto", "min", "max"):
            raise ValueError(f"{owner} expected mode to be 'auto', 'min' or 'max'. Received: mode={mode!r}.")
        self.owner = owner
        self.monitor = monitor
        self.min_delta = abs(float(min_delta))
        self.mode = mode
        self.wants_more = mode == "max"

    def begin(self, model: Any) -> None:
        """When training begins: raise if it is not known which values of the metric are better."""
        if self.mode == "auto" and any(metric.name == self._name for metric in model._known_metrics()):
            self._find_out(model)

    @property
    def _name(self) -> str:
        return self.monitor.removeprefix("val_")

    def _find_out(self, model: Any) -> None:
        """Set whether larger or smaller is better, by the metric's `direction`."""
        directions = {metric.name: getattr(metric, "direction", None) for metric in model._known_metrics()}
        direction = "min" if self._name == "loss" else directions.get(self._name)
        if direction not in ("min", "max"):
            raise ValueError(
                f"{self.owner} expected to know which {self.monitor} is better. Received: mode='auto', and a metric "
                "without a direction. Pass mode='min' if smaller is better, or mode='max'. A Metric of your own can "
                "define it as a class attribute: direction = 'min' or 'max'."
            )
        self.wants_more = direction == "max"

    def value(self, logs: Logs | None, model: Any) -> float:
        """The number; raise with a list of all names if it is missing."""
        logs = logs or {}
        if self.monitor not in logs:
            hint = " Pass validation_data or validation_split to fit." if self.monitor.startswith("val_") else ""
            raise ValueError(
                f"{self.owner} expected {self.monitor!r} among the numbers of an epoch. Received: "
                f"{', '.join(repr(name) for name in logs) or 'none'}.{hint}"
            )
        if self.mode == "auto":
            self._find_out(model)
        return float(logs[self.monitor])

    def is_better(self, value: float, reference: float | None) -> bool:
        """Whether `value` improves on `reference`; without a reference, everything but nan does."""
        if reference is None:
            return not math.isnan(value)
        if self.wants_more:
            return value - self.min_delta > reference
        return value + self.min_delta < reference
