"""Value, first and second order of every differentiable primitive, side by side with PyTorch and JAX.

    pip install torch jax            # either will do; what is not installed is left out
    python tests/differential.py     # prints a table, exits with 1 if anything differs by more than 1e-10

This is the first of the comparisons with what others compute. All have this command line, draw at random where they
have `--seconds` and `--seed`, print each difference with what reproduces it, and exit with 1 if there is one:

    python tests/differential.py primitives                            this one
    python tests/differential.py calls --seconds 60 --seed 0           calls of all functions against NumPy
    python tests/differential.py tensorflow --seconds 60 --seed 0      calls of `compat` against TensorFlow
    python tests/differential.py losses --seconds 60 --seed 0          losses, metrics and weights against Keras
    python tests/differential.py models --seconds 60 --seed 0          trained models against Keras
    python tests/differential.py programs --seconds 60 --seed 0        random functions compiled against themselves
    python tests/differential.py saving --seconds 60 --seed 0          models that are saved and loaded
    python tests/differential.py tapes --seconds 60 --seed 0           random programs of tapes against a reference
    python tests/differential.py training --seconds 60 --seed 0        models trained compiled and eagerly

For random weights w, directions v and inputs x, in float64: the value f(x), the gradient of <w, f(x)> with respect to
every argument, and the gradient of the sum of that gradient's products with the v. What is compared is the largest
difference, relative to the largest number in the result. A primitive without a case and without a reason why it has
no counterpart is an error, so that none can be forgotten.
"""

import argparse
import importlib
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import tinygrad_lite as tgl
import tinygrad_lite.nn
from tinygrad_lite.core.primitive import REGISTRY
from tinygrad_lite.viz.formulas import display_name

TOLERANCE = 1e-10
_rng = np.random.default_rng(20240229)


class Case(NamedTuple):
    """A function written once against NumPy's interface (`xp` is tgl or jax.numpy), and once for PyTorch."""

    f: Any
    torch: Any  # a function, or the name in torch of one that takes the same; None where it has none
    inputs: tuple[Any, ...]
    jax: Any = "numpy"  # "numpy": the same function with xp=jax.numpy; else a function of (jax, *inputs); None


# Inputs: at a distance from kinks and poles -------------------------------------------------------------------------


def real(*shape):
    """Numbers of either sign, at least 0.1 from 0."""
    x = _rng.uniform(0.1, 2.0, shape)
    return x * _rng.choice([-1.0, 1.0], shape)


def positive(*shape):
    return _rng.uniform(0.2, 3.0, shape)


def within(low, high):
    return lambda *shape: _rng.uniform(low, high, shape)


def definite(*shape):
    """Symmetric positive definite matrices, well conditioned."""
    x = _rng.normal(size=shape)
    return x @ np.swapaxes(x, -1, -2) + shape[-1] * np.eye(shape[-1])


A, B = (3, 4), (4,)  # broadcast against each other

# Elementwise --------------------------------------------------------------------------------------------------------

UNARY = {
    "absolute": real, "arccos": within(-0.9, 0.9), "arccosh": within(1.1, 4), "arcsin": within(-0.9, 0.9),
    "arcsinh": real, "arctan": real, "arctanh": within(-0.9, 0.9), "cbrt": real, "conjugate": real, "cos": real,
    "cosh": real,
    "deg2rad": real, "degrees": real, "exp": real, "exp2": real, "expm1": real, "fabs": real, "log": positive,
    "log10": positive, "log1p": positive, "log2": positive, "nan_to_num": real, "negative": real, "positive": real,
    "rad2deg": real, "radians": real, "reciprocal": real, "sin": real, "sinc": real, "sinh": real, "sqrt": positive,
    "square": real, "tan": within(-1.2, 1.2), "tanh": real,
}  # fmt: skip
BINARY = {
    "add": real, "arctan2": real, "copysign": real, "divide": real, "float_power": positive, "fmax": real, "fmin": real,
    "fmod": real, "hypot": real, "logaddexp": real, "logaddexp2": real, "maximum": real, "minimum": real,
    "multiply": real, "power": positive, "remainder": real, "subtract": real,
}  # fmt: skip
IN_TORCH: dict[str, Any] = {
    "cbrt": lambda t, x: t.sign(x) * t.abs(x) ** (1 / 3),
    "conjugate": "conj_physical",
    "degrees": "rad2deg",
    "divide": "div",
    "fabs": "abs",
    "power": "pow",
    "radians": "deg2rad",
    "positive": lambda t, x: x * 1,
}


