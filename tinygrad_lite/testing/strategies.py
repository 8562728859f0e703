"""Hypothesis strategies for tests of functions on arrays: shapes, numbers, axes, indices, equations, matrices.

Every bound is a keyword. All strategies shrink: to fewer and shorter axes, to zeros, to the first index. Floats
are bounded, and subnormal only if asked for. To keep a distance from kinks, numbers are drawn from the intervals
between them, so that no draw is rejected.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, TypedDict, Unpack

import numpy as np

from tinygrad_lite.core.tensor import Tensor
from tinygrad_lite.testing.profiles import extra, st
from tinygrad_lite.utils.types import Array, Axis, DTypeLike, Index, Shape

__all__ = [
    "arrays",
    "away_from",
    "axes",
    "broadcastable_shapes",
    "distinct_arrays",
    "einsum_equations",
    "indices",
    "intervals",
    "shapes",
    "tensors",
    "well_conditioned_matrices",
]

Strategy = st.SearchStrategy

# Shapes -------------------------------------------------------------------------------------------------------


def shapes(*, min_dims: int = 0, max_dims: int = 3, min_side: int = 1, max_side: int = 4) -> Strategy[Shape]:
    """Shapes of arrays. Shrinks to fewer axes, then to shorter ones.

    Parameters
    ----------
    min_dims, max_dims : int
        Number of axes; 0 gives 0-d arrays.
    min_side, max_side : int
        Lengths of the axes; a `min_side` of 0 gives empty arrays too.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(shapes(min_dims=1), lambda shape: True)
    (1,)
    """
    return extra.array_shapes(min_dims=min_dims, max_dims=max_dims, min_side=min_side, max_side=max_side)


def broadcastable_shapes(
    n: int, *, min_dims: int = 0, max_dims: int = 3, min_side: int = 1, max_side: int = 4
) -> Strategy[tuple[Shape, ...]]:
    """Tuples of `n` shapes that broadcast against each other. Shrinks to fewer axes, then to shorter ones.

    Parameters
    ----------
    n : int
        Number of shapes.
    min_dims, max_dims, min_side, max_side : int
        As for `shapes`, for each of them.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(broadcastable_shapes(2, min_dims=1), lambda found: True)
    ((1,), (1,))
    """
    return extra.mutually_broadcastable_shapes(
        num_shapes=n, min_dims=min_dims, max_dims=max_dims, min_side=min_side, max_side=max_side
    ).map(lambda found: tuple(found.input_shapes))


# Numbers ------------------------------------------------------------------------------------------------------


def intervals(points: Iterable[float], by: float, low: float, high: float) -> list[tuple[float, float]]:
    """The parts of the interval from `low` to `high` that are at least `by` away from all `points`.

    Raises
    ------
    ValueError
        No number is left.

    Examples
    --------
    >>> intervals([0.0], 0.5, -2.0, 3.0)
    [(-2.0, -0.5), (0.5, 3.0)]
    """
    left = []
    start = low
    for point in sorted(points):
        if point - by >= start:
            left.append((start, min(point - by, high)))
        start = max(start, point + by)
    if start <= high:
        left.append((start, high))
    left = [(a, b) for a, b in left if a <= b]
    if not left:
        raise ValueError(
            f"Expected room between the points to avoid. Received: points={list(points)}, by={by}, low={low}, "
            f"high={high}. Make `by` smaller or the interval longer."
        )
    return left


def away_from(
    points: Iterable[float], *, by: float = 0.1, low: float = -3.0, high: float = 3.0, allow_subnormal: bool = False
) -> Strategy[float]:
    """Floats at least `by` away from each of `points`, which are kinks, jumps or poles.

    Shrinks to zero. If zero is not allowed, shrinks to the simplest number of the interval nearest to zero (the
    positive one of two), which is an integer if the interval has one.

    Parameters
    ----------
    points : iterable of float
    by : float
        The smallest distance.
    low, high : float
        Bounds, included.
    allow_subnormal : bool
        Whether numbers closer to zero than 2.2e-308 may appear.

    Raises
    ------
    ValueError
        No number is left.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(away_from([0.0, 1.0], by=0.25), lambda x: x > 0.5)
    0.75
    """
    parts = intervals(list(points), by, low, high)
    parts.sort(key=lambda part: (max(part[0], -part[1], 0.0), part[0] < 0))
    return st.one_of([st.floats(a, b, allow_subnormal=allow_subnormal and a <= 0 <= b) for a, b in parts])


def arrays(
    shape: Shape | Strategy[Shape] | None = None,
    *,
    dtype: DTypeLike = np.float64,
    low: float = -3.0,
    high: float = 3.0,
    avoid: Iterable[float] = (),
    by: float = 0.1,
    allow_subnormal: bool = False,
) -> Strategy[Array]:
    """Arrays of finite numbers. Shrinks to smaller shapes, then to zeros (or what `away_from` shrinks to).

    Parameters
    ----------
    shape : tuple of int, or strategy for one, optional
        Default: `shapes()`.
    dtype : dtype
        Floating, integer or boolean.
    low, high : float
        Bounds of the numbers, included.
    avoid, by : iterable of float, float
        Floats keep the distance `by` from these points.
    allow_subnormal : bool
        As for `away_from`.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(arrays((2,), low=1.0), lambda x: True)
    array([1., 1.])
    """
    dtype = np.dtype(dtype)
    if dtype.kind == "b":
        elements: Strategy[bool] | Strategy[int] | Strategy[float] = st.booleans()
    elif dtype.kind in "iu":
        elements = st.integers(math.ceil(low), math.floor(high))
    else:
        elements = away_from(avoid, by=by, low=low, high=high, allow_subnormal=allow_subnormal)
    if dtype.kind != "f" or dtype.itemsize == 8:
        return extra.arrays(dtype, shapes() if shape is None else shape, elements=elements)
    # drawn in float64 and rounded, so that the bounds need not be numbers of the shorter dtype
    return arrays(shape, low=low, high=high, avoid=avoid, by=by, allow_subnormal=allow_subnormal).map(
        lambda x: _without_subnormals(x.astype(dtype), allow_subnormal)
    )


def _without_subnormals(x: Array, allow_subnormal: bool) -> Array:
    return x if allow_subnormal else np.where(np.absolute(x) < np.finfo(x.dtype).smallest_normal, 0, x).astype(x.dtype)


class _Bounds(TypedDict, total=False):
    """Keywords of `arrays` that `tensors` takes too."""

    low: float
    high: float
    avoid: Iterable[float]
    by: float
    allow_subnormal: bool


def tensors(
    shape: Shape | Strategy[Shape] | None = None, *, dtype: DTypeLike = np.float32, **bounds: Unpack[_Bounds]
) -> Strategy[Tensor]:
    """Tensors. Arguments and shrinking are as for `arrays`, but the default dtype is float32.

    Parameters
    ----------
    shape : tuple of int, or strategy for one, optional
    dtype : dtype
    **bounds
        `low`, `high`, `avoid`, `by` and `allow_subnormal` of `arrays`.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(tensors((2,)), lambda x: True)
    Tensor([0., 0.], shape=(2,), dtype=float32)
    """
    return arrays(shape, dtype=dtype, **bounds).map(Tensor)


@st.composite
def distinct_arrays(
    draw: st.DrawFn,
    array_shapes: Sequence[Shape],
    *,
    low: float = -3.0,
    high: float = 3.0,
    by: float = 1 / 32,
) -> tuple[Array, ...]:
    """Tuples of arrays without ties: all numbers, also of different arrays, are at least `by` apart.

    Shrinks to the smallest multiples of `by`.

    Parameters
    ----------
    array_shapes : sequence of tuples of int
        One for each array.
    low, high : float
        Bounds of the numbers.
    by : float
        The distance; all numbers are multiples of it.

    Raises
    ------
    ValueError
        The interval is too short for so many numbers.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(distinct_arrays([(2,), ()], low=0.0, by=0.5), lambda found: True)
    (array([0. , 0.5]), array(1.))
    """
    first, last = math.ceil(low / by), math.floor(high / by)
    sizes = [math.prod(shape) for shape in array_shapes]
    if sum(sizes) > last - first + 1:
        raise ValueError(
            f"Expected room for {sum(sizes)} numbers that are by={by} apart. Received: low={low}, high={high}. "
            "Take smaller shapes, a smaller `by` or a longer interval."
        )
    numbers = draw(st.lists(st.integers(first, last), min_size=sum(sizes), max_size=sum(sizes), unique=True))
    values = np.array(numbers, np.float64) * by
    return tuple(part.reshape(shape) for part, shape in zip(np.split(values, np.cumsum(sizes)[:-1]), array_shapes))


# Axes and indices ---------------------------------------------------------------------------------------------


def axes(ndim: int, *, allow_none: bool = True, allow_tuples: bool = True, min_size: int = 0) -> Strategy[Axis]:
    """The `axis` argument of a reduction over an array with `ndim` axes: None, an axis, or several.

    Axes come as negative numbers too. Shrinks to None, then to the first axis, then to the first tuple.

    Parameters
    ----------
    ndim : int
    allow_none, allow_tuples : bool
        Whether None, and tuples of different axes, are drawn.
    min_size : int
        The smallest length of a tuple.

    Raises
    ------
    ValueError
        Nothing can be drawn: a 0-d array has no axes, and None and tuples are not allowed.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(axes(2), lambda axis: axis is not None)
    0
    """
    single = st.integers(0, ndim - 1) | st.integers(-ndim, -1) if ndim else st.nothing()
    several = st.permutations(range(ndim)).flatmap(
        lambda order: st.integers(min(min_size, ndim), ndim).flatmap(
            lambda count: st.tuples(*(st.sampled_from([axis, axis - ndim]) for axis in order[:count]))
        )
    )
    choices = ([st.none()] if allow_none else []) + ([single] if ndim else []) + ([several] if allow_tuples else [])
    if not choices:
        raise ValueError(
            "axes expected something to draw from. Received: ndim=0, allow_none=False, allow_tuples=False. "
            "Draw shapes with min_dims=1."
        )
    return st.one_of(choices)


@st.composite
def indices(
    draw: st.DrawFn,
    shape: Shape,
    *,
    allow_ellipsis: bool = True,
    allow_newaxis: bool = True,
    allow_arrays: bool = True,
    allow_masks: bool = True,
    max_dims: int = 5,
) -> Index:
    """What an array of the given shape can be indexed with: numbers, slices, ..., None, arrays of integers
    (also repeated and negative ones, also with slices around them), masks.

    Shrinks to the first element, then to plain slices.

    Parameters
    ----------
    shape : tuple of int
        The shape of the array. If it has an empty axis, no arrays of integers are drawn.
    allow_ellipsis, allow_newaxis, allow_arrays, allow_masks : bool
        Whether these are drawn.
    max_dims : int
        The largest number of axes of a result of slicing.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(indices((3, 4), allow_masks=False), lambda index: isinstance(index, np.ndarray))
    array([0])
    """
    choices = ["basic"]
    choices += ["arrays"] if allow_arrays and shape and all(shape) else []
    choices += ["mask"] if allow_masks and shape else []
    choice = draw(st.sampled_from(choices))
    if choice == "basic":
        options: Any = {"allow_ellipsis": allow_ellipsis, "allow_newaxis": allow_newaxis}
        most = max_dims if allow_newaxis else min(max_dims, len(shape))
        return draw(extra.basic_indices(shape, max_dims=most, **options))
    if choice == "mask":
        return draw(arrays(shape[: draw(st.integers(1, len(shape)))], dtype=bool))
    common = draw(shapes(min_dims=1, max_dims=2, max_side=3))
    indexed = shape[: draw(st.integers(1, len(shape)))]
    chosen = draw(st.integers(0, len(indexed) - 1))  # this axis always gets an array
    parts: list[Index] = []
    for axis, length in enumerate(indexed):
        numbers = arrays(common, dtype=np.intp, low=-length, high=length - 1)
        one_of = numbers | st.slices(length) | st.integers(-length, length - 1)
        parts.append(draw(numbers if axis == chosen else one_of))
    if allow_newaxis and draw(st.booleans()):
        parts.insert(draw(st.integers(0, len(parts))), None)
    return tuple(parts) if len(parts) > 1 else parts[0]


@st.composite
def einsum_equations(
    draw: st.DrawFn,
    *,
    max_operands: int = 3,
    max_dims: int = 3,
    max_letters: int = 4,
    max_side: int = 3,
    allow_repeats: bool = True,
    allow_ellipsis: bool = True,
    allow_implicit: bool = True,
) -> tuple[str, tuple[Shape, ...]]:
    """Equations of `numpy.einsum`, each with a shape for every operand.

    Shrinks to one operand with few letters, and to axes of length one.

    Parameters
    ----------
    max_operands : int
        The largest number of operands; the smallest is one.
    max_dims : int
        The largest number of letters in an operand.
    max_letters : int
        The largest number of different letters.
    max_side : int
        The largest length of an axis.
    allow_repeats : bool
        Whether a letter may occur twice in an operand, which takes a diagonal.
    allow_ellipsis : bool
        Whether `...` may stand for up to two axes.
    allow_implicit : bool
        Whether `->` and what follows may be left out.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(einsum_equations(), lambda found: "->" in found[0] and len(found[1]) == 2)
    (',->', ((), ()))
    """
    letters = "ijklmnop"[: draw(st.integers(1, max_letters))]
    sides = {letter: draw(st.integers(1, max_side)) for letter in letters}
    stack = draw(shapes(max_dims=2, max_side=max_side)) if allow_ellipsis and draw(st.booleans()) else ()
    operands, operand_shapes = [], []
    for _ in range(draw(st.integers(1, max_operands))):
        operand = draw(st.lists(st.sampled_from(letters), max_size=max_dims, unique=not allow_repeats))
        leading = stack[draw(st.integers(0, len(stack))) :]
        at = draw(st.integers(0, len(operand))) if leading else 0
        operands.append("".join(operand[:at]) + ("..." if leading else "") + "".join(operand[at:]))
        operand_shapes.append((*(sides[i] for i in operand[:at]), *leading, *(sides[i] for i in operand[at:])))
    inputs = ",".join(operands)
    if allow_implicit and draw(st.booleans()):
        return inputs, tuple(operand_shapes)
    used = sorted(set(inputs) & set(letters))
    output = draw(st.lists(st.sampled_from(used), unique=True)) if used else []
    if "..." in inputs:
        output.insert(draw(st.integers(0, len(output))), "...")
    return f"{inputs}->{''.join(output)}", tuple(operand_shapes)


@st.composite
def well_conditioned_matrices(
    draw: st.DrawFn,
    shape: tuple[int, int] | None = None,
    *,
    batch: Shape = (),
    max_side: int = 4,
    condition: float = 10.0,
    symmetric: bool = False,
    positive: bool = False,
) -> Array:
    """Matrices, or stacks of them, that are far from singular and have no two equal singular values.

    Their inverses, decompositions and derivatives can be computed accurately. A matrix is the product of rotations
    and of singular values between 1 and `condition`. Shrinks to a diagonal matrix.

    Parameters
    ----------
    shape : (rows, columns), optional
        Default: square, with up to `max_side` rows.
    batch : tuple of int
        Leading axes of a stack of matrices.
    max_side : int
        The largest number of rows, if `shape` is not given.
    condition : float
        The largest singular value; the smallest is at least 1.
    symmetric : bool
        Whether the matrix equals its transpose.
    positive : bool
        Whether it is symmetric with positive eigenvalues.

    Raises
    ------
    ValueError
        `shape` is not square, although the matrix is to be symmetric.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(well_conditioned_matrices((2, 2), condition=4.0), lambda matrix: True)
    array([[1. , 0. ],
           [0. , 2.5]])
    """
    rows, columns = shape or (draw(st.integers(1, max_side)),) * 2
    symmetric = symmetric or positive
    if symmetric and rows != columns:
        raise ValueError(f"A symmetric matrix is square. Received: shape={shape}. Give as many rows as columns.")
    count = min(rows, columns)
    cell = (condition - 1) / max(count, 1)  # each singular value lies in the lower half of a separate interval
    within = draw(arrays((*batch, count), low=0.0, high=cell / 2))
    values = 1 + cell * np.arange(count) + within
    seed = draw(st.integers(0, 2**16))
    left, right = _rotations(seed, batch, rows), _rotations(seed + 2**16 if seed else 0, batch, columns)
    if symmetric:
        if not positive:
            values = values * np.where(draw(arrays((*batch, count), dtype=bool)), -1, 1)
        matrix = left * values[..., None, :] @ np.swapaxes(left, -1, -2)
        return np.asarray((matrix + np.swapaxes(matrix, -1, -2)) / 2)
    return np.asarray(left[..., :count] * values[..., None, :] @ np.swapaxes(right[..., :count], -1, -2))


def _rotations(seed: int, batch: Shape, n: int) -> Array:
    """Random orthogonal matrices, with and without a reflection; the identity for seed 0."""
    if not seed:
        return np.broadcast_to(np.eye(n), (*batch, n, n))
    rng = np.random.default_rng(seed)
    # the matrices of LAPACK's QR are products of n - 1 reflections, so their determinants are all the same
    return np.linalg.qr(rng.standard_normal((*batch, n, n)))[0] * rng.choice([-1.0, 1.0], (*batch, 1, n))
