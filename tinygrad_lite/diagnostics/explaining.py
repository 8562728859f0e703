"""Why a gradient is None, or zero everywhere, in words.

A record contains only operations with a gradient. So a tape also notes results of operations without one, values that
are assigned to Variables, and values that leave for Python and NumPy. The dependence on the source is followed through
all of these. Where it reaches the target only through a cut, the cut is the answer. What NumPy computed from a value
that left is not known, except for a constant that is exactly that value.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from tinygrad_lite.core.arguments import tensors_of
from tinygrad_lite.core.backward import walk, zero_rule
from tinygrad_lite.core.record import between, entries_of, keys_of, leads_to, scopes_of
from tinygrad_lite.core.tape import GradientTape
from tinygrad_lite.core.tensor import Tensor
from tinygrad_lite.core.variable import Variable
from tinygrad_lite.diagnostics.derivatives import why_zero
from tinygrad_lite.diagnostics.observing import Site, reporting, site_of
from tinygrad_lite.utils.types import Value

__all__ = ["Explanation", "explain"]


@dataclass(frozen=True, repr=False)
class Explanation:
    """An answer of `tape.explain`; prints as its text."""

    reason: str
    """Two or three words: "never watched", "zero derivative" and so on."""
    text: str
    operation: str | None = None
    """The name of the operation at which the path from the target to the source ends, if it ends at one."""
    site: Site | None = None
    """The line that called it, if it was observed: inside of `tgl.detect_anomalies`."""

    def __str__(self) -> str:
        return self.text

    __repr__ = __str__


def explain(self: GradientTape, target: Tensor, source: Tensor) -> Explanation:
    """Say why the gradient of `target` with respect to `source` is None or all zeros.

    Call it before `gradient`, or use a persistent tape: other tapes have released their record then, and little is
    known. Lines of code are known for what was computed inside of `tgl.detect_anomalies`. For a gradient that is not
    zero, it says which paths from the source to the target do not contribute to it.

    Parameters
    ----------
    target, source : Tensor

    Returns
    -------
    Explanation
        Prints as a sentence or two; its `reason` is short.

    Raises
    ------
    TypeError
        An argument is not a Tensor.
    RuntimeError
        The tape was never entered.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> x = tgl.Variable([-1.0, -2.0], name="x")
    >>> with tgl.GradientTape(persistent=True) as tape:
    ...     y = tgl.relu(x) * 3.0
    >>> print(tape.explain(y, x))  # doctest: +ELLIPSIS
    The gradient with respect to 'x' is all zeros. The way ends at relu: all 2 inputs are at most 0, where...
    """
    (target,), (source,) = tensors_of(target, "target", "explain"), tensors_of(source, "source", "explain")
    if not self._entered:
        raise RuntimeError("This tape has no record: it was never entered. Compute inside of `with tape:`.")
    case = _Case(self, target, source)
    for check in (_integers, _source_unwatched, _target_unrecorded, _released, _slopes, _cut):
        found = check(case)
        if found is not None:
            return found
    return case.none(
        "no way",
        "No recorded operation leads from it to the target. Either the target was computed without it, or from a value "
        "that was computed from it where this tape did not see it: before the tape was opened, before tape.watch, or "
        f"outside of this package, from .numpy(). The tape cannot tell these apart.{case.left_in_words()}",
    )


_HOW_TO_SEE_LINES = " For the line, compute inside of `with tgl.detect_anomalies():`."
_STAND_IN = "Use what went into it, or a smooth stand-in, for example softmax for argmax and sigmoid for a comparison."
_REASONS = {"stop_gradient": "behind stop_gradient", "_cast": "integers"}
_ADVICE = {
    "stop_gradient": "stop_gradient. Leave that out if the gradient is wanted.",
    "_cast": "a conversion to integers, which carry no gradient.",
}


class _Cut(NamedTuple):
    """An operation or assignment that passes on the source's value, but no gradient."""

    way: str
    """The name of an operation, or of the method that assigned."""
    key: int
    """The identity of its result, or of the value that was assigned."""
    variable: str = ""
    """The name of the Variable that was assigned."""

    def in_words(self, what: str) -> str:
        """What it is, and what to do about it. For an operation, the text starts with its name."""
        if self.variable:
            return (
                f"{what} was assigned to the Variable {self.variable} by {self.way}, with which the target was "
                "computed, and no gradient flows through an assignment. Compute with the result itself."
            )
        usual = f"{_plain_name(self.way)}, which has no gradient: its result jumps. {_STAND_IN}"
        return _ADVICE.get(self.way, usual)


