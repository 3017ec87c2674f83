"""Side-by-side timing: interleaved rounds in one process, medians, ratios."""

from __future__ import annotations

import platform
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

Run = Callable[[], Any]
SECONDS = 0.6  # what one contender may take for a row, about


@dataclass(frozen=True)
class Row:
    """One line of a table: microseconds for each contender, ranvier among them."""

    name: str
    size: str
    microseconds: Mapping[str, float]

    @property
    def ratio(self) -> float:
        """Time of the fastest peer over ranvier's: above 1, ranvier is faster."""
        others = ("ranvier", "products")  # the bare matrix products are no peer
        peers = [t for name, t in self.microseconds.items() if name not in others]
        own = self.microseconds.get("ranvier", float("nan"))
        return min(peers, default=float("nan")) / own


def interleave(runs: Mapping[str, Run], rounds: int = 15) -> dict[str, float]:
    """Median microseconds a call of each run; the rounds of all runs take turns.

    Parameters
    ----------
    runs : mapping of str to callable
    rounds : int
        Measurements of each; a fast call is repeated within one.
    """
    repeats = {}
    for name, run in runs.items():
        run()  # warm up: page faults, thread pools, compilation
        start = time.perf_counter()
        run()
        once = max(time.perf_counter() - start, 1e-7)
        repeats[name] = max(1, int(SECONDS / rounds / once))
    samples: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            count = repeats[name]
            start = time.perf_counter()
            for _ in range(count):
                run()
            samples[name].append((time.perf_counter() - start) / count)
    return {name: statistics.median(times) * 1e6 for name, times in samples.items()}


def check(name: str, got: Any, expected: Any, rtol: float, atol: float = 0.0) -> None:
    """Stop if two contenders do not compute the same thing: a time would mean nothing."""
    np.testing.assert_allclose(
        np.asarray(got, np.float64),
        np.asarray(expected, np.float64),
        rtol=rtol,
        atol=atol,
        err_msg=f"{name}: the contenders disagree",
    )


def machine() -> dict[str, str]:
    """What the numbers were measured on."""
    model = platform.processor() or "unknown"
    try:
        with open("/proc/cpuinfo") as lines:
            model = next(line.split(":")[1].strip() for line in lines if "model name" in line)
    except (OSError, StopIteration):
        pass
    return {"processor": model, "system": platform.platform(), "python": platform.python_version()}


def markdown(rows: list[Row]) -> str:
    """A table: a row each, the ratio to the fastest peer last."""
    names = list(dict.fromkeys(name for row in rows for name in row.microseconds))
    lines = [
        "| what | size | " + " | ".join(f"{n}, us" for n in names) + " | fastest peer / ranvier |",
        "|---|---|" + "---|" * (len(names) + 1),
    ]
    for row in rows:
        cells = " | ".join(
            f"{row.microseconds[n]:.3g}" if n in row.microseconds else "" for n in names
        )
        lines.append(f"| {row.name} | {row.size} | {cells} | {row.ratio:.2f} |")
    return "\n".join(lines)
