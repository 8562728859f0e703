"""One-hot encoding of class labels: class k of K becomes row k of the K×K identity matrix."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

__all__ = ["to_categorical"]


def to_categorical(labels: ArrayLike, num_classes: int | None = None, dtype: DTypeLike = "float32") -> NDArray[Any]:
    """Turn class labels into one-hot vectors, as `keras.utils.to_categorical` does.

    Labels must be whole numbers from 0 to `num_classes - 1`. Keras does not check this: a negative label
    counts from the end, and 1.5 becomes class 1.

    Parameters
    ----------
    labels
        Class indices of shape (...), or (..., 1) with at least two axes. Whole numbers of any numeric
        dtype.
    num_classes
        Length of the vectors, by default the largest label plus 1.
    dtype
        The dtype of the result.

    Returns
    -------
    numpy.ndarray
        Zeros and ones of shape (..., num_classes).

    Raises
    ------
    ValueError
        If a label is negative, too large or not a whole number, if there is no label to infer `num_classes`
        from, or if `num_classes` is below 1.
    TypeError
        If the labels are not numbers or `num_classes` is not an integer.

    Examples
    --------
    >>> from tinygrad_lite.datasets import to_categorical
    >>> to_categorical([2, 0], num_classes=3)
    array([[0., 0., 1.],
           [1., 0., 0.]], dtype=float32)
    """
    if isinstance(labels, np.ma.MaskedArray):
        raise TypeError("to_categorical expected labels without a mask, which would be lost. Select the others.")
    given = np.asarray(labels)
    if given.dtype.kind not in "biuf" and given.size:
        raise TypeError(
            f"to_categorical expected whole numbers for labels. Received: labels.dtype={given.dtype}. "
            "Number the classes first, for example with np.unique(labels, return_inverse=True)[1]."
        )
    if given.ndim > 1 and given.shape[-1] == 1:  # a column of labels, as Keras takes it
        given = given[..., 0]
    flat = given.reshape(-1)

    if flat.dtype.kind == "f":
        _refuse(flat, flat != np.floor(flat), "whole numbers", "Round them, or number the classes.")
        _refuse(flat, np.isinf(flat), "finite numbers", "Round them, or number the classes.")
    _refuse(flat, flat < 0, "labels of 0 or more", "Number the classes from 0 on.")

    if num_classes is None:
        if not flat.size:
            raise ValueError(
                "to_categorical expected at least one label to infer num_classes from. "
                f"Received: labels.shape={np.shape(labels)}. Pass num_classes."
            )
        num_classes = int(flat.max()) + 1
    elif isinstance(num_classes, bool) or not hasattr(num_classes, "__index__"):
        raise TypeError(f"to_categorical expected an integer for num_classes. Received: num_classes={num_classes!r}.")
    elif num_classes < 1:
        raise ValueError(f"to_categorical expected num_classes of 1 or more. Received: num_classes={num_classes}.")
    _refuse(flat, flat >= num_classes, f"labels below num_classes={num_classes}", "Raise num_classes.")

    vectors = np.zeros((flat.size, num_classes), dtype)
    vectors[np.arange(flat.size), flat.astype(np.intp)] = 1
    return vectors.reshape(*given.shape, num_classes)


def _refuse(labels: NDArray[Any], wrong: NDArray[np.bool_], expected: str, fix: str) -> None:
    if wrong.any():
        where = int(wrong.argmax())
        raise ValueError(
            f"to_categorical expected {expected}. Received: labels[{where}]={labels[where].item()!r}, "
            f"{int(wrong.sum())} of {labels.size} like it (counted along the flattened labels). {fix}"
        )
