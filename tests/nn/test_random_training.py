"""The search of tests/random_training.py, for a few seeds; and that it finds faults."""

import pytest

from tests import random_training
from tinygrad_lite.nn.training import snapshot


@pytest.mark.parametrize("start", range(0, 60, 10))
def test_random_models_are_trained_alike_compiled_and_eagerly(start):
    for seed in range(start, start + 10):
        draw = random_training.Draw(seed)
        found = random_training.differences(draw)
        assert not found, f"{draw}\n{found}"


FAULTS = {
    "changes are not seen": (snapshot.Snapshot, "is_current", lambda self: True, {"change": "frozen", "own": "none"}),
    "code of the user's own is not seen": (
        snapshot.FrameObserver, "_judge", lambda self, frame: None,
        {"change": "a number of the user's", "own": "layer"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_the_search_finds_faults(monkeypatch, fault):
    owner, name, wrong, drawn = FAULTS[fault]
    monkeypatch.setattr(owner, name, wrong)
    draws = [random_training.Draw(seed) for seed in range(20)]
    for draw in draws:
        vars(draw).update(who="callback", by_batches=False, at=3, epochs=6, batch_size=6, **drawn)
    assert any(random_training.differences(draw) for draw in draws)
