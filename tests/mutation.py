"""Mutation testing: change one thing in the code, and see whether a test notices.

    python tests/mutation.py ops [--sample 300] [--seed 0] [--jobs 2]
    python tests/mutation.py ops --only shaping.py:120 [--tests tests/ops/test_getitem.py]

The mutants are made from the syntax tree: an operator, a comparison, a constant, a condition, an argument, a
statement; gradient rules that are lambdas of a module too. A sample of them is drawn with a fixed seed. One traced run
of the group's tests tells which of them reach which line; a mutant is tried by those that reach its own, until one
fails: first those with the function's name in theirs, then the shortest. Every mutant is a fork of a process that has
imported NumPy, pytest and Hypothesis but not yet the package: nothing is written, and nothing is left of it.

Printed are those that no test noticed, and the shares of the others per file. A mutant that hangs is noticed too: it
uses up a multiple of the processor's time that its tests took, or sleeps for a minute. docs/reliability.md has the
shares, and says of every survivor why it is one.
"""

import argparse
import ast
import bisect
import gc
import importlib.machinery
import importlib.util
import itertools
import linecache
import multiprocessing
import os
import pickle
import random
import re
import resource
import signal
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from pathlib import Path

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # before NumPy: a fork has one thread

import hypothesis
import hypothesis.extra.numpy
import pytest

PROJECT = Path(__file__).resolve().parent.parent
PACKAGE = "tinygrad_lite"
FIRST = 40  # tests that are tried before the files of the others are even collected
MOST = 30  # seconds that a mutant's tests took when they were traced; what is beyond that is not tried

GROUPS = {  # files, and the tests that are theirs: of their folder, and of who uses them
    "tape": (
        ["core/tape.py", "core/backward.py", "core/record.py", "core/sharing.py", "core/jacobian.py"],
        [
            "tests/tape", "tests/diagnostics", "tests/test_functional.py", "tests/viz/test_graph.py",
            "tests/nn/test_strict.py", "tests/function/test_semantics.py",
        ],
    ),
    "optim": (
        ["optim/*.py"],
        ["tests/test_optim.py", "tests/test_schedules.py", "tests/test_memory.py", "tests/nn/test_steps.py"],
    ),
    "losses": (["nn/losses/*.py"], ["tests/nn/test_losses.py"]),
    "ops": (
        ["ops/*.py"],
        [
            "tests/ops", "--ignore=tests/ops/test_mutations.py", "tests/nn/test_activations.py",
            "tests/function/test_primitives.py", "tests/nn/test_layers.py", "tests/nn/test_losses.py",
            "tests/nn/test_steps.py",
        ],
    ),
}  # fmt: skip

OPERATORS = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult, ast.Mod: ast.Mult,
    ast.Pow: ast.Mult, ast.MatMult: ast.Mult, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.LShift: ast.RShift,
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.And: ast.Or, ast.Or: ast.And,
    ast.USub: ast.UAdd,
}  # fmt: skip

SYMMETRIC = {
    "add", "array_equal", "broadcast_shapes", "hypot", "logical_and", "logical_or", "max", "maximum", "min", "minimum",
    "multiply", "promote_types", "result_type",
}  # fmt: skip  # to swap their arguments changes nothing

TEXTS = {"example", "kinks", "domain"}  # arguments that end up in docstrings


# Making mutants -----------------------------------------------------------------------------------------------


