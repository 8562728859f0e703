"""Callbacks: which hook is called when and with what; History; and what is printed where."""

import os
import re
import signal
import subprocess
import sys
import textwrap

import numpy as np
import pytest

from tinygrad_lite import nn
from tinygrad_lite.nn.callbacks.callback_list import CallbackList

X = np.linspace(-1, 1, 10, dtype="float32")[:, None]
Y = 3 * X


def regression(metrics=()):
    model = nn.Sequential([nn.Dense(1, kernel_initializer="zeros")])
    model.compile("sgd", "mse", metrics=list(metrics))
    return model


class Noting(nn.Callback):
    """Keeps the name of every hook with its number, and the logs."""

    def __init__(self):
        self.calls, self.logs = [], []


def _noting(hook):
    def noted(self, *args, **kwargs):
        *number, logs = args
        self.calls.append("".join([hook, *map(str, number)]))
        self.logs.append((hook, dict(logs)))

    return noted


for _hook in [name for name in vars(nn.Callback) if name.startswith("on_")]:
    setattr(Noting, _hook, _noting(_hook.removeprefix("on_")))


# Hooks --------------------------------------------------------------------------------------------------------


def test_hooks_of_fit_in_order():
    noting = Noting()
    regression().fit(X, Y, batch_size=5, epochs=2, verbose=0, callbacks=[noting])
    epoch = "train_batch_begin0 train_batch_end0 train_batch_begin1 train_batch_end1"
    expected = f"train_begin epoch_begin0 {epoch} epoch_end0 epoch_begin1 {epoch} epoch_end1 train_end"
    assert noting.calls == expected.split()


def test_hooks_of_fit_with_validation_in_order():
    noting = Noting()
    regression().fit(X, Y, batch_size=5, verbose=0, validation_data=(X, Y), callbacks=[noting])
    expected = """train_begin epoch_begin0 train_batch_begin0 train_batch_end0 train_batch_begin1 train_batch_end1
        test_begin test_batch_begin0 test_batch_end0 test_batch_begin1 test_batch_end1 test_end epoch_end0 train_end"""
    assert noting.calls == expected.split()


def test_hooks_of_evaluate_and_predict_in_order():
    noting, model = Noting(), regression()
    model.evaluate(X, Y, batch_size=5, verbose=0, callbacks=[noting])
    model.predict(X, batch_size=5, verbose=0, callbacks=[noting])
    for kind in ("test", "predict"):
        calls, noting.calls = noting.calls[:6], noting.calls[6:]
        assert calls == [
            f"{kind}{what}"
            for what in ("_begin", "_batch_begin0", "_batch_end0", "_batch_begin1", "_batch_end1", "_end")
        ]


def test_logs():
    noting = Noting()
    history = regression(["mae"]).fit(X, Y, batch_size=5, verbose=0, validation_data=(X, Y), callbacks=[noting])
    logs = {}
    for hook, values in noting.logs:
        logs.setdefault(hook, []).append(values)
    assert logs["train_begin"] == logs["epoch_begin"] == logs["test_begin"] == [{}]
    assert [set(values) for values in logs["train_batch_end"]] == [{"loss", "mae"}] * 2
    assert set(logs["test_end"][0]) == {"loss", "mae"}
    assert set(logs["epoch_end"][0]) == {"loss", "mae", "val_loss", "val_mae"}
    assert logs["epoch_end"] == logs["train_end"] == [{name: values[0] for name, values in history.history.items()}]
    assert logs["epoch_end"][0]["loss"] == logs["train_batch_end"][-1]["loss"]  # over the epoch so far
    assert all(type(value) is float for value in logs["epoch_end"][0].values())


def test_model_and_params():
    class Mine(nn.Callback):
        def on_train_begin(self, logs=None):
            self.seen = (self.model, dict(self.params))

    mine, model = Mine(), regression()
    history = model.fit(X, Y, batch_size=3, epochs=2, verbose=0, callbacks=mine)  # a single one does as well
    assert mine.seen == (model, {"epochs": 2, "steps": 4, "verbose": 0})
    assert history.params == mine.seen[1]
    assert history.model is model is history.model


