"""`keras.initializers`: what weights are made of."""

from tinygrad_lite.compat.names import names_of, public
from tinygrad_lite.nn import initializers

__getattr__, __dir__ = names_of(__name__, public(initializers))
