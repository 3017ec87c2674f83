"""Ctrl-C between the steps of a training run, not within one."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from types import FrameType, TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing_extensions import Self


class Interrupts:
    """Puts Ctrl-C off until `check` is called; a second one comes through at once.

    A step is parameters, moments, counts and the state of layers: an interrupt between them would
    leave them at odds. It has no effect where Ctrl-C does not raise KeyboardInterrupt: in another
    thread than the main one, and where the program has a handler of its own.

    Attributes
    ----------
    pending : bool
        Whether `check` would raise.
    """

    def __init__(self) -> None:
        self.pending = False
        self._restore: Callable[[], object] | None = None

    def check(self) -> None:
        """Raise KeyboardInterrupt if there was a Ctrl-C."""
        if self.pending:
            raise KeyboardInterrupt

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.check()
        self.pending = True

    def __enter__(self) -> Self:
        import signal  # not for everybody who imports ranvier
        import threading

        in_main = threading.current_thread() is threading.main_thread()
        if in_main and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, self._note)
            self._restore = partial(signal.signal, signal.SIGINT, signal.default_int_handler)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._restore is not None:
            self._restore()
        if kind is None:
            self.check()
