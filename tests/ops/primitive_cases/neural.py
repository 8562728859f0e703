"""Activations, dense layers, cross-entropies, and what is drawn at random."""

import math

import numpy as np
from hypothesis import strategies as st

from tinygrad_lite.testing import strategies


def _sigmoid(x):
    return np.where(x < 0, np.exp(np.minimum(x, 0)), 1) / (1 + np.exp(-np.abs(x)))


_erf = np.vectorize(math.erf, otypes=[float])
_erfc = np.vectorize(math.erfc, otypes=[float])


def _gelu(x, approximate=False):
    if approximate:
        return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))
    return 0.5 * x * _erfc(-x / np.sqrt(2))


def _softmax(x, axis=-1):
    e = np.exp(x)
    return e / e.sum(axis=axis, keepdims=True)


def _log_softmax(x, axis=-1):
    return x - np.log(np.exp(x).sum(axis=axis, keepdims=True))


AN_AXIS = {"metadata": {"axis": lambda x: st.integers(-x.ndim, x.ndim - 1)}, "min_dims": 1, "domain": (-9.0, 9.0)}


@st.composite
def _layers(draw):
    """Shapes of a dense layer's input, kernel and bias."""
    features, units = draw(st.integers(0, 3)), draw(st.integers(0, 3))
    leading = draw(strategies.shapes(max_dims=2, min_side=0, max_side=3))
    return (*leading, features), (features, units), (units,)


@st.composite
def _classified(draw):
    """Logits, and a class for each row of them."""
    shape, classes = draw(strategies.shapes(max_dims=2, min_side=0, max_side=3)), draw(st.integers(1, 4))
    logits = draw(strategies.arrays((*shape, classes), low=-9, high=9))
    return logits, draw(strategies.arrays(shape, dtype=int, low=0, high=classes - 1))


def _sparse_cross_entropy(logits, labels):
    chosen = np.take_along_axis(logits, labels[..., None], -1)[..., 0]
    return np.log(np.exp(logits).sum(-1)) - chosen


def _rows_with_classes():
    return strategies.shapes(min_dims=1, max_dims=3, max_side=3)


def _seeded(**metadata):
    """A generator that starts afresh wherever it is used: the same numbers every time."""

    class Afresh:
        def random(self, *args, **kwargs):
            return np.random.default_rng(0).random(*args, **kwargs)

        def uniform(self, *args, **kwargs):
            return np.random.default_rng(0).uniform(*args, **kwargs)

        def normal(self, *args, **kwargs):
            return np.random.default_rng(0).normal(*args, **kwargs)

        def __repr__(self):
            return "np.random.default_rng(0)"

    return {**metadata, "generator": Afresh()}


CASES = {
    "relu": {"avoid": [0.0], "reference": lambda x: x * (x > 0)},
    "leaky_relu": {
        "avoid": [0.0],
        "metadata": {"negative_slope": st.sampled_from([0.2, 0.0, 1.0])},
        "reference": lambda x, negative_slope: np.maximum(x, 0) + negative_slope * np.minimum(x, 0),
    },
    "elu": {
        "avoid": [0.0],
        "metadata": {"alpha": st.sampled_from([1.0, 0.5])},
        "reference": lambda x, alpha: np.maximum(x, 0) + alpha * np.expm1(np.minimum(x, 0)),
    },
    "selu": {
        "avoid": [0.0],
        "reference": lambda x: (
            1.0507009873554805 * (np.maximum(x, 0) + 1.6732632423543772 * np.expm1(np.minimum(x, 0)))
        ),
    },
    "sigmoid": {"reference": _sigmoid, "domain": (-30.0, 30.0)},
    "hard_sigmoid": {
        "avoid": [-3.0, 3.0],
        "domain": (-5.0, 5.0),
        "reference": lambda x: np.minimum(np.maximum(x + 3, 0), 6) / 6,
    },
    "softplus": {"reference": lambda x: np.logaddexp(x, 0), "domain": (-30.0, 30.0)},
    "log_sigmoid": {"reference": lambda x: -np.logaddexp(-x, 0), "domain": (-30.0, 30.0)},
    "softsign": {"reference": lambda x: x / (1 + np.abs(x)), "avoid": [0.0]},
    "silu": {"reference": lambda x: x * _sigmoid(x), "domain": (-9.0, 9.0)},
    "mish": {"reference": lambda x: x * np.tanh(np.log1p(np.exp(x))), "domain": (-9.0, 9.0)},
    "erf": {"reference": _erf, "domain": (-6.0, 6.0)},
    "erfc": {"reference": _erfc, "domain": (-6.0, 6.0)},
    "gelu": {"reference": _gelu, "metadata": {"approximate": st.booleans()}},
    "logsumexp": {
        "metadata": {"axis": lambda x: strategies.axes(x.ndim), "keepdims": st.booleans()},
        "empty": False,
        "domain": (-9.0, 9.0),
        "reference": lambda x, axis, keepdims: np.log(np.sum(np.exp(x), axis=axis, keepdims=keepdims)),
    },
    "softmax": {**AN_AXIS, "reference": _softmax},
    "log_softmax": {**AN_AXIS, "reference": _log_softmax},
    "dense": {"shapes": _layers(), "reference": lambda x, kernel, bias: x @ kernel + bias},
    "one_hot": {
        "dtypes": {"indices": int},
        "domain": (-2, 5),
        "metadata": {"depth": st.integers(0, 4)},
        "reference": lambda indices, depth: (
            indices[..., None] == np.broadcast_to(np.arange(depth), (*indices.shape, depth))
        ).astype("float32"),
    },
    "_chosen": {
        "arguments": _classified(),
        "reference": lambda x, labels: np.take_along_axis(x, labels[..., None], -1)[..., 0],
    },
    "_sparse_cross_entropy": {"arguments": _classified(), "reference": _sparse_cross_entropy},
    "_softmax_cross_entropy": {
        "shapes": _rows_with_classes(),
        "reference": lambda logits, labels: -np.sum(labels * _log_softmax(logits), axis=-1),
    },
    "_sigmoid_cross_entropy": {
        "reference": lambda z, p: -p * np.log(_sigmoid(z)) - (1 - p) * np.log(_sigmoid(-z)),
    },
    "_masked": {"reference": lambda x, mask: x * mask},
    "_dropout_mask": {
        "metadata": _seeded(rate=0.5),
        "reference": lambda x, rate, generator: (generator.random(np.shape(x), dtype=np.float32) >= rate) / (1 - rate),
    },
    "_random_uniform": {
        "cases": st.just(((), _seeded(shape=(2, 3), low=-1.0, high=2.0, dtype=np.dtype("float32")))),
        "reference": lambda shape, low, high, dtype, generator: generator.uniform(low, high, shape).astype(dtype),
    },
    "_random_normal": {
        "cases": st.just(((), _seeded(shape=(2, 3), mean=1.0, stddev=2.0, dtype=np.dtype("float32")))),
        "reference": lambda shape, mean, stddev, dtype, generator: generator.normal(mean, stddev, shape).astype(dtype),
    },
}
