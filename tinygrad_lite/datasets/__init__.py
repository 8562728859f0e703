"""Data: MNIST, digits that the package generates, batches and one-hot labels.

Everything here takes and returns NumPy arrays.
"""

from tinygrad_lite.datasets import idx as idx
from tinygrad_lite.datasets import mnist as mnist
from tinygrad_lite.datasets import synthetic_digits as synthetic_digits
from tinygrad_lite.datasets.batches import Batches as Batches
from tinygrad_lite.datasets.categorical import to_categorical as to_categorical

__all__ = ["Batches", "idx", "mnist", "synthetic_digits", "to_categorical"]
