"""The work that is timed: sizes, data and starting values, the same for every contender.

A contender is a module in `contenders/` with a function `rows()`: for each row that it can do, a function without
arguments that does one unit of the work and returns a number. The numbers of different contenders are compared
before anything is timed, so that none is fast because it computes something else.
"""

from __future__ import annotations

import itertools

import numpy as np

ROWS = {
    "step": "one training step, 784-512-10 relu, softmax cross-entropy, RMSProp, batch 128",
    "online": "one image at a time, 784-100-10, dropout, SGD",
    "chain": "1,000 elementwise operations on ten numbers, forward and backward",
    "hvp": "Hessian-vector product of a small MLP, 16-32-32-1, batch 32",
    "predict": "forward pass over 10,000 images in batches of 128",
}

BATCH = 128
LEARNING_RATE = 1e-3
RHO, EPSILON = 0.9, 1e-7
DROPOUT = 0.2
CHAIN = 1000

f32 = np.float32


def images(count: int) -> np.ndarray:
    """Images as a network gets them: float32 from 0 to 1, three quarters of the pixels dark."""
    rng = np.random.default_rng(0)
    return (rng.random((count, 784), dtype=f32) * (rng.random((count, 784)) < 0.25)).astype(f32)


def labels(count: int) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 10, count)


def weights(*sizes: int) -> list[np.ndarray]:
    """Kernels and biases of a dense network, Glorot-uniform and small."""
    rng = np.random.default_rng(2)
    answer = []
    for n, m in itertools.pairwise(sizes):
        bound = np.sqrt(6 / (n + m))
        answer += [rng.uniform(-bound, bound, (n, m)).astype(f32), rng.uniform(-0.1, 0.1, m).astype(f32)]
    return answer


def chain_inputs() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The start of the chain and two constants: x ← sin(x), x ← x·a, x ← x + b, x ← x - a, again and again."""
    rng = np.random.default_rng(3)
    x, a, b = rng.uniform(0.5, 1.0, (3, 10)).astype(f32)
    return x, a, b


def mlp() -> tuple[np.ndarray, np.ndarray, list[np.ndarray], list[np.ndarray]]:
    """Inputs and targets, weights, and the vector that the Hessian is multiplied with."""
    rng = np.random.default_rng(4)
    x, y = rng.normal(size=(32, 16)).astype(f32), rng.normal(size=(32, 1)).astype(f32)
    parameters = weights(16, 32, 32, 1)
    return x, y, parameters, [rng.normal(size=w.shape).astype(f32) for w in parameters]
