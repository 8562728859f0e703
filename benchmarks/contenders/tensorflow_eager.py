"""TensorFlow on the CPU, eager: `tf.GradientTape` and plain variables."""

import tensorflow as tf
import work

VERSION = tf.__version__


def rows(compile_=lambda f: f):
    return {name: make(compile_) for name, make in MAKERS.items()}


def cross_entropy(y, z):
    return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(y, z))


def step(compile_):
    variables = w1, b1, w2, b2 = [tf.Variable(w) for w in work.weights(784, 512, 10)]
    velocities = [tf.Variable(tf.zeros_like(w)) for w in variables]
    x, y = tf.constant(work.images(work.BATCH)), tf.constant(work.labels(work.BATCH))

    @compile_
    def train(x, y):
        with tf.GradientTape() as tape:
            loss = cross_entropy(y, tf.nn.relu(x @ w1 + b1) @ w2 + b2)
        for w, v, g in zip(variables, velocities, tape.gradient(loss, variables)):
            v.assign(work.RHO * v + (1 - work.RHO) * tf.square(g))
            w.assign_sub(work.LEARNING_RATE * g / tf.sqrt(v + work.EPSILON))
        return loss

    return lambda: float(train(x, y))


def online(compile_):
    variables = w1, b1, w2, b2 = [tf.Variable(w) for w in work.weights(784, 100, 10)]
    xs, ys = tf.constant(work.images(64)), tf.constant(work.labels(64))
    count = 0

    @compile_
    def train(x, y):
        with tf.GradientTape() as tape:
            loss = cross_entropy(y, tf.nn.dropout(tf.nn.relu(x @ w1 + b1), work.DROPOUT) @ w2 + b2)
        for w, g in zip(variables, tape.gradient(loss, variables)):
            w.assign_sub(work.LEARNING_RATE * g)
        return loss

    def run():
        nonlocal count
        count += 1
        n = count % 64
        return float(train(xs[n : n + 1], ys[n : n + 1]))

    return run


def chain(compile_):
    start, a, b = map(tf.constant, work.chain_inputs())

    @compile_
    def slope(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = x
            for _ in range(work.CHAIN // 4):
                y = tf.sin(y)
                y = y * a
                y = y + b
                y = y - a
        return tape.gradient(y, x)

    return lambda: float(slope(start).numpy().sum())


def hvp(compile_):
    x, y, parameters, vector = work.mlp()
    x, y, vector = tf.constant(x), tf.constant(y), [tf.constant(v) for v in vector]
    variables = w1, b1, w2, b2, w3, b3 = [tf.Variable(w) for w in parameters]

    @compile_
    def product(x, y):
        with tf.GradientTape() as outer:
            with tf.GradientTape() as inner:
                h = tf.tanh(x @ w1 + b1)
                h = tf.tanh(h @ w2 + b2)
                loss = tf.reduce_mean(tf.square(h @ w3 + b3 - y))
            gradients = inner.gradient(loss, variables)
        return outer.gradient(gradients, variables, output_gradients=vector, unconnected_gradients="zero")

    return lambda: sum(float(tf.reduce_sum(tf.abs(p))) for p in product(x, y))


MAKERS = {"step": step, "online": online, "chain": chain, "hvp": hvp}
