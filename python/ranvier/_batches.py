"""Mini-batches: rows of arrays of any kind, in the dtype that a model computes in."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ._native import _core

Array = npt.NDArray[Any]


class Rows:
    """Rows of an array, converted to a dtype; each result is overwritten by the next.

    Parameters
    ----------
    array : array_like
        Its first axis counts the rows. A numpy.memmap is read a batch at a time.
    dtype : dtype
        What the rows are converted to.
    most : int
        How many rows are asked for at once, at most.
    name : str
        What to call the array in an error.
    """

    def __init__(self, array: npt.ArrayLike, dtype: npt.DTypeLike, most: int, name: str) -> None:
        self.name = name
        self.array: Array = np.asarray(array)
        if self.array.dtype.kind not in "biuf":
            raise TypeError(f"{name} has dtype {self.array.dtype}; expected real numbers")
        if self.array.ndim == 0 or len(self.array) == 0:
            raise ValueError(f"{name} has shape {self.array.shape}; expected at least one row")
        shape = (min(most, len(self.array)), *self.array.shape[1:])
        self._converts = self.array.dtype != dtype
        self._takes = self.array.flags.c_contiguous
        self._batch: Array = np.empty(shape, dtype)
        self._taken = np.empty(shape, self.array.dtype) if self._converts else self._batch

    def __len__(self) -> int:
        return len(self.array)

    def at(self, indices: Array) -> Array:
        """The rows with these numbers."""
        taken = self._taken[: len(indices)]
        if self._takes:
            _core.take_rows(self.array, indices, taken)
        else:
            np.copyto(taken, self.array[indices])
        return self._converted(taken)

    def between(self, start: int, stop: int) -> Array:
        """Rows that follow each other: a view, where nothing has to be converted."""
        return self._converted(self.array[start:stop])

    def whole(self) -> Array:
        """All rows, in an array that is not overwritten."""
        with np.errstate(all="ignore"):
            return self.array.astype(self._batch.dtype, copy=False)

    def _converted(self, rows: Array) -> Array:
        if not self._converts:
            return rows
        batch = self._batch[: len(rows)]
        with np.errstate(all="ignore"):
            np.copyto(batch, rows, casting="unsafe")
        return batch
