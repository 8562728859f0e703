"""Random calls of every function that NumPy has, too: what this package answers, against what NumPy answers.

    python tests/calls.py                      # 50 calls of each function
    python tests/calls.py --calls 2000 --seed 7 sum var
    python tests/calls.py --compiled           # values and gradients under tgl.function, against eager ones

Arguments are drawn: shapes (0-d and empty ones too), dtypes (booleans, integers, float16 to float64), numbers (ties,
nan, infinities, -0), and every keyword, by position or by name. A call agrees where both raise, or where both answer
the same values, shapes and dtypes, and warn of the same kinds of things. It is made with arrays, with Tensors, and
through NumPy's own name with Tensors. What differs on purpose is listed in `EXPLAINED`, with the reason.
"""

import argparse
import sys
import warnings
import zlib
from collections import Counter

import numpy as np

import tinygrad_lite as tgl
from tinygrad_lite.core.structure import flatten
from tinygrad_lite.ops import linalg

DTYPES = ["?", "i1", "u1", "i4", "i8", "u8", "f2", "f4", "f8"]
FLOATS = ["f2", "f4", "f8"]

# Drawing ------------------------------------------------------------------------------------------------------


class Draw:
    """What to call a function with. Everything comes from one generator, so that a seed repeats a call."""

    def __init__(self, rng):
        self.rng = rng
        self.dtypes = FLOATS if rng.random() < 0.6 else DTYPES
        self.special = rng.random() < 0.35

    def some(self, probability):
        return self.rng.random() < probability

    def one_of(self, choices):
        return choices[self.rng.integers(len(choices))]

    def shape(self, low=0, high=3):
        lengths = [0, 1, 2, 3, 4] if self.some(0.1) else [1, 2, 3, 4]
        return tuple(int(n) for n in self.rng.choice(lengths, self.rng.integers(low, high + 1)))

    def array(self, shape=None, dtypes=None, low=0, high=3):
        shape = self.shape(low, high) if shape is None else shape
        dtype = np.dtype(self.one_of(dtypes or self.dtypes))
        if dtype.kind == "b":
            return np.asarray(self.rng.random(shape) < 0.5)
        if dtype.kind in "iu":
            return np.asarray(self.rng.integers(0 if dtype.kind == "u" else -3, 4, shape)).astype(dtype)
        x = np.asarray(self.rng.normal(size=shape)).astype(dtype)
        if self.some(0.4):
            x = np.asarray(np.round(x * 2) / 2).astype(dtype)  # ties, zeros, -0
        if self.special and x.size:
            places = self.rng.random(shape) < 0.3
            x = np.where(places, self.rng.choice(np.array([np.nan, np.inf, -np.inf, 0.0, -0.0]), shape), x).astype(
                dtype
            )
        return self.layout(x)

    def layout(self, x):
        if x.ndim > 1 and self.some(0.15):
            return np.asfortranarray(x)
        return x[::-1] if x.ndim and self.some(0.1) else x

    def broadcasting(self, shape):
        """A shape that broadcasts to `shape`."""
        start = int(self.rng.integers(0, len(shape) + 1))
        return tuple(1 if self.some(0.3) else n for n in shape[start:])

    def axis(self, ndim):
        if self.some(0.05):
            return int(self.one_of([ndim, -ndim - 1]))
        return int(self.rng.integers(-ndim, ndim)) if ndim else int(self.one_of([0, -1]))

    def axes(self, ndim):
        """None, one or several."""
        if self.some(0.3):
            return None
        if ndim and self.some(0.3):
            return tuple(int(n) for n in self.rng.permutation(ndim)[: self.rng.integers(0, ndim + 1)])
        return self.axis(ndim)

    def mask(self, shape):
        if self.some(0.2):
            return bool(self.some(0.5))
        return np.asarray(self.rng.random(self.broadcasting(shape)) < 0.6)

    def dtype(self):
        return self.one_of(["f8", "f4", "f2", "i8", "i4", "?"])

    def options(self, *names, x=None, **probabilities):
        """A dict of some of the keywords."""
        makers = {
            "axis": lambda: self.axis(x.ndim),
            "axes": lambda: self.axes(x.ndim),
            "keepdims": lambda: bool(self.some(0.5)),
            "dtype": self.dtype,
            "where": lambda: self.mask(x.shape),
            "initial": lambda: self.one_of([0, 1, 2, 0.5, -1.5]),
            "ddof": lambda: self.one_of([0, 1, 2, 3, 0.5, -1]),
            "correction": lambda: self.one_of([0, 1, 2, 0.5]),
        }
        found = {}
        for name in names:
            if self.some(probabilities.get(name, {"axis": 0.7, "axes": 0.7, "dtype": 0.15}.get(name, 0.3))):
                found["axis" if name == "axes" else name] = makers[name]()
        return found


