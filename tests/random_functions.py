"""Random functions with Variables, snapshots, views, assignments, tapes and closures, run in six ways.

    python tests/random_functions.py 2000            # so many programs, from the seed 0 on
    python tests/random_functions.py 1 --seed 1234   # one of them; its source is printed if it differs

A program is Python source: Variables and what was read from them before, inner functions, and a main function of two
tensors and a value. It is called several times, with other tensors and values, and its Variables are assigned between
the calls. It runs as it is and compiled by `tgl.function`, and both again with a tape around it, whose gradients are
among the results, in a compiled function or not. All results, and all that the Variables hold after every call, must be
the same numbers, and stay them; an error in one way must be an error in all.
"""

import argparse
import sys
import textwrap
import warnings
from types import SimpleNamespace

import numpy as np

import tinygrad_lite as tgl
from tinygrad_lite.compiler.traced import TracingError

GROWING = [
    "{a} * 0.5 + 1.0", "tgl.square({a})", "{a} - tgl.max({a}, axis=0)", "tgl.sum({a}, axis=-1, keepdims=True) + {a}",
    "tgl.mean({a}) * {a}", "{a} + {b}", "{a} - {b}", "{a} * {b}", "{a} @ {b}", "{a} + {b}[0]",
    "tgl.dense({a}, {b}, {b}[0])", "{a} * {a}.T", "({a} + {b}.T) * {a}", "{a} * array", "{a} + box.tensor * {b}",
    "{a} * float(len(repr(mode)))",
]  # fmt: skip
BOUNDED = [
    "tgl.sin({a})", "tgl.tanh({a})", "tgl.sigmoid({a})", "tgl.softmax({a})", "tgl.relu({a})", "tgl.maximum({a}, {b})",
    "{a} / (tgl.square({b}) + 1.0)", "tgl.where({a} > {b}, {a}, {b})", "tgl.where({a} > 0, {a}, 0.1 * {a})", "{a}.T",
    "{a}.T.T", "{a}[::-1]", "{a}[:, ::-1].T", "{a}.T[1:2] * {b}", "tgl.reshape(tgl.reshape({a}, (-1,)), (3, 3))",
    "tgl.squeeze({a})", "{a}.reshape({a}.shape)", "{a}.T.reshape((3, 3))", "tgl.broadcast_to({a}[0], (3, 3))",
    "tgl.broadcast_to({a}[:, :1], (3, 3))", "tgl.stop_gradient({a})", "tgl.Tensor({a})", "tgl.constant({a})",
    "tgl.cast({a}, 'float32')", "+{a}", "-{a}", "tgl.concatenate([{a}[1:], {a}[:1]])", "tgl.flip({a}, 0)", "{a}[...]",
    "tgl.stack([{a}[0], {b}[1], {a}[2]])", "tgl.swapaxes({a}, 0, 1)", "{a} * 1.0", "tgl.identity_of({a})",
]  # fmt: skip
SNAPSHOTS = [
    "{v}.value()", "tgl.stop_gradient({v})", "tgl.squeeze({v})", "{v}.T", "{v}[::-1]", "tgl.constant({v}.numpy())",
    "{v}.numpy()", "{v} * 1.0", "tgl.reshape({v}, (3, 3))", "tgl.cast({v}, 'float32')", "recorded({v})",
    "watched({v}.value())", "differentiated({v})", "tgl.Tensor({v})",
]  # fmt: skip
ASSIGNMENTS = ["assign({})", "assign_add(0.25 * {})", "assign_sub({}.T * 0.5)", "assign_add({})", "assign({}.T)"]
VARIABLES = ["v0", "v1", "v2"]
MODES = [0, 1, True, False, 1.0, -1.0]


