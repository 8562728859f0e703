"""`check_primitive(f)` runs all tests that an operation needs.

Arguments are drawn or given. At each of these points the operation must agree with NumPy in value, shape and dtype,
give the same in other dtypes and memory layouts, leave its arguments unchanged, and have gradients that agree with
its values. `battery` has the tests of one point; `drawing` draws the points.
"""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tinygrad_lite.core.primitive import Primitive
from tinygrad_lite.testing.battery import NUMPYS, Battery, PrimitiveError
from tinygrad_lite.testing.gradients import FIGURES
from tinygrad_lite.testing.scripts import argument_names, name_of
from tinygrad_lite.utils.types import DTypeLike, Shape

if TYPE_CHECKING:
    from tinygrad_lite.testing.drawing import Case
    from tinygrad_lite.testing.strategies import Strategy

__all__ = ["PrimitiveError", "check_primitive"]


def check_primitive(
    f: Callable[..., Any],
    *,
    reference: Callable[..., Any] | None = NUMPYS,
    domain: tuple[float, float] | Mapping[str, tuple[float, float]] = (-3.0, 3.0),
    avoid: Iterable[float] | Mapping[str, Iterable[float]] = (),
    by: float = 0.1,
    distinct: bool = False,
    dtypes: Mapping[str, DTypeLike] | None = None,
    broadcasts: bool | None = None,
    count: int | None = None,
    shapes: Strategy[Shape] | Strategy[tuple[Shape, ...]] | None = None,
    min_dims: int = 0,
    max_dims: int = 3,
    max_side: int = 3,
    empty: bool = True,
    metadata: Mapping[str, Any] | None = None,
    arguments: Strategy[tuple[Any, ...]] | None = None,
    cases: Strategy[Case] | None = None,
    examples: Sequence[Case] = (),
    max_examples: int | None = None,
    order: int = 2,
    directions: int = 1,
    rtol: float | None = None,
    atol: float | None = None,
    keeps_dtype: bool = True,
) -> None:
    """Raise unless the operation `f` passes every test that an operation of this package has to pass.

    The tests run at every point drawn, and always at 0-d, empty and broadcasting arguments:

    - values, shape and dtype are those of `reference`, also from arrays that are not contiguous;
    - float32 stays float32 in the result, in each gradient and inside each rule;
    - arguments and the incoming gradient are not written to;
    - no result or gradient shares memory with an argument;
    - an argument without a rule has the gradient None;
    - derivatives up to `order` agree with differences (`check_gradients`);
    - NumPy's function of the same name, called with Tensors, gives the same result and the same gradient.

    Parameters
    ----------
    f : Primitive or callable
        Takes Tensors (lists of them too) and metadata by keyword, returns a Tensor or a tuple of them.
    reference : callable or None, optional
        The same function for arrays. By default NumPy's function of the same name; None for no comparison.
    domain : (low, high), or dict of them by argument name
        The range of the numbers drawn, bounds included.
    avoid : iterable of float, or dict of them by argument name
        Points that are not drawn: kinks, jumps and poles.
    by : float
        The distance kept from these points.
    distinct : bool
        Draw no number twice, also in different arguments, if `f` has kinks where two numbers are equal. All
        numbers are then multiples of `by`.
    dtypes : dict of dtype by argument name, optional
        The dtypes of integer and boolean arguments. All others are floating.
    broadcasts : bool, optional
        Whether the arguments broadcast against each other, or all have one shape. By default they
        broadcast if `f` is an elementwise primitive.
    count : int, optional
        The number of arrays. By default the number of positional parameters that have no default and are not
        among the metadata.
    shapes : strategy, optional
        Draws a shape (one argument) or a tuple of shapes (several). Replaces the following four.
    min_dims, max_dims, max_side : int
        Bounds of the number of axes and of their lengths. With `min_dims=0`, 0-d arguments are drawn too.
    empty : bool
        Whether `f` takes arrays without elements.
    metadata : dict, optional
        The keyword arguments of `f`: values, strategies, or functions that take the arguments drawn and
        return a value or a strategy, such as `{"axis": lambda x: strategies.axes(x.ndim)}`.
    arguments : strategy for a tuple, optional
        Draws the arguments. Replaces all options from `domain` to `empty`.
    cases : strategy for (arguments, metadata), optional
        Draws both together. Replaces all options from `domain` to `arguments`.
    examples : sequence of (arguments, metadata)
        Points that are always tested, before all others.
    max_examples : int, optional
        How many points are drawn; with 0, Hypothesis is not needed. By default the number of
        `pytest --gradient-examples`, else 20.
    order, directions, rtol, atol
        As for `check_gradients`. Order 0 means that `f` has no gradient, and tests that it is None; this is
        the order of a `nondifferentiable` primitive.
    keeps_dtype : bool
        Whether floating results have the dtype of the floating arguments. Ignored if the reference is a
        function of NumPy, whose result has the expected dtype.

    Raises
    ------
    PrimitiveError
        A test failed. The message names it, with the expected and the received value, and ends with a script
        that reproduces it.
    GradientError
        A derivative is wrong (see `check_gradients`).
    TypeError
        `f` needs metadata or a reference that were not passed.

    Examples
    --------
    >>> import numpy as np
    >>> import tinygrad_lite as tgl
    >>> @tgl.elementwise
    ... def logit(x):
    ...     return np.log(x / (1 - x))
    >>> logit.defvjp(lambda g, y, x: g / (x * (1 - x)))
    >>> check_primitive(logit, reference=lambda x: np.log(x) - np.log1p(-x), domain=(0.1, 0.9))
    """
    begin = time.perf_counter()
    battery = Battery(f, reference, order, directions, rtol, atol, keeps_dtype)
    fields = dict(metadata or {})
    broadcasts = getattr(f, "is_elementwise", False) if broadcasts is None else broadcasts
    bounds = {
        "domain": domain, "avoid": avoid, "by": by, "distinct": distinct, "dtypes": dtypes or {}, "shapes": shapes,
        "broadcasts": broadcasts, "min_dims": min_dims, "max_dims": max_dims, "max_side": max_side, "empty": empty,
    }  # fmt: skip
    FIGURES.names.add(name_of(f))
    try:
        for given, keywords in examples:
            battery.run(given, dict(keywords))
        if max_examples != 0:
            from tinygrad_lite.testing import drawing

            if cases is None:
                cases = _cases(battery, arguments, count, fields, bounds)
            drawing.run(battery.run, cases, drawing.count_of_examples(max_examples))
        battery.judge_kinks()
    finally:
        FIGURES.seconds += time.perf_counter() - begin


