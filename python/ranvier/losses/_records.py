"""The rows of the losses, as the native code has them, and handles prepared from a row."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .._checks import integer, number
from .._native import _core

REDUCTIONS = ("mean", "sum", "none")


@dataclass(frozen=True)
class Operand:
    """An array that a loss takes, and what its numbers mean."""

    name: str
    kind: str
    graded: bool


@dataclass(frozen=True)
class Parameter:
    """A number that a loss takes; `holds` tells whether it is in its range."""

    name: str
    default: float | bool | None
    range: str
    holds: Callable[[float], bool]

    def checked(self, value: Any) -> float:
        """The value as the native code takes it: NaN for None, where that is the default."""
        if value is None and self.default is None:
            return math.nan
        if isinstance(self.default, bool):
            return float(bool(value))
        result = number(self.name, value) + 0.0  # -0.0 is 0.0
        if not self.holds(result) or (self.default is None and math.isnan(result)):
            raise ValueError(f"{self.name} is {value!r}; expected {self.range}")
        return result


@dataclass(frozen=True)
class Record:
    """A row of a loss.

    Attributes
    ----------
    family : {"elementwise", "rows", "classes"}
    labels : {"", "class", "classes", "sign"}
        What a sample has beside its operands.
    """

    name: str
    family: str
    operands: tuple[Operand, ...]
    labels: str
    parameters: Mapping[str, Parameter]
    formula: str
    kink: str
    reference: str

    @functools.cached_property
    def graded(self) -> tuple[int, ...]:
        """The indices of the operands that have a gradient."""
        return tuple(k for k, operand in enumerate(self.operands) if operand.graded)


def _record(row: Mapping[str, Any]) -> Record:
    operands = tuple(Operand(*operand) for operand in row["operands"])
    parameters = {each["name"]: Parameter(**each) for each in row["parameters"]}
    return Record(**{**row, "operands": operands, "parameters": parameters})


RECORDS: Mapping[str, Record] = {row["name"]: _record(row) for row in _core.loss_records()}


def check_reduction(name: Any) -> None:
    if not isinstance(name, str) or name not in REDUCTIONS:
        raise ValueError(f"reduction is {name!r}; expected 'mean', 'sum' or 'none'")


def _label(value: Any) -> int:
    label = integer("ignore_index", value)
    if not -(2**63) <= label < 2**63:
        raise ValueError(f"ignore_index is {value!r}; expected -2**63 <= ignore_index < 2**63")
    return label


# By type too: a number that is refused must not be taken for an equal one that is not.
@functools.lru_cache(maxsize=256, typed=True)
def _handle(
    row: str, reduction: Any, unit: str, mean_by_weight: bool, ignore_index: Any, *parameters: Any
) -> _core.Loss:
    checks = RECORDS[row].parameters
    count = len(parameters) // 2  # names, then values
    pairs = zip(parameters[:count], parameters[count:], strict=True)
    values = {name: checks[name].checked(value) for name, value in pairs}
    label = _label(ignore_index)
    check_reduction(reduction)
    return _core.Loss(row, values, reduction, unit, mean_by_weight, label)


def handle(
    row: str,
    reduction: Any,
    parameters: Mapping[str, Any],
    unit: str = "element",
    mean_by_weight: bool = False,
    ignore_index: Any = -100,
) -> _core.Loss:
    """The loss of a row with these parameters and options: prepared once, checked, and kept.

    Parameters
    ----------
    unit : {"element", "row", "row_mean", "sample"}
        What counts as one loss where a mean is formed: an element, the sum or the mean over the
        last axis, or the sum over all axes but the first.
    mean_by_weight : bool
        Whether the mean is weighted by the weights of the elements too.
    """
    key = (row, reduction, unit, mean_by_weight, ignore_index, *parameters, *parameters.values())
    try:
        return _handle(*key)
    except TypeError:  # not hashable, or refused: the error is that of the value
        return _handle.__wrapped__(*key)
