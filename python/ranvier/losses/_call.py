"""One call of a loss: a function of ranvier.losses says which row, this does the rest."""

from __future__ import annotations

from itertools import repeat
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from ._arrays import (
    Array,
    as_array,
    beside,
    broadcast_weights,
    weights_of,
)
from ._records import RECORDS, handle


class Call(Protocol):
    """The calls by which a loss asks for its result: the name of its row, and parameters."""

    def elementwise(
        self,
        row: str,
        *operands: npt.ArrayLike,
        reduction: str,
        sample_weight: npt.ArrayLike | None,
        weight: npt.ArrayLike | None = None,
        mean_by_weight: bool = False,
        unit: str = "element",
        **parameters: Any,
    ) -> Any:
        """A loss of elements; `unit` and `mean_by_weight` as in `handle`."""
        ...

    def rows(
        self,
        row: str,
        *operands: npt.ArrayLike,
        target: npt.ArrayLike | None,
        reduction: str,
        sample_weight: npt.ArrayLike | None,
        weight: npt.ArrayLike | None = None,
        **parameters: Any,
    ) -> Any:
        """A loss of whole rows: arrays of shape (N, C), or of (C,) for a single sample."""
        ...

    def classes(
        self,
        row: str,
        input: npt.ArrayLike,
        target: npt.ArrayLike,
        *,
        reduction: str,
        sample_weight: npt.ArrayLike | None,
        weight: npt.ArrayLike | None,
        ignore_index: int,
        **parameters: Any,
    ) -> Any:
        """A loss of classes along the second axis, or the only one."""
        ...


class Evaluation:
    """The value of a loss of arrays; with `graded`, also the gradients.

    These go to `out`, one array or a tuple of them, or to new ones, and are then in `gradients`.
    """

    __slots__ = ("_out", "graded", "gradients")

    def __init__(self, graded: bool = False, out: Any = None) -> None:
        self.graded = graded
        self.gradients: tuple[Array, ...] = ()
        self._out = out

    @property
    def gradient(self) -> Any:
        return self.gradients[0] if len(self.gradients) == 1 else self.gradients

    def gradients_of(self, *inputs: Array) -> tuple[Array, ...] | None:
        """One array for each input, if gradients are asked for."""
        if not self.graded:
            return None
        if len(inputs) == 1:
            (input,) = inputs
            out = self._out
            self.gradients = (np.empty(input.shape, input.dtype) if out is None else out,)
        elif self._out is None:
            self.gradients = tuple(np.empty(i.shape, i.dtype) for i in inputs)
        elif isinstance(self._out, tuple | list) and len(self._out) == len(inputs):
            self.gradients = tuple(self._out)
        else:
            raise TypeError(f"out is {self._out!r}; expected a tuple of {len(inputs)} arrays")
        return self.gradients

    def _operands(
        self, row: str, values: tuple[npt.ArrayLike, ...]
    ) -> tuple[tuple[Array, ...], tuple[Array, ...] | None]:
        """The arrays, and those for the gradients."""
        record = RECORDS[row]
        input = as_array(values[0])
        arrays = (input, *map(beside, record.operands[1:], values[1:], repeat(input)))
        if not self.graded:
            return arrays, None
        return arrays, self.gradients_of(*(arrays[k] for k in record.graded))

    def elementwise(
        self,
        row: str,
        *operands: npt.ArrayLike,
        reduction: str,
        sample_weight: npt.ArrayLike | None,
        weight: npt.ArrayLike | None = None,
        mean_by_weight: bool = False,
        unit: str = "element",
        **parameters: Any,
    ) -> Any:
        loss = handle(row, reduction, parameters, unit, mean_by_weight)
        arrays, out = self._operands(row, operands)
        input = arrays[0]
        of_rows = unit in ("row", "row_mean")
        if of_rows and input.ndim < 1:
            raise ValueError("input has shape (); expected (C,) or (N, C)")
        if sample_weight is not None:
            if of_rows and input.ndim == 1:  # all classes of the single sample have its weight
                one = weights_of(sample_weight, "sample_weight", (), np.float64)
                sample_weight = np.full(input.shape, one)
            sample_weight = weights_of(sample_weight, "sample_weight", input.shape[:1], np.float64)
        if weight is not None:
            weight = broadcast_weights(weight, "weight", input.shape, np.float64)
        value = loss.run(arrays, None, weight, sample_weight, out)
        if of_rows and reduction == "none":
            total = value.sum(-1, dtype=np.float64)
            classes = max(1, input.shape[-1])
            return (total / classes if unit == "row_mean" else total).astype(input.dtype)
        return value

    def rows(
        self,
        row: str,
        *operands: npt.ArrayLike,
        target: npt.ArrayLike | None,
        reduction: str,
        sample_weight: npt.ArrayLike | None,
        weight: npt.ArrayLike | None = None,
        **parameters: Any,
    ) -> Any:
        loss = handle(row, reduction, parameters)
        arrays, out = self._operands(row, operands)
        shape = arrays[0].shape
        if sample_weight is not None:
            sample_weight = weights_of(sample_weight, "sample_weight", shape[:-1], np.float64)
        if weight is not None:
            weight = weights_of(weight, "weight", shape[-1:], np.float64)
        labels = None if target is None else as_array(target)
        value = loss.run(arrays, labels, weight, sample_weight, out)
        return value[()] if reduction == "none" else value

    def classes(
        self,
        row: str,
        input: npt.ArrayLike,
        target: npt.ArrayLike,
        *,
        reduction: str,
        sample_weight: npt.ArrayLike | None,
        weight: npt.ArrayLike | None,
        ignore_index: int,
        **parameters: Any,
    ) -> Any:
        loss = handle(row, reduction, parameters, ignore_index=ignore_index)
        scores = as_array(input)
        batched = scores.ndim > 1
        if weight is not None:
            classes = scores.shape[1:2] if batched else scores.shape
            weight = weights_of(weight, "weight", classes, scores.dtype)
        if sample_weight is not None:
            samples = scores.shape[:1] if batched else ()
            sample_weight = weights_of(sample_weight, "sample_weight", samples, np.float64)
        out = self.gradients_of(scores)
        return loss.run((scores,), as_array(target), weight, sample_weight, out)
