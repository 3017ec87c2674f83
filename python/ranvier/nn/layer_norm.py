"""Normalisation of each sample by itself."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from .._checks import number, positive
from .._native import _core
from ._workspace import Array
from .module import Module, Parameter, check_gradient, check_input

__all__ = ["LayerNorm", "RMSNorm"]


class _OfSamples(Module):
    """Base of the layers that normalise over the last axes and then multiply by a weight."""

    centred: ClassVar[bool]
    weight = Parameter()

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        elementwise_affine: bool,
        bias: bool,
        dtype: npt.DTypeLike,
    ) -> None:
        super().__init__()
        lengths = normalized_shape if isinstance(normalized_shape, Sequence) else [normalized_shape]
        self.normalized_shape = tuple(positive("normalized_shape", n) for n in lengths)
        if not self.normalized_shape:
            raise ValueError(f"normalized_shape is {normalized_shape}; expected at least one axis")
        self.elementwise_affine = elementwise_affine
        if elementwise_affine:
            ones = np.ones(self.normalized_shape, dtype)
            self.add_parameter("weight", ones)
            if bias:
                self.add_parameter("bias", np.zeros_like(ones))
            self._gather()

    def forward(self, x: Array) -> Array:
        """The normalised samples, of the shape of x, (*, normalized_shape)."""
        weight, bias = self._parameters.get("weight"), self._parameters.get("bias")
        check_input(x, *((np.float32, np.float64) if weight is None else (weight.dtype,)))
        axes = len(self.normalized_shape)
        if x.shape[max(0, x.ndim - axes) :] != self.normalized_shape:
            shape = ", ".join(map(str, self.normalized_shape))
            raise ValueError(f"x has shape {x.shape}; expected (*, {shape})")
        x = self._contiguous("x", x)
        y = np.empty(x.shape, x.dtype)
        rows = math.prod(x.shape[: x.ndim - axes])
        mean = self._scratch("mean", (rows,), np.float64) if self.centred else None
        scale = self._scratch("scale", (rows,), np.float64)
        _core.row_norm(x, self._features, weight, bias, self._eps(x), mean, scale, y)
        self._workspace.saved = x, mean, scale
        return y

    def backward(self, grad_output: Array, accumulate: bool = False) -> Array:
        x, _, _ = self._saved()
        result = np.empty(x.shape, x.dtype)
        self._backward(grad_output, accumulate, result)
        return result

    def backward_parameters(self, grad_output: Array, accumulate: bool = False) -> None:
        x, _, _ = self._saved()
        unused = self._workspace.array("grad_input", x.shape, x.dtype)
        self._backward(grad_output, accumulate, unused)

    def _backward(self, grad_output: Array, accumulate: bool, grad_input: Array) -> None:
        x, mean, scale = self._saved()
        check_gradient(grad_output, x.shape, x.dtype)
        size = _core.row_norm_work(len(scale), self._features)
        _core.row_norm_backward(
            self._contiguous("grad_output", grad_output), x, self._features,
            self._parameters.get("weight"), mean, scale,
            self._workspace.array("work", (size,), np.float64), grad_input,
            self._gradients.get("weight"), self._gradients.get("bias"), accumulate,
        )  # fmt: skip

    @property
    def _features(self) -> int:
        return math.prod(self.normalized_shape)

    def _eps(self, x: Array) -> float:
        """The number that is added to the variance."""
        raise NotImplementedError


class LayerNorm(_OfSamples):
    """(x - mean) / sqrt(variance + eps) * weight + bias, over the last axes.

    Parameters
    ----------
    normalized_shape : int or sequence of int
        The lengths of the axes that mean and variance are taken over, the last of x.
    eps : float, default 1e-5
        Added to the variance.
    elementwise_affine : bool, default True
        Whether there are weight and bias.
    bias : bool, default True
        Whether there is a bias, where there is a weight.
    dtype : dtype, default float32

    Attributes
    ----------
    weight, bias : ndarray of shape normalized_shape
        1 and 0 at first.

    Raises
    ------
    ValueError
        If a length is not positive, or there is none; in `forward`, if x does not end in the shape.
    TypeError
        If dtype is not float32 or float64.

    Notes
    -----
    Sums are formed in float64, in an order that does not depend on the number of threads.

    References
    ----------
    Ba, Kiros and Hinton, Layer normalization, arXiv 1607.06450 (2016).

    Examples
    --------
    >>> import numpy as np
    >>> from ranvier import nn
    >>> nn.LayerNorm(2, eps=0)(np.array([[1.0, 3.0]], np.float32)).tolist()
    [[-1.0, 1.0]]
    """

    centred = True
    bias = Parameter()

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        *,
        dtype: npt.DTypeLike = np.float32,
    ) -> None:
        super().__init__(normalized_shape, elementwise_affine, bias, dtype)
        self.eps = number("eps", eps)

    def _eps(self, x: Array) -> float:
        return self.eps

    def __repr__(self) -> str:
        return (
            f"LayerNorm({self.normalized_shape}, eps={self.eps:g}, "
            f"elementwise_affine={self.elementwise_affine})"
        )


class RMSNorm(_OfSamples):
    """x / sqrt(mean of x^2 + eps) * weight, over the last axes.

    Parameters
    ----------
    normalized_shape : int or sequence of int
        The lengths of the axes that the mean is taken over, the last of x.
    eps : float, optional
        Added to the mean; by default the spacing of the numbers at 1 in the dtype.
    elementwise_affine : bool, default True
        Whether there is a weight.
    dtype : dtype, default float32

    Attributes
    ----------
    weight : ndarray of shape normalized_shape
        1 at first.

    Raises
    ------
    ValueError
        If a length is not positive, or there is none; in `forward`, if x does not end in the shape.
    TypeError
        If dtype is not float32 or float64.

    Notes
    -----
    Sums are formed in float64, in an order that does not depend on the number of threads.

    References
    ----------
    Zhang and Sennrich, Root mean square layer normalization, arXiv 1910.07467 (2019).

    Examples
    --------
    >>> import numpy as np
    >>> from ranvier import nn
    >>> nn.RMSNorm(2, eps=0)(np.array([[7.0, 1.0]], np.float32)).round(1).tolist()
    [[1.399999976158142, 0.20000000298023224]]
    """

    centred = False

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float | None = None,
        elementwise_affine: bool = True,
        *,
        dtype: npt.DTypeLike = np.float32,
    ) -> None:
        super().__init__(normalized_shape, elementwise_affine, False, dtype)
        self.eps = None if eps is None else number("eps", eps)

    def _eps(self, x: Array) -> float:
        return float(np.finfo(x.dtype).eps) if self.eps is None else self.eps

    def __repr__(self) -> str:
        return (
            f"RMSNorm({self.normalized_shape}, eps={self.eps}, "
            f"elementwise_affine={self.elementwise_affine})"
        )
