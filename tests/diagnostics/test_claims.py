"""What `tape.explain` says is true: random programs of which the test knows what depends on what, and in which way.

`python tests/diagnostics/test_claims.py 20000` tries that many programs.
"""

import inspect
import re
import sys

import numpy as np

import tinygrad_lite as tgl


class Value:
    """A tensor, whether a gradient with respect to the source can reach it, and which cuts are on its other ways."""

    def __init__(self, tensor, flows=False, ways=frozenset()):
        self.tensor, self.flows, self.ways = tensor, flows, ways


def computed(function, *values):
    tensor = function(*(value.tensor for value in values))
    return Value(tensor, any(x.flows for x in values), frozenset().union(*(x.ways for x in values)))


def cut(name, function, value):
    """The result of something through which no gradient flows; a constant depends on nothing, so nothing is cut."""
    ways = value.ways if name not in LEFT else {"hidden"} if value.ways else set()  # no tape sees what was before
    return Value(function(value.tensor), False, frozenset(ways) | ({name} if value.flows else set()))


OPERATIONS = {  # of one or two values
    "add": lambda a, b: a + b,
    "multiply": lambda a, b: a * b,
    "subtract": lambda a, b: a - b,
    "where": lambda a, b: tgl.where(np.array([True, False]), a, b),
    "unselected": lambda a, b: tgl.where(np.array([True, True]), a, b),
    "maximum": lambda a, b: tgl.maximum(a, b),
    "concatenate": lambda a, b: tgl.concatenate([a, b])[1:3],
    "first": lambda a, b: tgl.concatenate([a, b])[:2],
    "sin": lambda a: tgl.sin(a),
    "relu": lambda a: tgl.relu(a),
    "dead": lambda a: tgl.relu(tgl.minimum(a, -1.0)),
    "saturated": lambda a: tgl.tanh(a * 1e4 + 1e3),
    "softmax": lambda a: tgl.softmax(a),
    "normed": lambda a: tgl.softmax(a).sum() * np.ones(2),
    "zeros": lambda a: a * 0.0,
    "clip": lambda a: tgl.clip(a, 0.2, 0.4),
    "swap": lambda a: a[::-1],
    "tiny": lambda a: a * 1e-200,
    "matmul": lambda a: a @ np.array([[1.0, -1.0], [1.0, -1.0]]),
}
CUTS = {
    "stop_gradient": tgl.stop_gradient,
    "round": tgl.round,
    "greater": lambda a: tgl.cast(a > 0.3, "float64"),
    "argmax": lambda a: tgl.cast(tgl.argmax(a), "float64") * np.ones(2),
    "conversion": lambda a: tgl.cast(tgl.cast(a * 5.0, "int64"), "float64"),
    "numpy": lambda a: tgl.constant(a.numpy() * 1.0),
    "sin of numpy": lambda a: tgl.constant(np.sin(a.numpy())),
    "float": lambda a: np.ones(2) * tgl.constant(float(a[0]), "float64"),
    "tolist": lambda a: tgl.constant(a.tolist(), "float64"),
}
NAMED = {"stop_gradient", "round", "greater", "argmax", "conversion"}
LEFT = {"numpy", "sin of numpy", "float", "tolist"}


