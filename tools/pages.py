"""The documentation of the activations: an index, and a page for each, from the registry.

Measurements are taken from docs/measurements/ where they are: accuracy.json, a list of largest
errors, and speed.json, the last line of `ranvier bench --all --json`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import ranvier as rv
from ranvier import vjp_from_output
from ranvier._curves import REQUIRED, defaults, family
from ranvier._elementwise import Activation

ROOT = Path(__file__).resolve().parent.parent
MEASUREMENTS = ROOT / "docs" / "measurements"

NOTICE = "<!-- Written by tools/generate.py from the registry. -->\n"


def index() -> str:
    """docs/activations.md."""
    return "\n".join(_index())


def page(record: Activation) -> str:
    """docs/functions/NAME.md."""
    return "\n".join(_page(record))


def _index() -> Iterator[str]:
    yield "# Activations\n"
    yield NOTICE
    yield (
        "Each is a NumPy ufunc (with parameters: a thin function over one), and so are its\n"
        "derivative `rv.derivative.NAME(x)`, its vector-Jacobian product `rv.vjp.NAME(g, x)`\n"
        "and, where the derivative is a function of the output,\n"
        "`rv.vjp_from_output.NAME(g, y)`.\n\n"
        "Bounds are the largest errors over all inputs, of value / derivative in units in the\n"
        "last place of the result, and are what the tests enforce. float16 is rounded once.\n"
        "The bounds are for AVX2, AVX-512 and NEON; baseline x86-64, which has no fused\n"
        "multiply-add, keeps those of float16 and float32.\n\n"
        "![All activations and their derivatives](functions/overview.svg)\n"
    )
    heads = ("function", "f(x)", "parameters", "float32", "float64", "f' from the output")
    yield from _table(
        heads,
        (
            (
                f"[{record.name}](functions/{record.name}.md)",
                f"`{record.formula}`",
                _parameters(record),
                *(_bounds(record, dtype) for dtype in ("float32", "float64")),
                "yes" if hasattr(vjp_from_output, record.name) else "",
            )
            for record in rv.registry()
        ),
    )


def _page(record: Activation) -> Iterator[str]:
    name = record.name
    yield f"# {name}\n"
    yield NOTICE
    yield f"![{name} and its derivative]({name}.svg)\n"
    from_output = f"`rv.vjp_from_output.{name}(g, y)`" if hasattr(vjp_from_output, name) else "no"
    yield from _table(
        ("", ""),
        (
            ("f(x)", f"`{record.formula}`"),
            ("f'(x)", f"`{record.derivative}`"),
            ("f' from the output", from_output),
            ("layer", f"`nn.{record.module}`"),
            ("source", record.reference),
        ),
    )
    yield "## Example\n\n```python"
    yield from _example(record)
    yield "```\n"
    yield from _about_parameters(record)
    yield "## Special values\n"
    if record.parameters:
        given = ", ".join(f"{p} = {value:g}" for p, value in defaults(record).items())
        yield f"With {given}.\n"
    yield from _table(
        ("x", "f(x)", "f'(x)"),
        ((f"{x:g}", f"{y:g}", f"{slope:g}") for x, (y, slope) in record.special_values.items()),
    )
    yield from _accuracy(record)
    yield from _speed(record)
    yield "[All activations](../activations.md)\n"


def _about_parameters(record: Activation) -> Iterator[str]:
    if not record.parameters:
        return
    yield "## Parameters\n"
    yield from _table(
        ("parameter", "default", "meaning"),
        (
            (
                f"`{name}`",
                "has to be given" if default is None else f"{default:g}",
                record.meanings[name],
            )
            for name, default in record.parameters.items()
        ),
    )
    yield (
        "A parameter broadcasts like any operand, so that an array holds one value for each\n"
        "channel. It is rounded to the dtype of the result first.\n"
    )


def _example(record: Activation) -> Iterator[str]:
    """A session, with what it printed when this was written."""
    names: dict[str, Any] = {}
    required = [f"{p}={REQUIRED}" for p, default in record.parameters.items() if default is None]
    given = "".join(f", {argument}" for argument in required)
    session = [
        "import numpy as np",
        "import ranvier as rv",
        "x = np.array([-2.0, -0.5, 0.0, 0.5, 2.0])",
        f"rv.{record.name}(x{given})",
        f"rv.derivative.{record.name}(x{given})",
        "g = np.array([1.0, -1.0, 1.0, -1.0, 1.0])",
        f"rv.vjp.{record.name}(g, x{given})  # g f'(x), in one pass",
    ]
    if record.parameters:
        first = next(iter(record.parameters))
        others = "".join(f", {a}" for a in required if not a.startswith(f"{first}="))
        channels = [defaults(record)[first], *(p[first] for p in family(record, first)[:2])]
        session += [
            "x = np.array([[-0.75, -0.75, -0.75], [0.75, 0.75, 0.75]])",
            f"rv.{record.name}(x, {first}={channels}{others})  # one for each of three channels",
        ]
    for line in session:
        yield f">>> {line}"
        try:
            yield repr(eval(line, names))
        except SyntaxError:
            exec(line, names)


def _accuracy(record: Activation) -> Iterator[str]:
    yield "## Accuracy\n"
    yield "Bounds, in units in the last place (ulp), which the tests enforce:\n"
    yield from _table(
        ("dtype", "value", "derivative"),
        (
            (dtype, f"{bound.value:.4g}", f"{bound.derivative:.4g}")
            for dtype, bound in record.bounds.items()
        ),
    )
    measured = [row for row in _measured("accuracy", []) if row["function"] == record.name]
    if not measured:
        return
    yield "Largest errors measured:\n"
    yield from _table(
        ("", "dtype", "instruction set", "result", "inputs", "parameters", "ulp", "at x ="),
        (
            (
                row["who"],
                row["dtype"],
                row["isa"],
                row["form"],
                row["inputs"],
                row["parameters"],
                f"{row['ulp']:.4g}",
                row["at"],
            )
            for row in sorted(measured, key=lambda row: (row["dtype"], row["form"] != "value"))
        ),
    )
    yield "[How it is measured](../accuracy.md)\n"


def _speed(record: Activation) -> Iterator[str]:
    measured = _measured("speed", {"results": {}})
    titles = {record.name: "value", f"{record.name} vjp": "vector-Jacobian product"}
    rows = [row for row in measured["results"].get("activations", []) if row["name"] in titles]
    if not rows:
        return
    who = list(dict.fromkeys(n for row in rows for n in row["microseconds"]))
    yield "## Speed\n"
    yield "float32, in microseconds; above 1, ranvier is faster than the fastest peer.\n"
    yield from _table(
        ("", "elements", *who, "fastest peer / ranvier"),
        (
            (
                titles[row["name"]],
                row["size"],
                *(f"{row['microseconds'][n]:.3g}" if n in row["microseconds"] else "" for n in who),
                "" if row["ratio"] is None else f"{row['ratio']:.2f}",
            )
            for row in sorted(rows, key=lambda row: list(titles).index(row["name"]))
        ),
    )
    about = ", ".join(f"{name} {value}" for name, value in measured["machine"].items())
    yield f"Measured on: {about}. [How it is measured](../performance.md)\n"


def _measured(name: str, otherwise: Any) -> Any:
    path = MEASUREMENTS / f"{name}.json"
    return json.loads(path.read_text()) if path.exists() else otherwise


def _parameters(record: Activation) -> str:
    return ", ".join(
        f"`{name}`" + ("" if default is None else f" = {default:g}")
        for name, default in record.parameters.items()
    )


def _bounds(record: Activation, dtype: str) -> str:
    bound = record.bounds[dtype]
    return f"{bound.value:.4g} / {bound.derivative:.4g}"


def _table(heads: Iterable[str], rows: Iterable[Iterable[Any]]) -> Iterator[str]:
    heads = list(heads)
    yield f"| {' | '.join(heads)} |"
    yield "|" + "---|" * len(heads)
    for row in rows:
        yield f"| {' | '.join(_cell(value) for value in row)} |"
    yield ""


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, Mapping):
        return ", ".join(f"{name} = {_cell(v)}" for name, v in value.items())
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:.9g}"
    return str(value).replace("|", r"\|")  # which would end the cell, even between backticks
