"""One contender in a process of its own: it lists its rows, then runs the rows that it receives and returns the times.

python worker.py CONTENDER           # then one request a line: a row and how often, as JSON
python worker.py CONTENDER --memory  # train for a while, print the peak of resident memory in MiB
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import sys
import time
import warnings

PROTOCOL = os.fdopen(os.dup(1), "w", encoding="utf-8")  # what the libraries print goes elsewhere
os.dup2(2, 1)
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
warnings.simplefilter("ignore")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def say(**message: object) -> None:
    print(json.dumps(message), file=PROTOCOL, flush=True)


def memory(module: object) -> None:
    run = module.rows()["step"]
    for _ in range(30):
        run()
    say(mebibytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def serve(module: object) -> None:
    rows = module.rows()
    units = getattr(module, "UNITS", {})
    say(version=module.VERSION, python=sys.version.split()[0], values={name: run() for name, run in rows.items()})
    for line in sys.stdin:
        row, seconds = json.loads(line)
        run, count = rows[row], 0
        run()  # whatever the others left in the caches is not held against this one
        begin = now = time.perf_counter()
        while now - begin < seconds or not count:
            run()
            count += 1
            now = time.perf_counter()
        say(seconds=(now - begin) / count / units.get(row, 1))


if __name__ == "__main__":
    contender = importlib.import_module(f"contenders.{sys.argv[1]}")
    memory(contender) if "--memory" in sys.argv else serve(contender)
