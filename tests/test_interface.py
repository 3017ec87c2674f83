"""The public C++ interface: a program built against the headers and the library."""

from __future__ import annotations

import subprocess

import pytest


@pytest.mark.parametrize("threads", ["1", "2"])
def test_program_on_the_interface(kernel_build, threads):
    program = kernel_build.program("ranvier_interface")
    done = subprocess.run(
        [program, threads],
        env={"RANVIER_NUM_THREADS": threads},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("name", "value"), [("RANVIER_ISA", "mmx"), ("RANVIER_NUM_THREADS", "two")]
)
def test_program_refuses_what_the_environment_says(kernel_build, name, value):
    program = kernel_build.program("ranvier_interface")
    done = subprocess.run(
        [program, "1"],
        env={"RANVIER_NUM_THREADS": "1", name: value},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode != 0
    assert f"{name} is '{value}'" in done.stderr
