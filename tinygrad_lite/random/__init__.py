"""Random tensors, random streams, and the seed of both."""

from tinygrad_lite.random.distributions import normal, uniform
from tinygrad_lite.random.streams import default_stream, set_seed, stream

__all__ = ["default_stream", "normal", "set_seed", "stream", "uniform"]
