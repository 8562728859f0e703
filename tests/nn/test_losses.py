"""Losses: their arithmetic, weights and reductions, exactness from logits, gradients, and strictness."""

import math

import numpy as np
import pytest

import tinygrad_lite as tgl
from tinygrad_lite import nn, optim
from tinygrad_lite.nn import losses
from tinygrad_lite.nn.losses.alignment import weights_of
from tinygrad_lite.nn.losses.names import FUNCTIONS
from tinygrad_lite.testing import check_gradients


def values(loss):
    return loss.numpy().tolist()


# Every sample: the arithmetic beside it -----------------------------------------------------------------------


def test_mean_squared_error():
    # (1² + 2²)/2, (0² + 4²)/2
    assert values(losses.mean_squared_error([[0.0, 1.0], [2.0, 3.0]], [[1.0, 3.0], [2.0, -1.0]])) == [2.5, 8.0]


def test_mean_absolute_error():
    # (1 + 2)/2, (0 + 4)/2
    assert values(losses.mean_absolute_error([[0.0, 1.0], [2.0, 3.0]], [[1.0, 3.0], [2.0, -1.0]])) == [1.5, 2.0]


def test_huber():
    # e = 0.5, 3: (0.5²/2 + 1·(3 - 1/2))/2; e = 1, 0: (1/2 + 0)/2
    assert values(losses.huber([[0.0, 0.0], [0.0, 5.0]], [[0.5, -3.0], [1.0, 5.0]])) == [1.3125, 0.25]
    # e = 3 with delta = 2: 2·(3 - 2/2); e = 1: 1²/2
    assert values(losses.huber([[0.0], [0.0]], [[3.0], [-1.0]], delta=2.0)) == [4.0, 0.5]


def test_hinge():
    # max(1 - 1·0.5, 0) = 0.5, max(1 - -1·0.25, 0) = 1.25, max(1 - 1·3, 0) = 0
    assert values(losses.hinge([[1.0, -1.0, 1.0]], [[0.5, 0.25, 3.0]])) == [pytest.approx(1.75 / 3)]


def test_hinge_takes_zeros_for_minus_one():
    y_pred = [[0.5, 0.25, 3.0]]
    assert values(losses.hinge([[1, 0, 1]], y_pred)) == values(losses.hinge([[1, -1, 1]], y_pred))
    # but not where there is a -1: then 0 is 0, and its loss 1
    assert values(losses.hinge([[0.0, -1.0]], [[5.0, -5.0]])) == [0.5]


def test_kl_divergence():
    # 0.5·log(0.5/0.25) + 0.5·log(0.5/0.75)
    expected = 0.5 * math.log(2) + 0.5 * math.log(2 / 3)
    assert values(losses.kl_divergence([[0.5, 0.5]], [[0.25, 0.75]])) == [pytest.approx(expected)]
    assert values(losses.kl_divergence([[0.5, 0.5]], [[0.5, 0.5]])) == [0.0]


def test_kl_divergence_of_zeros_is_finite():
    # zeros count as 1e-7: 1·log(1/0.5) + 1e-7·log(1e-7/0.5)
    expected = math.log(2) + 1e-7 * math.log(2e-7)
    assert values(losses.kl_divergence([[1.0, 0.0]], [[0.5, 0.5]])) == [pytest.approx(expected)]


def test_binary_crossentropy():
    # -(log 0.8 + log(1 - 0.4))/2
    expected = -(math.log(0.8) + math.log(0.6)) / 2
    assert values(losses.binary_crossentropy([[1.0, 0.0]], [[0.8, 0.4]])) == [pytest.approx(expected)]
    assert values(losses.binary_crossentropy([[0.25]], [[0.8]])) == [
        pytest.approx(-0.25 * math.log(0.8) - 0.75 * math.log(0.2))
    ]


def test_binary_crossentropy_from_logits():
    # log(1 + e⁻²) for 1 at the logit 2, log(1 + e³) for 0 at the logit 3
    expected = (math.log1p(math.exp(-2)) + math.log1p(math.exp(3))) / 2
    assert values(losses.binary_crossentropy([[1.0, 0.0]], [[2.0, 3.0]], from_logits=True)) == [pytest.approx(expected)]


def test_binary_crossentropy_with_label_smoothing():
    # labels 1 and 0 become 0.9 and 0.1
    plain = losses.binary_crossentropy([[0.9, 0.1]], [[0.8, 0.4]])
    assert values(losses.binary_crossentropy([[1.0, 0.0]], [[0.8, 0.4]], label_smoothing=0.2)) == pytest.approx(
        values(plain)
    )
    plain = losses.binary_crossentropy([[0.9, 0.1]], [[8.0, 4.0]], from_logits=True)
    smoothed = losses.binary_crossentropy([[1.0, 0.0]], [[8.0, 4.0]], from_logits=True, label_smoothing=0.2)
    assert values(smoothed) == pytest.approx(values(plain))


