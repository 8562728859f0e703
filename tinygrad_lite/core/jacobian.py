"""Jacobians: the derivative of every element of a target, by one walk backwards for each element."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import nullcontext
from typing import Any

import numpy as np

from tinygrad_lite.core.arguments import UnconnectedGradients, answer_of, one_hot, tensors_of, unconnected_of
from tinygrad_lite.core.backward import distinct, walk, walk_observer
from tinygrad_lite.core.record import backwards, between, entries_of, leads_to, new_id, state
from tinygrad_lite.core.sharing import shared
from tinygrad_lite.core.structure import Structure, map_structure
from tinygrad_lite.core.tensor import Tensor, wrap

__all__ = ["batch_jacobian", "jacobian"]

_numpy: Any = np  # NumPy's functions as they also answer to Tensors, which its type stubs do not know

# `self` is the GradientTape that has these functions as methods; its module imports this one, so it has no type here.


def jacobian(
    self: Any,
    target: Tensor,
    sources: Structure,
    unconnected_gradients: UnconnectedGradients | str = UnconnectedGradients.NONE,
) -> Structure:
    """The derivative of every element of `target` with respect to every element of `sources`.

    Parameters
    ----------
    target : Tensor
    sources : Tensor, or list, tuple or dict of Tensors
    unconnected_gradients : "none" or "zero"

    Returns
    -------
    Tensor or None, or the structure of `sources` filled with them
        Each of shape `target.shape + source.shape`.

    Raises
    ------
    RuntimeError, TypeError
        As for `gradient`.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> x = tgl.Variable([1.0, 2.0])
    >>> with tgl.GradientTape() as tape:
    ...     y = x * x
    >>> tape.jacobian(y, x).numpy()
    array([[2., 0.],
           [0., 4.]], dtype=float32)
    """
    unconnected = unconnected_of(unconnected_gradients)
    if isinstance(target, (list, tuple, dict)):
        raise TypeError(f"jacobian expected one Tensor as target. Received: {type(target).__name__}.")
    (tensor,) = tensors_of(target, "target", "jacobian")
    leaves = tensors_of(sources, "source", "jacobian")
    self._use([tensor])
    elements = np.ndindex(tensor.shape) if tensor.size else [()]  # of none, a walk to see what it depends on
    seeds = (one_hot(tensor, index) for index in elements)
    rows = _pull_back_each(self, tensor, seeds, leaves)
    columns: list[Any] = []
    for source, gradients in zip(leaves, zip(*rows)):
        shape = tensor.shape + source.shape
        if unconnected is UnconnectedGradients.NONE and all(gradient is None for gradient in gradients):
            columns.append(None)
        elif not tensor.size:
            columns.append(wrap(np.zeros(shape, source.dtype)))
        else:
            filled = [answer_of(source, gradient, UnconnectedGradients.ZERO) for gradient in gradients]
            columns.append(_numpy.stack(filled).reshape(shape))
    answers = iter(columns)
    return map_structure(lambda _: next(answers), sources)


def batch_jacobian(
    self: Any,
    target: Tensor,
    source: Tensor,
    unconnected_gradients: UnconnectedGradients | str = UnconnectedGradients.NONE,
) -> Tensor:
    """The Jacobian of each sample on its own: `target[n]` with respect to `source[n]`.

    Parameters
    ----------
    target : Tensor, shape (batch, ...)
    source : Tensor, shape (batch, ...)
        Sample `n` of the target must depend on sample `n` of the source only.
    unconnected_gradients : "none" or "zero"
        Zeros are answered either way, as TensorFlow does.

    Returns
    -------
    Tensor, shape (batch,) + target.shape[1:] + source.shape[1:]

    Raises
    ------
    ValueError
        The first axes differ.

    Examples
    --------
    >>> import tinygrad_lite as tgl
    >>> x = tgl.Variable([[1.0, 2.0], [3.0, 4.0]])
    >>> with tgl.GradientTape() as tape:
    ...     y = x * x
    >>> tape.batch_jacobian(y, x).shape
    (2, 2, 2)
    """
    unconnected_of(unconnected_gradients)
    for name, tensor in (("target", target), ("source", source)):
        if not isinstance(tensor, Tensor):
            raise TypeError(f"batch_jacobian expected one Tensor as {name}. Received: {tensor!r}.")
    if not target.ndim or not source.ndim or target.shape[0] != source.shape[0]:
        raise ValueError(
            "batch_jacobian expected target and source with the same first axis, the batch. Received: "
            f"target.shape={target.shape}, source.shape={source.shape}. Use jacobian if there is no batch."
        )
    self._use([target])
    seeds = (one_hot(target, (slice(None), *index)) for index in np.ndindex(target.shape[1:]))
    rows = [
        answer_of(source, gradient, UnconnectedGradients.ZERO)
        for (gradient,) in _pull_back_each(self, target, seeds, [source])
    ]
    shape = (*target.shape, *source.shape[1:])
    if not rows:
        return wrap(np.zeros(shape, source.dtype))
    return _numpy.stack(rows, axis=1).reshape(shape)


def _pull_back_each(self: Any, target: Tensor, seeds: Iterable[Tensor], sources: list[Tensor]) -> list[list[Any]]:
    """`_pull_back` of one target for many seeds; what lies between it and the sources is looked up once."""
    observer = walk_observer()
    recorded = observer is not None
    before = new_id()
    record = self._record
    if not self._persistent:
        self._record = []
    wanted = {source._id for source in sources} & self._watched
    useful = leads_to(wanted, entries_of(record))
    entries: Any = between(useful, {target._id}, backwards(record)) if target.dtype.kind == "f" else []
    entries = list(observer.examined(entries)) if observer is not None else entries
    rows = []
    state.pulling_back += 1
    try:
        with np.errstate(all="ignore"), shared(self, record, [target]) if recorded else nullcontext():
            for seed in seeds:
                gradients = {target._id: seed if recorded else seed._array} if target._id in useful else {}
                found = walk(entries, gradients, useful, wanted, observer)
                row = [found.get(source._id) for source in sources]
                rows.append(distinct(row, before) if recorded else row)
    finally:
        state.pulling_back -= 1
    return rows