class Writer:
    """Writes a random program."""

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)
        self.lines = []
        self.count = 0
        self.functions = []

    def pick(self, items):
        return items[self.rng.integers(len(items))]

    def chance(self, p):
        return self.rng.random() < p

    def new(self, kind="t"):
        self.count += 1
        return f"{kind}{self.count}"

    def write(self, indent, line):
        self.lines.append("    " * indent + line)

    def program(self):
        snapshots = []
        for _ in range(self.rng.integers(0, 4)):
            name = self.new("s")
            self.write(0, f"{name} = {self.pick(SNAPSHOTS).format(v=self.pick(VARIABLES))}")
            if self.chance(0.3):
                self.write(0, f"{name} = [{name}]")
                name = f"{name}[0]"
            snapshots.append(name)
            if self.chance(0.5):
                self.write(0, f"{self.pick(VARIABLES)}.assign_add(0.25 * array)")
        self.write(0, f"box = SimpleNamespace(v={self.pick(VARIABLES)}, tensor=tgl.constant(0.5 * array))")
        if self.chance(0.3):
            self.write(0, "with tgl.GradientTape(persistent=True) as before:")
            self.write(1, f"y_before = tgl.sum(tgl.sin({self.pick(VARIABLES)}) * {self.pick(VARIABLES)}.T)")
        has_record = "before:" in "".join(self.lines)
        outside = [*VARIABLES, *snapshots, "box.v", "box.tensor", "array"]
        for _ in range(self.rng.integers(0, 3)):
            name = self.new("f")
            self.write(0, f"@compiled\ndef {name}(x, y, mode):")
            names = self.block(1, ["x", "y", *outside], 1 + self.rng.integers(4), 2)
            self.write(1, f"return tgl.clip({names[-1]} * 1.0, -3.0, 3.0)")
            self.functions.append(name)
        self.write(0, "@compiled\ndef main(x, y, mode):")
        names = self.block(1, ["x", "y", *outside], 2 + self.rng.integers(7), 0)
        if has_record and self.chance(0.7):
            name = self.new()
            sources = f"[{self.pick(VARIABLES)}, {self.pick(VARIABLES)}]"
            zero = 'unconnected_gradients="zero"'
            self.write(1, f"{name} = tgl.add(*before.gradient(y_before, {sources}, {zero}))")
            names.append(name)
        readings = [f"{v} * 1.0" for v in (*VARIABLES, "box.v", "x")]
        results = ", ".join(self.pick(readings) if self.chance(0.3) else self.tensor(names) for _ in range(3))
        self.write(1, f"return [{results}]")
        return "\n".join(self.lines)

    def tensor(self, names):
        """One that is no Variable and no array: it may be handed on as it is."""
        made = [name for name in names if name[0] == "t"]
        return self.pick(made) if made else "x"

    def expression(self, names):
        a, b = self.pick(names[-6:] if self.chance(0.5) else names), self.pick(names)
        grows = self.chance(0.45)
        text = self.pick(GROWING if grows else BOUNDED)
        a, b = (f"tgl.constant({x})" if x == "array" or x.startswith("s") else x for x in (a, b))  # may be of NumPy
        if self.functions and self.chance(0.15):
            return f"{self.pick(self.functions)}({a}, {b}, mode)"
        text = text.replace("tgl.identity_of({a})", "{a}.value()" if a in VARIABLES else "{a} * 1.0").format(a=a, b=b)
        return f"tgl.clip({text}, -3.0, 3.0)" if grows else text

    def block(self, indent, names, length, depth):
        names = [*names]
        for _ in range(length):
            kind = self.rng.random()
            if kind < 0.5 or depth > 3:
                name = self.new()
                self.write(indent, f"{name} = {self.expression(names)}")
                names.append(name)
            elif kind < 0.68:
                self.assign(indent, names)
            elif kind < 0.76:
                names.append(self.branch(indent, names, depth))
            elif kind < 0.8:
                name = self.new()
                self.write(indent, f"{name} = {self.expression(names)}")
                self.write(indent, f"for _ in range({self.rng.integers(1, 3)}):")
                inner = self.block(indent + 1, [*names, name], 1 + self.rng.integers(2), depth + 2)
                self.write(indent + 1, f"{name} = tgl.clip({inner[-1]} + {name}, -3.0, 3.0)")
                names.append(name)
            else:
                names += self.tape(indent, names, depth)
        if len(names) and names[-1] in ("array",):
            names.append("x")
        return names

    def assign(self, indent, names):
        v, value = self.pick([*VARIABLES, "box.v"]), self.pick(names)
        value = f"tgl.constant({value})" if value.startswith("s") else value
        how = self.pick(
            ["assign({})", "assign_add(0.25 * {})", "assign_sub({}.T * 0.5)", "assign_add({})", "assign({}.T)"]
        )
        if value == "array":
            value = "tgl.constant(array)"
        self.write(indent, f"{v}.{how.format(value)}")
        if self.chance(0.5):  # so that nothing grows without end
            self.write(indent, f"{v}.assign(tgl.clip({v}, -2.0, 2.0))")

    def branch(self, indent, names, depth):
        name = self.new()
        condition = self.pick(["mode", "mode == 1", "isinstance(mode, bool)", "mode > 0", "x.ndim == 2"])
        for line in (f"if {condition}:", "else:"):
            self.write(indent, line)
            inner = self.block(indent + 1, names, self.rng.integers(0, 3), depth + 1)
            self.write(indent + 1, f"{name} = {self.expression(inner)}")
        return name

    def tape(self, indent, names, depth):
        tape, persistent = self.new("tape"), self.chance(0.4)
        watched = [x for x in (self.pick(names) for _ in range(2)) if x[0] in "xyt"]
        watched = [x for x in watched if x != "array"]
        options = ["persistent=True"] * persistent + ["watch_accessed_variables=False"] * self.chance(0.1)
        self.write(indent, f"with tgl.GradientTape({', '.join(options)}) as {tape}:")
        if watched:
            self.write(indent + 1, f"{tape}.watch([{', '.join(watched)}])")
        if self.chance(0.3):
            self.write(indent + 1, f"{tape}.watch(box.tensor)")
        inner = self.block(indent + 1, names, 1 + self.rng.integers(4), depth + 1)
        loss = self.new("loss")
        self.write(indent + 1, f"{loss} = tgl.sum({self.expression(inner)} * {self.expression(inner)})")
        made = []
        for _ in range(1 + persistent):
            if self.chance(0.3):
                self.assign(indent, names)
            sources = [x for x in {self.pick([*inner, *VARIABLES]) for _ in range(3)} if x != "array" and x[0] != "s"]
            sources = sorted(sources) or ["v0"]
            new = [self.new() for _ in sources]
            zero = 'unconnected_gradients="zero"'
            self.write(indent, f"[{', '.join(new)}] = {tape}.gradient({loss}, [{', '.join(sources)}], {zero})")
            for name in new:
                self.write(indent, f"{name} = tgl.clip({name}, -3.0, 3.0)")
            made += new
        return made


