"""Archives: whole or not at all, and nothing believed that they say of themselves."""

import io
import json
import os
import signal
import struct
import subprocess
import sys
import time
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_lite import nn
from tinygrad_lite.utils.archive import Archive, atomic_path, write_archive

ARRAYS = {
    "dense/kernel": np.arange(6, dtype="float32").reshape(2, 3),
    "empty": np.zeros((0, 4)),
    "scalar": np.float64(2.5),
    "fortran": np.asfortranarray(np.arange(12.0).reshape(3, 4)),
    "strided": np.arange(20, dtype="int64").reshape(4, 5)[::2, ::-2],
    "flags": np.array([True, False]),
}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "weights.npz"


def test_what_was_written_is_read(path):
    write_archive(path, ARRAYS, {"about": {"epochs": 5, "name": "zwölf"}})
    with Archive(path) as archive:
        assert archive.arrays == tuple(ARRAYS)
        assert archive.text("about") == {"epochs": 5, "name": "zwölf"}
        for name, array in ARRAYS.items():
            found = archive.array(name)
            assert archive.header(name) == (np.shape(array), array.dtype)
            assert found.dtype == array.dtype
            assert found.flags.c_contiguous
            np.testing.assert_array_equal(found, array)


def test_numpy_reads_what_is_written_and_is_read(path):
    write_archive(path, ARRAYS)
    with np.load(path) as loaded:
        assert all(np.array_equal(loaded[name], array) for name, array in ARRAYS.items())
    np.savez_compressed(path, fortran=ARRAYS["fortran"], big_endian=np.arange(3.0, dtype=">f8"))
    with Archive(path) as archive:
        np.testing.assert_array_equal(archive.array("fortran"), ARRAYS["fortran"])
        np.testing.assert_array_equal(archive.array("big_endian"), [0.0, 1.0, 2.0])
        assert archive.array("big_endian").dtype == np.dtype("float64")


def test_equal_contents_make_equal_files(path):
    write_archive(path, ARRAYS)
    first = path.read_bytes()
    write_archive(path, ARRAYS)
    assert path.read_bytes() == first


# Writing ------------------------------------------------------------------------------------------------------


def test_an_exception_leaves_the_old_file(path):
    path.write_bytes(b"old")

    def interrupted():
        with atomic_path(path) as aside:
            aside.write_bytes(b"half of the n")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        interrupted()
    assert path.read_bytes() == b"old"
    assert [file.name for file in path.parent.iterdir()] == ["weights.npz"]


def test_a_folder_that_is_missing_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"Received: '.*nowhere/a\.npz'\. Make '.*nowhere' first"):
        write_archive(tmp_path / "nowhere" / "a.npz", {})
    with pytest.raises(IsADirectoryError, match="a folder"):
        write_archive(tmp_path, {})


SAVE_FOREVER = """
import sys
import numpy as np
from tinygrad_lite.utils.archive import write_archive
n = 0
while True:
    n += 1
    write_archive(sys.argv[1], {"a": np.full(40_000, n), "b": np.full(40_000, n)})
    print("saved", flush=True)
"""


SAVE_MODELS_FOREVER = """
import sys
import numpy as np
from tinygrad_lite import nn
model = nn.Sequential([nn.Input((200,)), nn.Dense(200), nn.Dense(200)])
model.compile("adam", "mse")
model.fit(np.ones((1, 200)), np.ones((1, 200)), verbose=0)
n = 0
while True:
    n += 1
    for weight in (*model.weights, *model.optimizer.variables[2:]):
        weight.assign(np.full(weight.shape, n))
    model.save(sys.argv[1])
    print("saved", flush=True)
"""


def number_in_archive(path):
    with Archive(path) as archive:
        a, b = archive.array("a"), archive.array("b")
    assert a.min() == a.max() == b.min() == b.max()
    return int(a[0])


def number_in_model(path):
    model = nn.load_model(path)
    numbers = {float(n) for v in (*model.weights, *model.optimizer.variables[2:]) for n in (v.min(), v.max())}
    assert len(numbers) == 1
    return int(numbers.pop())


