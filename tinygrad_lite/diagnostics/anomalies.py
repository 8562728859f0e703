"""The first NaN or infinity, and the operation that made it.

A NaN spreads to everything that is computed from it, so the loss that shows it says little. Inside of
`detect_anomalies` the result of every operation is checked when it is made, and so is what every gradient rule returns.
The first one that is not finite raises, with the values of the arguments.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np

from tinygrad_lite.core.backward import zero_rule
from tinygrad_lite.core.primitive import Primitive
from tinygrad_lite.core.tensor import Tensor, TensorLike
from tinygrad_lite.core.variable import Variable
from tinygrad_lite.diagnostics.observing import Site, SiteObserver, reporting, site_of
from tinygrad_lite.utils.types import Array, Shape, Value

__all__ = ["AnomalyError", "detect_anomalies"]


class AnomalyError(FloatingPointError):
    """A NaN or an infinity, found by `detect_anomalies`.

    Attributes
    ----------
    operation : str
        The name of the operation that made it, or that had it as an argument.
    layers : tuple of str
        The layers in which that was called, the outermost first.
    filename, line : str and int, or None
        The user's line that called it.
    is_backward : bool
        Whether it was made by the operation's gradient rule.
    """

    def __init__(self, message: str, operation: str, site: Site | None, *, is_backward: bool = False) -> None:
        super().__init__(message)
        self.operation = operation
        self.layers = site.layers if site else ()
        self.filename = site.filename if site else None
        self.line = site.line if site else None
        self.is_backward = is_backward


@contextmanager
def detect_anomalies() -> Iterator[None]:
    """A context in which the first NaN or infinity raises: made by an operation, or by its gradient.

    Everything in it runs eagerly, `fit` too, and several times slower: open it to find a cause, then remove it.
    It applies to the calling thread only.

    Raises
    ------
    AnomalyError
        With the operation, its layer, its arguments, and the line that called it. Also for an argument that was not
        finite before: data, or a weight.
    TypeError
        It is opened inside of a `tgl.function` that is being traced.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> x = tgl.Variable([4.0, 0.0])
    >>> with tgl.detect_anomalies():
    ...     with tgl.GradientTape() as tape:
    ...         y = tgl.sqrt(x)
    ...     tape.gradient(y, x)  # doctest: +IGNORE_EXCEPTION_DETAIL
    Traceback (most recent call last):
    tinygrad_lite.diagnostics.anomalies.AnomalyError: The gradient of sqrt for x expected finite numbers. Received: inf
    """
    with np.errstate(all="ignore"), _AnomalyObserver():  # NumPy would warn of the same values, with less information
        yield


class _AnomalyObserver(SiteObserver):
    """Raises for the first value that is not finite."""

    def see(
        self,
        primitive: Primitive,
        args: Sequence[Any],
        arrays: Sequence[Any],
        metadata: Mapping[str, Any],
        outputs: Sequence[Tensor],
        site: Site,
    ) -> None:
        for output in outputs:
            wrong = _wrong(output._array)
            if wrong is None:
                continue
            name, names = _name(primitive), _names(primitive, len(args))
            for argument, x, array in zip(names, args, arrays):
                had = _wrong(array)
                if had is not None:
                    raise _wrong_argument(name, argument, x, array, had, site)
            index = tuple(int(n) for n in np.argwhere(wrong)[0])
            lines = [_described(*pair, index, output.shape, primitive) for pair in zip(names, arrays)]
            message = (
                f"{name} expected to give finite numbers. Received: {_count(output._array, wrong)}, made of finite "
                f"ones:\n" + "".join(lines) + _where(site) + _fix(primitive, output._array[index])
            )
            raise AnomalyError(message, name, site)

    def note_gradient(self, identity: int, g: Value) -> None:
        array = _plain(g)
        wrong = _wrong(array)
        if wrong is not None:
            site = site_of(identity)
            message = (
                f"The gradient of a result expected finite numbers. Received: {_count(array, wrong)}. No gradient "
                "rule made it: the sum of several finite gradients is too large, or output_gradients contains it. "
                "Below is the operation whose result has this gradient.\n" + _where(site)
            )
            raise AnomalyError(message, "gradient", site, is_backward=True)
        super().note_gradient(identity, g)

    def examined(self, entries: Iterable[Any]) -> Iterable[Any]:
        return reporting(super().examined(entries), _check_rule)


def _check_rule(entry: tuple[Any, ...], position: int, g: Value, d: Value | None) -> None:
    """Raise if a gradient rule made something of `g` that is not finite."""
    if d is None:
        return
    primitive, output, _, arguments, _, y = entry
    array = _plain(d)
    wrong = _wrong(array)
    if wrong is None:
        return
    if primitive.needs_zero_rule:
        array = zero_rule(_plain(g), array)
        wrong = _wrong(array)
        if wrong is None:
            return
    upstream = [_plain(item) for item in (g if isinstance(g, tuple) else (g,))]
    if any(_wrong(item) is not None for item in upstream):
        return  # note_gradient reports it
    name, names = _name(primitive), _names(primitive, len(arguments))
    index = tuple(int(n) for n in np.argwhere(wrong)[0])
    shape = array.shape
    rows = [("g (the gradient of its result)", item) for item in upstream]
    rows += [*zip(names, arguments), *(("its result", item) for item in (y if isinstance(y, tuple) else (y,)))]
    site = site_of(output)
    message = (
        f"The gradient of {name} for {names[position]} expected finite numbers. Received: {_count(array, wrong)}, made "
        "of finite ones:\n"
        + "".join(_described(what, value, index, shape, primitive) for what, value in rows)
        + _where(site)
        + _fix_of_gradient(primitive, array[index])
    )
    raise AnomalyError(message, name, site, is_backward=True)


def _wrong_argument(name: str, argument: str, x: TensorLike, array: Array, wrong: Array, site: Site) -> AnomalyError:
    if isinstance(x, Variable):
        what = f"the Variable {x.name!r}"
        fix = (
            "An earlier assignment or optimizer step put it there: check the gradients, the learning rate and "
            "the initial value."
        )
    else:
        what = "a constant or data"
        fix = "Check its source: a missing value in a file, a division by zero in its preparation, a mask of inf."
    message = (
        f"{name} expected finite numbers. Received: {argument}, {what}, with {_count(array, wrong)}. No "
        f"operation inside of detect_anomalies() made it.\n{_where(site)}{fix}"
    )
    return AnomalyError(message, name, site)


# Words --------------------------------------------------------------------------------------------------------


def _name(primitive: Primitive) -> str:
    return str(primitive.__name__.strip("_"))


def _names(primitive: Primitive, count: int) -> list[str]:
    names = list(primitive.arrays) if primitive.arity is not None else []
    return names + [f"argument {n}" for n in range(len(names), count)]


def _plain(x: Value) -> Value:
    return x._array if isinstance(x, Tensor) else x


def _wrong(array: Value) -> Array | None:
    """Where `array` is not finite; None if it is everywhere."""
    array = np.asarray(array)
    if array.dtype.kind not in "fc" or np.isfinite(array).all():
        return None
    return ~np.isfinite(array)


def _count(array: Value, wrong: Array) -> str:
    """For example "nan, in 2 of 12 elements, the first at [0, 3]"."""
    array = np.asarray(array)
    kinds = " and ".join(sorted({str(value) for value in array[wrong].reshape(-1)[:1000].tolist()}))
    if not array.ndim:
        return kinds
    first = ", ".join(str(n) for n in np.argwhere(wrong)[0])
    return f"{kinds}, in {int(wrong.sum())} of {array.size} elements, the first at [{first}]"


def _described(name: str, value: Value, index: tuple[int, ...], shape: Shape, primitive: Primitive) -> str:
    """One argument on a line: shape, dtype, its values or their range, and what it is where the result is wrong."""
    array = np.asarray(_plain(value))
    text = f"    {name}: shape={array.shape}, dtype={array.dtype}"
    if 0 < array.size <= 8:
        text += f", {np.array2string(array, separator=', ')}".replace("\n", "")
    elif array.size:
        text += f", from {array.min():.6g} to {array.max():.6g}"
    if primitive.is_elementwise and array.size > 1:
        with suppress(ValueError):  # `array` has the shape of the result, and `shape` is that of the summed gradient
            text += f"; there it is {np.broadcast_to(array, shape)[index]:.6g}"
    return text + "\n"


def _where(site: Site | None) -> str:
    if site is None:
        return "    called before detect_anomalies() was opened: open it around the whole computation to see the line\n"
    layer = f"    in the layer {'/'.join(site.layers)}\n" if site.layers else ""
    return f"{layer}    called at {site}\n"


def _fix(primitive: Primitive, value: np.floating[Any]) -> str:
    if primitive.domain:
        return f"Domain: {primitive.domain} Keep the arguments inside of it, for example with tgl.clip or tgl.maximum."
    if np.isinf(value):
        return (
            f"The result is too large for {value.dtype}: at most {np.finfo(value.dtype).max:.3g}. Normalise the "
            "inputs, start with smaller weights, or use a smaller learning rate."
        )
    return "The operation is not defined for these arguments."


def _fix_of_gradient(primitive: Primitive, value: np.floating[Any]) -> str:
    if primitive.domain or primitive.kinks:
        known = " ".join(f"{t}: {s}" for t, s in (("Domain", primitive.domain), ("Kinks", primitive.kinks)) if s)
        return (
            f"{known} Keep the arguments away from where the slope is infinite, for example with x + 1e-7; tgl.where "
            "after the operation is too late."
        )
    return _fix(primitive, value) if np.isinf(value) else "The slope is not defined for these arguments."
