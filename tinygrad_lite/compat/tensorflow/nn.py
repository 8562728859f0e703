"""`tf.nn`: activations and cross-entropies, by TensorFlow's names."""

from __future__ import annotations

from typing import Any

from tinygrad_lite import ops
from tinygrad_lite.compat.names import names_of, translated

_ACTIVATIONS = {
    name: getattr(ops, name) for name in ("elu", "relu", "selu", "silu", "softplus", "softsign", "tanh")
} | {"swish": ops.silu}


def _relu6(features: Any) -> Any:
    return ops.clip(features, 0, 6)


def _l2_loss(t: Any) -> Any:
    return ops.sum(ops.square(t)) / 2


def _dropout(x: Any, rate: float) -> Any:
    return ops.dropout(x, rate)


_TRANSLATED: dict[str, tuple[Any, str]] = {name: (ours, "*features") for name, ours in _ACTIVATIONS.items()} | {
    "bias_add": (ops.add, "*value *bias"),
    "dropout": (_dropout, "*x rate"),
    "gelu": (ops.gelu, "*features approximate"),
    "l2_loss": (_l2_loss, "*t"),
    "leaky_relu": (ops.leaky_relu, "*features alpha=negative_slope"),
    "log_softmax": (ops.log_softmax, "*logits axis"),
    "relu6": (_relu6, "*features"),
    "sigmoid": (ops.sigmoid, "*x"),
    "sigmoid_cross_entropy_with_logits": (ops.sigmoid_cross_entropy_with_logits, "*labels *logits"),
    "softmax": (ops.softmax, "*logits axis"),
    "softmax_cross_entropy_with_logits": (ops.softmax_cross_entropy_with_logits, "*labels *logits"),
    "sparse_softmax_cross_entropy_with_logits": (ops.sparse_softmax_cross_entropy_with_logits, "*labels *logits"),
}

_NAMES: dict[str, Any] = {name: translated(name, ours, parameters) for name, (ours, parameters) in _TRANSLATED.items()}

__getattr__, __dir__ = names_of(__name__, _NAMES)