def _cases(
    battery: Battery,
    arguments: Strategy[tuple[Any, ...]] | None,
    count: int | None,
    metadata: dict[str, Any],
    bounds: dict[str, Any],
) -> Strategy[Case]:
    """The strategy for arguments and metadata; without a given strategy, extreme arguments are tested first."""
    from tinygrad_lite.testing import drawing

    if arguments is not None:
        battery.needs(metadata)
        return drawing.with_metadata(arguments, metadata)
    drawn = drawing.Arguments(tuple(argument_names(battery.f, _count(battery.f, count, metadata))), **bounds)
    battery.needs(metadata)
    for strategy in drawn.edges():
        drawing.run(battery.run, drawing.with_metadata(strategy, metadata), 1)
    for strategy in drawn.clashes():
        drawing.run(battery.refuses, drawing.with_metadata(strategy, metadata), 1)
    return drawing.with_metadata(drawn.strategy(), metadata)


def _count(f: Callable[..., Any], count: int | None, metadata: Mapping[str, Any]) -> int:
    """How many arrays `f` takes."""
    if count is not None:
        return count
    if isinstance(f, Primitive):
        found = f.arity
    else:
        parameters = inspect.signature(f).parameters.values()
        positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
        found = sum(p.default is p.empty and p.name not in metadata for p in positional)
        found = None if any(p.kind is p.VAR_POSITIONAL for p in parameters) else found
    if found is None:
        raise TypeError(
            f"check_primitive expected to know how many arrays {name_of(f)} takes, which is any number. Received: "
            "neither count, arguments nor cases. Pass count=3, for example."
        )
    return found
