"""What the functions of optim accept: numbers in a range, arrays that can be updated in place."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.lib.array_utils import byte_bounds

from .._checks import number

Array = npt.NDArray[Any]
Arrays = Iterable[Array] | Mapping[str, Array]


@dataclass(frozen=True)
class Range:
    """The values that a hyperparameter may have; of a pair, each of the two."""

    low: float = 0.0
    high: float = math.inf
    closed: bool = False  # whether it may be `high` itself
    pair: bool = False

    def check(self, name: str, value: Any) -> None:
        value = single(value)
        if not self.pair:
            return self._check(name, value)
        if not isinstance(value, (tuple, list)) or len(value) != 2:
            raise TypeError(f"{name} is {value!r}; expected two numbers")
        for i, element in enumerate(value):
            self._check(f"{name}[{i}]", element)

    def _check(self, name: str, value: Any) -> None:
        as_float = number(name, value)
        if not (self.low <= as_float < self.high or (self.closed and as_float == self.high)):
            last = "<=" if self.closed else "<"
            raise ValueError(
                f"{name} is {value!r}; expected {self.low:g} <= {name} {last} {self.high:g}"
            )


NOT_NEGATIVE = Range()
NOT_NEGATIVE_OR_INFINITE = Range(closed=True)
FINITE = Range(-math.inf)


def plain(value: Any) -> Any:
    """A hyperparameter as Python has it: what is computed from NumPy's is in its own precision."""
    if isinstance(value, (tuple, list)):
        return tuple(map(plain, value))
    value = single(value)  # a rate of torch may be an array of no axes
    if isinstance(value, np.bool_):
        return bool(value)
    return float(value) if isinstance(value, (np.floating, np.integer)) else value


def single(value: Any) -> Any:
    """A number or, as torch has them in its states, what is in an array of no axes."""
    return value[()] if isinstance(value, np.ndarray) and value.ndim == 0 else value


def whole_number(value: Any, name: str) -> int:
    count = number(name, single(value))
    if not (0 <= count <= 2**53 and count.is_integer()):
        raise ValueError(f"{name} is {value!r}; expected a whole number from 0 to 2^53")
    return int(count)


def entries(values: Any, name: str, expected: str = "a list or a dict of arrays") -> list[Any]:
    """What is in a list, a generator or the like."""
    if isinstance(values, np.ndarray):
        raise TypeError(f"{name} is an array; expected {expected}")
    try:
        return list(values)
    except TypeError:
        raise TypeError(f"{name} is a {type(values).__name__}; expected {expected}") from None


def check_like(array: Any, dtype: np.dtype[Any], shape: tuple[int, ...], name: str) -> None:
    if not isinstance(array, np.ndarray):
        raise TypeError(f"{name} is a {type(array).__name__}; expected a numpy.ndarray")
    if array.dtype != dtype:
        raise TypeError(f"{name} has dtype {array.dtype}; expected {dtype}")
    if array.shape != shape:
        raise ValueError(f"{name} has shape {array.shape}; expected {shape}")


def check_in_place(array: Any, name: str) -> None:
    """Raise unless the very memory of an array can be updated: nothing is lost in a copy."""
    if not isinstance(array, np.ndarray):
        raise TypeError(f"{name} is a {type(array).__name__}; expected a numpy.ndarray")
    if array.dtype.char not in "fd" or not array.dtype.isnative or not array.flags.aligned:
        raise TypeError(
            f"{name} has dtype {array.dtype}; expected native, aligned float32 or float64"
        )
    if not array.flags.c_contiguous:
        raise ValueError(
            f"{name} is not C-contiguous; expected an array that can be updated in place"
        )
    if not array.flags.writeable:
        raise ValueError(f"{name} is read-only; expected an array that can be updated in place")


def in_place_arrays(arrays: Arrays, name: str) -> list[Array]:
    result = entries(arrays.values() if isinstance(arrays, Mapping) else arrays, name)
    for i, array in enumerate(result):
        check_in_place(array, f"{name}[{i}]")
    return result


def overlapping(arrays: Iterable[Array], others: Iterable[Array]) -> bool:
    """Whether one of the arrays may share memory with one of the others."""
    spans = [(*byte_bounds(a), False) for a in arrays if a.size]
    spans += [(*byte_bounds(o), True) for o in others if o.size]
    ends = {False: 0, True: 0}
    for start, end, other in sorted(spans):
        if ends[not other] > start:
            return True
        ends[other] = max(ends[other], end)
    return False


def check_apart(arrays: list[Array], name: str) -> None:
    """Raise if contiguous arrays, each of which is written to, share memory."""
    spans = sorted((*byte_bounds(a), i) for i, a in enumerate(arrays) if a.size)
    for (_, end, i), (start, _, j) in pairwise(spans):
        if start < end:
            raise ValueError(f"{name}[{i}] and {name}[{j}] overlap in memory; expected each once")
