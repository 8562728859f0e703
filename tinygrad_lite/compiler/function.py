"""`tgl.function`: trace a Python function of tensors once, and run the resulting NumPy program afterwards.

The function may use everything in this package: tapes and gradients, also nested ones, layers, losses, metrics,
optimizers. Its operations on tensors become the program. Everything else (prints, counters, lists) happens once, while
the function is traced. Every new signature is traced: the shapes and dtypes of tensors, and the values of all other
arguments.
"""

from __future__ import annotations

import functools
import inspect
import sys
import threading
import warnings
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import CodeType, FrameType, FunctionType, MethodType
from typing import Any

import numpy as np

from tinygrad_lite.compiler.method import Method
from tinygrad_lite.compiler.program import Program
from tinygrad_lite.compiler.signatures import is_array, repeated, signature
from tinygrad_lite.compiler.trace import Tracer
from tinygrad_lite.compiler.traced import Traced
from tinygrad_lite.core.record import state
from tinygrad_lite.core.structure import flatten, map_structure
from tinygrad_lite.core.tensor import Tensor, wrap
from tinygrad_lite.core.variable import Variable

__all__ = ["Function", "function"]

WARN_AFTER = 8
"""Traces of one function after which it warns."""
MOST_TRACES = 64
"""Traces of one function after which new signatures run eagerly."""
MOST_OBJECTS = 64
"""Objects without weak references whose programs a method keeps, and which it keeps alive for them."""


