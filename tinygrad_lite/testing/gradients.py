"""The gradient checker: the gradients of reverse mode against the function's own values.

Differences of the function's values along a random direction through the test point give a slope. The gradient
times the direction must be the same number. If the two differ, a gradient rule is wrong, or the function has no slope
there; `slopes` decides which. The second order is the same test for the function that returns the gradient, and so on.
"""

from __future__ import annotations

import textwrap
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from tinygrad_lite.core.structure import Structure, flatten, map_structure
from tinygrad_lite.core.tape import GradientTape
from tinygrad_lite.core.tensor import Tensor, wrap
from tinygrad_lite.testing.scripts import argument_names, literal, name_of, numbered, reference_to
from tinygrad_lite.testing.slopes import Vector, Verdict, judge
from tinygrad_lite.utils.types import Array, Shape

__all__ = ["FIGURES", "Figures", "GradientError", "KinkError", "check_gradients"]

Function = Callable[[Sequence[Tensor]], "list[Tensor]"]

_COMPLEX_STEP = 1e-30  # so small that its square rounds to zero: the only error of the derivative is rounding


class GradientError(AssertionError):
    """A gradient is wrong: reverse mode and the function's own values disagree."""


class KinkError(GradientError):
    """The function has no derivative at the test point: a kink, a jump, or the edge of its domain.

    This does not mean that the gradient is wrong. Test at a distance from such points (`strategies.away_from`), and
    test the gradients at the points themselves by their values.
    """


@dataclass
class Figures:
    """Counts and errors of all checks in this process so far; the pytest plugin prints them."""

    cases: int = 0
    """Number of test points, each checked in every argument and direction."""
    kinks: int = 0
    """Number of points drawn by `check_primitive` that were kinks, where no gradient could be checked."""
    names: set[str] = field(default_factory=set)
    """The functions that `check_primitive` was called with."""
    seconds: float = 0.0
    """Time spent in `check_primitive`."""
    errors: dict[int, tuple[float, str]] = field(default_factory=dict)
    """For each order, the largest relative error (the difference over the scale of the terms), and its function."""

    def add(self, name: str, errors: Sequence[float]) -> None:
        """Add one case, given its largest error of each order."""
        self.cases += 1
        for order, error in enumerate(errors, start=1):
            self.errors[order] = max(self.errors.get(order, (0.0, name)), (error, name))

    def lines(self) -> list[str]:
        """A report in a few lines."""
        what = f" of {len(self.names)} operations, in {self.seconds:.1f} s" if self.names else ""
        report = [f"{self.cases} cases{what}; {self.kinks} more were kinks"]
        for order, (error, name) in sorted(self.errors.items()):
            report.append(f"largest relative error of order {order}: {error:.1e}  {name}")
        return report


FIGURES = Figures()


def check_gradients(
    f: Callable[..., Structure],
    *inputs: Structure,
    order: int = 2,
    directions: int = 2,
    rtol: float | None = None,
    atol: float | None = None,
    seed: int = 0,
) -> tuple[float, ...]:
    """Raise unless the gradients of `f` at `inputs` agree with the values of `f` around them.

    For random weights w and a random direction v, reverse mode's ⟨∇⟨w, f(x)⟩, v⟩ is compared with the slope
    of t ↦ ⟨w, f(x + t·v)⟩ at 0, argument by argument. The slope is taken by central differences with
    Richardson extrapolation, in ever smaller steps until they settle, and by a complex step where `f` takes
    complex numbers and the differences confirm it. For order 2 the same is done with the function that
    returns the gradient, as a function of the inputs and of w (reverse over reverse); and so on.

    Everything is computed in float64. Three more things are checked: inputs, results and the incoming gradient
    are not written to; no gradient shares memory with an input or a result; and the rules give the same
    numbers whether or not another tape records them.

    Parameters
    ----------
    f : callable
        Takes as many arguments as there are `inputs`; returns a Tensor, or a list, tuple or dict of them.
        Must return the same values every time.
    *inputs : Tensor, array-like, or list, tuple or dict of Tensors and arrays
        The test point. Values that are not floating are passed to `f` unchanged; a list of floats becomes an array.
    order : int
        The highest order of derivatives checked.
    directions : int
        Number of random directions for every argument.
    rtol : float, optional
        The allowed difference relative to the directional derivative. Default: eps^0.4 of the dtype that
        `f` computes in, 5.5e-7 for float64.
    atol : float, optional
        The absolute difference allowed in addition. Default: 0. The rounding error of the differences is
        always allowed.
    seed : int
        The seed for the random directions and weights.

    Returns
    -------
    tuple of float
        For every order, the largest relative error: the difference over the scale of the terms summed up.

    Raises
    ------
    GradientError
        A gradient is wrong. The message names function, argument and direction, shows both values and their
        ratio, and ends in a script that reproduces it.
    KinkError
        `f` has no derivative at the test point.
    TypeError
        `f` returned other values than Tensors, or no floating Tensors; or there is no floating input.
    ValueError
        `f` returned different values in two calls, or `order` or `directions` is less than 1.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> _ = check_gradients(tgl.tanh, [0.5, -2.0])
    >>> @tgl.primitive
    ... def cube(x):
    ...     return x**3
    >>> cube.defvjp(lambda g, y, x: g * 2 * x**2)
    >>> try:
    ...     check_gradients(cube, 2.0)
    ... except GradientError as error:
    ...     print(str(error).splitlines()[0])
    The gradient of cube with respect to x is wrong (order 1).
    """
    if order < 1 or directions < 1:
        raise ValueError(
            f"check_gradients expected order and directions of at least 1. Received: order={order}, "
            f"directions={directions}."
        )
    check = _Check(f, inputs, directions, rtol, atol, seed, np.random.default_rng(seed))
    arrays, names, function = over_floats(f, inputs)
    points = [wrap(x) for x in arrays]
    errors = []
    with np.errstate(all="ignore"):  # at the edge of a domain the differences report it
        for level in range(1, order + 1):
            results = function(points)
            if not results:
                break  # no gradient depends on the inputs: there is nothing left to differentiate
            if level == 1 and not _same(results, function(points)):
                raise ValueError(
                    f"check_gradients expected a function that returns the same values every time. Received: "
                    f"f={name_of(f)}, whose results differ. Draw its random numbers once, outside of it."
                )
            weights = [wrap(check.numbers(y.shape).astype(y.dtype)) for y in results]
            errors.append(check.compare(level, function, points, names, results, weights))
            if level < order:
                function = _gradient_function(function, points, weights)
                names = names + numbered("the incoming gradient", weights)
                points = points + weights
    FIGURES.add(name_of(f), errors)
    return tuple(errors)