def test_categorical_crossentropy():
    y_pred = [[0.05, 0.95, 0.0], [0.1, 0.8, 0.1]]
    expected = [-math.log(0.95), -math.log(0.1)]
    assert values(losses.categorical_crossentropy([[0, 1, 0], [0, 0, 1]], y_pred)) == pytest.approx(expected)
    assert values(losses.sparse_categorical_crossentropy([1, 2], y_pred)) == pytest.approx(expected)
    assert values(losses.sparse_categorical_crossentropy([[1], [2]], y_pred)) == pytest.approx(expected)


def test_categorical_crossentropy_of_distributions():
    expected = -0.25 * math.log(0.5) - 0.75 * math.log(0.5)
    assert values(losses.categorical_crossentropy([[0.25, 0.75]], [[0.5, 0.5]])) == [pytest.approx(expected)]


def test_categorical_crossentropy_normalises_probabilities():
    one = losses.categorical_crossentropy([[0, 1]], [[0.2, 0.6]])
    assert values(one) == pytest.approx([-math.log(0.75)])
    assert values(losses.sparse_categorical_crossentropy([1], [[0.2, 0.6]])) == pytest.approx([-math.log(0.75)])


def test_categorical_crossentropy_from_logits():
    # log(e¹ + e² + e³) - 3
    expected = math.log(math.exp(1) + math.exp(2) + math.exp(3)) - 3
    logits = [[1.0, 2.0, 3.0]]
    assert values(losses.categorical_crossentropy([[0, 0, 1]], logits, from_logits=True)) == pytest.approx([expected])
    assert values(losses.sparse_categorical_crossentropy([2], logits, from_logits=True)) == pytest.approx([expected])


def test_categorical_crossentropy_with_label_smoothing():
    # 1 becomes 0.7 + 0.3/3 = 0.8, each 0 becomes 0.1
    expected = -0.8 * math.log(0.5) - 0.1 * math.log(0.3) - 0.1 * math.log(0.2)
    p = [[0.5, 0.3, 0.2]]
    assert values(losses.categorical_crossentropy([[1, 0, 0]], p, label_smoothing=0.3)) == pytest.approx([expected])
    logits = np.log(p)
    smoothed = losses.categorical_crossentropy([[1, 0, 0]], logits, from_logits=True, label_smoothing=0.3)
    assert values(smoothed) == pytest.approx([expected])


def test_more_axes():
    """The last axis is averaged or summed over, all others stay."""
    rng = np.random.default_rng(0)
    p = rng.dirichlet(np.ones(5), size=(2, 3))
    labels = rng.integers(0, 5, (2, 3))
    for loss in (
        losses.mean_squared_error(p[::-1], p),
        losses.binary_crossentropy(p[::-1], p),
        losses.categorical_crossentropy(np.eye(5)[labels], p),
        losses.sparse_categorical_crossentropy(labels, p),
        losses.sparse_categorical_crossentropy(labels[..., None], p, from_logits=True),
    ):
        assert loss.shape == (2, 3)
    chosen = np.take_along_axis(p, labels[..., None], -1)[..., 0]
    np.testing.assert_allclose(losses.sparse_categorical_crossentropy(labels, p), -np.log(chosen))


@pytest.mark.parametrize(
    ("function", "options"),
    [
        (losses.mean_squared_error, {}),
        (losses.mean_absolute_error, {}),
        (losses.huber, {"delta": 0.5}),
        (losses.hinge, {}),
        (losses.kl_divergence, {}),
        (losses.binary_crossentropy, {}),
        (losses.binary_crossentropy, {"from_logits": True}),
        (losses.categorical_crossentropy, {"label_smoothing": 0.3}),
    ],
)
def test_samples_of_more_axes_are_computed_one_by_one(function, options):
    y_true, y_pred = np.ones((2, 1, 4)), np.linspace(0.1, 0.9, 8).reshape(2, 1, 4)
    found = function(y_true, y_pred, **options)
    assert found.shape == (2, 1)
    np.testing.assert_allclose(found[1].numpy(), function(y_true[1], y_pred[1], **options).numpy())


# Far out ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_from_logits_is_exact_at_ten_thousand(dtype):
    z = np.array([[1e4, -1e4]], dtype)
    assert values(losses.binary_crossentropy([[1, 0]], z, from_logits=True)) == [0.0]
    assert values(losses.binary_crossentropy([[0, 1]], z, from_logits=True)) == [10000.0]
    assert values(losses.categorical_crossentropy([[1, 0]], z, from_logits=True)) == [0.0]
    assert values(losses.categorical_crossentropy([[0, 1]], z, from_logits=True)) == [20000.0]
    assert values(losses.sparse_categorical_crossentropy([0], z, from_logits=True)) == [0.0]
    assert values(losses.sparse_categorical_crossentropy([1], z, from_logits=True)) == [20000.0]


