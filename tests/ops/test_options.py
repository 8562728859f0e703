"""Keywords that the cases of primitives leave at their defaults: what NumPy answers, with the gradient of that."""

import inspect

import numpy as np
import pytest

import tinygrad_lite as tgl
from tinygrad_lite.core.structure import flatten
from tinygrad_lite.testing import check_gradients

X = np.array([[0.5, -1.5, 2.0], [3.0, 0.25, -0.75]])
HOLES = np.where(X < -1, np.nan, X)
MASK = np.array([[True, False, True], [True, True, False]])
FLAT = X.ravel()
NARROW = X.astype("float32")
HALVES = np.full(70_000, 1.0, "float16")  # more than float16 can count
NEAR = np.array([0.0, 5e-9, 5e-7, 5e-4])
WHOLE = np.array([3, 1, 2])


def plain(names, *arguments):
    """Calls without any keyword: the defaults are NumPy's."""
    return [(name, arguments, {}) for name in names.split()]


CALLS = [
    # a name, what to call it with, and NumPy's function where that is not of the same name, or has not got it yet
    *plain("sum prod mean var std max min ptp all any cumsum cumprod diff ediff1d sort argsort argmax argmin", X),
    *plain("count_nonzero flip fliplr flipud rot90 trace diag diagonal diagflat tril triu ravel transpose squeeze", X),
    *plain("nansum nanprod nanmean nanvar nanstd nanmax nanmin nan_to_num isnan", HOLES),
    *plain("roll repeat tile pad expand_dims take partition argpartition", X, 1),
    *plain("inner outer kron vdot cross meshgrid append hypot", X, X[::-1]),
    *plain("stack concatenate hstack vstack dstack column_stack", (X, X[::-1])),
    ("cross", (X[:, :2], X), {}, lambda a, b: np.cross(np.c_[a, [0, 0]], b)),
    ("cross", (X, X[:, 1:]), {}, lambda a, b: np.cross(a, np.c_[b, [0, 0]])),
    ("cross", (X[:, :2], X[:, 1:]), {}, lambda a, b: a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]),
    ("moveaxis", (np.stack([X, X]), 0, 2), {}),
    ("rollaxis", (np.stack([X, X]), 2), {}),
    ("rollaxis", (np.stack([X, X]), 0), {"start": 3}),
    ("rollaxis", (np.stack([X, X]), -1), {"start": -2}),
    *[(name, (NARROW,), {"dtype": "float64"}) for name in ("sum", "prod", "mean", "var", "std", "cumsum", "cumprod")],
    *[(name, (HALVES,), {"dtype": "float64"}) for name in ("sum", "mean", "var", "std", "nansum", "nanmean")],
    *[(name, (HOLES.astype("float32"),), {"dtype": "float64"}) for name in ("nansum", "nanprod", "nanmean", "nanvar")],
    *[(name, (X,), {"where": MASK, "axis": 1}) for name in ("sum", "prod", "mean", "var", "std", "all", "any")],
    *[(name, (HOLES,), {"where": MASK, "axis": 0}) for name in ("nansum", "nanprod", "nanmean", "nanvar", "nanstd")],
    *[(name, (X,), {"where": MASK, "keepdims": True}) for name in ("sum", "mean", "var", "std")],
    *[(name, (X,), {"where": MASK, "ddof": 0.5}) for name in ("var", "std")],
    *[
        (name, (X,), {"initial": 1.5, "where": MASK, "axis": 0})
        for name in ("max", "min", "amax", "amin", "sum", "prod")
    ],
    *[(name, (X,), {"initial": 0.3, "axis": 1}) for name in ("max", "min")],
    *[(name, (HOLES,), {"initial": 1.5, "where": MASK}) for name in ("nanmax", "nanmin", "nansum", "nanprod")],
    *[(name, (X,), {"initial": 0.3, "axis": 1, "keepdims": True}) for name in ("max", "min")],
    ("var", (X,), {"correction": 0.5}),
    ("std", (X,), {"correction": 1, "axis": 0}),
    ("var", (X,), {"mean": np.array([[0.5], [1.0]]), "axis": 1}),
    ("var", (X,), {"mean": 0.25, "ddof": 1}),
    ("std", (X,), {"mean": 0.25}),
    ("nanvar", (HOLES,), {"correction": 0.5}),
    ("nanstd", (HOLES,), {"correction": 0.5}),
    ("nanvar", (X,), {"mean": 0.25}),
    ("nanstd", (X,), {"mean": 0.25, "ddof": 1}),
    ("dot", (np.stack([X, -X]), FLAT[:3]), {}),
    ("dot", (FLAT[:3], np.stack([X.T, -X.T])), {}),
    ("inner", (np.stack([X, -X]), FLAT[:3]), {}),
    ("average", (X,), {}),
    ("average", (X,), {"axis": 1, "keepdims": True}),
    ("average", (X,), {"axis": 0, "returned": True}),
    ("average", (X,), {"axis": 1, "weights": [1.0, 2.0, 0.5], "returned": True}),
    ("average", (X,), {"weights": np.abs(X), "keepdims": True}),
    ("average", (X,), {"weights": [1.0, 3.0], "axis": 0, "keepdims": True, "returned": True}),
    ("average", (np.stack([X, -X]),), {"weights": X, "axis": (1, 2)}, lambda x, **_: (x * X).sum((1, 2)) / X.sum()),
    ("cumulative_sum", (X,), {"axis": 1, "include_initial": True}, lambda x, **_: np.c_[np.zeros(2), np.cumsum(x, 1)]),
    (
        "cumulative_prod",
        (X,),
        {"axis": 0, "include_initial": True},
        lambda x, **_: np.r_[[[1.0] * 3], np.cumprod(x, 0)],
    ),
    ("cumulative_sum", (NARROW[0],), {"dtype": "float64"}, np.cumsum),
    ("diff", (X,), {"prepend": 1.0, "append": X[:, :2], "axis": 1}),
    ("diff", (X,), {"prepend": X[:1], "axis": 0, "n": 2}),
    ("ediff1d", (FLAT,), {"to_begin": [7.0, 8.0], "to_end": -1.0}),
    ("trapezoid", (X,), {"dx": 0.5, "axis": 0}),
    *[("gradient", (X, *spacing), {}) for spacing in [(), (0.5,), (0.5, 2.0), ([0.0, 1.0], 2.0)]],
    ("gradient", (X, [0.0, 1.0, 3.0]), {"axis": 1}),
    ("gradient", (X, 0.5), {"axis": -1, "edge_order": 2}),
    ("reshape", (X, (3, 2)), {"order": "F"}),
    ("ravel", (X,), {"order": "F"}),
    ("concatenate", ((X, X),), {"axis": None}),
    ("concatenate", ((NARROW, NARROW),), {"axis": 1, "dtype": "float64"}),
    ("concatenate", ((X, X),), {"dtype": "float32", "casting": "same_kind"}),
    ("stack", ((NARROW, NARROW),), {"axis": -1, "dtype": "float64"}),
    ("hstack", ((NARROW, NARROW),), {"dtype": "float64"}),
    ("vstack", ((NARROW, NARROW),), {"dtype": "float64"}),
    ("hstack", ((X, X),), {"dtype": "int64", "casting": "unsafe"}),
    ("vstack", ((X, X),), {"dtype": "int64", "casting": "unsafe"}),
    ("stack", ((X, X),), {"dtype": "float32", "casting": "same_kind"}),
    ("take", (FLAT, [7, -8, 2]), {"mode": "wrap"}),
    ("take", (FLAT, [7, -8, 2]), {"mode": "clip"}),
    ("take", (X, [[3, -1]]), {"mode": "clip", "axis": 1}),
    ("choose", ([0, 2, -1], (FLAT[:3], FLAT[3:])), {"mode": "wrap"}),
    ("choose", ([0, 2, -1], (FLAT[:3], FLAT[3:])), {"mode": "clip"}),
    ("select", ([X > 1, X > 0], [X, 2 * X]), {"default": -1.0}),
    ("select", ([X > 1], [X]), {}),
    ("searchsorted", (np.sort(FLAT), FLAT), {"side": "right"}),
    ("searchsorted", (FLAT, FLAT), {"sorter": np.argsort(FLAT)}),
    ("repeat", (X, [1, 0, 2]), {"axis": 1}),
    *[("array_split", (np.arange(8.0), n), {}) for n in (3, 5, 7, 9, [2, 5], [-1])],
    ("array_split", (X, 2), {"axis": 1}),
    ("split", (X, [1]), {"axis": -1}),
    ("any", ([[0.0, 2.0], [0.0, 0.0]],), {"where": [[True, False], [True, True]], "axis": 1}),
    ("all", ([[0.0, 2.0], [3.0, 0.0]],), {"where": [[False, True], [True, True]], "axis": 1}),
    ("cumulative_sum", ([1.0, 2.0],), {"include_initial": True}, lambda x, **_: np.float32([0, 1, 3])),
    ("pad", (X, 1), {"mode": "edge"}),
    ("pad", (X, {0: 1, 1: (0, 2)}), {}, lambda x, _: np.pad(x, ((1, 1), (0, 2)))),
    ("pad", (X, {-1: (1, 2)}), {}, lambda x, _: np.pad(x, ((0, 0), (1, 2)))),
    ("pad", (X, ((1, 0), (0, 2))), {"mode": "constant", "constant_values": 1.5}),
    ("clip", (X, 0.3), {"a_max": None}),
    ("clip", (X, None, 0.3), {}),
    ("clip", (X, -1.0), {"a_max": 1.0}),
    ("clip", (X,), {"min": 0.3}, lambda x, min: np.maximum(x, min)),
    ("clip", (X,), {"max": 0.3}, lambda x, max: np.minimum(x, max)),
    ("clip", (X,), {}, lambda x: x),
    ("trace", (X,), {"offset": 1}),
    ("trace", (np.stack([X, X]),), {"axis1": 0, "axis2": 2}),
    ("trace", (NARROW,), {"dtype": "float64"}),
    ("cross", (X, X[::-1].T), {"axisb": 0}),
    ("cross", (X.T, X[::-1]), {"axisa": 0, "axisc": 0}),
    ("cross", (X.T, X.T[:, ::-1]), {"axis": 0}),
    ("vecdot", (X, X[::-1]), {"axis": 0}, lambda a, b, axis: (a * b).sum(axis)),
    ("einsum", ("ij,kj", NARROW, NARROW), {"dtype": "float64"}),
    ("einsum", ("ij,kj,kl", X, X, X), {"optimize": True}),
    ("einsum", ("ijk,ijk->jk", X[:1, None], X[:, None]), {}),
    ("einsum", (X, [0, 1], X, [2, 1], [0, 2]), {}),
    ("einsum", (X, [0, 1], X, [2, 1]), {}),
    ("einsum", (X, [Ellipsis, 1], X, [0, 1], [0, Ellipsis]), {}),
    ("linspace", (0.0, 1.0), {"num": 4, "retstep": True}, lambda *a, **k: tuple(map(np.float32, np.linspace(*a, **k)))),
    ("linspace", (FLAT[:2], FLAT[2:4]), {"num": 3, "endpoint": False, "retstep": True, "axis": 1}),
    ("linspace", (np.float64(0.5), 2.0), {"num": 1, "retstep": True}),
    ("linspace", (0.5, 9.5), {"num": 4, "dtype": "int64"}),
    ("linspace", (FLAT[:2], 9.5), {"num": 4, "dtype": "int64"}),
    ("linspace", (NARROW[0], 9.5), {"num": 4, "dtype": "float64"}),
    *[(f"{name}_like", (X,), {"dtype": "float32"}) for name in ("zeros", "ones")],
    *[(f"{name}_like", (X,), {"shape": (2, 2)}) for name in ("zeros", "ones")],
    ("full_like", (X, 2.5), {"dtype": "int64", "shape": 3}),
    ("full_like", (WHOLE, 2.5), {}),
    ("unique", (np.array([3.0, 1.0, 3.0]),), {}),
    ("unique", (np.array([3.0, 1.0, 3.0]),), {"return_counts": True}),
    ("unique", (np.array([3.0, 1.0, 3.0]),), {"return_index": True, "return_inverse": True}),
    *[(name, (NEAR, 0.0 * NEAR), {}) for name in ("isclose", "allclose")],
    *[(name, (1 + NEAR, np.ones(4)), {}) for name in ("isclose", "allclose")],
    ("isclose", (1 + NEAR, np.ones(4)), {"rtol": 1e-3, "atol": 0.0}),
    ("isclose", (HOLES, HOLES), {"equal_nan": True}),
    ("allclose", (HOLES, HOLES), {"equal_nan": True}),
    *[("arange", given, {}, np.arange) for given in [(4,), (1, 4), (5, 1, -2), (np.float64(0.5), 2.0), (0,)]],
    *[("arange", given, {"dtype": "float64"}) for given in [(4,), (0.5, 2.0, 0.5)]],
    *[("arange", given, {}, lambda *a: np.arange(*a, dtype="float32")) for given in [(2.5,), (0.5, 2.0), (0, 1, 0.25)]],
    ("eye", (2, 3), {"k": 1, "dtype": "float64"}),
    ("eye", (3,), {"k": -1}, lambda n, k: np.eye(n, k=k, dtype="float32")),
    ("identity", (2,), {"dtype": "int64"}),
    ("full", ((2, 2), 3), {"dtype": "float64"}),
    ("full", (2, 3.5), {}, lambda n, value: np.full(n, value, "float32")),
    ("full", ((2, 3), FLAT[:3]), {}),
    ("ones", ((2, 0),), {"dtype": "bool"}),
    ("zeros", (3,), {}, lambda n: np.zeros(n, "float32")),
    ("meshgrid", (FLAT[:2], FLAT[2:]), {"indexing": "ij"}),
    ("meshgrid", (FLAT[:2], FLAT[2:]), {"sparse": True}),
]


