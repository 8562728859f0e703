"""The search of tests/random_training.py, for a few seeds; and that it finds faults."""

import pytest

from tests import random_training
from tinygrad_lite.nn import snapshot


@pytest.mark.parametrize("start", range(0, 60, 10))
def test_random_models_are_trained_alike_compiled_and_eagerly(start):
    for seed in range(start, start + 10):
        draw = random_training.Draw(seed)
        found = random_training.differences(draw)
        assert not found, f"{draw}\n{found}"


@pytest.mark.parametrize(
    ("owner", "name", "wrong"),
    [
        (snapshot.Snapshot, "is_current", lambda self: True),
        (snapshot.FrameObserver, "_judge", lambda self, frame: None),
    ],
    ids=["changes are not seen", "code of the user's own is not seen"],
)
def test_the_search_finds_faults(monkeypatch, owner, name, wrong):
    monkeypatch.setattr(owner, name, wrong)
    assert any(random_training.differences(random_training.Draw(seed)) for seed in range(120))
