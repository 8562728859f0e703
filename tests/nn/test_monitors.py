"""Callbacks that watch training and steer it, against what Keras's do."""

import csv
import math

import numpy as np
import pytest

import tinygrad_lite as tgl
from tinygrad_lite import nn, optim
from tinygrad_lite.nn.callbacks import (
    CSVLogger,
    EarlyStopping,
    LearningRateScheduler,
    ModelCheckpoint,
    ReduceLROnPlateau,
    TerminateOnNaN,
)

X = np.ones((4, 1), "float32")


class Told(nn.Callback):
    """Puts prescribed numbers among those of an epoch, and weights that tell the epoch into the model."""

    def __init__(self, **numbers):
        self.numbers = numbers

    def on_epoch_end(self, epoch, logs=None):
        for name, values in self.numbers.items():
            logs[name] = values[epoch]
        self.model.set_weights([np.full((1, 1), float(epoch)), np.zeros(1)])


def fitted(*callbacks, epochs=8, optimizer="sgd", **numbers):
    model = nn.Sequential([nn.Dense(1)])
    model.compile(optimizer, "mean_squared_error")
    history = model.fit(X, X, epochs=epochs, verbose=0, callbacks=[Told(**numbers), *callbacks])
    return model, history


# Early stopping -----------------------------------------------------------------------------------------------

STOPS = [
    ({"patience": 0}, [5.0, 4.0, 4.0, 3.0], [0, 1, 2]),
    ({"patience": 2}, [5.0, 4.0, 4.5, 3.0, 3.0, 3.1, 0.0], [0, 1, 2, 3, 4, 5]),
    ({"patience": 1, "min_delta": 0.5}, [5.0, 4.0, 3.75, 3.0], [0, 1, 2]),
    ({"patience": 1, "mode": "max"}, [1.0, 2.0, 1.5, 9.0], [0, 1, 2]),
    ({"patience": 1, "baseline": 3.0}, [5.0, 4.0, 2.0], [0, 1, 2]),  # what improves goes on, as in Keras
    ({"patience": 1, "baseline": 3.0}, [5.0, 4.0, 4.0, 2.0], [0, 1, 2]),
    ({"patience": 2, "baseline": 3.0}, [5.0, 2.0, 2.5, 2.5, 1.0], [0, 1, 2, 3]),
    ({"patience": 1, "start_from_epoch": 2}, [1.0, 9.0, 5.0, 6.0, 1.0], [0, 1, 2, 3]),
    ({"patience": 9}, [5.0, 5.0, 5.0], [0, 1, 2]),
]


@pytest.mark.parametrize(("arguments", "numbers", "epochs"), STOPS)
def test_early_stopping_stops_after(arguments, numbers, epochs):
    stop = EarlyStopping(monitor="x", **{"mode": "min"} | arguments)
    _, history = fitted(stop, epochs=len(numbers), x=numbers)
    assert history.epoch == epochs


def test_restore_best_weights_restores_exactly_those():
    stop = EarlyStopping("x", mode="min", patience=2, restore_best_weights=True)
    model, history = fitted(stop, x=[5.0, 1.0, 2.0, 3.0, 0.0, 0, 0, 0])
    assert history.epoch == [0, 1, 2, 3]
    assert (stop.best_epoch, stop.stopped_epoch, stop.best) == (1, 3, 1.0)
    assert model.get_weights()[0].item() == 1.0


def test_best_weights_are_restored_also_where_training_ends_by_itself():
    model, history = fitted(
        EarlyStopping("x", mode="min", patience=9, restore_best_weights=True), epochs=3, x=[5.0, 1.0, 2.0]
    )
    assert history.epoch == [0, 1, 2]
    assert model.get_weights()[0].item() == 1.0


def test_an_early_stopping_can_be_used_again():
    stop = EarlyStopping("x", mode="min")
    for _ in range(2):
        assert fitted(stop, x=[1.0, 2.0] + [0.0] * 6)[1].epoch == [0, 1]


def test_nan_is_no_improvement():
    assert fitted(EarlyStopping("x", mode="min", patience=2), x=[math.nan, math.nan] + [1.0] * 6)[1].epoch == [0, 1]


def test_a_number_that_is_not_there_is_named():
    with pytest.raises(
        ValueError, match=r"EarlyStopping expected 'val_loss' .* Received: 'loss'\. Pass validation_data"
    ):
        fitted(EarlyStopping())
    with pytest.raises(ValueError, match=r"mode to be 'auto', 'min' or 'max'\. Received: mode='less'"):
        EarlyStopping(mode="less")


def test_early_stopping_says_what_it_does(capsys):
    fitted(EarlyStopping("x", mode="min", verbose=1, restore_best_weights=True), x=[1.0, 2.0] + [0.0] * 6)
    assert capsys.readouterr().out.splitlines() == [
        "Stopped after epoch 2: the best x was that of epoch 1.",
        "The model has the weights of epoch 1.",
    ]


# Learning rates -----------------------------------------------------------------------------------------------


def test_reduce_on_plateau():
    numbers = [5.0, 5.0, 5.0, 5.0, 4.0, 4.0, 4.0, 4.0]
    reduce = ReduceLROnPlateau("x", mode="min", factor=0.5, patience=2, min_lr=0.3)
    _, history = fitted(reduce, optimizer=optim.SGD(1.0), x=numbers)
    # after epochs 2 and 6 (two in a row without an improvement); the second time down to min_lr and no further
    assert history.history["learning_rate"] == [1.0, 1.0, 1.0, 0.5, 0.5, 0.5, 0.5, 0.3]


