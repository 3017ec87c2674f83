"""Side-by-side timing: interleaved rounds in one process, medians, ratios."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

__all__ = ["Disagreement", "Row", "Run", "Scope", "check", "interleave"]

Run = Callable[[], Any]
_T = TypeVar("_T")

_NO_PEERS = ("ranvier", "products")  # the bare matrix products are beside, not a peer


class Disagreement(Exception):
    """Two contenders do not compute the same thing: a time would mean nothing."""


@dataclass(frozen=True)
class Scope:
    """What is measured, and beside whom.

    Attributes
    ----------
    peers : collection of str
        Those that are there: "torch", "jax", "scipy", "scikit-learn".
    everything : bool
        Every name and size, and not only a few of them.
    seconds : float
        What one contender may take for a row, about.
    """

    peers: Collection[str] = ()
    everything: bool = False
    seconds: float = 0.1

    def choose(self, few: Sequence[_T], everything: Sequence[_T]) -> Sequence[_T]:
        """The one or the other."""
        return everything if self.everything else few


@dataclass(frozen=True)
class Row:
    """One line of a table: microseconds for each contender, ranvier among them."""

    name: str
    size: str
    microseconds: Mapping[str, float]

    @property
    def ratio(self) -> float | None:
        """Time of the fastest peer over ranvier's: above 1, ranvier is faster."""
        peers = [t for name, t in self.microseconds.items() if name not in _NO_PEERS]
        return min(peers) / self.microseconds["ranvier"] if peers else None


def interleave(runs: Mapping[str, Run], seconds: float, rounds: int = 15) -> dict[str, float]:
    """Median microseconds a call of each run; the rounds of all runs take turns.

    Parameters
    ----------
    runs : mapping of str to callable
    seconds : float
        For all rounds of a run, about.
    rounds : int
        Measurements of each; a fast call is repeated within one.
    """
    repeats = {}
    for name, run in runs.items():
        run()  # warm up: page faults, thread pools, compilation
        start = time.perf_counter()
        run()
        once = max(time.perf_counter() - start, 1e-7)
        repeats[name] = max(1, int(seconds / rounds / once))
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
    """Stop if two contenders do not compute the same thing."""
    got, expected = np.asarray(got, np.float64), np.asarray(expected, np.float64)
    if got.shape != expected.shape:
        raise Disagreement(f"{name} has shape {got.shape}; ranvier's has {expected.shape}")
    wrong = ~np.isclose(got, expected, rtol, atol, equal_nan=True)
    if wrong.any():
        raise Disagreement(
            f"{name} is {got[wrong][0]:.9g} where ranvier's is {expected[wrong][0]:.9g}; expected "
            "the same"
        )
