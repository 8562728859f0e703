"""No memory is an error that leaves the model as it was: a step, loading, building."""

import os
import subprocess
import sys

import numpy as np
import pytest

import tinygrad_lite as tgl
from tinygrad_lite import nn, optim

X, Y = np.ones((4, 6), "float32"), np.array([0, 1, 2, 0])


def trained(optimizer="adam"):
    tgl.random.set_seed(0)
    model = nn.Sequential([nn.Dense(8, activation="relu"), nn.Dense(3, activation="softmax")])
    model.compile(optimizer, "sparse_categorical_crossentropy", run_eagerly=True)
    model.fit(X, Y, verbose=0)
    return model


def bits(model):
    return [v.numpy().tobytes() for v in (*model.weights, *model.optimizer.variables)]


class Allocations:
    """What makes arrays, of which the one at a given position fails: NumPy's functions, Variables that copy."""

    NAMES = ("empty", "empty_like", "array", "zeros", "full", "ascontiguousarray")

    def __init__(self, monkeypatch, fail_at):
        self.count = 0
        for name in self.NAMES:
            monkeypatch.setattr(np, name, self._failing(getattr(np, name), fail_at))
        monkeypatch.setattr(tgl.Variable, "writable", self._failing(tgl.Variable.writable, fail_at))

    def _failing(self, function, fail_at):
        def allocate(*args, **kwargs):
            self.count += 1
            if self.count == fail_at:
                raise MemoryError
            return function(*args, **kwargs)

        return allocate


def fails_everywhere(use, model):
    """Let each allocation of `use` fail in turn until none does; how many did. The model stays as it was."""
    before = bits(model)
    for fail_at in range(1, 500):
        held = [v.numpy() for v in (*model.weights, *model.optimizer.variables)]  # so that writing needs new memory
        with pytest.MonkeyPatch.context() as patch:
            allocations = Allocations(patch, fail_at)
            try:
                use()
            except MemoryError:
                pass
            except ValueError as error:
                assert "MemoryError" in repr(error.__cause__) or "memory" in str(error).lower()  # noqa: PT017
            else:
                assert allocations.count < fail_at
                return fail_at - 1
        assert bits(model) == before, f"allocation {fail_at} failed"
        assert len(held) == len(before)
    raise AssertionError("it never succeeds")


@pytest.mark.parametrize(
    "make",
    [
        lambda: optim.Adam(),
        lambda: optim.SGD(clipnorm=0.01, weight_decay=0.1),
        lambda: optim.RMSprop(clipvalue=0.01, momentum=0.9),
    ],
)
def test_a_step(make):
    model = trained(make())
    optimizer = model.optimizer
    gradients = [np.ones(w.shape) for w in model.weights]  # float64: they are converted, block by block
    before = bits(model)

    def step():
        optimizer._scratch.clear()
        optimizer.apply_gradients(list(zip(gradients, model.weights))[::-1])  # small ones first

    assert fails_everywhere(step, model) > len(model.weights)
    assert bits(model) != before


def test_the_first_step():
    model = trained()
    before = [w.numpy().copy() for w in model.weights]
    optimizers = []

    def step():
        optimizers.append(optim.Adam())
        optimizers[-1].apply_gradients([(np.ones(w.shape, "float32"), w) for w in model.weights])

    def use():
        model.optimizer, kept = optim.Adam(), model.optimizer  # its state is compared, and stays
        model.optimizer = kept
        step()

    assert fails_everywhere(use, model) > 8  # two slots for each of four weights
    assert not any(np.array_equal(w.numpy(), old) for w, old in zip(model.weights, before))
    assert not any(optimizer.built or optimizer.trainable_variables for optimizer in optimizers[:8])


@pytest.mark.parametrize("suffix", [".npz", ".safetensors"])
def test_load_weights(tmp_path, suffix):
    if suffix == ".safetensors":
        pytest.importorskip("safetensors", reason="the package safetensors is not installed")
    path = tmp_path / f"weights{suffix}"
    model = trained()
    model.save_weights(path)
    saved = bits(model)
    model.fit(X, Y, verbose=0)
    assert fails_everywhere(lambda: model.load_weights(path), model) >= 4
    assert bits(model)[:4] == saved[:4]