def by_name(name):
    return lambda xp, *arrays: getattr(xp, name)(*arrays)


CASES = {name: Case(by_name(name), IN_TORCH.get(name, name), (draw(*A),)) for name, draw in UNARY.items()}
CASES |= {name: Case(by_name(name), IN_TORCH.get(name, name), (draw(*A), draw(*B))) for name, draw in BINARY.items()}
CASES |= {
    "cast": Case(
        lambda xp, x: xp.cast(x, "float64") * x, lambda t, x: x.to(t.float64) * x, (real(*A),), lambda j, x: x * x
    ),
    "clip": Case(
        lambda xp, x, low, high: xp.clip(x, low, high),
        lambda t, x, low, high: t.maximum(t.minimum(x, high), low),
        (real(*A), within(-1.5, -0.5)(*B), within(0.5, 1.5)(*B)),
    ),
    "heaviside": Case(lambda xp, x, h: xp.heaviside(x, h) * h, lambda t, x, h: (x > 0) * h, (real(*A), real(*B))),
    "where": Case(lambda xp, x, y: xp.where(x > 0, x, y), lambda t, x, y: t.where(x > 0, x, y), (real(*A), real(*B))),
}

# Neural -------------------------------------------------------------------------------------------------------------

LABELS = np.array([1, 0, 3])
PROBABILITIES = np.exp(real(*A)) / np.exp(real(*A)).sum(axis=1, keepdims=True)


def activation(name, torch=None, jax=None):
    """One that is called `name` in torch.nn.functional and jax.nn, unless another name is given."""
    return Case(
        by_name(name),
        lambda t, x: getattr(t.nn.functional, torch or name)(x),
        (real(*A),),
        lambda j, x: getattr(j.nn, jax or name)(x),
    )


CASES |= {name: activation(name) for name in ("elu", "relu", "selu", "sigmoid", "silu", "softplus", "mish")} | {
    "log_sigmoid": activation("log_sigmoid", "logsigmoid"),
    "hard_sigmoid": Case(
        by_name("hard_sigmoid"),
        lambda t, x: t.clamp(x + 3, 0, 6) / 6,  # theirs has no second derivative
        (real(*A),),
        lambda j, x: j.nn.hard_sigmoid(x),
    ),
    "softsign": activation("softsign", jax="soft_sign"),
    "exponential": Case(by_name("exponential"), "exp", (real(*A),), lambda j, x: j.numpy.exp(x)),
    "erf": Case(by_name("erf"), "erf", (real(*A),), lambda j, x: j.scipy.special.erf(x)),
    "erfc": Case(by_name("erfc"), "erfc", (real(*A),), lambda j, x: j.scipy.special.erfc(x)),
    "gelu": Case(
        by_name("gelu"),
        lambda t, x: t.nn.functional.gelu(x),
        (real(*A),),
        lambda j, x: j.nn.gelu(x, approximate=False),
    ),
    "leaky_relu": Case(
        by_name("leaky_relu"),
        lambda t, x: t.nn.functional.leaky_relu(x, 0.2),
        (real(*A),),
        lambda j, x: j.nn.leaky_relu(x, 0.2),
    ),
    "softmax": Case(by_name("softmax"), lambda t, x: t.softmax(x, -1), (real(*A),), lambda j, x: j.nn.softmax(x)),
    "log_softmax": Case(
        by_name("log_softmax"), lambda t, x: t.log_softmax(x, -1), (real(*A),), lambda j, x: j.nn.log_softmax(x)
    ),
    "logsumexp": Case(
        lambda xp, x: xp.logsumexp(x, axis=1),
        lambda t, x: t.logsumexp(x, 1),
        (real(*A),),
        lambda j, x: j.scipy.special.logsumexp(x, axis=1),
    ),
    "dense": Case(
        by_name("dense"),
        lambda t, x, w, b: x @ w + b,
        (real(5, 3), real(*A), real(*B)),
        lambda j, x, w, b: x @ w + b,
    ),
    "sparse_cross_entropy": Case(
        lambda xp, x: xp.sparse_softmax_cross_entropy_with_logits(LABELS, x),
        lambda t, x: t.nn.functional.cross_entropy(x, t.tensor(LABELS), reduction="none"),
        (real(*A),),
        lambda j, x: -j.nn.log_softmax(x)[np.arange(3), LABELS],
    ),
    "softmax_cross_entropy": Case(
        lambda xp, p, x: xp.softmax_cross_entropy_with_logits(p, x),
        lambda t, p, x: -(p * t.log_softmax(x, -1)).sum(-1),
        (PROBABILITIES, real(*A)),
        lambda j, p, x: -(p * j.nn.log_softmax(x)).sum(-1),
    ),
    "sigmoid_cross_entropy": Case(
        lambda xp, p, x: xp.sigmoid_cross_entropy_with_logits(p, x),
        lambda t, p, x: -p * t.nn.functional.logsigmoid(x) - (1 - p) * t.nn.functional.logsigmoid(-x),
        (PROBABILITIES, real(*A)),
        lambda j, p, x: -p * j.nn.log_sigmoid(x) - (1 - p) * j.nn.log_sigmoid(-x),
    ),
}

