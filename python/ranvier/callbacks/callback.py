"""The methods that a training run calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..history import Logs
    from ..trainer import Trainer

__all__ = ["Callback"]


class Callback:
    """Methods that `Trainer.fit` calls: a subclass, or any object, has those it wants.

    `trainer.stop()` ends the training; `trainer.epoch` counts the epochs that are complete, through
    all calls of `fit`. `logs` is what `History` will hold of the epoch; what a callback adds to it
    is held too.

    A callback that remembers something from epoch to epoch also has `load_state_dict(state)` and
    `state_dict()`, which returns numbers, strings, None, arrays, and lists, tuples and dicts of
    them: `Trainer.save` and `Trainer.resume` call them.

    Examples
    --------
    >>> import numpy as np
    >>> import ranvier as rv
    >>> from ranvier import losses, nn, optim
    >>> from ranvier.callbacks import Callback
    >>> class GoodEnough(Callback):
    ...     def on_epoch_end(self, trainer, logs):
    ...         if logs["accuracy"] == 1:
    ...             trainer.stop()
    >>> X = np.array([[0.0], [1.0]], np.float32)
    >>> model = nn.Sequential(nn.Linear(1, 2, rng=0))
    >>> optimizer = optim.Adam(model.parameters(), lr=0.1)
    >>> trainer = rv.Trainer(model, losses.cross_entropy, optimizer, callbacks=[GoodEnough()])
    >>> history = trainer.fit(X, np.array([0, 1]), epochs=1000)
    >>> trainer.epoch < 1000
    True
    """

    def on_fit_begin(self, trainer: Trainer) -> None:
        """Before the first epoch."""

    def on_epoch_begin(self, trainer: Trainer) -> None:
        """Before the first step of an epoch."""

    def on_step_end(self, trainer: Trainer, loss: float) -> None:
        """After the update from a mini-batch; `loss` is the one before the update."""

    def on_epoch_end(self, trainer: Trainer, logs: Logs) -> None:
        """After the last step of an epoch and the evaluation of the validation data."""

    def on_epoch_complete(self, trainer: Trainer, logs: Logs) -> None:
        """After the on_epoch_end of every callback, when the history holds the epoch.

        This is the time for `trainer.save`.
        """

    def on_fit_end(self, trainer: Trainer) -> None:
        """After the last epoch; not if an exception ended the training."""
