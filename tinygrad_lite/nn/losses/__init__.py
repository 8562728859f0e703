"""Losses: how wrong a prediction is, as one number for every sample.

Each loss is a function of `(y_true, y_pred)`, and a class of the same name in capitals that weights the samples and
reduces them to one number.
"""

from tinygrad_lite.nn.losses.classes import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    Hinge,
    Huber,
    KLDivergence,
    LossFunctionWrapper,
    MeanAbsoluteError,
    MeanSquaredError,
    SparseCategoricalCrossentropy,
)
from tinygrad_lite.nn.losses.cross_entropies import (
    binary_crossentropy,
    categorical_crossentropy,
    kl_divergence,
    sparse_categorical_crossentropy,
)
from tinygrad_lite.nn.losses.differences import hinge, huber, mean_absolute_error, mean_squared_error
from tinygrad_lite.nn.losses.loss import Loss
from tinygrad_lite.nn.losses.names import get

__all__ = [
    "BinaryCrossentropy", "CategoricalCrossentropy", "Hinge", "Huber", "KLDivergence", "Loss",
    "LossFunctionWrapper", "MeanAbsoluteError", "MeanSquaredError", "SparseCategoricalCrossentropy",
    "binary_crossentropy", "categorical_crossentropy", "get", "hinge", "huber", "kl_divergence",
    "mean_absolute_error", "mean_squared_error", "sparse_categorical_crossentropy",
]  # fmt: skip
