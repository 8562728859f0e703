"""Reads the IDX format, in which MNIST is published.

An IDX file is two zero bytes, a byte for the element type, a byte for the number of dimensions, one
big-endian 32-bit size per dimension, and then exactly that many elements. The reader checks
all of it. It unpacks a compressed file piece by piece and stops one piece after the size in
the header, so a damaged or malicious file raises an error before it fills the memory.
"""

from __future__ import annotations

import math
import os
import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

__all__ = ["read", "read_images_and_labels"]

_TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_GZIP_MAGIC = b"\x1f\x8b"
_PIECE = 1 << 20  # bytes unpacked at a time
_MAX_NDIM = 64  # NumPy's limit

StrPath = str | os.PathLike[str]


def read(path: StrPath) -> NDArray[Any]:
    """Read one IDX file, plain or gzip-compressed (recognised by its content, not its name).

    Parameters
    ----------
    path
        The file.

    Returns
    -------
    numpy.ndarray
        The elements in the shape of the header, in native byte order: uint8, int8, int16, int32, float32
        or float64. The array is writable.

    Raises
    ------
    ValueError
        If the bytes are not exactly one IDX file: wrong magic, unknown type, truncated or trailing bytes,
        a damaged compressed stream, or one that unpacks to more than its header says. The message names
        the file.
    OSError
        If the file cannot be opened or read.

    Examples
    --------
    >>> import os, tempfile
    >>> from tinygrad_lite.datasets import idx
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "labels-idx1-ubyte")
    ...     with open(path, "wb") as file:  # type 0x08 (uint8), 1 dimension, of size 3
    ...         _ = file.write(bytes([0, 0, 0x08, 1, 0, 0, 0, 3, 5, 0, 4]))
    ...     idx.read(path)
    array([5, 0, 4], dtype=uint8)
    """
    name = os.fspath(path)
    with open(path, "rb") as file:
        return _parse(_pieces(file, name), name)


def read_images_and_labels(images_path: StrPath, labels_path: StrPath) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Read a file of images and the file of their labels, in the layout of MNIST and similar data sets.

    Parameters
    ----------
    images_path
        An IDX file of uint8 with shape (N, height, width).
    labels_path
        An IDX file of uint8 with shape (N,).

    Returns
    -------
    images, labels
        uint8 (N, height, width) and uint8 (N,).

    Raises
    ------
    ValueError
        As `read`, and if a dtype or a number of dimensions is wrong, or the two counts differ. The message
        names the file or files.
    OSError
        If a file cannot be opened or read.

    Examples
    --------
    >>> import pathlib
    >>> images, labels = pathlib.Path("images-idx3-ubyte"), pathlib.Path("labels-idx1-ubyte")
    >>> _ = images.write_bytes(bytes([0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, 10, 11, 12, 13]))
    >>> _ = labels.write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 2, 7, 5]))
    >>> read_images_and_labels(images, labels)
    (array([[[10, 11]],
    <BLANKLINE>
           [[12, 13]]], dtype=uint8), array([7, 5], dtype=uint8))
    """
    arrays = []
    for path, what, ndim in ((images_path, "images", 3), (labels_path, "labels", 1)):
        array = read(path)
        if array.dtype != np.uint8 or array.ndim != ndim:
            raise ValueError(
                f"{os.fspath(path)}: expected {what} as uint8 with {ndim} dimension{'s' * (ndim > 1)}. "
                f"Received: dtype={array.dtype}, shape={array.shape}. "
                "Are the images' and the labels' files swapped?"
            )
        arrays.append(array)
    images, labels = arrays
    if len(images) != len(labels):
        raise ValueError(
            f"{os.fspath(images_path)} and {os.fspath(labels_path)}: expected as many images as labels. "
            f"Received: {len(images)} images, {len(labels)} labels. "
            "Take both files from the same split of the same data set."
        )
    return images, labels


def _parse(pieces: Iterator[bytes], name: str) -> NDArray[Any]:
    content = bytearray()

    _fill(content, pieces, 4)
    if len(content) < 4 or content[:2] != b"\0\0":
        raise ValueError(
            f"{name}: expected an IDX file, which starts with two zero bytes, a type and a number of "
            f"dimensions. Received: magic={bytes(content[:4])!r}. Is it another kind of file, such "
            "as an error page?"
        )
    code, ndim = content[2], content[3]
    if code not in _TYPES:
        known = ", ".join(f"0x{known:02x}" for known in _TYPES)
        raise ValueError(f"{name}: expected an IDX element type among {known}. Received: type=0x{code:02x}.")
    if not 1 <= ndim <= _MAX_NDIM:
        raise ValueError(f"{name}: expected 1 to {_MAX_NDIM} dimensions. Received: ndim={ndim}.")

    start = 4 + 4 * ndim
    _fill(content, pieces, start)
    if len(content) < start:
        raise ValueError(
            f"{name}: expected a header of {start} bytes for {ndim} dimensions. Received: {len(content)} "
            "bytes in all. The file is truncated: fetch it again."
        )
    shape = tuple(int.from_bytes(content[i : i + 4], "big") for i in range(4, start, 4))
    dtype = np.dtype(_TYPES[code])
    expected = start + math.prod(shape) * dtype.itemsize

    _fill(content, pieces, expected + 1)  # one byte more than the header says, to find trailing bytes
    if len(content) != expected:
        found, fault = (
            (f"only {len(content)} bytes", "truncated")
            if len(content) < expected
            else ("more bytes than that", "followed by other bytes")
        )
        raise ValueError(
            f"{name}: expected {expected} bytes unpacked, {start} of header and the rest for shape={shape} "
            f"of {dtype.name}. Received: {found}. The file is {fault}: fetch it again."
        )
    try:
        array = np.frombuffer(content, dtype, offset=start).reshape(shape)
    except ValueError as error:  # no elements, but sizes that are too large for NumPy
        raise ValueError(
            f"{name}: expected sizes that NumPy can address. Received: shape={shape}. The header is damaged."
        ) from error
    return array.astype(dtype.newbyteorder("="), copy=False)


def _fill(content: bytearray, pieces: Iterator[bytes], size: int) -> None:
    """Append pieces until `content` has `size` bytes or the file ends."""
    while len(content) < size and (piece := next(pieces, b"")):
        content += piece


def _pieces(file: BinaryIO, name: str) -> Iterator[bytes]:
    """Yield the file's bytes, unpacked if they are gzip, in pieces of at most `_PIECE` bytes."""
    is_compressed = file.read(2) == _GZIP_MAGIC
    file.seek(0)
    if not is_compressed:
        while piece := file.read(_PIECE):
            yield piece
        return

    unpacker = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)  # 16: gzip's header, and its checksum verified
    while not unpacker.eof:
        packed = unpacker.unconsumed_tail or file.read(_PIECE)
        try:
            piece = unpacker.decompress(packed, _PIECE)
        except zlib.error as error:
            raise ValueError(
                f"{name}: expected an intact gzip stream. Received: {error}. Fetch the file again."
            ) from error
        if piece:
            yield piece
        elif not packed and not unpacker.eof:
            raise ValueError(f"{name}: expected a whole gzip stream. Received: a truncated one. Fetch the file again.")
    if unpacker.unused_data or file.read(1):
        raise ValueError(
            f"{name}: expected the file to end with its gzip stream. Received: trailing bytes. Fetch the file again."
        )
