"""Many Python threads at once: the bits of one that is alone, and nobody waits for ever."""

from __future__ import annotations

import pytest

from programs import run

# Each thread has arrays, optimizers and layers of its own; all start together.
EVERYTHING = """
    import random, sys, threading
    import numpy as np
    import ranvier as rv
    from everything import calls, same

    rows, rounds, threads = {rows}, {rounds}, 16
    rv.set_num_threads({threads_each})

    def results(order):
        mine = calls(rows)
        for number in range(rounds):
            for name in random.Random(order).sample([*mine], len(mine)):
                yield name, number, mine[name]()

    expected = {{
        (name, number): [np.array(part) for part in result] for name, number, result in results(0)
    }}
    wrong, barrier = [], threading.Barrier(threads)

    def work(order):
        try:
            barrier.wait()
            for name, number, result in results(order):
                if not same(result, expected[name, number]):
                    wrong.append(name)
        except BaseException as error:
            wrong.append(repr(error))

    running = [threading.Thread(target=work, args=(k,), daemon=True) for k in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join({timeout})
    assert not any(thread.is_alive() for thread in running), "deadlock"
    assert not wrong, wrong
    print(sys._is_gil_enabled() if hasattr(sys, "_is_gil_enabled") else True)
"""


@pytest.mark.parametrize("threads_each", [1, 3])
def test_everything_on_sixteen_threads(threads_each):
    run(EVERYTHING.format(rows=3000, rounds=1, threads_each=threads_each, timeout=100))


@pytest.mark.stress
@pytest.mark.parametrize("threads_each", [1, 2, 8])
def test_everything_on_sixteen_threads_many_times(threads_each):
    program = EVERYTHING.format(rows=30_000, rounds=5, threads_each=threads_each, timeout=550)
    run(program, timeout=600)


def test_one_model_in_eval_mode_predicts_for_all():
    program = """
        from concurrent.futures import ThreadPoolExecutor
        import numpy as np
        from ranvier import nn

        model = nn.Sequential(
            nn.Linear(20, 300, rng=0), nn.GELU(), nn.LayerNorm(300), nn.Linear(300, 7, rng=1),
            nn.BatchNorm1d(7), nn.Dropout(0.5), nn.RBF(7, 5, rng=2), nn.Softmax(dim=1),
        ).eval()
        rng = np.random.default_rng(0)
        inputs = [rng.random((k % 9 * 40 + 1, 20), np.float32) for k in range(320)]
        expected = [model(x).copy() for x in inputs]
        with ThreadPoolExecutor(16) as pool:
            got = list(pool.map(model, inputs))
        assert all(np.array_equal(a, b) for a, b in zip(got, expected, strict=True))
    """
    run(program)