@pytest.mark.parametrize("call", CALLS, ids=lambda call: f"{call[0]}-{'-'.join(call[2])}")
def test_an_option(call):
    name, arguments, options, *reference = call
    f = getattr(tgl, name)
    expected = flatten((reference or [getattr(np, name, None)])[0](*arguments, **options))
    given = [tgl.constant(x) if isinstance(x, np.ndarray) and x.dtype.kind == "f" else x for x in arguments]
    found = flatten(f(*given, **options))
    assert len(found) == len(expected)
    for one, other in zip(found, map(np.asarray, expected)):
        assert (one.shape, one.dtype) == (other.shape, other.dtype)
        np.testing.assert_allclose(one.numpy(), other, rtol=1e-6 if one.dtype == "float32" else 1e-12)


DISCRETE = "searchsorted all any argsort argmax argmin count_nonzero isnan argpartition isclose allclose unique"
WITHOUT = DISCRETE.split()
GRADIENTS = [
    call
    for call in CALLS
    if any(isinstance(x, np.ndarray) and x.dtype == "float64" for x in call[1])
    and call[0] not in WITHOUT
    and "like" not in call[0]
    and not str(call[2].get("dtype")).startswith("int")
]


@pytest.mark.parametrize("call", GRADIENTS, ids=lambda call: f"{call[0]}-{'-'.join(call[2])}")
def test_its_gradient(call):
    name, arguments, options, *_ = call
    position = next(n for n, x in enumerate(arguments) if isinstance(x, np.ndarray) and x.dtype == "float64")

    def f(x):
        given = [*arguments[:position], x, *arguments[position + 1 :]]
        return [y for y in flatten(getattr(tgl, name)(*given, **options)) if not np.isnan(y.numpy()).any()]

    if not str(options.get("dtype", "float64")).endswith("32"):
        check_gradients(f, np.where(np.isnan(arguments[position]), 0.125, arguments[position]))


