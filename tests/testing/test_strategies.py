"""The strategies: every bound kept, shrink targets as stated, and draws that do what they are for."""

import math

import numpy as np
import pytest
from hypothesis import Phase, assume, find, given, settings
from hypothesis import strategies as st

import tinygrad_lite as tgl
from tinygrad_lite.testing import strategies as s

PLAIN = settings(max_examples=400, database=None, derandomize=True)


def smallest(strategy, condition=lambda drawn: True):
    """What a strategy shrinks to."""
    return find(strategy, condition, settings=PLAIN)


def appears(strategy, condition):
    """Whether something of this kind is ever drawn; an error if not."""
    find(strategy, condition, settings=settings(PLAIN, phases=[Phase.generate]))
    return True


# Shapes -------------------------------------------------------------------------------------------------------

BOUNDS = st.tuples(st.integers(0, 2), st.integers(0, 2), st.integers(0, 2), st.integers(0, 2)).map(
    lambda n: {"min_dims": n[0], "max_dims": n[0] + n[1], "min_side": n[2], "max_side": n[2] + n[3]}
)


def within(shape, bounds):
    return (
        bounds["min_dims"] <= len(shape) <= bounds["max_dims"]
        and all(bounds["min_side"] <= side <= bounds["max_side"] for side in shape)
    )  # fmt: skip


@given(st.data(), BOUNDS)
def test_shapes_keep_their_bounds(data, bounds):
    assert within(data.draw(s.shapes(**bounds)), bounds)


@given(s.shapes())
def test_shapes_without_a_word(shape):
    assert len(shape) <= 3
    assert all(1 <= side <= 4 for side in shape)


def test_shapes_reach_their_bounds_and_shrink_to_the_least():
    assert appears(s.shapes(), lambda shape: shape == ())
    assert appears(s.shapes(), lambda shape: len(shape) == 3)
    assert appears(s.shapes(min_side=0), lambda shape: 0 in shape)
    assert smallest(s.shapes()) == ()
    assert smallest(s.shapes(min_dims=2)) == (1, 1)
    assert smallest(s.shapes(min_dims=1, min_side=0)) == (0,)


@given(st.data(), st.integers(1, 4), BOUNDS)
def test_broadcastable_shapes(data, n, bounds):
    bounds["min_side"], bounds["max_side"] = min(bounds["min_side"], 1), max(bounds["max_side"], 1)  # 1 must be allowed
    shapes = data.draw(s.broadcastable_shapes(n, **bounds))
    assert len(shapes) == n
    assert all(within(shape, bounds) for shape in shapes)
    np.broadcast_shapes(*shapes)  # raises if they do not fit


def test_broadcastable_shapes_differ_and_shrink():
    assert appears(s.broadcastable_shapes(2), lambda found: found[0] != found[1] and all(found))
    assert smallest(s.broadcastable_shapes(3)) == ((), (), ())
    assert smallest(s.broadcastable_shapes(2, min_dims=1)) == ((1,), (1,))


# Numbers ------------------------------------------------------------------------------------------------------


@given(st.data(), st.lists(st.floats(-3, 3), max_size=3), st.floats(0.01, 0.4))
def test_away_from_keeps_bounds_and_distance(data, points, by):
    x = data.draw(s.away_from(points, by=by, low=-3.0, high=3.5))
    assert -3 <= x <= 3.5
    assert all(abs(x - point) >= by * (1 - 1e-9) for point in points)


def test_away_from_reaches_all_parts_and_shrinks_towards_zero():
    assert appears(s.away_from([0.0, 1.0]), lambda x: 0 < x < 1)
    assert appears(s.away_from([0.0, 1.0]), lambda x: x < 0)
    assert appears(s.away_from([0.0, 1.0]), lambda x: x > 1)
    assert smallest(s.away_from([1.0])) == 0
    assert smallest(s.away_from([0.0], by=0.25, low=0.0)) == 1
    assert smallest(s.away_from([0.0, 1.0], by=0.25)) == 0.5
    assert smallest(s.away_from([], low=2.0)) == 2


def test_away_from_without_room():
    with pytest.raises(ValueError, match="room between the points"):
        s.away_from([0.0], by=1.0, low=-0.5, high=0.5)


@pytest.mark.parametrize(
    ("points", "by", "parts"),
    [
        ([], 1, [(-2, 3)]),
        ([0], 0.5, [(-2, -0.5), (0.5, 3)]),
        ([0, 0.25], 0.5, [(-2, -0.5), (0.75, 3)]),
        ([-2, 3], 0.5, [(-1.5, 2.5)]),
        ([-9, 9], 0.5, [(-2, 3)]),
        ([2.75], 0.5, [(-2, 2.25)]),
    ],
)
def test_intervals(points, by, parts):
    assert s.intervals(points, by, -2, 3) == parts


