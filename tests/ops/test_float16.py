"""float16 rounds once: whatever adds up many numbers answers as in float64, rounded to float16 at its end."""

import numpy as np
import pytest

import tinygrad_lite as tgl
from tinygrad_lite import nn, optim

MANY = 70_000  # more than float16 can count: it ends at 65,504, and above 2,048 adding one changes nothing
LOGITS = np.random.default_rng(0).normal(size=(2, MANY))
LABELS = np.array([1, MANY - 1])
ONE_HOT = np.zeros((2, MANY))
ONE_HOT[[0, 1], LABELS] = 1
ONES, TALL = np.ones(MANY), np.full((5000, 3), 0.5)
RNG = np.random.default_rng(1)
NUMBERS = RNG.normal(size=(4000, 3))

CALLS = {
    "softmax": (lambda x: tgl.softmax(x), LOGITS),
    "log_softmax": (tgl.log_softmax, LOGITS),
    "logsumexp": (lambda x: tgl.logsumexp(x, axis=-1), LOGITS),
    "sparse cross-entropy": (lambda x: tgl.sparse_softmax_cross_entropy_with_logits(LABELS, x), LOGITS),
    "cross-entropy": (lambda x: tgl.softmax_cross_entropy_with_logits(tgl.cast(ONE_HOT, x.dtype), x), LOGITS),
    "sum": (lambda x: tgl.sum(x, axis=0), TALL),
    "sum of rows": (lambda x: tgl.sum(x, axis=1), TALL),
    "mean": (lambda x: tgl.mean(x, axis=0), TALL),
    "mean of all": (tgl.mean, ONES),
    "mean of chosen": (lambda x: tgl.mean(x, where=x > 0), ONES),
    "nanmean": (tgl.nanmean, ONES),
    "average": (lambda x: tgl.average(x, weights=tgl.ones_like(x)), ONES),
    "var": (lambda x: tgl.var(x, axis=0), NUMBERS),
    "std": (lambda x: tgl.std(x, axis=0), NUMBERS),
    "nanvar": (lambda x: tgl.nanvar(x, axis=0), NUMBERS),
    "nanstd": (lambda x: tgl.nanstd(x, axis=0), NUMBERS),
    "var of chosen": (lambda x: tgl.var(x, axis=0, where=x > 0), NUMBERS),
    "norm": (tgl.linalg.norm, np.array([300.0, 400.0])),
    "norm of many": (lambda x: tgl.linalg.norm(x, axis=0), TALL),
    "1-norm": (lambda x: tgl.linalg.norm(x, 1, axis=0), TALL),
    "cumsum": (lambda x: tgl.cumsum(x, axis=0), TALL),
    "cumprod": (lambda x: tgl.cumprod(x, axis=0), np.array([[300.0, 1e-3] * 4, [400.0, 2e-3] * 4]).T),
    "prod": (tgl.prod, np.array([300.0, 400.0, 1e-3, 2e-3])),
    "matmul": (lambda x: tgl.ones((1, 5000), x.dtype) @ x, TALL),
    "dot": (lambda x: tgl.dot(x, x), np.full(5000, 0.5)),
    "vecdot": (lambda x: tgl.vecdot(x, -x + 0.25, axis=0), TALL),
    "einsum": (lambda x: tgl.einsum("ij,ij->j", x, x), TALL),
    "einsum of one": (lambda x: tgl.einsum("ij->j", x), TALL),
    "trace": (tgl.trace, np.eye(3000)),
    "erf": (tgl.erf, np.linspace(-3, 3, 40)),
    "gelu": (tgl.gelu, np.linspace(-3, 3, 40)),
    "index_add": (lambda x: tgl.index_add(tgl.zeros(2, x.dtype), np.zeros(5000, int), x), np.full(5000, 0.5)),
    # what is added up on the way back
    "a broadcast": (lambda x: x + tgl.zeros((5000, 3), x.dtype), np.ones(3)),
    "a broadcast product": (lambda x: x * tgl.ones((5000, 1), x.dtype), np.ones(3)),
    "one element taken often": (lambda x: x[np.zeros(5000, int)], np.ones(2)),
    "a repeat": (lambda x: tgl.repeat(x, 5000), np.ones(2)),
    "a bias": (lambda x: tgl.dense(tgl.ones((5000, 2), x.dtype), tgl.ones((2, 3), x.dtype), x), np.ones(3)),
}


