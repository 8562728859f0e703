"""MyGrad: tensors that call `backward`."""

import mygrad as mg
import numpy as np
import work
from mygrad.nnet.losses import softmax_crossentropy

VERSION = mg.__version__


def rows():
    return {"step": step(), "chain": chain()}


def step():
    weights = [mg.tensor(w) for w in work.weights(784, 512, 10)]
    velocities = [np.zeros_like(w.data) for w in weights]
    x, y = work.images(work.BATCH), work.labels(work.BATCH)

    def run():
        w1, b1, w2, b2 = weights
        loss = softmax_crossentropy(mg.matmul(mg.maximum(mg.matmul(x, w1) + b1, 0), w2) + b2, y)
        loss.backward()
        for w, v in zip(weights, velocities):
            g = w.grad
            v *= work.RHO
            v += (1 - work.RHO) * g * g
            w.data -= work.LEARNING_RATE * g / np.sqrt(v + work.EPSILON)
        return float(loss.data)

    return run


def chain():
    start, a, b = work.chain_inputs()

    def run():
        x = mg.tensor(start)
        y = x
        for _ in range(work.CHAIN // 4):
            y = mg.sin(y)
            y = y * a
            y = y + b
            y = y - a
        y.sum().backward()
        return float(x.grad.sum())

    return run
