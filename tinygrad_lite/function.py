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
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_lite.program import Program
from tinygrad_lite.structure import flatten, map_structure
from tinygrad_lite.tape import state
from tinygrad_lite.tensor import Tensor, Variable, wrap
from tinygrad_lite.trace import Tracer, memory_order

__all__ = ["Function", "function"]

WARN_AFTER = 8
"""Traces of one function after which it warns."""
MOST_TRACES = 64
"""Traces of one function after which new signatures run eagerly."""


class Function:
    """A function that is traced and compiled; made by `tgl.function`."""

    __name__: str

    def __init__(
        self,
        python_function: Callable[..., Any],
        *,
        warn_after: int | None = WARN_AFTER,
        most_traces: int = MOST_TRACES,
        is_verified: bool = False,
    ) -> None:
        functools.update_wrapper(self, python_function)
        self.__name__: str = getattr(python_function, "__name__", type(python_function).__name__)
        self._python_function = python_function
        self._code = getattr(inspect.unwrap(python_function), "__code__", None)  # whose local variables give names
        self._programs: dict[Any, tuple[Program, Callable[[tuple[Any, ...]], Any]]] = {}
        self._latest: Program | None = None
        self._warn_after = warn_after
        self._most_traces = most_traces
        self._is_verified = is_verified  # whether a program has to come out of two traces alike
        self._unproven: dict[Any, Program] = {}
        self._eager: set[Any] = set()  # signatures whose two traces differed
        self._lock = threading.RLock()  # held while tracing, and while a program that changes Variables runs
        self._sites: dict[int, Any] = {}
        self._bound: dict[int, Function] = {}  # of the instances that it is a method of, by id()

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        """As a method: every instance has programs of its own."""
        if instance is None:
            return self
        bound = self._bound.get(id(instance))
        if bound is None:
            key, kept = id(instance), self._bound
            reference = weakref.ref(instance, lambda _: kept.pop(key, None))  # the programs go with their instance
            method = self._python_function

            @functools.wraps(method)
            def call(*args: Any, **kwargs: Any) -> Any:
                return method(reference(), *args, **kwargs)

            bound = self._bound[id(instance)] = Function(call)
        return bound

    def __reduce__(self) -> Any:
        raise TypeError(
            f"The tgl.function {self.__name__} cannot be pickled or copied: its programs hold buffers and "
            "Variables of this process. Pickle the model's weights, and make the function again there."
        )

    def __repr__(self) -> str:
        return f"<tgl.function {self.__name__}, {len(self._programs)} traces>"

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if state.tapes:  # an open tape, or a function being traced around this one, has to see every operation
            return self._python_function(*args, **kwargs)
        arrays: list[Any] = []
        key = _signature((args, kwargs) if kwargs else args, arrays)
        found = self._programs.get(key)
        if found is None:
            return self._first_call(key, args, kwargs)
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

    def _first_call(self, key: Any, args: Any, kwargs: Any) -> Any:
        with self._lock:
            if key in self._programs:  # another thread was faster
                return self(*args, **kwargs)
            if key in self._eager or len(self._programs) >= self._most_traces:
                return self._python_function(*args, **kwargs)
            if len(self._programs) == self._warn_after:
                warnings.warn(
                    f"{self.__name__} is being traced for the {self._warn_after + 1}th time. Every new shape, dtype or "
                    "Python value of an argument needs a trace: pass changing numbers as tensors, and batches of one "
                    f"size. After {self._most_traces} traces new signatures run without being compiled.",
                    UserWarning,
                    stacklevel=3,
                )
            return self._trace(key, args, kwargs)

    def _trace(self, key: Any, args: Any, kwargs: Any) -> Any:
        tracer = Tracer(self._code, self._sites)
        nodes: list[Any] = []

        def mark(leaf: Any) -> Any:
            if isinstance(leaf, Variable) or not isinstance(leaf, (Tensor, np.ndarray, np.generic)):
                return leaf
            traced = tracer.input(leaf if isinstance(leaf, Tensor) else Tensor(leaf), len(nodes))
            nodes.append(tracer.node_of(traced, None))
            return traced

        given, named = map_structure(mark, args), map_structure(mark, kwargs)
        with tracer.trace(), _names_of_locals(self._code, tracer):
            answer = self._python_function(*given, **named)
            outputs = [
                tracer.node_of(leaf, leaf._data) if isinstance(leaf, Tensor) else None for leaf in flatten(answer)
            ]
        assigned = [(v, tracer.current[key]) for key, v in tracer.assigned.items()]
        tensors = [node for node in outputs if node is not None]
        program = Program(self.__name__, nodes, tensors, assigned, tracer.nodes)
        constants = map_structure(lambda leaf: _TENSOR if isinstance(leaf, Tensor) else leaf, answer)
        if not self._is_verified or self._has_proven(key, program):
            self._programs[key] = (program, _rebuilder(constants))
        self._latest = program
        return map_structure(_released, answer)

    def _has_proven(self, key: Any, program: Program) -> bool:
        """Whether this is the second trace and gave the program that the first did; else it stays eager."""
        first = self._unproven.setdefault(key, program)
        if first is program:
            return False
        del self._unproven[key]
        if first == program:
            return True
        self._eager.add(key)
        return False


_TENSOR: Any = object()


def _released(leaf: Any) -> Any:
    """A result of the traced call as an ordinary tensor, which shares memory with nothing."""
    return wrap(np.array(leaf._data)) if isinstance(leaf, Tensor) else leaf


def _rebuilder(structure: Any) -> Callable[[tuple[Any, ...]], Any]:
    """What puts the arrays of a program's results into the structure that the function returned."""
    if structure is _TENSOR:
        return lambda arrays: wrap(arrays[0])

    def rebuild(arrays: tuple[Any, ...]) -> Any:
        rest = iter(arrays)
        return map_structure(lambda leaf: wrap(next(rest)) if leaf is _TENSOR else leaf, structure)

    return rebuild


def _signature(structure: Any, arrays: list[Any]) -> Any:
    """What decides which program fits; the tensors' arrays are appended to `arrays` on the way."""
    kind = type(structure)
    if kind is tuple or kind is list:
        return (kind, *[_signature(item, arrays) for item in structure])
    if isinstance(structure, Variable):
        return (Variable, structure._id)
    if isinstance(structure, Tensor):
        array = structure._data
        arrays.append(array)
        return (array.shape, array.dtype) if array.flags.c_contiguous else _strided(array)
    if isinstance(structure, (np.ndarray, np.generic)):
        arrays.append(structure)
        return (structure.shape, structure.dtype) if structure.flags.c_contiguous else _strided(structure)
    if kind is dict:
        return (kind, *[(name, _signature(item, arrays)) for name, item in structure.items()])
    if isinstance(structure, tuple):
        return (kind, *[_signature(item, arrays) for item in structure])
    if kind is float:
        return (kind, structure.hex())  # 0.0 and -0.0 are equal, but not the same number
    try:
        hash(structure)
    except TypeError:
        raise TypeError(
            "A tgl.function expected tensors, arrays, lists, tuples and dicts of them, and values that can be hashed. "
            f"Received: {structure!r} of type {kind.__name__}. Pass what changes as tensors, and close over "
            "the rest."
        ) from None
    return (kind, structure)


def _strided(array: Any) -> Any:
    """The signature of an array in any order of memory: results are laid out like it, and sums add up in that order."""
    order = memory_order(array)
    return (array.shape, array.dtype) if order == tuple(range(array.ndim)) else (array.shape, array.dtype, order)


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
    return Function(python_function)
