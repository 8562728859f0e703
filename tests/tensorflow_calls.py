"""Random calls of TensorFlow's names in `compat`, compared with TensorFlow: values, dtypes and gradients.

    pip install tensorflow
    python tests/differential.py tensorflow --seconds 60 --seed 0

Each call draws a function, its arguments and options, and half of the time numbers that hit kinks and ties. A
difference prints the call; calls that both refuse count as agreeing, and those that only `compat` refuses are counted
by name.
"""

import argparse
import collections
import os
import sys
import time
import warnings

import numpy as np

UNARY = {
    "abs": "real", "acos": "unit", "acosh": "above 1", "asin": "unit", "asinh": "real", "atan": "real",
    "atanh": "unit", "cos": "real", "cosh": "real", "exp": "real", "floor": "real", "negative": "real",
    "round": "real", "sigmoid": "real", "sign": "real", "sin": "real", "sinh": "real", "sqrt": "positive",
    "square": "real", "tan": "unit", "tanh": "real", "math.ceil": "real", "math.erf": "real", "math.erfc": "real",
    "math.expm1": "real", "math.log": "positive", "math.log1p": "positive", "math.log_sigmoid": "real",
    "math.reciprocal": "positive", "math.rint": "real", "math.softplus": "real", "nn.elu": "real", "nn.relu": "real",
    "nn.relu6": "wide", "nn.selu": "real", "nn.softplus": "wide", "nn.softsign": "real", "nn.tanh": "real",
    "nn.l2_loss": "real", "identity": "real", "math.is_nan": "real", "math.is_inf": "real", "math.is_finite": "real",
    "shape": "real", "size": "real", "rank": "real", "zeros_like": "real", "ones_like": "real", "stop_gradient": "real",
    "keras.activations.relu": "wide", "keras.activations.elu": "real", "keras.activations.gelu": "real",
    "keras.activations.hard_sigmoid": "wide", "keras.activations.mish": "real", "keras.activations.selu": "real",
    "keras.activations.silu": "real", "keras.activations.softplus": "wide", "keras.activations.softsign": "real",
    "keras.activations.leaky_relu": "real", "keras.activations.log_sigmoid": "real",
    "keras.activations.exponential": "real", "keras.activations.linear": "real", "keras.activations.sigmoid": "real",
    "keras.activations.tanh": "real",
}  # fmt: skip
BINARY = [
    "add", "subtract", "multiply", "divide", "maximum", "minimum", "pow", "truediv", "equal", "not_equal", "greater",
    "greater_equal", "less", "less_equal", "math.mod", "math.floordiv", "atan2",
]  # fmt: skip
REDUCTIONS = [
    "reduce_sum", "reduce_mean", "reduce_max", "reduce_min", "reduce_prod", "reduce_logsumexp", "math.reduce_std",
    "math.reduce_variance",
]  # fmt: skip
KERAS_LOSSES = ["mean_squared_error", "mean_absolute_error", "huber", "hinge", "kl_divergence"]


class Draw:
    """Random arguments; `real` numbers are integers and halves half of the time, so that kinks and ties come."""

    def __init__(self, rng):
        self.rng = rng

    def shape(self, low=0, high=3):
        return tuple(int(n) for n in self.rng.integers(1, 4, self.rng.integers(low, high + 1)))

    def array(self, shape, kind="real", dtype=None):
        dtype = dtype or self.choice(["float32", "float32", "float64"])
        if np.dtype(dtype).kind in "iu":
            return self.rng.integers(
                1 if kind == "positive" else -3 if np.dtype(dtype).kind == "i" else 0, 5, shape
            ).astype(dtype)
        low, high = {"real": (-3, 3), "unit": (-0.9, 0.9), "above 1": (1.1, 4), "positive": (0.2, 3), "wide": (-9, 9)}[
            kind
        ]
        x = self.rng.uniform(low, high, shape)
        if kind in ("real", "wide") and self.rng.random() < 0.5:
            x = np.round(2 * x) / 2
        return np.asarray(x, dtype)

    def choice(self, options):
        return options[int(self.rng.integers(len(options)))]

    def bool(self):
        return bool(self.rng.random() < 0.5)

    def axis(self, ndim, many=False, none=True):
        """An axis, sometimes from the end, or several, or None."""
        if none and (not ndim or self.rng.random() < 0.25):
            return None
        if many and ndim > 1 and self.rng.random() < 0.3:
            axes = [int(n) for n in self.rng.permutation(ndim)[:2]]
            return axes if self.bool() else tuple(axes)
        return int(self.rng.integers(-ndim, ndim))


