"""Gradients are of the values that were recorded, whatever happened to their arrays since."""

import numpy as np
import pytest

import tinygrad_lite as tgl


class TestValuesAreRecorded:
    def test_an_input_array_that_the_caller_overwrites(self):
        v, array = tgl.Variable([1.0, 1.0]), np.array([2.0, 3.0], np.float32)
        with tgl.GradientTape() as tape:
            y = v * array
        array[:] = 100
        assert tape.gradient(y, v).numpy().tolist() == [2.0, 3.0]

    def test_an_index_array_that_the_caller_overwrites(self):
        v, index = tgl.Variable([1.0, 2.0, 3.0]), np.array([0, 2])
        with tgl.GradientTape() as tape:
            y = v[index] * 2.0
        index[:] = 1
        assert tape.gradient(y, v).numpy().tolist() == [2.0, 0.0, 2.0]

    def test_nothing_is_recorded_when_nobody_watches(self):
        x = tgl.constant(2.0)
        with tgl.GradientTape() as tape:
            x * x
        assert tape.record() == []

    def test_the_record_can_be_read_until_it_is_released(self):
        v = tgl.Variable(2.0)
        with tgl.GradientTape() as tape:
            y = v * v
        (entry,) = tape.record()
        assert (entry.primitive, entry.output) == (tgl.multiply, 4.0)
        tape.gradient(y, v)
        with pytest.raises(RuntimeError, match=r"released its record.*persistent=True"):
            tape.record()


class TestZeroRule:
    @pytest.mark.parametrize(
        ("function", "point"),
        [
            (lambda x: tgl.where(x >= 0, x, tgl.sqrt(-x)), 1.0),
            (lambda x: tgl.where(x > 0, tgl.log(x), x), 0.0),
            (lambda x: tgl.where(x > 0, 1.0 / x, x), 0.0),
            (lambda x: tgl.where(x > 0, (1.0 / x) * x, x), 0.0),
            (lambda x: tgl.where(x > 5, tgl.log(-x) * x, x), 1.0),
        ],
    )
    def test_where_nothing_comes_in_nothing_goes_out(self, function, point):
        x = tgl.Variable(point)
        with np.errstate(all="ignore"), tgl.GradientTape() as outer:
            with tgl.GradientTape() as inner:
                y = function(x)
            first = inner.gradient(y, x)
        assert first.item() == 1.0
        second = outer.gradient(first, x)
        assert second is None or second.item() == 0.0

    @pytest.mark.parametrize("method", ["gradient", "jacobian"])
    def test_what_comes_in_elsewhere_goes_on(self, method):
        """Of the elements of one array, only those are zero where nothing came in; and NumPy has nothing to warn of."""
        x = tgl.Variable([0.0, 4.0])
        with np.errstate(all="ignore"), tgl.GradientTape(persistent=True) as tape:
            y = tgl.where(x > 0, tgl.sqrt(x), x)
            recorded = getattr(tape, method)(y, x)
        for answer in (recorded, getattr(tape, method)(y, x)):
            assert answer.tolist() == ([1.0, 0.25] if method == "gradient" else [[1.0, 0.0], [0.0, 0.25]])

    @pytest.mark.parametrize("method", ["gradient", "jacobian"])
    def test_a_slope_that_is_infinite_is_computed_in_silence(self, method):
        x = tgl.Variable([0.0, 4.0])
        with tgl.GradientTape() as tape:
            y = tgl.sqrt(x)
        assert np.isposinf(np.diagonal(np.atleast_2d(getattr(tape, method)(y, x).numpy()))[0])


def test_a_recorded_tensor_does_not_become_an_array_by_accident():
    v = tgl.Variable([1.0, 2.0])
    with tgl.GradientTape():
        y = v * 2.0
        with pytest.raises(TypeError, match=r"cut its gradient silently.*\.numpy\(\)"):
            np.asarray(y)
        assert y.numpy().tolist() == [2.0, 4.0]
    assert np.asarray(y).tolist() == [2.0, 4.0]


def numbers(*shape):
    return np.random.default_rng(0).normal(size=shape)


