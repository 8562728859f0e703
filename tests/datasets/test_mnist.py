"""Where MNIST is looked for, what a download survives, and what is said when it cannot be had.

No test leaves this machine: the mirrors are folders of a server on 127.0.0.1, each with a fault of its own,
and the files are blank images in MNIST's shapes, whose sums take the place of the known ones.
"""

import gzip
import hashlib
import http.server
import json
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from tinygrad_lite.datasets import mnist, synthetic_digits

REAL_FOLDER = os.environ.get("TINYGRAD_LITE_DATA")
REAL_FILES = dict(mnist.FILES)
PROJECT = Path(mnist.__file__).parents[2]


def idx_bytes(shape, fill):
    sizes = b"".join(size.to_bytes(4, "big") for size in shape)
    return bytes([0, 0, 8, len(shape)]) + sizes + bytes([fill]) * int(np.prod(shape))


@pytest.fixture(scope="module")
def contents():
    """The four files, compressed, of blank images with the labels 3 (train) and 4 (test)."""
    return {
        f"{name}.gz": gzip.compress(
            idx_bytes((count, 28, 28) if "images" in name else (count,), label * ("labels" in name)), 1
        )
        for name in REAL_FILES
        for count, label in [(60000, 3) if name.startswith("train") else (10000, 4)]
    }


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves /<fault>/<file>, and keeps a list of what was asked for."""

    def do_GET(self):
        self.server.asked.append(self.path)
        _, fault, name = self.path.split("/")
        content = self.server.contents[name]
        if fault == "missing":
            self.send_error(404)
            return
        if fault == "mute":
            self.server.released.wait(20)
            return
        if fault == "together" and len(self.server.asked) <= 2:
            self.server.both.wait(20)
        if fault == "wrong":
            content = content[:-1] + bytes([content[-1] ^ 1])
        if fault == "long":
            content += b"\0"
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if fault in ("short", "stalling"):
            content = content[: len(content) // 2]
        if fault == "trickling":
            for byte in content[:100]:
                self.wfile.write(bytes([byte]))
                time.sleep(0.05)
            return
        self.wfile.write(content)
        if fault == "stalling":
            self.wfile.flush()
            self.server.released.wait(20)

    def log_message(self, *arguments):
        pass


class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, request, client_address):
        pass  # a client that hangs up is what some tests are about


@pytest.fixture
def server(contents):
    with Server(("127.0.0.1", 0), Handler) as server:
        server.contents, server.asked = contents, []
        server.released, server.both = threading.Event(), threading.Barrier(2)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.released.set()
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def place(monkeypatch, tmp_path, contents):
    """An empty cache, no named folder, no mirrors, and the sums of the files above; returns the cache."""
    cache = tmp_path / "cache" / "mnist"
    monkeypatch.delenv("TINYGRAD_LITE_DATA", raising=False)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(mnist, "_cache_folder", lambda: cache)
    monkeypatch.setattr(mnist, "MIRRORS", ())
    monkeypatch.setattr(
        mnist,
        "FILES",
        {
            name: (len(contents[f"{name}.gz"]), hashlib.sha256(contents[f"{name}.gz"]).hexdigest())
            for name in REAL_FILES
        },
    )
    return cache


@pytest.fixture
def use_mirrors(monkeypatch, server):
    def use(*faults):
        mirrors = tuple(f"http://127.0.0.1:{server.server_port}/{fault}/" for fault in faults)
        monkeypatch.setattr(mnist, "MIRRORS", mirrors)
        return mirrors

    return use


def put(folder, contents, *, unpacked=False):
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        if unpacked:
            (folder / name.removesuffix(".gz")).write_bytes(gzip.decompress(content))
        else:
            (folder / name).write_bytes(content)


def check(splits):
    (x_train, y_train), (x_test, y_test) = splits
    assert (x_train.shape, y_train.shape) == ((60000, 28, 28), (60000,))
    assert (x_test.shape, y_test.shape) == ((10000, 28, 28), (10000,))
    assert {array.dtype for array in (x_train, y_train, x_test, y_test)} == {np.dtype(np.uint8)}
    assert set(np.unique(y_train)) == {3}
    assert set(np.unique(y_test)) == {4}


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_download_then_cache(place, use_mirrors, server, contents, capsys):
    use_mirrors("good")
    check(mnist.load_data())
    assert names(place) == sorted(contents)
    assert all((place / name).read_bytes() == content for name, content in contents.items())
    assert "train-images-idx3-ubyte.gz: 100%" in capsys.readouterr().err  # the progress bar

    server.asked.clear()
    check(mnist.load_data())
    assert server.asked == []
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("missing", "HTTP Error 404"),
        ("wrong", "expected SHA-256 .*, received "),
        ("short", r"expected \d+ bytes, received \d+"),
        ("long", r"expected \d+ bytes, received more"),
        ("mute", "nothing received for 0.3 s|timed out"),
        ("stalling", "nothing received for 0.3 s|timed out"),
        ("trickling", "not finished after 0.2 s"),
    ],
)
def test_a_faulty_mirror(fault, reason, place, use_mirrors, server, contents, monkeypatch, capsys):
    monkeypatch.setattr(mnist, "SILENCE_TIMEOUT", 0.3)
    faulty, _ = use_mirrors(fault, "good")
    if fault == "trickling":
        monkeypatch.setattr(mnist, "FILE_TIMEOUT", 0.2)
    first = next(iter(contents))
    path = mnist._download(first.removesuffix(".gz"), place, mirrors := list(mnist.MIRRORS))
    assert path.read_bytes() == contents[first]
    assert names(place) == [first]
    assert mirrors[0].endswith("/good/")  # the next file is not asked of the faulty one first
    assert server.asked == [f"/{fault}/{first}", f"/good/{first}"]
    assert f"{faulty}{first} failed: " in capsys.readouterr().err

    use_mirrors(fault)
    path.unlink()
    with pytest.raises(mnist.DatasetUnavailableError, match=reason):
        mnist.load_data()
    assert names(place) == []


def test_all_mirrors_down(place, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    mirrors = (f"http://127.0.0.1:{port}/a/", f"http://127.0.0.1:{port}/b/")
    monkeypatch.setattr(mnist, "MIRRORS", mirrors)
    with pytest.raises(mnist.DatasetUnavailableError) as info:
        mnist.load_data()
    message = str(info.value)
    for part in (*mirrors, *mnist.FILES, str(place), "TINYGRAD_LITE_DATA", "refused", "by hand"):
        assert part in message
    assert names(place) == []


def test_a_damaged_file_in_the_cache_is_fetched_again(place, use_mirrors, server, contents, capsys):
    put(place, contents)
    labels = "t10k-labels-idx1-ubyte.gz"
    (place / labels).write_bytes(b"damaged")
    use_mirrors("good")
    check(mnist.load_data())
    assert (place / labels).read_bytes() == contents[labels]
    assert server.asked == [f"/good/{labels}"]
    assert f"{labels} is damaged" in capsys.readouterr().err


def test_a_bad_download_replaces_nothing(place, use_mirrors, contents):
    put(place, contents)
    images = "train-images-idx3-ubyte.gz"
    (place / images).write_bytes(b"damaged")
    use_mirrors("wrong", "short")
    with pytest.raises(mnist.DatasetUnavailableError, match="missing or damaged"):
        mnist.load_data()
    assert (place / images).read_bytes() == b"damaged"
    assert names(place) == sorted(contents)


def test_two_processes_at_once(place, use_mirrors, server, contents):
    """Both ask for the first file before either gets it."""
    script = f"""
