"""Saving: model files, weights files, and the registry of classes that a file may name."""

from tinygrad_lite.nn.saving.model_file import LoadReport, load_model, load_weights, save_model, save_weights

__all__ = ["LoadReport", "load_model", "load_weights", "save_model", "save_weights"]
