"""What a loss is: a function with `value_and_grad`, over one pass of native code.

A loss is written as a function of (gradient, arrays..., options...) under the decorator `Loss`.
`gradient` is None where only the value is asked for; else `gradient.of(input, ...)` gives the
arrays that the gradients go to, and the function writes there once everything is checked.
"""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from .._native import _core

Array = npt.NDArray[Any]

_ELEMENTS = """reduction : {"mean", "sum", "none"}, default "mean"
        "none" gives the loss of each element.
    sample_weight : array_like, shape (N,), optional
        Multiplies the losses of each sample along the first axis; the mean is then the weighted
        one.

    Returns
    -------
    float or ndarray
        With reduction "none" an array of the shape and dtype of the input. The mean over nothing,
        or over no weight at all, is NaN.

    Raises
    ------
    TypeError
        If the input is not float32 or float64, or another array neither of its dtype nor of
        integers or bool.
    ValueError
        If a shape does not fit, or an option is out of its range. Nothing is written then.
"""
_SAMPLES = _ELEMENTS.replace(
    '"none" gives the loss of each element.', '"none" gives the loss of each sample.'
).replace(
    "an array of the shape and dtype of the input. The",
    "an array of the dtype of the input, a value for each sample. The",
)


class Gradient:
    """Where a loss writes its gradients: arrays given as `out`, or new ones."""

    def __init__(self, out: Any) -> None:
        self._out = out
        self.arrays: tuple[Array, ...] = ()

    def of(self, *inputs: Array) -> tuple[Array, ...]:
        """One array for each input."""
        if self._out is None:
            self.arrays = tuple(np.empty(i.shape, i.dtype) for i in inputs)
        elif len(inputs) == 1:
            self.arrays = (self._out,)
        elif isinstance(self._out, tuple | list) and len(self._out) == len(inputs):
            self.arrays = tuple(self._out)
        else:
            raise TypeError(f"out is {self._out!r}; expected a tuple of {len(inputs)} arrays")
        return self.arrays

    @property
    def result(self) -> Any:
        return self.arrays[0] if len(self.arrays) == 1 else self.arrays


class Loss:
    """A loss: call it for the value, or `value_and_grad` for the value and its gradient."""

    __name__: str

    def __init__(self, evaluate: Callable[..., Any]) -> None:
        functools.update_wrapper(self, evaluate)
        signature = inspect.signature(evaluate)
        _, *parameters = signature.parameters.values()
        self.__signature__ = signature.replace(parameters=parameters)
        if evaluate.__doc__:
            doc = evaluate.__doc__.replace("{elements}", _ELEMENTS.rstrip())
            self.__doc__ = doc.replace("{samples}", _SAMPLES.rstrip())
        self._evaluate = evaluate

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._evaluate(None, *args, **kwargs)

    def value_and_grad(self, *args: Any, out: Any = None, **kwargs: Any) -> tuple[Any, Any]:
        """The loss and its gradient with respect to input, in one pass.

        Parameters
        ----------
        *args, **kwargs
            As for the loss itself.
        out : ndarray, or a tuple of them, optional
            Where to write the gradient: of the shape and dtype of input, in memory of its own. One
            for each input, where the loss has several.

        Returns
        -------
        value : float or ndarray
            What the loss itself returns.
        gradient : ndarray, or a tuple of them
            `out`, or new arrays. With reduction "none", the gradient of the sum.

        Raises
        ------
        TypeError, ValueError, IndexError
            As the loss itself, and for an `out` that does not fit. Nothing is written then.
        """
        gradient = Gradient(out)
        value = self._evaluate(gradient, *args, **kwargs)
        return value, gradient.result

    def __repr__(self) -> str:
        return f"<loss {self.__name__}>"

    def __reduce__(self) -> str:
        return self.__name__


def as_array(values: npt.ArrayLike) -> Array:
    return values if type(values) is np.ndarray else np.asarray(values)


def like(values: npt.ArrayLike, input: Array) -> Array:
    """An array beside the input: integers and bool in the input's dtype."""
    array = as_array(values)
    return array.astype(input.dtype) if array.dtype.kind in "iub" else array


def weights_of(values: npt.ArrayLike, name: str, shape: tuple[int, ...], dtype: Any) -> Array:
    """Weights as a contiguous array."""
    array = np.asarray(values)
    if array.dtype.kind not in "fiu":
        raise TypeError(f"{name} has dtype {array.dtype}; expected real numbers")
    if array.shape != shape:
        raise ValueError(f"{name} has shape {array.shape}; expected {shape}")
    with np.errstate(all="ignore"):
        return np.ascontiguousarray(array, dtype).reshape(shape)


def broadcast_weights(
    values: npt.ArrayLike, name: str, shape: tuple[int, ...], dtype: Any
) -> Array:
    """Weights as a view that repeats them to the shape."""
    array = np.asarray(values)
    if array.dtype.kind not in "fiu":
        raise TypeError(f"{name} has dtype {array.dtype}; expected real numbers")
    try:
        with np.errstate(all="ignore"):
            return np.broadcast_to(array.astype(dtype), shape)
    except ValueError:
        raise ValueError(
            f"{name} has shape {array.shape}; expected one that broadcasts to {shape}"
        ) from None


