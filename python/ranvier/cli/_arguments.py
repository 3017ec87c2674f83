"""Converters of arguments: each says what was expected."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable
from typing import Any

__all__ = ["count", "number", "rate", "seed", "widths"]


def number(convert: Callable[[str], Any], least: float, most: float, expected: str) -> Any:
    """A converter of an argument that must lie in [least, most]."""

    def converter(text: str) -> Any:
        try:
            value = convert(text)
        except ValueError:
            value = math.nan
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"{text!r}; expected {expected}")
        return value

    return converter


count = number(int, 1, 2**31 - 1, "a positive integer")
seed = number(int, 0, math.inf, "an integer that is not negative")
rate = number(float, sys.float_info.min, sys.float_info.max, "a positive, finite number")


def widths(text: str) -> list[int]:
    """Positive integers with commas between them; none of them is no layer."""
    return [count(width) for width in text.split(",")] if text.strip() else []