KILLED = {
    "write_archive": (SAVE_FOREVER, "weights.npz", number_in_archive),
    "model.save": (SAVE_MODELS_FOREVER, "model.tgl", number_in_model),
}


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="a process cannot be killed outright on this system")
@pytest.mark.parametrize("case", KILLED)
def test_a_killed_process_leaves_a_whole_file(tmp_path, case):
    # One process a kill; TINYGRAD_LITE_KILLS=300 takes minutes, and is what docs/reliability.md reports.
    script, name, number_in = KILLED[case]
    path = tmp_path / name
    kills = int(os.environ.get("TINYGRAD_LITE_KILLS", "4"))
    rng = np.random.default_rng()
    for _ in range(kills):
        with subprocess.Popen([sys.executable, "-c", script, str(path)], stdout=subprocess.PIPE) as process:
            assert process.stdout.readline().strip() == b"saved"
            time.sleep(rng.uniform(0.0, 0.08))
            process.send_signal(signal.SIGKILL)
            process.wait()
        assert number_in(path) >= 1


# Hostile files ------------------------------------------------------------------------------------------------


def zipped(*entries, compression=zipfile.ZIP_STORED):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as file:
        for name, content in entries:
            file.writestr(name, content)
    return buffer.getvalue()


def npy(array=None, *, header=None, data=b""):
    buffer = io.BytesIO()
    if header is None:
        np.lib.format.write_array(buffer, array, allow_pickle=True)
    else:
        text = header.encode()
        text += b" " * (63 - (10 + len(text)) % 64) + b"\n"
        buffer.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + data)
    return buffer.getvalue()


def header(shape="(3,)", descr="'<f8'"):
    return f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}"


def duplicate():
    with pytest.warns(UserWarning, match="Duplicate name"):
        return zipped(("a.npy", npy(np.zeros(1))), ("a.npy", npy(np.ones(1))))


def lying_size():
    content = bytearray(zipped(("a.npy", npy(np.zeros(3)))))
    directory = content.rindex(b"PK\x01\x02")
    content[directory + 24 : directory + 28] = struct.pack("<I", 2**31)
    return bytes(content)


