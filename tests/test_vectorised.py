"""Every kernel of every instruction set computes on full vectors in its loop.

The vectoriser gives up without a word; this looks at the machine code.
"""

from __future__ import annotations

import itertools
import re
from typing import Any

import pytest

import ranvier as rv
from ranvier._native import _core

FORMS = {
    "ValueOf": rv.activations,
    "DerivativeOf": rv.derivative,
    "VjpOf": rv.vjp,
    "VjpFromOutputOf": rv.vjp_from_output,
}
ACTIVATIONS = [record.name for record in rv.registry()]


def optimizers(checkout) -> list[str]:
    text = (checkout / "cpp/src/ops/optimizers.def").read_text()
    return re.findall(r"^RV_OPTIMIZER\((\w+)", text, re.MULTILINE)


def row_kernels(checkout) -> list[str]:
    """The functions that isa/rows.cpp puts into row_kernels by name."""
    text = (checkout / "cpp/src/isa/rows.cpp").read_text()
    body = re.search(r"row_kernels = \{(.*?)\};", text, re.DOTALL)
    assert body, "isa/rows.cpp has no row_kernels"
    listed = re.sub(r"#define .*", "", body.group(1))  # the losses of classes are rows
    return re.findall(r"(\w+)<T>", listed)


def gates(checkout) -> set[str]:
    """The activations that gates apply."""
    text = (checkout / "cpp/src/ops/gates.def").read_text()
    return set(re.findall(r'^RV_GATE\(\w+, "\w+", (\w+)', text, re.MULTILINE))


def losses(family: str) -> list[dict[str, Any]]:
    return [record for record in _core.loss_records() if record["family"] == family]


def norm_kernels(checkout) -> list[str]:
    """The functions that isa/norms.cpp puts into norm_kernels, with the arguments before <T>'s."""
    text = (checkout / "cpp/src/isa/norms.cpp").read_text()
    body = re.search(r"norm_kernels = \{(.*?)\};", text, re.DOTALL)
    assert body, "isa/norms.cpp has no norm_kernels"
    return re.findall(r"\w+(?:<(?:\w+, )?T>)?", body.group(1))


# Rows of a tile of a matrix product, and bytes of one of them.
TILES = {"baseline": (6, 32), "avx2": (6, 64), "avx512": (12, 128), "neon": (12, 32)}


def expected_kernels(checkout, own: str) -> dict[str, str]:
    """A short name for every kernel in the table, and how its demangled name starts."""
    result = {}
    for (form, module), name in itertools.product(FORMS.items(), ACTIVATIONS):
        if name in module.__all__:
            for dtype in ("half", "float", "double"):
                cpp = f"ranvier::{dtype}" if dtype == "half" else dtype
                result[f"{form}<{name}>, {dtype}"] = (
                    f"{own}elementwise<{own}activations::{name}, {own}{form}, {cpp}>("
                )
    for dtype in ("half", "float", "double"):
        cpp = f"ranvier::{dtype}" if dtype == "half" else dtype
        for name, kernel in itertools.product(gates(checkout), ("gated", "gated_vjp")):
            start = f"{own}{kernel}<{own}activations::{name}, {cpp}>("
            result[f"{kernel}<{name}>, {dtype}"] = start
        for kernel in ("larger", "larger_vjp"):
            result[f"{kernel}, {dtype}"] = f"{own}{kernel}<{cpp}>("
    for dtype in ("float", "double"):
        result[f"add_bias, {dtype}"] = f"{own}add_bias<{dtype}>("
        for name in row_kernels(checkout):
            result[f"{name}, {dtype}"] = f"{own}{name}<{dtype}>("
        for record in losses("elementwise"):
            name, operands = record["name"], record["operands"]
            counts = f"{len(operands)}, {sum(graded for *_, graded in operands)}"
            types = f"{own}losses::{name}, {own}parameters::{name}"
            result[f"{name}, {dtype}"] = f"{own}loss_points<{types}, {counts}, {dtype}>("
        for record in [*losses("rows"), *losses("classes")]:
            name = record["name"]
            # These move and search, and compute nothing along the row.
            if name not in ("nll_loss", "structured_hinge"):
                result[f"{name}, {dtype}"] = f"{own}{name}<{dtype}>("
        for name in norm_kernels(checkout):
            typed = re.sub(r"\bT>", f"{dtype}>", name)
            result[typed] = f"{own}{typed}("
        rows, width = TILES[own.split("::")[1]]
        columns = width // (4 if dtype == "float" else 8)
        for count in range(1, rows + 1):
            short = f"{count} x {columns}, {dtype}"
            result[short] = f"{own}product_strip<{count}ul, {columns}ul, {dtype}>("
        for name in optimizers(checkout):
            rule = f"{own}optimizers::{name}, ranvier::scalars::{name}"
            result[f"{name}, {dtype}"] = f"{own}optimizer_update<{rule}, {dtype}>("
        lamb = f"{own}optimizers::lamb, ranvier::scalars::lamb"
        result[f"sums of lamb, {dtype}"] = f"{own}optimizer_sums<{lamb}, {dtype}>("
    for operation in range(3):
        start = f"{own}rows_in_lanes<({own}RowOperation){operation}>("
        result[f"rows_in_lanes {operation}"] = start
    return result


def start_of(name: str) -> str:
    """A demangled name up to its arguments; that of a template starts with the return type."""
    if ">(" not in name:
        return name[: name.index("(") + 1]
    return name[: name.index("(", name.index(">")) + 1].split(" ", 1)[-1]


@pytest.fixture(scope="module")
def arithmetic(kernel_objects, checkout):
    """What every kernel computes on full vectors, by instruction set and short name."""
    result = {}
    for isa, objects in kernel_objects.items():
        by_start = {
            start_of(name): (kernels, name)
            for kernels in objects
            for name in kernels.functions
            if "(" in name
        }
        result[isa] = {}
        for short, start in expected_kernels(checkout, f"ranvier::{isa}::").items():
            assert start in by_start, f"no object of {isa} has a kernel {start}...)"
            kernels, name = by_start[start]
            result[isa][short] = kernels.vector_arithmetic(name)
    return result


def test_every_loop_computes_on_full_vectors(arithmetic):
    for isa, kernels in arithmetic.items():
        scalar = [name for name, found in kernels.items() if not found]
        assert not scalar, f"not vectorised for {isa}: {'; '.join(scalar)}"


def test_half_precision_computes_the_formula_on_full_vectors(arithmetic):
    # Converting to float32 and back is vectorised in any case; so must the formula between be: the
    # general one, as in float64.
    telling = dict.fromkeys(("fm", "fnm", "mla", "mls"), "fma") | {"div": "div", "sqrt": "sqrt"}

    def told(found):
        return {telling[group] for group in found if group in telling}

    for isa, kernels in arithmetic.items():
        for name, found in kernels.items():
            if name.endswith(", half"):
                others = [kernels[name.replace("half", other)] for other in ("float", "double")]
                expected = told(others[0]) & told(others[1])
                if name == "VjpFromOutputOf<selu>, half":
                    # A select and a sum; the product with g, which alone is fused in the others,
                    # is formed in double here.
                    expected.discard("fma")
                missing = expected - told(found)
                assert not missing, f"not vectorised for {isa}: {name} lacks {sorted(missing)}"


def test_every_instruction_set_of_this_build_is_looked_at(kernel_objects):
    expected = set(rv._native._core.available_instruction_sets())
    assert expected <= set(kernel_objects), f"objects of {sorted(kernel_objects)} only"
