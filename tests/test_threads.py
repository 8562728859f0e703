"""Eight threads that train eight models give the bits of training them one after another."""

import hashlib
import sys
import threading

import numpy as np
import pytest

import tinygrad_lite as tgl
from tinygrad_lite import nn, optim

rng = np.random.default_rng(0)
X, Y = rng.normal(size=(96, 20)).astype("float32"), rng.integers(0, 5, 96)

OPTIMIZERS = [
    lambda: optim.RMSprop(),
    lambda: optim.Adam(clipnorm=1.0),
    lambda: optim.SGD(0.01, momentum=0.9, nesterov=True, weight_decay=1e-3),
    lambda: optim.Adagrad(global_clipnorm=0.5),
    lambda: optim.Momentum(),
    lambda: optim.Adam(clipvalue=0.01, amsgrad=True),
    lambda: optim.SGD(0.1),
    lambda: optim.RMSprop(centered=True, momentum=0.9),
]
COUNT = len(OPTIMIZERS)


@pytest.fixture(autouse=True)
def threads_change_often():
    before = sys.getswitchinterval()
    sys.setswitchinterval(2e-5)
    yield
    sys.setswitchinterval(before)


def in_threads(jobs):
    """What the jobs return, each in a thread of its own, all at once."""
    results, errors = [None] * len(jobs), []
    start = threading.Barrier(len(jobs))

    def work(n):
        try:
            start.wait()
            results[n] = jobs[n]()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(len(jobs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    return results


def one_after_another(jobs):
    return [job() for job in jobs]


def network(n):
    model = nn.Sequential(
        [nn.Dense(24 + n, activation="relu"), nn.Dropout(0.3), nn.Dense(8, activation="tanh"), nn.Dense(5, "softmax")]
    )
    model.compile(
        OPTIMIZERS[n](), "sparse_categorical_crossentropy", ["accuracy"], run_eagerly=n % 2 == 0
    )  # every second one by compiled steps
    return model


def bits(arrays):
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def fitted(model):
    history = model.fit(X, Y, batch_size=16, epochs=3, verbose=0, validation_split=0.2)
    found = bits([v.numpy() for v in (*model.weights, *model.optimizer.variables)])
    return found, history.history, bits([model.predict(X, verbose=0)]), model.evaluate(X, Y, verbose=0)


def test_fit():
    def jobs():
        tgl.random.set_seed(1)
        models = [network(n) for n in range(COUNT)]  # their streams are taken here, in order
        return [lambda model=model: fitted(model) for model in models]

    alone = one_after_another(jobs())
    assert in_threads(jobs()) == alone
    assert len({found for found, *_ in alone}) == COUNT  # they are eight different trainings


def test_models_made_in_threads_that_set_a_seed():
    def job(n):
        tgl.random.set_seed(n)
        return fitted(network(n)), tgl.random.normal((3,)).tolist(), tgl.dropout(tgl.ones(50), 0.5).tolist()

    jobs = [lambda n=n: job(n) for n in range(COUNT)]
    assert in_threads(jobs) == one_after_another(jobs)


def test_a_seed_of_a_thread_is_its_own():
    tgl.random.set_seed(5)
    expected = tgl.random.uniform((4,)).tolist()
    tgl.random.set_seed(5)
    (theirs, shared) = in_threads([lambda: tgl.random.set_seed(6), lambda: tgl.random.default_stream()])
    assert theirs is None
    assert shared is tgl.random.default_stream()  # of a thread that set none
    assert tgl.random.uniform((4,)).tolist() == expected
    assert in_threads([lambda: (tgl.random.set_seed(5), tgl.random.uniform((4,)).tolist())]) == [(None, expected)]


def test_the_default_stream_is_made_once():
    for seed in range(20):
        tgl.random.set_seed(seed)
        streams = in_threads([tgl.random.default_stream] * COUNT)
        assert all(stream is streams[0] for stream in streams)


def test_loops_of_ones_own():
    step_of_all = tgl.function(lambda x, w: tgl.tanh(x @ w).mean())  # its programs and buffers are shared

    def job(n):
        layer, optimizer = nn.Dense(6 + n % 3, activation="tanh"), OPTIMIZERS[n]()
        layer.stream = np.random.default_rng(n)
        layer(X[:1])
        w = tgl.Variable(np.full((20, 4), 0.01 * n, "float32"))

        @tgl.function
        def compiled(x):
            with tgl.GradientTape() as tape:
                loss = (layer(x) ** 2).mean() + (w * w).sum()
            gradients = tape.gradient(loss, [*layer.weights, w])
            optimizer.apply_gradients(zip(gradients, [*layer.weights, w]))
            return loss

        losses = []
        for start in range(0, 96, 16):
            x = tgl.constant(X[start : start + 16])
            losses += [compiled(x).item(), step_of_all(x, w.value()).item()]
            with tgl.GradientTape(persistent=True) as outer:
                outer.watch(x)
                with tgl.GradientTape() as inner:
                    inner.watch(x)
                    y = (layer(x) ** 3).sum()
                slope = inner.gradient(y, x).sum()
            losses += outer.gradient(slope, x).numpy().sum(axis=1).tolist()
        return losses, bits([v.numpy() for v in (*layer.weights, w, *optimizer.variables)])

    jobs = [lambda n=n: job(n) for n in range(COUNT)]
    assert in_threads(jobs) == one_after_another(jobs)


def test_one_model_that_all_predict_with():
    tgl.random.set_seed(0)
    model = network(0)
    model(X)
    jobs = [lambda n=n: bits([model.predict(X[n:], batch_size=8 + n, verbose=0), model(X[n:])]) for n in range(COUNT)]
    assert in_threads(jobs) == one_after_another(jobs)


def test_saving_and_loading(tmp_path):
    def job(n):
        tgl.random.set_seed(n)
        model = network(n)
        model.fit(X, Y, batch_size=48, verbose=0)
        model.save(tmp_path / f"{n}.tgl")
        loaded = nn.load_model(tmp_path / f"{n}.tgl")
        return fitted(loaded) == fitted(model)

    assert all(in_threads([lambda n=n: job(n) for n in range(COUNT)]))