class _Case:
    """A target, a source, and what the checks need to know about them."""

    def __init__(self, tape: GradientTape, target: Tensor, source: Tensor) -> None:
        self.tape, self.target, self.source = tape, target, source
        self.name = repr(source.name) if isinstance(source, Variable) else "the source"
        self.record = list(entries_of(tape._record))
        self.layers = {entry[1]: scope for entry, scope in zip(self.record, scopes_of(tape))}
        self.reached = leads_to({source._id} if source._id else set(), self.record)
        self.cuts = sorted(self._follow(), key=lambda cut: (bool(cut.variable), cut.key))

    def _follow(self) -> set[_Cut]:
        """The cuts between the source and the target, found by following what depends on the source."""
        tape, reached = self.tape, self.reached
        cuts: dict[int, set[_Cut]] = {}
        events: list[tuple[float, str, Any]] = [(key, "made", (key, made)) for key, made in tape._beyond.items()]
        events += [(time, "assigned", assigned) for time, *assigned in tape._assignments]
        time = float("inf")
        for entry in reversed(
            self.record
        ):  # entries shared by other tapes can have later identities than what uses them
            time = min(time, *keys_of(entry[1]))
            events.append((time, "recorded", entry))
        for _, kind, event in sorted(events, key=lambda event: event[0]):
            if kind == "assigned":
                method, variable, value = event
                known = set() if method == "assign" else cuts.get(variable, set())
                cut = {_Cut(method, value, self._name_of(variable))} if value in reached else set()
                cuts[variable] = known | cuts.get(value, set()) | cut
            elif kind == "made":
                key, (name, inputs) = event
                cut = {_Cut(name, key)} if key in tape._dead_ends and not reached.isdisjoint(inputs) else set()
                cuts[key] = cut.union(*[cuts.get(x, set()) for x in inputs])
            else:
                found: set[_Cut] = set().union(*[cuts.get(x, set()) for x in event[2]])
                for key in keys_of(event[1]) if found else ():
                    cuts[key] = found
        return cuts.get(self.target._id, set())

    def _name_of(self, identity: int) -> str:
        variables = [self.target, self.source, self.tape._variables.get(identity)]
        names = [repr(x.name) for x in variables if isinstance(x, Variable) and x._id == identity]
        return names[0] if names else "that holds it"

    def what(self, key: int) -> str:
        """What has this identity, in words."""
        if key == self.source._id:
            return f"The value of {self.name}"
        names = [entry[0].__name__ for entry in self.record if key in keys_of(entry[1])]
        names += [self.tape._beyond[key][0]] if key in self.tape._beyond else []
        return f"The result of {_plain_name(names[0])}" if names else "A value"

    def none(
        self, reason: str, text: str, operation: str | None = None, output: int | tuple[int, ...] = 0
    ) -> Explanation:
        """The answer for a gradient that is None."""
        site = site_of(output) if output else None
        line = f" The line is {site}" if site else _HOW_TO_SEE_LINES if output else ""
        head = f"The gradient with respect to {self.name} is None."
        return Explanation(reason, f"{head} {text}{line}", operation, site)

    def cut_off(self) -> Explanation | None:
        """The answer where the target depends on the source, but only through cuts."""
        if not self.cuts:
            return None
        first = self.cuts[0]
        operations = list(dict.fromkeys(cut.in_words("") for cut in self.cuts if not cut.variable))
        texts = [f"{'Also' if n else 'The target is only reached'} through {text}" for n, text in enumerate(operations)]
        texts += dict.fromkeys(cut.in_words(self.what(cut.key)) for cut in self.cuts if cut.variable)
        reason = "overwritten by assign" if first.variable else _REASONS.get(first.way, "not differentiable")
        return self.none(reason, " ".join(texts), _plain_name(first.way), first.key)

    def asides(self) -> str:
        """Sentences on paths from the source to the target without a gradient, besides a recorded one."""
        texts = []
        for cut in self.cuts:
            if cut.variable:
                assigned = f"was assigned to the Variable {cut.variable} by {cut.way}, which lets no gradient through."
                texts.append(f"{self.what(cut.key)} {assigned}")
            else:
                texts.append(f"On another way, {_plain_name(cut.way)} lets no gradient through.")
        for entry, what, way, _ in _returned(self):
            name = _plain_name(entry[0].__name__)
            texts.append(f"{what} left the tape through {way}, and {name} got its value as a constant: no gradient.")
        texts = texts or [
            f"{self.what(key)} left the tape through {way}: what was computed from that does not contribute."
            for key, way in self.left()
        ]
        return "".join(f" {text}" for text in dict.fromkeys(texts))

    def left(self) -> list[tuple[int, str]]:
        """The values that depend on the source and left the tape, except for the target itself."""
        return [(key, way) for key, way in self.tape._left.items() if key in self.reached and key != self.target._id]

    def left_in_words(self) -> str:
        """A sentence for each of the first of these, for answers where nothing else is known."""
        return "".join(f" {self.what(key)} left the tape through {way}." for key, way in self.left()[:3])

    def needed(self) -> list[Any]:
        """The entries from which the target was computed, the last first."""
        everything = {key for entry in self.record for key in keys_of(entry[1])} | {self.target._id}
        return between(everything | self.tape._watched, {self.target._id}, reversed(self.record))


