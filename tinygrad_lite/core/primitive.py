"""The one way to define a differentiable operation.

A primitive is a forward function on plain arrays with one gradient rule per argument beside it. Calling it
unwraps its Tensors, runs the forward, wraps the result and, where a tape watches an argument, appends one
entry to that tape. A rule maps the output's gradient `g` to the argument's (a vector-Jacobian product):

    @primitive
    def tanh(x):
        return np.tanh(x)

    tanh.defvjp(lambda g, y, x: g * (1 - y * y))

The rule gets `g`, the output `y`, then the arguments of the forward: as ndarrays, or as Tensors if another tape is
open, so that the rule's own operations are recorded and derivatives of higher order follow. Rules therefore use
operators and `np` functions, which work on both.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from typing import Any, overload

import numpy as np

from tinygrad_lite.core.calling import as_operator, call, inline, settled
from tinygrad_lite.utils.docstrings import elementwise_docstring

__all__ = ["REGISTRY", "Primitive", "elementwise", "nondifferentiable", "primitive"]

REGISTRY: dict[str, Primitive] = {}
"""Every primitive by its name, for tables, tests and error messages."""

Rule = Callable[..., Any]


def _registered(name: str) -> Primitive:
    return REGISTRY[name]


class Primitive:
    """A differentiable operation: a forward on arrays, and a gradient rule per argument.

    Made by the decorators `primitive`, `elementwise` and `nondifferentiable`. Array arguments are the
    positional parameters of the forward, metadata its keyword-only ones; a caller may pass either way.

    Attributes
    ----------
    forward : callable
        Takes and returns ndarrays.
    rules : tuple of callables or None
        `rules[n](g, y, *arguments, **metadata)` is the gradient of argument `n`; None where there is none.
    is_elementwise : bool
        The output's shape is the arguments' shapes broadcast together. The gradients are summed back over
        broadcast axes for it, and a gradient that is exactly zero contributes zero, also where the local
        derivative is inf or nan.
    lowering : callable or None
        The same computation in smaller primitives, bit for bit: what a `tgl.function` writes instead, so that its
        parts can be shared and done in place. It returns None where it does not apply.
    may_alias : bool or frozenset of int
        A result may be an argument (or one of those at these positions), or look into one, depending on the memory
        layout or on values. Then what a `tgl.function` saw while tracing says nothing about its later calls. True for
        every forward of a user's.
    domain, kinks : str or None
        Where it is defined; where it has no derivative, and what is returned there.
    """

    def __init__(self, forward: Callable[..., Any], *, is_elementwise: bool = False, name: str | None = None):
        self.forward = forward
        self.in_program = forward  # as a compiled program calls it
        self.is_elementwise = is_elementwise
        self.rules: tuple[Rule | None, ...] = ()
        self.rule_each: Rule | None = None
        self.joint_rule: Rule | None = None
        self.lowering: Callable[..., Any] | None = None
        self.is_differentiable = True
        self.conditions = 0  # how many of the first arguments only choose, so that their dtype does not count
        self.is_random = False
        self.may_alias: bool | frozenset[int] = False
        self.hands_on = 0  # how many of the last arguments are the results, as custom gradients have it
        self.needs_zero_rule = is_elementwise  # unless its derivative is finite wherever it is defined
        self.fitting: tuple[str, str] | None = None  # which shapes fit together, and what to do about others
        self.describe: Callable[..., str] | None = None  # what errors say was received
        self.hint = ""  # what errors add where arguments are missing
        self.domain: str | None = None
        self.kinks: str | None = None
        if not callable(forward):
            raise TypeError(f"Expected a function that computes with arrays. Received: {forward!r}.")
        self.__name__: str = name or forward.__name__
        self.__qualname__ = self.__name__
        self.public_name: str = self.__name__.lstrip("_") or self.__name__
        """The name in errors: that of the function which users call."""
        self.__doc__ = forward.__doc__
        if isinstance(forward, np.ufunc):
            self.arrays: tuple[str, ...] = ("x",) if forward.nin == 1 else ("x1", "x2")
            self.arity: int | None = forward.nin
            self.metadata: dict[str, Any] = {}
        else:
            self.__wrapped__ = forward
            self.__module__ = forward.__module__
            if not str(forward.__module__).startswith("tinygrad_lite."):
                self.may_alias, called = True, self.__name__
                self.in_program = lambda *arrays, **fields: settled(forward(*arrays, **fields), arrays, called)
            parameters = inspect.signature(forward).parameters.values()
            positional = [p for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
            self.arrays = tuple(p.name for p in positional)
            self.arity = None if any(p.kind is p.VAR_POSITIONAL for p in parameters) else len(positional)
            self.metadata = {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}
        self._is_unary = is_elementwise and self.arity == 1 and not (self.metadata or self.may_alias)

    def __repr__(self) -> str:
        return f"<primitive {self.public_name}>"

    def __reduce__(self) -> Any:
        """Pickled like a function, by module and name; one that is no global by its name in the registry."""
        is_global = getattr(sys.modules.get(self.__module__), self.__name__, None) is self
        if is_global or REGISTRY.get(self.__name__) is not self:
            return self.__name__  # pickle looks there, and says so if it is another or none
        return (_registered, (self.__name__,))

    @property
    def formula(self) -> str:
        """What it computes, as its docstring's first line says it: "The name: formula."."""
        summary = " ".join((self.__doc__ or "").partition("\n\n")[0].split())
        return summary.rpartition(": ")[2].rstrip(".")

    # Rules ------------------------------------------------------------------------------------------------

    def defvjp(self, *rules: Rule | None) -> None:
        """Give the gradient rules, one for each array argument in order; None for no gradient.

        Raises
        ------
        ValueError
            There are more or fewer rules than array arguments.
        """
        if self.arity is not None and len(rules) != self.arity:
            raise ValueError(
                f"{self.__name__}.defvjp expected {self.arity} rules, one for each of {', '.join(self.arrays)}. "
                f"Received: {len(rules)}. Pass None for an argument without a gradient."
            )
        self.rules = rules

    def defvjp_each(self, rule: Rule) -> None:
        """Give one rule for all arguments of a variadic primitive; it gets the position as its first."""
        self.rule_each = rule

    def defvjp_joint(self, rule: Rule) -> None:
        """Give one rule that returns the gradients of all arguments at once, where they share their work."""
        self.joint_rule = rule

    def rule_for(self, position: int) -> Rule | None:
        """The rule of the argument at `position`, or the error that shows how to write it."""
        if self.rule_each is not None:
            each = self.rule_each
            return lambda g, y, *arguments, **metadata: each(position, g, y, *arguments, **metadata)
        raise NotImplementedError(
            f"The primitive {self.public_name} has no gradient rule. Add one beside its forward:\n\n"
            f"    {self._stub()}\n"
        )

    def _stub(self) -> str:
        names = ", ".join(("g", "y", *(self.arrays or ("*arrays",)), *self.metadata))
        rules = ", ".join(f"lambda {names}: ..." for _ in range(self.arity or 1))
        return f"{self.__name__}.defvjp({rules})"

    def wrong_shape(self, position: int, received: tuple[int, ...], expected: tuple[int, ...]) -> ValueError:
        """The error for a rule that returned another shape than its argument's."""
        name = self.arrays[position] if position < len(self.arrays) else f"argument {position}"
        return ValueError(
            f"The gradient rule of {self.public_name} for {name} must return the shape of {name}. Expected: "
            f"{expected}. Received: {received}. If the primitive broadcasts its arguments, define it with "
            "@elementwise, which sums over broadcast axes."
        )

    # Calling ----------------------------------------------------------------------------------------------

    __call__ = call
    as_operator = as_operator
    inline = inline


