"""Neural networks with Keras's names: layers, models, losses, metrics, callbacks, and the functions they use."""

from tinygrad_lite.nn import activations as activations
from tinygrad_lite.nn import callbacks as callbacks
from tinygrad_lite.nn import initializers as initializers
from tinygrad_lite.nn import layers as layers
from tinygrad_lite.nn import losses as losses
from tinygrad_lite.nn import metrics as metrics
from tinygrad_lite.nn.callbacks import Callback, History
from tinygrad_lite.nn.layers import Activation, Dense, Dropout, Flatten, Input, Layer
from tinygrad_lite.nn.model import Model, Sequential

__all__ = [
    "Activation", "Callback", "Dense", "Dropout", "Flatten", "History", "Input", "Layer", "Model", "Sequential",
]  # fmt: skip
