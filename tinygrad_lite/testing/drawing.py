"""How `check_primitive` draws arguments: it makes Hypothesis strategies from its keywords."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_lite.testing import profiles, strategies
from tinygrad_lite.testing.profiles import HealthCheck, Phase, given, settings, st
from tinygrad_lite.testing.strategies import Strategy
from tinygrad_lite.utils.types import Array, DTypeLike, Shape

Case = tuple[tuple[Any, ...], dict[str, Any]]
"""Arguments and metadata, which can be anything that an operation takes."""

PHASES = (Phase.generate, Phase.shrink)

# Shapes that are always tested; with several arguments, the shapes of a row in turn.
_EDGES: tuple[tuple[Shape, ...], ...] = (((),), ((0,),), ((2, 0),), ((2, 0, 3),))
_BROADCAST_EDGES: tuple[tuple[Shape, ...], ...] = (
    ((),),
    ((2, 3), ()),
    ((), (2, 3)),
    ((2, 1), (1, 3)),
    ((3,), (2, 3)),
    ((0,), (1,)),
    ((2, 1), (2, 0)),
)


def count_of_examples(asked: int | None) -> int:
    """The number of points to draw: `asked`, or the number set by the pytest plugin."""
    return profiles.gradient_examples if asked is None else asked


def run(check: Callable[..., None], cases: Strategy[Case], count: int) -> None:
    """Call `check(arguments, metadata)` for `count` cases, or for all if there are fewer."""

    @settings(
        max_examples=count,
        deadline=None,
        database=None,  # not needed: the message of a failure has a script that reproduces it
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
        phases=PHASES,
    )
    @given(cases)
    def test(case: Case) -> None:
        check(*case)

    test()


def with_metadata(arguments: Strategy[tuple[Any, ...]], metadata: Mapping[str, Any]) -> Strategy[Case]:
    """Arguments together with metadata: values, strategies, or functions that make one from the arguments."""

    @st.composite
    def draw_case(draw: st.DrawFn) -> Case:
        drawn = draw(arguments)
        keywords = {}
        for name, value in metadata.items():
            found = value(*drawn) if inspect.isfunction(value) else value
            keywords[name] = draw(found) if isinstance(found, st.SearchStrategy) else found
        return drawn, keywords

    return draw_case()


@dataclass(frozen=True)
class Arguments:
    """Strategies for the arguments of an operation; the fields are keywords of `check_primitive`."""

    names: tuple[str, ...]
    domain: tuple[float, float] | Mapping[str, tuple[float, float]]
    avoid: Iterable[float] | Mapping[str, Iterable[float]]
    by: float
    distinct: bool
    dtypes: Mapping[str, DTypeLike]
    broadcasts: bool
    shapes: Strategy[Any] | None  # draws a shape, or a tuple of shapes
    min_dims: int
    max_dims: int
    max_side: int
    empty: bool

    def __post_init__(self) -> None:
        for option in ("domain", "avoid", "dtypes"):
            given = getattr(self, option)
            unknown = [name for name in given if name not in self.names] if isinstance(given, Mapping) else []
            if unknown and self.names:
                raise ValueError(
                    f"check_primitive expected {option} by the names of arguments: {', '.join(self.names)}. Received: "
                    f"{', '.join(map(repr, unknown))}."
                )

    def strategy(self) -> Strategy[tuple[Any, ...]]:
        """All arguments, in shapes that fit together."""
        return self._shapes().flatmap(self._arrays)

    def edges(self) -> list[Strategy[tuple[Any, ...]]]:
        """0-d, empty and broadcasting arguments."""
        if self.shapes is not None or not self.names:
            return []
        several = self.broadcasts and len(self.names) > 1
        found = []
        for pattern in _BROADCAST_EDGES if several else _EDGES:
            ndims = [len(shape) for shape in pattern]
            is_empty = any(0 in shape for shape in pattern)
            if min(ndims) >= self.min_dims and max(ndims) <= self.max_dims and (self.empty or not is_empty):
                found.append(self._arrays(tuple(pattern[n % len(pattern)] for n in range(len(self.names)))))
        return found

    def clashes(self) -> list[Strategy[tuple[Any, ...]]]:
        """Arguments whose shapes do not broadcast, if the operation broadcasts its arguments."""
        if self.shapes is not None or not self.broadcasts or len(self.names) < 2:
            return []
        return [self._arrays(((2,), (3,), *[(2,)] * (len(self.names) - 2)))]

    def _shapes(self) -> Strategy[tuple[Shape, ...]]:
        count = len(self.names)
        if self.shapes is not None:
            return self.shapes.map(lambda drawn: drawn if drawn and isinstance(drawn[0], tuple) else (drawn,) * count)
        bounds = {
            "min_dims": self.min_dims,
            "max_dims": self.max_dims,
            "min_side": 0 if self.empty else 1,
            "max_side": self.max_side,
        }
        if self.broadcasts and count > 1:
            return strategies.broadcastable_shapes(count, **bounds)
        return strategies.shapes(**bounds).map(lambda shape: (shape,) * count)

    def _arrays(self, shapes: tuple[Shape, ...]) -> Strategy[tuple[Any, ...]]:
        if not self.distinct:
            return st.tuples(*(self._array(name, shape) for name, shape in zip(self.names, shapes)))
        floating = [name for name in self.names if name not in self.dtypes]
        low, high = self._option("domain", floating[0])
        apart = strategies.distinct_arrays(
            [shape for name, shape in zip(self.names, shapes) if name in floating], low=low, high=high, by=self.by
        )
        others = st.tuples(*(self._array(n, shape) for n, shape in zip(self.names, shapes) if n not in floating))

        def merge(drawn: tuple[tuple[Any, ...], tuple[Any, ...]]) -> tuple[Any, ...]:
            parts = {True: iter(drawn[0]), False: iter(drawn[1])}
            return tuple(next(parts[name in floating]) for name in self.names)

        return st.tuples(apart, others).map(merge)

    def _array(self, name: str, shape: Shape) -> Strategy[Array]:
        low, high = self._option("domain", name)
        dtype = self.dtypes.get(name, np.float64)
        return strategies.arrays(
            shape, dtype=dtype, low=low, high=high, avoid=tuple(self._option("avoid", name)), by=self.by
        )

    def _option(self, option: str, name: str) -> Any:
        """The value of an option for one argument."""
        given = getattr(self, option)
        if isinstance(given, Mapping):
            return given.get(name, {"domain": (-3.0, 3.0), "avoid": ()}[option])
        return given
