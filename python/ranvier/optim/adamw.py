"""AdamW."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .checks import Arrays
from .optimizer import Optimizer
from .rules import RULES


class AdamW(Optimizer):
    """AdamW: Adam with a weight decay that the running means do not see.

    Parameters
    ----------
    params : list of ndarray, dict of str to ndarray, or list of dict
        What to update, in place; see `Optimizer`.
    lr : float, default 1e-3
    betas : (float, float), default (0.9, 0.999)
        Decay of the running means of the gradient and of its square, in [0, 1).
    eps : float, default 1e-8
        Added to the root.
    weight_decay : float, default 1e-2
        Multiplies the parameter by 1 - lr weight_decay first.
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
    As in torch.optim, the rate is in the decay; the paper has a schedule of its own there.

    References
    ----------
    Loshchilov and Hutter, Decoupled weight decay regularization, ICLR 2019 (arXiv 1711.05101).

    Examples
    --------
    >>> import numpy as np
    >>> from ranvier import optim
    >>> weights = np.array([1.0, -2.0])
    >>> optimizer = optim.AdamW([weights], lr=0.1)
    >>> optimizer.step([2 * weights])
    >>> weights.round(6).tolist()
    [0.899, -1.898]
    """

    _rule = RULES["adamw"]

    def __init__(
        self,
        params: Arrays | Iterable[Mapping[str, Any]],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
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
