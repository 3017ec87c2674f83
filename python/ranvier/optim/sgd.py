"""Stochastic gradient descent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .checks import Arrays
from .optimizer import Optimizer
from .rules import RULES


class SGD(Optimizer):
    """Stochastic gradient descent, with momentum.

    Parameters
    ----------
    params : list of ndarray, dict of str to ndarray, or list of dict
        What to update, in place; see `Optimizer`.
    lr : float, default 1e-3
    momentum : float, default 0
    dampening : float, default 0
        The buffer takes 1 - dampening of the gradient, and all of it at the first step.
    weight_decay : float, default 0
        Adds weight_decay times the parameter to the gradient.
    nesterov : bool, default False
        Nesterov's momentum, which needs momentum > 0 and dampening 0.
    maximize : bool, default False
        Go up the gradient instead of down.

    Raises
    ------
    TypeError, ValueError
        See `Optimizer`.

    Notes
    -----
    As in torch.optim, the rate multiplies the buffer when it is used, not when it is filled.

    References
    ----------
    Sutskever et al., On the importance of initialization and momentum in deep learning, ICML 2013.

    Examples
    --------
    >>> import numpy as np
    >>> from ranvier import optim
    >>> weights = np.array([1.0, -2.0])
    >>> optimizer = optim.SGD([weights], lr=0.1, momentum=0.9)
    >>> for _ in range(2):
    ...     optimizer.step([2 * weights])
    >>> weights.round(3).tolist()
    [0.46, -0.92]
    """

    _rule = RULES["sgd"]

    def __init__(
        self,
        params: Arrays | Iterable[Mapping[str, Any]],
        lr: float = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            lr=lr,
            momentum=momentum,
            dampening=dampening,
            weight_decay=weight_decay,
            nesterov=nesterov,
            maximize=maximize,
        )

    @classmethod
    def _check(cls, group: Mapping[str, Any]) -> None:
        super()._check(group)
        if group["nesterov"] and (group["momentum"] == 0 or group["dampening"] != 0):
            raise ValueError(
                f"nesterov is True with momentum {group['momentum']!r} and dampening "
                f"{group['dampening']!r}; expected momentum > 0 and dampening 0"
            )
