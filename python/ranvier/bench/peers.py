"""The peers: which of them are there, and as many threads for each as for ranvier."""

from __future__ import annotations

import os
import platform
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version

from .. import runtime

__all__ = ["MODULES", "equal_threads", "installed", "machine", "processors"]

#: What to import of each.
MODULES = {"torch": "torch", "jax": "jax", "scipy": "scipy.special", "scikit-learn": "sklearn"}


def processors() -> int:
    """How many this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def installed(names: Collection[str]) -> tuple[list[str], list[str]]:
    """Those that can be imported, which they are, and a remark on each that cannot."""
    found, remarks = [], []
    for name in names:
        try:
            import_module(MODULES[name])
        except ImportError as error:
            absent = isinstance(error, ModuleNotFoundError)
            reason = "not installed" if absent else f"cannot be imported: {error}"
            remarks.append(f"{name} is left out: {reason}")
        else:
            found.append(name)
    return found, remarks


@contextmanager
def equal_threads(n: int, names: Collection[str]) -> Iterator[tuple[list[str], list[str]]]:
    """Inside, ranvier, BLAS and the peers that are installed have n threads each.

    Parameters
    ----------
    n : int
        From 1 to processors().
    names : collection of str
        The peers that are wanted.

    Yields
    ------
    tuple of list of str
        The peers that are there, and remarks for the reader.
    """
    with ExitStack() as stack:
        stack.enter_context(runtime.num_threads(n))
        # JAX can be told in no other way; it has to come before the import.
        pinned = _pin(n, stack)
        found, remarks = installed(names)
        if "torch" in found:
            import torch

            stack.callback(torch.set_num_threads, torch.get_num_threads())
            torch.set_num_threads(n)
        if "jax" in found and not pinned:
            remarks.append("jax has a thread for each processor: it cannot be told otherwise here")
        try:
            import threadpoolctl
        except ImportError:
            remarks.append("BLAS has its own number of threads: threadpoolctl is not installed")
        else:
            stack.enter_context(threadpoolctl.threadpool_limits(n, user_api="blas"))
        yield found, remarks


def _pin(n: int, stack: ExitStack) -> bool:
    """Run on n processors only, where that is needed and the system can; whether it is so."""
    if n == processors():
        return True
    if not hasattr(os, "sched_setaffinity"):
        return False
    before = os.sched_getaffinity(0)
    stack.callback(os.sched_setaffinity, 0, before)
    os.sched_setaffinity(0, sorted(before)[:n])
    return True


def machine(threads: int, peers: Collection[str]) -> dict[str, str]:
    """What the numbers were measured on, and with what."""
    about = {
        "processor": _processor(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "ranvier": runtime.__version__,
    }
    for name in ("numpy", *peers):
        try:
            about[name] = version(name)
        except PackageNotFoundError:  # importable, but without metadata
            about[name] = "unknown"
    about["threads"] = str(threads)
    about["instruction set"] = runtime.config()["instruction set"]
    return about


def _processor() -> str:
    try:
        with open("/proc/cpuinfo") as lines:
            return next(line.split(":")[1].strip() for line in lines if "model name" in line)
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
