"""The stepper: one HTML file that shows backpropagation step by step in a browser.

The page contains the graph and its steps as JSON, a style sheet, and two scripts: `layout.js` places boxes and arrows,
`stepper.js` draws them and plays the steps. The layout is computed in the browser, not with `dot`, for three reasons:
folding a layer or showing only the way to one parameter needs a new layout; text is measured in the fonts that the
browser has; and the page does not depend on an installed program.

The data is never run or parsed as HTML. It is in a script element of type application/json with `<` escaped, and the
scripts write text nodes only. A Content-Security-Policy allows the two scripts and the style sheet, by their hashes,
and forbids everything else, also the network.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import os
from importlib import resources
from pathlib import Path
from typing import Any

from tinygrad_lite.viz.story import story
from tinygrad_lite.viz.trace import Trace
from tinygrad_lite.viz.view import View

__all__: list[str] = []


TEMPLATE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<title>{title}</title>
<link rel="icon" href="data:,">
<style>{style}</style>
</head>
<body>
<header>
<h1>{title}</h1>
<label>Show only what leads to <select id="only"><option value="">everything</option></select></label>
<div class="tools">
<button id="fold" title="Fold or unfold all layers (f)">Fold layers</button>
<button id="zoom-out" title="Zoom out (−)" aria-label="Zoom out">−</button>
<button id="fit" title="Fit (0)">Fit</button>
<button id="zoom-in" title="Zoom in (+)" aria-label="Zoom in">+</button>
<button id="theme" title="Light or dark (d)" aria-label="Light or dark">◐</button>
<button id="keys" title="Keys (?)" aria-label="Keys">?</button>
</div>
</header>
<main id="stage">
<svg id="graph" role="group" aria-label="The computation as a graph">
<defs>
<marker id="tip" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="11" markerHeight="11" orient="auto" \
markerUnits="userSpaceOnUse"><path d="M0,1L10,5L0,9Z"/></marker>
<marker id="tip-forward" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="14" markerHeight="14" orient="auto" \
markerUnits="userSpaceOnUse"><path d="M0,1L10,5L0,9Z"/></marker>
<marker id="tip-back" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="14" markerHeight="14" orient="auto" \
markerUnits="userSpaceOnUse"><path d="M0,1L10,5L0,9Z"/></marker>
</defs>
<g id="viewport"></g>
</svg>
<ul id="legend" aria-label="Legend">
<li><svg class="node input" viewBox="0 0 26 16"><path class="shape" d="M5,1H25L21,15H1Z"/></svg>input</li>
<li><svg class="node parameter" viewBox="0 0 26 16"><rect class="shape" x="1" y="1" width="24" height="14" rx="7"/>\
</svg>parameter</li>
<li><svg class="node constant" viewBox="0 0 26 16"><rect class="shape" x="1" y="1" width="24" height="14" rx="1"/>\
</svg>constant</li>
<li><svg class="node" viewBox="0 0 26 16"><rect class="shape" x="1" y="1" width="24" height="14" rx="4"/>\
</svg>operation</li>
<li><svg class="node layer" viewBox="0 0 26 16"><rect class="behind" x="4" y="-1" width="22" height="13" rx="3"/>\
<rect class="shape" x="1" y="2" width="22" height="13" rx="3"/></svg>folded layer</li>
<li><svg class="node target" viewBox="0 0 26 16"><rect class="shape" x="1" y="1" width="24" height="14" rx="4"/>\
<rect class="inner" x="4" y="4" width="18" height="8" rx="2"/></svg>target</li>
</ul>
</main>
<aside>
<section class="card" id="step" aria-live="polite">
<p class="phase" id="phase"></p>
<h2 id="title"></h2>
<div id="say"></div>
<div id="accumulates"></div>
</section>
<section class="card" id="details" aria-live="polite" hidden></section>
<p class="hint">Choose a node for its value, its gradient and its rule. The keys <kbd>←</kbd> and <kbd>→</kbd> go \
from step to step, <kbd>?</kbd> lists the others.</p>
</aside>
<footer>
<div class="buttons">
<button id="first" title="To the beginning (Home)" aria-label="To the beginning"><svg viewBox="0 0 16 16">\
<path d="M3 3h2v10H3zM13 3v10L6 8z"/></svg></button>
<button id="previous" title="Step back (←)" aria-label="Step back"><svg viewBox="0 0 16 16">\
<path d="M12 3v10L4 8z"/></svg></button>
<button id="play" title="Play and pause (space)">Play</button>
<button id="next" title="Step on (→)" aria-label="Step on"><svg viewBox="0 0 16 16">\
<path d="M4 3v10l8-5z"/></svg></button>
<button id="last" title="To the end (End)" aria-label="To the end"><svg viewBox="0 0 16 16">\
<path d="M11 3h2v10h-2zM3 3v10l7-5z"/></svg></button>
</div>
<div class="track"><input id="slider" type="range" min="0" value="0" aria-label="Step">\
<div class="halves" id="halves" aria-hidden="true"><i></i><i></i></div></div>
<span id="count"></span>
<select id="speed" aria-label="Speed"><option value="2400">slow</option><option value="1200" selected>normal</option>\
<option value="500">fast</option></select>
</footer>
<dialog id="help" aria-labelledby="help-title">
<h2 id="help-title">Keys</h2>
<dl>
<dt><kbd>←</kbd> <kbd>→</kbd></dt><dd>a step back, a step on</dd>
<dt><kbd>Home</kbd> <kbd>End</kbd></dt><dd>to the beginning, to the end</dd>
<dt><kbd>Space</kbd></dt><dd>play and pause</dd>
<dt><kbd>Tab</kbd> <kbd>Enter</kbd></dt><dd>to the next node or layer; its details, or fold and unfold it</dd>
<dt><kbd>f</kbd></dt><dd>fold or unfold all layers</dd>
<dt><kbd>+</kbd> <kbd>−</kbd> <kbd>0</kbd></dt><dd>zoom in, zoom out, fit</dd>
<dt><kbd>Shift</kbd> + arrows</dt><dd>move the graph</dd>
<dt><kbd>d</kbd></dt><dd>light or dark</dd>
<dt><kbd>Esc</kbd></dt><dd>close the details</dd>
</dl>
<form method="dialog"><button>Close</button></form>
</dialog>
<script type="application/json" id="data">{data}</script>
<script>{layout}</script>
<script>{program}</script>
</body>
</html>
"""


def page(trace: Trace, drawn: View, values: str, title: str) -> str:
    """The page as a string; see `Graph.to_html`."""
    style = _file("stepper.css")
    layout, program = _file("layout.js"), _file("stepper.js")
    return TEMPLATE.format(
        title=html.escape(title),
        policy=(
            f"default-src 'none'; base-uri 'none'; form-action 'none'; img-src data:; style-src {_hash(style)}; "
            f"script-src {_hash(layout)} {_hash(program)}"
        ),
        style=style,
        data=_json(story(trace, drawn, values, title)),
        layout=layout,
        program=program,
    )


def write(text: str, path: str | os.PathLike[str]) -> Path:
    """Write a page into a file; its folder is created if needed."""
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(text.encode("utf-8", "replace"))
    return target


def _file(name: str) -> str:
    return resources.files("tinygrad_lite.viz").joinpath(name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    """The hash of the contents of an element, as a Content-Security-Policy expects it."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _json(data: Any) -> str:
    """JSON for a script element, without `</script>` and `<!--`, whatever the names contain."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
