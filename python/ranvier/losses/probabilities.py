"""Losses of probabilities and of their logarithms: -log of what a model gives the target."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from .._checks import integer, number
from ._loss import (
    Gradient,
    Loss,
    as_array,
    broadcast_weights,
    elementwise,
    labels_of,
    like,
    reduction_of,
    repeated,
    require_like,
    rows,
    weights_of,
)


def _in_range(name: str, values: npt.ArrayLike, low: float, high: float, what: str) -> None:
    """NaN passes: it makes the result NaN."""
    array = as_array(values)
    if array.dtype.kind not in "fiub" or not array.size:
        return
    least, most = array.min(), array.max()
    if least < low or most > high:
        wrong = least if least < low else most
        raise ValueError(f"{name} has the value {wrong}; expected {what}")


@Loss
def binary_cross_entropy(
    gradient: Gradient | None,
    input: npt.ArrayLike,
    target: npt.ArrayLike,
    weight: npt.ArrayLike | None = None,
    *,
    reduction: str = "mean",
    sample_weight: npt.ArrayLike | None = None,
) -> Any:
    """Cross-entropy of probabilities, -y log x - (1 - y) log(1 - x).

    The logarithms are cut at -100 and the denominator of the gradient, x (1 - x), at 1e-12, as in
    torch. From scores, `binary_cross_entropy_with_logits` loses nothing to either.

    Parameters
    ----------
    input : array_like
        Probabilities x, from 0 to 1.
    target : array_like
        y, from 0 to 1, of the same shape.
    weight : array_like, optional
        Multiplies the losses of the elements, to whose shape it broadcasts; the mean is still that
        over all elements.
    {elements}

    Examples
    --------
    >>> from ranvier import losses
    >>> value, gradient = losses.binary_cross_entropy.value_and_grad([0.5, 0.5], [1.0, 0.0])
    >>> round(value, 6), gradient.tolist()
    (0.693147, [-1.0, 1.0])
    """
    _in_range("input", input, 0, 1, "probabilities from 0 to 1")
    return elementwise(
        "binary_cross_entropy",
        gradient,
        {"input": input, "target": target},
        reduction=reduction,
        weight=weight,
        sample_weight=sample_weight,
    )


@Loss
def binary_cross_entropy_with_logits(
    gradient: Gradient | None,
    input: npt.ArrayLike,
    target: npt.ArrayLike,
    weight: npt.ArrayLike | None = None,
    *,
    reduction: str = "mean",
    pos_weight: npt.ArrayLike | None = None,
    sample_weight: npt.ArrayLike | None = None,
) -> Any:
    """Cross-entropy of scores, y log(1 + e^-x) + (1 - y) log(1 + e^x), of any size.

    Parameters
    ----------
    input : array_like
        Scores (logits) x. What has no share in the target adds nothing: the loss of +inf is 0 where
        y is 1.
    target : array_like
        y, from 0 to 1, of the same shape.
    weight : array_like, optional
        Multiplies the losses of the elements, to whose shape it broadcasts; the mean is still that
        over all elements.
    pos_weight : array_like, optional
        Multiplies the part of y, broadcast to the shape of input.
    {elements}

    Examples
    --------
    >>> from ranvier import losses
    >>> value, gradient = losses.binary_cross_entropy_with_logits.value_and_grad([0.0], [1.0])
    >>> round(value, 6), gradient.tolist()
    (0.693147, [-0.5])
    """
    name = "binary_cross_entropy_with_logits"
    operands: dict[str, npt.ArrayLike] = {"input": input, "target": target}
    if pos_weight is not None:
        name = f"weighted_{name}"
        scores = as_array(input)
        operands["pos_weight"] = broadcast_weights(
            pos_weight, "pos_weight", scores.shape, scores.dtype
        )
    return elementwise(
        name,
        gradient,
        operands,
        reduction=reduction,
        weight=weight,
        sample_weight=sample_weight,
    )


@Loss
def focal_loss(
    gradient: Gradient | None,
    input: npt.ArrayLike,
    target: npt.ArrayLike,
    *,
    gamma: float = 2.0,
    alpha: float | None = None,
    reduction: str = "mean",
    sample_weight: npt.ArrayLike | None = None,
) -> Any:
    """Cross-entropy of scores that counts less where the model is right, a r^gamma c.

    c is `binary_cross_entropy_with_logits` and r the probability that the model gives the wrong
    class.

    Parameters
    ----------
    input : array_like
        Scores (logits).
    target : array_like
        1 for the class and 0 for what is not it, of the same shape.
    gamma : float, default 2.0
        Not negative; 0 gives the cross-entropy.
    alpha : float, optional
        Weight of the class, from 0 to 1, beside 1 - alpha for what is not it; none by default.
    {elements}

    References
    ----------
    Lin, Goyal, Girshick, He and Dollar, Focal loss for dense object detection, ICCV 2017.

    Examples
    --------
    >>> from ranvier import losses
    >>> round(losses.focal_loss([0.0], [1.0]), 6)
    0.173287
    """
    power = number("gamma", gamma)
    if not 0 <= power < float("inf"):
        raise ValueError(f"gamma is {gamma!r}; expected a non-negative, finite number")
    balance = -1.0
    if alpha is not None:
        balance = number("alpha", alpha)
        if not 0 <= balance <= 1:
            raise ValueError(f"alpha is {alpha!r}; expected a number from 0 to 1, or None")
    return elementwise(
        "focal_loss",
        gradient,
        {"input": input, "target": target},
        (power, balance),
        reduction=reduction,
        sample_weight=sample_weight,
    )


@Loss
def kl_div(
    gradient: Gradient | None,
    input: npt.ArrayLike,
    target: npt.ArrayLike,
    *,
    reduction: str = "mean",
    log_target: bool = False,
    sample_weight: npt.ArrayLike | None = None,
) -> Any:
    """Kullback-Leibler divergence of a model from a distribution, y (log y - x).

    Parameters
    ----------
    input : array_like
        x, logarithms of the model's probabilities.
    target : array_like
        Probabilities y, or their logarithms, of the same shape. Where y is 0 the loss is.
    log_target : bool, default False
        Whether target holds logarithms.
    reduction : {"mean", "batchmean", "sum", "none"}, default "mean"
        "mean" is that over all elements, as in torch; "batchmean", over the samples, is the
        divergence.
    sample_weight : array_like, shape (N,), optional
        Multiplies the losses of each sample along the first axis; a mean is then the weighted one.

    Returns
    -------
    float or ndarray
        With reduction "none" an array of the shape and dtype of the input.

    Raises
    ------
    TypeError, ValueError
        If a dtype, a shape or an option does not fit. Nothing is written then.

    Examples
    --------
    >>> import numpy as np
    >>> from ranvier import losses
    >>> value = losses.kl_div(np.log([[0.5, 0.5]]), [[1.0, 0.0]], reduction="batchmean")
    >>> round(value, 6)
    0.693147
    """
    share = 1.0
    if isinstance(reduction, str) and reduction == "batchmean":
        shape = np.shape(input)
        share = float(np.prod(shape[1:]))  # times the mean over all elements
        reduction = "mean"
    return elementwise(
        "kl_div_log_target" if log_target else "kl_div",
        gradient,
        {"input": input, "target": target},
        reduction=reduction,
        sample_weight=sample_weight,
        share=share,
    )


@Loss
def poisson_nll_loss(
    gradient: Gradient | None,
    input: npt.ArrayLike,
    target: npt.ArrayLike,
    log_input: bool = True,
    full: bool = False,
    *,
    eps: float = 1e-8,
    reduction: str = "mean",
    sample_weight: npt.ArrayLike | None = None,
) -> Any:
    """Negative log-likelihood of counts, e^x - y x, or x - y log(x + eps).

    Parameters
    ----------
    input : array_like
        Logarithms of the expected counts; the counts themselves without `log_input`.
    target : array_like
        Counts y, of the same shape.
    log_input : bool, default True
        Whether input holds logarithms.
    full : bool, default False
        Add log(y!) by Stirling's formula, for y > 1.
    eps : float, default 1e-8
        Keeps the logarithm finite, without `log_input`.
    {elements}

    Examples
    --------
    >>> from ranvier import losses
    >>> losses.poisson_nll_loss.value_and_grad([0.0], [3.0])
    (1.0, array([-2.]))
    """
    return elementwise(
        f"poisson_nll_loss{'_log_input' if log_input else ''}{'_full' if full else ''}",
        gradient,
        {"input": input, "target": target},
        (number("eps", eps),),
        reduction=reduction,
        sample_weight=sample_weight,
    )


@Loss
def gaussian_nll_loss(
    gradient: Gradient | None,
    input: npt.ArrayLike,
    target: npt.ArrayLike,
    var: npt.ArrayLike,
    full: bool = False,
    eps: float = 1e-6,
    *,
    reduction: str = "mean",
    sample_weight: npt.ArrayLike | None = None,
) -> Any:
    """Negative log-likelihood of a normal distribution, (log v + (x - y)^2 / v) / 2.

    `value_and_grad` gives the gradients of input and var.

    Parameters
    ----------
    input : array_like
        Means x.
    target : array_like
        Observations y, of the same shape.
    var : array_like
        Variances v, not negative: of the shape of input; of that without the last axis or with a
        last axis of 1; or a number.
    full : bool, default False
        Add log(2 pi) / 2.
    eps : float, default 1e-6
        v is at least that; the gradient of var is the one at the larger of both, as in torch.
    {elements}

    References
    ----------
    Nix and Weigend, Estimating the mean and variance of the target probability distribution, 1994.

    Examples
    --------
    >>> from ranvier import losses
    >>> value, gradients = losses.gaussian_nll_loss.value_and_grad([1.0], [0.0], [1.0])
    >>> value, [g.tolist() for g in gradients]
    (0.5, [[1.0], [0.0]])
    """
    least = number("eps", eps)
    if not least > 0:
        raise ValueError(f"eps is {eps!r}; expected a positive number")
    means = as_array(input)
    given = like(var, means)
    _in_range("var", given, 0, np.inf, "no negative variance")
    shape = means.shape
    if given.shape not in (shape, (*shape[:-1], 1), shape[:-1], ()):
        raise ValueError(
            f"var has shape {given.shape}; expected {shape}, {(*shape[:-1], 1)} or {shape[:-1]}"
        )
    if given.ndim == 0:
        given = given.astype(means.dtype)
    column = given.shape == shape[:-1] and given.ndim == means.ndim - 1
    wide = np.broadcast_to(given[..., np.newaxis] if column else given, shape)
    inner = gradient
    if gradient is not None:
        outs = gradient.of(means, given)
        require_like(outs[1], "out[1]", given, "var")
        inner = Gradient(outs if given.shape == shape else (outs[0], np.empty(shape, means.dtype)))
    value = elementwise(
        "gaussian_nll_loss",
        inner,
        {"input": means, "target": target, "var": wide},
        (float(bool(full)), least),
        reduction=reduction,
        sample_weight=sample_weight,
    )
    if gradient is not None and inner is not None and given.shape != shape:
        # What is repeated has the sum of the gradients.
        of_var = inner.arrays[1]
        if given.ndim == 0:
            gradient.arrays[1][...] = of_var.sum()
        else:
            gradient.arrays[1][...] = of_var.sum(-1, keepdims=not column)
    return value


@Loss
def nll_loss(
    gradient: Gradient | None,
    input: npt.ArrayLike,
    target: npt.ArrayLike,
    weight: npt.ArrayLike | None = None,
    *,
    ignore_index: int = -100,
    reduction: str = "mean",
    sample_weight: npt.ArrayLike | None = None,
) -> Any:
    """Negative log-likelihood of classes, -w_y x_y of logarithms x of probabilities.

    Parameters
    ----------
    input : ndarray, shape (C,), (N, C) or (N, C, d1, ...)
        Logarithms of the probabilities of C classes, float32 or float64.
    target : array_like of int, shape (), (N,) or (N, d1, ...)
        The class of each sample.
    weight : array_like, shape (C,), optional
        The weight w_c of each class.
    ignore_index : int, default -100
        A sample with this label adds nothing.
    reduction : {"mean", "sum", "none"}, default "mean"
        The mean is weighted by the weights of the samples' classes and by sample_weight.
    sample_weight : array_like, shape (N,), optional
        Multiplies the loss of each sample.

    Returns
    -------
    float or ndarray
        With reduction "none" an array of the dtype of input, of the shape of target. The mean over
        no weight at all is NaN.

    Raises
    ------
    TypeError, ValueError
        If a dtype, a shape or an option does not fit. Nothing is written then.
    IndexError
        If a label is neither ignore_index nor in 0, ..., C - 1.

    Examples
    --------
    >>> import numpy as np
    >>> from ranvier import losses
    >>> value, gradient = losses.nll_loss.value_and_grad(np.log([[0.5, 0.5]]), [1])
    >>> round(value, 6), gradient.tolist()
    (0.693147, [[0.0, -1.0]])
    """
    reduction_of(reduction)
    x = as_array(input)
    if x.dtype not in (np.float32, np.float64):
        raise TypeError(f"input has dtype {x.dtype}; expected float32 or float64")
    if x.ndim < 1:
        raise ValueError("input has shape (); expected (C,), (N, C) or (N, C, d1, ...)")
    axis = 1 if x.ndim > 1 else 0
    classes = x.shape[axis]
    labels = labels_of(target, x.shape[:axis] + x.shape[axis + 1 :])
    kept = labels != integer("ignore_index", ignore_index)
    wrong = kept & ((labels < 0) | (labels >= classes))
    if wrong.any():
        position = int(np.argmax(wrong))
        raise IndexError(
            f"target has the label {labels.reshape(-1)[position]} at position {position}; expected "
            f"0 <= label < {classes} or ignore_index={ignore_index}"
        )
    at = np.where(kept, labels, 0)
    weights = kept.astype(np.float64)
    if weight is not None:
        weights *= weights_of(weight, "weight", (classes,), np.float64)[at] if classes else 0.0
    if sample_weight is not None:
        of_samples = weights_of(sample_weight, "sample_weight", x.shape[:axis], np.float64)
        weights *= repeated(of_samples, weights.shape)
    if x.ndim <= 2:
        return rows(  # a label of -1 is ignored
            "negative_log_likelihood",
            gradient,
            {"input": x},
            labels=np.where(kept, labels, -1),
            classes=False,
            reduction=reduction,
            sample_weight=weights,
        )
    index = np.expand_dims(at, axis)
    divisor = float(weights.sum()) if reduction == "mean" else 1.0
    with np.errstate(all="ignore"):
        chosen = np.take_along_axis(x, index, axis).squeeze(axis) if x.size else np.zeros(at.shape)
        # What weighs nothing adds nothing, infinite or not.
        each = np.where(weights == 0, 0.0, -weights * chosen.astype(np.float64))
        if gradient is not None:
            (out,) = gradient.of(x)
            require_like(out, "out", x, "input")
            if np.shares_memory(out, x):
                raise ValueError("out overlaps input in memory; expected an array of its own")
            out[...] = 0
            if x.size:
                slopes = np.expand_dims(-weights / np.float64(divisor), axis).astype(x.dtype)
                np.put_along_axis(out, index, slopes, axis)
        if reduction == "none":
            return each.astype(x.dtype)
        return float(np.float64(each.sum()) / np.float64(divisor))
