"""All primitives of the package, each through the whole battery of `check_primitive`; and that none is left out."""

import pytest
from primitive_cases import CASES, ELSEWHERE, OTHERS

from tinygrad_lite import ops
from tinygrad_lite.core.primitive import REGISTRY
from tinygrad_lite.testing import check_primitive, profiles

OURS = {name for name, made in REGISTRY.items() if made.__module__.startswith("tinygrad_lite.")}


def test_every_primitive_has_a_case():
    missing = sorted(OURS - set(CASES))
    assert not missing, f"without a case in tests/ops/primitive_cases: {', '.join(missing)}"


def test_every_case_has_a_primitive():
    assert sorted(set(CASES) - OURS) == []


def test_every_other_function_has_a_case():
    primitives = {id(made) for made in REGISTRY.values()}
    functions = {name for name in ops.__all__ if id(getattr(ops, name)) not in primitives}
    assert sorted(functions - set(OTHERS) - ELSEWHERE) == []
    assert sorted((set(OTHERS) | ELSEWHERE) - functions) == []


def each(table):
    """A parameter for every set of keywords."""
    return [
        pytest.param(name, keywords, id=name if len(several) == 1 else f"{name}-{n}")
        for name, several in table.items()
        for n, keywords in enumerate(several)
    ]


@pytest.mark.parametrize(("name", "keywords"), each(CASES))
def test_primitive(name, keywords):
    check_primitive(REGISTRY[name], **keywords)


@pytest.mark.parametrize(("name", "keywords"), each(OTHERS))
def test_function(name, keywords):
    # fewer points: their derivatives are those of primitives
    check_primitive(getattr(ops, name), **{"max_examples": profiles.gradient_examples // 2, **keywords})
