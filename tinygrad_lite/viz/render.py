"""Pictures from DOT text, with Graphviz's `dot` or with `graphviz-pure`, a port that pip installs.

`dot` is looked up on the PATH and run by the `graphviz` package. Where it is missing, `graphviz-pure` is used, a
single program in a wheel. It is also found where pip installed it, if that is not on the PATH. It cannot write PDF,
so its layout is drawn with matplotlib for that format.
"""

from __future__ import annotations

import importlib.metadata
import json
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

__all__ = ["FORMATS", "RendererMissing", "draw"]

FORMATS = ("svg", "png", "pdf")
DOTS_PER_INCH = 144  # for PNG: twice the usual resolution of a screen


class RendererMissing(RuntimeError):
    """No program that lays out graphs was found."""


def draw(text: str, file_format: str) -> bytes:
    """DOT text as a picture.

    Parameters
    ----------
    text : str
        In the DOT language.
    file_format : "svg", "png" or "pdf"

    Returns
    -------
    bytes
        The contents of the file.

    Raises
    ------
    RendererMissing
        Neither `dot` nor graphviz-pure was found.
    ValueError
        The format is unknown, or the text is not valid DOT.

    Examples
    --------
    >>> draw("digraph { a -> b }", "svg").lstrip()[:5]
    b'<?xml'
    """
    if file_format not in FORMATS:
        raise ValueError(
            f"Expected one of the formats {', '.join(FORMATS)}. Received: {file_format!r}. Other formats: write "
            "graph.dot to a file and run `dot -T... file`."
        )
    if file_format == "png":
        text = text.replace("{", f"{{\n  graph [dpi={DOTS_PER_INCH}];", 1)
    if shutil.which("dot") and find_spec("graphviz") is not None:
        return _with_graphviz(text, file_format)
    program = _graphviz_pure()
    if program is None:
        raise RendererMissing(
            "Drawing needs a program that lays out graphs, and none was found. Either install Graphviz, so that "
            "`dot` is on the PATH (apt install graphviz, brew install graphviz, or graphviz.org/download) and the "
            "package that drives it (pip install graphviz), or let pip do it all: pip install "
            "'tinygrad_lite[viz]' (it brings graphviz-pure). Without either, graph.dot is the drawing as text, "
            "for any Graphviz viewer."
        )
    if file_format == "pdf":
        from tinygrad_lite.viz.pdf import pdf_of

        return pdf_of(json.loads(_run(program, text, "json")))
    return _run(program, text, file_format)


def _with_graphviz(text: str, file_format: str) -> bytes:
    import graphviz

    try:
        picture: bytes = graphviz.pipe("dot", file_format, text.encode(), quiet=True)
    except graphviz.CalledProcessError as error:
        raise ValueError(f"dot could not draw the graph: {_message(error.stderr)}") from error
    return picture


def _graphviz_pure() -> str | None:
    """The path of graphviz-pure, from the PATH or from where pip installed it."""
    found = shutil.which("graphviz-pure")
    if found is not None:
        return found
    try:
        files = importlib.metadata.files("graphviz-pure") or []
    except importlib.metadata.PackageNotFoundError:
        return None
    places = (Path(str(file.locate())).resolve() for file in files if file.stem == "graphviz-pure")
    return next((str(place) for place in places if place.is_file()), None)


def _run(program: str, text: str, file_format: str) -> bytes:
    done = subprocess.run([program, "-Kdot", f"-T{file_format}"], input=text.encode(), capture_output=True, check=False)
    if done.returncode:
        raise ValueError(f"{Path(program).name} could not draw the graph: {_message(done.stderr)}")
    return done.stdout


def _message(output: bytes | str) -> str:
    """The errors that a program printed, without its warnings."""
    text = output.decode(errors="replace") if isinstance(output, bytes) else output
    lines = [line for line in text.splitlines() if line and not line.lower().startswith("warning")]
    return " ".join(lines) or "it gave no reason."
