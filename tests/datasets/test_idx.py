"""The IDX reader: what it reads, what it refuses, and how little memory refusing takes."""

import gzip
import math
import struct
import tracemalloc

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tinygrad_lite.datasets import idx

CODES = {"uint8": 0x08, "int8": 0x09, "int16": 0x0B, "int32": 0x0C, "float32": 0x0D, "float64": 0x0E}
FUZZ = settings(deadline=None, derandomize=True, max_examples=300)


def encode(array):
    header = bytes([0, 0, CODES[array.dtype.name], array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return header + array.astype(array.dtype.newbyteorder(">")).tobytes()


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("idx") / "some-idx-file"


def read(path, content):
    path.write_bytes(content)
    return idx.read(path)


@FUZZ
@given(
    array=hnp.arrays(st.sampled_from(sorted(CODES)), hnp.array_shapes(min_dims=1, max_dims=5, min_side=0, max_side=5)),
    is_compressed=st.booleans(),
)
def test_round_trip(path, array, is_compressed):
    content = encode(array)
    result = read(path, gzip.compress(content) if is_compressed else content)
    assert result.dtype == array.dtype
    assert result.dtype.isnative
    assert result.flags.writeable
    np.testing.assert_array_equal(result, array)


def test_more_than_one_piece(path):
    array = np.random.default_rng(0).integers(0, 256, 3 * idx._PIECE + 5, dtype=np.uint8)
    for content in (encode(array), gzip.compress(encode(array), 1)):
        np.testing.assert_array_equal(read(path, content), array)


GOOD = encode(np.arange(6, dtype=np.uint8).reshape(2, 3))
PACKED = gzip.compress(GOOD, mtime=0)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "two zero bytes"),
        (b"\0\0\x08", "two zero bytes"),
        (b"<!DOCTYPE html>", "magic=b'<!DO'"),
        (b"\1" + GOOD[1:], "two zero bytes"),
        (b"\0\0\x0a" + GOOD[3:], "type=0x0a"),
        (b"\0\0\x08\0", "ndim=0"),
        (b"\0\0\x08\xff" + bytes(2000), "ndim=255"),
        (GOOD[:9], "header of 12 bytes.*9 bytes in all"),
        (GOOD[:-1], "only 17 bytes.*truncated"),
        (GOOD[:12], "only 12 bytes.*truncated"),
        (GOOD + b"\0", "more bytes than that"),
        (PACKED + b"\0", "trailing bytes"),
        (PACKED + PACKED, "trailing bytes"),
        (PACKED[:-1], "truncated"),
        (PACKED[:15], "truncated"),
        (PACKED[:1], "magic"),
        (PACKED[:-8] + b"abcd" + PACKED[-4:], "incorrect data check"),
        (PACKED[:-4] + b"abcd", "incorrect length check"),
        (PACKED[:2] + b"\7" + PACKED[3:], "intact gzip stream"),
        (gzip.compress(GOOD[:-1]), "only 17 bytes"),
        (gzip.compress(GOOD + b"\0"), "more bytes than that"),
        (gzip.compress(PACKED), "magic"),
        (bytes([0, 0, 8, 3]) + b"\0\0\0\0" + b"\xff" * 8, "NumPy can address"),
    ],
)
def test_what_is_no_idx_file_is_refused_by_name(path, content, message):
    with pytest.raises(ValueError, match=f"some-idx-file: expected .*Received: .*{message}|{message}") as info:
        read(path, content)
    assert str(path) in str(info.value)


HEADERS = st.builds(
    lambda code, sizes, rest: bytes([0, 0, code, len(sizes)]) + struct.pack(f">{len(sizes)}I", *sizes) + rest,
    st.sampled_from([*CODES.values(), 0]),
    st.lists(st.one_of(st.integers(0, 4), st.integers(0, 2**32 - 1)), max_size=40),
    st.binary(max_size=64),
)


@st.composite
def damaged(draw):
    """A good file with some bytes replaced, cut away or put in."""
    content = bytearray(draw(st.sampled_from([GOOD, PACKED])))
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(content)))
        content[start : start + draw(st.integers(0, 4))] = draw(st.binary(max_size=4))
    return bytes(content)


@FUZZ
@given(content=st.one_of(st.binary(max_size=64), HEADERS, HEADERS.map(gzip.compress), damaged()))
@example(content=bytes([0, 0, 0x0E, 3]) + b"\xff" * 12 + bytes(8))
def test_any_bytes_give_an_array_or_a_value_error(path, content):
    array, refusal = None, ""
    try:
        array = read(path, content)
    except ValueError as error:
        refusal = str(error)
    if array is None:
        assert refusal.startswith(f"{path}: expected ")
    else:
        assert encode(array) == (gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        # 64 MiB unpacked, of which the header speaks of 5 bytes.
        (gzip.compress(encode(np.zeros(5, np.uint8)) + bytes(1 << 26), 1), "more bytes"),
        # A header that speaks of 2**96 bytes.
        (bytes([0, 0, 0x08, 3]) + b"\xff" * 12 + bytes(100), "truncated"),
        (gzip.compress(bytes([0, 0, 0x08, 3]) + b"\xff" * 12 + bytes(100)), "truncated"),
    ],
    ids=["bomb", "huge header", "huge header compressed"],
)
def test_memory_stays_bounded(path, content, message):
    path.write_bytes(content)
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=message):
            idx.read(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 6 * idx._PIECE


def test_images_and_labels(tmp_path):
    def write(name, array):
        (tmp_path / name).write_bytes(encode(array))
        return tmp_path / name

    images = write("images", np.arange(24, dtype=np.uint8).reshape(2, 3, 4))
    labels = write("labels", np.array([7, 1], np.uint8))
    x, y = idx.read_images_and_labels(images, str(labels))
    assert x.shape == (2, 3, 4)
    assert y.tolist() == [7, 1]

    with pytest.raises(ValueError, match=r"images and .*three.*: .*2 images, 3 labels"):
        idx.read_images_and_labels(images, write("three", np.zeros(3, np.uint8)))
    with pytest.raises(ValueError, match=r"labels: expected images as uint8 with 3 dimensions\..*swapped"):
        idx.read_images_and_labels(labels, images)
    with pytest.raises(ValueError, match=r"wide: expected labels as uint8.*dtype=int32"):
        idx.read_images_and_labels(images, write("wide", np.zeros(2, np.int32)))


def test_a_missing_file_is_an_os_error(tmp_path):
    with pytest.raises(FileNotFoundError, match="nothing-here"):
        idx.read(tmp_path / "nothing-here")


def test_the_largest_ndim(path):
    array = np.zeros((1,) * idx._MAX_NDIM, np.uint8)
    assert read(path, encode(array)).shape == array.shape
    assert math.prod(array.shape) == 1
