"""Activations whose parameter is learned."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import numpy.typing as npt

from .. import activations, derivative, vjp
from .._checks import number, positive
from .._elementwise import RECORDS, Activation
from ._quiet import quiet
from ._workspace import Array
from .module import Module, Parameter, check_gradient, check_input

__all__ = ["PReLU", "Swish"]


class _Trainable(Module):
    """f(x, p) with one p for all channels, which are axis 1, or one for each."""

    record: ClassVar[Activation]

    def __init__(self, name: str, channels: int, init: float, dtype: npt.DTypeLike) -> None:
        super().__init__()
        count = positive("num_parameters", channels)
        value = number("init", init)
        self._name = name
        self.add_parameter(name, np.full(count, value, np.dtype(dtype)))

    @property
    def num_parameters(self) -> int:
        return self._parameters[self._name].size

    def _operand(self, x: Array) -> Array:
        """The parameter so that it broadcasts along axis 1 of x."""
        parameter = self._parameters[self._name]
        if parameter.size == 1:
            return parameter
        if x.ndim < 2 or x.shape[1] != parameter.size:
            raise ValueError(
                f"x has shape {x.shape}; expected {parameter.size} channels along axis 1"
            )
        return parameter.reshape(-1, *[1] * (x.ndim - 2))

    def forward(self, x: Array) -> Array:
        parameter = self._parameters[self._name]
        check_input(x, parameter.dtype)
        y = np.empty(x.shape, x.dtype)
        getattr(activations, self.record.name)(x, self._operand(x), out=y)
        self._workspace.saved = x
        return y

    def backward(self, grad_output: Array, accumulate: bool = False) -> Array:
        self.backward_parameters(grad_output, accumulate)
        x: Array = self._saved()
        result = np.empty(x.shape, x.dtype)
        getattr(vjp, self.record.name)(grad_output, x, self._operand(x), out=result)
        return result

    def backward_parameters(self, grad_output: Array, accumulate: bool = False) -> None:
        x: Array = self._saved()
        check_gradient(grad_output, x.shape, x.dtype)
        each = self._workspace.array("each", x.shape, x.dtype)
        with quiet():
            self._slope(x, each)
            each *= grad_output
            # NumPy adds in an order that the shape alone decides.
            per_channel = each.reshape(len(each), self.num_parameters, -1) if each.size else each
            shared = self.num_parameters == 1 or not each.size
            total = each.sum(keepdims=True) if shared else per_channel.sum(axis=(0, 2))
        gradient = self._gradients[self._name]
        self.write_gradient(self._name, np.broadcast_to(total.ravel(), gradient.shape), accumulate)

    def _slope(self, x: Array, out: Array) -> None:
        """The derivative of f with respect to the parameter."""
        raise NotImplementedError

    def __repr__(self) -> str:
        return f"{type(self).__name__}(num_parameters={self.num_parameters})"


class PReLU(_Trainable):
    """x if x > 0 else weight x, with a weight that is learned.

    Parameters
    ----------
    num_parameters : int, default 1
        1 for all channels together, or the number of channels, which are axis 1.
    init : float, default 0.25
    dtype : dtype, default float32

    Attributes
    ----------
    weight : ndarray of shape (num_parameters,)

    References
    ----------
    He, Zhang, Ren and Sun, Delving deep into rectifiers, arXiv 1502.01852 (2015).

    Examples
    --------
    >>> import numpy as np
    >>> from ranvier import nn
    >>> layer = nn.PReLU()
    >>> layer(np.array([[-4.0, 4.0]], np.float32)).tolist()
    [[-1.0, 4.0]]
    >>> layer.backward(np.ones((1, 2), np.float32)).tolist()
    [[0.25, 1.0]]
    >>> layer.gradients()[0].tolist()
    [-4.0]
    """

    record = RECORDS["prelu"]
    weight = Parameter()

    def __init__(
        self, num_parameters: int = 1, init: float = 0.25, dtype: npt.DTypeLike = np.float32
    ) -> None:
        super().__init__("weight", num_parameters, init, dtype)

    def _slope(self, x: Array, out: Array) -> None:
        np.minimum(x, 0, out=out)


class Swish(_Trainable):
    """x sigmoid(beta x), with a beta that is learned.

    Parameters
    ----------
    num_parameters : int, default 1
        1 for all channels together, or the number of channels, which are axis 1.
    init : float, default 1.0
    dtype : dtype, default float32

    Attributes
    ----------
    beta : ndarray of shape (num_parameters,)

    References
    ----------
    Ramachandran, Zoph and Le, Searching for activation functions, arXiv 1710.05941 (2017).

    Examples
    --------
    >>> import numpy as np
    >>> from ranvier import nn
    >>> nn.Swish()(np.array([[0.0]], np.float32)).tolist()
    [[0.0]]
    """

    record = RECORDS["swish"]
    beta = Parameter()

    def __init__(
        self, num_parameters: int = 1, init: float = 1.0, dtype: npt.DTypeLike = np.float32
    ) -> None:
        super().__init__("beta", num_parameters, init, dtype)

    def _slope(self, x: Array, out: Array) -> None:
        np.multiply(x, self._operand(x), out=out)
        derivative.sigmoid(out, out=out)
        out *= x
        out *= x
