"""Why a gradient is None, or zero everywhere, in words.

A record holds operations, not the reasons why others are not in it. What can be known is where the record's two ends
fail to meet: which values the source reaches, what the target was computed from, and which constant among
the latter looks exactly like one of the former.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_lite.diagnostics.observing import Site, site_of, told
from tinygrad_lite.tape import (
    GradientTape,
    _between,
    _keys,
    _leads_to,
    _tensors,
    _walk,
    _zero_rule,
    entries_of,
    scopes_of,
)
from tinygrad_lite.tensor import Tensor, Variable

__all__ = ["Explanation", "explain"]

_NUMPY_1 = np.lib.NumpyVersion(np.__version__) < "2.0.0"


@dataclass(frozen=True, repr=False)
class Explanation:
    """An answer of `tape.explain`; prints as its text."""

    reason: str
    """In two or three words: "never watched", "zero derivative" and so on."""
    text: str
    operation: str | None = None
    """The name of the operation where the way from the target to the source ends, if it is one."""
    site: Site | None = None
    """The line that called it, if it was observed: inside of `tgl.detect_anomalies`."""

    def __str__(self) -> str:
        return self.text

    __repr__ = __str__


def explain(self: GradientTape, target: Tensor, source: Tensor) -> Explanation:
    """Say why the gradient of `target` with respect to `source` is None or all zeros.

    Ask before `gradient`, or a persistent tape: another one has let go of its record then, and little can be said.
    Lines of code are known for what was computed inside of `tgl.detect_anomalies`.

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
        Something else than a Tensor.
    RuntimeError
        The tape was never entered.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> x = tgl.Variable([-1.0, -2.0], name="x")
    >>> with tgl.GradientTape(persistent=True) as tape:
    ...     y = tgl.relu(x) * 3.0
    >>> print(tape.explain(y, x))  # doctest: +ELLIPSIS
    The gradient with respect to 'x' is all zeros. The way ends at relu: all 2 inputs are at most 0, where its slope...
    """
    (target,), (source,) = _tensors(target, "target", "explain"), _tensors(source, "source", "explain")
    if not self._entered:
        raise RuntimeError("This tape has no record: it was never entered. Compute inside of `with tape:`.")
    case = _Case(self, target, source)
    for clue in (_integers, _source_unwatched, _target_unrecorded, _released, _slopes, _cut):
        found = clue(case)
        if found is not None:
            return found
    return case.none(
        "no way",
        "No recorded operation leads from it to the target. Either the target was computed without it, or from a value "
        "that was computed from it where this tape did not see it: before the tape was opened, before tape.watch, or "
        "outside of this package, from .numpy(). The tape cannot tell these apart.",
    )


_HOW_TO_SEE_LINES = " For the line, compute inside of `with tgl.detect_anomalies():`."


class _Case:
    """A question, and what clues need."""

    def __init__(self, tape: GradientTape, target: Tensor, source: Tensor) -> None:
        self.tape, self.target, self.source = tape, target, source
        self.name = repr(source.name) if isinstance(source, Variable) else "the source"
        self.record = list(entries_of(tape._record))
        self.layers = {entry[1]: scope for entry, scope in zip(self.record, scopes_of(tape))}
        self.reached = _leads_to({source._id} if source._id else set(), self.record)

    def none(self, reason: str, text: str, operation: str | None = None, output: Any = 0) -> Explanation:
        site = site_of(output) if output else None
        line = f" The line is {site}" if site else _HOW_TO_SEE_LINES if output else ""
        head = f"The gradient with respect to {self.name} is None."
        return Explanation(reason, f"{head} {text}{line}", operation, site)

    def needed(self) -> list[Any]:
        """The entries that the target was computed by, last first."""
        everything = {key for entry in self.record for key in _keys(entry[1])} | {self.target._id}
        return _between(everything | self.tape._watched, {self.target._id}, reversed(self.record))


def _plain_name(name: str) -> str:
    return name.strip("_")


# Clues, the surest first --------------------------------------------------------------------------------------


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
            return _through(case, source._id, "It was computed by")
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
    for entry, position in _constants(case.record):
        if entry[3][position] is source._data:
            return _detached(case, entry, "The value of the Variable itself")
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
    if target._id in tape._beyond:
        return _through(case, target._id, "The target is only reached through")
    for entry in case.record:
        if any(value is target._data for value in (entry[5] if isinstance(entry[5], tuple) else (entry[5],))):
            return case.none(
                "behind stop_gradient",
                f"The target is the result of {_plain_name(entry[0].__name__)}, but cut off from the tape: by "
                "stop_gradient.",
                _plain_name(entry[0].__name__),
                entry[1],
            )
    if target._id and target._id < tape._serial:
        return case.none(
            "used before the tape opened",
            "The target was computed before this tape was opened, while another recorded.",
        )
    if isinstance(target, Variable):
        return case.none("overwritten by assign", "The target is a Variable, and assignments carry no gradient.")
    paused = " inside of tape.stop_recording()," if tape._pauses else ""
    return case.none(
        "used before the tape opened",
        f"This tape did not record the target: it was computed before the tape was opened,{paused} after it was "
        "closed, by NumPy from .numpy(), or from nothing that the tape watches.",
    )


def _released(case: _Case) -> Explanation | None:
    if case.tape._used and not case.tape._persistent:
        return Explanation(
            "released",
            "This tape let go of its record when it computed a gradient, so why cannot be said any more. Ask before "
            "gradient is called, or use GradientTape(persistent=True).",
        )
    return None


def _slopes(case: _Case) -> Explanation | None:
    """Where the target depends on the source: the derivatives along the way."""
    if case.target._id not in case.reached:
        return None
    ends: list[tuple[Any, int, Any, Any]] = []

    def note(entry: Any, position: int, g: Any, d: Any) -> None:
        if entry[2][position] not in case.reached:
            return
        arrives = any(np.any(item) for item in (g if isinstance(g, tuple) else (g,)))
        if d is not None and entry[0].needs_zero_rule:
            d = _zero_rule(g, d)
        if arrives and (d is None or not np.any(d)):
            ends.append((entry, position, g, d))

    entries = _between(case.reached, {case.target._id}, reversed(case.record))
    seed = {case.target._id: np.ones(case.target.shape, case.target.dtype)}
    with np.errstate(all="ignore"):
        found = _walk(told(entries, note), seed, case.reached, {case.source._id})
    gradient = found.get(case.source._id)
    if gradient is not None and np.any(gradient):
        share = np.count_nonzero(gradient) / gradient.size
        return Explanation("connected", f"The gradient with respect to {case.name} is there: {share:.0%} is not zero.")
    kind = "None" if gradient is None else "all zeros"
    head = f"The gradient with respect to {case.name} is {kind}."
    if not ends:
        text = f"{head} It reaches the source on several ways, which cancel each other exactly, as in x - x."
        return Explanation("cancels", text)
    texts = []
    for entry, position, g, d in ends[:3]:
        site = site_of(entry[1])
        layers = site.layers if site else case.layers.get(entry[1])
        where = f" in the layer {'/'.join(layers)}" if layers else ""
        line = f" The line is {site}" if site else ""
        texts.append(f"The way ends at {_plain_name(entry[0].__name__)}{where}: {_why(entry, position, g, d)}.{line}")
    more = f" (And at {len(ends) - 3} others.)" if len(ends) > 3 else ""
    if not site_of(ends[0][0][1]):
        more += _HOW_TO_SEE_LINES
    reason = "zero derivative" if gradient is not None else "not differentiable"
    entry = ends[0][0]
    return Explanation(reason, f"{head} {' '.join(texts)}{more}", _plain_name(entry[0].__name__), site_of(entry[1]))


def _cut(case: _Case) -> Explanation | None:
    """Where the target does not depend on the source: what looks like the place where it once did."""
    needed, values = case.needed(), dict(_values(case))
    for entry in needed:
        for key in entry[2]:
            if key in case.tape._beyond and _dead_end(case, key) is not None:
                return _through(case, key, "The target is only reached through")
    for entry, position in _constants(needed):
        for made in values.values():
            if entry[3][position] is made[0]:
                return _detached(case, entry, made[1])
    for entry in needed:
        for key, value in zip(entry[2], entry[3]):
            variable = case.tape._variables.get(key)
            if variable is None or key in case.reached:
                continue
            for array, what in values.values():
                if _same(array, value):
                    return case.none(
                        "overwritten by assign",
                        f"{what} was assigned to the Variable {variable.name!r}, with which the target was computed, "
                        "and no gradient flows through an assignment. Compute with the result itself.",
                        "assign",
                        entry[1],
                    )
    for entry, position in _constants(needed):
        value = entry[3][position]
        for array, what in values.values():
            if _same(array, value) or _is_number_of(array, value):
                return case.none(
                    "left the tape",
                    f"{what} seems to have left the tape, through .numpy(), .item(), float() or int(): "
                    f"{_plain_name(entry[0].__name__)} got exactly its value{_rounded(array, value)} as a constant. "
                    "Compute with the tensor itself.",
                    _plain_name(entry[0].__name__),
                    entry[1],
                )
    if case.tape._pauses:
        return case.none(
            "behind stop_recording",
            "The tape was stopped by tape.stop_recording() for a while, and no recorded operation leads from the "
            "source to the target. What was computed meanwhile is a constant for it.",
        )
    return None


# What clues look at -------------------------------------------------------------------------------------------


def _constants(entries: list[Any]) -> Iterator[tuple[Any, int]]:
    """Every argument that no tape knows: (entry, position)."""
    for entry in entries:
        for position, key in enumerate(entry[2]):
            if not key:
                yield entry, position


def _values(case: _Case) -> Iterator[tuple[Any, tuple[Any, str]]]:
    """What was computed from the source, and the source as it was read: the array, and what it is."""
    for entry in case.record:
        for key, value in zip(entry[2], entry[3]):
            if key == case.source._id:
                yield key, (value, f"The value of {case.name}")
    yield 0, (case.source._data, f"The value of {case.name}")
    for entry in case.record:
        if not case.reached.isdisjoint(entry[2]):
            outputs = entry[5] if isinstance(entry[5], tuple) else (entry[5],)
            for key, value in zip(_keys(entry[1]), outputs):
                yield key, (value, f"The result of {_plain_name(entry[0].__name__)}")


def _same(array: Any, value: Any) -> bool:
    """Whether a constant has these values, which are not values that many things have."""
    if np.shape(array) != np.shape(value) or not np.size(array) or type(value) in (int, bool):
        return False
    return bool(np.array_equal(array, value)) and not set(np.ravel(array)[:100].tolist()) <= {0.0, 1.0, -1.0}


def _is_number_of(array: Any, value: Any) -> bool:
    """Whether a Python number is the value of an array with one element, rounded or not."""
    value = _number(value)
    if np.size(array) != 1 or type(value) not in (int, float):
        return False
    number = float(np.ravel(array)[0])
    return np.isfinite(number) and abs(value) > 2 and (value == number or (type(value) is int and value == int(number)))


def _number(value: Any) -> Any:
    """A Python number as it was: on NumPy 1 a primitive makes it an array of the others' dtype, without axes."""
    if not (isinstance(value, np.ndarray) and value.ndim == 0 and _NUMPY_1):
        return value
    number = value.item()
    return int(number) if float(number).is_integer() else number