SPECIAL = {}


def spec(names):
    def note(f):
        SPECIAL.update(dict.fromkeys(names.split(), f))
        return f

    return note


@spec("sum prod nansum nanprod")
def _(d):
    x = d.array()
    return [x], d.options("axes", "keepdims", "dtype", "where", "initial", x=x, initial=0.2)


@spec("mean nanmean")
def _(d):
    x = d.array()
    return [x], d.options("axes", "keepdims", "dtype", "where", x=x)


@spec("var std nanvar nanstd")
def _(d):
    x = d.array()
    options = d.options("axes", "keepdims", "dtype", "where", x=x)
    return [x], options | d.options(*[d.one_of(["ddof", "ddof", "correction"])], x=x, ddof=0.6, correction=0.6)


@spec("max min amax amin nanmax nanmin")
def _(d):
    x = d.array()
    options = d.options("axes", "keepdims", "initial", x=x)
    if "initial" in options and d.some(0.7):
        options |= d.options("where", x=x, where=1)
    return [x], options


@spec("ptp count_nonzero")
def _(d):
    x = d.array()
    return [x], d.options("axes", "keepdims", x=x)


@spec("all any")
def _(d):
    x = d.array()
    return [x], d.options("axes", "keepdims", "where", x=x)


@spec("argmax argmin")
def _(d):
    x = d.array()
    return [x], d.options("axis", "keepdims", x=x)


@spec("cumsum cumprod cumulative_sum cumulative_prod")
def _(d):
    x = d.array()
    return [x], d.options("axis", "dtype", x=x)


@spec("average")
def _(d):
    x = d.array(low=1)
    options = d.options("axes", "keepdims", x=x)
    if d.some(0.6):
        axis = options.get("axis")
        whole = axis is None or d.some(0.4)
        shape = x.shape if whole else tuple(x.shape[n] for n in np.atleast_1d(axis) if -x.ndim <= n < x.ndim)
        options["weights"] = np.abs(d.array(shape, dtypes=FLOATS)) + np.float16(0.5)
    return [x], options | ({"returned": True} if d.some(0.3) else {})


@spec("sort")
def _(d):
    x = d.array(low=1)
    return [x], {"axis": None if d.some(0.2) else d.axis(x.ndim)} if d.some(0.7) else {}


@spec("argsort")
def _(d):
    x = d.array(low=1)
    return [x], {"kind": "stable"} | ({"axis": None if d.some(0.2) else d.axis(x.ndim)} if d.some(0.7) else {})


@spec("unique")
def _(d):
    x = d.array()
    return [x], {k: True for k in ("return_index", "return_inverse", "return_counts") if d.some(0.3)} | (
        {"axis": d.axis(x.ndim)} if d.some(0.3) else {}
    )


@spec("diff")
def _(d):
    x = d.array()
    return [x], d.options("axis", x=x) | ({"n": int(d.rng.integers(0, 4))} if d.some(0.5) else {})


@spec("ediff1d")
def _(d):
    return [d.array(dtypes=["f4", "f8"])], {k: 1.5 for k in ("to_begin", "to_end") if d.some(0.3)}