# Running --------------------------------------------------------------------------------------------------------


def recorded(v):
    """A reading that a tape knows."""
    with tgl.GradientTape():
        return v * 1.0


def watched(t):
    with tgl.GradientTape() as tape:
        tape.watch(t)
        tgl.sum(t * t)
    return t


def differentiated(v):
    with tgl.GradientTape() as tape:
        y = tgl.sum(v * v * 0.5)
    return tape.gradient(y, v)


def plain(f):
    return f


def with_gradient(main, variables):
    """`main` with a tape around it: the gradients are among the results."""

    def f(x, y, mode):
        with tgl.GradientTape() as tape:
            tape.watch([x, y])
            results = main(x, y, mode)
            loss = tgl.sum(tgl.stack([tgl.sum(r * r * 0.1) for r in results]))
        gradients = tape.gradient(loss, [x, y, *variables], unconnected_gradients="zero")
        return [*results, loss, *gradients]

    return f


# How the functions of the source are compiled, whether a tape is around, and how that is compiled.
WAYS = {
    "eager": (plain, False, plain),
    "compiled": (tgl.function, False, plain),
    "eager in a tape": (plain, True, plain),
    "compiled in a tape": (tgl.function, True, plain),
    "compiled around a tape": (plain, True, tgl.function),
    "compiled around a tape and in it": (tgl.function, True, tgl.function),
}


