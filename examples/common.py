"""What the examples share: their arguments, and a folder for pictures where matplotlib is installed."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

BLUE, RED = "#0072B2", "#D55E00"  # Okabe and Ito's, as in viz.plots: for every kind of colour vision


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
    """A folder of pictures. Where matplotlib is missing, says once how to get it, and draws nothing."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            import matplotlib as matplotlib

            self.can_draw = True
        except ImportError:
            self.can_draw = False
            print("No pictures, because matplotlib is not installed: pip install 'tinygrad_lite[viz]' gives them.")

    def save(self, name: str, draw: Callable[..., Any], *args: Any, **options: Any) -> None:
        """Write the figure that `draw(*args, **options)` makes, one of `viz.plots` for example."""
        if not self.can_draw:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / name
        draw(*args, **options).savefig(path, dpi=120)
        print(f"Drew {path}")