# Reductions, scans ----------------------------------------------------------------------------------------------------

CASES |= {
    "sum": Case(lambda xp, x: xp.sum(x, axis=1), lambda t, x: t.sum(x, 1), (real(*A),)),
    "mean": Case(lambda xp, x: xp.mean(x, axis=0), lambda t, x: t.mean(x, 0), (real(*A),)),
    "prod": Case(lambda xp, x: xp.prod(x, axis=1), lambda t, x: t.prod(x, 1), (real(*A),)),
    "max": Case(lambda xp, x: xp.max(x, axis=1), lambda t, x: t.amax(x, 1), (real(*A),)),
    "min": Case(lambda xp, x: xp.min(x, axis=1), lambda t, x: t.amin(x, 1), (real(*A),)),
    "var": Case(lambda xp, x: xp.var(x, axis=1, ddof=1), lambda t, x: t.var(x, 1, correction=1), (real(*A),)),
    "std": Case(lambda xp, x: xp.std(x, axis=1), lambda t, x: t.std(x, 1, correction=0), (real(*A),)),
    "cumsum": Case(lambda xp, x: xp.cumsum(x, axis=1), lambda t, x: t.cumsum(x, 1), (real(*A),)),
    "cumprod": Case(lambda xp, x: xp.cumprod(x, axis=1), lambda t, x: t.cumprod(x, 1), (real(*A),)),
}

# Shape and selection: followed by a square, for a second order that is not zero --------------------------------------


def squared(f, torch, *inputs, jax="numpy"):
    theirs = None if torch is None else (lambda t, *x: torch(t, *x) ** 2)
    other = jax if jax in ("numpy", None) else (lambda j, *x: jax(j, *x) ** 2)
    return Case(lambda xp, *x: f(xp, *x) ** 2, theirs, inputs, other)


