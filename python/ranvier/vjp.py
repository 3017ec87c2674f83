"""Vector-Jacobian products g f'(x) in one pass, as ufuncs, and those of the softmax family."""

from __future__ import annotations

from . import _elementwise
from .softmax import log_softmax_vjp as log_softmax
from .softmax import softmax_vjp as softmax

_functions = _elementwise.functions("vjp", __name__)
globals().update(_functions)

__all__ = [*_functions, "log_softmax", "softmax"]