def reduction_of(name: str) -> int:
    if not isinstance(name, str) or name not in _core.reductions:
        raise ValueError(f"reduction is {name!r}; expected 'mean', 'sum' or 'none'")
    return _core.reductions[name]


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


def repeated(weights: Array, shape: tuple[int, ...]) -> Array:
    """A weight for each sample, the first axis, as a view for each loss."""
    return np.broadcast_to(
        weights.reshape(weights.shape + (1,) * (len(shape) - weights.ndim)), shape
    )


def elementwise(
    name: str,
    gradient: Gradient | None,
    operands: Mapping[str, npt.ArrayLike],
    parameters: Sequence[float] = (),
    *,
    reduction: str,
    sample_weight: npt.ArrayLike | None,
    weight: npt.ArrayLike | None = None,
    mean_by_weight: bool = False,
    share: float = 1.0,
) -> Any:
    """`share` of a loss that is a sum over elements.

    Parameters
    ----------
    operands : mapping of str to array_like
        By the names that errors call them; the first is the input. The gradients are those of the
        input and, where the loss has two, of the third.
    mean_by_weight : bool
        Whether the mean is weighted by `weight` too, and not by sample_weight alone.
    """
    reduction_of(reduction)
    index, graded = _core.elementwise_losses[name]
    (first, values), *others = operands.items()
    input = as_array(values)
    arrays = {first: input} | {other: like(values, input) for other, values in others}
    of_mean, of_elements = float(input.size), None
    if sample_weight is not None:
        of_samples = weights_of(sample_weight, "sample_weight", input.shape[:1], np.float64)
        of_mean = float(of_samples.sum()) * (input.size / max(1, of_samples.size))
        of_elements = repeated(of_samples, input.shape)
    if weight is not None:
        given = broadcast_weights(weight, "weight", input.shape, np.float64)
        of_elements = given if of_elements is None else given * of_elements
        if mean_by_weight:
            of_mean = float(of_elements.sum())
    divisor = of_mean if reduction == "mean" else 1.0
    graded_inputs = [input, *list(arrays.values())[2:]][:graded]
    return _core.elementwise_loss(
        index,
        list(arrays.values()),
        list(arrays),
        [float(p) for p in parameters],
        of_elements,
        divisor / share if share else math.inf,
        reduction == "none",
        [] if gradient is None else gradient.of(*graded_inputs),
    )


def rows(
    name: str,
    gradient: Gradient | None,
    arrays: Mapping[str, npt.ArrayLike],
    *,
    labels: Array | None = None,
    classes: bool = True,
    parameters: Sequence[float] = (),
    weight: npt.ArrayLike | None = None,
    reduction: str,
    sample_weight: npt.ArrayLike | None,
) -> Any:
    """A loss of whole rows: arrays of shape (N, C), or of (C,) for a single sample.

    Parameters
    ----------
    labels : ndarray of int, optional
        One for each sample, or C of them where a sample has a list of labels.
    classes : bool
        Whether the labels are classes, 0, ..., C - 1.
    """
    reduction_of(reduction)
    index, graded = _core.row_losses[name]
    (first, values), *others = arrays.items()
    input = as_array(values)
    if input.ndim not in (1, 2):
        raise ValueError(f"{first} has shape {input.shape}; expected (N, C) or (C,)")
    given = {first: input} | {other: like(values, input) for other, values in others}
    for other, array in given.items():
        if array.shape != input.shape:
            raise ValueError(
                f"{other} has shape {array.shape}; expected {input.shape}, that of {first}"
            )
    single = input.ndim == 1
    samples = 1 if single else len(input)
    of_samples = of_classes = None
    if sample_weight is not None:
        batch = input.shape[:-1]
        of_samples = weights_of(sample_weight, "sample_weight", batch, np.float64).reshape(-1)
    if weight is not None:
        of_classes = weights_of(weight, "weight", input.shape[-1:], np.float64)
    divisor = 1.0
    if reduction == "mean":
        divisor = float(samples if of_samples is None else of_samples.sum())
    out = () if gradient is None else gradient.of(*list(given.values())[:graded])
    for k, array in enumerate(out):
        require_like(array, f"out[{k}]" if len(out) > 1 else "out", input, first)
    if labels is not None:
        shape = (samples, input.shape[-1]) if labels.ndim == input.ndim else (samples,)
        labels = np.ascontiguousarray(labels, np.int64).reshape(shape)

    def batched(array: Array) -> Array:
        return array[np.newaxis] if single else array

    result = _core.row_loss(
        index,
        [batched(array) for array in given.values()],
        list(given),
        labels,
        classes,
        [float(p) for p in parameters],
        of_classes,
        of_samples,
        divisor,
        reduction == "none",
        [batched(array) for array in out],
    )
    return result[0] if single and reduction == "none" else result


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
