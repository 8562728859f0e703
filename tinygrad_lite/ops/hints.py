"""The error for a function of NumPy's that this package does not have. It contains code that runs as it is."""

from __future__ import annotations

import inspect
import operator
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tinygrad_lite.core.structure import flatten, map_structure
from tinygrad_lite.core.tensor import DTYPES, Tensor

__all__ = ["no_counterpart"]

# These write into an array or a file, so they are never called to find out what they return.
_WRITING = {"copyto", "fill_diagonal", "place", "put", "put_along_axis", "putmask", "save", "savetxt", "savez"}


def no_counterpart(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> TypeError:
    """The error for a function of NumPy's that was called with a recorded Tensor and has no gradient here."""
    path = _path(function)
    ways = ["pass tensor.numpy() if no gradient is needed", "write it with the operations of tgl"]
    stub = None if path is None else _stub(path, function, args, kwargs)
    if stub is not None:
        ways.append(f"or add the rule:\n\n{stub}")
    else:
        ways[-1] = f"or {ways[-1]}"
    name = path or getattr(function, "__name__", str(function))
    ending = "" if stub is not None else "."
    return TypeError(
        f"numpy.{name} has no gradient rule in tinygrad_lite and cannot take a Tensor that is being recorded. "
        f"Ways out: {'; '.join(ways)}{ending}"
    )


def _path(function: Callable[..., Any]) -> str | None:
    """The name of a function below `numpy`, as users write it: "linalg.eigvals"."""
    name = getattr(function, "__name__", "")
    submodule = (getattr(function, "__module__", None) or "").partition("numpy")[2].strip(".")
    for path in (name, f"{submodule}.{name}"):
        try:
            if operator.attrgetter(path)(np) is function:
                return path
        except AttributeError:
            continue
    return None


def _stub(path: str, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> str | None:
    """The definition of a primitive that calls the function as it was called, or None if that is not possible."""
    name = function.__name__
    call = _call(function, args, kwargs)
    if call is None or name in _WRITING:
        return None
    arrays, metadata, given = call
    result = _result(function, args, kwargs)
    parts = list(result) if isinstance(result, (tuple, list)) else [result]
    if not parts or not all(isinstance(part, (np.ndarray, np.generic, bool, int, float)) for part in parts):
        return None
    chars = {np.asarray(part).dtype.char for part in parts}
    value = f"np.{path}({given})"
    body = [f"return tuple({value})" if isinstance(result, (tuple, list)) else f"return {value}"]
    if chars <= {"F", "D"} and len(parts) == 1:
        body = [f"y = {value}  # tensors are real: its parts are two results", "return np.real(y), np.imag(y)"]
    elif not chars <= DTYPES:
        return None
    has_gradient = bool(chars & set("efdFD"))
    is_ufunc = isinstance(function, np.ufunc) and len(parts) == 1
    kind = "nondifferentiable" if not has_gradient else "elementwise" if is_ufunc else "primitive"
    head = ", ".join([*arrays, *(["*", *metadata] if metadata else [])])
    lines = [f"    @tgl.{kind}", f"    def {name}({head}):", *(f"        {line}" for line in body)]
    if has_gradient:
        rule = f"lambda g, y, {', '.join([*arrays, *metadata])}: ..."
        lines += ["", f"    {name}.defvjp({', '.join([rule] * len(arrays))})"]
        lines[-1] += "  # the gradient of each argument, given g, that of y"
    return "\n".join(lines) + "\n"


def _call(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[list[str], list[str], str] | None:
    """The arrays of a call by the names that they get, its other arguments, and how both are passed."""
    parameters: Mapping[str, inspect.Parameter] = {}
    if isinstance(function, np.ufunc):
        names = ["x"] if function.nin == 1 else [f"x{n}" for n in range(1, function.nin + 1)]
        return None if kwargs else (names, [], ", ".join(names))
    try:
        parameters = inspect.signature(function).parameters
        bound = inspect.signature(function).bind(*args, **kwargs).arguments
    except (TypeError, ValueError):  # of a function written in C
        bound = {f"x{n}": x for n, x in enumerate(args)} | kwargs
    tensors = [name for name, x in bound.items() if isinstance(x, (Tensor, np.ndarray))]
    rest = {name: x for name, x in bound.items() if name not in tensors}
    if not tensors or any(isinstance(x, Tensor) for x in flatten(list(rest.values()))):
        return None  # a list of tensors: their number is not known
    names = ["x"] if len(tensors) == 1 else [f"x{n}" for n in range(1, len(tensors) + 1)]
    named = dict(zip(tensors, names))
    given, by_position = [], True
    for key in bound:
        kind = parameters[key].kind if key in parameters else inspect.Parameter.POSITIONAL_ONLY
        if kind in (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD):
            return None
        by_position = by_position and (key in named or kind is inspect.Parameter.POSITIONAL_ONLY)
        by_position = by_position and kind is not inspect.Parameter.KEYWORD_ONLY
        given.append(named.get(key, key) if by_position else f"{key}={named.get(key, key)}")
    return names, list(rest), ", ".join(given)


def _result(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What NumPy returns for the values. Its type decides what the primitive returns."""
    args, kwargs = map_structure(lambda x: np.array(x._array) if isinstance(x, Tensor) else x, (args, kwargs))
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            return function(*args, **kwargs)
        except Exception:
            return None