OVERWRITTEN = {
    "multiply": (lambda v, a: v * a * v, [numbers(2, 3)]),
    "reflected": (lambda v, a: a / v, [numbers(2, 3)]),
    "by NumPy's name": (lambda v, a: np.add(a, v) ** 2, [numbers(2, 3)]),
    "a number in an array": (lambda v, a: v * a * v, [np.array(2.0)]),
    "matmul": (lambda v, a: (a @ v) ** 2, [numbers(4, 2)]),
    "dense": (lambda v, x, b: tgl.dense(x, v, b) ** 2, [numbers(4, 2), numbers(3)]),
    "einsum": (lambda v, a: tgl.einsum("ij,jk->ik", v, a) ** 2, [numbers(3, 2)]),
    "where": (lambda v, c: tgl.where(c, v, 0.0) * v, [numbers(2, 3) > 0]),
    "clip": (lambda v, low, high: tgl.clip(v, low, high) * v, [numbers(3) - 1, numbers(3) + 1]),
    "rows": (lambda v, i: v[i] ** 2, [np.array([0, 1, 1])]),
    "elements": (lambda v, i, j: v[i, j] ** 2, [np.array([0, 1]), np.array([2, 0])]),
    "mask": (lambda v, m: v[m] ** 2, [numbers(2, 3) > 0]),
    "a list beside an array": (lambda v, i: v[[0, 1], i] ** 2, [np.array([0, 2])]),
    "take": (lambda v, i: tgl.take(v, i, axis=1) ** 2, [np.array([0, 2])]),
    "take_along_axis": (lambda v, i: tgl.take_along_axis(v, i, axis=1) ** 2, [np.array([[0, 2], [1, 1]])]),
    "choose": (lambda v, i: tgl.choose(i, [v, v * v]) * v, [np.array([[0, 1, 0], [1, 1, 0]])]),
    "select": (lambda v, c: tgl.select([c], [v * v], 0.0), [numbers(2, 3) > 0]),
    "repeat": (lambda v, n: tgl.repeat(v, n, axis=0) ** 2, [np.array([2, 3])]),
    "index_add": (lambda v, i, a: tgl.index_add(v, i, a) ** 2, [np.array([0, 1]), numbers(2, 3)]),
    "concatenate": (lambda v, a: tgl.concatenate([v, a]) ** 2, [numbers(2, 3)]),
    "a view that is returned": (lambda v, a: tgl.transpose(a) * v * v, [numbers(3, 2)]),
    "a part that is returned": (lambda v, a: tgl.split(a, 2)[0] * v * v, [numbers(4, 3)]),
    "constant": (lambda v, a: tgl.constant(a) * v * v, [numbers(2, 3)]),
    "labels": (lambda v, y: tgl.sparse_softmax_cross_entropy_with_logits(y, v), [np.array([0, 2])]),
}


@pytest.mark.parametrize("name", OVERWRITTEN)
def test_arrays_that_the_caller_overwrites_change_neither_value_nor_gradients(name):
    function, arrays = OVERWRITTEN[name]

    def run(spoil):
        v, given = tgl.Variable(np.arange(1.0, 7.0).reshape(2, 3)), [array.copy() for array in arrays]
        with tgl.GradientTape() as outer:
            with tgl.GradientTape() as inner:
                y = function(v, *given)
                spoil(given)
            first = inner.gradient(y, v)
        return [x.numpy().copy() for x in (y, first, outer.gradient(first, v, unconnected_gradients="zero"))]

    def overwrite(given):
        for array in given:
            array[...] = 77 if array.dtype.kind == "f" else 0

    for kept, spoilt in zip(run(lambda given: None), run(overwrite)):
        np.testing.assert_array_equal(spoilt, kept)


@pytest.mark.parametrize("method", ["assign", "assign_add", "assign_sub"])
def test_values_read_before_an_assignment_stay_what_they_were(method):
    v = tgl.Variable([3.0, 4.0], dtype="float64")
    with tgl.GradientTape() as outer:
        with tgl.GradientTape() as inner:
            y = (v * v * v[::-1]).sum()
            getattr(v, method)([10.0, 10.0])
        first = inner.gradient(y, v)
        getattr(v, method)([1.0, 1.0])
    assert first.tolist() == [2 * 3 * 4 + 16, 2 * 4 * 3 + 9]
    assert outer.gradient(first, v).tolist() == [2 * 4 + 2 * (3 + 4), 2 * 3 + 2 * (3 + 4)]


def test_assignments_carry_no_gradient():
    v, w = tgl.Variable(3.0), tgl.Variable(1.0)
    with tgl.GradientTape() as tape:
        w.assign(v * 2.0)
        y = w * v
    assert y.item() == 18.0
    assert [g.item() for g in tape.gradient(y, [v, w])] == [6.0, 3.0]


def test_reads_before_and_after_an_assignment_both_count():
    v = tgl.Variable(3.0)
    with tgl.GradientTape() as tape:
        y = v * v
        v.assign(10.0)
        y = y + v * v
    assert y.item() == 109.0
    assert tape.gradient(y, v).item() == 26.0


def test_a_variable_becomes_an_array_on_purpose_only():
    v, fixed = tgl.Variable([1.0, 2.0]), tgl.Variable([1.0, 2.0], trainable=False)
    with tgl.GradientTape():
        for cut in (np.asarray, np.array, lambda x: np.array([x, x]), lambda x: np.full(2, x)):
            with pytest.raises(TypeError, match="cut its gradient silently"):
                cut(v)
        assert v.numpy().tolist() == np.asarray(fixed).tolist() == [1.0, 2.0]
    assert np.asarray(v).tolist() == [1.0, 2.0]


def test_lists_of_recorded_tensors_are_stacked_where_the_gradient_can_follow():
    v = tgl.Variable(2.0)
    with tgl.GradientTape(persistent=True) as tape:
        y = v * v
        with pytest.raises(TypeError, match="cut its gradient silently"):
            np.array([y, y])
        answers = [tgl.stack([y, y]), tgl.constant([y, y])]
    for z in answers:
        assert tape.gradient(z, v).item() == 8.0