INDEX = np.array([2, 0, 2])
CASES |= {
    "reshape": squared(lambda xp, x: xp.reshape(x, (4, 3)), lambda t, x: t.reshape(x, (4, 3)), real(*A)),
    "transpose": squared(lambda xp, x: xp.transpose(x, axes=(1, 2, 0)), lambda t, x: x.permute(1, 2, 0), real(2, 3, 4)),
    "swapaxes": squared(lambda xp, x: xp.swapaxes(x, 0, 2), lambda t, x: t.swapaxes(x, 0, 2), real(2, 3, 4)),
    "moveaxis": squared(lambda xp, x: xp.moveaxis(x, 0, -1), lambda t, x: t.moveaxis(x, 0, -1), real(2, 3, 4)),
    "matrix_transpose": squared(by_name("matrix_transpose"), lambda t, x: x.mT, real(2, 3, 4)),
    "expand_dims": squared(lambda xp, x: xp.expand_dims(x, 1), lambda t, x: x[:, None], real(*A)),
    "squeeze": squared(lambda xp, x: xp.squeeze(x, 1), lambda t, x: x.squeeze(1), real(3, 1, 4)),
    "broadcast_to": squared(lambda xp, x: xp.broadcast_to(x, (3, 4)), lambda t, x: t.broadcast_to(x, (3, 4)), real(*B)),
    "concatenate": squared(
        lambda xp, x, y: xp.concatenate([x, y, x], axis=1),
        lambda t, x, y: t.cat([x, y, x], 1),
        real(*A),
        real(3, 2),
    ),
    "stack": squared(lambda xp, x, y: xp.stack([x, y], axis=1), lambda t, x, y: t.stack([x, y], 1), real(*A), real(*A)),
    "flip": squared(lambda xp, x: xp.flip(x, 1), lambda t, x: t.flip(x, (1,)), real(*A)),
    "roll": squared(lambda xp, x: xp.roll(x, 2, axis=1), lambda t, x: t.roll(x, 2, 1), real(*A)),
    "rot90": squared(lambda xp, x: xp.rot90(x), lambda t, x: t.rot90(x), real(*A)),
    "diagonal": squared(lambda xp, x: xp.diagonal(x, offset=1), lambda t, x: t.diagonal(x, 1), real(*A)),
    "tril": squared(lambda xp, x: xp.tril(x, 1), lambda t, x: t.tril(x, 1), real(*A)),
    "triu": squared(lambda xp, x: xp.triu(x, 1), lambda t, x: t.triu(x, 1), real(*A)),
    "pad": squared(
        lambda xp, x: xp.pad(x, ((1, 2), (0, 1))), lambda t, x: t.nn.functional.pad(x, (0, 1, 1, 2)), real(*A)
    ),
    "getitem": squared(
        lambda xp, x: x[INDEX] * x[:, 1][INDEX][:, None],
        lambda t, x: x[INDEX] * x[:, 1][INDEX][:, None],
        real(*A),
    ),
    "index_set": squared(
        lambda xp, x, v: xp.index_set(x, np.array([0, 2]), v),
        lambda t, x, v: x.index_copy(0, t.tensor([0, 2]), v),
        real(*A),
        real(2, 4),
        jax=lambda j, x, v: x.at[np.array([0, 2])].set(v),
    ),
    "index_add": squared(
        lambda xp, x, v: xp.index_add(x, INDEX, v),
        lambda t, x, v: x.index_add(0, t.tensor(INDEX), v),
        real(*A),
        real(3, 4),
        jax=lambda j, x, v: x.at[INDEX].add(v),
    ),
    "sort": squared(lambda xp, x: xp.sort(x, axis=1), lambda t, x: t.sort(x, 1).values, real(*A)),
    "repeat": squared(lambda xp, x: xp.repeat(x, 2, axis=1), lambda t, x: t.repeat_interleave(x, 2, 1), real(*A)),
    "tile": squared(lambda xp, x: xp.tile(x, (2, 1)), lambda t, x: t.tile(x, (2, 1)), real(*A)),
    "linspace": squared(lambda xp, a, b: xp.linspace(a, b, 5), None, real(2), real(2)),
}

# Products and linear algebra ------------------------------------------------------------------------------------------

CASES |= {
    "matmul": Case(by_name("matmul"), "matmul", (real(2, 3, 4), real(4, 3))),
    "einsum": Case(
        lambda xp, a, b: xp.einsum("bij,jk->bki", a, b),
        lambda t, a, b: t.einsum("bij,jk->bki", a, b),
        (real(2, 3, 4), real(4, 3)),
    ),
    "dot": Case(by_name("dot"), "dot", (real(4), real(4))),
    "inner": Case(by_name("inner"), "inner", (real(3, 4), real(2, 4))),
    "outer": Case(by_name("outer"), "outer", (real(3), real(4))),
    "kron": Case(by_name("kron"), "kron", (real(2, 3), real(3, 2))),
    "cross": Case(by_name("cross"), lambda t, a, b: t.linalg.cross(a, b), (real(2, 3), real(2, 3))),
    "tensordot": Case(
        lambda xp, a, b: xp.tensordot(a, b, axes=1), lambda t, a, b: t.tensordot(a, b, 1), (real(2, 3), real(3, 4))
    ),
}


def symmetric(xp, x):
    return (x + xp.swapaxes(x, -1, -2)) / 2


