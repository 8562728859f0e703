"""Functions that are made of primitives: which index, which axis, which order they work out can be wrong, too.

NumPy's function of the same name is the reference of nearly all of them, called with the same keywords.
"""

import numpy as np
from hypothesis import strategies as st

from primitive_cases import elementwise
from primitive_cases.elementwise import each
from primitive_cases.indexing import _indexed
from primitive_cases.reductions import ANY_AXES, EXTREMUM, SPREAD, TRUTHS, an_axis, one_axis
from primitive_cases.shaping import _parts, _reshapes, _targets
from tinygrad_lite.ops.indexing import _filled
from tinygrad_lite.testing import strategies

arrays, shapes = strategies.arrays, strategies.shapes
NO_TIES = {"distinct": True, "by": 1 / 16}
MATRIX = {"min_dims": 2}
VECTOR = {"min_dims": 1}


def numpys(name, older):
    """NumPy's function; the older one of the same meaning where NumPy does not have it yet (2.0)."""
    return getattr(np, name, older)


def truths_of(a):
    return arrays(a.shape, dtype=bool)


@st.composite
def _alike(draw, least=1, most=3, **bounds):
    """A list of arrays of one shape, as the one argument."""
    shape = draw(shapes(**bounds))
    return ([draw(arrays(shape)) for _ in range(draw(st.integers(least, most)))],)


@st.composite
def _joined(draw, axis, ndims):
    """A list of arrays that differ in length along one axis."""
    shape = draw(shapes(min_dims=ndims[0], max_dims=ndims[1], max_side=3))
    own = [[*shape[:axis], draw(st.integers(0, 3)), *shape[axis + 1 :]] for _ in range(draw(st.integers(1, 3)))]
    return ([draw(arrays(tuple(side))) for side in own],)


@st.composite
def _columns(draw):
    rows = draw(st.integers(1, 3))
    parts = draw(st.lists(st.sampled_from([(rows,), (rows, 1), (rows, 2)]), min_size=1, max_size=3))
    return ([draw(arrays(shape)) for shape in parts],)


@st.composite
def _split(draw, axis, min_dims, equal=True):
    """An array, and a number of parts or places at which to cut it."""
    shape = list(draw(shapes(min_dims=min_dims, max_side=3)))
    count = draw(st.integers(1, 3))
    shape[axis] = count * draw(st.integers(1, 2)) if equal else draw(st.integers(1, 5))
    cut = draw(st.just(count) | st.lists(st.integers(0, 4), max_size=2).map(sorted))
    return (draw(arrays(tuple(shape))),), {"indices_or_sections": cut}


@st.composite
def _with_axis(draw, cases):
    """The cases of `_split` along any axis."""
    axis = draw(st.integers(0, 2))
    arguments, metadata = draw(cases(axis))
    return arguments, {**metadata, "axis": draw(st.sampled_from([axis, axis - arguments[0].ndim]))}


@st.composite
def _contractions(draw):
    """Tensors, and the axes that their product is summed over: a number, or which of either."""
    common = draw(shapes(max_dims=2, max_side=2))
    left, right = draw(shapes(max_dims=1, max_side=3)), draw(shapes(max_dims=1, max_side=3))
    a, b = draw(arrays((*left, *common))), draw(arrays((*common, *right)))
    if draw(st.booleans()):
        return (a, b), {"axes": len(common)}
    order = draw(st.permutations(range(len(common))))
    axes = [len(left) + n for n in order], [n - b.ndim for n in order]
    return (a, b), {"axes": axes}


@st.composite
def _crossed(draw):
    lead = draw(strategies.broadcastable_shapes(2, max_dims=1, max_side=2))
    return tuple(draw(arrays((*shape, 3))) for shape in lead)


@st.composite
def _taken(draw):
    x = draw(arrays(shapes(min_dims=1, max_side=3)))
    axis = draw(one_axis(x))
    length = x.size if axis is None else x.shape[axis]
    indices = draw(arrays(shapes(max_dims=2, min_side=0, max_side=2), dtype=int, low=-length, high=length - 1))
    return (x, indices), {"axis": axis}


