"""`keras.utils`: labels as vectors, and a seed for all randomness."""

import random

import numpy as np

from tinygrad_lite import streams
from tinygrad_lite.compat.names import names_of
from tinygrad_lite.datasets import to_categorical

__all__ = ["set_random_seed", "to_categorical"]


def set_random_seed(seed: int) -> None:
    """Start the randomness of Python, NumPy and this package from `seed`, as Keras does.

    Examples
    --------
    >>> set_random_seed(0)
    >>> first = np.random.rand()
    >>> set_random_seed(0)
    >>> np.random.rand() == first
    True
    """
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002, for those who still draw from it
    streams.set_seed(seed)


__getattr__, __dir__ = names_of(__name__, {})