def test_a_callback_may_add_to_the_logs():
    class Adding(nn.Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs["answer"] = 42.0

    assert regression().fit(X, Y, epochs=2, verbose=0, callbacks=[Adding()]).history["answer"] == [42.0, 42.0]


def test_callbacks_are_called_in_their_order():
    calls = []

    class Mine(nn.Callback):
        def __init__(self, name):
            self.name = name

        def on_epoch_end(self, epoch, logs=None):
            calls.append(self.name)

    regression().fit(X, Y, verbose=0, callbacks=[Mine("a"), Mine("b")])
    assert calls == ["a", "b"]


def test_the_older_names_of_hooks():
    class Older(nn.Callback):
        calls = ()

        def on_batch_begin(self, batch, logs=None):
            self.calls += (f"begin{batch}",)

        def on_batch_end(self, batch, logs=None):
            self.calls += (f"end{batch}", *logs)

    older = Older()
    regression().fit(X, Y, batch_size=5, verbose=0, callbacks=[older])
    assert older.calls == ("begin0", "end0", "loss", "begin1", "end1", "loss")


def test_logs_of_batches_are_not_computed_for_nobody():
    calls = CallbackList([nn.History()], None, {})
    assert not calls.has("on_train_batch_end")
    assert CallbackList([Noting()], None, {}).has("on_train_batch_end")


def test_hooks_set_on_an_instance():
    seen = []
    callback = nn.Callback()
    callback.on_epoch_end = lambda epoch, logs: seen.append(epoch)
    regression().fit(X, Y, epochs=2, verbose=0, callbacks=[callback])
    assert seen == [0, 1]


def test_callbacks_that_are_none():
    for wrong, fix in [(nn.History, r"Make an instance: add \(\)"), (print, "Subclass nn.callbacks.Callback")]:
        with pytest.raises(TypeError, match=rf"callbacks to be a list of Callbacks\. Received: <.*> in it\. {fix}"):
            regression().fit(X, Y, verbose=0, callbacks=[wrong])


def test_errors_of_callbacks_are_not_hidden():
    class Failing(nn.Callback):
        def on_epoch_end(self, epoch, logs=None):
            raise RuntimeError("mine")

    with pytest.raises(RuntimeError, match="mine"):
        regression().fit(X, Y, verbose=0, callbacks=[Failing()])


# Stopping -----------------------------------------------------------------------------------------------------


class Stopping(nn.Callback):
    def __init__(self, hook, number):
        setattr(self, hook, lambda n, logs: setattr(self.model, "stop_training", n >= number))


def test_stop_training_after_an_epoch():
    model = regression()
    history = model.fit(X, Y, epochs=10, verbose=0, callbacks=[Stopping("on_epoch_end", 2)])
    assert history.epoch == [0, 1, 2]
    assert model.stop_training
    assert len(model.fit(X, Y, epochs=2, verbose=0).epoch) == 2  # the next training starts anew
    assert not model.stop_training


def test_stop_training_within_an_epoch():
    noting = Noting()
    history = regression().fit(
        X, Y, batch_size=2, epochs=10, verbose=0, callbacks=[Stopping("on_train_batch_end", 1), noting],
        validation_data=(X, Y),
    )  # fmt: skip
    assert history.epoch == [0]
    assert "train_batch_end1" in noting.calls
    assert "train_batch_begin2" not in noting.calls
    assert noting.calls[-2:] == ["epoch_end0", "train_end"]
    assert "val_loss" in history.history


@pytest.fixture
def ctrl_c_interrupts():
    """A shell starts what runs in the background with SIGINT ignored, and Python leaves it so."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


class Interrupting(nn.Callback):
    """Ctrl-C, in the middle of the epoch with number 2."""

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if self.epoch == 2 and batch == 1:
            signal.raise_signal(signal.SIGINT)


@pytest.mark.usefixtures("ctrl_c_interrupts")
@pytest.mark.parametrize("verbose", [0, 2])
def test_ctrl_c_ends_training_and_keeps_the_history(verbose, capsys):
    model, noting = regression(), Noting()
    before = model.predict(X, verbose=0)
    history = model.fit(X, Y, batch_size=2, epochs=10, verbose=verbose, callbacks=[Interrupting(), noting])
    assert history.epoch == [0, 1]
    assert len(history.history["loss"]) == 2
    assert model.history is history
    assert noting.calls[-1] == "train_end"
    assert model.stop_training  # so that a loop around fit can end too
    assert (model.predict(X, verbose=0) != before).any()
    out, err = capsys.readouterr()
    if verbose:
        assert len(out.splitlines()) == 2
        assert err == (
            "Interrupted in epoch 3 of 10: the model keeps its present weights, the history its 2 complete epochs.\n"
        )
    else:
        assert out == err == ""
    assert model.fit(X, Y, epochs=2, verbose=0).epoch == [0, 1]  # and it can go on
    assert model.evaluate(X, Y, verbose=0) < 3


@pytest.mark.usefixtures("ctrl_c_interrupts")
def test_ctrl_c_in_the_middle_of_a_step():
    class Layer(nn.Layer):
        def call(self, x, training=False):
            if training and model.optimizer.iterations.item() == 3:
                signal.raise_signal(signal.SIGINT)
            return x

    model = nn.Sequential([nn.Dense(1), nn.Dropout(0.5), Layer()])
    model.compile("sgd", "mse")
    history = model.fit(X, Y, batch_size=5, epochs=10, verbose=0)
    assert history.epoch == [0]
    assert (model(X).numpy() == model(X).numpy()).all()  # no longer in training: dropout does nothing


# History ------------------------------------------------------------------------------------------------------


def test_history():
    model = regression(["mae"])
    history = model.fit(X, Y, epochs=3, verbose=0, validation_split=0.2)
    assert history.epoch == [0, 1, 2]
    assert list(history.history) == ["loss", "mae", "val_loss", "val_mae"]
    for values in history.history.values():
        assert len(values) == 3
        assert all(type(value) is float for value in values)
    assert history is model.history
    losses = history.history["loss"]
    assert losses == sorted(losses, reverse=True)
    last = ", ".join(f"{name} {values[-1]:.4f}" for name, values in history.history.items())
    assert repr(history) == f"<History of 3 epochs: {last}>"


def test_history_of_training_that_goes_on():
    model = regression()
    first = model.fit(X, Y, epochs=2, verbose=0)
    second = model.fit(X, Y, epochs=5, initial_epoch=2, verbose=0)
    assert (first.epoch, second.epoch) == ([0, 1], [2, 3, 4])
    assert second.history["loss"][0] < first.history["loss"][-1]


def test_a_history_of_ones_own_starts_anew():
    history = nn.History()
    for _ in range(2):
        regression().fit(X, Y, epochs=2, verbose=0, callbacks=[history])
        assert history.epoch == [0, 1]
        assert len(history.history["loss"]) == 2


def test_history_of_nothing():
    history = regression().fit(X, Y, epochs=0, verbose=0)
    assert (history.epoch, history.history) == ([], {})
    assert repr(history) == "<History of 0 epochs>"


# What is printed ----------------------------------------------------------------------------------------------

LINE = r"Epoch {}/3: loss \d+\.\d{{4}}, mae \d+\.\d{{4}}, val_loss \d+\.\d{{4}}, val_mae \d+\.\d{{4}} \(\d+\.\d s\)"


@pytest.mark.parametrize("verbose", ["auto", 1, 2])
def test_one_line_an_epoch_where_the_output_is_no_terminal(verbose, capsys):
    model = regression(["mae"])
    model.fit(X, Y, epochs=3, validation_split=0.2, verbose=verbose)
    model.evaluate(X, Y, verbose=verbose)
    model.predict(X, verbose=verbose)
    out, err = capsys.readouterr()
    lines = out.splitlines()
    for n, line in enumerate(lines[:3], start=1):
        assert re.fullmatch(LINE.format(n), line)
    assert re.fullmatch(r"Evaluation: loss \d+\.\d{4}, mae \d+\.\d{4} \(\d+\.\d s\)", lines[3])
    assert len(lines) == 4
    assert out.isascii()
    assert all(character == "\n" or character.isprintable() for character in out)
    assert err == ""


def test_verbose_0_prints_nothing(capfd):
    model = regression(["mae"])
    model.fit(X, Y, epochs=3, validation_split=0.2, verbose=0)
    model.evaluate(X, Y, verbose=0)
    model.predict(X, verbose=0)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("verbose", [3, -1, "1", None, "bar"])
def test_verbose_of_no_kind(verbose):
    model = regression()
    for use in (model.fit, model.evaluate):
        with pytest.raises(ValueError, match=r"verbose to be 'auto', 0 \(silent\), 1 \(a bar\) or 2 .* Received: verb"):
            use(X, Y, verbose=verbose)


SCRIPT = """
    import numpy as np
    from tinygrad_lite import nn
    x = np.linspace(-1, 1, 64, dtype="float32")[:, None]
    model = nn.Sequential([nn.Dense(1, kernel_initializer="zeros")])
    model.compile("sgd", "mse", metrics=["mae"])
    model.fit(x, x, batch_size=8, epochs=2, verbose={verbose!r})
    model.evaluate(x, x, verbose={verbose!r})
"""


def output_on_a_terminal(verbose):
    """What the script writes to a terminal of 100 columns."""
    pty = pytest.importorskip("pty", reason="Windows has no pseudo-terminals")
    terminal, program_side = pty.openpty()
    environment = {**os.environ, "COLUMNS": "100", "TERM": "xterm"}
    script = textwrap.dedent(SCRIPT).format(verbose=verbose)
    try:
        process = subprocess.Popen([sys.executable, "-c", script], stdout=program_side, env=environment)
        os.close(program_side)
        output = b""
        while True:
            try:
                piece = os.read(terminal, 4096)
            except OSError:  # the other side is closed: Linux's way to say that it is the end
                break
            if not piece:
                break
            output += piece
        assert process.wait() == 0
    finally:
        os.close(terminal)
    return output.decode()


def test_a_bar_on_a_terminal():
    output = output_on_a_terminal("auto")
    assert "\r" in output.replace("\r\n", "\n")  # drawn over and over in one line
    final = [line.rpartition("\r")[2] for line in output.replace("\r\n", "\n").split("\n")]
    for what, line in zip(["Epoch 1/2", "Epoch 2/2", "Evaluation"], final):
        steps = 2 if what == "Evaluation" else 8
        assert line.startswith(f"{what}: 100%")
        assert f"{steps}/{steps}" in line
        assert re.search(r"loss \d\.\d{4}, mae \d\.\d{4}", line)


def test_lines_on_a_terminal_if_asked_for():
    lines = output_on_a_terminal(2).replace("\r\n", "\n").splitlines()
    assert [line.partition(":")[0] for line in lines] == ["Epoch 1/2", "Epoch 2/2", "Evaluation"]


def test_a_bar_in_this_process(monkeypatch, capsys):
    """Ctrl-C and errors close the bar, so that what comes next starts on a line of its own."""
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    model = regression()
    model.fit(X, Y, batch_size=2, epochs=10, callbacks=[Interrupting()])
    out = capsys.readouterr().out
    assert out.endswith("\n")
    assert "Epoch 3/10" in out
    model.predict(X, batch_size=2)
    assert "Prediction" in capsys.readouterr().out
