"""MNIST: 70,000 handwritten digits of 28×28 pixels (LeCun, Cortes and Burges).

The four files are read from the folder that `TINYGRAD_LITE_DATA` names, or from the user's cache, or they are
downloaded to that cache from the first mirror that answers. A download is written under another name and
renamed, in one atomic step, after its SHA-256 was checked. So every file in the cache is complete, also if
several processes download at once.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
from numpy.typing import NDArray

from tinygrad_lite.datasets import idx, synthetic_digits

if TYPE_CHECKING:
    import queue
    import threading
    from pathlib import Path

__all__ = ["DatasetUnavailableError", "load_data", "load_data_or_synthetic"]

DATA_VARIABLE = "TINYGRAD_LITE_DATA"

MIRRORS = (
    "https://raw.githubusercontent.com/rossbar/numpy-tutorial-data-mirror/main/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
)
SILENCE_TIMEOUT = 10.0  # seconds that a mirror may take to connect, or stay silent, before the next is tried
FILE_TIMEOUT = 300.0  # seconds that a mirror may take for one file

# Of each compressed file: its size in bytes and its SHA-256.
FILES = {
    "train-images-idx3-ubyte": (
        9912422,
        "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
    ),
    "train-labels-idx1-ubyte": (
        28881,
        "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
    ),
    "t10k-images-idx3-ubyte": (
        1648877,
        "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
    ),
    "t10k-labels-idx1-ubyte": (
        4542,
        "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
    ),
}

_CHUNK = 1 << 16  # bytes read from a mirror at a time

Split = tuple[NDArray[np.uint8], NDArray[np.uint8]]


class DatasetUnavailableError(OSError):
    """The data set is in none of the places where it is looked for; the message says which and why."""


def load_data() -> tuple[Split, Split]:
    """Load MNIST, downloading it (11 MB) the first time.

    Returns
    -------
    (x_train, y_train), (x_test, y_test)
        uint8 of shapes (60000, 28, 28), (60000,), (10000, 28, 28), (10000,): images with 0 for paper and
        255 for ink, and the digits 0 to 9 that they show.

    Raises
    ------
    DatasetUnavailableError
        If the files are nowhere and no mirror delivers them, or if `TINYGRAD_LITE_DATA` names a folder that
        does not exist or holds only some of them. It says what was tried and how to place them by hand.
    ValueError
        If a file is there but is not what it should be; the message names it.

    Notes
    -----
    In a folder, each file may be compressed (``train-images-idx3-ubyte.gz``) or unpacked (without ``.gz``).
    A folder named by `TINYGRAD_LITE_DATA` is read as it is and never written to; if it holds none of the
    files, a notice says so and the search goes on. The cache is ``tinygrad_lite/mnist`` in the platform's
    folder for caches: ``$XDG_CACHE_HOME`` or ``~/.cache``, ``~/Library/Caches`` on macOS,
    ``%LOCALAPPDATA%`` on Windows.

    Examples
    --------
    >>> from tinygrad_lite.datasets import mnist
    >>> (x_train, y_train), (x_test, y_test) = mnist.load_data()  # doctest: +SKIP
    >>> x_train.shape, y_train[:3]  # doctest: +SKIP
    ((60000, 28, 28), array([5, 0, 4], dtype=uint8))
    """
    paths = _named_folder_paths() or _cache_paths()
    return _load_split(paths, "train", 60000), _load_split(paths, "t10k", 10000)


def load_data_or_synthetic() -> tuple[Split, Split]:
    """Load MNIST, or the package's own digits in the same shapes where MNIST cannot be had.

    What the examples use, so that they run offline too. On falling back, a notice on standard error says so,
    why, and how to get the real data. A file that is there but damaged is still an error.

    Returns
    -------
    (x_train, y_train), (x_test, y_test)
        As `load_data`, from there or from `synthetic_digits.load_data`.

    Raises
    ------
    ValueError
        As `load_data`.

    Examples
    --------
    >>> from tinygrad_lite.datasets import mnist
    >>> (x_train, y_train), (x_test, y_test) = mnist.load_data_or_synthetic()
    >>> x_train[0].shape, x_train.dtype
    ((28, 28), dtype('uint8'))
    """
    try:
        return load_data()
    except DatasetUnavailableError as error:
        rule = "=" * 78
        _notice(
            f"{rule}\nNOTICE: this is not MNIST. It cannot be had, so the digits that follow are drawn by\n"
            "tinygrad_lite.datasets.synthetic_digits: same shapes and types, other pictures.\n\n"
            f"{error}\n{rule}"
        )
        return synthetic_digits.load_data()


def _load_split(paths: dict[str, Path], prefix: str, count: int) -> Split:
    images_path, labels_path = paths[f"{prefix}-images-idx3-ubyte"], paths[f"{prefix}-labels-idx1-ubyte"]
    images, labels = idx.read_images_and_labels(images_path, labels_path)
    if images.shape != (count, 28, 28):
        raise ValueError(
            f"{images_path}: expected MNIST's images, of shape {(count, 28, 28)}. "
            f"Received: shape={images.shape}. Is it another data set's file, or the other split's?"
        )
    if labels.max() > 9:
        raise ValueError(
            f"{labels_path}: expected labels from 0 to 9. Received: a label {labels.max()}. "
            "Is it another data set's file?"
        )
    return images, labels


def _named_folder_paths() -> dict[str, Path] | None:
    """Return the files in the folder that the variable names, or None to look further."""
    from pathlib import Path

    named = os.environ.get(DATA_VARIABLE)
    if not named:
        return None
    folder = Path(named).expanduser()
    if not folder.is_dir():
        raise DatasetUnavailableError(
            f"Expected {DATA_VARIABLE} to name a folder with MNIST's files. "
            f"Received: {DATA_VARIABLE}={named!r}, which is not a folder. "
            "Correct it, or unset it to use the cache and the download."
        )
    paths = {name: path for name in FILES if (path := _find(folder, name))}
    if not paths:
        _notice(f"{DATA_VARIABLE}={named!r} holds none of MNIST's files; looking in the cache, then downloading.")
        return None
    if missing := [name for name in FILES if name not in paths]:
        raise DatasetUnavailableError(
            f"Expected the folder that {DATA_VARIABLE} names to hold all four files of MNIST, each with or "
            f"without .gz. Received: {DATA_VARIABLE}={named!r}, without {', '.join(missing)}. "
            "Add them, or unset it to use the cache and the download."
        )
    return paths


def _find(folder: Path, name: str) -> Path | None:
    """Return the file of that name, the compressed one first: its format carries a checksum."""
    candidates = (folder / f"{name}.gz", folder / name)
    return next((path for path in candidates if path.is_file()), None)


def _cache_folder() -> Path:
    from pathlib import Path

    if sys.platform == "win32":
        root = os.environ.get("LOCALAPPDATA") or "~/AppData/Local"
    elif sys.platform == "darwin":
        root = "~/Library/Caches"
    else:
        root = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(os.path.expanduser(root)) / "tinygrad_lite" / "mnist"


def _cache_paths() -> dict[str, Path]:
    """Return the files in the cache, after downloading those that are missing or damaged there."""
    folder = _cache_folder()
    mirrors = list(MIRRORS)
    paths = {}
    for name in FILES:
        path = _find(folder, name)
        if path and path.suffix == ".gz" and not _is_intact(path):
            _notice(f"{path} is damaged (its SHA-256 is not the known one); downloading it again.")
            path = None
        paths[name] = path or _download(name, folder, mirrors)
    return paths


def _is_intact(path: Path) -> bool:
    import hashlib

    return hashlib.sha256(path.read_bytes()).hexdigest() == FILES[path.stem][1]


def _download(name: str, folder: Path, mirrors: list[str]) -> Path:
    """Download one file to `folder`; the mirror that delivered it moves to the front of `mirrors`."""
    import tempfile
    from pathlib import Path

    path = folder / f"{name}.gz"
    failures = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for mirror in mirrors:
            handle, aside = tempfile.mkstemp(prefix=f"{path.name}.", suffix=".part", dir=folder)
            try:
                with open(handle, "wb") as file:
                    failure = _fetch(mirror + path.name, *FILES[name], file)
                if failure is None:
                    _take_name(Path(aside), path)
                    mirrors.sort(key=lambda other: other != mirror)
                    return path
            finally:
                Path(aside).unlink(missing_ok=True)
            failures.append(f"  {mirror + path.name}\n    {failure}")
            _notice(f"{mirror + path.name} failed: {failure}")
    except OSError as error:
        raise _unavailable(f"The cache folder {folder} cannot be written to ({error}).", folder) from error
    raise _unavailable(
        f"No mirror delivered {path.name}. Tried:\n" + "\n".join(failures),
        folder,
    )


def _fetch(url: str, size: int, sha256: str, file: BinaryIO) -> str | None:
    """Write what `url` delivers to `file`; return what is wrong with it, or None.

    A thread receives, this one waits for it with a time-out: a socket's own time-out covers neither the
    look-up of the host's name nor the attempts at each of its addresses.
    """
    import hashlib
    import queue
    import threading
    import time

    from tqdm import tqdm

    received: queue.SimpleQueue[bytes | str] = queue.SimpleQueue()  # b"" at the end, a str for a failure
    abandoned = threading.Event()
    threading.Thread(target=_receive, args=(url, size, received, abandoned), daemon=True).start()

    digest, count = hashlib.sha256(), 0
    deadline = time.monotonic() + FILE_TIMEOUT
    try:
        with tqdm(total=size, unit="B", unit_scale=True, desc=url.rpartition("/")[2]) as progress:
            while count <= size:
                try:
                    chunk = received.get(timeout=SILENCE_TIMEOUT)
                except queue.Empty:
                    return f"nothing received for {SILENCE_TIMEOUT:g} s"
                if isinstance(chunk, str):
                    return chunk
                if not chunk:
                    break
                if time.monotonic() > deadline:
                    return f"not finished after {FILE_TIMEOUT:g} s"
                file.write(chunk)
                digest.update(chunk)
                count += len(chunk)
                progress.update(len(chunk))
    finally:
        abandoned.set()
    if count != size:
        return f"expected {size} bytes, received {count if count < size else 'more'}"
    if digest.hexdigest() != sha256:
        return f"expected SHA-256 {sha256}, received {digest.hexdigest()}"
    return None


def _receive(url: str, size: int, received: queue.SimpleQueue[bytes | str], abandoned: threading.Event) -> None:
    """Put what `url` delivers into the queue, stopping soon after `size` bytes or when abandoned."""
    import http.client
    from urllib.error import HTTPError
    from urllib.request import Request, urlopen

    try:
        request = Request(url, headers={"User-Agent": "tinygrad_lite"})
        with urlopen(request, timeout=SILENCE_TIMEOUT) as response:
            count = 0
            while count <= size and not abandoned.is_set():
                chunk = response.read1(_CHUNK)
                received.put(chunk)
                if not chunk:
                    return
                count += len(chunk)
    except HTTPError as error:
        with error:
            received.put(str(error))
    except (OSError, ValueError, http.client.HTTPException) as error:
        cause = getattr(error, "reason", error)  # what urlopen wrapped in a URLError
        received.put(f"{type(cause).__name__}: {cause}")


def _take_name(aside: Path, path: Path) -> None:
    try:
        aside.replace(path)
    except PermissionError:  # Windows, where another process has just put the same file there and reads it
        if not (path.is_file() and _is_intact(path)):
            raise


def _unavailable(reason: str, folder: Path) -> DatasetUnavailableError:
    mirrors = "".join(f"  {mirror}\n" for mirror in MIRRORS)
    names = "".join(f"  {name}.gz\n" for name in FILES)
    named = os.environ.get(DATA_VARIABLE)
    looked = f"{named} (which {DATA_VARIABLE} names) and {folder} (the cache)" if named else f"{folder}"
    return DatasetUnavailableError(
        f"MNIST is missing or damaged in {looked} and could not be downloaded.\n{reason}\n"
        f"To place the files by hand, fetch these four,\n{names}"
        f"where there is a network, from one of\n{mirrors}"
        f"and put them in {folder}, or in any folder that the environment variable {DATA_VARIABLE} names."
    )


def _notice(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
