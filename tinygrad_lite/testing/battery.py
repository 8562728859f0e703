"""The tests of an operation at one point: values, shapes, dtypes, rules, gradients, and calls through NumPy.

`Battery` has the operation and its reference; `_Point` has the arguments and the tests. Nothing here draws
random arguments or needs Hypothesis.
"""

from __future__ import annotations

import functools
import inspect
import textwrap
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from tinygrad_lite.core.primitive import Primitive
from tinygrad_lite.core.structure import flatten, map_structure
from tinygrad_lite.core.tape import GradientTape
from tinygrad_lite.core.tensor import Tensor, wrap
from tinygrad_lite.testing.gradients import FIGURES, KinkError, check_gradients, over_floats, reverse
from tinygrad_lite.testing.scripts import literal, name_of, reference_to
from tinygrad_lite.utils.types import Array, DTypeLike

__all__ = ["NUMPYS", "Battery", "PrimitiveError"]

NUMPYS: Any = object()  # a default that stands for a callable: NumPy's function of the same name
_FEW_DIGITS = {"float64": 1e-12, "float32": 1e-4}  # relative difference allowed between values
_GRADIENT_DIGITS = 2e-3  # error allowed in a float32 gradient, relative to its largest element
_MOST_KINKS = 0.25  # largest fraction of kinks among the points


class PrimitiveError(AssertionError):
    """An operation fails a test of `check_primitive` that is not about the numbers of its gradient."""


def _is_numpys(reference: Callable[..., Any] | None) -> bool:
    """Whether this is a public function of NumPy, which can be called with Tensors."""
    name = getattr(reference, "__name__", "")
    return callable(reference) and any(getattr(module, name, None) is reference for module in (np, np.linalg))


class Battery:
    """All tests of one operation, each at one point."""

    def __init__(
        self,
        f: Callable[..., Any],
        reference: Callable[..., Any] | None,
        order: int,
        directions: int,
        rtol: float | None,
        atol: float | None,
        keeps_dtype: bool,
    ) -> None:
        self.f = f
        self.name = name_of(f)
        if reference is NUMPYS:
            reference = getattr(np, self.name.lstrip("_"), None)
            if not callable(reference):
                raise TypeError(
                    f"check_primitive expected a reference for {self.name}, because NumPy has no function of this "
                    "name. Received: none. Pass reference=lambda ...: ..., the same function for arrays, "
                    "or reference=None."
                )
        self.reference = reference
        self.is_numpys = _is_numpys(reference)
        self.is_differentiable = order > 0 and getattr(f, "is_differentiable", True)
        self.order = order if self.is_differentiable else 0
        self.directions, self.rtol, self.atol = directions, rtol, atol
        self.keeps_dtype = keeps_dtype
        self.points = self.kinks = 0

    def needs(self, metadata: Mapping[str, Any]) -> None:
        """Raise if required metadata of `f` is missing."""
        if isinstance(self.f, Primitive):
            empty = inspect.Parameter.empty
            missing = [name for name, default in self.f.metadata.items() if default is empty and name not in metadata]
            if missing:
                raise TypeError(
                    f"check_primitive expected metadata for {', '.join(missing)} of {self.name}. Received: "
                    f"metadata={dict(metadata)!r}. Pass metadata={{{missing[0]!r}: ...}}, a value or a strategy."
                )

    def run(self, arguments: tuple[Any, ...], metadata: dict[str, Any]) -> None:
        """All tests at one point. The simple ones come first, because their messages are clearer."""
        point = _Point(self, arguments, metadata)
        self.points += 1
        point.values()
        floats = point.floats()
        if floats and not self.is_differentiable:
            point.no_gradient()
        if floats and self.is_differentiable and point.has_floating_result():
            point.rules()
            point.gradients_in_other_forms()
            try:
                check_gradients(
                    functools.partial(self.f, **metadata) if metadata else self.f,
                    *arguments,
                    order=self.order,
                    directions=self.directions,
                    rtol=self.rtol,
                    atol=self.atol,
                )
            except KinkError:
                self.kinks += 1
                FIGURES.kinks += 1
        if self.is_numpys:
            point.through_numpy()

    def refuses(self, arguments: tuple[Any, ...], metadata: dict[str, Any]) -> None:
        """Raise unless `f` raises a ValueError for arguments whose shapes do not broadcast."""
        try:
            result = self.f(*arguments, **metadata)
        except ValueError:
            return
        raise _Point(self, arguments, metadata).error(
            "shapes that do not broadcast must raise ValueError.", "a ValueError", f"{result!r}"
        )

    def judge_kinks(self) -> None:
        """Raise if too many points were kinks, where no gradient can be checked."""
        if self.kinks > _MOST_KINKS * self.points:
            raise PrimitiveError(
                f"{self.name} has no derivative at {self.kinks} of {self.points} points that were drawn, so "
                "its gradient was hardly tested. Keep a distance with avoid=[...], distinct=True or domain=(low, high)."
            )


