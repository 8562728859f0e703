"""Measure tinygrad_lite beside every framework that is installed, and print the table.

    python benchmarks/run.py                                   # everything; some minutes
    python benchmarks/run.py --python /path/to/other/python    # frameworks that live in another environment, too
    python benchmarks/run.py --check                           # fail if a ratio to NumPy is over its budget
    python benchmarks/run.py --alone                           # one after another, in ms: for an idle machine

Each contender runs in a process of its own. All processes stay alive and are timed in turn, round by round, so
that a slow moment of the machine affects all of them. The others are stopped meanwhile. The table has the median over
the rounds of the ratio within one round.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import statistics
import subprocess
import sys
from pathlib import Path

import work

HERE = Path(__file__).resolve().parent

# Module in contenders/, its title, and what must be importable for it.
CONTENDERS = [
    ("numpy_by_hand", "by hand in NumPy", "numpy"),
    ("tinygrad_lite_eager", "tinygrad_lite, eager", "tinygrad_lite"),
    ("tinygrad_lite_function", "tinygrad_lite, `tgl.function`", "tinygrad_lite"),
    ("tinygrad_lite_fit", "tinygrad_lite, `fit` and `predict`", "tinygrad_lite"),
    ("pytorch", "PyTorch, eager", "torch"),
    ("torch_compile", "`torch.compile`", "torch"),
    ("jax_jit", "JAX, `jit`", "jax"),
    ("tensorflow_eager", "TensorFlow, eager tape", "tensorflow"),
    ("tensorflow_function", "TensorFlow, `tf.function`", "tensorflow"),
    ("keras_fit", "Keras, `fit` and `predict`", "keras"),
    ("hips_autograd", "HIPS autograd", "autograd"),
    ("mygrad_", "MyGrad", "mygrad"),
]
TITLES = {name: title for name, title, _ in CONTENDERS}

# The most that a ratio to the NumPy version of the same run may be: about half as much again as it is on a quiet
# machine, so that noise passes and a lost optimisation does not.
BUDGETS = {
    "tinygrad_lite_eager": {"step": 2.0, "online": 9.0, "chain": 8.0, "hvp": 10.0, "predict": 2.0},
    "tinygrad_lite_function": {"step": 2.0, "online": 3.5, "chain": 3.5, "hvp": 3.5, "predict": 2.0},
}
# Frameworks differ in the last digits, and where they draw random numbers.
TOLERANCE = {"step": 0.5, "online": None, "chain": 1e-3, "hvp": 1e-3, "predict": 1e-3}


class Contender:
    """A worker process."""

    def __init__(self, name: str, python: str) -> None:
        self.name = name
        self.process = subprocess.Popen(
            [python, str(HERE / "worker.py"), name],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8", env=environment(),
        )  # fmt: skip

    def ready(self) -> bool:
        """Wait until it has done every row once; whether it could."""
        line = self.process.stdout.readline()
        if not line:
            reason = (self.process.stderr.read().strip().splitlines() or ["no reason given"])[-1]
            print(f"{TITLES[self.name]} is left out: {reason}", file=sys.stderr)
            return False
        answer = json.loads(line)
        self.version, self.python, self.values = answer["version"], answer["python"], answer["values"]
        self.signal("SIGSTOP")
        return True

    def seconds(self, row: str, least: float) -> float:
        """Time per unit of `row`, measured for at least so many seconds."""
        self.signal("SIGCONT")
        print(json.dumps([row, least]), file=self.process.stdin, flush=True)
        answer = json.loads(self.process.stdout.readline())["seconds"]
        self.signal("SIGSTOP")
        return answer

    def signal(self, name: str) -> None:
        """Stop the process, or let it go on: threads that wait for work in a loop would take a core from the next."""
        if hasattr(signal, name):
            self.process.send_signal(getattr(signal, name))

    def close(self) -> None:
        self.signal("SIGCONT")
        self.process.stdin.close()
        self.process.terminate()
        self.process.wait()


def environment() -> dict[str, str]:
    paths = [str(HERE.parent), os.environ.get("PYTHONPATH", "")]
    return os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))}


def discover(pythons: list[str], names: list[str] | None) -> list[tuple[str, str]]:
    """For each contender the first interpreter that has what it needs."""
    packages = sorted({package for _, _, package in CONTENDERS})
    look = f"import importlib.util as u; print([p for p in {packages!r} if u.find_spec(p)])"
    has = {
        python: subprocess.run([python, "-c", look], capture_output=True, encoding="utf-8", env=environment()).stdout
        for python in pythons
    }
    found = []
    for name, _, package in CONTENDERS:
        python = next((python for python in pythons if repr(package) in has[python]), None)
        if python and (names is None or name in names):
            found.append((name, python))
    return found


def compare(contenders: list[Contender]) -> None:
    """Refuse to time contenders that do not compute the same."""
    (reference,) = (c for c in contenders if c.name == "numpy_by_hand")
    for contender in contenders:
        for row, value in contender.values.items():
            expected, tolerance = reference.values[row], TOLERANCE[row]
            if tolerance is not None and abs(value - expected) > tolerance * abs(expected):
                raise SystemExit(f"{contender.name} computes something else in {row!r}: {value}, NumPy {expected}.")


def measure(contenders: list[Contender], rounds: int, least: float) -> dict[str, dict[str, list[float]]]:
    """Seconds per unit: by row and contender, one number for each round."""
    times: dict[str, dict[str, list[float]]] = {row: {} for row in work.ROWS}
    for _ in range(rounds):
        for row in work.ROWS:
            for contender in contenders:
                if row in contender.values:
                    times[row].setdefault(contender.name, []).append(contender.seconds(row, least))
    return times


def ratios(times: dict[str, list[float]], unit: str) -> dict[str, float]:
    """Median over the rounds of the ratio to `unit` in the same round."""
    return {
        name: statistics.median(mine / theirs for mine, theirs in zip(seconds, times[unit]))
        for name, seconds in times.items()
    }


def alone_in_turn(chosen: list[tuple[str, str]], rounds: int, least: float) -> str:
    """The least of the rounds in ms, each contender asked for all of them while no other is there."""
    columns = {}
    for name, python in chosen:
        contender = Contender(name, python)
        if contender.ready():
            times = measure([contender], rounds, least)
            columns[name] = {row: min(mine[name]) for row, mine in times.items() if mine}
        contender.close()
    cells = [
        [row, *(f"{mine[row] * 1e3:.3g}" if row in mine else "" for mine in columns.values())] for row in work.ROWS
    ]
    return table(["", *(TITLES[name] for name in columns)], cells)


def table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def report(contenders: list[Contender], times: dict[str, dict[str, list[float]]], unit: str) -> str:
    titles = ["work", *(f"{TITLES[unit]}, ms" for _ in "1"), *(TITLES[c.name] for c in contenders)]
    rows = []
    for row, description in work.ROWS.items():
        relative = ratios(times[row], unit)
        rows.append(
            [description, f"{statistics.median(times[row][unit]) * 1e3:.3g}"]
            + [f"{relative[c.name]:.2f}" if c.name in relative else "" for c in contenders]
        )
    return table(titles, rows)


# What only tinygrad_lite is asked -----------------------------------------------------------------------------


def alone(python: str, code: str, variables: dict[str, str] | None = None) -> str:
    done = subprocess.run(
        [python, "-c", code], capture_output=True, encoding="utf-8", env=variables or environment(), cwd=HERE
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(done.stderr)
    return done.stdout.strip()


MEMORY = """
import tracemalloc, gc, sys
import numpy as np, work
import tinygrad_lite as tgl
from contenders import tinygrad_lite_eager as eager
def peak(compiled):
    run = eager.step(tgl.function if compiled else lambda f: f)
    for _ in range(3): run()
    gc.collect(); tracemalloc.reset_peak(); before = tracemalloc.get_traced_memory()[0]
    for _ in range(3): run()
    return before, tracemalloc.get_traced_memory()[1]
