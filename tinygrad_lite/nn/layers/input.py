"""The shape of one sample, as the first item of a Sequential."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygrad_lite.nn.layers.arguments import INSTEAD, WITHOUT_EFFECT, sample_shape
from tinygrad_lite.utils.names import check_surplus, explain_calls
from tinygrad_lite.utils.types import DTypeLike

__all__ = ["Input"]


class Input:
    """The shape of one sample. A Sequential that begins with it makes its weights at once.

    Parameters
    ----------
    shape : tuple of int
        Without the batch axis.
    batch_size : int, optional
        Has no effect: a model takes batches of any size.
    dtype : floating dtype, optional
        Has no effect: layers convert floating inputs to their own dtype.
    batch_shape : tuple of int, optional
        The shape with the batch axis, instead of `shape`.
    name : str, optional
        Has no effect.

    Raises
    ------
    ValueError
        `shape` is not made of integers, or `dtype` is not floating.

    Examples
    --------
    >>> from tinygrad_lite import nn
    >>> nn.Sequential([nn.Input((784,)), nn.Dense(10)]).count_params()
    7850
    """

    def __init__(
        self,
        shape: Sequence[int] | None = None,
        batch_size: int | None = None,
        dtype: DTypeLike | None = None,
        *,
        batch_shape: Sequence[int | None] | None = None,
        name: str | None = None,
        **surplus: Any,
    ) -> None:
        check_surplus(self, surplus, WITHOUT_EFFECT, INSTEAD)
        if (shape is None) is (batch_shape is None):
            raise ValueError(
                f"Input expected either shape or batch_shape. Received: shape={shape}, batch_shape={batch_shape}. "
                "Try Input((784,))."
            )
        if dtype is not None and np.dtype(dtype).kind != "f":
            raise ValueError(f"Input expected a floating dtype. Received: dtype={dtype!r}. Omit it.")
        lengths: Any = shape if batch_shape is None else tuple(batch_shape)[1:]
        self.shape = sample_shape("Input", lengths)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {"shape": list(self.shape)}


explain_calls(Input)
