"""The user's line of code: the innermost one on the stack that is neither of this package nor of NumPy.

It also finds the function that a line calls. A function written in C, for example `math.sin`, calls `__float__` of its
argument, and has no frame on the stack.
"""

from __future__ import annotations

import dis
import functools
import operator
import os
import sys
import warnings
from types import CodeType, FrameType, ModuleType
from typing import Any

import numpy as np

__all__ = ["called_by", "user_frame", "warn_user"]

_PACKAGES = (os.path.dirname(os.path.abspath(__file__)), np.__file__)
_INSIDE = (*(os.path.dirname(path) + os.sep for path in _PACKAGES), "<__array_function__")


def user_frame() -> tuple[FrameType, int]:
    """The frame of that line, and how many frames it is above the caller of this function."""
    frame, depth = sys._getframe(1), 0
    while frame.f_code.co_filename.startswith(_INSIDE) and frame.f_back is not None:
        frame, depth = frame.f_back, depth + 1
    return frame, depth


def warn_user(message: str, category: type[Warning]) -> None:
    """Warn about the user's line, however many calls of this package are between."""
    _, depth = user_frame()
    warnings.warn(message, category, stacklevel=depth + 1)


def called_by(frame: FrameType) -> Any:  # a name can refer to any object
    """The object that a frame is calling, if it is called by a name; `operator.setitem` for `x[i] = y`; else None."""
    path = _path_to_callee(frame.f_code, frame.f_lasti)
    if path is None:
        return None
    if not path:
        return operator.setitem
    callee: Any = None
    for scope in (frame.f_locals, frame.f_globals, frame.f_builtins):
        if path[0] in scope:
            callee = scope[path[0]]
            break
    for name in path[1:]:
        if not isinstance(callee, (ModuleType, np.ndarray)):  # for others, reading an attribute may run code
            return None
        callee = getattr(callee, name, None)
    return callee


@functools.lru_cache(512)
def _path_to_callee(code: CodeType, place: int) -> tuple[str, ...] | None:
    """The names of what is called at a place in the bytecode: ("math", "sin"), or () for `x[i] = y`."""
    instructions = list(dis.get_instructions(code))
    position = next((n for n, instruction in enumerate(instructions) if instruction.offset == place), 0)
    call = instructions[position]
    if call.opname == "STORE_SUBSCR":
        return ()
    where = call.positions
    if not call.opname.startswith("CALL") or where is None or where.end_col_offset is None:
        return None
    names: list[str] = []
    for instruction in instructions[:position]:  # the callee's expression begins where that of the call does
        at: Any = instruction.positions  # Positions, as `begins` checks
        begins = at is not None and (at.lineno, at.col_offset) == (where.lineno, where.col_offset)
        if not begins or (at.end_lineno, at.end_col_offset) >= (where.end_lineno, where.end_col_offset):
            continue
        if instruction.opname.startswith(("LOAD_ATTR", "LOAD_METHOD")):
            names.append(instruction.argval)
        elif instruction.opname.startswith("LOAD_"):
            names = [instruction.argval]
        elif instruction.opname.startswith("CALL"):
            return None  # it calls what a call returned
    return tuple(names) if names and all(isinstance(name, str) for name in names) else None
