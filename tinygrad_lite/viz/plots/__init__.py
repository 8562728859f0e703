"""Plots for training: curves, images, mistakes, gradients, weights, and the loss around them.

Each function returns a matplotlib Figure, which a notebook shows and `figure.savefig("name.png")` writes. None of them
uses pyplot, so no window opens, no figure stays open, and no display is needed. Functions that make a single plot take
`ax=`, the axes to draw on. The colours are those of Okabe and Ito, which colour-blind readers can tell apart; dashes
and markers make the plots readable in black and white.
"""

from tinygrad_lite.viz.plots.curves import gradient_flow, learning_curves
from tinygrad_lite.viz.plots.images import confusion_matrix, filters, images, mistakes
from tinygrad_lite.viz.plots.surface import loss_surface
from tinygrad_lite.viz.plots.weights import histograms

__all__ = [
    "confusion_matrix", "filters", "gradient_flow", "histograms", "images", "learning_curves", "loss_surface",
    "mistakes",
]  # fmt: skip