def _plain_name(name: str) -> str:
    return name.strip("_")


# Checks, the most certain first -------------------------------------------------------------------------------


def _integers(case: _Case) -> Explanation | None:
    if case.source.dtype.kind != "f":
        return case.none(
            "integers",
            f"Its dtype is {case.source.dtype}: integers and booleans carry no gradient. Make it of floats, "
            'for example tgl.Variable(3.0), or tgl.cast(x, "float32").',
        )
    if case.target.dtype.kind != "f" and case.target._id not in case.tape._beyond:
        return case.none(
            "integers", f"The target's dtype is {case.target.dtype}: integers and booleans carry no gradient."
        )
    return None


def _source_unwatched(case: _Case) -> Explanation | None:
    tape, source = case.tape, case.source
    if source._id in tape._watched:
        return None
    if not isinstance(source, Variable):
        if source._id in tape._beyond:
            made_by = _plain_name(tape._beyond[source._id][0])
            return case.none("never watched", f"It was computed by {made_by}, which no tape follows: tape.watch it.")
        before = source._id and source._id < tape._serial
        return case.none(
            "never watched",
            "It is a Tensor that this tape never watched"
            + (": it was computed before the tape was opened" if before else "")
            + ". Call tape.watch(x) inside of the tape's context before x is used, or make it a tgl.Variable. (A "
            "Variable that was replaced by `w = w - step` is a Tensor: use w.assign_sub(step).)",
        )
    if not source.trainable:
        return case.none(
            "never watched", "It has trainable=False, so tapes do not watch it by themselves: tape.watch it."
        )
    if not tape._watch_accessed_variables:
        return case.none("never watched", "The tape was made with watch_accessed_variables=False: tape.watch it first.")
    if case.cuts:
        return case.cut_off()
    for entry, position in _constants(case.needed()):
        if entry[3][position] is source._array:
            name = _plain_name(entry[0].__name__)
            text = f"The value of the Variable itself goes into {name}, cut off before the tape was opened."
            return case.none("behind stop_gradient", text, name, entry[1])
    paused = " or inside of tape.stop_recording()," if tape._pauses else ""
    return case.none(
        "used before the tape opened",
        "No operation read it while this tape recorded. What depends on it was computed before the tape was opened,"
        f"{paused} or after it was closed, or the target does not depend on it. Compute inside of the tape's context.",
    )


def _target_unrecorded(case: _Case) -> Explanation | None:
    tape, target = case.tape, case.target
    if target._id in tape._watched:
        return None
    if case.cuts:
        return case.cut_off()
    if target._id in tape._beyond:
        text = "As far as was recorded, the target was computed by operations without a gradient, not from the source."
        return case.none("no way", text + case.left_in_words())
    if target._id and target._id < tape._serial:
        return case.none(
            "used before the tape opened",
            "The target was computed before this tape was opened, while another recorded.",
        )
    if isinstance(target, Variable):
        return case.none(
            "no way", "The target is a Variable that no operation read, and its value does not depend on the source."
        )
    paused = " inside of tape.stop_recording()," if tape._pauses else ""
    return case.none(
        "used before the tape opened",
        f"This tape did not record the target: it was computed before the tape was opened,{paused} after it was "
        f"closed, by NumPy from .numpy(), or from nothing that the tape watches.{case.left_in_words()}",
    )


def _released(case: _Case) -> Explanation | None:
    if case.tape._used and not case.tape._persistent:
        return Explanation(
            "released",
            "This tape released its record when it computed a gradient, so the reason is not known any more. Call "
            "explain before gradient, or use GradientTape(persistent=True).",
        )
    return None


