"""Observers that see every operation of a thread, with its layer and the user's line that called it.

A `SiteObserver` is the `core.record.Observer` of its thread, and remembers the line of every operation's call. Without
one, calls are neither checked nor remembered; with one, a `tgl.function` runs eagerly, as it does for every tape.
"""

from __future__ import annotations

import linecache
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, NamedTuple, Self, TypeAlias

from tinygrad_lite.core.primitive import Primitive, Rule
from tinygrad_lite.core.record import Observer, new_id, state, tracing
from tinygrad_lite.core.tensor import Tensor
from tinygrad_lite.utils.callers import user_frame
from tinygrad_lite.utils.types import Value

__all__ = ["Site", "SiteObserver", "call_site", "reporting", "site_of"]

MOST_SITES = 1 << 16
"""How many operations have their lines remembered: the latest ones."""


class Site(NamedTuple):
    """Where an operation was called."""

    filename: str
    line: int
    layers: tuple[str, ...] = ()
    """The names of the layers around it, the outermost first."""

    @property
    def source(self) -> str:
        """The line's text, or "" where it is not known."""
        return linecache.getline(self.filename, self.line).strip()

    def __str__(self) -> str:
        source = self.source
        return f"{self.filename}:{self.line}" + (f": {source}" if source else "")


def call_site() -> Site:
    """The user's line that is running, and the layers around it."""
    frame, _ = user_frame()
    return Site(frame.f_code.co_filename, frame.f_lineno, state.scopes)


_sites: dict[int, Site] = {}  # by the identity of the result; no identity is used twice
_shared: dict[Site, Site] = {}


def site_of(output: int | tuple[int, ...]) -> Site | None:
    """The site of the operation with this output (an identity, or a tuple of them), if it was observed."""
    return _sites.get(output[0] if isinstance(output, tuple) else output)


def _remember(outputs: Iterable[Tensor], site: Site) -> None:
    site = _shared.setdefault(site, site)
    for output in outputs:
        output._id = output._id or new_id()
        _sites[output._id] = site
    if len(_sites) > MOST_SITES:
        for identity in list(_sites)[: MOST_SITES // 2]:
            _sites.pop(identity, None)


class SiteObserver(Observer):
    """A context in which `see` is called for every operation of this thread that is not part of a gradient rule.

    Raises
    ------
    TypeError
        It is entered inside of a `tgl.function` that is being traced.
    """

    def __init__(self) -> None:
        self._outer: SiteObserver | None = None

    def __enter__(self) -> Self:
        if tracing.tracer is not None:
            raise TypeError(
                "Operations cannot be observed while a tgl.function is traced: it has no values yet. Open the "
                "context around the call of the function, which then runs eagerly."
            )
        outer = state.tapes.observer
        self._outer = outer if isinstance(outer, SiteObserver) else None
        state.tapes.observer = self
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        state.tapes.observer = self._outer

    def see(
        self,
        primitive: Primitive,
        args: Sequence[Any],
        arrays: Sequence[Any],
        metadata: Mapping[str, Any],
        outputs: Sequence[Tensor],
        site: Site,
    ) -> None:
        """Look at one application of a primitive."""

    def note_call(
        self,
        primitive: Primitive,
        args: Sequence[Any],
        arrays: Sequence[Any],
        metadata: Mapping[str, Any],
        outputs: Sequence[Tensor],
    ) -> None:
        site = call_site()
        _remember(outputs, site)
        observer: SiteObserver | None = self
        while observer is not None and not state.pulling_back:
            observer.see(primitive, args, arrays, metadata, outputs, site)
            observer = observer._outer

    def note_gradient(self, identity: int, g: Value) -> None:
        if self._outer is not None:
            self._outer.note_gradient(identity, g)

    def examined(self, entries: Iterable[Any]) -> Iterable[Any]:
        return entries if self._outer is None else self._outer.examined(entries)


Report: TypeAlias = Callable[[Any, int, Value, Value | None], None]
"""Takes an entry, the position of an argument, the gradient of the output, and what the rule returned."""


class _ReportingPrimitive:
    """Takes the place of the primitive of an entry in a walk backwards, and reports what each of its rules returns."""

    def __init__(self, entry: tuple[Any, ...], report: Report) -> None:
        primitive = entry[0]
        self._entry, self._report, self._primitive = entry, report, primitive
        self.is_elementwise = primitive.is_elementwise
        self.needs_zero_rule = primitive.needs_zero_rule
        self.wrong_shape = primitive.wrong_shape
        self.rules = ()  # so that `rule_for` is asked
        self.joint_rule = None if primitive.joint_rule is None else self._joint

    def _joint(self, g: Value, y: Value, *arguments: Value, **metadata: Any) -> Sequence[Value | None]:
        ds = self._primitive.joint_rule(g, y, *arguments, **metadata)
        for position, d in enumerate(ds):
            self._report(self._entry, position, g, d)
        return ds

    def rule_for(self, position: int) -> Rule:
        rules = self._primitive.rules
        rule = rules[position] if position < len(rules) else self._primitive.rule_for(position)

        def applied(g: Value, y: Value, *arguments: Value, **metadata: Any) -> Value | None:
            d = None if rule is None else rule(g, y, *arguments, **metadata)
            self._report(self._entry, position, g, d)
            return d

        return applied


def reporting(entries: Iterable[Any], report: Report) -> Iterator[Any]:
    """The same entries for a walk backwards that calls `report(entry, position, g, d)` for the result of every rule.

    `g` is the gradient of the entry's output, `d` what the rule returned for the argument at `position`, or None.
    """
    for entry in entries:
        yield (_ReportingPrimitive(entry, report), *entry[1:])