@pytest.mark.parametrize("name", [n for n in tgl.ops.__all__ if "out" in str(inspect.signature(getattr(tgl, n)))])
def test_out_is_refused(name):
    signature = inspect.signature(getattr(tgl, name))
    if "out" in signature.parameters:
        required = [p for p in signature.parameters.values() if p.default is p.empty and p.kind is not p.VAR_POSITIONAL]
        with pytest.raises(TypeError, match=r"out"):
            getattr(tgl, name)(*[X] * len(required), out=np.zeros(1))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: tgl.select([], []), "one choice for each condition, and at least one"),
        (lambda: tgl.select([X > 0], [X, X]), "Received: 1 conditions, 2 choices"),
        (lambda: tgl.clip(X, 0.0, min=1.0), "each bound once"),
        (lambda: tgl.clip(X, 0.0, 1.0, max=1.0), "each bound once"),
        (lambda: tgl.var(X, ddof=1, correction=1), "ddof or correction, which mean the same"),
        (lambda: tgl.average(X, weights=[1.0, -1.0, 0.0], axis=1), "do not add up to zero"),
        (lambda: tgl.average(X, weights=[1.0, 1.0]), "weights of the shape of a, or one for each"),
        (lambda: tgl.average(X, weights=[1.0, 1.0], axis=1), "weights of the shape of a, or one for each"),
        (lambda: tgl.average(X, weights=1.0), "weights of the shape of a, or one for each"),
        (
            lambda: tgl.sparse_softmax_cross_entropy_with_logits([0, 1, 2], X),
            "labels.shape=\\(3,\\), logits.shape=\\(2, 3\\)",
        ),
        (lambda: tgl.sparse_softmax_cross_entropy_with_logits(0, 1.5), "one label for each row|at least one axis"),
        (lambda: tgl.sparse_softmax_cross_entropy_with_logits([0.0, 1.0], X), "integer labels"),
        (lambda: tgl.sparse_softmax_cross_entropy_with_logits([0, 3], X), "the label 3"),
        (lambda: tgl.max(X[:, :0], axis=1), "zero-size|empty"),
        (lambda: tgl.rollaxis(X, 0, start=3), "start|axis"),
        (lambda: tgl.rollaxis(X, 0, start=-3), "start|axis"),
        (lambda: tgl.einsum("...ijk->...", X), "a letter for each axis, in the term"),
        (lambda: tgl.einsum("...i...->i", X), "at most one '...' in a term"),
        (lambda: tgl.einsum("ij->i->i", X), "an equation of letters, commas, one '->'"),
        (lambda: tgl.einsum("i->i", X), "a letter for each axis, in the term 'i'"),
        (lambda: tgl.concatenate([X, X], dtype="int64"), "same_kind"),
        (lambda: tgl.index_set(X, 0, [1.0, 2.0]), r"index=\[0\], value.shape=\(2,\)"),
        (lambda: tgl.index_add(X, 0, [1.0, 2.0]), r"index=\[0\], value.shape=\(2,\)"),
        (lambda: tgl.pad(X, 1, mode="no such mode"), "mode"),
        (lambda: tgl.pad(X, 1, mode="reflect", reflect_type="odd"), "reflect_type|odd"),
        (lambda: tgl.einsum(), "an equation and its operands.*Received: 0 arguments"),
        (lambda: tgl.einsum(X, [0, 52]), "lists of integers from 0 to 51"),
        (lambda: tgl.reshape(X, (3, 2), order="A"), "Expected order 'C'"),
    ],
)
def test_what_is_refused(call, message):
    with pytest.raises((ValueError, TypeError, ZeroDivisionError), match=message):
        call()


def test_a_variance_without_degrees_of_freedom_has_no_gradient():
    with np.errstate(all="ignore"), tgl.GradientTape() as tape:
        x = tgl.Variable([2.0])
        with pytest.warns(RuntimeWarning):
            y = tgl.var(x, ddof=1)
    assert np.isnan(tape.gradient(y, x).item())


def test_the_gradient_on_a_bound_goes_to_what_is_clipped():
    x = tgl.Variable([1.0, 1.5, 2.0, 3.0])
    with tgl.GradientTape(persistent=True) as tape:
        y = tgl.clip(x, 1.0, 2.0)
    assert tape.gradient(y, x).tolist() == [1.0, 1.0, 1.0, 0.0]


def test_the_gradient_of_logsumexp_where_there_is_no_probability():
    x = tgl.Variable([[-np.inf, -np.inf], [0.0, -np.inf]])
    with tgl.GradientTape() as tape:
        y = tgl.logsumexp(x, axis=1)
    assert y.tolist() == [-np.inf, 0.0]
    assert tape.gradient(y, x).tolist() == [[0.0, 0.0], [1.0, 0.0]]