def call(d):
    """A random call: (name, arrays that become tensors, other positional arguments, options)."""
    return d.choice(CALLS)(d)


def unary(d):
    name = d.choice(list(UNARY))
    dtype = d.choice(["int32", "int64", "uint8"]) if d.rng.random() < 0.1 else None
    return name, [d.array(d.shape(), UNARY[name], dtype)], [], {}


def binary(d):
    name, dtype = d.choice(BINARY), d.choice(["float32", "float64", "float32", "float64", "int32", "int64", "int16"])
    kind = "positive" if name in ("pow", "divide", "truediv", "math.mod", "math.floordiv", "atan2") else "real"
    shape = d.shape()
    other = shape[d.rng.integers(0, len(shape) + 1) :] if d.bool() else tuple(1 if d.bool() else n for n in shape)
    arrays = [d.array(shape, kind, dtype), d.array(other, kind, dtype)]
    return name, arrays if d.bool() else arrays[::-1], [], {}


def reduction(d):
    x = d.array(d.shape(), dtype=d.choice(["int32", "int64", "int8"]) if d.rng.random() < 0.2 else None)
    options = {"keepdims": d.bool()} if d.bool() else {}
    axis = d.axis(x.ndim, many=True)
    return (
        (d.choice(REDUCTIONS), [x], [axis], options)
        if d.bool()
        else (d.choice(REDUCTIONS), [x], [], options | {"axis": axis})
    )


def scan(d):
    x = d.array(d.shape(1))
    axis = d.axis(x.ndim, none=False)
    name = d.choice(["cumsum", "math.cumprod", "math.cumsum"])
    return name, [x], [axis, d.bool(), d.bool()][: d.rng.integers(1, 4)], {}


def pad(d):
    x = d.array(tuple(n + 1 for n in d.shape(1)))
    mode = d.choice(["CONSTANT", "REFLECT", "SYMMETRIC", "reflect"])
    widths = [[int(n) for n in d.rng.integers(0, length, 2)] for length in x.shape]
    options = {"constant_values": float(d.rng.integers(-2, 3))} if mode == "CONSTANT" and d.bool() else {}
    return "pad", [x], [widths, mode], options


def matmul(d):
    n, m, k = (int(i) for i in d.rng.integers(1, 4, 3))
    batch, dtype = d.shape(0, 1), d.choice(["float32", "float64"])
    options = {}
    shapes = [(n, m), (m, k)]
    for side, letter in enumerate("ab"):
        if d.bool():
            options[f"{d.choice(['transpose', 'adjoint'])}_{letter}"] = True
            shapes[side] = shapes[side][::-1]
    return "matmul", [d.array(batch + shape, dtype=dtype) for shape in shapes], [], options


def one_hot(d):
    indices = d.rng.integers(-1, 4, d.shape())
    options = {}
    if d.bool():
        options["on_value"] = d.choice([5.0, 2.0])
        if d.bool():
            options["off_value"] = d.choice([-1.0, 0.5])
    if d.bool():
        options["axis"] = int(d.rng.integers(-1, indices.ndim + 1))
    if d.bool():
        options["dtype"] = d.choice(["float64", "float32"] if options else ["float64", "int32", "bool"])
        options = {key: value for key, value in options.items() if key != "off_value" or "on_value" in options}
    return "one_hot", [indices], [3], options


def argument(d):
    x = d.array(d.shape(1))
    options = {"output_type": d.choice(["int32", "int64"])} if d.bool() else {}
    axis = d.axis(x.ndim)
    return d.choice(["argmax", "argmin"]), [x], [axis] if axis is not None else [], options


