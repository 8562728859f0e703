"""Random programs of tapes against a reference that knows nothing of records.

`python tests/tape/random_tapes.py 20000` tries that many. A program opens tapes in each other and after each other,
enters persistent ones again, computes, watches, assigns, reads, stops gradients, and asks any tape for gradients, whose
results go into the computation, to any order.

The reference computes with numbers that carry derivatives of all orders (a nilpotent ε for each question). What a
question means is written down in `Reference`: a tape follows what was computed while it was open from what it watched
by then; a gradient is, for a tape that is open when it is taken, a function of what that tape watches at that moment.
"""

import math
import sys

import numpy as np

import tinygrad_lite as tgl


def require(holds, what):
    """An assertion that `python -O` keeps."""
    if not holds:
        raise AssertionError(what)


# Numbers with derivatives: {set of ε: coefficient}, where each ε is there once at the most ---------------------------


def plus(a, b, factor=1.0):
    return {key: a.get(key, 0.0) + factor * b.get(key, 0.0) for key in {*a, *b}}


def times(a, b):
    answer = {}
    for left, x in a.items():
        for right, y in b.items():
            if not left & right:
                answer[left | right] = answer.get(left | right, 0.0) + x * y
    return answer


def analytic(derivatives):
    """The function with these derivatives: derivatives(number of them, point)."""

    def function(a):
        point = a.get(frozenset(), 0.0)
        rest = {key: x for key, x in a.items() if key}
        answer, power = {frozenset(): derivatives(0, point)}, {frozenset(): 1.0}
        for n in range(1, len(frozenset().union(*a)) + 1):
            power = times(power, rest)
            answer = plus(answer, power, derivatives(n, point) / math.factorial(n))
        return answer

    return function


def part(a, epsilon):
    """What stands beside an ε."""
    return {key - {epsilon}: x for key, x in a.items() if epsilon in key}


OPERATIONS = {  # on tensors, and on numbers with derivatives
    "add": (lambda a, b: a + b, plus),
    "subtract": (lambda a, b: a - b, lambda a, b: plus(a, b, -1.0)),
    "multiply": (lambda a, b: a * b, times),
    "sin": (lambda a: tgl.sin(a), analytic(lambda n, x: math.sin(x + n * math.pi / 2))),
    "cos": (lambda a: tgl.cos(a * 0.3), analytic(lambda n, x: 0.3**n * math.cos(0.3 * x + n * math.pi / 2))),
    "scale": (lambda a: a * 0.7, lambda a: times(a, {frozenset(): 0.7})),
    "positive": (lambda a: +a, lambda a: a),
    "Tensor": (tgl.Tensor, lambda a: a),
    "reshaped": (lambda a: tgl.reshape(tgl.reshape(a, (1,)), ()), lambda a: a),
    "twice": (lambda a: a + a, lambda a: plus(a, a)),
    "square": (lambda a: a * a, lambda a: times(a, a)),
}
ARITY = {"add": 2, "subtract": 2, "multiply": 2}

# The reference ------------------------------------------------------------------------------------------------------


class Node:
    """Something that a program has: a Variable or constant, a result, a gradient, or one use of such."""

    def __init__(self, kind, value, known=(), parents=(), function=None):
        self.kind, self.value, self.known = kind, value, set(known)  # tapes that follow it
        self.parents, self.function = parents, function
        self.alone = True  # not one of several gradients of one call


class Reference:
    """Values under perturbations.

    `levels` are the questions around, each a tape, a source, an ε, and the gradient that it is. Those of them that are
    `on` perturb their sources; the others only say which tape was lent what.
    """

    def __init__(self):
        self.memory = {}

    def value(self, node, levels=(), on=()):
        if not on:
            return {frozenset(): node.value}
        key = (id(node), tuple(level[2] for level in levels), on)
        if key not in self.memory:
            self.memory[key] = self._value(node, levels, on)
        return self.memory[key]

    def _value(self, node, levels, on):
        _, source, epsilon, _ = levels[on[-1]]
        answer = dict(self.value(node, levels, on[:-1]))
        if node is source:
            answer = plus(answer, {frozenset({epsilon}): 1.0})
        if self.follows(on[-1], node, levels):
            if node.kind == "gradient":
                tangent = part(self.gradient(node, levels, on), epsilon)
            else:
                tangent = part(node.function(*(self.value(x, levels, on) for x in node.parents)), epsilon)
            answer = plus(answer, times(tangent, {frozenset({epsilon}): 1.0}))
        return answer

    def gradient(self, node, levels=(), on=()):
        """Of the targets, each with its weight, by the source: what stands beside a new ε at the source."""
        tape, source, pairs = node.question
        around = [k for k in range(len(levels)) if self.follows(k, node, levels)]  # nobody else knows of it
        on = tuple(around.index(k) for k in on if k in around)
        levels = tuple(levels[k] for k in around)
        inner = (*levels, (tape, source, f"{id(node)} in {len(levels)}", node))
        answer = {}
        for target, weight in pairs:
            slope = part(self.value(target, inner, (*on, len(levels))), inner[-1][2])
            answer = plus(answer, times(slope, self.value(weight, levels, on)) if weight else slope)
        return answer

    def follows(self, k, node, levels):
        """Whether the tape of a level follows a node: it was open, or another that did was asked for a gradient."""
        tape = levels[k][0]
        if node.kind in ("variable", "constant"):
            return False
        if tape in node.known:
            return True
        if k + 1 == len(levels):
            return False
        watched = levels[k + 1][3].watched.get(tape, ())
        is_reading = node.kind == "use" and node.parents[0].kind == "variable"
        if is_reading and node.parents[0] in watched and levels[k + 1][0] is not tape:
            return True  # also if the other tape was told not to watch it
        if not self.follows(k + 1, node, levels):
            return False
        if node.kind == "use":
            return node.parents[0] in watched or self.follows(k, node.parents[0], levels)
        if node in watched:  # something of its own for this tape, whatever it was computed from before
            return False
        return node.kind == "gradient" or any(self.follows(k, x, levels) for x in node.parents)


