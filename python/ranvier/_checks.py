"""Arguments that are numbers, dicts or arrays: what is none is refused by its name."""

from __future__ import annotations

import math
import numbers
import operator
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt


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


def output(out: Any, shape: tuple[int, ...]) -> npt.NDArray[Any] | None:
    """The array that a result of this shape is written to; None for a new one."""
    if isinstance(out, tuple) and len(out) == 1:
        (out,) = out  # as ufuncs take it
    if out is None:
        return None
    if not isinstance(out, np.ndarray):
        raise TypeError(f"out is a {type(out).__name__}; expected a numpy.ndarray")
    if out.shape != shape:
        raise ValueError(f"out has shape {out.shape}; expected {shape}")
    return out
