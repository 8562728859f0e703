"""`keras.models`: layers put together."""

from tinygrad_lite.compat.names import names_of
from tinygrad_lite.nn import Model, Sequential

__all__ = ["Model", "Sequential"]

__getattr__, __dir__ = names_of(__name__, {})
