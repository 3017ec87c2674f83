"""Arrays as the native losses take them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ._records import Operand

Array = npt.NDArray[Any]


def as_array(values: npt.ArrayLike) -> Array:
    return values if type(values) is np.ndarray else np.asarray(values)


def like(values: npt.ArrayLike, input: Array) -> Array:
    """An array beside the input: integers and bool in the input's dtype."""
    array = as_array(values)
    return array.astype(input.dtype) if array.dtype.kind in "iub" else array


def beside(operand: Operand, values: npt.ArrayLike, input: Array) -> Array:
    """An operand beside the input; weights and costs broadcast to its shape."""
    if operand.kind in ("weights", "costs"):
        return broadcast_weights(values, operand.name, input.shape, input.dtype)
    return like(values, input)


def _real(values: npt.ArrayLike, name: str) -> Array:
    array = np.asarray(values)
    if array.dtype.kind not in "fiu":
        raise TypeError(f"{name} has dtype {array.dtype}; expected real numbers")
    return array


def weights_of(values: npt.ArrayLike, name: str, shape: tuple[int, ...], dtype: Any) -> Array:
    """Weights as a contiguous array."""
    array = _real(values, name)
    if array.shape != shape:
        raise ValueError(f"{name} has shape {array.shape}; expected {shape}")
    with np.errstate(all="ignore"):
        return np.ascontiguousarray(array, dtype).reshape(shape)


def broadcast_weights(
    values: npt.ArrayLike, name: str, shape: tuple[int, ...], dtype: Any
) -> Array:
    """Weights as a view that repeats them to the shape."""
    array = _real(values, name)
    try:
        with np.errstate(all="ignore"):
            return np.broadcast_to(array.astype(dtype), shape)
    except ValueError:
        raise ValueError(
            f"{name} has shape {array.shape}; expected one that broadcasts to {shape}"
        ) from None


def weights_of_columns(values: npt.ArrayLike, name: str, dtype: Any) -> Array | None:
    """Weights for every row of a matrix alike, as one number or a row; None for others."""
    array = _real(values, name)
    if array.ndim > 2 or array.size == 0 or (array.ndim == 2 and len(array) != 1):
        return None
    with np.errstate(all="ignore"):
        row = np.ascontiguousarray(array, dtype)
    return row.reshape(-1) if array.ndim else row.reshape(())


def require_like(out: Any, name: str, array: Array, array_name: str) -> None:
    """Raise unless a gradient can be written to `out`."""
    if not isinstance(out, np.ndarray):
        raise TypeError(f"{name} is a {type(out).__name__}; expected a numpy.ndarray")
    if out.dtype != array.dtype:
        raise TypeError(
            f"{name} has dtype {out.dtype}; expected {array.dtype}, that of {array_name}"
        )
    if out.shape != array.shape:
        raise ValueError(
            f"{name} has shape {out.shape}; expected {array.shape}, that of {array_name}"
        )
    if not out.flags.writeable:
        raise ValueError(f"{name} is read-only; expected it writeable")


def labels_of(target: npt.ArrayLike, shape: tuple[int, ...]) -> Array:
    """Integers of the shape, int64."""
    array = as_array(target)
    if array.dtype.kind not in "iu":
        raise TypeError(f"target has dtype {array.dtype}; expected integers")
    if array.shape != shape:
        raise ValueError(f"target has shape {array.shape}; expected {shape}")
    if array.dtype == np.uint64 and array.size and array.max() >= 2**63:
        raise IndexError(f"target has the label {array.max()}; expected less than 2**63")
    return array.astype(np.int64)
