"""The table of cases tested: every single gradient rule, made wrong by one part in ten thousand, is found out."""

import pytest
from hypothesis import Phase
from primitive_cases import CASES

from tinygrad_lite.core.primitive import REGISTRY
from tinygrad_lite.testing import GradientError, PrimitiveError, check_primitive, drawing

WRONG = 1.0001

# Found out by value, in test_kinks: this gradient is not zero just where the other argument jumps.
BY_VALUE = {("heaviside", 1)}


def wrong(d):
    return None if d is None else d * WRONG


def mutants():
    """Every primitive with the position of each of its rules."""
    for name in CASES:
        made = REGISTRY[name]
        if made.is_differentiable:
            if made.joint_rule is not None or made.rule_each is not None:
                yield name, 0
            for position, rule in enumerate(made.rules):
                if rule is not None and (name, position) not in BY_VALUE:
                    yield name, position


def mutate(monkeypatch, made, position):
    each, joint = made.rule_each, made.joint_rule

    def at(n, d):
        return wrong(d) if n == position else d

    if joint is not None:
        monkeypatch.setattr(
            made, "joint_rule", lambda *args, **kw: [at(n, d) for n, d in enumerate(joint(*args, **kw))]
        )
    elif each is not None:
        monkeypatch.setattr(made, "rule_each", lambda n, *args, **kw: at(n, each(n, *args, **kw)))
    else:
        rule = made.rules[position]
        rules = [
            (lambda *args, **kw: wrong(rule(*args, **kw))) if n == position else r for n, r in enumerate(made.rules)
        ]
        monkeypatch.setattr(made, "rules", tuple(rules))


def check_all(name):
    for keywords in CASES[name]:
        check_primitive(REGISTRY[name], **{**keywords, "order": min(1, keywords.get("order", 1))})


@pytest.mark.parametrize(("name", "position"), list(mutants()))
def test_a_rule_that_is_wrong_by_little_is_found_out(name, position, monkeypatch):
    monkeypatch.setattr(drawing, "PHASES", (Phase.generate,))  # the smallest example of it is not needed
    mutate(monkeypatch, REGISTRY[name], position)
    with pytest.raises((GradientError, PrimitiveError), match=r"wrong|another gradient"):
        check_all(name)
