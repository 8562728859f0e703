"""Layers with Keras's names, arguments and defaults."""

from tinygrad_lite.nn.layers.core import Activation, Dense, Flatten
from tinygrad_lite.nn.layers.input import Input
from tinygrad_lite.nn.layers.layer import Layer
from tinygrad_lite.nn.layers.regularization import Dropout

__all__ = ["Activation", "Dense", "Dropout", "Flatten", "Input", "Layer"]
