"""A laid-out graph as PDF, drawn with matplotlib, because graphviz-pure cannot write PDF.

Graphviz's JSON has a list of drawing operations for each node, edge and box: set a colour, draw a polygon, a curve,
an ellipse or a text. Each operation has a function here. Texts use matplotlib's font, reduced where they would be
wider than the layout allows.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

__all__ = ["pdf_of"]

Pen = dict[str, Any]

SPACE = 0.278  # the width of a blank in Helvetica, for a font of size 1


def pdf_of(layout: dict[str, Any]) -> bytes:
    """A laid-out graph as the bytes of a PDF file.

    Parameters
    ----------
    layout : dict
        Graphviz's output in the format `json`.

    Returns
    -------
    bytes

    Raises
    ------
    ImportError
        matplotlib is not installed.

    Examples
    --------
    >>> square = [[0, 0], [72, 0], [72, 72], [0, 72]]
    >>> pdf_of({"bb": "0,0,72,72", "_draw_": [{"op": "p", "points": square}]})[:5]
    b'%PDF-'
    """
    try:
        import matplotlib
        from matplotlib.backends.backend_pdf import FigureCanvasPdf
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError(
            "Writing a PDF without Graphviz's dot needs matplotlib: pip install 'tinygrad_lite[viz]'. Or render "
            "to .svg, which needs neither."
        ) from error
    left, bottom, right, top = map(float, layout["bb"].split(","))
    pad = 72 * float(layout.get("pad", "0.0555").split(",")[0])
    width, height = right - left + 2 * pad, top - bottom + 2 * pad
    figure = Figure(figsize=(width / 72, height / 72))
    FigureCanvasPdf(figure)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(left - pad, right + pad), ylim=(bottom - pad, top + pad))
    axes.set_axis_off()
    parts = [layout, *layout.get("objects", ()), *layout.get("edges", ())]
    for part in parts:
        for kind in ("_draw_", "_hdraw_", "_tdraw_", "_ldraw_"):
            pen: Pen = {"line": "#000000", "fill": "none", "width": 1.0, "style": "-", "size": 14.0, "bold": False}
            for operation in part.get(kind, ()):
                OPERATIONS.get(operation["op"], _ignore)(axes, pen, operation)
    file = io.BytesIO()
    with matplotlib.rc_context({"pdf.fonttype": 42}):  # text stays text, which can be searched and copied
        figure.savefig(file, format="pdf", metadata={"CreationDate": None})
    return file.getvalue()


def _ignore(axes: Any, pen: Pen, operation: dict[str, Any]) -> None:
    pass


def _line_colour(axes: Any, pen: Pen, operation: dict[str, Any]) -> None:
    pen["line"] = operation.get("color", "#000000")


def _fill_colour(axes: Any, pen: Pen, operation: dict[str, Any]) -> None:
    pen["fill"] = operation.get("color", "none")


def _style(axes: Any, pen: Pen, operation: dict[str, Any]) -> None:
    style = operation["style"]
    if style.startswith("setlinewidth"):
        pen["width"] = float(style[len("setlinewidth(") : -1])
    else:
        pen["style"] = {"dashed": "--", "dotted": ":"}.get(style, "-")


def _font(axes: Any, pen: Pen, operation: dict[str, Any]) -> None:
    pen["size"], pen["mono"] = operation["size"], "Cour" in operation["face"]


def _font_style(axes: Any, pen: Pen, operation: dict[str, Any]) -> None:
    pen["bold"] = bool(operation["fontchar"] & 1)


def _ellipse(axes: Any, pen: Pen, operation: dict[str, Any]) -> None:
    from matplotlib.patches import Ellipse

    x, y, w, h = operation["rect"]
    axes.add_patch(Ellipse((x, y), 2 * w, 2 * h, **_look(pen, operation["op"] == "E")))


def _polygon(axes: Any, pen: Pen, operation: dict[str, Any]) -> None:
    from matplotlib.patches import Polygon

    is_closed = operation["op"] != "L"
    axes.add_patch(Polygon(operation["points"], closed=is_closed, **_look(pen, operation["op"] == "P")))


def _curve(axes: Any, pen: Pen, operation: dict[str, Any]) -> None:
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    points = operation["points"]
    codes = [Path.MOVETO, *[Path.CURVE4] * (len(points) - 1)]
    axes.add_patch(PathPatch(Path(points, codes), **_look(pen, operation["op"] == "B")))


def _look(pen: Pen, is_filled: bool) -> dict[str, Any]:
    fill = pen["fill"] if is_filled else "none"
    return {"facecolor": fill, "edgecolor": pen["line"], "linewidth": pen["width"], "linestyle": pen["style"]}


def _text(axes: Any, pen: Pen, operation: dict[str, Any]) -> None:
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextPath

    size, width = pen["size"], operation["width"]
    text = operation["text"].replace("\\\\", "\\")  # graphviz-pure escapes them twice
    indent = SPACE * size * (len(text) - len(text.lstrip(" ")))
    text = text.strip(" ")
    if not text:
        return
    family = "DejaVu Sans Mono" if pen.get("mono") else "DejaVu Sans"
    font = FontProperties(family=family, weight="bold" if pen["bold"] else "normal")
    available = width - indent
    natural = TextPath((0, 0), text.replace("$", r"\$"), size=size, prop=font).get_extents().width
    font.set_size(size * min(1.0, available / natural if natural else 1.0))
    x, y = operation["pt"]
    left = x - width * {"l": 0.0, "c": 0.5, "r": 1.0}[operation["align"]]
    place = left + indent + available / 2
    axes.text(place, y, text, fontproperties=font, color=pen["line"], ha="center", va="baseline", parse_math=False)


OPERATIONS: dict[str, Callable[[Any, Pen, dict[str, Any]], None]] = {
    "c": _line_colour,
    "C": _fill_colour,
    "S": _style,
    "F": _font,
    "t": _font_style,
    "e": _ellipse,
    "E": _ellipse,
    "p": _polygon,
    "P": _polygon,
    "L": _polygon,
    "b": _curve,
    "B": _curve,
    "T": _text,
}
