"""Plots of images: inputs, mistakes, and the weights of the first layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_lite.core.tensor import TensorLike
from tinygrad_lite.utils.types import Array
from tinygrad_lite.viz.plots.canvas import BLUE, MUTED, RED, as_array, axes_of, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["confusion_matrix", "filters", "images", "mistakes"]


def images(
    images: TensorLike,
    labels: TensorLike | None = None,
    predictions: TensorLike | None = None,
    *,
    names: Sequence[str] | None = None,
    columns: int = 8,
) -> Figure:
    """Draw images in rows, each with its label and its predicted class.

    Right predictions are blue. Wrong ones are orange-red, with the label in parentheses: `3 (is 5)`.

    Parameters
    ----------
    images : array of shape (n, height, width) or (n, height, width, channels)
    labels : int array of shape (n,), optional
    predictions : int array of shape (n,), or float array of shape (n, classes), optional
        Classes, or their probabilities; the largest one is then shown too.
    names : list of str, optional
        The names of the classes.
    columns : int

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    ValueError
        The shapes do not match.

    Examples
    --------
    >>> import numpy as np
    >>> figure = images(np.zeros((2, 8, 8)), labels=[3, 5], predictions=[3, 3])
    >>> [axes.get_title() for axes in figure.axes]
    ['3', '3 (is 5)']
    """
    pictures = _pictures(images, "images")
    count = len(pictures)
    labels = None if labels is None else _classes(labels, count, "labels")
    captions, colours = [""] * count, ["black"] * count
    if predictions is not None:
        chosen, shares = _predicted(predictions, count)
        for n in range(count):
            captions[n] = _name(chosen[n], names) + ("" if shares is None else f" {shares[n]:.0%}")
            if labels is not None:
                right = chosen[n] == labels[n]
                colours[n] = BLUE if right else RED
                captions[n] += "" if right else f" (is {_name(labels[n], names)})"
    elif labels is not None:
        captions = [_name(label, names) for label in labels]
    return _grid(pictures, captions, colours, columns)


def mistakes(
    images: TensorLike,
    labels: TensorLike,
    probabilities: TensorLike,
    *,
    names: Sequence[str] | None = None,
    count: int = 24,
    columns: int = 8,
) -> Figure:
    """Draw the images that were classified wrongly, those with the largest loss first.

    Parameters
    ----------
    images : array of shape (n, height, width) or (n, height, width, channels)
    labels : int array of shape (n,)
    probabilities : array of shape (n, classes)
        What `model.predict` returns if the last layer is a softmax. The loss is -log of the label's probability.
    names : list of str, optional
        The names of the classes.
    count, columns : int
        How many to draw at most, and how many in a row.

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    ValueError
        The shapes do not match, or `probabilities` contains classes.

    Examples
    --------
    >>> import numpy as np
    >>> figure = mistakes(np.zeros((3, 8, 8)), [0, 1, 1], [[0.9, 0.1], [0.6, 0.4], [0.8, 0.2]])
    >>> [axes.get_title() for axes in figure.axes]
    ['0 80% (is 1)\\nloss 1.61', '0 60% (is 1)\\nloss 0.92']
    """
    pictures = _pictures(images, "mistakes")
    labels = _classes(labels, len(pictures), "labels")
    shares = as_array(probabilities)
    if shares.ndim != 2 or len(shares) != len(pictures):
        raise ValueError(
            f"mistakes expected probabilities of shape ({len(pictures)}, classes). Received: "
            f"probabilities.shape={shares.shape}. Pass what model.predict returns."
        )
    if labels.size and not 0 <= labels.min() <= labels.max() < shares.shape[1]:
        raise ValueError(
            f"mistakes expected labels from 0 to {shares.shape[1] - 1}. Received: {labels.min()} to {labels.max()}."
        )
    with np.errstate(divide="ignore"):
        losses = -np.log(shares[np.arange(len(labels)), labels].astype(np.float64))
    chosen = shares.argmax(axis=1)
    wrong = np.flatnonzero(chosen != labels)
    worst = wrong[np.argsort(-losses[wrong], kind="stable")][:count]
    captions = [
        f"{_name(chosen[n], names)} {shares[n, chosen[n]]:.0%} (is {_name(labels[n], names)})\nloss {losses[n]:.2f}"
        for n in worst
    ]
    figure = _grid(pictures[worst], captions, [RED] * len(worst), columns)
    figure.suptitle(f"{len(wrong):,} of {len(labels):,} wrong ({len(wrong) / max(len(labels), 1):.1%})", fontsize=11)
    return figure


def confusion_matrix(
    labels: TensorLike,
    predictions: TensorLike,
    *,
    names: Sequence[str] | None = None,
    normalize: bool = False,
    ax: Axes | None = None,
) -> Figure:
    """Draw how often each class was predicted for each label.

    Only mistakes are coloured: on the same scale as the large numbers on the diagonal they would hardly be visible.

    Parameters
    ----------
    labels : int array of shape (n,)
    predictions : int array of shape (n,), or float array of shape (n, classes)
        Classes, or their probabilities.
    names : list of str, optional
        The names of the classes.
    normalize : bool
        Whether to show shares of each label in percent instead of counts.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    ValueError
        The lengths differ, or a class is negative.

    Examples
    --------
    >>> figure = confusion_matrix([0, 1, 1, 1], [0, 1, 1, 0])
    >>> [text.get_text() for text in figure.axes[0].texts]
    ['1', '', '1', '2']
    """
    labels = as_array(labels)
    labels = _classes(labels, len(labels), "labels")
    chosen, _ = _predicted(predictions, len(labels))
    shares = as_array(predictions)
    if not labels.size or min(labels.min(), chosen.min()) < 0:
        raise ValueError("confusion_matrix expected classes 0, 1, 2... Received: none, or negative ones.")
    classes = max(int(labels.max()), int(chosen.max())) + 1
    classes = max(classes, len(names) if names else 0, shares.shape[1] if shares.ndim == 2 else 0)
    counts = np.zeros((classes, classes), np.int64)
    np.add.at(counts, (labels, chosen), 1)
    shown = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1) if normalize else counts
    wrong = np.where(np.eye(classes, dtype=bool), 0, shown)
    size = 1.6 + 0.42 * classes
    figure, axes = axes_of(ax, size, size)
    axes.imshow(wrong, cmap="Oranges", vmin=0, vmax=max(wrong.max(), 1e-9) * 1.25)
    for row, column in np.ndindex(classes, classes):
        value = shown[row, column]
        text = (f"{value:.0%}" if normalize else f"{value}") if counts[row, column] else ""
        right, dark = row == column, wrong[row, column] > 0.75 * wrong.max()
        axes.text(
            column, row, text, ha="center", va="center", fontsize=9 if classes <= 12 else 6,
            color=BLUE if right else "white" if dark else "black", fontweight="bold" if right else "normal",
        )  # fmt: skip
    ticks = [_name(n, names) for n in range(classes)]
    axes.set_xticks(range(classes), ticks, rotation=0 if max(map(len, ticks)) <= 3 else 90)
    axes.set_yticks(range(classes), ticks)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    accuracy = np.trace(counts) / counts.sum()
    axes.set(xlabel="predicted", ylabel="label", title=f"{accuracy:.2%} right")
    return figure


# `kernel` is Any, because it may be a model too, and models are on a floor that this file does not import
def filters(kernel: Any, shape: Sequence[int] | None = None, *, count: int = 40, columns: int = 10) -> Figure:
    """Draw the weights of the units of the first layer, each in the shape of the input.

    Blue is positive, red negative, white zero; each unit has its own scale. The units with the largest weights
    come first.

    Parameters
    ----------
    kernel : Variable, Tensor or array of shape (inputs, units); or a model, for its first kernel
    shape : tuple of int, optional
        The shape of an input image, for example (28, 28). Default: a square.
    count, columns : int
        How many to draw at most, and how many in a row.

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    ValueError
        The kernel is not a matrix, or the number of its inputs does not match the shape.

    Examples
    --------
    >>> import numpy as np
    >>> figure = filters(np.ones((16, 3)))
    >>> figure.axes[0].images[0].get_array().shape
    (4, 4)
    """
    variables = getattr(kernel, "trainable_variables", None)
    if variables is not None:
        kernel = next((v for v in variables if v.ndim == 2), np.zeros(()))
    weights = as_array(kernel)
    if weights.ndim != 2:
        raise ValueError(
            f"filters expected a kernel of shape (inputs, units). Received: kernel.shape={weights.shape}. Pass "
            "model.layers[1].kernel."
        )
    side = round(len(weights) ** 0.5)
    shape = (side, side) if shape is None else tuple(shape)
    if len(shape) != 2 or int(np.prod(shape)) != len(weights):
        raise ValueError(
            f"filters expected the shape of an image of {len(weights)} elements. Received: shape={shape}. Pass "
            "shape=(height, width)."
        )
    largest = np.argsort(-np.linalg.norm(weights, axis=0), kind="stable")[:count]
    pictures = weights.T[largest].reshape(-1, *shape)
    return _grid(pictures, [str(n) for n in largest], [MUTED] * len(largest), columns, diverging=True)


def _pictures(images: TensorLike, function: str) -> Array:
    pictures = as_array(images)
    if pictures.ndim == 4 and pictures.shape[-1] == 1:
        pictures = pictures[..., 0]
    if pictures.ndim not in (3, 4) or not len(pictures):
        raise ValueError(
            f"{function} expected images of shape (n, height, width) or (n, height, width, channels). Received: "
            f"images.shape={pictures.shape}. Reshape them: images.reshape(-1, 28, 28)."
        )
    return pictures


def _classes(labels: TensorLike, count: int, name: str) -> Array:
    labels = as_array(labels)
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.shape != (count,) or labels.dtype.kind not in "iu":
        raise ValueError(
            f"Expected {name} to be integers of shape ({count},). Received: {name}.shape={labels.shape}, "
            f"dtype={labels.dtype}. One-hot labels become integers by .argmax(axis=1)."
        )
    return labels.astype(np.int64)


def _predicted(predictions: TensorLike, count: int) -> tuple[Array, Array | None]:
    """The predicted classes, and their probabilities where these were given."""
    predictions = as_array(predictions)
    if predictions.ndim == 2 and predictions.dtype.kind == "f" and len(predictions) == count:
        return predictions.argmax(axis=1), predictions.max(axis=1)
    return _classes(predictions, count, "predictions"), None


def _name(label: Any, names: Sequence[str] | None) -> str:
    return str(label) if names is None else names[int(label)]


def _grid(
    pictures: Array, captions: Sequence[str], colours: Sequence[str], columns: int, *, diverging: bool = False
) -> Any:
    columns = max(1, min(columns, len(pictures)))
    rows = max(1, -(-len(pictures) // columns))
    lines = 1 + max((caption.count("\n") for caption in captions), default=0)
    longest = max((len(line) for caption in captions for line in caption.split("\n")), default=0)
    width = max(0.75 if diverging else 1.05, 0.083 * longest)
    figure = new_figure(width * columns, (width + 0.19 * lines) * rows + 0.25)
    for n, axes in enumerate(figure.subplots(rows, columns, squeeze=False).flat):
        if n >= len(pictures):
            axes.remove()
            continue
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set(color="#d0d0d0" if diverging else colours[n], linewidth=0.8 if diverging else 1.2)
        picture = pictures[n]
        if diverging:
            largest = float(np.abs(picture).max()) or 1.0
            axes.imshow(picture, cmap="RdBu", vmin=-largest, vmax=largest)
        elif picture.ndim == 2:
            axes.imshow(picture, cmap="gray_r", vmin=min(float(pictures.min()), 0.0), vmax=float(pictures.max()) or 1.0)
        else:
            axes.imshow(picture)
        axes.set_title(captions[n], fontsize=7 if diverging else 8.5, color=colours[n], pad=2.5)
    return figure