def clip(d):
    x = d.array(d.shape(1))
    name = d.choice(["clip_by_value", "clip_by_norm", "norm"])
    if name == "clip_by_value":
        return name, [x], sorted(float(v) for v in d.rng.integers(-2, 3, 2)), {}
    axis = d.axis(x.ndim)
    if name == "clip_by_norm":
        return name, [x], [float(d.rng.uniform(0.5, 3))], {"axes": axis} if d.bool() else {}
    if x.ndim >= 2 and d.bool():
        axes = tuple(int(n) for n in d.rng.permutation(x.ndim)[:2])
        return name, [x], [d.choice(["euclidean", "fro", 1, np.inf]), axes], {"keepdims": d.bool()}
    return name, [x], [d.choice(["euclidean", 1, 2, 3, 1.5, np.inf]), axis], {"keepdims": d.bool()} if d.bool() else {}


def shaping(d):
    x = d.array(d.shape(1))
    name = d.choice(
        ["transpose", "reshape", "expand_dims", "squeeze", "tile", "repeat", "stack", "concat", "split", "gather"]
    )
    if name == "transpose":
        return name, [x], [[int(n) for n in d.rng.permutation(x.ndim)]] if d.bool() else [], {}
    if name == "reshape":
        return name, [x], [[-1]], {}
    if name == "expand_dims":
        return name, [x], [int(d.rng.integers(-x.ndim - 1, x.ndim + 1))], {}
    if name == "squeeze":
        return name, [x[None]], [d.choice([None, 0, [0]])], {}
    if name == "tile":
        return name, [x], [[int(n) for n in d.rng.integers(1, 3, x.ndim)]], {}
    if name == "repeat":
        return name, [x], [int(d.rng.integers(1, 3))], {"axis": d.axis(x.ndim)}
    if name in ("stack", "concat"):
        axis = d.axis(x.ndim, none=False)
        return name, [[x, x + 1]], [axis], {}
    if name == "split":
        return name, [x], [[int(x.shape[0]) - 1, 1] if x.shape[0] > 1 else 1], {}
    axis = d.axis(x.ndim, none=False)
    return name, [x, d.rng.integers(0, x.shape[axis], d.shape(0, 2))], [], {"axis": axis}


def making(d):
    name = d.choice(["eye", "linspace", "fill", "zeros", "ones", "range"])
    if name == "eye":
        options = {"batch_shape": [2, 1]} if d.bool() else {}
        return name, [], [int(d.rng.integers(1, 4))] + ([int(d.rng.integers(1, 4))] if d.bool() else []), options
    if name == "linspace":
        return name, [], [float(d.rng.integers(-2, 2)), float(d.rng.integers(2, 5)), int(d.rng.integers(1, 6))], {}
    if name == "fill":
        return name, [], [list(d.shape()), 2.5], {}
    if name == "range":
        return name, [], [0.5, float(d.rng.integers(1, 5)), d.choice([0.5, 1.0])], {}
    return name, [], [list(d.shape())] + ([d.choice(["float64", "int32", "bool"])] if d.bool() else []), {}


def neural(d):
    shape = (*d.shape(1, 2), int(d.rng.integers(2, 5)))
    dtype = d.choice(["float32", "float64"])
    x = d.array(shape, "wide", dtype)
    name = d.choice(["nn.softmax", "nn.log_softmax", "nn.gelu", "nn.leaky_relu", "nn.silu", "nn.swish", "nn.bias_add",
                     "nn.softmax_cross_entropy_with_logits", "nn.sigmoid_cross_entropy_with_logits",
                     "nn.sparse_softmax_cross_entropy_with_logits"])  # fmt: skip
    if name in ("nn.softmax", "nn.log_softmax"):
        return name, [x], [d.axis(x.ndim)], {}
    if name == "nn.gelu":
        return name, [x], [d.bool()], {}
    if name == "nn.leaky_relu":
        return name, [x], [0.3] if d.bool() else [], {}
    if name in ("nn.silu", "nn.swish"):
        return name, [x], [d.choice([0.5, 2.0])] if d.bool() else [], {}
    if name == "nn.bias_add":
        return name, [x, d.array(shape[-1:], "real", dtype)], [], {}
    if name == "nn.sparse_softmax_cross_entropy_with_logits":
        return name, [d.rng.integers(0, shape[-1], shape[:-1]), x], [], {}
    p = d.rng.uniform(0, 1, shape)
    if name == "nn.sigmoid_cross_entropy_with_logits":
        return name, [p.astype(dtype), x], [], {}
    axis = d.axis(x.ndim, none=False)
    return name, [(p / p.sum(axis, keepdims=True)).astype(dtype), x], [], {"axis": axis}