CASES |= {
    "inv": Case(lambda xp, x: xp.linalg.inv(x), lambda t, x: t.linalg.inv(x), (definite(2, 3, 3),)),
    "det": Case(lambda xp, x: xp.linalg.det(x), lambda t, x: t.linalg.det(x), (definite(2, 3, 3),)),
    "slogdet": Case(lambda xp, x: xp.linalg.slogdet(x)[1], lambda t, x: t.linalg.slogdet(x)[1], (definite(2, 3, 3),)),
    "solve": Case(
        lambda xp, a, b: xp.linalg.solve(a, b), lambda t, a, b: t.linalg.solve(a, b), (definite(3, 3), real(3, 2))
    ),
    "cholesky": Case(
        lambda xp, x: xp.linalg.cholesky(symmetric(xp, x)),
        lambda t, x: t.linalg.cholesky(symmetric(t, x)),
        (definite(3, 3),),
    ),
    "qr": Case(lambda xp, x: xp.linalg.qr(x)[1] ** 2, lambda t, x: t.linalg.qr(x)[1] ** 2, (real(4, 3),)),
    "eigh": Case(
        lambda xp, x: xp.linalg.eigh(symmetric(xp, x))[0],
        lambda t, x: t.linalg.eigh(symmetric(t, x))[0],
        (definite(3, 3),),
    ),
    "svd": Case(
        lambda xp, x: xp.linalg.svd(x, full_matrices=False)[1],
        lambda t, x: t.linalg.svd(x, full_matrices=False)[1],
        (real(4, 3),),
    ),
    "eigh, vectors": Case(
        lambda xp, x: xp.linalg.eigh(symmetric(xp, x))[1] ** 2,  # their signs are free
        lambda t, x: t.linalg.eigh(symmetric(t, x))[1] ** 2,
        (definite(3, 3),),
    ),
    "svd, vectors": Case(
        lambda xp, x: xp.linalg.svd(x, full_matrices=False)[2] ** 2,
        lambda t, x: t.linalg.svd(x, full_matrices=False)[2] ** 2,
        (real(4, 3),),
    ),
    "lstsq": Case(
        lambda xp, a, b: xp.linalg.lstsq(a, b, rcond=None)[0],
        lambda t, a, b: t.linalg.lstsq(a, b).solution,
        (real(4, 3), real(4, 2)),
    ),
    "vector_norm": Case(
        lambda xp, x: xp.linalg.vector_norm(x, axis=1, ord=3),
        lambda t, x: t.linalg.vector_norm(x, dim=1, ord=3),
        (real(*A),),
    ),
    "pinv": Case(lambda xp, x: xp.linalg.pinv(x), lambda t, x: t.linalg.pinv(x), (real(4, 3),)),
    "norm": Case(lambda xp, x: xp.linalg.norm(x, axis=1), lambda t, x: t.linalg.norm(x, dim=1), (real(*A),)),
    "matrix_power": Case(
        lambda xp, x: xp.linalg.matrix_power(x, 3), lambda t, x: t.linalg.matrix_power(x, 3), (real(3, 3),)
    ),
}

NO_COUNTERPART: dict[str, str] = {}
"""Primitives that neither library has, and why nothing is lost."""


# Three ways to differentiate ------------------------------------------------------------------------------------------


def weights(n, shape):
    return np.random.default_rng(n).normal(size=shape)


def ours(case):
    variables = [tgl.Variable(x) for x in case.inputs]
    with tgl.GradientTape() as outer:
        with tgl.GradientTape() as inner:
            y = case.f(tgl, *variables)
        first = inner.gradient(
            y, variables, output_gradients=tgl.constant(weights(0, y.shape)), unconnected_gradients="zero"
        )
    directions = [tgl.constant(weights(n + 1, x.shape)) for n, x in enumerate(variables)]
    second = outer.gradient(first, variables, output_gradients=directions, unconnected_gradients="zero")
    return y.numpy(), [g.numpy() for g in first], [g.numpy() for g in second]


def by_torch(case, torch):
    f = by_name(case.torch) if isinstance(case.torch, str) else case.torch
    inputs = [torch.tensor(x, requires_grad=True) for x in case.inputs]
    y = f(torch, *inputs)
    options = {"allow_unused": True, "materialize_grads": True}
    value = (y * torch.tensor(weights(0, tuple(y.shape)))).sum()
    first = torch.autograd.grad(value, inputs, create_graph=True, **options)
    product = sum((g * torch.tensor(weights(n + 1, tuple(g.shape)))).sum() for n, g in enumerate(first))
    if product.requires_grad:
        second = torch.autograd.grad(product, inputs, **options)
    else:
        second = [torch.zeros_like(x) for x in inputs]
    return y.detach().numpy(), [g.numpy(force=True) for g in first], [g.numpy(force=True) for g in second]


def by_jax(case, jax):
    f = (lambda *x: case.f(jax.numpy, *x)) if case.jax == "numpy" else (lambda *x: case.jax(jax, *x))
    every = tuple(range(len(case.inputs)))
    y = f(*map(jax.numpy.asarray, case.inputs))

    def value(*x):
        return (f(*x) * weights(0, y.shape)).sum()

    def product(*x):
        return sum((g * weights(n + 1, g.shape)).sum() for n, g in enumerate(jax.grad(value, every)(*x)))

    inputs = [jax.numpy.asarray(x) for x in case.inputs]
    return np.asarray(y), list(jax.grad(value, every)(*inputs)), list(jax.grad(product, every)(*inputs))


