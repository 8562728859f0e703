"""When a compiled step is still valid.

A step is compiled only if all Python code that runs in it belongs to this package, NumPy or the standard library: a
profiler sees every frame of the first batch and of the trace, and one frame of other code makes all steps eager. Such a
step depends only on the globals of the modules that ran, and on the attributes of the model, its layers, loss, metrics
and optimizer. If an attribute is of an unknown type, the step is eager, too: known are numbers, strings, arrays,
Variables, functions and objects of this package, and lists, tuples, dicts and sets of these. Globals and attributes are
compared with those of the trace before every epoch, and before every step if other code may have run since the last
one (batch hooks of callbacks, an iterable of batches, a learning rate that is a function, other threads). If anything
differs, the step is traced again.
"""

from __future__ import annotations

import gc
import hashlib
import itertools
import operator
import os
import sys
import weakref
from collections.abc import Callable, Iterable
from types import BuiltinFunctionType, CellType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from tinygrad_lite.core.primitive import Primitive
from tinygrad_lite.core.tensor import Tensor
from tinygrad_lite.core.variable import Variable
from tinygrad_lite.nn.initializers import Initializer
from tinygrad_lite.nn.layers.layer import Layer
from tinygrad_lite.nn.losses import Loss
from tinygrad_lite.nn.metrics import Metric
from tinygrad_lite.optim.optimizer import Optimizer

__all__ = ["FrameObserver", "Snapshot"]

_PACKAGE = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname((lambda: None).__code__.co_filename))), "")
"""The path of this package: the files of its code begin with it."""
_IGNORED = sys.stdlib_module_names | {"numpy"}

_PLAIN = frozenset(
    {type(None), bool, int, float, complex, str, bytes, range, slice, type(...)}
    | {np.dtype(code).type for code in np.typecodes["All"] if code not in "OV"}
)
"""Types whose values cannot change."""
_KNOWN = _PLAIN | {
    Tensor,
    np.random.Generator,
    np.ufunc,
    Primitive,
    *(type(np.dtype(code)) for code in "?bBhHiIlLqQefdg"),
}
"""Types whose values cannot change, or are read again at every step."""
_NOT_READ = frozenset({"history", "_steps", "_search", "_warned", "stop_training", "was_interrupted"})
"""Attributes of a model and its layers that training changes, but that no step reads."""
_DESCRIPTORS = (FunctionType, property, classmethod, staticmethod)


class _UnknownValue(Exception):
    """A value of a type whose changes cannot be seen."""


class Snapshot:
    """The attributes of all parts of a model, to be compared with later ones. It does not keep the model alive.

    Parameters
    ----------
    model : Model

    Attributes
    ----------
    is_complete : bool
        Whether all values are of types whose changes can be seen.

    Examples
    --------
    >>> from tinygrad_lite import nn
    >>> model = nn.Sequential([nn.Dropout(0.5)])
    >>> snapshot = Snapshot(model)
    >>> snapshot.is_complete, snapshot.is_current()
    (True, True)
    >>> model.layers[0].rate = 0.25
    >>> snapshot.is_current()
    False
    """

    def __init__(self, model: Any) -> None:
        self._holders: list[Callable[[], Iterable[Any]]] = []
        self._modules: set[int] = set()
        self._parts: list[Callable[[], Any]] = []
        self._variables: list[Variable] = []
        self._arrays: list[np.ndarray[Any, Any]] = []
        self._classes: set[type] = set()
        self._seen: dict[int, Any] = {id(model): None}  # keeps all others alive, so that no id() is used twice
        self.is_complete = True
        try:
            self._visit_all([*self._visit_part(weakref.ref(model))])
        except _UnknownValue:
            self.is_complete = False
        self._values = self._read()
        self._kinds, self._flags, self._digests = self._facts()

    def is_current(self) -> bool:
        """Whether nothing has changed."""
        values = self._read()
        if len(values) != len(self._values):
            return False
        if not all(map(operator.is_, values, self._values)):
            pairs = zip(values, self._values)
            if not all(new is old or _is_equal(new, old) for new, old in pairs):
                return False
            self._values = values
        return self._facts() == (self._kinds, self._flags, self._digests)

    def include(self, modules: Iterable[dict[str, Any]]) -> None:
        """From now on, compare the globals of these modules, too."""
        for names in modules:
            if id(names) not in self._modules:
                self._modules.add(id(names))
                self._compare(names.values)
                self._values.extend(names.values())

    def _read(self) -> list[Any]:
        """All values, in order."""
        return [*itertools.chain.from_iterable([values() for values in self._holders])]

    def _facts(self) -> tuple[list[Any], list[Any], list[Any]]:
        """Facts that may change while the objects stay the same ones."""
        flags = [(variable.trainable, variable._array.shape, variable._array.dtype) for variable in self._variables]
        return [type(part()) for part in self._parts], flags, [*map(_digest, self._arrays)]

    # Values -----------------------------------------------------------------------------------------------

    def _compare(self, values: Callable[[], Iterable[Any]]) -> None:
        self._holders.append(values)

    def _visit_all(self, pending: list[Any]) -> None:
        while pending:
            value = pending.pop()
            if type(value) in _KNOWN or id(value) in self._seen:
                continue
            self._seen[id(value)] = value
            pending.extend(self._visit(value))

    def _visit(self, value: Any) -> Iterable[Any]:
        """Note what of `value` may change. Returns the values in it."""
        kind = type(value)
        if kind is Variable:
            self._variables.append(value)
            return ()
        if kind is np.ndarray and value.dtype.kind not in "OV":
            self._arrays.append(value)
            return ()
        if kind in (tuple, frozenset):
            return value
        if kind in (list, set):
            self._compare(value.__iter__)
            return value
        if kind is dict:
            self._compare(value.values)
            self._compare(value.__iter__)
            return [*value, *value.values()]
        if isinstance(value, FunctionType):
            return self._visit_function(value)
        if kind is MethodType:
            return (value.__func__, value.__self__)
        if kind is BuiltinFunctionType and (value.__self__ is None or isinstance(value.__self__, ModuleType)):
            return ()
        if isinstance(value, type) and (_is_of_package(value) or issubclass(value, tuple(_PLAIN))):
            return ()
        if isinstance(value, Initializer):  # no step reads one
            return ()
        if isinstance(value, (Layer, Loss, Metric, Optimizer)) or (_is_of_package(kind) and hasattr(value, "__dict__")):
            return self._visit_part(lambda: value)
        raise _UnknownValue

    def _visit_function(self, function: FunctionType) -> Iterable[Any]:
        if not function.__code__.co_filename.startswith(_PACKAGE):
            raise _UnknownValue
        cells: tuple[CellType, ...] = function.__closure__ or ()

        def values() -> list[Any]:
            contents = [cell.cell_contents for cell in cells if cell != _EMPTY]
            return [function.__code__, function.__defaults__, function.__kwdefaults__, *contents]

        self._compare(values)
        return [value for value in values()[1:] if value is not None]

    def _visit_part(self, part: Callable[[], Any]) -> Iterable[Any]:
        """Note the attributes and the classes of a layer, loss, metric, optimizer or another object of the package."""
        self._parts.append(part)
        inside = self._visit_classes(type(part()))
        if not isinstance(part(), Optimizer):

            def values() -> list[Any]:
                return [value for name, value in vars(part()).items() if name not in _NOT_READ]

            self._compare(values)
            return [*inside, *values()]

        def own_methods() -> list[Any]:  # the settings of an optimizer are read at every step
            return [x for name, x in vars(part()).items() if name != "_learning_rate" and callable(x)]

        self._compare(own_methods)
        self._compare(lambda: part()._state)
        return [*inside, *own_methods()]

    def _visit_classes(self, cls: type) -> list[Any]:
        """Note the methods of a class, which may be replaced. Returns the attributes of the user's classes."""
        inside: list[Any] = []
        for each in cls.__mro__[:-1]:
            if each in self._classes:
                continue
            self._classes.add(each)
            self._compare(vars(each).values)
            if not _is_of_package(each):
                own = [x for name, x in vars(each).items() if not (name.startswith("__") and name.endswith("__"))]
                inside += [x for x in own if not isinstance(x, _DESCRIPTORS)]
        return inside


