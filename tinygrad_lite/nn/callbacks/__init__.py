"""Callbacks: objects that `fit`, `evaluate` and `predict` tell of each stage."""

from tinygrad_lite.nn.callbacks.backup import BackupAndRestore
from tinygrad_lite.nn.callbacks.monitors import EarlyStopping, ModelCheckpoint, ReduceLROnPlateau
from tinygrad_lite.nn.callbacks.progress import History
from tinygrad_lite.nn.callbacks.steering import CSVLogger, LambdaCallback, LearningRateScheduler, TerminateOnNaN
from tinygrad_lite.utils.callback import Callback

__all__ = [
    "BackupAndRestore", "CSVLogger", "Callback", "EarlyStopping", "History", "LambdaCallback",
    "LearningRateScheduler", "ModelCheckpoint", "ReduceLROnPlateau", "TerminateOnNaN",
]  # fmt: skip
