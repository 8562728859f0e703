"""Long, deep and wide training, measured: memory, open files, seconds.

    python tests/endurance.py steps [--count 100000]     many steps: eager, compiled, fit with its callbacks
    python tests/endurance.py deep [--count 10000]       a model of so many layers: all that can be done with it
    python tests/endurance.py wide [--count 100000000]   a model of so many parameters

`test_endurance` runs the same in short forms, and asserts what is printed here.
"""

import argparse
import gc
import os
import re
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import tinygrad_lite as tgl
from tinygrad_lite import nn, optim, viz

# What is measured ---------------------------------------------------------------------------------------------


def resident():
    """MiB of memory that this process has now, and had at the most."""
    if not os.path.exists("/proc/self/status"):
        return float("nan"), float("nan")
    fields = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines())
    return tuple(int(fields[name].split()[0]) / 1024 for name in ("VmRSS", "VmHWM"))


def open_files():
    """How many file handles this process has open."""
    return len(os.listdir("/proc/self/fd")) if os.path.exists("/proc/self/fd") else 0


def state():
    """Blocks that Python's allocator has handed out, MiB of resident memory, open files."""
    gc.collect()
    return sys.getallocatedblocks(), resident()[0], open_files()


# Many steps ---------------------------------------------------------------------------------------------------

rng = np.random.default_rng(0)
X, Y = rng.normal(size=(320, 16)).astype("float32"), rng.integers(0, 4, 320)


def network():
    tgl.random.set_seed(0)
    return nn.Sequential([nn.Input((16,)), nn.Dense(16, activation="relu"), nn.Dropout(0.1), nn.Dense(4)])


def loop(compiled):
    """A function that takes so many steps of training, written by hand."""
    model, optimizer = network(), optim.Adam(1e-4)

    def step(x, y):
        with tgl.GradientTape() as tape:
            logits = model(x, training=True)
            loss = tgl.mean(tgl.sparse_softmax_cross_entropy_with_logits(y, logits))
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables))
        return loss

    step = tgl.function(step) if compiled else step

    def run(count):
        for n in range(count):
            start = n % 10 * 32
            loss = step(tgl.constant(X[start : start + 32]), tgl.constant(Y[start : start + 32]))
        if not np.isfinite(loss.item()):
            raise AssertionError(f"the loss is {loss.item()}")

    return run


def fitting(folder):
    """A function that takes so many steps with `fit`: 10 an epoch, each epoch validated, logged and saved."""
    model = network()
    model.compile(optim.RMSprop(1e-4), nn.losses.SparseCategoricalCrossentropy(from_logits=True), ["accuracy"])

    def run(count):
        callbacks = [
            nn.callbacks.CSVLogger(folder / "log.csv"),
            nn.callbacks.ModelCheckpoint(folder / "best.tgl", save_best_only=True),
            nn.callbacks.ReduceLROnPlateau(patience=10**9),
        ]
        model.fit(X, Y, batch_size=32, epochs=count // 10, validation_data=(X[:32], Y[:32]), verbose=0,
                  callbacks=callbacks)  # fmt: skip
        model.history = None  # which holds a number per epoch and metric, as it should

    return run


def ways(folder):
    """The ways to take steps, by name."""
    return {"eager": loop(False), "tgl.function": loop(True), "fit": fitting(folder)}


def growth(run, count, warm):
    """What is more after `count` steps than after `warm` of them: blocks, MiB, open files; and seconds a step."""
    run(warm)
    before = state()
    begin = time.perf_counter()
    run(count)
    seconds = (time.perf_counter() - begin) / count
    return *(after - old for after, old in zip(state(), before)), seconds


def steps(count):
    with tempfile.TemporaryDirectory() as folder:
        for name, run in ways(Path(folder)).items():
            blocks, memory, files, seconds = growth(run, count, 1000)
            print(
                f"{name:13} {count:,} steps after the first 1,000: {blocks:+,} blocks of memory, {memory:+.2f} MiB "
                f"resident, {files:+} open files, {seconds * 1e6:.0f} us a step",
                flush=True,
            )


# Many layers --------------------------------------------------------------------------------------------------


def deep_stages(count, folder):
    """What is done with a model of `count` layers, by name; in order, and each returns what shows that it worked."""
    x, y = rng.normal(size=(4, 4)).astype("float32"), np.arange(4)
    file, weights = folder / "deep.tgl", folder / "deep.npz"

    def make():
        nonlocal model
        hidden = [nn.Dense(4, activation="tanh" if n % 2 else None) for n in range(count - 1)]
        model = nn.Sequential([nn.Input((4,)), *hidden, nn.Dense(4, activation="softmax")])
        model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])
        return len(model.layers) == count

    def gradient():
        with tgl.GradientTape() as tape:
            loss = model(x).sum()
        return all(g is not None for g in tape.gradient(loss, model.trainable_variables))

    def graph():
        with tgl.GradientTape(persistent=True) as tape:
            loss = model(x).sum()
        shown = re.findall(r">([\d,]+) parameters<", viz.graph(tape, loss).dot)
        return sum(int(number.replace(",", "")) for number in shown) == model.count_params()  # folded, none is missing

    model = None
    return {
        "made": make,
        "forward": lambda: model(x).shape == (4, 4),
        "gradient": gradient,
        "fit, one step": lambda: len(model.fit(x, y, verbose=0).history["loss"]) == 1,
        "fit, compiled": lambda: len(model.fit(x, y, epochs=3, verbose=0).history["loss"]) == 3,
        "summary": lambda: model.summary_text().count("Dense") == count,
        "save_weights": lambda: model.save_weights(weights) is None,
        "load_weights": lambda: len(model.load_weights(weights).loaded) == 2 * count,
        "save": lambda: model.save(file) is None,
        "load_model": lambda: np.array_equal(nn.load_model(file)(x), model(x)),
        "viz.model": lambda: viz.model(model).dot.count("->") > 0,
        "viz.graph": graph,
    }


def deep(count):
    with tempfile.TemporaryDirectory() as folder:
        for name, stage in deep_stages(count, Path(folder)).items():
            begin = time.perf_counter()
            if not stage():
                raise AssertionError(name)
            print(f"{count:,} layers: {name:14} {time.perf_counter() - begin:7.2f} s, {resident()[1]:6.0f} MiB at most",
                  flush=True)  # fmt: skip


# Many parameters ----------------------------------------------------------------------------------------------


def wide(count):
    side = int(count**0.5)
    begin = time.perf_counter()
    model = nn.Sequential([nn.Input((side,)), nn.Dense(side, use_bias=False)])
    model.compile(optim.SGD(1e-3), "mse", run_eagerly=True)
    x = rng.normal(size=(2, side)).astype("float32")
    before = model.weights[0].numpy()[:2, :2].copy()
    with tempfile.TemporaryDirectory() as folder:
        model.fit(x, x, epochs=2, verbose=0)
        model.save_weights(Path(folder, "wide.npz"))
        model.load_weights(Path(folder, "wide.npz"))
    if np.array_equal(model.weights[0].numpy()[:2, :2], before):
        raise AssertionError("two steps changed no weight")
    print(
        f"{model.count_params():,} parameters ({model.weights[0].nbytes / 2**20:.0f} MiB): two steps, saved and loaded "
        f"in {time.perf_counter() - begin:.1f} s, {resident()[1]:.0f} MiB at most"
    )


PARTS = {"steps": (steps, 100_000), "deep": (deep, 10_000), "wide": (wide, 100_000_000)}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("--count", type=int)
    arguments = parser.parse_args()
    run, default = PARTS[arguments.part]
    run(arguments.count or default)