class Function:
    """A function that is traced and compiled; made by `tgl.function`."""

    __name__: str

    def __init__(
        self,
        python_function: Callable[..., Any],
        *,
        warn_after: int | None = WARN_AFTER,
        most_traces: int = MOST_TRACES,
    ) -> None:
        functools.update_wrapper(self, python_function, updated=())
        if isinstance(python_function, FunctionType):  # its attributes, except those that would hide a method
            own = vars(python_function).items()
            self.__dict__.update((name, value) for name, value in own if not hasattr(Function, name))
        self.__name__: str = _name_of(python_function)
        self._python_function = python_function
        self._code = _code_of(python_function)  # whose local variables give names
        self._programs: dict[Any, tuple[Program, Callable[[tuple[Any, ...]], Any]]] = {}
        self._latest: Program | None = None
        self._warn_after = warn_after
        self._most_traces = most_traces
        self._made: set[Any] = set()  # signatures whose first trace made Variables
        self._lock = threading.RLock()  # held while tracing, and while a program that changes Variables runs
        self._bound: dict[int, tuple[Callable[[], Any], Function]] = {}  # of objects that it is a method of, by id()

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        """Bind as a method, if the compiled function would be one. Every object has its own programs."""
        python_function = self._python_function
        if instance is None:
            return self
        if type(python_function) is FunctionType:  # the usual case, without searching for __get__
            return Method(self._of(instance), instance, MethodType(python_function, instance))
        bind = getattr(type(python_function), "__get__", None)
        if bind is None:
            return self
        call = bind(python_function, instance, owner)
        return self if call is self._python_function else Method(self._of(instance), instance, call)

    def _of(self, instance: Any) -> Function:
        """The programs of one object, deleted with it. For objects without weak references the latest are kept."""
        holder, bound = self._bound.get(id(instance), _NOTHING_BOUND)
        if holder() is instance:
            return bound
        with self._lock:
            key, kept = id(instance), self._bound
            bound = Function(self._python_function, warn_after=self._warn_after, most_traces=self._most_traces)
            try:
                holder = weakref.ref(instance, lambda _: kept.pop(key, None))
            except TypeError:  # it has __slots__
                holder = functools.partial(_itself, instance)
                strong = [other for other, (x, _) in kept.items() if isinstance(x, functools.partial)]
                for other in strong[: 1 - MOST_OBJECTS]:
                    del kept[other]
            return kept.setdefault(key, (holder, bound))[1]

    def __reduce__(self) -> Any:
        raise TypeError(
            f"The tgl.function {self.__name__} cannot be pickled or copied: its programs hold buffers and "
            "Variables of this process. Pickle the model's weights, and make the function again there."
        )

    def __repr__(self) -> str:
        return f"<tgl.function {self.__name__}, {len(self._programs)} traces>"

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.run(self._python_function, args, kwargs)

    def run(self, call: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        """Call the function; `call` is the Python function itself, or it bound to an object."""
        tapes = state.tapes
        if tapes or tapes.observer is not None:  # which must see every operation
            return _eagerly(call, args, kwargs)
        arrays: list[Any] = []
        key = signature(args, arrays)
        if kwargs:
            key = (key, "**", *[(name, signature(value, arrays)) for name, value in kwargs.items()])
        if len(arrays) > 1 and len(set(map(id, arrays))) < len(arrays):
            key = (key, repeated(args, kwargs))
        found = self._programs.get(key)
        if found is None:
            return self._first_call(key, call, args, kwargs)
        program, rebuild = found
        if program.changes:
            with self._lock:
                return rebuild(program(arrays))
        return rebuild(program(arrays))

    @property
    def traces(self) -> int:
        """How many signatures have been traced."""
        return len(self._programs)

    def release(self) -> None:
        """Free the buffers of the programs; the next call allocates new ones."""
        for program, _ in [*self._programs.values()]:
            program.release()

    def source(self) -> str:
        """The Python source of the program traced last: what runs at a call.

        Raises
        ------
        RuntimeError
            The function was not called yet.
        """
        if self._latest is None:
            raise RuntimeError(f"{self.__name__} has no program yet: it is traced at its first call. Call it first.")
        return self._latest.source()

    def _first_call(self, key: Any, call: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        with self._lock:
            if key in self._programs:  # another thread was faster
                return self.run(call, args, kwargs)
            if len(self._programs) >= self._most_traces:
                return _eagerly(call, args, kwargs)
            if len(self._programs) == self._warn_after:
                warnings.warn(
                    f"{self.__name__} is being traced for the {self._warn_after + 1}th time. Every new shape, dtype or "
                    "Python value of an argument needs a trace: pass changing numbers as tensors, and batches of one "
                    f"size. After {self._most_traces} traces new signatures run without being compiled.",
                    UserWarning,
                    stacklevel=4,
                )
            return self._trace(key, call, args, kwargs)

    def _trace(self, key: Any, call: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        tracer = Tracer(may_make_variables=key not in self._made)
        nodes: list[Any] = []
        seen: dict[int, Traced] = {}

        def mark(leaf: Any) -> Any:
            if isinstance(leaf, Variable) or not (isinstance(leaf, Tensor) or is_array(leaf)):
                return leaf
            traced = tracer.input(leaf if isinstance(leaf, Tensor) else Tensor(leaf), len(nodes))
            nodes.append(tracer.node_of(traced, None))
            return seen.setdefault(id(leaf), traced) if isinstance(leaf, Tensor) else traced

        given, named = map_structure(mark, args), map_structure(mark, kwargs)
        with tracer.trace(), _names_of_locals(self._code, tracer):
            answer = map_structure(_result, call(*given, **named))
            outputs = [tracer.node_of(leaf, None) for leaf in flatten(answer) if _is_new(leaf)]
            released = map_structure(_released, answer)
            structure = map_structure(lambda leaf: _TENSOR if _is_new(leaf) else leaf, answer)
        assigned = [(v, tracer.current[key]) for key, v in tracer.assigned.items()]
        program = self._latest = Program(self.__name__, nodes, outputs, assigned, tracer.nodes)
        if tracer.made_variables:  # the next trace uses them and makes none
            self._made.add(key)
        else:
            self._programs[key] = (program, _rebuilder(structure))
        return released


def _itself(x: Any) -> Any:
    return x


_NOTHING_BOUND: Any = (lambda: _NOTHING_BOUND, None)  # its first item is called, and no object is what it returns


_TENSOR: Any = object()


def _eagerly(call: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    """Call the function without compiling it; as in a compiled one, arrays become tensors."""

    def given(leaf: Any) -> Any:
        return Tensor(leaf) if is_array(leaf) else leaf

    answer = call(*map_structure(given, args), **map_structure(given, kwargs))
    return map_structure(lambda leaf: leaf.value() if isinstance(leaf, Variable) else _result(leaf), answer)


def _result(leaf: Any) -> Any:
    """What a function returned, unless it is used up by the first call."""
    if hasattr(leaf, "__next__") or hasattr(leaf, "__await__") or hasattr(leaf, "__anext__"):
        raise TypeError(
            "A tgl.function expected to return tensors, in lists, tuples and dicts, or values of Python. Received: "
            f"{leaf!r} of type {type(leaf).__name__}, which would be used up by the first call. Return a list."
        )
    return leaf


def _is_new(leaf: Any) -> bool:
    """Whether a result is computed at every call; a tensor from outside is returned as it is."""
    return isinstance(leaf, (Traced, Variable))


def _released(leaf: Any) -> Any:
    """A result of the traced call as an ordinary tensor with memory of its own."""
    return wrap(np.array(leaf._array)) if _is_new(leaf) else _fresh(leaf)


def _fresh(leaf: Any) -> Any:
    """A constant among the results; an array is copied, because the caller may write to it."""
    return leaf.copy() if isinstance(leaf, np.ndarray) else leaf


def _rebuilder(structure: Any) -> Callable[[tuple[Any, ...]], Any]:
    """A function that puts the arrays of results into the structure that the function returned."""
    if structure is _TENSOR:
        return lambda arrays: wrap(arrays[0])
    structure = map_structure(_fresh, structure)

    def rebuild(arrays: tuple[Any, ...]) -> Any:
        rest = iter(arrays)
        return map_structure(lambda leaf: wrap(next(rest)) if leaf is _TENSOR else _fresh(leaf), structure)

    return rebuild


@contextmanager
def _names_of_locals(code: CodeType | None, tracer: Tracer) -> Iterator[None]:
    """A context in which nodes get the names of the local variables that hold them when `code` returns."""
    if sys.getprofile() is not None:  # a profiler is at work, and must not be disturbed
        yield
        return

    def hook(frame: FrameType, event: str, _: Any) -> None:
        if event == "return" and frame.f_code is code:
            tracer.name_values(frame.f_locals)

    sys.setprofile(hook)
    try:
        yield
    finally:
        sys.setprofile(None)


def function(python_function: Callable[..., Any]) -> Function:
    """Trace a function of tensors at its first call, and run it as a compiled NumPy program from then on.

    Parameters
    ----------
    python_function : callable
        May use everything in this package: tapes and gradients, layers, losses, metrics, `apply_gradients`. Arguments
        are tensors, arrays (they become tensors), structures of them, and other values, each of which gets a
        trace of its own. Branches and loops on a tensor's value raise; side effects of Python happen once.

    Returns
    -------
    Function
        Called like `python_function`; `.source()` returns the program as Python source. While a tape is open
        it runs eagerly, so that the tape records every operation.

    Raises
    ------
    TypeError
        At the call: Python asked for the value of a tensor (`if`, `float`, `.numpy()`), or an argument cannot be
        hashed.

    Warns
    -----
    UserWarning
        The function is traced again and again.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> @tgl.function
    ... def slope(x):
    ...     with tgl.GradientTape() as tape:
    ...         tape.watch(x)
    ...         y = tgl.square(x) * 3.0
    ...     return tape.gradient(y, x)
    >>> slope(tgl.constant([1.0, 2.0])).numpy()
    array([ 6., 12.], dtype=float32)
    """
    if isinstance(python_function, (classmethod, staticmethod)):
        return type(python_function)(function(python_function.__func__))  # type: ignore[return-value]
    if not callable(python_function) or isinstance(python_function, type):
        raise TypeError(
            "tgl.function expected a function, a method or another object that can be called. Received: "
            f"{python_function!r} of type {type(python_function).__name__}. Decorate the functions inside of a class, "
            "and put @property and the like above @tgl.function."
        )
    call = type(python_function).__call__
    for check in (inspect.isgeneratorfunction, inspect.iscoroutinefunction, inspect.isasyncgenfunction):
        if check(python_function) or check(call):
            raise TypeError(
                f"tgl.function expected a function that has its result when it returns. Received: {python_function!r}, "
                "whose body runs later (yield, async). Return a list, or compile what it calls."
            )
    return Function(python_function)


def _name_of(python_function: Any) -> str:
    while isinstance(python_function, functools.partial):
        python_function = python_function.func
    return str(getattr(python_function, "__name__", type(python_function).__name__))


def _code_of(python_function: Any) -> CodeType | None:
    """The code that a call of the function runs, if Python has it."""
    while not hasattr(python_function, "__code__"):
        inner = getattr(python_function, "__wrapped__", None) or getattr(python_function, "func", None)
        inner = inner or getattr(python_function, "__func__", None)
        if inner is None:
            return getattr(type(python_function).__call__, "__code__", None)
        python_function = inner
    return inspect.unwrap(python_function).__code__
