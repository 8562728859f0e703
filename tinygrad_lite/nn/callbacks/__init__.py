"""Callbacks: objects whose hooks `fit`, `evaluate` and `predict` call at each stage."""

from tinygrad_lite.nn.callbacks.backup import BackupAndRestore
from tinygrad_lite.nn.callbacks.checkpoint import ModelCheckpoint
from tinygrad_lite.nn.callbacks.early_stopping import EarlyStopping
from tinygrad_lite.nn.callbacks.history import History
from tinygrad_lite.nn.callbacks.lambda_callback import LambdaCallback
from tinygrad_lite.nn.callbacks.learning_rate import LearningRateScheduler, ReduceLROnPlateau
from tinygrad_lite.nn.callbacks.logging import CSVLogger
from tinygrad_lite.nn.callbacks.terminate_on_nan import TerminateOnNaN
from tinygrad_lite.utils.callback import Callback

__all__ = [
    "BackupAndRestore", "CSVLogger", "Callback", "EarlyStopping", "History", "LambdaCallback",
    "LearningRateScheduler", "ModelCheckpoint", "ReduceLROnPlateau", "TerminateOnNaN",
]  # fmt: skip
