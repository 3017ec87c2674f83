"""Vector-Jacobian products in one pass.

Of the activations, g f'(x) as ufuncs; of the gates, maxout and the softmax family, functions.
"""

from __future__ import annotations

from . import _elementwise, gates
from .maxout import maxout_vjp as maxout
from .softmax import log_softmax_vjp as log_softmax
from .softmax import softmax_vjp as softmax
from .softmax import softmin_vjp as softmin

_functions = {**_elementwise.functions("vjp", __name__), **gates.functions("vjp", __name__)}
globals().update(_functions)

__all__ = [*_functions, "log_softmax", "maxout", "softmax", "softmin"]