# Defining -----------------------------------------------------------------------------------------------------


def _define(made: Primitive, depth: int = 2) -> Primitive:
    """Add a new primitive to the registry; a user's never replaces one of the package."""
    if isinstance(made.forward, np.ufunc):
        made.__module__ = sys._getframe(depth).f_globals["__name__"]
    known = REGISTRY.get(made.__name__)
    if known is None or not known.__module__.startswith("tinygrad_lite."):
        REGISTRY[made.__name__] = made
    return made


@overload
def primitive(
    forward: Callable[..., Any], *, domain: str | None = None, kinks: str | None = None, is_random: bool = False
) -> Primitive: ...


@overload
def primitive(
    *, domain: str | None = None, kinks: str | None = None, is_random: bool = False
) -> Callable[[Callable[..., Any]], Primitive]: ...


def primitive(
    forward: Callable[..., Any] | None = None,
    *,
    domain: str | None = None,
    kinks: str | None = None,
    is_random: bool = False,
) -> Primitive | Callable[[Callable[..., Any]], Primitive]:
    """Make a differentiable operation of a function on arrays; add its rules with `.defvjp(...)`.

    Parameters
    ----------
    forward : callable, optional
        Positional parameters are arrays, keyword-only ones metadata. Returns an array or a tuple of arrays,
        and changes none that it was given. Without it, a decorator is returned: `@primitive(kinks=...)`.
    domain, kinks : str, optional
        Where it is defined; points without a derivative, and what is returned there. For tables.
    is_random : bool
        It draws random numbers: a `tgl.function` must run it anew at each call, and never merge two of its calls.

    Returns
    -------
    Primitive
        Takes Tensors, arrays and numbers; returns a Tensor, or a tuple of Tensors.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> @primitive
    ... def cube(x):
    ...     return x**3
    >>> cube.defvjp(lambda g, y, x: g * 3 * x**2)
    >>> v = tgl.Variable(2.0)
    >>> with tgl.GradientTape() as tape:
    ...     y = cube(v)
    >>> tape.gradient(y, v)
    Tensor(12., shape=(), dtype=float32)
    """

    def make(forward: Callable[..., Any]) -> Primitive:
        made = Primitive(forward)
        made.domain, made.kinks, made.is_random = domain, kinks, is_random
        return _define(made, depth=3)

    return make if forward is None else make(forward)