def _rounded(array: Any, value: Any) -> str:
    value = _number(value)
    return ", as an integer," if type(value) is int and np.size(array) == 1 and value != np.ravel(array)[0] else ""


def _detached(case: _Case, entry: Any, what: str) -> Explanation:
    name = _plain_name(entry[0].__name__)
    return case.none(
        "behind stop_gradient",
        f"{what} goes into {name} as a constant, cut off from the tape. Leave that out if the gradient is wanted.",
        name,
        entry[1],
    )


def _dead_end(case: _Case, key: int) -> int | None:
    """The first operation without a gradient on the way back from `key` to what the source reaches."""
    pending, seen = [key], set()
    while pending:
        key = pending.pop()
        if key in seen or key not in case.tape._beyond:
            continue
        seen.add(key)
        inputs = case.tape._beyond[key][1]
        is_reached = not case.reached.isdisjoint(inputs) or case.source._id not in case.tape._watched
        if is_reached and key in case.tape._dead_ends:
            return key
        pending.extend(inputs)
    return None


def _through(case: _Case, key: int, head: str) -> Explanation:
    end = _dead_end(case, key)
    if end is None:
        return case.none("no way", f"{head} operations without a gradient, and not from the source.")
    name = case.tape._beyond[end][0]
    if name == "stop_gradient":
        text = f"{head} stop_gradient. Leave that out if the gradient is wanted."
        return case.none("behind stop_gradient", text, name, end)
    if name == "_cast":
        return case.none("integers", f"{head} a conversion to integers, which carry no gradient.", "cast", end)
    return case.none(
        "not differentiable",
        f"{head} {_plain_name(name)}, which has no gradient: its result jumps. Use what went into it, or a smooth "
        "stand-in, for example softmax for argmax and sigmoid for a comparison.",
        _plain_name(name),
        end,
    )


