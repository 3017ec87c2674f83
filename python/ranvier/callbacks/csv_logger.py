"""The history as a table in a file."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from .._atomic import replace_file
from .callback import Callback

if TYPE_CHECKING:
    from ..history import History, Logs
    from ..trainer import Trainer


class CSVLogger(Callback):
    """Writes what each epoch gave as a line of a CSV file.

    The file holds the whole history of the trainer, from its first epoch on: after `Trainer.resume`
    the table has neither gaps nor lines twice. It should be the last of the callbacks, since what
    those behind it add to the logs of an epoch is not in its line.

    Parameters
    ----------
    path : str or path
        A file that is there is overwritten.
    separator : str, default ","
        One character.

    Raises
    ------
    OSError
        From `fit`, if the file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> import ranvier as rv
    >>> from ranvier import losses, nn, optim
    >>> from ranvier.callbacks import CSVLogger
    >>> X, y = np.eye(4, dtype=np.float32), np.arange(4)
    >>> model = nn.Sequential(nn.Linear(4, 4, rng=0))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     log = CSVLogger(Path(folder, "log.csv"))
    ...     optimizer = optim.Adam(model.parameters())
    ...     trainer = rv.Trainer(model, losses.cross_entropy, optimizer, callbacks=[log])
    ...     history = trainer.fit(X, y, epochs=3)
    ...     lines = log.path.read_text().splitlines()
    >>> lines[0], len(lines)
    ('epoch,loss,accuracy,seconds', 4)
    """

    def __init__(self, path: str | os.PathLike[str], separator: str = ",") -> None:
        if not isinstance(separator, str) or len(separator) != 1:
            raise ValueError(f"separator is {separator!r}; expected one character")
        self.path = path
        self.separator = separator
        self._columns: list[str] = []

    def on_fit_begin(self, trainer: Trainer) -> None:
        self._write_all(_rows(trainer.history))

    def on_epoch_end(self, trainer: Trainer, logs: Logs) -> None:
        row = {"epoch": trainer.epoch, **logs}
        if row.keys() <= set(self._columns):
            with open(self.path, "a", encoding="utf-8", newline="") as file:
                file.write(self._lines([row]))
        else:
            self._write_all([*_rows(trainer.history), row])

    def _write_all(self, rows: list[dict[str, Any]]) -> None:
        """In the place of what is there; every key of a row becomes a column."""
        self._columns = [*dict.fromkeys(key for row in rows for key in row)]
        header = dict(zip(self._columns, self._columns, strict=True))
        text = self._lines([header, *rows]) if rows else ""
        replace_file(self.path, text.encode())

    def _lines(self, rows: Iterable[Mapping[str, Any]]) -> str:
        import csv  # not for everybody who imports ranvier
        from io import StringIO

        text = StringIO()
        writer = csv.writer(text, delimiter=self.separator, lineterminator="\n")
        for row in rows:
            writer.writerow([str(row.get(column, math.nan)) for column in self._columns])
        return text.getvalue()


def _rows(history: History) -> list[dict[str, Any]]:
    """The epochs one by one."""
    return [
        {"epoch": i + 1, **{key: values[i] for key, values in history.items()}}
        for i in range(history.epochs)
    ]
