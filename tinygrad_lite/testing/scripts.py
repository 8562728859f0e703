"""How messages name functions and arrays, and the script that reproduces an error.

Every message ends with a script that contains the arrays and imports the function from its module. A function that
cannot be imported, for example a lambda in a test, is left out; the script names the line of its definition.
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tinygrad_lite.core.primitive import REGISTRY, Primitive
from tinygrad_lite.core.tensor import Tensor

_LARGEST_LITERAL = 1000  # most elements of an array that a message shows


def name_of(f: Callable[..., Any]) -> str:
    """The name of `f` in messages."""
    if isinstance(f, functools.partial):
        arguments = [literal(x) for x in f.args] + [f"{name}={literal(x)}" for name, x in f.keywords.items()]
        return f"{name_of(f.func)}({', '.join(['...', *arguments])})"
    return getattr(f, "__qualname__", None) or getattr(f, "__name__", None) or repr(f)


def argument_names(f: Callable[..., Any], count: int) -> list[str]:
    """The names of the first `count` positional parameters."""
    if isinstance(f, functools.partial) and not f.args:
        f = f.func
    if isinstance(f, Primitive):
        known = list(f.arrays)
    else:
        try:
            parameters = list(inspect.signature(f).parameters.values())
        except (TypeError, ValueError):  # some of NumPy's own functions have no signature
            parameters = []
        known = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return (known + [f"argument {n}" for n in range(len(known), count)])[:count]


def numbered(name: str, leaves: Sequence[Any]) -> list[str]:
    return [name] if len(leaves) == 1 else [f"{name}[{n}]" for n in range(len(leaves))]


def literal(x: Any) -> str:
    """`x` as a Python expression in which NumPy is `np`."""
    if isinstance(x, Tensor):
        x = x.numpy()
    if isinstance(x, type) and issubclass(x, np.generic):
        return f"np.{x.__name__}"
    if isinstance(x, np.dtype):
        return f"np.dtype({str(x)!r})"
    if isinstance(x, (np.ndarray, np.generic)):
        if x.size > _LARGEST_LITERAL:
            return f"<array of shape {x.shape}, dtype {x.dtype}>"
        empty = f".reshape({x.shape})" if not x.size else ""
        return f"np.array({x.tolist()!r}, dtype={x.dtype.name!r}){empty}".replace("inf", "np.inf").replace(
            "nan", "np.nan"
        )
    if isinstance(x, dict):
        return "{" + ", ".join(f"{key!r}: {literal(value)}" for key, value in x.items()) + "}"
    if isinstance(x, (list, tuple)):
        items = ", ".join(literal(item) for item in x)
        return f"[{items}]" if isinstance(x, list) else f"({items},)" if len(x) == 1 else f"({items})"
    return repr(x)


def reference_to(f: Callable[..., Any], placeholder: str = "f") -> tuple[list[str], str]:
    """The imports that a script needs for `f`, and the expression for `f`."""
    if isinstance(f, functools.partial):
        preamble, inner = reference_to(f.func)
        arguments = [inner, *map(literal, f.args), *(f"{name}={literal(x)}" for name, x in f.keywords.items())]
        return ["import functools", *preamble], f"functools.partial({', '.join(arguments)})"
    name, module = getattr(f, "__qualname__", placeholder), getattr(f, "__module__", None) or "__main__"
    for numpys, prefix in ((np, "np"), (np.linalg, "np.linalg")):
        plain = getattr(f, "__name__", "")
        if getattr(numpys, plain, None) is f:
            return [], f"{prefix}.{plain}"
    if getattr(sys.modules.get(module), name, None) is f and module != "__main__":
        public = sys.modules["tinygrad_lite"]
        if getattr(public, name, None) is f:
            return ["import tinygrad_lite as tgl"], f"tgl.{name}"
        return [f"from {module} import {name}"], name
    if isinstance(f, Primitive) and REGISTRY.get(name) is f and module.startswith("tinygrad_lite."):
        return ["from tinygrad_lite.core.primitive import REGISTRY"], f"REGISTRY[{name!r}]"
    code = getattr(getattr(f, "forward", f), "__code__", None)
    where = f"{code.co_filename}:{code.co_firstlineno}" if code else module
    return [f"{placeholder} = ...  # {name}, defined in {where}"], placeholder
