from __future__ import annotations

import os
import platform
import sys
from pathlib import Path

import mpmath
import numpy as np
import portalocker
import pytest
from hypothesis import settings

import ranvier as rv
from objects import KernelBuild, KernelObject
from ranvier.runtime import config

# The gate tries the same few examples each time; --hypothesis-profile=nightly many, and new ones.
settings.register_profile("gate", deadline=None, derandomize=True, max_examples=10, database=None)
settings.register_profile("nightly", deadline=None, max_examples=2000, database=None)
settings.load_profile("gate")


def pytest_report_header() -> list[str]:
    built = config()
    return [
        f"ranvier {rv.__version__} from {Path(rv.__file__).parent}",
        f"instruction set {built['instruction set']} of {built['available']}; "
        f"{built['threads']} threads; built with {built['compiler']}, OpenMP {built['OpenMP']}",
        f"Python {platform.python_version()}, NumPy {np.__version__}, mpmath {mpmath.__version__}, "
        f"{platform.machine()} {sys.platform}",
    ]


@pytest.fixture(scope="session")
def checkout() -> Path:
    """The root of the source tree: documentation and benchmarks are not in the wheel."""
    root = Path(__file__).resolve().parent.parent
    missing = [name for name in ("bench", "cpp", "docs") if not (root / name).is_dir()]
    assert not missing, f"{root} is not a checkout of ranvier: it has no {', '.join(missing)}"
    return root


@pytest.fixture(scope="session")
def kernel_build(checkout, tmp_path_factory) -> KernelBuild:
    return KernelBuild(checkout, tmp_path_factory.mktemp("kernels"))


@pytest.fixture(scope="session")
def kernel_objects(kernel_build) -> dict[str, list[KernelObject]]:
    """The kernels of every instruction set, built afresh from the source tree: two minutes."""
    return kernel_build.kernels()


# Of several workers, one builds the kernels; and it runs what has to have the machine for itself.
_ON_ONE_WORKER = {"kernel_build", "kernel_objects"}


@pytest.hookimpl(tryfirst=True)  # before xdist looks at the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if _ON_ONE_WORKER & set(item.fixturenames) or item.get_closest_marker("alone"):
            item.add_marker(pytest.mark.xdist_group("kernels"))
        if "checkout" in item.fixturenames:
            item.add_marker(pytest.mark.checkout)


@pytest.fixture(autouse=True)
def _turn(request, tmp_path_factory):
    """While a test marked `alone` runs, those of the other workers wait."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        yield
        return
    kind = portalocker.LOCK_EX if request.node.get_closest_marker("alone") else portalocker.LOCK_SH
    with open(tmp_path_factory.getbasetemp().parent / "turn.lock", "w") as file:
        portalocker.lock(file, kind)
        yield


@pytest.fixture(autouse=True)
def _unchanged_threads():
    """A test that sets the number of threads does not set it for the next."""
    before = rv.get_num_threads()
    yield
    assert rv.get_num_threads() == before, "the test left another number of threads behind"