@pytest.mark.parametrize(
    ("function", "y_true", "gradient"),
    [
        (losses.binary_crossentropy, [[0, 1]], [[0.5, -0.5]]),  # (σ(z) - y)/2
        (losses.binary_crossentropy, [[1, 0]], [[0.0, 0.0]]),
        (losses.categorical_crossentropy, [[0, 1]], [[1.0, -1.0]]),  # softmax(z) - y
        (losses.sparse_categorical_crossentropy, [1], [[1.0, -1.0]]),
    ],
)
def test_gradients_from_logits_are_exact_at_ten_thousand(function, y_true, gradient):
    z = tgl.constant([[1e4, -1e4]])
    with tgl.GradientTape() as tape:
        tape.watch(z)
        loss = function(y_true, z, from_logits=True)
    assert values(tape.gradient(loss, z)) == gradient


def test_probabilities_of_zero_and_one_give_finite_losses():
    most = -math.log(1e-7)
    assert values(losses.binary_crossentropy([[0.0]], [[1.0]])) == pytest.approx([most], rel=0.02)
    assert values(losses.categorical_crossentropy([[1, 0]], [[0.0, 1.0]])) == pytest.approx([most], rel=1e-3)
    sure = losses.categorical_crossentropy([[1, 0]], np.array([[1.0, 0.0]]))
    assert values(sure) == pytest.approx([1e-7], rel=1e-3)  # -log(1 - 1e-7)


@pytest.mark.parametrize("loss", ["binary_crossentropy", "categorical_crossentropy", "kl_divergence"])
def test_certainty_in_float16_is_as_finite_as_in_float32(loss):
    """1 - 1e-7 rounds to 1 in float16, and 1 / 1e-7 to inf."""
    y_true, y_pred = np.eye(2)[[0, 0, 1]], np.eye(2)[[0, 1, 1]]
    half, single = (tgl.Variable(y_pred, dtype=dtype) for dtype in ("float16", "float32"))
    with tgl.GradientTape(persistent=True) as tape:
        losses_of = [getattr(losses, loss)(y_true, p) for p in (half, single)]
    assert losses_of[0].dtype == np.float16
    assert np.isfinite(tape.gradient(losses_of[0], half).numpy()).all()
    assert losses_of[0].numpy()[[0, 2]] == pytest.approx(losses_of[1].numpy()[[0, 2]], abs=1e-3)
    assert losses_of[0].numpy()[1] == pytest.approx(losses_of[1].numpy()[1], rel=0.3)


# Gradients ----------------------------------------------------------------------------------------------------

RNG = np.random.default_rng(7)
REAL, OTHER = RNG.normal(size=(2, 3, 4))
P, Q = RNG.dirichlet(np.ones(4) * 5, size=(2, 3))
SIGNS = np.sign(OTHER)
LABELS = RNG.integers(0, 4, 3)


@pytest.mark.parametrize(
    ("function", "inputs"),
    [
        (losses.mean_squared_error, (REAL, OTHER)),
        (losses.mean_absolute_error, (REAL, OTHER)),
        (losses.huber, (REAL, 3 * OTHER)),
        (lambda a, b: losses.huber(a, b, delta=0.3), (REAL, OTHER)),
        (lambda y_pred: losses.hinge(SIGNS.astype(int), y_pred), (REAL,)),
        (lambda y_pred: losses.hinge((SIGNS > 0).astype(int), y_pred), (REAL,)),
        (losses.kl_divergence, (P, Q)),
        (losses.binary_crossentropy, (P, Q)),
        (lambda y, p: losses.binary_crossentropy(y, p, label_smoothing=0.2), (P, Q)),
        (lambda y, z: losses.binary_crossentropy(y, z, from_logits=True), (P, 4 * REAL)),
        (losses.categorical_crossentropy, (P, Q)),
        (lambda y, p: losses.categorical_crossentropy(y, p, label_smoothing=0.2), (P, Q)),
        (lambda y, z: losses.categorical_crossentropy(y, z, from_logits=True), (P, 4 * REAL)),
        (
            lambda y, z: losses.categorical_crossentropy(y, z, from_logits=True, label_smoothing=0.1),
            (P, 4 * REAL),
        ),
        (lambda p: losses.sparse_categorical_crossentropy(LABELS, p), (Q,)),
        (lambda z: losses.sparse_categorical_crossentropy(LABELS, z, from_logits=True), (4 * REAL,)),
    ],
)
def test_gradients(function, inputs):
    """First and second order, with respect to predictions and labels, against finite differences."""
    check_gradients(function, *inputs)


@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "mean_with_sample_weight", "sum", "none"])
def test_gradients_of_weighted_losses(reduction):
    loss = losses.MeanSquaredError(reduction=reduction)
    check_gradients(lambda y_true, y_pred, w: loss(y_true, y_pred, w), REAL, OTHER, np.array([0.5, 2.0, 1.0]))