class _Point:
    """One operation at one point."""

    def __init__(self, battery: Battery, arguments: tuple[Any, ...], metadata: dict[str, Any]) -> None:
        self.battery = battery
        self.arguments = arguments
        self.metadata = metadata
        self.f = functools.partial(battery.f, **metadata) if metadata else battery.f

    def floats(self) -> bool:
        return any(_is_floating(x) for x in flatten(self.arguments))

    def has_floating_result(self) -> bool:
        return any(_is_floating(y.numpy()) for y in flatten(self.f(*self.arguments)))

    # Values -----------------------------------------------------------------------------------------------

    def values(self) -> None:
        """Values, shape and dtype, in float64 and float32, from arrays and Tensors, contiguous or not."""
        for dtype in (np.float64, np.float32):
            arguments = map_structure(functools.partial(_as_dtype, dtype=dtype), self.arguments)
            expected = self._expected(arguments)
            for form, convert in _FORMS.items():
                given = map_structure(convert, arguments)
                before = [_copied(x) for x in flatten(given)]
                results = self._results(given)
                for old, x in zip(before, flatten(given)):
                    if not _same(old, x):
                        raise self.error("the forward wrote to an argument.", f"{old!r} as before", f"{x!r}")
                expected = results if expected is None else expected
                self._compare(expected, results, np.dtype(dtype), form)
                if form != "Tensors":
                    self._no_alias(given, results)

    def _expected(self, arguments: Any) -> list[Array] | None:
        reference = self.battery.reference
        if reference is None:
            return None
        dtype = None if self.battery.is_numpys else np.float64  # a reference from the caller is computed in float64
        copies = map_structure(
            lambda x: np.array(x, dtype if _is_floating(x) else None) if isinstance(x, np.ndarray) else x, arguments
        )
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            return [np.asarray(y) for y in flatten(_plain_tuples(reference(*copies, **self.metadata)))]

    def _results(self, arguments: Any) -> list[Array]:
        results = flatten(self.f(*arguments))
        for y in results:
            if not isinstance(y, Tensor):
                raise self.error("it must return Tensors.", "a Tensor", f"{type(y).__name__}")
        return [y.numpy() for y in results]

    def _compare(self, expected: list[Array], results: list[Array], dtype: np.dtype[Any], form: str) -> None:
        name = dtype.name
        at = f"from {form} in {name}"
        if len(expected) != len(results):
            raise self.error(f"wrong number of results {at}.", f"{len(expected)}", f"{len(results)}")
        for one, y in zip(expected, results):
            if one.shape != y.shape:
                raise self.error(f"wrong shape {at}.", f"{one.shape}", f"{y.shape}")
            if self.battery.is_numpys and one.dtype != y.dtype:
                raise self.error(f"wrong dtype {at}.", f"{one.dtype}", f"{y.dtype}")
            keeps = self.battery.keeps_dtype and not self.battery.is_numpys and _is_floating(y)
            if keeps and self.floats() and y.dtype != dtype:
                raise self.error(f"the dtype is not kept {at}.", f"{name}", f"{y.dtype}")
            digits = _FEW_DIGITS[name]
            spread = 0.0  # absolute difference allowed, because values may be sums of larger ones
            if not getattr(self.battery.f, "is_elementwise", False) and one.dtype.kind in "fc":
                spread = digits * np.absolute(one[np.isfinite(one)]).max(initial=1.0)
            close = np.allclose(y, one, rtol=digits, atol=spread + np.finfo(dtype).tiny, equal_nan=True)
            if not (close if one.dtype.kind in "fc" else _same(one, y)):
                raise self.error(f"wrong value {at}.", f"{one!r}", f"{y!r}")

    def _no_alias(self, arguments: Any, results: list[Array]) -> None:
        for x in flatten(arguments):
            for y in results:
                if isinstance(x, np.ndarray) and x.size and np.may_share_memory(x, y):
                    raise self.error(
                        "its result shares memory with an array of the caller, which may be overwritten later.",
                        "a new array",
                        "an alias",
                    )

    # Gradients --------------------------------------------------------------------------------------------

    def no_gradient(self) -> None:
        """The gradients of all floating arguments are None."""
        arrays, names, _ = over_floats(self.f, self.arguments)
        tensors = [wrap(x) for x in arrays]
        rest = iter(tensors)
        given = map_structure(lambda x: next(rest) if _is_floating(x) else x, self.arguments)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that integers carry no gradient
            with GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(tensors)
                results = flatten(self.f(*given))
            gradients = tape.gradient(results, tensors)
        self._all_none(zip(names, gradients))

    def _all_none(self, gradients: Iterable[tuple[str, Any]]) -> None:
        for name, gradient in gradients:
            if gradient is not None:
                raise self.error(f"{name} has no gradient rule, so its gradient is None.", "None", f"{gradient!r}")

    def rules(self) -> None:
        """Gradients are None where there is no rule, and the rules compute in the dtype of the arguments."""
        f = self.battery.f
        if not isinstance(f, Primitive):
            return
        arrays, names, function = over_floats(self.f, self.arguments)
        if not f.joint_rule and not f.rule_each:
            without = {name for name, rule in zip(f.arrays, f.rules) if rule is None}
            gradients = _gradients(function, arrays, [np.ones(y.shape) for y in function([wrap(x) for x in arrays])])
            self._all_none([(name, g) for name, g in zip(names, gradients) if name in without])
        short = [_as_dtype(x, np.float32) for x in self.arguments]
        metadata = {**f.metadata, **self.metadata}
        with np.errstate(all="ignore"):
            y = f.forward(*short, **metadata)
            if any(np.asarray(item).dtype == np.float64 for item in flatten(y)):
                return  # then `g` is float64 too, and the rules may compute in float64
            g = map_structure(lambda item: np.ones(np.shape(item), np.float32), y)
            for name, x, d in zip(f.arrays or names, short, _rule_results(f, g, y, short, metadata)):
                if _is_floating(x) and x.ndim and d is not None and d.dtype != np.float32:
                    raise self.error(
                        f"its rule for {name} computes in another dtype than that of its arguments.",
                        "float32",
                        f"{d.dtype}",
                    )

    def gradients_in_other_forms(self) -> None:
        """The gradient is the same for other memory layouts of the arguments and of `g`, and in float32."""
        arrays, names, function = over_floats(self.f, self.arguments)
        rng = np.random.default_rng(0)
        with np.errstate(all="ignore"):
            weights = [rng.uniform(0.5, 1.5, y.shape) for y in function([wrap(x) for x in arrays])]
            expected = _gradients(function, arrays, weights)
            found = _gradients(function, [_strided(x) for x in arrays], [_strided(w) for w in weights])
            self._close(names, expected, found, 1e-9, "from arrays that are not contiguous")
            ones = [np.broadcast_to(np.ones(()), w.shape) for w in weights]
            expected = _gradients(function, arrays, [one.copy() for one in ones])
            self._close(names, expected, _gradients(function, arrays, ones), 1e-9, "for a `g` of one number, broadcast")
            short = [x.astype(np.float32) for x in arrays]
            found = _gradients(function, short, weights)
            for name, d in zip(names, found):
                if d is not None and d.dtype != np.float32:
                    raise self.error(f"the gradient of {name} has another dtype.", "float32", f"{d.dtype}")
            expected = _gradients(function, [x.astype(np.float64) for x in short], weights)
            self._close(names, expected, found, _GRADIENT_DIGITS, "in float32")

    def _close(self, names: list[str], expected: Any, found: Any, digits: float, form: str) -> None:
        for name, one, d in zip(names, expected, found):
            if one is None and d is None:
                continue
            if one is None or d is None:
                raise self.error(f"another gradient of {name} {form}.", f"{one!r}", f"{d!r}")
            a, b = one.numpy(), d.numpy()
            size = np.absolute(a[np.isfinite(a)]).max(initial=0.0)
            smallest = np.finfo(np.float32).smallest_normal  # numbers below it have few digits in float32
            if not np.allclose(b, a, rtol=digits, atol=digits * size + smallest, equal_nan=True):
                raise self.error(f"another gradient of {name} {form}.", f"{a!r}", f"{b!r}")

    # NumPy's name -----------------------------------------------------------------------------------------

    def through_numpy(self) -> None:
        """NumPy's function, called with Tensors, gives the same result and the same gradient."""
        reference: Any = self.battery.reference  # a function of NumPy, not None
        called = functools.partial(reference, **self.metadata)
        tensors = map_structure(_as_tensor, self.arguments)
        try:
            results = flatten(called(*tensors))
        except TypeError as error:
            if "no gradient rule" not in str(error):
                raise
            if _is_ours(self.battery.f):
                raise self.error(
                    f"numpy.{reference.__name__} does not take a Tensor.", "the same result", f"{error}"
                ) from error
            return  # not an operation of this package: NumPy's function calls that of the package instead
        ours = flatten(self.f(*tensors))
        for y, one in zip(results, ours):
            if not isinstance(y, Tensor) or y.dtype != one.dtype or not _same(y.numpy(), one.numpy()):
                raise self.error(f"numpy.{reference.__name__} gives another result.", f"{one!r}", f"{y!r}")
        if not (self.battery.is_differentiable and self.floats() and self.has_floating_result()):
            return
        gradients = []
        names = over_floats(self.f, self.arguments)[1]
        for f in (self.f, called):
            arrays, _, function = over_floats(f, self.arguments)
            with np.errstate(all="ignore"):
                weights = [np.ones(y.shape) for y in function([wrap(x) for x in arrays])]
                gradients.append(_gradients(function, arrays, weights))
        self._close(names, gradients[0], gradients[1], 1e-12, f"through numpy.{reference.__name__}")

    # What went wrong --------------------------------------------------------------------------------------

    def error(self, what: str, expected: str, received: str) -> PrimitiveError:
        parts = {"Expected": expected, "Received": received}
        body = "\n".join(f"  {title}  {textwrap.indent(text, ' ' * 12).strip()}" for title, text in parts.items())
        return PrimitiveError(
            f"{self.battery.name}: {what}\n{body}\n\nThis reproduces it:\n\n{textwrap.indent(self.script(), '    ')}\n"
        )

    def script(self) -> str:
        """A few lines of Python that run the battery at this point."""
        battery = self.battery
        preamble, f = reference_to(battery.f)
        options = [f"examples=[({literal(self.arguments)}, {literal(self.metadata)})]", "max_examples=0"]
        default = getattr(np, battery.name.lstrip("_"), None)
        if battery.reference is None:
            options.append("reference=None")
        elif battery.reference is not default:
            more, reference = reference_to(battery.reference, "reference")
            preamble += [line for line in more if line not in preamble]
            options.append(f"reference={reference}")
        if not battery.order and getattr(battery.f, "is_differentiable", True):
            options.append("order=0")
        if not battery.keeps_dtype:
            options.append("keeps_dtype=False")
        return "\n".join(
            [
                "import numpy as np",
                "from tinygrad_lite.testing import check_primitive",
                *preamble,
                "",
                f"check_primitive({', '.join([f, *options])})",
            ]
        )


