"""What an expert writes without a framework: the gradient derived on paper, no array allocated twice."""

import numpy as np
import work

VERSION = np.__version__
BLOCK = 1 << 16  # weights updated together: they stay in the cache


def rows():
    return {"step": step(), "online": online(), "chain": chain(), "hvp": hvp(), "predict": predict()}


def step():
    x, labels = work.images(work.BATCH), work.labels(work.BATCH)
    w1, b1, w2, b2 = parameters = work.weights(784, 512, 10)
    gradients = dw1, db1, dw2, db2 = [np.empty_like(w) for w in parameters]
    velocities = [np.zeros_like(w) for w in parameters]
    h, dh = np.empty((2, work.BATCH, 512), np.float32)
    z = np.empty((work.BATCH, 10), np.float32)
    row = np.arange(work.BATCH)
    ones = np.ones(work.BATCH, np.float32)
    zeros = np.zeros(512, np.float32)  # a row: NumPy compares two rows faster than a row and a number
    is_active = np.empty((work.BATCH, 512), bool)
    scratch = np.empty(BLOCK, np.float32)

    def rmsprop(w, g, v):
        w, g, v = w.reshape(-1), g.reshape(-1), v.reshape(-1)
        for n in range(0, w.size, BLOCK):
            wn, gn, vn = w[n : n + BLOCK], g[n : n + BLOCK], v[n : n + BLOCK]
            s = scratch[: wn.size]
            np.multiply(gn, gn, out=s)
            s *= 1 - work.RHO
            vn *= work.RHO
            vn += s
            np.add(vn, work.EPSILON, out=s)
            np.sqrt(s, out=s)
            np.divide(gn, s, out=s)
            s *= work.LEARNING_RATE
            wn -= s

    def run():
        np.matmul(x, w1, out=h)
        h.__iadd__(b1)
        np.maximum(h, zeros, out=h)
        np.matmul(h, w2, out=z)
        z.__iadd__(b2)
        z.__isub__(z.max(axis=1, keepdims=True))
        chosen = z[row, labels]
        np.exp(z, out=z)
        total = z.sum(axis=1, keepdims=True)
        loss = float((np.log(total[:, 0]) - chosen).mean())
        z.__itruediv__(total)
        z[row, labels] -= 1
        z.__imul__(np.float32(1 / work.BATCH))
        np.matmul(h.T, z, out=dw2)
        np.dot(ones, z, out=db2)
        np.matmul(z, w2.T, out=dh)
        np.not_equal(h, 0, out=is_active)
        np.multiply(dh, is_active, out=dh)
        np.matmul(x.T, dh, out=dw1)
        np.dot(ones, dh, out=db1)
        for w, g, v in zip(parameters, gradients, velocities):
            rmsprop(w, g, v)
        return loss

    return run


def online():
    xs, labels = work.images(64), work.labels(64)
    w1, b1, w2, b2 = work.weights(784, 100, 10)
    rng = np.random.default_rng(0)
    update = np.empty_like(w1)
    count = 0

    def run():
        nonlocal count
        x, label = xs[count % 64], labels[count % 64]
        count += 1
        h = x @ w1
        h += b1
        np.maximum(h, 0, out=h)
        mask = (rng.random(100, dtype=np.float32) >= work.DROPOUT) * np.float32(1 / (1 - work.DROPOUT))
        h *= mask
        z = h @ w2
        z += b2
        z -= z.max()
        chosen = z[label]
        np.exp(z, out=z)
        total = z.sum()
        loss = float(np.log(total) - chosen)
        z /= total
        z[label] -= 1
        z *= np.float32(work.LEARNING_RATE)
        dh = w2 @ z
        dh *= mask
        dh *= h > 0
        np.subtract(w2, np.multiply(h[:, None], z), out=w2)
        np.subtract(b2, z, out=b2)
        np.dot(x[:, None], dh[None], out=update)
        np.subtract(w1, update, out=w1)
        np.subtract(b1, dh, out=b1)
        return loss

    return run


def chain():
    start, a, b = work.chain_inputs()
    rounds = work.CHAIN // 4
    ins = np.empty((rounds, 10), np.float32)

    def run():
        sin, cos, add, subtract, multiply = np.sin, np.cos, np.add, np.subtract, np.multiply
        x = start.copy()
        for kept in ins:
            kept[:] = x
            sin(x, x)
            multiply(x, a, x)
            add(x, b, x)
            subtract(x, a, x)
        g = np.ones(10, np.float32)
        slopes = cos(ins)
        for slope in slopes[::-1]:
            multiply(g, a, g)
            multiply(g, slope, g)
        return float(g.sum())

    return run


def hvp():
    """Pearlmutter's trick: the derivative of backpropagation along the vector, written out."""
    x, y, (w1, b1, w2, b2, w3, b3), (p1, q1, p2, q2, p3, q3) = work.mlp()

    def run():
        h1 = np.tanh(x @ w1 + b1)
        h2 = np.tanh(h1 @ w2 + b2)
        error = h2 @ w3 + b3 - y
        s1, s2 = 1 - h1 * h1, 1 - h2 * h2
        r1 = s1 * (x @ p1 + q1)
        r2 = s2 * (r1 @ w2 + h1 @ p2 + q2)
        r3 = r2 @ w3 + h2 @ p3 + q3
        scale = np.float32(2 / y.size)
        d3, e3 = scale * error, scale * r3  # gradients, and their derivatives along the vector
        k2, l2 = d3 @ w3.T, e3 @ w3.T + d3 @ p3.T
        d2, e2 = k2 * s2, l2 * s2 - 2 * k2 * h2 * r2
        k1, l1 = d2 @ w2.T, e2 @ w2.T + d2 @ p2.T
        e1 = l1 * s1 - 2 * k1 * h1 * r1
        product = [
            x.T @ e1, e1.sum(axis=0), h1.T @ e2 + r1.T @ d2, e2.sum(axis=0), h2.T @ e3 + r2.T @ d3, e3.sum(axis=0),
        ]  # fmt: skip
        return float(sum(np.abs(p).sum() for p in product))

    return run


def predict():
    x = work.images(10_000)
    w1, b1, w2, b2 = work.weights(784, 512, 10)
    answer = np.empty((len(x), 10), np.float32)
    hidden = np.empty((work.BATCH, 512), np.float32)
    zeros = np.zeros(512, np.float32)

    def run():
        for n in range(0, len(x), work.BATCH):
            rows = x[n : n + work.BATCH]
            h, z = hidden[: len(rows)], answer[n : n + work.BATCH]
            np.matmul(rows, w1, out=h)
            h += b1
            np.maximum(h, zeros, out=h)
            np.matmul(h, w2, out=z)
            z += b2
            z -= z.max(axis=1, keepdims=True)
            np.exp(z, out=z)
            z /= z.sum(axis=1, keepdims=True)
        return float(answer[:, 0].sum())

    return run
