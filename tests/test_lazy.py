"""What `import ranvier` loads, and that the rest is there when it is asked for."""

from __future__ import annotations

import subprocess
import sys

import pytest

import ranvier as rv
from ranvier import optim

# What plain functions need.
LOADED = {
    "ranvier",
    *(f"ranvier.{name}" for name in ("activations", "gates", "maxout", "runtime", "softmax")),
    *(f"ranvier._{name}" for name in ("channels", "checks", "core", "elementwise", "lazy")),
    "ranvier._native",
}
# Of the standard library and NumPy, what takes milliseconds.
SLOW = {"argparse", "dataclasses", "json", "numpy.random", "pathlib", "tempfile"}


def fresh(code: str) -> list[str]:
    """The words that a new process prints."""
    command = [sys.executable, "-c", code]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()


def test_bare_import_loads_what_functions_need():
    added = set(
        fresh(
            "import sys, numpy; before = set(sys.modules); import ranvier\n"
            "print(*(set(sys.modules) - before))"
        )
    )
    assert {name for name in added if name.split(".")[0] == "ranvier"} == LOADED
    assert not SLOW & added, f"import ranvier loads {sorted(SLOW & added)}"


@pytest.mark.parametrize("package", ["ranvier", "ranvier.optim"])
def test_every_name_is_there_after_a_bare_import(package):
    found = fresh(
        f"import {package} as package\n"
        "for name in dir(package): assert getattr(package, name) is vars(package)[name]\n"
        "print(*dir(package))"
    )
    assert found == sorted(sys.modules[package].__all__)


@pytest.mark.parametrize("package", [rv, optim], ids=lambda package: package.__name__)
def test_a_name_that_is_not_there(package):
    with pytest.raises(AttributeError, match=rf"module '{package.__name__}' has no .* 'linear'"):
        package.linear  # noqa: B018
    with pytest.raises(ImportError, match="linear"):
        exec(f"from {package.__name__} import linear")
