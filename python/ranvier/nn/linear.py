"""The fully connected layer."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from .._checks import positive
from .._native import _core
from ._quiet import product
from ._workspace import Array
from .activations import Elementwise
from .module import Module, Parameter, check_gradient, check_input


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
        """x W^T + b for x of shape (*, in_features), of the layer's dtype."""
        z = self._product(x)
        if self.has_bias:
            _core.add_bias(_rows(z), self._parameters["bias"])
        return z

    def forward_activated(self, x: Array, activation: Elementwise) -> Array:
        """What `activation` makes of the output, with bias and activation in one pass."""
        return activation.forward_biased(self._product(x), self._parameters["bias"])

    def backward(self, grad_output: Array, accumulate: bool = False) -> Array:
        self.backward_parameters(grad_output, accumulate)
        shape = (*grad_output.shape[:-1], self.in_features)
        result = self._result("grad_input", shape, grad_output.dtype)
        product(_rows(grad_output), self._parameters["weight"], out=_rows(result))
        return result

    def backward_parameters(self, grad_output: Array, accumulate: bool = False) -> None:
        x: Array = self._saved()
        check_gradient(grad_output, (*x.shape[:-1], self.out_features), x.dtype)
        g = _rows(grad_output)
        weight = self._gradients["weight"]
        if accumulate:
            step = self._workspace.array("weight_step", weight.shape, weight.dtype)
            self.write_gradient("weight", product(g.T, _rows(x), out=step), accumulate=True)
        else:
            product(g.T, _rows(x), out=weight)
        if self.has_bias:
            _core.column_sums(np.ascontiguousarray(g), self._gradients["bias"], accumulate)

    def _product(self, x: Array) -> Array:
        weight = self._parameters["weight"]
        check_input(x, weight.dtype)
        if x.ndim == 0 or x.shape[-1] != self.in_features:
            raise ValueError(f"x has shape {x.shape}; expected (*, {self.in_features})")
        z = self._result("output", (*x.shape[:-1], self.out_features), x.dtype)
        product(_rows(x), weight.T, out=_rows(z))
        self._workspace.saved = x
        return z

    def __repr__(self) -> str:
        return f"Linear({self.in_features}, {self.out_features}, bias={self.has_bias})"


def _rows(x: Array) -> Array:
    """x of shape (*, features) as a matrix."""
    return x if x.ndim == 2 else x.reshape(-1, x.shape[-1])