def test_set_weights_and_assign():
    model = trained()
    new = [w.numpy() + 1 for w in model.weights]
    assert fails_everywhere(lambda: model.set_weights(new), model) >= 4
    assert all(np.array_equal(w.numpy(), value) for w, value in zip(model.weights, new))
    kernel = model.weights[0]
    assert fails_everywhere(lambda: kernel.assign(new[0] + 1), model) == 2
    assert np.array_equal(kernel.numpy(), new[0] + 1)


def test_a_layer_that_could_not_be_built_is_built_later():
    layer = nn.Dense(4)
    for fail_at in range(1, 100):
        with pytest.MonkeyPatch.context() as patch:
            allocations = Allocations(patch, fail_at)
            try:
                layer.build((None, 3))
                break
            except MemoryError:
                assert not layer.built
                assert layer._weights == []
    assert allocations.count < fail_at
    assert fail_at > 2
    assert [w.name for w in layer.weights] == ["dense/kernel", "dense/bias"]


def test_a_layer_too_large_for_any_memory():
    model = nn.Sequential([nn.Dense(2**40)])
    with pytest.raises(MemoryError):
        model(np.ones((1, 2**12), "float32"))
    model = trained()
    before = bits(model)
    model.add(nn.Dense(4, name="added"))
    with pytest.raises(MemoryError):
        nn.Sequential([model, nn.Dense(2**45)])(X)
    model.pop()
    assert bits(model)[:4] == before[:4]


# The real thing: a limit of the system's, lowered bit by bit ---------------------------------------------------

LIMITED = """
import resource
from pathlib import Path
import numpy as np
import tinygrad_lite as tgl
from tinygrad_lite import nn, optim

def bits():
    return [hash(v.numpy().tobytes()) for v in (*model.weights, *model.optimizer.variables)]

model = nn.Sequential([nn.Dense(400, "relu"), nn.Dense(400, "relu"), nn.Dense(400)])
x = np.ones((16, 400), "float32")
model.compile(optim.Adam(1e-4, global_clipnorm=1.0), "mse")

def step(x):
    with tgl.GradientTape() as tape:
        loss = tgl.mean(tgl.square(model(x) - x))
    gradients = tape.gradient(loss, model.trainable_variables)
    model.optimizer.apply_gradients(zip(gradients, model.trainable_variables))

step = step if EAGER else tgl.function(step)
x = tgl.constant(x)
for _ in range(3):
    step(x)
done = failed = 0
everything = resource.getrlimit(resource.RLIMIT_AS)
for room in range(0, 6 << 20, 384 << 10):
    for is_held in (False, True):
        held = [w.numpy() for w in model.weights] if is_held else []  # then a step needs memory for new weights
        before = bits()
        size = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (size + room, everything[1]))
        try:
            step(x)
            refused = False
        except MemoryError:
            refused = True
        finally:
            resource.setrlimit(resource.RLIMIT_AS, everything)
        assert (bits() == before) is refused, (room, is_held)
        failed, done = failed + refused, done + (not refused)
        del held
print(failed, done)
"""


# Arrays have memory of their own, which is given back when it is freed. The few kilobytes of an iterator's buffer are
# always to be had: where they are not, NumPy itself ends the process.
MALLOC = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TOP_PAD_": "262144", "MALLOC_TRIM_THRESHOLD_": "1048576"}


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux keeps to a limit of address space")
@pytest.mark.parametrize("eager", [True, False])
def test_steps_under_a_limit(eager):
    script = LIMITED.replace("EAGER", str(eager))
    answer = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        encoding="utf-8",
        check=False,
        env=os.environ | MALLOC | {"OPENBLAS_NUM_THREADS": "1"},
    )  # with threads of its own OpenBLAS ends the process where it gets no memory
    assert answer.returncode == 0, answer.stderr[-2000:]
    failed, done = map(int, answer.stdout.split())
    assert failed > 0
    assert done > 0
