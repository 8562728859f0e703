"""What tensors cannot hold is refused wherever an array enters: nothing drops an imaginary part or a mask."""

import contextlib
from contextlib import nullcontext

import numpy as np
import pytest

import tinygrad_lite as tgl
import tinygrad_lite.compat.tensorflow as tf
from tinygrad_lite import nn, optim
from tinygrad_lite.datasets import Batches, to_categorical

MASKED = np.ma.masked_array([1.0, 2.0, 3.0], [False, True, False])
UNSUPPORTED = {
    "complex": np.array([1j, 2, 3]),
    "complex64": np.array([1j, 2, 3], np.complex64),
    "complex numbers": [1j, 2.0, 3.0],
    "a complex number": 1j,
    "a complex number of NumPy's": np.complex64(1j),
    "masked": MASKED,
    "masked integers": np.ma.masked_array([1, 2, 3], [False, True, False]),
    "masked in a list": [MASKED, MASKED],
    "matrix": np.ones((1, 3)).view(np.matrix),
    "objects": np.array([1, 2.0, 3], object),
    "strings": np.array(["1", "2", "3"]),
    "text": "1",
    "bytes": b"1",
    "dates": np.array(["2020-01-01"], "M8[D]"),
    "durations": np.array([1, 2], "m8[s]"),
    "records": np.zeros(3, [("a", "f4")]),
    "longdouble": np.array([1, 2, 3], np.longdouble),
    "nothing": None,
    "a set": {1.0},
}


def _metric(x):
    nn.metrics.MeanSquaredError().update_state(x, np.zeros(np.shape(x)))