# Functions of a list of tensors -------------------------------------------------------------------------------


def over_floats(f: Callable[..., Structure], inputs: tuple[Structure, ...]) -> tuple[list[Array], list[str], Function]:
    """The floating leaves of `inputs` in float64, their names, and `f` as a function of these leaves."""
    structure = tuple(_as_arrays(x) for x in inputs)
    leaves = flatten(structure)
    floats = [n for n, x in enumerate(leaves) if isinstance(x, np.ndarray) and x.dtype.kind == "f"]
    if not floats:
        raise TypeError(
            "check_gradients expected a floating input. Received: "
            f"{', '.join(type(x).__name__ for x in inputs) or 'no inputs'}. Pass floats, or arrays of them."
        )

    def function(tensors: Sequence[Tensor]) -> list[Tensor]:
        filled = [wrap(x) if isinstance(x, np.ndarray) else x for x in leaves]
        for n, tensor in zip(floats, tensors):
            filled[n] = tensor
        remaining = iter(filled)
        result = f(*map_structure(lambda _: next(remaining), structure))
        results = flatten(result)
        if not results or not all(isinstance(y, Tensor) for y in results):
            raise TypeError(
                f"check_gradients expected {name_of(f)} to return Tensors. Received: {type(result).__name__}. "
                "Compute with the operations of tgl, and without .numpy()."
            )
        floating = [y for y in results if y.dtype.kind in "fc"]
        if not floating:
            raise TypeError(
                f"check_gradients expected {name_of(f)} to return floating Tensors. Received: dtype="
                f"{results[0].dtype}, which carries no gradient."
            )
        return floating

    names = [
        name
        for argument, x in zip(argument_names(f, len(inputs)), structure)
        for name in (numbered(argument, flatten(x)) if isinstance(x, (list, tuple, dict)) else [argument])
    ]
    return [leaves[n] for n in floats], [names[n] for n in floats], function


def _as_arrays(x: Structure) -> Structure:
    """`x` with its floats as arrays in float64; a list of numbers with at least one float becomes one array."""
    kinds = {type(leaf) for leaf in flatten(x)}
    if isinstance(x, list) and float in kinds and kinds <= {int, float}:
        return np.array(x, np.float64)
    return map_structure(_as_array, x)


def _as_array(leaf: Any) -> Any:
    value = leaf.numpy() if isinstance(leaf, Tensor) else leaf
    if not isinstance(value, (float, np.ndarray, np.generic)):
        return leaf
    array = np.asarray(value)
    return np.array(array, np.float64 if array.dtype.kind == "f" else array.dtype)


