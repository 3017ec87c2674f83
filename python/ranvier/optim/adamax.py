"""Adamax."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .checks import Arrays
from .optimizer import Optimizer
from .rules import RULES


class Adamax(Optimizer):
    """Adamax: Adam with the largest gradient so far, decaying, in the place of the root.

    Parameters
    ----------
    params : list of ndarray, dict of str to ndarray, or list of dict
        What to update, in place; see `Optimizer`.
    lr : float, default 2e-3
    betas : (float, float), default (0.9, 0.999)
        Decay of the running means of the gradient and of the largest, in [0, 1).
    eps : float, default 1e-8
        Added to the gradient.
    weight_decay : float, default 0
        Adds weight_decay times the parameter to the gradient.
    maximize : bool, default False
        Go up the gradient instead of down.

    Raises
    ------
    TypeError, ValueError
        See `Optimizer`.

    Notes
    -----
    eps is added as in torch.optim; the paper has none.

    References
    ----------
    Kingma and Ba, Adam: a method for stochastic optimization, arXiv 1412.6980 (ICLR 2015),
    algorithm 2.

    Examples
    --------
    >>> import numpy as np
    >>> from ranvier import optim
    >>> weights = np.array([1.0, -2.0])
    >>> optimizer = optim.Adamax([weights], lr=0.1)
    >>> optimizer.step([2 * weights])
    >>> weights.round(6).tolist()
    [0.9, -1.9]
    """

    _rule = RULES["adamax"]

    def __init__(
        self,
        params: Arrays | Iterable[Mapping[str, Any]],
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            lr=lr,
            betas=betas,
            eps=eps,
            weight_decay=weight_decay,
            maximize=maximize,
        )
