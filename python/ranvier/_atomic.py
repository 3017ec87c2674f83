"""Files that are whole at every moment: written aside and put in the place of the old one."""

from __future__ import annotations

import errno
import os
from contextlib import suppress

__all__ = ["replace_file"]


def replace_file(path: str | os.PathLike[str], data: bytes) -> None:
    """Write a file so that, whatever happens, the old or the new is there, and whole.

    Parameters
    ----------
    path : str or path
        A symbolic link is followed.
    data : bytes

    Raises
    ------
    OSError
        If it cannot be written. What was there is still there.
    """
    target = os.path.realpath(path)
    folder = os.path.dirname(target)
    # A rename would take the place of a device.
    if os.path.exists(target) and not os.path.isfile(target):
        raise OSError(errno.EINVAL, "not a regular file", os.fspath(path))
    aside = os.path.join(folder, f".ranvier-{os.urandom(8).hex()}.tmp")
    try:
        with open(aside, "xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(aside, target)
    except BaseException as error:
        with suppress(OSError):
            os.unlink(aside)
        if isinstance(error, OSError):
            error.filename, error.filename2 = os.fspath(path), None
        raise
    _sync_folder(folder)


def _sync_folder(folder: str) -> None:
    """So that the new name outlives a power failure as well."""
    if os.name == "nt":  # which has no way to open a folder
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
