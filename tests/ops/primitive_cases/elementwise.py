"""Elementwise primitives."""

import math

import numpy as np
from hypothesis import strategies as st

from tinygrad_lite.testing import strategies

ANYWHERE = {}
POSITIVE = {"domain": (0.1, 3.0)}
INSIDE_ONE = {"domain": (-0.9, 0.9)}
NO_TIES = {"distinct": True, "by": 1 / 16}
WITH_TIES = {"domain": (-1.0, 1.0)}
SPECIAL = np.array([0.0, -0.0, np.nan, np.inf, -np.inf])
INTEGERS_1 = {"dtypes": {"x": int}, "domain": (-8, 8)}
INTEGERS_2 = {"dtypes": {"x1": int, "x2": int}, "domain": (-8, 8)}


@st.composite
def _quotients(draw):
    """Pairs whose quotient stays away from whole numbers, where a remainder jumps."""
    shapes = draw(strategies.broadcastable_shapes(2, max_side=3))
    divisor = draw(strategies.arrays(shapes[1], avoid=[0.0], by=0.3))
    whole = draw(strategies.arrays(shapes[0], dtype=int, low=-3, high=3))
    part = draw(strategies.arrays(shapes[0], low=0.2, high=0.8))
    # one divisor for each dividend; else the quotient with another divisor could be whole
    divisor = np.broadcast_to(divisor, np.broadcast_shapes(*shapes)).copy()
    return (whole + part) * divisor, divisor


def _bessel(x, order):
    """jₙ by Poisson's integral: xⁿ / (2ⁿ⁺¹ n!) · ∫₀^π cos(x·cos t) · sin²ⁿ⁺¹ t dt, by Gauss and Legendre."""
    nodes, weights = np.polynomial.legendre.leggauss(40)
    t = (nodes + 1) * np.pi / 2
    terms = np.cos(x[..., None] * np.cos(t)) * np.sin(t) ** (2 * order + 1) * weights
    return x**order / (2 ** (order + 1) * math.factorial(order)) * terms.sum(-1) * np.pi / 2


CAST = {"reference": lambda x, dtype: x.astype(dtype), "keeps_dtype": False}


def each(names, keywords):
    """The same keywords for several names."""
    return dict.fromkeys(names.split(), keywords)


CASES = {
    # arithmetic
    "add": ANYWHERE,
    "subtract": ANYWHERE,
    "multiply": ANYWHERE,
    "divide": {"avoid": {"x2": [0.0]}, "by": 0.3},
    "negative": ANYWHERE,
    "positive": ANYWHERE,
    "reciprocal": {"avoid": [0.0], "by": 0.3},
    "remainder": {"arguments": _quotients()},
    "fmod": {"arguments": _quotients()},
    # powers and roots
    "power": [
        {"domain": {"x1": (0.2, 3.0)}},
        {"arguments": st.tuples(strategies.arrays(avoid=[0.0], by=0.3), st.sampled_from([2, 3, -1, -2, 0, 1]))},
    ],
    "float_power": {"domain": {"x1": (0.2, 3.0)}},
    "square": ANYWHERE,
    "sqrt": POSITIVE,
    "cbrt": {"avoid": [0.0]},
    "hypot": {"avoid": [0.0]},
    # exponentials and logarithms
    "exp": ANYWHERE,
    "exp2": ANYWHERE,
    "expm1": ANYWHERE,
    "log": POSITIVE,
    "log2": POSITIVE,
    "log10": POSITIVE,
    "log1p": {"domain": (-0.9, 3.0)},
    "logaddexp": {"domain": (-30.0, 30.0)},
    "logaddexp2": {"domain": (-30.0, 30.0)},
    # trigonometry
    "sin": ANYWHERE,
    "cos": ANYWHERE,
    "tan": {"domain": (-1.3, 1.3)},
    "arcsin": INSIDE_ONE,
    "arccos": INSIDE_ONE,
    "arctan": ANYWHERE,
    "arctan2": {"avoid": [0.0]},
    "degrees": ANYWHERE,
    "rad2deg": ANYWHERE,
    "radians": ANYWHERE,
    "deg2rad": ANYWHERE,
    "_spherical_bessel": {
        "reference": _bessel, "metadata": {"order": st.integers(0, 4)}, "domain": (-9.0, 9.0), "rtol": 1e-6,
    },
    "sinc": ANYWHERE,
    # hyperbolic
    "_sech2": {"reference": lambda x: 1 / np.cosh(x) ** 2},
    "_sigmoid_slope": {"reference": lambda x, s: s / (1 + np.exp(x))},
    "_cosine": {"reference": lambda a, b: a / np.sqrt(a * a + b * b), "avoid": [0.0]},
    "sinh": ANYWHERE,
    "cosh": ANYWHERE,
    "tanh": ANYWHERE,
    "arcsinh": ANYWHERE,
    "arccosh": {"domain": (1.1, 3.0)},
    "arctanh": INSIDE_ONE,
    # sign and size
    "absolute": {"avoid": [0.0]},
    "fabs": {"avoid": [0.0]},
    "conjugate": {},
    "copysign": {"avoid": [0.0]},
    "heaviside": {"avoid": {"x1": [0.0]}},
    # choosing
    "maximum": NO_TIES,
    "minimum": NO_TIES,
    "fmax": NO_TIES,
    "fmin": NO_TIES,
    "where": {"dtypes": {"condition": bool}},
    "_clip": {**NO_TIES, "reference": np.clip},
    "_fraction": {"reference": lambda x: np.modf(x)[0], "avoid": range(-3, 4)},
    "nan_to_num": ANYWHERE,
    "_cast": [
        {"metadata": {"dtype": np.dtype("float64")}, **CAST},
        {"metadata": {"dtype": np.dtype("float32")}, **CAST, "order": 1},
    ],
    # steps
    "sign": ANYWHERE,
    "floor": ANYWHERE,
    "ceil": ANYWHERE,
    "trunc": ANYWHERE,
    "rint": ANYWHERE,
    "floor_divide": {"arguments": _quotients()},
    "round": {"metadata": {"decimals": st.integers(-1, 2)}},
    # comparisons, logic, bits, tests
    **each("equal not_equal less less_equal greater greater_equal", WITH_TIES),
    **each("logical_and logical_or logical_xor logical_not", WITH_TIES),
    **each("bitwise_and bitwise_or bitwise_xor", INTEGERS_2),
    "invert": INTEGERS_1,
    **each("left_shift right_shift", {**INTEGERS_2, "domain": {"x1": (-8, 8), "x2": (0, 5)}}),
    **each("isnan isinf isfinite signbit isposinf isneginf", {"examples": [((SPECIAL,), {})]}),
    "imag": ANYWHERE,
    "isclose": {"metadata": {"atol": st.sampled_from([0.0, 1.0])}, "broadcasts": True},
    "allclose": {"metadata": {"atol": st.sampled_from([0.0, 6.0])}, "broadcasts": True},
    "array_equal": {"examples": [((np.zeros(2), np.zeros(n)), {}) for n in (2, 3)]},
    "_zero_guard": {
        "reference": lambda g, d: np.where(np.isnan(d) & (g == 0), 0, d),
        "broadcasts": False,
        "examples": [((np.array([0.0, 0.0, 1.0]), np.array([np.nan, 1.0, 2.0])), {})],
    },
}  # fmt: skip
