"""A module for each gate: an axis is split in halves a and b, of which half its length remains."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from .. import gates, vjp
from ._derived import derived_module
from ._workspace import Array
from .module import Module, check_gradient, check_input


class Gate(Module):
    """A gate as a layer: the base of those derived from the rows of the gates.

    Parameters
    ----------
    dim : int, default -1
        The axis that is split. Its length is even.

    Attributes
    ----------
    record : gates.Gate
        What its row says.
    """

    record: ClassVar[gates.Gate]

    def __init__(self, dim: int = -1) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, x: Array) -> Array:
        """The gate of x: any shape, float16, float32 or float64."""
        check_input(x, np.float16, np.float32, np.float64)
        dim = normalize_axis_index(self.dim, x.ndim)
        shape = (*x.shape[:dim], x.shape[dim] // 2, *x.shape[dim + 1 :])
        y = np.empty(shape, x.dtype)
        getattr(gates, self.record.name)(x, self.dim, out=y)
        self._workspace.saved = x, shape
        return y

    def backward(self, grad_output: Array, accumulate: bool = False) -> Array:
        x, shape = self._saved()
        check_gradient(grad_output, shape, x.dtype)
        result = np.empty(x.shape, x.dtype)
        getattr(vjp, self.record.name)(grad_output, x, self.dim, out=result)
        return result

    def backward_parameters(self, grad_output: Array, accumulate: bool = False) -> None:
        x, shape = self._saved()
        check_gradient(grad_output, shape, x.dtype)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(dim={self.dim})"


def _module_class(record: gates.Gate) -> type[Gate]:
    point = [3.0, -2.0, 0.0, 0.0]
    return derived_module(
        Gate,
        record,
        f"{record.formula}, where a and b are the halves of an axis.",
        """Parameters
----------
dim : int, default -1
    The axis that is split. Its length is even.""",
        """Raises
------
ValueError
    In `forward`, if the length of the axis is odd.""",
        call=f"{record.module}()(np.array({point})).tolist()",
        result=str(getattr(gates, record.name)(point).tolist()),
    )


_classes = {record.module: _module_class(record) for record in gates.RECORDS.values()}
globals().update(_classes)

__all__ = [*_classes]
