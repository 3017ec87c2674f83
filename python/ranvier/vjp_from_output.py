"""Vector-Jacobian products as functions of the output y = f(x), where they are.

The output has to tell the derivative. With the default parameters it does; with others it may not:
a leaky_relu with a negative slope falls and rises, and takes a value twice, with different slopes.
"""

from __future__ import annotations

from . import _elementwise

_functions = _elementwise.functions("vjp_from_output", __name__)
globals().update(_functions)

__all__ = [*_functions]