def test_known_gradients():
    """d/dz of the cross-entropies is (probability - label), over the number of samples."""
    z, y = REAL.astype("float32"), np.eye(4, dtype="float32")[LABELS]
    tensor = tgl.constant(z)
    softmax = np.exp(z) / np.exp(z).sum(-1, keepdims=True)
    for loss, y_true, expected in [
        (losses.CategoricalCrossentropy(from_logits=True), y, (softmax - y) / 3),
        (losses.SparseCategoricalCrossentropy(from_logits=True), LABELS, (softmax - y) / 3),
        (losses.BinaryCrossentropy(from_logits=True), y, (1 / (1 + np.exp(-z)) - y) / 12),
        (losses.MeanSquaredError(), y, 2 * (z - y) / 12),
        (losses.MeanAbsoluteError(), y, np.sign(z - y) / 12),
    ]:
        with tgl.GradientTape() as tape:
            tape.watch(tensor)
            value = loss(y_true, tensor)
        np.testing.assert_allclose(tape.gradient(value, tensor), expected, rtol=1e-5, atol=1e-7)


# Objects ------------------------------------------------------------------------------------------------------

TRUE, PRED = [[0.0, 1.0], [0.0, 0.0]], [[0.6, 0.4], [0.4, 0.6]]


@pytest.mark.parametrize(
    ("loss", "expected"),
    [  # by sample, worked out from TRUE and PRED
        (losses.MeanSquaredError, [(0.36 + 0.36) / 2, (0.16 + 0.36) / 2]),
        (losses.MeanAbsoluteError, [0.6, 0.5]),
        (losses.Huber, [0.18, 0.13]),
        (losses.Hinge, [(1.6 + 0.6) / 2, (1.4 + 1.6) / 2]),
        (losses.BinaryCrossentropy, [-math.log(0.4), -(math.log(0.6) + math.log(0.4)) / 2]),
        (losses.KLDivergence, [1e-7 * math.log(1e-7 / 0.6) + math.log(1 / 0.4), 0.0]),
    ],
)
def test_reductions(loss, expected):
    first, second = expected
    for reduction, answer in {
        "sum_over_batch_size": (first + second) / 2,
        "mean": (first + second) / 2,
        "mean_with_sample_weight": (first + second) / 2,
        "sum": first + second,
    }.items():
        assert loss(reduction=reduction)(TRUE, PRED).item() == pytest.approx(answer, abs=1e-5)
    for reduction in ("none", None):
        assert values(loss(reduction=reduction)(TRUE, PRED)) == pytest.approx(expected, abs=1e-5)
    assert loss()(TRUE, PRED).item() == pytest.approx((first + second) / 2, abs=1e-5)


@pytest.mark.parametrize(
    ("reduction", "answer"),
    [
        ("sum_over_batch_size", (0.7 * 0.6 + 0.3 * 0.5) / 2),
        ("mean", (0.7 * 0.6 + 0.3 * 0.5) / 2),
        ("mean_with_sample_weight", (0.7 * 0.6 + 0.3 * 0.5) / (0.7 + 0.3)),
        ("sum", 0.7 * 0.6 + 0.3 * 0.5),
        ("none", [0.7 * 0.6, 0.3 * 0.5]),
    ],
)
def test_sample_weights(reduction, answer):
    loss = losses.MeanAbsoluteError(reduction=reduction)
    assert values(loss(TRUE, PRED, sample_weight=[0.7, 0.3])) == pytest.approx(answer)
    assert values(loss(TRUE, PRED, sample_weight=np.array([0.7, 0.3]))) == pytest.approx(answer)


def test_one_weight_for_all():
    assert losses.MeanAbsoluteError()(TRUE, PRED, sample_weight=2.0).item() == pytest.approx(2 * 0.55)
    mean = losses.MeanAbsoluteError(reduction="mean_with_sample_weight")
    assert mean(TRUE, PRED, sample_weight=2.0).item() == pytest.approx(0.55)


def test_a_weight_for_each_step_of_each_sample():
    y_true, y_pred = np.zeros((2, 3, 4)), np.ones((2, 3, 4))
    loss = losses.MeanSquaredError(reduction="none")
    assert values(loss(y_true, y_pred, sample_weight=[1, 2])) == [[1.0] * 3, [2.0] * 3]
    assert values(loss(y_true, y_pred, sample_weight=[[1, 2, 3], [4, 5, 6]])) == [[1, 2, 3], [4, 5, 6]]


def test_weights_of_zero():
    for reduction in ("sum_over_batch_size", "mean_with_sample_weight", "sum"):
        assert losses.MeanSquaredError(reduction=reduction)(TRUE, PRED, [0.0, 0.0]).item() == 0.0


