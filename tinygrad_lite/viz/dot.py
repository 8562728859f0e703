"""DOT: a graph as text in Graphviz's language. No other package is needed.

The styles are data: a table for the kinds of nodes, another for edges. Kinds differ in outline as well as in colour, so
that a drawing can be read in print. The colours are those of Okabe and Ito, which colour-blind readers can tell apart.
Labels are Graphviz's HTML-like tables, and all text in them is escaped.
"""

from __future__ import annotations

import html
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from tinygrad_lite.viz.parts import Edge, GraphData, Group, Node
from tinygrad_lite.viz.summary import is_small, shape_text, summary, warning

__all__ = ["escaped", "to_dot"]

INK, GREY, PALE = "#1a1a1a", "#5f6368", "#767676"
BLUE, GREEN, ORANGE, RED, YELLOW = "#0072B2", "#00805d", "#b86e00", "#b84a00", "#F0E442"

KINDS: dict[str, dict[str, str]] = {
    "input": {"style": "filled", "color": BLUE, "fillcolor": "#deeffa"},
    "parameter": {"style": "filled", "color": GREEN, "fillcolor": "#dcf3ea", "peripheries": "2"},
    "constant": {"style": "filled,rounded,dashed", "color": GREY, "fillcolor": "#f6f6f6"},
    "operation": {"style": "filled,rounded", "color": INK, "fillcolor": "#ffffff"},
    "layer": {"style": "filled,rounded", "color": INK, "fillcolor": "#ececec", "peripheries": "2"},
    "target": {"style": "filled,rounded", "color": ORANGE, "fillcolor": "#fdedcc", "penwidth": "3"},
}
NOT_FINITE = {"color": "#000000", "penwidth": "2.5"}

EDGES: dict[str, dict[str, str]] = {
    "forward": {"color": "#555555"},
    "backward": {"color": RED, "fontcolor": RED},
    "faint": {"color": "#c9c9c9", "arrowsize": "0.6"},
}
HIGHLIGHTED = {"color": BLUE, "fontcolor": BLUE, "penwidth": "3.5"}
ARROWS = {
    "forward": ("#555555", "value"),
    "backward": (RED, "gradient, with the local derivative"),
}

# position of the name of a box: upper left, where no edge enters (Graphviz rotates it with rankdir)
CORNERS = {"TB": "labeljust=l", "BT": "labeljust=l; labelloc=b", "LR": "labeljust=l", "RL": "labeljust=r"}

FONT = "Helvetica"
LONGEST, LONGEST_FORMULA = 44, 56  # characters in a line
WIDE = 6  # longest chain of operations that is drawn from left to right
MOST_BESIDE = 16  # most nodes of a graph that is drawn from left to right


def to_dot(data: GraphData) -> str:
    """The DOT text of a graph.

    Parameters
    ----------
    data : GraphData

    Returns
    -------
    str

    Examples
    --------
    >>> from tinygrad_lite.viz.parts import Edge, Node
    >>> data = GraphData([Node("a", "input", "x"), Node("b", "operation", "y")], [Edge("a", "b")])
    >>> print(to_dot(data).splitlines()[-3])
      a -> b [color="#555555"];
    """
    lines = ["digraph computation {"]
    rankdir = _rankdir(data)
    lines += _defaults(rankdir)
    lines += _boxes(data, CORNERS[rankdir])
    lines += _arrows(data)
    lines += _legend(data)
    return "\n".join([*lines, "}", ""])


