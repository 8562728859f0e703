"""Primitives that select, and put back."""

import numpy as np
from hypothesis import strategies as st

from tinygrad_lite.ops.indexing import _filled, _split_index
from tinygrad_lite.testing import strategies


@st.composite
def _indexed(draw, *, kind, allow_repeats=True):
    """An array and an index of it, as the primitive takes both: arrays in the index are arguments."""
    shape = draw(strategies.shapes(max_side=3))
    index = draw(strategies.indices(shape))
    template, arrays = _split_index(index)
    x = draw(strategies.arrays(shape))
    selected = x[_filled(template, arrays)]
    if kind == "getitem":
        return (x, *arrays), {"template": template}
    value = draw(strategies.arrays(selected.shape))
    if kind == "scatter":
        return (value, *arrays), {"template": template, "shape": shape}
    if value.ndim and draw(st.booleans()):
        value = value[:1] if len(value) else value
    return (x, value, *arrays), {"template": template}


def _scattered(g, *arrays, template, shape):
    out = np.zeros(shape)
    np.add.at(out, _filled(template, arrays), g)
    return out.astype(g.dtype)


def _set(x, value, *arrays, template):
    x[_filled(template, arrays)] = value
    return x


def _added(x, value, *arrays, template):
    np.add.at(x, _filled(template, arrays), value)
    return x


def _stays(*arrays, template, shape):
    """Count down, writing one after the other: what is there at the end was written last."""
    index = _filled(template, arrays)
    places = np.arange(np.prod(shape, dtype=int)).reshape(shape)[index]
    flat = places.ravel()
    return np.array([place not in flat[n + 1 :] for n, place in enumerate(flat)], bool).reshape(places.shape)


@st.composite
def _index_alone(draw):
    shape = draw(strategies.shapes(max_side=3, min_dims=1))
    template, arrays = _split_index(draw(strategies.indices(shape, allow_masks=False)))
    return tuple(arrays), {"template": template, "shape": shape}


@st.composite
def _numbers(draw):
    return (draw(strategies.arrays(dtype=int, low=-4, high=9)),), {
        "length": draw(st.integers(1, 5)),
        "mode": draw(st.sampled_from(["wrap", "clip"])),
    }


@st.composite
def _sorted_and_sought(draw):
    a = np.sort(draw(strategies.arrays(strategies.shapes(min_dims=1, max_dims=1, min_side=0))))
    return (a, draw(strategies.arrays())), {"side": draw(st.sampled_from(["left", "right"]))}


@st.composite
def _paddings(draw, array):
    return tuple((draw(st.integers(0, 2)), draw(st.integers(0, 2))) for _ in array.shape)


def _two_axes(a):
    return st.permutations(range(a.ndim)).map(lambda axes: axes[:2])


@st.composite
def _diagonals(draw):
    a = draw(strategies.arrays(strategies.shapes(min_dims=2, min_side=0, max_side=3)))
    first, second = draw(st.permutations(range(a.ndim)))[:2]
    first = draw(st.sampled_from([first, first - a.ndim]))
    offset = draw(st.integers(-2, 2))
    return a, {"offset": offset, "axis1": first, "axis2": second}


def _diagonal_of_zeros(g, offset, axis1, axis2, shape):
    out = np.zeros(shape, g.dtype)
    places = np.diagonal(np.arange(out.size).reshape(shape), offset, axis1, axis2)
    out.reshape(-1)[places] = g
    return out


def _axis(a):
    return st.integers(-a.ndim, a.ndim - 1)


BY_VALUE = {"domain": (-1.0, 1.0)}

CASES = {
    "_getitem": {
        "cases": _indexed(kind="getitem"),
        "reference": lambda x, *arrays, template: x[_filled(template, arrays)],
    },
    "_scatter": {"cases": _indexed(kind="scatter"), "reference": _scattered},
    "_index_set": {"cases": _indexed(kind="set"), "reference": _set},
    "_index_add": {"cases": _indexed(kind="add"), "reference": _added},
    "_stays": {"cases": _index_alone(), "reference": _stays},
    "_in_range": {
        "cases": _numbers(),
        "reference": lambda indices, length, mode: np.take(np.arange(length), indices, mode=mode),
    },
    "argsort": {"metadata": {"axis": _axis, "kind": "stable"}, "min_dims": 1, **BY_VALUE},
    "argpartition": {"metadata": {"kth": 0, "axis": _axis}, "min_dims": 1, "empty": False, **BY_VALUE},
    "_searchsorted": {"cases": _sorted_and_sought(), "reference": np.searchsorted},
    "nonzero": {"min_dims": 1, **BY_VALUE},
    "argwhere": BY_VALUE,
    "flatnonzero": BY_VALUE,
    "_unique": {
        "dtypes": {"ar": int},
        "domain": (-2, 2),
        "metadata": {"axis": None, "equal_nan": True},
        "reference": lambda ar, axis, equal_nan: np.unique(ar, True, True, True)[1:],
    },
    "_pad": {
        "min_dims": 1,
        "metadata": {"pad_width": _paddings, "constant_values": st.sampled_from([0, 2.5])},
        "reference": lambda array, pad_width, constant_values: np.pad(
            array, pad_width, constant_values=constant_values
        ),
    },
    "diagonal": {"cases": _diagonals().map(lambda drawn: ((drawn[0],), drawn[1]))},
    "_from_diagonal": {
        "cases": _diagonals().map(
            lambda drawn: ((np.diagonal(drawn[0], **drawn[1]).copy(),), {**drawn[1], "shape": drawn[0].shape})
        ),
        "reference": _diagonal_of_zeros,
    },
    "tril": {"metadata": {"k": st.integers(-2, 2)}, "min_dims": 1},
    "triu": {"metadata": {"k": st.integers(-2, 2)}, "min_dims": 1},
}