def test_no_samples():
    for reduction in ("sum_over_batch_size", "sum"):
        assert losses.MeanSquaredError(reduction=reduction)(np.zeros((0, 2)), np.zeros((0, 2))).item() == 0.0


@pytest.mark.parametrize("shape", [(3,), (2, 2), (1, 2), (2, 1, 1)])
def test_weights_that_do_not_fit(shape):
    with pytest.raises(ValueError, match=r"one weight for each sample: the shape \(2,\).*sample_weight\.shape="):
        losses.MeanSquaredError()(TRUE, PRED, np.ones(shape))


@pytest.mark.parametrize(
    ("values", "shape", "fix"),
    [
        ((2,), (3,), "Is there one sample for each weight"),
        ((1,), (3,), "Is there one sample for each weight"),  # the values are never broadcast along the weights
        ((2, 1), (2, 3), "Is there one sample for each weight"),
        ((2, 3), (3,), r"Weights along the last axis need one in front: sample_weight\[None, :\]"),
        ((), (2,), r"averaged over all samples before: give labels and outputs the shape \(samples, 1\)"),
    ],
)
def test_the_fix_for_weights_that_do_not_fit(values, shape, fix):
    with pytest.raises(ValueError, match=fix):
        weights_of(tgl.constant(np.ones(values)), np.ones(shape))


def test_options_of_objects():
    assert losses.Huber()([[0.0]], [[3.0]]).item() == 2.5  # delta = 1: 1·(3 - 1/2)
    assert losses.Huber(delta=2.0)([[0.0]], [[3.0]]).item() == 4.0
    assert losses.BinaryCrossentropy(from_logits=True)([[0.0]], [[1e4]]).item() == 1e4
    smoothed = losses.CategoricalCrossentropy(label_smoothing=0.5)([[1, 0]], [[0.5, 0.5]])
    assert smoothed.item() == pytest.approx(math.log(2))


def test_whether_a_loss_takes_logits():
    assert losses.BinaryCrossentropy(from_logits=True).from_logits is True
    assert losses.BinaryCrossentropy().from_logits is False
    assert losses.MeanSquaredError().from_logits is False


def test_names():
    assert losses.MeanSquaredError().name == "mean_squared_error"
    assert losses.SparseCategoricalCrossentropy(name="mine").name == "mine"
    assert losses.get(lambda y_true, y_pred: y_pred).name == "<lambda>"
    assert type("MeanL2Error", (losses.Loss,), {})().name == "mean_l2_error"


def test_float64_stays():
    for name, loss in FUNCTIONS.items():
        if name == "sparse_categorical_crossentropy":
            assert loss([0], np.array([[0.5, 0.5]])).dtype == "float64"
        else:
            assert loss([[1, 0]], np.array([[0.5, 0.5]])).dtype == "float64"
            assert loss(np.array([[1.0, 0.0]]), np.array([[0.5, 0.5]], "float32")).dtype == "float32"


def test_integer_predictions_count_as_float32():
    loss = losses.mean_squared_error(np.array([[1, 5]]), np.array([[2, 8]]))
    assert values(loss) == [5.0]
    assert loss.dtype == "float32"


def test_half_precision_stays():
    p = np.array([[0.25, 0.75]], "float16")
    assert losses.sparse_categorical_crossentropy([1], p).dtype == "float16"
    assert losses.categorical_crossentropy([[0.0, 1.0]], p, label_smoothing=0.5).dtype == "float16"


@pytest.mark.parametrize("name", sorted({type(losses.get(n)).__name__ for n in FUNCTIONS}))
def test_configs_make_equal_losses(name):
    loss = getattr(losses, name)(reduction="sum", name="mine")
    assert type(loss).from_config(loss.get_config()).get_config() == loss.get_config()
    assert loss.get_config()["reduction"] == "sum"


def test_config_of_a_function():
    loss = losses.LossFunctionWrapper(losses.huber, delta=2.0)
    assert losses.LossFunctionWrapper.from_config(loss.get_config())([[0.0]], [[3.0]]).item() == 4.0


def test_unknown_reduction():
    with pytest.raises(ValueError, match=r"MeanSquaredError expected one of 'sum_over_batch_size', .*reduction='avg'"):
        losses.MeanSquaredError(reduction="avg")


def test_a_loss_without_call():
    with pytest.raises(NotImplementedError, match=r"Mine must define call\(self, y_true, y_pred\)"):
        type("Mine", (losses.Loss,), {})()([[1.0]], [[1.0]])


