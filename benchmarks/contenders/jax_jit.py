"""JAX under `jit`, buffers donated."""

import jax
import jax.numpy as jnp
import numpy as np
import work

VERSION = jax.__version__


def rows():
    return {"step": step(), "online": online(), "chain": chain(), "hvp": hvp(), "predict": predict()}


def cross_entropy(logits, labels):
    return -jnp.take_along_axis(jax.nn.log_softmax(logits), labels[:, None], axis=1).mean()


def step():
    state = [jnp.array(w) for w in work.weights(784, 512, 10)], None
    state = state[0], [jnp.zeros_like(w) for w in state[0]]
    x, y = jnp.array(work.images(work.BATCH)), jnp.array(work.labels(work.BATCH))

    def loss_of(weights, x, y):
        w1, b1, w2, b2 = weights
        return cross_entropy(jax.nn.relu(x @ w1 + b1) @ w2 + b2, y)

    def train(weights, velocities, x, y):
        loss, gradients = jax.value_and_grad(loss_of)(weights, x, y)
        velocities = [work.RHO * v + (1 - work.RHO) * g * g for v, g in zip(velocities, gradients)]
        weights = [
            w - work.LEARNING_RATE * g / jnp.sqrt(v + work.EPSILON) for w, g, v in zip(weights, gradients, velocities)
        ]
        return weights, velocities, loss

    train = jax.jit(train, donate_argnums=(0, 1))

    def run():
        nonlocal state
        *state, loss = train(*state, x, y)
        return float(loss)

    return run


def online():
    weights = [jnp.array(w) for w in work.weights(784, 100, 10)]
    xs, ys = jnp.array(work.images(64)), jnp.array(work.labels(64))
    key = jax.random.key(0)
    count = 0

    def loss_of(weights, x, y, key):
        w1, b1, w2, b2 = weights
        h = jax.nn.relu(x @ w1 + b1)
        mask = jax.random.bernoulli(key, 1 - work.DROPOUT, h.shape)
        return cross_entropy(jnp.where(mask, h / (1 - work.DROPOUT), 0) @ w2 + b2, y)

    def train(weights, key, xs, ys, n):
        key, use = jax.random.split(key)
        x, y = jax.lax.dynamic_slice_in_dim(xs, n, 1), jax.lax.dynamic_slice_in_dim(ys, n, 1)
        loss, gradients = jax.value_and_grad(loss_of)(weights, x, y, use)
        return [w - work.LEARNING_RATE * g for w, g in zip(weights, gradients)], key, loss

    train = jax.jit(train, donate_argnums=(0, 1))

    def run():
        nonlocal weights, key, count
        count += 1
        weights, key, loss = train(weights, key, xs, ys, count % 64)
        return float(loss)

    return run


def chain():
    start, a, b = map(jnp.array, work.chain_inputs())

    def f(x):
        for _ in range(work.CHAIN // 4):
            x = jnp.sin(x)
            x = x * a
            x = x + b
            x = x - a
        return x.sum()

    slope = jax.jit(jax.grad(f))
    return lambda: float(np.asarray(slope(start)).sum())


def hvp():
    x, y, parameters, vector = work.mlp()
    x, y = jnp.array(x), jnp.array(y)
    parameters, vector = [jnp.array(w) for w in parameters], [jnp.array(v) for v in vector]

    def loss_of(weights):
        w1, b1, w2, b2, w3, b3 = weights
        h = jnp.tanh(x @ w1 + b1)
        h = jnp.tanh(h @ w2 + b2)
        return jnp.square(h @ w3 + b3 - y).mean()

    product = jax.jit(lambda w, v: jax.jvp(jax.grad(loss_of), (w,), (v,))[1])
    return lambda: float(sum(np.abs(np.asarray(p)).sum() for p in product(parameters, vector)))


def predict():
    w1, b1, w2, b2 = map(jnp.array, work.weights(784, 512, 10))
    x = work.images(10_000)
    batches = [jnp.array(x[n : n + work.BATCH]) for n in range(0, len(x), work.BATCH)]
    forward = jax.jit(lambda x: jax.nn.softmax(jax.nn.relu(x @ w1 + b1) @ w2 + b2))
    return lambda: float(np.concatenate([np.asarray(forward(batch)) for batch in batches])[:, 0].sum())
