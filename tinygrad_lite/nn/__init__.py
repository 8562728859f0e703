"""Neural networks with Keras's names: layers, models, losses, metrics, callbacks, and the functions they use."""

from tinygrad_lite.nn import activations as activations
from tinygrad_lite.nn import callbacks as callbacks
from tinygrad_lite.nn import initializers as initializers
from tinygrad_lite.nn import layers as layers
from tinygrad_lite.nn import losses as losses
from tinygrad_lite.nn import metrics as metrics
from tinygrad_lite.nn.callbacks import Callback, History
from tinygrad_lite.nn.layers import Activation, Dense, Dropout, Flatten, Input, Layer
from tinygrad_lite.nn.model import Model
from tinygrad_lite.nn.saving import registry as registry
from tinygrad_lite.nn.saving.model_file import load_model
from tinygrad_lite.nn.saving.registry import register
from tinygrad_lite.nn.sequential import Sequential
from tinygrad_lite.ops.activations import (
    elu,
    exponential,
    gelu,
    hard_sigmoid,
    leaky_relu,
    log_sigmoid,
    mish,
    relu,
    selu,
    silu,
    softplus,
    softsign,
)
from tinygrad_lite.ops.cross_entropies import (
    one_hot,
    sigmoid_cross_entropy_with_logits,
    softmax_cross_entropy_with_logits,
    sparse_softmax_cross_entropy_with_logits,
)
from tinygrad_lite.ops.exponentials import sigmoid, tanh
from tinygrad_lite.ops.layers import dense, dropout
from tinygrad_lite.ops.softmaxes import log_softmax, logsumexp, softmax

__all__ = [
    "Activation", "Callback", "Dense", "Dropout", "Flatten", "History", "Input", "Layer", "Model", "Sequential",
    "dense", "dropout", "elu", "exponential", "gelu", "hard_sigmoid", "leaky_relu", "load_model", "log_sigmoid",
    "log_softmax", "logsumexp", "mish", "one_hot", "register", "relu", "selu", "sigmoid",
    "sigmoid_cross_entropy_with_logits", "silu", "softmax", "softmax_cross_entropy_with_logits", "softplus",
    "softsign", "sparse_softmax_cross_entropy_with_logits", "tanh",
]  # fmt: skip
