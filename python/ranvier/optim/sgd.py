"""Stochastic gradient descent."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from .checks import Arrays, check_range
from .optimizer import Group, Optimizer, State


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

    _rule = "sgd"
    _states: ClassVar[dict[str, str | None]] = {"momentum_buffer": "momentum"}
    _counts_steps = False

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

    def _check(self, group: Mapping[str, Any]) -> None:
        for name in ("lr", "momentum", "weight_decay"):
            check_range(name, group[name])
        check_range("dampening", group["dampening"], -math.inf)
        if group["nesterov"] and (group["momentum"] == 0 or group["dampening"] != 0):
            raise ValueError(
                f"nesterov is True with momentum {group['momentum']!r} and dampening "
                f"{group['dampening']!r}; expected momentum > 0 and dampening 0"
            )

    def _scalars(self, group: Group, state: State, scale: float) -> tuple[float, ...]:
        first = "momentum_buffer" not in state.arrays
        return (
            group["lr"],
            scale,
            group["weight_decay"],
            group["momentum"],
            1.0 if first else 1.0 - group["dampening"],
            group["nesterov"],
        )