@spec("trapezoid")
def _(d):
    x = d.array(low=1)
    axis = {"axis": d.axis(x.ndim)} if d.some(0.6) else {}
    n = x.shape[axis.get("axis", -1)] if -x.ndim <= axis.get("axis", -1) < x.ndim else 2
    return [x], axis | ({"x": np.sort(d.array((n,), dtypes=FLOATS))} if d.some(0.4) else {"dx": 0.5})


@spec("gradient")
def _(d):
    x = d.array(low=1)
    return [x, *([0.5] if d.some(0.4) else [])], d.options("axes", x=x) | ({"edge_order": 2} if d.some(0.3) else {})


@spec("clip")
def _(d):
    x = d.array()
    low, high = (d.one_of([None, -0.5, 0, 1, d.array(d.broadcasting(x.shape), [x.dtype.str])]) for _ in range(2))
    return [x, low, high], {}


@spec("where")
def _(d):
    shape = d.shape()
    return [d.array(d.broadcasting(shape), ["?"]), *(d.array(d.broadcasting(shape)) for _ in range(2))], {}


@spec("nan_to_num")
def _(d):
    return [d.array()], {k: d.one_of([0.0, 2.5]) for k in ("nan", "posinf", "neginf") if d.some(0.3)}


@spec("isclose allclose")
def _(d):
    x = d.array()
    y = x if d.some(0.5) else d.array(d.broadcasting(x.shape))
    return [x, y], {"equal_nan": True} if d.some(0.3) else {}


@spec("array_equal")
def _(d):
    x = d.array()
    return [x, x if d.some(0.7) else d.array()], {"equal_nan": True} if d.some(0.3) else {}


@spec("round around")
def _(d):
    return [d.array()], {"decimals": d.one_of([0, 1, 2, -1])} if d.some(0.5) else {}


@spec("reshape")
def _(d):
    x = d.array()
    lengths = [int(n) for n in d.rng.permutation(x.shape)] if d.some(0.6) else [-1]
    return [x, lengths[0] if len(lengths) == 1 and d.some(0.5) else tuple(lengths)], {"order": "F"} if d.some(
        0.2
    ) else {}


@spec("ravel")
def _(d):
    return [d.array()], {"order": "F"} if d.some(0.3) else {}


@spec("transpose")
def _(d):
    x = d.array()
    return [x], {"axes": tuple(int(n) for n in d.rng.permutation(x.ndim))} if d.some(0.6) else {}


@spec("swapaxes moveaxis")
def _(d):
    x = d.array()
    return [x, d.axis(x.ndim), d.axis(x.ndim)], {}


@spec("rollaxis")
def _(d):
    x = d.array(low=1)
    return [x, d.axis(x.ndim)], {"start": int(d.rng.integers(-x.ndim, x.ndim + 1))} if d.some(0.5) else {}


@spec("expand_dims")
def _(d):
    x = d.array()
    return [x, d.axis(x.ndim + 1) if d.some(0.6) else (0, d.axis(x.ndim + 2))], {}


@spec("squeeze")
def _(d):
    x = d.array()
    return [x], d.options("axes", x=x)


@spec("flip")
def _(d):
    x = d.array()
    return [x], d.options("axes", x=x)


@spec("roll")
def _(d):
    x = d.array()
    if d.some(0.3) and x.ndim:
        return [x, (1, -2), (0, d.axis(x.ndim))], {}
    return [x, int(d.rng.integers(-5, 6))], {"axis": d.axis(x.ndim)} if d.some(0.5) else {}


@spec("rot90")
def _(d):
    x = d.array(low=1)
    return [x], {"k": int(d.rng.integers(-3, 6))} | ({"axes": (d.axis(x.ndim), d.axis(x.ndim))} if d.some(0.4) else {})


@spec("broadcast_to")
def _(d):
    shape = d.shape()
    return [d.array(d.broadcasting(shape)), shape], {}


@spec("broadcast_arrays meshgrid")
def _(d):
    shape = d.shape()
    return [d.array(d.broadcasting(shape)) for _ in range(d.rng.integers(1, 4))], {}


@spec("tile")
def _(d):
    return [d.array(), d.one_of([2, (2,), (1, 2), (2, 1, 3), 0, ()])], {}


