"""Calling a primitive: arrays out of Tensors, the forward, a Tensor around the result, an entry on the tapes.

`call` is what every primitive does. The operators and the functions of one argument take shorter ways with the same
results, because they are the most frequent calls: anything unusual, from a second tape to an error, goes to `call`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_lite.core.record import append, new_id, state, tracing
from tinygrad_lite.core.structure import map_structure
from tinygrad_lite.core.tensor import (
    DTYPES,
    NUMBERS,
    Tensor,
    as_array,
    as_dtype,
    holds_tensors,
    stacked,
    wrap,
)
from tinygrad_lite.core.variable import Variable

__all__ = ["as_operator", "bind", "call", "inline", "refuse_out", "validate"]

# `self` is the Primitive that has these functions as methods; its module imports this one, so it has no type here.

_new = Tensor.__new__
_INT = np.dtype(int)
_FAR = 1 << 63  # integers beyond it are checked: NumPy has no dtype for the largest
_NO_METADATA: dict[str, Any] = {}
_PLAIN = NUMBERS | frozenset({np.ndarray, np.float32, np.float64, np.int64, np.int32, np.bool_})
_RESULTS = frozenset({np.ndarray, np.float16, np.float32, np.float64, np.int64, np.int32, np.bool_})


def call(self: Any, *args: Any, **kwargs: Any) -> Any:
    """Apply the primitive to Tensors, arrays and numbers."""
    if self._is_unary and len(args) == 1 and type(args[0]) is Tensor and not kwargs and self.is_differentiable:
        y = call_unary(self, args[0])
        if y is not None:
            return y
    if len(args) != self.arity or ((kwargs or self.metadata) and kwargs.keys() != self.metadata.keys()):
        args, kwargs = bind(self, args, kwargs)
    if kwargs:
        for value in kwargs.values():
            if isinstance(value, Tensor):
                args, kwargs = bind(self, args, kwargs)
                break
        if kwargs.get("dtype") is not None:
            as_dtype(kwargs["dtype"])
    borrowed = False
    if len(args) == 1 and type(args[0]) is Tensor:  # the most frequent case
        arrays: Any = (args[0]._array,)
        ids: Any = (args[0]._id,)
    else:
        arrays, ids, borrowed = _unwrapped(self, args)
        if arrays is None:  # a list with tensors in it is one tensor, through which their gradients go
            return self(*[stacked(a, _like(args)) if holds_tensors(a) else a for a in args], **kwargs)
    try:
        data = self.forward(*arrays, **kwargs) if kwargs else self.forward(*arrays)
    except (ValueError, TypeError, IndexError) as error:
        raise _explained(self, error, arrays, kwargs) from error
    if type(data) not in _RESULTS:
        data = settled(data, arrays, self.public_name)
    if self.may_alias:
        _require_supported(data, arrays, self.public_name)
    tapes = state.tapes
    observer = tapes.observer
    if borrowed:  # the caller may overwrite these arrays later: that must change neither result nor record
        data = map_structure(lambda item: item.copy("K") if _is_view(item, args) else item, data)
        if tapes or observer is not None:
            arrays = [x.copy("K") if isinstance(a, np.ndarray) else x for a, x in zip(args, arrays)]
    if type(data) is tuple:
        outputs = tuple([wrap(item) for item in data])
    else:
        y = _new(Tensor)
        y._array = data
        y._id = 0
        if not tapes and observer is None:
            return y
        outputs = (y,)
    if observer is not None:
        observer.note_call(self, args, arrays, kwargs, outputs)
    if tapes:
        _record(self, outputs, ids, arrays, kwargs, data)
    return outputs if type(data) is tuple else y


def _unwrapped(self: Any, args: tuple[Any, ...]) -> tuple[Any, Any, bool]:
    """The arrays of the arguments, their identities, and whether the caller may change one of the arrays.

    There are no arrays (None) if an argument is a list with tensors in it.
    """
    arrays: Any = []
    ids: Any = []
    numbers = 0
    borrowed = False
    for x in args:
        kind = type(x)
        if kind is Tensor:
            arrays.append(x._array)
            ids.append(x._id)
        elif kind is Variable or isinstance(x, Tensor):
            tapes = state.tapes
            for tape in tapes:
                if x._id not in tape._watched:
                    tape._access(x)
            if tapes.observer is not None and isinstance(x, Variable):
                tapes.observer.note_read(x)  # which may give it another array
            arrays.append(x._array)
            ids.append(x._id)
        elif kind in NUMBERS:
            arrays.append(x)
            ids.append(0)
            numbers += 1
        else:
            if kind not in _PLAIN or (kind is np.ndarray and x.dtype.char not in DTYPES):
                if holds_tensors(x):
                    return None, None, False
                x = _plain(x, args, self)
            arrays.append(x)
            ids.append(0)
            borrowed = borrowed or isinstance(x, np.ndarray)
    if numbers and numbers >= len(arrays) - self.conditions and not state.pulling_back:
        arrays = _as_tensors_would(self, args, arrays)
    return arrays, ids, borrowed


def _record(self: Any, outputs: tuple[Tensor, ...], ids: Any, arrays: Any, metadata: dict[str, Any], data: Any) -> None:
    """Append one entry to each tape that watches an argument; where no gradient goes on, the tape notes that."""
    made: Any = None
    for tape in state.tapes:
        is_watched = not tape._watched.isdisjoint(ids)
        if not is_watched and (not tape._beyond or tape._beyond.keys().isdisjoint(ids)):
            continue
        if made is None:
            for output in outputs:
                output._id = output._id or new_id()
            made = tuple([y._id for y in outputs]) if type(data) is tuple else outputs[0]._id
            arrays, ids = tuple(arrays), tuple(ids)
            floating = [y._id for y in outputs if y._array.dtype.kind == "f"] if self.is_differentiable else []
        if is_watched and floating:
            tape._watched.update(floating)
            append(tape, self, made, ids, arrays, metadata or _NO_METADATA, data)
        for output in outputs:
            if output._id not in tape._watched:
                tape._beyond[output._id] = (self.__name__, ids)
                if is_watched:
                    tape._dead_ends[output._id] = self.__name__


# Shorter ways -----------------------------------------------------------------------------------------------


def call_unary(self: Any, x: Tensor) -> Tensor | None:
    """An elementwise function of one Tensor; None where anything is unusual, which is left to `call`."""
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


def as_operator(self: Any) -> Callable[[Tensor, Any], Any]:
    """What Python's binary operators call: `call` without the steps that two tensors do not need.

    Operators are the most frequent calls. Anything unusual, from a second tape to an error, is left to `call`.
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
            return self(x, other)  # which raises it again with the shapes
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


