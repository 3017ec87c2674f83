"""LAMB."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .checks import Arrays
from .optimizer import Optimizer
from .rules import RULES


class LAMB(Optimizer):
    """LAMB: Adam with steps in proportion to the norm of each array, for large batches.

    Parameters
    ----------
    params : list of ndarray, dict of str to ndarray, or list of dict
        What to update, in place; see `Optimizer`.
    lr : float, default 1e-3
    betas : (float, float), default (0.9, 0.999)
        Decay of the running means of the gradient and of its square, in [0, 1).
    eps : float, default 1e-6
        Added to the root.
    weight_decay : float, default 0
        Adds weight_decay times the parameter to the direction, before its norm is taken.
    maximize : bool, default False
        Go up the gradient instead of down.

    Raises
    ------
    TypeError, ValueError
        See `Optimizer`.

    Notes
    -----
    With bias correction and phi the identity, algorithm 2 of the paper; the ratio of the norms is 1
    where one of them is 0. Norms are summed in float64 in a fixed order.

    References
    ----------
    You et al., Large batch optimization for deep learning: training BERT in 76 minutes, ICLR 2020
    (arXiv 1904.00962).

    Examples
    --------
    >>> import numpy as np
    >>> from ranvier import optim
    >>> weights = np.array([1.0, -2.0])
    >>> optimizer = optim.LAMB([weights], lr=0.1)
    >>> optimizer.step([2 * weights])
    >>> weights.round(6).tolist()
    [0.841886, -1.841886]
    """

    _rule = RULES["lamb"]

    def __init__(
        self,
        params: Arrays | Iterable[Mapping[str, Any]],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-6,
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
