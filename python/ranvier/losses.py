"""Losses, each with its gradient in the same pass over the data.

A loss is a function of (gradient, input, target, options...) under the decorator `Loss`: it returns
the value and, if `gradient` is an array, writes the gradient there once everything is checked.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from ._checks import integer, number
from ._native import _core

__all__ = ["Loss", "cross_entropy"]

Array = npt.NDArray[Any]


class Loss:
    """A loss: call it for the value, or `value_and_grad` for the value and its gradient."""

    __name__: str

    def __init__(self, evaluate: Callable[..., Any]) -> None:
        functools.update_wrapper(self, evaluate)
        signature = inspect.signature(evaluate)
        _, *parameters = signature.parameters.values()
        self.__signature__ = signature.replace(parameters=parameters)
        self._evaluate = evaluate

    def __call__(
        self, input: npt.ArrayLike, target: npt.ArrayLike, *args: Any, **kwargs: Any
    ) -> Any:
        return self._evaluate(None, _array(input), _array(target), *args, **kwargs)

    def value_and_grad(
        self,
        input: npt.ArrayLike,
        target: npt.ArrayLike,
        *args: Any,
        out: Array | None = None,
        **kwargs: Any,
    ) -> tuple[Any, Array]:
        """The loss and its gradient with respect to input, in one pass.

        Parameters
        ----------
        input, target, *args, **kwargs
            As for the loss itself.
        out : ndarray, optional
            Where to write the gradient: of the shape and dtype of input, in memory of its own.

        Returns
        -------
        value : float or ndarray
            What the loss itself returns.
        gradient : ndarray
            `out`, or a new array. With reduction "none", the gradient of the sum.

        Raises
        ------
        TypeError, ValueError, IndexError
            As the loss itself, and for an `out` that does not fit. Nothing is written then.
        """
        input = _array(input)
        gradient = np.empty(input.shape, input.dtype) if out is None else out
        value = self._evaluate(gradient, input, _array(target), *args, **kwargs)
        return value, gradient

    def __repr__(self) -> str:
        return f"<loss {self.__name__}>"

    def __reduce__(self) -> str:
        return self.__name__


def _array(values: npt.ArrayLike) -> Array:
    return values if type(values) is np.ndarray else np.asarray(values)


def _weights(values: npt.ArrayLike, name: str, shape: tuple[int, ...], dtype: Any) -> Array:
    array = np.asarray(values)
    if array.dtype.kind not in "fiu":
        raise TypeError(f"{name} has dtype {array.dtype}; expected real numbers")
    if array.shape != shape:
        raise ValueError(f"{name} has shape {array.shape}; expected {shape}")
    with np.errstate(all="ignore"):
        return np.ascontiguousarray(array, dtype).reshape(shape)


def _reduction(name: str) -> int:
    if not isinstance(name, str) or name not in _core.reductions:
        raise ValueError(f"reduction is {name!r}; expected 'mean', 'sum' or 'none'")
    return _core.reductions[name]


def _label(name: str, value: int) -> int:
    label = integer(name, value)
    if not -(2**63) <= label < 2**63:
        raise ValueError(f"{name} is {value!r}; expected -2**63 <= {name} < 2**63")
    return label


@Loss
def cross_entropy(
    gradient: Array | None,
    input: Array,
    target: Array,
    weight: npt.ArrayLike | None = None,
    *,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
    sample_weight: npt.ArrayLike | None = None,
) -> Any:
    """Cross-entropy between scores and classes, -sum_c q_c w_c log softmax(input)_c.

    Parameters
    ----------
    input : ndarray, shape (C,), (N, C) or (N, C, d1, ...)
        Scores (logits) of C classes, float32 or float64, of any strides.
    target : ndarray, shape (), (N,) or (N, d1, ...), or that of input
        The class of each sample, of an integer dtype; or the probability q_c of each class, in the
        shape and dtype of input.
    weight : array_like, shape (C,), optional
        The weight w_c of each class.
    ignore_index : int, default -100
        A sample with this label adds nothing. Not with class probabilities.
    reduction : {"mean", "sum", "none"}, default "mean"
        The mean is weighted by the weights of the samples' classes (not with class probabilities)
        and by sample_weight.
    label_smoothing : float, default 0.0
        This share, from 0 to 1, of each target is spread evenly over the classes.
    sample_weight : array_like, shape (N,), optional
        Multiplies the loss of each sample; of shape () for a single one.

    Returns
    -------
    float or ndarray
        With reduction "none" an array of the dtype of input, one value for each sample. The mean
        over no weight at all is NaN.

    Raises
    ------
    TypeError
        If input is not float32 or float64, or target neither integers nor of input's dtype.
    ValueError
        If a shape does not fit, or an option is out of its range.
    IndexError
        If a label is neither ignore_index nor in 0, ..., C - 1.

    Notes
    -----
    The sums are formed in float64 in a fixed order: the same bits on any number of threads. A class
    with q_c w_c = 0 adds nothing, also where its logarithm is -inf. The gradient p_y - 1 of a
    nearly certain sample keeps its digits.

    References
    ----------
    Szegedy et al., Rethinking the Inception architecture for computer vision, CVPR 2016 (label
    smoothing).

    Examples
    --------
    >>> import numpy as np
    >>> from ranvier import losses
    >>> scores = np.zeros((2, 4))
    >>> value, gradient = losses.cross_entropy.value_and_grad(scores, [3, 0])
    >>> round(value, 6)
    1.386294
    >>> gradient.tolist()
    [[0.125, 0.125, 0.125, -0.375], [-0.375, 0.125, 0.125, 0.125]]
    """
    smoothing = number("label_smoothing", label_smoothing)
    if not 0.0 <= smoothing <= 1.0:
        raise ValueError(f"label_smoothing is {label_smoothing!r}; expected a number from 0 to 1")
    batched = input.ndim > 1
    of_classes = of_samples = None
    if weight is not None:
        classes = input.shape[1:2] if batched else input.shape
        of_classes = _weights(weight, "weight", classes, input.dtype)
    if sample_weight is not None:
        samples = input.shape[:1] if batched else ()
        of_samples = _weights(sample_weight, "sample_weight", samples, np.float64)
    return _core.cross_entropy(
        input,
        target,
        of_classes,
        of_samples,
        _label("ignore_index", ignore_index),
        smoothing,
        _reduction(reduction),
        gradient,
    )
