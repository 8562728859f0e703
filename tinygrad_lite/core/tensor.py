"""Tensor: a NumPy array with an identity.

A Tensor never changes. It has an array and a number, its `_id`. A tape that watches the tensor keeps the number, so a
tensor needs no pointer to what produced it, and a graph of tensors has no reference cycles. Operators and methods are
added by `ops.operators`, where the primitives are.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import numpy as np

from tinygrad_lite.core.record import state, tracing
from tinygrad_lite.utils.types import Array, ArrayLike, DTypeLike, Index, Shape, Value

if TYPE_CHECKING:
    from tinygrad_lite.core.operator_methods import OperatorMethods as _Operators
else:
    _Operators = object

__all__ = ["DTypeLike", "Tensor", "TensorLike", "as_array", "constant"]

TensorLike: TypeAlias = "Tensor | ArrayLike | Sequence[TensorLike]"
"""What a Tensor is made of: a Tensor, an array, a number, or nested lists of these."""

DTYPES = frozenset("?bBhHiIlLqQefd")
"""NumPy's characters of the dtypes that tensors have: booleans, integers, float16, float32 and float64."""
NUMBERS = frozenset((bool, int, float))
"""Types of Python's numbers, which adopt the dtype of the arrays that they meet."""
_numpy: Any = np  # NumPy's functions as they also answer to Tensors, which its type stubs do not know


def as_array(
    value: Any, dtype: DTypeLike | None = None, like: np.dtype[Any] | None = None, *, looks: bool = False
) -> Array:
    """`value` as an array: NumPy's arrays keep their dtype, Python floats become float32.

    Parameters
    ----------
    value : Tensor, ndarray, number, or nested lists of numbers
    dtype : dtype, optional
        What to convert to.
    like : dtype, optional
        What Python's floats become instead of float32.
    looks : bool
        The caller only uses shape and dtype, or notifies a tracer of what it does with `value`.

    Raises
    ------
    TypeError
        `value` holds something else than numbers, or lists of unequal lengths; or it has no value yet, inside of
        a `tgl.function`.
    """
    array: Any
    if isinstance(value, Tensor):
        if tracing.tracer is not None and not looks:
            tracing.tracer.refuse(value, "The value")
        return value._array if dtype is None else value._array.astype(as_dtype(dtype), copy=False)
    if isinstance(value, (np.ndarray, np.generic)):
        array = value if type(value) is np.ndarray else _without_subclass(value)
    else:
        try:
            if isinstance(value, (list, tuple)):
                for kind in _kinds(value) - NUMBERS:
                    if issubclass(kind, np.ndarray) and kind is not np.ndarray:
                        _refuse_subclass(kind)
            array = np.asarray(value)
        except ValueError as error:  # lists of unequal lengths
            raise TypeError(
                f"Expected numbers in an array of a regular shape. Received: value={_short(value)}. "
                "Make the nested lists equally long."
            ) from error
        if dtype is None and array.dtype == np.float64 and not _holds_numpy(value):
            array = array.astype(np.float32 if like is None or like.kind != "f" else like)
    if array.dtype.char not in DTYPES:
        raise TypeError(
            f"Expected numbers. Received: value={_short(value)} of type {type(value).__name__}, which NumPy "
            f"reads as dtype {array.dtype}. {_INSTEAD.get(array.dtype.kind, _INSTEAD[''])}"
        )
    if not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    return array if dtype is None else array.astype(as_dtype(dtype), copy=False)


_INSTEAD = {
    "": "Pass a Tensor, an ndarray, a number or nested lists of numbers.",
    "c": "Complex numbers are not supported: pass the real and the imaginary part as two tensors.",
    "f": "Convert it with .astype('float64'), the most precise dtype that tensors have.",
    "O": "Convert it with .astype('float64') if it holds numbers.",
}


def as_dtype(dtype: DTypeLike) -> np.dtype[Any]:
    """`dtype` as NumPy's, or the error that tensors cannot have it."""
    known = np.dtype(dtype)
    if known.char not in DTYPES:
        raise TypeError(
            "Expected a dtype of booleans, integers, float16, float32 or float64. Received: "
            f"dtype={known}. {_INSTEAD['c'] if known.kind == 'c' else 'Use one of them.'}"
        )
    return known


