"""What the schedules accept."""

from __future__ import annotations

from typing import Any

from ..checks import NOT_NEGATIVE, Range, plain
from ..optimizer import Optimizer


def checked_optimizer(value: Any) -> Optimizer:
    if not isinstance(value, Optimizer):
        raise TypeError(f"optimizer is {value!r}; expected a ranvier Optimizer")
    return value


def real(name: str, value: Any, allowed: Range = NOT_NEGATIVE) -> Any:
    """The value as a number of Python's own."""
    allowed.check(name, value)
    return plain(value)


def one_of(name: str, value: Any, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ValueError(f"{name} is {value!r}; expected one of {', '.join(map(repr, choices))}")


def per_group(name: str, value: Any, optimizer: Optimizer) -> list[Any]:
    """One value for each group: a list or tuple of them, or the same for all."""
    count = len(optimizer.param_groups)
    if not isinstance(value, (list, tuple)):
        return [value] * count
    if len(value) != count:
        raise ValueError(
            f"{name} has {len(value)} entries; expected one for each of {count} groups"
        )
    return list(value)


def reals(name: str, values: Any, allowed: Range = NOT_NEGATIVE) -> list[Any]:
    if not isinstance(values, (list, tuple)):
        raise TypeError(f"{name} is {values!r}; expected a list of numbers")
    return [real(f"{name}[{i}]", value, allowed) for i, value in enumerate(values)]


def reals_per_group(
    name: str, value: Any, optimizer: Optimizer, allowed: Range = NOT_NEGATIVE
) -> list[Any]:
    if isinstance(value, (list, tuple)):
        return reals(name, per_group(name, value, optimizer), allowed)
    return per_group(name, real(name, value, allowed), optimizer)
