"""scikit-learn's SGD where it differs from that of ranvier.optim, which is torch's."""

from __future__ import annotations

import numpy as np

from .. import optim


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
