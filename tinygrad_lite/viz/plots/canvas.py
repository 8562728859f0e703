"""Figures without pyplot, and the colours and styles that all plots share."""

from __future__ import annotations

import io
from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np

from tinygrad_lite.core.tensor import Tensor, TensorLike
from tinygrad_lite.utils.types import Array

__all__: list[str] = []

BLUE, RED, GREEN, PURPLE, ORANGE, SKY, BLACK = (
    "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#222222",
)  # fmt: skip
COLOURS = (BLUE, RED, GREEN, PURPLE, ORANGE, SKY, BLACK)
DASHES = ("-", "--", "-.", ":")
MUTED = "#8a8a8a"

MISSING = (
    "Expected matplotlib to be installed, for drawing plots. Received: an ImportError. "
    "Install it: pip install 'tinygrad_lite[viz]'."
)


def new_figure(width: float, height: float) -> Any:
    """A Figure of this size in inches, which needs no display and which a notebook shows."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
    except ImportError as error:
        raise ImportError(MISSING) from error
    figure = _figure_class()(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


@cache
def _figure_class() -> Any:
    """A Figure that IPython shows; without `_repr_png_` it shows only figures made by pyplot."""
    from matplotlib.figure import Figure

    class Picture(Figure):
        def _repr_png_(self) -> bytes:
            buffer = io.BytesIO()
            self.savefig(buffer, format="png", dpi=110)
            return buffer.getvalue()

    return Picture


def axes_of(ax: Any, width: float = 5.0, height: float = 3.4) -> tuple[Any, Any]:
    """The figure and axes to draw on: the caller's, or new ones."""
    if ax is None:
        figure = new_figure(width, height)
        return figure, figure.add_subplot()
    if not hasattr(ax, "plot") or not hasattr(ax, "figure"):
        raise TypeError(
            f"Expected ax to be matplotlib axes. Received: ax={type(ax).__name__}. Pass one of figure.subplots()."
        )
    return ax.figure, ax


def style(axes: Any, *, grid: bool = True) -> None:
    """Style the axes: no top and right border, and a thin grid behind the data."""
    axes.spines[["top", "right"]].set_visible(False)
    if grid:
        axes.grid(alpha=0.25, linewidth=0.6)
        axes.set_axisbelow(True)


def whole_numbers(axis: Any) -> None:
    """Ticks at integers only, for epochs and steps."""
    from matplotlib.ticker import MaxNLocator

    axis.set_major_locator(MaxNLocator(integer=True))


def as_array(value: TensorLike) -> Array:
    """A Tensor or list as an ndarray."""
    return value.numpy() if isinstance(value, Tensor) else np.asarray(value)


def named(values: Any, what: str) -> dict[str, Any]:
    """A mapping unchanged; Variables, or the trainable ones of a model, as a dict by name.

    Repeated names get a number, so that each has a key of its own.
    """
    if isinstance(values, Mapping):
        return dict(values)
    values = getattr(values, "trainable_variables", values)
    if isinstance(values, Tensor):
        values = [values]
    found: dict[str, Any] = {}
    for position, value in enumerate(values):
        name = str(getattr(value, "name", f"{what} {position}"))
        found[name if name not in found else f"{name} ({position})"] = value
    if not found:
        raise ValueError(f"Expected at least one {what}. Received: none. Is the model built? Call it once.")
    return found