@st.composite
def _lines_taken(draw):
    x = draw(arrays(shapes(min_dims=1, max_side=3)))
    axis = draw(an_axis(x))
    shape = list(x.shape)
    shape[axis] = draw(st.integers(1, 3))
    indices = draw(arrays(tuple(shape), dtype=int, low=-x.shape[axis], high=x.shape[axis] - 1))
    return (x, indices), {"axis": axis}


@st.composite
def _chosen_from(draw):
    count = draw(st.integers(1, 3))
    mode = draw(st.sampled_from(["raise", "wrap", "clip"]))
    shape = draw(shapes(max_dims=2, max_side=2))
    low, high = (0, count - 1) if mode == "raise" else (-2, 4)
    which = draw(arrays(shape, dtype=int, low=low, high=high))
    return (which, [draw(arrays(draw(st.sampled_from([shape, ()])))) for _ in range(count)]), {"mode": mode}


@st.composite
def _selected(draw):
    shape, count = draw(shapes(max_dims=2, max_side=2)), draw(st.integers(1, 3))
    conditions = [draw(arrays(shape, dtype=bool)) for _ in range(count)]
    return (conditions, [draw(arrays(shape)) for _ in range(count)]), {"default": draw(st.sampled_from([0, 1.5]))}


@st.composite
def _compressed(draw):
    x = draw(arrays(shapes(min_dims=1, max_side=3)))
    axis = draw(one_axis(x))
    length = x.size if axis is None else x.shape[axis]
    return (draw(arrays((draw(st.integers(0, length)),), dtype=bool)), x), {"axis": axis}


@st.composite
def _padded(draw):
    x = draw(arrays(shapes(min_dims=1, max_side=3)))
    mode = draw(st.sampled_from(["constant", "edge", "reflect", "symmetric", "wrap"]))
    width = draw(st.integers(0, 4) | st.tuples(st.integers(0, 3), st.integers(0, 3)))
    return (x,), {"pad_width": width, "mode": mode}


@st.composite
def _repeated(draw):
    x = draw(arrays(shapes(min_dims=1, max_side=3)))
    axis = draw(one_axis(x))
    length = x.size if axis is None else x.shape[axis]
    counts = st.lists(st.integers(0, 2), min_size=length, max_size=length)
    return (x,), {"repeats": draw(st.integers(0, 3) | counts), "axis": axis}


@st.composite
def _rolled(draw):
    x = draw(arrays(shapes(min_dims=1, max_side=3)))
    return (x,), {"axis": draw(an_axis(x)), "start": draw(st.integers(-x.ndim, x.ndim))}


@st.composite
def _traced(draw):
    x = draw(arrays(shapes(min_dims=2, max_side=3)))
    axis1, axis2 = draw(st.permutations(range(x.ndim)))[:2]
    return (x,), {"offset": draw(st.integers(-1, 1)), "axis1": axis1, "axis2": axis2}


@st.composite
def _partitioned(draw):
    (x,) = draw(strategies.distinct_arrays([draw(shapes(min_dims=1, max_side=3))], by=1 / 16))
    axis = draw(one_axis(x))
    return (x,), {"kth": draw(st.integers(0, (x.size if axis is None else x.shape[axis]) - 1)), "axis": axis}


@st.composite
def _integrals(draw):
    """Heights, and where they are: at equal distances, at places of one line, at places of their own."""
    y = draw(arrays(shapes(min_dims=1, max_side=3)))
    axis = draw(an_axis(y))
    x = draw(st.sampled_from([None, (y.shape[axis],), y.shape]))
    return ((y,) if x is None else (y, draw(arrays(x)))), {"axis": axis, **({"dx": 0.5} if x is None else {})}


@st.composite
def _slopes(draw):
    y = draw(arrays(shapes(min_dims=1, max_dims=2, min_side=3)))
    axis = draw(an_axis(y))
    places = np.cumsum(draw(arrays((y.shape[axis],), low=0.5)))
    spacing = draw(st.sampled_from([(), (0.5,), (places,)]))
    return (y, *spacing), {"axis": axis, "edge_order": draw(st.sampled_from([1, 2]))}


