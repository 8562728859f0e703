"""`tgl.function`: trace a Python function of tensors once, run the NumPy program that it amounts to afterwards.

The function may contain anything of this package: tapes and gradients, nested ones too, layers, losses,
metrics, optimizers. What it does with tensors becomes the program; what it does otherwise (prints, counters,
lists) happens once, while it is traced. A new trace is made for every new signature: shapes and dtypes of the
tensors, values of everything else.
"""

from __future__ import annotations

import functools
import inspect
import sys
import threading
import warnings
import weakref
from collections import defaultdict
from collections.abc import Callable
from types import BuiltinMethodType, FunctionType, MethodType
from typing import Any

import numpy as np

from tinygrad_lite.compiler.node import memory_order
from tinygrad_lite.compiler.program import Program
from tinygrad_lite.compiler.trace import Tracer
from tinygrad_lite.compiler.traced import Traced
from tinygrad_lite.core.record import is_seen
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
        if isinstance(python_function, FunctionType):  # its attributes, but none that would hide a method
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
        """As a method, if the function that it compiles would be one: every object has programs of its own."""
        python_function = self._python_function
        if instance is None:
            return self
        if type(python_function) is FunctionType:  # the usual case, without a search
            return Method(self._of(instance), instance, MethodType(python_function, instance))
        bind = getattr(type(python_function), "__get__", None)
        if bind is None:
            return self
        call = bind(python_function, instance, owner)
        return self if call is self._python_function else Method(self._of(instance), instance, call)

    def _of(self, instance: Any) -> Function:
        """The programs of one object, which go with it. Of those without weak references the latest are kept."""
        holder, bound = self._bound.get(id(instance), _NOBODYS)
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
        """Call the function, which is `call`, or the method of an object that `call` is."""
        if is_seen():  # an open tape, or a function being traced around this one, has to see every operation
            return _eagerly(call, args, kwargs)
        arrays: list[Any] = []
        key = _signature(args, arrays)
        if kwargs:
            key = (key, "**", *[(name, _signature(value, arrays)) for name, value in kwargs.items()])
        if len(arrays) > 1 and len(set(map(id, arrays))) < len(arrays):
            key = (key, _repeated(args, kwargs))
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
        """Let go of the memory that the programs compute in; the next call takes new."""
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
            if isinstance(leaf, Variable) or not (isinstance(leaf, Tensor) or _is_array(leaf)):
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
        if tracer.made_variables:  # the next trace finds them, and makes none
            self._made.add(key)
        else:
            self._programs[key] = (program, _rebuilder(structure))
        return released


class Method:
    """A `tgl.function` as the method of an object, which it keeps alive as a method of Python's does."""

    __slots__ = ("__func__", "__self__", "__wrapped__")

    def __init__(self, programs: Function, instance: Any, call: Callable[..., Any]) -> None:
        self.__func__, self.__self__, self.__wrapped__ = programs, instance, call

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.__func__.run(self.__wrapped__, args, kwargs)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__func__, name)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Method) and self.__func__ is other.__func__ and self.__self__ is other.__self__

    def __hash__(self) -> int:
        return hash((self.__func__, id(self.__self__)))

    def __reduce__(self) -> Any:
        return self.__func__.__reduce__()

    def __repr__(self) -> str:
        return f"<method {self.__func__!r} of {self.__self__!r}>"


def _itself(x: Any) -> Any:
    return x


_NOBODYS: Any = (lambda: _NOBODYS, None)


_TENSOR: Any = object()


def _is_array(leaf: Any) -> bool:
    """Whether an argument becomes a tensor: an array, or a number of NumPy's."""
    return isinstance(leaf, np.ndarray) or (isinstance(leaf, np.generic) and leaf.dtype.kind in "biufc")


