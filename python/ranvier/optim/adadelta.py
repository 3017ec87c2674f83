"""Adadelta."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .checks import Arrays
from .optimizer import Optimizer
from .rules import RULES


class Adadelta(Optimizer):
    """Adadelta: steps in the units of the parameters, from running means of squares.

    Parameters
    ----------
    params : list of ndarray, dict of str to ndarray, or list of dict
        What to update, in place; see `Optimizer`.
    lr : float, default 1.0
    rho : float, default 0.9
        Decay of the running means, in [0, 1].
    eps : float, default 1e-6
        Added under both roots.
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
    The paper has no rate: that is lr = 1.

    References
    ----------
    Zeiler, Adadelta: an adaptive learning rate method, arXiv 1212.5701 (2012).

    Examples
    --------
    >>> import numpy as np
    >>> from ranvier import optim
    >>> weights = np.array([1.0, -2.0])
    >>> optimizer = optim.Adadelta([weights], lr=1.0)
    >>> optimizer.step([2 * weights])
    >>> weights.round(6).tolist()
    [0.996838, -1.996838]
    """

    _rule = RULES["adadelta"]

    def __init__(
        self,
        params: Arrays | Iterable[Mapping[str, Any]],
        lr: float = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            lr=lr,
            rho=rho,
            eps=eps,
            weight_decay=weight_decay,
            maximize=maximize,
        )