# By name ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("identifier", "kind"),
    [
        ("mse", losses.MeanSquaredError),
        ("MeanSquaredError", losses.MeanSquaredError),
        ("mae", losses.MeanAbsoluteError),
        ("huber", losses.Huber),
        ("hinge", losses.Hinge),
        ("kl_divergence", losses.KLDivergence),
        ("KLD", losses.KLDivergence),
        ("binary_crossentropy", losses.BinaryCrossentropy),
        ("categorical_crossentropy", losses.CategoricalCrossentropy),
        ("sparse_categorical_crossentropy", losses.SparseCategoricalCrossentropy),
        (losses.Huber, losses.Huber),
        (losses.sparse_categorical_crossentropy, losses.SparseCategoricalCrossentropy),
    ],
)
def test_get(identifier, kind):
    assert type(losses.get(identifier)) is kind


def test_get_returns_a_loss_as_it_is():
    loss = losses.Huber(3.0)
    assert losses.get(loss) is loss


def test_get_of_an_unknown_name():
    message = (
        r"Unknown loss\. Received: 'binary_crosentropy'\. Did you mean 'binary_crossentropy'\? Known: 'bce'.*'mse'"
    )
    with pytest.raises(ValueError, match=message):
        losses.get("binary_crosentropy")
    with pytest.raises(TypeError, match=r"name of a known loss, or one itself\. Received: 3 of type int"):
        losses.get(3)


# Strictness ---------------------------------------------------------------------------------------------------

SAME_SHAPE = ["mean_squared_error", "mean_absolute_error", "huber", "hinge", "kl_divergence", "binary_crossentropy"]


@pytest.mark.parametrize("name", SAME_SHAPE)
@pytest.mark.parametrize(
    ("y_true", "y_pred", "fix"),
    [
        ((4,), (3, 1), r"never broadcast against each other"),
        ((4, 1), (4, 3), r"never broadcast against each other"),
        ((4,), (4, 1, 1), r"never broadcast against each other"),
        ((4,), (4, 3), r"class numbers from 0 to 2, use sparse_categorical_crossentropy, or datasets\.to_categorical"),
        ((4, 2), (4, 2, 3), r"class numbers from 0 to 2, use sparse_categorical_crossentropy, or datasets"),
        ((4, 3), (4, 2), r"never broadcast against each other"),
        ((1, 3), (4, 3), r"never broadcast against each other"),
        ((), (), r"Give both an axis for the samples"),
    ],
)
def test_shapes_are_never_broadcast(name, y_true, y_pred, fix):
    shapes = rf"y_true\.shape={y_true}, y_pred\.shape={y_pred}\. ".replace("(", r"\(").replace(")", r"\)")
    with pytest.raises(ValueError, match=rf"{name} expected labels and predictions of the same shape.*{shapes}.*{fix}"):
        losses.get(name)(np.ones(y_true, "float32"), np.ones(y_pred, "float32"))


def test_integer_labels_for_the_loss_of_one_hot_labels():
    message = (
        r"categorical_crossentropy expected one-hot labels of the shape of the predictions\. Received: y_true\.shape="
        r"\(2,\), y_pred\.shape=\(2, 3\)\. For integer labels use sparse_categorical_crossentropy, or make them one-hot"
        r" with datasets\.to_categorical\(y_true, 3\)"
    )
    with pytest.raises(ValueError, match=message):
        losses.categorical_crossentropy([1, 2], np.ones((2, 3)) / 3)
    for y_true, y_pred in [((2, 1), (2, 3)), ((2, 4), (2, 4, 3)), ((2, 4, 1), (2, 4, 3))]:
        with pytest.raises(ValueError, match="For integer labels use sparse_categorical_crossentropy"):
            losses.categorical_crossentropy(np.ones(y_true, int), np.ones(y_pred) / 3)


def test_one_hot_labels_for_the_sparse_loss():
    message = (
        r"sparse_categorical_crossentropy expected one integer label for each row of predictions, y_true\.shape=\(2,\)"
        r"\. Received: y_true\.shape=\(2, 3\), y_pred\.shape=\(2, 3\)\. These labels look one-hot: use "
        r"categorical_crossentropy, or make them integers with y_true\.argmax\(axis=-1\)"
    )
    with pytest.raises(ValueError, match=message):
        losses.sparse_categorical_crossentropy(np.eye(3)[:2], np.ones((2, 3)) / 3)
    with pytest.raises(ValueError, match=r"\. Are labels and predictions of the same samples\?$"):
        losses.sparse_categorical_crossentropy([0, 1, 2], np.ones((2, 3)) / 3)


@pytest.mark.parametrize("from_logits", [False, True])
@pytest.mark.parametrize("label", [-1, 3, 255])
def test_labels_outside_of_the_classes(from_logits, label):
    message = (
        rf"Expected labels from 0 to 2, one for each of 3 classes\. Received: the label {label} \(1 of 2 are outside\)"
        r"\. Give the last layer more units"
    )
    with pytest.raises(ValueError, match=message):
        losses.sparse_categorical_crossentropy([1, label], np.ones((2, 3)) / 3, from_logits=from_logits)


