"""Cross-entropy of scores and classes."""

from __future__ import annotations

from typing import Any

import numpy.typing as npt

from ._call import Call
from ._loss import loss


@loss("cross_entropy")
def cross_entropy(
    call: Call,
    input: npt.ArrayLike,
    target: npt.ArrayLike,
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
    return call.classes(
        "cross_entropy",
        input,
        target,
        weight=weight,
        ignore_index=ignore_index,
        label_smoothing=label_smoothing,
        reduction=reduction,
        sample_weight=sample_weight,
    )
