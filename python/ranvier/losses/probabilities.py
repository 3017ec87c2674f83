"""Losses of probabilities and of their logarithms: -log of what a model gives the target."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from .._checks import number
from ._arrays import as_array, like, require_like
from ._call import Call, Evaluation
from ._loss import loss


@loss("binary_cross_entropy")
def binary_cross_entropy(
    call: Call,
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
    return call.elementwise(
        "binary_cross_entropy",
        input,
        target,
        reduction=reduction,
        weight=weight,
        sample_weight=sample_weight,
    )


@loss("binary_cross_entropy_with_logits", "weighted_binary_cross_entropy_with_logits")
def binary_cross_entropy_with_logits(
    call: Call,
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
    row = "binary_cross_entropy_with_logits"
    operands: tuple[npt.ArrayLike, ...] = (input, target)
    if pos_weight is not None:
        row, operands = f"weighted_{row}", (input, target, pos_weight)
    return call.elementwise(
        row, *operands, reduction=reduction, weight=weight, sample_weight=sample_weight
    )


@loss("focal_loss", in_torch=False)
def focal_loss(
    call: Call,
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
    return call.elementwise(
        "focal_loss",
        input,
        target,
        gamma=gamma,
        alpha=alpha,
        reduction=reduction,
        sample_weight=sample_weight,
    )


@loss("kl_div", "kl_div_log_target")
def kl_div(
    call: Call,
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
    by_sample = isinstance(reduction, str) and reduction == "batchmean"
    return call.elementwise(
        "kl_div_log_target" if log_target else "kl_div",
        input,
        target,
        reduction="mean" if by_sample else reduction,
        unit="sample" if by_sample else "element",
        sample_weight=sample_weight,
    )


@loss(
    "poisson_nll_loss_log_input",
    "poisson_nll_loss_log_input_full",
    "poisson_nll_loss",
    "poisson_nll_loss_full",
)
def poisson_nll_loss(
    call: Call,
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
    parameters: dict[str, Any] = {} if log_input else {"eps": eps}
    number("eps", eps)  # also where it is not used
    return call.elementwise(
        f"poisson_nll_loss{'_log_input' if log_input else ''}{'_full' if full else ''}",
        input,
        target,
        reduction=reduction,
        sample_weight=sample_weight,
        **parameters,
    )


@loss("gaussian_nll_loss")
def gaussian_nll_loss(
    call: Evaluation,
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
    means = as_array(input)
    given = like(var, means)
    shape = means.shape
    if given.shape not in (shape, (*shape[:-1], 1), shape[:-1], ()):
        raise ValueError(
            f"var has shape {given.shape}; expected {shape}, {(*shape[:-1], 1)} or {shape[:-1]}"
        )
    if given.ndim == 0:
        given = given.astype(means.dtype)
    column = given.shape == shape[:-1] and given.ndim == means.ndim - 1
    wide = np.broadcast_to(given[..., np.newaxis] if column else given, shape)
    outs = call.gradients_of(means, given)
    inner = call
    if outs is not None and given.shape != shape:
        require_like(outs[1], "out[1]", given, "var")
        inner = Evaluation(graded=True, out=(outs[0], np.empty(shape, means.dtype)))
    value = inner.elementwise(
        "gaussian_nll_loss",
        means,
        target,
        wide,
        full=full,
        eps=eps,
        reduction=reduction,
        sample_weight=sample_weight,
    )
    if outs is not None and inner is not call:
        # The gradient of a number that is repeated is the sum of theirs.
        of_var = inner.gradients[1]
        if given.ndim == 0:
            outs[1][...] = of_var.sum()
        else:
            outs[1][...] = of_var.sum(-1, keepdims=not column)
    return value


@loss("nll_loss")
def nll_loss(
    call: Call,
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
    value = call.classes(
        "nll_loss",
        input,
        target,
        weight=weight,
        ignore_index=ignore_index,
        reduction=reduction,
        sample_weight=sample_weight,
    )
    return value[()] if isinstance(value, np.ndarray) else value
