"""Tests of gradients, for the operations of this package and for your own.

`check_gradients` compares the gradients of a function at a point with the function's values around it.
`check_primitive` runs all tests that an operation needs. `strategies` has Hypothesis strategies for arrays.
The latter two need Hypothesis: pip install 'tinygrad_lite[testing]'.
"""

import importlib
from types import ModuleType

from tinygrad_lite.testing.gradients import FIGURES as FIGURES
from tinygrad_lite.testing.gradients import Figures as Figures
from tinygrad_lite.testing.gradients import GradientError as GradientError
from tinygrad_lite.testing.gradients import KinkError as KinkError
from tinygrad_lite.testing.gradients import check_gradients as check_gradients
from tinygrad_lite.testing.primitives import PrimitiveError as PrimitiveError
from tinygrad_lite.testing.primitives import check_primitive as check_primitive


def __getattr__(name: str) -> ModuleType:
    if name == "strategies":  # imported at first use, because it needs Hypothesis
        return importlib.import_module("tinygrad_lite.testing.strategies")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
