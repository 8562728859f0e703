"""Gradients and the Variables that they belong to: the checks of `apply_gradients`.

Everything is checked before a weight changes. `plain` accepts the usual case quickly; `checked` looks at everything,
and its errors say what is wrong.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tinygrad_lite.core.tensor import Tensor, as_array
from tinygrad_lite.core.variable import Variable
from tinygrad_lite.utils.types import Array

__all__ = ["checked", "plain", "refuse_foreign", "refuse_repetitions"]


def plain(pairs: Sequence[Any], known: Mapping[int, int]) -> tuple[list[Array], list[Variable]] | None:
    """The gradients as arrays and their Variables, or None if `checked` has to look at them.

    Parameters
    ----------
    pairs : sequence of (gradient, Variable)
    known : mapping of int
        The identities of the Variables that the optimizer was built for are its keys.
    """
    gradients, variables = [], []
    for pair in pairs:
        if type(pair) is not tuple or len(pair) != 2:
            return None
        g, variable = pair
        if type(g) is not Tensor or type(variable) is not Variable or variable._id not in known:
            return None
        gradient = g._array
        if gradient.shape != variable._array.shape or gradient.dtype.kind != "f":
            return None
        gradients.append(gradient)
        variables.append(variable)
    is_once = len({variable._id for variable in variables}) == len(variables)
    return (gradients, variables) if variables and is_once else None


def checked(pairs: Sequence[Any]) -> tuple[list[Array], list[Variable]]:
    """The gradients as arrays and their Variables, or the error that says what is wrong with them."""
    if not pairs:
        raise ValueError(
            "apply_gradients expected at least one pair (gradient, variable). Received: none. A zip can be "
            "gone through only once: make a new one for every step."
        )
    for pair in pairs:
        if not (isinstance(pair, (tuple, list)) and len(pair) == 2 and isinstance(pair[1], Variable)):
            raise TypeError(
                f"apply_gradients expected pairs (gradient, variable). Received: {_kind_of(pair)}. "
                "Pass zip(grads, variables), the gradients first."
            )
    variables = [variable for _, variable in pairs]
    missing = [variable.name for gradient, variable in pairs if gradient is None]
    if missing:
        raise ValueError(
            f"apply_gradients expected a gradient for every variable. Received: None for {_listed(missing)}. "
            "The usual causes: the loss does not depend on the variable; what depends on it was computed "
            "outside of `with tgl.GradientTape()`, or left the tape through .numpy(), an integer or argmax; "
            "the variable is not trainable and was not watched. tape.explain(loss, variable) says which it is. "
            "Leave out the variables that are not meant to be trained."
        )
    gradients = [g._array if type(g) is Tensor else as_array(g, looks=True) for g, _ in pairs]
    for gradient, variable in zip(gradients, variables):
        if gradient.shape != variable._array.shape:
            raise ValueError(
                f"apply_gradients expected a gradient of the shape {variable.shape} for {variable.name!r}. "
                f"Received: gradient.shape={gradient.shape}. Are gradients and variables in the same order?"
            )
        if gradient.dtype.kind not in "fiu":
            raise TypeError(
                f"apply_gradients expected real numbers as the gradient of {variable.name!r}. Received: "
                f"gradient.dtype={gradient.dtype}."
            )
    return gradients, variables


def refuse_repetitions(owner: str, variables: Sequence[Variable]) -> None:
    """Raise if a Variable comes twice."""
    if len({variable._id for variable in variables}) == len(variables):
        return
    seen: set[int] = set()
    for variable in variables:
        if variable._id in seen:
            raise ValueError(
                f"{owner} expected every variable once. Received: {variable.name!r} twice. Add up its "
                "gradients, or remove the repetition."
            )
        seen.add(variable._id)


def refuse_foreign(owner: str, variables: Sequence[Variable], built_for: Sequence[Variable]) -> None:
    """Raise if a Variable is not one that the optimizer was built for."""
    known = {variable._id for variable in built_for}
    foreign = [variable.name for variable in variables if variable._id not in known]
    if foreign:
        raise ValueError(
            f"This {owner} was built for the variables {_listed([v.name for v in built_for])}. "
            f"Received: {_listed(foreign)}, not among them. Use a new optimizer for other variables, or call "
            "build(variables) with all of them before the first step."
        )


def _kind_of(pair: object) -> str:
    if isinstance(pair, (tuple, list)):
        return "(" + ", ".join(type(item).__name__ for item in pair) + ")"
    return type(pair).__name__


def _listed(names: list[str], limit: int = 8) -> str:
    shown = ", ".join(repr(name) for name in names[:limit])
    return shown if len(names) <= limit else f"{shown} and {len(names) - limit} more"
