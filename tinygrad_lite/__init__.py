"""tinygrad_lite: an autograd framework whose core you can read in an afternoon.

>>> import tinygrad_lite as tgl
>>> x = tgl.Variable(3.0)
>>> with tgl.GradientTape() as tape:
...     y = x * x
>>> tape.gradient(y, x)
Tensor(6., shape=(), dtype=float32)
"""

import importlib
from typing import Any

from tinygrad_lite import ops as ops
from tinygrad_lite import random as random
from tinygrad_lite.compiler.function import function as function
from tinygrad_lite.core.arguments import UnconnectedGradients as UnconnectedGradients
from tinygrad_lite.core.custom_gradient import custom_gradient as custom_gradient
from tinygrad_lite.core.functional import hessian_vector_product as hessian_vector_product
from tinygrad_lite.core.functional import value_and_gradient as value_and_gradient
from tinygrad_lite.core.primitive import elementwise as elementwise
from tinygrad_lite.core.primitive import nondifferentiable as nondifferentiable
from tinygrad_lite.core.primitive import primitive as primitive
from tinygrad_lite.core.strict import strict as strict
from tinygrad_lite.core.tape import GradientTape as GradientTape
from tinygrad_lite.core.tape import stop_gradient as stop_gradient
from tinygrad_lite.core.tensor import Tensor as Tensor
from tinygrad_lite.core.tensor import constant as constant
from tinygrad_lite.core.variable import Variable as Variable
from tinygrad_lite.diagnostics import detect_anomalies as detect_anomalies
from tinygrad_lite.ops import *  # noqa: F403
from tinygrad_lite.ops import linalg as linalg
from tinygrad_lite.ops import operators as operators
from tinygrad_lite.version import __version__ as __version__

_ROOMS = ("compat", "datasets", "nn", "optim", "testing", "viz")


def __getattr__(name: str) -> Any:
    """The larger rooms open when they are asked for: `tgl.nn` needs no import of its own."""
    if name in _ROOMS:
        return importlib.import_module(f"tinygrad_lite.{name}")
    raise AttributeError(f"module 'tinygrad_lite' has no attribute {name!r}")
