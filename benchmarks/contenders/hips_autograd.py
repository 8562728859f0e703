"""HIPS autograd: `grad` of functions written with its NumPy."""

from importlib.metadata import version

import autograd.numpy as anp
import numpy as np
import work
from autograd import grad, value_and_grad

VERSION = version("autograd")


def rows():
    return {"step": step(), "online": online(), "chain": chain(), "hvp": hvp()}


def cross_entropy(z, labels):
    z = z - anp.max(z, axis=1, keepdims=True)
    return anp.mean(anp.log(anp.sum(anp.exp(z), axis=1)) - z[np.arange(len(labels)), labels])


def step():
    weights = work.weights(784, 512, 10)
    velocities = [np.zeros_like(w) for w in weights]
    x, y = work.images(work.BATCH), work.labels(work.BATCH)

    def loss_of(weights):
        w1, b1, w2, b2 = weights
        return cross_entropy(anp.dot(anp.maximum(anp.dot(x, w1) + b1, 0), w2) + b2, y)

    slope = value_and_grad(loss_of)

    def run():
        loss, gradients = slope(weights)
        for n, g in enumerate(gradients):
            velocities[n] = work.RHO * velocities[n] + (1 - work.RHO) * g * g
            weights[n] = weights[n] - work.LEARNING_RATE * g / np.sqrt(velocities[n] + work.EPSILON)
        return float(loss)

    return run


def online():
    weights = work.weights(784, 100, 10)
    xs, ys = work.images(64), work.labels(64)
    rng = np.random.default_rng(0)
    count = 0

    def loss_of(weights, x, y, mask):
        w1, b1, w2, b2 = weights
        return cross_entropy(anp.dot(anp.maximum(anp.dot(x, w1) + b1, 0) * mask, w2) + b2, y)

    slope = value_and_grad(loss_of)

    def run():
        nonlocal count
        count += 1
        n = count % 64
        mask = ((rng.random((1, 100)) >= work.DROPOUT) / (1 - work.DROPOUT)).astype(np.float32)
        loss, gradients = slope(weights, xs[n : n + 1], ys[n : n + 1], mask)
        for k, g in enumerate(gradients):
            weights[k] = weights[k] - np.float32(work.LEARNING_RATE) * g
        return float(loss)

    return run


def chain():
    start, a, b = work.chain_inputs()

    def f(x):
        for _ in range(work.CHAIN // 4):
            x = anp.sin(x)
            x = x * a
            x = x + b
            x = x - a
        return anp.sum(x)

    slope = grad(f)
    return lambda: float(slope(start).sum())


def hvp():
    x, y, parameters, vector = work.mlp()

    def loss_of(weights):
        w1, b1, w2, b2, w3, b3 = weights
        h = anp.tanh(anp.dot(x, w1) + b1)
        h = anp.tanh(anp.dot(h, w2) + b2)
        return anp.mean((anp.dot(h, w3) + b3 - y) ** 2)

    slope = grad(loss_of)
    product = grad(lambda weights: sum(anp.sum(g * v) for g, v in zip(slope(weights), vector)))
    return lambda: float(sum(np.abs(p).sum() for p in product(parameters)))