FLOATING = st.sampled_from([np.float64, np.float32])


@given(st.data(), FLOATING, s.shapes(), st.floats(-5, 0), st.floats(0, 5))
def test_arrays_keep_shape_dtype_and_bounds(data, dtype, shape, low, high):
    x = data.draw(s.arrays(shape, dtype=dtype, low=low, high=high))
    assert x.shape == shape
    assert x.dtype == dtype
    slack = 0 if dtype == np.float64 else 1e-6  # float32 has no number at just this bound
    assert ((x >= low - slack) & (x <= high + slack)).all()
    assert np.isfinite(x).all()
    assert not ((x != 0) & (np.absolute(x) < np.finfo(dtype).smallest_normal)).any()


@given(s.arrays(avoid=[0.0, 1.0], by=0.25, dtype=np.float32))
def test_arrays_keep_their_distance(x):
    assert (np.absolute(x) >= 0.25).all()
    assert (np.absolute(x - 1) >= 0.25).all()


@given(s.arrays(dtype=np.int8, low=-2, high=5), s.arrays(dtype=bool))
def test_arrays_of_integers_and_truths(numbers, truths):
    assert numbers.dtype == np.int8
    assert ((numbers >= -2) & (numbers <= 5)).all()
    assert truths.dtype == bool


def test_subnormal_numbers_only_if_asked_for():
    tiny = np.finfo(np.float64).smallest_normal
    assert appears(s.arrays((1,), low=0.0, high=1e-307, allow_subnormal=True), lambda x: 0 < x[0] < tiny)
    tiny = np.finfo(np.float32).smallest_normal
    close = {"low": 0.0, "high": float(tiny) * 2, "dtype": np.float32}
    assert appears(s.arrays((1,), **close, allow_subnormal=True), lambda x: 0 < x[0] < tiny)


def test_arrays_shrink_to_smaller_shapes_then_to_zeros():
    assert smallest(s.arrays()).shape == ()
    np.testing.assert_array_equal(smallest(s.arrays((2, 2))), np.zeros((2, 2)))
    np.testing.assert_array_equal(smallest(s.arrays((2,), low=0.5)), [1, 1])


@given(s.tensors(dtype=np.float64, low=1.0), s.tensors())
def test_tensors(x, y):
    assert isinstance(x, tgl.Tensor)
    assert x.dtype == np.float64
    assert (x.numpy() >= 1).all()
    assert y.dtype == np.float32


@given(st.data(), st.lists(s.shapes(max_side=2), min_size=1, max_size=3), st.sampled_from([1 / 16, 0.1]))
def test_distinct_arrays(data, shapes, by):
    found = data.draw(s.distinct_arrays(shapes, low=-2.0, high=3.0, by=by))
    assert [x.shape for x in found] == shapes
    values = np.sort(np.concatenate([x.ravel() for x in found]))
    assert ((values >= -2) & (values <= 3)).all()
    assert (np.diff(values) >= by * (1 - 1e-9)).all()


def test_distinct_arrays_without_room():
    with pytest.raises(ValueError, match="room for 9 numbers"):
        smallest(s.distinct_arrays([(3, 3)], low=0.0, high=0.5, by=0.1))


# Axes and indices ---------------------------------------------------------------------------------------------


@given(st.data(), st.integers(0, 4), st.booleans(), st.booleans(), st.integers(0, 2))
def test_axes(data, ndim, allow_none, allow_tuples, min_size):
    assume(ndim or allow_none or allow_tuples)
    axis = data.draw(s.axes(ndim, allow_none=allow_none, allow_tuples=allow_tuples, min_size=min_size))
    assert allow_none or axis is not None
    assert allow_tuples or not isinstance(axis, tuple)
    np.sum(np.zeros((1,) * ndim), axis=axis)  # raises if there is no such axis, or one twice
    if isinstance(axis, tuple):
        assert len(axis) >= min(min_size, ndim)


def test_axes_shrink_and_reach():
    assert smallest(s.axes(2)) is None
    assert smallest(s.axes(2), lambda axis: axis is not None) == 0
    assert appears(s.axes(2), lambda axis: axis == -2)
    assert appears(s.axes(3), lambda axis: isinstance(axis, tuple) and len(axis) == 3 and min(axis) < 0)
    with pytest.raises(ValueError, match="something to draw from"):
        s.axes(0, allow_none=False, allow_tuples=False)


def parts_of(index):
    return index if isinstance(index, tuple) else (index,)


@given(st.data(), s.shapes())
def test_indices_fit_their_array(data, shape):
    x = np.arange(math.prod(shape)).reshape(shape)
    assert np.ndim(x[data.draw(s.indices(shape))]) >= 0


