"""Write the table of all primitives into docs/autodiff.md, from the code: run it after adding or changing one.

python docs/make_primitives.py           # writes
python docs/make_primitives.py --check   # exits with 1 if the page is not what it would write
"""

import inspect
import re
import sys
from itertools import groupby
from operator import attrgetter
from pathlib import Path

import tinygrad_lite as tgl
import tinygrad_lite.nn  # all of the package's primitives are defined by now
from tinygrad_lite.core.primitive import REGISTRY
from tinygrad_lite.viz.formulas import display_name, rule_code

PAGE = Path(__file__).with_name("autodiff.md")
BEGIN, END = "<!-- primitives: written by docs/make_primitives.py -->\n", "<!-- end of primitives -->\n"


def heading_of(primitive):
    """The name of its module as words."""
    return primitive.__module__.rpartition(".")[2].replace("_", " ").capitalize()


def idea_of(primitive):
    """The first paragraph of its module."""
    doc = inspect.getdoc(sys.modules[primitive.__module__])
    return " ".join(doc.partition("\n\n")[0].split())


CALLED_AS = {
    "_sigmoid_cross_entropy": "sigmoid_cross_entropy_with_logits",
    "_softmax_cross_entropy": "softmax_cross_entropy_with_logits",
    "_sparse_cross_entropy": "sparse_softmax_cross_entropy_with_logits",
}


def public_name(primitive):
    """What users call it by, below `tgl`; None for a helper."""
    name = CALLED_AS.get(primitive.__name__, display_name(primitive))
    if callable(getattr(tgl, name, None)):
        return name
    return f"linalg.{name}" if callable(getattr(tgl.linalg, name, None)) else None


def public_doc(primitive):
    name = public_name(primitive)
    return (inspect.getdoc(attrgetter(name)(tgl)) or "") if name else ""


def shown_name(primitive):
    return public_name(primitive) or primitive.__name__


def cell(text):
    """Text that cannot end a cell of the table."""
    return " ".join(text.split()).replace("|", "\\|")


def code(text):
    return f"`` {text} ``" if "`" in text else f"`{text}`"


def summary(primitive):
    """What it computes: the formula where its docstring ends in one, else the docstring's first sentence."""
    if primitive.formula:
        return cell(primitive.formula)
    return cell(public_doc(primitive).partition("\n\n")[0].rstrip("."))


def statement(primitive, kind, default):
    """What is said of the domain or the kinks, by the primitive or in the docstring of what users call."""
    text = getattr(primitive, kind)
    if text is None:
        found = re.search(rf"\b{kind.capitalize()}: (.*?\.)(?= [A-Z]|$)", " ".join(public_doc(primitive).split()))
        text = found.group(1) if found else None
    return cell((text or default).rstrip("."))


def in_names_of(primitive, rule, text):
    """The rule's expression with the arguments called as the forward calls them."""
    theirs = list(inspect.signature(rule).parameters)[2:]
    for old, new in zip(theirs, primitive.arrays):
        text = re.sub(rf"(?<![\w.]){old}(?![\w=])", new, text)
    return text


def rule_text(primitive, position):
    rules = primitive.rules
    rule = primitive.joint_rule or primitive.rule_each or (rules[position] if position < len(rules) else None)
    if rule is None:
        return "none"
    if rule.__name__ != "<lambda>":
        return code(f"{rule.__name__}(...)")
    text = rule_code(primitive, position)
    if text is None:
        raise ValueError(f"no source was found of a rule of {primitive}")
    return cell(code(in_names_of(primitive, rule, text) if rule in rules else text))


def rules_text(primitive):
    """One rule an argument; a single one if it serves all of them."""
    if primitive.joint_rule or primitive.rule_each:
        return f"each: {rule_text(primitive, 0)}"
    texts = [f"{name}: {rule_text(primitive, n)}" for n, name in enumerate(primitive.arrays)]
    return "<br>".join(texts) if len(texts) > 1 else texts[0].partition(": ")[2]


def row(primitive):
    cells = (
        f"`{shown_name(primitive)}`",
        summary(primitive),
        rules_text(primitive),
        statement(primitive, "domain", "everywhere"),
        statement(primitive, "kinks", "none"),
    )
    return f"| {' | '.join(cells)} |\n"


def table(primitives):
    head = "| name | computes | rules | defined | kinks |\n|---|---|---|---|---|\n"
    return head + "".join(row(primitive) for primitive in primitives)


def names(primitives):
    return ", ".join(f"`{shown_name(primitive)}`" for primitive in primitives) + ".\n"


def section():
    """The section of the page, as text."""
    known = [p for p in REGISTRY.values() if p.__module__.startswith("tinygrad_lite.")]
    known.sort(key=lambda p: (heading_of(p), shown_name(p)))
    smooth = [p for p in known if p.is_differentiable and public_name(p)]
    inner = [p for p in known if p.is_differentiable and not public_name(p)]
    flat = [p for p in known if not p.is_differentiable and public_name(p)]
    parts = [
        f"{len(known)} primitives: {len(smooth)} that users call and that have gradient rules, {len(flat)} that have "
        f"none, and {len(known) - len(smooth) - len(flat)} helpers that others are made of. "
        "Everything else in `tgl` is composed of these.\n"
    ]
    for heading, group in groupby(smooth, heading_of):
        members = list(group)
        parts += [f"\n### {heading}\n\n", f"{idea_of(members[0])}\n\n", table(members)]
    parts += ["\n### Helpers of other rules\n\n", table(inner)]
    parts += ["\n### Without a gradient\n\n", names(flat)]
    return "".join(parts)


def page_with(text, table_text):
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table_text}\n{END}{after}"


def main():
    text = PAGE.read_text(encoding="utf-8")
    made = page_with(text, section())
    if "--check" in sys.argv[1:]:
        sys.exit(0 if made == text else f"{PAGE.name} is not up to date: run python docs/make_primitives.py")
    PAGE.write_text(made, encoding="utf-8")


if __name__ == "__main__":
    main()
