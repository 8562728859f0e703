"""Files of arrays: written completely or not at all, and checked when they are read.

An archive is a zip of `.npy` arrays and JSON texts. NumPy and any zip program can read it, and no code in it can run.
A file is written under another name, and renamed when it is complete and on the disk: after an interruption, the path
has the old file or the new one. When a file is read, sizes are compared with the number of bytes before memory is
allocated, and every fault is a ValueError that names the file.
"""

from __future__ import annotations

import json
import math
import os
import struct
import threading
import tokenize
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np

from tinygrad_lite.utils.types import Array, Shape

__all__ = ["Archive", "Header", "atomic_path", "write_archive"]

MOST_TEXT = 16 << 20
"""The largest number of bytes in a JSON text."""
_CHUNK = 1 << 20
_header_lock = threading.Lock()  # NumPy parses a header with `ast`, which two threads at once can break in Python 3.11
_EPOCH = (1980, 1, 1, 0, 0, 0)  # of every entry: equal contents make equal files


class Header(NamedTuple):
    """Shape and dtype of an array in an archive.

    Examples
    --------
    >>> Header((2, 3), np.dtype("float32")) == ((2, 3), np.float32)
    True
    """

    shape: Shape
    dtype: np.dtype[Any]


# Writing ------------------------------------------------------------------------------------------------------


@contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A context with a path to write to, which takes the place of `path` at its end.

    On an exception `path` is left as it was. The new content is on the disk before it takes the name.

    Parameters
    ----------
    path : str or path
        Its folder must exist.

    Raises
    ------
    OSError
        The folder does not exist, or cannot be written to.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp(), "note.txt")
    >>> with atomic_path(path) as aside:
    ...     _ = aside.write_text("whole", encoding="utf-8")
    >>> path.read_text(encoding="utf-8"), len(list(path.parent.iterdir()))
    ('whole', 1)
    """
    target = Path(path)
    if target.is_dir():
        raise IsADirectoryError(f"Expected the path of a file. Received: {str(target)!r}, a folder.")
    if not target.parent.is_dir():
        raise FileNotFoundError(
            f"Expected a path in a folder that exists. Received: {str(target)!r}. Make {str(target.parent)!r} first."
        )
    aside = target.with_name(f".{target.name[:100]}.{os.urandom(8).hex()}.tmp")
    try:
        yield aside
        with open(aside, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(aside, target)
    finally:
        aside.unlink(missing_ok=True)
    _sync_folder(target.parent)


def _sync_folder(folder: Path) -> None:
    """Write the new name to the disk too, where the operating system has a call for that."""
    if hasattr(os, "O_DIRECTORY"):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def write_archive(
    path: str | os.PathLike[str], arrays: Mapping[str, Array], texts: Mapping[str, Any] | None = None
) -> None:
    """Write arrays and JSON texts into one file, atomically. Equal contents make equal files.

    Parameters
    ----------
    path : str or path
    arrays : mapping of str to ndarray
        Each becomes the entry `name.npy`.
    texts : mapping of str to values of JSON, optional
        Each becomes the entry `name.json`.

    Raises
    ------
    OSError
        The file cannot be written.
    ValueError
        A text is too long to be read again.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp(), "weights.npz")
    >>> write_archive(path, {"w": np.arange(3.0)})
    >>> np.load(path)["w"]
    array([0., 1., 2.])
    """
    with atomic_path(path) as aside, zipfile.ZipFile(aside, "w", zipfile.ZIP_STORED) as file:
        for name, value in (texts or {}).items():
            text = json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False).encode()
            if len(text) > MOST_TEXT:  # it could not be read again
                raise ValueError(
                    f"Expected a description of at most {MOST_TEXT:,} bytes. Received: one of {len(text):,}. Keep "
                    "large arrays in weights, not in attributes."
                )
            file.writestr(zipfile.ZipInfo(f"{name}.json", _EPOCH), text)
        for name, array in arrays.items():
            with file.open(zipfile.ZipInfo(f"{name}.npy", _EPOCH), "w", force_zip64=True) as entry:
                np.lib.format.write_array(entry, np.asarray(array, order="C"), allow_pickle=False)


# Reading ------------------------------------------------------------------------------------------------------

# What Python's and NumPy's readers raise for damaged files.
_BAD_FILE = (
    zipfile.BadZipFile, zlib.error, struct.error, EOFError, NotImplementedError, RuntimeError, OverflowError,
    UnicodeDecodeError, ValueError, TypeError, KeyError, IndexError, SyntaxError,
    tokenize.TokenError,
)  # fmt: skip


class Archive:
    """An archive opened for reading; use it as a context.

    Opening reads only the list of its entries and checks it: no entry twice, no path that leaves the archive,
    nothing encrypted, no entries that overlap.

    Parameters
    ----------
    path : str or path

    Attributes
    ----------
    arrays, texts : tuple of str
        The names of the entries, without `.npy` and `.json`, in the order of the file.

    Raises
    ------
    OSError
        The file does not exist or cannot be read.
    ValueError
        It is not an archive, is damaged, or contains something else. Also raised by `array` and `text`.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp(), "weights.npz")
    >>> write_archive(path, {"w": np.arange(3.0)}, {"about": {"epochs": 5}})
    >>> with Archive(path) as archive:
    ...     archive.arrays, archive.header("w").shape, archive.array("w"), archive.text("about")
    (('w',), (3,), array([0., 1., 2.]), {'epochs': 5})
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        size = self.path.stat().st_size
        with self._damage("the list of its entries"):
            self._file = zipfile.ZipFile(self.path)
        try:
            with self._damage("the list of its entries"):
                self._entries = _checked_entries(self._file.infolist(), size)
        except BaseException:
            self._file.close()
            raise
        self.arrays = tuple(name.removesuffix(".npy") for name in self._entries if name.endswith(".npy"))
        self.texts = tuple(name.removesuffix(".json") for name in self._entries if name.endswith(".json"))

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def header(self, name: str) -> Header:
        """Shape and dtype of an array, without reading it; checked against the number of bytes in the file."""
        with self._damage(f"{name}.npy"), self._open(f"{name}.npy") as entry:
            (shape, dtype), _ = self._header(entry, f"{name}.npy")
            return Header(shape, dtype.newbyteorder("="))

    def array(self, name: str) -> Array:
        """An array, C-contiguous. Read its `header` first to check its size."""
        with self._damage(f"{name}.npy"), self._open(f"{name}.npy") as entry:
            (shape, dtype), is_fortran = self._header(entry, f"{name}.npy")
            flat: Any = np.empty(math.prod(shape), dtype)
            if flat.size:
                view = memoryview(flat).cast("B")
                for start in range(0, len(view), _CHUNK):
                    chunk = entry.read(min(_CHUNK, len(view) - start))
                    view[start : start + len(chunk)] = chunk
                    if len(chunk) < min(_CHUNK, len(view) - start):
                        raise ValueError("it ends too early")
            entry.read(1)  # at the end the checksum is compared
            array = flat.reshape(shape[::-1]).T if is_fortran else flat.reshape(shape)
            return np.asarray(array, dtype.newbyteorder("="), order="C")

    def text(self, name: str) -> Any:  # any value of JSON
        """The value of a JSON text."""
        full = f"{name}.json"
        with self._damage(full), self._open(full) as entry:
            raw = entry.read(MOST_TEXT + 1)
            if len(raw) > MOST_TEXT:
                raise ValueError(f"it is longer than {MOST_TEXT:,} bytes")
            try:
                return json.loads(raw.decode("utf-8"), object_pairs_hook=_without_repetitions)
            except RecursionError:
                raise ValueError("it is nested too deeply") from None

    def _open(self, full: str) -> IO[bytes]:
        if full not in self._entries:
            raise ValueError(f"there is no such entry. The entries are: {', '.join(self._entries) or 'none'}")
        return self._file.open(self._entries[full])

    def _header(self, entry: IO[bytes], full: str) -> tuple[Header, bool]:
        """Shape, dtype in the file's byte order, and whether the first axis varies fastest."""
        version = np.lib.format.read_magic(entry)
        read = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }.get(version)
        if read is None:
            raise ValueError(f"version {version} of the .npy format is not supported")
        with _header_lock:
            shape, is_fortran, dtype = read(entry)
        if dtype.hasobject or dtype.kind not in "fiub":
            raise ValueError(f"its dtype is {dtype}; only real numbers and booleans are read, never Python objects")
        if any(type(n) is not int or n < 0 for n in shape):
            raise ValueError(f"its shape is {shape}")
        declared = math.prod(shape) * dtype.itemsize
        present = self._entries[full].file_size - entry.tell()
        if declared != present:
            raise ValueError(f"shape {shape} of dtype {dtype} takes {declared:,} bytes, and there are {present:,}")
        return Header(shape, dtype), is_fortran

    @contextmanager
    def _damage(self, what: str) -> Iterator[None]:
        """A context in which errors about damaged bytes become one ValueError that names the file."""
        try:
            yield
        except _BAD_FILE as error:
            reason = str(error).strip("'\" .") or type(error).__name__
            raise ValueError(
                f"Expected a whole archive of .npy arrays. Received: {str(self.path)!r}, where {what} is wrong: "
                f"{reason[:300]}. Was it cut off, or made by another program?"
            ) from error


