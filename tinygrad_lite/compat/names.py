"""Modules made of tables: the names that are here, and the error for those that are not."""

from __future__ import annotations

import ast
import difflib
import dis
import inspect
import sys
from collections.abc import Callable, Mapping
from types import FrameType, ModuleType
from typing import Any, NamedTuple

import numpy as np

from tinygrad_lite.core.tensor import TensorLike, to_tensor
from tinygrad_lite.utils.names import is_same
from tinygrad_lite.utils.types import Axis

PACKAGE = "tinygrad_lite.compat."


def public(module: ModuleType) -> dict[str, Any]:
    """The public names of a module, with what they stand for."""
    return {name: getattr(module, name) for name in module.__all__}


def names_of(
    module: str, table: Mapping[str, Any], hints: Mapping[str, str] | None = None
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """`__getattr__` and `__dir__` of a module with the names of `table`.

    Parameters
    ----------
    module : str
        Its `__name__`.
    table : mapping of str
        The names, and what they stand for.
    hints : mapping of str
        For names that are not here: what to use instead.

    Raises
    ------
    AttributeError, ImportError
        When asked for another name: names the nearest, and all that are here.
    """

    def __getattr__(name: str) -> Any:
        if name in table:
            return table[name]
        if name == "__version__":
            return sys.modules["tinygrad_lite"].__version__
        text = _not_here(module, name, dir(sys.modules[module]), (hints or {}).get(name))
        if not name.startswith("_") and _is_import(sys._getframe(1)):
            raise ImportError(text)
        raise AttributeError(text)

    def __dir__() -> list[str]:
        own = vars(sys.modules[module])
        return sorted({*table, *(name for name in own.get("__all__", ()))})

    return __getattr__, __dir__


def made_of(table: Mapping[str, Any], package: str, name: str) -> ModuleType:
    """A module `name` of `package` with the names of `table`."""
    module = sys.modules[f"{package}.{name}"] = ModuleType(f"{package}.{name}")
    vars(module).update(table, __all__=list(table))
    module.__getattr__, module.__dir__ = names_of(module.__name__, table)  # type: ignore[method-assign]
    return module


def _not_here(module: str, name: str, names: list[str], hint: str | None) -> str:
    shown = module.removeprefix(PACKAGE)
    near = difflib.get_close_matches(name.lower(), [known.lower() for known in names], n=3, cutoff=0.6)
    nearest = [known for known in names if known.lower() in near]
    parts = [
        f"{shown} has no {name} in tinygrad_lite.",
        f"Use {hint}." if hint else f"Nearest: {', '.join(nearest)}." if nearest else "",
        f"What is here: {', '.join(names)}.",
    ]
    return " ".join(part for part in parts if part)


def _is_import(frame: FrameType) -> bool:
    """Whether the frame is at a `from module import name`, which puts its own text into an AttributeError's place."""
    code, position = frame.f_code.co_code, frame.f_lasti
    return position >= 0 and dis.opname[code[position]] == "IMPORT_FROM"


def translated(name: str, function: Callable[..., Any], parameters: str) -> Callable[..., Any]:
    """`function` under another name and with the parameters of the original.

    Parameters
    ----------
    name : str
    function : callable
        One of this package's.
    parameters : str
        The original's, in its order and with its defaults:

        `*x`, `*x=None`
            A tensor, passed by position. Lists of tensors are stacked.
        `theirs`, `theirs=default`, `theirs:ours=default`
            Passed by name, under ours where it has another.
        `!theirs=default`
            Is not here: refused unless it is at its default.
        `~theirs=default`
            Has no effect on numbers. `name`, which almost all of TensorFlow's functions take last, is added unless it
            is listed; `~` alone says that there is none.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> reduce_max = translated("tf.reduce_max", tgl.max, "*input_tensor axis=None keepdims=False")
    >>> reduce_max(input_tensor=[1.0, 3.0], name="largest").item()
    3.0
    """
    words = [_Parameter.read(word) for word in parameters.split() if word != "~"]
    if "~" not in parameters.split() and all(word.theirs != "name" for word in words):
        words.append(_Parameter("~", "name", "name", None))
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    signature = inspect.Signature([inspect.Parameter(word.theirs, kind, default=word.default) for word in words])

    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            given = signature.bind(*args, **kwargs).arguments
        except TypeError as error:
            raise TypeError(f"{name}{signature} of tinygrad_lite: {error}.") from None
        positional, named = [], {}
        for role, theirs, ours, default in words:
            if role == "*" and (theirs in given or default is not inspect.Parameter.empty):
                positional.append(tensor(given.get(theirs, default)))
            elif theirs in given and role == "!":
                refuse(name, theirs, given[theirs], default)
            elif theirs in given and role == "":
                named[ours] = axes(given[theirs]) if theirs == "axis" else given[theirs]
        return function(*positional, **named)

    call.__name__ = call.__qualname__ = name.rpartition(".")[2]
    call.__doc__ = f"{name}: tinygrad_lite's `{function.__name__}`.\n\n{inspect.getdoc(function) or ''}"
    call.__signature__ = signature  # type: ignore[attr-defined]
    call.native = function  # type: ignore[attr-defined]
    return call


class _Parameter(NamedTuple):
    """One parameter of the original."""

    role: str
    theirs: str
    ours: str
    default: Any

    @classmethod
    def read(cls, word: str) -> _Parameter:
        names, has_default, default = word.partition("=")
        role = names[0] if names[0] in "*!~" else ""
        theirs, _, ours = names.removeprefix(role).partition(":")
        value = ast.literal_eval(default) if has_default else inspect.Parameter.empty
        return cls(role, theirs, ours or theirs, value)


def refuse(function: str, argument: str, value: Any, default: Any) -> None:
    """Raise if an argument of the original that is not here is not at its default."""
    if not is_same(value, default):
        raise ValueError(
            f"{function} expected {argument}={default!r}: in tinygrad_lite it has no other meaning. Received: "
            f"{argument}={value!r}. Leave it out."
        )


def axes(axis: Axis | TensorLike) -> Any:
    """An axis, or several, as this package takes them: also where they are a list, an array or a Tensor."""
    if axis is None or isinstance(axis, int):
        return axis
    numbers = np.asarray(to_tensor(axis).numpy() if isinstance(axis, (list, tuple)) and axis else axis)
    return int(numbers) if numbers.ndim == 0 else tuple(int(n) for n in numbers)


def tensor(value: TensorLike | None) -> Any:
    """`value` as TensorFlow takes it: a Python number adopts the dtype that it meets."""
    return value if isinstance(value, (bool, int, float)) else to_tensor(value)