weights = 4 * (784 * 512 + 512 + 512 * 10 + 10)
kept = 3 * weights + work.BATCH * 4 * (784 + 512 + 512 + 10)  # and inputs, both layers' results, logits
for compiled in (False, True):
    tracemalloc.start()
    at_rest, most = peak(compiled)
    tracemalloc.stop()
    print(f"{most / 2**20:.2f} MiB, {most / kept:.2f} times what must be kept")
"""
PER_OPERATION = """
import tracemalloc
import tinygrad_lite as tgl
x = tgl.Variable(1.0)
def chain(n):
    with tgl.GradientTape() as tape:
        y = x
        for _ in range(n): y = tgl.sin(y)
    return tape, y
chain(1000)
tracemalloc.start()
before = tracemalloc.get_traced_memory()[0]
tape, y = chain(10000)
print(round((tracemalloc.get_traced_memory()[0] - before) / 10000))
"""
GROWTH = """
import time
import numpy as np
import tinygrad_lite as tgl
x = tgl.Variable(np.ones(10, np.float32))
for n in (1000, 10000, 100000, 1000000):
    best = 1e9
    for _ in range(max(1, min(5, 100000 // n))):
        begin = time.perf_counter()
        with tgl.GradientTape() as tape:
            y = x
            for _ in range(n): y = tgl.sin(y)
        tape.gradient(y, x)
        best = min(best, time.perf_counter() - begin)
        del tape
    print(f"{n:,}: {best / n * 1e6:.2f}")
"""


def importing(python: str, package: str) -> float:
    """Seconds that an import adds to NumPy's: the least of five, for a busy machine makes it slower only.

    The first of them writes the compiled modules, which an installed package has, whatever the environment says.
    """
    code = f"import numpy, time; t = time.perf_counter(); import {package}; print(time.perf_counter() - t)"
    cached = {name: value for name, value in environment().items() if name != "PYTHONDONTWRITEBYTECODE"}
    return min(float(alone(python, code, cached).splitlines()[-1]) for _ in range(5))


def peak_of(name: str, python: str) -> float | None:
    done = subprocess.run(
        [python, str(HERE / "worker.py"), name, "--memory"], capture_output=True, encoding="utf-8", env=environment()
    )
    return json.loads(done.stdout)["mebibytes"] if not done.returncode else None


def machine() -> str:
    model = platform.processor() or platform.machine()
    try:
        info = Path("/proc/cpuinfo").read_text(encoding="utf-8")
        model = next(line.split(":")[1].strip() for line in info.splitlines() if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    return f"{model}, {os.cpu_count()} cores, {platform.system()}"


def check(contenders: list[Contender], rounds: int, least: float) -> int:
    """Compare ratios to NumPy with their budgets; the number of those that are over."""
    times = measure(contenders, rounds, least)
    over = 0
    for row, by_name in times.items():
        relative = ratios(by_name, "numpy_by_hand")
        for name, budgets in BUDGETS.items():
            mark = "ok" if relative[name] <= budgets[row] else "OVER"
            over += mark == "OVER"
            print(f"{name:24s} {row:8s} {relative[name]:6.2f} times NumPy, budget {budgets[row]:5.2f}  {mark}")
    return over


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="fail if a ratio to NumPy is over its budget")
    parser.add_argument("--python", action="append", default=[], help="another interpreter to look for frameworks in")
    parser.add_argument("--only", help="names of contenders, separated by commas")
    parser.add_argument("--rounds", type=int, default=None, help="default: 15, with --check 5")
    parser.add_argument("--seconds", type=float, default=None, help="for one number; default: 0.2, with --check 0.1")
    parser.add_argument("--alone", action="store_true", help="one contender after another; milliseconds, no ratios")
    parser.add_argument("--quick", action="store_true", help="the first table only")
    options = parser.parse_args()

    names = ["numpy_by_hand", *BUDGETS] if options.check else options.only.split(",") if options.only else None
    names = None if names is None else ["numpy_by_hand", *names]
    chosen = discover([sys.executable, *options.python], names)
    if options.alone:
        print(alone_in_turn(chosen, options.rounds or 15, options.seconds or 0.2))
        return 0
    contenders = [Contender(name, python) for name, python in chosen]
    contenders = [contender for contender in contenders if contender.ready()]
    try:
        compare(contenders)
        if options.check:
            over = check(contenders, options.rounds or 5, options.seconds or 0.1)
            if over:  # once more, with patience: a busy machine is no lost optimisation
                print("Over budget: measuring again.")
                over = check(contenders, 15, 0.2)
            return 1 if over else 0
        unit = "pytorch" if any(c.name == "pytorch" for c in contenders) else "numpy_by_hand"
        times = measure(contenders, options.rounds or 15, options.seconds or 0.2)
    finally:
        for contender in contenders:
            contender.close()

    print(f"{machine()}; " + ", ".join(f"{TITLES[c.name]}: {c.version}, Python {c.python}" for c in contenders))
    print(f"\nTime relative to {TITLES[unit]}:\n")
    print(report(contenders, times, unit))
    if options.quick:
        return 0
    pythons = dict(chosen)
    print("\nPeak of memory of a process that trains the first row, MiB:\n")
    peaks = [(c.name, peak_of(c.name, pythons[c.name])) for c in contenders if "step" in c.values]
    print(table(["", *(TITLES[name] for name, _ in peaks)], [["", *(f"{p:.0f}" if p else "" for _, p in peaks)]]))
    eager, compiled = alone(sys.executable, MEMORY).splitlines()
    print(f"\nPeak of the arrays of that training, tinygrad_lite: eager {eager}; function {compiled}.")
    print(f"Bytes held for a recorded operation on a scalar: {alone(sys.executable, PER_OPERATION)}")
    print(f"Microseconds per operation, forward and backward, in chains of:\n{alone(sys.executable, GROWTH)}")
    print("\nSeconds to import, on top of NumPy:\n")
    packages = {package: pythons[name] for name, _, package in CONTENDERS if name in pythons and package != "numpy"}
    times_of = {package: importing(python, package) for package, python in packages.items()}
    print(table(["", *times_of], [["", *(f"{seconds:.3f}" for seconds in times_of.values())]]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