@pytest.mark.parametrize("from_logits", [False, True])
def test_labels_that_are_floats(from_logits):
    with pytest.raises(
        TypeError, match=r"sparse.* expected integer labels\. Received: y_true\.dtype=float(32|64)\. Convert"
    ):
        losses.sparse_categorical_crossentropy([1.0, 2.0], np.ones((2, 3)) / 3, from_logits=from_logits)


@pytest.mark.parametrize("loss", [losses.categorical_crossentropy, losses.sparse_categorical_crossentropy])
def test_one_output_has_no_categories(loss):
    """Softmax of one number is always 1, and its loss always 0: a model that cannot learn, in silence."""
    with pytest.raises(ValueError, match=r"at least two classes along the last axis\. .*use binary_crossentropy with"):
        loss(np.zeros((4, 1), int), np.ones((4, 1)))


@pytest.mark.parametrize(
    ("loss", "y_true"),
    [
        (losses.binary_crossentropy, [[0, 1]]),
        (losses.categorical_crossentropy, [[0, 1]]),
        (losses.sparse_categorical_crossentropy, [1]),
    ],
)
def test_logits_where_probabilities_are_expected(loss, y_true):
    with pytest.raises(ValueError, match=r"y_pred from 0 to 1\. Received: y_pred with numbers from -3 to 2\. .*=True"):
        loss(y_true, [[-3.0, 2.0]])


def test_labels_that_are_no_probabilities():
    with pytest.raises(ValueError, match=r"y_true with numbers from -1 to 1\. .* use hinge for -1 and 1"):
        losses.binary_crossentropy([[-1, 1]], [[0.5, 0.5]])
    with pytest.raises(ValueError, match=r"y_true with numbers from 0 to 9\. Make the labels one-hot"):
        losses.categorical_crossentropy([[0, 9]], [[0.5, 0.5]])
    with pytest.raises(ValueError, match=r"apply softmax to them first"):
        losses.kl_divergence([[0.5, 0.5]], [[5.0, -3.0]])


def test_how_far_rounding_may_lead_out_of_the_range():
    """A thousandth, with what is beyond 0 and 1 counted as 0 and 1."""
    for number, counts_as in [(-1e-3, 0.0), (1 + 1e-3, 1.0)]:
        assert values(losses.binary_crossentropy([[1.0]], np.array([[number]]))) == values(
            losses.binary_crossentropy([[1.0]], np.array([[counts_as]]))
        )
    assert values(losses.kl_divergence([[1.0]], np.array([[1.001]]))) == [0.0]
    assert values(losses.kl_divergence(np.array([[1.001]]), np.array([[1.0]]))) == [0.0]
    for number in (-0.002, 1.002):
        with pytest.raises(ValueError, match="expected y_pred from 0 to 1"):
            losses.binary_crossentropy([[1.0]], np.array([[number]]))


@pytest.mark.parametrize("loss", [losses.binary_crossentropy, losses.categorical_crossentropy])
@pytest.mark.parametrize("smoothing", [-0.1, 1.5])
def test_label_smoothing_out_of_range(loss, smoothing):
    with pytest.raises(ValueError, match=rf"label_smoothing from 0 to 1\. Received: label_smoothing={smoothing}"):
        loss([[0, 1]], [[0.5, 0.5]], label_smoothing=smoothing)


@pytest.mark.parametrize("delta", [0.0, -1.0, math.nan])
def test_delta_out_of_range(delta):
    with pytest.raises(ValueError, match=rf"huber expected a positive delta\. Received: delta={delta}"):
        losses.huber([[0.0]], [[1.0]], delta=delta)


def test_nan_passes_through():
    """It shows in the loss, instead of an error about ranges that would hide where it came from."""
    for loss in (losses.mean_squared_error, losses.binary_crossentropy, losses.categorical_crossentropy):
        assert np.isnan(values(loss([[0.0, 1.0]], [[np.nan, 0.5]])))


# A model that ends in softmax or sigmoid ----------------------------------------------------------------------


def extreme(activation, units=2):
    """A model whose logits are ten thousand times its inputs."""
    kernel = 1e4 * np.eye(units, dtype="float32")
    return nn.Sequential([nn.Dense(units, activation, use_bias=False, kernel_initializer=kernel)])


CASES = [
    ("softmax", "categorical_crossentropy", [[0.0, 1.0]]),
    ("softmax", "sparse_categorical_crossentropy", [1]),
    ("sigmoid", "binary_crossentropy", [[0.0, 1.0]]),
]


@pytest.mark.parametrize(("activation", "loss", "y"), CASES)
def test_the_loss_is_computed_from_the_logits(activation, loss, y):
    """Of probabilities that are exactly 0 and 1, the loss would be the log of 1e-7, and the gradient 0."""
    model = extreme(activation)
    model.compile(optim.SGD(1.0), loss)
    x = np.array([[1.0, -1.0]], "float32")  # logits 10000, -10000
    assert model.predict(x, verbose=0).tolist() == [[1.0, 0.0]]
    exact = 10000.0 if activation == "sigmoid" else 20000.0
    assert model.evaluate(x, np.array(y), verbose=0) == exact
    before = model.get_weights()[0]
    assert model.train_on_batch(x, np.array(y)) == exact
    assert (model.get_weights()[0] != before).any()