def _gradient_function(function: Function, points: list[Tensor], weights: list[Tensor]) -> Function:
    """The function of inputs and weights that returns the gradients of the weighted sum of the results."""
    count = len(points)
    connected = [g is not None for g in reverse(function, points, weights)[1]]

    def gradient(tensors: Sequence[Tensor]) -> list[Tensor]:
        found = reverse(function, tensors[:count], tensors[count:])[1]
        return [g for g, is_connected in zip(found, connected) if g is not None and is_connected]

    return gradient


def reverse(
    function: Function, points: Sequence[Tensor], weights: Sequence[Tensor]
) -> tuple[list[Tensor], list[Tensor | None]]:
    """The results of `function`, and the gradients of their weighted sum."""
    with GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(list(points))
        results = function(points)
    return results, tape.gradient(results, list(points), output_gradients=list(weights))


def _same(first: Sequence[Tensor], second: Sequence[Tensor]) -> bool:
    return len(first) == len(second) and all(
        np.array_equal(a.numpy(), b.numpy(), equal_nan=True) for a, b in zip(first, second)
    )


# Comparing ----------------------------------------------------------------------------------------------------


class _Check(NamedTuple):
    """The function, the inputs and the options of one check."""

    f: Callable[..., Structure]
    inputs: tuple[Structure, ...]
    directions: int
    rtol: float | None
    atol: float | None
    seed: int
    rng: np.random.Generator

    def numbers(self, shape: Shape) -> Vector:
        """Random numbers of both signs with sizes from 0.5 to 1.5, so that no term is too small to matter."""
        return np.asarray(self.rng.choice([-1.0, 1.0], shape) * self.rng.uniform(0.5, 1.5, shape))

    def compare(
        self,
        level: int,
        function: Function,
        points: list[Tensor],
        names: list[str],
        results: list[Tensor],
        weights: list[Tensor],
    ) -> float:
        """Compare the gradients of `function` with its differences; return the largest relative error."""
        gradients = self._gradients(level, function, points, names, results, weights)
        eps = float(max(np.finfo(y.dtype).eps for y in results))
        rtol = eps**0.4 if self.rtol is None else self.rtol
        w = np.concatenate([np.asarray(weight.numpy(), np.float64).ravel() for weight in weights])
        largest = 0.0
        for position, (name, point, gradient) in enumerate(zip(names, points, gradients)):
            x = point.numpy()
            if not x.size:
                continue
            g = np.zeros(x.shape) if gradient is None else gradient.numpy()
            for _ in range(self.directions):
                v = self.numbers(x.shape) * np.maximum(np.absolute(x), 1)
                line = _Line(function, points, position, v)
                terms = np.asarray(g * v, np.float64)
                verdict = judge(
                    line.value,
                    w,
                    float(terms.sum()),
                    float(np.absolute(terms).sum()),
                    eps=eps,
                    rtol=rtol,
                    atol=self.atol or 0.0,
                    exact=line.complex_slope(w) if level == 1 else None,
                )
                if verdict.kind != "right":
                    claimed = None if gradient is None else float(terms.sum())
                    raise self._disagreement(level, name, v, weights, claimed, verdict)
                largest = max(largest, verdict.relative)
        return largest

    def _gradients(
        self,
        level: int,
        function: Function,
        points: list[Tensor],
        names: list[str],
        results: list[Tensor],
        weights: list[Tensor],
    ) -> list[Tensor | None]:
        """The gradients by reverse mode; raise if memory was written to or shared, or recording changes numbers."""
        before = [x.numpy().copy() for x in (*points, *weights)]
        try:
            again, gradients = reverse(function, points, weights)
        except (TypeError, NotImplementedError) as error:
            if level == 1:
                raise
            raise self._error(
                f"The gradient of {name_of(self.f)} cannot be differentiated again (order {level}): {error}",
                "If this is intended, check with order=1.",
                level=level,
            ) from error
        checked = [*names, *numbered("the incoming gradient", weights)]
        for name, x, old in zip(checked, (*points, *weights), before):
            if not np.array_equal(x.numpy(), old, equal_nan=True):
                raise self._error(
                    f"The gradient of {name_of(self.f)} was computed in the memory of {name} (order {level}).",
                    "Rules must not write to their arguments, which other rules read too. Use `g * d`, not `g *= d`.",
                    level=level,
                )
        for y, result in zip(again, results):
            if not np.allclose(y.numpy(), result.numpy(), rtol=1e-9, atol=1e-12, equal_nan=True):
                what = (
                    "The gradient was computed in the memory of the result"
                    if level == 1
                    else "The rules give other numbers with Tensors, while another tape records them, than with arrays"
                )
                raise self._error(
                    f"{what}: {name_of(self.f)} (order {level}).", "Received:", f"{y} instead of {result}.", level=level
                )
        others = [*zip(points, names), *((y, "the result") for y in again)]
        for name, gradient in zip(names, gradients):
            if gradient is not None:
                self._refuse_alias(level, name, gradient, others, weights)
        return gradients

    def _refuse_alias(
        self, level: int, name: str, gradient: Tensor, others: list[tuple[Tensor, str]], weights: list[Tensor]
    ) -> None:
        """Raise if a gradient shares memory with an argument or a result that is not also an incoming gradient."""
        for other, what in others:
            if np.may_share_memory(gradient.numpy(), other.numpy()):
                if any(np.may_share_memory(other.numpy(), weight.numpy()) for weight in weights):
                    continue
                raise self._error(
                    f"The gradient of {name_of(self.f)} with respect to {name} is an alias of {what} (order "
                    f"{level}): both share memory.",
                    "Return a new array.",
                    level=level,
                )

    # What went wrong ------------------------------------------------------------------------------------------

    def _disagreement(
        self, level: int, name: str, v: Vector, weights: list[Tensor], claimed: float | None, verdict: Verdict
    ) -> GradientError:
        claim = "None, which counts as 0" if claimed is None else f"{claimed!r}"
        direction = [f"direction               {literal(v)}"]
        direction += [f"weights of the results  {literal(weight.numpy())}" for weight in weights]
        what = f"of {name_of(self.f)} with respect to {name}"
        if verdict.kind == "wrong":
            ratio = (claimed or 0.0) / verdict.slope if verdict.slope else np.inf
            return self._error(
                f"The gradient {what} is wrong (order {level}).",
                f"reverse mode            {claim}",
                f"differences             {verdict.slope!r} ± {verdict.error:.1e}",
                f"ratio                   {ratio!r}",
                *direction,
                level=level,
            )
        return self._error(
            f"The derivative {what} does not exist at the test point (order {level}): {_NO_DERIVATIVE[verdict.kind]}",
            f"reverse mode            {claim}",
            f"left, right slope       {verdict.left!r}, {verdict.right!r}",
            *direction,
            "This does not show a fault in the gradient. Move the point, for example with strategies.away_from, "
            "and test the gradient at this point by its value.",
            level=level,
            kind=KinkError,
        )

    def _error(
        self, headline: str, *lines: str, level: int = 1, kind: type[GradientError] = GradientError
    ) -> GradientError:
        body = "\n".join("  " + line for line in lines)
        return kind(f"{headline}\n{body}\n\nThis reproduces it:\n\n{textwrap.indent(self._script(level), '    ')}\n")

    def _script(self, level: int) -> str:
        """A few lines of Python that raise the same error."""
        preamble, f = reference_to(self.f)
        arguments = [f, *(literal(x) for x in self.inputs), f"order={level}", f"directions={self.directions}"]
        arguments += [f"{name}={getattr(self, name)!r}" for name in ("rtol", "atol") if getattr(self, name) is not None]
        arguments += [f"seed={self.seed}"]
        return "\n".join(
            [
                "import numpy as np",
                "from tinygrad_lite.testing import check_gradients",
                *preamble,
                "",
                f"check_gradients({', '.join(arguments)})",
            ]
        )