def escaped(text: str) -> str:
    """`text` with its special characters escaped, for an HTML-like label.

    Examples
    --------
    >>> escaped('<b>&"')
    '&lt;b&gt;&amp;&quot;'
    """
    printable = re.sub(r"[^\t\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "\ufffd", text)
    return html.escape(printable.replace("\t", " ")).replace("&#x27;", "&#39;")


def _defaults(rankdir: str) -> list[str]:
    return [
        f"  graph [rankdir={rankdir}, fontname={FONT}, fontsize=11, nodesep=0.3, ranksep=0.45, pad=0.2,"
        ' bgcolor="#ffffff"];',
        f'  node [shape=box, fontname={FONT}, fontsize=12, margin="0.1,0.05", height=0.3, fontcolor="{INK}"];',
        f"  edge [fontname={FONT}, fontsize=12, arrowsize=0.75];",
    ]


def _rankdir(data: GraphData) -> str:
    """Left to right where that fits on a page, else top to bottom; reversed for a graph of gradients."""
    levels: dict[str, int] = defaultdict(int)
    turned = data.direction == "backward"
    for edge in reversed(data.edges) if turned else data.edges:
        if turned or edge.direction == "forward":
            start, end = (edge.target, edge.source) if turned else (edge.source, edge.target)
            levels[end] = max(levels[end], levels[start] + 1)
    is_wide = not data.groups and max(levels.values(), default=0) <= WIDE and len(data.nodes) <= MOST_BESIDE
    return {(True, False): "LR", (True, True): "RL", (False, False): "TB", (False, True): "BT"}[is_wide, turned]


# Nodes --------------------------------------------------------------------------------------------------------


def _boxes(data: GraphData, corner: str) -> Iterator[str]:
    """The nodes, each in its box."""
    nodes: defaultdict[str | None, list[Node]] = defaultdict(list)
    inner: defaultdict[str | None, list[Group]] = defaultdict(list)
    for node in data.nodes:
        nodes[node.group].append(node)
    for group in data.groups:
        inner[group.parent].append(group)
    targets = [node for node in data.nodes if node.is_target]
    of = targets[0].symbol if len(targets) == 1 and targets[0].is_named else ""
    waiting: list[Group | str | None] = [None]
    while waiting:  # a stack instead of recursion: boxes may nest as deep as layers do
        item = waiting.pop()
        if isinstance(item, str):
            yield item
            continue
        indent = "  " * (1 if item is None else item.level + 2)
        if item is not None:
            yield f"{indent[2:]}subgraph cluster_{item.id} {{"
            yield (
                f'{indent}label=<<b>{escaped(_short(item.name))}</b>>; {corner}; style="filled,rounded"; '
                f'color="#b5b5b5"; fillcolor="{"#f7f7f9" if item.level % 2 == 0 else "#eeeef3"}"; fontcolor="{GREY}";'
            )
            waiting.append(f"{indent[2:]}}}")
        key = None if item is None else item.id
        for node in nodes[key]:
            yield f"{indent}{node.id}{_attributes({'label': _label(node, data.values, of), **_node_style(node)})};"
        waiting.extend(reversed(inner[key]))


def _node_style(node: Node) -> dict[str, str]:
    style = KINDS["target" if node.is_target else node.kind]
    if node.is_faint and not node.is_target:
        style = {**style, "color": _lighter(style["color"]), "fillcolor": _lighter(style["fillcolor"])}
        style["fontcolor"] = PALE
    return {**style, **NOT_FINITE} if _not_finite(node.value) or _not_finite(node.gradient) else style


def _lighter(color: str) -> str:
    """Two thirds of the way to white."""
    return "#" + "".join(f"{255 - (255 - int(color[n : n + 2], 16)) // 3:02x}" for n in (1, 3, 5))


def _label(node: Node, values: str, of: str) -> str:
    rows = [_title(node)]
    if node.details:
        rows.append(_text(_short(node.details), GREY, 10))
    if node.dtype or node.shape:
        kind = f"{shape_text(node.shape)} {node.dtype}".strip()
        rows.append(_text(kind, PALE if node.is_faint else GREY, 9))
    if node.parameters:
        rows.append(_text(f"{node.parameters:,} parameters", GREEN, 10))
    is_named_by_value = node.kind == "constant" and not node.is_named and np.size(node.value) == 1
    if not is_named_by_value:
        rows += _numbers(node.value, values, PALE if node.is_faint else INK, node.arithmetic)
    if node.gradient_state == "computed":
        is_short = of and node.is_named and len(of) + len(node.symbol) <= 18 and node.kind != "layer"
        title = f"∂{of}/∂{node.symbol}" if is_short else "gradient"
        rows += _numbers(node.gradient, values, RED, title)
    elif node.gradient_state == "not computed" and not node.is_faint:
        rows.append(_text("gradient not computed", PALE, 9))
    cells = "".join(f"<tr><td>{row}</td></tr>" for row in rows)
    return f'<<table border="0" cellborder="0" cellspacing="0" cellpadding="1">{cells}</table>>'


def _title(node: Node) -> str:
    """The name and the formula of a node: `x1 = x · w`."""
    name = f"<b>{escaped(_short(node.name if node.group is None else node.symbol))}</b>"
    if node.formula is None:
        return name
    is_short = len(node.name) + len(node.formula) <= LONGEST
    if node.is_named and is_short:
        return f"{name} = {escaped(node.formula)}"
    return f'{name}</td></tr><tr><td><font point-size="10">{escaped(_short(node.formula, LONGEST_FORMULA))}</font>'


def _numbers(value: Any, values: str, color: str, title: str | None) -> Iterator[str]:
    """The lines about one or several arrays, after a title, with a marked line for elements that are not finite."""
    if values == "none" and not isinstance(value, tuple) and not warning(value):
        return
    for item in value if isinstance(value, tuple) else (value,):
        if item is None:
            continue
        lines = summary(item, values)
        if title and len(lines) == 1 and len(title) + len(lines[0]) <= LONGEST:
            lines = [f"{title} = {lines[0]}"]
        elif title and lines and np.size(item) != 1:
            yield _text(title, color, 10)
        face = "Courier" if len(lines) > 1 and is_small(item) and values == "auto" else None  # aligns the columns
        yield from (_text(_short(line), color, 10, face) for line in lines)
        if found := warning(item):
            yield (
                '<table border="0" cellborder="0" cellpadding="2" bgcolor="#000000"><tr><td>'
                f'<font color="{YELLOW}" point-size="10"><b>{escaped(found)}</b></font></td></tr></table>'
            )


def _not_finite(value: Any) -> bool:
    items = value if isinstance(value, tuple) else (value,)
    return any(item is not None and bool(warning(item)) for item in items)


def _text(text: str, color: str, size: int, face: str | None = None) -> str:
    font = f' face="{face}"' if face else ""
    return f'<font color="{color}" point-size="{size}"{font}>{escaped(text)}</font>'


def _short(text: str, longest: int = LONGEST) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"


# Edges and the legend -----------------------------------------------------------------------------------------


def _arrows(data: GraphData) -> Iterator[str]:
    """The edges. Several edges between the same two nodes are drawn as one arrow."""
    together: dict[tuple[str, str, str], list[Edge]] = {}
    for edge in data.edges:
        if edge.is_faint and edge.direction == "backward" and data.direction == "both":
            continue  # no gradient flows there, and the forward edge shows the connection
        together.setdefault((edge.source, edge.target, edge.direction), []).append(edge)
    for (source, target, direction), edges in together.items():
        style = EDGES["faint" if all(edge.is_faint for edge in edges) else direction]
        if label := _edge_label(edges):
            style = {**style, "label": f"<{label}>"}
        if not data.highlighted.isdisjoint(edges):
            style = {**style, **HIGHLIGHTED}
        if direction == "backward" and data.direction == "both":
            # laid out in the direction of the forward edge, with the arrow reversed, so that the label gets space
            source, target, style = target, source, {**style, "dir": "back", "style": "dashed"}
        yield f"  {source} -> {target}{_attributes(style)};"


def _edge_label(edges: list[Edge]) -> str:
    """Derivatives as a sum, `2 + 2`; shapes one below the other, each with its count."""
    numbers = [edge.label for edge in edges if edge.derivative is not None]
    if numbers:
        text = " + ".join(f"({number})" if n and number.startswith("-") else number for n, number in enumerate(numbers))
        return f' <font point-size="13"><b>{escaped(text)}</b></font> '
    actions = Counter(edge.action for edge in edges if edge.action)
    lines: list[str] = []
    for action, count in actions.items():
        times = f", {count}×" if count > 1 else ""
        lines += f"{action}{times}".replace(" → ", "\n→ ").split("\n")
    rows = "".join(
        f'<tr><td width="7"></td><td align="left">{_text(line, RED, 9)}</td><td width="7"></td></tr>' for line in lines
    )
    return f'<table border="0" cellborder="0" cellspacing="0" cellpadding="1">{rows}</table>' if rows else ""


def _legend(data: GraphData) -> Iterator[str]:
    """A row below the drawing, with a sample of each kind in it."""
    present = {"target" if node.is_target else node.kind for node in data.nodes}
    cells = [_sample(kind) for kind in KINDS if kind in present]
    for direction in dict.fromkeys(edge.direction for edge in data.edges):
        color, text = ARROWS[direction]
        cells.append(_text(f"→ {text}", color, 9))
    if any(node.is_faint for node in data.nodes):
        cells.append(_text("faint: leads to no source", PALE, 9))
    row = "".join(f"<td>{cell}</td>" for cell in cells)
    yield f'  label=<<table border="0" cellborder="0" cellspacing="6"><tr>{row}</tr></table>>;'


def _sample(kind: str) -> str:
    """A small table that looks like a node of that kind."""
    style = KINDS[kind]
    outline = f'color="{style["color"]}" bgcolor="{style["fillcolor"]}"'
    line = ",".join(part for part in style["style"].split(",") if part != "filled")
    outline += f' style="{line}"' if line else ""
    table = f'<table border="{style.get("penwidth", "1")}" cellborder="0" cellspacing="0" cellpadding="{{}}" {outline}>'
    sample = f"{table.format(3)}<tr><td>{_text(kind, INK, 9)}</td></tr></table>"
    return f"{table.format(2)}<tr><td>{sample}</td></tr></table>" if "peripheries" in style else sample


def _attributes(attributes: dict[str, str]) -> str:
    """The attributes in DOT's syntax. Text in angle brackets is HTML-like and is not quoted."""
    return f" [{', '.join(_written(attributes.items()))}]"


def _written(items: Iterable[tuple[str, str]]) -> Iterator[str]:
    for name, value in items:
        is_html = value.startswith("<") and value.endswith(">")
        quoted = value if is_html else '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
        yield f"{name}={quoted}"
