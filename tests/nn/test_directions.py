"""Which values are better is decided by the metric, never by its name; where it is not known, `mode` is asked for."""

import numpy as np
import pytest

import tinygrad_lite as tgl
from tinygrad_lite import nn
from tinygrad_lite.nn import metrics
from tinygrad_lite.nn.callbacks import EarlyStopping, ModelCheckpoint, ReduceLROnPlateau

X = np.linspace(-1, 1, 12, dtype=np.float32)[:, None]
LABELS = (X > 0).astype("int64")


class Auc(metrics.Metric):
    """Rises by one an epoch."""

    direction = "max"

    def __init__(self, name="auc"):
        super().__init__(name)
        self.epochs = 0

    def update_state(self, y_true, y_pred, sample_weight=None):
        pass

    def reset_state(self):
        self.epochs += 1

    def result(self):
        return tgl.constant(float(self.epochs))


class Falling(Auc):
    direction = "min"


class Unknown(Auc):
    direction = None


def accuracy_loss(y_true, y_pred):
    return tgl.absolute(y_true - y_pred)


def watchers(tmp_path, monitor, **options):
    return [
        EarlyStopping(monitor, patience=1, **options),
        ReduceLROnPlateau(monitor, patience=1, **options),
        ModelCheckpoint(tmp_path / "best.tgl.npz", monitor, save_best_only=True, save_weights_only=True, **options),
    ]


def fitted(callbacks, given, loss="binary_crossentropy", **options):
    model = nn.Sequential([nn.Dense(1, activation="sigmoid")])
    model.compile("sgd", loss, metrics=given)
    model.fit(X, LABELS, epochs=2, validation_data=(X, LABELS), verbose=0, callbacks=callbacks, **options)
    return model


@pytest.mark.parametrize("prefix", ["", "val_"])
@pytest.mark.parametrize(
    ("given", "name", "wants_more"),
    [
        ("accuracy", "accuracy", True),
        ("acc", "acc", True),
        ("binary_accuracy", "binary_accuracy", True),
        ("mae", "mae", False),
        ("mse", "mse", False),
        ("binary_crossentropy", "binary_crossentropy", False),
        (metrics.BinaryAccuracy("loss_of_face"), "loss_of_face", True),
        (metrics.MeanSquaredError("acc_loss"), "acc_loss", False),
        (metrics.MeanMetricWrapper(metrics.binary_accuracy, "error"), "error", True),
        (metrics.MeanMetricWrapper(nn.losses.huber, "accuracy_of_huber"), "accuracy_of_huber", False),
        (nn.losses.Huber(name="acc"), "acc", False),
        (Auc(), "auc", True),
        (Auc("f1"), "f1", True),
        (Auc("precision"), "precision", True),
        (Falling("acc_loss"), "acc_loss", False),
        (None, "loss", False),
    ],
)
def test_the_metric_decides(tmp_path, prefix, given, name, wants_more):
    callbacks = watchers(tmp_path, prefix + name)
    fitted(callbacks, [] if given is None else [given])
    assert [callback._monitored.wants_more for callback in callbacks] == [wants_more] * 3


@pytest.mark.parametrize("which", range(3))
@pytest.mark.parametrize("given", [accuracy_loss, Unknown("accuracy"), metrics.Mean("accuracy_loss")])
def test_where_it_is_not_known_the_mode_is_asked_for_before_the_first_epoch(tmp_path, which, given):
    name = getattr(given, "name", "accuracy_loss")
    model = nn.Sequential([nn.Dense(1, activation="sigmoid")])
    model.compile("sgd", "mse", metrics=[given])
    callback = watchers(tmp_path, f"val_{name}")[which]
    with pytest.raises(ValueError, match="mode='min'"):
        model.fit(X, LABELS, validation_data=(X, LABELS), verbose=0, callbacks=[callback])
    assert not model.built or model.optimizer.iterations.item() == 0


@pytest.mark.parametrize("mode", ["min", "max"])
def test_with_a_mode_anything_goes(tmp_path, mode):
    callbacks = watchers(tmp_path, "accuracy_loss", mode=mode)
    fitted(callbacks, [accuracy_loss])
    assert [callback._monitored.wants_more for callback in callbacks] == [mode == "max"] * 3


def test_a_number_that_another_callback_puts_in_is_not_known():
    class Adding(nn.Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs["val_accuracy_of_mine"] = 1.0

    with pytest.raises(ValueError, match="which val_accuracy_of_mine is better"):
        fitted([Adding(), EarlyStopping("val_accuracy_of_mine")], [])


def test_a_checkpoint_of_every_epoch_needs_no_direction(tmp_path):
    fitted([ModelCheckpoint(tmp_path / "{epoch}.tgl", "whatever")], [])
    assert len(list(tmp_path.iterdir())) == 2


def test_early_stopping_on_a_rising_auc_does_not_stop():
    stop = EarlyStopping("auc", patience=0)
    fitted([stop], [Auc()])
    assert stop.stopped_epoch == 0