def _fit(x):
    model = nn.Sequential([nn.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(np.asanyarray(x).reshape(-1, 1), np.zeros(3), epochs=1, verbose=0)


V = tgl.Variable([1.0, 2.0, 3.0])
ENTRIES = {
    "constant": tgl.constant,
    "Variable": tgl.Variable,
    "Tensor": tgl.Tensor,
    "convert_to_tensor": tf.convert_to_tensor,
    "assign": lambda x: tgl.Variable(np.zeros(np.shape(x))).assign(x),
    "a primitive": tgl.exp,
    "an operator": lambda x: V.numpy() * tgl.constant(x),
    "NumPy's function": lambda x: np.logaddexp(V, x),
    "a reduction": tgl.sum,
    "a norm": tgl.linalg.norm,
    "a join": lambda x: tgl.stack([x, x]),
    "a like": tgl.zeros_like,
    "an einsum": lambda x: tgl.einsum("...->", x),
    "a value put in": lambda x: tgl.index_set(V, slice(None), x),
    "a loss": lambda x: nn.losses.MeanSquaredError()(np.zeros(np.shape(x)), x),
    "labels of a loss": lambda x: nn.losses.MeanSquaredError()(x, np.zeros(np.shape(x))),
    "a metric": _metric,
    "a mean": lambda x: nn.metrics.Mean().update_state(x),
    "a layer": lambda x: nn.Activation("tanh")(x),
}


@pytest.mark.parametrize("entry", ENTRIES)
@pytest.mark.parametrize("kind", UNSUPPORTED)
@pytest.mark.parametrize("recorded", [False, True], ids=["", "recorded"])
def test_it_is_refused(kind, entry, recorded):
    scope = tgl.GradientTape() if recorded else nullcontext()
    with scope, pytest.raises(TypeError, match=r"[Ee]xpected|cannot take"):
        ENTRIES[entry](UNSUPPORTED[kind])


@pytest.mark.parametrize("kind", ["complex", "complex64", "masked", "objects", "strings", "dates", "longdouble"])
def test_as_data(kind):
    with pytest.raises(TypeError):
        _fit(UNSUPPORTED[kind])


@pytest.mark.parametrize("f", [tgl.constant, tgl.exp, tgl.sum, lambda x: tgl.stack([x, x]), lambda x: tgl.add(x, 1)])
def test_integers_beyond_all_dtypes(f):
    with pytest.raises(TypeError, match="Expected numbers"):
        f(1 << 80)


def test_masks_of_datasets_and_gradients():
    with pytest.raises(TypeError, match="mask"):
        Batches(MASKED, batch_size=1)
    with pytest.raises(TypeError, match="mask"):
        Batches(np.ones(3), MASKED, batch_size=1)
    with pytest.raises(TypeError, match="mask"):
        to_categorical(np.ma.masked_array([1, 2, 0], [False, True, False]))
    for gradient in (MASKED, np.array([1j, 2, 3])):
        with pytest.raises(TypeError):
            optim.SGD().apply_gradients([(gradient, V)])


DTYPES = [complex, "complex64", np.longdouble, object, "U3", "M8[s]"]
CALLS = {
    "astype": lambda d: V.astype(d), "cast": lambda d: tgl.cast(V, d), "sum": lambda d: tgl.sum(V, dtype=d),
    "np.sum": lambda d: np.sum(V, dtype=d), "mean": lambda d: tgl.mean(V, dtype=d, where=[True, False, True]),
    "var": lambda d: tgl.var(V, dtype=d), "cumsum": lambda d: tgl.cumsum(V, dtype=d),
    "zeros": lambda d: tgl.zeros(2, d),
    "ones_like": lambda d: tgl.ones_like(V, d), "np.zeros_like": lambda d: np.zeros_like(V, dtype=d),
    "full_like": lambda d: tgl.full_like(V, 1.0, dtype=d), "eye": lambda d: tgl.eye(2, dtype=d),
    "arange": lambda d: tgl.arange(3, dtype=d), "linspace": lambda d: tgl.linspace(0.0, 1.0, 3, dtype=d),
    "normal": lambda d: tgl.random.normal((2,), dtype=d), "one_hot": lambda d: tgl.one_hot([1], 3, d),
    "concatenate": lambda d: tgl.concatenate([V, V], dtype=d), "einsum": lambda d: tgl.einsum("i->", V, dtype=d),
    "constant": lambda d: tgl.constant([1.0], d), "Variable": lambda d: tgl.Variable([1.0], dtype=d),
    "a ufunc": lambda d: np.sqrt(V, dtype=d),
}  # fmt: skip


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_it_cannot_be_asked_for(call, dtype):
    with pytest.raises(TypeError):
        CALLS[call](dtype)


def test_a_forward_that_makes_complex_numbers_is_refused():
    @tgl.primitive
    def spectrum(x):
        return np.fft.fft(x)

    with pytest.raises(TypeError, match=r"forward of spectrum must return .*float64.*complex"):
        spectrum(V)


@pytest.mark.parametrize("f", [np.ma.exp, lambda x: np.ma.add(x, 1.0), lambda x: MASKED * x, lambda x: x * MASKED])
def test_functions_of_masked_arrays_take_no_tensor_that_is_recorded(f):
    v = tgl.Variable([1.0, 2.0, 3.0])
    for make in (lambda: v, lambda: v * 1.0):
        with tgl.GradientTape(), pytest.raises(TypeError, match=r"masked array|cut its gradient silently"):
            f(make())
    assert v.tolist() == [1.0, 2.0, 3.0]


def test_masks_are_kept_or_refused():
    x = tgl.constant([1.0, 2.0, 3.0])
    assert (MASKED * x).mask.tolist() == [False, True, False]
    with pytest.raises(TypeError, match="masked array"):
        x * MASKED


def test_functions_of_masked_arrays_read_tensors_that_nobody_records():
    """Plots are drawn with them; the Tensor stays what it is."""
    x = tgl.constant([1.0, np.nan, 3.0])
    for make in (np.ma.masked_invalid, np.ma.array, np.ma.asarray, np.ma.ravel, lambda x: np.ma.array(x, copy=True)):
        array = make(x)
        with contextlib.suppress(ValueError):  # it is read-only, or a copy
            array[0] = 7.0
        assert x.numpy()[0] == 1.0
        assert not np.shares_memory(np.ma.getdata(x), x.numpy()) or not np.ma.getdata(x).flags.writeable
    assert np.ma.exp(tgl.constant([0.0])).tolist() == [1.0]


def test_arrays_of_other_subclasses_and_byte_orders_are_read(tmp_path):
    mapped = np.memmap(tmp_path / "x", "float32", "w+", shape=3)
    mapped[:] = [1.0, 2.0, 3.0]
    for x in (mapped, np.array([1.0, 2.0, 3.0], ">f4"), np.float32([1.0, 2.0, 3.0])):
        assert type(tgl.constant(x).numpy()) is np.ndarray
        assert tgl.constant(x).dtype == np.float32
        assert tgl.exp(x).tolist() == tgl.exp([1.0, 2.0, 3.0]).tolist()


def test_real_and_imaginary_parts_of_real_numbers():
    v = tgl.Variable([1.0, 2.0])
    for real in (tgl.real, np.real, lambda x: x.real):
        with tgl.GradientTape() as tape:
            y = real(v) * 3.0
        assert tape.gradient(y, v).tolist() == [3.0, 3.0]
    for imag in (tgl.imag, np.imag, lambda x: x.imag):
        assert imag(v).tolist() == [0.0, 0.0]
