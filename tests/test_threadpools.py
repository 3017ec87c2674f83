"""Beside other libraries with threads of their own, and under threadpoolctl."""

from __future__ import annotations

import itertools

import pytest

from programs import run

LIBRARIES = {
    "numpy": """
        import numpy as np
        a = np.random.default_rng(0).random((300, 300))
        def numpy_result():
            return (a @ a).round(6).tobytes()  # its last bits depend on the threads it has
    """,
    "scikit-learn": """
        import numpy as np
        from sklearn.cluster import KMeans
        points = np.random.default_rng(1).random((3000, 5))
        def sklearn_result():
            return KMeans(3, n_init=1, random_state=0).fit(points).labels_.tobytes()
    """,
    "ranvier": """
        import numpy as np
        import ranvier as rv
        x = np.random.default_rng(2).standard_normal((30_000, 20), np.float32)
        def ranvier_result():
            return rv.gelu(x).tobytes() + rv.softmax(x).tobytes()
    """,
    "torch": """
        import torch
        t = torch.linspace(-5, 5, 500_000)
        def torch_result():
            return torch.sigmoid(t).numpy().round(5).tobytes()
    """,
}

ALTERNATING = """
        import threading
        results = [value for name, value in list(globals().items()) if name.endswith("_result")]
        first = [result() for result in results]
        wrong = []
        def alternate():
            for _ in range(3):
                wrong.extend(k for k, result in enumerate(results) if result() != first[k])
        others = [threading.Thread(target=alternate) for _ in range(2)]
        for other in others:
            other.start()
        alternate()
        for other in others:
            other.join()
        assert not wrong, wrong
        import hashlib
        on_one_thread = hashlib.sha256()
        with rv.num_threads(1):
            assert rv.get_num_threads() == 1
            on_one_thread.update(ranvier_result())
        assert on_one_thread.digest() == hashlib.sha256(ranvier_result()).digest()
        print(on_one_thread.hexdigest())
"""


def digest(order: tuple[str, ...]) -> str:
    return run("".join(LIBRARIES[name] for name in order) + ALTERNATING, timeout=300)


def test_with_scikit_learn_and_numpy():
    orders = [("ranvier", "scikit-learn", "numpy"), ("scikit-learn", "numpy", "ranvier")]
    alone = digest(("ranvier",))
    assert {digest(order) for order in orders} == {alone}


@pytest.mark.stress
def test_with_all_of_them_in_any_order():
    alone = digest(("ranvier",))
    for order in itertools.permutations(LIBRARIES):
        assert digest(order) == alone, order


LIMITS = """
    import os
    from threadpoolctl import threadpool_info, threadpool_limits
    import numpy as np
    import ranvier as rv

    x = np.linspace(-5, 5, 2_000_000)

    def started():
        "The threads that a kernel adds."
        before = len(os.listdir("/proc/self/task"))
        rv.gelu(x)
        return len(os.listdir("/proc/self/task")) - before
"""


def test_threadpoolctl_limits_us():
    program = f"""{LIMITS}
    found = [pool for pool in threadpool_info() if pool["user_api"] == "openmp"]
    assert found and found[0]["num_threads"] == 4 == rv.get_num_threads(), found
    with threadpool_limits(1):
        assert rv.get_num_threads() == 1
        assert started() == 0
    with threadpool_limits(3, user_api="openmp"):
        assert rv.get_num_threads() == 3
        assert started() == 2
    with threadpool_limits(2, user_api="blas"):
        assert rv.get_num_threads() == 4
    """
    run(program, OMP_NUM_THREADS="4")


def test_what_was_set_here_goes_before_threadpoolctl():
    program = f"""{LIMITS}
    with threadpool_limits(1):
        with rv.num_threads(3):
            assert rv.get_num_threads() == 3
            assert started() == 2
        assert rv.get_num_threads() == 1
    rv.set_num_threads(1)
    with threadpool_limits(4):
        assert rv.get_num_threads() == 1
        assert started() == 0
    """
    run(program, OMP_NUM_THREADS="4")
