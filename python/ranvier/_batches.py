"""Mini-batches: rows of arrays of any kind, in the dtype that a model computes in."""

from __future__ import annotations

from collections.abc import Iterator
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
        self.most = most
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

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the rows that are given."""
        return self._batch.dtype

    def as_it_lies(self) -> Array | None:
        """The array, if native code can take its rows as they lie; else None."""
        array = self.array
        if not (array.flags.c_contiguous and array.flags.aligned and array.dtype.isnative):
            return None
        if array.dtype.kind in "biu":
            # Labels are few, and always int64; inputs of any integers are converted by the row.
            return self.whole() if self.dtype == np.int64 else array
        return array if array.dtype in (np.float32, np.float64) else None

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
            return self.array.astype(self._batch.dtype, order="C", copy=False)

    def _converted(self, rows: Array) -> Array:
        if not self._converts:
            return rows
        batch = self._batch[: len(rows)]
        with np.errstate(all="ignore"):
            np.copyto(batch, rows, casting="unsafe")
        return batch


def batches(data: list[Rows], order: Array | None) -> Iterator[list[Array]]:
    """Yield the rows of several arrays, a batch at a time, in an order or as they lie."""
    rows, size = len(data[0]), data[0].most
    for start in range(0, rows, size):
        stop = min(start + size, rows)
        if order is None:
            yield [part.between(start, stop) for part in data]
        else:
            chosen = order[start:stop]
            yield [part.at(chosen) for part in data]
