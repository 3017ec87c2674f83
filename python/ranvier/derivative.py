"""Derivatives f'(x) of the activations, as ufuncs."""

from __future__ import annotations

from . import _elementwise

_functions = _elementwise.functions("derivative", __name__)
globals().update(_functions)

__all__ = [*_functions]
