"""What there is to draw of an activation: where it is interesting, and curves broken at jumps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from . import activations, derivative
from ._elementwise import Activation

Array = npt.NDArray[np.float64]

#: What the registry's special values take for a parameter that has no default.
REQUIRED = 0.25

_STEPS = 32  # to a unit, so that kinks at 0, 0.5, 1, 3, 6 are points of the grid
_HALF_WIDTHS = (3, 4, 6, 8)
# A tail has begun where the slope is as near as that to its limit; a fifth of the width is for it.
_SETTLED = 0.01
# A curve grows by less than that between neighbouring numbers, unless it jumps.
_LEAST_JUMP = 1e-6
_FACTORS = (0.5, 2.0, 4.0)


@dataclass(frozen=True)
class Curve:
    """Points of a function, with NaN between the two sides of a jump.

    Attributes
    ----------
    x, y : ndarray
    jumps : list of ((x, y), (x, y))
        The value that the function takes at the jump, and the limit that it does not.
    """

    x: Array
    y: Array
    jumps: list[tuple[tuple[float, float], tuple[float, float]]]


def defaults(record: Activation) -> dict[str, float]:
    """The parameters for which the record states the special values."""
    return {name: REQUIRED if value is None else value for name, value in record.parameters.items()}


def family(record: Activation, parameter: str) -> list[dict[str, float]]:
    """A few other values of one parameter."""
    usual = defaults(record)
    value = usual[parameter]
    scale = float(np.copysign(max(abs(value), REQUIRED), value))
    return [{**usual, parameter: scale * factor} for factor in _FACTORS if scale * factor != value]


def half_width(record: Activation) -> int:
    """The smallest a for which both tails show in [-a, a]."""
    low, high = (record.special_values[x][1] for x in (-np.inf, np.inf))
    for a in _HALF_WIDTHS:
        # Far enough that a wave does not pass for a tail.
        x = np.arange(0.8 * a, 4.0 * a, 1 / _STEPS)
        left, right = _slope(record, defaults(record), -x), _slope(record, defaults(record), x)
        if np.all(abs(left - low) < _SETTLED) and np.all(abs(right - high) < _SETTLED):
            return a
    return _HALF_WIDTHS[-1]


def curves(record: Activation, parameters: Mapping[str, float], a: int) -> tuple[Curve, Curve]:
    """The function and its derivative over [-a, a]."""
    grid = np.arange(-a * _STEPS, a * _STEPS + 1) / _STEPS
    slope = _curve(partial(_slope, record, parameters), grid)
    # A kink of the function is a jump of its slope: it has to be a point of the line.
    corners = [x for jump in slope.jumps for x, _ in jump]
    value = getattr(activations, record.name)
    return _curve(lambda x: value(x, **parameters), np.union1d(grid, corners)), slope


def _slope(record: Activation, parameters: Mapping[str, float], x: Any) -> Any:
    return getattr(derivative, record.name)(x, **parameters)


def _curve(function: Callable[[Any], Any], grid: Array) -> Curve:
    jumps = []
    for left, right in _jumps(function, grid):
        # The number that somebody wrote down is shorter than its neighbour.
        at, beside = sorted((left, right), key=lambda x: len(repr(x)))
        jumps.append(((at, float(function(at))), (beside, float(function(beside)))))
    sides = [x for jump in jumps for x, _ in jump]
    x = np.union1d(grid, sides)
    y = np.asarray(function(x))
    gaps = np.searchsorted(x, [max(at, beside) for (at, _), (beside, _) in jumps])
    return Curve(np.insert(x, gaps, np.nan), np.insert(y, gaps, np.nan), jumps)


@np.errstate(invalid="ignore")
def _jumps(function: Callable[[Any], Any], grid: Array) -> list[tuple[float, float]]:
    """Neighbouring numbers between which the function jumps, one pair at most to an interval."""
    left, right = grid[:-1], grid[1:]
    while True:
        # Where the function is not finite, there is no jump: the comparison with NaN is false.
        jump = abs(function(right) - function(left)) > _LEAST_JUMP
        left, right = left[jump], right[jump]
        middle = left + (right - left) / 2
        if np.all((middle == left) | (middle == right)):
            return list(zip(left.tolist(), right.tolist(), strict=True))
        lower = abs(function(middle) - function(left)) > abs(function(right) - function(middle))
        left, right = np.where(lower, left, middle), np.where(lower, middle, right)