def changes(node):
    """What can be changed about a node: functions that change it in place, with their descriptions."""
    if isinstance(node, (ast.BinOp, ast.AugAssign, ast.BoolOp, ast.UnaryOp)):
        other = OPERATORS.get(type(node.op))
        if other is not None:
            yield f"{type(node.op).__name__} -> {other.__name__}", lambda n: setattr(n, "op", other())
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield "not away", lambda n: setattr(n, "op", ast.UAdd()) or setattr(n, "operand", _truth(n.operand))
    if isinstance(node, ast.Compare) and type(node.ops[0]) in OPERATORS:
        other = OPERATORS[type(node.ops[0])]
        yield f"{type(node.ops[0]).__name__} -> {other.__name__}", lambda n: n.ops.__setitem__(0, other())
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        yield f"{node.value} -> {node.value + 1}", lambda n: setattr(n, "value", n.value + 1)
    if isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield f"{node.value} -> {not node.value}", lambda n: setattr(n, "value", not n.value)
    if isinstance(node, (ast.If, ast.IfExp, ast.While)):
        yield "condition negated", lambda n: setattr(n, "test", ast.UnaryOp(ast.Not(), n.test))
    if isinstance(node, ast.Call) and node.keywords and node.keywords[-1].arg not in (None, *TEXTS):
        yield f"argument {node.keywords[-1].arg} away", lambda n: n.keywords.pop()
    if (
        isinstance(node, ast.Call)
        and len(node.args) >= 2
        and not any(isinstance(a, ast.Starred) for a in node.args[:2])
        and ast.unparse(node.func).rpartition(".")[2] not in SYMMETRIC
    ):
        yield "arguments swapped", lambda n: n.args.__setitem__(slice(0, 2), n.args[1::-1])
    if isinstance(node, ast.Return) and node.value and not _is_none(node.value):
        yield "return None", lambda n: setattr(n, "value", ast.Constant(None))
    if isinstance(node, (ast.Assign, ast.AugAssign, ast.Expr)) and not _is_text(node):
        yield "statement away", _empty


def _truth(node):
    return ast.Call(ast.Name("bool", ast.Load()), [node], [])


def _is_text(statement):
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _is_none(node):
    return isinstance(node, ast.Constant) and node.value is None


def _empty(statement):
    statement.__class__ = ast.Pass


FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


def _places(tree):
    """The nodes whose change a test could notice, each with the lines of its statement, and its function if in one.

    Not annotations, messages, __all__, decorators, and what only a type checker reads.
    """
    pending = [(node, None, None) for node in tree.body]
    while pending:
        node, lines, function = pending.pop(0)
        if isinstance(node, (ast.Raise, ast.Import, ast.ImportFrom, ast.JoinedStr)):
            continue
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            continue
        if isinstance(node, ast.FunctionDef) and any("overload" in ast.unparse(d) for d in node.decorator_list):
            continue
        if isinstance(node, ast.stmt):
            body = getattr(node, "body", None)  # of a compound statement the head
            lines = range(node.lineno, max(node.lineno, body[0].lineno - 1 if body else node.end_lineno) + 1)
        yield node, lines, function
        for name, child in ast.iter_fields(node):
            if name in ("annotation", "returns", "decorator_list"):
                continue
            inside = function
            if isinstance(node, FUNCTIONS) and name == "body":
                inside = node
                if isinstance(node, ast.Lambda):
                    lines = range(child.lineno, child.end_lineno + 1)
            for c in child if isinstance(child, list) else [child]:
                if isinstance(c, ast.AST):
                    pending.append((c, lines, inside))


class Mutant:
    """One change of one file. Pickles small: the tree is made from the file again."""

    def __init__(self, path, index, number, node, description, lines, function, subject):
        self.path, self.index, self.number, self.subject = path, index, number, subject
        self.line, self.description, self.lines = node.lineno, description, lines
        self.is_inside = function is not None

    def tree(self):
        changed = ast.parse(self.path.read_text(encoding="utf-8"))
        place = next(node for i, (node, _, _) in enumerate(_places(changed)) if i == self.index)
        list(changes(place))[self.number][1](place)
        return ast.fix_missing_locations(changed)

    def tests(self, reached):
        """The tests that could notice it: those that reach its lines.

        Of what runs at import, those that reach a line which has its name, or all of the file.
        """
        tests = set().union(*(reached.get((self.path, line), ()) for line in self.lines))
        if tests - {None} or (self.is_inside and None not in tests):
            return tests - {None}
        ours = {line: several - {None} for (path, line), several in reached.items() if path == self.path}
        uses = [line for line in ours if re.search(rf"\b_*{self.subject}\b", linecache.getline(str(self.path), line))]
        return set().union(*map(ours.get, uses)) or set().union(*ours.values())

    def __str__(self):
        source = linecache.getline(str(self.path), self.line).strip()
        return f"{self.path.relative_to(PROJECT / PACKAGE)}:{self.line}: {self.description} | {source[:100]}"