def largest_in(results):
    return max((float(np.max(np.abs(x), initial=0)) for x in results), default=0.0)


def differences(a, b):
    """For every order, the largest difference relative to the largest number in it or in the order before.

    Rounding of the first derivative is all that is left of a second derivative that cancels out.
    """
    scale = 0.0
    for mine, theirs in zip(a, b, strict=True):
        mine, theirs = ([np.asarray(x) for x in (r if isinstance(r, list) else [r])] for r in (mine, theirs))
        here = largest_in(theirs)
        scale, before = here, scale
        if [x.shape for x in mine] != [x.shape for x in theirs]:
            yield np.inf
        else:
            worst = largest_in([x - y for x, y in zip(mine, theirs)])
            yield worst / max(here, before) if worst else 0.0


def libraries():
    found: dict[str, tuple[Any, Any]] = {}
    for name, way in (("torch", by_torch), ("jax", by_jax)):
        try:
            found[name] = (importlib.import_module(name), way)
        except ImportError:
            print(f"{name} is not installed: left out")
    if "jax" in found:
        found["jax"][0].config.update("jax_enable_x64", True)
        importlib.import_module("jax.scipy.special")
    return found


def forgotten():
    """Differentiable primitives that users call, without a case and without a reason."""
    return sorted(
        display_name(p)
        for p in REGISTRY.values()
        if p.__module__.startswith("tinygrad_lite.")
        and p.is_differentiable
        and callable(getattr(tgl, display_name(p), getattr(getattr(tgl, "linalg", None), display_name(p), None)))
        and display_name(p) not in CASES.keys() | NO_COUNTERPART.keys()
    )


def primitives():
    found = libraries()
    if not found:
        sys.exit("Neither PyTorch nor JAX is installed: pip install torch jax")
    print(", ".join(f"{name} {module.__version__}" for name, (module, _) in found.items()))
    head = "".join(f"{name + ' ' + order:>14}" for name in found for order in ("value", "first", "second"))
    print(f"{'':<24}{head}")
    largest = {(name, order): 0.0 for name in found for order in range(3)}
    wrong = [f"{name}: no case and no reason" for name in forgotten()]
    for name, case in sorted(CASES.items()):
        mine = ours(case)
        line = f"{name:<24}"
        for library, (module, way) in found.items():
            if getattr(case, library) is None:
                line += f"{'-':>14}" * 3
                continue
            for order, error in enumerate(differences(mine, way(case, module))):
                largest[library, order] = max(largest[library, order], error)
                line += f"{error:>14.1e}"
                if not error <= TOLERANCE:
                    wrong.append(f"{name}: order {order} differs from {library} by {error:.1e}")
        print(line)
    print(f"{'largest of ' + str(len(CASES)):<24}" + "".join(f"{error:>14.1e}" for error in largest.values()))
    if wrong:
        sys.exit("\n".join(wrong))


# The others, each a script of its own beside this one: what it is called, and how it is told how much and from where.
OTHERS = {
    "calls": ("calls.py", ["--calls", "20", "--seed"]),
    "tensorflow": ("tensorflow_calls.py", None),
    "losses": ("against_keras.py", ["--cases", "200", "--seed"]),
    "models": ("keras_models.py", None),
    "training": ("random_training.py", None),
    "tapes": ("tape/random_tapes.py", ["200"]),
    "programs": ("random_functions.py", ["50", "--seed"]),
    "saving": ("saving_search.py", ["--cases", "40", "--first"]),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", choices=["primitives", *OTHERS], default="primitives")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    if given.what == "primitives":
        return primitives()
    script, portions = OTHERS[given.what]
    command = [sys.executable, str(Path(__file__).parent / script)]
    if portions is None:
        return subprocess.call([*command, "--seconds", str(given.seconds), "--seed", str(given.seed)])
    end, failed, seed = time.monotonic() + given.seconds, 0, given.seed
    while time.monotonic() < end:  # a portion at a time, each from a seed of its own
        failed |= subprocess.call([*command, *portions, str(seed)])
        seed += (
            1 if given.what in ("calls", "losses") else int(next(filter(str.isdigit, portions)))
        )  # else a seed a case
    print(f"{given.what}: portions with the seeds {given.seed} to {seed - 1}")
    return failed


if __name__ == "__main__":
    sys.exit(main())
