"""Load the compiled core, with OpenMP workers that go to sleep soon after a parallel loop.

NumPy's matrix products run on OpenBLAS's own threads. A worker of GNU OpenMP spins for
milliseconds after a parallel loop by default and keeps a processor from them: a training step,
which alternates the two, then takes many times the sum of its parts. libgomp reads how long to spin
once, when it is loaded, so the setting is in the environment for just as long as that takes. What
the user has set stands.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module

# Iterations of a pause instruction, 15 to 50 microseconds: enough for loops that follow each other,
# where waking a worker takes as long, and little beside a matrix product.
_SPIN_COUNT = "1000"


@contextmanager
def _brief_spinning() -> Iterator[None]:
    chosen = {"GOMP_SPINCOUNT": _SPIN_COUNT, "KMP_BLOCKTIME": "0"}
    if "OMP_WAIT_POLICY" in os.environ:
        chosen = {}
    added = [name for name in chosen if name not in os.environ]
    for name in added:
        os.environ[name] = chosen[name]
    try:
        yield
    finally:
        for name in added:
            del os.environ[name]


def _in_subinterpreter() -> bool:
    """Where NumPy does not work either, and to load the core would wait for ever."""
    for name in ("_interpreters", "_xxsubinterpreters"):  # since Python 3.13, and before
        try:
            interpreters = import_module(name)
        except ImportError:
            continue
        return bool(interpreters.get_current() != interpreters.get_main())
    return False


if _in_subinterpreter():
    raise ImportError("ranvier cannot be loaded in a subinterpreter; expected the main one")

with _brief_spinning():
    from . import _core

__all__ = ["_core"]