def _checked_entries(entries: list[zipfile.ZipInfo], size: int) -> dict[str, zipfile.ZipInfo]:
    """The entries by name, if all of them are valid; `size` is that of the file."""
    found: dict[str, zipfile.ZipInfo] = {}
    end = 0
    for entry in sorted(entries, key=lambda entry: entry.header_offset):
        name = entry.filename
        if entry.header_offset < end:
            raise ValueError(f"{name!r} overlaps with another entry")
        end = entry.header_offset + 30 + entry.compress_size  # at the least: names and extras come on top
        if end > size:
            raise ValueError(f"{name!r} reaches beyond the end of the file")
        if entry.flag_bits & 1:
            raise ValueError(f"{name!r} is encrypted")
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ValueError(f"{name!r} is compressed with method {entry.compress_type}")
        if entry.compress_type == zipfile.ZIP_STORED and entry.compress_size != entry.file_size:
            raise ValueError(f"{name!r} is said to have {entry.file_size:,} bytes and has {entry.compress_size:,}")
    for entry in entries:
        name = entry.filename
        if name in found:
            raise ValueError(f"{name!r} is there twice")
        if not _is_plain(name):
            raise ValueError(f"{name!r} is not the name of an entry but a path out of the archive")
        if not name.endswith((".npy", ".json")):
            raise ValueError(f"{name!r} is neither a .npy array nor a JSON text")
        found[name] = entry
    return found


def _is_plain(name: str) -> bool:
    """Whether `name` could be unpacked into a folder without leaving it."""
    parts = name.split("/")
    return (
        "\\" not in name and ":" not in parts[0] and not any(p in ("", ".", "..") for p in parts) and "\0" not in name
    )


def _without_repetitions(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name is there twice in one JSON object")
    return found