def _slopes(case: _Case) -> Explanation | None:
    """Where the target depends on the source: the derivatives along the way."""
    if case.target._id not in case.reached:
        return None
    ends: list[tuple[tuple[Any, ...], int, Value, Value | None]] = []
    arrivals: list[Value] = []

    def note(entry: tuple[Any, ...], position: int, g: Value, d: Value | None) -> None:
        if entry[2][position] not in case.reached:
            return
        arrives = any(np.any(item) for item in (g if isinstance(g, tuple) else (g,)))
        if d is not None and entry[0].needs_zero_rule:
            d = zero_rule(g, d)
        if arrives and (d is None or not np.any(d)):
            ends.append((entry, position, g, d))
        elif arrives and entry[2][position] == case.source._id:
            arrivals.append(d)

    entries = between(case.reached, {case.target._id}, reversed(case.record))
    seed = {case.target._id: np.ones(case.target.shape, case.target.dtype)}
    with np.errstate(all="ignore"):
        found = walk(reporting(entries, note), seed, case.reached, {case.source._id})
        gradient = found.get(case.source._id)
        if gradient is None and not ends:
            return None
        asides = case.asides()
        if gradient is not None and np.any(gradient):
            share = np.count_nonzero(gradient) / gradient.size
            head = f"The gradient with respect to {case.name} is there: {share:.0%} is not zero."
            return Explanation("connected", head + asides)
        kind = "None" if gradient is None else "all zeros"
        head = f"The gradient with respect to {case.name} is {kind}."
        if not ends:
            text = "Its parts, on several ways or of several elements, add up to exactly zero, as in x - x."
            return Explanation("cancels", f"{head} {text}{asides}")
        texts = []
        for entry, position, g, d in ends[:3]:
            site = site_of(entry[1])
            layers = site.layers if site else case.layers.get(entry[1])
            where = f" in the layer {'/'.join(layers)}" if layers else ""
            line = f" The line is {site}" if site else ""
            name = _plain_name(entry[0].__name__)
            texts.append(f"The way ends at {name}{where}: {why_zero(entry, position, g, d)}.{line}")
    more = f" (And at {len(ends) - 3} others.)" if len(ends) > 3 else ""
    more += " On other ways its parts add up to exactly zero." if arrivals else ""
    more += asides
    if not site_of(ends[0][0][1]):
        more += _HOW_TO_SEE_LINES
    reason = "zero derivative" if gradient is not None else "not differentiable"
    entry = ends[0][0]
    return Explanation(reason, f"{head} {' '.join(texts)}{more}", _plain_name(entry[0].__name__), site_of(entry[1]))


def _cut(case: _Case) -> Explanation | None:
    """Where no recorded operation leads from the source to the target: the place where the dependence was lost."""
    if case.cuts:
        return case.cut_off()
    for entry, what, way, is_rounded in _returned(case):
        name = _plain_name(entry[0].__name__)
        rounded = ", as an integer," if is_rounded else ""
        return case.none(
            "left the tape",
            f"{what} left the tape through {way}, and {name} got its value{rounded} as a constant. Compute with the "
            "tensor itself.",
            name,
            entry[1],
        )
    if case.tape._pauses:
        return case.none(
            "behind stop_recording",
            "The tape was stopped by tape.stop_recording() for a while, and no recorded operation leads from the "
            "source to the target. What was computed meanwhile is a constant for it.",
        )
    return None


# What the checks use ------------------------------------------------------------------------------------------


def _constants(entries: list[Any]) -> Iterator[tuple[Any, int]]:
    """Every argument that is a constant for the tape: (entry, position)."""
    for entry in entries:
        for position, key in enumerate(entry[2]):
            if not key:
                yield entry, position


def _returned(case: _Case) -> Iterator[tuple[Any, str, str, bool]]:
    """Operations that got a value that had left the tape: the entry, what left, how, and whether it was rounded."""
    left = case.left()
    values: dict[int, Value] = {case.source._id: case.source._array}
    for entry in case.record if left else ():
        values.update(zip(keys_of(entry[1]), entry[5] if isinstance(entry[5], tuple) else (entry[5],)))
        values.update((key, value) for key, value in zip(entry[2], entry[3]) if key == case.source._id)
    for entry, position in _constants(case.needed() if left else []):
        value = entry[3][position]
        for key, way in left:
            if key in values and (_same(values[key], value) or _is_number_of(values[key], value)):
                yield entry, case.what(key), way, not np.array_equal(values[key], value)
                break


def _same(array: Value, value: Value) -> bool:
    """Whether a constant has these values, and they are not only 0, 1 and -1, which could be equal by chance."""
    if np.shape(array) != np.shape(value) or not np.size(array) or type(value) in (int, bool):
        return False
    return bool(np.array_equal(array, value)) and not set(np.ravel(array)[:100].tolist()) <= {0.0, 1.0, -1.0}


def _is_number_of(array: Value, value: Value) -> bool:
    """Whether a Python number is the value of an array with one element, rounded or not."""
    if np.size(array) != 1 or type(value) not in (int, float):
        return False
    number = float(np.ravel(array)[0])
    return np.isfinite(number) and abs(value) > 2 and (value == number or (type(value) is int and value == int(number)))


GradientTape.explain = explain  # type: ignore[method-assign]
