"""``ranvier bench``: its speed beside that of the peers that are installed."""

from __future__ import annotations

import argparse
import importlib
import json
import math
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from ..bench import SUBJECTS
from ..bench.peers import equal_threads, machine, processors
from ..bench.timing import Disagreement, Row, Scope
from ..runtime import get_num_threads
from . import _arguments, _table
from ._errors import UsageError

__all__ = ["add"]


def add(commands: Any) -> None:
    """Declare the command and its options."""
    usual = ", ".join(name for name, subject in SUBJECTS.items() if subject.usual)
    parser = commands.add_parser(
        "bench",
        help="time ranvier beside torch, JAX, SciPy and scikit-learn",
        description="Time ranvier beside PyTorch, JAX, SciPy and scikit-learn, as far as they are "
        "installed, in one process: outputs compared first, as many threads for each, rounds that "
        "take turns, medians. In float32; less than a minute without options.",
        epilog="The ratio is the time of the fastest peer over ranvier's: above 1, ranvier is "
        "faster. vjp is the gradient with respect to x, given that of the result.",
    )
    parser.set_defaults(command=_bench)
    parser.add_argument(
        "--only",
        action="append",
        choices=list(SUBJECTS),
        metavar="SUBJECT",
        help=f"{', '.join(SUBJECTS)}; can be repeated (default: {usual})",
    )
    parser.add_argument(
        "--all",
        action="store_true",
        help="every size and name, and every subject unless --only says which: half an hour",
    )
    most = processors()
    parser.add_argument(
        "--threads",
        type=_arguments.number(int, 1, most, f"an integer from 1 to {most}, the processors"),
        default=min(get_num_threads(), most),
        metavar="N",
        help="for each of them (default: %(default)s)",
    )
    parser.add_argument(
        "--seconds",
        type=_arguments.rate,
        metavar="S",
        help="for each of them and each line, about (default: 0.1, with --all 0.6)",
    )
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")
    parser.add_argument("--quiet", action="store_true", help="no tables")


def _bench(arguments: argparse.Namespace) -> None:
    usual = [name for name, subject in SUBJECTS.items() if subject.usual or arguments.all]
    subjects = list(dict.fromkeys(arguments.only or usual))
    wanted = dict.fromkeys(peer for name in subjects for peer in SUBJECTS[name].peers)
    seconds = arguments.seconds or (0.6 if arguments.all else 0.1)
    results: dict[str, list[Row]] = {}
    with equal_threads(arguments.threads, wanted) as (found, remarks):
        about = machine(arguments.threads, found)
        if wanted and not found:
            remarks.append("no peer is installed: the times are ranvier's own")
        if not arguments.quiet:
            print(", ".join(f"{name} {text}" for name, text in about.items()), end="\n\n")
            print(*remarks, sep="\n", end="\n" if remarks else "")
        scope = Scope(frozenset(found), arguments.all, seconds)
        for name in subjects:
            try:
                results[name], more = _measured(name, scope, arguments.quiet)
            except Disagreement as error:
                raise UsageError(f"{name}: {error}") from None
            remarks += more
            if not arguments.quiet:
                _show(name, results[name], more)
    if arguments.json:
        report = {
            "machine": about,
            "remarks": remarks,
            "results": {name: [_record(row) for row in rows] for name, rows in results.items()},
        }
        print(json.dumps(report, allow_nan=False), flush=True)


def _measured(name: str, scope: Scope, quiet: bool) -> tuple[list[Row], list[str]]:
    """The rows of a subject, and remarks."""
    module = importlib.import_module(f"...bench.{name}", __name__)
    rows: list[Row] = []
    remarks: list[str] = []
    with warnings.catch_warnings(), _status(name, quiet) as say:
        warnings.simplefilter("ignore")  # what a peer says of its own functions
        for row in module.rows(scope):
            if isinstance(row, Row):
                rows.append(row)
                say(f"{name}: {row.name}, {row.size}")
            else:
                remarks.append(row)
    return rows, remarks


@contextmanager
def _status(name: str, quiet: bool) -> Iterator[Any]:
    """A line on the terminal that says how far it is; a function that changes it."""
    try:
        from rich.console import Console
    except ImportError:
        quiet = True
    if quiet or sys.stderr is None or not sys.stderr.isatty():
        yield lambda _: None
        return
    # It moves when it is told to only: a thread that draws would disturb what is measured.
    with Console(stderr=True, markup=False, emoji=False).status(name, refresh_per_second=0.01) as s:
        yield s.update


def _show(name: str, rows: Sequence[Row], remarks: Sequence[str]) -> None:
    print(*remarks, sep="\n", end="\n" if remarks else "")
    if not rows:
        return
    contenders = list(dict.fromkeys(each for row in rows for each in row.microseconds))
    ratios = [row.ratio for row in rows if row.ratio is not None]
    header = ["", "size", *contenders]
    lines = [
        [row.name, row.size, *(_time(row.microseconds.get(each)) for each in contenders)]
        for row in rows
    ]
    if ratios:
        header.append("ratio")
        for line, row in zip(lines, rows, strict=True):
            line.append("" if row.ratio is None else f"{row.ratio:.2f}")
    _table.show(lines, header, SUBJECTS[name].title)
    if ratios:
        mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
        slower = sum(ratio < 1 for ratio in ratios)
        print(
            f"ratio: time of the fastest peer over ranvier's; {mean:.2f} in the geometric mean, "
            f"below 1 in {slower} of {len(ratios)}\n"
        )


def _time(microseconds: float | None) -> str:
    """Three digits and a unit."""
    if microseconds is None:
        return ""
    units = {"s": 1e6, "ms": 1e3, "µs": 1.0}
    unit = next((name for name, size in units.items() if microseconds >= size), "µs")
    value = microseconds / units[unit]
    return f"{value:.{max(0, 2 - math.floor(math.log10(value)))}f} {unit}"


def _record(row: Row) -> dict[str, Any]:
    return {
        "name": row.name,
        "size": row.size,
        "microseconds": {name: float(f"{t:.4g}") for name, t in row.microseconds.items()},
        "ratio": None if row.ratio is None else float(f"{row.ratio:.4g}"),
    }
