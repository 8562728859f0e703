"""Functions that define their own gradient.

Each application of such a function is a new primitive with one joint rule, which calls the gradient function.
Its forward returns the results that the function has computed, which are among its arguments.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

from tinygrad_lite.core.primitive import Primitive
from tinygrad_lite.core.record import tracing
from tinygrad_lite.core.structure import flatten, map_structure
from tinygrad_lite.core.tape import GradientTape
from tinygrad_lite.core.tensor import Tensor, reading, to_tensor, wrap
from tinygrad_lite.core.variable import Variable
from tinygrad_lite.utils.types import Array

__all__ = ["custom_gradient"]


def custom_gradient(f: Callable[..., Any]) -> Callable[..., Any]:
    """Replace the gradient of a function by one that the function defines itself.

    Parameters
    ----------
    f : callable
        Takes tensors, or lists, tuples and dicts of them, and returns `(result, grad_fn)`: the result, a Tensor
        or such a structure, and a function that takes the gradient of each tensor of the result and returns
        one gradient, or None, for each tensor among the positional arguments of `f`. If `f` reads Variables
        that are not among its arguments, `grad_fn` takes `variables=` too and returns
        `(gradients, gradients of the variables)`.

    Returns
    -------
    callable
        Takes what `f` takes (numbers too), returns its result.

    Raises
    ------
    ValueError
        In `tape.gradient`: `grad_fn` returned too many or too few gradients.
    TypeError
        `f` did not return a pair, or reads Variables that `grad_fn` does not take.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> @tgl.custom_gradient
    ... def clip_gradient(x):
    ...     return tgl.square(x), lambda g: tgl.clip(g * 2 * x, -1, 1)
    >>> x = tgl.Variable(5.0)
    >>> with tgl.GradientTape() as tape:
    ...     y = clip_gradient(x)
    >>> tape.gradient(y, x)
    Tensor(1., shape=(), dtype=float32)
    """

    @functools.wraps(f)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        args = map_structure(_reading, args)
        tensors = flatten(args)
        with GradientTape() as watcher:
            answer = f(*args, **kwargs)
        if not (isinstance(answer, tuple) and len(answer) == 2 and callable(answer[1])):
            raise TypeError(f"custom_gradient expected {f.__name__} to return (result, grad_fn). Received: {answer!r}.")
        result, grad_fn = answer
        variables = [v for v in watcher.watched_variables() if not any(v is x for x in tensors)]
        if variables and not _takes_variables(grad_fn):
            raise TypeError(
                f"{f.__name__} reads the Variables {[v.name for v in variables]}, so its grad_fn must take them: "
                "def grad_fn(*upstream, variables=None), returning (gradients, gradients of the variables). "
                "Or pass them as arguments."
            )
        results = [to_tensor(x) for x in flatten(result)]
        made = _custom_primitive(f.__name__, grad_fn, len(tensors), variables, len(results))
        outputs = iter(made(*tensors, *variables, *results))
        return map_structure(lambda _: next(outputs), result)

    return wrapper


def _reading(x: Any) -> Tensor:
    """`x` as a tensor; for a Variable its value now, because it may be assigned before the gradient is computed."""
    return reading(x) if isinstance(x, Variable) else to_tensor(x)


@contextmanager
def _with_values(variables: list[Variable], values: Any) -> Iterator[None]:
    """A context in which Variables have the values that they had when the gradient function was made."""
    with nullcontext() if tracing.tracer is None else tracing.tracer.holding(variables, values):
        now = [variable._array for variable in variables]
        for variable, value in zip(variables, values):
            variable._array = value._array if isinstance(value, Tensor) else value
        try:
            yield
        finally:
            for variable, data in zip(variables, now):
                variable._array = data


def _takes_variables(grad_fn: Callable[..., Any]) -> bool:
    parameters = inspect.signature(grad_fn).parameters
    return "variables" in parameters or any(p.kind is p.VAR_KEYWORD for p in parameters.values())


def _custom_primitive(
    name: str, grad_fn: Callable[..., Any], count: int, variables: list[Variable], results: int
) -> Primitive:
    """One application of a custom gradient: it returns its last `results` arguments, and its rule calls `grad_fn`."""

    def forward(*arrays: Array) -> tuple[Array, ...]:
        return arrays[len(arrays) - results :]

    def joint_rule(g: tuple[Any, ...], y: Any, *arrays: Any) -> list[Any]:
        recorded = isinstance(g[0], Tensor)
        upstream = g if recorded else tuple(wrap(item) for item in g)
        with _with_values(variables, arrays[count:]):
            answer = grad_fn(*upstream, variables=variables) if variables else grad_fn(*upstream)
        answer, of_variables = answer if variables else (answer, [])
        answer = flatten(answer)
        for given, expected, what in (
            (answer, count, "arguments"),
            (flatten(of_variables), len(variables), "Variables"),
        ):
            if len(given) != expected:
                raise ValueError(
                    f"The gradient function of {name} must return one gradient for each of its {expected} "
                    f"{what}. Received: {len(given)}. Return None where there is no gradient."
                )
        ds = [
            None if d is None else d if isinstance(d, Tensor) else Tensor(d, dtype=x.dtype)
            for d, x in zip([*answer, *flatten(of_variables)], arrays)
        ]
        return [d if d is None or recorded else d._array for d in ds] + [None] * results

    made = Primitive(forward, name=name)
    made.defvjp_joint(joint_rule)
    made.hands_on = results
    return made
