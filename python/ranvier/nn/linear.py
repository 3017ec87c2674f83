"""The fully connected layer."""

from __future__ import annotations

import math
import weakref
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from .._checks import positive
from ._stack import Stack, is_native
from ._workspace import Array
from .module import Module, Parameter


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
        self._stack = self._own_stack()
        self._gather()

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in super().__getstate__().items() if name != "_stack"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self._stack = self._own_stack()

    def _own_stack(self) -> Stack:
        # With a reference from the stack, the layer and its memory would wait for the cyclic
        # collector.
        return Stack([cast(Linear, weakref.proxy(self))])

    def forward(self, x: Array) -> Array:
        """x W^T + b for x of shape (..., in_features), of the layer's dtype."""
        return self._stack(x)

    def backward(self, grad_output: Array, accumulate: bool = False) -> Array:
        return self._stack.backward(grad_output, accumulate)

    def backward_parameters(self, grad_output: Array, accumulate: bool = False) -> None:
        self._stack.backward_parameters(grad_output, accumulate)

    def _whole_stack(self, shape: tuple[int, ...]) -> Stack | None:
        return self._stack if is_native(self, Linear) else None

    def _forget(self) -> None:
        self._stack.forget()

    def _describe(self) -> tuple[Any, ...]:
        parameters, gradients = self._parameters, self._gradients
        weights = parameters["weight"], gradients["weight"]
        return "linear", *weights, parameters.get("bias"), gradients.get("bias")

    def __repr__(self) -> str:
        return f"Linear({self.in_features}, {self.out_features}, bias={self.has_bias})"
