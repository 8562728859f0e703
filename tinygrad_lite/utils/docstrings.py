"""Docstrings of elementwise functions: one line about the function, and the sections that all of them share."""

from __future__ import annotations

import inspect
import textwrap

__all__ = ["elementwise_docstring"]


def elementwise_docstring(
    name: str, arrays: tuple[str, ...], doc: str | None, domain: str | None, kinks: str | None, example: str | None
) -> str:
    """The docstring `doc`, completed by domain, kinks, parameters, result, errors and an example.

    Parameters
    ----------
    name, arrays
        The names of the function and of its arguments.
    example : str, optional
        "arguments -> what print shows".
    """
    summary, _, rest = inspect.cleandoc(doc or "").partition("\n\n")
    statements = [f"{title}: {text}" for title, text in (("Domain", domain), ("Kinks", kinks)) if text]
    parts = [summary, *([textwrap.fill(" ".join(statements), 100)] if statements else []), *([rest] if rest else [])]
    if summary and "----" not in rest:
        one = len(arrays) == 1
        shape = f"Of the shape of `{arrays[0]}`." if one else "Of the shape that the arguments broadcast to."
        parts.append(f"Parameters\n----------\n{', '.join(arrays)} : Tensor or array-like")
        parts.append(f"Returns\n-------\nTensor\n    {shape}")
        if not one:
            parts.append("Raises\n------\nValueError\n    The shapes do not broadcast together.")
        if example is not None:
            given, _, shown = example.partition(" -> ")
            call = f"print(tgl.{name}({given}).numpy())"
            parts.append(f"Examples\n--------\n>>> import tinygrad_lite as tgl\n>>> {call}\n{shown}")
    return "\n\n".join(parts)