@st.composite
def _averages(draw):
    a = draw(arrays(shapes(min_dims=1, max_side=3)))
    axis = draw(one_axis(a))
    shape = a.shape if axis is None or draw(st.booleans()) else (a.shape[axis],)
    return (a,), {"axis": axis, "weights": draw(arrays(shape, low=0.5))}


@st.composite
def _sought(draw):
    (a,) = draw(strategies.distinct_arrays([(draw(st.integers(1, 4)),)], by=1 / 16))
    return (np.sort(a), draw(arrays())), {"side": draw(st.sampled_from(["left", "right"]))}


@st.composite
def _index(draw, kind):
    """Indexing as users write it: an array, an index with arrays in it, perhaps a value."""
    arguments, metadata = draw(_indexed(kind=kind))
    count = 1 if kind == "getitem" else 2
    index = _filled(metadata["template"], arguments[count:])
    return (arguments[0], index, *arguments[1:count])


def _put(x, key, value):
    x[key] = value
    return x


def _plus(x, key, value):
    np.add.at(x, key, value)
    return x


def _equations():
    return strategies.einsum_equations().flatmap(
        lambda drawn: st.tuples(*map(arrays, drawn[1])).map(lambda operands: (operands, {"subscripts": drawn[0]}))
    )


OTHERS = {
    # reductions
    "sum": {"metadata": {**ANY_AXES, "where": truths_of, "initial": 2.0}},
    "prod": {"metadata": {**ANY_AXES, "where": truths_of, "initial": 2.0}, "max_dims": 2},
    "mean": {"metadata": ANY_AXES, "empty": False},
    "var": SPREAD,
    "std": {**SPREAD, "shapes": shapes(min_dims=1, min_side=2, max_side=3)},
    **each("max min amax amin ptp", EXTREMUM),
    "all": TRUTHS,
    "any": TRUTHS,
    **each("nansum nanprod nanmean", {"metadata": ANY_AXES, "empty": False, "max_dims": 2}),
    **each("nanmax nanmin", EXTREMUM),
    "nanvar": SPREAD,
    "nanstd": {**SPREAD, "shapes": shapes(min_dims=1, min_side=2, max_side=3)},
    "average": {"cases": _averages()},
    # along a line
    "cumsum": {"metadata": {"axis": one_axis}, **VECTOR},
    "cumprod": {"metadata": {"axis": one_axis}, **VECTOR},
    "cumulative_sum": {"metadata": {"axis": an_axis}, **VECTOR, "reference": numpys("cumulative_sum", np.cumsum)},
    "cumulative_prod": {"metadata": {"axis": an_axis}, **VECTOR, "reference": numpys("cumulative_prod", np.cumprod)},
    "diff": {"metadata": {"n": st.integers(0, 3), "axis": an_axis}, **VECTOR},
    "ediff1d": {"count": 1},
    "trapezoid": {"cases": _integrals()},
    "gradient": {"cases": _slopes()},
    # shape
    "reshape": {"metadata": {"shape": _reshapes}, "reference": lambda a, shape: np.reshape(a, shape)},
    "ravel": {"metadata": {"order": st.sampled_from(["C", "F"])}},
    "atleast_1d": {"count": 1},
    "atleast_2d": {"count": 1},
    "atleast_3d": {"count": 1},
    "broadcast_to": {"metadata": {"shape": _targets}},
    "broadcast_arrays": {"count": 2, "broadcasts": True},
    "rollaxis": {"cases": _rolled()},
    "fliplr": MATRIX,
    "flipud": VECTOR,
    "tile": {"metadata": {"reps": st.integers(0, 2) | st.tuples(st.integers(0, 2), st.integers(1, 2))}},
    "meshgrid": {
        "arguments": st.lists(arrays(shapes(min_dims=1, max_dims=1, max_side=3)), min_size=1, max_size=3).map(tuple),
        "metadata": {"indexing": st.sampled_from(["xy", "ij"]), "sparse": st.booleans()},
    },
    # joining and cutting
    "concatenate": {"cases": _parts(of_one_shape=False).map(lambda drawn: ((list(drawn[0]),), drawn[1]))},
    "stack": {"cases": _parts(of_one_shape=True).map(lambda drawn: ((list(drawn[0]),), drawn[1]))},
    "hstack": {"arguments": _joined(0, (1, 1)) | _joined(1, (2, 3)) | _alike(max_dims=0)},
    "vstack": {"arguments": _joined(0, (2, 3)) | _alike(max_dims=1, max_side=3)},
    "dstack": {"arguments": _joined(2, (3, 3)) | _alike(max_dims=2, max_side=2)},
    "column_stack": {"arguments": _columns()},
    "append": {"cases": _parts(of_one_shape=False).map(lambda drawn: ((drawn[0][0], drawn[0][-1]), drawn[1]))},
    "split": {"cases": _with_axis(lambda axis: _split(axis, axis + 1))},
    "array_split": {"cases": _with_axis(lambda axis: _split(axis, axis + 1, equal=False))},
    "hsplit": {"cases": _split(1, 2)},
    "vsplit": {"cases": _split(0, 2)},
    "dsplit": {"cases": _split(2, 3)},
    # selection
    "getitem": {"arguments": _index("getitem"), "reference": lambda x, index: x[index]},
    "index_set": {"arguments": _index("set"), "reference": _put},
    "index_add": {"arguments": _index("add"), "reference": _plus},
    "take": {"cases": _taken()},
    "take_along_axis": {"cases": _lines_taken()},
    "choose": {"cases": _chosen_from()},
    "select": {"cases": _selected()},
    "compress": {"cases": _compressed()},
    "sort": {"metadata": {"axis": one_axis}, **VECTOR, **NO_TIES},
    "partition": {"cases": _partitioned()},
    "searchsorted": {"cases": _sought()},
    "unique": {**NO_TIES, "count": 1},
    "repeat": {"cases": _repeated()},
    "pad": {"cases": _padded()},
    "clip": {"count": 3, "broadcasts": True, **NO_TIES},
    # diagonals
    "diag": {"metadata": {"k": st.integers(-2, 2)}, "min_dims": 1, "max_dims": 2},
    "diagflat": {"metadata": {"k": st.integers(-2, 2)}, "max_dims": 2},
    "trace": {"cases": _traced()},
    # products
    "dot": {"shapes": st.sampled_from([((), (2,)), ((3,), (3,)), ((2, 3), (3,)), ((2, 3), (4, 3, 2)), ((0,), (0, 2))])},
    "vdot": {"max_dims": 2},
    "inner": {"shapes": st.sampled_from([((), ()), ((), (2,)), ((3,), (3,)), ((2, 3), (4, 3)), ((3,), (2, 2, 3))])},
    "outer": {"max_dims": 2, "max_side": 2},
    "kron": {"max_dims": 2, "max_side": 2},
    "tensordot": {"cases": _contractions()},
    "cross": {"arguments": _crossed()},
    "vecdot": {
        "shapes": st.sampled_from([((3,), (3,)), ((2, 3), (3,)), ((2, 1, 3), (4, 3))]),
    },
    "einsum": {
        "cases": _equations().map(lambda drawn: ((drawn[1]["subscripts"], *drawn[0]), {})),
        "reference": np.einsum,
    },
    # others
    "cast": {"metadata": {"dtype": "float64"}, "reference": lambda x, dtype: x.astype(dtype), "keeps_dtype": False},
    "linspace": {"count": 2, "broadcasts": True, "metadata": {"num": st.integers(0, 4), "endpoint": st.booleans()}},
    **each("zeros_like ones_like", {"count": 1, "order": 0}),
    "full_like": {"metadata": {"fill_value": 1.5}, "count": 1, "order": 0},
    "divmod": {"arguments": elementwise.CASES["remainder"]["arguments"]},
    "real": {"count": 1},
    "modf": {"avoid": range(-3, 4)},
    "copy": {"count": 1},
    "softmax_cross_entropy_with_logits": {"min_dims": 1, "empty": False, "reference": None},
    "sigmoid_cross_entropy_with_logits": {"reference": None},
}

ELSEWHERE = {
    # is cast, with a dtype that cannot be passed by name
    "astype",
    # made from a shape or from numbers alone: tests of creation
    "arange", "eye", "identity", "full", "ones", "zeros",
    # draws at random
    "dropout",
    # its primitive has a case, which takes the arguments in the other order
    "sparse_softmax_cross_entropy_with_logits",
}  # fmt: skip
