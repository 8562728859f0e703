"""Hypothesis profiles without deadlines, and how many points `check_primitive` draws.

Load one in a conftest.py, `settings.load_profile("tinygrad_lite")`, or with `pytest --hypothesis-profile=...`:

- `tinygrad_lite`: no deadlines, no health checks, other numbers in every run.
- `tinygrad_lite_ci`: the same numbers in every run, and no database of examples, so that a run depends
  only on the code.
"""

from __future__ import annotations

try:  # the only import of Hypothesis, so that there is one message if it is missing
    from hypothesis import HealthCheck as HealthCheck
    from hypothesis import Phase as Phase
    from hypothesis import given as given
    from hypothesis import settings as settings
    from hypothesis import strategies as st
    from hypothesis.extra import numpy as extra
except ImportError as error:
    raise ImportError(
        "tinygrad_lite.testing draws with Hypothesis. Install it with: pip install 'tinygrad_lite[testing]'"
    ) from error

__all__ = ["RANDOM", "REPEATABLE", "HealthCheck", "Phase", "extra", "given", "gradient_examples", "settings", "st"]

gradient_examples = 20
"""What `pytest --gradient-examples N` sets: points drawn for every operation that is checked."""

RANDOM, REPEATABLE = "tinygrad_lite", "tinygrad_lite_ci"

_profile = settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
settings.register_profile(RANDOM, _profile)
settings.register_profile(REPEATABLE, _profile, derandomize=True, database=None)
