"""Layers with Keras's names, arguments and defaults."""

from tinygrad_lite.nn.layers.layer import Activation, Dense, Dropout, Flatten, Input, Layer

__all__ = ["Activation", "Dense", "Dropout", "Flatten", "Input", "Layer"]