def keras_activation(d):
    name = d.choice(["relu", "elu", "gelu", "leaky_relu", "softmax", "log_softmax"])
    x = d.array((*d.shape(1, 2), 3), "wide")
    arguments = {
        "relu": [[0.0, 0.5][d.rng.integers(2)], [None, 4.0, 6.0][d.rng.integers(3)], [0.0, 1.0][d.rng.integers(2)]],
        "elu": [0.5], "gelu": [d.bool()], "leaky_relu": [0.3], "softmax": [-2], "log_softmax": [-2],
    }[name]  # fmt: skip
    return f"keras.activations.{name}", [x], arguments, {}


def keras_loss(d):
    """Losses in float32: Keras converts to it."""
    rows, classes = d.shape(1, 2), int(d.rng.integers(2, 5))
    x = d.array((*rows, classes), "real", "float32")
    e = np.exp(x - x.max(-1, keepdims=True))
    p = (e / e.sum(-1, keepdims=True)).astype("float32")
    name = d.choice(["binary", "categorical", "sparse", "plain"])
    logits = d.bool()
    predictions = x if logits else p
    if name == "plain":
        loss = d.choice(KERAS_LOSSES)
        y = p[..., ::-1].copy() if loss == "kl_divergence" else d.array(x.shape, "real", "float32")
        y = np.sign(y) if loss == "hinge" else y
        y = np.where(y == 0, 1, y).astype("float32") if loss == "hinge" else y
        return f"keras.losses.{loss}", [y, p if loss == "kl_divergence" else x], [0.7] if loss == "huber" else [], {}
    smoothing = float(d.choice([0.0, 0.1]))
    axis = d.choice([-1, -1, x.ndim - 1, 0])
    if name == "binary":
        y = d.rng.integers(0, 2, x.shape).astype("float32")
        return "keras.losses.binary_crossentropy", [y, predictions], [logits, smoothing, axis], {}
    labels = d.rng.integers(0, classes, rows)
    if name == "categorical":
        return "keras.losses.categorical_crossentropy", [np.eye(classes, dtype="float32")[labels], predictions], [
            logits, smoothing], {}  # fmt: skip
    ignored = d.choice([None, 1, -1])
    if ignored == -1:
        labels = np.where(d.rng.random(labels.shape) < 0.3, -1, labels)
    return "keras.losses.sparse_categorical_crossentropy", [labels, predictions], [logits, ignored], {}


CALLS = [
    unary, unary, binary, binary, reduction, reduction, scan, pad, matmul, one_hot, argument, clip, shaping, shaping,
    making, neural, neural, keras_activation, keras_loss, keras_loss,
]  # fmt: skip
# TensorFlow's answers that are not followed, each with its reason.
KNOWN = {
    "cumprod of 0": "a product with one 0 has a gradient with respect to it, TensorFlow's is 0",
    "norm of 0": "the gradient at zeros is 0, TensorFlow's NaN",
    "spread of 0": "the gradient is 0, TensorFlow's NaN",
    "mean of integers": "the fraction is kept, TensorFlow cuts it off",
}
# TensorFlow computes these with constants in float32, for float64 too.
ROUNDED = {"nn.gelu", "keras.activations.gelu", "nn.leaky_relu", "keras.activations.leaky_relu"}


def known(name, arrays, other):
    """Why TensorFlow's answer is not followed, or None."""
    numbers = [x for x in arrays if isinstance(x, np.ndarray)]
    has_zero = any(np.any(x == 0) for x in numbers)
    is_nan = any(g is not None and np.isnan(g).any() for g in other[1])
    if name == "math.cumprod" and has_zero:
        return "cumprod of 0"
    if name == "norm" and has_zero and is_nan:
        return "norm of 0"
    if name == "math.reduce_std" and is_nan:
        return "spread of 0"
    if name in ("reduce_mean",) and any(x.dtype.kind in "iu" for x in numbers):
        return "mean of integers"
    return None


