"""The program that sweeps all inputs: it finds planted faults, and a kill loses little."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

import numpy as np
import pytest

import ranvier as rv
from ranvier._native import _core

EVERY = 104_729
AVAILABLE = _core.available_instruction_sets()


@pytest.fixture(scope="module")
def program(kernel_build):
    return kernel_build.program("ranvier_accuracy")


@pytest.fixture(scope="module")
def inputs():
    index = np.arange(2**32 // EVERY, dtype=np.uint64)
    return (index * np.uint64(EVERY)).astype(np.uint32).view(np.float32)


def run(program, *options, **environment):
    return subprocess.run(
        [program, *map(str, options)],
        env={**os.environ, **environment}, capture_output=True, text=True, timeout=60,
    )  # fmt: skip


def records(output):
    return [json.loads(line) for line in output.read_text().splitlines()]


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
    done = run(program, *options)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("options", [["--every", 50 * EVERY], ["--float64", 5_000]])
def test_reference_agrees_with_a_better_one(program, tmp_path, options):
    output = tmp_path / "records.jsonl"
    done = run(program, *options, "--check-reference", "--output", output)
    assert done.returncode == 0, done.stdout + done.stderr
    allowed = 1e-6 if "--every" in options else 0.02
    for record in records(output):
        assert record["ulp"] < allowed, record
        assert "nan_results" not in record and "nan_lost" not in record, record


@pytest.mark.parametrize("options", [["--every", EVERY], ["--float64", 50_000], ["--float16"]])
def test_instruction_sets_give_the_same_bits(program, tmp_path, options):
    output = tmp_path / "records.jsonl"
    done = run(program, "--compare-isa", *options, "--output", output, RANVIER_ISA=AVAILABLE[0])
    assert done.returncode == 0, done.stdout + done.stderr
    found = records(output)
    others = set(AVAILABLE[1:] or AVAILABLE)
    assert {(r["function"], r["form"], r["beside"]) for r in found} == {
        (record.name, form, other)
        for record in rv.registry()
        for form in ("value", "derivative", "vjp", "vjp_from_output")
        for other in others
        if hasattr(getattr(rv, form, rv), record.name)
    }
    assert all(r["differ"] == 0 for r in found if r["beside"] != "baseline")


def results_on(isa, function, tmp_path):
    """What Python gives on an instruction set for every float32 of `inputs`."""
    program = (
        "import numpy as np, ranvier as rv\n"
        f"x = (np.arange(2**32 // {EVERY}, dtype=np.uint64) * np.uint64({EVERY}))\n"
        f"np.save('{tmp_path}/{isa}.npy', rv.{function}(x.astype(np.uint32).view(np.float32)))\n"
    )
    done = run(sys.executable, "-c", program, RANVIER_ISA=isa)
    assert done.returncode == 0, done.stderr
    return np.load(tmp_path / f"{isa}.npy")


def mixed(n):
    """64 bits from a number: the mixing function of SplitMix64."""
    n = (n + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    n = (n ^ (n >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    n = (n ^ (n >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return n ^ (n >> np.uint64(31))


@pytest.mark.parametrize("function", ["hardswish", "derivative.selu", "relu"])
def test_comparison_counts_what_differs(program, tmp_path, inputs, function):
    form, _, name = function.rpartition(".")
    beside = AVAILABLE[-1]  # baseline, if the machine has several
    output = tmp_path / "records.jsonl"
    run(program, "--compare-isa", "--every", EVERY, name, "--output", output)
    (record,) = (
        r for r in records(output) if (r["form"], r["beside"]) == (form or "value", beside)
    )
    one, other = (results_on(isa, function, tmp_path) for isa in (AVAILABLE[0], beside))
    different = (one.view(np.int32) != other.view(np.int32)) & ~(np.isnan(one) & np.isnan(other))
    assert record["differ"] == different.sum()
    assert (record["differ"] > 0) == (name != "relu" and len(AVAILABLE) > 1)
    if record["differ"]:
        apart = np.abs(one.view(np.int32) - other.view(np.int32))[different]  # of the same sign
        assert record["apart"] == apart.max()
        assert np.float32(record["at"]) in inputs[different][apart == apart.max()]

    bits = np.where(np.isnan(one), np.uint32(0x7F800001), one.view(np.uint32)).astype(np.uint64)
    blocks = np.pad(bits, (0, -bits.size % 4096)).reshape(-1, 4096)
    sums = (blocks * (mixed(np.arange(4096, dtype=np.uint64)) | np.uint64(1))).sum(axis=1)
    digest = mixed(sums ^ mixed(np.arange(len(sums), dtype=np.uint64))).sum()
    assert record["digest"] == f"{digest:016x}"


@pytest.mark.parametrize("options", [["--every", 9973], ["--compare-isa", "--every", 4999]])
def test_a_killed_run_goes_on_where_it_was(program, tmp_path, options):
    names = ("gelu", "mish", "elu")
    whole, output = tmp_path / "whole.jsonl", tmp_path / "killed.jsonl"
    assert run(program, *options, *names, "--output", whole).returncode == 0
    command = [program, *map(str, options), *names, "--output", output]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        while not (output.exists() and output.read_text().count("\n") >= 2):
            time.sleep(0.001)
        process.kill()
    text = output.read_text()
    kept = text.splitlines()[:-1]
    output.write_text(text[:-7])  # the last line is torn
    done = run(program, *options, *names, "--output", output)
    assert done.returncode == 0, done.stderr
    lines = output.read_text().splitlines()
    torn = text.splitlines()[-1][:-6]
    assert [line for line in lines if line != torn] == whole.read_text().splitlines()
    assert lines[: len(kept)] == kept and lines[len(kept)] == torn
    # And nothing that is there is measured again.
    assert len(done.stdout.splitlines()) - 2 == len(lines) - 1 - len(kept)


def test_a_failure_stays_one_when_the_run_goes_on(program, tmp_path):
    output = tmp_path / "records.jsonl"
    options = ("--every", EVERY, "relu", "--output", output)
    assert run(program, *options).returncode == 0
    first, second = output.read_text().splitlines()
    output.write_text(f'{first}\n{second[:-1]}, "failed": true}}\n')
    done = run(program, *options)
    assert done.returncode == 1 and "above the bound" in done.stderr
