"""`keras.callbacks`: what watches a training, and steers it."""

from tinygrad_lite.compat.names import names_of, public
from tinygrad_lite.nn import callbacks

__getattr__, __dir__ = names_of(__name__, public(callbacks))
