"""One of the tests of hostile arguments and files, its choices made by libFuzzer.

    python fuzz/target.py tests/test_hostile_native.py::test_product -max_total_time=60

Options behind the test are libFuzzer's; a file is one input that is tried again.
"""

from __future__ import annotations

import importlib
import sys
import warnings
from pathlib import Path

import atheris

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))


def main() -> None:
    program, place, *options = sys.argv
    path, _, name = place.partition("::")
    with atheris.instrument_imports(include=["ranvier"]):
        import ranvier  # noqa: F401
    warnings.simplefilter("ignore")
    test = getattr(importlib.import_module(Path(path).stem), name)
    atheris.Setup([program, *options], test.hypothesis.fuzz_one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
