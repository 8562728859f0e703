"""Primitives that move, repeat and join."""

import numpy as np
from hypothesis import strategies as st

from tinygrad_lite.testing import strategies


def axis_of(x):
    return st.integers(-x.ndim, x.ndim - 1)


@st.composite
def _new_axes(draw, x):
    """Where `expand_dims` puts its axes: one, or several."""
    count = draw(st.integers(1, 2))
    ndim = x.ndim + count
    positions = draw(st.lists(st.integers(0, ndim - 1), min_size=count, max_size=count, unique=True))
    positions = [draw(st.sampled_from([n, n - ndim])) for n in positions]
    return positions[0] if count == 1 and draw(st.booleans()) else tuple(positions)


@st.composite
def _short_axes(draw, x):
    short = [n for n, length in enumerate(x.shape) if length == 1]
    chosen = draw(st.lists(st.sampled_from(short), unique=True)) if short else []
    return draw(st.sampled_from([None, tuple(draw(st.sampled_from([n, n - x.ndim])) for n in chosen)]))


@st.composite
def _order(draw, x):
    axes = draw(st.permutations(range(x.ndim)))
    return draw(st.sampled_from([None, tuple(draw(st.sampled_from([n, n - x.ndim])) for n in axes)]))


@st.composite
def _moves(draw):
    x = draw(strategies.arrays(strategies.shapes(min_dims=1, min_side=0, max_side=3)))
    count = draw(st.integers(1, x.ndim))
    source, destination = (
        tuple(draw(st.sampled_from([n, n - x.ndim])) for n in draw(st.permutations(range(x.ndim)))[:count])
        for _ in range(2)
    )
    if count == 1 and draw(st.booleans()):
        source, destination = source[0], destination[0]
    return (x,), {"source": source, "destination": destination}


@st.composite
def _rolls(draw):
    x = draw(strategies.arrays(strategies.shapes(min_side=0, max_side=3)))
    axis = draw(strategies.axes(x.ndim, min_size=1)) if x.ndim else None
    shifts = st.integers(-4, 4)
    shift = tuple(draw(shifts) for _ in axis) if isinstance(axis, tuple) and draw(st.booleans()) else draw(shifts)
    return (x,), {"shift": shift, "axis": axis}


@st.composite
def _targets(draw, x):
    """Shapes that `x` broadcasts to."""
    wider = tuple(draw(st.integers(0, 3)) if length == 1 else length for length in x.shape)
    return (*draw(strategies.shapes(max_dims=2, max_side=2)), *wider)


@st.composite
def _reshapes(draw, x):
    divisors = [n for n in range(1, x.size + 1) if x.size % n == 0] or [0]
    first = draw(st.sampled_from(divisors))
    shape = [first, x.size // first if first else 3]
    if first and draw(st.booleans()):
        shape[draw(st.integers(0, 1))] = -1
    return tuple(shape)


@st.composite
def _parts(draw, *, of_one_shape):
    """Arrays that can be joined, and where: for concatenate, and for stack."""
    shape = draw(strategies.shapes(min_dims=0 if of_one_shape else 1, max_dims=3, min_side=0, max_side=3))
    ndim = len(shape) + of_one_shape
    axis = draw(st.integers(-ndim, ndim - 1) if of_one_shape else st.none() | st.integers(-ndim, ndim - 1))
    parts = []
    for _ in range(draw(st.integers(1, 3))):
        own = list(shape)
        if not of_one_shape and axis is not None:
            own[axis] = draw(st.integers(0, 3))
        parts.append(draw(strategies.arrays(tuple(own))))
    return tuple(parts), {"axis": axis}


CASES = {
    "_reshape": {"metadata": {"shape": _reshapes}, "reference": lambda a, shape: np.reshape(a, shape)},
    "expand_dims": {"metadata": {"axis": _new_axes}},
    "squeeze": {"metadata": {"axis": _short_axes}, "max_side": 2},
    "transpose": {"metadata": {"axes": _order}},
    "swapaxes": {"metadata": {"axis1": axis_of, "axis2": axis_of}, "min_dims": 1},
    "moveaxis": {"cases": _moves()},
    "matrix_transpose": {"min_dims": 2, "reference": lambda x: np.swapaxes(x, -1, -2)},
    "flip": {"metadata": {"axis": lambda m: strategies.axes(m.ndim)}},
    "roll": {"cases": _rolls()},
    "rot90": {
        "metadata": {
            "k": st.integers(-5, 5),
            "axes": lambda m: st.permutations(range(m.ndim)).map(lambda axes: tuple(axes[:2])),
        },
        "min_dims": 2,
    },
    "_broadcast_to": {"metadata": {"shape": _targets}, "reference": np.broadcast_to},
    "_concatenate": {
        "cases": _parts(of_one_shape=False),
        "reference": lambda *arrays, axis: np.concatenate(arrays, axis=axis),
    },
    "_stack": {"cases": _parts(of_one_shape=True), "reference": lambda *arrays, axis: np.stack(arrays, axis=axis)},
}
