"""Functions of the channels along one axis, which a native gufunc takes as two axes: a view."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeGuard

import numpy as np
import numpy.typing as npt
from numpy.lib.array_utils import normalize_axis_index

from ._checks import integer, output

# Of the length of the axis and its number: the two lengths into which it is split, and that of the
# result. Raises ValueError where it cannot be split.
Parts = Callable[[int, int], tuple[tuple[int, int], int]]


def value(
    native: np.ufunc, x: npt.ArrayLike, axis: int, parts: Parts, out: npt.NDArray[Any] | None
) -> Any:
    """What the gufunc makes of the two axes: one of them stays."""
    if out is None and _is_plain(x, axis):
        pair, _ = parts(x.shape[-1], axis)
        return native(x.reshape(*x.shape[:-1], *pair))
    channels = _Channels(x, axis, parts)
    target = output(out, channels.output_shape)
    if target is None:
        dtype = native.resolve_dtypes((channels.x.dtype, None))[-1]
        target = np.empty_like(channels.first(), dtype=dtype)
    native(channels.split(channels.x), out=target, axes=[channels.pair, channels.axis])
    return target


def vjp(
    native: np.ufunc,
    g: npt.ArrayLike,
    x: npt.ArrayLike,
    axis: int,
    parts: Parts,
    out: npt.NDArray[Any] | None,
) -> Any:
    """The gradient with respect to x."""
    if out is None and type(g) is np.ndarray and _is_plain(x, axis):
        pair, kept = parts(x.shape[-1], axis)
        if g.shape == (*x.shape[:-1], kept):
            return native(g, x.reshape(*x.shape[:-1], *pair)).reshape(x.shape)
    channels = _Channels(x, axis, parts)
    gradient = _gradient(g, channels)
    target = output(out, channels.x.shape)
    if target is None:
        dtype = native.resolve_dtypes((gradient.dtype, channels.x.dtype, None))[-1]
        target = np.empty_like(channels.x, dtype=dtype)
    axes = [channels.axis, channels.pair, channels.pair]
    native(gradient, channels.split(channels.x), out=channels.split(target), axes=axes)
    return target


def derivative(
    native: np.ufunc, x: npt.ArrayLike, axis: int, parts: Parts, out: npt.NDArray[Any] | None
) -> Any:
    """The gradient of the sum of the result."""
    x = np.asanyarray(x)
    return vjp(native, np.ones((), x.dtype), x, axis, parts, out)


def _is_plain(x: Any, axis: int) -> TypeGuard[npt.NDArray[Any]]:
    """Whether NumPy alone makes a result of the right layout: the usual call, and a short way."""
    return type(x) is np.ndarray and axis == -1 and x.ndim > 0 and x.flags.c_contiguous


class _Channels:
    """An array and its axis that is to be seen as two."""

    def __init__(self, x: npt.ArrayLike, axis: int, parts: Parts) -> None:
        self.x: npt.NDArray[Any] = np.asanyarray(x)
        self.axis = normalize_axis_index(integer("axis", axis), self.x.ndim)
        self.pair = (self.axis, self.axis + 1)
        shape = self.x.shape
        before, after = shape[: self.axis], shape[self.axis + 1 :]
        lengths, self._kept = parts(shape[self.axis], axis)
        self._split_shape = (*before, *lengths, *after)
        self.output_shape = (*before, self._kept, *after)

    def split(self, array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """An array of the shape of x with the axis as two: never a copy."""
        return array.reshape(self._split_shape)

    def first(self) -> npt.NDArray[Any]:
        """As many channels of x as the result has."""
        return self.x[(slice(None),) * self.axis + (slice(self._kept),)]


def _gradient(g: npt.ArrayLike, channels: _Channels) -> npt.NDArray[Any]:
    # A Python number takes the dtype of x, as beside a ufunc's operand.
    dtype = np.result_type(g, channels.x) if isinstance(g, int | float) else None
    gradient: npt.NDArray[Any] = np.asanyarray(g, dtype)
    shape = channels.output_shape
    if gradient.shape == shape:
        return gradient
    try:
        return np.broadcast_to(gradient, shape, subok=True)
    except ValueError:
        raise ValueError(
            f"g has shape {gradient.shape}; expected {shape}, that of the output, or one that "
            f"broadcasts to it"
        ) from None
