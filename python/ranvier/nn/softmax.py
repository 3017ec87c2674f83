"""Softmax and its logarithm as layers; cross-entropy from scores needs neither."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import numpy as np

from ..softmax import log_softmax, log_softmax_vjp, softmax, softmax_vjp
from ._workspace import Array
from .module import Module, check_gradient, check_input

__all__ = ["LogSoftmax", "Softmax"]


class _OfScores(Module):
    """A function along an axis whose output tells its derivative."""

    _value: ClassVar[Callable[..., Array]]
    _vjp: ClassVar[Callable[..., Array]]

    def __init__(self, dim: int = -1) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, x: Array) -> Array:
        """The function of x: float16, float32 or float64, of at least one axis."""
        check_input(x, np.float16, np.float32, np.float64)
        y = np.empty(x.shape, x.dtype)
        type(self)._value(x, self.dim, out=y)
        self._workspace.saved = y
        return y

    def backward(self, grad_output: Array, accumulate: bool = False) -> Array:
        y: Array = self._saved()
        check_gradient(grad_output, y.shape, y.dtype)
        result = np.empty(y.shape, y.dtype)
        type(self)._vjp(grad_output, y, self.dim, out=result)
        return result

    def backward_parameters(self, grad_output: Array, accumulate: bool = False) -> None:
        y: Array = self._saved()
        check_gradient(grad_output, y.shape, y.dtype)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(dim={self.dim})"


class Softmax(_OfScores):
    """exp(x) / sum exp(x) along an axis.

    Parameters
    ----------
    dim : int, default -1
        The axis along which the result sums to 1.

    Raises
    ------
    numpy.exceptions.AxisError
        In `forward`, if x does not have the axis.

    References
    ----------
    Bridle, Probabilistic interpretation of feedforward classification network outputs, 1990.

    Examples
    --------
    >>> import numpy as np
    >>> from ranvier import nn
    >>> nn.Softmax(dim=1)(np.zeros((1, 4))).tolist()
    [[0.25, 0.25, 0.25, 0.25]]
    """

    _value = softmax
    _vjp = softmax_vjp


class LogSoftmax(_OfScores):
    """x - log sum exp(x) along an axis, exact also close to 0.

    Parameters
    ----------
    dim : int, default -1
        The axis over which the sum runs.

    Raises
    ------
    numpy.exceptions.AxisError
        In `forward`, if x does not have the axis.

    References
    ----------
    Blanchard, Higham and Higham, Accurately computing the log-sum-exp and softmax functions, IMA
    Journal of Numerical Analysis 41 (2021).

    Examples
    --------
    >>> import numpy as np
    >>> from ranvier import nn
    >>> print(f"{nn.LogSoftmax(dim=1)(np.array([[20.0, 0.0]]))[0, 0]:.6e}")
    -2.061154e-09
    """

    _value = log_softmax
    _vjp = log_softmax_vjp
