"""`keras.activations`: functions to put between layers."""

from tinygrad_lite.compat.names import names_of
from tinygrad_lite.nn.activations import BY_NAME, get, linear

__getattr__, __dir__ = names_of(__name__, {**BY_NAME, "get": get, "linear": linear})
