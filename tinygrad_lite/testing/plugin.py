"""The pytest plugin: `--gradient-examples N`, and the figures of all gradient checks at the end of a run.

pytest loads it wherever the package is installed. So it works without Hypothesis, and imports the modules for testing
only when they are needed.
"""

from __future__ import annotations

import argparse
import sys

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.getgroup("tinygrad_lite").addoption(
        "--gradient-examples",
        type=positive,
        metavar="N",
        help="draw N points for every operation that tinygrad_lite.testing.check_primitive checks (default: 20)",
    )


def positive(text: str) -> int:
    """`text` as an integer of at least 1; otherwise raise argparse's error."""
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"expected a number of at least 1. Received: {text!r}. Try 100.")
    return int(text)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    examples = config.getoption("--gradient-examples")
    profile = config.getoption("hypothesis_profile", None) or ""
    if examples is None and not profile.startswith("tinygrad_lite"):
        return
    try:
        from tinygrad_lite.testing import profiles  # registers them before Hypothesis' plugin looks them up
    except ImportError as error:
        raise pytest.UsageError(str(error)) from error
    if examples is not None:
        before, profiles.gradient_examples = profiles.gradient_examples, examples
        config.add_cleanup(lambda: setattr(profiles, "gradient_examples", before))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    checks = sys.modules.get("tinygrad_lite.testing.gradients")
    if checks is None or not checks.FIGURES.cases:
        return
    terminalreporter.section("gradient checks")
    for line in checks.FIGURES.lines():
        terminalreporter.line(line)