@spec("repeat")
def _(d):
    x = d.array()
    axis = {"axis": d.axis(x.ndim)} if d.some(0.6) else {}
    return [x, int(d.rng.integers(-1, 4))], axis


@spec("concatenate append")
def _(d):
    x = d.array()
    axis = None if d.some(0.2) else d.axis(x.ndim)
    other = list(x.shape)
    if x.ndim and axis is not None and -x.ndim <= axis < x.ndim:
        other[axis] = int(d.rng.integers(0, 4))
    return [x, d.array(tuple(other))], {"axis": axis} if d.some(0.8) else {}


@spec("stack")
def _(d):
    x = d.array()
    return [[x, d.array(x.shape)]], {"axis": d.axis(x.ndim + 1)} if d.some(0.6) else {}


@spec("hstack vstack dstack column_stack")
def _(d):
    x = d.array()
    return [[x, d.array(x.shape)]], {}


@spec("split array_split")
def _(d):
    x = d.array(low=1)
    axis = {"axis": d.axis(x.ndim)} if d.some(0.6) else {}
    return [x, d.one_of([1, 2, 3, 0, [1], [1, 3], [2, 1], [-1], [7], []])], axis


@spec("hsplit vsplit dsplit")
def _(d):
    return [d.array(), d.one_of([1, 2, [1], [1, 3]])], {}


@spec("pad")
def _(d):
    x = d.array()
    mode = d.one_of(["constant", "edge", "reflect", "symmetric", "wrap"])
    width = d.one_of([0, 1, 2, (1, 2), [(1, 0)] * x.ndim])
    options = {"constant_values": d.one_of([0, 1, 2.5, (1, 2)])} if mode == "constant" and d.some(0.5) else {}
    return [x, width, *([mode] if d.some(0.7) else [])], options if mode == "constant" else {}


@spec("diagonal trace")
def _(d):
    x = d.array(low=1)
    options = {"offset": int(d.rng.integers(-3, 4))} if d.some(0.5) else {}
    if d.some(0.5):
        options |= {"axis1": d.axis(x.ndim), "axis2": d.axis(x.ndim)}
    return [x], options


@spec("linalg.diagonal linalg.trace")
def _(d):
    return [d.array(low=1)], {"offset": int(d.rng.integers(-3, 4))} if d.some(0.5) else {}


@spec("diag diagflat tril triu")
def _(d):
    return [d.array(low=1)], {"k": int(d.rng.integers(-3, 4))} if d.some(0.6) else {}


@spec("take")
def _(d):
    x = d.array()
    axis = None if d.some(0.3) else d.axis(x.ndim)
    n = x.size if axis is None else x.shape[axis] if -x.ndim <= axis < x.ndim else 1
    mode = d.one_of(["raise", "wrap", "clip"])
    reach = n if mode == "raise" and d.some(0.9) else n + 3
    index = np.asarray(d.rng.integers(-max(reach, 1), max(reach, 1), d.shape(0, 2)))
    return [x, index], {"axis": axis} | ({"mode": mode} if mode != "raise" else {})


@spec("take_along_axis")
def _(d):
    x = d.array(low=1)
    axis = d.axis(x.ndim)
    shape = list(x.shape)
    if -x.ndim <= axis < x.ndim:
        n = shape[axis]
        shape[axis] = int(d.rng.integers(0, 4))
    else:
        n = 1
    return [x, np.asarray(d.rng.integers(-max(n, 1), max(n, 1), shape))], {"axis": axis}


@spec("compress")
def _(d):
    x = d.array()
    return [np.asarray(d.rng.random(d.rng.integers(0, 4)) < 0.5), x], d.options("axis", x=x)


@spec("choose")
def _(d):
    shape = d.shape()
    mode = d.one_of(["raise", "wrap", "clip"])
    index = np.asarray(d.rng.integers(0, 3, d.broadcasting(shape))) if mode == "raise" else d.rng.integers(-4, 6, shape)
    return [index, [d.array(d.broadcasting(shape), ["f4"]) for _ in range(3)]], {"mode": mode}


