"""Modules made of tables: the names that are here, and the error for those that are not."""

from __future__ import annotations

import difflib
import dis
import inspect
import sys
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

from tinygrad_lite.tensor import to_tensor

PACKAGE = "tinygrad_lite.compat."


def public(module: Any) -> dict[str, Any]:
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


def _is_import(frame: Any) -> bool:
    """Whether the frame is at a `from module import name`, which puts its own text into an AttributeError's place."""
    code, position = frame.f_code.co_code, frame.f_lasti
    return position >= 0 and dis.opname[code[position]] == "IMPORT_FROM"


def translated(name: str, function: Callable[..., Any], parameters: str) -> Callable[..., Any]:
    """`function` under another name and with other names for its arguments.

    Parameters
    ----------
    name : str
    function : callable
        One of this package's.
    parameters : str
        "*tensor *tensor theirs=ours same", in their order. What starts with `*` is a tensor and handed on by position:
        lists of tensors are stacked. `name`, the last argument of all of TensorFlow's functions, is accepted and
        has no effect.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> reduce_max = translated("reduce_max", tgl.max, "*input_tensor axis keepdims")
    >>> reduce_max(input_tensor=[1.0, 3.0], name="largest").item()
    3.0
    """
    words = parameters.split()
    tensors = [word[1:] for word in words if word.startswith("*")]
    others = dict(word.partition("=")[::2] for word in words if not word.startswith("*"))
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    signature = inspect.Signature(
        [inspect.Parameter(theirs, kind) for theirs in tensors]
        + [inspect.Parameter(theirs, kind, default=None) for theirs in (*others, "name")]
    )

    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            given = signature.bind(*args, **kwargs).arguments
        except TypeError as error:
            raise TypeError(f"tf's {name}{signature} of tinygrad_lite: {error}.") from None
        given.pop("name", None)
        positional = [tensor(given.pop(theirs)) for theirs in tensors]
        if isinstance(given.get("axis"), list):
            given["axis"] = tuple(given["axis"])
        return function(*positional, **{others[theirs] or theirs: value for theirs, value in given.items()})

    call.__name__ = call.__qualname__ = name
    call.__doc__ = f"TensorFlow's {name}: tinygrad_lite's `{function.__name__}`.\n\n{inspect.getdoc(function) or ''}"
    call.__signature__ = signature  # type: ignore[attr-defined]
    return call


def tensor(value: Any) -> Any:
    """`value` as TensorFlow takes it: a Python number adopts the dtype that it meets."""
    return value if isinstance(value, (bool, int, float)) else to_tensor(value)
