"""Variable: a Tensor that changes, but only through `assign`, `assign_add` and `assign_sub`.

It writes only into a buffer that nothing else refers to. A buffer that a tape's record, a Tensor or a NumPy view refers
to is left to them, and the new value goes into a new one (copy on write). So whatever was read from a Variable stays
what it was, and in a training loop, where the record is gone before the optimizer steps, nothing is copied.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_lite.core.record import new_id, state, tracing
from tinygrad_lite.core.tensor import Tensor, TensorLike, as_array, reading
from tinygrad_lite.utils.types import Array, DTypeLike

__all__ = ["Variable"]


class Variable(Tensor):
    """A Tensor that `assign`, `assign_add` and `assign_sub` can change; trainable by default.

    A tape watches a trainable Variable automatically when an operation reads it.

    Parameters
    ----------
    initial_value : Tensor, ndarray, number, nested lists of numbers, or a function without arguments
        Is copied; a function is called for it.
    trainable : bool
        Whether tapes watch it automatically, and optimizers update it.
    name : str, optional
        Shown in errors, summaries and drawings.
    dtype : dtype, optional

    Raises
    ------
    TypeError
        The value is not made of numbers.

    Examples
    --------
    >>> v = Variable(3.0, name="v")
    >>> v.assign_add(1.0)
    Variable(4., name='v', shape=(), dtype=float32)
    """

    __slots__ = ("name", "trainable")

    _is_variable = True

    def __init__(
        self,
        initial_value: TensorLike | Callable[[], TensorLike],
        trainable: bool = True,
        name: str | None = None,
        dtype: DTypeLike | None = None,
    ) -> None:
        given: Any = initial_value() if callable(initial_value) else initial_value
        value = given if tracing.tracer is None else tracing.tracer.note_variable(self, given)
        super().__init__(value._array if isinstance(value, Tensor) else value, dtype)
        self._array = np.asarray(self._array, order="C")  # always, so that sums over it add up in one order
        if name is not None and not isinstance(name, str):
            raise TypeError(
                f"Variable expected a name that is a string. Received: name={name!r}. The arguments are initial_value, "
                "trainable, name, dtype, in this order: pass them by name."
            )
        self.name = "Variable" if name is None else name
        self.trainable = trainable is None or bool(trainable)  # TensorFlow's default is None
        self._id = new_id()
        self._note_assignment("assign", given)

    def __repr__(self) -> str:
        return self._describe("Variable", name=f"name={self.name!r}, ")

    def __reduce__(self) -> Any:
        return (Variable, (self._array, self.trainable, self.name))

    def __copy__(self) -> Variable:
        self._leave("copy.copy or copy.deepcopy", "copying it makes another Variable, which")
        return Variable(self._array, self.trainable, self.name)

    def value(self) -> Tensor:
        """The current value as a Tensor: it stays what it is when the Variable changes.

        It is a reading: tapes record it, and a gradient goes through. `tgl.stop_gradient(variable)` is the value
        without a gradient.

        Examples
        --------
        >>> import tinygrad_lite as tgl
        >>> v = tgl.Variable(2.0)
        >>> with tgl.GradientTape() as tape:
        ...     before = v.value()
        ...     v.assign(5.0)
        ...     y = before * v
        Variable(5., name='Variable', shape=(), dtype=float32)
        >>> tape.gradient(y, v)  # 5 from the first reading, 2 from the second
        Tensor(7., shape=(), dtype=float32)
        """
        return reading(self)

    read_value = value

    def numpy(self) -> Array:
        """The current value as a read-only ndarray, which stays what it is when the Variable changes."""
        if tracing.tracer is not None:
            tracing.tracer.refuse(self, ".numpy()")
        return super().numpy()

    def item(self) -> Any:  # bool, int or float, depending on the dtype
        """The only element, as a Python number; also what `float`, `int` and `bool` ask for."""
        if tracing.tracer is not None:
            tracing.tracer.refuse(self, "The number")
        return super().item()

    def tolist(self) -> Any:  # lists as deep as there are axes
        """The current value as nested Python lists."""
        if tracing.tracer is not None:
            tracing.tracer.refuse(self, ".tolist()")
        return super().tolist()

    def assign(self, value: TensorLike) -> Variable:
        """Replace the value. No gradient flows through an assignment.

        Parameters
        ----------
        value : Tensor, ndarray, number, nested lists of numbers
            Of the Variable's shape. A Tensor must have the Variable's dtype, or one that is converted to it without
            loss (float32 to float64); an array or Python's numbers are converted, unless that would lose more than
            precision (floats into integers).

        Returns
        -------
        Variable
            Itself.

        Raises
        ------
        ValueError
            The shape is another one.
        TypeError
            The dtype does not fit.

        Examples
        --------
        >>> Variable([1.0, 2.0]).assign([3.0, 4.0]).numpy()
        array([3., 4.], dtype=float32)
        """
        array = self._checked(value, "assign")
        if tracing.tracer is not None:
            tracing.tracer.note_assign(self, "assign", self._widened(value))
        self._note_assignment("assign", value)
        if self._array is not array:
            np.copyto(self.writable(copied=False), array, casting="same_kind")
        return self

    def assign_add(self, value: TensorLike) -> Variable:
        """Add `value` to the value, in place where nothing else refers to the buffer. See `assign`."""
        array = self._checked(value, "assign_add")
        if tracing.tracer is not None:
            tracing.tracer.note_assign(self, "assign_add", self._widened(value))
        self._note_assignment("assign_add", value)
        data = self.writable()
        np.add(data, array, out=data, casting="same_kind")
        return self

    def assign_sub(self, value: TensorLike) -> Variable:
        """Subtract `value` from the value, in place where nothing else refers to the buffer. See `assign`."""
        array = self._checked(value, "assign_sub")
        if tracing.tracer is not None:
            tracing.tracer.note_assign(self, "assign_sub", self._widened(value))
        self._note_assignment("assign_sub", value)
        data = self.writable()
        np.subtract(data, array, out=data, casting="same_kind")
        return self

    def _note_assignment(self, method: str, value: TensorLike) -> None:
        """Note on the open tapes, for `tape.explain`, which value is assigned: no gradient goes through."""
        for tape in state.tapes:
            tape._assignments.append((new_id(), method, self._id, value._id if isinstance(value, Tensor) else 0))

    def adopt(self, array: Array) -> None:
        """Assign `array` without a copy: it must have this shape and dtype, and nothing else may refer to it."""
        if tracing.tracer is None:
            self._array = np.asarray(array, order="C")
        else:
            self.assign(array)

    def writable(self, *, copied: bool = True) -> Array:
        """The Variable's own buffer, to be written to: for optimizers.

        If a record, a Tensor or a NumPy view still refers to the buffer, the Variable moves to a new one
        first; `copied=False` says that the old content is not needed there.
        """
        if _references(self._array) > _ALONE:
            self._array = self._array.copy() if copied else np.empty_like(self._array)
        return self._array

    def _checked(self, value: TensorLike, method: str) -> Array:
        """`value` as an array of this shape whose dtype can be stored here; else the error that says so."""
        array = as_array(value, like=self._array.dtype, looks=True)
        if array.shape != self._array.shape:
            raise ValueError(
                f"{self.name}.{method} expected a value of shape {self.shape}. Received: value.shape="
                f"{array.shape}. Reshape or broadcast it first, for example with tgl.broadcast_to."
            )
        casting: Any = "safe" if isinstance(value, Tensor) else "same_kind"
        if array.dtype != self._array.dtype and not np.can_cast(array.dtype, self._array.dtype, casting):
            raise TypeError(
                f"{self.name}.{method} expected a value of dtype {self.dtype}. Received: value.dtype="
                f"{array.dtype}. Convert it with tgl.cast(value, '{self.dtype}')."
            )
        return array

    def _widened(self, value: Any) -> Any:
        """`value` for the tracer: a Tensor in the Variable's dtype."""
        is_other = isinstance(value, Tensor) and value._array.dtype != self._array.dtype
        return value.astype(self._array.dtype) if is_other else value

    def _refuse_in_place(self, operator: str, method: str) -> TypeError:
        return TypeError(
            f"`variable {operator} value` would put a Tensor in the place of the Variable {self.name!r}. Use "
            f"variable.{method} to change the Variable, or `x = variable {operator[0]} value` for a Tensor."
        )

    def __iadd__(self, other: TensorLike) -> Variable:
        raise self._refuse_in_place("+=", "assign_add(value)")

    def __isub__(self, other: TensorLike) -> Variable:
        raise self._refuse_in_place("-=", "assign_sub(value)")

    def __imul__(self, other: TensorLike) -> Variable:
        raise self._refuse_in_place("*=", "assign(variable * value)")

    def __itruediv__(self, other: TensorLike) -> Variable:
        raise self._refuse_in_place("/=", "assign(variable / value)")


# An interpreter without reference counts always copies.
_references: Callable[[Any], int] = getattr(sys, "getrefcount", lambda _: sys.maxsize)


def _references_to_an_unshared_buffer() -> int:
    """What `_references` says in `Variable.writable` when only the Variable refers to its buffer.

    Measured rather than written down, because it differs between Python versions.
    """
    if not getattr(sys, "_is_gil_enabled", lambda: True)():
        return -1  # counts are not exact, and another thread may be about to read: always copy

    class Probe:
        _array: Array

        def references(self) -> int:
            return _references(self._array)

    probe = Probe()
    probe._array = np.zeros(1)
    return probe.references()


_ALONE = _references_to_an_unshared_buffer()
