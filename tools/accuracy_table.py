"""Write the tables of docs/accuracy.md from docs/measurements/.

python tools/accuracy_table.py [RESULTS ...]

RESULTS are files that `ranvier_accuracy --output` and `bench.peers.accuracy --output` wrote: their
records are added to the stored ones first, in place of those of the same measurement: errors to
accuracy.json, what `--compare-isa` found to instruction_sets.json. Exits with 1 if an instruction
set gives other bits than those that are stored of another, each with a fused multiply-add.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

import ranvier as rv

ROOT = Path(__file__).resolve().parent.parent
RECORDS = ROOT / "docs" / "measurements" / "accuracy.json"
COMPARISONS = ROOT / "docs" / "measurements" / "instruction_sets.json"
PAGE = ROOT / "docs" / "accuracy.md"
BEGIN = "<!-- Written by tools/accuracy_table.py from measurements/. -->\n"
END = "<!-- End of what is written by tools/accuracy_table.py. -->\n"

Record = dict[str, Any]

IDENTITY = ("function", "form", "dtype", "who", "isa", "parameters", "beside")
FORMS = ("value", "derivative")
ALL_FORMS = (*FORMS, "vjp", "vjp_from_output")
DTYPES = ("float32", "float64", "float16")
PEERS = {"torch": "PyTorch", "jax": "JAX", "scipy": "SciPy"}


def merged(records: Iterable[Record]) -> list[Record]:
    """One record of each measurement: that of more inputs, or else the later one."""
    kept: dict[tuple[str, ...], Record] = {}
    for record in records:
        key = tuple(str(record.get(name)) for name in IDENTITY)
        if key not in kept or record["inputs"] >= kept[key]["inputs"]:
            kept[key] = record
    return [kept[key] for key in sorted(kept)]


def stored(path: Path) -> list[Record]:
    return json.loads(path.read_text()) if path.exists() else []


def store(path: Path, records: list[Record]) -> None:
    lines = ",\n".join(json.dumps(record) for record in records)
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"[\n{lines}\n]\n")


def usual_parameters(function: str, dtype: str) -> list[float]:
    """The defaults, and 0.25 where there is none, as numbers of the dtype."""
    (record,) = (r for r in rv.registry() if r.name == function)
    given = (0.25 if p is None else p for p in record.parameters.values())
    return [float(np.dtype(dtype).type(p)) for p in given]


class Measured:
    """The records by what the tables ask for."""

    def __init__(self, records: list[Record]) -> None:
        self.records = records
        self._by_key: dict[tuple[str, ...], Record] = {}
        for record in records:
            package = record["who"].partition(" ")[0]
            key = (package, record["function"], record["form"], record["dtype"])
            if package == "ranvier" and not self.is_usual(record):
                continue
            before = self._by_key.get(key)
            if before is None or self._weight(record) > self._weight(before):
                self._by_key[key] = record

    @staticmethod
    def _weight(record: Record) -> tuple[int, float]:
        return record["inputs"], float(record["ulp"])

    @staticmethod
    def is_usual(record: Record) -> bool:
        return record["parameters"] == usual_parameters(record["function"], record["dtype"])

    def of(self, package: str, function: str, form: str, dtype: str = "float32") -> Record | None:
        return self._by_key.get((package, function, form, dtype))

    def inputs(self, package: str, dtype: str) -> str:
        """How many inputs the records of a column have, the fewest if they differ."""
        counts = [
            r["inputs"]
            for (who, _, _, type_), r in self._by_key.items()
            if who == package and type_ == dtype
        ]
        return f"{min(counts):,}" if counts else "no"

    def version(self, package: str) -> str:
        found = (r["who"] for (who, *_), r in self._by_key.items() if who == package)
        return next(found, package).partition(" ")[2]


def ulp(record: Record | None) -> str:
    if record is None:
        return ""
    value = float(record["ulp"])
    text = f"{value:.4g}" if value < 1000 else f"{value:.1e}".replace("e+0", "e").replace("e+", "e")
    return text + ("*" if record.get("nan_results") else "")


def at(record: Record | None) -> str:
    if record is None or record["at"] is None:
        return ""
    digits = {"float16": 5, "float32": 9, "float64": 17}[record["dtype"]]
    return f"{float(record['at']):.{digits}g}"


def pair(records: Iterable[Record | None]) -> str:
    return " / ".join(filter(None, map(ulp, records)))


def tables(records: list[Record]) -> str:
    measured = Measured(records)
    parts = (_largest, _peers, _where, _other_parameters)
    return "\n\n".join("\n".join(part(measured)) for part in parts) + "\n"


def _row(*cells: str) -> str:
    return "| " + " | ".join(cells) + " |"


def _head(*cells: str) -> str:
    return _row(*cells) + "\n" + "|---" * len(cells) + "|"


def _largest(measured: Measured) -> Iterator[str]:
    counts = ", ".join(f"{measured.inputs('ranvier', d)} of {d}" for d in DTYPES)
    yield f"Largest errors in ulp over {counts}; value / derivative:\n"
    yield _head("function", *DTYPES, "float16: not correctly rounded")
    for record in rv.registry():
        cells = []
        for dtype in DTYPES:
            cells.append(pair(measured.of("ranvier", record.name, form, dtype) for form in FORMS))
        half = [measured.of("ranvier", record.name, form, "float16") for form in FORMS]
        wrong = " / ".join(str(r.get("not_correctly_rounded", "")) for r in half if r)
        yield _row(record.name, *cells, wrong)


def _peers(measured: Measured) -> Iterator[str]:
    counts = ", ".join(
        f"{measured.inputs(package, 'float32')} for {name} {measured.version(package)}"
        for package, name in PEERS.items()
    )
    yield f"Beside the peers, float32, value / derivative ({counts} inputs):\n"
    yield _head("function", "ranvier", *PEERS.values())
    for record in rv.registry():
        cells = [
            pair(measured.of(package, record.name, form) for form in FORMS)
            for package in ("ranvier", *PEERS)
        ]
        yield _row(record.name, *cells)
    yield "\n\\* and NaN for some argument at which the function is a number."


def _where(measured: Measured) -> Iterator[str]:
    yield "Where ranvier's largest errors are, value / derivative:\n"
    yield _head("function", *DTYPES)
    for record in rv.registry():
        cells = []
        for dtype in DTYPES:
            found = [measured.of("ranvier", record.name, form, dtype) for form in FORMS]
            places = [at(r) or "-" for r in found if r]
            cells.append("" if set(places) == {"-"} else " / ".join(places))
        if any(cells):
            yield _row(record.name, *cells)


def _other_parameters(measured: Measured) -> Iterator[str]:
    rows: dict[tuple[str, str, str, str], dict[str, Record]] = {}
    for record in measured.records:
        if record["who"] == "ranvier" and not measured.is_usual(record):
            parameters = ", ".join(f"{p:.6g}" for p in record["parameters"])
            key = (record["function"], parameters, record["dtype"], f"{record['inputs']:,}")
            rows.setdefault(key, {})[record["form"]] = record
    if not rows:
        return
    yield "With other parameters:\n"
    yield _head("function", "parameters", "dtype", "inputs", "value / derivative")
    for key, forms in rows.items():
        yield _row(*key, pair(forms.get(form) for form in FORMS))


def compared(records: list[Record]) -> str:
    """A table for each two instruction sets."""
    found: dict[tuple[str, str], dict[tuple[str, str, str], Record]] = {}
    for record in records:
        if record["parameters"] == usual_parameters(record["function"], record["dtype"]):
            pair_of = found.setdefault((record["isa"], record["beside"]), {})
            pair_of[record["function"], record["dtype"], record["form"]] = record
    return "\n\n".join("\n".join(_beside(*names, found[names])) for names in sorted(found))


def _beside(one: str, other: str, found: dict[tuple[str, str, str], Record]) -> Iterator[str]:
    yield (
        f"Results of {one} that differ in a bit from {other}'s, value / derivative / vjp / "
        "vjp from output; in brackets, the most steps from number to number between two of them:\n"
    )
    yield _head("function", *(name for dtype in DTYPES for name in (f"{dtype} inputs", "differ")))
    for record in rv.registry():
        cells = []
        for dtype in DTYPES:
            forms = [r for form in ALL_FORMS if (r := found.get((record.name, dtype, form)))]
            counts = sorted({r["inputs"] for r in forms})
            cells.append(" to ".join(f"{n:,}" for n in counts))
            cells.append(" / ".join(map(_differ, forms)))
        if any(cells):
            yield _row(record.name, *cells)


def _differ(record: Record) -> str:
    return f"{record['differ']:,}" + (f" ({record['apart']})" if record["differ"] else "")


def contradictions(before: list[Record], new: list[Record]) -> list[str]:
    """Where the bits are others than those of another instruction set on the same arguments."""
    same = (*(name for name in IDENTITY if name not in ("isa", "beside")), "inputs")
    digests: dict[tuple[str, ...], set[tuple[str, str]]] = {}
    for record in (*before, *new):
        if record["isa"] != "baseline":
            key = tuple(str(record[name]) for name in same)
            digests.setdefault(key, set()).add((record["isa"], record["digest"]))
    result = []
    for record in new:
        for isa, digest in sorted(digests.get(tuple(str(record[name]) for name in same), ())):
            if record["isa"] not in (isa, "baseline") and record["digest"] != digest:
                what = " ".join(record[name] for name in ("function", "form", "dtype"))
                result.append(f"{what}: {record['isa']} differs from {isa}")
    return result


def stored_page() -> str:
    """The page as it is to be."""
    return page(PAGE.read_text(), stored(RECORDS), stored(COMPARISONS))


def page(text: str, records: list[Record], comparisons: list[Record]) -> str:
    """The page, with the tables of these records between its markers."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{PAGE} does not have the two markers between which the tables stand")
    written = f"{tables(records).strip()}\n\n{compared(comparisons)}".strip()
    return f"{before}{BEGIN}\n{written}\n\n{END}{after}"


def main(results: list[str]) -> int:
    new: list[Record] = []
    for name in results:
        lines = Path(name).read_text().splitlines()
        new += [json.loads(line) for line in lines if line.endswith("}")]
    errors = [r for r in new if "beside" not in r]
    records = merged(stored(RECORDS) + errors)
    store(RECORDS, [r for r in records if not math.isnan(float(r["ulp"]))])
    comparisons = [r for r in new if "beside" in r]
    found = contradictions(stored(COMPARISONS), comparisons)
    store(COMPARISONS, merged(stored(COMPARISONS) + comparisons))
    PAGE.write_text(stored_page())
    print("\n".join(found), end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
