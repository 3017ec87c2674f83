"""Metrics: they count, and have no gradient."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ._arrays import as_array, labels_of, weights_of
from ._records import check_reduction


class _Metric:
    """A function without a gradient that says so."""

    __name__ = "zero_one_loss"

    def value_and_grad(self, *args: Any, **kwargs: Any) -> Any:
        """Raises TypeError: the share of wrong predictions has no gradient."""
        raise TypeError(
            "zero_one_loss is a metric and has no gradient; train with cross_entropy, for one"
        )

    def __call__(
        self,
        input: npt.ArrayLike,
        target: npt.ArrayLike,
        *,
        reduction: str = "mean",
        sample_weight: npt.ArrayLike | None = None,
    ) -> Any:
        """The share of wrong predictions.

        Parameters
        ----------
        input : array_like, shape (N, C), (C,), or that of target
            Scores of C classes, of which the first largest is the prediction; or predicted classes,
            integers.
        target : array_like of int, shape (N,) or ()
            The class of each sample.
        reduction : {"mean", "sum", "none"}, default "mean"
        sample_weight : array_like, shape (N,), optional
            Multiplies the loss of each sample; the mean is then the weighted one.

        Returns
        -------
        float or ndarray
            With reduction "none", 1 for a wrong prediction and 0 for a right one.

        Examples
        --------
        >>> from ranvier import losses
        >>> losses.zero_one_loss([[0.1, 0.9], [0.8, 0.2]], [1, 1])
        0.5
        """
        check_reduction(reduction)
        predicted = as_array(input)
        if predicted.dtype.kind == "f":
            if predicted.ndim not in (1, 2) or not predicted.shape[-1]:
                raise ValueError(f"input has shape {predicted.shape}; expected (N, C) or (C,)")
            predicted = predicted.argmax(-1)
        elif predicted.dtype.kind not in "iu":
            raise TypeError(f"input has dtype {predicted.dtype}; expected scores or integers")
        labels = labels_of(target, predicted.shape)
        wrong = (predicted != labels).astype(np.float64)
        weights = np.ones(wrong.shape)
        if sample_weight is not None:
            weights = weights_of(sample_weight, "sample_weight", wrong.shape, np.float64)
        if reduction == "none":
            return wrong * weights
        total = np.float64((wrong * weights).sum())
        with np.errstate(all="ignore"):
            return float(total / weights.sum() if reduction == "mean" else total)

    def __repr__(self) -> str:
        return "<loss zero_one_loss>"

    def __reduce__(self) -> str:
        return self.__name__


zero_one_loss = _Metric()
