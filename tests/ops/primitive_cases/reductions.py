"""Reductions, over any axes."""

import numpy as np
from hypothesis import strategies as st

from tinygrad_lite.testing import strategies

ANY_AXES = {"axis": lambda x: strategies.axes(x.ndim), "keepdims": st.booleans()}
ONE_AXIS = {"axis": lambda x: strategies.axes(x.ndim, allow_tuples=False), "keepdims": st.booleans()}
EXTREMUM = {"metadata": ANY_AXES, "distinct": True, "by": 1 / 16, "empty": False}
INDEX = {"metadata": ONE_AXIS, "domain": (-1.0, 1.0), "empty": False}

CASES = {
    "sum": [
        {"metadata": ANY_AXES},
        {"metadata": {"dtype": np.dtype("float64")}},
    ],
    "mean": {"metadata": ANY_AXES, "empty": False},
    "max": EXTREMUM,
    "min": EXTREMUM,
    "argmax": INDEX,
    "argmin": INDEX,
    "all": {"metadata": ANY_AXES, "domain": (0.0, 1.0)},
    "any": {"metadata": ANY_AXES, "domain": (0.0, 1.0)},
}