def mutants(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    subjects = {line: _subject(node) for node in tree.body for line in range(node.lineno, node.end_lineno + 1)}
    for index, (node, lines, function) in enumerate(_places(tree)):
        for number, (description, _) in enumerate(changes(node)):
            yield Mutant(path, index, number, node, description, lines, function, subjects[node.lineno])


def _subject(statement):
    """What a statement of a module is about: `name` of `def name`, `name = ...` and `name.defvjp(...)`."""
    names = (node.id for node in ast.walk(statement) if isinstance(node, ast.Name))
    return (getattr(statement, "name", None) or next(names, "")).strip("_")


class Loader(importlib.machinery.SourceFileLoader):
    """Loads a module of the package as the mutant has it, and finds it too."""

    def __init__(self, mutant):
        parts = mutant.path.relative_to(PROJECT).with_suffix("").parts
        super().__init__(".".join(parts[:-1] if parts[-1] == "__init__" else parts), str(mutant.path))
        self.tree = mutant.tree()

    def get_code(self, fullname):
        return compile(self.tree, self.path, "exec", dont_inherit=True)

    def find_spec(self, name, path=None, target=None):
        return importlib.util.spec_from_file_location(name, self.path, loader=self) if name == self.name else None


# Running tests ------------------------------------------------------------------------------------------------


class Plugin:
    """What both ways of running share: an example that fails need not be made small."""

    def pytest_sessionstart(self):
        import tinygrad_lite.testing.drawing as drawing

        phases = (hypothesis.Phase.explicit, hypothesis.Phase.generate)
        drawing.PHASES = (hypothesis.Phase.generate,)
        hypothesis.settings.register_profile("mutation", hypothesis.settings(phases=phases))
        hypothesis.settings.load_profile("mutation")


class Tracer(Plugin):
    """Which tests reach which lines of some files, and how long each of them takes."""

    def __init__(self, paths):
        self.paths = {str(path): path for path in paths}
        self.reached, self.seconds, self.failed = defaultdict(set), {}, set()
        self.test = None  # None: while modules are imported and tests collected
        for trace in (threading.settrace, sys.settrace):
            trace(self.call)

    def call(self, frame, event, argument):
        path = self.paths.get(frame.f_code.co_filename)
        if path is None:
            return None

        def line(frame, event, argument):
            if event == "line":
                self.reached[path, frame.f_lineno].add(self.test)
            return line

        return line

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_protocol(self, item):
        self.test = item.nodeid
        begin = time.process_time()
        yield
        self.seconds[self.test] = time.process_time() - begin
        self.test = None

    def pytest_runtest_logreport(self, report):
        if report.failed:
            self.failed.add(report.nodeid)


class Chooser(Plugin):
    """Leaves the chosen tests, in their order."""

    def __init__(self, tests):
        self.order = {test: n for n, test in enumerate(tests)}

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items):
        items[:] = sorted((i for i in items if i.nodeid in self.order), key=lambda i: self.order[i.nodeid])


def run(tests, plugin, output=os.devnull):
    """Pytest's exit code for these tests; what it prints goes to a file."""
    out = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(out, 1)
    os.dup2(out, 2)
    return int(pytest.main(["-q", "--tb=short", "--assert=plain", "-p", "no:cacheprovider", *tests], plugins=[plugin]))


def files(tests):
    return sorted({test.split("::")[0] for test in tests})


def forked(work):
    """Begins to do something in a fork, whose exit code it returns. Returns the process's id."""
    child = os.fork()
    if child:
        return child
    code = 70
    try:
        code = work()
    finally:
        os._exit(code)


def waited(child):
    """A fork's exit code; the signal's with a minus if one ended it, also if it slept until we ended it."""
    asleep, before = 0, None
    while True:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.02)
        stat = Path(f"/proc/{child}/stat")
        fields = stat.read_bytes().rpartition(b")")[2].split() if os.path.exists("/proc") else []
        now = fields[11:13]  # user and system time. While it is stopped from outside it does not sleep
        asleep = asleep + 0.02 if fields[:1] == [b"S"] and now == before else 0
        before = now
        if asleep > 60:
            os.kill(child, signal.SIGKILL)


