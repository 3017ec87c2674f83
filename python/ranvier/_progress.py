"""The progress bar of a training run: rich's, on standard error, where rich is installed."""

from __future__ import annotations

import time
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing_extensions import Self

# Drawing takes about a millisecond, so it is done this often at most (seconds).
_INTERVAL = 0.2


class Progress:
    """A bar over all epochs; silent without rich, or where standard error is not a terminal."""

    def __init__(self, enabled: bool, epochs: int, rows: int) -> None:
        self._rows = rows
        self._epochs = epochs
        self._done = 0
        self._drawn = 0.0
        self._bar = _bar() if enabled else None
        if self._bar is not None:
            self._task = self._bar.add_task("training", total=epochs * rows, figures="")

    @property
    def visible(self) -> bool:
        """Whether it is of any use to call advance."""
        return self._bar is not None

    def advance(self, rows: int) -> None:
        """These many rows have been seen."""
        self._done += rows
        now = time.perf_counter()
        if self._bar is not None and now - self._drawn > _INTERVAL:
            self._drawn = now
            self._bar.update(self._task, completed=self._done, refresh=True)

    def epoch(self, logs: Mapping[str, float]) -> None:
        """An epoch is complete."""
        if self._bar is not None:
            shown = (key for key in ("loss", "accuracy", "val_loss", "val_accuracy") if key in logs)
            figures = "  ".join(f"{key} {logs[key]:.4f}" for key in shown)
            number = self._done // self._rows
            label = f"epoch {number}/{self._epochs}"
            self._bar.update(self._task, description=label, figures=figures, completed=self._done)

    def __enter__(self) -> Self:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()


def _bar() -> Any:
    try:
        from rich import progress
        from rich.console import Console
    except ImportError:
        return None
    console = Console(stderr=True)
    if not (console.is_terminal or console.is_jupyter):
        return None
    columns = (
        progress.TextColumn("{task.description}"),
        progress.BarColumn(),
        progress.TimeRemainingColumn(),
        progress.TextColumn("{task.fields[figures]}"),
    )
    return progress.Progress(*columns, console=console, auto_refresh=False)