HALF = np.dtype(np.float16)


def _kinds(values: Any) -> set[type]:
    """The types of what nested lists hold."""
    kinds = set(map(type, values))
    if kinds <= NUMBERS:
        return kinds
    if any(issubclass(kind, (list, tuple)) for kind in kinds):
        for value in values:
            if isinstance(value, (list, tuple)):
                kinds |= _kinds(value)
    return kinds


def _without_subclass(value: Any) -> Any:
    """An array of a subclass as a plain one, unless that would lose something."""
    if not isinstance(value, np.ndarray):
        return value
    _refuse_subclass(type(value))
    return np.asarray(value)


def _refuse_subclass(kind: type) -> None:
    if issubclass(kind, np.ma.MaskedArray):
        raise TypeError(
            "Expected numbers. Received: a masked array, whose mask would be lost. Fill it with .filled(value), or "
            "pass its .data, and the mask to tgl.where or as sample_weight."
        )
    if issubclass(kind, np.matrix):
        raise TypeError(
            "Expected numbers. Received: a np.matrix, whose * and ** mean other things than a tensor's. Pass "
            "np.asarray(matrix)."
        )


def holds_tensors(value: object) -> bool:
    """Whether `value` is a list or tuple, perhaps nested, with a Tensor in it."""
    if not isinstance(value, (list, tuple)):
        return False
    kinds = _kinds(value)
    return not kinds <= NUMBERS and any(issubclass(kind, Tensor) for kind in kinds)


def stacked(value: Any, like: np.dtype[Any] | None = None) -> Tensor:
    """Nested lists with tensors in them as one Tensor, through which the gradient of each goes.

    Python's floats become of the dtype of the first of the tensors that has one of floats.
    """
    dtypes = (x.dtype for x in _leaves(value) if isinstance(x, (Tensor, np.ndarray, np.generic)))
    like = next((dtype for dtype in dtypes if dtype.kind == "f"), like)

    def join(part: Any) -> Any:
        if holds_tensors(part):
            return _numpy.stack([join(x) for x in part])
        if isinstance(part, Tensor) or type(part) in NUMBERS:
            return part
        array = as_array(part, like=like)
        return array if like is None or array.dtype.kind == "f" or _holds_numpy(part) else array.astype(like)

    try:
        return cast("Tensor", join(value))
    except ValueError as error:
        raise ValueError(f"A list of tensors expected all of one shape. {error}") from None


def _leaves(value: Any) -> Iterator[Any]:
    for x in value:
        yield from _leaves(x) if isinstance(x, (list, tuple)) else (x,)


def _holds_numpy(value: Any) -> bool:
    """Whether the first leaf of nested lists is NumPy's or a Tensor, so that its dtype was chosen."""
    while isinstance(value, (list, tuple)) and value:
        value = value[0]
    return isinstance(value, (np.ndarray, np.generic, Tensor)) or hasattr(value, "__array__")


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


