"""Saving and loading: weights alone, and whole models."""

from tinygrad_lite.nn.saving.model_file import COMPILED, load_model, save_model
from tinygrad_lite.nn.saving.weights import LoadReport, load_weights, save_weights

__all__ = ["COMPILED", "LoadReport", "load_model", "load_weights", "save_model", "save_weights"]
