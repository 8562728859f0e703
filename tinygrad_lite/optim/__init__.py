"""Optimizers with Keras's names, defaults and formulas, and learning rates that change over time."""

from tinygrad_lite.optim import schedules as schedules
from tinygrad_lite.optim.adagrad import Adagrad
from tinygrad_lite.optim.adam import Adam
from tinygrad_lite.optim.names import get
from tinygrad_lite.optim.optimizer import Optimizer
from tinygrad_lite.optim.rmsprop import RMSProp, RMSprop
from tinygrad_lite.optim.sgd import SGD, Momentum

__all__ = ["SGD", "Adagrad", "Adam", "Momentum", "Optimizer", "RMSProp", "RMSprop", "get", "schedules"]
