"""Optimizers with Keras's names, defaults and formulas, and learning rates that change over time."""

from tinygrad_lite.optim import schedules as schedules
from tinygrad_lite.optim.optimizer import SGD, Adagrad, Adam, Momentum, Optimizer, RMSProp, RMSprop, get

__all__ = ["SGD", "Adagrad", "Adam", "Momentum", "Optimizer", "RMSProp", "RMSprop", "get", "schedules"]