def value_and_gradient(f, x, dtype):
    x = tgl.constant(x, dtype)
    with tgl.GradientTape() as tape:
        tape.watch(x)
        y = f(x)
    seed = np.full(y.shape, 0.5, dtype)
    return y.numpy(), tape.gradient(y, x, output_gradients=tgl.constant(seed)).numpy()


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("compiled", [False, True], ids=["", "compiled"])
def test_it_answers_as_float64_rounded(name, compiled):
    f, x = CALLS[name]
    x = x.astype("float16")
    f = tgl.function(f) if compiled else f
    for found, exact in zip(value_and_gradient(f, x, "float16"), value_and_gradient(f, x.astype("float64"), "float64")):
        assert found.dtype == "float16"
        with np.errstate(over="ignore"):
            expected = exact.astype("float16")
        small = name == "softmax" or exact.shape == LOGITS.shape
        np.testing.assert_allclose(found, expected, rtol=4e-3, atol=1e-6 if small else 1e-3)


def test_a_gradient_of_many_uses_is_rounded_once():
    for tapes in (1, 2):
        v = tgl.Variable(1.0, dtype="float16")
        with tgl.GradientTape() as outer, tgl.GradientTape() as tape:
            w = v * 1.0  # in the middle of the record, too
            y = tgl.stack([w + 0.0 for _ in range(3000)] + [v + 0.0 for _ in range(1500)])
            if tapes == 2:
                g = tape.gradient(y, v)
        g = g if tapes == 2 else tape.gradient(y, v)
        assert (g.dtype, g.item()) == (np.float16, 4500.0)
        del outer


@pytest.mark.parametrize("name", ["SGD", "Momentum", "RMSProp", "Adagrad", "Adam"])
def test_steps_of_float16_are_those_of_float32_rounded(name):
    gradients = np.random.default_rng(0).normal(size=(5, 40)) * np.logspace(-6, 0, 40)
    ends = []
    for dtype in ("float16", "float32"):
        v, optimizer = tgl.Variable(np.linspace(0.5, 1, 40), dtype=dtype), getattr(optim, name)()
        for g in gradients:
            optimizer.apply_gradients([(tgl.constant(g, "float16"), v)])
        ends.append(v.numpy())
    np.testing.assert_allclose(*ends, atol=5 * 5e-4)


def test_the_first_step_of_adam_is_the_learning_rate():
    for size in (1, 100_000):
        v = tgl.Variable(np.full(size, 0.125), dtype="float16")
        optim.Adam(0.001).apply_gradients([(tgl.constant(np.full(size, 1e-4), "float16"), v)])
        np.testing.assert_allclose(v.numpy(), 0.124, rtol=1e-3)


def test_clipping_counts_beyond_float16():
    v = tgl.Variable(np.zeros(4), dtype="float16")
    for options in ({"clipnorm": 1.0}, {"global_clipnorm": 1.0}):
        v.assign(np.zeros(4))
        optim.SGD(1.0, **options).apply_gradients([(tgl.constant(np.full(4, 60_000.0), "float16"), v)])
        np.testing.assert_allclose(v.numpy(), -0.5, rtol=1e-3)


@pytest.mark.parametrize(
    "loss",
    ["mean_squared_error", "mean_absolute_error", "categorical_crossentropy", "binary_crossentropy", "kl_divergence"],
)
def test_losses_and_metrics_of_many(loss):
    y = np.random.default_rng(0).uniform(0.1, 1, size=(3, 5000))
    if loss in ("categorical_crossentropy", "kl_divergence"):
        y /= y.sum(axis=1, keepdims=True)
    y = y.astype("float16")
    f = getattr(nn.losses, loss)
    p = y[::-1].copy()
    exact = f(tgl.constant(y, "float64"), tgl.constant(p, "float64")).numpy()
    np.testing.assert_allclose(f(tgl.constant(y), tgl.constant(p)).numpy(), exact, rtol=1e-2)
    metric = nn.metrics.Mean()
    metric.update_state(tgl.ones(MANY, "float16"))
    assert metric.result().item() == 1.0


@pytest.mark.parametrize("function", [tgl.sum, tgl.mean])
@pytest.mark.parametrize("options", [{"axis": 0}, {"axis": 0, "dtype": "float16"}, {"axis": 0, "keepdims": True}, {}])
def test_compiled_sums_round_once(function, options):
    x = np.ones((5000, 3), "float16")
    compiled = tgl.function(lambda a: function(a, **options))
    for _ in range(3):
        np.testing.assert_array_equal(compiled(x).numpy(), function(x, **options).numpy())
