"""A model goes to other processes by copy of its arrays; what belongs to a process refuses, with a reason."""

import copy
import multiprocessing
import pickle
import sys

import numpy as np
import pytest

import tinygrad_lite as tgl
from tinygrad_lite import nn

rng = np.random.default_rng(0)
X, Y = rng.normal(size=(32, 6)).astype("float32"), rng.integers(0, 3, 32)


def trained():
    tgl.random.set_seed(0)
    model = nn.Sequential([nn.Dense(8, activation="relu"), nn.Dropout(0.5), nn.Dense(3, activation="softmax")])
    model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])
    model.fit(X, Y, batch_size=8, epochs=2, verbose=0)
    return model


def goes_on(model):
    """All that training further gives."""
    history = model.fit(X, Y, batch_size=8, epochs=2, verbose=0).history
    return [v.numpy().tobytes() for v in (*model.weights, *model.optimizer.variables)], history


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_model_trained_in_other_processes(method):
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"this system does not start processes by {method}")
    if method == "fork" and sys.version_info >= (3, 12) and len(sys._current_frames()) > 1:
        pytest.skip("this process has other threads, and Python advises against forking then")
    model = trained()
    before = [w.numpy().copy() for w in model.weights]
    with multiprocessing.get_context(method).Pool(1) as pool:
        found = pool.map(goes_on, [model, model])
    assert all(np.array_equal(w.numpy(), old) for w, old in zip(model.weights, before))  # copies were trained
    assert found == [goes_on(trained())] * 2


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_copies_share_nothing(copied):
    model = trained()
    other = copied(model)
    before = [v.numpy().copy() for v in (*model.weights, *model.optimizer.variables)]
    expected = goes_on(other)
    assert all(np.array_equal(v.numpy(), old) for v, old in zip((*model.weights, *model.optimizer.variables), before))
    assert goes_on(model) == expected


def compiled():
    made = tgl.function(lambda x: x * 2.0)
    made(tgl.ones(3))
    return made


def tape():
    with tgl.GradientTape() as made:
        tgl.Variable(1.0) * 2.0
    return made


class Holder(nn.Model):
    def __init__(self):
        super().__init__()
        self.dense = nn.Dense(2)
        self.step = tgl.function(self.call)

    def call(self, x):
        return self.dense(x)


REFUSED = {
    "a tape": (tape, "its record belongs to this process. Pickle the gradients"),
    "a compiled function": (compiled, "its programs hold buffers and Variables of this process"),
    "a model that has one": (Holder, "its programs hold buffers and Variables of this process"),
    "a list with a tape in it": (lambda: [tape()], "its record belongs to this process"),
}


@pytest.mark.parametrize("case", REFUSED)
@pytest.mark.parametrize("copied", [pickle.dumps, copy.deepcopy])
def test_what_belongs_to_this_process_refuses(case, copied):
    make, reason = REFUSED[case]
    with pytest.raises(TypeError, match=reason):
        copied(make())


def test_a_traced_tensor_refuses():
    with pytest.raises(TypeError, match=r"Copying or pickling of a tensor was asked for inside of a tgl\.function"):
        tgl.function(lambda x: pickle.dumps(x))(tgl.ones(2))
