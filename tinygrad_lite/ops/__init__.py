"""Every operation: its forward beside its gradient rules, by kind; `operators` makes them methods of Tensor."""

from tinygrad_lite.ops.activations import (
    elu,
    exponential,
    gelu,
    hard_sigmoid,
    leaky_relu,
    log_sigmoid,
    mish,
    relu,
    selu,
    silu,
    softplus,
    softsign,
)
from tinygrad_lite.ops.arithmetic import (
    abs,
    absolute,
    add,
    cbrt,
    conj,
    conjugate,
    copysign,
    divide,
    fabs,
    float_power,
    fmod,
    heaviside,
    hypot,
    imag,
    mod,
    multiply,
    negative,
    positive,
    pow,
    power,
    real,
    reciprocal,
    remainder,
    sqrt,
    square,
    subtract,
    true_divide,
)
from tinygrad_lite.ops.broadcasting import broadcast_arrays, broadcast_to, meshgrid, tile
from tinygrad_lite.ops.casting import astype, cast
from tinygrad_lite.ops.choosing import clip, fmax, fmin, maximum, minimum, nan_to_num, where
from tinygrad_lite.ops.comparisons import (
    allclose,
    array_equal,
    bitwise_and,
    bitwise_invert,
    bitwise_left_shift,
    bitwise_not,
    bitwise_or,
    bitwise_right_shift,
    bitwise_xor,
    equal,
    greater,
    greater_equal,
    invert,
    isclose,
    isfinite,
    isinf,
    isnan,
    isneginf,
    isposinf,
    left_shift,
    less,
    less_equal,
    logical_and,
    logical_not,
    logical_or,
    logical_xor,
    not_equal,
    right_shift,
    signbit,
)
from tinygrad_lite.ops.counting import all, any, argmax, argmin, argwhere, count_nonzero, flatnonzero, nonzero
from tinygrad_lite.ops.creation import (
    arange,
    eye,
    full,
    full_like,
    identity,
    linspace,
    ones,
    ones_like,
    zeros,
    zeros_like,
)
from tinygrad_lite.ops.cross_entropies import (
    one_hot,
    sigmoid_cross_entropy_with_logits,
    softmax_cross_entropy_with_logits,
    sparse_softmax_cross_entropy_with_logits,
)
from tinygrad_lite.ops.diagonals import diag, diagflat, diagonal, trace, tril, triu
from tinygrad_lite.ops.differences import diff, ediff1d, gradient, trapezoid
from tinygrad_lite.ops.einstein_sums import einsum
from tinygrad_lite.ops.error_function import erf, erfc
from tinygrad_lite.ops.exponentials import (
    acosh,
    arccosh,
    arcsinh,
    arctanh,
    asinh,
    atanh,
    cosh,
    exp,
    exp2,
    expm1,
    log,
    log1p,
    log2,
    log10,
    logaddexp,
    logaddexp2,
    sigmoid,
    sinh,
    tanh,
)
from tinygrad_lite.ops.indexing import getitem, index_add, index_set
from tinygrad_lite.ops.joining import append, column_stack, concatenate, dstack, hstack, stack, vstack
from tinygrad_lite.ops.layers import dense, dropout
from tinygrad_lite.ops.nanfunctions import nanmax, nanmean, nanmin, nanprod, nanstd, nansum, nanvar
from tinygrad_lite.ops.products import cross, dot, inner, kron, matmul, outer, tensordot, vdot, vecdot
from tinygrad_lite.ops.rearranging import (
    flip,
    fliplr,
    flipud,
    matrix_transpose,
    moveaxis,
    roll,
    rollaxis,
    rot90,
    swapaxes,
    transpose,
)
from tinygrad_lite.ops.reductions import amax, amin, max, mean, min, prod, ptp, sum
from tinygrad_lite.ops.rounding import around, ceil, divmod, floor, floor_divide, modf, rint, round, sign, trunc
from tinygrad_lite.ops.scans import cumprod, cumsum, cumulative_prod, cumulative_sum
from tinygrad_lite.ops.shaping import atleast_1d, atleast_2d, atleast_3d, copy, expand_dims, ravel, reshape, squeeze
from tinygrad_lite.ops.softmaxes import log_softmax, logsumexp, softmax
from tinygrad_lite.ops.sorting import argpartition, argsort, partition, searchsorted, sort, unique
from tinygrad_lite.ops.splitting import array_split, dsplit, hsplit, pad, repeat, split, vsplit
from tinygrad_lite.ops.statistics import average, std, var
from tinygrad_lite.ops.taking import choose, compress, select, take, take_along_axis
from tinygrad_lite.ops.trigonometry import (
    acos,
    arccos,
    arcsin,
    arctan,
    arctan2,
    asin,
    atan,
    atan2,
    cos,
    deg2rad,
    degrees,
    rad2deg,
    radians,
    sin,
    sinc,
    tan,
)

