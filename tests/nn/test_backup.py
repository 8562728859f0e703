"""Interrupted training, resumed: the same bits as training that was not interrupted."""

import os
import signal
import subprocess
import sys

import numpy as np
import pytest

import tinygrad_lite as tgl
from tinygrad_lite import nn, optim
from tinygrad_lite.datasets import Batches
from tinygrad_lite.nn.callbacks import BackupAndRestore, EarlyStopping, ReduceLROnPlateau

X = np.random.default_rng(0).normal(size=(80, 5)).astype("float32")
Y = np.random.default_rng(1).integers(0, 3, 80)


class NoisyLayer(nn.Layer):
    """Draws from the package's own stream."""

    def call(self, inputs, training=False):
        return inputs + tgl.random.normal((5,), stddev=0.1) if training else inputs


def compiled():
    tgl.random.set_seed(9)
    model = nn.Sequential([NoisyLayer(), nn.Dense(8, "relu"), nn.Dropout(0.4), nn.Dense(3, activation="softmax")])
    model.compile(optim.Adam(0.05), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


class Interrupt(nn.Callback):
    def __init__(self, epoch, batch, error):
        self.at = [epoch, batch]
        self.error = error
        self.now = [0, 0]

    def on_epoch_begin(self, epoch, logs=None):
        self.now[0] = epoch

    def on_train_batch_end(self, batch, logs=None):
        if [self.now[0], batch] == self.at:
            raise self.error


def fit(model, folder, *callbacks, x=X, y=Y):
    watching = [
        EarlyStopping("loss", patience=30, restore_best_weights=True),
        ReduceLROnPlateau("loss", factor=0.5, patience=1, min_delta=0.2),
    ]
    backup = [BackupAndRestore(folder)] if folder else []
    return model.fit(x, y, batch_size=16, epochs=6, validation_data=(X, Y), verbose=0,
                     callbacks=[*backup, *watching, *callbacks])  # fmt: skip


def bits(model):
    return [w.numpy().tobytes() for w in [*model.weights, *model.optimizer.variables]]


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError("no power")], ids=["ctrl-c", "exception"])
@pytest.mark.parametrize(("epoch", "batch"), [(0, 2), (1, 0), (3, 3), (5, 4)])
def test_resumed_training_has_the_same_bits(tmp_path, error, epoch, batch):
    whole = compiled()
    expected = fit(whole, None)
    first = compiled()
    try:
        fit(first, tmp_path, Interrupt(epoch, batch, error))
    except OSError:
        assert error is not KeyboardInterrupt
    else:
        assert error is KeyboardInterrupt
        assert first.was_interrupted
    assert [path.name for path in tmp_path.iterdir()] == ["training.tgl"] * (epoch > 0)
    second = compiled()
    if epoch:  # else there is nothing to go on with, and it begins anew
        tgl.random.set_seed(1234)
        tgl.random.default_stream().random(5)
    history = fit(second, tmp_path)
    assert history.history == expected.history
    assert history.epoch == expected.epoch
    assert bits(second) == bits(whole)
    assert list(tmp_path.iterdir()) == []  # done: nothing is left


def test_the_order_of_own_batches_is_resumed(tmp_path):
    whole = compiled()
    fit(whole, None, x=Batches(X, Y, 16, shuffle=True, seed=3), y=None)
    first, second = compiled(), compiled()
    with pytest.raises(OSError, match="no power"):
        fit(first, tmp_path, Interrupt(2, 1, OSError("no power")), x=Batches(X, Y, 16, True, 3), y=None)
    fit(second, tmp_path, x=Batches(X, Y, 16, True, 3), y=None)
    assert bits(second) == bits(whole)


def test_training_that_was_done_is_not_done_again(tmp_path):
    model = compiled()
    model.fit(X, Y, epochs=2, verbose=0, callbacks=[BackupAndRestore(tmp_path, delete_checkpoint=False)])
    before = bits(model)
    history = model.fit(X, Y, epochs=2, verbose=0, callbacks=[BackupAndRestore(tmp_path, delete_checkpoint=False)])
    assert bits(model) == before
    assert history.epoch == [0, 1]


