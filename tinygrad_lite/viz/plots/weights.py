"""Histograms of weights and of their gradients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_lite.core.tensor import TensorLike
from tinygrad_lite.utils.types import Array
from tinygrad_lite.viz.plots.canvas import BLUE, MUTED, RED, as_array, named, new_figure, style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["histograms"]


# `variables` is Any, because it may be a model too, and models are on a floor that this file does not import
def histograms(
    variables: Any,
    gradients: Sequence[TensorLike | None] | Mapping[str, TensorLike | None] | None = None,
    *,
    bins: int = 60,
) -> Figure:
    """Draw a histogram of each parameter, and one of its gradient beside it.

    Parameters
    ----------
    variables : model, list of Variables, or dict of str to array
    gradients : list or dict, optional
        The gradients, by name in a dict or in the order of the parameters; None where there is none.
    bins : int

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    ValueError
        There is no parameter, or the number or the shapes of the gradients differ from those of the parameters.

    Examples
    --------
    >>> import numpy as np
    >>> figure = histograms({"kernel": np.arange(12.0)}, {"kernel": np.ones(12)})
    >>> [axes.get_title() for axes in figure.axes]
    ['kernel', 'gradient of kernel']
    """
    weights = {name: as_array(value) for name, value in named(variables, "parameter").items()}
    slopes: dict[str, Any] = {}
    if gradients is not None:
        given = [gradients.get(name) for name in weights] if isinstance(gradients, dict) else list(gradients)
        slopes = {name: None if g is None else as_array(g) for name, g in zip(weights, given)}
        wrong = [name for name, g in slopes.items() if g is not None and g.shape != weights[name].shape]
        if len(given) != len(weights) or wrong:
            shapes = [None if g is None else as_array(g).shape for g in given]
            raise ValueError(
                f"histograms expected a gradient of the shape of each parameter: "
                f"{[w.shape for w in weights.values()]}. Received: {shapes}."
            )
    columns = 2 if gradients is not None else min(len(weights), 3)
    rows = len(weights) if gradients is not None else -(-len(weights) // columns)
    figure = new_figure(3.3 * columns, 1.75 * rows + 0.2)
    grid = figure.subplots(rows, columns, squeeze=False)
    if gradients is None:
        for axes in list(grid.flat)[len(weights) :]:
            axes.remove()
        for axes, (name, values) in zip(grid.flat, weights.items()):
            _histogram(axes, values, name, BLUE, bins)
        return figure
    for (left, right), (name, values) in zip(grid, weights.items()):
        _histogram(left, values, name, BLUE, bins)
        _histogram(right, slopes[name], f"gradient of {name}", RED, bins)
    return figure


def _histogram(axes: Any, values: Array | None, title: str, colour: str, bins: int) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.set_title(title, fontsize=9)
    axes.tick_params(labelsize=8)
    style(axes, grid=False)
    axes.spines["left"].set_visible(False)
    axes.set_yticks([])
    if values is None:
        axes.text(0.5, 0.5, "no gradient", transform=axes.transAxes, ha="center", va="center", color=MUTED)
        return
    flat = values.astype(np.float64).ravel()
    finite = flat[np.isfinite(flat)]
    if finite.size:
        axes.hist(finite, bins=min(bins, max(8, 4 * round(finite.size**0.5))), color=colour, alpha=0.85)
        axes.margins(y=0.35)  # space for the numbers
        axes.xaxis.set_major_locator(MaxNLocator(5))
        axes.axvline(0, color="black", linewidth=0.6)
        about = f"mean {finite.mean():.2g}\nstd {finite.std():.2g}"
    else:
        about = "no finite element"
    if finite.size < flat.size:
        about += f"\n{flat.size - finite.size:,} NaN or inf"
    axes.text(0.98, 0.95, about, transform=axes.transAxes, ha="right", va="top", fontsize=7.5, color="#444444")
