"""Arguments that are numbers or dicts: what is none is refused by its name."""

from __future__ import annotations

import math
import numbers
import operator
from collections.abc import Mapping
from typing import Any


def number(name: str, value: Any) -> float:
    """The value as a float; an integer beyond its range is infinite."""
    if type(value) is float:
        return value  # the usual case, and isinstance of an abstract class takes long
    if not isinstance(value, numbers.Real):
        raise TypeError(f"{name} is {value!r}; expected a number")
    try:
        return float(value)
    except OverflowError:
        return -math.inf if value < 0 else math.inf


def integer(name: str, value: Any) -> int:
    try:
        return operator.index(value)
    except TypeError:
        raise TypeError(f"{name} is {value!r}; expected an integer") from None


def positive(name: str, value: Any) -> int:
    count = integer(name, value)
    if count < 1:
        raise ValueError(f"{name} is {value}; expected a positive integer")
    return count


def at_least(least: int, name: str, value: Any) -> int:
    """The value as an integer that is not smaller."""
    result = integer(name, value)
    if result < least:
        raise ValueError(f"{name} is {value}; expected at least {least}")
    return result


def check_mapping(value: Any, name: str) -> None:
    if not isinstance(value, Mapping):
        raise TypeError(f"{name} is a {type(value).__name__}; expected a dict")
