"""Functions of the channels along one axis, which a native gufunc takes as two axes: a view."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.lib.array_utils import normalize_axis_index

from ._checks import integer

Parts = Callable[[int], tuple[tuple[int, int], int]]


class Channels:
    """An array whose axis is seen as two.

    Parameters
    ----------
    x : array_like
    axis : int
    parts : callable
        Given the length of the axis, the two lengths it is split into, and that of the result.
    """

    def __init__(self, x: npt.ArrayLike, axis: int, parts: Parts) -> None:
        self.x: npt.NDArray[Any] = np.asanyarray(x)
        self.axis = normalize_axis_index(integer("axis", axis), self.x.ndim)
        shape = self.x.shape
        before, after = shape[: self.axis], shape[self.axis + 1 :]
        pair, self._kept = parts(shape[self.axis])
        self._split_shape = (*before, *pair, *after)
        self.output_shape = (*before, self._kept, *after)
        self._last = not after

    def value(self, native: np.ufunc, out: npt.NDArray[Any] | None) -> Any:
        """What the gufunc makes of the two axes: one of them stays."""
        target = self._target(out, self.output_shape)
        if target is None and not self._in_order:
            like = self.x[(slice(None),) * self.axis + (slice(self._kept),)]
            target = np.empty_like(like, dtype=native.resolve_dtypes((self.x.dtype, None))[-1])
        pair = (self.axis, self.axis + 1)
        axes = {} if self._last else {"axes": [pair, self.axis]}
        return native(self.x.reshape(self._split_shape), out=target, **axes)

    def vjp(self, native: np.ufunc, g: npt.ArrayLike, out: npt.NDArray[Any] | None) -> Any:
        """The gradient with respect to x."""
        gradient = self._gradient(g)
        target = self._target(out, self.x.shape)
        if target is None:
            operands = (gradient.dtype, self.x.dtype, None)
            target = np.empty_like(self.x, dtype=native.resolve_dtypes(operands)[-1])
        pair = (self.axis, self.axis + 1)
        axes = {} if self._last else {"axes": [self.axis, pair, pair]}
        split = self._split_shape
        native(gradient, self.x.reshape(split), out=target.reshape(split), **axes)
        return target

    def derivative(self, native: np.ufunc, out: npt.NDArray[Any] | None) -> Any:
        """The gradient of the sum of the result."""
        return self.vjp(native, np.ones((), self.x.dtype), out)

    @property
    def _in_order(self) -> bool:
        """Whether a result that NumPy makes is laid out as x is."""
        return self._last and self.x.flags.c_contiguous

    def _gradient(self, g: npt.ArrayLike) -> npt.NDArray[Any]:
        # A Python number takes the dtype of x, as beside a ufunc's operand.
        dtype = np.result_type(g, self.x) if isinstance(g, int | float) else None
        gradient: npt.NDArray[Any] = np.asanyarray(g, dtype)
        if gradient.shape == self.output_shape:
            return gradient
        try:
            return np.broadcast_to(gradient, self.output_shape, subok=True)
        except ValueError:
            raise ValueError(
                f"g has shape {gradient.shape}; expected {self.output_shape}, that of the output, "
                f"or one that broadcasts to it"
            ) from None

    def _target(
        self, out: npt.NDArray[Any] | None, shape: tuple[int, ...]
    ) -> npt.NDArray[Any] | None:
        if isinstance(out, tuple) and len(out) == 1:
            (out,) = out  # as ufuncs take it
        if out is None:
            return None
        if not isinstance(out, np.ndarray):
            raise TypeError(f"out is a {type(out).__name__}; expected a numpy.ndarray")
        if out.shape != shape:
            raise ValueError(f"out has shape {out.shape}; expected {shape}")
        return out
