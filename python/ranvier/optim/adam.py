"""Adam."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from .checks import Arrays, check_range
from .optimizer import Group, Optimizer, State


class Adam(Optimizer):
    """Adam: steps of the size of the rate, from running means of the gradient and its square.

    Parameters
    ----------
    params : list of ndarray, dict of str to ndarray, or list of dict
        What to update, in place; see `Optimizer`.
    lr : float, default 1e-3
    betas : (float, float), default (0.9, 0.999)
        Decay of the two running means, in [0, 1).
    eps : float, default 1e-8
        Added to the root of the second.
    weight_decay : float, default 0
        Adds weight_decay times the parameter to the gradient.
    amsgrad : bool, default False
        Divide by the largest second mean so far.
    maximize : bool, default False
        Go up the gradient instead of down.

    Raises
    ------
    TypeError, ValueError
        See `Optimizer`.

    Notes
    -----
    The bias corrections are computed in float64, whatever the dtype of the parameters.

    References
    ----------
    Kingma and Ba, Adam: a method for stochastic optimization, arXiv 1412.6980 (ICLR 2015); Reddi,
    Kale and Kumar, On the convergence of Adam and beyond, ICLR 2018 (amsgrad).

    Examples
    --------
    >>> import numpy as np
    >>> from ranvier import optim
    >>> weights = np.array([1.0, -2.0])
    >>> optimizer = optim.Adam([weights], lr=0.1)
    >>> optimizer.step([2 * weights])
    >>> weights.round(6).tolist()
    [0.9, -1.9]
    """

    _rule = "adam"
    _states: ClassVar[dict[str, str | None]] = {
        "exp_avg": None,
        "exp_avg_sq": None,
        "max_exp_avg_sq": "amsgrad",
    }
    _counts_steps = True

    def __init__(
        self,
        params: Arrays | Iterable[Mapping[str, Any]],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            lr=lr,
            betas=betas,
            eps=eps,
            weight_decay=weight_decay,
            amsgrad=amsgrad,
            maximize=maximize,
        )

    def _check(self, group: Mapping[str, Any]) -> None:
        for name in ("lr", "eps", "weight_decay"):
            check_range(name, group[name])
        betas = group["betas"]
        if not isinstance(betas, (tuple, list)) or len(betas) != 2:
            raise TypeError(f"betas is {betas!r}; expected two numbers")
        for i, beta in enumerate(betas):
            check_range(f"betas[{i}]", beta, 0, 1)

    def _scalars(self, group: Group, state: State, scale: float) -> tuple[float, ...]:
        beta1, beta2 = group["betas"]
        step = state.steps + 1
        return (
            group["lr"] / (1 - beta1**step),
            1 / math.sqrt(1 - beta2**step),
            group["eps"],
            scale,
            group["weight_decay"],
            1 - beta1,
            beta2,
            1 - beta2,
            group["amsgrad"],
        )
