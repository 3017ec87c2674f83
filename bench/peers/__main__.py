"""Run the comparison: python -m bench.peers [--only NAME] [--all-peers] [--json FILE]."""

from __future__ import annotations

import argparse
import importlib
import json
import math
import sys
from importlib.metadata import PackageNotFoundError, version

import ranvier as rv

from . import timing
from .timing import Row, machine, markdown

SUBJECTS = (
    "activations",
    "gates",
    "layers",
    "reductions",
    "losses",
    "optimizers",
    "training",
    "layouts",
)
PACKAGES = ("ranvier", "numpy", "torch", "jax", "scipy", "scikit-learn")


def _versions() -> dict[str, str]:
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _set_threads(n: int) -> None:
    rv.set_num_threads(n)
    import torch

    torch.set_num_threads(n)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.peers", description=__doc__)
    parser.add_argument("--only", action="append", choices=SUBJECTS, help="a subject; repeatable")
    parser.add_argument("--all-peers", action="store_true", help="JAX, SciPy and scikit-learn too")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=0.6, help="for each contender and row")
    parser.add_argument("--json", metavar="FILE", help="write the results there as well")
    options = parser.parse_args()
    _set_threads(options.threads)
    timing.SECONDS = options.seconds

    about = {**machine(), **_versions(), "threads": str(options.threads)}
    about["instruction set"] = rv.runtime.config()["instruction set"]
    print(", ".join(f"{k}: {v}" for k, v in about.items()))
    results: dict[str, list[Row]] = {}
    for subject in options.only or SUBJECTS:
        module = importlib.import_module(f".{subject}", __package__)
        rows = []
        for row in module.rows(options.all_peers):
            rows.append(row)
            print(f"{row.name} {row.size}: {row.ratio:.2f}", file=sys.stderr, flush=True)
        results[subject] = rows
        ratios = [row.ratio for row in rows if row.ratio == row.ratio]
        mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
        below = sum(r < 1 for r in ratios)
        print(f"\n## {subject}\n\n{markdown(rows)}\n")
        print(f"Geometric mean {mean:.2f}; {below} of {len(ratios)} below 1.")
    if options.json:
        with open(options.json, "w") as file:
            json.dump(
                {
                    "machine": about,
                    "results": {
                        subject: [
                            {
                                "name": row.name,
                                "size": row.size,
                                "microseconds": dict(row.microseconds),
                                "ratio": row.ratio,
                            }
                            for row in rows
                        ]
                        for subject, rows in results.items()
                    },
                },
                file,
                indent=2,
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
