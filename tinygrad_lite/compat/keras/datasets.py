"""`keras.datasets`: MNIST, and digits that are drawn where it cannot be had."""

from tinygrad_lite.compat.names import names_of
from tinygrad_lite.datasets import mnist as mnist
from tinygrad_lite.datasets import synthetic_digits as synthetic_digits

__all__ = ["mnist", "synthetic_digits"]

__getattr__, __dir__ = names_of(__name__, {})
