"""tinygrad_lite as a user writes it: a tape, a gradient, an optimizer."""

import numpy as np
import work

import tinygrad_lite as tgl
from tinygrad_lite import nn, optim

VERSION = tgl.__version__


def rows(compiled=False):
    compile_ = tgl.function if compiled else lambda f: f
    return {name: make(compile_) for name, make in MAKERS.items()}


def network(*layers, sizes):
    tgl.random.set_seed(0)
    model = nn.Sequential(list(layers))
    model.build((None, sizes[0]))
    for variable, value in zip(model.trainable_variables, work.weights(*sizes)):
        variable.assign(value)
    return model


def step(compile_):
    model = network(nn.Dense(512, activation="relu"), nn.Dense(10), sizes=(784, 512, 10))
    optimizer = optim.RMSProp(work.LEARNING_RATE, rho=work.RHO, epsilon=work.EPSILON)
    x, y = tgl.constant(work.images(work.BATCH)), tgl.constant(work.labels(work.BATCH))

    @compile_
    def train(x, y):
        with tgl.GradientTape() as tape:
            loss = nn.losses.sparse_categorical_crossentropy(y, model(x, training=True), from_logits=True).mean()
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables))
        return loss

    return lambda: train(x, y).item()


def online(compile_):
    model = network(
        nn.Dense(100, activation="relu"), nn.Dropout(work.DROPOUT), nn.Dense(10), sizes=(784, 100, 10)
    )  # fmt: skip
    optimizer = optim.SGD(work.LEARNING_RATE)
    xs = [tgl.constant(x[None]) for x in work.images(64)]
    ys = [tgl.constant(y[None]) for y in work.labels(64)]
    count = 0

    @compile_
    def train(x, y):
        with tgl.GradientTape() as tape:
            loss = nn.losses.sparse_categorical_crossentropy(y, model(x, training=True), from_logits=True).mean()
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables))
        return loss

    def run():
        nonlocal count
        count += 1
        return train(xs[count % 64], ys[count % 64]).item()

    return run


def chain(compile_):
    start, a, b = map(tgl.constant, work.chain_inputs())

    @compile_
    def slope(x):
        with tgl.GradientTape() as tape:
            tape.watch(x)
            y = x
            for _ in range(work.CHAIN // 4):
                y = tgl.sin(y)
                y = y * a
                y = y + b
                y = y - a
        return tape.gradient(y, x)

    return lambda: float(slope(start).numpy().sum())


def hvp(compile_):
    x, y, parameters, vector = work.mlp()
    x, y, vector = tgl.constant(x), tgl.constant(y), [tgl.constant(v) for v in vector]
    variables = [tgl.Variable(w) for w in parameters]
    w1, b1, w2, b2, w3, b3 = variables

    @compile_
    def product(x, y, *vector):
        with tgl.GradientTape() as outer:
            with tgl.GradientTape() as inner:
                h = tgl.tanh(tgl.dense(x, w1, b1))
                h = tgl.tanh(tgl.dense(h, w2, b2))
                loss = tgl.square(tgl.dense(h, w3, b3) - y).mean()
            gradients = inner.gradient(loss, variables)
        return outer.gradient(gradients, variables, output_gradients=list(vector))

    return lambda: float(sum(np.abs(p.numpy()).sum() for p in product(x, y, *vector)))


def predict(compile_):
    model = network(nn.Dense(512, activation="relu"), nn.Dense(10, activation="softmax"), sizes=(784, 512, 10))
    x = work.images(10_000)
    batches = [tgl.constant(x[n : n + work.BATCH]) for n in range(0, len(x), work.BATCH)]
    forward = compile_(lambda x: model(x, training=False))

    return lambda: float(np.concatenate([forward(batch).numpy() for batch in batches])[:, 0].sum())


MAKERS = {"step": step, "online": online, "chain": chain, "hvp": hvp, "predict": predict}