def traced(paths, tests):
    """Who reaches what: the tests of every path and line, and the seconds of every test."""
    with tempfile.TemporaryDirectory() as temporary:
        answer, output = Path(temporary) / "answer", Path(temporary) / "output"

        def work():
            tracer = Tracer(paths)
            code = run(tests, tracer, output)
            sys.settrace(None)
            answer.write_bytes(pickle.dumps((dict(tracer.reached), tracer.seconds, tracer.failed)))
            return code

        code = waited(forked(work))
        if code in (0, 1):
            reached, seconds, failed = pickle.loads(answer.read_bytes())
            # what measures memory may fail while it is traced
            code = failed and waited(forked(lambda: run(files(failed), Chooser(failed), output)))
        if code:
            print(output.read_text(encoding="utf-8")[-4000:])
            sys.exit("The tests do not pass without a mutation: mend them first.")
        return reached, seconds


FATES = {1: "failed", -signal.SIGXCPU: "hung", -signal.SIGKILL: "hung"}  # by exit code


def fate(mutant, tests, seconds):
    """What became of a mutant: one of those above, "crashed", "not importable", "survived" or "unreached"."""
    if not tests:
        return "unreached"
    tests = sorted(tests, key=lambda test: (mutant.subject not in test, seconds[test], test))
    total = list(itertools.accumulate(seconds[test] for test in tests))
    tests = tests[: 1 + bisect.bisect(total, MOST)]

    def work(some):
        limit = int(20 + 5 * sum(seconds[test] for test in some))
        resource.setrlimit(resource.RLIMIT_CPU, (limit, limit + 5))
        resource.setrlimit(resource.RLIMIT_AS, (8 << 30, resource.RLIM_INFINITY))
        sys.meta_path.insert(0, Loader(mutant))
        return run(["-x", *files(some)], Chooser(some))

    for some in (tests[:FIRST], tests[FIRST:]):
        if some:
            code = waited(forked(lambda some=some: work(some)))
            if code not in (0, 5):  # 5: the mutant has no such tests
                return FATES.get(code, "crashed" if code < 0 else "not importable")
    return "survived"


def _fate(job):
    return job[0], fate(*job)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("group", choices=GROUPS)
    parser.add_argument("--sample", type=int, default=200, help="how many mutants to draw (default: 200)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1, help="how many mutants to try at a time")
    parser.add_argument("--only", metavar="FILE:LINE", nargs="+", help="try all mutants of these lines")
    parser.add_argument("--tests", nargs="+", help="with these tests instead of the group's")
    arguments = parser.parse_args()
    os.chdir(PROJECT)
    sys.path.insert(0, str(PROJECT))
    patterns, tests = GROUPS[arguments.group]
    paths = sorted(path for pattern in patterns for path in (PROJECT / PACKAGE).glob(pattern))
    sample = every = [mutant for path in paths for mutant in mutants(path)]
    if arguments.only:
        sample = [mutant for mutant in every if f"{mutant.path.name}:{mutant.line}" in arguments.only]
    elif arguments.sample < len(every):
        sample = random.Random(arguments.seed).sample(every, arguments.sample)
    if not sample:
        parser.error(f"expected lines that have mutants. Received: --only {' '.join(arguments.only)}.")
    folder = tempfile.TemporaryDirectory()
    sys.pycache_prefix, sys.dont_write_bytecode = folder.name, False  # what is not mutated is compiled once
    gc.freeze()
    reached, seconds = traced({mutant.path for mutant in sample}, arguments.tests or tests)
    print(f"{len(every):,} mutants of {arguments.group}, {len(sample)} tried. {len(seconds)} tests,", end=" ")
    print(f"{sum(seconds.values()):.0f} s while traced", flush=True)

    jobs = ((mutant, mutant.tests(reached), seconds) for mutant in sample)
    fates = defaultdict(Counter)
    with multiprocessing.get_context("fork").Pool(arguments.jobs) as pool:
        for tried, (mutant, what) in enumerate(pool.imap_unordered(_fate, jobs), 1):
            fates[mutant.path][what] += 1
            if what in ("survived", "unreached"):
                print(f"{what}: {mutant}", flush=True)
            if tried % 50 == 0:
                print(f"  {tried} tried", flush=True)
    for path in sorted(fates):
        print(f"{path.name:22}", summary(fates[path]))
    print(f"{'all':22}", summary(sum(fates.values(), Counter())))


def summary(fates):
    of = sum(fates.values())
    killed = of - fates["survived"] - fates["unreached"]
    return f"{killed:4} of {of:4} killed, {killed / of:6.1%} ({', '.join(f'{n} {what}' for what, n in fates.items())})"


if __name__ == "__main__":
    main()