def _eagerly(call: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    """Call the function as it is, with what a compiled one takes and returns: tensors instead of arrays."""

    def given(leaf: Any) -> Any:
        return Tensor(leaf) if _is_array(leaf) else leaf

    answer = call(*map_structure(given, args), **map_structure(given, kwargs))
    return map_structure(lambda leaf: leaf.value() if isinstance(leaf, Variable) else _result(leaf), answer)


def _result(leaf: Any) -> Any:
    """What a function returned, if the same can be returned by every call."""
    if hasattr(leaf, "__next__") or hasattr(leaf, "__await__") or hasattr(leaf, "__anext__"):
        raise TypeError(
            "A tgl.function expected to return tensors, in lists, tuples and dicts, or values of Python. Received: "
            f"{leaf!r} of type {type(leaf).__name__}, which would be used up by the first call. Return a list."
        )
    return leaf


def _is_new(leaf: Any) -> bool:
    """Whether a result is computed at every call; a tensor from outside is handed on as it is."""
    return isinstance(leaf, (Traced, Variable))


def _released(leaf: Any) -> Any:
    """A result of the traced call as an ordinary tensor, which shares memory with nothing."""
    return wrap(np.array(leaf._array)) if _is_new(leaf) else _fresh(leaf)


def _fresh(leaf: Any) -> Any:
    """A constant among the results; an array is copied, for its owner may write to it."""
    return leaf.copy() if isinstance(leaf, np.ndarray) else leaf


def _rebuilder(structure: Any) -> Callable[[tuple[Any, ...]], Any]:
    """What puts the arrays of a program's results into the structure that the function returned."""
    if structure is _TENSOR:
        return lambda arrays: wrap(arrays[0])
    structure = map_structure(_fresh, structure)

    def rebuild(arrays: tuple[Any, ...]) -> Any:
        rest = iter(arrays)
        return map_structure(lambda leaf: wrap(next(rest)) if leaf is _TENSOR else _fresh(leaf), structure)

    return rebuild


# Signatures ---------------------------------------------------------------------------------------------------

_PLAIN = frozenset({int, bool, str, bytes})
"""Types of which two equal values are the same value."""


class _Same:
    """Equal to what holds the very same object, which it keeps alive: its id() could come back."""

    __slots__ = ("_held",)

    def __init__(self, held: Any) -> None:
        self._held = held

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self._held is other._held

    def __hash__(self) -> int:
        return id(self._held)


def _signature(structure: Any, arrays: list[Any] | None) -> Any:
    """What decides which program fits; the tensors' arrays are appended to `arrays` on the way.

    Two arguments have one signature only if a function that looks at everything but the values of tensors cannot tell
    them apart. So what == calls equal is not enough (1 and True, 0.0 and -0.0, objects whose class says so): values
    of the types that are known here are taken apart, and of any other object it counts which one it is. Without
    `arrays` (in keys and sets, which the tracer does not look into) that goes for tensors and arrays, too.
    """
    kind = type(structure)
    if kind is tuple or kind is list:
        return (kind, *[_signature(item, arrays) for item in structure])
    if arrays is not None:
        if isinstance(structure, Tensor):
            if isinstance(structure, Variable):
                return (Variable, structure._id)
            array = structure._array
            arrays.append(array)
            return (array.shape, array.dtype) if array.flags.c_contiguous else _strided(array)
        if _is_array(structure):
            if isinstance(structure, np.ndarray) and kind is not np.ndarray:
                structure = Tensor(structure)._array
            arrays.append(structure)
            return (structure.shape, structure.dtype) if structure.flags.c_contiguous else _strided(structure)
    if kind in _PLAIN:
        return (kind, structure)
    if isinstance(structure, dict):
        items = [
            (key if type(key) is str else _signature(key, None), _signature(value, arrays))
            for key, value in structure.items()
        ]
        return (kind, *items) if kind is dict else (kind, _rest(structure), *items)
    if isinstance(structure, (tuple, list)):
        return (kind, _rest(structure), *[_signature(item, arrays) for item in structure])
    return _signature_of_value(kind, structure)


def _signature_of_value(kind: Any, value: Any) -> Any:
    if kind is float:
        return (kind, value.hex())
    if kind is complex:
        return (kind, value.real.hex(), value.imag.hex())
    if kind is slice or kind is range:
        return (kind, *[_signature(part, None) for part in (value.start, value.stop, value.step)])
    if kind is frozenset:
        return (kind, *[_signature(item, None) for item in value])
    if isinstance(value, np.dtype):
        return (kind, value)
    if isinstance(value, np.generic):
        return (kind, value.dtype, value.tobytes())
    if kind is MethodType or kind is Method:
        return (kind, _Same(value.__func__), _Same(value.__self__))
    if kind is BuiltinMethodType:
        return (kind, value.__name__, _Same(value.__self__))
    try:
        hash(value)
    except TypeError:
        raise TypeError(
            "A tgl.function expected tensors, arrays, lists, tuples and dicts of them, and values that can be hashed. "
            f"Received: {value!r} of type {kind.__name__}. Pass what changes as tensors, and close over "
            "the rest."
        ) from None
    return _Same(value)


def _rest(structure: Any) -> Any:
    """What a list, tuple or dict of a class of its own holds beside its items."""
    made = structure.default_factory if isinstance(structure, defaultdict) else None
    return (_Same(made), _signature(getattr(structure, "__dict__", None), None))


def _repeated(args: Any, kwargs: Any) -> Any:
    """Which tensors among the arguments are one: then they are one inside, as in eager code."""
    first: dict[int, int] = {}
    leaves = [*flatten(args), *flatten(kwargs)]
    return tuple(first.setdefault(id(x), n) for n, x in enumerate(leaves) if type(x) is Tensor)


def _strided(array: Any) -> Any:
    """The signature of an array in any order of memory: results are laid out like it, and sums add up in that order."""
    order, strides = memory_order(array), array.strides
    if order == tuple(range(array.ndim)) and 0 not in strides:
        return (array.shape, array.dtype)
    return (array.shape, array.dtype, order, tuple(stride == 0 for stride in strides))  # 0: one number, seen often


class _names_of_locals:
    """While the function is traced: note how it calls its tensors, for a source that reads like it."""

    def __init__(self, code: Any, tracer: Tracer) -> None:
        self._code = code
        self._tracer = tracer

    def __enter__(self) -> None:
        self._is_free = sys.getprofile() is None  # else a profiler is at work: names are not worth disturbing it
        if self._is_free:
            sys.setprofile(self._hook)

    def __exit__(self, *_: Any) -> None:
        if self._is_free:
            sys.setprofile(None)

    def _hook(self, frame: Any, event: str, _: Any) -> None:
        if event == "return" and frame.f_code is self._code:
            self._tracer.name_values(frame.f_locals)


def function(python_function: Callable[..., Any]) -> Function:
    """Trace a function of tensors at its first call, and run it as a compiled NumPy program from then on.

    Parameters
    ----------
    python_function : callable
        May use all of this package: tapes and gradients, layers, losses, metrics, `apply_gradients`. Arguments
        are tensors, arrays (they become tensors), structures of them, and other values, each of which gets a
        trace of its own. Branches and loops on a tensor's value raise; side effects of Python happen once.

    Returns
    -------
    Function
        Called like `python_function`; `.source()` is the program as Python source. Inside of an open tape it
        runs eagerly, so that the tape sees every operation.

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
                "whose body runs later, piece by piece (yield, async). Return a list, or compile what it calls."
            )
    return Function(python_function)


def _name_of(python_function: Any) -> str:
    while isinstance(python_function, functools.partial):
        python_function = python_function.func
    return str(getattr(python_function, "__name__", type(python_function).__name__))


def _code_of(python_function: Any) -> Any:
    """The code that a call of the function runs, if Python has it."""
    while not hasattr(python_function, "__code__"):
        inner = getattr(python_function, "__wrapped__", None) or getattr(python_function, "func", None)
        inner = inner or getattr(python_function, "__func__", None)
        if inner is None:
            return getattr(type(python_function).__call__, "__code__", None)
        python_function = inner
    return inspect.unwrap(python_function).__code__