@spec("select")
def _(d):
    shape = d.shape()
    conditions = [np.asarray(d.rng.random(shape) < 0.5) for _ in range(2)]
    return [conditions, [d.array(shape) for _ in range(2)]], {"default": d.one_of([0, 1])} if d.some(0.5) else {}


@spec("searchsorted")
def _(d):
    return [np.sort(d.array((4,), ["f4", "f8"])), d.array(dtypes=["f4", "f8"])], {"side": d.one_of(["left", "right"])}


@spec("partition argpartition")
def _(d):
    x = d.array(low=1)
    return [x, int(d.rng.integers(-2, 3))], {"axis": d.axis(x.ndim)} if d.some(0.5) else {}


@spec("nonzero argwhere flatnonzero fliplr flipud copy atleast_1d atleast_2d atleast_3d")
@spec("matrix_transpose isposinf isneginf sinc modf real imag linalg.matrix_transpose")
def _(d):
    return [d.array()], {}


@spec("zeros_like ones_like")
def _(d):
    return [d.array()], d.options("dtype") | ({"shape": (2, 3)} if d.some(0.3) else {})


@spec("full_like")
def _(d):
    x = d.array()
    return [x, d.one_of([2, 2.5, d.array(d.broadcasting(x.shape))])], d.options("dtype")


@spec("astype")
def _(d):
    return [d.array(), d.dtype()], {}


@spec("linspace")
def _(d):
    a = d.array(high=1, dtypes=["f4", "f8"])
    options = {"num": int(d.rng.integers(0, 6)), "endpoint": bool(d.some(0.5))}
    return [a, d.array(a.shape, dtypes=["f4", "f8"])], options | ({"axis": d.one_of([0, -1])} if d.some(0.3) else {})


@spec("matmul vecdot linalg.matmul dot inner vdot")
def _(d):
    n = int(d.rng.integers(1, 4))
    shapes = d.one_of([((n,), (n,)), ((2, n), (n, 3)), ((n,), (n, 3)), ((2, n), (n,)), ((2, 3, n), (n, 2))])
    if d.some(0.2):
        shapes = (shapes[0], (*shapes[1][:-1], n))
    return [d.array(s) for s in shapes], {}


@spec("tensordot")
def _(d):
    return [d.array((2, 3, 4)), d.array((3, 4, 2))], {
        "axes": d.one_of([2, 0, ([1], [0]), ([1, 2], [0, 1]), 1, (0, -1)])
    }


@spec("outer kron multiply")
def _(d):
    return [d.array(high=2), d.array(high=2)], {}


@spec("linalg.outer")
def _(d):
    return [d.array(high=2), d.array(high=2)], {}


@spec("linalg.tensordot")
def _(d):
    return [d.array((2, 3)), d.array((3, 2))], {"axes": d.one_of([0, 1, 2])}


@spec("linalg.vecdot")
def _(d):
    x = d.array(low=1)
    return [x, d.array(x.shape)], d.options("axis", x=x)


@spec("cross")
def _(d):
    return [d.array((2, 3)), d.array(d.one_of([(3,), (2, 3), (1, 3)]))], {}


@spec("linalg.cross")
def _(d):
    return [d.array(d.one_of([(2, 3), (3, 2)])), d.array((3,) if d.some(0.5) else (2, 3))], {}


@spec("einsum")
def _(d):
    n, m = (int(d.rng.integers(1, 4)) for _ in range(2))
    equation, shapes = d.one_of(
        [
            ("ij,jk", [(n, m), (m, 2)]), ("ij->j", [(n, m)]), ("ii", [(n, n)]), ("ij,ij->", [(n, m), (n, m)]),
            ("...i,...i", [(2, n), (n,)]), ("i,j->ji", [(n,), (m,)]), ("ijk->ki", [(n, m, 2)]), ("ii->i", [(n, n)]),
        ]
    )  # fmt: skip
    return [equation, *(d.array(s) for s in shapes)], {}


@spec("linalg.norm")
def _(d):
    x = d.array()
    orders = [None, 0, 1, 2, 3, -1, -2, 0.5, np.inf, -np.inf, "fro", "nuc"]
    return [x], d.options("axes", "keepdims", x=x) | ({"ord": d.one_of(orders)} if d.some(0.6) else {})


