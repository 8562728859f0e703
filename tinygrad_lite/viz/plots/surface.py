"""The loss around the present weights, along two random directions, and the path of the weights.

A direction is drawn from a normal distribution and then scaled unit by unit: the part of each unit (a column of a
kernel) gets the norm of that unit's weights. Without this, a network with large weights looks flat and one with small
weights looks rough, though both compute the same (Li et al., Visualizing the Loss Landscape of Neural Nets, 2018).
As in that paper, biases are not moved.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol, SupportsFloat

import numpy as np

from tinygrad_lite.core.tensor import TensorLike
from tinygrad_lite.utils.types import Array
from tinygrad_lite.viz.plots.canvas import BLACK, RED, as_array, axes_of, named

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["loss_surface"]


class HasPoints(Protocol):
    """A callback that records weights, as `viz.WeightPath` does."""

    @property
    def points(self) -> Sequence[Sequence[Array]]: ...


def loss_surface(
    loss: Callable[[], SupportsFloat],
    variables: Any,  # may be a model, and models are on a floor that this file does not import
    *,
    path: HasPoints | Sequence[Sequence[TensorLike]] | None = None,
    directions: str = "random",
    span: float = 1.0,
    steps: int = 21,
    seed: int = 0,
    ax: Axes | None = None,
) -> Figure:
    """Draw the loss on a plane through the present weights, as contours.

    The loss is computed with the weights of `steps` × `steps` points. Then the weights are restored, also if the
    loss raises.

    Parameters
    ----------
    loss : callable without arguments
        Computes the loss from the current values of `variables`: `lambda: loss_fn(y, model(x)).mean()`.
    variables : model, or list of Variables
    path : viz.WeightPath, or list of lists of arrays, optional
        The weights during training. They are projected onto the plane. The title says which share of the
        path's length lies in the plane, which is small for random directions in a large space.
    directions : "random" or "path"
        Two random directions, or the two along which the path varies most.
    span : float
        How far to go in each direction; 1 is the norm of the weights. The whole path is always shown.
    steps : int
        Points along each direction.
    seed : int
        The seed of the random directions.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    ValueError
        `directions` is unknown, "path" has fewer than 3 points, or the shapes in `path` differ from `variables`.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> w = tgl.Variable([[1.0, 2.0], [3.0, 4.0]])
    >>> figure = loss_surface(lambda: (w * w).sum(), [w], steps=5)
    >>> figure.axes[0].get_xlabel()
    'random direction 1'
    """
    targets = list(named(variables, "parameter").values())
    origin = [variable.numpy().copy() for variable in targets]
    snapshots = _snapshots(path, origin)
    if directions == "random":
        generator = np.random.default_rng(seed)
        axes_pair = [_random_direction(generator, origin) for _ in range(2)]
    elif directions == "path" and len(snapshots) >= 3:
        axes_pair = _path_directions(snapshots, origin)
    else:
        raise ValueError(
            'loss_surface expected directions to be "random", or "path" with at least 3 points of a path. '
            f"Received: directions={directions!r}, path of {len(snapshots)} points."
        )
    track, share = _project(snapshots, origin, axes_pair)
    x, y = (_ticks(track[:, n] if len(track) else np.zeros(0), span, steps, directions) for n in range(2))
    heights = _heights(loss, targets, origin, axes_pair, x, y)
    figure, axes = axes_of(ax, 5.4, 4.4)
    _draw(figure, axes, x, y, heights, track)
    kind = "random direction" if directions == "random" else "main direction of the path"
    title = "loss around the weights" if not len(track) else f"loss; {share:.0%} of the path's length lies in the plane"
    axes.set(xlabel=f"{kind} 1", ylabel=f"{kind} 2")
    axes.set_title(title, fontsize=10)
    return figure


def _random_direction(generator: np.random.Generator, origin: list[Array]) -> list[Array]:
    direction = []
    for weights in origin:
        if weights.ndim < 2:
            direction.append(np.zeros(weights.shape))
            continue
        drawn = generator.standard_normal(weights.shape)
        inputs = tuple(range(weights.ndim - 1))  # the last axis has the units
        scale = np.linalg.norm(weights, axis=inputs) if len(inputs) == 1 else np.sqrt((weights**2).sum(axis=inputs))
        norms = np.sqrt((drawn**2).sum(axis=inputs))
        direction.append(drawn * (scale / np.maximum(norms, 1e-12)))
    if not any(part.any() for part in direction):  # only vectors and scalars: move these
        direction = [generator.standard_normal(w.shape) for w in origin]
        scale = np.sqrt(sum(float((w.astype(np.float64) ** 2).sum()) for w in origin)) or 1.0
        norm = np.sqrt(sum(float((d**2).sum()) for d in direction))
        direction = [d * (scale / norm) for d in direction]
    return direction


def _snapshots(path: Any, origin: list[Array]) -> list[list[Array]]:
    snapshots = [[as_array(part) for part in point] for point in getattr(path, "points", path or [])]
    expected = [w.shape for w in origin]
    for point in snapshots:
        if [part.shape for part in point] != expected:
            raise ValueError(
                f"loss_surface expected points of the path with shapes {expected}. Received: "
                f"{[part.shape for part in point]}. Record the same variables, in the same order."
            )
    return snapshots


def _flat(parts: Sequence[Array]) -> Array:
    return np.concatenate([np.asarray(part, np.float64).ravel() for part in parts])


def _path_directions(snapshots: list[list[Array]], origin: list[Array]) -> list[list[Array]]:
    """The two principal directions of the path as seen from the present weights, with norm 1."""
    centre = _flat(origin)
    moves = np.stack([_flat(point) - centre for point in snapshots])
    values, vectors = np.linalg.eigh(moves @ moves.T)  # small: points × points, not weights × weights
    found = []
    for value, vector in zip(values[:-3:-1], vectors.T[:-3:-1]):
        flat = vector @ moves / np.sqrt(max(value, 1e-30))
        found.append(_unflat(flat, origin))
    return found


def _unflat(flat: Array, like: list[Array]) -> list[Array]:
    ends = np.cumsum([part.size for part in like])[:-1]
    return [piece.reshape(part.shape) for piece, part in zip(np.split(flat, ends), like)]


def _project(snapshots: list[list[Array]], origin: list[Array], directions: list[list[Array]]) -> tuple[Array, float]:
    """Where the path is in the plane, and the share of its length that the plane shows."""
    if not snapshots:
        return np.zeros((0, 2)), 0.0
    plane = np.stack([_flat(direction) for direction in directions], axis=1)
    centre = _flat(origin)
    moves = np.stack([_flat(point) - centre for point in snapshots])
    track = moves @ plane @ np.linalg.inv(plane.T @ plane)
    whole = np.linalg.norm(np.diff(moves, axis=0), axis=1).sum()
    seen = np.linalg.norm(np.diff(track, axis=0) @ plane.T, axis=1).sum()
    return track, float(seen / whole) if whole else 0.0


def _ticks(track: Array, span: float, steps: int, directions: str) -> Array:
    low, high = (-span, span) if directions == "random" else (0.0, 0.0)
    if track.size:
        low, high = min(low, float(track.min())), max(high, float(track.max()))
    margin = 0.0 if directions == "random" and -span <= low and high <= span else 0.15 * (high - low) or 1.0
    return np.linspace(low - margin, high + margin, steps)


def _heights(
    loss: Callable[[], SupportsFloat],
    targets: list[Any],
    origin: list[Array],
    directions: list[list[Array]],
    x: Array,
    y: Array,
) -> Array:
    heights = np.empty((len(y), len(x)))
    try:
        with np.errstate(all="ignore"):
            for row, b in enumerate(y):
                for column, a in enumerate(x):
                    for variable, w, u, v in zip(targets, origin, *directions):
                        variable.assign((w + a * u + b * v).astype(w.dtype))
                    heights[row, column] = float(loss())
    finally:
        for variable, w in zip(targets, origin):
            variable.assign(w)
    return heights


def _draw(figure: Any, axes: Any, x: Array, y: Array, heights: Array, track: Array) -> None:
    from matplotlib.ticker import MaxNLocator

    finite = heights[np.isfinite(heights)]
    if finite.size and finite.max() > finite.min():
        low, high = float(finite.min()), float(np.quantile(finite, 0.98))
        # The loss is flat near its minimum: levels in geometric progression show that part in detail too.
        shift = max(low, 0.0) + 0.02 * (high - low) - low
        levels = np.geomspace(low + shift, max(high + shift, low + shift + 1e-12), 16) - shift
        shown = np.ma.masked_invalid(heights)
        filled = axes.contourf(x, y, shown, levels, cmap="cividis", extend="both")
        axes.contour(x, y, shown, levels, colors="white", linewidths=0.4, alpha=0.6)
        figure.colorbar(filled, ax=axes, label="loss", format="%.3g")
    if len(track):
        axes.plot(track[:, 0], track[:, 1], "-", color="white", linewidth=3.0)
        axes.plot(track[:, 0], track[:, 1], "o-", color=RED, linewidth=1.5, markersize=2.5)
        if max(np.ptp(track[:, 0]) / np.ptp(x), np.ptp(track[:, 1]) / np.ptp(y)) > 0.08:  # else it hides the path
            box = {"boxstyle": "round,pad=0.2", "color": "white", "alpha": 0.85}
            axes.annotate("start", track[0], xytext=(6, 6), textcoords="offset points", fontsize=8, bbox=box)
    axes.plot(0, 0, "*", color="white", markeredgecolor=BLACK, markersize=13)
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.set(xlim=(x[0], x[-1]), ylim=(y[0], y[-1]))