_NO_DERIVATIVE = {
    "kink": "a kink, where the slopes on the two sides differ.",
    "jump": "a jump, where the function is not continuous.",
    "steep": "the slope grows without bound.",
    "edge": "the edge of the domain: on one side, the function is not finite or its result has another shape.",
    "rough": "the function is too rough, or its rounding errors are too large, for the differences to converge.",
}


class _Line(NamedTuple):
    """A function of tensors along a line through the test point."""

    function: Function
    points: list[Tensor]
    position: int
    direction: Vector

    def value(self, step: float) -> Vector | None:
        """All results at `step` in one vector; None where they are not finite."""
        results = self._results(self.points[self.position].numpy() + step * self.direction)
        if results is None or not all(np.isfinite(y).all() for y in results):
            return None
        return np.concatenate([np.asarray(y, np.float64).ravel() for y in results])

    def complex_slope(self, weights: Vector) -> float | None:
        """The slope by a step along the imaginary axis; None if the function does not take complex numbers."""
        results = self._results(self.points[self.position].numpy() + 1j * _COMPLEX_STEP * self.direction)
        if results is None or not all(np.isfinite(y).all() for y in results):
            return None
        flat = np.concatenate([np.asarray(y).ravel() for y in results])
        return float(weights @ flat.imag) / _COMPLEX_STEP if flat.shape == weights.shape else None

    def _results(self, x: Array) -> list[Array] | None:
        with warnings.catch_warnings():
            warnings.simplefilter("error" if x.dtype.kind == "c" else "ignore")
            try:
                results = self.function([wrap(x) if n == self.position else p for n, p in enumerate(self.points)])
            except Exception as error:
                if x.dtype.kind == "c" or isinstance(error, (ArithmeticError, ValueError)):
                    return None  # outside of the function's domain
                raise
        return [y.numpy() for y in results]