def _is_ours(f: Callable[..., Any]) -> bool:
    return str(getattr(f, "__module__", "")).startswith("tinygrad_lite.")


def _is_floating(x: Any) -> bool:
    return isinstance(x, (np.ndarray, np.generic)) and x.dtype.kind == "f"


def _same(a: Any, b: Any) -> bool:
    a, b = (x.numpy() if isinstance(x, Tensor) else x for x in (a, b))
    return bool(np.array_equal(a, b, equal_nan=np.asarray(a).dtype.kind in "fc"))


def _as_dtype(x: Any, dtype: DTypeLike) -> Any:
    return x.astype(dtype) if _is_floating(x) else x


def _as_tensor(x: Any) -> Any:
    return wrap(x) if isinstance(x, np.ndarray) else x


def _copied(x: Any) -> Any:
    return np.array(x.numpy() if isinstance(x, Tensor) else x)


def _plain_tuples(structure: Any) -> Any:
    """Named tuples as tuples."""
    return tuple(map(_plain_tuples, structure)) if isinstance(structure, tuple) else structure


def _strided(x: Any) -> Any:
    """The same numbers as a view of a longer array: every second element, in reversed order, in Fortran's layout."""
    if not isinstance(x, np.ndarray) or not x.ndim:
        return x
    longer = np.full((*x.shape[:0:-1], 2 * x.shape[0]), 77, x.dtype)
    view = longer.T[::-2]
    view[...] = x
    return view


_FORMS: dict[str, Callable[[Any], Any]] = {
    "Tensors": _as_tensor,
    "arrays": lambda x: x,
    "arrays that are not contiguous": _strided,
}


def _gradients(function: Callable[..., Any], arrays: Sequence[Array], weights: Sequence[Array]) -> list[Tensor | None]:
    """The gradients of the weighted sum of the results; the weights get the results' dtype and keep their layout."""
    points = [wrap(x) for x in arrays]
    dtypes = [y.dtype for y in function(points)]
    return reverse(function, points, [wrap(w if w.dtype == t else w.astype(t)) for w, t in zip(weights, dtypes)])[1]


def _rule_results(f: Primitive, g: Any, y: Any, arrays: Sequence[Any], metadata: dict[str, Any]) -> list[Any]:
    """The values that the rules return, before the tape converts them to shape and dtype of the arguments."""
    if f.joint_rule is not None:
        return list(f.joint_rule(g, y, *arrays, **metadata))
    if f.rule_each is not None:
        return [f.rule_each(n, g, y, *arrays, **metadata) for n in range(len(arrays))]
    return [None if rule is None else rule(g, y, *arrays, **metadata) for rule in f.rules]