def test_the_state_of_another_training_is_refused(tmp_path):
    model = compiled()
    model.fit(X, Y, epochs=1, verbose=0, callbacks=[BackupAndRestore(tmp_path, delete_checkpoint=False)])
    other = nn.Sequential([nn.Dense(3, activation="softmax")])
    other.compile("sgd", "sparse_categorical_crossentropy")
    other(X)
    before = [w.numpy().tobytes() for w in other.weights]
    with pytest.raises(
        ValueError, match=r"state of this training in '.*training\.tgl'.* Use another folder, or delete"
    ):
        other.fit(X, Y, verbose=0, callbacks=[BackupAndRestore(tmp_path)])
    assert [w.numpy().tobytes() for w in other.weights] == before
    (tmp_path / "training.tgl").write_bytes(b"damaged")
    with pytest.raises(ValueError, match="Expected a whole archive"):
        model.fit(X, Y, verbose=0, callbacks=[BackupAndRestore(tmp_path)])


TRAIN = """
import sys
sys.path.insert(0, sys.argv[2])
import test_backup
model = test_backup.compiled()
class Tell(test_backup.nn.Callback):
    def on_epoch_end(self, epoch, logs=None):
        print(epoch, flush=True)
        if len(sys.argv) > 3 and epoch == int(sys.argv[3]):
            sys.stdin.read()  # until it is killed
history = test_backup.fit(model, sys.argv[1], Tell())
print(__import__("hashlib").sha256(b"".join(test_backup.bits(model))).hexdigest())
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="a process cannot be killed outright on this system")
def test_killed_training_is_resumed(tmp_path):
    here = os.path.dirname(__file__)
    command = [sys.executable, "-c", TRAIN, str(tmp_path), here]
    with subprocess.Popen([*command, "3"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        while process.stdout.readline().strip() != b"3":
            pass
        process.send_signal(signal.SIGKILL)
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=True)
    whole = compiled()
    fit(whole, None)
    lines = done.stdout.split()
    assert lines[:-1] == ["3", "4", "5"]  # epoch 3 was not saved yet: it is done again
    assert lines[-1] == __import__("hashlib").sha256(b"".join(bits(whole))).hexdigest()


# What training changes besides weights ------------------------------------------------------------------------------


class Counting(nn.Layer):
    """Computes with the number of its calls."""

    def __init__(self):
        super().__init__()
        self.calls, self.unused = 0, object()

    def call(self, inputs, training=False):
        if training:
            self.calls += 1
        return inputs * (1.0 + self.calls / 100)


class Own(nn.Callback):
    """Remembers, changes a setting of the optimizer, and has an argument."""

    def __init__(self, factor=0.9):
        self.factor, self.seen = factor, []

    def on_epoch_end(self, epoch, logs=None):
        self.seen.append(round(logs["loss"], 6))
        self.best = min(self.seen)
        self.model.optimizer.momentum *= self.factor


class Fails(nn.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 2:
            raise OSError("the power failed")


def counted(folder, *more, factor=0.9):
    tgl.random.set_seed(0)
    model = nn.Sequential([nn.Dense(3), Counting(), nn.Dense(1)])
    model.compile(tgl.optim.SGD(0.01, momentum=0.5), "mse", run_eagerly=True)
    x = np.linspace(-1, 1, 24, dtype="float32").reshape(8, 3)
    own = Own(factor)
    backup = nn.callbacks.BackupAndRestore(folder)
    history = model.fit(x, x[:, 0], 4, epochs=4, verbose=0, callbacks=[backup, own, *more])
    kept = [w.numpy().tobytes() for w in model.weights], model.optimizer.momentum, model.layers[1].calls
    return history.history, own.seen, own.best, own.factor, kept


def test_attributes_that_training_changes_are_resumed(tmp_path):
    expected = counted(tmp_path / "whole")
    with pytest.raises(OSError, match="power"):
        counted(tmp_path / "broken", Fails())
    assert counted(tmp_path / "broken") == expected


def test_arguments_are_those_of_the_program_that_resumes(tmp_path):
    with pytest.raises(OSError, match="power"):
        counted(tmp_path, Fails())
    assert counted(tmp_path, factor=0.5)[3] == 0.5
