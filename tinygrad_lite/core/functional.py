"""Derivatives of functions, without an explicit tape.

Each function opens a tape itself. Inside of an open tape its operations are recorded, so that its result can be
differentiated again.
"""

from __future__ import annotations

import functools
import operator
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_lite.core.arguments import UnconnectedGradients
from tinygrad_lite.core.backward import twin
from tinygrad_lite.core.structure import Structure, flatten, map_structure
from tinygrad_lite.core.tape import GradientTape
from tinygrad_lite.core.tensor import Tensor, TensorLike, to_tensor
from tinygrad_lite.core.variable import Variable

__all__ = ["hessian_vector_product", "value_and_gradient"]


def value_and_gradient(
    f: Callable[..., Any],
    argnums: int | tuple[int, ...] = 0,
    *,
    has_aux: bool = False,
    unconnected_gradients: UnconnectedGradients | str = UnconnectedGradients.NONE,
) -> Callable[..., tuple[Any, Any]]:
    """The function that computes what `f` computes, and its gradient.

    Parameters
    ----------
    f : callable
        Returns a floating tensor with one element.
    argnums : int or tuple of int
        Which positional arguments to differentiate with respect to, counted from 0, or from the end if negative.
        Each is a Tensor, an array or a number, or a list, tuple or dict of them. A tensor that is passed twice is two
        arguments, and is a constant where `f` reads it in another way. For a Variable, every reading by `f` counts:
        a list of Variables may be an argument also where `f` reads them through a model and not through the argument.
    has_aux : bool
        Whether `f` returns a pair: the value, and anything else, which is returned as it is.
    unconnected_gradients : "none" or "zero"
        What is returned for what the value does not depend on.

    Returns
    -------
    callable
        Takes what `f` takes, returns `(value, gradient)`, or `((value, aux), gradient)`. The gradient has the
        structure of the argument; for a tuple of `argnums` it is a tuple.

    Raises
    ------
    TypeError
        At the call: the value is not a tensor with one floating element; an argument to differentiate with respect
        to is not a floating number; there is no such argument.
    ValueError
        A Variable is passed twice, and `f` reads it otherwise, too.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> def loss(weights, x):
    ...     return tgl.sum(tgl.square(x @ weights["w"] + weights["b"]))
    >>> weights = {"w": tgl.constant([[1.0], [2.0]]), "b": tgl.constant(0.5)}
    >>> value, gradient = tgl.value_and_gradient(loss)(weights, tgl.constant([[1.0, 1.0]]))
    >>> value.item(), gradient["b"].item()
    (12.25, 7.0)
    >>> tgl.value_and_gradient(lambda x, y: x * y, argnums=(0, 1))(2.0, 3.0)[1]
    (Tensor(3., shape=(), dtype=float32), Tensor(2., shape=(), dtype=float32))
    """
    positions = tuple(operator.index(n) for n in (argnums if isinstance(argnums, tuple) else (argnums,)))

    @functools.wraps(f)
    def call(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
        for n in positions:
            if not -len(args) <= n < len(args):
                raise TypeError(
                    f"value_and_gradient expected a positional argument for each of argnums={argnums!r}. Received: "
                    f"{len(args)} positional arguments. Pass it by position, or choose other argnums."
                )
        shared = _shared_variables((args, kwargs))
        chosen = {n % len(args) for n in positions}
        given = [_apart(x, shared) if shared or n in chosen else x for n, x in enumerate(args)]
        named = _apart(kwargs, shared) if shared else kwargs
        with GradientTape() as tape:
            for n in chosen:
                given[n] = map_structure(functools.partial(_watched, tape, n), given[n])
            answer = f(*given, **named)
        if has_aux and not (isinstance(answer, tuple) and len(answer) == 2):
            raise TypeError(
                f"value_and_gradient expected a pair (value, aux), for has_aux=True. Received: {answer!r}. Return "
                "one, or omit has_aux."
            )
        value = _checked_value(answer[0] if has_aux else answer, "value_and_gradient")
        sources = tuple(given[n] for n in positions)
        _refuse_other_readings(tape, shared)
        gradients = tape.gradient(value, sources, unconnected_gradients=unconnected_gradients)
        return answer, gradients if isinstance(argnums, tuple) else gradients[0]

    return call


def hessian_vector_product(f: Callable[[Any], Tensor], x: Structure, vector: Structure) -> Structure:
    """The matrix of second derivatives of `f` at `x`, times a vector, without the matrix: H(x) v.

    It is the derivative of the gradient in the direction `vector`, computed as a gradient of the gradient (the
    Hessian is symmetric), at the cost of a few evaluations of `f`.

    Parameters
    ----------
    f : callable
        Takes one argument, returns a floating tensor with one element.
    x : Tensor, array or number, or list, tuple or dict of them
        The argument of `f`; Variables may be read by `f` otherwise. See `value_and_gradient`.
    vector : like `x`
        Of the structure, shapes and dtypes of `x`.

    Returns
    -------
    Tensor, or structure of Tensors
        Like `x`; zeros where the second derivative is zero.

    Raises
    ------
    ValueError
        `vector` has another number of parts, or another shape or dtype; a Variable is passed twice, and `f` reads it
        otherwise, too.
    TypeError
        The value is not a tensor with one floating element.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> def f(x):
    ...     return x[0] ** 2 * x[1]  # its Hessian is [[2 x1, 2 x0], [2 x0, 0]]
    >>> tgl.hessian_vector_product(f, tgl.constant([3.0, 5.0]), tgl.constant([1.0, 0.0])).numpy()
    array([10.,  6.], dtype=float32)
    """
    if not callable(f):
        raise TypeError(f"hessian_vector_product expected a function first. Received: f={f!r}.")
    zero = UnconnectedGradients.ZERO
    shared = _shared_variables(x)
    x = _apart(x, shared)
    with GradientTape() as outer:
        x = map_structure(functools.partial(_watched, outer, 0), x)
        leaves, vectors = flatten(x), [vector] if isinstance(x, Tensor) else flatten(vector)
        if len(leaves) != len(vectors):
            raise ValueError(
                f"hessian_vector_product expected a vector for each of the {len(leaves)} parts of x. Received: "
                f"{len(vectors)}. Pass the same structure twice."
            )
        with GradientTape() as inner:
            inner.watch(leaves)
            value = _checked_value(f(x), "hessian_vector_product")
        _refuse_other_readings(inner, shared)
        gradients = inner.gradient(value, leaves, unconnected_gradients=zero)
    vectors = [_like(leaf, v) for leaf, v in zip(leaves, vectors)]
    products = iter(outer.gradient(gradients, leaves, output_gradients=vectors, unconnected_gradients=zero))
    return map_structure(lambda _: next(products), x)


def _shared_variables(arguments: Structure) -> dict[int, Variable]:
    """The Variables that occur more than once among the arguments, by identity."""
    variables = [leaf for leaf in flatten(arguments) if isinstance(leaf, Variable)]
    times = Counter(v._id for v in variables)
    return {v._id: v for v in variables if times[v._id] > 1}


def _apart(arguments: Structure, shared: dict[int, Variable]) -> Structure:
    """The arguments with a different tensor in each place; a Variable that occurs once is kept."""

    def apart(leaf: Any) -> Any:
        stays = not isinstance(leaf, Tensor) or (isinstance(leaf, Variable) and leaf._id not in shared)
        return leaf if stays else twin(leaf)

    return map_structure(apart, arguments)


def _refuse_other_readings(tape: GradientTape, shared: dict[int, Variable]) -> None:
    for variable in tape.watched_variables():
        if variable._id in shared:
            raise ValueError(
                f"The Variable {variable.name!r} was passed as more than one argument, and the function reads it "
                "otherwise, too: to which argument that belongs is not known. Pass it once, or let the function use "
                "nothing but its arguments."
            )


def _watched(tape: GradientTape, position: int, leaf: Any) -> Tensor:
    """`leaf` as a tensor that the tape watches."""
    tensor = to_tensor(leaf)
    if tensor.dtype.kind != "f":
        raise TypeError(
            f"Expected floating numbers to differentiate with respect to. Received: dtype={tensor.dtype} in argument "
            f"{position}. Convert it with tgl.cast(..., 'float32'), or choose other argnums."
        )
    tape.watch(tensor)
    return tensor


def _checked_value(value: Any, name: str) -> Tensor:
    if not isinstance(value, Tensor):
        raise TypeError(
            f"{name} expected the function to return a Tensor. Received: {value!r} of type {type(value).__name__}. "
            "Compute with operations of tgl, without .numpy() and float()."
        )
    if value.size != 1 or value.dtype.kind != "f":
        raise TypeError(
            f"{name} expected the function to return one floating number. Received: shape={value.shape}, "
            f"dtype={value.dtype}. Reduce it with .mean() or .sum(); for every element's gradient use tape.jacobian."
        )
    return value


def _like(leaf: Tensor, vector: TensorLike) -> Tensor:
    """`vector` as a tensor, if it has the shape and dtype of `leaf`."""
    tensor = vector if isinstance(vector, (Tensor, np.ndarray, np.generic)) else Tensor(vector, leaf.dtype)
    if tensor.shape != leaf.shape or tensor.dtype != leaf.dtype:
        raise ValueError(
            f"hessian_vector_product expected a vector of shape {leaf.shape} and dtype {leaf.dtype}, like x. Received: "
            f"shape={tensor.shape}, dtype={tensor.dtype}. Reshape or cast it."
        )
    return to_tensor(tensor)
