"""The methods of a model that write it to files and read it."""

from __future__ import annotations

import os

from tinygrad_lite.nn.saving.model_file import save_model
from tinygrad_lite.nn.saving.weights import LoadReport, load_weights, save_weights

__all__ = ["Savable"]


class Savable:
    """What a model can do with files: `save`, `save_weights`, `load_weights`."""

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the model to one file: layers, weights, compile settings and the state of the optimizer.

        The file is a zip of JSON and `.npy` arrays. It is written aside and then renamed, so an interruption
        leaves the old file or the new one. `nn.load_model` reads it.

        Parameters
        ----------
        path : str or path
            For example "model.tgl".

        Raises
        ------
        TypeError
            The model has parts that cannot be told by name: says what to put `@nn.register` over.
        ValueError
            What `load_model` would make of the file is not the same model: says what would be lost.
        OSError
            The file cannot be written.

        Examples
        --------
        >>> import tempfile
        >>> from tinygrad_lite import nn
        >>> path = tempfile.mkdtemp() + "/model.tgl"
        >>> nn.Sequential([nn.Input((4,)), nn.Dense(2)]).save(path)
        >>> nn.load_model(path).count_params()
        10
        """
        save_model(self, path)

    def save_weights(self, path: str | os.PathLike[str]) -> None:
        """Write the weights to a file, atomically.

        Parameters
        ----------
        path : str or path
            Ending in `.npz`, which NumPy can load, or in `.safetensors` where that package is installed.

        Raises
        ------
        ValueError
            Another ending, or the weights are not made yet.
        OSError
            The file cannot be written.
        """
        save_weights(self, path)

    def load_weights(self, path: str | os.PathLike[str], *, by_name: bool = False, strict: bool = True) -> LoadReport:
        """Read weights from a file that `save_weights` wrote, or another of that format.

        Names, shapes and dtypes must be those of the model's weights. All is read before anything is changed.

        Parameters
        ----------
        path : str or path
            Ending in `.npz` or `.safetensors`.
        by_name : bool
            Load what has the same name, and leave weights that only the model or only the file has.
        strict : bool
            False: leave also what has another shape or dtype.

        Returns
        -------
        LoadReport
            The names of what was `loaded`, and of what was `missing`, `unexpected` or `mismatched`.

        Raises
        ------
        ValueError
            The file is damaged, or does not fit; the model is not built. The model stays as it was.
        OSError
            The file does not exist or cannot be read.

        Examples
        --------
        >>> import tempfile
        >>> from tinygrad_lite import nn
        >>> path = tempfile.mkdtemp() + "/weights.npz"
        >>> nn.Sequential([nn.Input((4,)), nn.Dense(2), nn.Dense(1)]).save_weights(path)
        >>> print(nn.Sequential([nn.Input((4,)), nn.Dense(2)]).load_weights(path, by_name=True))
        2 weights loaded; unexpected: dense_1/kernel, dense_1/bias
        """
        return load_weights(self, path, by_name, strict)
