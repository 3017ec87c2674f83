"""Normalisation of each sample by itself."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from .._checks import number, positive
from ._quiet import quiet
from ._workspace import Array
from .module import Module, Parameter, check_gradient, check_input

__all__ = ["LayerNorm", "RMSNorm"]


class _OfSamples(Module):
    """What normalises over the last axes, and what it is multiplied by."""

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

    def _rows(self, x: Array) -> Array:
        """x of shape (*, normalized_shape) as a matrix."""
        weight = self._parameters.get("weight")
        check_input(x, *((np.float32, np.float64) if weight is None else (weight.dtype,)))
        axes = len(self.normalized_shape)
        if x.shape[max(0, x.ndim - axes) :] != self.normalized_shape:
            shape = ", ".join(map(str, self.normalized_shape))
            raise ValueError(f"x has shape {x.shape}; expected (*, {shape})")
        return self._as_rows(x)

    def _as_rows(self, x: Array) -> Array:
        features = int(np.prod(self.normalized_shape))
        return x.reshape(-1, features)

    def _row(self, name: str) -> Array | None:
        """A parameter as one row, if there is one of this name."""
        parameter = self._parameters.get(name)
        return None if parameter is None else parameter.reshape(-1)

    def _of_rows(self, name: str, rows: Array) -> Array:
        """Memory for a number of each row."""
        return self._workspace.array(name, (len(rows), 1), np.float64)

    def _step(self, name: str) -> Array | None:
        """Memory for the gradient of a parameter, as one row, if there is one of this name."""
        parameter = self._row(name)
        if parameter is None:
            return None
        return self._workspace.array(f"{name}_step", parameter.shape, np.float64)

    def _write_steps(self, accumulate: bool) -> None:
        for name in self._parameters:
            step = self._step(name)
            assert step is not None
            self.write_gradient(name, step.reshape(self.normalized_shape), accumulate)

    def _weighted(self, g: Array, weight: Array | None) -> Array:
        """The gradient of the normalised rows."""
        if weight is None:
            return g
        return np.multiply(g, weight, out=self._workspace.array("weighted", g.shape, g.dtype))


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
    The statistics are formed in float64.

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

    def forward(self, x: Array) -> Array:
        """The normalised samples, of the shape of x, (*, normalized_shape)."""
        rows = self._rows(x)
        y = self._result("output", x.shape, x.dtype)
        mean, scale = self._of_rows("mean", rows), self._of_rows("scale", rows)
        weight, bias = self._row("weight"), self._row("bias")
        with quiet():
            _layer_norm(rows, weight, bias, self.eps, mean, scale, self._as_rows(y))
        self._workspace.saved = x.shape, rows, mean, scale
        return y

    def backward(self, grad_output: Array, accumulate: bool = False) -> Array:
        shape, rows, mean, scale = self._saved()
        check_gradient(grad_output, shape, rows.dtype)
        result = self._result("grad_input", shape, rows.dtype)
        g = self._as_rows(grad_output)
        with quiet():
            _layer_norm_gradients(
                g, self._weighted(g, self._row("weight")), rows, mean, scale,
                self._of_rows("sum", rows), self._step("weight"), self._step("bias"),
                self._as_rows(result),
            )  # fmt: skip
        self._write_steps(accumulate)
        return result

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
    The mean is formed in float64.

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

    def forward(self, x: Array) -> Array:
        """The normalised samples, of the shape of x, (*, normalized_shape)."""
        rows = self._rows(x)
        y = self._result("output", x.shape, x.dtype)
        scale = self._of_rows("scale", rows)
        eps = float(np.finfo(x.dtype).eps) if self.eps is None else self.eps
        with quiet():
            _rms_norm(rows, self._row("weight"), eps, scale, self._as_rows(y))
        self._workspace.saved = x.shape, rows, scale
        return y

    def backward(self, grad_output: Array, accumulate: bool = False) -> Array:
        shape, rows, scale = self._saved()
        check_gradient(grad_output, shape, rows.dtype)
        result = self._result("grad_input", shape, rows.dtype)
        g = self._as_rows(grad_output)
        with quiet():
            _rms_norm_gradients(
                g, self._weighted(g, self._row("weight")), rows, scale,
                self._of_rows("sum", rows), self._step("weight"), self._as_rows(result),
            )  # fmt: skip
        self._write_steps(accumulate)
        return result

    def __repr__(self) -> str:
        return (
            f"RMSNorm({self.normalized_shape}, eps={self.eps}, "
            f"elementwise_affine={self.elementwise_affine})"
        )


# The numerics, for rows of samples. What is for a row has shape (rows, 1), in float64; the
# gradients of weight and bias are written in float64, and not where they are None.


def _layer_norm(
    x: Array,
    weight: Array | None,
    bias: Array | None,
    eps: float,
    mean: Array,
    scale: Array,
    y: Array,
) -> None:
    """Write y, and the mean and 1 / sqrt(variance + eps) of each row."""
    np.add.reduce(x, axis=1, dtype=np.float64, keepdims=True, out=mean)
    mean /= x.shape[1]
    np.subtract(x, mean, out=y)
    _inverse_root_mean_square(y, eps, scale)
    y *= scale
    if weight is not None:
        y *= weight
    if bias is not None:
        y += bias


def _layer_norm_gradients(
    g: Array,
    weighted: Array,
    x: Array,
    mean: Array,
    scale: Array,
    row_sum: Array,
    grad_weight: Array | None,
    grad_bias: Array | None,
    grad_x: Array,
) -> None:
    np.subtract(x, mean, out=grad_x)
    grad_x *= scale
    if grad_weight is not None:
        np.einsum("ni,ni->i", g, grad_x, dtype=np.float64, out=grad_weight)
    if grad_bias is not None:
        np.einsum("ni->i", g, dtype=np.float64, out=grad_bias)
    _project(weighted, row_sum, grad_x)
    np.add.reduce(weighted, axis=1, dtype=np.float64, keepdims=True, out=row_sum)
    row_sum /= x.shape[1]
    grad_x -= row_sum
    grad_x *= scale


def _rms_norm(x: Array, weight: Array | None, eps: float, scale: Array, y: Array) -> None:
    """Write y, and 1 / sqrt(mean of x^2 + eps) of each row."""
    _inverse_root_mean_square(x, eps, scale)
    np.multiply(x, scale, out=y)
    if weight is not None:
        y *= weight


def _rms_norm_gradients(
    g: Array,
    weighted: Array,
    x: Array,
    scale: Array,
    row_sum: Array,
    grad_weight: Array | None,
    grad_x: Array,
) -> None:
    np.multiply(x, scale, out=grad_x)
    if grad_weight is not None:
        np.einsum("ni,ni->i", g, grad_x, dtype=np.float64, out=grad_weight)
    _project(weighted, row_sum, grad_x)
    grad_x *= scale


def _inverse_root_mean_square(x: Array, eps: float, scale: Array) -> None:
    np.einsum("ni,ni->n", x, x, dtype=np.float64, out=scale[:, 0])
    scale /= x.shape[1]
    scale += eps
    np.sqrt(scale, out=scale)
    np.reciprocal(scale, out=scale)


def _project(weighted: Array, row_sum: Array, normalised: Array) -> None:
    """Overwrite the normalised rows by the gradient without the share that changes their length."""
    np.einsum("ni,ni->n", weighted, normalised, dtype=np.float64, out=row_sum[:, 0])
    row_sum /= normalised.shape[1]
    normalised *= row_sum
    np.subtract(weighted, normalised, out=normalised)
