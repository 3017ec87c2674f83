"""The program that sweeps all inputs: it builds, and its judgement finds a planted fault."""

from __future__ import annotations

import json
import subprocess

import numpy as np
import pytest

import ranvier as rv

EVERY = 104_729


@pytest.fixture(scope="module")
def program(kernel_build):
    return kernel_build.program("ranvier_accuracy")


@pytest.fixture(scope="module")
def inputs():
    index = np.arange(2**32 // EVERY, dtype=np.uint64)
    return (index * np.uint64(EVERY)).astype(np.uint32).view(np.float32)


def judged(program, tmp_path, form, results):
    output = tmp_path / "records.jsonl"
    command = [program, "--judge", "gelu", form, "--every", str(EVERY), "--output", output]
    done = subprocess.run(command, input=results.tobytes(), capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr
    (line,) = output.read_text().splitlines()
    return json.loads(line)


@pytest.mark.parametrize("form", ["value", "derivative"])
def test_program_finds_a_planted_fault(program, tmp_path, inputs, form):
    function = rv.gelu if form == "value" else rv.derivative.gelu
    results = function(inputs)
    (place,) = np.flatnonzero(inputs == inputs[(inputs < -1) & (inputs > -1.1)][0])
    bits = results.view(np.int32)
    bits[place] += 3
    record = judged(program, tmp_path, form, results)
    assert 2.4 < record["ulp"] < 3.6
    assert np.float32(record["at"]) == inputs[place]


def test_program_finds_nan_and_lost_nan(program, tmp_path, inputs):
    results = rv.gelu(inputs)
    results[np.isnan(inputs)] = 0
    results[7] = np.nan
    record = judged(program, tmp_path, "value", results)
    assert record["nan_results"] == 1 and np.float32(record["nan_results_at"]) == inputs[7]
    assert record["nan_lost"] == np.isnan(inputs).sum()
    assert record["ulp"] < 1


def test_program_refuses_too_few_results(program, inputs):
    done = subprocess.run(
        [program, "--judge", "gelu", "value", "--every", str(EVERY)],
        input=inputs[:-1].tobytes(), capture_output=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 2
    assert b"fewer" in done.stderr


@pytest.mark.parametrize("options", [["--every", EVERY], ["--float16"]])
def test_kernels_keep_their_bounds(program, options):
    command = [program, *map(str, options)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("options", [["--every", 50 * EVERY], ["--float64", 5_000]])
def test_reference_agrees_with_a_better_one(program, tmp_path, options):
    output = tmp_path / "records.jsonl"
    command = [program, *map(str, options), "--check-reference", "--output", output]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    allowed = 1e-6 if "--every" in options else 0.02
    for line in output.read_text().splitlines():
        record = json.loads(line)
        assert record["ulp"] < allowed, line
        assert "nan_results" not in record and "nan_lost" not in record, line