def check(seed):
    """One program: compute, explain, and hold each statement against what is known."""
    rng = np.random.default_rng(seed)
    w, v = tgl.Variable(rng.normal(size=2), name="w"), tgl.Variable(rng.normal(size=2), name="v")
    state = {"v": Value(v)}  # what v holds
    with tgl.GradientTape(persistent=True) as tape:
        values = [Value(w * 1.0, True), Value(v * 1.0), Value(tgl.constant(rng.normal(size=2)))]
        for _ in range(rng.integers(1, 9)):
            a, b = (values[n] for n in rng.integers(0, len(values), 2))
            kind = rng.integers(0, 10)
            if kind < 6:
                operation = OPERATIONS[str(rng.choice(sorted(OPERATIONS)))]
                values.append(computed(operation, *(a, b)[: len(inspect.signature(operation).parameters)]))
            elif kind < 8:
                name = str(rng.choice(sorted(CUTS)))
                values.append(cut(name, CUTS[name], a))
            else:
                method = str(rng.choice(["assign", "assign_add", "assign_sub"]))
                getattr(v, method)(a.tensor)
                kept = frozenset() if method == "assign" else state["v"].ways
                state["v"] = Value(v, False, kept | a.ways | ({method} if a.flows else set()))
                values.append(Value(v * 1.0, False, state["v"].ways))
        target = values[-1 - rng.integers(0, 2)]
    explanation = tape.explain(target.tensor, w)
    gradient = tape.gradient(target.tensor, w)
    text, reason = explanation.text, explanation.reason
    assigned = {way for way in target.ways if way.startswith("assign")}
    named = {"a conversion" if way == "conversion" else way for way in target.ways & NAMED}
    assert ("is None" in text) == (gradient is None)
    assert ("all zeros" in text) == (gradient is not None and not gradient.numpy().any())
    assert set(re.findall(r"was assigned to the Variable 'v' by (\w+)", text)) == assigned
    if not target.flows:
        assert gradient is None
        found = re.findall(r"(?:only reached|Also) through (a conversion|\w+)", text)
        assert set(found) == named
        if named | assigned:
            known = {"behind stop_gradient", "not differentiable", "integers", "overwritten by assign"}
            assert reason in known
            assert (reason == "overwritten by assign") == (not named)
        elif target.ways & LEFT:
            assert reason in ("left the tape", "no way", "used before the tape opened")
            assert "left the tape through" in text
        else:
            assert reason in ("no way", "used before the tape opened", "left the tape")
        return reason
    assert set(re.findall(r"On another way, (\w+) lets", text)) == {w.replace("a conversion", "cast") for w in named}
    if gradient is not None and gradient.numpy().any():
        assert reason == "connected"
        assert f"{np.count_nonzero(gradient.numpy()) / 2:.0%} is not zero" in text
        if target.ways & LEFT:
            assert "left the tape through" in text or named | assigned
        return reason
    assert reason in ("zero derivative", "cancels", "not differentiable")
    for name, why in re.findall(r"The way ends at (\w+): (.*?)\.(?= |$)", text):
        assert any(holds(why, entry) for entry in tape.record() if entry.primitive.__name__.strip("_") == name), text
    return reason


def slope(entry, position):
    """The derivative of an operation's result, its elements weighted unevenly, with respect to an argument."""
    arguments = [tgl.constant(np.asarray(x)) for x in entry.arguments]
    with tgl.GradientTape() as tape, np.errstate(all="ignore"):
        tape.watch(arguments[position])
        y = entry.primitive(*arguments, **entry.metadata)
    return tape.gradient(y, arguments[position], output_gradients=np.arange(1.0, y.size + 1).reshape(y.shape))


def holds(why, entry):
    """Whether what is said of an operation's slope is true of this one."""
    x = np.asarray(entry.arguments[0])
    everywhere = "where a gradient arrives" not in why and "wherever" not in why
    slopes = [slope(entry, n) for n, key in enumerate(entry.input_ids) if key]
    slopes = [s.numpy() for s in slopes if s is not None]
    flat = any(not s.any() for s in slopes) if everywhere else any((s == 0).any() for s in slopes)
    if "dead relu" in why:
        return (x <= 0).all() if everywhere else (x <= 0).any()
    if "saturated" in why:
        return flat and (np.ptp(x) > 0 or np.abs(x).max() > 15)
    if "limits" in why:
        return ((x < 0.2) | (x > 0.4)).all() if everywhere else ((x < 0.2) | (x > 0.4)).any()
    if "multiplied by zeros" in why:
        return any((np.asarray(a) == 0).any() for a in entry.arguments)
    if "chose its other argument" in why:
        return True if not everywhere else flat
    if "so small" in why:
        return not flat or not everywhere
    if "adds up to exactly zero" in why:
        return any(s.any() for s in slopes)
    assert "its slope" in why, why
    return True


def test_claims_hold():
    reasons = {check(seed) for seed in range(500)}
    assert {"connected", "zero derivative", "not differentiable", "overwritten by assign", "no way"} <= reasons


if __name__ == "__main__":
    many = int(sys.argv[1])
    for seed in range(1000, 1000 + many):
        try:
            check(seed)
        except Exception as error:
            raise SystemExit(f"program {seed}: {error!r}") from error
    print(f"{many} programs explained, and every statement held")
