"""Normalisation over the samples of a batch."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .._checks import number, positive
from .._native import _core
from ._workspace import Array
from .module import Buffer, Module, Parameter, check_gradient, check_input

__all__ = ["BatchNorm1d"]


class BatchNorm1d(Module):
    """(x - mean) / sqrt(variance + eps) * weight + bias, for each channel, which is axis 1.

    Mean and variance are those of the batch in train mode, which the running ones follow, and the
    running ones in eval mode.

    Parameters
    ----------
    num_features : int
        The number of channels.
    eps : float, default 1e-5
        Added to the variance.
    momentum : float or None, default 0.1
        The weight of a new batch in the running statistics; None for the mean over all batches.
    affine : bool, default True
        Whether there are weight and bias.
    track_running_stats : bool, default True
        Without them, the statistics are those of the batch in both modes.
    bias : bool, default True
        Whether there is a bias, where there is a weight.
    dtype : dtype, default float32

    Attributes
    ----------
    weight, bias : ndarray of shape (num_features,)
        1 and 0 at first.
    running_mean, running_var : ndarray of shape (num_features,)
        Buffers, 0 and 1 at first. The variance is the unbiased one, with n - 1.
    num_batches_tracked : ndarray of shape (), int64
        A buffer.

    Raises
    ------
    ValueError
        If num_features is not positive; in `forward`, if x is not of shape (N, num_features) or
        (N, num_features, L), or if a batch has only one value for each channel: its variance says
        nothing.
    TypeError
        If dtype is not float32 or float64.

    Notes
    -----
    Sums are formed in float64, in an order that does not depend on the number of threads.

    References
    ----------
    Ioffe and Szegedy, Batch normalization, arXiv 1502.03167 (2015).

    Examples
    --------
    >>> import numpy as np
    >>> from ranvier import nn
    >>> layer = nn.BatchNorm1d(1, eps=0)
    >>> layer(np.array([[1.0], [3.0]], np.float32)).tolist()
    [[-1.0], [1.0]]
    >>> print(layer.running_mean.round(4).tolist(), layer.running_var.round(4).tolist())
    [0.20000000298023224] [1.100000023841858]
    >>> list(layer.state_dict())
    ['weight', 'bias', 'running_mean', 'running_var', 'num_batches_tracked']
    """

    weight = Parameter()
    bias = Parameter()
    running_mean = Buffer()
    running_var = Buffer()
    num_batches_tracked = Buffer()

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        *,
        bias: bool = True,
        dtype: npt.DTypeLike = np.float32,
    ) -> None:
        super().__init__()
        self.num_features = positive("num_features", num_features)
        self.eps = number("eps", eps)
        self.momentum = None if momentum is None else number("momentum", momentum)
        self.affine = affine
        self.track_running_stats = track_running_stats
        if np.dtype(dtype) not in (np.float32, np.float64):
            raise TypeError(f"dtype is {np.dtype(dtype)}; expected float32 or float64")
        ones, zeros = np.ones(num_features, dtype), np.zeros(num_features, dtype)
        if affine:
            self.add_parameter("weight", ones)
            if bias:
                self.add_parameter("bias", zeros)
            self._gather()
        if track_running_stats:
            self.add_buffer("running_mean", zeros)
            self.add_buffer("running_var", ones)
            self.add_buffer("num_batches_tracked", np.array(0, np.int64))

    def forward(self, x: Array) -> Array:
        """The normalised channels, of the shape of x: (N, C) or (N, C, L), of the layer's dtype."""
        own = [array.dtype for array in (*self._parameters.values(), *self._buffers.values())]
        check_input(x, *own[:1] or (np.float32, np.float64))
        if x.ndim not in (2, 3) or x.shape[1] != self.num_features:
            raise ValueError(
                f"x has shape {x.shape}; expected (N, {self.num_features}) or "
                f"(N, {self.num_features}, L)"
            )
        of_batch = self.training or not self.track_running_stats
        count = x.size // self.num_features
        if of_batch and count < 2:
            raise ValueError(
                f"x has shape {x.shape}; expected more than one value for each channel in a batch "
                "whose statistics are taken"
            )
        x = self._contiguous("x", x)
        y = np.empty(x.shape, x.dtype)
        mean = self._scratch("mean", (self.num_features,), np.float64)
        scale = self._scratch("scale", (self.num_features,), np.float64)
        _core.batch_norm(
            x, self._parameters.get("weight"), self._parameters.get("bias"),
            self._buffers.get("running_mean"), self._buffers.get("running_var"), self._share(),
            self.eps, of_batch, mean, scale, self._work(x), y,
        )  # fmt: skip
        if self.training and self.track_running_stats:
            self._buffers["num_batches_tracked"] += 1
        self._workspace.saved = x, mean, scale, of_batch
        return y

    def backward(self, grad_output: Array, accumulate: bool = False) -> Array:
        x, *_ = self._saved()
        result = np.empty(x.shape, x.dtype)
        self._backward(grad_output, accumulate, result)
        return result

    def backward_parameters(self, grad_output: Array, accumulate: bool = False) -> None:
        x, *_ = self._saved()
        unused = self._workspace.array("grad_input", x.shape, x.dtype)
        self._backward(grad_output, accumulate, unused)

    def _backward(self, grad_output: Array, accumulate: bool, grad_input: Array) -> None:
        x, mean, scale, of_batch = self._saved()
        check_gradient(grad_output, x.shape, x.dtype)
        _core.batch_norm_backward(
            self._contiguous("grad_output", grad_output), x, self._parameters.get("weight"),
            of_batch, mean, scale, self._work(x), grad_input,
            self._gradients.get("weight"), self._gradients.get("bias"), accumulate,
        )  # fmt: skip

    def _share(self) -> float:
        """The weight of the next batch in the running statistics."""
        if self.momentum is None and self.track_running_stats:
            return 1 / (int(self.num_batches_tracked) + 1)
        return self.momentum or 0.0

    def _work(self, x: Array) -> Array:
        length = x.shape[2] if x.ndim == 3 else 1
        size = _core.batch_norm_work(len(x), self.num_features, length)
        return self._scratch("work", (size,), np.float64)

    def __repr__(self) -> str:
        return (
            f"BatchNorm1d({self.num_features}, eps={self.eps:g}, momentum={self.momentum}, "
            f"affine={self.affine}, track_running_stats={self.track_running_stats})"
        )
