"""Every example runs; each asserts what it claims."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.checkout

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
NAMES = sorted(path.name for path in EXAMPLES.glob("*") if path.name != "__pycache__")


def test_there_are_examples_and_nothing_else():
    assert len(NAMES) >= 6
    assert all(name.endswith(".py") for name in NAMES), f"{EXAMPLES} has {', '.join(NAMES)}"


def test_readme_links_to_every_example(checkout):
    text = (checkout / "README.md").read_text()
    for name in NAMES:
        assert f"(examples/{name})" in text, f"README.md does not link to examples/{name}"


@pytest.mark.parametrize("name", NAMES)
def test_example(name, tmp_path):
    if "import torch" in (EXAMPLES / name).read_text():
        pytest.importorskip("torch")
    # Other tests run beside it: threads of BLAS that wait for a processor take many times as long.
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    process = subprocess.run(
        [sys.executable, "-W", "error", EXAMPLES / name],
        capture_output=True, text=True, timeout=60, cwd=tmp_path, env=environment,
    )  # fmt: skip
    assert process.returncode == 0, process.stderr
    assert process.stdout.count("\n") >= 2 and process.stderr == ""
    assert not list(tmp_path.iterdir())
