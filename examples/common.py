"""What the examples share: their arguments, and pictures where matplotlib is installed."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

# Okabe and Ito's colours, which people see apart whatever their colour vision; dashes help in black and white.
BLUE, RED, GREEN, PURPLE, ORANGE = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00"
STYLES = [(BLUE, "-"), (RED, "--"), (GREEN, "-."), (PURPLE, ":"), (ORANGE, (0, (5, 1, 1, 1, 1, 1)))]


def arguments(description: str | None, *, epochs: int, seed: int = 0) -> argparse.Namespace:
    """Read `--epochs`, `--seed` and `--out` from the command line."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("--epochs", type=int, default=epochs, help="passes over the training data (%(default)s)")
    parser.add_argument("--seed", type=int, default=seed, help="of everything that is random (%(default)s)")
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder for the pictures (%(default)s/)")
    args = parser.parse_args()
    if args.epochs < 1:
        parser.error(f"--epochs expects 1 or more. Received: {args.epochs}.")
    if args.seed < 0:
        parser.error(f"--seed expects 0 or more. Received: {args.seed}.")
    return args


class Pictures:
    """Draws into a folder. Where matplotlib is missing, says once how to get it, and draws nothing."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            import matplotlib as matplotlib

            self.can_draw = True
        except ImportError:
            self.can_draw = False
            print("No pictures, because matplotlib is not installed: pip install 'tinygrad_lite[viz]' gives them.")

    def digits(
        self, name: str, images: Any, captions: Sequence[str] = (), wrong: Sequence[bool] = (), columns: int = 5
    ) -> None:
        """Draw images of shape (n, 28, 28) in rows, each under its caption, which is red where `wrong`."""
        if not self.can_draw:
            return
        rows = -(-len(images) // columns)
        figure = self._figure(1.25 * columns, 1.45 * rows)
        for n, axes in enumerate(figure.subplots(rows, columns, squeeze=False).flat):
            axes.set(xticks=[], yticks=[])
            axes.spines[:].set_color("lightgray")
            if n >= len(images):
                axes.set_axis_off()
                continue
            axes.imshow(images[n], cmap="gray_r", vmin=0, vmax=images.max())
            colour = RED if n < len(wrong) and wrong[n] else "black"
            axes.set_title(captions[n] if n < len(captions) else "", fontsize=10, color=colour)
        self._save(figure, name)

    def curves(
        self,
        name: str,
        panels: Mapping[str, Mapping[str, Any]],
        xlabel: str = "epoch",
        rows: int | None = None,
        dotted: Sequence[str] = (),
        logarithmic: bool = False,
    ) -> None:
        """Draw panels side by side: `panels` maps each one's title to its curves by label.

        A curve is a sequence of values, drawn over 1, 2, 3..., or a pair of sequences `(x, y)`; those whose
        labels are among `dotted` are drawn as dots. Where the number of `rows` is given, the panels of a row are
        comparable: they share their y axis. That axis may be `logarithmic`.
        """
        if not self.can_draw:
            return
        from matplotlib.ticker import FormatStrFormatter, LogLocator, NullFormatter

        columns = len(panels) // (rows or 1)
        legend_beside = 1.3 * any(len(curves) > 3 for curves in panels.values())
        figure = self._figure(4.2 * columns + legend_beside, 3.2 * (rows or 1))
        grid = figure.subplots(rows or 1, columns, squeeze=False, sharey="row" if rows else False)
        for axes, (title, curves) in zip(grid.flat, panels.items()):
            for (label, values), (colour, dashes) in zip(curves.items(), STYLES):
                x, y = values if isinstance(values, tuple) else (range(1, len(values) + 1), values)
                look = {"linestyle": "", "marker": "o", "alpha": 0.5} if label in dotted or len(y) == 1 else {}
                axes.plot(x, y, label=label, color=colour, **{"linestyle": dashes, **look})
            axes.set(title=title, xlabel=xlabel)
            axes.xaxis.get_major_locator().set_params(integer=True)
            axes.grid(alpha=0.25)
            if logarithmic:
                axes.set_yscale("log")
                axes.yaxis.set_major_locator(LogLocator(subs=(1, 3)))
                axes.yaxis.set_major_formatter(FormatStrFormatter("%g"))
                axes.yaxis.set_minor_formatter(NullFormatter())
            if len(curves) > 3:  # so many leave no room inside
                axes.legend(loc="upper left", bbox_to_anchor=(1, 1))
            elif len(curves) > 1:
                axes.legend()
        self._save(figure, name)

    def _figure(self, width: float, height: float) -> Any:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        figure = Figure(figsize=(width, height), layout="constrained")
        FigureCanvasAgg(figure)  # draws without a display
        return figure

    def _save(self, figure: Any, name: str) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / name
        figure.savefig(path, dpi=120)
        print(f"Drew {path}")
