"""The one way to define a differentiable operation.

A primitive is a forward function on plain arrays with one gradient rule per argument beside it. Calling it
unwraps its Tensors, runs the forward, wraps the result and, where a tape watches an argument, appends one
entry to that tape. A rule maps the output's gradient `g` to the argument's (a vector-Jacobian product):

    @primitive
    def tanh(x):
        return np.tanh(x)

    tanh.defvjp(lambda g, y, x: g * (1 - y * y))

The rule is handed `g`, the output `y`, then the arguments as the forward got them: as ndarrays if nobody
records, as Tensors if another tape is open, so that the rule's own operations are recorded and derivatives
of higher order follow. Rules therefore use operators and `np` functions, which work on both.
"""

from __future__ import annotations

import functools
import inspect
import math
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any, overload

import numpy as np

from tinygrad_lite.core.record import OpenTapes, new_id, state, tracing
from tinygrad_lite.core.structure import flatten, map_structure
from tinygrad_lite.core.tape import GradientTape
from tinygrad_lite.core.tensor import (
    DTYPES,
    NUMBERS,
    Tensor,
    Variable,
    as_array,
    as_dtype,
    holds_tensors,
    reading,
    stacked,
    to_tensor,
    wrap,
)
from tinygrad_lite.utils.types import Array

__all__ = ["REGISTRY", "Primitive", "custom_gradient", "elementwise", "hold", "nondifferentiable", "primitive"]

REGISTRY: dict[str, Primitive] = {}
"""Every primitive by its name, for tables, tests and error messages."""

