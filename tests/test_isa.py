"""Every instruction set of this machine: forced, it really runs, and it gives the same bits.

AVX2, AVX-512 and NEON agree in every bit. Baseline x86-64 has no fused multiply-add and rounds
twice where they round once: its results may differ. In float16 and float32 they keep the bounds; in
float64 none is stated for it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from checks import check_accuracy, check_same_bits
from operations import DTYPES, operations
from oracle import ON_ONE_WORKER, truth
from ranvier._native import _core

pytestmark = ON_ONE_WORKER

AVAILABLE = _core.available_instruction_sets()
FUSED = [name for name in AVAILABLE if name != "baseline"]


def run(arguments: list[str], **environment: str) -> subprocess.CompletedProcess[str]:
    here = str(Path(__file__).parent)
    path = os.pathsep.join(filter(None, [here, os.environ.get("PYTHONPATH", "")]))
    return subprocess.run(
        [sys.executable, *arguments],
        env={**os.environ, "PYTHONPATH": path, **environment},
        capture_output=True,
        text=True,
        timeout=120,
    )


@cache
def truths():
    return {
        f"{o}/{dtype.__name__}": (o, *truth(o.name, o.form, dtype, o.parameters))
        for o in operations()
        for dtype in DTYPES
    }


@pytest.fixture(scope="module")
def outputs_of(tmp_path_factory):
    folder = tmp_path_factory.mktemp("isa")
    inputs = {key: points for key, (_, points, _) in truths().items()}
    inputs["scores"] = np.random.default_rng(0).normal(0, 5, (700, 103))
    np.savez(folder / "inputs.npz", **inputs)

    @cache
    def outputs(name):
        script = str(Path(__file__).parent / "isa_outputs.py")
        arguments = [script, str(folder / "inputs.npz"), str(folder / f"{name}.npz")]
        done = run(arguments, RANVIER_ISA=name)
        assert done.returncode == 0, f"with RANVIER_ISA={name}:\n{done.stderr}"
        assert done.stdout.strip() == name, f"RANVIER_ISA={name} ran {done.stdout.strip()}"
        with np.load(folder / f"{name}.npz") as results:
            return dict(results)

    return outputs


def test_several_instruction_sets_are_available():
    assert AVAILABLE, "none"
    assert len(set(AVAILABLE)) == len(AVAILABLE)
    forced = os.environ.get("RANVIER_ISA")
    assert _core.instruction_set() == (forced or AVAILABLE[0])


@pytest.mark.parametrize("name", FUSED)
def test_same_bits(name, outputs_of):
    expected, got = outputs_of(FUSED[0]), outputs_of(name)
    assert set(got) == set(expected)
    for key in expected:
        check_same_bits(got[key], expected[key], f"{key}: {name} against {FUSED[0]}")


@pytest.mark.parametrize("name", AVAILABLE)
def test_error_is_within_the_bound(name, outputs_of):
    results = outputs_of(name)
    for key, (operation, points, exact) in truths().items():
        dtype = points.dtype
        if dtype == np.float64 and name == "baseline":
            continue  # without a fused multiply-add: no bound is stated
        bound = operation.bound(dtype)
        check_accuracy(f"{operation} on {name}", lambda _, k=key: results[k], points, exact, bound)


def test_baseline_agrees_with_the_others_to_a_few_ulp(outputs_of):
    if "baseline" not in AVAILABLE:
        assert FUSED == ["neon"]
        return
    expected, got = outputs_of(AVAILABLE[0]), outputs_of("baseline")
    for key in expected:
        dtype = np.dtype(key.rsplit("/", 1)[1])  # computed in; a loss's value is always float64
        if key in truths() and dtype != np.float64:
            continue  # checked against the oracle
        tolerance = 64 * np.finfo(dtype).eps
        scale = np.abs(expected[key]).max() if "/" in key and key not in truths() else 1.0
        assert np.allclose(got[key], expected[key], rtol=tolerance, atol=tolerance * scale), key


@pytest.mark.parametrize("name", ["sse9", "AVX2", "avx2 ", "neon" if FUSED != ["neon"] else "avx2"])
def test_unknown_or_unavailable_is_an_import_error(name):
    done = run(["-c", "import ranvier"], RANVIER_ISA=name)
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("ImportError"), last
    assert "RANVIER_ISA" in last
    assert f"'{name}'" in last
    assert all(available in last for available in AVAILABLE), last


def test_empty_means_not_set():
    program = "from ranvier._native import _core; print(_core.instruction_set())"
    done = run(["-c", program], RANVIER_ISA="")
    assert done.stdout.strip() == AVAILABLE[0], done.stderr


@pytest.mark.parametrize("count", ["0", "-1", "two", "1.5", "2x", "99999999999999999999"])
def test_bad_number_of_threads_is_an_import_error(count):
    done = run(["-c", "import ranvier"], RANVIER_NUM_THREADS=count)
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("ImportError"), last
    assert "RANVIER_NUM_THREADS" in last
    assert f"'{count}'" in last
