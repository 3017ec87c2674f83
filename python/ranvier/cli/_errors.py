"""What is wrong with a command, in one line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from .._extras import require as _require

__all__ = ["UsageError", "file_errors", "require"]


class UsageError(Exception):
    """What is wrong with the command, in one line."""


def require(package: str, what: str) -> None:
    """Raise a UsageError that says how to get a package, if it is not there."""
    try:
        _require(package, what)
    except ImportError as error:
        raise UsageError(str(error)) from None


@contextmanager
def file_errors(path: str | None = None) -> Iterator[None]:
    """Inside, an error of a file is a UsageError that names it; the path is for one without."""
    try:
        yield
    except OSError as error:
        where = error.filename or path
        if where is None:
            raise
        raise UsageError(f"{where}: {error.strerror or error}") from None