def inline(self: Any, *args: Any, **kwargs: Any) -> Any:
    """The primitive for use in gradient rules: of arrays it returns an array, of Tensors a Tensor."""
    for x in args:
        if isinstance(x, Tensor):
            return self(*args, **kwargs)
    return self.forward(*args, **kwargs)


# Arguments --------------------------------------------------------------------------------------------------


def bind(self: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The array arguments by position and the metadata by keyword, with defaults, however the caller passed them."""
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
            metadata[name] = _plain_metadata(self, name, value)
    return args, metadata


def _plain_metadata(self: Any, name: str, value: Tensor) -> Any:
    """The value of a Tensor among the metadata; an error if a tape follows it, because metadata has no gradient."""
    try:
        array = np.asarray(as_array(value))
        if state.tapes:
            array = np.asarray(value)  # refuses what is recorded
    except TypeError as error:
        raise TypeError(f"{self.public_name} expected {name} as a number. {error}") from error
    return array.item() if array.ndim == 0 else array


def _as_tensors_would(self: Any, args: Any, arrays: Any) -> Any:
    """Of Python's numbers alone, floats become float32, as in a Tensor.

    This does not apply inside of gradient rules, where `call` leaves the numbers to NumPy, as a rule on arrays does.
    """
    if any(type(x) not in NUMBERS for x in args[self.conditions :]):
        return arrays
    return [
        np.float32(x) if type(x) is float else as_array(x) if type(x) is int and not -_FAR < x < _FAR else x
        for x in arrays
    ]


def _plain(x: Any, args: tuple[Any, ...], primitive: Any) -> Any:
    """An argument that is neither a Tensor nor an array nor a number as an array, or an error."""
    try:
        return as_array(x, like=_like(args))
    except TypeError as error:
        raise TypeError(f"{primitive.public_name}: {error}") from None


def _like(args: tuple[Any, ...]) -> np.dtype[Any] | None:
    """The dtype that Python's floats in lists adopt: of the first array of floats among the arguments."""
    return next((a.dtype for a in args if isinstance(a, (Tensor, np.ndarray)) and a.dtype.kind == "f"), None)


# Results and errors -----------------------------------------------------------------------------------------


def settled(data: Any, arrays: Any, name: str) -> Any:
    """The result of a forward; a Python number, for example of `len`, as an array."""
    if isinstance(data, (np.ndarray, np.generic)):
        return data
    if type(data) is tuple:
        return tuple(settled(item, arrays, name) for item in data)
    if type(data) not in NUMBERS:
        raise TypeError(
            f"The forward of {name} must return an array, a number, or a tuple of these. Received: {data!r}. "
            "Return a tuple for several results, and np.array(...) of a list."
        )
    return as_array(data, like=next((x.dtype for x in arrays if getattr(x, "dtype", _INT).kind == "f"), None))


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


_BROADCASTING = (
    "shapes that broadcast together",
    "Axes must be equal or 1, compared from the last: add an axis with x[:, None], or reshape.",
)


def _explained(self: Any, error: Exception, arrays: Any, kwargs: dict[str, Any]) -> Exception:
    """NumPy's error, with the name of the operation and the shapes of the arguments."""
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


def refuse_out(name: str, out: object) -> None:
    """Raise if a NumPy function was asked to write into an array."""
    if out is not None:
        raise TypeError(f"{name} cannot write into out=: tensors never change. Assign the result instead.")


def validate(check: Callable[..., None], *tensors: Any, **metadata: Any) -> None:
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
