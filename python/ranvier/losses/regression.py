"""Losses of the difference of a prediction and its target."""

from __future__ import annotations

from typing import Any

import numpy.typing as npt

from ._call import Call
from ._loss import loss


@loss("mse_loss")
def mse_loss(
    call: Call,
    input: npt.ArrayLike,
    target: npt.ArrayLike,
    *,
    reduction: str = "mean",
    weight: npt.ArrayLike | None = None,
    sample_weight: npt.ArrayLike | None = None,
) -> Any:
    """Squared error, (input - target)^2.

    Parameters
    ----------
    input, target : array_like
        Of one shape.
    weight : array_like, optional
        Multiplies the losses of the elements, to whose shape it broadcasts. The mean is then the
        weighted one, as in torch.
    {elements}

    Examples
    --------
    >>> from ranvier import losses
    >>> losses.mse_loss.value_and_grad([1.0, 2.0], [1.0, 4.0])
    (2.0, array([ 0., -2.]))
    """
    return call.elementwise(
        "mse_loss",
        input,
        target,
        reduction=reduction,
        sample_weight=sample_weight,
        weight=weight,
        mean_by_weight=True,
    )


@loss("l1_loss")
def l1_loss(
    call: Call,
    input: npt.ArrayLike,
    target: npt.ArrayLike,
    *,
    reduction: str = "mean",
    weight: npt.ArrayLike | None = None,
    sample_weight: npt.ArrayLike | None = None,
) -> Any:
    """Absolute error, ``|input - target|``, with the slope 0 where it is 0.

    Parameters
    ----------
    input, target : array_like
        Of one shape.
    weight : array_like, optional
        Multiplies the losses of the elements, to whose shape it broadcasts. The mean is then the
        weighted one, as in torch.
    {elements}

    Examples
    --------
    >>> from ranvier import losses
    >>> losses.l1_loss([1.0, 2.0], [1.0, 4.0])
    1.0
    """
    return call.elementwise(
        "l1_loss",
        input,
        target,
        reduction=reduction,
        sample_weight=sample_weight,
        weight=weight,
        mean_by_weight=True,
    )


@loss("smooth_l1_loss")
def smooth_l1_loss(
    call: Call,
    input: npt.ArrayLike,
    target: npt.ArrayLike,
    *,
    reduction: str = "mean",
    beta: float = 1.0,
    sample_weight: npt.ArrayLike | None = None,
) -> Any:
    """Squared near 0, absolute beyond: d^2 / (2 beta) for d < beta, d - beta / 2 otherwise.

    Parameters
    ----------
    input, target : array_like
        Of one shape; d is the size of their difference.
    beta : float, default 1.0
        Where the two meet. 0 gives `l1_loss`.
    {elements}

    References
    ----------
    Girshick, Fast R-CNN, arXiv 1504.08083 (2015).

    Examples
    --------
    >>> from ranvier import losses
    >>> losses.smooth_l1_loss([0.5, 3.0], [0.0, 0.0], reduction="none")
    array([0.125, 2.5  ])
    """
    return call.elementwise(
        "smooth_l1_loss",
        input,
        target,
        beta=beta,
        reduction=reduction,
        sample_weight=sample_weight,
    )


@loss("huber_loss")
def huber_loss(
    call: Call,
    input: npt.ArrayLike,
    target: npt.ArrayLike,
    *,
    reduction: str = "mean",
    delta: float = 1.0,
    weight: npt.ArrayLike | None = None,
    sample_weight: npt.ArrayLike | None = None,
) -> Any:
    """Squared near 0, absolute beyond: d^2 / 2 for d <= delta, delta (d - delta / 2) otherwise.

    Parameters
    ----------
    input, target : array_like
        Of one shape; d is the size of their difference.
    delta : float, default 1.0
        Where the two meet, positive.
    weight : array_like, optional
        Multiplies the losses of the elements, to whose shape it broadcasts. The mean is still
        that over all elements, as in torch.
    {elements}

    References
    ----------
    Huber, Robust estimation of a location parameter, Annals of Mathematical Statistics 35 (1964).

    Examples
    --------
    >>> from ranvier import losses
    >>> losses.huber_loss([0.5, 3.0], [0.0, 0.0], reduction="none", delta=2.0)
    array([0.125, 4.   ])
    """
    return call.elementwise(
        "huber_loss",
        input,
        target,
        delta=delta,
        reduction=reduction,
        sample_weight=sample_weight,
        weight=weight,
    )


@loss("lq_loss", in_torch=False)
def lq_loss(
    call: Call,
    input: npt.ArrayLike,
    target: npt.ArrayLike,
    *,
    q: float = 2.0,
    reduction: str = "mean",
    sample_weight: npt.ArrayLike | None = None,
) -> Any:
    """A power of the absolute error, ``|input - target|^q``, with the slope 0 where it is 0.

    Parameters
    ----------
    input, target : array_like
        Of one shape.
    q : float, default 2.0
        Positive and finite.
    {elements}

    References
    ----------
    Bishop, Pattern recognition and machine learning, 2006, section 1.5.5.

    Examples
    --------
    >>> from ranvier import losses
    >>> losses.lq_loss.value_and_grad([2.0, 1.0], [0.0, 1.0], q=3, reduction="sum")
    (8.0, array([12.,  0.]))
    """
    return call.elementwise(
        "lq_loss",
        input,
        target,
        q=q,
        reduction=reduction,
        sample_weight=sample_weight,
    )


@loss("log_cosh_loss", in_torch=False)
def log_cosh_loss(
    call: Call,
    input: npt.ArrayLike,
    target: npt.ArrayLike,
    *,
    reduction: str = "mean",
    sample_weight: npt.ArrayLike | None = None,
) -> Any:
    """Logarithm of the hyperbolic cosine of the error, log cosh(input - target).

    About d^2 / 2 for a small error d, and ``|d| - log 2`` for a large one; it does not overflow.

    Parameters
    ----------
    input, target : array_like
        Of one shape.
    {elements}

    Examples
    --------
    >>> from ranvier import losses
    >>> round(losses.log_cosh_loss([1.0], [0.0]), 9)
    0.43378083
    """
    return call.elementwise(
        "log_cosh_loss",
        input,
        target,
        reduction=reduction,
        sample_weight=sample_weight,
    )


@loss("quantile_loss", in_torch=False)
def quantile_loss(
    call: Call,
    input: npt.ArrayLike,
    target: npt.ArrayLike,
    *,
    quantile: float = 0.5,
    reduction: str = "mean",
    sample_weight: npt.ArrayLike | None = None,
) -> Any:
    """Pinball loss: q d for d = target - input > 0, (q - 1) d otherwise.

    Its mean is least where input is the q-quantile of the targets. The slope at d = 0 is 0.

    Parameters
    ----------
    input, target : array_like
        Of one shape.
    quantile : float, default 0.5
        q, from 0 to 1. 0.5 gives half of `l1_loss`.
    {elements}

    References
    ----------
    Koenker and Bassett, Regression quantiles, Econometrica 46 (1978).

    Examples
    --------
    >>> from ranvier import losses
    >>> losses.quantile_loss([0.0, 0.0], [1.0, -1.0], quantile=0.75, reduction="none")
    array([0.75, 0.25])
    """
    return call.elementwise(
        "quantile_loss",
        input,
        target,
        quantile=quantile,
        reduction=reduction,
        sample_weight=sample_weight,
    )
