"""Keras's names: `from tinygrad_lite.compat import keras`.

>>> from tinygrad_lite.compat import keras
>>> model = keras.Sequential([keras.layers.Dense(10, activation="softmax", input_shape=(784,))])
>>> model.compile(optimizer=keras.optimizers.RMSprop(learning_rate=1e-3), loss="categorical_crossentropy")
>>> model.count_params()
7850
"""

from tinygrad_lite.compat.keras import activations as activations
from tinygrad_lite.compat.keras import callbacks as callbacks
from tinygrad_lite.compat.keras import datasets as datasets
from tinygrad_lite.compat.keras import initializers as initializers
from tinygrad_lite.compat.keras import layers as layers
from tinygrad_lite.compat.keras import losses as losses
from tinygrad_lite.compat.keras import metrics as metrics
from tinygrad_lite.compat.keras import models as models
from tinygrad_lite.compat.keras import optimizers as optimizers
from tinygrad_lite.compat.keras import utils as utils
from tinygrad_lite.compat.names import names_of
from tinygrad_lite.nn import Input, Model, Sequential

__all__ = [
    "Input", "Model", "Sequential", "activations", "callbacks", "datasets", "initializers", "layers", "losses",
    "metrics", "models", "optimizers", "utils",
]  # fmt: skip

_HINTS = {
    "backend": "the functions of tinygrad_lite",
    "ops": "the functions of tinygrad_lite",
    "preprocessing": "NumPy",
    "regularizers": "a term of your own in the loss, tf.reduce_sum(tf.square(w)) for one",
}

__getattr__, __dir__ = names_of(__name__, {}, _HINTS)
