"""What holds for all tests: draws that cannot flake, and nothing that outlives the test that made it."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import settings

from tinygrad_lite.core.record import state, tracing
from tinygrad_lite.testing import profiles


def pytest_addoption(parser):
    parser.addoption("--compiled", action="store_true", help="replay what every test computes as compiled programs")


def pytest_configure(config):
    """The same draws in every run; others with --hypothesis-seed=N, or --hypothesis-profile=tinygrad_lite."""
    if config.getoption("compiled"):
        import replaying

        config.pluginmanager.register(replaying)
    if not config.getoption("hypothesis_profile", None):
        is_seeded = config.getoption("hypothesis_seed", None) is not None
        settings.load_profile(profiles.RANDOM if is_seeded else profiles.REPEATABLE)


def pytest_terminal_summary(terminalreporter):
    """Why tests were skipped, in one line for each reason."""
    reports = terminalreporter.stats.get("skipped", [])
    reasons = Counter(report.longrepr[2].removeprefix("Skipped: ") for report in reports)
    for reason, count in reasons.items():
        terminalreporter.write_line(f"{count} skipped: {reason}")


def _left_behind(errors):
    """What a test has left in this thread that it should not have."""
    found = {
        "open tapes": state.tapes,
        "an observer": state.tapes.observer,
        "name scopes": state.scopes,
        "computations of gradients": state.pulling_back,
        "a tracer": tracing.tracer,
        "another np.errstate": np.geterr() if np.geterr() != errors else None,
    }
    return {what: value for what, value in found.items() if value}


@pytest.fixture(autouse=True)
def nothing_leaks():
    """Fails a test after which a tape, scope or tracer is still open, or NumPy treats errors in another way."""
    errors = np.geterr()
    yield
    left = _left_behind(errors)
    state.tapes.clear()  # or all tests after this one would fail too
    state.tapes.observer = None
    state.scopes = ()
    state.pulling_back = 0
    tracing.tracer = None
    np.seterr(**errors)
    assert not left, f"left behind by this test: {left}"
