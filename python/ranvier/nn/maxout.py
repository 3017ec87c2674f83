"""Maxout: an activation of straight pieces that are learned."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .._checks import positive
from ..maxout import maxout, maxout_vjp
from ._workspace import Array
from .linear import Linear
from .module import Module, check_gradient

__all__ = ["Maxout"]


class Maxout(Module):
    """The largest of several linear functions of x, for each output.

    Parameters
    ----------
    in_features, out_features : int
        At least 1.
    pieces : int, default 2
        Linear functions for each output.
    bias : bool, default True
    dtype : dtype, default float32
    rng : int or numpy.random.Generator, optional
        What the initial values are drawn from, or a seed for it.

    Attributes
    ----------
    linear : Linear
        The pieces: rows c * pieces up to (c + 1) * pieces of its weight are those of output c.

    Raises
    ------
    ValueError
        If a number of features, or of pieces, is not positive.
    TypeError
        If dtype is not float32 or float64.

    References
    ----------
    Goodfellow, Warde-Farley, Mirza, Courville and Bengio, Maxout networks, arXiv 1302.4389 (2013).

    Examples
    --------
    >>> import numpy as np
    >>> from ranvier import nn
    >>> layer = nn.Maxout(1, 1, pieces=2)
    >>> layer.linear.weight, layer.linear.bias = [[1], [-1]], [0, 0]
    >>> layer(np.array([[-3.0], [2.0]], np.float32)).tolist()
    [[3.0], [2.0]]
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        pieces: int = 2,
        bias: bool = True,
        *,
        dtype: npt.DTypeLike = np.float32,
        rng: int | np.random.Generator | None = None,
    ) -> None:
        super().__init__()
        self.pieces = positive("pieces", pieces)
        self.out_features = positive("out_features", out_features)
        self.linear = Linear(in_features, out_features * pieces, bias, dtype, rng)

    def forward(self, x: Array) -> Array:
        """The maxima, of shape (*, out_features), for x of shape (*, in_features)."""
        z = self.linear(x)
        y = np.empty((*z.shape[:-1], self.out_features), z.dtype)
        maxout(z, self.pieces, out=y)
        self._workspace.saved = z
        return y

    def backward(self, grad_output: Array, accumulate: bool = False) -> Array:
        return self.linear.backward(self._grad_pieces(grad_output), accumulate)

    def backward_parameters(self, grad_output: Array, accumulate: bool = False) -> None:
        self.linear.backward_parameters(self._grad_pieces(grad_output), accumulate)

    def _grad_pieces(self, grad_output: Array) -> Array:
        z: Array = self._saved()
        check_gradient(grad_output, (*z.shape[:-1], self.out_features), z.dtype)
        gradient = self._workspace.array("grad_pieces", z.shape, z.dtype)
        maxout_vjp(grad_output, z, self.pieces, out=gradient)
        return gradient

    def __repr__(self) -> str:
        return (
            f"Maxout({self.linear.in_features}, {self.out_features}, pieces={self.pieces}, "
            f"bias={self.linear.has_bias})"
        )
