"""The examples in a short form: one epoch of a few drawn digits instead of MNIST.

They run as `python examples/NAME.py --epochs 1 --out FOLDER` would, but in this process, where their data is
exchanged for digits that take no time. What they reach on MNIST itself is in the README.
"""

import re
import runpy
import socket
import sys
from pathlib import Path

import numpy as np
import pytest

from tinygrad_lite.datasets import mnist, synthetic_digits

EXAMPLES = Path(__file__).parents[1] / "examples"

# Of each example: what it prints, in this order, and the pictures that it draws.
EXPECTED = {
    "mnist": (
        [
            r"Epoch 1/1: loss [\d.]+, accuracy [\d.]+",
            r"Parameters: 407,050 ",
            r"(  \d: [01]\.\d{6} #*\n){10}",
            r"Predicted: \[\d( \d){9}\]\nLabels:    \[\d( \d){9}\]",
            r"Training accuracy: 0\.\d{4} \(expected on MNIST after 5 epochs: 0\.989\)",
            r"Test accuracy: 0\.\d{4}, loss [\d.]+ \(expected on MNIST after 5 epochs: 0\.977 to 0\.984\)",
        ],
        ["mnist_curves.png", "mnist_predictions.png"],
    ),
    "mnist_gradient_tape": (
        [
            r"Epochs: 1, of 8 steps each\.",
            r"Epoch  1: average loss [\d.]+",
            r"Test accuracy: 0\.\d{4} \(expected on MNIST after 10 epochs: 0\.80 to 0\.83\)",
        ],
        ["mnist_gradient_tape_loss.png"],
    ),
    "mnist_online": (
        [
            r"Gradient check: relative error",
            r"Training with the gradient by hand:\n  epoch  1: training error",
            r"Training with the gradient by tape:\n  epoch  1: training error",
            r"Test accuracy by hand, with the mistakes: 0\.\d{3} \(expected on MNIST: 0\.784\)",
            r"Test accuracy by tape, the true gradient: 0\.\d{3} \(expected on MNIST: 0\.82 or more\)",
        ],
        ["mnist_online_curves.png", "mnist_online_digits.png"],
    ),
    "mnist_mse_vs_cross_entropy": (
        [
            r"Training with squared error, learning rate 3\.0:\nEpoch 1/1: .*val_accuracy",
            r"Training with cross-entropy, learning rate 0\.5:\nEpoch 1/1: .*val_accuracy",
            r"Test accuracy with squared error: 0\.\d{4} \(expected on MNIST: 0\.939 or more\)",
            r"Test accuracy with cross-entropy: 0\.\d{4} \(expected on MNIST: 0\.939 or more\)",
        ],
        [
            "mnist_mse_vs_cross_entropy_accuracy.png",
            "mnist_mse_vs_cross_entropy_digits.png",
            "mnist_mse_vs_cross_entropy_loss.png",
            "mnist_mse_vs_cross_entropy_mistakes.png",
            "mnist_mse_vs_cross_entropy_test.png",
        ],
    ),
    "optimizers": (
        [
            r"SGD on the valley: from -2\.00 to -1\.0",
            r"Momentum on the valley: from -2\.00 to 1\.17",
            *(rf"Training with {name}:\nEpoch 1/1: " for name in ("SGD", "Momentum", "RMSProp", "Adagrad", "Adam")),
            r"Test accuracy with RMSProp: 0\.\d{4} \(expected on MNIST after 5 epochs: 0\.974 or more\)",
            r"Test accuracy with Adam: 0\.\d{4}",
        ],
        ["optimizers_loss.png", "optimizers_valley.png"],
    ),
}


@pytest.fixture(scope="module")
def digits():
    return synthetic_digits.load_data(n_train=1000, n_test=300)


@pytest.fixture
def run(monkeypatch, tmp_path, capsys, digits):
    """Run an example; returns what it printed. Its pictures go to `tmp_path / "out"`."""
    monkeypatch.setattr(mnist, "load_data_or_synthetic", lambda: digits)
    monkeypatch.syspath_prepend(EXAMPLES)
    monkeypatch.chdir(tmp_path)

    def run_example(name, *options):
        monkeypatch.setattr(sys, "argv", [f"{name}.py", *(options or ("--epochs", "1"))])
        try:
            runpy.run_path(str(EXAMPLES / f"{name}.py"), run_name="__main__")
        finally:
            sys.modules.pop("common", None)
        return capsys.readouterr().out

    return run_example