@spec("linalg.vector_norm")
def _(d):
    x = d.array()
    return [x], d.options("axes", "keepdims", x=x) | ({"ord": d.one_of([0, 1, 2, 3, -1, np.inf, -np.inf])})


@spec("linalg.matrix_norm")
def _(d):
    d.special = False
    return [d.array(low=2, dtypes=["f4", "f8"])], {"ord": d.one_of(["fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf])}


EXPLAINED = {}
"""What differs on purpose: names, and the reason, by a function of a call and of what came out of it."""


def explained(names, reason):
    def note(f):
        for name in names.split():
            EXPLAINED.setdefault(name, []).append((reason, f))
        return f

    return note


@explained("partition", "which smaller elements stand where is not defined: only the one at kth is")
def _(args, kwargs, found, expected):
    (mine, _), (theirs, _) = found, expected
    axis, kth = kwargs.get("axis", -1), args[1]
    if isinstance(mine, Exception) or isinstance(theirs, Exception) or not mine[0].size:
        return False
    same = np.array_equal(np.take(mine[0], kth, axis), np.take(theirs[0], kth, axis), equal_nan=True)
    return same and np.array_equal(np.sort(mine[0], axis), np.sort(theirs[0], axis), equal_nan=True)


@explained(
    "dot inner vdot tensordot matmul linalg.matmul linalg.tensordot einsum vecdot linalg.vecdot", "BLAS warns or not"
)
@explained(
    "sum prod nansum nanprod mean nanmean var std nanvar nanstd cumsum cumprod", "what where= drops is not converted"
)
def _(args, kwargs, found, expected):
    return difference((found[0], set()), (expected[0], set())) is None


@explained("dot inner vdot", "of two single numbers BLAS leaves out what is multiplied by 0, be it nan or infinite")
def _(args, kwargs, found, expected):
    return any(not np.isfinite(x).all() for x in args) and any((x == 0).any() for x in args)


@explained("clip", "NumPy 2.0 refuses to clip without bounds")
def _(args, kwargs, found, expected):
    return "One of max or min must be given" in str(expected[0]) and args[1:] == [None, None]


@explained("nanvar nanstd", "NumPy takes the deviations in the dtype of the numbers, whatever that of the result")
def _(args, kwargs, found, expected):
    return difference(found, expected, TOLERANCES.get(args[0].dtype.str[1:], 0)) is None


@explained("std nanstd", "NumPy has a square root in integers of a single number, and none of several")
def _(args, kwargs, found, expected):
    return isinstance(expected[0], TypeError) and np.dtype(kwargs.get("dtype", "f8")).kind != "f"


@explained("compress take", "elements of an axis that has none, of which there are none in the result either")
def _(args, kwargs, found, expected):
    return isinstance(found[0], IndexError) and not isinstance(expected[0], Exception) and not expected[0][0].size


def in_float64(value):
    if isinstance(value, np.ndarray):
        return value.astype("f8") if value.dtype == "f2" else value
    return [in_float64(x) for x in value] if isinstance(value, (list, tuple)) and any_array(value) else value


def rounded(outputs, warned):
    """What came out in float64, as float16."""
    with np.errstate(all="ignore"):
        return [x.astype("f2") if x.dtype == "f8" else x for x in outputs], warned


def agrees_with_float64(theirs, args, kwargs, found):
    """Of float16 NumPy adds up in float16 or in float32; here the result is that of more digits, rounded once."""
    outputs, warned = found
    if isinstance(outputs, Exception) or not any(x.dtype == "f2" for x in outputs):
        return False
    expected, _ = run(theirs, in_float64(args), kwargs)
    if isinstance(expected, Exception):
        return False
    return difference((outputs, warned), rounded(expected, warned), 2e-3) is None


@explained("average", "of nothing: NumPy divides by Python's 0")
@explained(
    "linalg.matrix_norm linalg.norm linalg.vector_norm",
    "the largest of nothing: NumPy raises or answers 0, as its version has it",
)
def _(args, kwargs, found, expected):
    return not args[0].size


def callables():
    """Every function of this package that NumPy has, too, by its name."""
    found = {}
    for prefix, ours, theirs in (("", tgl.ops, np), ("linalg.", linalg, np.linalg)):
        for name in ours.__all__:
            if callable(getattr(theirs, name, None)):
                found[prefix + name] = (getattr(ours, name), getattr(theirs, name))
    return found


def arguments(name, theirs, d):
    """Positional arguments and keywords for one call, or None where there is no drawing for it."""
    maker = SPECIAL.get(name)
    if maker is not None:
        return maker(d)
    if isinstance(theirs, np.ufunc):
        shape = d.shape()
        return [d.array(d.broadcasting(shape)) for _ in range(theirs.nin)], {}
    return None


NOT_DRAWN = {
    "arange", "eye", "full", "identity", "ones", "zeros",  # no array goes in
    *(f"linalg.{n}" for n in ("cholesky", "cond", "det", "eigh", "eigvalsh", "inv", "lstsq", "matrix_power",
      "matrix_rank", "multi_dot", "pinv", "qr", "slogdet", "solve", "svd", "svdvals", "tensorinv", "tensorsolve")),
}  # fmt: skip

# Comparing ----------------------------------------------------------------------------------------------------

CRASHES = (AttributeError, KeyError, UnboundLocalError, AssertionError, RecursionError, NameError, SystemError)


def run(f, args, kwargs):
    """What comes out: arrays or an exception, and the kinds of warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = f(*args, **kwargs)
        except Exception as error:
            return error, set()
    outputs = [np.asarray(x.numpy() if isinstance(x, tgl.Tensor) else x) for x in flatten(list_of(result))]
    return outputs, {w.category.__name__ for w in caught}


def list_of(result):
    return list(result) if isinstance(result, tuple) else result


def to_tensors(value):
    if isinstance(value, np.ndarray):
        return tgl.constant(value)
    return [to_tensors(x) for x in value] if isinstance(value, list) and any_array(value) else value


def any_array(values):
    return any(isinstance(x, np.ndarray) for x in values)


TOLERANCES = {"f2": 4e-3, "f4": 2e-5, "f8": 1e-11}


def difference(mine, theirs, least=0.0):
    """What differs, in words; None if nothing does; `least` is the least tolerance of numbers."""
    (found, warned), (expected, numpy_warned) = mine, theirs
    if isinstance(found, Exception) or isinstance(expected, Exception):
        if isinstance(found, CRASHES):
            return f"crashes: {found!r}"
        if isinstance(found, Exception) and isinstance(expected, Exception):
            return None
        if isinstance(found, Exception):
            return f"raises {type(found).__name__}: {str(found)[:150]}"
        return f"answers {found}, where NumPy raises {expected!r}"
    if len(found) != len(expected):
        return f"{len(found)} results, NumPy {len(expected)}"
    for one, other in zip(found, expected):
        if one.dtype != other.dtype:
            return f"dtype {one.dtype}, NumPy {other.dtype}"
        if one.shape != other.shape:
            return f"shape {one.shape}, NumPy {other.shape}"
        tolerance = max(TOLERANCES[other.dtype.str[1:]], least) if other.dtype.kind == "f" else 0
        with np.errstate(all="ignore"):
            same = np.isclose(one, other, rtol=tolerance, atol=tolerance, equal_nan=True) if tolerance else one == other
        if not np.all(same):
            return f"values {one.tolist()}, NumPy {other.tolist()}"
    if (warned - numpy_warned) or (numpy_warned - warned):
        return f"warns {sorted(warned)}, NumPy {sorted(numpy_warned)}"
    return None


def show(name, args, kwargs):
    def text(x):
        return f"{x.dtype.str[1:]}{x.tolist()!r}{x.shape}" if isinstance(x, np.ndarray) else repr(x)

    return f"{name}({', '.join([*map(text, args), *(f'{k}={text(v)}' for k, v in kwargs.items())])})"


def one_call(name, ours, theirs, seed):
    """The differences of one drawn call, as lines; None if nothing is drawn for the function."""
    d = Draw(np.random.default_rng([seed, zlib.crc32(name.encode())]))
    drawn = arguments(name, theirs, d)
    if drawn is None:
        return None
    args, kwargs = drawn
    numpys_args = [args] if name in ("concatenate",) else args
    if name == "concatenate":
        args = [args]
    tensors = [to_tensors(x) for x in args]
    expected = run(theirs, numpys_args, kwargs)
    ways = {"arrays": (ours, args), "tensors": (ours, tensors), "NumPy's name": (theirs, tensors)}
    lines = []
    for way, (f, given) in ways.items():
        found = run(f, given, kwargs)
        what = difference(found, expected)
        on_purpose = any(says(args, kwargs, found, expected) for _, says in EXPLAINED.get(name, []))
        if what is None or on_purpose or agrees_with_float64(theirs, numpys_args, kwargs, found):
            continue
        lines.append(f"{show(name, args, kwargs)} [{way}, seed {seed}]: {what}")
    return lines


SHAPES_OF_VALUES = {"argwhere", "compress", "flatnonzero", "nonzero", "unique"}  # a tgl.function refuses them


def compiled_differences(name, ours, theirs, seed):
    """What differs in the bits of one drawn call and of its gradients, eager and under `tgl.function`, as lines."""
    d = Draw(np.random.default_rng([seed, zlib.crc32(name.encode())]))
    args, kwargs = arguments(name, theirs, d)
    tensors = [to_tensors(x) for x in ([args] if name == "concatenate" else args)]

    def call(*given):
        return ours(*given, **kwargs)

    def gradients(*given):
        watched = [x for x in flatten(list(given)) if isinstance(x, tgl.Tensor) and x.dtype.kind == "f"]
        with tgl.GradientTape() as tape:
            tape.watch(watched)
            y = [x for x in flatten(list_of(ours(*given, **kwargs))) if x.dtype.kind == "f"]
        return tape.gradient(y, watched, unconnected_gradients="zero") if y and watched else []

    lines = []
    for f, what in ((call, "value"), (gradients, "gradient")):
        (eager, _), (compiled, _) = run(f, tensors, {}), run(tgl.function(f), tensors, {})
        if isinstance(eager, Exception) and isinstance(compiled, Exception):
            break
        if isinstance(eager, Exception) or isinstance(compiled, Exception) or not all(map(same_bits, eager, compiled)):
            lines.append(f"{show(name, args, kwargs)} [{what} compiled, seed {seed}]: {compiled}, eager {eager}")
    return lines


def same_bits(one, other):
    is_float = one.dtype.kind == "f"
    return (one.shape, one.dtype) == (other.shape, other.dtype) and np.array_equal(one, other, equal_nan=is_float)


def compare(names=None, calls=50, seed=0, compiled=False):
    """Number of calls, and what differed: from NumPy, or compiled from eager."""
    count, lines = 0, []
    for name, (ours, theirs) in callables().items():
        if name in NOT_DRAWN or (names and name not in names) or (compiled and name in SHAPES_OF_VALUES):
            continue
        for n in range(calls):
            way = compiled_differences if compiled else one_call
            found = way(name, ours, theirs, seed * 100_000 + n)
            if found is None:
                lines.append(f"{name}: no drawing for it; write one with @spec, or list it in NOT_DRAWN")
                break
            count += 1
            lines += found
    return count, lines


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("names", nargs="*")
    parser.add_argument("--calls", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--compiled", action="store_true", help="compare tgl.function with eager calls, bit for bit")
    given = parser.parse_args()
    count, lines = compare(set(given.names), given.calls, given.seed, given.compiled)
    print(*lines, sep="\n")
    ways = "value and gradients, compiled and eager" if given.compiled else "three ways each"
    print(f"{count} calls, {ways}: {len(lines)} differences")
    print(Counter(line.partition("(")[0] for line in lines).most_common())
    sys.exit(bool(lines))


if __name__ == "__main__":
    main()
