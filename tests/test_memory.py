"""What is short of memory raises MemoryError and goes on working, and nothing leaks."""

from __future__ import annotations

import pytest

from programs import run

# In a thread of its own, so that the memory that a kernel keeps for each thread, and its workers,
# have to be had as well. The limits are in MiB beyond what the process has.
SHORT = """
    import os, re, resource, threading, time
    from pathlib import Path
    import numpy as np
    import ranvier as rv
    from everything import calls, same

    rv.set_num_threads({threads})
    rows = 40_000
    expected = {{name: call() for name, call in calls(rows).items()}}
    mine = calls(rows)
    outcomes = {{}}

    def limited(call, extra):
        size = int(re.search(r"VmSize:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
        limit = size * 1024 + extra * 2**20
        resource.setrlimit(resource.RLIMIT_AS, (int(limit), resource.RLIM_INFINITY))
        try:
            return call()
        except MemoryError:
            return None
        finally:
            resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY,) * 2)

    def work(name, call, extra):
        try:
            result = limited(call, extra)
            outcomes[name, extra] = "short" if result is None else "right"
            if extra < 1:
                call()
        except BaseException as error:
            outcomes[name, extra] = repr(error)

    def threads():
        return len(os.listdir("/proc/self/task"))

    def beside(work, *args):
        thread = threading.Thread(target=work, args=args)
        thread.start()
        thread.join()

    beside(mine["gelu"])
    time.sleep(0.2)
    at_rest = threads()  # LLVM's OpenMP keeps the workers of a thread that ended, GNU's does not
    for name, call in mine.items():
        for extra in (0, 0.1, 1, 9):
            beside(work, name, call, extra)
            while threads() > at_rest:  # the workers give back memory as they end
                time.sleep(0.001)
    strange = {{key: value for key, value in outcomes.items() if value not in ("short", "right")}}
    assert not strange, strange
    short = {{name for (name, _), outcome in outcomes.items() if outcome == "short"}}
    after = {{name: call() for name, call in calls(rows).items()}}
    assert all(same(after[name], expected[name]) for name in expected)
    print(*sorted(short), sep="\\n")
"""
ALLOCATING = {
    *("gelu", "vjp.gelu", "glu", "softmax", "softmax of columns", "logsumexp of columns"),
    *(
        "mse_loss none",
        "mse_loss value_and_grad",
        "cross_entropy 0.0",
        "multi_margin_loss,p,margin mean",
    ),
    *("product", "take_rows", "SGD", "LAMB", "Sequential", "LayerNorm", "BatchNorm1d", "Embedding"),
}


@pytest.mark.parametrize("threads", [1, 4])
def test_a_limit_of_memory(threads):
    # Every block comes from the system, and goes back to it.
    settings = {
        "MALLOC_ARENA_MAX": "1",
        "MALLOC_MMAP_THRESHOLD_": "65536",
        "MALLOC_TRIM_THRESHOLD_": "0",
    }
    short = run(SHORT.format(threads=threads), timeout=300, **settings).splitlines()
    missing = ALLOCATING - {name.strip() for name in short}
    assert not missing, f"no MemoryError from {missing}"


LEAKS = """
    import gc
    import itertools
    import resource
    from pathlib import Path
    from everything import calls

    def resident():
        gc.collect()
        return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()

    grown, every = {{}}, calls(3)
    gc.collect()
    gc.freeze()  # what is there now is not looked at again
    for name, call in every.items():
        for _ in range({warm}):
            call()
        sizes = [resident()]
        for _ in range(3):  # a leak grows in each; what is kept once does not
            for _ in range({count}):
                call()
            sizes.append(resident())
        grown[name] = min(b - a for a, b in itertools.pairwise(sizes))
    leaking = {{name: size for name, size in grown.items() if size > {most}}}
    assert not leaking, leaking
    print(len(grown), max(grown.values()))
"""


def test_nothing_leaks():
    # The smallest object, left behind at every call, is more.
    run(LEAKS.format(warm=100, count=500, most=8000))


@pytest.mark.stress
def test_nothing_leaks_over_a_million_calls(capsys):
    found = run(LEAKS.format(warm=1000, count=333_333, most=100_000), timeout=4 * 3600)
    with capsys.disabled():
        print("\nfunctions, and the most that the memory grew over a million calls of one:", found)
