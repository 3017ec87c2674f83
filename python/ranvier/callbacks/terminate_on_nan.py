"""Stopping when there is nothing left to learn from."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from .callback import Callback

if TYPE_CHECKING:
    from ..trainer import Trainer


class TerminateOnNaN(Callback):
    """Ends the training at the first mini-batch whose loss is NaN or infinite.

    Examples
    --------
    >>> import numpy as np
    >>> import ranvier as rv
    >>> from ranvier import losses, nn, optim
    >>> from ranvier.callbacks import TerminateOnNaN
    >>> X, y = np.eye(4, dtype=np.float32), np.full((4, 2), np.inf)
    >>> model = nn.Sequential(nn.Linear(4, 2, rng=0))
    >>> optimizer = optim.SGD(model.parameters())
    >>> trainer = rv.Trainer(model, losses.mse_loss, optimizer, callbacks=[TerminateOnNaN()])
    >>> history = trainer.fit(X, y, epochs=1000)
    >>> trainer.epoch
    1
    """

    def on_step_end(self, trainer: Trainer, loss: float) -> None:
        if not math.isfinite(loss):
            trainer.stop()
