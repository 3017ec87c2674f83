"""scikit-learn's SGD and Adam where they differ from those of ranvier.optim, which are torch's."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import optim

Array = npt.NDArray[Any]


class SGD(optim.SGD):
    """SGD whose momentum keeps the rate of the steps it came from, when the rate changes."""

    @property
    def lr(self) -> float:
        """The learning rate."""
        rate: float = self.param_groups[0]["lr"]
        return rate

    @lr.setter
    def lr(self, value: float) -> None:
        before = self.lr
        optim.SGD.lr.fset(self, value)  # type: ignore[attr-defined]
        state = self.state_dict()
        if state["state"] and self.lr > 0:
            for entry in state["state"].values():
                with np.errstate(all="ignore"):
                    entry["momentum_buffer"] *= before / self.lr
            self.load_state_dict(state)


class Adam(optim.Adam):
    """Adam with epsilon beside the root of the second mean before its bias is corrected.

    References
    ----------
    Kingma and Ba, Adam: a method for stochastic optimization, arXiv 1412.6980 (ICLR 2015), end of
    section 2.
    """

    def __init__(
        self, params: Any, lr: float = 1e-3, betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
    ) -> None:  # fmt: skip
        super().__init__(params, lr=lr, betas=betas, eps=eps)
        self._epsilon = eps
        self._steps = 0

    def step(
        self, grads: Sequence[Array] | Mapping[str, Array], *, max_norm: float | None = None
    ) -> None:
        """Update every parameter, in place."""
        self._steps += 1
        for group in self.param_groups:
            group["eps"] = self._epsilon / math.sqrt(1 - group["betas"][1] ** self._steps)
        super().step(grads, max_norm=max_norm)
