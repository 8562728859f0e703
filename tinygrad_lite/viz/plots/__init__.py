"""The pictures that training wants: curves, digits, mistakes, gradients, weights, and the loss around them.

Each function returns a matplotlib Figure, which a notebook shows and `figure.savefig("name.png")` writes. None
touches pyplot, so nothing pops up, nothing is left open, and all work without a display. What is one plot takes
`ax=`, the axes of a figure of yours. Colours are Okabe and Ito's, which people see apart whatever their colour
vision; dashes and marks say the same in black and white.
"""

from tinygrad_lite.viz.plots.curves import gradient_flow, learning_curves
from tinygrad_lite.viz.plots.images import confusion_matrix, filters, images, mistakes
from tinygrad_lite.viz.plots.surface import loss_surface
from tinygrad_lite.viz.plots.weights import histograms

__all__ = [
    "confusion_matrix", "filters", "gradient_flow", "histograms", "images", "learning_curves", "loss_surface",
    "mistakes",
]  # fmt: skip
