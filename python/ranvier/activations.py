"""Activations as native NumPy ufuncs; one with parameters is a thin function over a ufunc."""

from __future__ import annotations

from . import _elementwise

_functions = _elementwise.functions("value", __name__)
globals().update(_functions)

__all__ = [*_functions]
