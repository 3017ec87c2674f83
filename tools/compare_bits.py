"""Compares what ranvier_bits has printed on two machines: python tools/compare_bits.py FILE FILE"""

from __future__ import annotations

import sys
from pathlib import Path


def main(first: str, second: str) -> str | None:
    lines = [Path(name).read_text().splitlines() for name in (first, second)]
    names, others = ([line.rpartition(" ")[0] for line in each] for each in lines)
    if not names:
        return f"{first} is empty"
    if names != others:
        return f"{first} and {second} are not of the same operations"
    different = [name for name, a, b in zip(names, *lines, strict=True) if a != b]
    print(f"{len(names)} results, {len(different)} differ", *different, sep="\n    ")
    return f"{first} and {second} differ in their bits" if different else None


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
