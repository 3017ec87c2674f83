"""Stopping when the validation has stopped to improve."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .._batches import Array
from .._checks import at_least, check_mapping, number
from ._monitor import Mode, Monitor
from .callback import Callback

if TYPE_CHECKING:
    from ..history import Logs
    from ..trainer import Trainer


class EarlyStopping(Callback):
    """Ends the training when a quantity has stopped to improve.

    Parameters
    ----------
    monitor : str, default "val_loss"
        Its key in the logs.
    patience : int, default 0
        Ends the training after so many epochs on end without a new best; 0 and 1 are the same.
    min_delta : float, default 0
        What is better by no more than that is no improvement.
    mode : {"auto", "min", "max"}, default "auto"
        Whether the smallest or the largest is the best; "auto" is "max" for what ends in
        "accuracy", "acc" or "auc".
    restore_best : bool, default False
        At the end of `fit`, early or not, give the model the parameters of the best epoch.

    Attributes
    ----------
    best : float
        The best value so far.
    best_epoch : int
        The epoch that gave it, counted from 1; 0 if there is none.
    wait : int
        Epochs since then. What it has seen counts through all calls of `fit`; one that it has ended
        gives it new patience.

    Raises
    ------
    ValueError
        If a number or the mode is none of those above; from `fit`, if the logs lack the quantity.

    References
    ----------
    Prechelt, Early stopping, but when?, Neural networks: tricks of the trade, 1998.

    Examples
    --------
    >>> import numpy as np
    >>> import ranvier as rv
    >>> from ranvier import losses, nn, optim
    >>> from ranvier.callbacks import EarlyStopping
    >>> X, y = np.eye(4, dtype=np.float32), np.arange(4)
    >>> model = nn.Sequential(nn.Linear(4, 4, rng=0))
    >>> stopping = EarlyStopping("accuracy", patience=3)
    >>> optimizer = optim.Adam(model.parameters(), lr=0.1)
    >>> trainer = rv.Trainer(model, losses.cross_entropy, optimizer, callbacks=[stopping])
    >>> history = trainer.fit(X, y, epochs=1000)
    >>> stopping.best, trainer.epoch == stopping.best_epoch + 3
    (1.0, True)
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        *,
        patience: int = 0,
        min_delta: float = 0.0,
        mode: Mode = "auto",
        restore_best: bool = False,
    ) -> None:
        self.patience = at_least(0, "patience", patience)
        self.restore_best = restore_best
        self.best_epoch = 0
        self.wait = 0
        self._monitor = Monitor(monitor, mode, min_delta)
        self._best_state: dict[str, Array] | None = None

    @property
    def best(self) -> float:
        return self._monitor.best

    def on_epoch_end(self, trainer: Trainer, logs: Logs) -> None:
        if self._monitor.improves(logs):
            self.best_epoch, self.wait = trainer.epoch, 0
            if self.restore_best:
                self._best_state = trainer.model.state_dict()
        else:
            self.wait += 1
            if self._out_of_patience():
                trainer.stop()

    def on_fit_end(self, trainer: Trainer) -> None:
        if self._out_of_patience():
            self.wait = 0
        if self.restore_best and self._best_state is not None:
            trainer.model.load_state_dict(self._best_state)

    def _out_of_patience(self) -> bool:
        return self.wait >= max(self.patience, 1)

    def state_dict(self) -> dict[str, Any]:
        """What the next epoch is compared with."""
        return {
            "best": self.best,
            "best_epoch": self.best_epoch,
            "wait": self.wait,
            "best_state": self._best_state,
        }

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on from what `state_dict` returned."""
        best = number("best", state_dict["best"])
        best_epoch = at_least(0, "best_epoch", state_dict["best_epoch"])
        wait = at_least(0, "wait", state_dict["wait"])
        best_state = state_dict["best_state"]
        if best_state is not None:
            check_mapping(best_state, "best_state")
            best_state = dict(best_state)
        self._monitor.best, self.best_epoch, self.wait = best, best_epoch, wait
        self._best_state = best_state
