"""Adam."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .checks import Arrays
from .optimizer import Optimizer
from .rules import RULES


class Adam(Optimizer):
    """Adam: steps of the size of the rate, from running means of the gradient and its square.

    Parameters
    ----------
    params : list of ndarray, dict of str to ndarray, or list of dict
        What to update, in place; see `Optimizer`.
    lr : float, default 1e-3
    betas : (float, float), default (0.9, 0.999)
        Decay of the running means of the gradient and of its square, in [0, 1).
    eps : float, default 1e-8
        Added to the root.
    weight_decay : float, default 0
        Adds weight_decay times the parameter to the gradient.
    amsgrad : bool, default False
        Divide by the largest second mean so far.
    decoupled_weight_decay : bool, default False
        Multiply the parameter by 1 - lr weight_decay instead, as AdamW does.
    eps_hat : bool, default False
        Add eps to the root before the bias of the second mean is corrected (the paper's epsilon
        hat, end of section 2), as TensorFlow, Keras and scikit-learn do.
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

    _rule = RULES["adam"]

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
        decoupled_weight_decay: bool = False,
        eps_hat: bool = False,
    ) -> None:
        super().__init__(
            params,
            lr=lr,
            betas=betas,
            eps=eps,
            weight_decay=weight_decay,
            amsgrad=amsgrad,
            decoupled_weight_decay=decoupled_weight_decay,
            eps_hat=eps_hat,
            maximize=maximize,
        )
