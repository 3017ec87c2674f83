"""Run in a process of its own by test_audit.py: what Python's audit hooks see of a use of the API.

python audited.py FOLDER: works in the folder and prints a line for each file that it opens and each
thing that it should not do; python audited.py FOLDER offend: does all of these instead.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from pathlib import Path
from typing import Any

# What packages that others wrote do when they are imported is not watched, only what is run after.
import numpy as np
import rich  # noqa: F401
import safetensors.numpy  # noqa: F401

import ranvier as rv
from ranvier import cli, losses, nn, optim

WATCHED = (
    *("socket.", "subprocess.", "os.system", "os.exec", "os.fork", "os.posix_spawn", "os.spawn"),
    *("pickle.", "marshal.", "urllib.", "http.", "ftplib.", "smtplib.", "webbrowser.", "pty."),
    *("shutil.", "os.startfile", "ctypes.dlopen", "code.__new__"),
)
found: list[str] = []
watching = False


def importing() -> bool:
    """Whether an import is under way, which reads, compiles and executes a module."""
    frame: Any = sys._getframe(2)
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False


def hook(event: str, arguments: tuple[Any, ...]) -> None:
    opened = event == "open" and isinstance(arguments[0], (str, bytes))
    if not opened and event not in ("exec", "compile") and not event.startswith(WATCHED):
        return
    if not watching or importing():
        return
    if opened:
        found.append(f"open {os.path.realpath(os.fsdecode(arguments[0]))}")
    else:
        found.append(f"{event} {arguments!r}".replace("\n", " "))


def offend() -> None:
    """Everything that use() may not do."""
    import pickle
    import socket
    import subprocess

    socket.socket().close()
    subprocess.run([sys.executable, "--version"], stdout=subprocess.DEVNULL)
    os.system("")
    pickle.loads(pickle.dumps(Path))
    eval("1")
    open(os.devnull).close()


def use(folder: Path) -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((64, 6)).astype(np.float32)
    labels = np.arange(64) % 3
    for record in rv.registry():
        given = [0.25 for value in record.parameters.values() if value is None]
        getattr(rv, record.name)(x, *given)
        getattr(rv.derivative, record.name)(x, *given)
        getattr(rv.vjp, record.name)(x, x, *given)
    rv.softmax(x)
    model = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Dropout(0.1), nn.Linear(8, 3))
    trainer = rv.Trainer(model, losses.cross_entropy, optim.Adam(model.parameters()), seed=0)
    trainer.fit(x, labels, epochs=2, validation_data=(x, labels))
    rv.save(model, folder / "model.safetensors")
    rv.load(model, folder / "model.safetensors")
    trainer.save(folder / "run.safetensors")
    rv.Trainer.resume(
        folder / "run.safetensors", model, losses.cross_entropy, optim.Adam(model.parameters())
    )
    for command in ("info", "--version"):
        with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
            cli.main([command])


if __name__ == "__main__":
    sys.addaudithook(hook)
    watching = True
    if sys.argv[2:] == ["offend"]:
        offend()
    else:
        use(Path(sys.argv[1]))
    watching = False
    print(*found, sep="\n")
