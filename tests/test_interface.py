"""The public C++ interface: a program built against the headers and the library."""

from __future__ import annotations

import subprocess

import pytest


@pytest.mark.parametrize("threads", ["1", "2"])
def test_program_on_the_interface(kernel_build, threads):
    program = kernel_build.program("ranvier_interface")
    done = subprocess.run(
        [program], env={"RANVIER_NUM_THREADS": threads}, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_program_refuses_an_unknown_instruction_set(kernel_build):
    program = kernel_build.program("ranvier_interface")
    done = subprocess.run(
        [program], env={"RANVIER_ISA": "mmx"}, capture_output=True, text=True, timeout=60
    )
    assert done.returncode != 0
    assert "RANVIER_ISA is 'mmx'" in done.stderr
