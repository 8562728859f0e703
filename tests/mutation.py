"""Mutation testing: change one thing in the code, and see whether a test notices.

    python tests/mutation.py tape [--sample 60] [--seed 0]

The mutants are made from the syntax tree: an operator, a comparison, a constant, a condition, an argument, a
statement. A sample of them is drawn with a fixed seed, and for each the tests of its group run on a copy of the
project until one fails. Printed are those that none noticed, and the share of the others. A mutant that hangs is
noticed too. docs/reliability.md has the shares, and says of every survivor why it is one.
"""

import argparse
import ast
import copy
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
PACKAGE = "tinygrad_lite"

GROUPS = {  # files, and the tests that are theirs
    "tape": (["tape.py"], ["tests/tape", "tests/test_functional.py"]),
    "optim": (["optim.py"], ["tests/test_optim.py", "tests/test_schedules.py"]),
    "losses": (["nn/losses.py"], ["tests/nn/test_losses.py"]),
    "ops": (["ops/*.py"], ["tests/ops", "--ignore=tests/ops/test_mutations.py", "--ignore=tests/ops/test_accuracy.py"]),
}

OPERATORS = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult, ast.Mod: ast.Mult,
    ast.Pow: ast.Mult, ast.MatMult: ast.Mult, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.LShift: ast.RShift,
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.And: ast.Or, ast.Or: ast.And,
    ast.USub: ast.UAdd,
}  # fmt: skip


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
    if isinstance(node, ast.Call) and node.keywords and node.keywords[-1].arg:
        yield f"argument {node.keywords[-1].arg} away", lambda n: n.keywords.pop()
    if (
        isinstance(node, ast.Call)
        and len(node.args) >= 2
        and not any(isinstance(a, ast.Starred) for a in node.args[:2])
    ):
        yield "arguments swapped", lambda n: n.args.__setitem__(slice(0, 2), n.args[1::-1])
    if isinstance(node, ast.Return) and node.value is not None:
        yield "return None", lambda n: setattr(n, "value", ast.Constant(None))
    if hasattr(node, "body") and isinstance(node.body, list):
        for position, statement in enumerate(node.body):
            if isinstance(statement, (ast.Assign, ast.AugAssign, ast.Expr)) and not _is_text(statement):
                text = ast.unparse(statement).splitlines()[0][:60]
                yield f"without {text}", lambda n, p=position: n.body.__setitem__(p, ast.Pass())


def _truth(node):
    return ast.Call(ast.Name("bool", ast.Load()), [node], [])


def _is_text(statement):
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _places(tree):
    """The nodes whose change a test could notice: not annotations, messages, __all__, and what runs at import only."""
    pending = list(tree.body)
    while pending:
        node = pending.pop(0)
        if isinstance(node, (ast.Raise, ast.Import, ast.ImportFrom, ast.JoinedStr)):
            continue
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            continue
        if isinstance(node, ast.FunctionDef) and any("overload" in ast.unparse(d) for d in node.decorator_list):
            continue
        yield node
        for name, child in ast.iter_fields(node):
            if name in ("annotation", "returns", "decorator_list"):
                continue
            pending.extend(c for c in (child if isinstance(child, list) else [child]) if isinstance(c, ast.AST))


def mutants(path):
    """Every mutant of a file: line, description, and a function that makes its source."""
    tree = ast.parse(path.read_text())
    for index, node in enumerate(_places(tree)):
        for number, (description, _) in enumerate(changes(node)):

            def source(index=index, number=number):
                changed = copy.deepcopy(tree)
                place = list(_places(changed))[index]
                list(changes(place))[number][1](place)
                return ast.unparse(ast.fix_missing_locations(changed))

            yield getattr(node, "lineno", 0), description, source


# Running ------------------------------------------------------------------------------------------------------


def run(tests, folder, seconds):
    """Whether the tests pass, and how long they took."""
    begin = time.perf_counter()
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "--no-header", *tests]
    env = os.environ | {"PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1", "OPENBLAS_NUM_THREADS": "1"}
    try:
        done = subprocess.run(
            command, cwd=folder, env=env, timeout=seconds, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return False, seconds
    return done.returncode == 0, time.perf_counter() - begin


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("group", choices=GROUPS)
    parser.add_argument("--sample", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    patterns, tests = GROUPS[arguments.group]
    paths = sorted(path for pattern in patterns for path in (PROJECT / PACKAGE).glob(pattern))
    every = [(path.relative_to(PROJECT), *mutant) for path in paths for mutant in mutants(path)]
    sample = random.Random(arguments.seed).sample(every, min(arguments.sample, len(every)))
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for name in (PACKAGE, "tests"):
            shutil.copytree(PROJECT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(PROJECT / "pyproject.toml", folder)
        passes, seconds = run(tests, folder, 3600)
        if not passes:
            sys.exit("The tests do not pass without a mutation: mend them first.")
        print(f"{len(every):,} mutants of {arguments.group}, {len(sample)} drawn; the tests take {seconds:.0f} s")
        survivors = 0
        for n, (path, line, description, source) in enumerate(sample):
            original = (folder / path).read_text()
            (folder / path).write_text(source())
            survived, _ = run(tests, folder, 3 * seconds + 30)
            (folder / path).write_text(original)
            survivors += survived
            if survived:
                print(f"survived: {path}:{line}: {description}", flush=True)
            if n % 10 == 9:
                print(f"  {n + 1} run, {survivors} survived", flush=True)
        print(f"{len(sample) - survivors} of {len(sample)} killed, {1 - survivors / len(sample):.1%}")


if __name__ == "__main__":
    main()
