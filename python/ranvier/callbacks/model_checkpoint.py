"""Saving after an epoch."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .. import _safetensors, files
from .._checks import at_least, check_mapping, number
from ._monitor import Mode, Monitor
from .callback import Callback

if TYPE_CHECKING:
    from ..history import Logs
    from ..trainer import Trainer


class ModelCheckpoint(Callback):
    """Saves after each epoch, or after the best ones; needs the extra ranvier[io].

    Every file is whole at every moment, also if the process is killed.

    Parameters
    ----------
    path : str or path
        May hold `{epoch}`, counted from 1, and keys of the logs, to be formatted:
        "{epoch:03d}-{val_loss:.2f}.safetensors". Folders are made.
    monitor : str, default "val_loss"
        What `save_best_only` compares: a key of the logs.
    save_best_only : bool, default False
        Save only if that is better than ever before.
    save_weights_only : bool, default False
        As `ranvier.save`: the parameters. Otherwise as `Trainer.save`: all that `Trainer.resume`
        needs; `ranvier.load` reads the parameters from either.
    mode : {"auto", "min", "max"}, default "auto"
        Whether the smallest or the largest is the best; "auto" is "max" for what ends in
        "accuracy", "acc" or "auc".
    every_n_epochs : int, default 1
        Look at every n-th epoch only.

    Attributes
    ----------
    best : float
        The best value so far.

    Raises
    ------
    ValueError
        If a number or the mode is none of those above; from `fit`, if the logs lack the quantity or
        what the path names.
    ImportError
        From `fit`, before the first epoch, if safetensors is not installed.

    Examples
    --------
    >>> import os, tempfile
    >>> import numpy as np
    >>> import ranvier as rv
    >>> from ranvier import losses, nn, optim
    >>> from ranvier.callbacks import ModelCheckpoint
    >>> X, y = np.eye(4, dtype=np.float32), np.arange(4)
    >>> model = nn.Sequential(nn.Linear(4, 4, rng=0))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     saving = ModelCheckpoint(f"{folder}/{{epoch}}.safetensors", every_n_epochs=2)
    ...     optimizer = optim.Adam(model.parameters())
    ...     trainer = rv.Trainer(model, losses.cross_entropy, optimizer, callbacks=[saving])
    ...     history = trainer.fit(X, y, epochs=4)
    ...     print(sorted(os.listdir(folder)))
    ['2.safetensors', '4.safetensors']
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        monitor: str = "val_loss",
        *,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: Mode = "auto",
        every_n_epochs: int = 1,
    ) -> None:
        self.path = os.fspath(path)
        self.save_best_only = save_best_only
        self.save_weights_only = save_weights_only
        self.every_n_epochs = at_least(1, "every_n_epochs", every_n_epochs)
        self._monitor = Monitor(monitor, mode)
        # The logs of the epoch that is to be saved, until it is.
        self._due: dict[str, float] | None = None

    @property
    def best(self) -> float:
        return self._monitor.best

    def on_fit_begin(self, trainer: Trainer) -> None:
        _safetensors.check_installed()
        # Another checkpoint of this epoch was written, and this one was not.
        self._save(trainer)

    def on_epoch_end(self, trainer: Trainer, logs: Logs) -> None:
        if trainer.epoch % self.every_n_epochs == 0 and (
            not self.save_best_only or self._monitor.improves(logs)
        ):
            self._due = logs

    def on_epoch_complete(self, trainer: Trainer, logs: Logs) -> None:
        self._save(trainer)

    def _save(self, trainer: Trainer) -> None:
        if self._due is None:
            return
        logs, self._due = self._due, None
        try:
            path = self.path.format(**{**logs, "epoch": trainer.epoch})
        except (KeyError, IndexError, ValueError) as error:
            names = ["epoch", *logs]
            raise ValueError(f"path is {self.path!r}; expected a format of {names}") from error
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        if self.save_weights_only:
            files.save(trainer.model, path)
        else:
            trainer.save(path)

    def state_dict(self) -> dict[str, Any]:
        """What the next epoch is compared with, and what is yet to be saved."""
        return {"best": self.best, "due": self._due}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on from what `state_dict` returned."""
        best, due = number("best", state_dict["best"]), state_dict["due"]
        if due is not None:
            check_mapping(due, "due")
            for key, value in due.items():
                number(key, value)  # a string would be as good as a path
            due = dict(due)
        self._monitor.best, self._due = best, due
