"""Write what derives from the registry but has to stand in a file: type stubs and documentation.

python tools/generate.py          write them
python tools/generate.py --check  exit with 1 if a file is not what it would write
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import accuracy_table
import loss_table
import optimizer_table
import pages

import ranvier as rv
from ranvier import nn, vjp_from_output
from ranvier.gates import RECORDS as GATES
from ranvier.gates import Gate

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "python" / "ranvier"
FUNCTIONS = ROOT / "docs" / "functions"

NOTICE = "# Written by tools/generate.py from the registry.\n"
ALIASES = {
    "derivative": ["from .maxout import maxout_derivative as maxout"],
    "vjp": [
        "from .maxout import maxout_vjp as maxout",
        "from .softmax import log_softmax_vjp as log_softmax",
        "from .softmax import softmax_vjp as softmax",
        "from .softmax import softmin_vjp as softmin",
    ],
}
ARRAYS = {"activations": "x", "derivative": "x", "vjp": "g x", "vjp_from_output": "g y"}


def exported(module: ModuleType) -> str:
    """What a star import takes: type checkers know it only from a list that is written out."""
    return f"__all__ = {sorted(module.__all__)}"


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
    if module in ("derivative", "vjp"):
        functions += gates(arrays)
    imports = ["import numpy as np"] if ufuncs else []
    typing = ["ArrayLike", *(["NDArray"] if module in ("derivative", "vjp") else [])]
    if functions:
        imports += [f"from numpy.typing import {', '.join(typing)}"]
    standard = ["from typing import Any"] if functions else []
    imports += ["", *ALIASES[module]] if module in ALIASES else []
    groups = [standard, imports, [exported(getattr(rv, module))], ufuncs, functions]
    return NOTICE + "\n".join("\n".join(g) + "\n" for g in groups if g)


def gates(arrays: list[str]) -> list[str]:
    """The declarations of the gates' functions of these arrays."""
    arguments = ", ".join([*arrays, "axis: int = -1", "*", "out: NDArray[Any] | None = None"])
    return [f"def {name}({arguments}) -> Any: ..." for name in GATES]


def gates_stub() -> str:
    """gates.pyi."""
    lines = [
        "from collections.abc import Callable, Mapping",
        "from typing import Any, NamedTuple\n",
        "from numpy.typing import ArrayLike, NDArray\n",
        "from ._elementwise import UlpBound\n",
        exported(rv.gates) + "\n",
        "class Gate(NamedTuple):",
        *(f"    {name}: {kind.__forward_arg__}" for name, kind in Gate.__annotations__.items()),
        "\nRECORDS: Mapping[str, Gate]\n",
        "def functions(form: str, module: str) -> dict[str, Callable[..., Any]]: ...",
        *gates(["x: ArrayLike"]),
    ]
    return NOTICE + "\n".join(lines) + "\n"


def modules_stub() -> str:
    """The .pyi of the activation modules."""
    lines = [
        "from typing import ClassVar\n",
        "from .._elementwise import Activation",
    ]
    lines += ["from ._workspace import Array", "from .module import Module\n"]
    lines += [exported(nn.activations) + "\n"]
    lines += [
        "class Elementwise(Module):",
        "    record: ClassVar[Activation]",
        "    _index: int",
        "    _arguments: list[float]",
        "    _from_output: bool",
        "    def __init__(self, *args: float, **kwargs: float) -> None: ...",
        "    def forward(self, x: Array) -> Array: ...",
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


def gate_modules_stub() -> str:
    """nn/gates.pyi."""
    lines = [
        "from typing import ClassVar\n",
        "from .. import gates",
        "from ._workspace import Array",
        "from .module import Module\n",
        exported(nn.gates) + "\n",
        "class Gate(Module):",
        "    record: ClassVar[gates.Gate]",
        "    dim: int",
        "    def __init__(self, dim: int = -1) -> None: ...",
        "    def forward(self, x: Array) -> Array: ...",
        "    def backward(self, grad_output: Array, accumulate: bool = False) -> Array: ...",
        "    def backward_parameters("
        "self, grad_output: Array, accumulate: bool = False) -> None: ...\n",
        *(f"class {record.module}(Gate): ..." for record in GATES.values()),
    ]
    return NOTICE + "\n".join(lines) + "\n"


def gates_page() -> str:
    """docs/gates.md."""
    return GATES_HEAD + "\n".join(_gates_rows()) + "\n" + MAXOUT


def _gates_rows() -> Iterator[str]:
    yield "| name | value | dtype | value, ulp | gradient, ulp | reference |"
    yield "|---|---|---|---|---|---|"
    for record in GATES.values():
        for dtype, bound in record.bounds.items():
            first = dtype == "float16"
            name, formula = (f"`{record.name}`", f"`{record.formula}`") if first else ("", "")
            ulp = f"{bound.value:.4g} | {bound.derivative:.4g}"
            yield f"| {name} | {formula} | {dtype} | {ulp} | {record.reference if first else ''} |"


GATES_HEAD = """# Gates and maxout

<!-- Written by tools/generate.py from the rows of gates.def. -->

A gate splits `axis` in halves a and b and gives a f(b): `rv.NAME(x, axis=-1, *, out=None)`, of
half the length along the axis. `rv.derivative.NAME(x, axis=-1)` has the shape of x: f(b) in the
first half, a f'(b) in the second; `rv.vjp.NAME(g, x, axis=-1)` is that times g, in one pass in
which f(b) and f'(b) are computed together.

Errors are the largest in units in the last place of the result, for AVX2, AVX-512 and NEON; in
float64 as long as f(b) and f'(b) are not subnormal. Each product is rounded once. Infinity times 0
is NaN; an f(b) or f'(b) below 1e-122 in float32, or below 5e-324 in float64, counts as 0.

"""

MAXOUT = """
`rv.maxout(x, pieces, axis=-1, *, out=None)` is the maximum over groups of `pieces` consecutive
channels, exactly: channel c of the result is the largest of `x[c * pieces : (c + 1) * pieces]`. A
group with NaN gives NaN. The gradient, `rv.derivative.maxout(x, pieces, axis=-1)` and
`rv.vjp.maxout(g, x, pieces, axis=-1)`, goes to the first of several equal maxima, and to the first
NaN. Reference: Goodfellow, Warde-Farley, Mirza, Courville and Bengio, Maxout networks,
arXiv 1302.4389 (2013).
"""


def files() -> dict[Path, str]:
    """What is to stand where."""
    stubs = {PACKAGE / f"{module}.pyi": stub(module) for module in ARRAYS}
    stubs[PACKAGE / "nn" / "activations.pyi"] = modules_stub()
    stubs[PACKAGE / "nn" / "gates.pyi"] = gate_modules_stub()
    stubs[PACKAGE / "gates.pyi"] = gates_stub()
    result = {path: formatted(text) for path, text in stubs.items()}
    result[ROOT / "docs" / "gates.md"] = gates_page()
    result[loss_table.PAGE] = loss_table.page()
    result[accuracy_table.PAGE] = accuracy_table.stored_page()
    result[ROOT / "docs" / "activations.md"] = pages.index()
    result[optimizer_table.PAGE] = optimizer_table.page()
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
