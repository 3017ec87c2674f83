"""A quantity of the logs that is to become small, or large."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal

from .._checks import number

Mode = Literal["auto", "min", "max"]


class Monitor:
    """Compares a quantity with its best so far.

    Parameters
    ----------
    name : str
        Its key in the logs.
    mode : {"auto", "min", "max"}
        "auto" is "max" for what ends in "accuracy", "acc" or "auc".
    min_delta : float
        By how much it has to be better, at least.
    """

    def __init__(self, name: str, mode: Mode, min_delta: float = 0.0) -> None:
        if mode not in ("auto", "min", "max"):
            raise ValueError(f"mode is {mode!r}; expected 'auto', 'min' or 'max'")
        if not 0 <= number("min_delta", min_delta) < math.inf:
            raise ValueError(f"min_delta is {min_delta!r}; expected a finite number from 0 on")
        self.name = name
        self._min_delta = min_delta
        largest = mode == "max" or (mode == "auto" and name.endswith(("accuracy", "acc", "auc")))
        self._sign = 1 if largest else -1
        self.best = -self._sign * math.inf

    def improves(self, logs: Mapping[str, float]) -> bool:
        """Whether the epoch is the best so far; NaN never is."""
        if self.name not in logs:
            raise ValueError(f"monitor is {self.name!r}; the logs have {[*logs]}")
        if not self._sign * (logs[self.name] - self.best) > self._min_delta:
            return False
        self.best = float(logs[self.name])
        return True