class Tensor(_Operators):
    """An immutable array that a `GradientTape` can follow.

    Parameters
    ----------
    value : Tensor, ndarray, number, or nested lists of numbers
        Is copied. Arrays keep their dtype, Python floats become float32. The gradient of a Tensor goes through.
    dtype : dtype, optional
        Convert to this one.

    Raises
    ------
    TypeError
        `value` is not made of numbers.

    Examples
    --------
    >>> x = Tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> x
    Tensor([[1., 2.],
            [3., 4.]], shape=(2, 2), dtype=float32)
    >>> (x @ x).numpy()
    array([[ 7., 10.],
           [15., 22.]], dtype=float32)
    """

    __slots__ = ("__weakref__", "_array", "_id")

    _array: Array
    _id: int
    _is_variable = False

    def __init__(self, value: TensorLike, dtype: DTypeLike | None = None) -> None:
        if isinstance(value, Tensor):
            made = reading(value) if dtype is None else value.astype(dtype)
            self._array, self._id, self.__class__ = made._array, made._id, made.__class__  # the same result of that
            if tracing.tracer is not None:
                tracing.tracer.note_alike(self)
        else:
            self._array = np.array(as_array(value, dtype))
            self._id = 0

    # What it is -------------------------------------------------------------------------------------------

    @property
    def shape(self) -> Shape:
        """Lengths of the axes."""
        return self._array.shape

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return self._array.ndim

    @property
    def size(self) -> int:
        """Number of elements."""
        return self._array.size

    @property
    def dtype(self) -> np.dtype[Any]:
        """NumPy's data type of the elements."""
        return self._array.dtype

    @property
    def nbytes(self) -> int:
        """Bytes that the elements take."""
        return self._array.nbytes

    def numpy(self) -> Array:
        """The value as a read-only ndarray that shares memory; gradients do not flow through it.

        Examples
        --------
        >>> Tensor([1.0, 2.0]).numpy()
        array([1., 2.], dtype=float32)
        """
        self._leave(".numpy()")
        view = np.asarray(self._array).view()
        view.flags.writeable = False
        return view

    def item(self) -> Any:  # bool, int or float, depending on the dtype
        """The only element, as a Python number.

        Raises
        ------
        ValueError
            There is not exactly one element.
        """
        if self._array.size != 1:
            raise ValueError(
                f"item() expected a tensor with one element. Received: shape={self.shape}. "
                "Reduce it first, for example with .mean(), or use .numpy() or .tolist()."
            )
        self._leave(".item()")
        return self._array.item()

    def tolist(self) -> Any:  # lists as deep as there are axes
        """The value as nested Python lists."""
        self._leave(".tolist()")
        return self._array.tolist()

    # Python's protocols -----------------------------------------------------------------------------------

    def __repr__(self) -> str:
        return self._describe("Tensor")

    def _describe(self, kind: str, *, name: str = "") -> str:
        value = np.array2string(np.asarray(self._array), separator=", ", prefix=kind + "(")
        return f"{kind}({value}, {name}shape={self.shape}, dtype={self.dtype})"

    def __format__(self, spec: str) -> str:
        return format(self._array.item() if self._array.ndim == 0 else self._array, spec)

    def __len__(self) -> int:
        if self._array.ndim == 0:
            raise TypeError(
                "len() expected a tensor with at least one axis. Received: a 0-d tensor, shape=(). "
                "Use .item() for its value, or .size, which is 1."
            )
        return len(self._array)

    def __bool__(self) -> bool:
        if self._array.size != 1:
            raise ValueError(
                f"The truth of a tensor with {self.size} elements is ambiguous. Received: shape={self.shape}. "
                "Use .any() or .all(), or tgl.where(condition, a, b) to choose elementwise."
            )
        return bool(as_array(self))

    def __index__(self) -> int:
        if self._array.dtype.kind not in "iu" or self._array.size != 1:
            raise TypeError(
                f"Only an integer tensor with one element can be an index. Received: {self!r}. "
                "Use int(tensor) if rounding towards zero is meant."
            )
        return int(self.item())

    def __hash__(self) -> int:
        return object.__hash__(self)

    def __iter__(self) -> Iterator[Tensor]:
        return (self[index] for index in range(len(self)))

    def __setitem__(self, key: Index, value: TensorLike) -> None:
        raise TypeError(
            f"{type(self).__name__} does not support item assignment: tensors never change. Received: "
            f"key={_short(key)}. Use tgl.where(mask, new, old) or tgl.index_set(tensor, key, value) to make "
            "a new tensor; a Variable takes that with .assign(...)."
        )

    def __reduce__(self) -> Any:
        return (Tensor, (np.asarray(self._array),))

    def __copy__(self) -> Tensor:
        return self  # which never changes

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        return copy.copy(self)

    def _leave(self, way: str, refusal: str = "") -> None:
        """Note on the open tapes, for `tape.explain`, that the value goes where no tape can follow.

        Where it goes there unasked, `refusal` says what would cut the gradient; it is raised if a tape follows.
        """
        if not state.tapes:
            return
        if refusal and is_followed(self):
            raise TypeError(
                f"This tensor is being recorded by an open tape, and {refusal} would cut its gradient silently. "
                f"Received: shape={self.shape}, dtype={self.dtype}. Use .numpy() or float(...) to leave the tape on "
                "purpose, or an operation of tgl to stay on it."
            )
        if self._id:
            for tape in state.tapes:
                tape._left.setdefault(self._id, way)


