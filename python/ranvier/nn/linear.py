"""The fully connected layer."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .._checks import positive
from .._native import _core
from ._workspace import Array
from .module import Module, Parameter, check_gradient, check_input

if TYPE_CHECKING:
    from .activations import Elementwise


class Linear(Module):
    """y = x W^T + b.

    Parameters
    ----------
    in_features, out_features : int
        At least 1.
    bias : bool, default True
    dtype : dtype, default float32
        float32 or float64: of the parameters, the input and the output.
    rng : int or numpy.random.Generator, optional
        What the initial values are drawn from, or a seed for it.

    Attributes
    ----------
    weight : ndarray of shape (out_features, in_features)
    bias : ndarray of shape (out_features,)
        Both are uniform in ±1 / sqrt(in_features) at first, as torch's are.

    Raises
    ------
    ValueError
        If a number of features is not positive.
    TypeError
        If dtype is not float32 or float64.

    References
    ----------
    LeCun, Bottou, Orr and Mueller, Efficient BackProp, 1998; He, Zhang, Ren and Sun, Delving deep
    into rectifiers, ICCV 2015 (kaiming_uniform with a = sqrt 5).

    Examples
    --------
    >>> import numpy as np
    >>> from ranvier import nn
    >>> layer = nn.Linear(3, 2, rng=0)
    >>> layer(np.ones((5, 3), np.float32)).shape
    (5, 2)
    >>> layer.backward(np.ones((5, 2), np.float32)).shape
    (5, 3)
    >>> [g.shape for g in layer.gradients()]
    [(2, 3), (2,)]
    """

    weight = Parameter()
    bias = Parameter()

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        dtype: npt.DTypeLike = np.float32,
        rng: int | np.random.Generator | None = None,
    ) -> None:
        super().__init__()
        self.in_features = positive("in_features", in_features)
        self.out_features = positive("out_features", out_features)
        generator = np.random.default_rng(rng)
        bound = 1 / math.sqrt(self.in_features)

        def uniform(*shape: int) -> Array:
            return generator.uniform(-bound, bound, shape).astype(dtype)

        self.has_bias = bias
        self.add_parameter("weight", uniform(self.out_features, self.in_features))
        if bias:
            self.add_parameter("bias", uniform(self.out_features))
        self._gather()

    def forward(self, x: Array) -> Array:
        """x W^T + b for x of shape (..., in_features), of the layer's dtype."""
        x = self._readable(x)
        z = self._result("output", (*x.shape[:-1], self.out_features), x.dtype)
        _core.dense_forward(x, [native_layer(self, None, z, z)])
        self._workspace.saved = x, z
        return z

    def backward(self, grad_output: Array, accumulate: bool = False) -> Array:
        x, _ = self._saved()
        result = self._result("grad_input", x.shape, x.dtype)
        self._backward(grad_output, accumulate, result)
        return result

    def backward_parameters(self, grad_output: Array, accumulate: bool = False) -> None:
        self._backward(grad_output, accumulate, None)

    def _backward(self, grad_output: Array, accumulate: bool, grad_input: Array | None) -> None:
        x, z = self._saved()
        check_gradient(grad_output, z.shape, z.dtype)
        g = self._contiguous("grad_output", grad_output)
        gradients = [(None, self._gradients, grad_input)]
        layers = [native_layer(self, None, z, z)]
        _core.dense_backward(x, g, layers, gradients, accumulate)

    def _readable(self, x: Array) -> Array:
        """The input, checked, as native code takes it: a matrix, or C-ordered."""
        check_input(x, self._parameters["weight"].dtype)
        if x.ndim == 0 or x.shape[-1] != self.in_features:
            raise ValueError(f"x has shape {x.shape}; expected (*, {self.in_features})")
        flags = x.flags
        return x if flags.aligned and (x.ndim == 2 or flags.c_contiguous) else x.copy()

    def __repr__(self) -> str:
        return f"Linear({self.in_features}, {self.out_features}, bias={self.has_bias})"


def native_layer(
    linear: Linear, activation: Elementwise | None, z: Array | None, y: Array | None
) -> tuple[Any, ...]:
    """A layer and what is behind it as `_core` takes them: None for memory that it shall make."""
    if activation is None:
        return linear._parameters, None, (), False, z, y
    arguments = tuple(activation._arguments)
    return linear._parameters, activation._index, arguments, activation._from_output, z, y
