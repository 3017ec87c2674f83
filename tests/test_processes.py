"""Children of every kind, also while a parallel kernel runs: right in parent and child, no hang."""

from __future__ import annotations

import pytest

from programs import run

BUSY = """
    import contextlib, threading
    import numpy as np
    import ranvier as rv

    @contextlib.contextmanager
    def kernels_running():
        "In another thread, the whole time."
        stop = threading.Event()
        x = np.linspace(-5, 5, 400_000, dtype=np.float32)
        def work():
            y = np.empty_like(x)
            while not stop.is_set():
                rv.gelu(x, out=y)
        thread = threading.Thread(target=work)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()

    def idle():
        return contextlib.nullcontext()
"""


@pytest.mark.parametrize(
    ("method", "meanwhile"),
    [
        ("fork", "idle"),
        ("fork", "kernels_running"),
        ("spawn", "kernels_running"),
        ("forkserver", "kernels_running"),
    ],
)
def test_pool(method, meanwhile):
    program = f"""{BUSY}
    import multiprocessing
    from everything import digest
    rv.set_num_threads(3)
    expected = digest()
    with {meanwhile}():
        with multiprocessing.get_context({method!r}).Pool(2) as pool:
            results = [pool.apply_async(digest) for _ in range(2)]
            assert {{result.get(200) for result in results}} == {{expected}}
        assert digest() == expected
    assert rv.get_num_threads() == 3
    """
    run(program, timeout=240)


@pytest.mark.parametrize("meanwhile", ["idle", "kernels_running"])
def test_children_that_fork_again(meanwhile):
    program = f"""{BUSY}
    import os, time
    from everything import digest

    def in_child(body):
        "Its exit code; 1 if it has to be killed."
        child = os.fork()
        if child == 0:
            code = 1
            try:
                code = body()
            finally:
                os._exit(code)
        for _ in range(600):
            done, status = os.waitpid(child, os.WNOHANG)
            if done:
                return os.waitstatus_to_exitcode(status)
            time.sleep(0.1)
        os.kill(child, 9)
        os.waitpid(child, 0)
        return 1

    rv.set_num_threads(4)
    expected = digest()

    def right():
        return 0 if digest() == expected and rv.get_num_threads() == 1 else 1

    def nested():
        return right() or in_child(lambda: right() or in_child(right)) or right()

    with {meanwhile}():
        assert in_child(nested) == 0
        assert in_child(lambda: in_child(right)) == 0  # nothing computed before it forks
        assert digest() == expected
    """
    run(program, timeout=240)


@pytest.mark.stress
def test_hundreds_of_forks():
    program = f"""{BUSY}
    import multiprocessing
    x = np.linspace(-5, 5, 300_000, dtype=np.float32)
    rv.set_num_threads(4)
    expected = rv.softmax(x)
    def right():
        assert np.array_equal(rv.softmax(x), expected)
    with kernels_running():
        for _ in range(300):
            child = multiprocessing.get_context("fork").Process(target=right)
            child.start()
            child.join(60)
            assert child.exitcode == 0, child.exitcode
            right()
    """
    run(program, timeout=600)
