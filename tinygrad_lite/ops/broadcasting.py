"""Repetition: arrays repeated along axes, to a shape, to each other's shape, as tiles or as a grid.

The gradient of an element that was repeated is the sum of the gradients of its copies.
"""

from __future__ import annotations

import itertools

import numpy as np

from tinygrad_lite.core.backward import sum_to_shape
from tinygrad_lite.core.primitive import primitive
from tinygrad_lite.core.tensor import Tensor, TensorLike, to_tensor, to_tensors
from tinygrad_lite.ops.axes import as_shape
from tinygrad_lite.ops.shaping import reshape
from tinygrad_lite.utils.types import Array, ShapeLike


@primitive
def _broadcast_to(array: Array, *, shape: tuple[int, ...]) -> Array:
    return np.broadcast_to(array, shape)


_broadcast_to.defvjp(lambda g, y, array, shape: sum_to_shape(g, array.shape))


def broadcast_to(array: TensorLike, shape: ShapeLike, subok: bool = False) -> Tensor:
    """`array` repeated along new and length-one axes to the shape `shape`.

    Parameters
    ----------
    array : Tensor or array-like
    shape : int or tuple of int
    subok : bool
        Accepted for compatibility with NumPy; no effect.

    Returns
    -------
    Tensor, shape `shape`

    Raises
    ------
    ValueError
        `array` does not broadcast to `shape`.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.broadcast_to([1.0, 2.0], (3, 2)).shape
    (3, 2)
    """
    return _broadcast_to(array, shape=as_shape(shape))


def broadcast_arrays(*args: TensorLike, subok: bool = False) -> tuple[Tensor, ...]:
    """The arguments, each repeated to the shape that they broadcast to.

    Parameters
    ----------
    *args : Tensors or array-likes
    subok : bool
        Accepted for compatibility with NumPy; no effect.

    Returns
    -------
    tuple of Tensors

    Raises
    ------
    ValueError
        The shapes do not broadcast together.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> [x.shape for x in tgl.broadcast_arrays(tgl.zeros((2, 1)), tgl.zeros(3))]
    [(2, 3), (2, 3)]
    """
    tensors = to_tensors(*args)
    shape = np.broadcast_shapes(*[x.shape for x in tensors])
    return tuple(broadcast_to(x, shape) for x in tensors)


def tile(A: TensorLike, reps: ShapeLike) -> Tensor:
    """`A` laid out `reps` times along each axis.

    Parameters
    ----------
    A : Tensor or array-like
    reps : int or tuple of int
        Counted from the last axis; `A` gets new axes in front if there are more numbers than axes.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> tgl.tile([1.0, 2.0], (2, 2)).tolist()
    [[1.0, 2.0, 1.0, 2.0], [1.0, 2.0, 1.0, 2.0]]
    """
    tensor, times = to_tensor(A), as_shape(reps)
    ndim = max(tensor.ndim, len(times))
    shape = (1,) * (ndim - tensor.ndim) + tensor.shape
    times = (1,) * (ndim - len(times)) + times
    apart = tuple(itertools.chain.from_iterable((1, length) for length in shape))
    repeated = tuple(itertools.chain.from_iterable(zip(times, shape)))
    return reshape(broadcast_to(reshape(tensor, apart), repeated), [t * n for t, n in zip(times, shape)])


def meshgrid(*xi: TensorLike, copy: bool = True, sparse: bool = False, indexing: str = "xy") -> tuple[Tensor, ...]:
    """Coordinates of the points of a grid, from coordinates along its axes.

    Parameters
    ----------
    *xi : 1-D Tensors or array-likes
    copy : bool
        No effect: tensors never change.
    sparse : bool
        Leave the repeating to broadcasting: each result has only one axis longer than one.
    indexing : "xy" or "ij"
        "xy" exchanges the first two axes, as pictures have them; "ij" does not.

    Returns
    -------
    tuple of Tensors

    Raises
    ------
    ValueError
        Another `indexing`.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> x, y = tgl.meshgrid([1.0, 2.0, 3.0], [4.0, 5.0])
    >>> x.tolist(), y.tolist()
    ([[1.0, 2.0, 3.0], [1.0, 2.0, 3.0]], [[4.0, 4.0, 4.0], [5.0, 5.0, 5.0]])
    """
    if indexing not in ("xy", "ij"):
        raise ValueError(f"meshgrid expected indexing 'xy' or 'ij'. Received: indexing={indexing!r}.")
    axes = list(range(len(xi)))
    if indexing == "xy" and len(xi) > 1:
        axes[:2] = [1, 0]
    grid = tuple(reshape(x, [-1 if n == axis else 1 for n in range(len(xi))]) for x, axis in zip(xi, axes))
    return grid if sparse else broadcast_arrays(*grid)