_SATURATING = {
    "sigmoid",
    "tanh",
    "softmax",
    "log_sigmoid",
    "hard_sigmoid",
    "softsign",
    "erf",
    "log_softmax",
    "gelu",
    "silu",
}
_CHOOSING = {"where", "maximum", "minimum", "fmax", "fmin"}


def _why(entry: Any, position: int, g: Any, d: Any) -> str:
    """Why this operation's slope is zero for the argument at `position`, or why it has none."""
    primitive, _, _, arguments, _, _ = entry
    name, x = primitive.__name__, np.asarray(arguments[position])
    if d is None:
        argument = primitive.arrays[position] if position < len(primitive.arrays) else f"argument {position}"
        return f"it has no gradient for {argument}"
    span = f"from {x.min():.4g} to {x.max():.4g}" if x.size else "none"
    if name == "relu":
        if not (x > 0).any():
            return f"all {x.size} inputs are at most 0, where its slope is 0 (a dead relu)"
        return "all inputs are at most 0 where a gradient arrives, and its slope is 0 there (a dead relu)"
    if name == "_clip":
        return f"all inputs, {span}, lie outside of its limits, where its slope is 0"
    if name in _SATURATING:
        return f"it is saturated: for inputs {span} its slope rounds to 0"
    if name in _CHOOSING:
        return "it chose its other argument everywhere, so this one has no effect (an unselected branch)"
    if name == "multiply":
        return "it is multiplied by zeros"
    if name in ("_getitem", "take", "_take"):
        return "the elements that were taken have no gradient"
    return f"its slope is 0 for inputs {span}"


GradientTape.explain = explain  # type: ignore[method-assign]
