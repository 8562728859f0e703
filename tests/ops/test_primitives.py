"""All primitives of the package, each through the whole battery of `check_primitive`; and that none is left out."""

import pytest
from primitive_cases import CASES, OTHERS

import tinygrad_lite as tgl
from tinygrad_lite.primitive import REGISTRY
from tinygrad_lite.testing import check_primitive

OURS = {name for name, made in REGISTRY.items() if made.__module__.startswith("tinygrad_lite.")}


def test_every_primitive_has_a_case():
    missing = sorted(OURS - set(CASES))
    assert not missing, f"without a case in tests/ops/primitive_cases: {', '.join(missing)}"


def test_every_case_has_a_primitive():
    assert sorted(set(CASES) - OURS) == []


@pytest.mark.parametrize(
    ("name", "keywords"),
    [
        pytest.param(name, keywords, id=name if len(several) == 1 else f"{name}-{n}")
        for name, several in CASES.items()
        for n, keywords in enumerate(several)
    ],
)
def test_primitive(name, keywords):
    check_primitive(REGISTRY[name], **keywords)


@pytest.mark.parametrize(
    ("name", "keywords"),
    [
        pytest.param(name, keywords, id=name if len(several) == 1 else f"{name}-{n}")
        for name, several in OTHERS.items()
        for n, keywords in enumerate(several)
    ],
)
def test_function(name, keywords):
    check_primitive(getattr(tgl, name), **keywords)
