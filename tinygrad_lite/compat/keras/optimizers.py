"""`keras.optimizers`: how gradients change weights."""

from tinygrad_lite import optim
from tinygrad_lite.compat.names import names_of, public

__getattr__, __dir__ = names_of(__name__, public(optim))