def run(tf, name, arrays, arguments, options, weights):
    """The results and the gradients of random products with them."""
    function = tf
    for part in name.split("."):
        function = getattr(function, part)
    tensors = [[tf.constant(a) for a in x] if isinstance(x, list) else tf.constant(x) for x in arrays]
    flat = [t for x in tensors for t in (x if isinstance(x, list) else [x])]
    sources = [t for t in flat if np.dtype(t.numpy().dtype).kind == "f"]
    with tf.GradientTape() as tape:
        for source in sources:
            tape.watch(source)
        results = function(*tensors, *arguments, **options)
        results = list(results) if isinstance(results, (list, tuple)) else [results]
        total = None
        for number, result in enumerate(results):
            if np.dtype(result.numpy().dtype).kind == "f":
                part = tf.reduce_sum(result * tf.constant(weights(number, result.shape, result.numpy().dtype)))
                total = part if total is None else total + part
    gradients = tape.gradient(total, sources) if total is not None and sources else []
    return [r.numpy() for r in results], [None if g is None else tf.convert_to_tensor(g).numpy() for g in gradients]


def difference(mine, theirs, name):
    """What differs, or None."""
    for kind, ours, others in zip(("value", "gradient"), mine, theirs):
        if len(ours) != len(others):
            return f"{kind}: {len(ours)} instead of {len(others)}"
        for one, other in zip(ours, others):
            if one is None or other is None:
                if one is not other and np.any(one if one is not None else other):
                    return f"{kind}: {one} instead of {other}"
                continue
            if one.dtype != other.dtype:
                return f"dtype of the {kind}: {one.dtype} instead of {other.dtype}"
            if one.shape != other.shape:
                return f"shape of the {kind}: {one.shape} instead of {other.shape}"
            tolerance = 1e-9 if one.dtype == np.float64 and name not in ROUNDED else 3e-5
            if one.dtype.kind == "f":
                if not np.allclose(one, other, rtol=tolerance, atol=tolerance, equal_nan=True):
                    return f"{kind}: {one.tolist()} instead of {other.tolist()}"
            elif not np.array_equal(one, other):
                return f"{kind}: {one.tolist()} instead of {other.tolist()}"
    return None


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(argv)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import keras
    import tensorflow as theirs

    import tinygrad_lite.compat.tensorflow as ours

    theirs.keras = keras
    warnings.simplefilter("ignore")
    end = time.monotonic() + options.seconds
    calls = collections.Counter()
    seed = options.seed
    shown = collections.Counter()
    while time.monotonic() < end:
        seed += 1
        d = Draw(np.random.default_rng(seed))
        drawn = call(d)

        def weights(number, shape, dtype, seed=seed):
            return np.asarray(np.random.default_rng([seed, number]).uniform(0.5, 1.5, tuple(shape)), dtype)

        answers = []
        for tf in (ours, theirs):
            try:
                answers.append(run(tf, *drawn, weights))
            except Exception as error:
                answers.append(error)
        mine, other = answers
        name = drawn[0]
        if isinstance(other, Exception):
            calls["both refuse" if isinstance(mine, Exception) else "only TensorFlow refuses"] += 1
            if not isinstance(mine, Exception):
                shown[f"only TensorFlow refuses: {name}"] += 1
            continue
        problem = f"{type(mine).__name__}: {mine}" if isinstance(mine, Exception) else difference(mine, other, name)
        reason = known(name, drawn[1], other)
        if problem is None or reason is not None:
            calls["agree" if problem is None else f"known: {reason}"] += 1
            continue
        calls["differ"] += 1
        shown[name] += 1
        if shown[name] <= 3:
            arrays = [x if isinstance(x, list) else x.tolist() for x in drawn[1]]
            dtypes = [getattr(x, "dtype", None) for x in drawn[1]]
            print(f"seed {seed}: {name}({arrays} {dtypes}, {drawn[2]}, {drawn[3]})\n    {problem}", flush=True)
    print(dict(calls), {name: count for name, count in shown.items() if count})
    return 1 if calls["differ"] else 0


if __name__ == "__main__":
    sys.exit(main())
