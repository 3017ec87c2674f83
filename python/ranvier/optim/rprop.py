"""Resilient backpropagation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .checks import Arrays
from .optimizer import Optimizer
from .rules import RULES


class Rprop(Optimizer):
    """Resilient backpropagation: a step of its own for each element, from signs of gradients alone.

    Parameters
    ----------
    params : list of ndarray, dict of str to ndarray, or list of dict
        What to update, in place; see `Optimizer`.
    lr : float, default 1e-2
        The first step of every element; a later change has no effect.
    etas : (float, float), default (0.5, 1.2)
        Factors of the step where the gradient changes its sign and where it keeps it.
    step_sizes : (float, float), default (1e-6, 50)
        The least step and the largest.
    maximize : bool, default False
        Go up the gradient instead of down.

    Raises
    ------
    TypeError, ValueError
        See `Optimizer`.

    Notes
    -----
    For gradients of all samples together. Where the sign has changed no step is taken, and none is
    taken back (Rprop-).

    References
    ----------
    Riedmiller and Braun, A direct adaptive method for faster backpropagation learning, ICNN 1993;
    Igel and Hüsken, Improving the Rprop learning algorithm, NC 2000.

    Examples
    --------
    >>> import numpy as np
    >>> from ranvier import optim
    >>> weights = np.array([1.0, -2.0])
    >>> optimizer = optim.Rprop([weights], lr=0.1)
    >>> optimizer.step([2 * weights])
    >>> weights.round(6).tolist()
    [0.9, -1.9]
    """

    _rule = RULES["rprop"]

    def __init__(
        self,
        params: Arrays | Iterable[Mapping[str, Any]],
        lr: float = 1e-2,
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50),
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            lr=lr,
            etas=etas,
            step_sizes=step_sizes,
            maximize=maximize,
        )

    @classmethod
    def _check(cls, group: Mapping[str, Any]) -> None:
        super()._check(group)
        etas = group["etas"]
        if not 0 < etas[0] < 1 < etas[1]:
            raise ValueError(f"etas is {etas!r}; expected 0 < etas[0] < 1 < etas[1]")
