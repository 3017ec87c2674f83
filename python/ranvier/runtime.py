"""Threads and configuration."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from ._checks import integer
from ._native import _core

__all__ = ["get_num_threads", "num_threads", "set_num_threads", "show_config"]

__version__: str = _core.version


def get_num_threads() -> int:
    """How many threads a parallel loop may use.

    Returns
    -------
    int
        What set_num_threads said; else RANVIER_NUM_THREADS; else OMP_NUM_THREADS or the processors
        this process may run on, within the control group's quota. 1 in a forked child.

    Examples
    --------
    >>> import ranvier as rv
    >>> with rv.num_threads(1):
    ...     rv.get_num_threads()
    1
    """
    return _core.num_threads()


def set_num_threads(n: int) -> None:
    """Set how many threads a parallel loop may use, for the whole process.

    Results do not depend on it.

    Parameters
    ----------
    n : int
        At least 1.

    Raises
    ------
    ValueError
        If n is smaller than 1.
    TypeError
        If n is not an integer.
    """
    count = integer("n", n)
    if not 1 <= count <= 1024:
        raise ValueError(f"n is {n}; expected a number of threads from 1 to 1024")
    _core.set_num_threads(count)


@contextmanager
def num_threads(n: int) -> Iterator[None]:
    """Context manager: at most n threads inside, what it was before outside.

    Parameters
    ----------
    n : int
        At least 1.

    Examples
    --------
    >>> import numpy as np
    >>> import ranvier as rv
    >>> with rv.num_threads(1):
    ...     y = rv.gelu(np.zeros(4))
    """
    before = _core.requested_threads()
    set_num_threads(n)
    try:
        yield
    finally:
        _core.set_num_threads(before)


def config() -> dict[str, str]:
    """What show_config prints, as a dictionary."""
    return {
        "version": __version__,
        "instruction set": _core.instruction_set(),
        "available": ", ".join(_core.available_instruction_sets()),
        "threads": str(get_num_threads()),
        "OpenMP": str(_core.openmp) if _core.openmp else "none",
        "compiler": _core.compiler,
    }


def show_config(file: TextIO | None = None) -> None:
    """Print the version, the instruction set in use and those available, threads and compiler.

    Parameters
    ----------
    file : text stream, optional
        Standard output by default.
    """
    for name, value in config().items():
        print(f"{name:16}{value}", file=file)
