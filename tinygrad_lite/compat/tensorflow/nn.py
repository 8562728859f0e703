"""`tf.nn`: activations and cross-entropies, by TensorFlow's names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tinygrad_lite import ops
from tinygrad_lite.compat.names import names_of, tensor, translated
from tinygrad_lite.core.tensor import Tensor, TensorLike, to_tensor
from tinygrad_lite.random import streams
from tinygrad_lite.utils.types import Axis

__all__ = ["bias_add", "dropout", "relu6", "silu", "softmax_cross_entropy_with_logits", "swish"]


def relu6(features: TensorLike, name: str | None = None) -> Tensor:
    """min(max(x, 0), 6), with the gradient 0 at both ends, as in TensorFlow.

    Examples
    --------
    >>> relu6([-1.0, 2.0, 7.0]).tolist()
    [0.0, 2.0, 6.0]
    """
    x = tensor(features)
    return ops.where(x >= 6, 6, ops.relu(x))


def silu(features: TensorLike, beta: TensorLike = 1.0) -> Tensor:
    """x · sigmoid(beta · x).

    Examples
    --------
    >>> silu([0.0, 100.0]).tolist(), silu([1.0], beta=0.0).tolist()
    ([0.0, 100.0], [0.5])
    """
    x = tensor(features)
    return ops.silu(x) if isinstance(beta, float) and beta == 1.0 else x * ops.sigmoid(beta * x)


swish = silu


def bias_add(value: TensorLike, bias: TensorLike, data_format: str | None = None, name: str | None = None) -> Tensor:
    """`value` plus a vector, along the last axis; with a `data_format` that begins with "NC" along the second.

    Examples
    --------
    >>> bias_add([[1.0, 2.0]], [10.0, 20.0]).tolist()
    [[11.0, 22.0]]
    """
    x, b = to_tensor(tensor(value)), to_tensor(tensor(bias))
    is_first = (data_format or "").startswith("NC")
    if b.ndim != 1 or x.ndim < 2 or b.shape[0] != x.shape[1 if is_first else -1]:
        raise ValueError(
            f"tf.nn.bias_add expected a bias with one element for each channel of the value. Received: value.shape="
            f"{x.shape}, bias.shape={b.shape}, data_format={data_format!r}."
        )
    return x + (ops.reshape(b, (-1,) + (1,) * (x.ndim - 2)) if is_first else b)


def dropout(
    x: TensorLike,
    rate: float,
    noise_shape: Sequence[int | None] | None = None,
    seed: int | None = None,
    name: str | None = None,
) -> Tensor:
    """Zero with probability `rate`, else x / (1 - rate): see `tgl.dropout`.

    Examples
    --------
    >>> sorted(set(dropout([1.0] * 100, rate=0.5).tolist()))
    [0.0, 2.0]
    """
    generator = streams.default_stream() if seed is None else streams.seeded_stream(seed)
    return ops.dropout(tensor(x), float(rate), generator, noise_shape)


def softmax_cross_entropy_with_logits(
    labels: TensorLike, logits: TensorLike, axis: int = -1, name: str | None = None
) -> Tensor:
    """-Σ labels · log softmax(logits) along `axis`.

    Examples
    --------
    >>> softmax_cross_entropy_with_logits([[0.0, 1.0]], [[1e4, 0.0]]).tolist()
    [10000.0]
    """
    y, x = to_tensor(tensor(labels)), to_tensor(tensor(logits))
    if axis != -1:
        y, x = ops.moveaxis(y, axis, -1), ops.moveaxis(x, axis, -1)
    return ops.softmax_cross_entropy_with_logits(y, x)


def _softmax(logits: TensorLike, axis: Axis = None) -> Tensor:
    return ops.softmax(logits, axis=-1 if axis is None else axis)


def _log_softmax(logits: TensorLike, axis: Axis = None) -> Tensor:
    return ops.log_softmax(logits, axis=-1 if axis is None else axis)


def _l2_loss(t: TensorLike) -> Any:
    return ops.sum(ops.square(t)) / 2


_TRANSLATED: dict[str, tuple[Any, str]] = {
    name: (getattr(ops, name), "*features") for name in ("elu", "relu", "selu", "softplus", "softsign")
} | {
    "gelu": (ops.gelu, "*features approximate=False"),
    "l2_loss": (_l2_loss, "*t"),
    "leaky_relu": (ops.leaky_relu, "*features alpha:negative_slope=0.2"),
    "log_softmax": (_log_softmax, "*logits axis=None"),
    "sigmoid": (ops.sigmoid, "*x"),
    "sigmoid_cross_entropy_with_logits": (ops.sigmoid_cross_entropy_with_logits, "*labels *logits"),
    "softmax": (_softmax, "*logits axis=None"),
    "sparse_softmax_cross_entropy_with_logits": (ops.sparse_softmax_cross_entropy_with_logits, "*labels *logits"),
    "tanh": (ops.tanh, "*x"),
}

_NAMES: dict[str, Any] = {
    name: translated(f"tf.nn.{name}", ours, parameters) for name, (ours, parameters) in _TRANSLATED.items()
}
# As activations of layers these are the package's own, which have names in files and losses of their logits.
_NAMES["softmax"].native, _NAMES["log_softmax"].native = ops.softmax, ops.log_softmax
silu.native = ops.silu  # type: ignore[attr-defined]

__getattr__, __dir__ = names_of(__name__, _NAMES)
