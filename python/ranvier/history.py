"""What the epochs of a training run gave, and their learning curves."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from ._extras import require

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["History"]

Logs = dict[str, float]


class History(dict[str, list[float]]):
    """What each epoch gave, as lists with an entry for each.

    "loss" is the mean over the epoch's mini-batches, each before its update, and "seconds" the time
    the training took; with classes as the target, "accuracy" is the share of right predictions,
    over the same mini-batches. With validation data also "val_loss" and "val_accuracy", after the
    epoch. NaN stands for what an epoch did not give.
    """

    @property
    def epochs(self) -> int:
        """How many there are."""
        return max(map(len, self.values()), default=0)

    def append(self, logs: Mapping[str, float]) -> None:
        """Add an epoch."""
        before = self.epochs
        for key in {**self, **logs}:
            self.setdefault(key, [math.nan] * before).append(logs.get(key, math.nan))

    def plot(self, path: str | os.PathLike[str] | None = None, *, title: str = "") -> Figure:
        """Draw the learning curves: loss, accuracy and whatever else the callbacks have added.

        Parameters
        ----------
        path : str or path, optional
            Written to in the format that its suffix says: .svg, .png, .pdf.
        title : str, optional

        Returns
        -------
        matplotlib.figure.Figure
            A panel for each quantity, with the validation's beside the training's.

        Raises
        ------
        ImportError
            If matplotlib is not installed: the extra ranvier[plot].
        ValueError
            If there is nothing to draw, or the suffix is of no known format.
        OSError
            If the file cannot be written.

        Examples
        --------
        >>> from ranvier import History
        >>> history = History(loss=[2.0, 1.0, 0.5], val_loss=[2.1, 1.2, 1.3])
        >>> len(history.plot().axes)
        1
        """
        require("matplotlib", "plot")
        from . import _learning_curves

        if not self.keys() - {"seconds"}:
            raise ValueError("the history is empty; expected at least one epoch to draw")
        return _learning_curves.draw(self, path, title)