@pytest.mark.parametrize(("activation", "loss", "y"), CASES)
@pytest.mark.parametrize("wrapped", ["layer", "nested", "subclass", "function", "dropout"])
def test_however_the_model_ends_in_it(activation, loss, y, wrapped):
    inner = extreme(None)
    if wrapped == "layer":
        inner.add(nn.Activation(activation))
        model = inner
    elif wrapped == "nested":
        model = nn.Sequential([nn.Flatten(), extreme(activation)])
    elif wrapped == "function":
        model = extreme(getattr(tgl, activation))
    elif wrapped == "dropout":  # which does nothing in evaluation
        model = nn.Sequential([extreme(activation), nn.Dropout(0.5)])
    else:

        class Mine(nn.Model):
            def __init__(self):
                super().__init__()
                self.out = extreme(activation)

            def call(self, x):
                return self.out(x)

        model = Mine()
    model.compile("sgd", loss)
    x = np.array([[1.0, -1.0]], "float32")
    assert model.evaluate(x, np.array(y), verbose=0) == (10000.0 if activation == "sigmoid" else 20000.0)


@pytest.mark.parametrize(
    ("activation", "loss", "y"),
    [
        ("sigmoid", "categorical_crossentropy", [[0.0, 1.0]]),  # not what belongs to it
        ("softmax", "binary_crossentropy", [[0.0, 1.0]]),
        ("softmax", "mean_squared_error", [[0.0, 1.0]]),
    ],
)
def test_other_losses_see_the_probabilities(activation, loss, y):
    model = extreme(activation)
    model.compile("sgd", loss)
    x = np.array([[1.0, -1.0]], "float32")
    probabilities = model.predict(x, verbose=0)
    assert model.evaluate(x, np.array(y), verbose=0) == pytest.approx(losses.get(loss)(y, probabilities).item())


def test_probabilities_that_are_changed_after_the_softmax_are_what_counts():
    class Half(nn.Model):
        def __init__(self):
            super().__init__()
            self.out = extreme("softmax")

        def call(self, x):
            return (self.out(x) + 0.5) / 2

    model = Half()
    model.compile("sgd", "categorical_crossentropy")
    x, y = np.array([[1.0, -1.0]], "float32"), np.array([[0.0, 1.0]])
    assert model.evaluate(x, y, verbose=0) == pytest.approx(-math.log(0.25))


@pytest.mark.parametrize(("activation", "loss", "y"), CASES)
def test_it_is_the_same_number_where_nothing_is_extreme(activation, loss, y):
    rng = np.random.default_rng(1)
    model = nn.Sequential([nn.Dense(2, activation)])
    model.compile(optim.SGD(0.0), loss)
    x = rng.normal(size=(6, 3)).astype("float32")
    y = np.repeat(np.array(y), 6, axis=0)
    probabilities = model.predict(x, verbose=0)
    expected = losses.get(loss)(y, probabilities).item()
    assert model.evaluate(x, y, verbose=0) == pytest.approx(expected, rel=1e-5)


def test_options_of_the_loss_are_kept():
    model = nn.Sequential([nn.Dense(3, "softmax")])
    x, y = np.ones((2, 4), "float32"), np.eye(3, dtype="float32")[:2]
    model.compile("sgd", losses.CategoricalCrossentropy(label_smoothing=0.3, reduction="sum"))
    expected = losses.CategoricalCrossentropy(label_smoothing=0.3, reduction="sum")(y, model(x)).item()
    assert model.evaluate(x, y, verbose=0) == pytest.approx(expected, rel=1e-5)


def test_softmax_before_a_loss_of_logits_stays_what_it_is():
    """from_logits=True is a promise of the user; the model must not apply it twice or silently take it back."""
    model = nn.Sequential([nn.Dense(3, "softmax")])
    x, y = np.ones((2, 4), "float32"), np.eye(3, dtype="float32")[:2]
    model.compile("sgd", losses.CategoricalCrossentropy(from_logits=True))
    expected = losses.CategoricalCrossentropy(from_logits=True)(y, model(x)).item()
    assert model.evaluate(x, y, verbose=0) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("which", ["y_true", "y_pred"])
def test_kl_divergence_names_what_is_no_probability(which):
    arguments = {"y_true": np.array([[0.5, 0.5]]), "y_pred": np.array([[0.5, 0.5]]), which: np.array([[2.0, -1.0]])}
    with pytest.raises(ValueError, match=rf"kl_divergence expected {which} "):
        nn.losses.kl_divergence(**arguments)
