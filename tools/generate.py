"""Write what derives from the registry but has to stand in a file: type stubs and documentation.

python tools/generate.py          write them
python tools/generate.py --check  exit with 1 if a file is not what it would write
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pages

import ranvier as rv
from ranvier import nn, vjp_from_output

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "python" / "ranvier"
FUNCTIONS = ROOT / "docs" / "functions"

NOTICE = "# Written by tools/generate.py from the registry.\n"
ARRAYS = {"activations": "x", "derivative": "x", "vjp": "g x", "vjp_from_output": "g y"}


def stub(module: str) -> str:
    """The .pyi of a module of elementwise functions."""
    arrays = [f"{name}: ArrayLike" for name in ARRAYS[module].split()]
    functions, ufuncs = [], []
    for record in rv.registry():
        if module == "vjp_from_output" and not hasattr(vjp_from_output, record.name):
            continue
        if not record.parameters:
            ufuncs.append(f"{record.name}: np.ufunc")
            continue
        parameters = [
            f"{name}: ArrayLike" + ("" if default is None else f" = {default!r}")
            for name, default in record.parameters.items()
        ]
        arguments = [*arrays, "/", *parameters, "**kwargs: Any"]
        functions.append(f"def {record.name}({', '.join(arguments)}) -> Any: ...")
    imports = ["import numpy as np"] if ufuncs else []
    if functions:
        imports += ["from numpy.typing import ArrayLike"]
    softmax = [
        f"from .softmax import {name}_vjp as {name}"
        for name in ("log_softmax", "softmax")
        if module == "vjp"
    ]
    standard = ["from typing import Any"] if functions else []
    groups = [standard, imports, softmax, ["__all__: list[str]"], ufuncs, functions]
    return NOTICE + "\n".join("\n".join(g) + "\n" for g in groups if g)


def modules_stub() -> str:
    """The .pyi of the activation modules."""
    lines = [
        "from typing import ClassVar\n",
        "from .._elementwise import Activation",
    ]
    lines += ["from ._workspace import Array", "from .module import Module\n"]
    lines += ["__all__: list[str]\n"]
    lines += [
        "class Elementwise(Module):",
        "    record: ClassVar[Activation]",
        "    def __init__(self, *args: float, **kwargs: float) -> None: ...",
        "    def forward(self, x: Array) -> Array: ...",
        "    def forward_biased(self, z: Array, bias: Array) -> Array: ...",
        "    def backward(self, grad_output: Array, accumulate: bool = False) -> Array: ...",
        "    def backward_parameters("
        "self, grad_output: Array, accumulate: bool = False) -> None: ...\n",
    ]
    for name in nn.activations.__all__:
        record = getattr(nn, name).record
        if not record.parameters:
            lines.append(f"class {name}(Elementwise): ...")
            continue
        parameters = "".join(
            f", {p}: float" + ("" if v is None else f" = {v!r}")
            for p, v in record.parameters.items()
        )
        lines += [f"class {name}(Elementwise):"]
        lines += [f"    def __init__(self{parameters}) -> None: ..."]
    return NOTICE + "\n".join(lines) + "\n"


def files() -> dict[Path, str]:
    """What is to stand where."""
    stubs = {PACKAGE / f"{module}.pyi": stub(module) for module in ARRAYS}
    stubs[PACKAGE / "nn" / "activations.pyi"] = modules_stub()
    result = {path: formatted(text) for path, text in stubs.items()}
    result[ROOT / "docs" / "activations.md"] = pages.index()
    for record in rv.registry():
        result[FUNCTIONS / f"{record.name}.md"] = pages.page(record)
    return result


def formatted(text: str) -> str:
    """A stub as ruff would have it."""
    command = ["ruff", "format", "--stdin-filename", "stub.pyi", "-"]
    return subprocess.run(
        command, input=text, capture_output=True, text=True, check=True, cwd=ROOT
    ).stdout


def main(arguments: list[str]) -> int:
    expected = files()
    FUNCTIONS.mkdir(exist_ok=True)
    stale = [path for path in FUNCTIONS.glob("*.md") if path not in expected]
    if "--check" not in arguments:
        for path in stale:
            path.unlink()
    for path, text in expected.items():
        if path.exists() and path.read_text() == text:
            continue
        stale.append(path)
        if "--check" not in arguments:
            path.write_text(text)
    for path in stale:
        print(("stale: " if "--check" in arguments else "changed ") + str(path.relative_to(ROOT)))
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
