"""Runs the property suite over and over, each time with other draws, and counts the runs that fail.

    python tests/flakes.py --runs 1000

A run takes every primitive and every function of arrays through its battery, with one random test point each and
a seed of its own. A suite that cannot flake has no failure; whatever fails is printed with its seed.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import sys
import time
from pathlib import Path

import pytest

from tinygrad_lite.testing import FIGURES

SUITE = Path(__file__).parent / "ops" / "test_primitives.py"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=10, help="how many (%(default)s)")
    parser.add_argument("--first-seed", type=int, default=1, help="of the first run; one more for each (%(default)s)")
    args = parser.parse_args()
    begin, failed = time.perf_counter(), 0
    for seed in range(args.first_seed, args.first_seed + args.runs):
        report = io.StringIO()
        options = ["-q", "--gradient-examples", "1", f"--hypothesis-seed={seed}", "-p", "no:cacheprovider"]
        options += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]  # this process has the package already
        with contextlib.redirect_stdout(report):
            code = pytest.main([str(SUITE), *options])
        if code:
            failed += 1
            print(f"seed {seed} failed:\n{report.getvalue()[-4000:]}", flush=True)
        if seed % 25 == 0 or seed == args.first_seed + args.runs - 1:
            done = seed - args.first_seed + 1
            minutes = (time.perf_counter() - begin) / 60
            print(f"{done} runs, {failed} failed, {FIGURES.cases} cases, {minutes:.1f} minutes", flush=True)
    return min(failed, 1)


if __name__ == "__main__":
    sys.exit(main())
