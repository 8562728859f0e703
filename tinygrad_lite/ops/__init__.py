"""Every operation: its forward beside its gradient rules, by kind; `operators` hangs them on Tensor."""

from tinygrad_lite.ops.creation import ones, ones_like, zeros, zeros_like
from tinygrad_lite.ops.elementwise import (
    absolute,
    add,
    cast,
    clip,
    divide,
    equal,
    exp,
    greater,
    greater_equal,
    isfinite,
    isinf,
    isnan,
    less,
    less_equal,
    log,
    logical_and,
    logical_not,
    logical_or,
    logical_xor,
    maximum,
    minimum,
    multiply,
    negative,
    not_equal,
    power,
    sign,
    sqrt,
    square,
    subtract,
    tanh,
    where,
)
from tinygrad_lite.ops.linalg import dot, matmul, tensordot
from tinygrad_lite.ops.neural import (
    dense,
    dropout,
    log_softmax,
    one_hot,
    relu,
    sigmoid,
    sigmoid_cross_entropy_with_logits,
    softmax,
    softmax_cross_entropy_with_logits,
    sparse_softmax_cross_entropy_with_logits,
)
from tinygrad_lite.ops.reductions import all, any, argmax, argmin, max, mean, min, sum
from tinygrad_lite.ops.shaping import (
    broadcast_to,
    concatenate,
    getitem,
    reshape,
    stack,
    transpose,
)

__all__ = [
    "absolute", "add", "all", "any", "argmax", "argmin", "broadcast_to", "cast", "clip", "concatenate",
    "dense", "divide", "dot", "dropout", "equal", "exp", "getitem", "greater", "greater_equal", "isfinite",
    "isinf", "isnan", "less", "less_equal", "log", "log_softmax", "logical_and", "logical_not", "logical_or",
    "logical_xor", "matmul", "max", "maximum", "mean", "min", "minimum", "multiply", "negative",
    "not_equal", "one_hot", "ones", "ones_like", "power", "relu", "reshape", "sigmoid",
    "sigmoid_cross_entropy_with_logits", "sign", "softmax", "softmax_cross_entropy_with_logits",
    "sparse_softmax_cross_entropy_with_logits", "sqrt", "square", "stack", "subtract", "sum", "tanh",
    "tensordot", "transpose", "where", "zeros", "zeros_like",
]  # fmt: skip
