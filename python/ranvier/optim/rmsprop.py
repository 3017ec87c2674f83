"""RMSprop."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .checks import Arrays
from .optimizer import Optimizer
from .rules import RULES


class RMSprop(Optimizer):
    """RMSprop: gradients divided by the root of a running mean of their squares.

    Parameters
    ----------
    params : list of ndarray, dict of str to ndarray, or list of dict
        What to update, in place; see `Optimizer`.
    lr : float, default 1e-2
    alpha : float, default 0.99
        Decay of the running mean.
    eps : float, default 1e-8
        Added to the root: TensorFlow adds it below.
    weight_decay : float, default 0
        Adds weight_decay times the parameter to the gradient.
    momentum : float, default 0
    centered : bool, default False
        Divide by the root of an estimate of the variance.
    maximize : bool, default False
        Go up the gradient instead of down.

    Raises
    ------
    TypeError, ValueError
        See `Optimizer`.

    Notes
    -----
    Centred, the variance is at least 0: where rounding leaves less, torch.optim has NaN.

    References
    ----------
    Hinton, Srivastava and Swersky, Neural networks for machine learning, lecture 6e (2012); Graves,
    Generating sequences with recurrent neural networks, arXiv 1308.0850 (2013).

    Examples
    --------
    >>> import numpy as np
    >>> from ranvier import optim
    >>> weights = np.array([1.0, -2.0])
    >>> optimizer = optim.RMSprop([weights], lr=0.01)
    >>> optimizer.step([2 * weights])
    >>> weights.round(6).tolist()
    [0.9, -1.9]
    """

    _rule = RULES["rmsprop"]

    def __init__(
        self,
        params: Arrays | Iterable[Mapping[str, Any]],
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            lr=lr,
            alpha=alpha,
            eps=eps,
            weight_decay=weight_decay,
            momentum=momentum,
            centered=centered,
            maximize=maximize,
        )