def wrap(data: Value) -> Tensor:
    """A Tensor around `data` without a copy: for arrays that are not written to afterwards."""
    tensor = Tensor.__new__(Tensor)
    tensor._array = data
    tensor._id = 0
    return tensor


def is_followed(x: Tensor) -> bool:
    """Whether an open tape watches `x`, or would as soon as an operation reads it."""
    tapes = state.tapes
    if tapes.observer is not None and x._is_variable:
        tapes.observer.note_read(x)
    for tape in tapes:
        tape._access(x)
    return any(x._id in tape._watched for tape in tapes) if x._id else False


def detached(x: Tensor) -> Tensor:
    """The value that `x` has now, as a Tensor that no tape watches."""
    return wrap(x._array) if tracing.tracer is None else tracing.tracer.detached(x)


def reading(x: Tensor) -> Tensor:
    """The value that `x` has now, as a Tensor that its gradient goes through."""
    if x._array.dtype.kind == "b":  # which has no plus, and no gradient
        return detached(x)
    y: Tensor = _numpy.positive(x)
    return y


def to_tensor(value: object, like: np.dtype[Any] | None = None) -> Tensor:
    """`value` itself if it is a Tensor, else a new one of it; Python's floats get the dtype `like`."""
    if isinstance(value, Tensor):
        return value
    return stacked(value, like) if holds_tensors(value) else Tensor(as_array(value, like=like))


def float_dtype(*values: object) -> np.dtype[Any] | None:
    """The dtype of the first Tensor or array of floats: what Python's floats become that meet it."""
    for x in values:
        if isinstance(x, (Tensor, np.ndarray)) and x.dtype.kind == "f":
            return x.dtype
    return None


def to_tensors(*values: TensorLike) -> list[Tensor]:
    """All as Tensors; Python's floats get the dtype of the first array of floats, as in a primitive's arguments."""
    like = float_dtype(*values)
    return [to_tensor(x, like) for x in values]


def constant(value: TensorLike, dtype: DTypeLike | None = None, shape: Shape | None = None) -> Tensor:
    """A Tensor with the given value.

    Parameters
    ----------
    value : Tensor, ndarray, number, or nested lists of numbers
        Is copied, except for a Tensor, which never changes: its gradient goes through, as in TensorFlow, and so do
        those of tensors in lists, which are stacked.
    dtype : dtype, optional
        Default: that of an array, float32 for Python floats, NumPy's integer for Python integers.
    shape : tuple of int, optional
        A single number fills it; otherwise `value` is reshaped to it.

    Raises
    ------
    TypeError
        `value` is not made of numbers.
    ValueError
        `value` does not fit `shape`.

    Examples
    --------
    >>> constant(1.0, shape=(2, 3)).shape
    (2, 3)
    >>> constant([1, 2, 3]).dtype.kind
    'i'
    """
    if holds_tensors(value):
        tensor = stacked(value, None if dtype is None else as_dtype(dtype))
    else:
        tensor = value if isinstance(value, Tensor) else Tensor(value, dtype)
    if tensor._is_variable:
        tensor = reading(tensor)
    if dtype is not None and tensor.dtype != dtype:
        tensor = tensor.astype(dtype)
    if shape is not None:
        if tensor.size != 1 and tensor.size != int(np.prod(shape)):
            raise ValueError(
                f"constant expected one value or as many as shape={shape} holds. Received: a value of shape "
                f"{tensor.shape}. Leave out `shape`, or pass one number."
            )
        fits = tensor.size == int(np.prod(shape))
        tensor = tensor.reshape(shape) if fits else tensor.reshape(()) * np.ones(shape, tensor.dtype)
    return tensor
