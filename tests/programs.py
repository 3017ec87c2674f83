"""Programs that run in a process of their own, with a limit of time: what hangs fails."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

THREAD_SETTINGS = ("RANVIER_NUM_THREADS", "OMP_NUM_THREADS", "OMP_WAIT_POLICY", "GOMP_SPINCOUNT")


def run(program: str, *, timeout: float = 120, **environment: str) -> str:
    """What a program prints where only what is given is set about threads.

    It can import what is in this folder.
    """
    inherited = {k: v for k, v in os.environ.items() if k not in THREAD_SETTINGS}
    here = str(Path(__file__).parent)
    path = os.pathsep.join(filter(None, [here, os.environ.get("PYTHONPATH", "")]))
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        env={**inherited, "PYTHONPATH": path, **environment},
        capture_output=True,
        text=True,
        timeout=timeout,
    )
    assert done.returncode == 0, f"{done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout.strip()
