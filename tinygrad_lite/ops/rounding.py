"""Signs, roundings, whole quotients and fractions.

They are constant nearly everywhere, so they carry no gradient. Only the fraction of a number has one.
"""

from __future__ import annotations

import numpy as np

from tinygrad_lite.core.calling import refuse_out
from tinygrad_lite.core.primitive import elementwise, nondifferentiable
from tinygrad_lite.core.tensor import Tensor, TensorLike, to_tensor
from tinygrad_lite.ops.arithmetic import remainder
from tinygrad_lite.ops.casting import cast
from tinygrad_lite.utils.types import Array

sign = nondifferentiable(np.sign, "The sign: -1, 0 or 1.", example="[-3.0, 0.0, 2.0] -> [-1.  0.  1.]")
floor = nondifferentiable(np.floor, "The largest whole number not above: ⌊x⌋.", example="[-1.5, 1.5] -> [-2.  1.]")
ceil = nondifferentiable(np.ceil, "The smallest whole number not below: ⌈x⌉.", example="[-1.5, 1.5] -> [-1.  2.]")
trunc = nondifferentiable(np.trunc, "The whole number towards 0: sign(x) · ⌊|x|⌋.", example="[-1.5, 1.5] -> [-1.  1.]")
rint = nondifferentiable(
    np.rint, "The nearest whole number, an even one if two are.", example="[-1.7, 0.5] -> [-2.  0.]"
)
floor_divide = nondifferentiable(
    np.floor_divide, "The whole quotient: ⌊x1 / x2⌋.", example="[7.0, -7.0], 2.0 -> [ 3. -4.]"
)


@nondifferentiable
def round(a: Array, *, decimals: int = 0, out: None = None) -> Array:
    """The nearest number with so many decimals, an even last digit if two are; without a gradient.

    Parameters
    ----------
    a : Tensor or array-like
    decimals : int
        Negative ones count digits before the point.
    out : None

    Returns
    -------
    Tensor
        Of the shape of `a`.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.round([0.5, 1.25, 21.0], 1).tolist()
    [0.5, 1.2000000476837158, 21.0]
    """
    refuse_out("round", out)
    return np.round(a, decimals=decimals)


def divmod(x1: TensorLike, x2: TensorLike) -> tuple[Tensor, Tensor]:
    """Whole quotient and remainder at once: ⌊x1 / x2⌋, and x1 - x2 · ⌊x1 / x2⌋.

    Parameters
    ----------
    x1, x2 : Tensor or array-like

    Returns
    -------
    pair of Tensors
        As by `floor_divide`, without a gradient, and by `remainder`.

    Raises
    ------
    ValueError
        The shapes do not broadcast together.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> quotient, rest = tgl.divmod([7.0, -7.0], 2.0)
    >>> quotient.tolist(), rest.tolist()
    ([3.0, -4.0], [1.0, 1.0])
    """
    return floor_divide(x1, x2), remainder(x1, x2)


@elementwise
def _fraction(x: Array) -> Array:
    """What is left of a number without the whole number towards 0, with its sign: x - trunc x."""
    return np.modf(x)[0]


_fraction.defvjp(lambda g, y, x: g)


def modf(x: TensorLike) -> tuple[Tensor, Tensor]:
    """The part of a number behind the point, and the part before it: x - trunc x, and trunc x.

    Parameters
    ----------
    x : Tensor or array-like

    Returns
    -------
    pair of Tensors
        The second is without a gradient.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> fraction, whole = tgl.modf([1.5, -2.25])
    >>> fraction.tolist(), whole.tolist()
    ([0.5, -0.25], [1.0, -2.0])
    """
    x = to_tensor(x)
    x = x if x.dtype.kind == "f" else cast(x, np.modf(np.empty(0, x.dtype))[0].dtype)
    return _fraction(x), trunc(x)


_fraction.needs_zero_rule = False  # its derivative is 1

around = round
"""NumPy's second name for `round`."""