def test_a_cooldown_is_waited_for():
    _, history = fitted(
        ReduceLROnPlateau("x", mode="min", factor=0.5, patience=1, cooldown=2), optimizer=optim.SGD(1.0), x=[1.0] * 8
    )
    # after epochs 1, 3, 5, 7, as in Keras: in the second epoch after a reduction patience counts again
    assert history.history["learning_rate"] == [1.0, 1.0, 0.5, 0.5, 0.25, 0.25, 0.125, 0.125]
    one = ReduceLROnPlateau("x", mode="min", factor=0.5, patience=2, cooldown=3)
    _, history = fitted(one, epochs=11, optimizer=optim.SGD(1.0), x=[1.0] * 11)
    assert history.history["learning_rate"] == [1.0] * 3 + [0.5] * 4 + [0.25] * 4


def test_learning_rate_scheduler():
    by_epoch = LearningRateScheduler(lambda epoch: 1.0 / (epoch + 1))
    assert fitted(by_epoch, epochs=3)[1].history["learning_rate"] == [1.0, 0.5, pytest.approx(1 / 3)]
    from_before = LearningRateScheduler(lambda epoch, rate: rate * 0.5)
    assert fitted(from_before, epochs=2, optimizer=optim.SGD(1.0))[1].history["learning_rate"] == [0.5, 0.25]


def test_a_schedule_and_a_callback_do_not_mix():
    optimizer = optim.SGD(optim.schedules.ExponentialDecay(0.1, 10, 0.5))
    for callback in (ReduceLROnPlateau("loss"), LearningRateScheduler(lambda epoch: 0.1)):
        with pytest.raises(TypeError, match=f"{type(callback).__name__} expected .* whose learning rate is a schedule"):
            fitted(callback, optimizer=optimizer)


def test_wrong_arguments():
    with pytest.raises(ValueError, match=r"factor below 1\. Received: factor=1\.5"):
        ReduceLROnPlateau(factor=1.5)
    with pytest.raises(TypeError, match=r"a function of the epoch\. Received: 0\.1"):
        LearningRateScheduler(0.1)
    with pytest.raises(TypeError, match="Expected a number or a callable as the learning rate"):
        fitted(LearningRateScheduler(lambda epoch: "0.1"))


# Checkpoints --------------------------------------------------------------------------------------------------


def test_checkpoints_have_templated_names(tmp_path):
    keep = ModelCheckpoint(tmp_path / "{epoch:02d}-{x:.1f}.tgl")
    fitted(keep, epochs=2, x=[0.25, 0.5])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["01-0.2.tgl", "02-0.5.tgl"]
    assert nn.load_model(tmp_path / "02-0.5.tgl").get_weights()[0].item() == 1.0


def test_only_the_best_is_kept(tmp_path, capsys):
    path = tmp_path / "best.npz"
    keep = ModelCheckpoint(path, "x", mode="min", save_best_only=True, save_weights_only=True, verbose=1)
    model, _ = fitted(keep, epochs=4, x=[3.0, 1.0, 2.0, 1.0])
    assert [line.split(":")[0] for line in capsys.readouterr().out.splitlines()] == ["Epoch 1", "Epoch 2"]
    model.load_weights(path)
    assert model.get_weights()[0].item() == 1.0
    with np.load(path) as weights:
        assert list(weights) == ["dense/kernel", "dense/bias"]


def test_a_threshold_for_the_first(tmp_path):
    keep = ModelCheckpoint(tmp_path / "{epoch}.tgl", "x", mode="min", save_best_only=True, initial_value_threshold=2.0)
    fitted(keep, epochs=3, x=[3.0, 1.5, 1.7])
    assert [path.name for path in tmp_path.iterdir()] == ["2.tgl"]


def test_wrong_paths(tmp_path):
    with pytest.raises(ValueError, match=r"save_weights_only=True\. Weights are saved to a path that ends in \.npz"):
        ModelCheckpoint("a.tgl", save_weights_only=True)
    with pytest.raises(ValueError, match=r"Pass save_weights_only=True"):
        ModelCheckpoint("a.npz")
    with pytest.raises(ValueError, match=r"names among epoch, loss, x\. Received: filepath='.*{val_loss}\.tgl'"):
        fitted(ModelCheckpoint(tmp_path / "{val_loss}.tgl"), x=[1.0] * 8)


# Logs ---------------------------------------------------------------------------------------------------------


def rows(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_csv_logger(tmp_path):
    path = tmp_path / "log.csv"
    _, history = fitted(CSVLogger(path), epochs=3, x=[1.0, 2.0, 3.0])
    assert [row["epoch"] for row in rows(path)] == ["0", "1", "2"]
    assert [float(row["loss"]) for row in rows(path)] == history.history["loss"]
    fitted(CSVLogger(path, append=True), epochs=1)  # without x
    assert [row["x"] for row in rows(path)] == ["1.0", "2.0", "3.0", "NA"]
    fitted(CSVLogger(path, separator=";"), epochs=1)
    assert path.read_text(encoding="utf-8").startswith("epoch;loss\n0;")


def test_terminate_on_nan(capsys):
    tgl.random.set_seed(0)
    model = nn.Sequential([nn.Dense(1)])
    model.compile(optim.SGD(1e25), "mean_squared_error")
    history = model.fit(np.ones((64, 1)), np.zeros((64, 1)), 1, epochs=5, verbose=0, callbacks=[TerminateOnNaN()])
    assert "the loss is inf. Training ends here." in capsys.readouterr().out
    assert history.epoch == [0]