_EMPTY = CellType()


def _is_equal(new: Any, old: Any) -> bool:
    """Whether two values that cannot change are equal. 0.0 and -0.0 differ, and so do 1 and True."""
    return type(new) is type(old) and type(new) in _PLAIN and repr(new) == repr(old)


def _digest(array: np.ndarray[Any, Any]) -> Any:
    data = np.ascontiguousarray(array).reshape(-1).view(np.uint8).data if array.size else b""
    return (array.shape, array.dtype, hashlib.blake2b(data, digest_size=16).digest())


def _is_of_package(cls: type) -> bool:
    """Whether a class is defined in a module of this package."""
    module = sys.modules.get(cls.__module__)
    return cls.__module__.partition(".")[0] == "tinygrad_lite" and getattr(module, "__file__", "").startswith(_PACKAGE)


class FrameObserver:
    """A context that observes which Python code runs in this thread.

    Attributes
    ----------
    modules : list of dict
        The globals of the package's modules whose code ran.
    runs_other_code : bool
        Whether other code than that of this package, NumPy and the standard library ran, or may have run because
        another profiler is active.
    has_schedule : bool
        Whether such code computed a learning rate; it is called at every step.
    """

    def __init__(self) -> None:
        self.modules: list[dict[str, Any]] = []
        self.runs_other_code = self.has_schedule = False
        self._known: set[Any] = set()

    def __enter__(self) -> FrameObserver:
        self._outer: Any = sys.getprofile()
        code = getattr(self._outer, "__code__", None)  # `tgl.function` has a profiler of its own
        self._is_active = self._outer is None or (code is not None and code.co_filename.startswith(_PACKAGE))
        self._collects = gc.isenabled()
        if not self._is_active:
            self.runs_other_code = True
            return self
        gc.disable()  # finalizers are not part of the step
        sys.setprofile(self._see)
        return self

    def __exit__(self, *_: Any) -> None:
        if self._is_active:
            sys.setprofile(self._outer)
            if self._collects:
                gc.enable()

    def _see(self, frame: Any, event: str, argument: Any) -> None:
        if event == "call" and frame.f_code not in self._known:
            self._judge(frame)
        if self._outer is not None:  # the profiler of `tgl.function`
            self._outer(frame, event, argument)

    def _judge(self, frame: Any) -> None:
        code = frame.f_code
        if code.co_filename.startswith(_PACKAGE):
            self._known.add(code)
            if not any(names is frame.f_globals for names in self.modules):
                self.modules.append(frame.f_globals)
        elif _package_of(frame) in _IGNORED:
            self._known.add(code)
        elif _is_within(frame, Optimizer._scheduled.__code__):
            self.has_schedule = True
        else:
            self.runs_other_code = True


def _package_of(frame: Any) -> str:
    """The package to which a frame's code belongs."""
    name = str(frame.f_globals.get("__name__"))
    is_named_tuple = frame.f_code.co_filename == "<string>" and name.startswith("namedtuple_")
    return "collections" if is_named_tuple else name.partition(".")[0]


def _is_within(frame: Any, code: Any) -> bool:
    while frame is not None:
        if frame.f_code is code:
            return True
        frame = frame.f_back
    return False
