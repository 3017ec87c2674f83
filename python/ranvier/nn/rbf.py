"""Radial basis functions, with centres and widths that are learned."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from .. import activations
from .._checks import positive
from .._native import _core
from ._quiet import quiet
from ._workspace import Array
from .module import Module, Parameter, check_gradient, check_input

__all__ = ["RBF"]

# In widths. Far before it the Gaussian is 0; at an infinite distance its gradient would be NaN.
_FARTHEST = 1e3


class RBF(Module):
    """``exp(-(|x - c| / w)^2)``, the Gaussian of the distance to a centre c, for each output.

    Parameters
    ----------
    in_features, out_features : int
        At least 1; there are as many centres as outputs.
    dtype : dtype, default float32
    rng : int or numpy.random.Generator, optional
        What the centres are drawn from, or a seed for it.

    Attributes
    ----------
    centres : ndarray of shape (out_features, in_features)
        Normal with variance 1 at first. Samples of the training data are good ones as well.
    widths : ndarray of shape (out_features,)
        sqrt(2 in_features) at first: the distance that two vectors with entries of variance 1 have
        on average, so that the outputs are neither all 0 nor all 1. The sign does not matter.

    Raises
    ------
    ValueError
        If a number of features is not positive.
    TypeError
        If dtype is not float32 or float64.

    Notes
    -----
    Distances are sums of squared differences, not ``|x|^2 - 2 x c + |c|^2``, which loses all digits
    where x is close to a centre: at the centre the output is 1.

    References
    ----------
    Broomhead and Lowe, Multivariable functional interpolation and adaptive networks, Complex
    Systems 2 (1988).

    Examples
    --------
    >>> import numpy as np
    >>> from ranvier import nn
    >>> layer = nn.RBF(2, 1)
    >>> layer.centres, layer.widths = [[3.0, 4.0]], [5.0]
    >>> layer(np.array([[3.0, 4.0], [0.0, 0.0]], np.float32)).astype(np.float16).tolist()
    [[1.0], [0.367919921875]]
    """

    centres = Parameter()
    widths = Parameter()

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        dtype: npt.DTypeLike = np.float32,
        rng: int | np.random.Generator | None = None,
    ) -> None:
        super().__init__()
        self.in_features = positive("in_features", in_features)
        self.out_features = positive("out_features", out_features)
        centres = np.random.default_rng(rng).normal(size=(out_features, in_features))
        self.add_parameter("centres", centres.astype(dtype))
        self.add_parameter("widths", np.full(out_features, math.sqrt(2 * in_features), dtype))
        self._gather()

    def forward(self, x: Array) -> Array:
        """The Gaussians, of shape (*, out_features), for x of shape (*, in_features)."""
        centres, widths = self.centres, self.widths
        check_input(x, centres.dtype)
        if x.ndim == 0 or x.shape[-1] != self.in_features:
            raise ValueError(f"x has shape {x.shape}; expected (*, {self.in_features})")
        rows = x.reshape(-1, self.in_features)
        y = np.empty((*x.shape[:-1], self.out_features), x.dtype)
        difference = self._scratch("difference", rows.shape, x.dtype)
        # Distances in widths.
        ratio = self._scratch("ratio", (len(rows), self.out_features), x.dtype)
        with quiet():
            for k, centre in enumerate(centres):
                np.subtract(rows, centre, out=difference)
                np.einsum("ni,ni->n", difference, difference, out=ratio[:, k])
            np.sqrt(ratio, out=ratio)
            ratio /= widths
            np.clip(ratio, -_FARTHEST, _FARTHEST, out=ratio)
        activations.gaussian(ratio.reshape(y.shape), out=y)
        self._workspace.saved = rows, ratio, y
        return y

    def backward(self, grad_output: Array, accumulate: bool = False) -> Array:
        self.backward_parameters(grad_output, accumulate)
        rows, _, y = self._saved()
        # backward_parameters has left the pull of each centre on each row.
        pull = self._workspace.array("pull", (len(rows), self.out_features), rows.dtype)
        result = np.empty((*y.shape[:-1], self.in_features), y.dtype)
        grad_rows = result.reshape(rows.shape)
        step = self._workspace.array("difference", rows.shape, rows.dtype)
        with quiet():
            _core.product(pull, self.centres, grad_rows)
            np.multiply(rows, pull.sum(axis=1, keepdims=True), out=step)
            grad_rows -= step
        return result

    def backward_parameters(self, grad_output: Array, accumulate: bool = False) -> None:
        rows, ratio, y = self._saved()
        check_gradient(grad_output, y.shape, y.dtype)
        widths = self.widths
        pull = self._workspace.array("pull", ratio.shape, ratio.dtype)
        with quiet():
            # dL/dr / -r, for r the ratio: 2 g y.
            np.multiply(grad_output.reshape(ratio.shape), y.reshape(ratio.shape), out=pull)
            pull *= 2
            grad_widths = np.einsum("nk,nk,nk->k", pull, ratio, ratio, dtype=np.float64) / widths
            pull /= widths
            pull /= widths
            grad_centres = self._workspace.array("grad_centres", self.centres.shape, rows.dtype)
            _core.product(pull.T, rows, grad_centres)
            grad_centres -= self.centres * pull.sum(axis=0)[:, None]
        self.write_gradient("centres", grad_centres, accumulate)
        self.write_gradient("widths", grad_widths, accumulate)

    def __repr__(self) -> str:
        return f"RBF({self.in_features}, {self.out_features})"