def run(source, seed, way):
    """Everything that can be seen of the program, as arrays."""
    compiled, has_tape, around = WAYS[way]
    rng = np.random.default_rng(seed)
    draw = lambda: (rng.integers(-8, 9, (3, 3)) / 4).astype(np.float32)
    variables = [tgl.Variable(draw(), name=name) for name in VARIABLES]
    scope = dict(zip(VARIABLES, variables))
    scope |= {"tgl": tgl, "np": np, "SimpleNamespace": SimpleNamespace, "compiled": compiled}
    scope |= {"array": draw(), "recorded": recorded, "watched": watched, "differentiated": differentiated}
    exec(compile(source, "<random function>", "exec"), scope)
    main = around(with_gradient(scope["main"], variables)) if has_tape else scope["main"]
    seen, kept = [], []
    modes = [MODES[n] for n in rng.integers(len(MODES), size=2)]
    for call in range(5):
        x, y = tgl.constant(draw()), tgl.constant(draw())
        kind = rng.integers(6)
        x = x if kind else tgl.stop_gradient(variables[0])  # which shares its memory
        y = x if kind == 1 else y
        results = main(x, y, modes[call % 2])
        kept += results
        seen += [np.array(r.numpy()) for r in results] + [np.array(v.numpy()) for v in variables]
        kept += [v.numpy() for v in variables]
        v, value = variables[rng.integers(3)], draw()
        if rng.random() < 0.6:
            [v.assign, v.assign_add, v.assign_sub][rng.integers(3)](value)
            v.assign(np.clip(v.numpy(), -2, 2))
    again = [np.array(r.numpy() if isinstance(r, tgl.Tensor) else r) for r in kept]
    return seen, again


def check(seed):
    """Run a program in all ways; its source and what is wrong, or None; and how often it was refused."""
    source = Writer(seed).program()
    refused = 0
    answers = {}
    for way in WAYS:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                answers[way] = run(source, seed, way)
            except TracingError as error:
                return source, f"{way}: {error}", refused
            except (ValueError, TypeError, RuntimeError) as error:
                answers[way] = error
    for way, answer in answers.items():
        expected = answers["eager in a tape" if "tape" in way else "eager"]
        if isinstance(expected, Exception) or isinstance(answer, Exception):
            if type(expected) is not type(answer):
                told = [repr(x) if isinstance(x, Exception) else "results" for x in (answer, expected)]
                return source, f"{way}: {told[0]}, expected {told[1]}", refused
            refused += 1
            continue
        for what, ours, theirs in zip(("at once", "in the end"), answer, expected):
            if len(ours) != len(theirs):
                return source, f"{way}: {len(ours)} results, expected {len(theirs)}", refused
            for n, (a, b) in enumerate(zip(ours, theirs)):
                if a.dtype != b.dtype or not np.array_equal(a, b, equal_nan=True):
                    return source, f"{way}: result {n} ({what}) is\n{a}\nexpected\n{b}", refused
    return None, None, refused


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("count", type=int, nargs="?", default=200)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    wrong = refused = 0
    for seed in range(options.seed, options.seed + options.count):
        source, difference, errors = check(seed)
        refused += errors > 0
        if difference is not None:
            wrong += 1
            print(f"seed {seed}\n{textwrap.indent(source, '    ')}\n{difference}\n", flush=True)
    print(f"{options.count} programs, {len(WAYS)} ways and 5 calls each: {wrong} differ; {refused} raise in every way")
    sys.exit(wrong > 0)


if __name__ == "__main__":
    main()
