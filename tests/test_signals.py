"""Ctrl-C: while a kernel runs, in the middle of a training, and at the terminal."""

from __future__ import annotations

import contextlib
import os
import pty
import select
import signal
import subprocess
import sys
import time

from programs import run

# Where a shell started the tests in the background, SIGINT is ignored.
PRESSED = """
    import os, signal, threading
    import numpy as np
    import ranvier as rv
    signal.signal(signal.SIGINT, signal.default_int_handler)

    def press_after(seconds):
        threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGINT)).start()
"""


def test_a_kernel_ends_before_the_interrupt():
    program = f"""{PRESSED}
    rv.set_num_threads(2)
    x = np.linspace(-5, 5, 5_000_000)
    expected = rv.mish(x)
    for delay in (0.02, 0.05, 0.1):
        y = np.zeros_like(x)
        press_after(delay)
        try:
            while True:
                rv.mish(x, out=y)
        except KeyboardInterrupt:
            pass
        assert np.array_equal(y, expected)
        assert np.array_equal(rv.mish(x[:1000]), expected[:1000])
    """
    run(program)


def test_a_training_stops_after_a_whole_step():
    program = f"""{PRESSED}
    from ranvier import callbacks, losses, nn, optim

    rng = np.random.default_rng(0)
    X = rng.standard_normal((4000, 50), np.float32)
    y = rng.integers(0, 5, 4000)

    class Count(callbacks.Callback):
        def __init__(self, most):
            self.steps, self.most = 0, most
        def on_step_end(self, trainer, loss):
            self.steps += 1
            if self.steps == self.most:
                trainer.stop()

    def trained(most=None):
        model = nn.Sequential(nn.Linear(50, 300, rng=0), nn.GELU(), nn.Linear(300, 5, rng=1))
        optimizer = optim.Adam(model.parameters())
        count = Count(most)
        trainer = rv.Trainer(model, losses.cross_entropy, optimizer, callbacks=[count], seed=1)
        try:
            trainer.fit(X, y, epochs=2 if most else 100_000, batch_size=200, progress=False)
            interrupted = False
        except KeyboardInterrupt:
            interrupted = True
        return interrupted, count.steps, model, optimizer.state_dict()["state"]

    for delay in (0.1, 0.15, 0.2, 0.3):
        press_after(delay)
        interrupted, steps, model, state = trained()
        assert interrupted and steps > 0
        assert {{entry["step"] for entry in state.values()}} == {{steps}}
        assert np.isfinite(model.flat_parameters).all()
        if steps <= 40:
            _, _, same, other = trained(steps)
            assert np.array_equal(model.flat_parameters, same.flat_parameters)
            assert all(np.array_equal(state[k]["exp_avg"], other[k]["exp_avg"]) for k in state)
    """
    run(program)


COMMAND = """
import signal, sys
from ranvier import cli
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.exit(cli.main(["train", "--epochs", "1000000"]))
"""
HIDE, SHOW = b"\x1b[?25l", b"\x1b[?25h"


def test_the_terminal_is_as_it_was():
    ours, theirs = pty.openpty()
    written = b""

    def read(seconds: float) -> bool:
        """What has been written by then; whether there was anything."""
        nonlocal written
        if not select.select([ours], [], [], seconds)[0]:
            return False
        with contextlib.suppress(OSError):  # nobody has the other end open any more
            written += os.read(ours, 65536)
        return True

    terminal = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "100"}
    with subprocess.Popen(
        [sys.executable, "-c", COMMAND],
        stdin=theirs, stdout=theirs, stderr=theirs, env=terminal, start_new_session=True,
    ) as process:  # fmt: skip
        try:
            deadline = time.monotonic() + 60
            while HIDE not in written and time.monotonic() < deadline:
                read(1)
            assert HIDE in written, written
            read(0.5)
            process.send_signal(signal.SIGINT)
            while process.poll() is None and time.monotonic() < deadline:
                read(0.2)
            assert process.wait(10) == 130
        finally:
            process.kill()
    os.close(theirs)
    while read(0.1) and SHOW not in written:
        pass
    os.close(ours)
    assert written.rindex(SHOW) > written.rindex(HIDE)
    assert b"Traceback" not in written
    assert written.endswith((SHOW, b"\n")), written[-80:]
