"""Draw the house: the rooms of the package on their floors, and who imports whom.

    python docs/make_house.py           writes docs/images/house.dot and docs/images/house.svg (needs the extra viz)
    python docs/make_house.py --sizes   prints lines of code of each room, and the longest files, classes, functions

Everything is read from the source: a room is a folder of the package, its text the first sentence of its `__init__`,
and an arrow an import, wherever in a file it stands. `tests/test_package.py` checks the imports against `HOUSE`.
"""

from __future__ import annotations

import argparse
import ast
import io
import tokenize
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

DOCS = Path(__file__).parent
PACKAGE = DOCS.parent / "tinygrad_lite"

HOUSE = {  # a file imports from floors below its own, or from its own room
    1: ("utils", "datasets", "version"),
    2: ("core",),
    3: ("compiler", "diagnostics", "random", "testing", "viz"),
    4: ("ops", "optim"),
    5: ("nn",),
    6: ("compat",),
    7: ("",),  # tinygrad_lite/__init__.py
}
FLOOR_OF = {room: floor for floor, rooms in HOUSE.items() for room in rooms}


def module_of(path: Path) -> str:
    """A file's dotted name, relative to the package."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {module_of(path): path for path in sorted(PACKAGE.rglob("*.py"))}
SOURCES = {module: path.read_text(encoding="utf-8") for module, path in FILES.items()}


def room_of(module: str) -> str:
    """The folder at the top of the package in which a module lies."""
    return module.partition(".")[0]


def imports_of(module: str, source: str) -> Iterator[str]:
    """The modules of the package that `module` imports, wherever in the file, relative to the package."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            full = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                raise ValueError(f"{module} imports relatively: write the full name.")
            full = [f"{node.module}.{alias.name}" for alias in node.names]  # a module, or a name in one
        else:
            continue
        for name in full:
            if name == "tinygrad_lite" or name.startswith("tinygrad_lite."):
                inside = name.removeprefix("tinygrad_lite").removeprefix(".")
                yield inside if inside in FILES or isinstance(node, ast.Import) else inside.rpartition(".")[0]


def arrows() -> dict[str, set[str]]:
    """The rooms that each room imports from."""
    found: dict[str, set[str]] = defaultdict(set)
    for module, source in SOURCES.items():
        for imported in imports_of(module, source):
            if room_of(imported) != room_of(module):
                found[room_of(module)].add(room_of(imported))
    return found


def without_shortcuts(ways: dict[str, set[str]]) -> dict[str, set[str]]:
    """The arrows that are not also a longer way over other rooms."""

    def reach(room: str) -> set[str]:
        return set().union(*({other} | reach(other) for other in ways.get(room, ())))

    return {room: {to for to in targets if not any(to in reach(o) for o in targets)} for room, targets in ways.items()}


def to_dot() -> str:
    """The picture in DOT."""
    lines = [
        "digraph house {",
        '  graph [rankdir=TB, fontname=Helvetica, nodesep=0.25, ranksep=0.45, bgcolor="#ffffff"];',
        '  node [shape=box, style="rounded,filled", fillcolor="#f4f6fa", color="#5f6368", fontname=Helvetica, '
        "fontsize=12, margin=0.12];",
        '  edge [color="#8a8f98", arrowsize=0.7];',
    ]
    for floor in sorted(HOUSE, reverse=True):
        rooms = [room for room in HOUSE[floor] if room in FILES]
        lines.append(f"  {{ rank=same; {' '.join(_identifier(room) + ';' for room in rooms)} }}")
        for room in rooms:
            name = f"{room}/" if FILES[room].name == "__init__.py" and room else room or "tinygrad_lite"
            lines.append(f'  {_identifier(room)} [label="{name}"];')
    for room, targets in sorted(without_shortcuts(arrows()).items()):
        lines += [f"  {_identifier(room)} -> {_identifier(target)};" for target in sorted(targets)]
    return "\n".join([*lines, "}", ""])


def _identifier(room: str) -> str:
    return room or "tinygrad_lite"


# Sizes --------------------------------------------------------------------------------------------------------


def code_lines(source: str) -> set[int]:
    """The numbers of the lines that hold code: neither blank, nor a comment, nor a docstring."""
    nothing = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in nothing:
            lines.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(source)):
        for part in getattr(node, "body", None) or [] if not isinstance(node, (ast.Lambda, ast.IfExp)) else []:
            if (
                isinstance(part, ast.Expr)
                and isinstance(part.value, ast.Constant)
                and isinstance(part.value.value, str)
            ):
                lines.difference_update(range(part.lineno, (part.end_lineno or part.lineno) + 1))
    return lines


def sizes() -> dict[str, list[tuple[int, str]]]:
    """Lines, the most first: of code in rooms, classes and functions; all lines in files."""
    rooms: dict[str, int] = defaultdict(int)
    found: dict[str, list[tuple[int, str]]] = {"rooms": [], "files": [], "classes": [], "functions": []}
    for module, source in SOURCES.items():
        code = code_lines(source)
        name = str(FILES[module].relative_to(PACKAGE))
        rooms[room_of(module) or "__init__"] += len(code)
        found["files"].append((len(source.splitlines()), name))
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
                count = len(code & set(range(node.lineno, (node.end_lineno or node.lineno) + 1)))
                found["classes" if isinstance(node, ast.ClassDef) else "functions"].append(
                    (count, f"{name}: {node.name}")
                )
    found["rooms"] = [(count, room) for room, count in rooms.items()]
    return {what: sorted(entries, reverse=True) for what, entries in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sizes", action="store_true")
    if parser.parse_args().sizes:
        for what, entries in sizes().items():
            print(what)
            for count, name in entries if what == "rooms" else entries[:10]:
                print(f"  {count:6,}  {name}")
        return
    from tinygrad_lite.viz.render import draw

    text = to_dot()
    (DOCS / "images" / "house.dot").write_text(text, encoding="utf-8")
    (DOCS / "images" / "house.svg").write_bytes(draw(text, "svg"))
    print(f"{sum(map(len, arrows().values()))} imports between {len(arrows())} rooms: docs/images/house.svg")


if __name__ == "__main__":
    main()