@overload
def elementwise(
    forward: Callable[..., Any],
    doc: str | None = None,
    *,
    domain: str | None = None,
    kinks: str | None = None,
    example: str | None = None,
) -> Primitive: ...


@overload
def elementwise(
    *, domain: str | None = None, kinks: str | None = None, example: str | None = None
) -> Callable[[Callable[..., Any]], Primitive]: ...


def elementwise(
    forward: Callable[..., Any] | None = None,
    doc: str | None = None,
    *,
    domain: str | None = None,
    kinks: str | None = None,
    example: str | None = None,
) -> Primitive | Callable[[Callable[..., Any]], Primitive]:
    """Like `primitive`, for an operation whose arguments broadcast against each other, element by element.

    The rules may return the shape of `g`; the sum over broadcast axes is taken for them, and where `g` is
    exactly zero so is what they contribute. A docstring of one line is completed by what is true of all
    elementwise primitives: parameters, result, errors.

    Parameters
    ----------
    forward : callable or numpy.ufunc, optional
        Without it, a decorator is returned: `@elementwise(kinks=...)`.
    doc : str, optional
        The docstring, for a ufunc: what it computes, "The name: formula."
    domain : str, optional
        Where it is defined, and what it returns elsewhere.
    kinks : str, optional
        Points without a derivative, and what is returned there.
    example : str, optional
        "arguments -> what print shows", for the docstring.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> @tgl.elementwise(kinks="at 0 the derivative is 0.")
    ... def ramp(x):
    ...     \"\"\"The ramp: max(x, 0).\"\"\"
    ...     return np.maximum(x, 0)
    >>> ramp.defvjp(lambda g, y, x: g * (x > 0))
    >>> ramp.formula, ramp.kinks
    ('max(x, 0)', 'at 0 the derivative is 0.')
    """

    def make(forward: Callable[..., Any]) -> Primitive:
        made = Primitive(forward, is_elementwise=True)
        made.domain, made.kinks = domain, kinks
        made.__doc__ = elementwise_docstring(made.__name__, made.arrays, doc or made.__doc__, domain, kinks, example)
        return _define(made, depth=3)

    return make if forward is None else make(forward)


def nondifferentiable(forward: Callable[..., Any], doc: str | None = None, *, example: str | None = None) -> Primitive:
    """Like `primitive`, for an operation through which no gradient flows: comparisons, counts, roundings.

    Parameters
    ----------
    forward : callable or numpy.ufunc
    doc : str, optional
        The docstring, for a ufunc: what it computes, in one line, completed as by `elementwise`.
    example : str, optional
        "arguments -> what print shows", for that docstring.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> @tgl.nondifferentiable
    ... def count_positive(x):
    ...     return np.count_nonzero(x > 0)
    >>> count_positive([1.0, -2.0, 3.0]).item()
    2
    """
    made = Primitive(forward, is_elementwise=isinstance(forward, np.ufunc))
    made.is_differentiable = False
    made.rules = (None,) * (made.arity or 0)
    made.rule_each = None if made.arity is not None else lambda *_, **__: None
    if doc is not None:
        made.__doc__ = elementwise_docstring(made.__name__, made.arrays, doc, None, None, example)
    return _define(made)
