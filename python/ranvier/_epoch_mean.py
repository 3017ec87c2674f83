"""Loss and accuracy over the batches of an epoch."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ._batches import Array
from .history import Logs


class Steps(NamedTuple):
    """One step, or several in a row: sums over their batches."""

    rows: int
    loss: float  # the mean of each batch times its weight
    weight: float
    counted: int  # labels that are not ignored
    right: int  # of which so many have the largest score
    last_loss: float


class EpochMean:
    """Sums over steps; samples whose label is ignored count for neither loss nor accuracy."""

    def __init__(self) -> None:
        self._loss = 0.0
        self._weight = 0.0
        self._counted = 0
        self._right = 0

    def add(self, steps: Steps) -> None:
        self._loss += steps.loss
        self._weight += steps.weight
        self._counted += steps.counted
        self._right += steps.right

    def logs(self) -> Logs:
        logs = {"loss": self._loss / self._weight if self._weight else float("nan")}
        if self._counted:
            logs["accuracy"] = self._right / self._counted
        return logs


def counted_labels(target: Array, ignored: int | None) -> Array | None:
    """Return which labels are not ignored; None where no label can be."""
    if ignored is None or target.dtype.kind != "i":
        return None
    counted: Array = target != ignored
    return counted


def batch_weight(target: Array, counted: Array | None, sample_weight: Array | None = None) -> float:
    """Return the weight of a batch in the mean of an epoch, added up row by row."""
    if sample_weight is None:
        return float(len(target) if counted is None else np.count_nonzero(counted))
    weights = sample_weight
    if counted is not None:
        weights = sample_weight * counted.reshape(len(target), -1).sum(axis=1)
    return float(np.add.accumulate(weights)[-1])


def right_labels(output: Array, target: Array, counted: Array | None) -> tuple[int, int]:
    """Return how many labels count, and how many of them have the largest score."""
    if target.dtype.kind != "i" or output.ndim != 2 or target.ndim != 1:
        return 0, 0
    right = output.argmax(axis=1) == target
    if counted is None:
        return len(target), int(np.count_nonzero(right))
    return int(np.count_nonzero(counted)), int(np.count_nonzero(right & counted))