@pytest.mark.parametrize(
    ("option", "is_one"),
    [
        ("allow_ellipsis", lambda part: part is Ellipsis),
        ("allow_newaxis", lambda part: part is None),
        ("allow_arrays", lambda part: isinstance(part, np.ndarray) and part.dtype != bool),
        ("allow_masks", lambda part: isinstance(part, np.ndarray) and part.dtype == bool),
    ],
)
def test_each_kind_of_index_appears_unless_forbidden(option, is_one):
    def has_one(index):
        return any(is_one(part) for part in parts_of(index))

    assert appears(s.indices((2, 3)), has_one)

    @given(s.indices((2, 3), **{option: False}))
    def never(index):
        assert not has_one(index)

    never()


def test_indices_reach_repeats_negatives_and_slices_around():
    def of_integers(index):
        return [part for part in parts_of(index) if isinstance(part, np.ndarray) and part.dtype != bool]

    assert appears(s.indices((3,)), lambda index: any(len(set(p.ravel())) < p.size for p in of_integers(index)))
    assert appears(s.indices((3,)), lambda index: any((p < 0).any() for p in of_integers(index)))
    assert appears(
        s.indices((3, 3)),
        lambda index: of_integers(index) and any(isinstance(part, slice) for part in parts_of(index)),
    )


@given(s.indices((2, 2), max_dims=3, allow_arrays=False, allow_masks=False))
def test_indices_keep_max_dims(index):
    assert np.zeros((2, 2))[index].ndim <= 3


# Equations and matrices ---------------------------------------------------------------------------------------


@given(st.data(), st.integers(1, 3), st.integers(0, 3), st.integers(1, 3), st.integers(1, 3), st.booleans())
def test_einsum_equations(data, operands, dims, letters, side, free):
    equation, shapes = data.draw(
        s.einsum_equations(
            max_operands=operands,
            max_dims=dims,
            max_letters=letters,
            max_side=side,
            allow_repeats=free,
            allow_ellipsis=free,
            allow_implicit=free,
        )
    )
    np.einsum(equation, *(np.ones(shape) for shape in shapes))  # raises if the equation does not fit
    terms = equation.split("->")[0].split(",")
    assert len(terms) == len(shapes) <= operands
    assert all(len(term.replace("...", "")) <= dims for term in terms)
    assert len(set(equation) & set("ijklmnop")) <= letters
    assert all(length <= side for shape in shapes for length in shape)
    if not free:
        assert "->" in equation
        assert "..." not in equation
        assert all(len(set(term)) == len(term) for term in terms)


def test_einsum_equations_reach_what_they_promise():
    assert appears(s.einsum_equations(), lambda found: "..." in found[0])
    assert appears(s.einsum_equations(), lambda found: "->" not in found[0])
    assert appears(s.einsum_equations(), lambda found: "ii" in found[0])
    assert appears(s.einsum_equations(), lambda found: len(found[1]) == 3)


@given(
    st.data(), st.tuples(st.integers(1, 4), st.integers(1, 4)), s.shapes(max_dims=2, max_side=2), st.floats(1.5, 50.0)
)
def test_well_conditioned_matrices(data, shape, batch, condition):
    matrix = data.draw(s.well_conditioned_matrices(shape, batch=batch, condition=condition))
    assert matrix.shape == (*batch, *shape)
    values = np.linalg.svd(matrix, compute_uv=False)
    assert (values >= 1 - 1e-9).all()
    assert (values <= condition + 1e-9).all()
    gaps = -np.diff(values, axis=-1)
    assert (gaps >= (condition - 1) / min(shape) / 2 - 1e-9).all()  # no two are equal


@given(st.data(), st.booleans())
def test_symmetric_matrices(data, positive):
    matrix = data.draw(s.well_conditioned_matrices(symmetric=True, positive=positive, max_side=3))
    assert matrix.shape[0] == matrix.shape[1] <= 3
    np.testing.assert_array_equal(matrix, matrix.T)
    if positive:
        assert (np.linalg.eigvalsh(matrix) > 0).all()


def test_matrices_shrink_to_diagonal_ones():
    matrix = smallest(s.well_conditioned_matrices((2, 2), condition=4.0))
    np.testing.assert_array_equal(matrix, np.diag([1.0, 2.5]))
    assert appears(s.well_conditioned_matrices((2, 2)), lambda m: m[0, 1] != 0 and np.linalg.det(m) < 0)
    assert appears(s.well_conditioned_matrices((2, 2)), lambda m: m[0, 1] != 0 and np.linalg.det(m) > 0)
    with pytest.raises(ValueError, match="square"):
        smallest(s.well_conditioned_matrices((2, 3), symmetric=True))
