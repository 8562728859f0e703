"""The table that `Model.summary` prints."""

from __future__ import annotations

from collections.abc import Iterable

from tinygrad_lite.nn.layers.layer import Layer

__all__ = ["summary_text"]


def summary_text(model: Layer, layers: Iterable[Layer]) -> str:
    """The layers of a model with their output shapes and numbers of parameters."""
    rows = [("Layer", "Type", "Output shape", "Parameters")]
    for layer in layers:
        shape = "not built" if layer._output_shape is None else str(layer._output_shape)
        parameters = f"{layer.count_params():,}" if layer.built else "?"
        rows.append((layer.name, type(layer).__name__, shape, parameters))
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    lines = [
        "  ".join([*(cell.ljust(width) for cell, width in zip(row[:3], widths)), row[3].rjust(widths[3])])
        for row in rows
    ]
    rule = "─" * len(lines[0])
    return "\n".join([f"Model: {model.name}", rule, lines[0], rule, *lines[1:], rule, _total(model)])


def _total(model: Layer) -> str:
    if not model.built:
        return "Parameters: not made yet. Call the model on a batch, or build(input_shape)."
    trainable = sum(weight.size for weight in model.trainable_weights)
    count, memory = model.count_params(), sum(weight.nbytes for weight in model.weights)
    return f"Parameters: {count:,} ({_bytes(memory)}), trainable: {trainable:,}, others: {count - trainable:,}"


def _bytes(count: float) -> str:
    for unit in ("bytes", "KiB", "MiB"):
        if count < 1024:
            return f"{count:.0f} {unit}" if unit == "bytes" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} GiB"
