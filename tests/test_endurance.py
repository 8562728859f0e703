"""Short forms of tests/endurance.py; docs/reliability.md has what the long ones print."""

import importlib.util
from pathlib import Path

import pytest

SPEC = importlib.util.spec_from_file_location("endurance", Path(__file__).with_name("endurance.py"))
endurance = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(endurance)


@pytest.mark.parametrize("name", ["eager", "tgl.function", "fit"])
def test_steps_leave_nothing_behind(name, tmp_path):
    blocks, memory, files, _ = endurance.growth(endurance.ways(tmp_path)[name], count=600, warm=200)
    assert blocks < 600  # one at every step would be that many
    assert memory < 4 or memory != memory
    assert files == 0


def test_a_leak_is_noticed(tmp_path):
    kept = []

    def leaks(count):
        kept.extend(object() for _ in range(2 * count))
        kept.append(open(tmp_path / "left", "wb"))  # noqa: SIM115

    blocks, _, files, _ = endurance.growth(leaks, count=200, warm=50)
    kept[-1].close()
    kept[50 * 2].close()
    assert blocks >= 400
    assert files == 1 or not Path("/proc/self/fd").exists()


def test_a_deep_model(tmp_path):
    for name, stage in endurance.deep_stages(80, tmp_path).items():
        assert stage(), name