# Programs ------------------------------------------------------------------------------------------------------------


class Program:
    """One random program, run with tapes and with the reference at once."""

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)
        self.reference, self.lines, self.questions = Reference(), [], 0
        self.open, self.closed, self.watched = [], [], {}
        self.values, self.kept = [], []
        for trainable in (True, True, False):
            x = float(self.rng.normal())
            self.values.append((tgl.Variable(x, trainable, dtype="float64"), Node("variable", 0.0)))
        x = float(self.rng.normal())
        self.values.append((tgl.constant(x, "float64"), Node("constant", x)))

    def pick(self, items):
        return items[self.rng.integers(0, len(items))]

    def recent(self):
        return self.pick(self.values[-5:])

    def leaf_or_any(self):
        kind = self.rng.random()
        return self.pick(self.values[:2] if kind < 0.4 else self.values[:4] if kind < 0.6 else self.values)

    def use(self, tensor, node):
        """One use of a value, as it is now."""
        if isinstance(tensor, tgl.Variable) and tensor.trainable:
            for tape in self.open:
                if tape._watch_accessed_variables:
                    self.watched[tape].add(node)
        known = {tape for tape in self.open if tape in node.known or node in self.watched[tape]}
        if node.kind == "variable":
            now = float(tensor.numpy())
            return Node("use", now, known, (node,), lambda v: plus({frozenset(): now}, v))
        return Node("use", node.value, known, (node,), lambda v: v)

    def run(self):
        actions = (
            ["compute"] * 7 + ["open"] * 2 + ["close", "watch", "assign", "stop", "gradient", "gradient", "gradient"]
        )
        self.do_open()
        for _ in range(self.rng.integers(8, 30)):
            getattr(self, "do_" + self.pick(actions))()
        while self.open:
            self.do_close()
        for _ in range(2):
            self.do_gradient()
        return self.questions

    def do_open(self):
        if len(self.open) >= 3:
            return
        again = [tape for tape in self.closed if tape.persistent]
        if again and self.rng.random() < 0.3:
            tape = self.pick(again)
            self.closed.remove(tape)
        else:
            tape = tgl.GradientTape(bool(self.rng.random() < 0.4), bool(self.rng.random() < 0.8))
            self.watched[tape] = set()
        tape.__enter__()
        self.open.append(tape)

    def do_close(self):
        if self.open:
            tape = self.open.pop()
            tape.__exit__(None, None, None)
            self.closed.append(tape)

    def do_watch(self):
        if self.open:
            tape, (tensor, node) = self.pick(self.open), self.leaf_or_any()
            tape.watch(tensor)
            self.watched[tape].add(node)

    def do_compute(self):
        name = self.pick(sorted(OPERATIONS))
        given = [
            self.recent() if self.rng.random() < 0.6 else self.pick(self.values) for _ in range(ARITY.get(name, 1))
        ]
        uses = tuple(self.use(*x) for x in given)
        function, derived = OPERATIONS[name]
        tensor = function(*(x for x, _ in given))
        known = set().union(*(x.known for x in uses)) & set(self.open)
        self.values.append((tensor, Node("result", tensor.item(), known, uses, derived)))

    def do_assign(self):
        variable, _ = self.values[self.rng.integers(0, 3)]
        if self.rng.random() < 0.5:
            variable.assign(float(self.rng.normal()))
        else:
            variable.assign_add(tgl.sin(tgl.stop_gradient(self.pick(self.values)[0])))

    def do_stop(self):
        tensor = tgl.stop_gradient(self.pick(self.values)[0])
        self.values.append((tensor, Node("constant", tensor.item())))

    def do_gradient(self):
        tapes = [tape for tape in self.closed if tape.persistent or not tape._used] + self.open
        if not tapes:
            return
        tape = self.pick(tapes)
        followed = [x for x in self.values if tape in x[1].known] if self.rng.random() < 0.9 else []
        targets = [self.pick(followed[-4:] or self.values) for _ in range(self.rng.integers(1, 3))]
        sources = [self.leaf_or_any() for _ in range(self.rng.integers(1, 4))]
        sources = [x for x in sources if x[1].alone] or self.values[:1]  # one answer may be computed from another
        weights = [self.pick(self.values) for _ in targets] if self.rng.random() < 0.3 else None
        if tape in self.open and tape.persistent is False:  # which ends it
            self.open.remove(tape)
            self.closed.append(tape)
            own = [tape]
        else:
            own = [tape] if tape not in self.open else []
        uses = self._uses_of_targets(tape, targets, own)
        weight_uses = [self.use(*x) for x in weights] if weights else [None] * len(targets)
        method = "jacobian" if len(targets) == 1 and not weights and self.rng.random() < 0.3 else "gradient"
        arguments = {"output_gradients": [x for x, _ in weights]} if weights else {}
        target = targets[0][0] if len(targets) == 1 else [x for x, _ in targets]
        answers = getattr(tape, method)(target, [x for x, _ in sources], **arguments)
        needed = self._variables_below(tape, uses)
        for outer in self.open:  # taking a gradient reads the Variables that it depends on
            if outer is not tape and outer._watch_accessed_variables:
                self.watched[outer] |= needed
        snapshot = {outer: set(self.watched[outer]) | self._known_by(outer) for outer in self.open}
        for (source, node), answer in zip(sources, answers):
            made = Node("gradient", 0.0 if answer is None else answer.item(), self.open)
            made.question, made.watched = (tape, node, list(zip(uses, weight_uses))), snapshot
            made.alone = len(sources) == 1
            self.kept.append(made)  # whose id() the reference remembers
            expected = self.reference.gradient(made).get(frozenset(), 0.0) if source._id in tape._watched else 0.0
            if answer is not None:
                made.known = {outer for outer in self.open if answer._id in outer._watched}
                for outer in set(self.open) - made.known:  # which has to be right: it depends on nothing there
                    unknown = Node("gradient", made.value, [outer])
                    unknown.question, unknown.watched = made.question, snapshot
                    self.kept.append(unknown)
                    for leaf in self.watched[outer]:
                        perturbed = self.reference.value(unknown, ((outer, leaf, id(leaf), unknown),), (0,))
                        unnoticed = any(part(perturbed, id(leaf)).values())
                        require(not unnoticed, (method, "depends on a leaf unnoticed"))
            require(abs(made.value - expected) <= 1e-8 * max(1.0, abs(expected)), (method, answer, expected))
            self.questions += expected != 0.0
            if answer is not None and abs(made.value) < 1e6:
                self.values.append((answer, made))
        given = [id(answer) for answer in answers if answer is not None]
        require(len(set(given)) == len(given), "one Tensor is the answer twice")

    def _uses_of_targets(self, tape, targets, own):
        uses = []
        for tensor, node in targets:
            if isinstance(tensor, tgl.Variable) and tensor.trainable and tape._watch_accessed_variables:
                self.watched[tape].add(node)
            use = self.use(tensor, node)
            if tape in node.known or node in self.watched[tape]:
                use.known |= {tape}
            use.known -= set() if own == [] else set(own) - {tape}
            uses.append(use)
        return uses

    def _known_by(self, tape):
        return {node for _, node in self.values if tape in node.known}

    def _variables_below(self, tape, uses):
        """The trainable Variables that the targets depend on, for a tape."""
        trainable = {node for tensor, node in self.values[:2]}
        found, pending, seen = set(), [x for x in uses if tape in x.known], set()
        while pending:
            node = pending.pop()
            if id(node) in seen:
                continue
            seen.add(id(node))
            for parent in node.parents:
                if parent in trainable:
                    found.add(parent)
                elif tape in parent.known:
                    pending.append(parent)
                elif parent.kind == "use" and parent.parents[0] in trainable:
                    found.add(parent.parents[0])
            if node.kind == "gradient":
                inner, _, pairs = node.question
                found |= self._variables_below(inner, [target for target, _ in pairs])
                pending += [weight for _, weight in pairs if weight and tape in weight.known]
        return found


def check(seed):
    """Run one program; the number of gradients compared."""
    program = Program(seed)
    with np.errstate(all="ignore"):
        return program.run()


if __name__ == "__main__":
    many, compared = int(sys.argv[1]), 0
    first = int(sys.argv[2]) if len(sys.argv) > 2 else 10**6
    for seed in range(first, first + many):
        try:
            compared += check(seed)
        except Exception as error:
            raise SystemExit(f"program {seed}: {error!r}") from error
    print(f"{many:,} programs, {compared:,} gradients other than zero as the reference has them")
