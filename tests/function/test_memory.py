"""What of a trace says nothing about later calls: strides, and whether a result is an argument's memory."""

import numpy as np
import pytest

import tinygrad_lite as tgl

LAYOUTS = {
    "C": np.ascontiguousarray,
    "Fortran": np.asfortranarray,
    "strided": lambda x: np.repeat(x, 2, axis=-1)[..., ::2],
    "reversed": lambda x: x[::-1],
}


def flat_early(x):
    """A flat view of a buffer, with other buffers filled before it is used."""
    flat = tgl.exp(x).reshape((-1,))
    sine = tgl.sin(x * 2.0)
    cosine = tgl.cos(sine + x)
    return flat.sum() * cosine.sum() + (flat[:4] * sine[0, 0]).sum()


def flat_of_the_transposed(x):
    flat = tgl.exp(x.T).reshape((-1,))
    sine = tgl.sin(x * 2.0 + 1.0).T
    product = tgl.tanh(tgl.cos(x.T * 3.0) + sine) * sine
    return flat * 2.0 + product.ravel()


def random_arrays():
    rng = np.random.default_rng(0)
    while True:
        yield rng.normal(size=(3, 4)).astype(np.float32)


@pytest.mark.parametrize("f", [flat_early, flat_of_the_transposed], ids=lambda f: f.__name__)
@pytest.mark.parametrize("traced_with", LAYOUTS)
def test_the_layout_of_the_first_arguments_says_nothing_about_the_next(f, traced_with):
    compiled, arrays = tgl.function(f), random_arrays()
    compiled(LAYOUTS[traced_with](next(arrays)))
    for arrange in LAYOUTS.values():
        x = arrange(next(arrays))
        np.testing.assert_array_equal(compiled(x).numpy(), f(tgl.constant(x)).numpy())
    assert compiled.traces == 2  # Fortran's order makes sums in another order


def test_a_view_of_an_argument_is_never_handed_out():
    compiled = tgl.function(lambda x: x.reshape((-1,)))
    compiled(np.ones((2, 3), order="F"))
    x = np.ones((2, 3))
    flat = compiled(x)
    x[:] = 7.0
    assert flat.numpy().tolist() == [1.0] * 6


@tgl.primitive
def _positive_part(x):
    return x if (x >= 0).all() else np.maximum(x, 0)  # the argument itself, depending on values


@tgl.primitive
def _with_its_exponential(x):
    return np.exp(x), x


@tgl.primitive
def _halves(x):
    return x[:0], x[1:]  # the first shares memory with nothing


@pytest.mark.parametrize(
    "derived",
    [
        lambda y: _positive_part(y),
        lambda y: _with_its_exponential(y)[1],
        lambda y: _halves(y)[1],
        lambda y: tgl.split(y, [0])[1],
    ],
    ids=["by value", "second output", "empty first output", "split"],
)
def test_a_result_that_is_an_argument_keeps_its_memory(derived):
    def f(x):
        result = derived(x * 2.0)
        other = tgl.exp(x) + tgl.sin(tgl.exp(x) * 3.0)
        return result.sum() + other.sum()

    compiled = tgl.function(f)
    compiled(-np.ones((3, 4), np.float32))
    x = np.arange(12, dtype=np.float32).reshape(3, 4) / 10
    assert compiled(x).item() == pytest.approx(f(tgl.constant(x)).item(), rel=1e-6)


def test_a_gradient_without_nan_keeps_its_memory_where_the_traced_one_had_some():
    def f(x):
        with tgl.GradientTape() as tape:
            tape.watch(x)
            y = (tgl.sqrt(x) * tgl.sin(x)).sum()
        g = tape.gradient(y, x)
        return (tgl.exp(x) * tgl.cos(tgl.exp(x))).sum() + g.sum(), g

    compiled = tgl.function(f)
    compiled(np.zeros((3, 4), np.float32))
    x = np.arange(1, 13, dtype=np.float32).reshape(3, 4) / 10
    for ours, eager in zip(compiled(x), f(tgl.constant(x))):
        np.testing.assert_allclose(ours.numpy(), eager.numpy(), rtol=1e-6)


def test_views_of_fused_results_and_of_assigned_variables_keep_their_memory():
    v = tgl.Variable(np.zeros((3, 4), np.float32))

    def f(x):
        fused = tgl.log_softmax(x)[::-1]
        v.assign(tgl.exp(x))
        assigned = v[::-1]
        others = [tgl.sin(x * n) * tgl.cos(x) for n in (1.0, 2.0, 3.0)]
        return others[0] + others[1] * others[2], fused * 1.0, assigned * 1.0

    compiled = tgl.function(f)
    x = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)
    compiled(x)
    for ours, eager in zip(compiled(x), f(tgl.constant(x))):
        np.testing.assert_allclose(ours.numpy(), eager.numpy(), rtol=1e-6)
