"""Reductions over any axes, running sums and products, linspace."""

import numpy as np
from hypothesis import strategies as st

from tinygrad_lite.testing import strategies


def any_axes(a):
    return strategies.axes(a.ndim)


def one_axis(a):
    return strategies.axes(a.ndim, allow_tuples=False)


def an_axis(a):
    return st.integers(-a.ndim, a.ndim - 1)


ANY_AXES = {"axis": any_axes, "keepdims": st.booleans()}
IN_FLOAT64 = {"metadata": {"dtype": np.dtype("float64")}}
EXTREMUM = {"metadata": ANY_AXES, "distinct": True, "by": 1 / 16, "empty": False}
INDEX = {
    "metadata": {"axis": one_axis, "keepdims": st.booleans()},
    "domain": (-1.0, 1.0),
    "empty": False,
}
SPREAD = {"metadata": {**ANY_AXES, "ddof": st.sampled_from([0, 0.5])}, "distinct": True, "by": 1 / 16, "empty": False}

TRUTHS = {"metadata": ANY_AXES, "domain": (0.0, 1.0)}

CASES = {
    "_sum": [{"metadata": ANY_AXES}, IN_FLOAT64],
    "_prod": [{"metadata": ANY_AXES, "max_dims": 2}, IN_FLOAT64],
    "_mean": [{"metadata": ANY_AXES, "empty": False}, {**IN_FLOAT64, "empty": False}],
    "_var": SPREAD,
    "_std": {**SPREAD, "shapes": strategies.shapes(min_dims=1, min_side=2, max_side=3)},
    "_max": EXTREMUM,
    "_min": EXTREMUM,
    "_cumsum": {"metadata": {"axis": an_axis}, "min_dims": 1},
    "_cumprod": {"metadata": {"axis": an_axis}, "min_dims": 1},
    "argmax": INDEX,
    "argmin": INDEX,
    "_all": TRUTHS,
    "_any": TRUTHS,
    "count_nonzero": TRUTHS,
    "_linspace": {
        "broadcasts": True,
        "metadata": {
            "num": st.integers(1, 4),
            "endpoint": st.booleans(),
            "axis": lambda start, stop: st.integers(0, max(start.ndim, stop.ndim)),
        },
        "reference": lambda start, stop, num, endpoint, axis: np.linspace(start, stop, num, endpoint, axis=axis),
    },
}