@pytest.fixture
def without_matplotlib(monkeypatch):
    for name in [name for name in sys.modules if name.partition(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)  # importing it raises ImportError


def test_every_example_is_tested():
    """Here, or where what it shows is tested."""
    tests = "".join(path.read_text(encoding="utf-8") for path in Path(__file__).parent.rglob("test_*.py"))
    scripts = {path.stem for path in EXAMPLES.glob("*.py")} - {"common"}
    assert set(EXPECTED) <= scripts
    assert [name for name in sorted(scripts - set(EXPECTED)) if name not in tests] == []


@pytest.mark.parametrize("name", EXPECTED)
def test_example(name, run, tmp_path):
    pytest.importorskip("matplotlib", reason="the pictures of the examples need matplotlib, of the viz extra")
    expected, pictures = EXPECTED[name]
    printed = run(name)
    at = 0
    for pattern in expected:
        found = re.compile(pattern).search(printed, at)
        assert found, f"expected {pattern!r} in or after:\n{printed[at:]}"
        at = found.end()
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == pictures
    for picture in pictures:
        assert f"Drew {Path('out', picture)}\n" in printed
        assert_is_well_drawn(tmp_path / "out" / picture)


def assert_is_well_drawn(path):
    """There is something in the picture, and nothing sticks out of it."""
    from matplotlib.image import imread

    pixels = imread(path)[..., :3]  # (height, width, 3), 1 is white
    assert min(pixels.shape[:2]) > 150
    assert 0.005 < np.mean(pixels.min(axis=-1) < 0.6) < 0.6, f"{path.name} is almost blank, or almost black"
    rim = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    assert rim.min() > 0.9, f"{path.name} is cut off at its rim"


def test_example_without_matplotlib(run, tmp_path, without_matplotlib):
    printed = run("mnist")
    assert "No pictures, because matplotlib is not installed: pip install 'tinygrad_lite[viz]'" in printed
    assert "Test accuracy: 0." in printed
    assert not (tmp_path / "out").exists()


def test_example_without_network_and_data(run, monkeypatch, tmp_path, capsys, digits, without_matplotlib):
    """No MNIST in a folder, in the cache or on a mirror: self-drawn digits, and a notice that says so."""
    with socket.socket() as nobody:  # a port that refuses connections: bound, and not listening
        nobody.bind(("127.0.0.1", 0))
        mirrors = tuple(f"http://127.0.0.1:{nobody.getsockname()[1]}/{n}/" for n in range(2))
        monkeypatch.undo()
        monkeypatch.syspath_prepend(EXAMPLES)
        monkeypatch.setitem(sys.modules, "matplotlib", None)
        monkeypatch.setattr(mnist, "MIRRORS", mirrors)
        monkeypatch.setattr(mnist, "_cache_folder", lambda: tmp_path / "cache")
        monkeypatch.setattr(synthetic_digits, "load_data", lambda: digits)
        monkeypatch.delenv("TINYGRAD_LITE_DATA", raising=False)
        monkeypatch.setattr(sys, "argv", ["mnist.py", "--epochs", "1"])
        try:
            runpy.run_path(str(EXAMPLES / "mnist.py"), run_name="__main__")
        finally:
            sys.modules.pop("common", None)
    printed, notice = capsys.readouterr()
    assert "Test accuracy: 0." in printed
    assert "NOTICE: this is not MNIST." in notice
    assert "tinygrad_lite.datasets.synthetic_digits" in notice
    assert all(mirror in notice for mirror in mirrors)
    assert "TINYGRAD_LITE_DATA" in notice  # how to get the real ones


def test_the_same_seed_prints_the_same(run, without_matplotlib):
    def without_seconds(printed):
        return re.sub(r"\([\d.]+ m?s\)", "", printed)

    one, same, other = (
        without_seconds(run("mnist", "--epochs", "1", "--seed", seed, "--out", "elsewhere")) for seed in "112"
    )
    assert one == same
    assert one != other


def test_the_gradient_check_finds_both_mistakes(run, without_matplotlib):
    printed = run("mnist_online")
    errors = {
        match[1].strip(): (float(match[2]), float(match[3]))
        for match in re.finditer(r"^  (by [a-z, ]+?) +(\d\S+) +(\d\S+)$", printed, re.MULTILINE)
    }
    first, second = zip(*(errors[name] for name in sorted(errors)))
    assert sorted(errors) == [
        "by hand, as in the tutorial",
        "by hand, both put right",
        "by hand, mask put right",
        "by hand, relu put right",
        "by tape",
    ]
    assert [error > 0.1 for error in first] == [True, False, True, True, False]  # of the first layer's weights
    assert max(first[1], first[4]) < 1e-6
    assert max(second) < 1e-6  # the last layer's gradient comes before both mistakes


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--epochs", "0"], "--epochs expects 1 or more. Received: 0."),
        (["--seed", "-1"], "--seed expects 0 or more. Received: -1."),
        (["--epoch", "1"], "unrecognized arguments: --epoch 1"),
    ],
)
def test_wrong_arguments(run, capsys, options, complaint):
    with pytest.raises(SystemExit):
        run("mnist", *options)
    assert complaint in capsys.readouterr().err


def test_help_says_what_to_expect(run, capsys):
    with pytest.raises(SystemExit, match="0"):
        run("mnist", "--help")
    printed = capsys.readouterr().out
    assert "0.980" in printed
    for option in ("--epochs", "--seed", "--out"):
        assert option in printed
