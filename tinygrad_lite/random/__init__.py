"""Random tensors, and the seed that they come from."""

from tinygrad_lite.random.distributions import normal, uniform
from tinygrad_lite.random.streams import default_stream, set_seed, stream

__all__ = ["default_stream", "normal", "set_seed", "stream", "uniform"]
