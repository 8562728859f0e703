"""Numbers over the course of training: learning curves, and the norms of gradients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import numpy as np

from tinygrad_lite.core.tensor import TensorLike
from tinygrad_lite.viz.plots.canvas import (
    COLOURS,
    DASHES,
    MUTED,
    as_array,
    axes_of,
    new_figure,
    style,
    whole_numbers,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["gradient_flow", "learning_curves"]

VALIDATION = "val_"


class HasHistory(Protocol):
    """What `fit` returns, and callbacks that record loss and metrics."""

    @property
    def history(self) -> Mapping[str, Sequence[float]]: ...


class HasNorms(Protocol):
    """A callback that records norms of gradients, as `viz.GradientNorms` does."""

    @property
    def norms(self) -> Mapping[str, Sequence[float]]: ...


HistoryLike: TypeAlias = HasHistory | Mapping[str, Sequence[float]]


def learning_curves(
    histories: HistoryLike | Sequence[HistoryLike] | Mapping[str, HistoryLike],
    metrics: Sequence[str] | str | None = None,
    *,
    ax: Axes | None = None,
) -> Figure:
    """Draw loss and metrics over epochs, each in a panel; validation is dashed.

    Parameters
    ----------
    histories : History, or dict of str to list of float; or a dict or list of several
        What `fit` returned, or its `history`. A dict of histories compares them under its keys.
    metrics : str or list of str, optional
        Which ones to draw, without `val_`. Default: all.
    ax : matplotlib Axes, optional
        The axes to draw a single metric on; without `metrics`, the first one of the history.

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    ValueError
        There is no epoch, a metric is in none of the histories, or `ax` is given with several metrics.
    TypeError
        `histories` contains something other than a history.

    Examples
    --------
    >>> figure = learning_curves({"loss": [0.9, 0.4, 0.3], "val_loss": [0.8, 0.5, 0.5]})
    >>> [axes.get_title() for axes in figure.axes]
    ['loss']
    """
    runs = _runs(histories)
    available = list(dict.fromkeys(name.removeprefix(VALIDATION) for run, _ in runs.values() for name in run))
    if not available or not any(len(values) for run, _ in runs.values() for values in run.values()):
        raise ValueError("learning_curves expected at least one epoch. Received: empty histories. Call fit first.")
    if metrics is None:
        chosen = available if ax is None else available[:1]
    else:
        chosen = [metrics] if isinstance(metrics, str) else list(metrics)
    unknown = [name for name in chosen if name not in available]
    if unknown or (ax is not None and len(chosen) > 1):
        expected = f"metrics among {available}" if unknown else "one metric on one ax"
        raise ValueError(f"learning_curves expected {expected}. Received: metrics={metrics!r}.")
    if ax is None:
        figure = new_figure(1.2 + 3.6 * len(chosen), 3.3)
        panels = list(figure.subplots(1, len(chosen), squeeze=False).flat)
    else:
        figure, panels = axes_of(ax)[0], [ax]
    for axes, metric in zip(panels, chosen):
        _draw_metric(axes, metric, runs)
    return figure


def _runs(histories: Any) -> dict[str, tuple[Mapping[str, Any], Any]]:
    """The numbers and the epochs of each run, by the label of the run."""
    if _numbers(histories) is not None:
        histories = {"": histories}
    elif isinstance(histories, (list, tuple)):
        histories = {f"run {n}": history for n, history in enumerate(histories, 1)}
    runs = {}
    for label, history in histories.items() if isinstance(histories, Mapping) else [("", histories)]:
        numbers = _numbers(history)
        if numbers is None:
            raise TypeError(
                "learning_curves expected what fit returned, its .history, or a dict or list of those. "
                f"Received: {type(history).__name__}."
            )
        runs[str(label)] = (numbers, getattr(history, "epoch", None))
    return runs


def _numbers(history: Any) -> Mapping[str, Any] | None:
    numbers = getattr(history, "history", history)
    if isinstance(numbers, Mapping) and not any(_is_history(value) for value in numbers.values()):
        return numbers
    return None


def _is_history(value: Any) -> bool:
    return isinstance(value, Mapping) or hasattr(value, "history")


def _draw_metric(axes: Any, metric: str, runs: Mapping[str, tuple[Mapping[str, Any], Any]]) -> None:
    is_validated = any(VALIDATION + metric in numbers for numbers, _ in runs.values())
    for n, (label, (numbers, epochs)) in enumerate(runs.items()):
        colour = COLOURS[n % len(COLOURS)]
        for prefix, kind, dashes in (("", "training", "-"), (VALIDATION, "validation", "--")):
            values = numbers.get(prefix + metric)
            if values is None:
                continue
            counted = epochs is not None and len(epochs) == len(values)
            x = np.asarray(epochs if counted else range(len(values))) + 1
            shade = colour if len(runs) > 1 or not prefix else COLOURS[1]
            name = ", ".join(part for part in (label, kind if is_validated or not label else "") if part)
            marker = "o" if len(values) < 30 else ""
            axes.plot(x, values, dashes, color=shade, label=name, marker=marker, markersize=3.5, linewidth=1.6)
    style(axes)
    whole_numbers(axes.xaxis)
    axes.set(title=metric.replace("_", " "), xlabel="epoch")
    axes.legend(frameon=False, fontsize=9)


def gradient_flow(norms: HasNorms | Mapping[str, TensorLike], *, ax: Axes | None = None) -> Figure:
    """Draw the norm of each parameter's gradient through training, on a logarithmic axis.

    If gradients vanish or explode towards the first layers, the curves are apart by powers of ten. Colours go
    from dark for the first layer to light for the last; biases are dashed.

    Parameters
    ----------
    norms : viz.GradientNorms, or dict of str to sequence of float
        The norms of each parameter's gradient at each step, by the name of the parameter.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    ValueError
        There are no norms.

    Examples
    --------
    >>> figure = gradient_flow({"dense/kernel": [1.0, 0.5, 0.2], "dense/bias": [0.3, 0.2, 0.1]})
    >>> figure.axes[0].get_yscale()
    'log'
    """
    steps = getattr(norms, "steps", None)
    given: Any = getattr(norms, "norms", norms)  # the norms of a callback, or the mapping itself
    series = {str(name): as_array(values) for name, values in given.items()}
    if not series or not any(values.size for values in series.values()):
        raise ValueError(
            "gradient_flow expected the norms of at least one step. Received: none. Train with "
            "callbacks=[viz.GradientNorms(x, y)] first."
        )
    figure, axes = axes_of(ax, 6.4, 3.6)
    import matplotlib

    palette = matplotlib.colormaps["cividis"]
    layers = list(dict.fromkeys(name.rpartition("/")[0] or name for name in series))
    for name, values in series.items():
        layer = layers.index(name.rpartition("/")[0] or name)
        colour = palette(0.9 * layer / max(len(layers) - 1, 1))
        x = np.arange(1, len(values) + 1) if steps is None or len(steps) != len(values) else np.asarray(steps)
        shown = np.where(values > 0, values, np.nan)  # zero cannot be drawn on a logarithmic axis
        axes.plot(x, shown, DASHES[name.endswith("bias")], color=colour, linewidth=1.5, label=name)
    axes.set(yscale="log", xlabel="step", ylabel="norm of the gradient", title="gradient flow")
    style(axes)
    whole_numbers(axes.xaxis)
    if zero := [name for name, values in series.items() if values.size and not values[-1]]:
        axes.text(0.01, 0.02, f"zero at the end: {', '.join(zero)}", transform=axes.transAxes, color=MUTED, fontsize=8)
    axes.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure
