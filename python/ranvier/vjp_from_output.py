"""Vector-Jacobian products as functions of the output y = f(x), where they are."""

from __future__ import annotations

from . import _elementwise

_functions = _elementwise.functions("vjp_from_output", __name__)
globals().update(_functions)

__all__ = [*_functions]
