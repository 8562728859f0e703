"""The methods of a model that write it to files and read it."""

from __future__ import annotations

import os

from tinygrad_lite.nn.saving.model_file import save_model
from tinygrad_lite.nn.saving.weights import LoadReport, load_weights, save_weights

__all__ = ["Savable"]


class Savable:
    """The methods `save`, `save_weights` and `load_weights` of a model."""

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the model to one file: layers, weights, compile settings and the state of the optimizer.

        The file is a zip of JSON and `.npy` arrays. It is written under another name and then renamed, so an
        interruption leaves the old file or the new one. `nn.load_model` reads it.

        Parameters
        ----------
        path : str or path
            For example "model.tgl".

        Raises
        ------
        TypeError
            The model has parts without a registered name. The error says which definition needs `@nn.register`.
        ValueError
            `load_model` would not give the same model. The error says what would be lost.
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
            It ends in `.npz`, which NumPy can load, or in `.safetensors` if that package is installed.

        Raises
        ------
        ValueError
            The path ends otherwise, or the model is not built.
        OSError
            The file cannot be written.
        """
        save_weights(self, path)

    def load_weights(self, path: str | os.PathLike[str], *, by_name: bool = False, strict: bool = True) -> LoadReport:
        """Read weights from a file that `save_weights` wrote, or another of that format.

        Names, shapes and dtypes must be those of the model's weights. The whole file is read before a weight changes.

        Parameters
        ----------
        path : str or path
            It ends in `.npz` or `.safetensors`.
        by_name : bool
            Load weights that have the same name, and ignore those that only the model or only the file has.
        strict : bool
            False: also ignore weights of another shape or dtype.

        Returns
        -------
        LoadReport
            The names of weights that were `loaded`, `missing`, `unexpected` or `mismatched`.

        Raises
        ------
        ValueError
            The file is damaged or does not fit, or the model is not built. The model is unchanged.
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