WRONG = {
    "no zip": (lambda: b"not a zip at all", "not a zip file"),
    "nothing": (lambda: b"", "not a zip file"),
    "cut off": (lambda: zipped(("a.npy", npy(np.zeros(300))))[:-400], "not a zip file"),
    "a path out": (lambda: zipped(("../a.npy", npy(np.zeros(1)))), "path out of the archive"),
    "an absolute path": (lambda: zipped(("/etc/a.npy", npy(np.zeros(1)))), "path out of the archive"),
    "a drive": (lambda: zipped(("C:a.npy", npy(np.zeros(1)))), "path out of the archive"),
    "another kind of file": (lambda: zipped(("a.pkl", b"cos\nsystem\n(S'true'\ntR.")), "neither a .npy array nor"),
    "twice": (duplicate, "is there twice"),
    "a size that is not there": (lying_size, "is said to have 2,147,483,648 bytes"),
    "another compression": (lambda: zipped(("a.npy", b"x"), compression=zipfile.ZIP_LZMA), "compressed with method 14"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_archives_are_refused(path, case):
    make, reason = WRONG[case]
    path.write_bytes(make())
    with pytest.raises(ValueError, match=reason) as caught:
        Archive(path)
    assert "weights.npz" in str(caught.value)


WRONG_ARRAYS = {
    "objects": (npy(np.array([{}, []], dtype=object)), "never Python objects"),
    "records": (npy(np.zeros(2, dtype=[("a", "f4")])), "only real numbers"),
    "text": (npy(np.array(["a"])), "only real numbers"),
    "complex": (npy(np.zeros(2, complex)), "only real numbers"),
    "gigantic": (npy(header=header("(1000000000000,)"), data=b"\0" * 24), "takes 8,000,000,000,000 bytes, and there"),
    "more than integers hold": (npy(header=header(f"({2**70},)"), data=b"\0" * 24), "and there are 24"),
    "truncated": (npy(np.zeros(3))[:-1], "takes 24 bytes, and there are 23"),
    "trailing": (npy(np.zeros(3)) + b"\0", "takes 24 bytes, and there are 25"),
    "negative": (npy(header=header("(-3,)"), data=b"\0" * 24), "its shape is"),
    "an expression": (npy(header=header("(__import__('os').getpid(),)"), data=b"\0" * 24), "malformed node"),
    "a header without an end": (
        npy(header="{'descr': '<f8', 'shape': (3,\n '"),
        "multi-line|never closed|unterminated",
    ),
    "no magic": (b"MAGIC" + npy(np.zeros(3)), "magic string"),
    "a later version": (b"\x93NUMPY\x07\x00" + b"\0" * 40, "version"),
    "nothing": (b"", "."),
}


@pytest.mark.parametrize("case", WRONG_ARRAYS)
def test_wrong_arrays_are_refused(path, case):
    content, reason = WRONG_ARRAYS[case]
    path.write_bytes(zipped(("a.npy", content)))
    with Archive(path) as archive, pytest.raises(ValueError, match=reason) as caught:
        archive.array("a")
    assert "weights.npz" in str(caught.value)
    assert "a.npy" in str(caught.value)


def test_a_bit_that_tipped_over_is_found(path):
    write_archive(path, {"a": np.arange(1000.0)})
    content = bytearray(path.read_bytes())
    content[4000] ^= 1
    path.write_bytes(content)
    with Archive(path) as archive, pytest.raises(ValueError, match="CRC"):
        archive.array("a")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "Expecting"),
        ('{"a": 1, "a": 2}', "twice in one JSON object"),
        ("[" * 100_000, "nested too deeply"),
        ("1" * 5000, "digits"),
        ("\xff", "Expecting value"),
    ],
)
def test_wrong_texts_are_refused(path, text, reason):
    path.write_bytes(zipped(("a.json", text)))
    with Archive(path) as archive, pytest.raises(ValueError, match=reason):
        archive.text("a")


def test_a_missing_entry_is_told_with_those_that_are_there(path):
    write_archive(path, {"a": np.zeros(1)})
    with Archive(path) as archive, pytest.raises(ValueError, match=r"there is no such entry. The entries are: a\.npy"):
        archive.array("b")


def test_a_bomb_does_not_go_off(path):
    path.write_bytes(zipped(("a.json", b"1" * (200 << 20)), compression=zipfile.ZIP_DEFLATED))
    assert path.stat().st_size < 300_000
    tracemalloc.start()
    with Archive(path) as archive, pytest.raises(ValueError, match="longer than 16,777,216 bytes"):
        archive.text("a")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 80 << 20


def whole_file():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("model.json", json.dumps({"layers": [1, 2]}))
        file.writestr("a.npy", npy(np.arange(6.0).reshape(2, 3)))
        file.writestr("b.npy", npy(np.zeros((), "int64")))
    return buffer.getvalue()


WHOLE = whole_file()


@given(st.data())
def test_damage_is_a_value_error_or_harmless(tmp_path_factory, data):
    content = bytearray(WHOLE)
    for _ in range(data.draw(st.integers(1, 4), label="changes")):
        at = data.draw(st.integers(0, len(content) - 1), label="at")
        length = data.draw(st.integers(0, min(40, len(content) - at)), label="length")
        content[at : at + length] = data.draw(st.binary(max_size=40), label="new bytes")
    path: Path = tmp_path_factory.getbasetemp() / "damaged.npz"
    path.write_bytes(content)
    reason = None
    try:
        with Archive(path) as archive:
            for name in archive.arrays:
                assert archive.array(name).nbytes <= len(content)
            for name in archive.texts:
                archive.text(name)
    except ValueError as error:
        reason = str(error)
    assert reason is None or "damaged.npz" in reason
