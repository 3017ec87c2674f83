"""Lion."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .checks import Arrays
from .optimizer import Optimizer
from .rules import RULES


class Lion(Optimizer):
    """Lion: the sign of a mixture of the gradient and its running mean.

    Parameters
    ----------
    params : list of ndarray, dict of str to ndarray, or list of dict
        What to update, in place; see `Optimizer`.
    lr : float, default 1e-4
    betas : (float, float), default (0.9, 0.99)
        Share of the running mean in the step, and its decay, in [0, 1).
    weight_decay : float, default 0
        Multiplies the parameter by 1 - lr weight_decay first.
    maximize : bool, default False
        Go up the gradient instead of down.

    Raises
    ------
    TypeError, ValueError
        See `Optimizer`.

    Notes
    -----
    The paper takes a rate 3 to 10 times smaller, and a decay as much larger, than for AdamW.

    References
    ----------
    Chen et al., Symbolic discovery of optimization algorithms, arXiv 2302.06675 (2023).

    Examples
    --------
    >>> import numpy as np
    >>> from ranvier import optim
    >>> weights = np.array([1.0, -2.0])
    >>> optimizer = optim.Lion([weights], lr=0.1)
    >>> optimizer.step([2 * weights])
    >>> weights.round(6).tolist()
    [0.9, -1.9]
    """

    _rule = RULES["lion"]

    def __init__(
        self,
        params: Arrays | Iterable[Mapping[str, Any]],
        lr: float = 1e-4,
        betas: tuple[float, float] = (0.9, 0.99),
        weight_decay: float = 0,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            lr=lr,
            betas=betas,
            weight_decay=weight_decay,
            maximize=maximize,
        )