import json, sys
from pathlib import Path
from tinygrad_lite.datasets import mnist
mnist.MIRRORS, mnist.FILES = json.loads(sys.argv[1])
mnist._cache_folder = lambda: Path({str(place)!r})
(x_train, y_train), (x_test, y_test) = mnist.load_data()
print(x_train.shape, y_train.min(), y_test.max())
"""
    arguments = [sys.executable, "-c", script, json.dumps([use_mirrors("together"), mnist.FILES])]
    processes = [
        subprocess.Popen(arguments, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8")
        for _ in range(2)
    ]
    for process in processes:
        out, err = process.communicate(timeout=60)
        assert (process.returncode, out) == (0, "(60000, 28, 28) 3 4\n"), err
    assert server.asked[0] == server.asked[1]
    assert names(place) == sorted(contents)
    check(mnist.load_data())


def test_a_cache_that_cannot_be_written(place, use_mirrors):
    place.parent.mkdir()
    place.write_text("a file where the folder should be", encoding="utf-8")
    use_mirrors("good")
    with pytest.raises(mnist.DatasetUnavailableError, match="cannot be written to"):
        mnist.load_data()


@pytest.mark.parametrize("unpacked", [False, True], ids=["gz", "unpacked"])
def test_files_placed_by_hand(unpacked, place, tmp_path, contents, monkeypatch):
    put(place, contents, unpacked=unpacked)
    check(mnist.load_data())

    place.rename(tmp_path / "named")
    monkeypatch.setenv("TINYGRAD_LITE_DATA", str(tmp_path / "named"))
    check(mnist.load_data())
    assert not place.exists()


def test_the_named_folder_comes_first(place, tmp_path, contents, monkeypatch):
    put(place, dict.fromkeys(contents, b"damaged"))
    put(tmp_path / "named", contents)
    monkeypatch.setenv("TINYGRAD_LITE_DATA", str(tmp_path / "named"))
    check(mnist.load_data())


def test_a_named_folder_that_is_not_there(tmp_path, place, contents, monkeypatch):
    put(place, contents)
    monkeypatch.setenv("TINYGRAD_LITE_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(mnist.DatasetUnavailableError, match=r"TINYGRAD_LITE_DATA=.*nowhere.*not a folder"):
        mnist.load_data()


def test_a_named_folder_without_any_file(tmp_path, place, contents, monkeypatch, capsys):
    put(place, contents)
    monkeypatch.setenv("TINYGRAD_LITE_DATA", str(tmp_path))
    check(mnist.load_data())
    assert "has none of MNIST's files" in capsys.readouterr().err


def test_a_named_folder_with_some_files(tmp_path, place, contents, monkeypatch):
    put(place, contents)
    put(tmp_path / "named", contents)
    (tmp_path / "named" / "t10k-images-idx3-ubyte.gz").unlink()
    monkeypatch.setenv("TINYGRAD_LITE_DATA", str(tmp_path / "named"))
    with pytest.raises(mnist.DatasetUnavailableError, match="named', without t10k-images-idx3-ubyte"):
        mnist.load_data()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("t10k-images-idx3-ubyte", b"not found", "expected an IDX file"),
        ("t10k-images-idx3-ubyte", idx_bytes((10000, 2, 2), 0), r"shape \(10000, 28, 28\).*10000, 2, 2"),
        ("t10k-labels-idx1-ubyte", idx_bytes((9999,), 0), "10000 images, 9999 labels"),
        ("t10k-labels-idx1-ubyte", idx_bytes((10000,), 10), "labels from 0 to 9.*a label 10"),
        ("train-labels-idx1-ubyte", idx_bytes((60000, 1, 1), 3), "expected labels as uint8 with 1 dimension"),
    ],
)
def test_wrong_files_in_a_named_folder(name, content, message, tmp_path, contents, monkeypatch):
    put(tmp_path, {**contents, f"{name}.gz": gzip.compress(content, 1)})
    monkeypatch.setenv("TINYGRAD_LITE_DATA", str(tmp_path))
    with pytest.raises(ValueError, match=message) as info:
        mnist.load_data_or_synthetic()  # damaged is not missing: no fallback
    assert f"{name}.gz" in str(info.value)


def test_the_fallback_is_visible(place, monkeypatch, capsys):
    few = synthetic_digits.load_data(20, 10)
    monkeypatch.setattr(synthetic_digits, "load_data", lambda: few)
    assert mnist.load_data_or_synthetic() is few
    captured = capsys.readouterr()
    assert captured.out == ""
    for part in ("NOTICE: this is not MNIST", "No mirror delivered", str(place), "TINYGRAD_LITE_DATA"):
        assert part in captured.err


def test_no_fallback_where_mnist_is(place, contents, capsys):
    put(place, contents)
    check(mnist.load_data_or_synthetic())
    assert capsys.readouterr().err == ""


def test_the_cache_is_where_the_platform_has_it(monkeypatch, tmp_path):
    monkeypatch.undo()  # of the fixture that replaces the function
    for name in ("HOME", "USERPROFILE", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(tmp_path / name))
    for platform, root in (
        ("linux", tmp_path / "XDG_CACHE_HOME"),
        ("win32", tmp_path / "LOCALAPPDATA"),
        ("darwin", Path.home() / "Library" / "Caches"),
    ):
        monkeypatch.setattr(sys, "platform", platform)
        assert mnist._cache_folder() == root / "tinygrad_lite" / "mnist"


def test_importing_is_cheap():
    script = "import sys, numpy; before = set(sys.modules)\n"
    script += "import tinygrad_lite.datasets; print(*sorted(set(sys.modules) - before))"
    process = subprocess.run([sys.executable, "-c", script], cwd=PROJECT, capture_output=True, encoding="utf-8")
    assert process.returncode == 0, process.stderr
    assert not {"tqdm", "urllib.request", "http.client", "ssl"} & set(process.stdout.split())


@pytest.mark.skipif(
    not REAL_FOLDER or any(mnist._find(Path(REAL_FOLDER), name) is None for name in REAL_FILES),
    reason="needs MNIST's four files in the folder that TINYGRAD_LITE_DATA names",
)
def test_the_real_files(monkeypatch):
    monkeypatch.setenv("TINYGRAD_LITE_DATA", REAL_FOLDER)
    monkeypatch.setattr(mnist, "FILES", REAL_FILES)
    (x_train, y_train), (x_test, y_test) = mnist.load_data()
    assert (x_train.shape, x_test.shape) == ((60000, 28, 28), (10000, 28, 28))
    assert y_train[:5].tolist() == [5, 0, 4, 1, 9]
    assert y_test[:5].tolist() == [7, 2, 1, 0, 4]
    assert round(float(x_train.mean()), 3) == 33.318
    for name in REAL_FILES:
        path = mnist._find(Path(REAL_FOLDER), name)
        if path.suffix == ".gz":
            assert path.stat().st_size == REAL_FILES[name][0]
            assert mnist._is_intact(path)