_new = Tensor.__new__
_INT = np.dtype(int)

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
        Where it is defined; where it has no derivative, and what stands for it there.
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
        self.hint = ""  # for somebody who passed too few arguments
        self.domain: str | None = None
        self.kinks: str | None = None
        if not callable(forward):
            raise TypeError(f"Expected a function that computes with arrays. Received: {forward!r}.")
        self.__name__: str = name or forward.__name__
        self.__qualname__ = self.__name__
        self.public_name: str = self.__name__.lstrip("_") or self.__name__
        """What errors call it: that of the function which users call."""
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
                self.in_program = lambda *arrays, **fields: _settled(forward(*arrays, **fields), arrays, called)
            parameters = inspect.signature(forward).parameters.values()
            positional = [p for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
            self.arrays = tuple(p.name for p in positional)
            self.arity = None if any(p.kind is p.VAR_POSITIONAL for p in parameters) else len(positional)
            self.metadata = {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}
        self._is_unary = is_elementwise and self.arity == 1 and not (self.metadata or self.may_alias)

    def __repr__(self) -> str:
        return f"<primitive {self.public_name}>"

    def __reduce__(self) -> Any:
        """As functions are pickled: by module and name. One that is no global goes by its name in the registry."""
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
        """The error for a rule whose gradient has not its argument's shape."""
        name = self.arrays[position] if position < len(self.arrays) else f"argument {position}"
        return ValueError(
            f"The gradient rule of {self.public_name} for {name} must return the shape of {name}. Expected: "
            f"{expected}. Received: {received}. If the primitive broadcasts its arguments, define it with "
            "@elementwise, which sums over broadcast axes."
        )

    # Calling ----------------------------------------------------------------------------------------------

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self._is_unary and len(args) == 1 and type(args[0]) is Tensor and not kwargs and self.is_differentiable:
            y = self._unary(args[0])
            if y is not None:
                return y
        if len(args) != self.arity or ((kwargs or self.metadata) and kwargs.keys() != self.metadata.keys()):
            args, kwargs = self._bind(args, kwargs)
        if kwargs:
            for value in kwargs.values():
                if isinstance(value, Tensor):
                    args, kwargs = self._bind(args, kwargs)
                    break
            if kwargs.get("dtype") is not None:
                as_dtype(kwargs["dtype"])
        tapes = state.tapes
        observer = tapes.observer
        arrays: Any
        ids: Any
        numbers = 0
        borrowed = False
        if len(args) == 1 and type(args[0]) is Tensor:  # what is most frequent takes the shortest way
            arrays = (args[0]._array,)
            ids = (args[0]._id,)
            others: tuple[Any, ...] = ()
        else:
            arrays, ids = [], []
            others = args
        for x in others:
            kind = type(x)
            if kind is Tensor:
                arrays.append(x._array)
                ids.append(x._id)
            elif kind is Variable or isinstance(x, Tensor):
                for tape in tapes:
                    if x._id not in tape._watched:
                        tape._access(x)
                if observer is not None and isinstance(x, Variable):
                    observer.note_read(x)  # a tracer gives the Variable another array
                arrays.append(x._array)
                ids.append(x._id)
            elif kind in NUMBERS:
                arrays.append(x)
                ids.append(0)
                numbers += 1
            else:
                if kind not in _PLAIN or (kind is np.ndarray and x.dtype.char not in DTYPES):
                    if holds_tensors(x):  # as one tensor, through which their gradients go
                        return self(*[stacked(a, _like(args)) if holds_tensors(a) else a for a in args], **kwargs)
                    x = _plain(x, args, self)
                arrays.append(x)
                ids.append(0)
                borrowed = borrowed or isinstance(x, np.ndarray)
        if numbers and numbers >= len(arrays) - self.conditions and not state.pulling_back:
            arrays = self._as_tensors_would(args, arrays)
        try:
            data = self.forward(*arrays, **kwargs) if kwargs else self.forward(*arrays)
        except (ValueError, TypeError, IndexError) as error:
            raise self._explain(error, arrays, kwargs) from error
        if type(data) not in _RESULTS:
            data = _settled(data, arrays, self.public_name)
        if self.may_alias:
            _require_supported(data, arrays, self.public_name)
        if borrowed:  # the caller may overwrite his own arrays later: neither result nor record may notice
            data = map_structure(lambda item: item.copy("K") if _is_view(item, args) else item, data)
            if tapes or observer is not None:
                arrays = [x.copy("K") if isinstance(a, np.ndarray) else x for a, x in zip(args, arrays)]
        if type(data) is tuple:
            return self._record_outputs(tapes, args, ids, arrays, kwargs, data)
        y = _new(Tensor)
        y._array = data
        y._id = 0
        if observer is not None:
            observer.note_call(self, args, arrays, kwargs, (y,))
        if not tapes:
            return y
        entry = None
        for tape in tapes:
            if not tape._watched.isdisjoint(ids):
                if entry is None:
                    y._id = y._id or new_id()
                    entry = (data, kwargs or _NO_METADATA, tuple(arrays), tuple(ids), y._id, self)
                if self.is_differentiable and data.dtype.kind == "f":
                    tape._watched.add(y._id)
                    tape._record += entry
                else:
                    tape._dead_ends[y._id] = self.__name__
                    tape._beyond[y._id] = (self.__name__, ids)
            elif tape._beyond and not tape._beyond.keys().isdisjoint(ids):
                y._id = y._id or new_id()
                tape._beyond[y._id] = (self.__name__, ids)
        return y

    def _as_tensors_would(self, args: Any, arrays: Any) -> Any:
        """Where nothing but Python's numbers meet, floats become float32, as in a Tensor.

        In gradient rules they do not: there they are what NumPy makes of them, which is what a rule on arrays computes
        with, and may be about to meet float64.
        """
        if any(type(x) not in NUMBERS for x in args[self.conditions :]):
            return arrays
        return [
            np.float32(x) if type(x) is float else as_array(x) if type(x) is int and not -_FAR < x < _FAR else x
            for x in arrays
        ]

    def _unary(self, x: Tensor) -> Tensor | None:
        """A function of one number each, of a tensor; None where anything is out of the ordinary: see `as_operator`."""
        tapes = state.tapes
        if len(tapes) > 1 or tapes.observer is not None:
            return None
        a, identity = x._array, 0
        try:
            data = self.forward(a)
        except (ValueError, TypeError):
            return None
        if type(data) not in _RESULTS:
            return None
        if tapes:
            tape, key = tapes[0], x._id
            if key in tape._watched:
                identity = new_id()
                tape._watched.add(identity)
                record = tape._record
                record += (data, _NO_METADATA, (a,), (key,), identity, self)
            elif key in tape._beyond:
                identity = new_id()
                tape._beyond[identity] = (self.__name__, (key,))
        y = _new(Tensor)
        y._array = data
        y._id = identity
        return y

    def as_operator(self) -> Callable[[Tensor, Any], Any]:
        """What Python's binary operators call: the same as a call, without the steps that two tensors do not need.

        An operator is the most frequent call that there is. Everything out of the ordinary, from a second tape to an
        error, is left to `__call__`.
        """
        forward = self.forward
        if self.metadata or not self.is_differentiable:
            return lambda x, y: self(x, y)

        def operator(x: Tensor, other: Any) -> Any:
            tapes = state.tapes
            kind = type(other)
            if type(x) is not Tensor or (kind is not Tensor and kind is not float) or len(tapes) > 1:
                return self(x, other)
            if tapes.observer is not None:
                return self(x, other)
            a = x._array
            b, key = (other._array, other._id) if kind is Tensor else (other, 0)
            try:
                data = forward(a, b)
            except (ValueError, TypeError):
                return self(x, other)  # which explains it
            identity = 0
            if tapes:
                tape = tapes[0]
                watched, left = tape._watched, x._id
                if left in watched or key in watched:
                    identity = new_id()
                    watched.add(identity)
                    record = tape._record
                    record += (data, _NO_METADATA, (a, b), (left, key), identity, self)
                elif tape._beyond and (left in tape._beyond or key in tape._beyond):
                    identity = new_id()
                    tape._beyond[identity] = (self.__name__, (left, key))
            y = _new(Tensor)
            y._array = data
            y._id = identity
            return y

        return operator

    def _record_outputs(
        self, tapes: OpenTapes, args: Any, ids: list[int], arrays: list[Any], kwargs: Any, data: Any
    ) -> tuple[Tensor, ...]:
        """Wrap and record the several outputs of one application."""
        outputs = tuple(wrap(item) for item in data)
        if tapes.observer is not None:
            tapes.observer.note_call(self, args, arrays, kwargs, outputs)
        entry = None
        for tape in tapes:
            if self.is_differentiable and not tape._watched.isdisjoint(ids):
                if entry is None:
                    for output in outputs:
                        output._id = output._id or new_id()
                    keys = tuple(output._id for output in outputs)
                    entry = (data, kwargs or _NO_METADATA, tuple(arrays), tuple(ids), keys, self)
                tape._watched.update(output._id for output in outputs if output.dtype.kind == "f")
                tape._record += entry
            known = not tape._watched.isdisjoint(ids)
            if known or not tape._beyond.keys().isdisjoint(ids):
                for output in outputs:
                    output._id = output._id or new_id()
                    if output._id not in tape._watched:
                        tape._beyond[output._id] = (self.__name__, ids)
                        if known:
                            tape._dead_ends[output._id] = self.__name__
        return outputs

    def inline(self, *args: Any, **kwargs: Any) -> Any:
        """The primitive as a rule uses it: arrays in, array out; a Tensor among the arguments, a Tensor out."""
        for x in args:
            if isinstance(x, Tensor):
                return self(*args, **kwargs)
        return self.forward(*args, **kwargs)

    def _bind(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Array arguments positional, metadata by keyword with its defaults, however the caller passed them."""
        arity = self.arity
        if arity is not None and len(args) > arity:
            names = list(self.metadata)
            extra = args[arity:]
            if len(extra) > len(names):
                raise TypeError(
                    f"{self.public_name} expected at most {arity + len(names)} arguments "
                    f"({', '.join((*self.arrays, *names))}). Received: {len(args)}."
                )
            for name, value in zip(names, extra):
                if name in kwargs:
                    raise TypeError(f"{self.public_name} received {name} twice: by position and by name.")
                kwargs[name] = value
            args = args[:arity]
        if arity is not None and len(args) < arity:
            missing = [name for name in self.arrays[len(args) :] if name not in kwargs]
            if missing:
                raise TypeError(
                    f"{self.public_name} expected {', '.join(self.arrays)}. Received: {len(args)} arguments, "
                    f"without {', '.join(missing)}.{self.hint}"
                )
            args += tuple(kwargs.pop(name) for name in self.arrays[len(args) :])
        if "out" in kwargs:
            refuse_out(self.public_name, kwargs["out"] if "out" in self.metadata else kwargs.pop("out"))
        for name in kwargs:
            if name not in self.metadata:
                known = ", ".join((*self.arrays, *self.metadata)) or "none"
                raise TypeError(
                    f"{self.public_name} does not take the argument {name!r}. It takes: {known}."
                    f"{' Choose with tgl.where(condition, new, old).' if name == 'where' else ''}"
                )
        metadata = {**self.metadata, **kwargs}
        for name, value in metadata.items():
            if value is inspect.Parameter.empty:
                raise TypeError(f"{self.public_name} is missing the argument {name!r}.")
            if isinstance(value, Tensor):
                metadata[name] = self._plain_metadata(name, value)
        return args, metadata

    def _plain_metadata(self, name: str, value: Tensor) -> Any:
        """The value of a Tensor among the metadata, which no gradient flows to: an error if it needs one."""
        try:
            array = np.asarray(as_array(value))
            if state.tapes:
                array = np.asarray(value)  # refuses what is recorded
        except TypeError as error:
            raise TypeError(f"{self.public_name} expected {name} as a number. {error}") from error
        return array.item() if array.ndim == 0 else array

    def _explain(self, error: Exception, arrays: list[Any], kwargs: dict[str, Any]) -> Exception:
        """NumPy's complaint, with the operation's name and the shapes that it was about."""
        names = self.arrays if self.arity is not None else tuple(f"x{n}" for n in range(len(arrays)))
        shapes = [f"{name}.shape={np.shape(x)}" for name, x in zip(names, arrays)]
        received = ", ".join(shapes + [f"{name}={value!r}" for name, value in kwargs.items()])
        if self.describe is not None:
            received = self.describe(*arrays, **kwargs)
        kind = type(error)
        expected = _BROADCASTING if self.is_elementwise and "broadcast" in str(error) else None
        if self.fitting is not None and isinstance(error, ValueError):
            expected = self.fitting
        if expected is not None:
            what, fix = expected
            return ValueError(f"{self.public_name} expected {what}. Received: {received}. {fix}")
        text = str(error)
        if "Received: " not in text:
            text = f"{self.public_name} failed: {text}. Received: {received}."
        try:
            return kind(text)
        except Exception:
            return ValueError(text)


_BROADCASTING = (
    "shapes that broadcast together",
    "Axes must be equal or 1, compared from the last: add an axis with x[:, None], or reshape.",
)

_FAR = 1 << 63  # integers beyond it are looked at: NumPy has no dtype for the largest
_NO_METADATA: dict[str, Any] = {}
_PLAIN = NUMBERS | frozenset({np.ndarray, np.float32, np.float64, np.int64, np.int32, np.bool_})
_RESULTS = frozenset({np.ndarray, np.float16, np.float32, np.float64, np.int64, np.int32, np.bool_})


def compares_in_rows(shape: tuple[int, ...]) -> bool:
    """Whether a maximum of floats with one number is quicker with a row of it: NumPy compares two rows faster."""
    return len(shape) > 1 and 64 <= shape[-1] <= 4096 <= math.prod(shape)


def _settled(data: Any, arrays: Any, name: str) -> Any:
    """What a forward returned; a number of Python's, as `len` returns it, as an array."""
    if isinstance(data, (np.ndarray, np.generic)):
        return data
    if type(data) is tuple:
        return tuple(_settled(item, arrays, name) for item in data)
    if type(data) not in NUMBERS:
        raise TypeError(
            f"The forward of {name} must return an array, a number, or a tuple of these. Received: {data!r}. "
            "Return a tuple for several results, and np.array(...) of a list."
        )
    return as_array(data, like=next((x.dtype for x in arrays if getattr(x, "dtype", _INT).kind == "f"), None))


def _plain(x: Any, args: tuple[Any, ...], primitive: Primitive) -> Any:
    """An argument that is neither a Tensor nor an array nor a number: nested lists, or a mistake."""
    try:
        return as_array(x, like=_like(args))
    except TypeError as error:
        raise TypeError(f"{primitive.public_name}: {error}") from None


def _like(args: tuple[Any, ...]) -> np.dtype[Any] | None:
    """The dtype that Python's floats in lists adopt: of the first array of floats among the arguments."""
    return next((a.dtype for a in args if isinstance(a, (Tensor, np.ndarray)) and a.dtype.kind == "f"), None)


def _require_supported(data: Any, arrays: Any, name: str) -> None:
    """Raise if a user's forward made numbers of numbers that tensors cannot hold."""
    for item in data if type(data) is tuple else (data,):
        if item.dtype.char not in DTYPES and all(getattr(x, "dtype", _INT).char in DTYPES for x in arrays):
            raise TypeError(
                f"The forward of {name} must return booleans, integers, float16, float32 or float64. Received: "
                f"dtype={item.dtype}. Return the real and the imaginary part of complex numbers as two results."
            )


def _is_view(data: Any, args: tuple[Any, ...]) -> bool:
    """Whether `data` is, or looks into, an array that the caller passed."""
    return isinstance(data, np.ndarray) and (data.base is not None or any(data is x for x in args))


def refuse_out(name: str, out: Any) -> None:
    """Raise if a function of NumPy's was asked to write into an array."""
    if out is not None:
        raise TypeError(f"{name} cannot write into out=: tensors never change. Assign the result instead.")


def hold(check: Callable[..., None], *tensors: Any, **metadata: Any) -> None:
    """Check the values of tensors, or of a rule's arrays: now, and in a `tgl.function` at every call.

    Parameters
    ----------
    check : callable
        Takes the tensors' arrays and the metadata; raises where something is wrong with them.
    """
    arrays = [x._array if isinstance(x, Tensor) else x for x in tensors]
    check(*arrays, **metadata)
    if tracing.tracer is not None:
        tracing.tracer.note_check(check, tensors, arrays, metadata)


# Defining -----------------------------------------------------------------------------------------------------


def _define(made: Primitive, depth: int = 2) -> Primitive:
    """Enter a new primitive into the registry; a user's never displaces one of the package."""
    if isinstance(made.forward, np.ufunc):
        made.__module__ = sys._getframe(depth).f_globals["__name__"]
    known = REGISTRY.get(made.__name__)
    if known is None or not known.__module__.startswith("tinygrad_lite."):
        REGISTRY[made.__name__] = made
    return made


def _document(made: Primitive, doc: str | None, domain: str | None, kinks: str | None, example: str | None) -> None:
    """Set the docstring: what is said of this primitive, and what is true of every elementwise one."""
    made.domain, made.kinks = domain, kinks
    summary, _, rest = inspect.cleandoc(doc or made.__doc__ or "").partition("\n\n")
    statements = [f"{title}: {text}" for title, text in (("Domain", domain), ("Kinks", kinks)) if text]
    parts = [summary, *([textwrap.fill(" ".join(statements), 100)] if statements else []), *([rest] if rest else [])]
    if summary and "----" not in rest:
        one = len(made.arrays) == 1
        shape = f"Of the shape of `{made.arrays[0]}`." if one else "Of the shape that the arguments broadcast to."
        parts.append(f"Parameters\n----------\n{', '.join(made.arrays)} : Tensor or array-like")
        parts.append(f"Returns\n-------\nTensor\n    {shape}")
        if not one:
            parts.append("Raises\n------\nValueError\n    The shapes do not broadcast together.")
        if example is not None:
            given, _, shown = example.partition(" -> ")
            call = f"print(tgl.{made.__name__}({given}).numpy())"
            parts.append(f"Examples\n--------\n>>> import tinygrad_lite as tgl\n>>> {call}\n{shown}")
    made.__doc__ = "\n\n".join(parts)


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
        Where it is defined; points without a derivative, and what stands for it there. For tables.
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
        Where it is defined, and what it answers elsewhere.
    kinks : str, optional
        Points without a derivative, and what stands for it there.
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
        _document(made, doc, domain, kinks, example)
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
        _document(made, doc, None, None, example)
    return _define(made)


def custom_gradient(f: Callable[..., Any]) -> Callable[..., Any]:
    """Replace the gradient of a function by one that the function gives itself.

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
        On the way back: `grad_fn` returned too many or too few gradients.
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
    """`x` as a tensor; a Variable as what it holds now, for it may hold something else on the way back."""
    return reading(x) if isinstance(x, Variable) else to_tensor(x)


@contextmanager
def _holding(variables: list[Variable], values: Any) -> Iterator[None]:
    """A context in which Variables hold what they held when the gradient function was made."""
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
    """One application of a custom gradient: hands its last `results` arguments on, answers with `grad_fn`."""

    def forward(*arrays: Array) -> tuple[Array, ...]:
        return arrays[len(arrays) - results :]

    def joint_rule(g: tuple[Any, ...], y: Any, *arrays: Any) -> list[Any]:
        recorded = isinstance(g[0], Tensor)
        upstream = g if recorded else tuple(wrap(item) for item in g)
        with _holding(variables, arrays[count:]):
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
