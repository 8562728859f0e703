"""Arguments of `fit`, `evaluate` and `predict`, checked before anything runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

__all__ = ["check_fit", "refuse_surplus", "validation_pair"]


def check_fit(epochs: Any, initial_epoch: Any, validation_split: Any) -> None:
    """Raise for numbers out of their range."""
    for name, value in (("epochs", epochs), ("initial_epoch", initial_epoch)):
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 0:
            raise ValueError(f"fit expected {name} to be an integer of at least 0. Received: {name}={value!r}.")
    if not isinstance(validation_split, (int, float, np.number)) or not 0 <= validation_split < 1:
        raise ValueError(
            "fit expected validation_split to be at least 0 and below 1. Received: validation_split="
            f"{validation_split!r}. 0.1 holds out the last tenth of the samples."
        )


def refuse_surplus(method: str, given: Mapping[str, Any], **without_effect: Any) -> None:
    """Raise for arguments of Keras that are not supported here, unless their value has no effect."""
    wrong = [name for name, value in given.items() if name not in without_effect or value != without_effect[name]]
    if wrong:
        fix = "Pass fewer samples, or batches" if any("steps" in name for name in wrong) else "Omit it"
        raise TypeError(f"{method} does not take {', '.join(f'{name}={given[name]!r}' for name in wrong)}. {fix}.")


def validation_pair(validation_data: Any) -> tuple[tuple[Any, Any], Any]:
    """`validation_data` as (x, y) or (batches, None), and the weights of the samples."""
    if isinstance(validation_data, (tuple, list)) and not (validation_data and isinstance(validation_data[0], tuple)):
        if len(validation_data) not in (2, 3):
            raise ValueError(
                "fit expected validation_data to be a pair (x, y) or (x, y, weights), or to yield such. Received: a "
                f"{type(validation_data).__name__} of {len(validation_data)}."
            )
        x, y, *weights = validation_data
        return (x, y), weights[0] if weights else None
    return (validation_data, None), None
