"""Files of weights: arrays by name, in `.npz` or `.safetensors`.

Before a weight of the model changes, the whole file is read and every shape and dtype is compared. A model is `Any` in
this folder, because `Model` imports it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import numpy as np

from tinygrad_lite.core.variable import Variable
from tinygrad_lite.utils.archive import Archive, Header, atomic_path, write_archive
from tinygrad_lite.utils.types import Array, Shape

__all__ = [
    "LoadReport",
    "compare",
    "described",
    "does_not_fit",
    "load_weights",
    "save_weights",
    "unique_names",
    "weight_names",
]


class LoadReport(NamedTuple):
    """The result of `load_weights`: names of weights, each in one of four lists.

    Attributes
    ----------
    loaded : list of str
    missing : list of str
        Weights of the model that are not in the file; they are unchanged.
    unexpected : list of str
        Weights in the file that are not in the model.
    mismatched : list of str
        Weights of both with another shape or dtype; they are unchanged.
    """

    loaded: list[str]
    missing: list[str]
    unexpected: list[str]
    mismatched: list[str]

    def __str__(self) -> str:
        parts = [f"{len(self.loaded)} weights loaded"]
        for what in ("missing", "unexpected", "mismatched"):
            names = getattr(self, what)
            parts += [f"{what}: {', '.join(names)}"] if names else []
        return "; ".join(parts)


def weight_names(weights: Sequence[Variable]) -> dict[str, Variable]:
    """The weights by unique names that are safe in a file."""
    return unique_names((weight.name, weight) for weight in weights)


def unique_names(pairs: Iterable[tuple[str, Variable]]) -> dict[str, Variable]:
    """Variables by their names; the second of a name gets `#2` at its end, and so on."""
    named: dict[str, Variable] = {}
    for called, weight in pairs:
        name = _file_name(called)
        key, count = name, 1
        while key in named:
            count += 1
            key = f"{name}#{count}"
        named[key] = weight
    return named


def _file_name(name: str) -> str:
    """`name`, with characters that are not safe in a file percent-encoded."""
    plain = re.fullmatch(r"[^/\\:%\0.][^/\\:%\0]*(/[^/\\:%\0.][^/\\:%\0]*)*", name)
    return name if plain else quote(name, safe="/").replace(".", "%2E").replace("//", "/%2F").strip("/") or "%2F"


def save_weights(model: Any, path: str | os.PathLike[str]) -> None:
    """Write the weights of `model` to a `.npz` or `.safetensors` file. See `Model.save_weights`."""
    arrays = {name: np.asarray(weight.numpy()) for name, weight in weight_names(model.weights).items()}
    if _suffix(path, "save_weights") == ".npz":
        write_archive(path, arrays)
        return
    numpy_api = _safetensors()
    contiguous = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    with atomic_path(path) as aside:
        numpy_api.save_file(contiguous, str(aside))


def load_weights(model: Any, path: str | os.PathLike[str], by_name: bool = False, strict: bool = True) -> LoadReport:
    """Read weights into `model`. See `Model.load_weights`."""
    named = weight_names(model.weights)
    with _OpenWeights(path) as source:
        report = compare(named, source.names, source.header)
        wrong = report.mismatched if by_name else [*report.mismatched, *report.missing, *report.unexpected]
        if strict and wrong:
            raise ValueError(does_not_fit(model.name, path, report, named, source.header))
        if not report.loaded and named:
            raise ValueError(does_not_fit(model.name, path, report, named, source.header))
        values = {name: source.array(name) for name in report.loaded}
    for name, value in values.items():  # everything was read before the first change
        named[name].adopt(value)
    return report


class _Source(NamedTuple):
    """A file of weights: the names in it, and how to read one."""

    names: Sequence[str]
    header: Callable[[str], Header]
    array: Callable[[str], Array]


class _OpenWeights:
    """A context with the `_Source` of a file."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = path
        self._stack = ExitStack()

    def __enter__(self) -> _Source:
        if _suffix(self._path, "load_weights") == ".npz":
            archive = self._stack.enter_context(Archive(self._path))
            return _Source(archive.arrays, archive.header, archive.array)
        _safetensors()
        import safetensors

        Path(self._path).stat()  # raises the system's error if the file does not exist
        try:
            file = self._stack.enter_context(safetensors.safe_open(str(self._path), framework="numpy"))
            names = list(file.keys())
        except safetensors.SafetensorError as error:
            raise ValueError(_not_safetensors(self._path, error)) from error

        def header(name: str) -> Header:
            part = file.get_slice(name)
            return Header(tuple(part.get_shape()), np.dtype(_SAFETENSORS_TYPES.get(part.get_dtype(), "V1")))

        def array(name: str) -> Array:
            try:
                return np.array(file.get_tensor(name))
            except (safetensors.SafetensorError, TypeError) as error:
                raise ValueError(_not_safetensors(self._path, error)) from error

        return _Source(names, header, array)

    def __exit__(self, *_: Any) -> None:
        self._stack.close()


_SAFETENSORS_TYPES = {
    "F64": "f8", "F32": "f4", "F16": "f2", "I64": "i8", "I32": "i4", "I16": "i2", "I8": "i1",
    "U64": "u8", "U32": "u4", "U16": "u2", "U8": "u1", "BOOL": "?",
}  # fmt: skip


def _safetensors() -> Any:
    try:
        import safetensors.numpy
    except ImportError as error:
        raise ImportError(
            "A .safetensors file needs the package safetensors: pip install safetensors. A .npz file needs no package."
        ) from error
    return safetensors.numpy


def _not_safetensors(path: str | os.PathLike[str], error: Exception) -> str:
    return f"Expected a complete .safetensors file. Received: {str(path)!r}, which cannot be read: {error}."


def _suffix(path: str | os.PathLike[str], method: str) -> str:
    suffix = Path(path).suffix.lower()
    if suffix not in (".npz", ".safetensors"):
        hint = " Keras's formats are not supported here." if suffix in (".h5", ".keras") else ""
        raise ValueError(
            f"{method} expected a path that ends in .npz or .safetensors. Received: {str(path)!r}.{hint} For the "
            "model with its layers and optimizer, use model.save and nn.load_model."
        )
    return suffix


def compare(named: Mapping[str, Variable], names: Sequence[str], header: Callable[[str], Header]) -> LoadReport:
    fits = {name: header(name) == (named[name].shape, named[name].dtype) for name in names if name in named}
    return LoadReport(
        [name for name in named if fits.get(name)],
        [name for name in named if name not in fits],
        [name for name in names if name not in named],
        [name for name in named if fits.get(name) is False],
    )


def does_not_fit(
    owner: str,
    path: str | os.PathLike[str],
    report: LoadReport,
    named: Mapping[str, Variable],
    header: Callable[[str], Header],
) -> str:
    lines = [
        f"{name}: expected {described(named[name].shape, named[name].dtype)}, received {described(*header(name))}"
        for name in report.mismatched
    ]
    lines += [f"{name}: expected by the model, not in the file" for name in report.missing]
    lines += [f"{name}: in the file, not in the model" for name in report.unexpected]
    more = [f"and {len(lines) - 10} more"] if len(lines) > 10 else []
    return (
        f"Expected the weights of {owner} in {str(path)!r}, which has other weights:\n  "
        + "\n  ".join([*lines[:10], *more])
        + "\nIs it a file of this model? by_name=True loads weights by their names, strict=False those that fit. Both "
        "report the rest."
    )


def described(shape: Shape, dtype: np.dtype[Any]) -> str:
    return f"{shape} {dtype}"