__all__ = [
    "abs", "absolute", "acos", "acosh", "add", "all", "allclose", "amax", "amin", "any", "append", "arange",
    "arccos", "arccosh", "arcsin", "arcsinh", "arctan", "arctan2", "arctanh", "argmax", "argmin", "argpartition",
    "argsort", "argwhere", "around", "array_equal", "array_split", "asin", "asinh", "astype", "atan", "atan2",
    "atanh", "atleast_1d", "atleast_2d", "atleast_3d", "average", "bitwise_and", "bitwise_invert",
    "bitwise_left_shift", "bitwise_not", "bitwise_or", "bitwise_right_shift", "bitwise_xor", "broadcast_arrays",
    "broadcast_to", "cast", "cbrt", "ceil", "choose", "clip", "column_stack", "compress", "concatenate", "conj",
    "conjugate", "copy", "copysign", "cos", "cosh", "count_nonzero", "cross", "cumprod", "cumsum",
    "cumulative_prod", "cumulative_sum", "deg2rad", "degrees", "dense", "diag", "diagflat", "diagonal", "diff",
    "divide", "divmod", "dot", "dropout", "dsplit", "dstack", "ediff1d", "einsum", "elu", "equal", "erf", "erfc",
    "exp", "exp2", "expand_dims", "expm1", "exponential", "eye", "fabs", "flatnonzero", "flip", "fliplr",
    "flipud", "float_power", "floor", "floor_divide", "fmax", "fmin", "fmod", "full", "full_like", "gelu",
    "getitem", "gradient", "greater", "greater_equal", "hard_sigmoid", "heaviside", "hsplit", "hstack", "hypot",
    "identity", "imag", "index_add", "index_set", "inner", "invert", "isclose", "isfinite", "isinf", "isnan",
    "isneginf", "isposinf", "kron", "leaky_relu", "left_shift", "less", "less_equal", "linspace", "log", "log1p",
    "log2", "log10", "log_sigmoid", "log_softmax", "logaddexp", "logaddexp2", "logical_and", "logical_not",
    "logical_or", "logical_xor", "logsumexp", "matmul", "matrix_transpose", "max", "maximum", "mean", "meshgrid", "min",
    "minimum", "mish", "mod", "modf", "moveaxis", "multiply", "nan_to_num", "nanmax", "nanmean", "nanmin",
    "nanprod", "nanstd", "nansum", "nanvar", "negative", "nonzero", "not_equal", "one_hot", "ones", "ones_like",
    "outer", "pad", "partition", "positive", "pow", "power", "prod", "ptp", "rad2deg", "radians", "ravel",
    "real", "reciprocal", "relu", "remainder", "repeat", "reshape", "right_shift", "rint", "roll", "rollaxis", "rot90",
    "round", "searchsorted", "select", "selu", "sigmoid", "sigmoid_cross_entropy_with_logits", "sign", "signbit",
    "silu", "sin", "sinc", "sinh", "softmax", "softmax_cross_entropy_with_logits", "softplus", "softsign", "sort",
    "sparse_softmax_cross_entropy_with_logits", "split", "sqrt", "square", "squeeze", "stack", "std", "subtract",
    "sum", "swapaxes", "take", "take_along_axis", "tan", "tanh", "tensordot", "tile", "trace", "transpose",
    "trapezoid", "tril", "triu", "true_divide", "trunc", "unique", "var", "vdot", "vecdot", "vsplit", "vstack",
    "where", "zeros", "zeros_like",
]  # fmt: skip
