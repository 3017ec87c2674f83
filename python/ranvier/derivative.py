"""Derivatives f'(x): of the activations as ufuncs, and those of the gates and of maxout."""

from __future__ import annotations

from . import _elementwise, gates
from .maxout import maxout_derivative as maxout

_functions = {
    **_elementwise.functions("derivative", __name__),
    **gates.functions("derivative", __name__),
}
globals().update(_functions)

__all__ = [*_functions, "maxout"]
