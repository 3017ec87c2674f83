"""Losses prepared for a training step, which has the scores of a batch a few rows at a time."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import numpy.typing as npt

from .._native import _core
from ._arrays import Array, weights_of_columns
from ._loss import Loss
from ._records import RECORDS, handle


def batch_handle(function: Any, dtype: Any) -> _core.BatchLoss | None:
    """A loss prepared for a training step: the mean over batches of (N, C) scores of this dtype.

    Parameters
    ----------
    function : Loss, or a functools.partial of one with options
    dtype : float32 or float64
        Of the scores.

    Returns
    -------
    BatchLoss or None
        None where the native code has nothing of the kind: for a function of one's own, several
        inputs, another reduction, or options that differ from row to row.

    Raises
    ------
    TypeError, ValueError
        If an option is out of its range, as the loss itself.
    """
    options: dict[str, Any] = {}
    if isinstance(function, functools.partial):
        if function.args:
            return None
        function, options = function.func, dict(function.keywords)
    if type(function) is not Loss or any(len(row.graded) != 1 for row in function.rows):
        return None
    parameters = function.__signature__.parameters
    required = [
        p.name for p in parameters.values() if p.default is p.empty and p.name not in options
    ]
    first = next(iter(parameters))
    if len(required) != 2 or required != [first, "target"] or not options.keys() <= set(parameters):
        return None
    if options.get("sample_weight") is not None or options.get("reduction", "mean") == "none":
        return None
    made: _core.BatchLoss | None = function._evaluate(
        BatchPreparation(dtype), **dict.fromkeys(required), **options
    )
    return made


class BatchPreparation:
    """The loss of batches of (N, C) scores, prepared once: the options without the arrays.

    A function of ranvier.losses is called with None for its input and target.
    """

    def __init__(self, dtype: Any) -> None:
        self.dtype = np.dtype(dtype).name

    def _prepared(
        self, loss: _core.Loss, weight: npt.ArrayLike | None, dtype: Any, operand: Any = None
    ) -> _core.BatchLoss | None:
        row = None
        if weight is not None:
            row = weights_of_columns(weight, "weight", dtype)
            if row is None:
                return None
        return loss.batch(self.dtype, row, operand)

    def _constant(
        self, row: str, operands: tuple[npt.ArrayLike, ...], first: int
    ) -> tuple[bool, Array | None]:
        """Whether the operands from the first on are the same for all rows, and the only one."""
        if len(operands) == first:
            return True, None
        operand = RECORDS[row].operands[first]
        if operand.kind not in ("weights", "costs"):
            return False, None
        constant = weights_of_columns(operands[first], operand.name, self.dtype)
        return constant is not None, constant

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
    ) -> _core.BatchLoss | None:
        loss = handle(row, reduction, parameters, unit, mean_by_weight)
        fits, third = self._constant(row, operands, 2)
        return self._prepared(loss, weight, np.float64, third) if fits else None

    def rows(
        self,
        row: str,
        *operands: npt.ArrayLike,
        target: npt.ArrayLike | None,
        reduction: str,
        sample_weight: npt.ArrayLike | None,
        weight: npt.ArrayLike | None = None,
        **parameters: Any,
    ) -> _core.BatchLoss | None:
        loss = handle(row, reduction, parameters)
        fits, second = self._constant(row, operands, 1)
        return self._prepared(loss, weight, np.float64, second) if fits else None

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
    ) -> _core.BatchLoss | None:
        loss = handle(row, reduction, parameters, ignore_index=ignore_index)
        return self._prepared(loss, weight, self.dtype)
